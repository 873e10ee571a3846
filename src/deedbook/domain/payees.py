"""Payees: where a person wants the money of a consent to go, said by a signed message.

What is in a payee names a person. It is signed and handed over, kept sealed, shown masked, and never on chain, in a
bundle, a log or an error: neither `repr` nor a refusal quotes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from deedbook.domain.consents import ConsentDomain, require_signature
from deedbook.domain.documents import Fields, read_document, require_bytes, require_plain, require_time
from deedbook.domain.eip712 import digest, typed, word
from deedbook.domain.hashing import canonical_json, keccak256, parse_canonical_json, to_hex
from deedbook.errors import InvalidFormat, InvalidInput

PAYEE_TYPE: Final = (
    "Payee(bytes32 consentId,string kind,string institution,string account,string holder,uint64 namedAt)"
)
PAYEE_TYPE_HASH: Final = keccak256(PAYEE_TYPE.encode())
PAYEE_REQUEST_TYPE: Final = "PayeeRequest(bytes32 consentId,uint64 askedAt)"
PAYEE_REQUEST_TYPE_HASH: Final = keccak256(PAYEE_REQUEST_TYPE.encode())
MOST_TEXT: Final = 200
"""Characters of an institution and of a holder's name."""

_ACCOUNT: Final = re.compile(r"[0-9A-Za-z]{4,40}")
_SHOWN: Final = 4
"""So many signs of an account are shown at the most, and never more than a third of them."""


class PayeeKind(StrEnum):
    """What kind of account money goes to."""

    BANK_ACCOUNT = "bank-account"
    E_CNY_WALLET = "e-cny-wallet"


@dataclass(frozen=True, slots=True)
class Payee:
    """Where the money of a consent (32-byte id) goes: an `account` of 4 to 40 letters and digits, at an `institution`,
    of a `holder`; `named_at` is Unix seconds, and the latest one counts.

    Raises InvalidInput by field, without quoting it.
    """

    consent_id: bytes
    kind: PayeeKind
    institution: str = field(repr=False)
    account: str = field(repr=False)
    holder: str = field(repr=False)
    named_at: int

    def __post_init__(self) -> None:
        require_bytes("consentId", self.consent_id, 32)
        require_plain("institution", self.institution, most=MOST_TEXT)
        if not _ACCOUNT.fullmatch(self.account):
            raise InvalidInput("account", "is not 4 to 40 letters and digits")
        require_plain("holder", self.holder, most=MOST_TEXT)
        require_time("namedAt", self.named_at)

    @property
    def masked(self) -> str:
        """The kind and the last signs of the account: all that is ever shown."""
        shown = min(_SHOWN, len(self.account) // 3)
        return f"{self.kind} *{self.account[-shown:]}"

    @property
    def shown(self) -> dict[str, str | int]:
        """What may be shown of it, in JSON: consentId, masked payee, time."""
        return {"consentId": to_hex(self.consent_id), "payee": self.masked, "namedAt": self.named_at}

    def to_json(self) -> dict[str, Any]:
        """The six fields in JSON."""
        return {
            "consentId": to_hex(self.consent_id),
            "kind": str(self.kind),
            "institution": self.institution,
            "account": self.account,
            "holder": self.holder,
            "namedAt": self.named_at,
        }

    @classmethod
    def from_json(cls, value: object) -> Payee:
        """The payee of its six fields. Raises InvalidFormat, InvalidInput."""
        fields = Fields(value, "payee", PAYEE_FIELDS)
        return cls(
            fields.hex("consentId", 32),
            kind_of(fields.text("kind")),
            fields.text("institution"),
            fields.text("account"),
            fields.text("holder"),
            fields.number("namedAt", 64),
        )


PAYEE_FIELDS: Final = tuple(part.split(" ")[1] for part in PAYEE_TYPE[len("Payee(") : -1].split(","))
"""The names of a payee's fields, in the order of the EIP-712 type."""


def kind_of(text: str) -> PayeeKind:
    """The kind of this name. Raises InvalidFormat."""
    if text not in tuple(PayeeKind):
        raise InvalidFormat("payee.kind", f"is none of {', '.join(PayeeKind)}")
    return PayeeKind(text)


def payee_digest(domain: ConsentDomain, payee: Payee) -> bytes:
    """The EIP-712 digest of Payee(...): what the consent's subject signs."""
    texts = (payee.kind, payee.institution, payee.account, payee.holder)
    members = b"".join(keccak256(text.encode("utf-8")) for text in texts)
    return digest(domain.separator, PAYEE_TYPE_HASH + payee.consent_id + members + word(payee.named_at))


def payee_typed_data(domain: ConsentDomain, payee: Payee) -> dict[str, Any]:
    """The payee for `eth_signTypedData_v4`."""
    return typed(domain, "Payee", PAYEE_TYPE, payee.to_json())


@dataclass(frozen=True, slots=True)
class SignedPayee:
    """A payee with the signature of the consent's `subject` (20 bytes): format 38. Who signed it `wallet.recovery`
    says."""

    domain: ConsentDomain
    payee: Payee
    subject: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_bytes("subject", self.subject, 20)
        require_signature(self.signature)

    @property
    def digest(self) -> bytes:
        """The digest that was signed."""
        return payee_digest(self.domain, self.payee)

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.payee",
            "version": 1,
            "chainId": str(self.domain.chain_id),
            "contract": to_hex(self.domain.contract),
            "payee": self.payee.to_json(),
            "subject": to_hex(self.subject),
            "signature": to_hex(self.signature),
        }

    @classmethod
    def from_json(cls, value: object) -> SignedPayee:
        """The document of a JSON object. Raises InvalidFormat, InvalidInput, WrongVersion, InvalidSignature (its
        length)."""
        keys = ("chainId", "contract", "payee", "subject", "signature")
        fields = read_document(value, "deedbook.payee", keys)
        domain = ConsentDomain(fields.decimal("chainId", 256), fields.hex("contract", 20))
        payee = Payee.from_json(fields.raw("payee"))
        return cls(domain, payee, fields.hex("subject", 20), fields.hex("signature"))

    def encode(self) -> bytes:
        """The document's canonical bytes: what is sealed."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> SignedPayee:
        """The document of its canonical bytes. Raises as `from_json`."""
        return cls.from_json(parse_canonical_json(data, "deedbook.payee"))


# -- who asks what is kept ---------------------------------------------------------------------------------------------


def payee_request_digest(domain: ConsentDomain, consent_id: bytes, asked_at: int) -> bytes:
    """The EIP-712 digest of PayeeRequest(...): what the consent's subject signs to see the payee that is kept."""
    return digest(domain.separator, PAYEE_REQUEST_TYPE_HASH + consent_id + word(asked_at))


def payee_request_typed_data(domain: ConsentDomain, consent_id: bytes, asked_at: int) -> dict[str, Any]:
    """The request for `eth_signTypedData_v4`."""
    message = {"consentId": to_hex(consent_id), "askedAt": asked_at}
    return typed(domain, "PayeeRequest", PAYEE_REQUEST_TYPE, message)


@dataclass(frozen=True, slots=True)
class PayeeRequest:
    """Who asks which payee is kept for a consent (32-byte id), and when (Unix seconds), signed by its `subject` (20
    bytes): format 38. Who signed it `wallet.recovery` says."""

    domain: ConsentDomain
    consent_id: bytes
    asked_at: int
    subject: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_bytes("consentId", self.consent_id, 32)
        require_time("askedAt", self.asked_at)
        require_bytes("subject", self.subject, 20)
        require_signature(self.signature)

    @property
    def digest(self) -> bytes:
        """The digest that was signed."""
        return payee_request_digest(self.domain, self.consent_id, self.asked_at)

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.payee-request",
            "version": 1,
            "chainId": str(self.domain.chain_id),
            "contract": to_hex(self.domain.contract),
            "consentId": to_hex(self.consent_id),
            "askedAt": self.asked_at,
            "subject": to_hex(self.subject),
            "signature": to_hex(self.signature),
        }

    @classmethod
    def from_json(cls, value: object) -> PayeeRequest:
        """The document of a JSON object. Raises InvalidFormat, InvalidInput, WrongVersion, InvalidSignature (its
        length)."""
        keys = ("chainId", "contract", "consentId", "askedAt", "subject", "signature")
        fields = read_document(value, "deedbook.payee-request", keys)
        domain = ConsentDomain(fields.decimal("chainId", 256), fields.hex("contract", 20))
        asked = (fields.hex("consentId", 32), fields.number("askedAt", 64))
        return cls(domain, *asked, fields.hex("subject", 20), fields.hex("signature"))
