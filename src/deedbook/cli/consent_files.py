"""Files of signed consents, one a line or one a row; who checks them.

One consent may stand alone over several lines; many stand one a line (NDJSON), or one a row of a Parquet file (format
41). Nothing of a consent goes into an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO, Final

from deedbook.bootstrap.clusters import cluster
from deedbook.bootstrap.processes import checking_processes, cores
from deedbook.cli import grammar
from deedbook.cli.ndjson import BLOCK, blocks_of, lines_of
from deedbook.domain.hashing import canonical_json
from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.queries.parquet import texts_in
from deedbook.wallet.consents import AHEAD, CHUNK, ahead_of

MOST_LINE: Final = 1 << 16
"""The longest document, in bytes: a consent's texts are bounded."""
COLUMN: Final = "consent"
"""Where the documents are in a Parquet file."""
MAGIC: Final = b"PAR1"


@dataclass(frozen=True)
class Documents(Iterator[bytes]):
    """The documents of a file, in order, to be read once; `unit` is what the file calls a place: `line` or `row`."""

    unit: str
    found: Iterator[bytes]

    def __iter__(self) -> Iterator[bytes]:
        return self.found

    def __next__(self) -> bytes:
        return next(self.found)


def documents_in(name: str) -> Documents:
    """The documents of a file; `-` reads standard input. Raises InvalidInput (`file`) where it cannot be read; reading
    raises InvalidFormat naming the line that is too long, the column or row that is no text."""
    with ExitStack() as open_file:
        file = open_file.enter_context(grammar.opened(name))
        first = file.read(BLOCK)
        if first.startswith(MAGIC) or name.endswith(".parquet"):
            unit, found = "row", _rows(name, file)
        else:
            unit, found = "line", _lines(name, first, file)
        coming = _to_the_end(found, open_file.pop_all())
        next(coming)
        return Documents(unit, coming)


def _to_the_end(found: Iterator[bytes], open_file: ExitStack) -> Iterator[bytes]:
    """Begins with nothing, so that the file is closed even where nobody goes on."""
    with open_file:
        yield b""
        yield from found


def _rows(name: str, file: BinaryIO) -> Iterator[bytes]:
    if name == "-" or not file.seekable():
        raise InvalidInput("file", "a Parquet file is read by its name, not out of a pipe")
    for row, document in enumerate(texts_in(file, COLUMN, field="file"), start=1):
        if b"\n" in document:
            raise InvalidFormat(COLUMN, f"row {row}: is more than one line", row=row)
        yield _bounded("row", row, document)


def _lines(name: str, first: bytes, file: BinaryIO) -> Iterator[bytes]:
    if first.partition(b"\n")[0].strip() == b"{":
        yield canonical_json(grammar.json_in(first, name if name != "-" else "standard input"))
        return
    for line, document in enumerate(lines_of(chain([first], blocks_of(file)), MOST_LINE), start=1):
        yield _bounded("line", line, document)


def _bounded(unit: str, number: int, document: bytes) -> bytes:
    if len(document) > MOST_LINE:
        where: dict[str, Any] = {unit: number}
        raise InvalidFormat("file", f"{unit} {number}: is longer than {MOST_LINE} bytes", **where)
    return document


@dataclass(frozen=True)
class Workers:
    """Who checks: this process where `executor` is None; `ahead` chunks are under way at a time."""

    executor: Executor | None = None
    ahead: int = AHEAD


@contextmanager
def workers(
    documents: Iterable[bytes], processes: int, scheduler: str = ""
) -> Iterator[tuple[Iterator[bytes], Workers]]:
    """The same documents, and who checks them: the cluster of this Dask scheduler where one is named; this process
    alone where they are few or `processes` is 1; otherwise so many others (0: one a core).

    Raises InvalidInput (`scheduler`), WorkersUnavailable.
    """
    if scheduler:
        if processes:
            raise InvalidInput("scheduler", "a cluster has workers of its own: leave --processes out")
        with cluster(scheduler) as (executor, threads):
            yield iter(documents), Workers(executor, ahead_of(threads))
        return
    coming = iter(documents)
    first = list(islice(coming, CHUNK + 1))
    if len(first) <= CHUNK or processes == 1:
        yield chain(first, coming), Workers()
        return
    with checking_processes(processes) as executor:
        yield chain(first, coming), Workers(executor, ahead_of(processes or cores()))
