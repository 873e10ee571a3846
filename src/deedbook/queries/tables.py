"""Lists as tables: as many rows as are asked for from a place on, as CSV or Parquet, and where the next ones are.

A table that does not hold the whole list says so at its end: CSV by a last line, Parquet by an entry of the file's
key-value metadata (`deedbook.after`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any, Final

from deedbook.errors import InvalidInput
from deedbook.queries.exports import Cell, Field, Relation, cells_of, fields_of, line, write_csv
from deedbook.queries.parquet import write_parquet
from deedbook.queries.rows import Reading
from deedbook.queries.views import MOST_ROWS, Page, View

MOST_TABLE: Final = 100_000
"""The most rows of a table."""
AFTER: Final = "deedbook.after"
"""In a Parquet file's metadata: the place behind the last row, where the list goes on."""
CUT: Final = "# cut"
"""How the last line of a CSV table begins where the list goes on."""

Pages = Callable[[Reading, int, str | None], Page[Any]]
"""The page of a list: at most so many items behind a place."""


class Portion:
    """The rows of `relation` that there are from a place on, at most so many. Once they were read, `after` is where it
    goes on (None at its end), and `count` is how many they were."""

    def __init__(self, name: str, columns: tuple[Field, ...], *, most: int, after: str | None) -> None:
        self.most = most
        self.after = after
        self.count = 0
        self.relation = Relation(name, columns, self.rows)

    def rows(self, mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        """Reads them."""
        raise NotImplementedError

    def write_csv(self, mirror: Reading, sink: IO[bytes]) -> None:
        """As `exports.write_csv`, with a last line of as many cells where the list goes on."""
        write_csv(self.relation, mirror, sink)
        if self.after is not None:
            told = f"{CUT} after {self.count} rows; go on with after={self.after}"
            sink.write(line([told, *[""] * (len(self.relation.fields) - 1)]))

    def write_parquet(self, mirror: Reading, sink: IO[bytes]) -> None:
        """As `parquet.write_parquet`, with the metadata AFTER where the list goes on."""
        write_parquet(self.relation, mirror, sink, notes=lambda: {} if self.after is None else {AFTER: self.after})


class ListPortion(Portion):
    """Of a list that comes in pages."""

    def __init__(self, name: str, view: type[View], pages: Pages, *, most: int, after: str | None) -> None:
        self._columns = fields_of(view)
        self._pages = pages
        super().__init__(name, self._columns, most=most, after=after)

    def rows(self, mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        """Reads them."""
        while self.count < self.most:
            page = self._pages(mirror, min(self.most - self.count, MOST_ROWS), self.after)
            yield from (cells_of(item, self._columns) for item in page.items)
            self.count += len(page.items)
            self.after = page.after
            if page.after is None:
                return


class RelationPortion(Portion):
    """Of a relation; a place in it is how many rows were before. Raises InvalidInput (`after`)."""

    def __init__(self, relation: Relation, *, most: int, after: str | None) -> None:
        if after is not None and not (after.isascii() and after.isdigit() and len(after) < 16):
            raise InvalidInput("after", "is not a number of rows")
        self._whole = relation
        super().__init__(relation.name, relation.fields, most=most, after=after)

    def rows(self, mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        """Reads them, and whether there is one more."""
        first, self.after = int(self.after or 0), None
        for row in islice(self._whole.rows(mirror), first, None):
            if self.count == self.most:
                self.after = str(first + self.count)
                return
            self.count += 1
            yield row
