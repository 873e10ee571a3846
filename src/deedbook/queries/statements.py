"""A person's statement: every delivery that held the person's record, what it earned, and what was paid.

A delivery holds a record when the public cover that its hash commits to does; the record's ordinal among those
delivered says which payout is the person's. Nobody is named: a person is a batch and an index, or a consentId.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import Mode, Purpose, SaleState
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.keytree import Cover, decode_cover, is_delivered, ordinal_of
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidInput
from deedbook.queries.consents import BindingView, Place, batch_by_id, place_of
from deedbook.queries.rows import Reading
from deedbook.queries.sales import PayoutView, SaleView, delivered_sales
from deedbook.queries.views import View

Covers = Callable[[bytes], bytes | None]
"""The encoded public cover of a cover hash, or None where it is not at hand."""


@dataclass(frozen=True)
class StatementLine(View):
    """One delivery that held the record. `due` is None until the sale is settled; amounts in minor units."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "due"})

    sale_id: bytes
    asset_id: int
    version: int
    record: int
    ordinal: int
    buyer: bytes
    purpose: Purpose | int | None
    mode: Mode | None
    state: SaleState | int
    delivered_at: int
    delivered_block: int
    delivered_tx: bytes
    currency: str
    due: int | None
    paid: bool
    payout: PayoutView | None


@dataclass(frozen=True)
class Total(View):
    """What is due and paid in one currency, in minor units; `open` is the difference."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"due", "paid", "open"})

    currency: str
    due: int
    paid: int
    open: int


@dataclass(frozen=True)
class StatementView(View):
    """Everything that one leaf's record was delivered for, oldest first, with totals by currency."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id"})

    batch_id: bytes
    index: int
    asset_id: int
    lines: tuple[StatementLine, ...]
    totals: tuple[Total, ...]


def statement(mirror: Reading, batch_id: bytes, index: int, covers: Covers) -> StatementView:
    """The statement of a leaf.

    Raises NotFound, InvalidInput (`index`), EvidenceMissing where a delivery's cover is not at hand, IntegrityError
    where it is not what was committed to.
    """
    with mirror.reading() as connection:
        return _statement(connection, batch_id, index, covers)


def statement_of_consent(
    mirror: Reading, consent_id: bytes, covers: Covers, *, place: Place | None = None
) -> StatementView:
    """The statement of a consent, whose leaf `place`, its end or its direct grant tells. Raises as `statement`."""
    with mirror.reading() as connection:
        batch_id, index = place_of(connection, consent_id, place)
        return _statement(connection, batch_id, index, covers)


def _statement(connection: Connection, batch_id: bytes, index: int, covers: Covers) -> StatementView:
    batch = batch_by_id(connection, batch_id)
    if not 0 <= index < batch.count:
        raise InvalidInput("index", f"is not below the batch's count {batch.count}")
    lines = [
        line
        for binding in batch.bindings
        for sale in delivered_sales(connection, asset_key(binding.asset_id), binding.version)
        if (line := _line(binding, index, sale, covers)) is not None
    ]
    return StatementView(batch_id, index, batch.asset_id, tuple(lines), _totals(lines))


def _line(binding: BindingView, index: int, sale: SaleView, covers: Covers) -> StatementLine | None:
    if sale.delivered_count == 0:
        return None  # no subject pool: nothing was delivered that is a person's
    cover, record = _cover(sale, covers), binding.record_offset + index
    if record >= cover.record_count or not is_delivered(cover, record):
        return None
    ordinal, delivery = ordinal_of(cover, record), sale.step("SaleDelivered")
    if delivery is None:
        raise IntegrityError("the mirror lacks a delivery's step", hint="rebuild the mirror", sale=to_hex(sale.sale_id))
    payout = next((each for each in sale.payouts if each.from_ordinal <= ordinal < each.to_ordinal), None)
    return StatementLine(
        sale_id=sale.sale_id,
        asset_id=sale.asset_id,
        version=sale.version,
        record=record,
        ordinal=ordinal,
        buyer=sale.buyer,
        purpose=sale.purpose,
        mode=sale.mode,
        state=sale.state,
        delivered_at=delivery.at,
        delivered_block=delivery.block,
        delivered_tx=delivery.tx,
        currency=sale.currency,
        due=None if sale.settlement is None else sale.settlement.per_head,
        paid=sale.settlement is not None and ordinal < sale.settlement.paid_up_to,
        payout=payout,
    )


def _cover(sale: SaleView, covers: Covers) -> Cover:
    assert sale.cover_hash is not None
    encoded = covers(sale.cover_hash)
    if encoded is None:
        raise EvidenceMissing(
            f"the cover of sale {to_hex(sale.sale_id)} is not at hand",
            sale=to_hex(sale.sale_id),
            cover=to_hex(sale.cover_hash),
        )
    if sha256(encoded) != sale.cover_hash:
        raise IntegrityError("a cover is not what the delivery committed to", sale=to_hex(sale.sale_id))
    return decode_cover(encoded)


def _totals(lines: list[StatementLine]) -> tuple[Total, ...]:
    totals = []
    for currency in sorted({line.currency for line in lines}):
        settled = [line for line in lines if line.currency == currency and line.due is not None]
        due = sum(line.due or 0 for line in settled)
        paid = sum(line.due or 0 for line in settled if line.paid)
        totals.append(Total(currency, due, paid, due - paid))
    return tuple(totals)
