"""Payees that persons named, sealed; and the bank batches that were made of them.

A payee that was replaced is kept, sealed: a bank batch names the newest payee that it knew, so that made again it says
the same, and whom a payment went to can be told for as long as it can come back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from deedbook.domain.hashing import to_hex
from deedbook.domain.payees import SignedPayee
from deedbook.domain.revenue import Payout
from deedbook.errors import Conflict, InvalidInput, NotFound, SealBroken
from deedbook.records.database import Database, Row
from deedbook.records.schema import bank_batches, payees
from deedbook.records.sealing import Sealer

ASKED_AT_ONCE: Final = 500
"""How many consents one question names: databases bound the parameters of a statement."""


class Payees:
    """Implements the ledger's PayeeBook; every writing method is one transaction."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def add_payee(self, signed: SignedPayee, *, at: int) -> bool:
        """Keeps a payee, in the place of an earlier one; False for the one that counts already. `at` is Unix seconds.

        Raises InvalidInput (`namedAt`) where the consent's payee was named at the same time or later.
        """
        with self._database.writing() as connection:
            known = _newest(connection, signed.payee.consent_id)
            if known is not None and known["named_at"] >= signed.payee.named_at:
                if self._opened(known) == signed:
                    return False
                raise InvalidInput("namedAt", "is not later than that of the payee that is known")
            connection.execute(insert(payees), self._row(connection, signed, at))
        return True

    def payee(self, consent_id: bytes) -> SignedPayee:
        """The payee that counts. Raises NotFound, SealBroken."""
        with self._database.reading() as connection:
            row = _newest(connection, consent_id)
        if row is None:
            raise NotFound("payee of consent", to_hex(consent_id))
        return self._opened(row)

    def newest(self) -> int:
        """The place of the payee that was named last; 0 where none was."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(payees.c.position))).scalar_one() or 0

    def payees_of(self, consent_ids: Sequence[bytes], *, until: int) -> dict[bytes, SignedPayee]:
        """The payees of those consents that had one when the payee at place `until` was the newest. Raises
        SealBroken."""
        found: dict[bytes, Row] = {}
        with self._database.reading() as connection:
            for row in _rows(connection, consent_ids, until):
                found[row["consent_id"]] = row
        return {consent_id: self._opened(row) for consent_id, row in found.items()}

    def _row(self, connection: Connection, signed: SignedPayee, at: int) -> dict[str, Any]:
        consent_id = signed.payee.consent_id
        last = connection.execute(select(func.max(payees.c.position))).scalar_one()
        return {
            "position": (last or 0) + 1,
            "consent_id": consent_id,
            "named_at": signed.payee.named_at,
            "kept_at": at,
            "sealed": self._sealer.seal(signed.encode(), _context(consent_id)),
        }

    def _opened(self, row: Row) -> SignedPayee:
        plaintext = self._sealer.open(row["sealed"], _context(row["consent_id"]))
        try:
            return SignedPayee.decode(plaintext)
        except InvalidInput as error:
            raise SealBroken("a sealed payee opens to something else") from error


@dataclass(frozen=True, slots=True)
class BankBatch:
    """What a bank is asked to pay: the places [`first`, `end`) of `list` of a sale (32-byte id), but for
    `deferred_count` of them, whose places are kept under `deferred_root`; `total` in minor units.

    `number` counts a sale's batches from 1; `payees` is the place of the newest payee that it knew (`Payees.newest`).
    """

    sale_id: bytes
    number: int
    list: int
    first: int
    end: int
    deferred_count: int
    deferred_root: bytes
    total: int
    payees: int
    made_at: int

    @property
    def payments(self) -> int:
        """How many people are paid by it."""
        return self.end - self.first - self.deferred_count

    def payout(self, receipt: bytes) -> Payout:
        """What confirms it on chain, with the SHA-256 of the bank's receipt."""
        span = (self.list, self.first, self.end, self.deferred_count, self.deferred_root)
        return Payout(*span, self.total, receipt)


class BankBatches:
    """The bank batches of a home: one for each place of a list at which one begins."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beginning_at(self, sale_id: bytes, of: int, first: int) -> BankBatch | None:
        """The batch of list `of` that begins at place `first`, or None."""
        where = (bank_batches.c.sale_id == sale_id, bank_batches.c.list == of, bank_batches.c.first == first)
        with self._database.reading() as connection:
            row = connection.execute(select(bank_batches).where(*where)).mappings().first()
        return None if row is None else _batch(row)

    def batch(self, sale_id: bytes, number: int) -> BankBatch:
        """Raises NotFound."""
        where = (bank_batches.c.sale_id == sale_id, bank_batches.c.number == number)
        with self._database.reading() as connection:
            row = connection.execute(select(bank_batches).where(*where)).mappings().first()
        if row is None:
            raise NotFound("bank batch", f"{number} of sale {to_hex(sale_id)}", hint="see: deedbook revenue batch")
        return _batch(row)

    def next_number(self, sale_id: bytes) -> int:
        """The number of a sale's next batch."""
        with self._database.reading() as connection:
            return _last_number(connection, sale_id) + 1

    def add(self, batch: BankBatch) -> None:
        """Keeps a batch before the bank gets it. Raises Conflict where another one took its number or its place."""
        with self._database.writing() as connection:
            if _last_number(connection, batch.sale_id) + 1 != batch.number:
                raise Conflict("another bank batch of the sale was made meanwhile", number=batch.number)
            where = (bank_batches.c.sale_id == batch.sale_id, bank_batches.c.list == batch.list)
            there = select(bank_batches.c.number).where(*where, bank_batches.c.first == batch.first)
            if connection.execute(there).first() is not None:
                raise Conflict("another bank batch begins there", list=batch.list, first=batch.first)
            connection.execute(insert(bank_batches), _batch_row(batch))

    def replace(self, former: BankBatch, batch: BankBatch) -> None:
        """Keeps a batch in the place of one that no bank got. Raises Conflict as `add`."""
        with self._database.writing() as connection:
            if _last_number(connection, batch.sale_id) + 1 != batch.number:
                raise Conflict("another bank batch of the sale was made meanwhile", number=batch.number)
            where = (bank_batches.c.sale_id == former.sale_id, bank_batches.c.number == former.number)
            connection.execute(delete(bank_batches).where(*where))
            connection.execute(insert(bank_batches), _batch_row(batch))


def _newest(connection: Connection, consent_id: bytes) -> Row | None:
    query = select(payees).where(payees.c.consent_id == consent_id).order_by(payees.c.position.desc())
    row = connection.execute(query.limit(1)).mappings().first()
    return None if row is None else dict(row)


def _rows(connection: Connection, consent_ids: Sequence[bytes], until: int) -> Iterator[Row]:
    """Oldest first."""
    for at in range(0, len(consent_ids), ASKED_AT_ONCE):
        some = payees.c.consent_id.in_(consent_ids[at : at + ASKED_AT_ONCE])
        query = select(payees).where(some, payees.c.position <= until).order_by(payees.c.position)
        yield from connection.execute(query).mappings().all()


def _last_number(connection: Connection, sale_id: bytes) -> int:
    query = select(func.max(bank_batches.c.number)).where(bank_batches.c.sale_id == sale_id)
    return connection.execute(query).scalar_one() or 0


def _batch_row(batch: BankBatch) -> dict[str, Any]:
    return {
        "sale_id": batch.sale_id,
        "number": batch.number,
        "list": batch.list,
        "first": batch.first,
        "end": batch.end,
        "deferred_count": batch.deferred_count,
        "deferred_root": batch.deferred_root,
        "total": str(batch.total),
        "payees": batch.payees,
        "made_at": batch.made_at,
    }


def _batch(row: Row) -> BankBatch:
    return BankBatch(
        row["sale_id"],
        row["number"],
        row["list"],
        row["first"],
        row["end"],
        row["deferred_count"],
        row["deferred_root"],
        int(row["total"]),
        row["payees"],
        row["made_at"],
    )


def _context(consent_id: bytes) -> bytes:
    return b"deedbook.records.payee" + consent_id
