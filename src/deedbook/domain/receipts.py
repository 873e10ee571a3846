"""Receipts: the collector's answer to a consent, in the form of an ISO/IEC TS 27560:2023 consent receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from deedbook.domain.codes import Mode, Purpose, bits_in
from deedbook.domain.consents import WITHDRAWAL_TYPE, SignedConsent, receipt_digest, require_signature
from deedbook.domain.documents import Fields, read_document, require_bytes, require_plain, require_time
from deedbook.domain.hashing import canonical_json, to_hex
from deedbook.errors import InvalidFormat


@dataclass(frozen=True, slots=True)
class ConsentReceipt:
    """The collector's answer to a consent, kept by the person (format 3): what was agreed, and the collector's
    signature over Receipt(consentId, assetId, subject), which suffices to withdraw without a proof.

    `language` is the BCP 47 tag of the notice; `issued_at` Unix seconds. Its JSON is in the form of an ISO/IEC TS
    27560:2023 consent receipt; docs/formats.md says which fields are ours.
    """

    signed: SignedConsent
    language: str
    collector: bytes
    issued_at: int
    signature: bytes

    def __post_init__(self) -> None:
        require_plain("language", self.language, most=35)
        require_bytes("collector", self.collector, 20)
        require_time("issuedAt", self.issued_at)
        require_signature(self.signature)

    @property
    def digest(self) -> bytes:
        """The digest that the collector signed."""
        consent = self.signed.consent
        return receipt_digest(self.signed.domain, self.signed.consent_id, consent.asset_id, consent.subject)

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        consent, identifier = self.signed.consent, to_hex(self.signed.consent_id)
        subject, controller = to_hex(consent.subject), to_hex(consent.controller)
        recipient = to_hex(consent.recipient) if any(consent.recipient) else f"class:{int(consent.recipient_class)}"
        return {
            "format": "deedbook.receipt",
            "version": 1,
            "schema_version": "ISO/IEC TS 27560:2023",
            "receipt_id": identifier,
            "record_id": identifier,
            "pii_principal_id": subject,
            "pii_processing": {
                "privacy_notice": to_hex(consent.notice_hash),
                "language": self.language,
                "purposes": [
                    {
                        "purpose": consent.statement,
                        "purpose_type": _name_of(Purpose, consent.purpose),
                        "lawful_basis": "consent",
                        "pii_controllers": [controller],
                        "processing_method": [_name_of(Mode, bit) for bit in bits_in(consent.modes)],
                        "geographic_restrictions": "none" if consent.cross_border else "no transfer across the border",
                        "recipient_third_parties": [recipient],
                        "withdrawal_method": WITHDRAWAL_TYPE,
                    }
                ],
            },
            "party_identification": [
                {"party_id": controller, "party_role": "PII controller"},
                {"party_id": to_hex(self.collector), "party_role": "collector"},
            ],
            "event": [
                {
                    "event_time": self.issued_at,
                    "validity_duration": {"from": consent.valid_from, "until": consent.valid_until},
                    "entity_id": subject,
                    "event_type": "explicit",
                    "event_state": "given",
                }
            ],
            "signedConsent": self.signed.to_json(),
            "collector": to_hex(self.collector),
            "signature": to_hex(self.signature),
        }

    def encode(self) -> bytes:
        """The document's canonical bytes."""
        return canonical_json(self.to_json())

    @classmethod
    def from_json(cls, value: object) -> ConsentReceipt:
        """The document of a JSON object, whose ISO fields must say what its signed consent says.

        Raises InvalidFormat, WrongVersion, InvalidSignature (a length).
        """
        fields = read_document(value, "deedbook.receipt", _RECEIPT_KEYS)
        processing = fields.object("pii_processing", ("privacy_notice", "language", "purposes"))
        events = fields.array("event")
        if len(events) != 1:
            raise InvalidFormat(fields.path("event"), "is not one event")
        event = Fields(events[0], fields.path("event"), _EVENT_KEYS)
        receipt = cls(
            SignedConsent.from_json(fields.raw("signedConsent")),
            processing.text("language"),
            fields.hex("collector", 20),
            event.number("event_time", 64),
            fields.hex("signature"),
        )
        for key, stated in receipt.to_json().items():
            if canonical_json(fields.raw(key)) != canonical_json(stated):
                raise InvalidFormat(fields.path(key), "is not what the signed consent says")
        return receipt


_RECEIPT_KEYS: Final = (
    "schema_version",
    "receipt_id",
    "record_id",
    "pii_principal_id",
    "pii_processing",
    "party_identification",
    "event",
    "signedConsent",
    "collector",
    "signature",
)
_EVENT_KEYS: Final = ("event_time", "validity_duration", "entity_id", "event_type", "event_state")


def _name_of(codes: type[Purpose] | type[Mode], value: int) -> str:
    return next((str(code.name) for code in codes if code == value), str(int(value)))
