"""The whole records as lines of text, out of one kind of database and into another: what a backup holds of them.

    line      canonical JSON (RFC 8785)
    first     {"table": name, "columns": [name, ...]}        of every table, in an order in which rows may be inserted
    others    one array for each row, in the order of the columns: null; `0x` and hex for bytes; decimal text for a
              whole number; text; true or false

What is dumped is one state of the database, whoever writes meanwhile. What was sealed stays sealed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Boolean, Connection, Integer, LargeBinary, MetaData, Table, delete, insert, inspect, select

from deedbook.domain.hashing import canonical_json, from_hex, parse_json, to_hex
from deedbook.errors import InvalidFormat
from deedbook.records.database import Database

AT_ONCE: Final = 1_000
"""Rows that are read and written at a time."""
VERSIONS: Final = "alembic_version"


def dump(database: Database) -> Iterator[bytes]:
    """Every row of every table, a line each. Raises CorruptStore."""
    with database.reading() as connection:
        for table in _tables(connection).sorted_tables:
            columns = [column.name for column in table.columns]
            yield canonical_json({"table": table.name, "columns": columns}) + b"\n"
            ordered = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=AT_ONCE)
            for row in connection.execute(ordered):
                yield canonical_json([_said(value) for value in row]) + b"\n"


def load(connection: Connection, lines: Iterable[bytes]) -> dict[str, int]:
    """Fills tables of the same schema, in the place of what is in them; how many rows there were, by table.

    Raises InvalidFormat for lines of another form or schema.
    """
    found = _tables(connection)
    known = found.tables
    for emptied in reversed(found.sorted_tables):  # a migration may have put something there
        connection.execute(delete(emptied))
    counted: dict[str, int] = {}
    table: Table | None = None
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        value = parse_json(line, f"row {number}")
        if isinstance(value, dict):
            _insert(connection, table, rows)
            table = _table_of(known, value, number)
            counted[table.name] = 0
        elif table is None or not isinstance(value, list) or len(value) != len(table.columns):
            raise InvalidFormat(f"row {number}", "has other columns than its table")
        else:
            pairs = zip(table.columns, value, strict=True)
            rows.append({column.name: _meant(column.type, each, number) for column, each in pairs})
            counted[table.name] += 1
            if len(rows) >= AT_ONCE:
                _insert(connection, table, rows)
    _insert(connection, table, rows)
    if counted.keys() != known.keys():
        raise InvalidFormat("rows", "lack a table of this schema")
    return counted


def _tables(connection: Connection) -> MetaData:
    found = MetaData()
    names = [name for name in inspect(connection).get_table_names() if name != VERSIONS]
    found.reflect(connection, only=names)
    return found


def _table_of(known: Any, value: dict[str, Any], number: int) -> Table:
    table: Table | None = known.get(value.get("table"))
    if table is None or value != {"table": table.name, "columns": [column.name for column in table.columns]}:
        raise InvalidFormat(f"row {number}", "names another table or other columns than this schema has")
    return table


def _insert(connection: Connection, table: Table | None, rows: list[dict[str, Any]]) -> None:
    if table is not None and rows:
        connection.execute(insert(table), rows)
        rows.clear()


def _said(value: Any) -> Any:
    if isinstance(value, (bytes, memoryview)):
        return to_hex(bytes(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _meant(kind: Any, value: Any, number: int) -> Any:
    """The value of a column of this type."""
    if value is None:
        return None
    field = f"row {number}"
    if isinstance(kind, LargeBinary):
        return from_hex(value if isinstance(value, str) else "", field)
    if isinstance(kind, Boolean):
        if not isinstance(value, bool):
            raise InvalidFormat(field, "is not true or false")
        return value
    if not isinstance(value, str):
        raise InvalidFormat(field, "is not a text")
    if isinstance(kind, Integer):
        if not value.removeprefix("-").isdigit() or len(value) > 20:
            raise InvalidFormat(field, "is not a whole number")
        return int(value)
    return value
