"""The receipts root under Prague rules, on anvil: a block with every kind of transaction but blobs."""

from __future__ import annotations

import time
from typing import Any

from eth_account import Account

from deedbook.chain.proofs import decode_header, encode_header
from deedbook.chain.receipts import check_logs
from deedbook.domain.hashing import keccak256, to_hex
from tests.bench.chain import CHAIN_ID, running

KEY = keccak256(b"sends")
LOGS = "0x602a6000527f" + "11" * 32 + "60206000a1"
"""Creation code that logs 42 under one topic and goes on."""


def test_a_block_of_every_kind_is_proven() -> None:
    sender = Account.from_key(KEY)
    delegate = Account.sign_authorization(
        {"chainId": CHAIN_ID, "address": "0x" + "99" * 20, "nonce": 0}, keccak256(b"delegates")
    )
    fees: dict[str, Any] = {"maxFeePerGas": 10**9, "maxPriorityFeePerGas": 0}
    kinds: list[dict[str, Any]] = [
        {"gasPrice": 10**9, "data": LOGS + "00"},
        {"gasPrice": 10**9, "data": LOGS + LOGS[2:] + "00", "accessList": []},
        {**fees, "data": LOGS + "00"},
        {**fees, "data": "0x", "to": sender.address, "authorizationList": [delegate]},
        {**fees, "data": LOGS + "fe"},
    ]
    with running("prague") as chain:
        node = chain.node
        node.request("anvil_setBalance", [sender.address, hex(10**20)])
        node.request("evm_setAutomine", [False])
        for nonce, fields in enumerate(kinds):
            transaction = {"chainId": CHAIN_ID, "nonce": nonce, "gas": 200_000, "value": 0, **fields}
            raw = Account.sign_transaction(transaction, KEY).raw_transaction
            last = node.request("eth_sendRawTransaction", [to_hex(bytes(raw))])
        node.request("evm_mine", [])
        receipt = _receipt(node, last)
        block = node.request("eth_getBlockByNumber", [receipt["blockNumber"], False])
        receipts = node.request("eth_getBlockReceipts", [receipt["blockNumber"]])
    header = decode_header(encode_header(block))
    assert to_hex(header.hash) == block["hash"]
    assert [each["type"] for each in receipts] == ["0x0", "0x1", "0x2", "0x4", "0x2"]
    assert [each["status"] for each in receipts] == ["0x1", "0x1", "0x1", "0x1", "0x0"]
    assert [log.tx_index for log in check_logs(header, receipts)] == [0, 1, 1, 2]


def _receipt(node: Any, transaction: str) -> Any:
    for _ in range(600):  # anvil answers before its block is there
        found = node.request("eth_getTransactionReceipt", [transaction])
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("no block")
