"""The recorder of reverts: what the Python suite saw a contract refuse, and whether a test looked at the arguments.

It listens at the one seam where revert data becomes an error (`deedbook.chain.decoding.observers`). A refusal counts
as *checked* when the test compared its arguments with a mapping and they were equal, or read every one by name. Tests
under tests/unit do not count: they may make up revert data; the others have a chain. Each process writes its own
`build/reverts/python-*.json`; `tools/reverts.py` reads them together with forge's traces.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain import decoding
from deedbook.errors import RejectedByContract

REPORTS = Path(__file__).resolve().parent.parent / "build" / "reverts"


class Watched(dict[str, Any]):
    """The arguments of an error, which know whether anybody compared them."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        super().__init__(arguments)
        self.checked = not arguments
        self._read: set[str] = set()

    __hash__ = None  # mutable, as every dict

    def __eq__(self, other: object) -> bool:
        equal = super().__eq__(other)
        self.checked = self.checked or equal
        return equal

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __getitem__(self, name: str) -> Any:
        self._read.add(name)
        self.checked = self.checked or self._read >= self.keys()
        return super().__getitem__(name)


class Recorder:
    """Collects the refusals of one test process."""

    def __init__(self) -> None:
        self._test = ""
        self._now: list[tuple[RejectedByContract, Watched]] = []
        self.seen: dict[tuple[str, str], dict[str, Any]] = {}

    def observe(self, error: RejectedByContract) -> None:
        """Listens to one refusal; its arguments are watched from here on."""
        watched = Watched(error.arguments)
        error.arguments = watched
        self._now.append((error, watched))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        self._now.clear()
        yield
        # Only a test that passed gets here: what it compared was equal.
        if item.nodeid.startswith("tests/unit/"):
            return
        for error, watched in self._now:
            self._keep(item.nodeid, error, watched)

    def _keep(self, test: str, error: RejectedByContract, watched: Watched) -> None:
        key = (error.contract, error.error)
        if key in self.seen and (self.seen[key]["checked"] or not watched.checked):
            return
        self.seen[key] = {
            "contract": error.contract,
            "error": error.error,
            "arguments": json.loads(json.dumps(dict(watched), default=str)),
            "checked": watched.checked,
            "test": test,
        }

    def pytest_sessionfinish(self) -> None:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        if self.seen:
            REPORTS.mkdir(parents=True, exist_ok=True)
            rows = sorted(self.seen.values(), key=lambda row: (row["contract"], row["error"]))
            (REPORTS / f"python-{worker}.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    recorder = Recorder()
    config.pluginmanager.register(recorder, "deedbook-recorder")
    decoding.observers.append(recorder.observe)
    config.add_cleanup(lambda: decoding.observers.remove(recorder.observe))
