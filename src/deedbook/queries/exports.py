"""Tables and queries as files of rows: CSV here, Parquet in `queries.parquet`; as many rows as there are, a few at a
time in memory.

Values are written as everywhere: accounts as EIP-55 text, other bytes as lower-case hex, codes as words, integers of
more than 63 bits as decimal text, what has parts as JSON.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from enum import Enum
from typing import IO, Any, Final, Union, get_args, get_origin, get_type_hints

from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, Table, select

from deedbook.errors import InvalidInput
from deedbook.mirror.schema import CANONICAL
from deedbook.queries.alerts import AlertView
from deedbook.queries.flows import FlowView, flow
from deedbook.queries.lineage import KinView, lineage
from deedbook.queries.rows import Held, Reading, streamed
from deedbook.queries.sales import SaleView, sales
from deedbook.queries.views import MOST_ROWS, Page, View, json_value

WIDE: Final = 78
"""The length of columns for decimal text (see `records.columns`)."""


class Kind(Enum):
    """What the cells of a column are."""

    NUMBER = "a whole number below 2^63"
    DECIMAL = "a whole number as decimal text"
    FLAG = "true or false"
    TEXT = "text"


Cell = int | bool | str | None


@dataclass(frozen=True)
class Field:
    """A column of an export."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Relation:
    """Named columns, and rows of as many cells in a fixed order; `rows` reads one state of the mirror."""

    name: str
    fields: tuple[Field, ...]
    rows: Callable[[Reading], Iterator[tuple[Cell, ...]]]


Pages = Callable[[Reading, str | None], Page[Any]]
"""The page of a list behind a place."""

TABLES: Final = {table.name: table for table in CANONICAL}


def table_relation(name: str) -> Relation:
    """A canonical table of the mirror (docs/formats.md, format 19), by its primary key. Raises InvalidInput."""
    if name not in TABLES:
        raise InvalidInput("relation", f"{name!r} is none of {', '.join(TABLES)}")
    table = TABLES[name]
    columns = _columns(table)

    def rows(mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        query = select(table).order_by(*table.primary_key.columns)
        with mirror.reading() as connection:
            for row in streamed(connection, query):
                yield tuple(_cell_of(json_value(row[each.name]), each.kind) for each in columns)

    return Relation(name, columns, rows)


def lineage_relation(asset_id: int, *, down: bool) -> Relation:
    """What an asset was derived from, or what was derived from it."""
    name = "descendants" if down else "ancestors"
    return _paged(name, KinView, lambda mirror, at: lineage(mirror, asset_id, down=down, limit=MOST_ROWS, after=at))


def flow_relation(asset_id: int) -> Relation:
    """The sales of an asset and of everything derived from it."""
    return _paged("flow", FlowView, lambda mirror, at: flow(mirror, asset_id, limit=MOST_ROWS, after=at))


def provider_relation(account: bytes) -> Relation:
    """The sales of a provider (20 bytes)."""
    return _paged("provider", SaleView, lambda mirror, at: sales(mirror, provider=account, limit=MOST_ROWS, after=at))


def alerts_relation(pages: Pages) -> Relation:
    """Alerts; `pages` knows the time, the covers and the limits."""
    return _paged("alerts", AlertView, pages)


def _paged(name: str, view: type[View], pages: Pages) -> Relation:
    columns = fields_of(view)

    def rows(mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        with mirror.reading() as connection:
            after: str | None = None
            while True:
                page = pages(Held(connection), after)
                yield from (cells_of(item, columns) for item in page.items)
                after = page.after
                if after is None:
                    return

    return Relation(name, columns, rows)


# Columns and cells.


def _columns(table: Table) -> tuple[Field, ...]:
    return tuple(Field(column.name, _kind_of(column)) for column in table.columns)


def _kind_of(column: Column[Any]) -> Kind:
    if isinstance(column.type, Boolean):
        return Kind.FLAG
    if isinstance(column.type, BigInteger):
        return Kind.NUMBER
    if not isinstance(column.type, LargeBinary) and getattr(column.type, "length", None) == WIDE:
        return Kind.DECIMAL
    return Kind.TEXT


def fields_of(view: type[View]) -> tuple[Field, ...]:
    """The columns of a view, by the types that the view declares: whole numbers and flags as such, all else as text."""
    hints = get_type_hints(view)
    names = [each.name for each in fields(view)]  # type: ignore[arg-type]
    return tuple(Field(name, _kind_in(view, name, hints[name])) for name in names)


def _kind_in(view: type[View], name: str, hint: Any) -> Kind:
    optional = get_origin(hint) in (Union, types.UnionType)
    said = {each for each in (get_args(hint) if optional else (hint,)) if each is not type(None)}
    if said == {bool}:
        return Kind.FLAG
    if said == {int}:
        return Kind.DECIMAL if name in view.DECIMAL else Kind.NUMBER
    return Kind.TEXT


def cells_of(item: View, columns: Iterable[Field]) -> tuple[Cell, ...]:
    """The cells of an item in these columns."""
    decimal = type(item).DECIMAL
    found = ((each, json_value(getattr(item, each.name), decimal=each.name in decimal)) for each in columns)
    return tuple(_cell_of(value, each.kind) for each, value in found)


def _cell_of(value: Any, kind: Kind) -> Cell:
    """A value in JSON as a cell; whole numbers stay such in columns of them."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return value if kind is Kind.NUMBER else str(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


# CSV.

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
"""How a cell begins that a spreadsheet may take for a formula; the wide forms too, where it is set to Chinese."""
_QUOTED: Final = re.compile(r'[",\r\n]')


def write_csv(relation: Relation, mirror: Reading, sink: IO[bytes]) -> int:
    """Writes a relation as CSV (RFC 4180: commas, CRLF, quotes where they are needed; UTF-8), names first. Returns how
    many rows there were.

    Nothing is an empty cell, an empty text a quoted one. A text that a spreadsheet may take for a formula gets an
    apostrophe before it (`neutral`); numbers stay numbers.
    """
    sink.write(line(each.name for each in relation.fields))
    kinds = [each.kind for each in relation.fields]
    count = 0
    for row in relation.rows(mirror):
        sink.write(line(_written(cell, kind) for cell, kind in zip(row, kinds, strict=True)))
        count += 1
    return count


def neutral(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet may take it for a formula. Undone by `original`."""
    return f"'{text}" if _FORMULA.match(text) else text


def original(cell: str) -> str:
    """The text that `neutral` made this cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def line(cells: Iterable[str]) -> bytes:
    """A line of CSV."""
    return (",".join(cells) + "\r\n").encode()


def _written(cell: Cell, kind: Kind) -> str:
    if cell is None:
        return ""
    if kind is Kind.FLAG:
        return "true" if cell else "false"
    if kind is not Kind.TEXT:
        return str(cell)
    text = neutral(str(cell))
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if not text or _QUOTED.search(text) else text
