"""The desks: for each role of the ledger what its members do there, on one page, by account.

    /explore/desks                          the members, and the desks that their roles give them
    /explore/desk/provider/0x...            what this member holds, offers and sold; so for every role

A desk shows what is on chain. What is done at one is drafted here, signed in the member's own wallet, and relayed: see
`acts`. Where the service asks who somebody is, the member signs in there with that wallet first.
"""
