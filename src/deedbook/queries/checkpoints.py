"""Anchored checkpoints: the size and the root of each exchange's own log, as the chain proved that it only grew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Select, select

from deedbook.domain.hashing import checksum_address
from deedbook.errors import NotFound
from deedbook.mirror.schema import checkpoints as table
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, one, time_of
from deedbook.queries.views import Page, View

IN_ORDER: Final = Keyset("checkpoints", table.c.block_number, table.c.log_index)


@dataclass(frozen=True)
class CheckpointView(View):
    """A checkpoint of an exchange's log: `size` entries with this root; it continued one of `former_size`."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"size", "former_size"})

    exchange: bytes
    size: int
    root: bytes
    former_size: int
    anchored_at: int
    anchored_block: int
    anchored_tx: bytes


def checkpoints(
    mirror: Reading, exchange: bytes, *, limit: int = 100, after: str | None = None
) -> Page[CheckpointView]:
    """The checkpoints of an exchange (20 bytes), oldest first. Raises InvalidInput."""
    query = select(table).where(table.c.exchange == exchange)
    with mirror.reading() as connection:
        return IN_ORDER.page(connection, query, lambda row: _checkpoint(connection, row), limit=limit, after=after)


def latest(mirror: Reading, exchange: bytes) -> CheckpointView:
    """The last checkpoint of an exchange. Raises NotFound."""
    return _last(mirror, exchange, select(table).where(table.c.exchange == exchange))


def of_size(mirror: Reading, exchange: bytes, size: int) -> CheckpointView:
    """The last checkpoint of an exchange at this size. Raises NotFound."""
    return _last(mirror, exchange, select(table).where(table.c.exchange == exchange, table.c.size == str(size)))


def _last(mirror: Reading, exchange: bytes, query: Select[Any]) -> CheckpointView:
    with mirror.reading() as connection:
        row = one(connection, query.order_by(table.c.block_number.desc(), table.c.log_index.desc()))
        if row is None:
            raise NotFound("checkpoint of exchange", checksum_address(exchange))
        return _checkpoint(connection, row)


def _checkpoint(connection: Connection, row: Mapping[str, Any]) -> CheckpointView:
    return CheckpointView(
        exchange=row["exchange"],
        size=int(row["size"]),
        root=row["root"],
        former_size=int(row["former_size"]),
        anchored_at=time_of(connection, row["block_number"]),
        anchored_block=row["block_number"],
        anchored_tx=row["tx_hash"],
    )
