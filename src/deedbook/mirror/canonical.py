"""Rows in canonical form: what a rebuild is compared in, and the digest of a table (docs/formats.md, format 19).

A row is a JSON array (RFC 8785) of its columns in schema order: bytes as lower-case hex with `0x`, numbers as JSON
numbers (as decimal text from 2^53 on), truth as `true` or `false`, text as text, nothing as `null`. A table's rows
stand in primary-key order; its digest is SHA-256 over the lines, each ended by a line feed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Connection, String, Table

from deedbook.domain.hashing import canonical_json, to_hex

MOST_EXACT = 2**53 - 1


@dataclass(frozen=True, slots=True)
class CanonicalRow:
    """A row's primary key and its columns, both in canonical JSON values."""

    key: tuple[Any, ...]
    values: tuple[Any, ...]

    @property
    def line(self) -> bytes:
        """The row's canonical JSON."""
        return canonical_json(list(self.values))


def canonical_rows(connection: Connection, table: Table) -> Iterator[CanonicalRow]:
    """The rows of a table in canonical form, as they are stored, in primary-key order."""
    columns = list(table.columns)
    keys = [position for position, column in enumerate(columns) if column.primary_key]
    quoted = connection.dialect.identifier_preparer.quote
    collate = "" if connection.dialect.name == "sqlite" else ' COLLATE "C"'  # text by its bytes, as SQLite has it
    order = ", ".join(
        quoted(columns[position].name) + (collate if isinstance(columns[position].type, String) else "")
        for position in keys
    )
    names = ", ".join(quoted(column.name) for column in columns)
    # Raw, past the column types: a row that was changed by hand is compared as it stands.
    result = connection.exec_driver_sql(
        f"SELECT {names} FROM {quoted(table.name)} ORDER BY {order}",  # noqa: S608
        execution_options={"stream_results": True},  # PostgreSQL's driver would hold the whole table in memory
    )
    truths = [isinstance(column.type, Boolean) for column in columns]
    try:
        for row in result:
            values = tuple(canonical_value(value, truth) for value, truth in zip(row, truths, strict=True))
            yield CanonicalRow(tuple(values[position] for position in keys), values)
    finally:
        result.close()  # also where the reader has seen enough


def canonical_value(value: Any, truth: bool = False) -> Any:
    """One stored value in canonical form; `truth` where its column is true or false."""
    if truth and value in (0, 1):
        return bool(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return to_hex(bytes(value))
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MOST_EXACT:
        return str(value)
    return value


def table_digest(connection: Connection, table: Table) -> tuple[int, bytes]:
    """The number of rows of a table, and its digest (32 bytes)."""
    rows, digest = 0, hashlib.sha256()
    for row in canonical_rows(connection, table):
        digest.update(row.line + b"\n")
        rows += 1
    return rows, digest.digest()
