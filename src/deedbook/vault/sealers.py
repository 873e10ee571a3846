"""Seals small private values, such as signed consents, for a database that may be stolen."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deedbook.errors import InvalidInput, SealBroken

NONCE_LENGTH = 12


class KeySealer:
    """AES-256-GCM under one key: nonce(12) || ciphertext || tag(16), with the context as associated data.

    Raises InvalidInput unless the key is 32 bytes. Random nonces: seal fewer than 2^32 values under one key (NIST SP
    800-38D, 8.3).
    """

    def __init__(self, key: bytes, entropy: Callable[[int], bytes]) -> None:
        if len(key) != 32:
            raise InvalidInput("key", f"{len(key)} bytes, not 32")
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def seal(self, plaintext: bytes, context: bytes) -> bytes:
        """The sealed form, another one at every call."""
        nonce = self._entropy(NONCE_LENGTH)
        return nonce + self._cipher.encrypt(nonce, plaintext, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """What was sealed under this context; raises SealBroken when it was changed, moved, or is under another key."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_LENGTH], sealed[NONCE_LENGTH:], context)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("a stored private value does not open", part="record") from error

    def __repr__(self) -> str:
        return "KeySealer()"
