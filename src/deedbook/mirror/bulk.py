"""Many rows at once: binary COPY into PostgreSQL, one prepared statement in SQLite; and rows held in memory until then.

Columns are laid out as COPY's rows by the kernel `_pack` where it could be compiled; `plain_pack` does it elsewhere.

What is written is what `store.BlockWriter` would have written, one statement for each row; but nothing is kept to undo
it, so it is for blocks that are final.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, cast

import numpy as np
from sqlalchemy import (
    BigInteger,
    Boolean,
    Connection,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    select,
    tuple_,
)
from sqlalchemy import Column as TableColumn
from sqlalchemy.exc import IntegrityError as Duplicate

from deedbook.chain.columns import Column, Matrix, Numbers
from deedbook.errors import Conflict
from deedbook.mirror import schema
from deedbook.mirror.projector import Add, Change, Operation
from deedbook.mirror.store import key_of
from deedbook.records.database import failure

Values = tuple[Any, ...]
Laid = bytes | list[Values]
"""Rows as a database takes them."""

_AT_ONCE: Final = 400
"""How many keys are looked up in one statement."""
_UNIQUE_VIOLATION: Final = "23505"
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""What COPY's binary format begins with: its signature, no flags, no extension."""
_TRAILER: Final = b"\xff\xff"


def insert_rows(connection: Connection, table: Table, rows: Iterable[Values]) -> None:
    """Adds rows, each with its values in the order of the table's columns. Raises Conflict where one is there."""
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
        return
    many = list(rows)
    if not many:
        return
    quote = connection.dialect.identifier_preparer.quote
    marks = ", ".join("?" * len(table.columns))
    try:
        connection.exec_driver_sql(f"INSERT INTO {quote(table.name)} VALUES ({marks})", many)  # noqa: S608
    except Duplicate as error:
        raise Conflict(f"a second row of {table.name}") from error


def laid_out(columns: Sequence[Column], dialect: str) -> Laid:
    """n rows, given as a table's columns, as that database takes them: it may be done before the transaction begins."""
    if dialect == "postgresql":
        return pack_rows(len(columns[0].cells), [(each.cells, each.lengths) for each in columns])
    return list(zip(*(each.values() for each in columns), strict=True))


def insert_laid(connection: Connection, table: Table, laid: Laid) -> None:
    """Adds rows that are laid out for this database. Raises Conflict where one is there."""
    if not isinstance(laid, bytes):
        insert_rows(connection, table, laid)
        return
    with _copying(connection, table) as copy:
        copy.write(_HEADER)
        copy.write(laid)
        copy.write(_TRAILER)


def put_rows(connection: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Writes rows, each in the order of the table's columns, in the place of those of the same keys."""
    if not rows:
        return
    quote = connection.dialect.identifier_preparer.quote
    key = ", ".join(quote(column.name) for column in table.primary_key.columns)
    others = [quote(column.name) for column in table.columns if not column.primary_key]
    new = f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others)}"
    if connection.dialect.name == "postgresql":
        lists = ", ".join(f"%s::{_type(column)}[]" for column in table.columns)
        words = f"INSERT INTO {quote(table.name)} SELECT * FROM unnest({lists}) {new}"  # noqa: S608
        connection.exec_driver_sql(words, tuple(list(each) for each in zip(*rows, strict=True)))
    else:
        marks = ", ".join("?" * len(table.columns))
        words = f"INSERT INTO {quote(table.name)} VALUES ({marks}) {new}"  # noqa: S608
        connection.exec_driver_sql(words, list(rows))


class Pack(Protocol):
    """Lays columns out as rows."""

    def __call__(self, rows: int, columns: Iterable[tuple[Matrix, Numbers | None]], /) -> bytes:
        """So many rows of these columns, cells and lengths as in `Column`, as COPY takes them (PostgreSQL, "COPY",
        binary format): how many fields, and each after its length. Raises ValueError for a column of other rows."""


def plain_pack(rows: int, columns: Iterable[tuple[Matrix, Numbers | None]], /) -> bytes:
    """As `Pack`, without the kernel."""
    several = list(columns)
    laid = np.empty((rows, 2 + sum(4 + cells.shape[1] for cells, _ in several)), np.uint8)
    laid[:, :2] = _bytes_of(len(several), ">i2")
    kept = None
    at = 2
    for cells, lengths in several:
        if len(cells) != rows or (lengths is not None and len(lengths) != rows):
            raise ValueError("a column is not of as many rows of bytes")
        width = cells.shape[1]
        end = at + 4 + width
        laid[:, at + 4 : end] = cells
        if lengths is None:
            laid[:, at : at + 4] = _bytes_of(width, ">i4")
        else:
            laid[:, at : at + 4] = lengths.astype(">i4").view(np.uint8).reshape(rows, 4)
            kept = np.ones(laid.shape, np.bool_) if kept is None else kept
            kept[:, at + 4 : end] = np.arange(width) >= width - lengths[:, None]
        at = end
    return (laid if kept is None else laid[kept]).tobytes()


def _bytes_of(number: int, kind: str) -> Matrix:
    return np.array([number], kind).view(np.uint8)


def _chosen() -> Pack:
    try:
        from deedbook.mirror import _pack
    except ImportError:
        return plain_pack
    return cast(Pack, _pack.pack_rows)  # whose stub says: buffers


pack_rows: Final = _chosen()
"""The faster way that is there."""


def _copy(connection: Connection, table: Table, rows: Iterable[Values]) -> None:
    with _copying(connection, table) as copy:
        copy.set_types([_type(column) for column in table.columns])
        write = copy.write_row
        for row in rows:
            write(row)


@contextmanager
def _copying(connection: Connection, table: Table) -> Iterator[Any]:
    """COPY FROM STDIN (FORMAT BINARY)."""
    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.columns)
    driver: Any = connection.connection.driver_connection
    try:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            yield copy
    except Exception as error:
        if getattr(error, "sqlstate", None) == _UNIQUE_VIOLATION:
            raise Conflict(f"a second row of {table.name}") from error
        known = failure(table.name, error)
        if known is None:
            raise
        raise known from error


def _type(column: TableColumn[Any]) -> str:
    kind = column.type
    if isinstance(kind, LargeBinary):
        return "bytea"
    if isinstance(kind, BigInteger):
        return "int8"
    return "bool" if isinstance(kind, Boolean) else "text"


def key_of_operation(operation: Operation) -> dict[str, Any]:
    """The primary key of the row that an operation writes, by column."""
    table = schema.metadata.tables[operation.table]
    return key_of(table, operation.key if isinstance(operation, Change) else operation.row)


class Held:
    """Rows in memory, read when they are asked for and written together: what a range changes, one change after the
    other, as if each had been written at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: dict[str, dict[Values, dict[str, Any] | None]] = defaultdict(dict)
        self._stored: dict[str, set[Values]] = defaultdict(set)
        self._changed: dict[str, dict[Values, None]] = defaultdict(dict)

    def read(self, wanted: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """Reads the rows of these keys, by table, with few statements."""
        missing: dict[str, dict[Values, None]] = defaultdict(dict)
        for name, key in wanted:
            values = tuple(key.values())
            if values not in self._rows[name]:
                missing[name][values] = None
        for name, keys in missing.items():
            self._read(schema.metadata.tables[name], list(keys))

    def event(self, operations: Sequence[Operation]) -> None:
        """Applies all operations of an event, or none. Raises Conflict where they do not fit the rows there."""
        places = [(operation, *self._place(operation)) for operation in operations]
        self.read((operation.table, key) for operation, key, _ in places)
        for operation, _, values in places:
            self._require_fit(operation, values)
        for operation, _, values in places:
            self._apply(operation, values)

    def write(self) -> None:
        """Writes what changed."""
        for name, keys in self._changed.items():
            table = schema.metadata.tables[name]
            again = [values for values in keys if values in self._stored[name]]
            if again:
                columns = list(table.primary_key.columns)
                same = and_(*(column == bindparam(f"k{at}") for at, column in enumerate(columns)))
                self._connection.execute(
                    delete(table).where(same),
                    [{f"k{at}": value for at, value in enumerate(values)} for values in again],
                )
            rows = (row for values in keys if (row := self._rows[name][values]) is not None)
            insert_rows(self._connection, table, (tuple(row.values()) for row in rows))
            self._stored[name].update(keys)
        self._changed.clear()

    def _place(self, operation: Operation) -> tuple[Mapping[str, Any], Values]:
        key = key_of_operation(operation)
        return key, tuple(key.values())

    def _require_fit(self, operation: Operation, values: Values) -> None:
        before = self._rows[operation.table][values]
        if isinstance(operation, Change) and before is None:
            raise Conflict(f"no row of {operation.table} to change")
        if isinstance(operation, Add) and before is not None:
            raise Conflict(f"a second row of {operation.table}")

    def _apply(self, operation: Operation, values: Values) -> None:
        rows = self._rows[operation.table]
        if isinstance(operation, Change):
            before = rows[values]
            assert before is not None
            sums = {name: before[name] + more for name, more in operation.sums.items()}
            rows[values] = {**before, **operation.values, **sums}
        else:
            names = schema.metadata.tables[operation.table].columns.keys()
            rows[values] = {name: operation.row.get(name) for name in names}
        self._changed[operation.table][values] = None

    def _read(self, table: Table, keys: list[Values]) -> None:
        columns = list(table.primary_key.columns)
        rows = self._rows[table.name]
        rows.update(dict.fromkeys(keys))
        for at in range(0, len(keys), _AT_ONCE):
            some = keys[at : at + _AT_ONCE]
            where = columns[0].in_([values[0] for values in some]) if len(columns) == 1 else tuple_(*columns).in_(some)
            for row in self._connection.execute(select(table).where(where)).mappings():
                values = tuple(row[column.name] for column in columns)
                rows[values] = dict(row)  # by column, in the table's order
                self._stored[table.name].add(values)
