"""The vault's and the wallet's formats against vectors that a second implementation made (tests/vectors)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from deedbook.domain.consents import record_commit
from deedbook.domain.hashing import from_hex, sha256, to_hex
from deedbook.domain.keytree import cover_all_but, depth_for
from deedbook.domain.merkle import rfc9162_root
from deedbook.domain.payloads import KeyRecord
from deedbook.errors import DeedbookError
from deedbook.vault import keytree
from deedbook.vault.envelopes import Context, EncryptionKeyPair, Suite, envelope_hash, key_commitment, open_envelope
from deedbook.vault.keks import unwrap, wrap
from deedbook.vault.keytree import SeededCover
from deedbook.vault.payloads import open_seeds, seal_seeds
from deedbook.vault.records_form import decode_record, encode_record, open_unit, seal_records
from deedbook.wallet.derivation import private_key_for

Fields = dict[str, Any]
VECTORS = Path(__file__).parents[1] / "vectors"


def raw(text: str) -> bytes:
    return from_hex(text, "vector")


def key_tree(given: Fields) -> Fields:
    depth = depth_for(given["recordCount"])
    whole = keytree.whole(raw(given["rootSeed"]), given["recordCount"])
    leaves = [(index, whole.leaf_seed(index)) for index in given["indices"]]
    return {
        "depth": depth,
        "leaves": [
            {
                "index": index,
                "seed": to_hex(seed),
                "recordKey": to_hex(keytree.record_key(seed, depth)),
                "commitment": to_hex(keytree.key_commitment(seed, depth)),
            }
            for index, seed in leaves
        ],
    }


def unit(given: Fields) -> Fields:
    place, seed, depth = given["place"], raw(given["leafSeed"]), given["depth"]
    where: Fields = {
        "asset_id": int(place["assetId"]),
        "version": place["version"],
        "index": place["index"],
        "consent_id": raw(place["consentId"]),
        "depth": depth,
    }
    if "unit" in given:
        return {"plaintext": open_unit(raw(given["unit"]), seed, **where).decode()}
    plaintext = encode_record(raw(given["salt"]), given["record"])
    sealed = _sealed(plaintext, seed, where)
    assert decode_record(open_unit(sealed, seed, **where)) == (raw(given["salt"]), given["record"])
    return {"unit": to_hex(sealed), "unitHash": to_hex(sha256(sealed))}


def _sealed(plaintext: bytes, leaf_seed: bytes, where: Fields) -> bytes:
    """One unit at any place: the sealer takes whole versions, so its inner verb is called here."""
    from deedbook.vault import records_form

    aad = records_form._aad(
        records_form._scope(where["asset_id"], where["version"]), where["index"], where["consent_id"]
    )
    return records_form._seal(plaintext, leaf_seed, where["depth"], aad)


def content_root(given: Fields) -> Fields:
    return {"contentRoot": to_hex(rfc9162_root([sha256(raw(each)) for each in given["units"]]))}


def cover_seeds(given: Fields) -> Fields:
    count = given["recordCount"]
    cover = cover_all_but(count, given["excluded"])
    seeds = keytree.whole(raw(given["rootSeed"]), count).narrowed_to(cover)
    assert SeededCover.decode(seeds.encode()) == seeds
    return {"seeds": to_hex(seeds.encode())}


def envelope(given: Fields) -> Fields:
    keys = EncryptionKeyPair(Suite.X25519, raw(given["recipientPrivateKey"]))
    place = given["context"]
    context = Context(int(place["chainId"]), raw(place["market"]), raw(place["saleId"]), raw(place["versionKey"]))
    if "envelope" in given:
        return {"seeds": to_hex(open_envelope(raw(given["envelope"]), keys, context).encode())}
    made = raw(EXPECTED_ENVELOPES[given["seeds"]])  # HPKE draws its own ephemeral key, so the other side's is opened
    ephemeral = X25519PrivateKey.from_private_bytes(raw(given["ephemeralPrivateKey"]))
    assert made[7:39] == ephemeral.public_key().public_bytes_raw()
    assert to_hex(open_envelope(made, keys, context).encode()) == given["seeds"]
    return {
        "recipientPublicKey": to_hex(keys.public.raw),
        "envelope": to_hex(made),
        "envelopeHash": to_hex(envelope_hash(made)),
    }


def key_wrap(given: Fields) -> Fields:
    payload_id, payload_key, kek = raw(given["payloadId"]), raw(given["payloadKey"]), raw(given["kek"])
    epoch, generation, seeds = given["epoch"], given["generation"], SeededCover.decode(raw(given["seeds"]))
    sealed = seal_seeds(payload_key, seeds, payload_id=payload_id, epoch=epoch, nonce=raw(given["seedsNonce"]))
    wrapped = wrap(kek, payload_key, payload_id=payload_id, generation=generation, nonce=raw(given["wrapNonce"]))
    assert unwrap(kek, wrapped, payload_id=payload_id, generation=generation) == payload_key
    assert open_seeds(kek, KeyRecord(payload_id, epoch, generation, wrapped, sealed)) == seeds
    return {"sealedSeeds": to_hex(sealed), "wrappedKey": to_hex(wrapped)}


def encryption_key(given: Fields) -> Fields:
    return {"encryptionKey": to_hex(key_commitment(given["suite"], raw(given["publicKey"])))}


def wallet(given: Fields) -> Fields:
    key = private_key_for(raw(given["seed"]), chain_id=int(given["chainId"]), asset_id=int(given["assetId"]))
    return {"n": 0, "privateKey": to_hex(key)}


def record(given: Fields) -> Fields:
    return {"recordCommit": to_hex(record_commit(raw(given["salt"]), given["record"]))}


FORMATS: dict[str, Callable[[Fields], Fields]] = {
    "key-tree": key_tree,
    "unit": unit,
    "content-root": content_root,
    "cover-seeds": cover_seeds,
    "envelope": envelope,
    "key-wrap": key_wrap,
    "encryption-key": encryption_key,
    "wallet": wallet,
    "record": record,
}


def cases(name: str) -> list[Fields]:
    found: list[Fields] = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return found


EXPECTED_ENVELOPES = {
    case["input"]["seeds"]: case["expected"]["envelope"]
    for case in cases("envelope")
    if "seeds" in case["input"] and "expected" in case
}


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, id=f"{name}: {case['name']}") for name in FORMATS for case in cases(name)],
)
def test_vector_comes_to_its_outcome(name: str, case: Fields) -> None:
    if "error" in case:
        with pytest.raises(DeedbookError) as refusal:
            FORMATS[name](case["input"])
        assert refusal.value.code == case["error"]
    else:
        assert FORMATS[name](case["input"]) == case["expected"]


def test_sealing_a_version_seals_each_unit_as_the_vectors_do() -> None:
    root_seed, consents = bytes(range(32)), [bytes((n,)) * 32 for n in range(3)]
    sealed = seal_records(5, 1, consents, [b"a", b"b", b"c"], root_seed)
    whole = keytree.whole(root_seed, 3)
    for index, plaintext in enumerate((b"a", b"b", b"c")):
        where = {"asset_id": 5, "version": 1, "index": index, "consent_id": consents[index], "depth": 2}
        assert sealed.units[index] == _sealed(plaintext, whole.leaf_seed(index), where)
