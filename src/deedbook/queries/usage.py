"""Use of what was sold, as it was metered: the periods reported, and what is left of a sale's quota."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, func, select

from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
from deedbook.mirror.schema import offers, sales
from deedbook.mirror.schema import usage_reports as table
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, one, time_of
from deedbook.queries.views import Page, View

BY_PERIOD: Final = Keyset("usage", table.c.from_time)


@dataclass(frozen=True)
class ReportView(View):
    """The uses of one period, from `from_time` up to, not including, `to_time` (Unix seconds); `used` of the sale's
    quota with them. The root is over their receipts; zero where there was none."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"count", "used"})

    from_time: int
    to_time: int
    count: int
    used: int
    receipts_root: bytes
    provider: bytes
    gateway: bytes
    reported_at: int
    reported_block: int
    reported_tx: bytes


@dataclass(frozen=True)
class MeterView(View):
    """Where the meter of a sale stands. `quota` None: without limit, then `left` is None too; `reported_to` 0: nothing
    was reported yet."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"used", "quota", "left"})

    used: int
    quota: int | None
    left: int | None
    reported_to: int
    reports: int


def meter(mirror: Reading, sale_id: bytes) -> MeterView:
    """The meter of a sale. Raises NotFound."""
    with mirror.reading() as connection:
        return _meter(connection, sale_id, _last(connection, sale_id))


def reports(mirror: Reading, sale_id: bytes, *, limit: int = 100, after: str | None = None) -> Page[ReportView]:
    """The reported periods of a sale, the earliest first. Raises InvalidInput."""
    query = select(table).where(table.c.sale_id == sale_id)
    with mirror.reading() as connection:
        return BY_PERIOD.page(connection, query, lambda row: _report(connection, row), limit=limit, after=after)


def meter_if_used(connection: Connection, sale_id: bytes) -> MeterView | None:
    """The meter of a sale, None before a use was reported; in a transaction that is open. Raises NotFound."""
    last = _last(connection, sale_id)
    return None if last is None else _meter(connection, sale_id, last)


def _meter(connection: Connection, sale_id: bytes, last: Mapping[str, Any] | None) -> MeterView:
    asked = select(offers.c.offer).select_from(sales.outerjoin(offers, offers.c.offer_id == sales.c.offer_id))
    row = one(connection, asked.where(sales.c.sale_id == sale_id))
    if row is None:
        raise NotFound("sale", to_hex(sale_id))
    quota = int(json.loads(row["offer"])["quota"]) if row["offer"] is not None else 0
    count = select(func.count()).select_from(table).where(table.c.sale_id == sale_id)
    used = int(last["used"]) if last else 0
    return MeterView(
        used=used,
        quota=quota or None,
        left=quota - used if quota else None,
        reported_to=last["to_time"] if last else 0,
        reports=connection.execute(count).scalar_one(),
    )


def _last(connection: Connection, sale_id: bytes) -> Mapping[str, Any] | None:
    query = select(table).where(table.c.sale_id == sale_id).order_by(table.c.from_time.desc()).limit(1)
    return one(connection, query)


def _report(connection: Connection, row: Mapping[str, Any]) -> ReportView:
    return ReportView(
        from_time=row["from_time"],
        to_time=row["to_time"],
        count=int(row["count"]),
        used=int(row["used"]),
        receipts_root=row["receipts_root"],
        provider=row["provider"],
        gateway=row["gateway"],
        reported_at=time_of(connection, row["reported_block"]),
        reported_block=row["reported_block"],
        reported_tx=row["reported_tx"],
    )
