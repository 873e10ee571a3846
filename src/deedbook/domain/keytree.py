"""Places in a version's key tree, and covers: which nodes open exactly the records that are delivered.

Knows positions and labels, no seed: those are the vault's. The root is level 0; leaf i stands at position i of level
`depth_for(count)`. Positions from `count` on are padding: a node may cover them, but they never count.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from deedbook.domain.hashing import sha256
from deedbook.errors import InvalidFormat, InvalidInput, WrongVersion

MOST_RECORDS: Final = 2**63
"""The largest record count that the formats hold."""

COVER_MAGIC: Final = b"DBCV"
COVER_VERSION: Final = 1
_HEADER = 18  # magic 4, version 1, depth 1, recordCount 8, nodeCount 4
_NODE = 9  # level 1, position 8

LABEL_VERSION: Final = 1
USE_CHILD: Final = 1
USE_RECORD_KEY: Final = 2
USE_COMMITMENT: Final = 3


def label(use: int, level: int, branch: int = 0) -> bytes:
    """The 16 bytes that separate what is derived from a seed: "deedbook-kt", version 1, use, level, branch, 0.

    `use` is USE_CHILD (with the child's level, branch 0 left or 1 right), USE_RECORD_KEY or USE_COMMITMENT (with the
    depth of the tree, branch 0).
    """
    if use not in (USE_CHILD, USE_RECORD_KEY, USE_COMMITMENT) or not 0 <= level <= 63 or branch not in (0, 1):
        raise InvalidInput("label", "is of no known use, level or branch")
    return b"deedbook-kt" + bytes((LABEL_VERSION, use, level, branch, 0))


def depth_for(count: int) -> int:
    """The level of the leaves of a tree for `count` records: ceil(log2(count)). Raises InvalidInput out of range."""
    if not 1 <= count <= MOST_RECORDS:
        raise InvalidInput("recordCount", "is not between 1 and 2^63")
    return (count - 1).bit_length()


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A node of a key tree: `level` from the root (0), `position` from the left (0)."""

    level: int
    position: int

    def __post_init__(self) -> None:
        if not 0 <= self.level <= 63:
            raise InvalidInput("level", "is not between 0 and 63")
        if not 0 <= self.position < 1 << self.level:
            raise InvalidInput("position", f"is not on level {self.level}")

    def leaves(self, depth: int) -> range:
        """The leaf positions below this node in a tree of this depth, padding included."""
        width = 1 << depth - self.level
        return range(self.position * width, (self.position + 1) * width)

    def child(self, branch: int) -> Node:
        """The left (0) or right (1) child."""
        return Node(self.level + 1, 2 * self.position + branch)


ROOT: Final = Node(0, 0)
"""The node above every record."""


@dataclass(frozen=True, slots=True)
class Cover:
    """The maximal nodes that lead to exactly the delivered records of a version of `record_count` records.

    There is one cover for each set of records; any other list of nodes is refused (InvalidInput): unordered,
    overlapping, only over padding, or not maximal.
    """

    record_count: int
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        depth, count, free, held = self.depth, self.record_count, 0, set(self.nodes)
        for node in self.nodes:
            if node.level > depth:
                raise InvalidInput("cover", f"level {node.level} is below the leaves")
            leaves = node.leaves(depth)
            if leaves.start < free:
                raise InvalidInput("cover", "nodes overlap or are out of order")
            if leaves.start >= count:
                raise InvalidInput("cover", "a node covers no record")
            free = leaves.stop
            if node.level:
                sibling = Node(node.level, node.position ^ 1)
                if sibling in held or sibling.leaves(depth).start >= count:
                    raise InvalidInput("cover", "a node stands for its parent")

    @property
    def depth(self) -> int:
        """The level of the leaves."""
        return depth_for(self.record_count)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def ranges(self) -> Iterator[range]:
        """The delivered record indices as ascending ranges, one for each node, padding cut off."""
        depth = self.depth
        for node in self.nodes:
            leaves = node.leaves(depth)
            yield range(leaves.start, min(leaves.stop, self.record_count))


def cover_all_but(count: int, excluded: Iterable[int]) -> Cover:
    """The cover of all `count` records but the `excluded` indices: about k log2(n / k) nodes for k of n.

    Raises InvalidInput: an index out of range. Excluding every record gives a cover without nodes.
    """
    out = sorted(set(excluded))
    if out and not (out[0] >= 0 and out[-1] < count):
        raise InvalidInput("excluded", f"is not below the record count {count}")
    depth, nodes = depth_for(count), []
    stack = [ROOT]
    while stack:
        node = stack.pop()
        leaves = node.leaves(depth)
        first = bisect_left(out, leaves.start)
        if leaves.start >= count:
            continue
        if first == len(out) or out[first] >= leaves.stop:
            nodes.append(node)
        elif node.level < depth:
            stack += (node.child(1), node.child(0))
    return Cover(count, tuple(nodes))


def encode_cover(cover: Cover) -> bytes:
    """ "DBCV", u8 version 1, u8 depth, u64 recordCount, u32 nodeCount, then u8 level and u64 position of each node."""
    head = COVER_MAGIC + bytes((COVER_VERSION, cover.depth)) + cover.record_count.to_bytes(8, "big")
    body = b"".join(bytes((node.level,)) + node.position.to_bytes(8, "big") for node in cover.nodes)
    return head + len(cover.nodes).to_bytes(4, "big") + body


def decode_cover(data: bytes) -> Cover:
    """The cover of these bytes, all of which must belong to it.

    Raises WrongVersion for another version; InvalidFormat for anything but the one encoding of one cover.
    """
    cover, end = decode_cover_prefix(data)
    if end != len(data):
        raise InvalidFormat("cover", f"{len(data) - end} bytes left over")
    return cover


def decode_cover_prefix(data: bytes) -> tuple[Cover, int]:
    """The cover at the start of `data`, and the position after it (seeds follow there). Raises as `decode_cover`."""
    if len(data) < _HEADER or data[:4] != COVER_MAGIC:
        raise InvalidFormat("cover", "does not start as a cover")
    if data[4] != COVER_VERSION:
        raise WrongVersion("cover", f"version {data[4]} is not read here")
    count = int.from_bytes(data[6:14], "big")
    end = _HEADER + _NODE * int.from_bytes(data[14:_HEADER], "big")
    if end > len(data):
        raise InvalidFormat("cover", "ends before its last node")
    try:
        nodes = tuple(
            Node(data[at], int.from_bytes(data[at + 1 : at + _NODE], "big")) for at in range(_HEADER, end, _NODE)
        )
        cover = Cover(count, nodes)
    except InvalidInput as reason:
        raise InvalidFormat("cover", str(reason)) from reason
    if data[5] != cover.depth:
        raise InvalidFormat("cover", f"depth {data[5]} is not that of {count} records")
    return cover, end


def cover_hash(cover: Cover) -> bytes:
    """SHA-256 of the encoded cover: what a delivery records on chain."""
    return sha256(encode_cover(cover))


def delivered_indices(cover: Cover) -> Iterator[int]:
    """The record indices that the cover delivers, ascending."""
    for indices in cover.ranges():
        yield from indices


def delivered_count(cover: Cover) -> int:
    """How many records the cover delivers."""
    return sum(map(len, cover.ranges()))


def is_delivered(cover: Cover, index: int) -> bool:
    """Whether the cover delivers the record at `index`; in log2 of the nodes."""
    depth = cover.depth
    after = bisect_right(cover.nodes, index, key=lambda node: node.leaves(depth).start)
    return index < cover.record_count and after > 0 and index in cover.nodes[after - 1].leaves(depth)


def ordinal_of(cover: Cover, index: int) -> int:
    """The place (from 0) of a record among the delivered ones: its number in payouts.

    Raises InvalidInput: the cover does not deliver it.
    """
    before = 0
    for indices in cover.ranges():
        if index in indices:
            return before + index - indices.start
        before += len(indices)
    raise InvalidInput("index", f"record {index} is not delivered")
