"""A payload as one object in the store: all sealed units of a version, each of them reachable and provable alone.

    object  = header || offsets || tree || units
    header  = "DBPL" || u8 1 || assetId(32) || u32 version || u64 count                            (49 bytes)
    offsets = count + 1 times u64: where unit i starts in the object; the last is the object's length
    tree    = SHA-256(unit i) for every i; then, above its RFC 9162 leaf hashes, each level of nodes up to the root,
              a last node without a sibling being carried up unchanged (32 bytes each; count 1: no level above)
    units   = the sealed units (format 15) in record order, without gaps; a withdrawn record's is empty

The root is the version's `contentRoot`. Nothing read is trusted: a unit counts only with its path to that root.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Protocol

from deedbook.domain.hashing import sha256
from deedbook.domain.merkle import rfc9162_leaf, rfc9162_node, rfc9162_root, verify_rfc9162_inclusion
from deedbook.errors import CorruptStore, InvalidInput, SealBroken

MAGIC = b"DBPL"
OBJECT_VERSION = 1
_HEADER = 49
_OFFSET = 8
_HASH = 32


class Ranges(Protocol):
    """What a reader needs of an object store."""

    def size(self, key: str) -> int:
        """Bytes of an object."""

    def get_ranges(self, key: str, starts: Sequence[int], lengths: Sequence[int]) -> list[bytes]:
        """Several ranges of an object."""


def encode_payload(asset_id: int, version: int, units: Sequence[bytes], unit_hashes: Sequence[bytes]) -> bytes:
    """The object of these units and their SHA-256."""
    tree = b"".join((*unit_hashes, *(node for level in _levels_above(unit_hashes) for node in level)))
    first = _HEADER + _OFFSET * (len(units) + 1) + len(tree)
    offsets = accumulate(map(len, units), initial=first)
    return b"".join(
        (_header(asset_id, version, len(units)), *(at.to_bytes(_OFFSET, "big") for at in offsets), tree, *units)
    )


class PayloadObject:
    """Reads one payload object whose asset, version, count and content root are known from elsewhere.

    Opening it raises `EvidenceMissing` when the object is absent, `CorruptStore` when it is truncated or another
    version's.
    """

    def __init__(
        self, objects: Ranges, key: str, *, asset_id: int, version: int, count: int, content_root: bytes
    ) -> None:
        self._objects = objects
        self._key = key
        self._count = count
        self._content_root = content_root
        self._size = objects.size(key)
        self._require_header(_header(asset_id, version, count))

    def unit(self, index: int) -> bytes:
        """A unit, proved under the content root.

        Raises `SealBroken` (fields `index`, `part`) when unit or path were changed, `CorruptStore` when the object is
        truncated or its offsets are.
        """
        self._require_index(index)
        place = _HEADER + _OFFSET * index
        (offsets,) = self._objects.get_ranges(self._key, (place,), (2 * _OFFSET,))
        start, end = (int.from_bytes(offsets[at : at + _OFFSET], "big") for at in (0, _OFFSET))
        self._require_span(index, start, end)
        (unit,) = self._objects.get_ranges(self._key, (start,), (end - start,))
        leaf = rfc9162_leaf(sha256(unit))
        if not verify_rfc9162_inclusion(leaf, index, self._count, self.proof(index), self._content_root):
            raise SealBroken(f"record {index}: unit is not under the content root", index=index, part="unit")
        return unit

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The stored inclusion path of a unit, from the leaf up; not yet checked against anything."""
        self._require_index(index)
        places = _path_places(index, self._count)
        path = self._objects.get_ranges(self._key, [self._tree + _HASH * at for at in places], [_HASH] * len(places))
        if path and index ^ 1 < self._count:
            path[0] = rfc9162_leaf(path[0])
        return tuple(path)

    def unit_hashes(self) -> tuple[bytes, ...]:
        """SHA-256 of every unit, checked against the content root; raises `SealBroken` (`part` = "tree")."""
        (table,) = self._objects.get_ranges(self._key, (self._tree,), (_HASH * self._count,))
        hashes = tuple(table[at : at + _HASH] for at in range(0, len(table), _HASH))
        if rfc9162_root(hashes) != self._content_root:
            raise SealBroken("the unit hashes do not give the content root", part="tree")
        return hashes

    def units(self) -> tuple[bytes, ...]:
        """All units, each checked against `unit_hashes`; raises as `unit` and `unit_hashes`."""
        hashes = self.unit_hashes()
        (table,) = self._objects.get_ranges(self._key, (_HEADER,), (_OFFSET * (self._count + 1),))
        offsets = [int.from_bytes(table[at : at + _OFFSET], "big") for at in range(0, len(table), _OFFSET)]
        for index, (start, end) in enumerate(pairwise(offsets)):
            self._require_span(index, start, end)
        spans = tuple(pairwise(offsets))
        units = self._objects.get_ranges(
            self._key, [start for start, _ in spans], [end - start for start, end in spans]
        )
        for index, (unit, expected) in enumerate(zip(units, hashes, strict=True)):
            if sha256(unit) != expected:
                raise SealBroken(f"record {index}: unit is not under the content root", index=index, part="unit")
        return tuple(units)

    @property
    def _tree(self) -> int:
        return _HEADER + _OFFSET * (self._count + 1)

    def _require_header(self, expected: bytes) -> None:
        if self._size < self._tree + _HASH * sum(_widths(self._count)):
            raise CorruptStore(f"object {self._key} is truncated", object=self._key)
        (header, end) = self._objects.get_ranges(self._key, (0, self._tree - _OFFSET), (_HEADER, _OFFSET))
        if header != expected:
            raise CorruptStore(f"object {self._key} is not this version's payload", object=self._key)
        if int.from_bytes(end, "big") != self._size:
            raise CorruptStore(f"object {self._key} is truncated", object=self._key)

    def _require_index(self, index: int) -> None:
        if not 0 <= index < self._count:
            raise InvalidInput("index", f"is not below the count {self._count}", index=index)

    def _require_span(self, index: int, start: int, end: int) -> None:
        if not self._tree + _HASH * sum(_widths(self._count)) <= start <= end <= self._size:
            raise CorruptStore(
                f"object {self._key}: offset of record {index} is out of bounds", object=self._key, index=index
            )


def _header(asset_id: int, version: int, count: int) -> bytes:
    scope = asset_id.to_bytes(32, "big") + version.to_bytes(4, "big")
    return MAGIC + bytes((OBJECT_VERSION,)) + scope + count.to_bytes(8, "big")


def _levels_above(unit_hashes: Sequence[bytes]) -> list[list[bytes]]:
    level, levels = [rfc9162_leaf(unit_hash) for unit_hash in unit_hashes], []
    while len(level) > 1:
        pairs = [rfc9162_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1 :]
        levels.append(level)
    return levels


def _widths(count: int) -> list[int]:
    """How many hashes each level of the tree holds, the units' first."""
    widths = [count]
    while widths[-1] > 1:
        widths.append(widths[-1] + 1 >> 1)
    return widths


def _path_places(index: int, count: int) -> list[int]:
    """Which hashes of the tree section are a unit's siblings, from the leaf up."""
    places, first = [], 0
    for width in _widths(count):
        if index ^ 1 < width:
            places.append(first + (index ^ 1))
        first, index = first + width, index >> 1
    return places
