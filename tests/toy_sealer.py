"""A sealer for tests: hides, binds the context, and is no cipher."""

from __future__ import annotations

from deedbook.domain.hashing import sha256
from deedbook.errors import SealBroken


class ToySealer:
    """XOR with a stream of hashes, and a hash as the tag."""

    def __init__(self) -> None:
        self._seals = 0

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        self._seals += 1
        nonce = self._seals.to_bytes(8, "big")
        return nonce + sha256(nonce + context + plaintext) + _xor(plaintext, nonce)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        nonce, tag, plaintext = sealed[:8], sealed[8:40], _xor(sealed[40:], sealed[:8])
        if sha256(nonce + context + plaintext) != tag:
            raise SealBroken("the seal is broken")
        return plaintext


def _xor(data: bytes, nonce: bytes) -> bytes:
    stream = b"".join(sha256(nonce + place.to_bytes(8, "big")) for place in range(len(data) // 32 + 1))
    return bytes(one ^ other for one, other in zip(data, stream, strict=False))
