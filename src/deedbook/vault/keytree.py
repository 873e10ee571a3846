"""Seeds of a version's key tree (format 14): from one root seed to every record key, and from a cover to its leaves.

A seed leads to all seeds below it and to none beside or above it (GGM): who holds the seeds of a cover opens exactly
the covered records. Places and labels are `domain.keytree`'s. This file is light: SHA-256 and nothing else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

from deedbook.domain.hashing import cut
from deedbook.domain.keytree import (
    ROOT,
    USE_CHILD,
    USE_COMMITMENT,
    USE_RECORD_KEY,
    Cover,
    Node,
    decode_cover_prefix,
    depth_for,
    encode_cover,
    label,
)
from deedbook.domain.sha256s import SHA256S
from deedbook.errors import InvalidFormat, InvalidInput

SEED_LENGTH = 32


@dataclass(frozen=True, slots=True)
class SeededCover:
    """A cover with the seed of each of its nodes, in the same order (format 16). The seeds stay out of its repr."""

    cover: Cover
    seeds: tuple[bytes, ...] = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seeds) != len(self.cover):
            raise InvalidInput("seeds", f"{len(self.seeds)} for {len(self.cover)} nodes")
        if any(len(seed) != SEED_LENGTH for seed in self.seeds):
            raise InvalidInput("seeds", "a seed is not 32 bytes")

    def encode(self) -> bytes:
        """The cover, then the seeds."""
        return encode_cover(self.cover) + b"".join(self.seeds)

    @classmethod
    def decode(cls, content: bytes) -> SeededCover:
        """Reads `encode`; raises `InvalidFormat` or `WrongVersion` naming `cover` or `seeds`."""
        cover, end = decode_cover_prefix(content)
        if len(content) != end + SEED_LENGTH * len(cover):
            raise InvalidFormat("seeds", f"{len(content) - end} bytes for {len(cover)} nodes")
        return cls(cover, tuple(content[at : at + SEED_LENGTH] for at in range(end, len(content), SEED_LENGTH)))

    def leaf_seeds(self) -> Iterator[tuple[int, bytes]]:
        """Each covered record's index and leaf seed, ascending."""
        depth, count = self.cover.depth, self.cover.record_count
        for node, seed in zip(self.cover, self.seeds, strict=True):
            yield from enumerate(_below(node, seed, depth, count), node.leaves(depth).start)

    def leaf_seed(self, index: int) -> bytes:
        """One record's leaf seed, in at most `depth` hashes; raises `InvalidInput` naming `index` if not covered."""
        if not 0 <= index < self.cover.record_count:
            raise InvalidInput("index", f"is not below the count {self.cover.record_count}", index=index)
        return self._seed_of(Node(self.cover.depth, index), index)

    def narrowed_to(self, cover: Cover) -> SeededCover:
        """The same secrets for a smaller cover of the same records.

        Raises `InvalidInput` naming the first `index` that this cover does not lead to, or another `count`.
        """
        if cover.record_count != self.cover.record_count:
            raise InvalidInput("count", f"{cover.record_count}, not {self.cover.record_count}")
        seeds = tuple(self._seed_of(node, node.leaves(cover.depth).start) for node in cover)
        return SeededCover(cover, seeds)

    def _seed_of(self, wanted: Node, index: int) -> bytes:
        start = self._last_node_starting_by(index)
        if start is not None:
            node = self.cover.nodes[start]
            rise = wanted.level - node.level
            if rise >= 0 and wanted.position >> rise == node.position:
                return descend(self.seeds[start], node, wanted)
        raise InvalidInput("index", f"record {index} is not covered", index=index)

    def _last_node_starting_by(self, index: int) -> int | None:
        depth = self.cover.depth
        after = bisect_right(self.cover.nodes, index, key=lambda node: node.leaves(depth).start)
        return after - 1 if after else None


def whole(root_seed: bytes, count: int) -> SeededCover:
    """The root seed as the cover of all `count` records."""
    return SeededCover(Cover(count, (ROOT,)), (root_seed,))


def leaf_seeds(root_seed: bytes, count: int) -> Sequence[bytes]:
    """The leaf seeds of all `count` records, in order: about two hashes each."""
    return _below(ROOT, root_seed, depth_for(count), count)


def leaf_secrets_below(node: Node, seed: bytes, count: int) -> bytes:
    """The `record_key` and the `key_commitment` of each leaf below a node whose seed this is, 64 bytes a leaf, in a
    tree of `count` records, in order; padding left out."""
    depth = depth_for(count)
    labels = _leaf_label(USE_RECORD_KEY, depth), _leaf_label(USE_COMMITMENT, depth)
    return SHA256S.sha256_rows(_column_below(node, seed, depth, count), SEED_LENGTH, labels)


def descend(seed: bytes, node: Node, wanted: Node) -> bytes:
    """The seed of `wanted`, which lies at or below `node`, from the seed of `node`."""
    for level in range(node.level + 1, wanted.level + 1):
        branch = wanted.position >> wanted.level - level & 1
        seed = sha256(label(USE_CHILD, level, branch) + seed).digest()
    return seed


def record_key(leaf_seed: bytes, depth: int) -> bytes:
    """The AES-256 key of a record, 32 bytes."""
    return sha256(_leaf_label(USE_RECORD_KEY, depth) + leaf_seed).digest()


def key_commitment(leaf_seed: bytes, depth: int) -> bytes:
    """What a sealed unit starts with, so that it opens under one key only, 32 bytes."""
    return sha256(_leaf_label(USE_COMMITMENT, depth) + leaf_seed).digest()


_leaf_label = cache(label)  # two of them for a whole payload


def _below(node: Node, seed: bytes, depth: int, count: int) -> list[bytes]:
    """The leaf seeds below a node, padding left out."""
    return cut(_column_below(node, seed, depth, count), SEED_LENGTH)


def _column_below(node: Node, seed: bytes, depth: int, count: int) -> bytes:
    """The same one after the other, made one level at a time."""
    seeds, first = seed, node.position
    for level in range(node.level + 1, depth + 1):
        branches = label(USE_CHILD, level, 0), label(USE_CHILD, level, 1)
        first *= 2
        needed = (count - 1 >> depth - level) + 1 - first
        seeds = SHA256S.sha256_rows(seeds, SEED_LENGTH, branches)[: SEED_LENGTH * needed]
    return seeds
