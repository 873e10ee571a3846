"""Blocks as the mirror copied them, and the logs of the ledger's contracts in them, one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from deedbook.domain.events import Log
from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
from deedbook.mirror.schema import blocks as table
from deedbook.mirror.schema import logs as log_table
from deedbook.mirror.store import read_cursor
from deedbook.queries.keysets import Keyset, Places
from deedbook.queries.rows import Reading, many, one
from deedbook.queries.views import Page, View, page_of, require_limit

NEWEST_FIRST: Final = Places("blocks", (int,))
IN_ORDER: Final = Keyset("logs", log_table.c.block_number, log_table.c.log_index)


@dataclass(frozen=True)
class BlockView(View):
    """A copied block, and how many logs of the ledger's contracts it has; `final`: it can no longer change."""

    number: int
    hash: bytes
    parent_hash: bytes
    at: int
    final: bool
    logs: int


@dataclass(frozen=True)
class LogView(View):
    """A log of one of the ledger's contracts; `event` is None where this release does not know it."""

    block: int
    index: int
    block_hash: bytes
    tx: bytes
    tx_index: int
    contract: str
    event: str | None
    at: int
    topics: tuple[bytes, ...]
    data: bytes

    def log(self, address: bytes) -> Log:
        """The log as the contract at `address` (20 bytes) gave it."""
        where = (self.block, self.block_hash, self.tx, self.tx_index, self.index)
        return Log(address, self.topics, self.data, *where)


def block(mirror: Reading, number: int) -> BlockView:
    """The block of this number. Raises NotFound."""
    return _block_where(mirror, table.c.number == number, str(number))


def block_of_hash(mirror: Reading, block_hash: bytes) -> BlockView:
    """The block with this hash (32 bytes). Raises NotFound."""
    return _block_where(mirror, table.c.hash == block_hash, to_hex(block_hash))


def blocks(mirror: Reading, *, limit: int = 100, after: str | None = None) -> Page[BlockView]:
    """Copied blocks, the newest first; where the chain was copied by ranges, those with a log. Raises InvalidInput."""
    query = select(table).order_by(table.c.number.desc()).limit(require_limit(limit) + 1)
    if after is not None:
        query = query.where(table.c.number < NEWEST_FIRST.parts(after)[0])
    with mirror.reading() as connection:
        rows = list(many(connection, query))
        found = [_block(connection, row) for row in rows[:limit]]
    return page_of(found, len(rows) > limit, [NEWEST_FIRST.token(row["number"]) for row in rows])


def logs_of_block(mirror: Reading, number: int, *, limit: int = 100, after: str | None = None) -> Page[LogView]:
    """The logs of a block in their order. Raises InvalidInput."""
    return _logs(mirror, _joined().where(log_table.c.block_number == number), limit, after)


def logs_of_transaction(
    mirror: Reading, number: int, tx: bytes, *, limit: int = 100, after: str | None = None
) -> Page[LogView]:
    """The logs of a transaction (32 bytes) in block `number`. Raises InvalidInput."""
    here = _joined().where(log_table.c.block_number == number, log_table.c.tx_hash == tx)
    return _logs(mirror, here, limit, after)


def log(mirror: Reading, number: int, index: int) -> LogView:
    """The log at this place of a block. Raises NotFound."""
    query = _joined().where(log_table.c.block_number == number, log_table.c.log_index == index)
    with mirror.reading() as connection:
        row = one(connection, query)
    if row is None:
        raise NotFound("event", f"{number}-{index}")
    return _log(row)


def _block_where(mirror: Reading, where: Any, name: str) -> BlockView:
    with mirror.reading() as connection:
        row = one(connection, select(table).where(where))
        if row is None:
            raise NotFound("block", name)
        return _block(connection, row)


def _block(connection: Connection, row: Mapping[str, Any]) -> BlockView:
    cursor = read_cursor(connection)
    count = select(func.count()).select_from(log_table).where(log_table.c.block_number == row["number"])
    return BlockView(
        number=row["number"],
        hash=row["hash"],
        parent_hash=row["parent_hash"],
        at=row["timestamp"],
        final=cursor is not None and row["number"] <= cursor.final,
        logs=connection.execute(count).scalar_one(),
    )


def _joined() -> Select[Any]:
    return select(log_table, table.c.timestamp).join(table, table.c.number == log_table.c.block_number)


def _logs(mirror: Reading, query: Select[Any], limit: int, after: str | None) -> Page[LogView]:
    with mirror.reading() as connection:
        return IN_ORDER.page(connection, query, _log, limit=limit, after=after)


def _log(row: Mapping[str, Any]) -> LogView:
    topics = row["topics"]
    return LogView(
        block=row["block_number"],
        index=row["log_index"],
        block_hash=row["block_hash"],
        tx=row["tx_hash"],
        tx_index=row["tx_index"],
        contract=row["contract"],
        event=row["event"],
        at=row["timestamp"],
        topics=tuple(topics[at : at + 32] for at in range(0, len(topics), 32)),
        data=row["data"],
    )
