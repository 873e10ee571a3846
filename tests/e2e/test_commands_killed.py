"""kill -9 of commands at SQL statements: a bank batch with its payout, a file of withdrawals with its erasure. Nobody
is paid twice or left out; the bank's file stays the same; whoever leaves has left once, key and all.

A few here; under the deep profile (HYPOTHESIS_PROFILE) every statement. What happened is left where DEEDBOOK_FIGURES
says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.e2e.command_line import ROOT, environment
from tests.e2e.payee_counter import Counter

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
KILLS = 0 if DEEP else 3
SEED = 20_261_130
NAMED = 5


def killed(kind: str, home: Path, folder: Path, what: str) -> dict[str, Any]:
    """Kills and goes on; what happened, and what was left."""
    words = (kind, str(home), str(folder / "copies"), what, str(KILLS), str(SEED))
    command = [sys.executable, "-m", "tests.dying_command", *words]
    known = environment() | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    happened: dict[str, Any] = json.loads(done.stdout)
    assert happened["killed"] == (KILLS or happened["statements"])
    return happened


def test_a_payout_killed_anywhere_is_finished_and_never_doubled(counter: Counter, tmp_path: Path) -> None:
    delivered = {row["consentId"] for row in counter.statements()}
    there = [number for number, consent in counter.consents.items() if consent in delivered]
    for number in there[:NAMED]:
        counter.name(number)
    happened = killed("pay", counter.cli.home, tmp_path, counter.sale)
    standing = happened.pop("standing")
    assert [each[2] for each in standing["payouts"]] == [str(NAMED * int(standing["perHead"]))]
    assert (standing["paidUpTo"], standing["waiting"]) == (standing["deliveredCount"], len(there) - NAMED)
    left(happened, "payers killed")


def test_withdrawals_killed_anywhere_are_finished(counter: Counter, tmp_path: Path) -> None:
    present = {row["consentId"] for row in counter.statements()}
    leaving = [(number, consent) for number, consent in counter.consents.items() if consent in present][:4]
    file = tmp_path / "withdrawals.ndjson"
    with file.open("w") as lines:
        for number, consent in leaving:
            typed = counter.file("typed.json", counter.cli.done("consents", "draft-withdrawal", consent))
            person = ("--seed", f"person-{number:06}", "--asset", counter.asset)
            lines.write(json.dumps(counter.cli.done("wallet", "sign", typed, *person)) + "\n")
    happened = killed("leave", counter.cli.home, tmp_path, str(file))
    standing = happened.pop("standing")
    assert (standing["available"], standing["live"]) == ([len(present) - len(leaving)], [len(present) - len(leaving)])
    assert standing["rebuilt"] == 0
    left(happened, "leavers killed")


def left(figures: dict[str, int], name: str) -> None:
    """Leaves figures for the report of the deep run, and shows them."""
    line = json.dumps({name: figures})
    print(line)
    if place := os.environ.get("DEEDBOOK_FIGURES"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
