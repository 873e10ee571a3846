"""How far long work is: one line on standard error of a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

Item = TypeVar("Item")

EVERY: Final = 0.25
"""Seconds between two looks."""


def counter(words: str, total: int) -> Callable[[int], None]:
    """Hears how many of `total` are done, and says it from time to time; of 0, which is nobody knows how many, not."""
    if not total or not sys.stderr.isatty():
        return lambda _: None
    start, said = time.monotonic(), [0.0]

    def count(done: int) -> None:
        now = time.monotonic()
        if done < total and now - said[0] < EVERY:
            return
        said[0] = now
        rate = done / max(now - start, 1e-9)
        left = (total - done) / max(rate, 1e-9)
        line = f"{words}: {done:,} of {total:,}, {rate:,.0f}/s, {left:,.0f} s left"
        print(f"\r{line:<78}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return count


def counted(items: Iterable[Item], words: str, total: int) -> Iterator[Item]:
    """The same items, counted as they go by."""
    count = counter(words, total)
    for done, item in enumerate(items, start=1):
        yield item
        count(done)
