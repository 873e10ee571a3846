"""The statement of a provider: what it holds and offers, what was sold of that, and the money, by currency."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Select, Table, and_, func, select

from deedbook.domain.codes import OfferState, SaleState
from deedbook.domain.hashing import checksum_address
from deedbook.errors import NotFound
from deedbook.mirror.schema import (
    bounces,
    deferred_payouts,
    holdings,
    offers,
    participants,
    payouts,
    refunds,
    sales,
    settlements,
)
from deedbook.queries.rows import Reading, many, one, streamed
from deedbook.queries.views import View, code_of

DELIVERED: Final = (SaleState.DELIVERED, SaleState.ACCEPTED, SaleState.DISPUTED)


@dataclass(frozen=True)
class ProviderTotal(View):
    """The money of a provider's sales in one currency, in minor units.

    `ordered` is the price of all of them, `refunded` what went back to buyers. Of those that are settled:

    settled = exchange + provider + intermediaries + people + carried,

    where `carried` is what they left to later sales less what they took over from earlier ones (so it can be below
    zero: an asset's carry goes on with its next holder). Of what is the people's, `paid_out` has reached them and
    `open` is still to be paid.
    """

    DECIMAL: ClassVar[frozenset[str]] = frozenset(
        {
            "ordered",
            "settled",
            "exchange",
            "provider",
            "intermediaries",
            "people",
            "carried",
            "paid_out",
            "open",
            "refunded",
        }
    )

    currency: str
    sales: int
    ordered: int
    settled: int
    exchange: int
    provider: int
    intermediaries: int
    people: int
    carried: int
    paid_out: int
    open: int
    refunded: int


@dataclass(frozen=True)
class ProviderView(View):
    """A provider: how many assets it holds now, its offers (and how many of them are open), its sales by state, of
    which `delivered` handed something over and were not taken back, and its totals by currency."""

    account: bytes
    assets: int
    offers: int
    open_offers: int
    sales: int
    delivered: int
    states: dict[str, int]
    totals: tuple[ProviderTotal, ...]


def statement(mirror: Reading, account: bytes) -> ProviderView:
    """The statement of the member with this account (20 bytes); its assets and sales one by one are `assets.assets` and
    `sales.sales`. Raises NotFound."""
    with mirror.reading() as connection:
        if one(connection, select(participants.c.account).where(participants.c.account == account)) is None:
            raise NotFound("member", checksum_address(account))
        states = _states(connection, account)
        own_offers = offers.c.provider == account
        return ProviderView(
            account=account,
            assets=_count(connection, holdings, holdings.c.holder == account),
            offers=_count(connection, offers, own_offers),
            open_offers=_count(connection, offers, and_(own_offers, offers.c.state == int(OfferState.OPEN))),
            sales=sum(states.values()),
            delivered=sum(states[state] for state in DELIVERED),
            states={_word(state): count for state, count in sorted(states.items())},
            totals=_totals(connection, account),
        )


def _count(connection: Connection, table: Table, where: Any) -> int:
    return connection.execute(select(func.count()).select_from(table).where(where)).scalar_one()


def _states(connection: Connection, account: bytes) -> Counter[int]:
    query = select(sales.c.state, func.count().label("count")).select_from(_sold()).where(offers.c.provider == account)
    return Counter({row["state"]: row["count"] for row in many(connection, query.group_by(sales.c.state))})


def _word(state: int) -> str:
    named = code_of(SaleState, state)
    return named.name.lower() if isinstance(named, SaleState) else str(named)


def _totals(connection: Connection, account: bytes) -> tuple[ProviderTotal, ...]:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for row in _of(connection, account, select(sales.c.currency, sales.c.price).select_from(_sold())):
        sums[row["currency"]].update({"sales": 1, "ordered": int(row["price"])})
    for row in _of(connection, account, _joined(settlements)):
        sums[row["currency"]].update(_divided(row))
    for table, sign in ((payouts, 1), (deferred_payouts, 1), (bounces, -1)):
        for row in _of(connection, account, _joined(table)):
            sums[row["currency"]]["paid_out"] += sign * int(row["total"])
    for row in _of(connection, account, _joined(refunds)):
        sums[row["currency"]]["refunded"] += int(row["amount"])
    return tuple(_total(currency, sums[currency]) for currency in sorted(sums))


def _divided(row: Mapping[str, Any]) -> dict[str, int]:
    return {
        "settled": int(row["price"]),
        "exchange": int(row["exchange_share"]),
        "provider": int(row["provider_share"]),
        "intermediaries": sum(int(share) for share in json.loads(row["intermediary_shares"])),
        "people": int(row["per_head"]) * row["delivered_count"],
        "carried": int(row["carry_out"]) - int(row["carry_in"]),
    }


def _total(currency: str, sums: Counter[str]) -> ProviderTotal:
    return ProviderTotal(
        currency=currency,
        sales=sums["sales"],
        ordered=sums["ordered"],
        settled=sums["settled"],
        exchange=sums["exchange"],
        provider=sums["provider"],
        intermediaries=sums["intermediaries"],
        people=sums["people"],
        carried=sums["carried"],
        paid_out=sums["paid_out"],
        open=sums["people"] - sums["paid_out"],
        refunded=sums["refunded"],
    )


def _sold() -> Any:
    return sales.join(offers, offers.c.offer_id == sales.c.offer_id)


def _joined(table: Table) -> Select[Any]:
    return select(table).select_from(_sold().join(table, table.c.sale_id == sales.c.sale_id))


def _of(connection: Connection, account: bytes, query: Select[Any]) -> Iterator[Mapping[str, Any]]:
    """Amounts are of more bits than SQL sums exactly in SQLite: the rows are summed as they stream by."""
    return streamed(connection, query.where(offers.c.provider == account))
