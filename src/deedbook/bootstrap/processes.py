"""Processes that check many signatures or seal many records at a time. They hold no database, no connection, and no key
but what a task brings along."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from threading import Thread

from deedbook.errors import WorkersUnavailable


@contextmanager
def checking_processes(count: int = 0) -> Iterator[Executor]:
    """So many processes; one for each core that this one may use where `count` is 0. Raises WorkersUnavailable when one
    of them is ended from outside."""
    with ProcessPoolExecutor(count or cores(), mp_context=get_context("spawn"), initializer=_begin) as executor:
        try:
            yield executor
        except BaseException as error:
            executor.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, BrokenExecutor):
                raise _ended() from error
            raise


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _ended() -> WorkersUnavailable:
    hint = "run the same command again, and it goes on; where memory was short, with fewer --processes"
    return WorkersUnavailable("a process that checks signatures was ended from outside", hint=hint)


def _begin() -> None:
    """An interrupt is for the parent to tell; when the parent is gone, however it went, there is nothing left to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
