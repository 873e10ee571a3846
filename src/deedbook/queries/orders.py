"""What a person hears of: the orders of versions in whose basis one of their records is, from the order's block on.

An order covers a record whose consent was bound to the version by then and had not ended. A consent that ends between
order and delivery is not delivered: `delivered` is None before a delivery, then whether its cover holds the record, and
None again where that cover is not at hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import Mode, Purpose, SaleState
from deedbook.domain.hashing import sha256
from deedbook.domain.keytree import decode_cover, is_delivered
from deedbook.mirror.schema import leaves_ended, sale_steps
from deedbook.mirror.schema import sales as table
from deedbook.queries.consents import BindingView, bindings_of
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, one, time_of
from deedbook.queries.sales import joined
from deedbook.queries.statements import Covers
from deedbook.queries.views import Page, View, code_of

BY_ORDER: Final = Keyset("orders", table.c.ordered_block, table.c.ordered_index)
MOST_LEAVES: Final = 1000
"""Of one account; a key of one person has signed few."""


@dataclass(frozen=True)
class Leaf:
    """A consent's place: batch (32 bytes) and index."""

    consent_id: bytes
    batch_id: bytes
    index: int


@dataclass(frozen=True)
class OrderView(View):
    """An order that covers records of one person, by the `consents` that permit it; amounts in minor units."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "price"})

    sale_id: bytes
    consents: tuple[bytes, ...]
    asset_id: int
    version: int
    buyer: bytes
    purpose: Purpose | int | None
    mode: Mode | None
    price: int
    currency: str
    state: SaleState | int
    ordered_at: int
    ordered_block: int
    ordered_tx: bytes
    delivered: bool | None


@dataclass(frozen=True)
class _Span:
    """In which blocks an order of a version covers a leaf, and which record it is there."""

    consent_id: bytes
    binding: BindingView
    record: int
    until: int | None

    @property
    def condition(self) -> ColumnElement[bool]:
        of = and_(table.c.asset_id == asset_key(self.binding.asset_id), table.c.version == self.binding.version)
        since = table.c.ordered_block >= self.binding.bound_block
        return and_(of, since) if self.until is None else and_(of, since, table.c.ordered_block <= self.until)

    def covers(self, row: Mapping[str, Any]) -> bool:
        return (
            row["asset_id"] == asset_key(self.binding.asset_id)
            and row["version"] == self.binding.version
            and row["ordered_block"] >= self.binding.bound_block
            and (self.until is None or row["ordered_block"] <= self.until)
        )


def orders_of(
    mirror: Reading, leaves: Sequence[Leaf], covers: Covers, *, limit: int = 100, after: str | None = None
) -> Page[OrderView]:
    """The orders that cover records of these leaves (at most MOST_LEAVES of them count), oldest first. Raises
    InvalidInput."""
    with mirror.reading() as connection:
        spans = [span for leaf in leaves[:MOST_LEAVES] for span in _spans(connection, leaf)]
        query = joined().where(or_(*(span.condition for span in spans)) if spans else table.c.sale_id.is_(None))
        return BY_ORDER.page(
            connection, query, lambda row: _order(connection, row, spans, covers), limit=limit, after=after
        )


def _spans(connection: Connection, leaf: Leaf) -> list[_Span]:
    at = and_(leaves_ended.c.batch_id == leaf.batch_id, leaves_ended.c.leaf_index == leaf.index)
    end = one(connection, select(leaves_ended.c.ended_block).where(at))
    until = None if end is None else end["ended_block"]
    return [
        _Span(leaf.consent_id, binding, binding.record_offset + leaf.index, until)
        for binding in bindings_of(connection, leaf.batch_id)
    ]


def _order(connection: Connection, row: Mapping[str, Any], spans: Sequence[_Span], covers: Covers) -> OrderView:
    covered = [span for span in spans if span.covers(row)]
    ordered = and_(sale_steps.c.sale_id == row["sale_id"], sale_steps.c.event == "SaleOrdered")
    step = one(connection, select(sale_steps.c.tx_hash).where(ordered))
    assert step is not None
    return OrderView(
        sale_id=row["sale_id"],
        consents=tuple(sorted({span.consent_id for span in covered})),
        asset_id=int.from_bytes(row["asset_id"], "big"),
        version=row["version"],
        buyer=row["buyer"],
        purpose=None if row["purpose"] is None else code_of(Purpose, row["purpose"]),
        mode=None if row["mode"] is None else Mode(row["mode"]),
        price=int(row["price"]),
        currency=row["currency"],
        state=code_of(SaleState, row["state"]),
        ordered_at=time_of(connection, row["ordered_block"]),
        ordered_block=row["ordered_block"],
        ordered_tx=step["tx_hash"],
        delivered=_delivered(row, [span.record for span in covered], covers),
    )


def _delivered(row: Mapping[str, Any], records: Sequence[int], covers: Covers) -> bool | None:
    if row["cover_hash"] is None:
        return None
    if row["delivered_count"] == 0:
        return False
    encoded = covers(row["cover_hash"])
    if encoded is None or sha256(encoded) != row["cover_hash"]:
        return None
    cover = decode_cover(encoded)
    return any(record < cover.record_count and is_delivered(cover, record) for record in records)
