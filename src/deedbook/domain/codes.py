"""Every code that the ledger uses, named once: the same names and values as `Codes.sol` (a test compares them)."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final


class Role(IntFlag):
    """What a participant may do; one bit each (`ROLE_*`)."""

    OPERATOR = 1 << 0
    PROVIDER = 1 << 1
    BUYER = 1 << 2
    REVIEWER = 1 << 3
    APPRAISER = 1 << 4
    ARBITER = 1 << 5
    REGULATOR = 1 << 6
    SETTLER = 1 << 7
    AUDITOR = 1 << 8
    GATEWAY = 1 << 9
    RELAYER = 1 << 10


ROLES_ALL: Final = (1 << 11) - 1
"""Every role."""


class MemberState(IntEnum):
    """Where a participant stands (`MEMBER_*`)."""

    NONE = 0
    ADMITTED = 1
    SUSPENDED = 2
    EXPELLED = 3


CLASS_NONE: Final = 0
"""No class asked: any."""

CLASS_FIRST_LICENCE: Final = 256
"""Classes from here on are licence codes; 1 to 255 are the role with bit (class - 1)."""


class Licence(IntEnum):
    """Licence codes (`LICENCE_*`); others above 255 may be agreed by governance."""

    EMPLOYER = 256
    BANK = 257
    CREDIT_BUREAU = 258
    LAW_FIRM = 259


def class_of_role(role: Role) -> int:
    """The class code (1 to 255) of one role: the number of its bit, from 1."""
    return int(role).bit_length()


class AssetKind(IntEnum):
    """What an asset is about (`KIND_*`)."""

    PERSONAL = 1
    ENTERPRISE = 2
    PUBLIC = 3
    DERIVED = 4


class Grade(IntEnum):
    """The grades of GB/T 43697 (`GRADE_*`): GENERAL (with levels 1 to 4) < IMPORTANT < CORE."""

    GENERAL = 1
    IMPORTANT = 2
    CORE = 3


class AssetState(IntEnum):
    """Where an asset stands (`ASSET_*`)."""

    NONE = 0
    REGISTERED = 1
    CANCELLED = 2


class Right(IntEnum):
    """The three rights, each inside the one before it (`RIGHT_*`)."""

    HOLD = 1
    PROCESS = 2
    OPERATE = 3


class Mode(IntFlag):
    """Modes of use (`MODE_*`): one bit each; an offer names exactly one, a consent any set but the empty one."""

    OPEN = 1 << 0
    CALL = 1 << 1
    JOINT_MODEL = 1 << 2
    FEDERATED = 1 << 3
    ENCRYPTED_COMPUTE = 1 << 4
    RAW = 1 << 5


MODES_ALL: Final = (1 << 6) - 1
"""Every mode."""


class Purpose(IntEnum):
    """What the data is used for (`PURPOSE_*`)."""

    RECRUITMENT = 1
    CREDIT = 2
    RESEARCH = 3
    STATISTICS = 4


class AttestationKind(IntEnum):
    """What an attestation is about (`ATTEST_*`); a policy holds kinds as the bits (1 << kind)."""

    LEGAL_OPINION = 1
    SOURCE_LEGALITY = 2
    IMPACT_ASSESSMENT = 3
    SECURITY_FILING = 4
    VALUATION = 5
    DEIDENTIFICATION = 6
    CROSS_BORDER = 7
    CONSENT_AUDIT = 8


class Outcome(IntEnum):
    """What an attester or decider found (`OUTCOME_*`)."""

    POSITIVE = 1
    NEGATIVE = 2


class CaseKind(IntEnum):
    """What a case is (`CASE_*`)."""

    OBJECTION = 1
    DISPUTE = 2
    LEAK = 3
    BREACH = 4


class EndCause(IntEnum):
    """Why a leaf of a consent batch ended (`ENDED_*`)."""

    WITHDRAWN = 1
    CHALLENGED = 2
    STRUCK = 3
    RELEASED = 4


class ConsentField(IntEnum):
    """The fields of a consent that a challenge can name (`FIELD_*`)."""

    ASSET = 1
    CONTROLLER = 2
    RECIPIENT = 3
    RECIPIENT_CLASS = 4
    PURPOSE = 5
    MODES = 6
    CROSS_BORDER = 7
    NOTICE = 8
    VALID_FROM = 9
    VALID_UNTIL = 10


class SaleState(IntEnum):
    """Where a sale stands (`SALE_*`); SETTLED is kept by `Revenue`."""

    NONE = 0
    ORDERED = 1
    PAID = 2
    PREPARED = 3
    DELIVERED = 4
    ACCEPTED = 5
    CANCELLED = 6
    REFUNDED = 7
    DISPUTED = 8


class OfferState(IntEnum):
    """Where an offer stands (`OFFER_*`)."""

    NONE = 0
    OPEN = 1
    CLOSED = 2


JURISDICTION_CN: Final = 156
"""China; jurisdictions are ISO 3166-1 numeric codes."""

BPS: Final = 10_000
"""The whole, in basis points."""


def word_of(code: IntEnum | IntFlag) -> str:
    """A code as documents, requests and commands say it: `legal-opinion`."""
    return str(code.name).lower().replace("_", "-")


def kinds_of(bits: int) -> tuple[AttestationKind, ...]:
    """The kinds of a policy's set of bits (1 << kind), lowest first: the order in which attesters are named."""
    return tuple(kind for kind in AttestationKind if bits >> kind & 1)


def bits_of(*kinds: AttestationKind) -> int:
    """A policy's set of bits (1 << kind) of these kinds."""
    return sum(1 << kind for kind in set(kinds))


def bits_in(mask: int) -> tuple[int, ...]:
    """The set bits of a mask as powers of two, ascending."""
    return tuple(1 << place for place in range(mask.bit_length()) if mask >> place & 1)
