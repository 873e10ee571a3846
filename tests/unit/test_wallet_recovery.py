"""Signature recovery takes exactly one form of a signature."""

from __future__ import annotations

import hashlib

import pytest
from eth_keys import datatypes as eth_keys
from hypothesis import given, settings
from hypothesis import strategies as st

from deedbook.errors import InvalidSignature
from deedbook.wallet.recovery import CURVE_ORDER, recover, verify_signer
from deedbook.wallet.signers import LocalSigner

DIGEST = hashlib.sha256(b"a consent").digest()
SIGNER = LocalSigner(bytes(31) + b"\x07")
SIGNATURE = SIGNER.sign_digest(DIGEST)


def test_signature_recovers_to_its_signer() -> None:
    assert recover(DIGEST, SIGNATURE) == SIGNER.address
    verify_signer(DIGEST, SIGNATURE, SIGNER.address)


@given(st.integers(1, CURVE_ORDER - 1), st.binary(min_size=32, max_size=32))
@settings(max_examples=25, deadline=None)
def test_signing_and_recovery_agree_with_eth_keys(secret: int, digest: bytes) -> None:
    private_key = secret.to_bytes(32, "big")
    signer = LocalSigner(private_key)
    signature = signer.sign_digest(digest)
    theirs = eth_keys.PrivateKey(private_key)
    assert signer.address == theirs.public_key.to_canonical_address()
    assert recover(digest, signature) == signer.address
    assert (
        eth_keys.Signature(signature[:64] + bytes((signature[64] - 27,)))
        .recover_public_key_from_msg_hash(digest)
        .to_canonical_address()
        == signer.address
    )


def malleable(signature: bytes) -> bytes:
    s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes((55 - signature[64],))


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", "0 bytes, not 65"),
        (SIGNATURE[:64], "64 bytes, not 65"),
        (SIGNATURE + b"\0", "66 bytes, not 65"),
        (SIGNATURE[:64] + b"\0", "v is neither 27 nor 28"),
        (SIGNATURE[:64] + b"\1", "v is neither 27 nor 28"),
        (SIGNATURE[:64] + bytes((29,)), "v is neither 27 nor 28"),
        (bytes(32) + SIGNATURE[32:], "r is out of range"),
        (CURVE_ORDER.to_bytes(32, "big") + SIGNATURE[32:], "r is out of range"),
        (SIGNATURE[:32] + bytes(32) + SIGNATURE[64:], "s is out of range"),
        (SIGNATURE[:32] + CURVE_ORDER.to_bytes(32, "big") + SIGNATURE[64:], "s is out of range"),
        (malleable(SIGNATURE), "s is in the upper half"),
    ],
)
def test_other_forms_of_a_signature_are_refused(signature: bytes, reason: str) -> None:
    with pytest.raises(InvalidSignature) as refusal:
        recover(DIGEST, signature)
    assert (refusal.value.field, refusal.value.reason) == ("signature", reason)


def test_point_off_the_curve_is_refused() -> None:
    unliftable = next(r for r in range(1, 100) if pow(r**3 + 7, (FIELD - 1) // 2, FIELD) == FIELD - 1)
    with pytest.raises(InvalidSignature, match="no key could have made it"):
        recover(DIGEST, unliftable.to_bytes(32, "big") + SIGNATURE[32:])


FIELD = 2**256 - 2**32 - 977


def test_signature_by_another_account_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="signature: made by another account"):
        verify_signer(DIGEST, SIGNATURE, bytes(20))


def test_digest_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidSignature) as refusal:
        recover(DIGEST[:31], SIGNATURE)
    assert refusal.value.field == "digest"
