"""Roots of Merkle-Patricia tries over lists, as headers bind transactions and receipts (yellow paper, appendices C, D).

Builds and forgets: a root of known items, no store, no proof (`proofs` reads those).
"""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain import rlp
from deedbook.chain.proofs import EMPTY_ROOT
from deedbook.domain.hashing import keccak256

_Pairs = Sequence[tuple[bytes, bytes]]
"""Keys as nibbles, ascending, none the start of another; and their values."""


def ordered_root(items: Sequence[bytes]) -> bytes:
    """The Merkle-Patricia root of items by their RLP-encoded index, as headers bind transactions and receipts."""
    if not items:
        return EMPTY_ROOT
    pairs = [(_nibbles(rlp.encode(rlp.encode_int(index))), item) for index, item in enumerate(items)]
    return keccak256(rlp.encode(_trie(sorted(pairs), 0)))


def _trie(pairs: _Pairs, depth: int) -> rlp.Item:
    """The node of these pairs, whose keys share their first `depth` nibbles (yellow paper, appendix D)."""
    first, last = pairs[0][0], pairs[-1][0]
    if len(pairs) == 1:
        return [_compact(first[depth:], leaf=True), pairs[0][1]]
    shared = depth
    while first[shared] == last[shared]:
        shared += 1
    if shared > depth:
        return [_compact(first[depth:shared], leaf=False), _reference(_trie(pairs, shared))]
    children: list[list[tuple[bytes, bytes]]] = [[] for _ in range(16)]
    for pair in pairs:
        children[pair[0][depth]].append(pair)
    return [*(_reference(_trie(each, depth + 1)) if each else b"" for each in children), b""]


def _reference(node: rlp.Item) -> rlp.Item:
    """A node in its parent: itself while it is shorter than a hash."""
    encoded = rlp.encode(node)
    return node if len(encoded) < 32 else keccak256(encoded)


def _compact(nibbles: bytes, *, leaf: bool) -> bytes:
    """Nibbles in hex-prefix form (yellow paper, appendix C)."""
    flag = 2 * leaf + len(nibbles) % 2
    padded = bytes((flag, *nibbles) if flag & 1 else (flag, 0, *nibbles))
    return bytes(high << 4 | low for high, low in zip(padded[::2], padded[1::2], strict=True))


def _nibbles(data: bytes) -> bytes:
    return bytes(nibble for byte in data for nibble in (byte >> 4, byte & 0x0F))
