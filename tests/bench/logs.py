"""A log of millions of entries that fits in a few lines: every entry is the same, so its RFC 9162 roots and proofs,
which are the true ones, follow from one hash a level."""

from __future__ import annotations

from functools import cache

from deedbook.domain.merkle import rfc9162_leaf, rfc9162_node


class UniformLog:
    """A log all of whose entries are `entry`; hashes of 32 bytes."""

    def __init__(self, entry: bytes) -> None:
        self._leaf = rfc9162_leaf(entry)
        self.root = cache(self._root)

    def consistency(self, former: int, size: int) -> list[bytes]:
        """The consistency proof from `former` to `size` entries (RFC 9162, 2.1.4.1); 0 < former <= size."""
        return self._subproof(former, size, True)

    def _root(self, size: int) -> bytes:
        """The root of the first `size` entries, at least one (RFC 9162, 2.1.1)."""
        if size == 1:
            return self._leaf
        left = _split(size)
        return rfc9162_node(self.root(left), self.root(size - left))

    def _subproof(self, former: int, size: int, whole: bool) -> list[bytes]:
        if former == size:
            return [] if whole else [self.root(size)]
        left = _split(size)
        if former <= left:
            return [*self._subproof(former, left, whole), self.root(size - left)]
        return [*self._subproof(former - left, size - left, False), self.root(left)]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
