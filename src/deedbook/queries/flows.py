"""The flow of an asset: every sale of it and of whatever was derived from it, to whom, what for, and where the money
went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import func, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import Mode, Purpose, SaleState
from deedbook.mirror.schema import sales as table
from deedbook.queries.keysets import Keyset
from deedbook.queries.lineage import distances, keys_among, require_asset
from deedbook.queries.rows import Reading
from deedbook.queries.sales import SaleView, StepView, joined, view_of
from deedbook.queries.views import Page, View

ONWARD = Keyset("flow", table.c.ordered_block, table.c.ordered_index)
BY_BUYER = Keyset("recipients", table.c.buyer)


@dataclass(frozen=True)
class DividedView(View):
    """How the price of a settled sale was divided, in minor units of its currency:

    price + carry in = exchange + provider + intermediaries + people + carry out.

    `paid_out` of what is the people's has reached them.
    """

    DECIMAL: ClassVar[frozenset[str]] = frozenset(
        {"carry_in", "exchange", "provider", "intermediaries", "people", "carry_out", "paid_out"}
    )

    certificate: int
    carry_in: int
    exchange: int
    provider: int
    intermediaries: int
    people: int
    carry_out: int
    paid_out: int


@dataclass(frozen=True)
class FlowView(View):
    """A sale of the asset (`distance` 0), or of one derived from it in so many steps. `delivered_count` is None before
    the delivery, `divided` before the settlement, `uses` before a use was reported; provider, mode and purpose are None
    where the mirror lacks the offer."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "price", "refunded", "uses"})

    asset_id: int
    distance: int
    version: int
    sale_id: bytes
    offer_id: bytes
    buyer: bytes
    provider: bytes | None
    purpose: Purpose | int | None
    mode: Mode | None
    state: SaleState | int
    delivered_count: int | None
    uses: int | None
    price: int
    currency: str
    divided: DividedView | None
    refunded: int
    steps: tuple[StepView, ...]


@dataclass(frozen=True)
class RecipientView(View):
    """A buyer of the asset or of what was derived from it: how many `orders`, to how many of them something was
    `delivered`, and the most records that one delivery had; blocks of the first and the last order."""

    buyer: bytes
    orders: int
    delivered: int
    most_records: int
    first_block: int
    last_block: int


def recipients(mirror: Reading, asset_id: int, *, limit: int = 100, after: str | None = None) -> Page[RecipientView]:
    """Everybody who ordered an asset or anything derived from it, by account. Raises NotFound, InvalidInput."""
    key = asset_key(asset_id)
    with mirror.reading() as connection:
        require_asset(connection, asset_id)
        far = distances(connection, key, down=True)
        query = select(
            table.c.buyer,
            func.count().label("orders"),
            func.count(table.c.cover_hash).label("delivered"),
            func.coalesce(func.max(table.c.delivered_count), 0).label("most_records"),
            func.min(table.c.ordered_block).label("first_block"),
            func.max(table.c.ordered_block).label("last_block"),
        )
        query = query.where(table.c.asset_id.in_(keys_among(far))).group_by(table.c.buyer)
        return BY_BUYER.page(connection, query, lambda row: RecipientView(**row), limit=limit, after=after)


def flow(mirror: Reading, asset_id: int, *, limit: int = 100, after: str | None = None) -> Page[FlowView]:
    """The sales of an asset and of everything derived from it, in the order in which they were ordered.

    Raises NotFound, InvalidInput.
    """
    key = asset_key(asset_id)
    with mirror.reading() as connection:
        require_asset(connection, asset_id)
        far = distances(connection, key, down=True)
        query = joined().where(table.c.asset_id.in_(keys_among(far)))
        return ONWARD.page(
            connection,
            query,
            lambda row: _line(view_of(connection, row), far[row["asset_id"]]),
            limit=limit,
            after=after,
        )


def _line(sale: SaleView, distance: int) -> FlowView:
    return FlowView(
        asset_id=sale.asset_id,
        distance=distance,
        version=sale.version,
        sale_id=sale.sale_id,
        offer_id=sale.offer_id,
        buyer=sale.buyer,
        provider=sale.provider,
        purpose=sale.purpose,
        mode=sale.mode,
        state=sale.state,
        delivered_count=sale.delivered_count,
        uses=None if sale.usage is None else sale.usage.used,
        price=sale.price,
        currency=sale.currency,
        divided=_divided(sale),
        refunded=sale.refunded,
        steps=sale.steps,
    )


def _divided(sale: SaleView) -> DividedView | None:
    entry = sale.settlement
    if entry is None:
        return None
    return DividedView(
        certificate=entry.certificate,
        carry_in=entry.carry_in,
        exchange=entry.exchange_share,
        provider=entry.provider_share,
        intermediaries=sum(entry.intermediary_shares),
        people=entry.per_head * entry.delivered_count,
        carry_out=entry.carry_out,
        paid_out=entry.paid_out,
    )
