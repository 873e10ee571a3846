"""The embedded chain: an EVM ledger in one SQLite file, for those who run no node.

`store` keeps bytes and knows no EVM; `transactions` and `blocks` read and write the wire forms; `machine` is the one
module that imports py-evm; `chain` puts them together; `rpc`, `server` and `provider` are its three doors (method
table, HTTP on loopback, web3). Importing the package imports none of them.
"""
