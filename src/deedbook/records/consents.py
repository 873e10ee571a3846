"""Signed consents and their batches: from pending, in the order of their identifiers, to a place in a batch.

The consent itself (its statement, its commitments) is sealed; in clear are the identifiers that the chain shows anyway
once a person withdraws, where the consent stands, and until when it is valid, which its batch says of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from deedbook.domain.batches import Batch
from deedbook.domain.consents import SignedConsent, Terms
from deedbook.domain.hashing import canonical_json, parse_json, to_hex
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import Conflict, IntegrityError, InvalidInput, NotFound, SealBroken
from deedbook.records.database import Database, Row
from deedbook.records.schema import batches, consents
from deedbook.records.sealing import Sealer

ASKED_AT_ONCE: Final = 500
"""How many consents one question names: databases bound the parameters of a statement."""


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

    def add_consents(self, receipts: Sequence[ConsentReceipt]) -> None:
        """Adds consents with their receipts as pending, all or none. Raises Conflict when one is known already."""
        rows = {receipt.signed.consent_id: receipt for receipt in receipts}
        with self._database.writing() as connection:
            known = next(iter(_rows(connection, tuple(rows))), None)
            if known is not None or len(rows) != len(receipts):
                name = {} if known is None else {"consent": to_hex(known["consent_id"])}
                raise Conflict("the consent is known already", **name)
            if rows:
                connection.execute(insert(consents), [self._sealed(name, each) for name, each in rows.items()])

    def consent(self, consent_id: bytes) -> SignedConsent:
        """The signed consent. Raises NotFound, SealBroken, IntegrityError where it is another's."""
        return self._opened(self._required(consent_id))

    def consent_receipt(self, consent_id: bytes) -> ConsentReceipt:
        """The receipt that the person was given. Raises NotFound, SealBroken."""
        return self._receipt(self._required(consent_id))

    def receipts_of(self, consent_ids: Sequence[bytes]) -> dict[bytes, ConsentReceipt]:
        """The receipts of those consents that are known, by consentId. Raises SealBroken."""
        with self._database.reading() as connection:
            rows = list(_rows(connection, consent_ids))
        return {row["consent_id"]: self._receipt(row) for row in rows}

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

    def pending_ids(self) -> dict[int, list[bytes]]:
        """The ids of all that are in no batch yet, by asset; no consent is opened."""
        pending = select(consents.c.asset_id, consents.c.consent_id).where(consents.c.state == ConsentState.PENDING)
        found: dict[int, list[bytes]] = {}
        with self._database.reading() as connection:
            for asset, consent_id in connection.execute(pending.order_by(consents.c.consent_id)):
                found.setdefault(int.from_bytes(asset, "big"), []).append(consent_id)
        return found

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
            _place(connection, batch.batch_id, consent_ids)

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

    def leaf_keys_of(self, batch_id: bytes) -> list[tuple[bytes, bytes]]:
        """ConsentId (32 bytes) and subject (20) of each leaf, in leaf order; no consent is opened. Raises NotFound."""
        self.batch(batch_id)
        keys = select(consents.c.consent_id, consents.c.subject).where(consents.c.batch_id == batch_id)
        with self._database.reading() as connection:
            return [(row[0], row[1]) for row in connection.execute(keys.order_by(consents.c.leaf_index))]

    def leaf_ids(self, batch_id: bytes, first: int, end: int) -> list[bytes]:
        """The consentIds of the leaves [first, end) of a batch, in leaf order; no consent is opened. Raises NotFound
        where they are not all here."""
        leaf = consents.c.leaf_index
        ids = select(consents.c.consent_id).where(consents.c.batch_id == batch_id, leaf >= first, leaf < end)
        with self._database.reading() as connection:
            found = list(connection.execute(ids.order_by(leaf)).scalars())
        if len(found) != end - first:
            raise NotFound("consents of batch", to_hex(batch_id))
        return found

    def place_of(self, consent_id: bytes) -> tuple[bytes, int]:
        """Batch id and index. Raises NotFound, also for a consent that is in no batch yet."""
        row = self._required(consent_id)
        if row["batch_id"] is None:
            raise NotFound("batch of consent", to_hex(consent_id))
        return row["batch_id"], row["leaf_index"]

    def expired_leaves(self, batch_id: bytes, now: int) -> list[int]:
        """The indices of a batch's leaves whose own consents are valid no more: until before `now`, Unix seconds; on
        the last second they still are. Ascending. Raises SealBroken."""
        self._tell_validity(batch_id)
        expired = select(consents.c.leaf_index).where(consents.c.batch_id == batch_id, consents.c.valid_until < now)
        with self._database.reading() as connection:
            return list(connection.execute(expired.order_by(consents.c.leaf_index)).scalars())

    def _tell_validity(self, batch_id: bytes) -> None:
        """Opens those consents of a batch whose rows do not say until when they are valid, some at a time."""
        untold = select(consents).where(consents.c.batch_id == batch_id, consents.c.valid_until.is_(None))
        told = update(consents).where(consents.c.consent_id == bindparam("name"))
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(untold.limit(ASKED_AT_ONCE)).mappings().all()
            if not rows:
                return
            found = [{"name": row["consent_id"], "until": self._opened(row).consent.valid_until} for row in rows]
            with self._database.writing() as connection:
                connection.execute(told.values(valid_until=bindparam("until")), found)

    def mark_withdrawn(self, consent_id: bytes) -> None:
        """Notes a withdrawal; a pending consent then never enters a batch. Raises NotFound."""
        with self._database.writing() as connection:
            changed = connection.execute(
                update(consents).where(consents.c.consent_id == consent_id).values(state=ConsentState.WITHDRAWN)
            )
        if changed.rowcount == 0:
            raise NotFound("consent", to_hex(consent_id))

    def mark_all_withdrawn(self, consent_ids: Sequence[bytes]) -> None:
        """As `mark_withdrawn`, for many: all or none of them."""
        marked = update(consents).where(consents.c.consent_id == bindparam("name"))
        with self._database.writing() as connection:
            known = {row["consent_id"] for row in _rows(connection, consent_ids)}
            for consent_id in consent_ids:
                if consent_id not in known:
                    raise NotFound("consent", to_hex(consent_id))
            if consent_ids:
                names = [{"name": consent_id} for consent_id in consent_ids]
                connection.execute(marked.values(state=ConsentState.WITHDRAWN), names)

    def _required(self, consent_id: bytes) -> Row:
        with self._database.reading() as connection:
            row = _row(connection, consent_id)
        if row is None:
            raise NotFound("consent", to_hex(consent_id))
        return row

    def _sealed(self, consent_id: bytes, receipt: ConsentReceipt) -> dict[str, Any]:
        signed = receipt.signed
        return {
            "consent_id": consent_id,
            "asset_id": _word(signed.consent.asset_id),
            "subject": signed.consent.subject,
            "state": ConsentState.PENDING,
            "sealed": self._sealer.seal(signed.encode(), _consent_context(consent_id)),
            "receipt": self._sealer.seal(receipt.encode(), _receipt_context(consent_id)),
            "collected_at": receipt.issued_at,
            "valid_until": signed.consent.valid_until,
        }

    def _receipt(self, row: Row) -> ConsentReceipt:
        plaintext = self._sealer.open(row["receipt"], _receipt_context(row["consent_id"]))
        return ConsentReceipt.from_json(_parsed(plaintext, "receipt"))

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


def _rows(connection: Connection, consent_ids: Sequence[bytes]) -> Iterator[Row]:
    for at in range(0, len(consent_ids), ASKED_AT_ONCE):
        some = consents.c.consent_id.in_(consent_ids[at : at + ASKED_AT_ONCE])
        yield from connection.execute(select(consents).where(some)).mappings().all()


def _place(connection: Connection, batch_id: bytes, consent_ids: Sequence[bytes]) -> None:
    """Puts those that are pending where they belong; what stands there in the end has to be all of them."""
    placed = update(consents).where(
        consents.c.consent_id == bindparam("name"), consents.c.state == ConsentState.PENDING
    )
    placed = placed.values(state=ConsentState.ANCHORED, batch_id=batch_id, leaf_index=bindparam("place"))
    places = [{"name": consent_id, "place": index} for index, consent_id in enumerate(consent_ids)]
    connection.execute(placed, places)
    order = select(consents.c.consent_id).where(consents.c.batch_id == batch_id).order_by(consents.c.leaf_index)
    for index, (wanted, found) in enumerate(zip_longest(consent_ids, connection.execute(order).scalars())):
        if wanted != found:
            raise Conflict("the consent is not pending", consent=to_hex(wanted or found), index=index)


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
