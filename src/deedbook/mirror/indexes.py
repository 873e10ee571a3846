"""Secondary indexes, which a mirror gets when it has caught up for the first time.

To build them of all rows costs a fraction of keeping them while rows come; in PostgreSQL the primary key of `logs`,
which is as large, waits with them. Until then `meta` says so, whatever happens: who follows next, builds them.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sqlalchemy import Connection, Index, delete, insert, select, text
from sqlalchemy.schema import CreateIndex, CreateTable

from deedbook.mirror import schema
from deedbook.records.database import Database

DEFERRED: Final = "indexes"
"""The entry of `meta` while indexes are to be built."""
_KEY: Final = "logs_pkey"
"""The primary key of `logs`, as PostgreSQL names it."""
_MEMORY: Final = "256MB"
"""For sorting; PostgreSQL's own 64 MB end in files on disk at a million rows."""


def create_tables(connection: Connection) -> None:
    """Every table of a mirror, without secondary indexes but that which costs nothing."""
    for table in schema.metadata.sorted_tables:
        connection.execute(CreateTable(table))
    schema.UNDECODED.create(connection)
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ALTER TABLE {schema.logs.name} DROP CONSTRAINT {_KEY}"))
    connection.execute(insert(schema.meta), {"name": DEFERRED, "value": "deferred"})


def build_indexes(database: Database) -> None:
    """Builds what was deferred. Raises Locked, CorruptStore; what was built stays, and the rest can be built later."""
    with database.reading() as connection:
        if not _is_deferred(connection):
            return
    with database.writing() as connection:
        if not _is_deferred(connection):
            return
        if connection.dialect.name == "postgresql":
            _build_in_postgresql(database, connection)
        else:
            for index in _secondary():
                index.create(connection)
        connection.execute(delete(schema.meta).where(schema.meta.c.name == DEFERRED))


def _build_in_postgresql(database: Database, connection: Connection) -> None:
    """Two at a time: one in this transaction, one beside it."""
    logs = schema.logs
    key = ", ".join(column.name for column in logs.primary_key.columns)
    ordered = sorted(_secondary(), key=lambda index: index.table is not logs)  # the large ones first
    words = deque([f"CREATE UNIQUE INDEX IF NOT EXISTS {_KEY} ON {logs.name} ({key})"])
    words += [str(CreateIndex(index, if_not_exists=True).compile(connection)) for index in ordered]
    with ThreadPoolExecutor(1, "indexing") as pool:
        other = pool.submit(_build_beside, database, words)
        try:
            _run(connection, words)
        finally:
            words.clear()
            other.result()
    connection.execute(text(f"ALTER TABLE {logs.name} ADD CONSTRAINT {_KEY} PRIMARY KEY USING INDEX {_KEY}"))


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


def _is_deferred(connection: Connection) -> bool:
    return connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == DEFERRED)).first() is not None


def _secondary() -> list[Index]:
    tables = schema.CANONICAL + schema.LOCAL
    indexes = [index for table in tables for index in sorted(table.indexes, key=lambda each: str(each.name))]
    return [index for index in indexes if index is not schema.UNDECODED]
