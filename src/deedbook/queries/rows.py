"""How queries read the mirror: one transaction a question, block times by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from sqlalchemy import Connection, Select, select

from deedbook.mirror.schema import blocks


class Reading(Protocol):
    """What a query asks of the mirror."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that sees one state of it."""


def one(connection: Connection, query: Select[Any]) -> Mapping[str, Any] | None:
    """The first row of a query by column name."""
    row = connection.execute(query).mappings().first()
    return None if row is None else dict(row)


def many(connection: Connection, query: Select[Any]) -> Iterator[Mapping[str, Any]]:
    """The rows of a query by column name."""
    for row in connection.execute(query).mappings():
        yield dict(row)


def time_of(connection: Connection, number: int) -> int:
    """The time of a copied block, Unix seconds."""
    return int(connection.execute(select(blocks.c.timestamp).where(blocks.c.number == number)).scalar_one())
