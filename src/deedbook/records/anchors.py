"""The logs of a home's exchanges: leaf hashes in tiles, each leaf at one place. No entry is kept, only its hash.

An entry is its content: the same leaf again has the place that it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.domain.tiles import Tile, TiledTree, appended
from deedbook.errors import IntegrityError, NotFound
from deedbook.records.database import Database, worded
from deedbook.records.schema import anchor_leaves, anchor_logs, anchor_tiles

ASKED_AT_ONCE: Final = 500
"""How many leaves one statement names: databases bound its parameters, and a driver lets other threads go on only in
between."""


@dataclass(frozen=True, slots=True)
class LogState:
    """How a log stands: its size; the size that is anchored, or on its way to be; since when (Unix seconds) entries
    wait to be, None where none does."""

    exchange: bytes
    size: int = 0
    stated: int = 0
    waiting_since: int | None = None


class AnchorLogs:
    """Implements the ledger's LogBook; every writing method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def states(self) -> list[LogState]:
        """How every log of the home stands, by account."""
        with self._database.reading() as connection:
            rows = connection.execute(select(anchor_logs).order_by(anchor_logs.c.exchange)).mappings()
            return [LogState(**row) for row in rows]

    def state(self, exchange: bytes) -> LogState:
        """How a log stands; of an exchange (20 bytes) that has none, an empty one."""
        with self._database.reading() as connection:
            return _state(connection, exchange)

    def append(self, exchange: bytes, leaf_hashes: Sequence[bytes], *, at: int) -> list[int]:
        """The place of each leaf (32 bytes), in their order: the next one for a leaf that the log does not have. All of
        them are on disk when this returns. `at` is Unix seconds. Raises InvalidInput (`size`)."""
        with self._database.writing() as connection:
            state = _state(connection, exchange)
            places = _places(connection, exchange, leaf_hashes)
            fresh = [leaf for leaf in dict.fromkeys(leaf_hashes) if leaf not in places]
            if fresh:
                places |= {leaf: state.size + count for count, leaf in enumerate(fresh)}
                _add(connection, state, fresh, at)
        return [places[leaf] for leaf in leaf_hashes]

    def begin_checkpoint(self, exchange: bytes) -> int:
        """Notes that the log is anchored as it is now, and gives its size: `state` has it, also after a crash."""
        with self._database.writing() as connection:
            size = _state(connection, exchange).size
            noted = update(anchor_logs).where(anchor_logs.c.exchange == exchange)
            connection.execute(noted.values(stated=size, waiting_since=None))
        return size

    def place_of(self, exchange: bytes, leaf_hash: bytes) -> int:
        """Where a leaf stands. Raises NotFound."""
        with self._database.reading() as connection:
            found = _places(connection, exchange, [leaf_hash])
        if not found:
            raise NotFound("entry with leaf hash", to_hex(leaf_hash))
        return found[leaf_hash]

    def tree(self, exchange: bytes) -> TiledTree:
        """The tree of a log as it is now."""
        return TiledTree(lambda level, position: self.tile(exchange, level, position), self.state(exchange).size)

    def tile(self, exchange: bytes, level: int, position: int) -> bytes:
        """The hashes of a tile as far as it is filled. Raises NotFound."""
        with self._database.reading() as connection:
            found = _tile(connection, exchange, level, position)
        if found is None:
            raise NotFound("tile", f"{level}/{position} of {checksum_address(exchange)}")
        return found


def _state(connection: Connection, exchange: bytes) -> LogState:
    row = connection.execute(select(anchor_logs).where(anchor_logs.c.exchange == exchange)).mappings().first()
    return LogState(exchange) if row is None else LogState(**row)


def _places(connection: Connection, exchange: bytes, leaf_hashes: Sequence[bytes]) -> dict[bytes, int]:
    """The places of those leaves that the log has."""
    found: dict[bytes, int] = {}
    for at in range(0, len(leaf_hashes), ASKED_AT_ONCE):
        some = leaf_hashes[at : at + ASKED_AT_ONCE]
        words = _asking(connection.dialect.name, len(some))
        found.update(map(tuple, connection.exec_driver_sql(words, (exchange, *some))))
    return found


# What is said for every entry is put into the driver's own words once: SQLAlchemy would look at every value again.


@cache
def _asking(dialect: str, count: int) -> str:
    leaves = anchor_leaves.c
    asked = select(leaves.leaf_hash, leaves.place).where(
        leaves.exchange == bindparam("exchange"), leaves.leaf_hash.in_([bindparam(f"leaf{n}") for n in range(count)])
    )
    return str(worded(dialect, asked))


@cache
def _adding(dialect: str, count: int) -> str:
    head, row = str(worded(dialect, insert(anchor_leaves))).split(" VALUES ")
    return f"{head} VALUES {', '.join([row] * count)}"


def _add(connection: Connection, state: LogState, leaf_hashes: Sequence[bytes], at: int) -> None:
    exchange, size = state.exchange, state.size

    def tile_of(level: int, position: int) -> bytes:
        found = _tile(connection, exchange, level, position)
        if found is None:
            raise IntegrityError("a log lacks a tile of its own", exchange=checksum_address(exchange), level=level)
        return found

    changed = appended(tile_of, size, leaf_hashes)
    for level in {level for level, _ in changed}:  # the one that was begun, where there was one
        first = min(position for of, position in changed if of == level)
        connection.execute(delete(anchor_tiles).where(*_of(exchange, level, first)))
    connection.execute(insert(anchor_tiles), [_tile_row(exchange, tile, hashes) for tile, hashes in changed.items()])
    rows = sorted((exchange, leaf, place) for place, leaf in enumerate(leaf_hashes, size))  # as the index has them
    for first in range(0, len(rows), ASKED_AT_ONCE):
        some = rows[first : first + ASKED_AT_ONCE]
        connection.exec_driver_sql(_adding(connection.dialect.name, len(some)), tuple(chain.from_iterable(some)))
    grown: dict[str, Any] = {"size": size + len(leaf_hashes), "waiting_since": state.waiting_since or at}
    if size:
        connection.execute(update(anchor_logs).where(anchor_logs.c.exchange == exchange).values(**grown))
    else:
        connection.execute(insert(anchor_logs), {"exchange": exchange, "stated": 0, **grown})


def _tile(connection: Connection, exchange: bytes, level: int, position: int) -> bytes | None:
    found: bytes | None = connection.execute(
        select(anchor_tiles.c.hashes).where(*_of(exchange, level, position))
    ).scalar()
    return found


def _of(exchange: bytes, level: int, position: int) -> tuple[Any, ...]:
    columns = anchor_tiles.c
    return columns.exchange == exchange, columns.level == level, columns.position == position


def _tile_row(exchange: bytes, tile: Tile, hashes: bytes) -> dict[str, Any]:
    return {"exchange": exchange, "level": tile[0], "position": tile[1], "hashes": hashes}
