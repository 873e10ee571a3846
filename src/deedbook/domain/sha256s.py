"""SHA-256 of many short things at once (FIPS 180-4).

The kernel `_sha256` does it where it could be compiled: several times as fast as one call for each.
`Plain` says what it does, and does it elsewhere; both give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final, Protocol

LONGEST: Final = 63
"""Bytes of a prefix: less than a block of SHA-256."""


class Sha256s(Protocol):
    """What both ways do."""

    @property
    def WAY(self) -> str:  # noqa: N802 - a constant of a module
        """How: "plain", "anywhere", or by the processor's "instructions"."""

    def sha256_rows(self, rows: bytes | memoryview, width: int, prefixes: tuple[bytes, ...], /) -> bytes:
        """The hashes, 32 bytes each, of every row of `width` bytes behind each of the prefixes: those of the first row,
        then those of the second. Raises ValueError where there is a part of a row, or a prefix of more than LONGEST."""

    def sha256_each(self, items: Iterable[bytes], /) -> bytes:
        """The hashes, 32 bytes each, of these in order."""


class Plain:
    """Without the kernel."""

    WAY = "plain"

    @staticmethod
    def sha256_rows(rows: bytes | memoryview, width: int, prefixes: tuple[bytes, ...], /) -> bytes:
        """As `Sha256s`."""
        whole, digest = bytes(rows), hashlib.sha256
        if max(map(len, prefixes), default=0) > LONGEST:
            raise ValueError("a prefix is not shorter than a block")
        if width < 1 or len(whole) % width:
            raise ValueError("the rows are not of this width")
        each = [whole[at : at + width] for at in range(0, len(whole), width)]
        return b"".join([digest(prefix + row).digest() for row in each for prefix in prefixes])

    @staticmethod
    def sha256_each(items: Iterable[bytes], /) -> bytes:
        """As `Sha256s`."""
        digest = hashlib.sha256
        return b"".join([digest(item).digest() for item in items])


def _chosen() -> Sha256s:
    try:
        from deedbook.domain import _sha256
    except ImportError:
        return Plain()
    return _sha256


SHA256S: Final = _chosen()
"""The faster of the two that is there."""
