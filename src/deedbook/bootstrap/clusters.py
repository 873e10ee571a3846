"""Dask clusters that check many signatures at a time. The one module that knows Dask, which is asked for when a
scheduler is named: it comes with `deedbook[dask]`. Workers hold no key and no database; the consents go to them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Final, ParamSpec, TypeVar

from deedbook import __version__
from deedbook.errors import InvalidInput, WorkersUnavailable

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE: Final = 10.0
"""Seconds that a scheduler has to answer."""
ALONE: Final = 10.0
"""Seconds that a cluster may be without a worker."""
AGAIN: Final = "see to the cluster and run the same command again: it goes on"


@contextmanager
def cluster(address: str, *, patience: float = PATIENCE, alone: float = ALONE) -> Iterator[tuple[Executor, int]]:
    """An executor over the workers of the cluster whose scheduler is at `address` (`tcp://host:8786`, or `tls://` with
    Dask's own settings), and how many threads they have.

    Raises InvalidInput (`scheduler`) where Dask is not installed or this is no address; WorkersUnavailable where nobody
    answers within `patience` seconds, no worker is there for `alone` seconds, or a worker has another release of
    Deedbook. What is asked for later raises it when the scheduler is gone, all workers are, or several were ended over
    one task.
    """
    distributed, config = _library()
    told = {"distributed.comm.timeouts.connect": patience, "distributed.admin.large-graph-warning-threshold": "1GB"}
    with config.set(told), _connected(distributed, address, patience) as client:
        threads = _threads(client, alone)
        workers = _Workers(client.get_executor(pure=False), distributed.KilledWorker, address)
        with _watched(client, workers.lose, patience, alone):
            yield workers, threads


class _Workers(Executor):
    """Dask's executor, whose futures wait for ever when the scheduler goes at the wrong moment: these do not."""

    def __init__(self, dask: Executor, killed: type[Exception], address: str) -> None:
        self._dask = dask
        self._killed = killed
        self._address = address
        self._lock = Lock()
        self._waiting: set[Future[Any]] = set()
        self._is_lost = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As every executor does. Raises WorkersUnavailable."""
        ours: Future[T] = Future()
        with self._lock:
            if self._is_lost:
                raise self._lost()
            self._waiting.add(ours)
        try:
            theirs = self._dask.submit(fn, *args, **kwargs)
        except Exception as error:
            raise self._lost() from error
        ours.add_done_callback(partial(self._given_up, theirs))
        theirs.add_done_callback(partial(self._answered, ours))
        return ours

    def lose(self) -> None:
        """Nothing that is waited for will come any more."""
        with self._lock:
            self._is_lost = True
            waiting, self._waiting = self._waiting, set()
        for ours in waiting:
            if ours.set_running_or_notify_cancel():
                ours.set_exception(self._lost())

    def _given_up(self, theirs: Future[T], ours: Future[T]) -> None:
        if ours.cancelled() and not self._is_lost:
            theirs.cancel()

    def _answered(self, ours: Future[T], theirs: Future[T]) -> None:
        with self._lock:
            if ours not in self._waiting:
                return
            self._waiting.remove(ours)
        if not ours.set_running_or_notify_cancel():
            return
        try:
            ours.set_result(theirs.result())
        except (CancelledError, self._killed) as error:
            lost = self._lost()
            lost.__cause__ = error
            ours.set_exception(lost)
        except BaseException as error:  # noqa: BLE001 - whoever waits is told
            ours.set_exception(error)

    def _lost(self) -> WorkersUnavailable:
        return WorkersUnavailable(f"the cluster of {self._address} lost its scheduler or its workers", hint=AGAIN)


@contextmanager
def _connected(distributed: Any, address: str, patience: float) -> Iterator[Any]:
    client = distributed.Client.__new__(distributed.Client)  # one that cannot begin is closed here as well: its
    # finaliser takes a lock of Dask's, which the thread that collects it may be holding to begin another
    try:
        try:
            client.__init__(address, timeout=patience, set_as_default=False)
        except ValueError as error:
            raise InvalidInput("scheduler", "is no address", hint="such as tcp://localhost:8786") from error
        except OSError as error:
            raise WorkersUnavailable(f"no Dask scheduler answers at {address}", hint=AGAIN) from error
        yield client
    finally:
        with suppress(OSError):  # of which a time-out is one
            client.close(timeout=patience)


def _threads(client: Any, alone: float) -> int:
    """How many there are, once every worker has shown that it has this release."""
    try:
        client.wait_for_workers(1, timeout=alone)
    except TimeoutError as error:
        raise WorkersUnavailable("the cluster has no worker", hint=AGAIN) from error
    releases = client.run(_release, on_error="return")
    if any(each != __version__ for each in releases.values()):
        hint = f"install deedbook {__version__} on scheduler and workers"
        raise WorkersUnavailable("a worker of the cluster has another release of Deedbook, or none", hint=hint)
    return sum(client.nthreads().values())


def _release() -> str:
    return __version__


@contextmanager
def _watched(client: Any, lose: Callable[[], None], patience: float, alone: float) -> Iterator[None]:
    """Tells when the scheduler does not answer, or there was no worker for so long."""
    over = Event()
    Thread(target=_watch, args=(client, lose, patience, alone, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(client: Any, lose: Callable[[], None], patience: float, alone: float, over: Event) -> None:
    seen = monotonic()
    while not over.wait(min(alone, patience) / 4):
        try:
            there = bool(client.nthreads(callback_timeout=patience))
        except Exception:  # noqa: BLE001 - whatever it is, nobody answers
            return lose()
        seen = monotonic() if there else seen
        if monotonic() - seen > alone:
            return lose()
    return None


def _library() -> tuple[Any, Any]:
    try:
        import dask.config
        import distributed
    except ImportError as error:
        hint = "install deedbook[dask], or leave --scheduler out"
        raise InvalidInput("scheduler", "a cluster needs Dask, which is not here", hint=hint) from error
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # errors say it
    return distributed, dask.config
