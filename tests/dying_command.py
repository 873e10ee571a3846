"""Commands that die. Each is ended by SIGKILL at some SQL statement; the next one says the same words again.

    python -m tests.dying_command pay HOME FOLDER SALE KILLS SEED      a bank batch, and its payout
    python -m tests.dying_command leave HOME FOLDER FILE KILLS SEED    a file of withdrawals, and the erasure

HOME is copied for every kill; KILLS of 0: at every statement there is. Prints as JSON how many statements there are,
where commands died, and what they left; exits 1 where something was done twice or not at all.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Engine, event

from deedbook.cli.main import run

NOBODY_LEFT = 2


class Doer(Protocol):
    """Whoever does something in a copy of a home."""

    home: Path

    def do(self) -> int:
        """Does it; the exit code."""

    def standing(self) -> dict[str, Any]:
        """What came of it."""

    @property
    def is_begun(self) -> bool:
        """Whether the chain knows of it."""


def said(home: Path, *words: str) -> tuple[int, Any]:
    """Exit code and JSON of a command."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        code = run(["--home", str(home), *words, "--json"])
    return code, json.loads(out.getvalue()) if code == 0 else None


@dataclass
class Leaver:
    """Relays a file of withdrawals."""

    home: Path
    file: str

    def do(self) -> int:
        return said(self.home, "consents", "withdraw-all", self.file, "--as", "exchange")[0]

    def standing(self) -> dict[str, Any]:
        _, payloads = said(self.home, "payloads", "list")
        available = [each["available"] for each in payloads["items"]]
        generation = [said(self.home, "payloads", "show", each["payloadId"])[1] for each in payloads["items"]]
        _, assets = said(self.home, "assets", "list")
        batches = [said(self.home, "consents", "batches", each["assetId"])[1]["items"] for each in assets["items"]]
        live = [each["live"] for some in batches for each in some]
        rebuilt, _ = said(self.home, "mirror", "rebuild", "--check")
        return {"available": available, "epochs": [each["keyEpoch"] for each in generation], "live": live} | {
            "rebuilt": rebuilt
        }

    @property
    def is_begun(self) -> bool:
        _, assets = said(self.home, "assets", "list")
        batches = [said(self.home, "consents", "batches", each["assetId"])[1]["items"] for each in assets["items"]]
        return any(each["ended"] > 1 for some in batches for each in some)


@dataclass
class Payer:
    """Pays the people of a sale."""

    home: Path
    sale: str

    @property
    def file(self) -> Path:
        """What the bank gets."""
        return self.home.parent / "batch.csv"

    def do(self) -> int:
        """Both commands; the exit code of the payout."""
        made, _ = said(self.home, "revenue", "batch", self.sale, "--out", str(self.file))
        assert made in (0, NOBODY_LEFT)
        receipt = self.home.parent / "receipt.txt"
        receipt.write_text("paid")
        words = ("--batch", "1", "--receipt", str(receipt), "--as", "bank")
        return said(self.home, "revenue", "payout", self.sale, *words)[0]

    def standing(self) -> dict[str, Any]:
        """What the chain knows, and what the bank was told."""
        _, shown = said(self.home, "revenue", "show", self.sale)
        told = ("perHead", "deliveredCount", "paidUpTo", "waiting", "paidOut")
        payouts = [(each["fromOrdinal"], each["toOrdinal"], each["total"]) for each in shown["payouts"]]
        lists = [(each["list"], each["count"], each["root"]) for each in shown["lists"]]
        return {**{name: shown[name] for name in told}, "payouts": payouts, "lists": lists, "file": _content(self.file)}

    @property
    def is_begun(self) -> bool:
        return bool(said(self.home, "revenue", "show", self.sale)[1]["payouts"])


def _content(path: Path) -> str:
    return path.read_text() if path.exists() else ""


class Reaper:
    """Counts SQL statements, and ends the process at one."""

    def __init__(self, at: int) -> None:
        self.seen = 0
        self._at = at
        event.listen(Engine, "before_cursor_execute", lambda *_: self._passed())

    def _passed(self) -> None:
        self.seen += 1
        if self.seen == self._at:
            os.kill(os.getpid(), signal.SIGKILL)


def died(doer: Doer, at: int) -> tuple[bool, int]:
    """Does it in a child that ends at this statement; whether it did, and how many statements there were if not."""
    into, out = os.pipe()
    child = os.fork()
    if child == 0:
        reaper = Reaper(at)
        code = doer.do()
        os.write(out, str(reaper.seen).encode())
        os._exit(code)
    os.close(out)
    with os.fdopen(into) as told:
        seen = told.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True, 0
    assert os.waitstatus_to_exitcode(status) == 0
    return False, int(seen)


KINDS: dict[str, Callable[[Path, str], Doer]] = {"pay": Payer, "leave": Leaver}


def main(kind: str, home: Path, folder: Path, what: str, kills: int, seed: int) -> int:
    """Kills, goes on, judges."""

    def copied(name: str) -> Doer:
        (folder / name).mkdir(parents=True)
        return KINDS[kind](Path(shutil.copytree(home, folder / name / "home")), what)

    whole = copied("whole")
    _, statements = died(whole, 0)
    expected = whole.standing()
    points = range(1, statements + 1)
    chosen = list(points) if kills == 0 else sorted(random.Random(seed).sample(points, kills))
    happened: Counter[str] = Counter()
    for at in chosen:
        doer = copied(f"at-{at}")
        killed, _ = died(doer, at)
        happened["killed" if killed else "arrived"] += 1
        happened["begun on chain" if doer.is_begun else "not yet begun"] += 1
        assert doer.do() == 0, at
        assert doer.do() == 0, at
        assert doer.standing() == expected, (at, doer.standing(), expected)
        shutil.rmtree(doer.home.parent)
    print(json.dumps({"statements": statements, **happened, "standing": expected}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]), int(sys.argv[6])))
