"""Sales with their whole history: every step with its time, block and transaction, disputes, the settlement and the
payouts, who is paid later, what went back, and where the meter stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, or_, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import Mode, Outcome, Purpose, SaleState
from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
from deedbook.mirror.schema import (
    bounces,
    deferred_lists,
    deferred_payouts,
    disputes,
    offers,
    payouts,
    sale_steps,
    settlements,
    usage_reports,
)
from deedbook.mirror.schema import refunds as refund_table
from deedbook.mirror.schema import sales as table
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.usage import MeterView, meter_if_used
from deedbook.queries.views import Page, View, code_of

BY_ORDER: Final = Keyset("sales", table.c.ordered_block, table.c.ordered_index)
PAYOUTS: Final = frozenset({"PayoutConfirmed", "DeferredPayoutConfirmed"})


class Waits(StrEnum):
    """What a sale that is not at its end waits for next."""

    PAYMENT = "payment"
    """The settler's word that the price arrived."""
    PREPARATION = "preparation"
    """The provider fixes who is live."""
    DELIVERY = "delivery"
    """The provider seals the keys."""
    ACCEPTANCE = "acceptance"
    """The buyer accepts; once the window is over, anyone."""
    DECISION = "decision"
    """An arbiter or regulator decides a dispute."""
    SETTLEMENT = "settlement"
    """Anyone settles."""
    PAYOUT = "payout"
    """Of the settled money something is still the people's to get."""


@dataclass(frozen=True)
class StepView(View):
    """One event of a sale: who caused it (None: nobody in particular), when, and in which transaction."""

    event: str
    actor: bytes | None
    at: int
    block: int
    tx: bytes


@dataclass(frozen=True)
class PayoutView(View):
    """A bank batch over the places from `from_ordinal` up to, not including, `to_ordinal` of a list (0: the delivered
    ordinals), but for those of them that were put off to the list `put_off_to` (None: none was)."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"total"})

    list: int
    from_ordinal: int
    to_ordinal: int
    put_off_to: int | None
    total: int
    currency: str
    settler: bytes
    receipt_hash: bytes
    paid_at: int
    paid_block: int
    paid_tx: bytes


@dataclass(frozen=True)
class DeferredListView(View):
    """Those who are paid later: `count` of the places [`from_place`, `to_place`) of the list `parent`, known by the
    root over them; put off, or (`bounced`) paid in vain. Its own places below `paid_up_to` are paid, or on a list of
    their own."""

    list: int
    parent: int
    from_place: int
    to_place: int
    root: bytes
    count: int
    paid_up_to: int
    bounced: bool
    opened_at: int
    opened_block: int
    opened_tx: bytes


@dataclass(frozen=True)
class BounceView(View):
    """Payments of the list `list` that came back; who they were for stands on the list `onto`."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"total"})

    list: int
    onto: int | None
    count: int
    total: int
    currency: str
    settler: bytes
    receipt_hash: bytes
    bounced_at: int
    bounced_block: int
    bounced_tx: bytes


@dataclass(frozen=True)
class DisputeView(View):
    """What the buyer complained of; the outcome and what follows are None while it is undecided."""

    buyer: bytes
    document_hash: bytes
    disputed_at: int
    disputed_block: int
    disputed_tx: bytes
    decider: bytes | None
    outcome: Outcome | int | None
    decision_hash: bytes | None
    decided_at: int | None
    decided_block: int | None
    decided_tx: bytes | None


@dataclass(frozen=True)
class RefundView(View):
    """Money given back to the buyer; `refunded` is the sale's sum with it."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"amount", "refunded"})

    amount: int
    refunded: int
    currency: str
    settler: bytes
    receipt_hash: bytes
    refunded_at: int
    refunded_block: int
    refunded_tx: bytes


@dataclass(frozen=True)
class SettlementView(View):
    """The entry of a settled sale; amounts in minor units of `currency`. Delivered ordinals below `paid_up_to` are
    paid, or on one of the `lists`; to `waiting` people money is still due, and `paid_out` is what the others got."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset(
        {
            "price",
            "carry_in",
            "exchange_share",
            "provider_share",
            "intermediary_shares",
            "per_head",
            "carry_out",
            "paid_out",
        }
    )

    certificate: int
    currency: str
    price: int
    carry_in: int
    exchange_share: int
    provider_share: int
    intermediary_shares: tuple[int, ...]
    per_head: int
    delivered_count: int
    carry_out: int
    paid_up_to: int
    lists: tuple[DeferredListView, ...]
    waiting: int
    paid_out: int
    settled_at: int
    settled_block: int
    settled_tx: bytes


@dataclass(frozen=True)
class SaleView(View):
    """A sale. What a step brings is None before it; `usage` is None before a use was reported. At a price of nothing
    the settler and the payment's receipt are zero."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "price", "refunded"})

    sale_id: bytes
    offer_id: bytes
    asset_id: int
    version: int
    buyer: bytes
    provider: bytes | None
    mode: Mode | None
    purpose: Purpose | int | None
    reference: bytes
    price: int
    currency: str
    attesters: tuple[bytes, ...]
    state: SaleState | int
    live_at_order: int
    settler: bytes | None
    payment_receipt: bytes | None
    live_at_prepare: int | None
    envelope_hash: bytes | None
    cover_hash: bytes | None
    delivered_count: int | None
    accepted_by: bytes | None
    accepted_by_timeout: bool | None
    steps: tuple[StepView, ...]
    dispute: DisputeView | None
    settlement: SettlementView | None
    payouts: tuple[PayoutView, ...]
    bounces: tuple[BounceView, ...]
    refunds: tuple[RefundView, ...]
    refunded: int
    usage: MeterView | None

    def step(self, event: str) -> StepView | None:
        """The last step of this name."""
        return next((step for step in reversed(self.steps) if step.event == event), None)


def sale(mirror: Reading, sale_id: bytes) -> SaleView:
    """Raises NotFound."""
    with mirror.reading() as connection:
        row = one(connection, joined().where(table.c.sale_id == sale_id))
        if row is None:
            raise NotFound("sale", to_hex(sale_id))
        return view_of(connection, row)


def sales(
    mirror: Reading,
    *,
    asset_id: int | None = None,
    offer_id: bytes | None = None,
    buyer: bytes | None = None,
    provider: bytes | None = None,
    waits_for: Waits | None = None,
    only_settled: bool = False,
    only_used: bool = False,
    limit: int = 100,
    after: str | None = None,
) -> Page[SaleView]:
    """Sales in the order in which they were ordered, of one asset, offer, buyer or provider where named; those that
    wait for something, are settled, or were used and metered.

    Raises InvalidInput.
    """
    query = joined()
    if asset_id is not None:
        query = query.where(table.c.asset_id == asset_key(asset_id))
    if offer_id is not None:
        query = query.where(table.c.offer_id == offer_id)
    if buyer is not None:
        query = query.where(table.c.buyer == buyer)
    if provider is not None:
        query = query.where(offers.c.provider == provider)
    if waits_for is not None:
        query = query.where(_waiting(waits_for))
    if only_settled:
        query = query.where(_SETTLED)
    if only_used:
        query = query.where(select(usage_reports.c.count).where(usage_reports.c.sale_id == table.c.sale_id).exists())
    with mirror.reading() as connection:
        return BY_ORDER.page(connection, query, lambda row: view_of(connection, row), limit=limit, after=after)


_SETTLED: Final = select(settlements.c.certificate).where(settlements.c.sale_id == table.c.sale_id).exists()
_STATES: Final = {
    Waits.PAYMENT: SaleState.ORDERED,
    Waits.PREPARATION: SaleState.PAID,
    Waits.DELIVERY: SaleState.PREPARED,
    Waits.ACCEPTANCE: SaleState.DELIVERED,
    Waits.DECISION: SaleState.DISPUTED,
}


def _waiting(waits_for: Waits) -> ColumnElement[bool]:
    if waits_for is Waits.SETTLEMENT:
        return and_(table.c.state == int(SaleState.ACCEPTED), ~_SETTLED)
    if waits_for is not Waits.PAYOUT:
        return table.c.state == int(_STATES[waits_for])
    entry = and_(settlements.c.sale_id == table.c.sale_id, settlements.c.per_head != "0")
    first = select(settlements.c.certificate).where(entry, settlements.c.paid_up_to < settlements.c.delivered_count)
    on_list = and_(deferred_lists.c.sale_id == table.c.sale_id, deferred_lists.c.paid_up_to < deferred_lists.c.count)
    later = select(settlements.c.certificate).where(entry, select(deferred_lists.c.list).where(on_list).exists())
    return or_(first.exists(), later.exists())


def delivered_sales(connection: Connection, asset: bytes, version: int) -> list[SaleView]:
    """The sales of a version that were delivered, oldest first, in a transaction that is open."""
    of_version = and_(table.c.asset_id == asset, table.c.version == version, table.c.cover_hash.is_not(None))
    query = joined().where(of_version).order_by(table.c.ordered_block, table.c.ordered_index)
    return [view_of(connection, row) for row in many(connection, query)]


def joined() -> Select[Any]:
    """Sales with what their offers say of provider, mode and purpose: the rows that `view_of` takes."""
    return select(table, offers.c.provider, offers.c.mode, offers.c.purpose).outerjoin(
        offers, offers.c.offer_id == table.c.offer_id
    )


def view_of(connection: Connection, row: Mapping[str, Any]) -> SaleView:
    """The sale of a row of `joined`, in a transaction that is open."""
    sale_id, steps = row["sale_id"], _steps(connection, row["sale_id"])
    told = {step.event for step in steps}  # what no step tells of needs no question
    lists = _lists(connection, sale_id) if "OrdinalsDeferred" in told else []
    refunds = _refunds(connection, sale_id) if "RefundConfirmed" in told else ()
    return SaleView(
        sale_id=sale_id,
        offer_id=row["offer_id"],
        asset_id=int.from_bytes(row["asset_id"], "big"),
        version=row["version"],
        buyer=row["buyer"],
        provider=row["provider"],
        mode=None if row["mode"] is None else Mode(row["mode"]),
        purpose=None if row["purpose"] is None else code_of(Purpose, row["purpose"]),
        reference=row["reference"],
        price=int(row["price"]),
        currency=row["currency"],
        attesters=tuple(bytes.fromhex(attester[2:]) for attester in json.loads(row["attesters"])),
        state=code_of(SaleState, row["state"]),
        live_at_order=row["live_at_order"],
        settler=row["settler"],
        payment_receipt=row["payment_receipt"],
        live_at_prepare=row["live_at_prepare"],
        envelope_hash=row["envelope_hash"],
        cover_hash=row["cover_hash"],
        delivered_count=row["delivered_count"],
        accepted_by=row["accepted_by"],
        accepted_by_timeout=row["accepted_by_timeout"],
        steps=steps,
        dispute=_dispute(connection, sale_id) if "SaleDisputed" in told else None,
        settlement=_settlement(connection, sale_id, lists) if "SaleSettled" in told else None,
        payouts=_payouts(connection, sale_id, lists) if told & PAYOUTS else (),
        bounces=_bounces(connection, sale_id, lists) if "PaymentsBounced" in told else (),
        refunds=refunds,
        refunded=refunds[-1].refunded if refunds else 0,
        usage=meter_if_used(connection, sale_id) if "SaleDelivered" in told else None,
    )


def _steps(connection: Connection, sale_id: bytes) -> tuple[StepView, ...]:
    order = (sale_steps.c.block_number, sale_steps.c.log_index)
    query = select(sale_steps).where(sale_steps.c.sale_id == sale_id).order_by(*order)
    return tuple(
        StepView(
            row["event"],
            row["actor"],
            time_of(connection, row["block_number"]),
            row["block_number"],
            row["tx_hash"],
        )
        for row in many(connection, query)
    )


def _dispute(connection: Connection, sale_id: bytes) -> DisputeView | None:
    row = one(connection, select(disputes).where(disputes.c.sale_id == sale_id))
    if row is None:
        return None
    decided = row["decided_block"]
    return DisputeView(
        buyer=row["buyer"],
        document_hash=row["document_hash"],
        disputed_at=time_of(connection, row["disputed_block"]),
        disputed_block=row["disputed_block"],
        disputed_tx=row["disputed_tx"],
        decider=row["decider"],
        outcome=None if row["outcome"] is None else code_of(Outcome, row["outcome"]),
        decision_hash=row["decision_hash"],
        decided_at=None if decided is None else time_of(connection, decided),
        decided_block=decided,
        decided_tx=row["decided_tx"],
    )


def _settlement(connection: Connection, sale_id: bytes, lists: _Lists) -> SettlementView | None:
    row = one(connection, select(settlements).where(settlements.c.sale_id == sale_id))
    if row is None:
        return None
    per_head, ordinals, paid_up_to = int(row["per_head"]), row["delivered_count"], row["paid_up_to"]
    waiting = ordinals - paid_up_to + sum(each.count - each.paid_up_to for each, _ in lists)
    return SettlementView(
        certificate=row["certificate"],
        currency=row["currency"],
        price=int(row["price"]),
        carry_in=int(row["carry_in"]),
        exchange_share=int(row["exchange_share"]),
        provider_share=int(row["provider_share"]),
        intermediary_shares=tuple(int(share) for share in json.loads(row["intermediary_shares"])),
        per_head=per_head,
        delivered_count=ordinals,
        carry_out=int(row["carry_out"]),
        paid_up_to=paid_up_to,
        lists=tuple(each for each, _ in lists),
        waiting=waiting if per_head else 0,
        paid_out=(ordinals - waiting) * per_head,
        settled_at=time_of(connection, row["settled_block"]),
        settled_block=row["settled_block"],
        settled_tx=row["settled_tx"],
    )


_Lists = Sequence[tuple[DeferredListView, tuple[int, int]]]
"""Deferred lists, each with the block and the log index where it was opened: the log after it says what for."""


def _lists(connection: Connection, sale_id: bytes) -> _Lists:
    why = and_(
        bounces.c.sale_id == deferred_lists.c.sale_id,
        bounces.c.bounced_block == deferred_lists.c.opened_block,
        bounces.c.bounced_index == deferred_lists.c.opened_index + 1,
    )
    query = select(deferred_lists, bounces.c.receipt_hash).outerjoin(bounces, why)
    query = query.where(deferred_lists.c.sale_id == sale_id).order_by(deferred_lists.c.list)
    return [
        (
            DeferredListView(
                list=row["list"],
                parent=row["parent"],
                from_place=row["from_place"],
                to_place=row["to_place"],
                root=row["root"],
                count=row["count"],
                paid_up_to=row["paid_up_to"],
                bounced=row["receipt_hash"] is not None,
                opened_at=time_of(connection, row["opened_block"]),
                opened_block=row["opened_block"],
                opened_tx=row["opened_tx"],
            ),
            (row["opened_block"], row["opened_index"]),
        )
        for row in many(connection, query)
    ]


def _payouts(connection: Connection, sale_id: bytes, lists: _Lists) -> tuple[PayoutView, ...]:
    first = select(payouts).where(payouts.c.sale_id == sale_id).order_by(payouts.c.from_ordinal)
    later = select(deferred_payouts).where(deferred_payouts.c.sale_id == sale_id)
    later = later.order_by(deferred_payouts.c.list, deferred_payouts.c.from_place)
    put_off = {(each.parent, each.from_place): each.list for each, _ in lists if not each.bounced}
    return (
        *(
            _payout(connection, row, 0, row["from_ordinal"], row["to_ordinal"], put_off)
            for row in many(connection, first)
        ),
        *(
            _payout(connection, row, row["list"], row["from_place"], row["to_place"], put_off)
            for row in many(connection, later)
        ),
    )


def _payout(
    connection: Connection,
    row: Mapping[str, Any],
    number: int,
    first: int,
    end: int,
    put_off: Mapping[tuple[int, int], int],
) -> PayoutView:
    return PayoutView(
        list=number,
        from_ordinal=first,
        to_ordinal=end,
        put_off_to=put_off.get((number, first)),
        total=int(row["total"]),
        currency=row["currency"],
        settler=row["settler"],
        receipt_hash=row["receipt_hash"],
        paid_at=time_of(connection, row["paid_block"]),
        paid_block=row["paid_block"],
        paid_tx=row["paid_tx"],
    )


def _bounces(connection: Connection, sale_id: bytes, lists: _Lists) -> tuple[BounceView, ...]:
    query = select(bounces).where(bounces.c.sale_id == sale_id)
    query = query.order_by(bounces.c.bounced_block, bounces.c.bounced_index)
    opened = {place: each.list for each, place in lists}
    return tuple(
        BounceView(
            list=row["list"],
            onto=opened.get((row["bounced_block"], row["bounced_index"] - 1)),
            count=row["count"],
            total=int(row["total"]),
            currency=row["currency"],
            settler=row["settler"],
            receipt_hash=row["receipt_hash"],
            bounced_at=time_of(connection, row["bounced_block"]),
            bounced_block=row["bounced_block"],
            bounced_tx=row["bounced_tx"],
        )
        for row in many(connection, query)
    )


def _refunds(connection: Connection, sale_id: bytes) -> tuple[RefundView, ...]:
    query = select(refund_table).where(refund_table.c.sale_id == sale_id)
    query = query.order_by(refund_table.c.refunded_block, refund_table.c.refunded_index)
    return tuple(
        RefundView(
            amount=int(row["amount"]),
            refunded=int(row["refunded"]),
            currency=row["currency"],
            settler=row["settler"],
            receipt_hash=row["receipt_hash"],
            refunded_at=time_of(connection, row["refunded_block"]),
            refunded_block=row["refunded_block"],
            refunded_tx=row["refunded_tx"],
        )
        for row in many(connection, query)
    )
