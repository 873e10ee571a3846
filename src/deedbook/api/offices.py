"""What the API needs of a home beside reads of the mirror and acts: documents, payloads, deliveries, money, proofs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from deedbook.queries.exports import Relation


class Offices(Protocol):
    """The private side of a running home."""

    def put_document(self, kind: str, content: bytes, media_type: str, check: bool) -> bytes:
        """Makes a document public, or (`check`) only looks at it; its SHA-256. A notice or a descriptor is kept in its
        canonical form. Raises InvalidInput."""

    def keep_key(self, account: bytes, suite: int, public_key: bytes) -> Mapping[str, Any]:
        """Keeps a member's public key that is registered on chain. Raises NotFound, InvalidInput (`publicKey`)."""

    def collect_all(self, asset_id: int, lines: bytes) -> bytes:
        """Takes signed consents of an asset (NDJSON), all or none; their receipts in the same order. Raises
        InvalidInput naming field and line."""

    def receipt(self, consent_id: bytes) -> Mapping[str, Any]:
        """The receipt that a person was given. Raises NotFound."""

    def signed_consents(self, batch_id: bytes) -> Iterator[bytes]:
        """The signed consents of a batch that was made here, in leaf order. Raises NotFound."""

    def check_batch(self, batch_id: bytes) -> Mapping[str, Any]:
        """Checks every consent of a batch as its auditor does; the report. Raises NotFound, IntegrityError."""

    def seal(
        self,
        asset_id: int,
        version: int,
        descriptor: Mapping[str, Any],
        batches: Sequence[bytes],
        records: Mapping[bytes, tuple[bytes, Mapping[str, Any]]],
    ) -> Mapping[str, Any]:
        """Seals one record per consent: salt and record by commitment. Raises InvalidInput, NotFound."""

    def payloads(self) -> list[Mapping[str, Any]]:
        """What is sealed here."""

    def payload(self, payload_id: bytes) -> Mapping[str, Any]:
        """A payload: how many records there are, how many can still be opened. Raises NotFound."""

    def erase(self, payload_id: bytes, records: Sequence[int]) -> Mapping[str, Any]:
        """Destroys the keys of single records; the destruction receipt. Raises NotFound, InvalidInput."""

    def delivery(self, sale_id: bytes) -> Mapping[str, Any]:
        """What a buyer opens: the envelope, its cover, and what it is of. Raises NotFound, EvidenceMissing."""

    def delivered_units(self, sale_id: bytes) -> Iterator[bytes]:
        """The sealed records of a delivered version, NDJSON. Raises NotFound, EvidenceMissing."""

    def statements(self, sale_id: bytes) -> Relation:
        """The statements of all people of a settled sale. Raises NotFound."""

    def make_bank_batch(self, sale_id: bytes, of: int, most: int | None) -> Mapping[str, Any]:
        """The bank batch of the next places of a list; the one that is kept where it is not paid yet. Raises NotFound,
        InvalidInput, Conflict."""

    def bank_batch(self, sale_id: bytes, number: int) -> Relation:
        """The rows of a bank batch. Raises NotFound."""

    def bundle(self, sale_id: bytes, public: bool) -> bytes:
        """A sale's evidence as one file. Raises NotFound, EvidenceMissing, InvalidInput (`public`)."""

    def own_evidence(self, sale_id: bytes, consent_id: bytes) -> bytes:
        """What checks a person's own statement of a sale. Raises NotFound, EvidenceMissing, IntegrityError."""

    def trust(self) -> bytes:
        """A trust as this home has it, for who compares it with another source."""

    def judge(self, bundle: bytes, trust: bytes) -> Mapping[str, Any]:
        """The report on a bundle by a trust."""

    def now(self) -> int:
        """Unix seconds."""

    def draw(self) -> bytes:
        """32 fresh bytes."""
