"""A sealed record opens to one key, at one place, for one consent - and shows not even its length."""

from __future__ import annotations

import hashlib
import json
from array import array
from io import BytesIO
from itertools import accumulate, pairwise

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.domain.consents import record_commit
from deedbook.domain.merkle import rfc9162_root
from deedbook.errors import InvalidFormat, InvalidInput, SealBroken, WrongVersion
from deedbook.vault import keytree
from deedbook.vault.payload_objects import PayloadWriter, encode_payload
from deedbook.vault.records_form import (
    CHUNK,
    decode_record,
    encode_record,
    open_unit,
    seal_in_chunks,
    seal_records,
)

ASSET = 2**255 + 7
SEED = bytes(range(32))
CONSENTS = [bytes((n,)) * 32 for n in range(5)]
PLAINTEXTS = [b"", b"a", None, b"x" * 255, b"y" * 256]
SEALED = seal_records(ASSET, 3, CONSENTS, PLAINTEXTS, SEED)
LEAVES = keytree.leaf_seeds(SEED, 5)


def opened(
    unit: bytes | None = None,
    *,
    leaf_seed: bytes | None = None,
    asset_id: int = ASSET,
    version: int = 3,
    index: int = 1,
    consent_id: bytes | None = None,
    depth: int = 3,
) -> bytes:
    return open_unit(
        SEALED.units[index] if unit is None else unit,
        LEAVES[index] if leaf_seed is None else leaf_seed,
        asset_id=asset_id,
        version=version,
        index=index,
        consent_id=CONSENTS[index] if consent_id is None else consent_id,
        depth=depth,
    )


def broken_part(**change: object) -> tuple[int, str]:
    with pytest.raises(SealBroken) as broken:
        opened(**change)  # type: ignore[arg-type]
    return broken.value.fields["index"], broken.value.fields["part"]


@pytest.mark.parametrize("index", [0, 1, 3, 4])
def test_record_opens_to_what_was_sealed(index: int) -> None:
    assert opened(index=index) == PLAINTEXTS[index]


def test_content_root_is_over_the_hashes_of_the_units() -> None:
    hashes = [hashlib.sha256(unit).digest() for unit in SEALED.units]
    assert list(SEALED.unit_hashes) == hashes
    assert SEALED.content_root == rfc9162_root(hashes)
    assert SEALED.depth == 3


def test_unit_is_that_of_the_format() -> None:
    """Format 15 by the letter."""
    leaf = LEAVES[1]
    key = hashlib.sha256(b"deedbook-kt" + bytes((1, 2, 3, 0, 0)) + leaf).digest()
    commitment = hashlib.sha256(b"deedbook-kt" + bytes((1, 3, 3, 0, 0)) + leaf).digest()
    aad = b"deedbook.unit.v1" + ASSET.to_bytes(32, "big") + bytes((0, 0, 0, 3)) + (1).to_bytes(8, "big") + CONSENTS[1]
    padded = b"a\x80" + bytes(254)
    assert SEALED.units[1] == b"\1" + commitment + AESGCM(key).encrypt(bytes(12), padded, aad)


def test_padding_hides_the_length() -> None:
    lengths = [len(unit) for unit in SEALED.units]
    assert lengths == [305, 305, 0, 305, 561]


@given(st.lists(st.none() | st.binary(max_size=600), min_size=1, max_size=9))
@settings(max_examples=40, deadline=None)
def test_sealing_and_opening_are_inverse(plaintexts: list[bytes | None]) -> None:
    consents = [bytes((n,)) * 32 for n in range(len(plaintexts))]
    sealed = seal_records(1, 1, consents, plaintexts, SEED)
    leaves = keytree.leaf_seeds(SEED, len(plaintexts))
    for index, plaintext in enumerate(plaintexts):
        if plaintext is None:
            assert sealed.units[index] == b""
            continue
        assert plaintext == open_unit(
            sealed.units[index],
            leaves[index],
            asset_id=1,
            version=1,
            index=index,
            consent_id=consents[index],
            depth=sealed.depth,
        )


@pytest.mark.parametrize("count", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5])
def test_chunks_are_what_all_of_them_sealed_at_once_would_be(count: int) -> None:
    consents = [number.to_bytes(32, "big") for number in range(count)]
    plaintexts = [None if number % 7 == 3 else b"%d" % number for number in range(count)]
    chunks = list(seal_in_chunks(ASSET, 3, zip(consents, plaintexts, strict=True), count, SEED))
    assert [chunk.first for chunk in chunks] == list(range(0, count, CHUNK))
    leaves, depth = keytree.leaf_seeds(SEED, count), (count - 1).bit_length()
    written, whole, units = BytesIO(), array("Q"), b""
    writer = PayloadWriter(written, ASSET, 3, count)
    for chunk in chunks:
        writer.add(chunk.units, chunk.lengths, chunk.levels)
        units += chunk.units
        whole += chunk.lengths
    starts = list(accumulate(whole, initial=0))
    cut = [units[start:end] for start, end in pairwise(starts)]
    for index in (0, 3, CHUNK - 2, count - 1):
        if plaintexts[index] is None:
            assert cut[index] == b""
            continue
        place = {"asset_id": ASSET, "version": 3, "index": index, "consent_id": consents[index], "depth": depth}
        assert open_unit(cut[index], leaves[index], **place) == plaintexts[index]  # type: ignore[arg-type]
    hashes = [hashlib.sha256(unit).digest() for unit in cut]
    assert writer.finish() == rfc9162_root(hashes)
    assert written.getvalue() == encode_payload(ASSET, 3, cut, hashes)
    assert (writer.size, writer.empty) == (len(units), [number for number in range(count) if number % 7 == 3])


@pytest.mark.parametrize("given", [CHUNK - 1, CHUNK + 1, 0])
def test_another_number_of_records_than_was_said_is_refused(given: int) -> None:
    pairs = ((bytes(32), b"x") for _ in range(given))
    with pytest.raises(InvalidInput) as refusal:
        list(seal_in_chunks(ASSET, 3, pairs, CHUNK, SEED))
    assert refusal.value.field == "plaintexts"


@pytest.mark.rule("flipped-byte")
def test_every_flipped_byte_is_found_and_placed() -> None:
    unit = SEALED.units[1]
    for position in range(len(unit)):
        changed = unit[:position] + bytes((unit[position] ^ 1,)) + unit[position + 1 :]
        part = "form" if position == 0 else "commitment" if position < 33 else "ciphertext"
        assert broken_part(unit=changed) == (1, part)


def test_truncated_lengthened_and_empty_units_are_refused() -> None:
    unit = SEALED.units[1]
    for length in (0, 1, 32, 33, 49, 304):
        assert broken_part(unit=unit[:length]) == (1, "form")
    assert broken_part(unit=unit + b"\0") == (1, "form")
    assert broken_part(unit=unit + bytes(256)) == (1, "ciphertext")


def test_wrong_key_is_refused_by_the_commitment() -> None:
    assert broken_part(leaf_seed=LEAVES[0]) == (1, "commitment")
    assert broken_part(depth=4) == (1, "commitment")


def test_swapped_units_are_refused() -> None:
    assert broken_part(unit=SEALED.units[0]) == (1, "commitment")
    assert broken_part(unit=SEALED.units[0], leaf_seed=LEAVES[0]) == (1, "ciphertext")


@pytest.mark.parametrize(
    "change", [{"consent_id": CONSENTS[0]}, {"version": 4}, {"asset_id": ASSET + 1}, {"consent_id": bytes(32)}]
)
def test_record_of_another_consent_version_or_asset_is_refused(change: dict[str, object]) -> None:
    assert broken_part(**change) == (1, "ciphertext")


@pytest.mark.parametrize("padded", [bytes(256), b"a" * 256, b"\x80" + bytes(511)])
def test_other_padding_is_refused(padded: bytes) -> None:
    aad = b"deedbook.unit.v1" + ASSET.to_bytes(32, "big") + bytes((0, 0, 0, 3)) + (1).to_bytes(8, "big") + CONSENTS[1]
    body = AESGCM(keytree.record_key(LEAVES[1], 3)).encrypt(bytes(12), padded, aad)
    unit = b"\1" + keytree.key_commitment(LEAVES[1], 3) + body
    assert broken_part(unit=unit) == (1, "padding")


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((ASSET, 3, CONSENTS[:4], PLAINTEXTS, SEED), "plaintexts"),
        ((ASSET, 3, CONSENTS, PLAINTEXTS, SEED[:31]), "root_seed"),
        ((2**256, 3, CONSENTS, PLAINTEXTS, SEED), "asset_id"),
        ((ASSET, 2**32, CONSENTS, PLAINTEXTS, SEED), "version"),
        ((ASSET, 3, [*CONSENTS[:4], b"short"], PLAINTEXTS, SEED), "consent_id"),
        ((ASSET, 3, [], [], SEED), "recordCount"),
    ],
)
def test_sealing_names_the_bad_field(
    arguments: tuple[int, int, list[bytes], list[bytes | None], bytes], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        seal_records(*arguments)
    assert refusal.value.field == field


def test_record_and_commitment_are_those_of_the_format() -> None:
    salt, record = b"\7" * 32, {"wage": 12.5, "name": "王芳"}
    content = encode_record(salt, record)
    assert json.loads(content) == {
        "format": "deedbook.record",
        "version": 1,
        "salt": "0x" + "07" * 32,
        "record": record,
    }
    canonical = '{"name":"王芳","wage":12.5}'.encode()
    assert record_commit(salt, record) == hashlib.sha256(b"deedbook.record.v1" + salt + canonical).digest()
    assert decode_record(content) == (salt, record)
    with pytest.raises(InvalidInput, match="salt"):
        record_commit(b"short", record)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", InvalidFormat),
        (b"[]", InvalidFormat),
        (b'{"format":"deedbook.other"}', InvalidFormat),
        (b'{"format":"deedbook.record","record":{},"salt":"0x00","version":1}', InvalidFormat),
        (b'{"format":"deedbook.record","record":{},"salt":5,"version":1}', InvalidFormat),
        (b'{"format":"deedbook.record","record":[],"salt":"0x","version":1}', InvalidFormat),
        (b'{"format":"deedbook.record","version":1}', InvalidFormat),
        (b'{"format":"deedbook.record","record":{},"salt":"0x","version":2}', WrongVersion),
        (b'{"format":"deedbook.record","record":{},"salt":"0x","version":true}', WrongVersion),
        (b'{"version":1,"format":"deedbook.record","record":{},"salt":"0x"}', InvalidFormat),
    ],
)
def test_plaintext_that_is_no_record_is_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        decode_record(content)
