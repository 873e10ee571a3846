"""Who signed a digest: secp256k1 recovery that takes one form of every signature and no other.

A signature is 65 bytes r || s || v, v 27 or 28, r and s in [1, n-1], s in the lower half (EIP-2). This file is light:
it knows neither keystores nor messages, only digests.
"""

from __future__ import annotations

from coincurve.keys import PublicKey

from deedbook.domain.hashing import keccak256
from deedbook.errors import InvalidSignature

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = CURVE_ORDER // 2


def recover(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address whose key signed the 32-byte digest.

    Raises `InvalidSignature` (field `signature`) for any form but the strict one.
    """
    if len(digest) != 32:
        raise InvalidSignature("digest", f"{len(digest)} bytes, not 32")
    _require_strict(signature)
    try:
        key = PublicKey.from_signature_and_message(signature[:64] + bytes((signature[64] - 27,)), digest, hasher=None)
    except ValueError as error:
        raise InvalidSignature("signature", "no key could have made it") from error
    return address_of(key)


def verify_signer(digest: bytes, signature: bytes, expected: bytes) -> None:
    """Raises `InvalidSignature` (field `signature`) unless `expected` (20 bytes) signed the digest."""
    if recover(digest, signature) != expected:
        raise InvalidSignature("signature", "made by another account")


def address_of(key: PublicKey) -> bytes:
    """The 20-byte address of a public key."""
    return keccak256(key.format(compressed=False)[1:])[12:]


def _require_strict(signature: bytes) -> None:
    if len(signature) != 65:
        raise InvalidSignature("signature", f"{len(signature)} bytes, not 65")
    if signature[64] not in (27, 28):
        raise InvalidSignature("signature", "v is neither 27 nor 28")
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:64], "big")
    if not 0 < r < CURVE_ORDER:
        raise InvalidSignature("signature", "r is out of range")
    if not 0 < s < CURVE_ORDER:
        raise InvalidSignature("signature", "s is out of range")
    if s > HALF_ORDER:
        raise InvalidSignature("signature", "s is in the upper half")
