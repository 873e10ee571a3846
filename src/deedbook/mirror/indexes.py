"""Indexes, which a mirror gets when it has caught up for the first time.

To build them of all rows costs a fraction of keeping them while rows come. Until then `meta` says so, whatever happens:
who follows next, builds them.

In PostgreSQL that goes for the primary keys of what grows with the population too: half of what a row costs there. Who
adds rows without them sees to it that no two have the same key, as `backfill` does for an empty mirror; everybody else
calls `build_keys` first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sqlalchemy import Connection, Index, delete, insert, select, text
from sqlalchemy.schema import CreateIndex, CreateTable

from deedbook.mirror import schema
from deedbook.mirror.plans import PLANS
from deedbook.records.database import Database

DEFERRED: Final = "indexes"
"""The entry of `meta` while indexes are to be built."""
KEYLESS: Final = "keys"
"""The entry of `meta` while primary keys are to be built."""
_KEYED: Final = (schema.logs.name, *sorted({plan.table for plan in PLANS.values()}))
"""Tables that grow with the population: planned events and their logs, and with these all others'."""
_MEMORY: Final = "256MB"
"""For sorting; PostgreSQL's own 64 MB end in files on disk at a million rows."""


def create_tables(connection: Connection) -> None:
    """Every table of a mirror, without what is built later, but for an index that costs nothing."""
    words = [str(CreateTable(table).compile(connection)) for table in schema.metadata.sorted_tables]
    words.append(str(CreateIndex(schema.UNDECODED).compile(connection)))
    deferred = [DEFERRED]
    if connection.dialect.name == "postgresql":
        words += [f"ALTER TABLE {name} DROP CONSTRAINT {name}_pkey" for name in _KEYED]
        deferred.append(KEYLESS)
    _run_all(connection, words)
    connection.execute(insert(schema.meta), [{"name": name, "value": "deferred"} for name in deferred])


def _run_all(connection: Connection, words: Iterable[str]) -> None:
    """Runs statements, in one exchange where the server takes several in one."""
    if connection.dialect.name == "postgresql":
        words = [";\n".join(words)]
    for each in words:
        connection.exec_driver_sql(each, execution_options={"no_parameters": True})


def build_indexes(database: Database) -> None:
    """Builds what was deferred. Raises Locked, CorruptStore; what was built stays, and the rest can be built later."""
    with database.reading() as connection:
        if not is_deferred(connection):
            return
    with database.writing() as connection:
        if not is_deferred(connection):
            return
        if connection.dialect.name == "postgresql":
            _build_in_postgresql(database, connection)
        else:
            for index in _secondary():
                index.create(connection)
        _done(connection, DEFERRED)


def build_keys(connection: Connection) -> None:
    """Builds the primary keys that were deferred, in this transaction, which is a writer's. Raises Locked."""
    if is_deferred(connection, KEYLESS):
        _run(connection, deque(_keys()))
        _name_keys(connection)


def is_deferred(connection: Connection, what: str = DEFERRED) -> bool:
    """Whether secondary indexes, or keys (KEYLESS), are still to be built."""
    return connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == what)).first() is not None


def _done(connection: Connection, what: str) -> None:
    connection.execute(delete(schema.meta).where(schema.meta.c.name == what))


def _build_in_postgresql(database: Database, connection: Connection) -> None:
    """Those of large tables two at a time: one in this transaction, one beside it. Then all others at once."""
    made = [
        (index.table is not None and index.table.name in _KEYED, _created(index, connection)) for index in _secondary()
    ]
    keyless = is_deferred(connection, KEYLESS)
    large = deque([*(_keys() if keyless else ()), *(words for is_large, words in made if is_large)])
    with ThreadPoolExecutor(1, "indexing") as pool:
        other = pool.submit(_build_beside, database, large)
        try:
            _run(connection, large)
            _run_all(connection, [words for is_large, words in made if not is_large])
        finally:
            large.clear()
            other.result()
    if keyless:
        _name_keys(connection)


def _keys() -> list[str]:
    """What builds the keys as indexes: two may be built of a table at once, which no constraint can be."""
    columns = {name: ", ".join(schema.metadata.tables[name].primary_key.columns.keys()) for name in _KEYED}
    return [f"CREATE UNIQUE INDEX IF NOT EXISTS {name}_pkey ON {name} ({columns[name]})" for name in _KEYED]


def _name_keys(connection: Connection) -> None:
    """Makes them the keys."""
    _run_all(
        connection,
        [f"ALTER TABLE {name} ADD CONSTRAINT {name}_pkey PRIMARY KEY USING INDEX {name}_pkey" for name in _KEYED],
    )
    _done(connection, KEYLESS)


def _created(index: Index, connection: Connection) -> str:
    return str(CreateIndex(index, if_not_exists=True).compile(connection))


def _build_beside(database: Database, words: deque[str]) -> None:
    with database.beside() as connection:
        _run(connection, words)


def _run(connection: Connection, words: deque[str]) -> None:
    connection.execute(text(f"SET LOCAL maintenance_work_mem = '{_MEMORY}'"))
    while words:
        try:
            statement = words.popleft()
        except IndexError:  # the other one took the last
            return
        connection.execute(text(statement))


def _secondary() -> list[Index]:
    tables = schema.CANONICAL + schema.LOCAL
    indexes = [index for table in tables for index in sorted(table.indexes, key=lambda each: str(each.name))]
    return [index for index in indexes if index is not schema.UNDECODED]
