"""Signed consents and their batches: from pending, in the order of their identifiers, to a place in a batch.

The consent itself (its statement, its commitments) is sealed; in clear are the identifiers that the chain shows anyway
once a person withdraws, and where the consent stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from deedbook.domain.batches import Batch
from deedbook.domain.consents import SignedConsent, Terms
from deedbook.domain.hashing import canonical_json, parse_json, to_hex
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import Conflict, IntegrityError, InvalidInput, NotFound, SealBroken
from deedbook.records.database import Database, Row
from deedbook.records.schema import batches, consents
from deedbook.records.sealing import Sealer


class ConsentState(StrEnum):
    """What the service knows of a consent; the chain alone says whether a leaf has ended."""

    PENDING = "pending"
    ANCHORED = "anchored"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class ConsentStanding:
    """Where a consent stands, without opening it. `batch_id` and `index` are None before it is in a batch."""

    consent_id: bytes
    asset_id: int
    subject: bytes
    state: ConsentState
    batch_id: bytes | None
    index: int | None
    collected_at: int


class SignedConsents:
    """Implements the ledger's ConsentBook; every writing method is one transaction."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def add_consent(self, signed: SignedConsent, receipt: ConsentReceipt) -> None:
        """Adds a consent as pending. Raises Conflict when it is known already."""
        consent_id = signed.consent_id
        row = {
            "consent_id": consent_id,
            "asset_id": _word(signed.consent.asset_id),
            "subject": signed.consent.subject,
            "state": ConsentState.PENDING,
            "sealed": self._sealer.seal(signed.encode(), _consent_context(consent_id)),
            "receipt": self._sealer.seal(canonical_json(receipt.to_json()), _receipt_context(consent_id)),
            "collected_at": receipt.issued_at,
        }
        with self._database.writing() as connection:
            if _row(connection, consent_id) is not None:
                raise Conflict("the consent is known already", consent=to_hex(consent_id))
            connection.execute(insert(consents), row)

    def consent(self, consent_id: bytes) -> SignedConsent:
        """The signed consent. Raises NotFound, SealBroken, IntegrityError where it is another's."""
        return self._opened(self._required(consent_id))

    def consent_receipt(self, consent_id: bytes) -> ConsentReceipt:
        """The receipt that the person was given. Raises NotFound, SealBroken."""
        sealed = self._required(consent_id)["receipt"]
        return ConsentReceipt.from_json(_parsed(self._sealer.open(sealed, _receipt_context(consent_id)), "receipt"))

    def standing(self, consent_id: bytes) -> ConsentStanding:
        """Where the consent stands. Raises NotFound."""
        return _standing(self._required(consent_id))

    def pending_consents(self, asset_id: int) -> list[SignedConsent]:
        """Those of the asset that are in no batch yet, in the order of their consentIds."""
        pending = select(consents).where(consents.c.asset_id == _word(asset_id))
        pending = pending.where(consents.c.state == ConsentState.PENDING).order_by(consents.c.consent_id)
        with self._database.reading() as connection:
            rows = connection.execute(pending).mappings().all()
        return [self._opened(row) for row in rows]

    def consents_of(self, subject: bytes) -> list[ConsentStanding]:
        """Everything of one account, in the order of the consentIds."""
        of_subject = select(consents).where(consents.c.subject == subject).order_by(consents.c.consent_id)
        with self._database.reading() as connection:
            return [_standing(row) for row in connection.execute(of_subject).mappings()]

    def add_batch(self, batch: Batch, consent_ids: Sequence[bytes]) -> None:
        """Keeps a batch that is about to be anchored, with its leaves in order; again the same changes nothing.

        Raises Conflict where a consent is unknown, withdrawn, or in another batch; InvalidInput for a wrong count.
        """
        if len(consent_ids) != batch.count:
            raise InvalidInput("count", f"is {batch.count} for {len(consent_ids)} consents")
        with self._database.writing() as connection:
            if connection.execute(select(batches.c.count).where(batches.c.batch_id == batch.batch_id)).first() is None:
                connection.execute(insert(batches), _batch_row(connection, batch))
            for index, consent_id in enumerate(consent_ids):
                _place(connection, consent_id, batch.batch_id, index)

    def batch(self, batch_id: bytes) -> Batch:
        """Raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(batches).where(batches.c.batch_id == batch_id)).mappings().first()
        if row is None:
            raise NotFound("batch", to_hex(batch_id))
        return _batch(row)

    def batches_of(self, asset_id: int) -> list[Batch]:
        """The asset's batches in the order in which they were added."""
        of_asset = select(batches).where(batches.c.asset_id == _word(asset_id)).order_by(batches.c.position)
        with self._database.reading() as connection:
            return [_batch(row) for row in connection.execute(of_asset).mappings()]

    def leaves_of(self, batch_id: bytes) -> list[SignedConsent]:
        """The signed consents of a batch, in leaf order. Raises NotFound, SealBroken, IntegrityError."""
        self.batch(batch_id)
        of_batch = select(consents).where(consents.c.batch_id == batch_id).order_by(consents.c.leaf_index)
        with self._database.reading() as connection:
            rows = connection.execute(of_batch).mappings().all()
        return [self._opened(row) for row in rows]

    def place_of(self, consent_id: bytes) -> tuple[bytes, int]:
        """Batch id and index. Raises NotFound, also for a consent that is in no batch yet."""
        row = self._required(consent_id)
        if row["batch_id"] is None:
            raise NotFound("batch of consent", to_hex(consent_id))
        return row["batch_id"], row["leaf_index"]

    def mark_withdrawn(self, consent_id: bytes) -> None:
        """Notes a withdrawal; a pending consent then never enters a batch. Raises NotFound."""
        with self._database.writing() as connection:
            changed = connection.execute(
                update(consents).where(consents.c.consent_id == consent_id).values(state=ConsentState.WITHDRAWN)
            )
        if changed.rowcount == 0:
            raise NotFound("consent", to_hex(consent_id))

    def _required(self, consent_id: bytes) -> Row:
        with self._database.reading() as connection:
            row = _row(connection, consent_id)
        if row is None:
            raise NotFound("consent", to_hex(consent_id))
        return row

    def _opened(self, row: Row) -> SignedConsent:
        consent_id = row["consent_id"]
        signed = SignedConsent.from_json(
            _parsed(self._sealer.open(row["sealed"], _consent_context(consent_id)), "consent")
        )
        if signed.consent_id != consent_id:
            raise IntegrityError("a stored consent is not the one of its identifier", consent=to_hex(consent_id))
        return signed


def _row(connection: Connection, consent_id: bytes) -> Row | None:
    row = connection.execute(select(consents).where(consents.c.consent_id == consent_id)).mappings().first()
    return None if row is None else dict(row)


def _place(connection: Connection, consent_id: bytes, batch_id: bytes, index: int) -> None:
    row = _row(connection, consent_id)
    if row is not None and (row["batch_id"], row["leaf_index"]) == (batch_id, index):
        return
    if row is None or row["state"] != ConsentState.PENDING:
        raise Conflict("the consent is not pending", consent=to_hex(consent_id), index=index)
    placed = {"state": ConsentState.ANCHORED, "batch_id": batch_id, "leaf_index": index}
    connection.execute(update(consents).where(consents.c.consent_id == consent_id).values(placed))


def _standing(row: Row) -> ConsentStanding:
    return ConsentStanding(
        row["consent_id"],
        int.from_bytes(row["asset_id"], "big"),
        row["subject"],
        ConsentState(row["state"]),
        row["batch_id"],
        row["leaf_index"],
        row["collected_at"],
    )


def _batch_row(connection: Connection, batch: Batch) -> dict[str, Any]:
    last = connection.execute(select(func.max(batches.c.position))).scalar_one()
    return {
        "batch_id": batch.batch_id,
        "position": 1 if last is None else last + 1,
        "asset_id": _word(batch.asset_id),
        "root": batch.root,
        "count": batch.count,
        "terms": canonical_json(batch.terms.to_json()).decode(),
        "manifest": batch.manifest,
    }


def _batch(row: Row) -> Batch:
    return Batch(
        row["batch_id"],
        int.from_bytes(row["asset_id"], "big"),
        row["root"],
        row["count"],
        Terms.from_json(parse_json(row["terms"].encode(), "terms")),
        row["manifest"],
    )


def _parsed(plaintext: bytes, what: str) -> Any:
    try:
        return parse_json(plaintext, what)
    except InvalidInput as error:
        raise SealBroken(f"a sealed {what} opens to something else") from error


def _consent_context(consent_id: bytes) -> bytes:
    return b"deedbook.records.consent" + consent_id


def _receipt_context(consent_id: bytes) -> bytes:
    return b"deedbook.records.receipt" + consent_id


def _word(asset_id: int) -> bytes:
    return asset_id.to_bytes(32, "big")
