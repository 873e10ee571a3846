"""Members: admitted, changed, suspended and expelled by governance; their encryption keys registered by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.members import Admission
from deedbook.ledger.acting import Acting


def admit(
    acting: Acting,
    governance: Signer,
    account: bytes,
    *,
    identity: bytes,
    jurisdiction: int,
    roles: int,
    valid_until: int,
    licences: Sequence[int] = (),
) -> Receipt:
    """Admits `account` under `roles` (bits of Role) until `valid_until` (Unix seconds).

    `identity` is the 32-byte salted commitment to the legal identity; `jurisdiction` an ISO 3166-1 numeric code.
    Raises InvalidInput by field, RejectedByContract.
    """
    admission = Admission(identity, jurisdiction, roles, valid_until, tuple(licences))
    return acting.act(governance, "Membership", "admit", account, admission.as_tuple())


def change(
    acting: Acting,
    governance: Signer,
    account: bytes,
    *,
    jurisdiction: int,
    roles: int,
    valid_until: int,
    licences: Sequence[int] = (),
) -> Receipt:
    """Replaces a member's jurisdiction, roles, validity and licences; the identity stays. Raises as `admit`."""
    admission = Admission(bytes(32), jurisdiction, roles, valid_until, tuple(licences))
    return acting.act(governance, "Membership", "change", account, admission.as_tuple())


def suspend(acting: Acting, governance: Signer, account: bytes, reason: int, *, key: str | None = None) -> Receipt:
    """Suspends a member at once; `reason` is a code."""
    return acting.act(governance, "Membership", "suspend", account, reason, key=key)


def reinstate(acting: Acting, governance: Signer, account: bytes, *, key: str | None = None) -> Receipt:
    """Ends a suspension."""
    return acting.act(governance, "Membership", "reinstate", account, key=key)


def expel(acting: Acting, governance: Signer, account: bytes, reason: int) -> Receipt:
    """Expels a member for ever; `reason` is a code."""
    return acting.act(governance, "Membership", "expel", account, reason)


def register_encryption_key(acting: Acting, member: Signer, suite: int, commitment: bytes) -> Receipt:
    """The member's own act: the HPKE key (KEM id and its 32-byte commitment) that deliveries are sealed to."""
    return acting.act(member, "Membership", "registerEncryptionKey", suite, commitment)
