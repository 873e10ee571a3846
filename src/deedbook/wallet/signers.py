"""Signers: whatever turns a digest into an account's signature.

`Signer` is structural, so a PKCS#11 token, a KMS or a remote signer fits by having the same two names; only
`LocalSigner` holds its key in this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NoReturn, Protocol

from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT
from coincurve.keys import PrivateKey

from deedbook.domain.hashing import cut
from deedbook.errors import InvalidInput
from deedbook.wallet.recovery import CURVE_ORDER, address_of


class Signer(Protocol):
    """An account that can sign."""

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""

    def sign_digest(self, digest: bytes) -> bytes:
        """r || s || v (65 bytes, v 27 or 28, low s) over a 32-byte digest."""


class LocalSigner:
    """A key in memory. Signs deterministically (RFC 6979, low s); shows its address and never its key."""

    __slots__ = ("_address", "_key")

    def __init__(self, private_key: bytes) -> None:
        """Takes 32 bytes, 0 < key < n; raises `InvalidInput` (field `private_key`) otherwise."""
        if len(private_key) != 32 or not 0 < int.from_bytes(private_key, "big") < CURVE_ORDER:
            raise InvalidInput("private_key", "not 32 bytes between 0 and the curve order")
        self._key = PrivateKey(private_key)
        self._address = address_of(self._key.public_key)

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes]) -> LocalSigner:
        """A fresh key from `entropy(32)`."""
        return cls(fresh_private_key(entropy))

    @property
    def address(self) -> bytes:
        """The account, 20 bytes."""
        return self._address

    @property
    def public_key(self) -> bytes:
        """The uncompressed point without its prefix, 64 bytes."""
        return bytes(self._key.public_key.format(compressed=False)[1:])

    def sign_digest(self, digest: bytes) -> bytes:
        """r || s || v (65 bytes) over a 32-byte digest; raises `InvalidInput` (field `digest`) for another length."""
        if len(digest) != 32:
            raise InvalidInput("digest", f"{len(digest)} bytes, not 32")
        signature = self._key.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((signature[64] + 27,))

    def sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        """`sign_digest` of each, while other threads go on where the kernel `_signing` is there; raises the same."""
        kernel = _kernel()
        if kernel is None or any(len(digest) != 32 for digest in digests):
            return [self.sign_digest(digest) for digest in digests]
        return cut(kernel.sign_each(*_functions(), self._key.secret, b"".join(digests)), 65)

    def __repr__(self) -> str:
        return f"LocalSigner(0x{self._address.hex()})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signer is not copied or pickled: its key stays where it is")


@cache
def _kernel() -> Any:
    """`_signing`, where it was compiled."""
    try:
        from deedbook.wallet import _signing
    except ImportError:
        return None
    return _signing


@cache
def _functions() -> tuple[int, int, int]:
    """Where coincurve's library has what signs and what writes a signature, and its context."""
    names = ("secp256k1_ecdsa_sign_recoverable", "secp256k1_ecdsa_recoverable_signature_serialize_compact")
    sign, write = (ffi.addressof(lib, name) for name in names)
    return _address(sign), _address(write), _address(GLOBAL_CONTEXT.ctx)


def _address(pointer: Any) -> int:
    return int(ffi.cast("uintptr_t", pointer))


def fresh_private_key(entropy: Callable[[int], bytes]) -> bytes:
    """32 bytes from `entropy` that are a valid key; draws again in the 2^-128 case that they are not."""
    while not 0 < int.from_bytes(key := entropy(32), "big") < CURVE_ORDER:
        continue
    return key
