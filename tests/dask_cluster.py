"""A Dask cluster of one's own: a scheduler and workers, each in a process that can be killed and that nobody starts
again. A task may take one worker along, and is given up after the second."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import distributed


class DaskCluster:
    """So many workers, of one thread each, all of them there; `path` is looked through for modules before all else."""

    def __init__(self, workers: int, path: Path | None = None) -> None:
        self._path = path
        self._workers: list[subprocess.Popen[bytes]] = []
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self._scheduler = self._begin("scheduler", "--host", "127.0.0.1", "--port", str(port))
        try:
            self.fill(workers)
        except BaseException:
            self.close()
            raise

    def fill(self, workers: int) -> None:
        """As many workers as this again."""
        while len(self._workers) < workers:
            words = ("--no-nanny", "--nthreads", "1", "--death-timeout", "180", "--memory-limit", "0")
            self._workers.append(self._begin("worker", self.address, *words))
        connected: Any = distributed.Client(self.address, timeout=180, set_as_default=False)  # type: ignore[no-untyped-call]
        with connected as client:
            client.wait_for_workers(workers, timeout=180)

    def kill(self, workers: int = 0) -> None:
        """Ends so many workers, or the scheduler."""
        for process in [self._workers.pop() for _ in range(workers)] or [self._scheduler]:
            process.kill()
            process.wait()

    def reap(self, expected: int) -> None:
        """Waits until so many workers have ended by themselves, and forgets them; their connections end first."""
        before, deadline = len(self._workers), time.monotonic() + 60
        while before - len(self._workers) < expected:
            assert time.monotonic() < deadline, f"{before - len(self._workers)} of {expected} workers ended"
            time.sleep(0.02)
            self._workers = [each for each in self._workers if each.poll() is None]
        assert before - len(self._workers) == expected

    def close(self) -> None:
        """Ends all of it."""
        self.kill(len(self._workers))
        self.kill()

    def _begin(self, what: str, *words: str) -> subprocess.Popen[bytes]:
        places = [str(self._path)] if self._path else []
        settings = {
            "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
            "PYTHONPATH": os.pathsep.join([*places, *filter(None, sys.path)]),
        }
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words, "--no-dashboard"]
        return subprocess.Popen(
            command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
