"""The tree of a log in tiles (C2SP tlog-tiles): runs of up to 256 hashes, from which any root and proof is made.

A tile at level L, position N holds the roots of the full subtrees of 256^L leaves from the leaf N * 256^(L+1) on; at
level 0 the leaf hashes (`merkle.rfc9162_leaf`). Tiles only grow: one of an earlier size is the beginning of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from deedbook.domain.hashing import cut, sha256
from deedbook.domain.merkle import rfc9162_node, rfc9162_root_of_hashes
from deedbook.errors import InvalidInput

WIDTH: Final = 256
"""Hashes of a full tile."""
HEIGHT: Final = 8
"""Levels of the tree that a tile spans."""
MOST_SIZE: Final = 2**63 - 1
"""The largest size of a log that is kept."""

Tile = tuple[int, int]
"""Level and position."""
TileOf = Callable[[int, int], bytes]
"""The hashes (32 bytes each) of a tile, by level and position; of the newest size, or of any that is large enough."""

_PATH: Final = re.compile(r"(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class TilePath(NamedTuple):
    """Where a tile stands, and how many hashes of it are meant: 256, or fewer for a partial one."""

    level: int
    position: int
    width: int

    @property
    def text(self) -> str:
        """As the layout writes it: `0/x001/x234/067`, `0/000.p/7`."""
        thousands, rest = [], self.position
        while rest >= 1000:
            rest, part = divmod(rest, 1000)
            thousands.append(f"{part:03}")
        parts = [f"{rest:03}", *reversed(thousands)]
        name = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
        return f"{self.level}/{name}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @classmethod
    def of(cls, text: str) -> TilePath:
        """The tile of a path. Raises InvalidInput (`tile`) for one that the layout does not write."""
        found = _PATH.fullmatch(text)
        if found is None or len(text) > 80:
            raise InvalidInput("tile", "is no path of the tlog-tiles layout")
        position = int(found[2].replace("x", "").replace("/", ""))
        path = cls(int(found[1]), position, int(found[3] or WIDTH))
        if path.text != text or path.level > 63:
            raise InvalidInput("tile", "is no path of the tlog-tiles layout")
        return path


def tiles_of(size: int, former: int = 0) -> Iterator[TilePath]:
    """The tiles of a log of `size` leaves that one of `former` does not have, level by level."""
    level = 0
    while size:
        for position in range(former // WIDTH, size // WIDTH):
            yield TilePath(level, position, WIDTH)
        if size % WIDTH and size != former:
            yield TilePath(level, size // WIDTH, size % WIDTH)
        size, former, level = size // WIDTH, former // WIDTH, level + 1


def width_at(size: int, level: int, position: int) -> int:
    """How many hashes a tile has in a log of `size` leaves: 0 to 256."""
    return max(0, min(WIDTH, (size >> HEIGHT * level) - position * WIDTH))


def appended(tile_of: TileOf, size: int, leaf_hashes: Sequence[bytes]) -> dict[Tile, bytes]:
    """What the tiles are that change when leaf hashes (32 bytes each) are added to `size` others. Raises InvalidInput
    (`size`) where the log would be too large."""
    if size + len(leaf_hashes) > MOST_SIZE:
        raise InvalidInput("size", "is more than a log can hold")
    changed: dict[Tile, bytes] = {}
    level, fresh = 0, list(leaf_hashes)
    while fresh:
        filled = []
        position, there = divmod(size, WIDTH)
        before = tile_of(level, position)[: 32 * there] if there else b""
        while fresh:
            room = WIDTH - len(before) // 32
            tile = changed[level, position] = before + b"".join(fresh[:room])
            if len(tile) == 32 * WIDTH:
                filled.append(rfc9162_root_of_hashes(cut(tile, 32)))
            fresh, position, before = fresh[room:], position + 1, b""
        level, size, fresh = level + 1, size // WIDTH, filled
    return changed


class TiledTree:
    """Roots and proofs of a log as of any size up to `size` (RFC 9162, 2.1), read from its tiles; each is read once.

    What the tiles lack raises as `tile_of` does.
    """

    def __init__(self, tile_of: TileOf, size: int) -> None:
        self._tile_of = tile_of
        self._tiles: dict[Tile, bytes] = {}
        self.size = size

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`. Raises InvalidInput out of range."""
        self._require("index", index, index + 1)
        return self._node(0, index)

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves; SHA-256 of nothing for none. Raises InvalidInput out of range."""
        self._require("size", size, size)
        return self._range(0, size) if size else sha256(b"")

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The inclusion proof (2.1.3.1) of the leaf at `index` in the first `size`, from the leaf up. Raises
        InvalidInput out of range."""
        self._require("size", size, size)
        if not 0 <= index < size:
            raise InvalidInput("index", f"is not below the size {size}")
        proof, first, end = [], 0, size
        while end - first > 1:
            middle = first + _half(end - first)
            if index < middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(first, middle))
                first = middle
        return tuple(reversed(proof))

    def consistency(self, former: int, size: int) -> tuple[bytes, ...]:
        """The consistency proof (2.1.4.1) from the first `former` leaves to the first `size`; empty where they are
        equal. Raises InvalidInput out of range."""
        self._require("size", size, size)
        if not 0 < former <= size:
            raise InvalidInput("formerSize", f"is not between 1 and the size {size}")
        proof, first, end, whole = [], 0, size, True
        while former < end:
            middle = first + _half(end - first)
            if former <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(first, middle))
                first, whole = middle, False
        return tuple(([] if whole else [self._range(first, end)]) + proof[::-1])

    def _require(self, field: str, value: int, size: int) -> None:
        if value < 0 or size > self.size:
            raise InvalidInput(field, f"is not within the log of {self.size} entries")

    def _range(self, first: int, end: int) -> bytes:
        """The tree hash of leaves [first, end); `first` is a multiple of the power of two that is not below their
        number."""
        count = end - first
        if count & (count - 1) == 0:
            height = count.bit_length() - 1
            return self._node(height, first >> height)
        middle = first + _half(count)
        return rfc9162_node(self._range(first, middle), self._range(middle, end))

    def _node(self, height: int, index: int) -> bytes:
        """The root of the full subtree of 2^height leaves, `index` such ones before it."""
        level, above = divmod(height, HEIGHT)
        position, place = divmod(index << above, WIDTH)
        if (level, position) not in self._tiles:
            self._tiles[level, position] = self._tile_of(level, position)
        return rfc9162_root_of_hashes(cut(self._tiles[level, position][32 * place : 32 * (place + (1 << above))], 32))


def _half(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << (count - 1).bit_length() - 1
