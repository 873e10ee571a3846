"""Files of signed consents, one a line or one a row; who checks them.

One consent may stand alone over several lines; many stand one a line (NDJSON), or one a row of a Parquet file (format
41). Nothing of a consent goes into an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from operator import sub
from stat import S_ISREG
from typing import Any, BinaryIO, Final, TypeVar

from deedbook.bootstrap.clusters import cluster
from deedbook.bootstrap.processes import checking_processes, cores
from deedbook.cli import grammar
from deedbook.cli.ndjson import BLOCK, blocks_of, ends_of, lines_of
from deedbook.domain.hashing import canonical_json
from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.queries.parquet import texts_in
from deedbook.wallet.consents import AHEAD, CHUNK, Chunk, Span, ahead_of, in_chunks

C = TypeVar("C")

MOST_LINE: Final = 1 << 16
"""The longest document, in bytes: a consent's texts are bounded."""
COLUMN: Final = "consent"
"""Where the documents are in a Parquet file."""
MAGIC: Final = b"PAR1"


@dataclass(frozen=True)
class Documents(Iterator[bytes]):
    """The documents of a file, in order, to be read once; `unit` is what the file calls a place: `line` or `row`. One
    that others may read by its lines has a `path`."""

    unit: str
    found: Iterator[bytes]
    path: str = ""

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
            unit, found, path = "row", _rows(name, file), ""
        elif first.partition(b"\n")[0].strip() == b"{":
            unit, found, path = "line", _one(name, first), ""
        else:
            path = name if name != "-" and S_ISREG(os.fstat(file.fileno()).st_mode) else ""
            unit, found = "line", _lines(chain([first], blocks_of(file)))
        coming = _to_the_end(found, open_file.pop_all())
        next(coming)
        return Documents(unit, coming, path)


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


def _one(name: str, first: bytes) -> Iterator[bytes]:
    yield canonical_json(grammar.json_in(first, name if name != "-" else "standard input"))


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    for line, document in enumerate(lines_of(blocks, MOST_LINE), start=1):
        yield _bounded("line", line, document)


def _bounded(unit: str, number: int, document: bytes) -> bytes:
    if len(document) > MOST_LINE:
        raise _too_long(unit, number)
    return document


def _too_long(unit: str, number: int) -> InvalidFormat:
    where: dict[str, Any] = {unit: number}
    return InvalidFormat("file", f"{unit} {number}: is longer than {MOST_LINE} bytes", **where)


def chunks_of(documents: Iterable[bytes], *, shared: bool) -> Iterator[Chunk]:
    """Documents by the chunk; where their file is `shared` with whoever checks them, as they stand in it. Raises as the
    reading of `documents_in`."""
    if shared and isinstance(documents, Documents) and documents.path:
        return _spans(documents.path)
    return in_chunks(documents)


def _spans(path: str) -> Iterator[Span]:
    with grammar.opened(path) as file:
        ends, start, before = ends_of(blocks_of(file)), 0, 0
        while some := list(islice(ends, CHUNK)):
            lengths = list(map(sub, some, chain([start], (end + 1 for end in some))))
            if max(lengths) > MOST_LINE:
                line = next(line for line, length in enumerate(lengths) if length > MOST_LINE)
                raise _too_long("line", before + line + 1)
            yield Span(path, start, some[-1] - start, len(some))
            start, before = some[-1] + 1, before + len(some)


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
    with _workers(iter(documents), CHUNK, processes, scheduler) as found:
        yield found


@contextmanager
def chunk_workers(
    documents: Iterable[bytes], processes: int, scheduler: str = ""
) -> Iterator[tuple[Iterator[Chunk], Workers]]:
    """As `workers`, with the documents by the chunk: processes of this machine read a file of lines themselves."""
    with _workers(chunks_of(documents, shared=not scheduler), 1, processes, scheduler) as found:
        yield found


@contextmanager
def _workers(coming: Iterator[C], few: int, processes: int, scheduler: str) -> Iterator[tuple[Iterator[C], Workers]]:
    if scheduler:
        if processes:
            raise InvalidInput("scheduler", "a cluster has workers of its own: leave --processes out")
        with cluster(scheduler) as (executor, threads):
            yield coming, Workers(executor, ahead_of(threads))
        return
    first = list(islice(coming, few + 1))
    if len(first) <= few or processes == 1:
        yield chain(first, coming), Workers()
        return
    with checking_processes(processes) as executor:
        yield chain(first, coming), Workers(executor, ahead_of(processes or cores()))
