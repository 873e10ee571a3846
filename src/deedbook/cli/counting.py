"""How far long work is: one line on standard error of a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, TypeVar

Item = TypeVar("Item")

EVERY: Final = 0.25
"""Seconds between two looks."""


class Counter:
    """Hears how many are done, and says it from time to time; of a `total` of 0, which is nobody knows how many,
    without what is left. Where it began to speak, it goes on in the next line when all are done, or it is left."""

    def __init__(self, words: str, total: int = 0) -> None:
        self._words = words
        self._total = total
        self._began = self._said = time.monotonic()
        self._asked = sys.stderr.isatty()
        self._done = 0
        self._in_line = False

    def __call__(self, done: int) -> None:
        """So many are done."""
        self._done = done
        if not self._asked:
            return
        if done == self._total:
            self._end()
        elif time.monotonic() - self._said >= EVERY:
            self._say()

    def __enter__(self) -> Counter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._in_line:
            self._end()

    def _end(self) -> None:
        self._say()
        self._in_line = False
        print(file=sys.stderr, flush=True)

    def _say(self) -> None:
        self._said, self._in_line = time.monotonic(), True
        rate = self._done / max(self._said - self._began, 1e-9)
        of, left = "", ""
        if self._total:
            of, left = f" of {self._total:,}", f", {(self._total - self._done) / max(rate, 1e-9):,.0f} s left"
        line = f"{self._words}: {self._done:,}{of}, {rate:,.0f}/s{left}"
        print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)


def counted(items: Iterable[Item], words: str, total: int) -> Iterator[Item]:
    """The same items, counted as they go by."""
    with Counter(words, total) as count:
        for done, item in enumerate(items, start=1):
            yield item
            count(done)
