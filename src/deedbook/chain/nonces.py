"""Who used a nonce: the transaction that did, found in a final block.

A receipt that a node does not give proves nothing: nodes drop old look-ups, build them late, and some answer nothing
where they should fail. An account's nonce is used by exactly one transaction of the canonical chain, and blocks hold
their transactions whole; so before an intent is taken to have lost its nonce to another transaction, that one is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deedbook.chain.client import Node, NodeError
from deedbook.domain.hashing import to_hex
from deedbook.errors import ChainUnavailable

AT_ONCE = 16
"""How many whole blocks are asked for in one batch."""


def user_of(node: Node, account: bytes, nonce: int, final: int) -> tuple[int, str] | None:
    """The number of the block and the hash (0x-hex text) of the account's transaction of this nonce, in the blocks up
    to `final`; None where the node counts no such nonce as used there.

    The counts of old blocks lead to it (log2 questions) as far as the node still has their state; from there on down
    whole blocks are read. Raises ChainUnavailable where it is not found though it must be there.
    """
    if (_count(node, account, final) or 0) <= nonce:
        return None
    low, high = 0, final
    while low < high:
        middle = (low + high) // 2
        count = _count(node, account, middle)
        if count is None:  # the state is gone: the blocks are not
            break
        low, high = (low, middle) if count > nonce else (middle + 1, high)
    for top in range(high, low - 1, -AT_ONCE):
        numbers = range(top, max(top - AT_ONCE, low - 1), -1)
        blocks = node.batch([("eth_getBlockByNumber", [hex(number), True]) for number in numbers])
        for number, block in zip(numbers, blocks, strict=True):
            found = _of(block, account, nonce)
            if found is not None:
                return number, found
    raise ChainUnavailable("the node counts a nonce as used and has no transaction of it", nonce=nonce)


def _count(node: Node, account: bytes, block: int) -> int | None:
    try:
        return int(node.request("eth_getTransactionCount", [to_hex(account), hex(block)]), 16)
    except (NodeError, TypeError, ValueError):
        return None


def _of(block: Any, account: bytes, nonce: int) -> str | None:
    """The hash of the account's transaction of this nonce, where the block holds it. Raises ChainUnavailable."""
    if not isinstance(block, Mapping):
        raise ChainUnavailable("the node gives no block")
    try:
        for transaction in block["transactions"]:
            if int(transaction["nonce"], 16) == nonce and transaction["from"].lower() == to_hex(account):
                return str(transaction["hash"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainUnavailable("the node gives a malformed block") from error
    return None
