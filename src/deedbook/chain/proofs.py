"""What a block header commits to, and proofs against it: accounts and storage slots, present or absent (EIP-1186).

What this file refuses to know: whether a header is to be believed (that is `audit.trust`) and where a proof came from.
Everything is bytes in and facts out; nothing here asks a node.

A header is hashed as it is written (keccak256 of its RLP), whatever fields later forks append, so legacy, London,
Paris, Shanghai and later headers are read alike. QBFT alone names a block by less than its header: without round and
seals (`extradata`). So everyone who hashes a header says by which consensus.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deedbook.chain import rlp
from deedbook.chain.extradata import clique_signers, qbft_named
from deedbook.domain.hashing import keccak256
from deedbook.domain.validators import CONSENSUSES
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidFormat, InvalidInput

EMPTY_ROOT = keccak256(b"\x80")
"""Root of a trie that holds nothing."""

EMPTY_CODE_HASH = keccak256(b"")
"""Code hash of an account without code."""

LEGACY_HEADER_FIELDS = 15
"""Fields of a header before London; every later fork appends to them."""

MOST_HEADER_FIELDS = 32

_FIELDS = (
    ("parentHash", 32),
    ("sha3Uncles", 32),
    ("miner", 20),
    ("stateRoot", 32),
    ("transactionsRoot", 32),
    ("receiptsRoot", 32),
    ("logsBloom", 256),
    ("difficulty", None),
    ("number", None),
    ("gasLimit", None),
    ("gasUsed", None),
    ("timestamp", None),
    ("extraData", 0),
    ("mixHash", 32),
    ("nonce", 8),
    # Appended by London, Shanghai, Cancun, Prague, each one only with those before it.
    ("baseFeePerGas", None),
    ("withdrawalsRoot", 32),
    ("blobGasUsed", None),
    ("excessBlobGas", None),
    ("parentBeaconBlockRoot", 32),
    ("requestsHash", 32),
)
"""Name of each header field in RLP order, with its length: None an integer, 0 bytes of any length."""

_EXTRA_DATA = 12
"""Place of extraData among them."""


@dataclass(frozen=True)
class Account:
    """An account as the state trie holds it."""

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


@dataclass(frozen=True)
class Header:
    """A block header: its hash, and the fields that checks ask for."""

    hash: bytes
    parent_hash: bytes
    state_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    difficulty: int
    number: int
    timestamp: int
    extra_data: bytes
    raw: bytes


def decode_header(raw: bytes, consensus: str = "instant") -> Header:
    """The header that `raw` (RLP) encodes, with its hash by this consensus (`domain.validators`).

    Raises InvalidFormat naming the field that has the wrong length or is no integer, or "header" when the number of
    fields is none that a header can have; "extraData" where they are not the consensus's. Fields later than Prague's
    are hashed and not judged.
    """
    items = rlp.decode_list(raw, "header")
    if not LEGACY_HEADER_FIELDS <= len(items) <= MOST_HEADER_FIELDS:
        raise InvalidFormat("header", f"{len(items)} fields")
    numbers: dict[str, int] = {}
    for (name, length), item in zip(_FIELDS, items, strict=False):
        if length is None:
            numbers[name] = rlp.decode_int(item, name)
        elif not isinstance(item, bytes) or length not in (0, len(item)):
            raise InvalidFormat(name, f"not {length or 'any'} bytes")
    parent, _, _, state, _, receipts, bloom = (item for item in items[:7] if isinstance(item, bytes))
    extra_data = items[_EXTRA_DATA]
    assert isinstance(extra_data, bytes)
    return Header(
        hash=_name(raw, items, extra_data, numbers["number"], consensus),
        parent_hash=parent,
        state_root=state,
        receipts_root=receipts,
        logs_bloom=bloom,
        difficulty=numbers["difficulty"],
        number=numbers["number"],
        timestamp=numbers["timestamp"],
        extra_data=extra_data,
        raw=raw,
    )


def encode_header(block: Mapping[str, Any]) -> bytes:
    """The RLP of a block as JSON-RPC tells it (`eth_getBlockByNumber`), up to the last field that it has.

    Raises InvalidFormat naming a field that is missing or malformed. Compare `header_hash` with the block's own
    `hash`: a node with fields of its own (FISCO BCOS) gives another one.
    """
    items: list[bytes] = []
    for position, (name, length) in enumerate(_FIELDS):
        value = block.get(name)
        if value is None:
            if position < LEGACY_HEADER_FIELDS:
                raise InvalidFormat(name, "missing")
            break
        items.append(_field(name, length, value))
    return rlp.encode(items)


def header_hash(raw: bytes, consensus: str = "instant") -> bytes:
    """The hash of a header given as RLP, by this consensus. Raises InvalidFormat, as `decode_header`."""
    return decode_header(raw, consensus).hash


def _name(raw: bytes, items: list[rlp.Decoded], extra_data: bytes, number: int, consensus: str) -> bytes:
    """The block's hash. QBFT's genesis, which nobody sealed, is hashed as written, whatever it says (Besu's rule)."""
    if consensus not in CONSENSUSES:
        raise InvalidInput("consensus", f"is none of {', '.join(CONSENSUSES)}")
    if consensus == "clique":
        clique_signers(extra_data)
    if consensus != "qbft" or number == 0:
        return keccak256(raw)
    return keccak256(_encoded_with(items, qbft_named(extra_data)))


def with_extra_data(raw: bytes, extra_data: bytes) -> bytes:
    """The header with other extra data. Raises InvalidFormat."""
    return _encoded_with(rlp.decode_list(raw, "header"), extra_data)


def _encoded_with(items: list[rlp.Decoded], extra_data: bytes) -> bytes:
    return rlp.encode([*items[:_EXTRA_DATA], extra_data, *items[_EXTRA_DATA + 1 :]])


def verify_account_proof(state_root: bytes, address: bytes, proof: Sequence[bytes]) -> Account | None:
    """The account at `address` in the state `state_root`, or None where the proof shows that there is none.

    Raises IntegrityError, EvidenceMissing, InvalidFormat.
    """
    value = verify_trie_proof(state_root, keccak256(address), proof, "account proof")
    if value is None:
        return None
    items = rlp.decode_list(value, "account")
    if len(items) != 4:
        raise InvalidFormat("account", f"{len(items)} fields instead of 4")
    nonce, balance, storage_root, code_hash = items
    return Account(
        nonce=rlp.decode_int(nonce, "nonce", most=8),
        balance=rlp.decode_int(balance, "balance"),
        storage_root=_hash_of(storage_root, "storageHash"),
        code_hash=_hash_of(code_hash, "codeHash"),
    )


def verify_storage_proof(storage_root: bytes, slot: int, proof: Sequence[bytes]) -> int:
    """The value of the storage slot under `storage_root`; 0 where the proof shows that nothing is stored.

    Raises IntegrityError, EvidenceMissing, InvalidFormat.
    """
    value = verify_trie_proof(storage_root, keccak256(slot.to_bytes(32, "big")), proof, "storage proof")
    if value is None:
        return 0
    number = rlp.decode_int(rlp.decode(value), "slot")
    if number == 0:
        raise InvalidFormat("slot", "a stored zero")
    return number


def verify_trie_proof(root: bytes, key: bytes, proof: Sequence[bytes], what: str = "proof") -> bytes | None:
    """The value under `key` in the Merkle-Patricia trie `root`, or None where the proof excludes it.

    `proof` is the nodes from the root on, as `eth_getProof` lists them; nodes shorter than 32 bytes live inside their
    parents, and one that a client repeats on its own is passed over (`without_inline` drops them). Nothing else may be
    left over. Raises IntegrityError naming the first node that is not its parent's, EvidenceMissing where
    the proof ends too early, InvalidFormat for bytes that are no node.
    """
    nodes = list(without_inline(proof))
    if root == EMPTY_ROOT:
        if nodes and nodes != [b"\x80"]:
            raise IntegrityError(f"{what}: nodes under an empty root")
        return None
    walk = _Walk(nodes, what)
    value = walk.down(root, _nibbles(key))
    if walk.used != len(nodes):
        raise IntegrityError(f"{what}: {len(nodes) - walk.used} nodes belong to no step of it")
    return value


def without_inline(proof: Sequence[bytes]) -> tuple[bytes, ...]:
    """The proof without nodes that live inside their parents (under 32 bytes): clients differ in listing them."""
    return tuple(node for position, node in enumerate(proof) if position == 0 or len(node) >= 32)


class _Walk:
    """One way down a trie, taking nodes from a proof."""

    def __init__(self, nodes: list[bytes], what: str) -> None:
        self._nodes = nodes
        self._what = what
        self.used = 0

    def down(self, root: bytes, path: bytes) -> bytes | None:
        node: rlp.Decoded | None = self._take(root)
        while node is not None:
            if isinstance(node, bytes):
                raise IntegrityError(f"{self._what}: a node that is neither branch nor path")
            if len(node) == 17:
                if not path:
                    return _value(node[16])
                node, path = self._child(node[path[0]]), path[1:]
                continue
            if len(node) != 2:
                raise IntegrityError(f"{self._what}: a node of {len(node)} items")
            prefix, is_leaf = _path(node[0], self._what)
            if is_leaf:
                return _value(node[1]) if prefix == path else None
            if path[: len(prefix)] != prefix:
                return None
            node, path = self._child(node[1]), path[len(prefix) :]
        return None

    def _child(self, reference: rlp.Decoded) -> rlp.Decoded | None:
        if not isinstance(reference, bytes):
            if len(rlp.encode(reference)) >= 32:
                raise IntegrityError(f"{self._what}: a node inside its parent that is too long to be")
            return reference
        if not reference:
            return None
        if len(reference) != 32:
            raise IntegrityError(f"{self._what}: a reference that is no hash")
        return self._take(reference)

    def _take(self, expected: bytes) -> rlp.Decoded:
        if self.used == len(self._nodes):
            raise EvidenceMissing(f"{self._what}: no node for 0x{expected.hex()}")
        node = self._nodes[self.used]
        if keccak256(node) != expected:
            raise IntegrityError(f"{self._what}: node {self.used} is not 0x{expected.hex()}")
        self.used += 1
        return rlp.decode(node)


def _value(item: rlp.Decoded) -> bytes | None:
    if not isinstance(item, bytes):
        raise InvalidFormat("proof", "a value that is a list")
    return item or None


def _path(item: rlp.Decoded, what: str) -> tuple[bytes, bool]:
    """The nibbles of a compact (hex-prefix) path, and whether it ends in a leaf."""
    if not isinstance(item, bytes) or not item or item[0] >> 4 > 3:
        raise IntegrityError(f"{what}: a path without its prefix")
    flag = item[0] >> 4
    if not flag & 1 and item[0] & 0x0F:
        raise IntegrityError(f"{what}: a path with a padded prefix")
    nibbles = _nibbles(item)
    return nibbles[1:] if flag & 1 else nibbles[2:], bool(flag & 2)


def _nibbles(data: bytes) -> bytes:
    return bytes(nibble for byte in data for nibble in (byte >> 4, byte & 0x0F))


def _hash_of(item: rlp.Decoded, field: str) -> bytes:
    if not isinstance(item, bytes) or len(item) != 32:
        raise InvalidFormat(field, "not 32 bytes")
    return item


def _field(name: str, length: int | None, value: Any) -> bytes:
    try:
        if length is None:
            return rlp.encode_int(int(value, 16) if isinstance(value, str) else int(value))
        raw = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)
    except (TypeError, ValueError, OverflowError) as reason:
        raise InvalidFormat(name, "is no number or bytes") from reason
    if length not in (0, len(raw)):
        raise InvalidFormat(name, f"not {length} bytes")
    return raw
