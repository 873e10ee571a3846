"""Consents: what a person signs, and the terms that many of them grant together.

A consent is an EIP-712 message; its digest is the consent's identifier. The statement in it is rendered from the
other fields by a notice (`notices`). Signatures are made and recovered in `wallet`; this file knows only digests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, ClassVar, Final

from deedbook.domain.abi import encode
from deedbook.domain.codes import ConsentField
from deedbook.domain.documents import (
    Fields,
    read_document,
    require_bytes,
    require_flag,
    require_plain,
    require_time,
    require_unsigned,
)
from deedbook.domain.eip712 import Domain, digest, typed, word
from deedbook.domain.hashing import (
    ZERO_ADDRESS,
    canonical_json,
    checksum_address,
    keccak256,
    parse_canonical_json,
    sha256,
    to_hex,
)
from deedbook.domain.merkle import rfc9162_root
from deedbook.errors import InvalidInput, InvalidSignature

CONSENT_TYPE: Final = (
    "Consent(address subject,uint256 assetId,address controller,address recipient,uint16 recipientClass,"
    "uint16 purpose,uint16 modes,bool crossBorder,bytes32 noticeHash,bytes32 recordCommit,uint64 validFrom,"
    "uint64 validUntil,string statement,bytes32 salt)"
)
RECEIPT_TYPE: Final = "Receipt(bytes32 consentId,uint256 assetId,address subject)"
WITHDRAWAL_TYPE: Final = "Withdrawal(bytes32 consentId)"

CONSENT_TYPE_HASH: Final = keccak256(CONSENT_TYPE.encode())
RECEIPT_TYPE_HASH: Final = keccak256(RECEIPT_TYPE.encode())
WITHDRAWAL_TYPE_HASH: Final = keccak256(WITHDRAWAL_TYPE.encode())

BATCH_TAG: Final = keccak256(b"deedbook.batch.v1")
RECORD_TAG: Final = b"deedbook.record.v1"

TERMS_ABI: Final = "(address,address,uint16,uint16,uint16,bool,bytes32,uint64,uint64)"
"""IConsents.Terms for `domain.abi`."""


@dataclass(frozen=True, slots=True)
class ConsentDomain(Domain):
    """Where consents count: one `Consents` contract (20 bytes) on one chain."""

    NAME: ClassVar[str] = "Deedbook Consent"


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person agrees to, field by field as in IConsents.Consent, with the statement itself.

    `subject`, `controller`, `recipient` 20 bytes (`recipient` zero: any member of `recipient_class`); `purpose` and
    `modes` are codes; hashes and `salt` 32 bytes; times Unix seconds up to 2^53 - 1, both ends included. Raises
    InvalidInput by field for a wrong shape; whether the terms make sense is the contract's to say.
    """

    subject: bytes
    asset_id: int
    controller: bytes
    recipient: bytes
    recipient_class: int
    purpose: int
    modes: int
    cross_border: bool
    notice_hash: bytes
    record_commit: bytes
    valid_from: int
    valid_until: int
    statement: str
    salt: bytes

    def __post_init__(self) -> None:
        require_bytes("subject", self.subject, 20)
        require_unsigned("assetId", self.asset_id, 256)
        require_bytes("controller", self.controller, 20)
        require_bytes("recipient", self.recipient, 20)
        require_unsigned("recipientClass", self.recipient_class, 16)
        require_unsigned("purpose", self.purpose, 16)
        require_unsigned("modes", self.modes, 16)
        require_flag("crossBorder", self.cross_border)
        require_bytes("noticeHash", self.notice_hash, 32)
        require_bytes("recordCommit", self.record_commit, 32)
        require_time("validFrom", self.valid_from)
        require_time("validUntil", self.valid_until)
        require_plain("statement", self.statement)
        require_bytes("salt", self.salt, 32)

    @property
    def statement_hash(self) -> bytes:
        """keccak256 of the statement in UTF-8: all that EIP-712, and so the chain, sees of it."""
        return keccak256(self.statement.encode("utf-8"))

    @property
    def terms(self) -> Terms:
        """What this consent grants, as the terms of a batch of its own."""
        return Terms.of(self)

    def as_tuple(self) -> tuple[Any, ...]:
        """IConsents.Consent for a call: as signed, with the statement's hash in its place."""
        return (
            self.subject,
            self.asset_id,
            self.controller,
            self.recipient,
            self.recipient_class,
            self.purpose,
            self.modes,
            self.cross_border,
            self.notice_hash,
            self.record_commit,
            self.valid_from,
            self.valid_until,
            self.statement_hash,
            self.salt,
        )

    def to_json(self) -> dict[str, Any]:
        """The 14 fields in JSON: part of format 5."""
        return {
            "subject": to_hex(self.subject),
            "assetId": str(self.asset_id),
            "controller": to_hex(self.controller),
            "recipient": to_hex(self.recipient),
            "recipientClass": int(self.recipient_class),
            "purpose": int(self.purpose),
            "modes": int(self.modes),
            "crossBorder": self.cross_border,
            "noticeHash": to_hex(self.notice_hash),
            "recordCommit": to_hex(self.record_commit),
            "validFrom": self.valid_from,
            "validUntil": self.valid_until,
            "statement": self.statement,
            "salt": to_hex(self.salt),
        }

    @classmethod
    def from_json(cls, value: object) -> Consent:
        """The consent of its 14 fields. Raises InvalidFormat, or InvalidInput for a statement that is not plain."""
        fields = Fields(value, "consent", CONSENT_FIELDS)
        return cls(
            subject=fields.hex("subject", 20),
            asset_id=fields.decimal("assetId", 256),
            controller=fields.hex("controller", 20),
            recipient=fields.hex("recipient", 20),
            recipient_class=fields.number("recipientClass", 16),
            purpose=fields.number("purpose", 16),
            modes=fields.number("modes", 16),
            cross_border=fields.flag("crossBorder"),
            notice_hash=fields.hex("noticeHash", 32),
            record_commit=fields.hex("recordCommit", 32),
            valid_from=fields.number("validFrom", 64),
            valid_until=fields.number("validUntil", 64),
            statement=fields.text("statement"),
            salt=fields.hex("salt", 32),
        )


CONSENT_FIELDS: Final = tuple(part.split(" ")[1] for part in CONSENT_TYPE[len("Consent(") : -1].split(","))
"""The names of a consent's fields, in the order of the EIP-712 type."""


def consent_id(domain: ConsentDomain, consent: Consent) -> bytes:
    """The EIP-712 digest of the consent: what is signed, and its identifier everywhere."""
    return _digest(domain, encode_consent(consent))


def encode_consent(consent: Consent) -> bytes:
    """Type hash and 14 words: what EIP-712 hashes into the struct hash ("Definition of hashStruct")."""
    return b"".join(
        (
            CONSENT_TYPE_HASH,
            bytes(12),
            consent.subject,
            word(consent.asset_id),
            bytes(12),
            consent.controller,
            bytes(12),
            consent.recipient,
            word(consent.recipient_class),
            word(consent.purpose),
            word(consent.modes),
            word(consent.cross_border),
            consent.notice_hash,
            consent.record_commit,
            word(consent.valid_from),
            word(consent.valid_until),
            consent.statement_hash,
            consent.salt,
        )
    )


def consent_id_of_args(domain: ConsentDomain, consent: Mapping[str, Any]) -> bytes:
    """The consentId of an IConsents.Consent as an event carries it (by ABI name, `statementHash` for the statement)."""
    values = [consent[name if name != "statement" else "statementHash"] for name in CONSENT_FIELDS]
    types = [part.split(" ")[0].replace("string", "bytes32") for part in CONSENT_TYPE[8:-1].split(",")]
    return _digest(domain, CONSENT_TYPE_HASH + encode(types, values))


def receipt_digest(domain: ConsentDomain, consent_id: bytes, asset_id: int, subject: bytes) -> bytes:
    """The EIP-712 digest of Receipt(consentId, assetId, subject): what a collector signs in answer to a consent."""
    require_bytes("consentId", consent_id, 32)
    require_unsigned("assetId", asset_id, 256)
    require_bytes("subject", subject, 20)
    return _digest(domain, RECEIPT_TYPE_HASH + consent_id + word(asset_id) + bytes(12) + subject)


def withdrawal_digest(domain: ConsentDomain, consent_id: bytes) -> bytes:
    """The EIP-712 digest of Withdrawal(consentId): what a subject signs to withdraw."""
    require_bytes("consentId", consent_id, 32)
    return _digest(domain, WITHDRAWAL_TYPE_HASH + consent_id)


def _digest(domain: ConsentDomain, struct: bytes) -> bytes:
    return digest(domain.separator, struct)


# -- typed data for wallets (eth_signTypedData_v4) ------------------------------------------------------------------


def typed_data(domain: ConsentDomain, consent: Consent) -> dict[str, Any]:
    """The consent for `eth_signTypedData_v4`: addresses with checksum, integers over 2^53 - 1 as decimal text."""
    message = consent.to_json()
    for name in ("subject", "controller", "recipient"):
        message[name] = checksum_address(bytes.fromhex(message[name][2:]))
    return _typed(domain, "Consent", CONSENT_TYPE, message)


def receipt_typed_data(domain: ConsentDomain, consent_id: bytes, asset_id: int, subject: bytes) -> dict[str, Any]:
    """The receipt for `eth_signTypedData_v4`."""
    message = {"consentId": to_hex(consent_id), "assetId": str(asset_id), "subject": checksum_address(subject)}
    return _typed(domain, "Receipt", RECEIPT_TYPE, message)


def withdrawal_typed_data(domain: ConsentDomain, consent_id: bytes) -> dict[str, Any]:
    """The withdrawal for `eth_signTypedData_v4`."""
    return _typed(domain, "Withdrawal", WITHDRAWAL_TYPE, {"consentId": to_hex(consent_id)})


def _typed(domain: ConsentDomain, name: str, type_text: str, message: dict[str, Any]) -> dict[str, Any]:
    return typed(domain, name, type_text, message)


# -- batches --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """What every leaf of a batch grants at least (IConsents.Terms). Shapes as in `Consent`; times are any uint64."""

    controller: bytes
    recipient: bytes
    recipient_class: int
    purpose: int
    modes: int
    cross_border: bool
    notice_hash: bytes
    valid_from: int
    valid_until: int

    def __post_init__(self) -> None:
        require_bytes("controller", self.controller, 20)
        require_bytes("recipient", self.recipient, 20)
        require_unsigned("recipientClass", self.recipient_class, 16)
        require_unsigned("purpose", self.purpose, 16)
        require_unsigned("modes", self.modes, 16)
        require_flag("crossBorder", self.cross_border)
        require_bytes("noticeHash", self.notice_hash, 32)
        require_unsigned("validFrom", self.valid_from, 64)
        require_unsigned("validUntil", self.valid_until, 64)

    def as_tuple(self) -> tuple[Any, ...]:
        """For a call, and for `TERMS_ABI`."""
        return _granted(self)

    @classmethod
    def of(cls, granting: object) -> Terms:
        """The terms of what has the nine fields by the same names: a consent, a batch as the mirror has it."""
        return cls(*_granted(granting))

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Terms:
        """The terms as an event carries them, by ABI name."""
        return cls(*(args[name] for name in TERMS_FIELDS))

    def to_json(self) -> dict[str, Any]:
        """The nine fields in JSON; times as decimal text (they may be any uint64)."""
        return {
            "controller": to_hex(self.controller),
            "recipient": to_hex(self.recipient),
            "recipientClass": int(self.recipient_class),
            "purpose": int(self.purpose),
            "modes": int(self.modes),
            "crossBorder": self.cross_border,
            "noticeHash": to_hex(self.notice_hash),
            "validFrom": str(self.valid_from),
            "validUntil": str(self.valid_until),
        }

    @classmethod
    def from_json(cls, value: object) -> Terms:
        """The terms of their nine fields. Raises InvalidFormat."""
        fields = Fields(value, "terms", TERMS_FIELDS)
        return cls(
            fields.hex("controller", 20),
            fields.hex("recipient", 20),
            fields.number("recipientClass", 16),
            fields.number("purpose", 16),
            fields.number("modes", 16),
            fields.flag("crossBorder"),
            fields.hex("noticeHash", 32),
            fields.decimal("validFrom", 64),
            fields.decimal("validUntil", 64),
        )


_granted = attrgetter(*Terms.__match_args__)
"""The nine fields of whatever has them, in the order of the ABI."""
TERMS_FIELDS: Final = (
    "controller",
    "recipient",
    "recipientClass",
    "purpose",
    "modes",
    "crossBorder",
    "noticeHash",
    "validFrom",
    "validUntil",
)
"""The names of the terms' fields, in the order of the ABI."""


def terms_hash(terms: Terms, manifest_hash: bytes) -> bytes:
    """keccak256(abi.encode(terms, manifestHash)); `manifest_hash` is 32 zero bytes for a direct grant."""
    return keccak256(encode([TERMS_ABI, "bytes32"], [terms.as_tuple(), manifest_hash]))


def batch_id(asset_id: int, root: bytes, count: int, terms_hash: bytes) -> bytes:
    """keccak256(abi.encode(BATCH_TAG, assetId, root, count, termsHash))."""
    types = ["bytes32", "uint256", "bytes32", "uint32", "bytes32"]
    return keccak256(encode(types, [BATCH_TAG, asset_id, root, count, terms_hash]))


def common_terms(consents: Iterable[Consent]) -> Terms:
    """The widest terms that every one of these consents grants: modes and cross-border AND, times the latest start
    and the earliest end.

    Raises InvalidInput by field where they disagree on what has no intersection, or there are none.
    """
    common: Terms | None = None
    for consent in consents:
        terms = consent.terms
        common = terms if common is None else _meet(common, terms)
    if common is None:
        raise InvalidInput("consents", "are none")
    return common


def _meet(one: Terms, other: Terms) -> Terms:
    for field, name in (
        ("controller", "controller"),
        ("recipient", "recipient"),
        ("recipientClass", "recipient_class"),
        ("purpose", "purpose"),
        ("noticeHash", "notice_hash"),
    ):
        if getattr(one, name) != getattr(other, name):
            raise InvalidInput(field, "differs between the consents")
    return replace(
        one,
        modes=one.modes & other.modes,
        cross_border=one.cross_border and other.cross_border,
        valid_from=max(one.valid_from, other.valid_from),
        valid_until=min(one.valid_until, other.valid_until),
    )


def narrower_field(asset_id: int, terms: Terms, consent: Consent) -> ConsentField | None:
    """The first field in which the consent grants less than its batch states, by `ConsentField`; None where none.

    The same rule, in the same order, as Consents.challenge: for auditors, who check every leaf.
    """
    return narrower_terms(asset_id, terms, consent.asset_id, consent.terms)


def narrower_terms(asset_id: int, terms: Terms, granted_asset: int, granted: Terms) -> ConsentField | None:
    """As `narrower_field`, for a consent to `granted_asset` that grants `granted`."""
    fields = _narrower(asset_id, terms, granted_asset, granted)
    return next((field for field, narrower in fields if narrower), None)


def _narrower(asset_id: int, terms: Terms, granted_asset: int, granted: Terms) -> Iterable[tuple[ConsentField, bool]]:
    yield ConsentField.ASSET, granted_asset != asset_id
    yield ConsentField.CONTROLLER, granted.controller != terms.controller
    named = granted.recipient != ZERO_ADDRESS
    yield ConsentField.RECIPIENT, granted.recipient != terms.recipient if named else granted.recipient_class == 0
    yield ConsentField.RECIPIENT_CLASS, granted.recipient_class not in (0, terms.recipient_class)
    yield ConsentField.PURPOSE, granted.purpose != terms.purpose
    yield ConsentField.MODES, bool(terms.modes & ~granted.modes)
    yield ConsentField.CROSS_BORDER, terms.cross_border and not granted.cross_border
    yield ConsentField.NOTICE, granted.notice_hash != terms.notice_hash
    yield ConsentField.VALID_FROM, granted.valid_from > terms.valid_from
    yield ConsentField.VALID_UNTIL, granted.valid_until < terms.valid_until


def record_commit(salt: bytes, record: Mapping[str, Any]) -> bytes:
    """SHA-256("deedbook.record.v1" || salt(32) || canonical JSON of the record): opened inside the sealed record."""
    require_bytes("salt", salt, 32)
    return sha256(RECORD_TAG + salt + canonical_json(dict(record)))


# -- documents ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedConsent:
    """A consent with its subject's signature (65 bytes r || s || v): format 5. Who signed it `wallet.recovery` says.

    Raises InvalidSignature for a signature of another length.
    """

    domain: ConsentDomain
    consent: Consent
    signature: bytes

    def __post_init__(self) -> None:
        require_signature(self.signature)

    @property
    def consent_id(self) -> bytes:
        """The digest that was signed."""
        return consent_id(self.domain, self.consent)

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.consent",
            "version": 1,
            "chainId": str(self.domain.chain_id),
            "contract": to_hex(self.domain.contract),
            "consent": self.consent.to_json(),
            "signature": to_hex(self.signature),
        }

    @classmethod
    def from_json(cls, value: object) -> SignedConsent:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion, InvalidSignature (its length)."""
        fields = read_document(value, "deedbook.consent", ("chainId", "contract", "consent", "signature"))
        return cls(_domain(fields), Consent.from_json(fields.raw("consent")), fields.hex("signature"))

    def encode(self) -> bytes:
        """The document's canonical bytes: a leaf input of the manifest."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> SignedConsent:
        """The document of its canonical bytes; no other spelling is taken. Raises as `from_json`."""
        return cls.from_json(parse_canonical_json(data, "deedbook.consent"))


def manifest_hash(consents: Iterable[SignedConsent]) -> bytes:
    """The RFC 9162 root over the canonical bytes of the signed consents, in the order of the batch's leaves."""
    return rfc9162_root(signed.encode() for signed in consents)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A signed withdrawal of one consent (format 4), to be sent by anyone."""

    domain: ConsentDomain
    consent_id: bytes
    subject: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_bytes("consentId", self.consent_id, 32)
        require_bytes("subject", self.subject, 20)
        require_signature(self.signature)

    @property
    def digest(self) -> bytes:
        """The digest that was signed."""
        return withdrawal_digest(self.domain, self.consent_id)

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.withdrawal",
            "version": 1,
            "chainId": str(self.domain.chain_id),
            "contract": to_hex(self.domain.contract),
            "consentId": to_hex(self.consent_id),
            "subject": to_hex(self.subject),
            "signature": to_hex(self.signature),
        }

    @classmethod
    def from_json(cls, value: object) -> Withdrawal:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion, InvalidSignature (its length)."""
        keys = ("chainId", "contract", "consentId", "subject", "signature")
        fields = read_document(value, "deedbook.withdrawal", keys)
        return cls(_domain(fields), fields.hex("consentId", 32), fields.hex("subject", 20), fields.hex("signature"))


def _domain(fields: Fields) -> ConsentDomain:
    return ConsentDomain(fields.decimal("chainId", 256), fields.hex("contract", 20))


def require_signature(signature: object) -> None:
    """Raises InvalidSignature unless it is 65 bytes; whose it is, and that it is not malleable, is `wallet`'s."""
    if not isinstance(signature, bytes) or len(signature) != 65:
        raise InvalidSignature("signature", "is not 65 bytes")
