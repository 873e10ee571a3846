"""A person's statement: every delivery that held the person's record, what it earned, and what was paid.

A delivery holds a record when the public cover that its hash commits to does; the record's ordinal among those
delivered says which payout is the person's. Of those who are paid later the chain has counts and roots: who stands on
which list is told by who keeps the lists. Nobody is named: a person is a batch and an index, or a consentId.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import Mode, Purpose, SaleState
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.keytree import Cover, decode_cover, is_delivered, ordinal_of
from deedbook.domain.revenue import list_root
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidInput
from deedbook.queries.consents import BindingView, Place, batch_by_id, place_of
from deedbook.queries.rows import Reading
from deedbook.queries.sales import DeferredListView, PayoutView, SaleView, delivered_sales
from deedbook.queries.views import View

Covers = Callable[[bytes], bytes | None]
"""The encoded public cover of a cover hash, or None where it is not at hand."""

Lists = Callable[[bytes, int], Sequence[int] | None]
"""The places of the parent list that stand on a deferred list of a sale, ascending; None where they are not at hand."""


def no_lists(_sale_id: bytes, _number: int) -> Sequence[int] | None:
    """No list is at hand: enough while nobody is paid later."""
    return None


@dataclass(frozen=True)
class DeferralView(View):
    """The person's `place` on a list of those who are paid later: put off, or (`bounced`) paid in vain."""

    list: int
    place: int
    bounced: bool
    at: int
    block: int
    tx: bytes


@dataclass(frozen=True)
class StatementLine(View):
    """One delivery that held the record. `due` is None until the sale is settled; amounts in minor units. `deferrals`
    say how the payment was put off or came back, oldest first; `payout` is the one that `paid` it."""

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
    deferrals: tuple[DeferralView, ...]


@dataclass(frozen=True)
class Total(View):
    """What is due and paid in one currency, in minor units; `open` is the difference, `deferred` what of it was put off
    or came back."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"due", "paid", "open", "deferred"})

    currency: str
    due: int
    paid: int
    open: int
    deferred: int


@dataclass(frozen=True)
class StatementView(View):
    """Everything that one leaf's record was delivered for, oldest first, with totals by currency."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id"})

    batch_id: bytes
    index: int
    asset_id: int
    lines: tuple[StatementLine, ...]
    totals: tuple[Total, ...]


def statement(
    mirror: Reading, batch_id: bytes, index: int, covers: Covers, *, lists: Lists = no_lists
) -> StatementView:
    """The statement of a leaf.

    Raises NotFound, InvalidInput (`index`), EvidenceMissing where a delivery's cover, or a list on which the person may
    stand, is not at hand, IntegrityError where it is not what was committed to.
    """
    with mirror.reading() as connection:
        return _statement(connection, batch_id, index, covers, lists)


def statement_of_consent(
    mirror: Reading, consent_id: bytes, covers: Covers, *, place: Place | None = None, lists: Lists = no_lists
) -> StatementView:
    """The statement of a consent, whose leaf `place`, its end or its direct grant tells. Raises as `statement`."""
    with mirror.reading() as connection:
        batch_id, index = place_of(connection, consent_id, place)
        return _statement(connection, batch_id, index, covers, lists)


def _statement(connection: Connection, batch_id: bytes, index: int, covers: Covers, lists: Lists) -> StatementView:
    batch = batch_by_id(connection, batch_id)
    if not 0 <= index < batch.count:
        raise InvalidInput("index", f"is not below the batch's count {batch.count}")
    lines = [
        line
        for binding in batch.bindings
        for sale in delivered_sales(connection, asset_key(binding.asset_id), binding.version)
        if (line := _line(binding, index, sale, covers, lists)) is not None
    ]
    return StatementView(batch_id, index, batch.asset_id, tuple(lines), _totals(lines))


def _line(binding: BindingView, index: int, sale: SaleView, covers: Covers, lists: Lists) -> StatementLine | None:
    if sale.delivered_count == 0:
        return None  # no subject pool: nothing was delivered that is a person's
    cover, record = cover_of(sale, covers), binding.record_offset + index
    if record >= cover.record_count or not is_delivered(cover, record):
        return None
    ordinal, delivery = ordinal_of(cover, record), sale.step("SaleDelivered")
    if delivery is None:
        raise IntegrityError("the mirror lacks a delivery's step", hint="rebuild the mirror", sale=to_hex(sale.sale_id))
    paid, payout, deferrals = _payment(sale, ordinal, lists)
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
        paid=paid,
        payout=payout,
        deferrals=deferrals,
    )


def _payment(sale: SaleView, ordinal: int, lists: Lists) -> tuple[bool, PayoutView | None, tuple[DeferralView, ...]]:
    """Whether the delivered ordinal was paid and by what: from list to list, for as long as its payment was put off."""
    if sale.settlement is None:
        return False, None, ()
    number, place, done = 0, ordinal, sale.settlement.paid_up_to
    deferrals: list[DeferralView] = []
    while place < done:
        found = _next_list(sale, number, place, lists)
        if found is None:
            payouts = (each for each in sale.payouts if each.list == number)
            payout = next((each for each in payouts if each.from_ordinal <= place < each.to_ordinal), None)
            return True, payout, tuple(deferrals)
        entry, place = found
        number, done = entry.list, entry.paid_up_to
        when = (entry.opened_at, entry.opened_block, entry.opened_tx)
        deferrals.append(DeferralView(number, place, entry.bounced, *when))
    return False, None, tuple(deferrals)


def _next_list(sale: SaleView, number: int, place: int, lists: Lists) -> tuple[DeferredListView, int] | None:
    """The list on which this place of list `number` stands, and where on it; None where it stands on none."""
    assert sale.settlement is not None
    opened = (each for each in sale.settlement.lists if each.parent == number < each.list)
    near = (each for each in opened if each.from_place <= place < each.to_place)
    found = [(each, places.index(place)) for each in near if place in (places := places_of(sale, each, lists))]
    if len(found) > 1:
        raise IntegrityError(f"place {place} of list {number} stands on two lists", sale=to_hex(sale.sale_id))
    return found[0] if found else None


def places_of(sale: SaleView, entry: DeferredListView, lists: Lists) -> Sequence[int]:
    """The places on a list, as it was committed to. Raises EvidenceMissing, IntegrityError."""
    places = lists(sale.sale_id, entry.list)
    if places is None:
        raise EvidenceMissing(
            f"list {entry.list} of sale {to_hex(sale.sale_id)} is not at hand",
            sale=to_hex(sale.sale_id),
            list=entry.list,
        )
    with suppress(InvalidInput):  # of places that do not ascend
        if len(places) == entry.count and list_root(places) == entry.root:
            return places
    raise IntegrityError(
        f"list {entry.list} is not what the payout committed to", sale=to_hex(sale.sale_id), list=entry.list
    )


def cover_of(sale: SaleView, covers: Covers) -> Cover:
    """The cover of a delivered sale, as it was committed to. Raises EvidenceMissing, IntegrityError."""
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
        deferred = sum(line.due or 0 for line in settled if line.deferrals and not line.paid)
        totals.append(Total(currency, due, paid, due - paid, deferred))
    return tuple(totals)
