"""Complaints: what a person says went wrong with a record, to whoever can open a case and hold a sale.

A complaint is private. What stands on chain of it is its SHA-256, as the document of the case that is opened about it:
the salt inside lets nobody guess the text from that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from deedbook.domain.documents import read_document, require_bytes, require_plain, require_time
from deedbook.domain.hashing import (
    canonical_json,
    parse_canonical_json,
    sha256,
    to_hex,
)

FORMAT: Final = "deedbook.complaint"
MOST_TEXT: Final = 2000
"""Characters of a complaint."""
SALT: Final = 32


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint about what became of a consent (32-byte id) by its subject (20 bytes), who said it at `made_at` (Unix
    seconds): format 51. Raises InvalidInput by field, without quoting it."""

    consent_id: bytes
    subject: bytes
    text: str = field(repr=False)
    made_at: int
    salt: bytes = field(repr=False)

    def __post_init__(self) -> None:
        require_bytes("consentId", self.consent_id, 32)
        require_bytes("subject", self.subject, 20)
        require_plain("text", self.text, most=MOST_TEXT)
        require_time("madeAt", self.made_at)
        require_bytes("salt", self.salt, SALT)

    @property
    def complaint_id(self) -> bytes:
        """Its SHA-256: the document of a case that is opened about it."""
        return sha256(self.encode())

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical_json(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return {
            "format": FORMAT,
            "version": 1,
            "consentId": to_hex(self.consent_id),
            "subject": to_hex(self.subject),
            "text": self.text,
            "madeAt": self.made_at,
            "salt": to_hex(self.salt),
        }

    @classmethod
    def decode(cls, data: bytes) -> Complaint:
        """The complaint of its canonical JSON. Raises InvalidFormat, InvalidInput, WrongVersion."""
        value = parse_canonical_json(data, "complaint")
        fields = read_document(value, FORMAT, ("consentId", "subject", "text", "madeAt", "salt"))
        return cls(
            fields.hex("consentId", 32),
            fields.hex("subject", 20),
            fields.text("text"),
            fields.number("madeAt", 64),
            fields.hex("salt", SALT),
        )
