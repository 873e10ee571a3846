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

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from itertools import accumulate, pairwise, zip_longest
from typing import BinaryIO, Final, Protocol

from deedbook.domain.hashing import sha256
from deedbook.domain.merkle import rfc9162_leaf, rfc9162_root, verify_rfc9162_inclusion
from deedbook.domain.sha256s import SHA256S
from deedbook.errors import CorruptStore, InvalidInput, SealBroken

MAGIC = b"DBPL"
OBJECT_VERSION = 1
AT_ONCE: Final = 1 << 12
"""Units that are read together: what is in memory."""
_HEADER = 49
_OFFSET = 8
_HASH = 32
_LEAF, _NODE = b"\0", b"\1"
"""What stands before a leaf input, and before two nodes, where they are hashed (RFC 9162, 2.1.1)."""


class Ranges(Protocol):
    """What a reader needs of an object store."""

    def size(self, key: str) -> int:
        """Bytes of an object."""

    def get_ranges(self, key: str, starts: Sequence[int], lengths: Sequence[int]) -> list[bytes]:
        """Several ranges of an object."""


def encode_payload(asset_id: int, version: int, units: Sequence[bytes], unit_hashes: Sequence[bytes]) -> bytes:
    """The object of these units and their SHA-256."""
    whole = BytesIO()
    writer = PayloadWriter(whole, asset_id, version, len(units))
    writer.add(b"".join(units), list(map(len, units)), tree_over(unit_hashes))
    writer.finish()
    return whole.getvalue()


def tree_over(unit_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """The unit hashes and, from the second on, each level of nodes above their leaf hashes, 32 bytes a hash."""
    return tree_over_column(b"".join(unit_hashes))


def tree_over_column(unit_hashes: bytes) -> tuple[bytes, ...]:
    """The same of hashes that stand one after the other."""
    levels, nodes = [unit_hashes], SHA256S.sha256_rows(unit_hashes, _HASH, (_LEAF,))
    while len(nodes) > _HASH:
        nodes = _above(nodes)
        levels.append(nodes)
    return tuple(levels)


class PayloadWriter:
    """Writes an object of `count` units into an empty `file`, as the units come; what is in memory is the tree. Raises
    `CorruptStore` where the file cannot be written."""

    def __init__(self, file: BinaryIO, asset_id: int, version: int, count: int) -> None:
        self._file = file
        self._count = count
        self._header = _header(asset_id, version, count)
        self._lengths = array("Q")
        self._levels: list[bytearray] = []
        self._first = _HEADER + _OFFSET * (count + 1) + _HASH * sum(_widths(count))
        file.seek(self._first)

    def add(self, units: bytes, lengths: Sequence[int], tree: Sequence[bytes]) -> None:
        """The next units, one after the other, how many bytes each has, and `tree_over` them: of all, or each time of
        the same power of two, more than one, but for the last."""
        if not self._levels:
            self._levels = [bytearray() for _ in tree]
        self._lengths.extend(lengths)
        with _writing():
            self._file.write(units)
        root = tree[-1] if len(tree) > 1 else rfc9162_leaf(tree[0])
        for level, nodes in zip_longest(self._levels, tree, fillvalue=root):
            level += nodes

    def finish(self) -> bytes:
        """Writes what stands in front of the units, all of which are there; the content root."""
        assert len(self._lengths) == self._count
        offsets = array("Q", accumulate(self._lengths, initial=self._first))
        if sys.byteorder == "little":
            offsets.byteswap()
        while len(self._levels[-1]) > _HASH:
            self._levels.append(bytearray(_above(bytes(self._levels[-1]))))
        with _writing():
            self._file.seek(0)
            self._file.write(self._header)
            self._file.write(offsets)
            for level in self._levels:
                self._file.write(level)
            self._file.flush()
        return bytes(self._levels[-1]) if self._count > 1 else rfc9162_leaf(bytes(self._levels[0]))

    @property
    def size(self) -> int:
        """Bytes of the units so far."""
        return sum(self._lengths)

    @property
    def empty(self) -> list[int]:
        """The indices of the empty units so far."""
        return [index for index, length in enumerate(self._lengths) if not length]


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
        return tuple(self.each(self.unit_hashes(), [range(self._count)]))

    def each(self, unit_hashes: Sequence[bytes], wanted: Iterable[range]) -> Iterator[bytes]:
        """The units of these ranges of indices, which ascend, some in memory at a time; each has the SHA-256 that
        `unit_hashes` (checked under the content root) names. Raises as `unit`."""
        for some in _near(wanted):
            first, end = some[0].start, some[-1].stop
            (table,) = self._objects.get_ranges(self._key, (_HEADER + _OFFSET * first,), (_OFFSET * (end - first + 1),))
            offsets = [int.from_bytes(table[at : at + _OFFSET], "big") for at in range(0, len(table), _OFFSET)]
            for index, (start, stop) in enumerate(pairwise(offsets), start=first):
                self._require_span(index, start, stop)
            (content,) = self._objects.get_ranges(self._key, (offsets[0],), (offsets[-1] - offsets[0],))
            for index in (index for span in some for index in span):
                unit = content[offsets[index - first] - offsets[0] : offsets[index - first + 1] - offsets[0]]
                if sha256(unit) != unit_hashes[index]:
                    raise SealBroken(f"record {index}: unit is not under the content root", index=index, part="unit")
                yield unit

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


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CorruptStore(f"the sealed records cannot be written: {error.strerror}") from error


def _header(asset_id: int, version: int, count: int) -> bytes:
    scope = asset_id.to_bytes(32, "big") + version.to_bytes(4, "big")
    return MAGIC + bytes((OBJECT_VERSION,)) + scope + count.to_bytes(8, "big")


def _above(nodes: bytes) -> bytes:
    """The nodes above those of a level; the last one itself where it has no sibling."""
    paired = len(nodes) - len(nodes) % (2 * _HASH)
    return SHA256S.sha256_rows(memoryview(nodes)[:paired], 2 * _HASH, (_NODE,)) + nodes[paired:]


def _near(wanted: Iterable[range]) -> Iterator[list[range]]:
    """Ranges that are read together: within AT_ONCE units, however few of them there are."""
    some: list[range] = []
    for span in wanted:
        for start in range(span.start, span.stop, AT_ONCE):
            part = range(start, min(start + AT_ONCE, span.stop))
            if some and part.stop - some[0].start > AT_ONCE:
                yield some
                some = []
            some.append(part)
    if some:
        yield some


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
