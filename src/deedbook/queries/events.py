"""The events of the mirror in the order of the chain, from any place on; and what a fork took back, in between.

A place is where a listener stands: the block of the last event that it was told, and how many places of that block it
was told of. It says all there is to say, so nothing is kept here of who listens:

    the block is the chain's     -> told from there on, to the newest block
    a fork left the block        -> its events are taken back, the last one first, then those of the blocks below it,
                                    down to the chain; then told from there on
    the block was never heard of -> NotFound: the mirror was built anew since, and has no orphans to take back

Every event comes with the place behind it. Told again from the same place, a listener hears the same, or what a fork
made of it: at least once, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select, tuple_

from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import to_hex
from deedbook.domain.told import NOWHERE, WHOLE, Filter, Standing, Told
from deedbook.errors import InvalidFormat, NotFound
from deedbook.mirror.schema import blocks, logs, orphan_blocks, orphan_logs
from deedbook.mirror.store import BlockRow, block_at, read_cursor
from deedbook.queries.keysets import Places
from deedbook.queries.rows import Reading, many, one
from deedbook.queries.views import require_limit

LOOKED_AT: Final = 1000
"""The most logs, and the most orphans, that one page looks at, however few of them are wanted."""
Decode = Callable[[Log], Event | None]
"""The event of a log; raises InvalidFormat where it is none of its contract's."""


@dataclass(frozen=True)
class Telling:
    """Some events in order, each with the place behind it; where the listener then stands; whether there is more to
    look at now."""

    told: tuple[tuple[Told, Standing], ...]
    standing: Standing
    more: bool


class EventFeed:
    """The events of one mirror. `contracts` gives the address (20 bytes) of each contract by name."""

    def __init__(self, mirror: Reading, chain_id: int, contracts: Mapping[str, bytes], decode: Decode) -> None:
        self._mirror = mirror
        self._chain_id = chain_id
        self._contracts = dict(contracts)
        self._decode = decode

    def tell(self, standing: Standing, wanted: Filter, *, limit: int = 100) -> Telling:
        """What comes after a place, at most `limit` (1 to 1000) events of it. Raises NotFound, InvalidInput."""
        with self._mirror.reading() as connection:
            return _Page(self, connection, wanted, require_limit(limit)).told_from(standing)

    def start(self, block: int | None) -> Standing:
        """Before a block; behind the newest one where none is said or there is no such block yet."""
        with self._mirror.reading() as connection:
            cursor = read_cursor(connection)
            if cursor is None or block == 0:
                return NOWHERE
            before = None if block is None else block_at(connection, block - 1)
            return Standing(cursor.number, cursor.hash, WHOLE) if before is None else _behind(before)

    def newest(self) -> tuple[bytes, int]:
        """What changes whenever there is something new to tell: the newest block, and the last final one."""
        with self._mirror.reading() as connection:
            cursor = read_cursor(connection)
        return (b"", -1) if cursor is None else (cursor.hash, cursor.final)

    def told(self, row: Mapping[str, Any], *, retracted: bool) -> Told:
        """The event of a log's row (with its block's `timestamp`)."""
        log = Log(
            self._contracts[row["contract"]],
            tuple(row["topics"][at : at + 32] for at in range(0, len(row["topics"]), 32)),
            row["data"],
            row["block_number"],
            row["block_hash"],
            row["tx_hash"],
            row["tx_index"],
            row["log_index"],
        )
        try:
            event = self._decode(log)
        except InvalidFormat:
            event = None
        return Told(self._chain_id, row["contract"], log, row["timestamp"], event, retracted)


PLACES: Final = Places("events", (int, bytes, int))


def token_of(standing: Standing) -> str:
    """How a place is written: the `id` of a stream's event, the `after` of a page."""
    return PLACES.token(*standing)


def standing_of(token: str) -> Standing:
    """The place that a token names. Raises InvalidInput (`after`)."""
    return Standing(*PLACES.parts(token))


class _Page:
    """One telling, out of one state of the mirror."""

    def __init__(self, feed: EventFeed, connection: Connection, wanted: Filter, limit: int) -> None:
        self._feed = feed
        self._connection = connection
        self._wanted = wanted
        self._limit = limit
        self._told: list[tuple[Told, Standing]] = []

    def told_from(self, standing: Standing) -> Telling:
        """Back to the chain, and on from there."""
        for _ in range(LOOKED_AT):
            if not standing.block_hash or self._block(standing.block_hash) is not None:
                return self._onward(standing)
            standing = self._back(self._orphan(standing), standing)
            if len(self._told) == self._limit:
                break
        return self._telling(standing, more=True)

    def _telling(self, standing: Standing, *, more: bool) -> Telling:
        return Telling(tuple(self._told), standing, more)

    def _block(self, block_hash: bytes) -> BlockRow | None:
        found = one(self._connection, select(blocks).where(blocks.c.hash == block_hash))
        return None if found is None else BlockRow(**found)

    def _orphan(self, standing: Standing) -> BlockRow:
        found = one(self._connection, select(orphan_blocks).where(orphan_blocks.c.hash == standing.block_hash))
        if found is None:
            hint = "the mirror was built anew: begin from a block before it"
            raise NotFound("block in the mirror", to_hex(standing.block_hash), hint=hint)
        return BlockRow(**found)

    def _back(self, orphan: BlockRow, standing: Standing) -> Standing:
        """Takes back what was told of an orphan, as far as the page has room; where that leads."""
        where = (orphan_logs.c.block_hash == orphan.hash, orphan_logs.c.log_index < standing.told)
        query = select(orphan_logs).where(*where).order_by(orphan_logs.c.log_index.desc())
        for row in many(self._connection, query):
            place = Standing(orphan.number, orphan.hash, row["log_index"])
            self._add({**row, "timestamp": orphan.timestamp}, place, retracted=True)
            if len(self._told) == self._limit:
                return place
        return Standing(orphan.number - 1, orphan.parent_hash, WHOLE)

    def _onward(self, standing: Standing) -> Telling:
        end = self._end()
        at = self._block(standing.block_hash) if standing.block_hash else None
        if end is None or (at is not None and at.number > end.number):
            return self._telling(standing, more=False)
        looked_at = 0
        for row in self._rows(at, standing.told, end):
            looked_at += 1
            standing = Standing(row["block_number"], row["block_hash"], row["log_index"] + 1)
            self._add(row, standing, retracted=False)
            if len(self._told) == self._limit:
                return self._telling(standing, more=True)
        return self._telling(standing if looked_at == LOOKED_AT else _behind(end), more=looked_at == LOOKED_AT)

    def _end(self) -> BlockRow | None:
        """The last block that the listener is told of."""
        cursor = read_cursor(self._connection)
        if cursor is None:
            return None
        number = min(cursor.number, cursor.final) if self._wanted.final else cursor.number
        return block_at(self._connection, number)

    def _rows(self, at: BlockRow | None, told: int, end: BlockRow) -> Iterator[Mapping[str, Any]]:
        query = (
            select(logs, blocks.c.timestamp)
            .join(blocks, blocks.c.number == logs.c.block_number)
            .where(logs.c.block_number <= end.number)
            .order_by(logs.c.block_number, logs.c.log_index)
            .limit(LOOKED_AT)
        )
        if at is not None:
            query = query.where(tuple_(logs.c.block_number, logs.c.log_index) >= (at.number, told))
        return many(self._connection, query)

    def _add(self, row: Mapping[str, Any], place: Standing, *, retracted: bool) -> None:
        if self._wanted.may_take(row["contract"], row["event"]):
            told = self._feed.told(row, retracted=retracted)
            if self._wanted.takes(told):
                self._told.append((told, place))


def _behind(block: BlockRow) -> Standing:
    return Standing(block.number, block.hash, WHOLE)
