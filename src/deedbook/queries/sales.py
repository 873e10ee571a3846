"""Sales with their whole history: every step with its time, block and transaction, the settlement and the payouts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, and_, or_, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import Mode, Purpose, SaleState
from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
from deedbook.mirror.schema import offers, payouts, sale_steps, settlements
from deedbook.mirror.schema import sales as table
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import Page, View, code_of, page_of, place_after, require_limit


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
    """A bank batch over delivered ordinals from `from_ordinal` up to, not including, `to_ordinal`."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"total"})

    from_ordinal: int
    to_ordinal: int
    total: int
    currency: str
    settler: bytes
    receipt_hash: bytes
    paid_at: int
    paid_block: int
    paid_tx: bytes


@dataclass(frozen=True)
class SettlementView(View):
    """The entry of a settled sale; amounts in minor units of `currency`. Delivered ordinals below `paid_up_to` are
    paid."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset(
        {
            "price",
            "carry_in",
            "exchange_share",
            "provider_share",
            "intermediary_shares",
            "per_head",
            "carry_out",
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
    settled_at: int
    settled_block: int
    settled_tx: bytes


@dataclass(frozen=True)
class SaleView(View):
    """A sale. What a step brings is None before it."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "price"})

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
    settlement: SettlementView | None
    payouts: tuple[PayoutView, ...]

    def step(self, event: str) -> StepView | None:
        """The last step of this name."""
        return next((step for step in reversed(self.steps) if step.event == event), None)


def sale(mirror: Reading, sale_id: bytes) -> SaleView:
    """Raises NotFound."""
    with mirror.reading() as connection:
        row = one(connection, _joined().where(table.c.sale_id == sale_id))
        if row is None:
            raise NotFound("sale", to_hex(sale_id))
        return _sale(connection, row)


def sales(
    mirror: Reading,
    *,
    asset_id: int | None = None,
    offer_id: bytes | None = None,
    buyer: bytes | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[SaleView]:
    """Sales in the order in which they were ordered, of one asset, offer or buyer where named. Raises InvalidInput."""
    block, index = place_after(after)
    later = or_(table.c.ordered_block > block, and_(table.c.ordered_block == block, table.c.ordered_index > index))
    query = _joined().where(later).order_by(table.c.ordered_block, table.c.ordered_index)
    if asset_id is not None:
        query = query.where(table.c.asset_id == asset_key(asset_id))
    if offer_id is not None:
        query = query.where(table.c.offer_id == offer_id)
    if buyer is not None:
        query = query.where(table.c.buyer == buyer)
    with mirror.reading() as connection:
        rows = list(many(connection, query.limit(require_limit(limit) + 1)))
        found = [_sale(connection, row) for row in rows]
    return page_of(found, limit, [f"{row['ordered_block']}.{row['ordered_index']}" for row in rows])


def delivered_sales(connection: Connection, asset: bytes, version: int) -> list[SaleView]:
    """The sales of a version that were delivered, oldest first, in a transaction that is open."""
    of_version = and_(table.c.asset_id == asset, table.c.version == version, table.c.cover_hash.is_not(None))
    query = _joined().where(of_version).order_by(table.c.ordered_block, table.c.ordered_index)
    return [_sale(connection, row) for row in many(connection, query)]


def _joined() -> Any:
    return select(table, offers.c.provider, offers.c.mode, offers.c.purpose).outerjoin(
        offers, offers.c.offer_id == table.c.offer_id
    )


def _sale(connection: Connection, row: Mapping[str, Any]) -> SaleView:
    return SaleView(
        sale_id=row["sale_id"],
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
        steps=_steps(connection, row["sale_id"]),
        settlement=_settlement(connection, row["sale_id"]),
        payouts=_payouts(connection, row["sale_id"]),
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


def _settlement(connection: Connection, sale_id: bytes) -> SettlementView | None:
    row = one(connection, select(settlements).where(settlements.c.sale_id == sale_id))
    if row is None:
        return None
    return SettlementView(
        certificate=row["certificate"],
        currency=row["currency"],
        price=int(row["price"]),
        carry_in=int(row["carry_in"]),
        exchange_share=int(row["exchange_share"]),
        provider_share=int(row["provider_share"]),
        intermediary_shares=tuple(int(share) for share in json.loads(row["intermediary_shares"])),
        per_head=int(row["per_head"]),
        delivered_count=row["delivered_count"],
        carry_out=int(row["carry_out"]),
        paid_up_to=row["paid_up_to"],
        settled_at=time_of(connection, row["settled_block"]),
        settled_block=row["settled_block"],
        settled_tx=row["settled_tx"],
    )


def _payouts(connection: Connection, sale_id: bytes) -> tuple[PayoutView, ...]:
    query = select(payouts).where(payouts.c.sale_id == sale_id).order_by(payouts.c.from_ordinal)
    return tuple(
        PayoutView(
            from_ordinal=row["from_ordinal"],
            to_ordinal=row["to_ordinal"],
            total=int(row["total"]),
            currency=row["currency"],
            settler=row["settler"],
            receipt_hash=row["receipt_hash"],
            paid_at=time_of(connection, row["paid_block"]),
            paid_block=row["paid_block"],
            paid_tx=row["paid_tx"],
        )
        for row in many(connection, query)
    )
