"""Key envelopes (format 17): the seeds of a cover, sealed to one buyer for one sale by HPKE (RFC 9180).

    envelope = "DBEN" || u8 1 || u16 suite || enc || ciphertext
    info     = "deedbook.envelope.v1" || chainId(32) || Market(20) || saleId(32) || versionKey(32)

HPKE base mode, HKDF-SHA256, AES-256-GCM, empty AAD, one message. Suites are KEM ids: 0x0020 DHKEM(X25519,
HKDF-SHA256); 0x647a the hybrid of ML-KEM-768 and X25519 (X-Wing; enc = ML-KEM ciphertext(1088) || X25519(32)).

A key pair's private form is 32 bytes in both suites: the X25519 scalar, or X-Wing's seed, which SHAKE-256 expands to
the ML-KEM seed(64) || X25519 scalar(32). Its public form is 32 bytes, or ML-KEM(1184) || X25519(32). A member
registers `key_commitment` on chain: SHA-256("deedbook.key.v1" || u16 suite || public form).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from deedbook.domain.hashing import sha256
from deedbook.domain.members import encryption_key_commitment
from deedbook.errors import InvalidFormat, InvalidInput, MissingKey, SealBroken, WrongVersion
from deedbook.vault.keytree import SeededCover

MAGIC = b"DBEN"
ENVELOPE_VERSION = 1
_INFO_TAG = b"deedbook.envelope.v1"
_MLKEM_PUBLIC = 1184


class Suite(IntEnum):
    """How an envelope is sealed: the KEM id of RFC 9180's registry."""

    X25519 = 0x0020
    MLKEM768_X25519 = 0x647A


_KEMS = {Suite.X25519: hpke.KEM.X25519, Suite.MLKEM768_X25519: hpke.KEM.MLKEM768_X25519}
PUBLIC_LENGTHS = {Suite.X25519: 32, Suite.MLKEM768_X25519: _MLKEM_PUBLIC + 32}
"""Bytes of a public key."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an envelope is for: chain, `Market` (20 bytes), sale and version key (32 bytes each)."""

    chain_id: int
    market: bytes
    sale_id: bytes
    version_key: bytes

    def __post_init__(self) -> None:
        if not 0 <= self.chain_id < 1 << 256:
            raise InvalidInput("chain_id", "not an unsigned 256-bit integer")
        for name, value, length in (
            ("market", self.market, 20),
            ("sale_id", self.sale_id, 32),
            ("version_key", self.version_key, 32),
        ):
            if len(value) != length:
                raise InvalidInput(name, f"{len(value)} bytes, not {length}")

    @property
    def info(self) -> bytes:
        """HPKE's info."""
        return _INFO_TAG + self.chain_id.to_bytes(32, "big") + self.market + self.sale_id + self.version_key


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A member's encryption key, as others see it."""

    suite: Suite
    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PUBLIC_LENGTHS[self.suite]:
            raise InvalidInput("public_key", f"{len(self.raw)} bytes, not {PUBLIC_LENGTHS[self.suite]}")

    @property
    def commitment(self) -> bytes:
        """What the member registers on chain, 32 bytes."""
        return encryption_key_commitment(int(self.suite), self.raw)


@dataclass(frozen=True, slots=True)
class EncryptionKeyPair:
    """A member's encryption key with its private form (32 bytes), which stays out of its repr.

    Keep the private form in a seed book or a key service.
    """

    suite: Suite
    private: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.private) != 32:
            raise InvalidInput("private_key", f"{len(self.private)} bytes, not 32")

    @classmethod
    def generate(cls, entropy: Callable[[int], bytes], suite: Suite = Suite.MLKEM768_X25519) -> EncryptionKeyPair:
        """A fresh pair from `entropy(32)`."""
        return cls(suite, entropy(32))

    @property
    def public(self) -> PublicKey:
        """The public half."""
        if self.suite is Suite.X25519:
            return PublicKey(
                self.suite, X25519PrivateKey.from_private_bytes(self.private).public_key().public_bytes_raw()
            )
        lattice, curve = _halves(self.private)
        return PublicKey(self.suite, lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw())


def key_commitment(suite: int, public_key: bytes) -> bytes:
    """SHA-256("deedbook.key.v1" || u16 suite || public key): what a member registers on chain.

    Raises `InvalidInput` naming `suite` or `public_key`.
    """
    return PublicKey(_suite(suite), public_key).commitment


def seal_envelope(recipient: PublicKey, context: Context, seeds: SeededCover) -> bytes:
    """The envelope of these seeds to this recipient, another one at every call.

    Raises `InvalidInput` naming `public_key` when it is no point or lattice key.
    """
    try:
        sealed = _hpke(recipient.suite).encrypt(seeds.encode(), _public(recipient), info=context.info)
    except ValueError as error:
        raise InvalidInput("public_key", "not a valid key of its suite") from error
    return MAGIC + bytes((ENVELOPE_VERSION,)) + recipient.suite.to_bytes(2, "big") + bytes(sealed)


def open_envelope(envelope: bytes, keys: EncryptionKeyPair, context: Context) -> SeededCover:
    """The seeds of an envelope.

    Raises `InvalidFormat` or `WrongVersion` naming `envelope`; `MissingKey` when it is sealed to a key of another
    suite; `SealBroken` (field `part` = "envelope") when it was changed, or is to another key or for another context.
    """
    if envelope[:4] != MAGIC or len(envelope) < 7:
        raise InvalidFormat("envelope", "not a key envelope")
    if envelope[4] != ENVELOPE_VERSION:
        raise WrongVersion("envelope", f"version {envelope[4]}, not 1")
    try:
        suite = _suite(int.from_bytes(envelope[5:7], "big"))
    except InvalidInput as error:
        raise InvalidFormat("envelope", "of no known suite") from error
    if len(envelope) < 7 + _KEMS[suite].enc_length() + 16:
        raise InvalidFormat("envelope", "truncated")
    if suite is not keys.suite:
        raise MissingKey(f"the envelope asks for a key of {suite.name}", kind="encryption key", suite=suite.name)
    try:
        content = _hpke(suite).decrypt(envelope[7:], _private(keys), info=context.info)
    except (InvalidTag, ValueError) as error:
        raise SealBroken(
            "the envelope was changed, or is to another key or for another sale", part="envelope"
        ) from error
    return SeededCover.decode(bytes(content))


def envelope_hash(envelope: bytes) -> bytes:
    """SHA-256 of the envelope: what `deliver` records."""
    return sha256(envelope)


def _suite(number: int) -> Suite:
    try:
        return Suite(number)
    except ValueError as error:
        raise InvalidInput("suite", f"{number:#06x} is unknown") from error


def _hpke(suite: Suite) -> hpke.Suite:
    return hpke.Suite(_KEMS[suite], hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _public(key: PublicKey) -> X25519PublicKey | hpke.MLKEM768X25519PublicKey:
    if key.suite is Suite.X25519:
        return X25519PublicKey.from_public_bytes(key.raw)
    return hpke.MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(key.raw[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(key.raw[_MLKEM_PUBLIC:]),
    )


def _private(keys: EncryptionKeyPair) -> X25519PrivateKey | hpke.MLKEM768X25519PrivateKey:
    if keys.suite is Suite.X25519:
        return X25519PrivateKey.from_private_bytes(keys.private)
    return hpke.MLKEM768X25519PrivateKey(*_halves(keys.private))


def _halves(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey]:
    expanded = hashlib.shake_256(seed).digest(96)
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
