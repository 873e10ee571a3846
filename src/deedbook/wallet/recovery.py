"""Who signed a digest: secp256k1 recovery that takes one form of every signature and no other.

A signature is 65 bytes r || s || v, v 27 or 28, r and s in [1, n-1], s in the lower half (EIP-2). This file is light:
it knows neither keystores nor messages, only digests.
"""

from __future__ import annotations

from typing import Any, Final

from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT
from coincurve.keys import PublicKey

from deedbook.domain.hashing import keccak256
from deedbook.errors import InvalidSignature

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = CURVE_ORDER // 2

_V: Final = (27, 28)
_ZERO: Final = bytes(32)
_ORDER: Final = CURVE_ORDER.to_bytes(32, "big")
_HALF: Final = HALF_ORDER.to_bytes(32, "big")
_CONTEXT: Final[Any] = GLOBAL_CONTEXT.ctx
_UNCOMPRESSED: Final = 2
"""SECP256K1_EC_UNCOMPRESSED."""


class Recovery:
    """Recovers signers one after another, in buffers of its own: for one thread.

    coincurve's library is called without the objects of coincurve, which cost a twentieth of it.
    """

    def __init__(self) -> None:
        self._signature = ffi.new("secp256k1_ecdsa_recoverable_signature *")
        self._key = ffi.new("secp256k1_pubkey *")
        self._point = ffi.new("unsigned char[65]")
        self._length = ffi.new("size_t *", 65)
        self._coordinates = ffi.buffer(self._point, 65)

    def signer(self, digest: bytes, signature: bytes) -> bytes:
        """The 20-byte address whose key signed the 32-byte digest. Raises as `key`."""
        return keccak256(self.key(digest, signature))[12:]

    def key(self, digest: bytes, signature: bytes) -> bytes:
        """The public key that signed the 32-byte digest: its coordinates, 64 bytes, whose hash ends with the address.

        Raises `InvalidSignature` (field `signature`) for any form but the strict one.
        """
        if len(digest) != 32:
            raise InvalidSignature("digest", f"{len(digest)} bytes, not 32")
        if len(signature) != 65 or signature[64] not in _V or signature[32:64] > _HALF:
            _require_strict(signature)
        recovered = lib.secp256k1_ecdsa_recoverable_signature_parse_compact(
            _CONTEXT, self._signature, signature, signature[64] - 27
        ) and lib.secp256k1_ecdsa_recover(_CONTEXT, self._key, self._signature, digest)
        if not recovered:  # as r and s out of their range cannot be
            _require_strict(signature)
            raise InvalidSignature("signature", "no key could have made it")
        lib.secp256k1_ec_pubkey_serialize(_CONTEXT, self._point, self._length, self._key, _UNCOMPRESSED)
        return bytes(self._coordinates[1:])


def recover(digest: bytes, signature: bytes) -> bytes:
    """The 20-byte address whose key signed the 32-byte digest. Raises as `Recovery.signer`."""
    return Recovery().signer(digest, signature)


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
    if signature[64] not in _V:
        raise InvalidSignature("signature", "v is neither 27 nor 28")
    r, s = signature[:32], signature[32:64]
    if not _ZERO < r < _ORDER:
        raise InvalidSignature("signature", "r is out of range")
    if not _ZERO < s < _ORDER:
        raise InvalidSignature("signature", "s is out of range")
    if s > _HALF:
        raise InvalidSignature("signature", "s is in the upper half")
