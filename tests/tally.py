"""What the chain itself says of intents: a contract counts its calls by word, so no database is asked how often.

An intent's word is the hash of its key. `Tally.sol` adds one to the word and logs the sum; a second call of the same
intent is there for everybody to see, in storage and in the logs. Knows nothing of outboxes or senders.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from deedbook.chain.client import Node, NodeError
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.domain.intents import Intent

_MADE: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "integration" / "probe" / "tally.json").read_text(encoding="utf-8")
)
ABI: Final[list[dict[str, Any]]] = _MADE["abi"]
CODE: Final = from_hex(_MADE["bytecode"], "bytecode")
COUNTED: Final = keccak256(b"Counted(bytes32,uint256)")
PAGE: Final = 200
"""Blocks whose logs are asked for at once."""

_COUNT = keccak256(b"count(bytes32)")[:4]
_TIMES = keccak256(b"times(bytes32)")[:4]


def word_of(key: str, *, refused: bool = False) -> bytes:
    """The 32 bytes by which a key is counted; those of a `refused` one begin with 0xff, which the contract rejects."""
    return (b"\xff" if refused else b"\0") + keccak256(key.encode())[1:]


def call_of(word: bytes) -> bytes:
    """Calldata that counts a word."""
    return _COUNT + word


def intent_of(key: str, signer: bytes, tally: bytes, word: bytes) -> Intent:
    """The intent to count a word once."""
    return Intent(key, signer, tally, "AnchorLog", "count", call_of(word))  # decoders know our contracts only


def logged(node: Node, tally: bytes, since: int = 0) -> Counter[bytes]:
    """How often each word was counted in the canonical blocks from `since` on, by the logs.

    Raises AssertionError where a log's own sum differs from that.
    """
    found: Counter[bytes] = Counter()
    highest: Counter[bytes] = Counter()
    last = int(node.request("eth_blockNumber", []), 16)
    for first in range(since, last + 1, PAGE):
        span = {"fromBlock": hex(first), "toBlock": hex(min(first + PAGE - 1, last))}
        for log in node.request("eth_getLogs", [{"address": to_hex(tally), "topics": [to_hex(COUNTED)], **span}]):
            word = from_hex(log["topics"][1], "word", 32)
            found[word] += 1
            highest[word] = max(highest[word], int(log["data"], 16))
    assert found == highest, "the logs' own sums differ from the number of logs"
    return found


def stored(node: Node, tally: bytes, words: Iterable[bytes], batch: int = 500) -> Counter[bytes]:
    """How often each of the words was counted by now, by the contract's storage."""
    wanted, found = list(words), Counter[bytes]()
    for start in range(0, len(wanted), batch):
        part = wanted[start : start + batch]
        calls = [("eth_call", [{"to": to_hex(tally), "data": to_hex(_TIMES + word)}, "latest"]) for word in part]
        for word, answer in zip(part, node.batch(calls), strict=True):
            assert not isinstance(answer, NodeError), answer
            found[word] = int(answer, 16)
    return found
