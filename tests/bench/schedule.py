"""What a transaction cannot do without, by the fee schedule: the floor beside every measured act.

Counted from the transaction as it was mined: 21,000, its calldata (EIP-2028), every storage word that it left changed
(EIP-2929, refunds by EIP-3529), its logs, its precompiles, and the contracts that it created. Everything above is
code, checks that read other words, and calls between contracts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deedbook.domain.hashing import from_hex
from tests.bench.chain import Chain, Receipt

TRANSACTION = 21_000
ZERO_BYTE, OTHER_BYTE = 4, 16
NEW_WORD, CHANGED_WORD, CLEARED_REFUND = 22_100, 5_000, 4_800
LOG, TOPIC, LOG_BYTE = 375, 375, 8
CREATION, CODE_BYTE = 32_000, 200
MOST_REFUNDED = 5
"""A fifth of what was used (EIP-3529)."""


@dataclass(frozen=True, slots=True)
class Floor:
    """The parts of the least that a transaction costs, in gas; `size` is its calldata in bytes."""

    size: int
    calldata: int
    words: int
    logs: int
    precompiles: int
    creations: int
    refund: int

    @property
    def total(self) -> int:
        """The whole of it."""
        spent = TRANSACTION + self.calldata + self.words + self.logs + self.precompiles + self.creations
        return spent - min(self.refund, spent // MOST_REFUNDED)

    @property
    def intrinsic(self) -> int:
        """What is paid before the first instruction."""
        return TRANSACTION + self.calldata


def floor_of(chain: Chain, receipt: Receipt) -> Floor:
    """The floor of a mined transaction."""
    data = from_hex(chain.transaction(receipt)["input"], "input")
    changes = chain.trace(receipt, "prestateTracer", diffMode=True)
    words, refund = _words(changes)
    return Floor(
        size=len(data),
        calldata=calldata_gas(data),
        words=words,
        logs=sum(_log(log) for log in receipt["logs"]),
        precompiles=sum(_precompiles(chain.trace(receipt, "callTracer"))),
        creations=sum(_creation(change, changes["pre"].get(place)) for place, change in changes["post"].items()),
        refund=refund,
    )


def calldata_gas(data: bytes) -> int:
    """What calldata costs by its bytes."""
    zeros = data.count(0)
    return zeros * ZERO_BYTE + (len(data) - zeros) * OTHER_BYTE


def _words(changes: Mapping[str, Any]) -> tuple[int, int]:
    """Gas and refund of the words that ended otherwise than they began. The tracer leaves zeros out."""
    gas = refund = 0
    for place in changes["pre"].keys() | changes["post"].keys():
        before = _storage(changes["pre"], place)
        after = _storage(changes["post"], place)
        for word in before.keys() | after.keys():
            old, new = before.get(word, 0), after.get(word, 0)
            if old != new:
                gas += CHANGED_WORD if old else NEW_WORD
                refund += CLEARED_REFUND if old and not new else 0
    return gas, refund


def _storage(state: Mapping[str, Any], place: str) -> dict[str, int]:
    return {word: int(value, 16) for word, value in state.get(place, {}).get("storage", {}).items()}


def _log(log: Mapping[str, Any]) -> int:
    return LOG + TOPIC * len(log["topics"]) + LOG_BYTE * (len(log["data"]) // 2 - 1)


def _precompiles(call: Mapping[str, Any]) -> Iterator[int]:
    """The gas of every call to the precompiles that compute what the EVM cannot: ecrecover and SHA-256."""
    if int(call.get("to") or "0xff", 16) in (1, 2):
        yield int(call["gasUsed"], 16)
    for inner in call.get("calls", ()):
        yield from _precompiles(inner)


def _creation(after: Mapping[str, Any], before: Mapping[str, Any] | None) -> int:
    if not after.get("code") or (before or {}).get("code"):
        return 0
    return CREATION + CODE_BYTE * (len(after["code"]) // 2 - 1)
