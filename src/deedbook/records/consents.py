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

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from deedbook.domain.batches import Batch
from deedbook.domain.consent_documents import commitment_in
from deedbook.domain.consents import SignedConsent, Terms
from deedbook.domain.hashing import canonical_json, parse_json, to_hex
from deedbook.domain.receipts import Answer, AnsweredConsent, ConsentReceipt
from deedbook.errors import Conflict, IntegrityError, InvalidInput, NotFound, SealBroken
from deedbook.records.database import Database, Row
from deedbook.records.schema import batches, consent_documents, consents
from deedbook.records.sealing import Sealer

ASKED_AT_ONCE: Final = 500
"""How many consents one question names: databases bound the parameters of a statement."""
AT_ONCE: Final = 4096
"""How many consents are in memory where all of a batch or an asset are read or written."""


class ConsentState(StrEnum):
    """What the service knows of a consent; the chain alone says whether a leaf has ended."""

    STAGED = "staged"
    """Checked and answered, of a file that is not through yet: in no batch before all of it is."""
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

    def add_consents(self, answered: Sequence[AnsweredConsent], *, staged: bool = False) -> None:
        """Adds consents with their answers as pending or staged, all or none. Raises Conflict when one is known."""
        names = [each.consent_id for each in answered]
        state = ConsentState.STAGED if staged else ConsentState.PENDING
        rows = [_standing_row(each, state) for each in answered]
        documents = [self._sealed(each) for each in answered]
        with self._database.writing() as connection:
            known = next(_found(connection, select(consents.c.consent_id), names), None)
            if known is not None or len(set(names)) != len(names):
                name = {} if known is None else {"consent": to_hex(known["consent_id"])}
                raise Conflict("the consent is known already", **name)
            if rows:
                connection.execute(insert(consents), rows)
                connection.execute(insert(consent_documents), documents)

    def admit_consents(self, consent_ids: Sequence[bytes]) -> None:
        """Makes those of them that are staged pending, all in one transaction."""
        admitted = update(consents).where(
            consents.c.consent_id == bindparam("name"), consents.c.state == ConsentState.STAGED
        )
        admitted = admitted.values(state=ConsentState.PENDING)
        with self._database.writing() as connection:
            for at in range(0, len(consent_ids), AT_ONCE):
                connection.execute(admitted, [{"name": name} for name in consent_ids[at : at + AT_ONCE]])

    def consent(self, consent_id: bytes) -> SignedConsent:
        """The signed consent. Raises NotFound, SealBroken, IntegrityError where it is another's."""
        return self._opened(self._required(consent_id))

    def consent_receipt(self, consent_id: bytes) -> ConsentReceipt:
        """The receipt that the person was given. Raises NotFound, SealBroken."""
        return self._receipt(self._required(consent_id))

    def receipts_of(self, consent_ids: Sequence[bytes]) -> dict[bytes, ConsentReceipt]:
        """The receipts of those consents that are known, by consentId. Raises SealBroken."""
        return {
            name: ConsentReceipt.of(self._signed(name, document), answer)
            for name, (document, answer) in self.answered(consent_ids).items()
        }

    def answered(self, consent_ids: Sequence[bytes]) -> dict[bytes, tuple[bytes, Answer]]:
        """The canonical bytes and the answer of those consents that are known, by consentId. Raises SealBroken."""
        with self._database.reading() as connection:
            rows = list(_found(connection, _whole(), consent_ids))
        return {row["consent_id"]: (self._document(row), self._answer(row)) for row in rows}

    def known(self, consent_ids: Sequence[bytes]) -> set[bytes]:
        """Those that are known, in any state; no consent is opened."""
        with self._database.reading() as connection:
            return {row["consent_id"] for row in _found(connection, select(consents.c.consent_id), consent_ids)}

    def standing(self, consent_id: bytes) -> ConsentStanding:
        """Where the consent stands. Raises NotFound."""
        return _standing(self._required(consent_id, select(consents)))

    def pending_consents(self, asset_id: int) -> list[SignedConsent]:
        """Those of the asset that are in no batch yet, in the order of their consentIds."""
        return [self._signed(*each) for each in self._streamed(_pending(asset_id))]

    def pending_documents(self, asset_id: int) -> Iterator[bytes]:
        """The canonical bytes of the same, a few in memory at a time."""
        return (document for _, document in self._streamed(_pending(asset_id)))

    def pending_controllers(self, asset_id: int) -> set[bytes]:
        """Whom the same name as their controllers (20 bytes)."""
        return {self._signed(*each).consent.controller for each in self._streamed(_pending(asset_id))}

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
        return [self._signed(*each) for each in self._leaves(batch_id)]

    def documents_of(self, batch_id: bytes) -> Iterator[bytes]:
        """The canonical bytes of the same, a few in memory at a time. Raises NotFound, SealBroken."""
        return (document for _, document in self._leaves(batch_id))

    def commitments_of(self, batch_id: bytes) -> Iterator[tuple[bytes, bytes]]:
        """ConsentId and recordCommit (32 bytes each) of each leaf of a batch, in leaf order, a few in memory at a time.
        Raises NotFound, SealBroken."""
        for consent_id, document in self._leaves(batch_id):
            try:
                yield consent_id, commitment_in(document)
            except InvalidInput as error:
                raise SealBroken("a sealed consent opens to something else") from error

    def _leaves(self, batch_id: bytes) -> Iterator[tuple[bytes, bytes]]:
        self.batch(batch_id)
        of_batch = _whole().where(consents.c.batch_id == batch_id).order_by(consents.c.leaf_index)
        return self._streamed(of_batch)

    def _streamed(self, wanted: Select[Any]) -> Iterator[tuple[bytes, bytes]]:
        """ConsentId and canonical bytes of each row."""
        with self._database.reading() as connection:
            rows = connection.execution_options(yield_per=AT_ONCE).execute(wanted).mappings()
            for row in rows:
                yield row["consent_id"], self._document(row)

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
        row = self._required(consent_id, select(consents))
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
        untold = _whole().where(consents.c.batch_id == batch_id, consents.c.valid_until.is_(None))
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
            known = {row["consent_id"] for row in _found(connection, select(consents.c.consent_id), consent_ids)}
            for consent_id in consent_ids:
                if consent_id not in known:
                    raise NotFound("consent", to_hex(consent_id))
            if consent_ids:
                names = [{"name": consent_id} for consent_id in consent_ids]
                connection.execute(marked.values(state=ConsentState.WITHDRAWN), names)

    def _required(self, consent_id: bytes, wanted: Select[Any] | None = None) -> Row:
        """What is `wanted` of a consent, or all of it. Raises NotFound."""
        asked = (_whole() if wanted is None else wanted).where(consents.c.consent_id == consent_id)
        with self._database.reading() as connection:
            row = connection.execute(asked).mappings().first()
        if row is None:
            raise NotFound("consent", to_hex(consent_id))
        return dict(row)

    def _sealed(self, answered: AnsweredConsent) -> dict[str, Any]:
        name = answered.consent_id
        return {
            "consent_id": name,
            "sealed": self._sealer.seal(answered.document, _consent_context(name)),
            "receipt": self._sealer.seal(answered.answer.encode(), _receipt_context(name)),
        }

    def _document(self, row: Row) -> bytes:
        return self._sealer.open(row["sealed"], _consent_context(row["consent_id"]))

    def _answer(self, row: Row) -> Answer:
        """By this release, or out of the whole receipt that earlier ones kept."""
        plaintext = self._sealer.open(row["receipt"], _receipt_context(row["consent_id"]))
        try:
            if b'"deedbook.receipt"' in plaintext:
                return ConsentReceipt.from_json(parse_json(plaintext, "receipt")).answered.answer
            return Answer.decode(plaintext)
        except InvalidInput as error:
            raise SealBroken("a sealed receipt opens to something else") from error

    def _receipt(self, row: Row) -> ConsentReceipt:
        return ConsentReceipt.of(self._opened(row), self._answer(row))

    def _opened(self, row: Row) -> SignedConsent:
        return self._signed(row["consent_id"], self._document(row))

    def _signed(self, consent_id: bytes, document: bytes) -> SignedConsent:
        try:
            signed = SignedConsent.from_json(parse_json(document, "consent"))
        except InvalidInput as error:
            raise SealBroken("a sealed consent opens to something else") from error
        if signed.consent_id != consent_id:
            raise IntegrityError("a stored consent is not the one of its identifier", consent=to_hex(consent_id))
        return signed


def _whole() -> Select[Any]:
    """Consents with what is sealed of them."""
    joined = consents.c.consent_id == consent_documents.c.consent_id
    sealed = consent_documents.c.sealed, consent_documents.c.receipt
    return select(consents, *sealed).join_from(consents, consent_documents, joined)


def _pending(asset_id: int) -> Select[Any]:
    pending = _whole().where(consents.c.asset_id == _word(asset_id), consents.c.state == ConsentState.PENDING)
    return pending.order_by(consents.c.consent_id)


def _found(connection: Connection, wanted: Select[Any], consent_ids: Sequence[bytes]) -> Iterator[Row]:
    for at in range(0, len(consent_ids), ASKED_AT_ONCE):
        some = consents.c.consent_id.in_(consent_ids[at : at + ASKED_AT_ONCE])
        yield from connection.execute(wanted.where(some)).mappings().all()


def _place(connection: Connection, batch_id: bytes, consent_ids: Sequence[bytes]) -> None:
    """Puts those that are pending where they belong; what stands there in the end has to be all of them."""
    placed = update(consents).where(
        consents.c.consent_id == bindparam("name"), consents.c.state == ConsentState.PENDING
    )
    placed = placed.values(state=ConsentState.ANCHORED, batch_id=batch_id, leaf_index=bindparam("place"))
    for at in range(0, len(consent_ids), AT_ONCE):
        some = consent_ids[at : at + AT_ONCE]
        connection.execute(placed, [{"name": name, "place": place} for place, name in enumerate(some, start=at)])
    order = select(consents.c.consent_id).where(consents.c.batch_id == batch_id).order_by(consents.c.leaf_index)
    there = connection.execute(order.execution_options(yield_per=AT_ONCE)).scalars()
    for index, (wanted, found) in enumerate(zip_longest(consent_ids, there)):
        if wanted != found:
            raise Conflict("the consent is not pending", consent=to_hex(wanted or found), index=index)


def _standing_row(answered: AnsweredConsent, state: ConsentState) -> dict[str, Any]:
    return {
        "consent_id": answered.consent_id,
        "asset_id": _word(answered.asset_id),
        "subject": answered.subject,
        "state": state,
        "collected_at": answered.answer.issued_at,
        "valid_until": answered.valid_until,
    }


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


def _consent_context(consent_id: bytes) -> bytes:
    return b"deedbook.records.consent" + consent_id


def _receipt_context(consent_id: bytes) -> bytes:
    return b"deedbook.records.receipt" + consent_id


def _word(asset_id: int) -> bytes:
    return asset_id.to_bytes(32, "big")
