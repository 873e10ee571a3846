"""Offers and the listing policies that they obeyed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, func, not_, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import AssetKind, AttestationKind, Grade, Mode, OfferState, Purpose, kinds_of
from deedbook.domain.hashing import to_hex
from deedbook.domain.sales import Offer
from deedbook.errors import NotFound
from deedbook.mirror.schema import holdings, sales
from deedbook.mirror.schema import offers as table
from deedbook.mirror.schema import policies as policy_table
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import Page, View, code_of

BY_LISTING: Final = Keyset("offers", table.c.listed_block, table.c.listed_index)


@dataclass(frozen=True)
class OfferView(View):
    """An offer: `offer` is its whole document (format `deedbook.offer`), `price` its lines' sum in minor units.
    `by_holder`: its provider holds the asset now; else it operates it by a right that was granted to it."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "price", "valid_until"})

    offer_id: bytes
    asset_id: int
    version: int
    version_key: bytes
    provider: bytes
    by_holder: bool
    mode: Mode
    purpose: Purpose | int
    price: int
    currency: str
    valid_until: int
    state: OfferState | int
    orders: int
    listed_at: int
    listed_block: int
    listed_tx: bytes
    closed_block: int | None
    offer: dict[str, Any]

    @property
    def document(self) -> Offer:
        """The offer itself, as calls take it."""
        return Offer.from_json(self.offer)


@dataclass(frozen=True)
class PolicyView(View):
    """What listing and ordering ask for a kind and grade."""

    kind: AssetKind | int
    grade: Grade | int
    to_list: tuple[AttestationKind, ...]
    to_order: tuple[AttestationKind, ...]
    modes: Mode
    set_block: int


def offer(mirror: Reading, offer_id: bytes) -> OfferView:
    """Raises NotFound."""
    with mirror.reading() as connection:
        row = one(connection, _joined().where(table.c.offer_id == offer_id))
        if row is None:
            raise NotFound("offer", to_hex(offer_id))
        return _offer(connection, row)


def offers(
    mirror: Reading,
    *,
    asset_id: int | None = None,
    provider: bytes | None = None,
    only_open: bool = False,
    by_holder: bool | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[OfferView]:
    """Offers in the order of their listing, of one asset or provider where named; `only_open` leaves out the closed
    ones, `by_holder` those of operators who do not hold the asset (False: those of its holder). Raises InvalidInput."""
    query = _joined()
    if asset_id is not None:
        query = query.where(table.c.asset_id == asset_key(asset_id))
    if provider is not None:
        query = query.where(table.c.provider == provider)
    if only_open:
        query = query.where(table.c.state == int(OfferState.OPEN))
    if by_holder is not None:
        held = table.c.provider == holdings.c.holder
        query = query.where(held if by_holder else not_(held))
    with mirror.reading() as connection:
        return BY_LISTING.page(connection, query, lambda row: _offer(connection, row), limit=limit, after=after)


def policies(mirror: Reading) -> tuple[PolicyView, ...]:
    """The listing policies by kind and grade."""
    query = select(policy_table).order_by(policy_table.c.kind, policy_table.c.grade)
    with mirror.reading() as connection:
        return tuple(
            PolicyView(
                code_of(AssetKind, row["kind"]),
                code_of(Grade, row["grade"]),
                kinds_of(row["to_list"]),
                kinds_of(row["to_order"]),
                Mode(row["modes"]),
                row["set_block"],
            )
            for row in many(connection, query)
        )


def _joined() -> Any:
    return select(table, holdings.c.holder).outerjoin(holdings, holdings.c.asset_id == table.c.asset_id)


def _offer(connection: Connection, row: Mapping[str, Any]) -> OfferView:
    ordered = select(func.count()).select_from(sales).where(sales.c.offer_id == row["offer_id"])
    return OfferView(
        offer_id=row["offer_id"],
        asset_id=int.from_bytes(row["asset_id"], "big"),
        version=row["version"],
        version_key=row["version_key"],
        provider=row["provider"],
        by_holder=row["provider"] == row["holder"],
        mode=Mode(row["mode"]),
        purpose=code_of(Purpose, row["purpose"]),
        price=int(row["price"]),
        currency=row["currency"],
        valid_until=int(row["valid_until"]),
        state=code_of(OfferState, row["state"]),
        orders=connection.execute(ordered).scalar_one(),
        listed_at=time_of(connection, row["listed_block"]),
        listed_block=row["listed_block"],
        listed_tx=row["listed_tx"],
        closed_block=row["closed_block"],
        offer=json.loads(row["offer"]),
    )
