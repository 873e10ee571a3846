"""An envelope opens to one key, for one sale."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deedbook.domain.keytree import cover_all_but
from deedbook.errors import InvalidFormat, InvalidInput, MissingKey, SealBroken, WrongVersion
from deedbook.vault import keytree
from deedbook.vault.envelopes import (
    Context,
    EncryptionKeyPair,
    PublicKey,
    Suite,
    envelope_hash,
    key_commitment,
    open_envelope,
    seal_envelope,
)

SEEDS = keytree.whole(bytes(range(32)), 500).narrowed_to(cover_all_but(500, (3, 77)))
CONTEXT = Context(31337, b"\1" * 20, b"\2" * 32, b"\3" * 32)
SUITES = pytest.mark.parametrize("suite", list(Suite), ids=lambda suite: suite.name)


@SUITES
def test_envelope_opens_to_its_recipient(suite: Suite) -> None:
    keys = EncryptionKeyPair.generate(os.urandom, suite)
    envelope = seal_envelope(keys.public, CONTEXT, SEEDS)
    assert open_envelope(envelope, keys, CONTEXT) == SEEDS
    assert envelope_hash(envelope) == hashlib.sha256(envelope).digest()
    assert envelope != seal_envelope(keys.public, CONTEXT, SEEDS)


@SUITES
def test_envelope_opens_for_its_own_sale_only(suite: Suite) -> None:
    keys = EncryptionKeyPair.generate(os.urandom, suite)
    envelope = seal_envelope(keys.public, CONTEXT, SEEDS)
    for other in (
        replace(CONTEXT, chain_id=1),
        replace(CONTEXT, market=bytes(20)),
        replace(CONTEXT, sale_id=bytes(32)),
        replace(CONTEXT, version_key=bytes(32)),
    ):
        with pytest.raises(SealBroken) as broken:
            open_envelope(envelope, keys, other)
        assert broken.value.fields["part"] == "envelope"


@SUITES
def test_envelope_does_not_open_to_another_key(suite: Suite) -> None:
    envelope = seal_envelope(EncryptionKeyPair.generate(os.urandom, suite).public, CONTEXT, SEEDS)
    with pytest.raises(SealBroken):
        open_envelope(envelope, EncryptionKeyPair.generate(os.urandom, suite), CONTEXT)


def test_envelope_of_another_suite_asks_for_its_key() -> None:
    envelope = seal_envelope(EncryptionKeyPair.generate(os.urandom, Suite.X25519).public, CONTEXT, SEEDS)
    with pytest.raises(MissingKey) as missing:
        open_envelope(envelope, EncryptionKeyPair.generate(os.urandom, Suite.MLKEM768_X25519), CONTEXT)
    assert missing.value.fields["suite"] == "X25519"


@SUITES
def test_changed_and_truncated_envelopes_are_refused(suite: Suite) -> None:
    keys = EncryptionKeyPair.generate(os.urandom, suite)
    envelope = seal_envelope(keys.public, CONTEXT, SEEDS)
    for position in (*range(40), len(envelope) // 2, len(envelope) - 1):
        changed = envelope[:position] + bytes((envelope[position] ^ 1,)) + envelope[position + 1 :]
        with pytest.raises((InvalidFormat, WrongVersion, MissingKey, SealBroken)):
            open_envelope(changed, keys, CONTEXT)
    for length in (0, 4, 6, 7, 30, 39, len(envelope) - 1):
        with pytest.raises((InvalidFormat, SealBroken)):
            open_envelope(envelope[:length], keys, CONTEXT)


def test_unknown_suite_and_version_are_named() -> None:
    keys = EncryptionKeyPair.generate(os.urandom, Suite.X25519)
    envelope = seal_envelope(keys.public, CONTEXT, SEEDS)
    with pytest.raises(InvalidFormat, match="envelope: of no known suite"):
        open_envelope(envelope[:5] + b"\0\0" + envelope[7:], keys, CONTEXT)
    with pytest.raises(WrongVersion, match="envelope: version 2, not 1"):
        open_envelope(envelope[:4] + b"\2" + envelope[5:], keys, CONTEXT)


@SUITES
def test_key_commitment_is_that_of_the_format(suite: Suite) -> None:
    public = EncryptionKeyPair.generate(os.urandom, suite).public
    expected = hashlib.sha256(b"deedbook.key.v1" + suite.to_bytes(2, "big") + public.raw).digest()
    assert public.commitment == key_commitment(suite, public.raw) == expected


def test_malformed_keys_are_named() -> None:
    with pytest.raises(InvalidInput, match="suite"):
        key_commitment(1, bytes(32))
    with pytest.raises(InvalidInput, match="public_key"):
        PublicKey(Suite.X25519, bytes(31))
    with pytest.raises(InvalidInput, match="private_key"):
        EncryptionKeyPair(Suite.X25519, bytes(31))
    with pytest.raises(InvalidInput, match="public_key"):
        seal_envelope(PublicKey(Suite.X25519, bytes(32)), CONTEXT, SEEDS)
    with pytest.raises(InvalidInput, match="public_key"):
        seal_envelope(PublicKey(Suite.MLKEM768_X25519, b"\xff" * 1216), CONTEXT, SEEDS)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chain_id": -1}, "chain_id"),
        ({"market": b""}, "market"),
        ({"sale_id": b""}, "sale_id"),
        ({"version_key": b""}, "version_key"),
    ],
)
def test_malformed_context_is_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        replace(CONTEXT, **change)  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_private_form_stays_out_of_the_repr() -> None:
    keys = EncryptionKeyPair(Suite.X25519, b"\x42" * 32)
    assert "42" * 32 not in repr(keys)
    assert "BBBB" not in repr(keys)


def hpke_open(suite: Suite, shared_secret: bytes, sealed: bytes) -> bytes:
    """RFC 9180 base mode by the letter: HKDF-SHA256 and AES-256-GCM over a KEM's shared secret."""

    def labeled_extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + identifier + label + ikm, "sha256")

    def labeled_expand(secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
        labeled = length.to_bytes(2, "big") + b"HPKE-v1" + identifier + label + context
        return hmac.digest(secret, labeled + b"\1", "sha256")[:length]

    identifier = b"HPKE" + suite.to_bytes(2, "big") + b"\0\1" + b"\0\2"
    schedule = b"\0" + labeled_extract(b"", b"psk_id_hash", b"") + labeled_extract(b"", b"info_hash", CONTEXT.info)
    secret = labeled_extract(shared_secret, b"secret", b"")
    key = labeled_expand(secret, b"key", schedule, 32)
    return AESGCM(key).decrypt(labeled_expand(secret, b"base_nonce", schedule, 12), sealed, b"")


def test_x25519_envelope_opens_by_rfc_9180_alone() -> None:
    keys = EncryptionKeyPair.generate(os.urandom, Suite.X25519)
    envelope = seal_envelope(keys.public, CONTEXT, SEEDS)
    enc, sealed = envelope[7:39], envelope[39:]
    shared = X25519PrivateKey.from_private_bytes(keys.private).exchange(X25519PublicKey.from_public_bytes(enc))
    identifier = b"KEM\0\x20"
    prk = hmac.digest(bytes(32), b"HPKE-v1" + identifier + b"eae_prk" + shared, "sha256")
    labeled = b"\0\x20HPKE-v1" + identifier + b"shared_secret" + enc + keys.public.raw
    assert hpke_open(Suite.X25519, hmac.digest(prk, labeled + b"\1", "sha256"), sealed) == SEEDS.encode()


def test_hybrid_envelope_opens_by_x_wing_and_rfc_9180_alone() -> None:
    """Shows the KEM id 0x647a too: it is in the key schedule."""
    keys = EncryptionKeyPair.generate(os.urandom, Suite.MLKEM768_X25519)
    envelope = seal_envelope(keys.public, CONTEXT, SEEDS)
    enc, sealed = envelope[7 : 7 + 1120], envelope[7 + 1120 :]
    expanded = hashlib.shake_256(keys.private).digest(96)
    lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
    curve = X25519PrivateKey.from_private_bytes(expanded[64:])
    point = curve.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    shared = hashlib.sha3_256(
        lattice.decapsulate(enc[:1088]) + point + enc[1088:] + curve.public_key().public_bytes_raw() + b"\\.//^\\"
    ).digest()
    assert hpke_open(Suite.MLKEM768_X25519, shared, sealed) == SEEDS.encode()
