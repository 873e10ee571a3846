"""Keccak-256 of many things at once, and many logs folded into journals.

The kernel `_keccak` does it where it could be compiled: four at a time, several times as fast.
`Plain` says what it does, and does it elsewhere; both give the same bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final, Protocol

from deedbook.domain.hashing import keccak256

NO_SLOT: Final = -1
"""In the place of a slot: none."""
_HEAD: Final = 32
_TAIL: Final = 64


class Keccaks(Protocol):
    """What both ways do."""

    @property
    def WAY(self) -> str:  # noqa: N802 - a constant of a module
        """How: "plain", or what the kernel found in the processor."""

    def keccak256_rows(self, rows: bytes | memoryview, width: int, /) -> bytes:
        """The hashes, 32 bytes each, of rows of `width` bytes. Raises ValueError where there is a part of a row."""

    def keccak256_each(self, items: Iterable[bytes], /) -> bytes:
        """The hashes, 32 bytes each, of these in order."""

    def fold_heads(self, heads: bytes, tails: bytes | memoryview, slots: bytes | memoryview, width: int, /) -> bytes:
        """Journal heads (32 bytes each) after logs in order: each has a tail (64 bytes), which is hashed behind the
        heads of its slots: `width` places among them as int32 of this machine's, -1 for none, all of them different.
        Raises ValueError for other sizes, or a place where no head is."""


class Plain:
    """Without the kernel."""

    WAY = "plain"

    @staticmethod
    def keccak256_rows(rows: bytes | memoryview, width: int, /) -> bytes:
        """As `Keccaks`."""
        whole = bytes(rows)
        if width < 1 or len(whole) % width:
            raise ValueError("the rows are not of this width")
        return b"".join([keccak256(whole[at : at + width]) for at in range(0, len(whole), width)])

    @staticmethod
    def keccak256_each(items: Iterable[bytes], /) -> bytes:
        """As `Keccaks`."""
        return b"".join(map(keccak256, items))

    @staticmethod
    def fold_heads(heads: bytes, tails: bytes | memoryview, slots: bytes | memoryview, width: int, /) -> bytes:
        """As `Keccaks`."""
        known = [heads[at : at + _HEAD] for at in range(0, len(heads), _HEAD)]
        places, behind = array("i", bytes(slots)), bytes(tails)
        logs, part = divmod(len(behind), _TAIL)
        if width < 1 or part or len(heads) % _HEAD or len(places) != logs * width:
            raise ValueError("heads, tails and slots are not of their sizes")
        if max(places, default=-1) >= len(known):
            raise ValueError("there is no head in this slot")
        for log in range(logs):
            tail = behind[_TAIL * log : _TAIL * (log + 1)]
            for slot in places[width * log : width * (log + 1)]:
                if slot >= 0:
                    known[slot] = keccak256(known[slot] + tail)
        return b"".join(known)


def _chosen() -> Keccaks:
    try:
        from deedbook.domain import _keccak
    except ImportError:
        return Plain()
    return _keccak


KECCAKS: Final = _chosen()
"""The faster of the two that is there."""
