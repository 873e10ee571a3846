"""Members: commitments to who they are and to the keys that deliveries are sealed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deedbook.domain.documents import require_bytes, require_unsigned
from deedbook.domain.hashing import canonical_json, sha256
from deedbook.domain.journal import account_entity

IDENTITY_TAG: Final = b"deedbook.identity.v1"
KEY_TAG: Final = b"deedbook.key.v1"


def identity_commitment(salt: bytes, legal_identity: Mapping[str, Any]) -> bytes:
    """SHA-256("deedbook.identity.v1" || salt(32) || canonical JSON): nobody is named on chain."""
    require_bytes("salt", salt, 32)
    return sha256(IDENTITY_TAG + salt + canonical_json(dict(legal_identity)))


def encryption_key_commitment(suite: int, public_key: bytes) -> bytes:
    """SHA-256("deedbook.key.v1" || u16 HPKE KEM id || public key): what a member registers on chain."""
    require_unsigned("suite", suite, 16)
    return sha256(KEY_TAG + suite.to_bytes(2, "big") + public_key)


def member_key(account: bytes) -> bytes:
    """The target key of a member, 32 bytes: bytes32(uint160(account))."""
    return account_entity(account)


@dataclass(frozen=True, slots=True)
class Admission:
    """Under what a participant is admitted (IMembership.Admission): salted identity commitment (32 bytes), ISO 3166-1
    numeric jurisdiction, bits of `Role`, Unix seconds, ascending licence codes."""

    identity: bytes
    jurisdiction: int
    roles: int
    valid_until: int
    licences: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require_bytes("identity", self.identity, 32)
        require_unsigned("jurisdiction", self.jurisdiction, 16)
        require_unsigned("roles", self.roles, 32)
        require_unsigned("validUntil", self.valid_until, 64)
        for licence in self.licences:
            require_unsigned("licences", licence, 16)

    def as_tuple(self) -> tuple[Any, ...]:
        """For a call."""
        licences = tuple(map(int, self.licences))
        return (self.identity, int(self.jurisdiction), int(self.roles), self.valid_until, licences)
