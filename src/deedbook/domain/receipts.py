"""Receipts: the collector's answer to a consent, in the form of an ISO/IEC TS 27560:2023 consent receipt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from deedbook.domain.codes import Mode, Purpose, bits_in
from deedbook.domain.consents import (
    WITHDRAWAL_TYPE,
    Consent,
    ConsentDomain,
    SignedConsent,
    Terms,
    receipt_digest,
    require_signature,
)
from deedbook.domain.documents import Fields, read_document, require_bytes, require_plain, require_time
from deedbook.domain.hashing import canonical_json, parse_json, sha256, to_hex
from deedbook.errors import InvalidFormat


@dataclass(frozen=True, slots=True)
class Answer:
    """What a collector adds to a signed consent; with it, it is the whole receipt. Shapes as in `ConsentReceipt`."""

    language: str
    collector: bytes
    issued_at: int
    signature: bytes

    def encode(self) -> bytes:
        """Canonical JSON; language is plain text without a quotation mark or a backslash (a BCP 47 tag)."""
        return b'{"collector":"0x%b","issuedAt":%d,"language":"%b","signature":"0x%b"}' % (
            self.collector.hex().encode(),
            self.issued_at,
            self.language.encode(),
            self.signature.hex().encode(),
        )

    @classmethod
    def decode(cls, data: bytes) -> Answer:
        """Raises InvalidFormat."""
        fields = Fields(parse_json(data, "answer"), "answer", ("collector", "issuedAt", "language", "signature"))
        return cls(
            fields.text("language"), fields.hex("collector", 20), fields.number("issuedAt", 64), fields.hex("signature")
        )


class AnsweredConsent(NamedTuple):
    """A consent as it is kept: its identifiers, until when it is valid (Unix seconds), the signed consent's canonical
    bytes, the collector's answer."""

    consent_id: bytes
    asset_id: int
    subject: bytes
    valid_until: int
    document: bytes
    answer: Answer


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

    @classmethod
    def of(cls, signed: SignedConsent, answer: Answer) -> ConsentReceipt:
        """The receipt that a collector's answer makes of a consent."""
        return cls(signed, answer.language, answer.collector, answer.issued_at, answer.signature)

    @property
    def answered(self) -> AnsweredConsent:
        """The consent as it is kept."""
        answer = Answer(self.language, self.collector, self.issued_at, self.signature)
        signed, consent = self.signed, self.signed.consent
        named = (signed.consent_id, consent.asset_id, consent.subject, consent.valid_until)
        return AnsweredConsent(*named, signed.encode(), answer)

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


class ReceiptForm:
    """The receipts for consents of one asset and one kind of `terms` (their times are not read), by one language and
    one collector: what `ConsentReceipt.encode` gives, many times as fast."""

    def __init__(self, domain: ConsentDomain, asset_id: int, terms: Terms, language: str, collector: bytes) -> None:
        consent = Consent(
            subject=_SUBJECT,
            asset_id=asset_id,
            controller=terms.controller,
            recipient=terms.recipient,
            recipient_class=terms.recipient_class,
            purpose=terms.purpose,
            modes=terms.modes,
            cross_border=terms.cross_border,
            notice_hash=terms.notice_hash,
            record_commit=sha256(b"record"),
            valid_from=_TIMES[0],
            valid_until=_TIMES[1],
            statement=_STATEMENT,
            salt=sha256(b"salt"),
        )
        signed = SignedConsent(domain, consent, bytes(65))
        example = ConsentReceipt(signed, language, collector, _ISSUED_AT, _SIGNATURE).encode().replace(b"%", b"%%")
        self._form = example.replace(signed.encode().replace(b"%", b"%%"), b"%(document)b")
        for value, name in (
            (to_hex(signed.consent_id), b"%(id)b"),
            (to_hex(_SUBJECT), b"%(subject)b"),
            (str(_TIMES[0]), b"%(since)d"),
            (str(_TIMES[1]), b"%(until)d"),
            (str(_ISSUED_AT), b"%(at)d"),
            (to_hex(_SIGNATURE), b"%(signature)b"),
            (_STATEMENT, b"%(statement)b"),
        ):
            self._form = self._form.replace(value.encode(), name)

    def fill(self, kept: AnsweredConsent, valid_from: int, valid_until: int) -> bytes:
        """The canonical bytes of the receipt for a consent of this kind with these times."""
        document = kept.document
        return self._form % {
            b"document": document,
            b"id": b"0x" + kept.consent_id.hex().encode(),
            b"subject": b"0x" + kept.subject.hex().encode(),
            b"since": valid_from,
            b"until": valid_until,
            b"at": kept.answer.issued_at,
            b"signature": b"0x" + kept.answer.signature.hex().encode(),
            b"statement": document[document.index(_BEFORE) + len(_BEFORE) : document.rindex(_AFTER)],
        }


_BEFORE: Final = b'"statement":"'
_AFTER: Final = b'","subject":"0x'
_SUBJECT: Final = sha256(b"subject of the form")[:20]
_SIGNATURE: Final = sha256(b"signature of the form") * 2 + bytes(1)
_STATEMENT: Final = "statement of the form " + sha256(b"statement of the form").hex()
_TIMES: Final = (7_203_685_477_580_841, 7_203_685_477_580_863)
_ISSUED_AT: Final = 7_203_685_477_580_877
"""Values that stand nowhere else in a receipt, to be found in an example and replaced."""
