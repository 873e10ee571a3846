"""How tests use the command line: in this process, or in one of its own that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook.cli.main import run

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Answer:
    """What a command left: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that `--json` printed on standard error."""
        return dict(json.loads(self.err)["error"])


class CommandLine:
    """Runs commands on one home in this process."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *words: str) -> Answer:
        self._capsys.readouterr()
        code = run(["--home", str(self.home), *words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return Answer(code, out, err)

    def done(self, *words: str) -> Any:
        """The JSON that a command prints, which has to succeed."""
        answer = self(*words, "--json")
        assert answer.code == 0, answer.err
        return answer.json


def environment(**more: str) -> dict[str, str]:
    """The environment of a process of its own, without settings of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEEDBOOK_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1", **more}


def command(*words: str) -> list[str]:
    """The words that start the command line in a process of its own."""
    return [sys.executable, "-m", "deedbook.cli.main", *words]


def spawn(*words: str, before: tuple[str, ...] = (), **more: str) -> Answer:
    """Runs a command in a process of its own, behind `before` (such as `unshare -rn`)."""
    done = subprocess.run(
        [*before, *command(*words)], capture_output=True, env=environment(**more), timeout=300, check=False, cwd="/"
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Answer(done.returncode, out, err)
