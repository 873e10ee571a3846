"""Signers sign, and show nothing else."""

from __future__ import annotations

import copy
import pickle

import pytest

from deedbook.domain.hashing import sha256
from deedbook.errors import InvalidInput
from deedbook.wallet.derivation import hkdf_sha256, private_key_for, signer_for
from deedbook.wallet.recovery import CURVE_ORDER, HALF_ORDER
from deedbook.wallet.signers import LocalSigner, Signer, _functions, fresh_private_key
from tests.native import kernel

SECRET = bytes(range(1, 33))


def test_signing_is_deterministic_with_low_s() -> None:
    signer: Signer = LocalSigner(SECRET)
    for i in range(50):
        signature = signer.sign_digest(bytes(31) + bytes((i,)))
        assert signature == signer.sign_digest(bytes(31) + bytes((i,)))
        assert len(signature) == 65
        assert signature[64] in (27, 28)
        assert int.from_bytes(signature[32:64], "big") <= HALF_ORDER


def test_many_digests_are_signed_as_each_of_them() -> None:
    signer = LocalSigner(SECRET)
    digests = [sha256(b"%d" % number) for number in range(40)]
    each = [signer.sign_digest(digest) for digest in digests]
    assert signer.sign_digests(digests) == each
    assert signer.sign_digests([]) == []
    signed = kernel("_signing").sign_each
    assert signed(*_functions(), SECRET, b"".join(digests)) == b"".join(each)
    for key, digest in ((SECRET[1:], digests[0]), (SECRET, digests[0][1:]), (bytes(32), digests[0])):
        with pytest.raises(ValueError):
            signed(*_functions(), key, digest)
    with pytest.raises(InvalidInput):
        signer.sign_digests([digests[0], b"short"])


def test_signer_never_shows_its_key() -> None:
    signer = LocalSigner(SECRET)
    for text in (repr(signer), str(signer), f"{signer}"):
        assert signer.address.hex() in text
        assert SECRET.hex() not in text
    with pytest.raises(TypeError, match="not copied or pickled"):
        pickle.dumps(signer)
    with pytest.raises(TypeError, match="not copied or pickled"):
        copy.copy(signer)


@pytest.mark.parametrize("key", [b"", SECRET[:31], bytes(32), CURVE_ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_invalid_private_key_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        LocalSigner(key)
    assert refusal.value.field == "private_key"


def test_digest_of_another_length_is_not_signed() -> None:
    with pytest.raises(InvalidInput, match="digest: 31 bytes, not 32"):
        LocalSigner(SECRET).sign_digest(bytes(31))


def test_fresh_key_is_drawn_again_when_out_of_range() -> None:
    draws = iter((bytes(32), b"\xff" * 32, SECRET))
    assert fresh_private_key(lambda _: next(draws)) == SECRET


def test_derivation_gives_one_key_per_chain_and_asset() -> None:
    keys = {private_key_for(SECRET, chain_id=c, asset_id=a) for c in (1, 2) for a in (0, 1, 2**256 - 1)}
    assert len(keys) == 6
    assert signer_for(SECRET, chain_id=1, asset_id=0) is not None
    assert private_key_for(SECRET, chain_id=1, asset_id=1) == hkdf_sha256(
        SECRET, salt=b"deedbook.wallet.v1", info=(1).to_bytes(32, "big") * 2 + bytes(4)
    )


def test_hkdf_agrees_with_cryptography() -> None:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    theirs = HKDF(algorithm=SHA256(), length=32, salt=b"salt", info=b"info").derive(SECRET)
    assert hkdf_sha256(SECRET, salt=b"salt", info=b"info") == theirs


@pytest.mark.parametrize(
    ("seed", "chain_id", "asset_id", "field"),
    [(b"", 1, 1, "seed"), (SECRET, -1, 1, "chain_id"), (SECRET, 1, 2**256, "asset_id")],
)
def test_derivation_names_the_field_out_of_range(seed: bytes, chain_id: int, asset_id: int, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        private_key_for(seed, chain_id=chain_id, asset_id=asset_id)
    assert refusal.value.field == field
