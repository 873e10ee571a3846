"""Commands that die. Each is ended by SIGKILL on its way; the next one says the same words again, until it arrives.

    python -m tests.dying_command KIND HOME FOLDER WHAT SEED WAY [NUMBER]

KIND        collect, withdraw, erase or payout; WHAT is the consents' plan, the withdrawals' file, nothing, the sale
WAY         statements   at every statement that SQLAlchemy makes, one after the other
            steps N      at N steps drawn by SEED: a statement of any database, also the chain's, a file that is opened,
                         renamed or removed; whoever goes on is killed once more
            moments N    N whole processes at moments drawn by SEED, each killed until it arrives

HOME is copied for every case. Prints as JSON how far there was to go, what happened, and what an undisturbed run left;
exits 1 where a killed one left anything else, or going on failed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine, event

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.cli.main import run
from deedbook.domain.hashing import to_hex
from deedbook.domain.keytree import delivered_indices
from tests.e2e.command_line import command, environment

NOBODY_LEFT = 2
LIVES = 4
"""After so many lives that were killed, a process is let go on."""
FILES = ("open", "os.rename", "os.remove", "os.mkdir", "os.truncate")
"""What Python's audit events call a step in the file system; each names its path first."""
_TRANSACTIONS = ("chain/chain.sqlite", "SELECT count(*) FROM transactions")


def said(home: Path, *words: str) -> tuple[int, Any]:
    """Exit code and JSON of a command."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
        code = run(["--home", str(home), *words, "--json"])
    return code, json.loads(out.getvalue()) if code == 0 else None


@dataclass
class Doer(ABC):
    """Whoever does something in a copy of a home."""

    home: Path
    what: str
    COUNT: ClassVar[tuple[str, str]] = _TRANSACTIONS
    """A database of the home, and the question to it whose answer changes when something of it is done."""

    @property
    def out(self) -> Path:
        """What is handed out, where there is something: people's receipts, the bank's file."""
        return self.home.parent / "out"

    @abstractmethod
    def commands(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        """What is said, and with which exit codes it may end."""

    @abstractmethod
    def standing(self) -> dict[str, Any]:
        """What came of it, and is the same whenever it is done."""

    def do(self) -> int:
        """Says all of it; 0, or the exit code of what failed."""
        for words, good in self.commands():
            code, _ = said(self.home, *words)
            if code not in good:
                return code or 1
        return 0

    def count(self) -> int:
        """How much is done, looked up without opening the home."""
        name, question = self.COUNT
        with contextlib.closing(sqlite3.connect(f"file:{self.home / name}?mode=ro", uri=True)) as database:
            (found,) = database.execute(question).fetchone()
        return int(found)


@dataclass
class Collector(Doer):
    """Collects a file of consents; in the end they are anchored and verified."""

    COUNT: ClassVar[tuple[str, str]] = (
        "records.sqlite",
        "SELECT count(*) FROM consents WHERE state IN ('staged', 'pending')",
    )

    @property
    def plan(self) -> dict[str, Any]:
        """`file`, `asset`, `salt`, `count`, and how many `processes` check."""
        return dict(json.loads(Path(self.what).read_text()))

    def commands(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        numbers = ("--count", str(self.plan["count"]), "--processes", str(self.plan["processes"]))
        words = ("--as", "provider", "--out", str(self.out), *numbers)
        return [(("consents", "collect", self.plan["file"], *words), (0,))]

    def standing(self) -> dict[str, Any]:
        assert self.count() == self.plan["count"]
        words = ("consents", "anchor", self.plan["asset"], "--as", "provider", "--salt", self.plan["salt"])
        _, batch = said(self.home, *words)
        again, _ = said(self.home, *words)
        _, verified = said(self.home, "consents", "verify-batch", batch["batchId"], "--processes", "1")
        kept = {name: batch[name] for name in ("batchId", "root", "count")}
        receipts = [json.loads(line)["receipt_id"] for line in self.out.read_bytes().splitlines()]
        checked = {name: verified[name] for name in ("signatures", "subjects", "anchored")}
        return {**kept, **checked, "again": again, "receipts": receipts, **_ledger(self.home)}


@dataclass
class Leaver(Doer):
    """Relays a file of withdrawals, which ends with an erasure."""

    def commands(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        return [(("consents", "withdraw-all", self.what, "--as", "exchange"), (0,))]

    def standing(self) -> dict[str, Any]:
        _, assets = said(self.home, "assets", "list")
        batches = [said(self.home, "consents", "batches", each["assetId"])[1]["items"] for each in assets["items"]]
        return {"live": [each["live"] for some in batches for each in some], **_vault(self.home), **_ledger(self.home)}


@dataclass
class Eraser(Doer):
    """Erases the records whose consents have ended."""

    COUNT: ClassVar[tuple[str, str]] = ("records.sqlite", "SELECT count(*) FROM erasures")

    def commands(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        return [(("payloads", "erase-ended"), (0,))]

    def standing(self) -> dict[str, Any]:
        return {"journal": self.count(), **_vault(self.home), **_ledger(self.home)}


@dataclass
class Payer(Doer):
    """Pays the people of a sale: a bank batch, and its payout."""

    def commands(self) -> list[tuple[tuple[str, ...], tuple[int, ...]]]:
        receipt = self.home.parent / "receipt.txt"
        receipt.write_text("paid")
        words = ("--batch", "1", "--receipt", str(receipt), "--as", "bank")
        return [
            (("revenue", "batch", self.what, "--out", str(self.out)), (0, NOBODY_LEFT)),
            (("revenue", "payout", self.what, *words), (0,)),
        ]

    def standing(self) -> dict[str, Any]:
        _, shown = said(self.home, "revenue", "show", self.what)
        told = ("perHead", "deliveredCount", "paidUpTo", "waiting", "paidOut")
        payouts = [(each["fromOrdinal"], each["toOrdinal"], each["total"]) for each in shown["payouts"]]
        lists = [(each["list"], each["count"], each["root"]) for each in shown["lists"]]
        statements = self.home.parent / "statements.csv"
        assert said(self.home, "revenue", "statements", self.what, "--out", str(statements))[0] == 0
        files = {"file": self.out.read_text(), "statements": statements.read_text()}
        return {**{name: shown[name] for name in told}, "payouts": payouts, "lists": lists, **files} | _ledger(
            self.home
        )


def _ledger(home: Path) -> dict[str, Any]:
    """How many transactions the chain has, and whether the mirror is rebuilt from it as it is (0)."""
    rebuilt, _ = said(home, "mirror", "rebuild", "--check")
    name, question = _TRANSACTIONS
    with contextlib.closing(sqlite3.connect(f"file:{home / name}?mode=ro", uri=True)) as chain:
        (transactions,) = chain.execute(question).fetchone()
    return {"transactions": transactions, "rebuilt": rebuilt}


def _vault(home: Path) -> dict[str, Any]:
    """Which records can be opened, under which generations of the key; what the destruction receipts name."""
    with Services.open(config.load(home, {})) as services:
        book, vault = services.records.payloads, services.vault
        stored = book.keys()
        opened = {to_hex(key.payload_id): list(delivered_indices(vault.available(key.payload_id))) for key in stored}
        erased = [[list(target.indices) for target in each.targets] for each in book.erasures() if each.receipt]
        served = {name: len(vault.serve_units(bytes.fromhex(name[2:]), indices)) for name, indices in opened.items()}
        generations = list(services.keks.generations())
    return {"opened": opened, "served": served, "generations": generations, "erased": erased}


# -- how they die ------------------------------------------------------------------------------------------------------


class Statements:
    """Counts the statements that SQLAlchemy makes, and ends the process at one."""

    def __init__(self, _folder: Path, at: int) -> None:
        self.seen = 0
        self._at = at
        self._process = os.getpid()
        self._listen()

    def _listen(self) -> None:
        event.listen(Engine, "before_cursor_execute", lambda *_: self._passed())

    def _passed(self) -> None:
        if os.getpid() != self._process:
            return
        self.seen += 1
        if self.seen == self._at:
            os.kill(self._process, signal.SIGKILL)


class Steps(Statements):
    """Counts every statement of every SQLite connection, and what becomes of the files of a folder."""

    def __init__(self, folder: Path, at: int) -> None:
        self._folder = str(folder)
        super().__init__(folder, at)

    def _listen(self) -> None:
        connect = sqlite3.dbapi2.connect

        def connected(*given: Any, **named: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*given, **named)
            connection.set_trace_callback(lambda _: self._passed())
            return connection

        for module in (sqlite3, sqlite3.dbapi2):
            setattr(module, "connect", connected)  # noqa: B010 - this process is about to die
        sys.addaudithook(self._heard)

    def _heard(self, event: str, args: tuple[Any, ...]) -> None:
        if event in FILES and self._folder in str(args[0]):
            self._passed()


def died(doer: Doer, reaper: type[Statements], at: int) -> tuple[bool, int]:
    """Does it in a child that ends at this point; whether it did, and how many points there were if not."""
    into, out = os.pipe()
    child = os.fork()
    if child == 0:
        counting = reaper(doer.home.parent, at)
        code = doer.do()
        os.write(out, str(counting.seen).encode())
        os._exit(code)
    os.close(out)
    with os.fdopen(into) as told:
        seen = told.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True, 0
    assert os.waitstatus_to_exitcode(status) == 0, (doer.commands(), at)
    return False, int(seen)


def died_within(doer: Doer, seconds: float) -> bool:
    """Does it in processes of their own, of which the one that is there after so long is killed; whether one was."""
    end = time.monotonic() + seconds
    for words, good in doer.commands():
        begun = command("--home", str(doer.home), *words)
        unheard = subprocess.DEVNULL
        with subprocess.Popen(begun, env=environment(), cwd="/", stdout=unheard, stderr=unheard) as process:
            try:
                code = process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                return True
        assert code in good, (words, code)
    return False


# -- cases -------------------------------------------------------------------------------------------------------------


KINDS: dict[str, type[Doer]] = {"collect": Collector, "withdraw": Leaver, "erase": Eraser, "payout": Payer}


class Cases:
    """Doers in copies of a home; `expected` is what an undisturbed one leaves, once there was one."""

    def __init__(self, kind: str, home: Path, folder: Path, what: str, seed: int) -> None:
        self._kind = KINDS[kind]
        self._home = home
        self._what = what
        self._folder = folder
        self.draw = random.Random(f"{kind} {seed}")
        self.happened: Counter[str] = Counter()
        self.expected: dict[str, Any] = {}

    def copied(self, name: str) -> Doer:
        (self._folder / name).mkdir(parents=True)
        return self._kind(Path(shutil.copytree(self._home, self._folder / name / "home")), self._what)

    def judged(self, doer: Doer, where: object) -> None:
        """Goes on until it arrives, once more, and looks; the copy goes."""
        begun = doer.count() != self._kind(self._home, self._what).count()
        self.happened["begun" if begun else "not yet begun"] += 1
        assert doer.do() == 0, where
        handed = doer.out.read_bytes() if doer.out.exists() else b""
        assert doer.do() == 0, where
        assert handed == (doer.out.read_bytes() if doer.out.exists() else b""), where
        assert doer.standing() == self.expected, (where, doer.standing(), self.expected)
        shutil.rmtree(doer.home.parent)

    def statements(self) -> int:
        whole = self.copied("whole")
        _, there = died(whole, Statements, 0)
        self.expected = whole.standing()
        for at in range(1, there + 1):
            doer = self.copied(f"at-{at}")
            killed, _ = died(doer, Statements, at)
            self.happened["killed" if killed else "arrived"] += 1
            self.judged(doer, at)
        return there

    def steps(self, number: int) -> int:
        whole = self.copied("whole")
        _, there = died(whole, Steps, 0)
        self.expected = whole.standing()
        for case in range(number):
            doer = self.copied(f"case-{case}")
            first, second = (self.draw.randrange(1, there + 1) for _ in range(2))
            killed, _ = died(doer, Steps, first)
            self.happened["killed" if killed else "arrived"] += 1
            self.happened["killed again"] += died(doer, Steps, second)[0]
            self.judged(doer, (first, second))
        return there

    def moments(self, number: int) -> float:
        whole, began = self.copied("whole"), time.monotonic()
        assert not died_within(whole, 600)
        there = time.monotonic() - began
        self.expected = whole.standing()
        for case in range(number):
            doer, lives = self.copied(f"case-{case}"), 0
            moments = [self.draw.uniform(0, there) for _ in range(LIVES)]
            while lives < LIVES and died_within(doer, moments[lives]):
                lives += 1
            self.happened["killed"] += lives
            self.judged(doer, moments)
        return round(there, 2)


def main(kind: str, home: str, folder: str, what: str, seed: str, way: str, number: str = "0") -> int:
    """Kills, goes on, judges."""
    cases = Cases(kind, Path(home), Path(folder), what, int(seed))
    ways: dict[str, Callable[[], float]] = {
        "statements": cases.statements,
        "steps": lambda: cases.steps(int(number)),
        "moments": lambda: cases.moments(int(number)),
    }
    there = ways[way]()
    far = "seconds" if way == "moments" else way
    print(json.dumps({far: there, **cases.happened, "standing": cases.expected}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
