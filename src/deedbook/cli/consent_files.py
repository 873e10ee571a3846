"""Files of signed consents, read line by line; the processes that check them; how far it is.

One consent may stand alone over several lines; many stand one a line (NDJSON). Nothing of a consent goes into an error.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from itertools import chain, islice
from typing import BinaryIO, Final

from deedbook.bootstrap.processes import checking_processes
from deedbook.cli import grammar
from deedbook.domain.hashing import canonical_json
from deedbook.errors import InvalidFormat
from deedbook.wallet.consents import CHUNK

BLOCK: Final = 1 << 22
"""Bytes that are read at a time."""
MOST_LINE: Final = 1 << 16
"""The longest line, in bytes: a consent's texts are bounded."""


def documents_in(name: str) -> Iterator[bytes]:
    """The documents of a file, in order; `-` reads standard input. Raises InvalidInput(`file`) where it cannot be read,
    InvalidFormat naming the line that is too long."""
    with grammar.opened(name) as file:
        first = file.read(BLOCK)
        if first.partition(b"\n")[0].strip() == b"{":
            yield canonical_json(grammar.json_in(first, name if name != "-" else "standard input"))
            return
        yield from _lines(first, file)


def _lines(block: bytes, file: BinaryIO) -> Iterator[bytes]:
    """The lines that begin in this block, and those of the rest of the file."""
    rest, before = b"", 0
    while block:
        *lines, rest = (rest + block).split(b"\n")
        if max(map(len, (rest, *lines))) > MOST_LINE:
            raise _too_long(before, [*lines, rest])
        before += len(lines)
        yield from lines
        block = file.read(BLOCK)
    if rest:
        yield rest


def _too_long(before: int, lines: Sequence[bytes]) -> InvalidFormat:
    number = next(number for number, line in enumerate(lines, start=before + 1) if len(line) > MOST_LINE)
    return InvalidFormat("file", f"line {number}: is longer than {MOST_LINE} bytes", line=number)


@contextmanager
def workers(documents: Iterable[bytes], processes: int) -> Iterator[tuple[Iterator[bytes], Executor | None]]:
    """The same documents, and what checks them: this process alone where they are few or `processes` is 1, otherwise so
    many others (0: one a core)."""
    coming = iter(documents)
    first = list(islice(coming, CHUNK + 1))
    if len(first) <= CHUNK or processes == 1:
        yield chain(first, coming), None
        return
    with checking_processes(processes) as executor:
        yield chain(first, coming), executor


class Meter:
    """One line on a terminal's standard error that says how many there were so far; nothing in a pipe."""

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._began = self._said = time.monotonic()
        self._asked = sys.stderr.isatty()
        self._shown = False

    def show(self, count: int) -> None:
        """Says it, ten times a second at most."""
        if not self._asked or time.monotonic() - self._said < 0.1:
            return
        self._said, self._shown = time.monotonic(), True
        rate = count / (self._said - self._began)
        print(f"\r{count:,} {self._noun}, {rate:,.0f}/s".ljust(79), end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Goes on in the next line."""
        if self._shown:
            print(file=sys.stderr)
