"""The two trees of Deedbook.

The *positional* tree (Keccak-256) holds a consent batch: leaf i stands at position i of a tree padded to a power of
two, so a proof shows position and count, and a consent cannot stand for another. The *RFC 9162* tree (SHA-256) holds
manifests, sealed units and logs: any size without padding.

Hashes are 32 bytes; proofs run from the leaf up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from deedbook.domain.hashing import ZERO32, cut, keccak256, sha256
from deedbook.domain.keccaks import KECCAKS
from deedbook.domain.sha256s import SHA256S
from deedbook.errors import InvalidInput

LEAF_TAG: Final = keccak256(b"deedbook.leaf.v1")
"""Separates the leaves of consent batches from everything else that is hashed."""

_ACCOUNT_PADDING: Final = bytes(12)

PADDING_LEAF: Final = ZERO32
"""What stands at the positions from `count` on."""

MOST_LEAVES: Final = 2**32 - 1
"""The largest count of a batch: it travels as a uint32."""


def consent_leaf(consent_id: bytes, subject: bytes) -> bytes:
    """keccak256(keccak256(abi.encode(LEAF_TAG, consentId, subject))). Raises InvalidInput for other lengths."""
    _length("consentId", consent_id, 32)
    _length("subject", subject, 20)
    return consent_leaves((consent_id,), (subject,))[0]


def consent_leaves(consent_ids: Iterable[bytes], subjects: Iterable[bytes]) -> list[bytes]:
    """The leaf of each (see `consent_leaf`), whose lengths are known to be right."""
    return cut(consent_leaf_column(consent_ids, subjects), 32)


def consent_leaf_column(consent_ids: Iterable[bytes], subjects: Iterable[bytes]) -> bytes:
    """The same one after the other."""
    pairs = zip(consent_ids, subjects, strict=True)
    words = b"".join([LEAF_TAG + identifier + _ACCOUNT_PADDING + account for identifier, account in pairs])
    return KECCAKS.keccak256_rows(KECCAKS.keccak256_rows(words, 96), 32)


def positional_depth(count: int) -> int:
    """The length of every proof of a batch of `count` leaves: ceil(log2(count)). Raises InvalidInput out of range."""
    if not 1 <= count <= MOST_LEAVES:
        raise InvalidInput("count", "is not between 1 and 2^32 - 1")
    return (count - 1).bit_length()


class PositionalTree:
    """All nodes of a batch's tree: `root`, and `proof(index)` for each of `count` leaves. It takes 64 bytes a leaf."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        level = _column(leaves)
        self.count = len(level) // 32
        self.depth = positional_depth(self.count)
        self._levels = [level]
        self._padding = [PADDING_LEAF]
        for _ in range(self.depth):
            level = _above(level, self._padding[-1])
            self._levels.append(level)
            self._padding.append(keccak256(self._padding[-1] * 2))

    @property
    def root(self) -> bytes:
        """The root: the leaf itself where there is but one."""
        return self._levels[-1]

    def leaf(self, index: int) -> bytes:
        """The leaf at `index`. Raises InvalidInput out of range."""
        self._check(index)
        return self._levels[0][32 * index : 32 * index + 32]

    def proof(self, index: int) -> tuple[bytes, ...]:
        """The siblings of the leaf at `index`, from the leaf up, `depth` of them. Raises InvalidInput out of range."""
        self._check(index)
        siblings = []
        for height in range(self.depth):
            level, at = self._levels[height], 32 * (index >> height ^ 1)
            siblings.append(level[at : at + 32] or self._padding[height])
        return tuple(siblings)

    def _check(self, index: int) -> None:
        if not 0 <= index < self.count:
            raise InvalidInput("index", f"is not below the count {self.count}")


def _column(hashes: Iterable[bytes]) -> bytes:
    """Hashes one after the other. Raises InvalidInput for one of another length."""
    column = list(hashes)
    for each in column:
        _length("leaf", each, 32)
    return b"".join(column)


def _above(level: bytes, padding: bytes) -> bytes:
    if len(level) % 64:
        level += padding
    return KECCAKS.keccak256_rows(level, 64)


def positional_root(leaves: Iterable[bytes]) -> bytes:
    """The root of a batch's tree. Raises InvalidInput: no leaf, too many, or one that is not 32 bytes."""
    level, padding = _column(leaves), PADDING_LEAF
    for _ in range(positional_depth(len(level) // 32)):
        level, padding = _above(level, padding), keccak256(padding * 2)
    return level


def positional_subtree(leaves: Iterable[bytes], height: int) -> bytes:
    """The root of 2^height places of a batch's tree, `leaves` (32 bytes each) at the first, padding after."""
    return positional_raised(_column(leaves), 0, height)


def positional_raised(nodes: bytes, height: int, to: int) -> bytes:
    """The nodes of a batch's tree at height `to` (0 is that of the leaves) above those at `height`, 32 bytes each, the
    first of them at the first place; padding after."""
    padding = PADDING_LEAF
    for at in range(to):
        nodes = nodes if at < height else _above(nodes, padding)
        padding = keccak256(padding * 2)
    return nodes


def positional_root_over(subtrees: Sequence[bytes], height: int) -> bytes:
    """The root of a batch's tree, of its subtrees of this height in order; of more than one (`positional_root` knows
    what is smaller)."""
    level, padding = _column(subtrees), positional_subtree([PADDING_LEAF], height)
    while len(level) > 32:
        level, padding = _above(level, padding), keccak256(padding * 2)
    return level


def positional_proof(leaves: Iterable[bytes], index: int) -> tuple[bytes, ...]:
    """The proof of the leaf at `index`; keep a `PositionalTree` where several are needed."""
    return PositionalTree(leaves).proof(index)


def verify_positional(leaf: bytes, index: int, count: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows `leaf` at `index` in the batch of `count` leaves with this `root`."""
    if not 1 <= count <= MOST_LEAVES or not 0 <= index < count or len(proof) != positional_depth(count):
        return False
    node = leaf
    for height, sibling in enumerate(proof):
        if len(sibling) != 32:
            return False
        node = keccak256(sibling + node) if index >> height & 1 else keccak256(node + sibling)
    return len(leaf) == 32 and node == root


def rfc9162_leaf(leaf_input: bytes) -> bytes:
    """SHA-256(0x00 || leaf input) (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x00" + leaf_input).digest()


def rfc9162_leaves(leaf_inputs: Iterable[bytes]) -> list[bytes]:
    """`rfc9162_leaf` of each."""
    return cut(rfc9162_leaf_column(leaf_inputs), 32)


def rfc9162_leaf_column(leaf_inputs: Iterable[bytes]) -> bytes:
    """The same one after the other."""
    return SHA256S.sha256_each([b"\x00" + leaf_input for leaf_input in leaf_inputs])


def rfc9162_node(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right) (RFC 9162, 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Rfc9162Root:
    """The root of a tree whose leaves come one by one, in memory of log2(n) hashes (RFC 9162, 2.1.2)."""

    def __init__(self) -> None:
        self.size = 0
        self._whole: list[bytes] = []

    def add(self, leaf_input: bytes) -> None:
        """Appends a leaf."""
        self.add_hash(rfc9162_leaf(leaf_input))

    def add_hash(self, leaf_hash: bytes) -> None:
        """Appends a leaf whose hash (`rfc9162_leaf`) is known."""
        node, size = leaf_hash, self.size
        while size & 1:
            node = rfc9162_node(self._whole.pop(), node)
            size >>= 1
        self._whole.append(node)
        self.size += 1

    def add_subtree(self, root: bytes, height: int) -> None:
        """Appends 2^height leaves by their root. Raises InvalidInput unless as many times 2^height are there."""
        if self.size % (1 << height):
            raise InvalidInput("size", f"is no multiple of 2^{height}")
        node, size = root, self.size >> height
        while size & 1:
            node = rfc9162_node(self._whole.pop(), node)
            size >>= 1
        self._whole.append(node)
        self.size += 1 << height

    def root(self) -> bytes:
        """The root of the leaves so far; SHA-256 of nothing where there are none."""
        if not self._whole:
            return sha256(b"")
        node = self._whole[-1]
        for left in reversed(self._whole[:-1]):
            node = rfc9162_node(left, node)
        return node


def rfc9162_root(leaf_inputs: Iterable[bytes]) -> bytes:
    """The Merkle tree hash of these leaf inputs, in order (RFC 9162, 2.1.1)."""
    tree = Rfc9162Root()
    for leaf_input in leaf_inputs:
        tree.add(leaf_input)
    return tree.root()


def rfc9162_root_of_hashes(leaf_hashes: Sequence[bytes]) -> bytes:
    """The same of leaf hashes (`rfc9162_leaf`) that are at hand: level by level."""
    return rfc9162_root_of_column(b"".join(leaf_hashes))


def rfc9162_root_of_column(leaf_hashes: bytes) -> bytes:
    """The same of hashes that stand one after the other."""
    level = leaf_hashes or sha256(b"")
    while len(level) > 32:
        paired = len(level) - len(level) % 64
        level = SHA256S.sha256_rows(memoryview(level)[:paired], 64, (b"\x01",)) + level[paired:]
    return level


def rfc9162_peaks(leaf_hashes: bytes) -> list[tuple[int, bytes]]:
    """The whole subtrees that leaf hashes, one after the other, make: height and root of each, the largest first, as
    `Rfc9162Root.add_subtree` takes them."""
    count, end, peaks = len(leaf_hashes) // 32, 0, []
    for height in reversed(range(count.bit_length())):
        if count >> height & 1:
            start, end = end, end + (32 << height)
            peaks.append((height, rfc9162_root_of_column(leaf_hashes[start:end])))
    return peaks


def _rfc9162_above(level: list[bytes]) -> list[bytes]:
    pairs = [hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
    return pairs + level[len(level) & ~1 :]


def rfc9162_proof(leaf_inputs: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The inclusion proof of the leaf at `index`, from the leaf up (RFC 9162, 2.1.3.1). InvalidInput out of range."""
    if not 0 <= index < len(leaf_inputs):
        raise InvalidInput("index", f"is not below the size {len(leaf_inputs)}")
    level, proof = [rfc9162_leaf(leaf_input) for leaf_input in leaf_inputs], []
    while len(level) > 1:
        if index ^ 1 < len(level):
            proof.append(level[index ^ 1])
        level, index = _rfc9162_above(level), index >> 1
    return tuple(proof)


def rfc9162_consistency(leaf_inputs: Sequence[bytes], former_size: int) -> tuple[bytes, ...]:
    """The consistency proof from the first `former_size` of these leaf inputs to all of them (RFC 9162, 2.1.4.1); empty
    where that is all of them. Raises InvalidInput out of range."""
    if not 0 < former_size <= len(leaf_inputs):
        raise InvalidInput("formerSize", f"is not between 1 and the size {len(leaf_inputs)}")
    return _subproof(leaf_inputs, former_size, whole=True)


def _subproof(leaf_inputs: Sequence[bytes], former_size: int, *, whole: bool) -> tuple[bytes, ...]:
    size = len(leaf_inputs)
    if former_size == size:
        return () if whole else (rfc9162_root(leaf_inputs),)
    half = 1 << (size - 1).bit_length() - 1
    if former_size <= half:
        return (*_subproof(leaf_inputs[:half], former_size, whole=whole), rfc9162_root(leaf_inputs[half:]))
    right = _subproof(leaf_inputs[half:], former_size - half, whole=False)
    return (*right, rfc9162_root(leaf_inputs[:half]))


def verify_rfc9162_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows `leaf_hash` (of `rfc9162_leaf`) at `index` of `size` leaves (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or len(leaf_hash) != 32:
        return False
    place, last, node = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0 or len(sibling) != 32:
            return False
        if place & 1 or place == last:
            node = rfc9162_node(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = rfc9162_node(node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def verify_rfc9162_consistency(
    former_size: int, former_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the `size` leaves under `root` begin with the `former_size` under `former_root`
    (RFC 9162, 2.1.4.2). Equal sizes need equal roots and no proof; nothing continues an empty log."""
    if not 0 < former_size < size:
        return 0 < former_size == size and former_root == root and not proof
    if not proof or any(len(node) != 32 for node in proof):
        return False
    path = list(proof)
    if former_size & (former_size - 1) == 0:
        path.insert(0, former_root)
    place, last = former_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    former = node = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            former, node = rfc9162_node(sibling, former), rfc9162_node(sibling, node)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = rfc9162_node(node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and former == former_root and node == root


def _length(field: str, value: bytes, length: int) -> None:
    if len(value) != length:
        raise InvalidInput(field, f"is {len(value)} bytes, not {length}")
