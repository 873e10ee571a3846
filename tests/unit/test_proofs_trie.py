"""RLP, headers and Merkle-Patricia proofs, beside the `rlp` and `trie` libraries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import rlp as other_rlp
from hypothesis import given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from deedbook.chain import rlp
from deedbook.chain.proofs import (
    EMPTY_ROOT,
    Account,
    decode_header,
    encode_header,
    verify_account_proof,
    verify_storage_proof,
    verify_trie_proof,
    without_inline,
)
from deedbook.domain.hashing import keccak256
from deedbook.errors import DeedbookError, EvidenceMissing, IntegrityError, InvalidFormat

items = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=20), max_leaves=40)
tries = st.dictionaries(st.binary(min_size=2, max_size=2), st.binary(min_size=1, max_size=40), min_size=1, max_size=60)


@given(items)
def test_rlp_is_the_other_implementations(item: Any) -> None:
    encoded = rlp.encode(item)
    assert encoded == other_rlp.encode(item)
    assert rlp.decode(encoded) == other_rlp.decode(encoded)


@given(items, st.integers(min_value=0), st.integers(0, 7))
def test_no_two_encodings_decode_to_one_item(item: Any, place: int, bit: int) -> None:
    changed = bytearray(rlp.encode(item))
    changed[place % len(changed)] ^= 1 << bit
    try:
        decoded = rlp.decode(bytes(changed))
    except InvalidFormat:
        return
    assert rlp.encode(decoded) == changed


@pytest.mark.parametrize(
    "data",
    [
        "",
        "8100",
        "817f",
        "b800",
        "b837" + "00" * 55,
        "b90037" + "00" * 55,
        "c1",
        "c28080ff",
        "83aabb",
        "f800",
        "c0" * 2,
    ],
)
def test_other_spellings_of_rlp_are_refused(data: str) -> None:
    with pytest.raises(InvalidFormat):
        rlp.decode(bytes.fromhex(data))


def test_lists_nested_without_end_are_refused() -> None:
    nested: Any = []
    for _ in range(100):
        nested = [nested]
    with pytest.raises(InvalidFormat):
        rlp.decode(rlp.encode(nested))


@pytest.mark.parametrize("data", [b"\x00\x01", [b""], bytes(33)])
def test_integers_with_another_form_are_refused(data: Any) -> None:
    with pytest.raises(InvalidFormat) as refused:
        rlp.decode_int(data, "gasUsed")
    assert refused.value.field == "gasUsed"


def prove(trie: Any, key: bytes) -> list[bytes]:
    return [other_rlp.encode(node) for node in trie.get_proof(key)]


@given(tries, st.binary(min_size=2, max_size=2))
def test_presence_and_absence_are_proven(content: dict[bytes, bytes], absent: bytes) -> None:
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[key] = value
    for key in (*content, absent):
        expected = content.get(key)
        assert verify_trie_proof(trie.root_hash, key, prove(trie, key)) == expected
        assert verify_trie_proof(trie.root_hash, key, without_inline(prove(trie, key))) == expected


@given(tries, st.data())
def test_a_changed_proof_is_refused(content: dict[bytes, bytes], data: st.DataObject) -> None:
    trie = HexaryTrie({})
    for key, value in content.items():
        trie[key] = value
    key = data.draw(st.sampled_from(sorted(content)))
    proof = list(without_inline(prove(trie, key)))
    place = data.draw(st.integers(0, len(proof) - 1))
    changed = bytearray(proof[place])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(IntegrityError):
        verify_trie_proof(trie.root_hash, key, [*proof[:place], bytes(changed), *proof[place + 1 :]])


def deep() -> tuple[HexaryTrie, bytes]:
    trie = HexaryTrie({})
    keys = [keccak256(bytes([n])) for n in range(200)]
    for key in keys:
        trie[key] = key
    return trie, keys[0]


def test_a_proof_that_ends_too_early_is_incomplete() -> None:
    trie, key = deep()
    with pytest.raises(EvidenceMissing):
        verify_trie_proof(trie.root_hash, key, prove(trie, key)[:-1])
    with pytest.raises(EvidenceMissing):
        verify_trie_proof(trie.root_hash, key, [])


def test_a_proof_with_more_nodes_than_steps_is_refused() -> None:
    trie, key = deep()
    with pytest.raises(IntegrityError):
        verify_trie_proof(trie.root_hash, key, [*prove(trie, key), prove(trie, key)[0]])


def test_the_proof_of_another_key_is_refused() -> None:
    trie, key = deep()
    other = keccak256(bytes([1]))
    with pytest.raises(DeedbookError):
        verify_trie_proof(trie.root_hash, other, prove(trie, key))


def test_an_empty_trie_holds_nothing() -> None:
    assert verify_storage_proof(EMPTY_ROOT, 5, []) == 0
    assert verify_storage_proof(EMPTY_ROOT, 5, [b"\x80"]) == 0
    with pytest.raises(IntegrityError):
        verify_storage_proof(EMPTY_ROOT, 5, [b"\xc0"])


def test_a_stored_zero_is_refused() -> None:
    trie = HexaryTrie({})
    trie[keccak256(bytes(32))] = b"\x80"
    with pytest.raises(InvalidFormat):
        verify_storage_proof(trie.root_hash, 0, prove(trie, keccak256(bytes(32))))


def test_proofs_of_a_quorum_network_verify(vectors: Path) -> None:
    """Recorded from GoQuorum QBFT; its headers hash in a way of their own, its tries do not."""
    recorded = json.loads((vectors / "recorded" / "qbft.json").read_text(encoding="utf-8"))
    proof, block = recorded["proof"], recorded["logBlock"]
    nodes = [bytes.fromhex(node[2:]) for node in proof["accountProof"]]
    account = verify_account_proof(bytes.fromhex(block["stateRoot"][2:]), bytes.fromhex(proof["address"][2:]), nodes)
    assert account == Account(
        nonce=int(proof["nonce"], 16),
        balance=int(proof["balance"], 16),
        storage_root=bytes.fromhex(proof["storageHash"][2:]),
        code_hash=bytes.fromhex(proof["codeHash"][2:]),
    )
    [slot] = proof["storageProof"]
    nodes = [bytes.fromhex(node[2:]) for node in slot["proof"]]
    assert verify_storage_proof(account.storage_root, int(slot["key"], 16), nodes) == int(slot["value"], 16)


def header(extra: list[bytes] | None = None, **fields: bytes) -> bytes:
    named = {
        "parent": keccak256(b"parent"),
        "uncles": bytes(32),
        "miner": bytes(20),
        "state": keccak256(b"state"),
        "transactions": bytes(32),
        "receipts": keccak256(b"receipts"),
        "bloom": bytes(256),
        "difficulty": b"",
        "number": b"\x07",
        "gasLimit": b"\x01",
        "gasUsed": b"",
        "timestamp": b"\x65\x00\x00\x00",
        "extraData": b"any",
        "mixHash": bytes(32),
        "nonce": bytes(8),
    } | fields
    return bytes(other_rlp.encode([*named.values(), *(extra or [])]))


@pytest.mark.parametrize(
    "extra", [[], [b"\x07"], [b"", bytes(32)], [b"", bytes(32), b"", b"", bytes(32), bytes(32), b"later"]]
)
def test_headers_of_every_fork_are_read(extra: list[bytes]) -> None:
    raw = header(extra)
    read = decode_header(raw)
    assert (read.hash, read.number, read.timestamp) == (keccak256(raw), 7, 0x65000000)
    assert (read.parent_hash, read.state_root) == (keccak256(b"parent"), keccak256(b"state"))
    assert read.receipts_root == keccak256(b"receipts")


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (header(number=b"\x00\x07"), "number"),
        (header(parent=bytes(31)), "parentHash"),
        (header([b"\x00"]), "baseFeePerGas"),
        (other_rlp.encode([b""] * 14), "header"),
        (other_rlp.encode(b"header"), "header"),
    ],
)
def test_malformed_headers_name_the_field(raw: bytes, field: str) -> None:
    with pytest.raises(InvalidFormat) as refused:
        decode_header(raw)
    assert refused.value.field == field


def test_a_block_of_json_rpc_is_encoded_as_it_was_hashed() -> None:
    block = {
        "parentHash": "0x" + keccak256(b"parent").hex(),
        "sha3Uncles": "0x" + "00" * 32,
        "miner": "0x" + "00" * 20,
        "stateRoot": "0x" + keccak256(b"state").hex(),
        "transactionsRoot": "0x" + "00" * 32,
        "receiptsRoot": "0x" + keccak256(b"receipts").hex(),
        "logsBloom": "0x" + "00" * 256,
        "difficulty": "0x0",
        "number": "0x7",
        "gasLimit": "0x1",
        "gasUsed": "0x0",
        "timestamp": "0x65000000",
        "extraData": "0x" + b"any".hex(),
        "mixHash": "0x" + "00" * 32,
        "nonce": "0x" + "00" * 8,
    }
    assert encode_header(block) == header()
    assert encode_header(block | {"baseFeePerGas": "0x7"}) == header([b"\x07"])
    with pytest.raises(InvalidFormat) as refused:
        encode_header({name: value for name, value in block.items() if name != "stateRoot"})
    assert refused.value.field == "stateRoot"
