"""What was delivered: sealed envelopes by their hash and sale, and the public covers by theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from deedbook.domain.hashing import sha256, to_hex
from deedbook.errors import Conflict, IntegrityError, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import covers, envelopes


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """An envelope for a sale (32-byte id), with the encoded public cover that it opens. Hashes are SHA-256."""

    sale_id: bytes
    envelope: bytes
    cover: bytes
    sealed_at: int

    @property
    def envelope_hash(self) -> bytes:
        """What the delivery commits to on chain."""
        return sha256(self.envelope)

    @property
    def cover_hash(self) -> bytes:
        """What the delivery commits to on chain."""
        return sha256(self.cover)


class Deliveries:
    """Envelopes and covers of a home. Who may see an envelope, and when, is the caller's to judge."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, delivery: DeliveryRecord) -> None:
        """Keeps an envelope before it is committed to on chain; again the same changes nothing.

        Raises Conflict where the envelope is another sale's.
        """
        with self._database.writing() as connection:
            _add_cover(connection, delivery.cover)
            known = connection.execute(
                select(envelopes.c.sale_id).where(envelopes.c.envelope_hash == delivery.envelope_hash)
            ).scalar_one_or_none()
            if known is None:
                connection.execute(insert(envelopes), _row(delivery))
            elif known != delivery.sale_id:
                raise Conflict("the envelope is another sale's", envelope=to_hex(delivery.envelope_hash))

    def cover(self, cover_hash: bytes) -> bytes | None:
        """The encoded cover of this hash, or None. Raises IntegrityError where it was changed."""
        with self._database.reading() as connection:
            found = connection.execute(select(covers.c.cover).where(covers.c.cover_hash == cover_hash)).scalar()
        if found is not None and sha256(found) != cover_hash:
            raise IntegrityError("a stored cover is not what its hash says", cover=to_hex(cover_hash))
        return found

    def envelope(self, envelope_hash: bytes) -> DeliveryRecord:
        """The delivery of this envelope hash. Raises NotFound, IntegrityError where it was changed."""
        with self._database.reading() as connection:
            found = _joined().where(envelopes.c.envelope_hash == envelope_hash)
            row = connection.execute(found).mappings().first()
        if row is None:
            raise NotFound("envelope", to_hex(envelope_hash))
        delivery = _delivery(row)
        if (delivery.envelope_hash, delivery.cover_hash) != (envelope_hash, row["cover_hash"]):
            raise IntegrityError("a stored envelope is not what its hash says", envelope=to_hex(envelope_hash))
        return delivery

    def of_sale(self, sale_id: bytes) -> list[DeliveryRecord]:
        """Every envelope that was sealed for a sale, oldest first (a prepared sale may be prepared again)."""
        order = (envelopes.c.sealed_at, envelopes.c.envelope_hash)
        with self._database.reading() as connection:
            rows = connection.execute(_joined().where(envelopes.c.sale_id == sale_id).order_by(*order)).mappings()
            return [_delivery(row) for row in rows]


def _joined() -> Any:
    return select(envelopes, covers.c.cover).join(covers, covers.c.cover_hash == envelopes.c.cover_hash)


def _add_cover(connection: Connection, cover: bytes) -> bytes:
    name = sha256(cover)
    if connection.execute(select(covers.c.cover_hash).where(covers.c.cover_hash == name)).first() is None:
        connection.execute(insert(covers), {"cover_hash": name, "cover": cover})
    return name


def _row(delivery: DeliveryRecord) -> dict[str, Any]:
    return {
        "envelope_hash": delivery.envelope_hash,
        "sale_id": delivery.sale_id,
        "cover_hash": delivery.cover_hash,
        "envelope": delivery.envelope,
        "sealed_at": delivery.sealed_at,
    }


def _delivery(row: Row) -> DeliveryRecord:
    return DeliveryRecord(row["sale_id"], row["envelope"], row["cover"], row["sealed_at"])
