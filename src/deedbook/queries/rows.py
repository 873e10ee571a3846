"""How queries read the mirror: one transaction a question, block times by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import Connection, Select, select

from deedbook.mirror.schema import blocks

AT_A_TIME: Final = 1000
"""Rows that a stream holds."""


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


def streamed(connection: Connection, query: Select[Any]) -> Iterator[Mapping[str, Any]]:
    """As `many`, with some of the rows in memory at a time: for what is as long as the chain."""
    with connection.execute(query.execution_options(yield_per=AT_A_TIME)) as result:  # closed where reading ends early
        for row in result.mappings():
            yield dict(row)


def time_of(connection: Connection, number: int) -> int:
    """The time of a copied block, Unix seconds."""
    return int(connection.execute(select(blocks.c.timestamp).where(blocks.c.number == number)).scalar_one())


@dataclass(frozen=True)
class Held:
    """One transaction that is open, for several questions about the same state."""

    connection: Connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """That transaction."""
        yield self.connection
