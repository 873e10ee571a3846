"""kill -9 of commands on their way: a file of consents collected, one of withdrawals relayed, records erased, people
paid. Nothing is lost and nothing done twice: whoever consented is in the batch, with one receipt; whoever leaves has
left once, key and all, and nobody else; nobody is paid twice or left out, and the bank's file stays the same.

A few here; under the deep profile (HYPOTHESIS_PROFILE) more than a hundred, and every SQL statement of two of them.
What happened is left where DEEDBOOK_FIGURES says.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.domain.consents import Withdrawal
from deedbook.ledger.withdrawing import Ending
from deedbook.wallet.consents import CHUNK
from tests.e2e.command_line import ROOT, environment
from tests.e2e.payee_counter import Counter
from tests.e2e.population import Population

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
FIGURES = os.environ.get("DEEDBOOK_FIGURES")
"""Read here: the tests' command line is without such settings."""
WAYS = [("steps", 25), ("moments", 10)] if DEEP else [("steps", 2)]
EVERY = [("statements", 0)] if DEEP else []
CONSENTS = CHUNK + 50 if DEEP else 40
"""More than a chunk in the deep run: kept in two transactions before the last one; by moments, checked by others."""
SEED = 20_261_130
NAMED = 5
LEAVING = 4


def killed(kind: str, way: tuple[str, int], home: Path, folder: Path, what: str) -> dict[str, Any]:
    """Kills and goes on; what was left, the same for all."""
    words = (kind, str(home), str(folder / "copies"), what, str(SEED), way[0], str(way[1]))
    command = [sys.executable, "-m", "tests.dying_command", *words]
    known = environment() | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT)))}
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    happened: dict[str, Any] = json.loads(done.stdout)
    assert happened["killed"] >= (way[1] or happened[way[0]]) / 2
    standing: dict[str, Any] = happened.pop("standing")
    assert standing["rebuilt"] == 0
    left(happened, f"{kind} killed, {way[0]}")
    return standing


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way[0]))
def test_a_collection_killed_anywhere_is_finished_with_one_receipt_each(
    people: Population, tmp_path: Path, way: tuple[str, int]
) -> None:
    signed = [people.signed(number) for number in range(CONSENTS)]
    file = people.file("all.ndjson", [each.encode() for each in signed])
    plan = tmp_path / "plan.json"
    numbers = {"count": CONSENTS, "processes": 2 if way[0] == "moments" else 1}
    plan.write_text(json.dumps({"file": file, "asset": people.asset, "salt": people.salt, **numbers}))
    standing = killed("collect", way, people.cli.home, tmp_path, str(plan))
    assert [standing[name] for name in ("count", "signatures", "subjects")] == 3 * [CONSENTS]
    assert (standing["anchored"], standing["again"]) == (True, 5)
    assert standing["receipts"] == ["0x" + each.consent_id.hex() for each in signed]


def leaving(counter: Counter) -> tuple[list[int], list[dict[str, Any]]]:
    """The record indices of who is to leave the sale's people, and their signed withdrawals."""
    rows = counter.statements()
    present = {row["consentId"] for row in rows}
    chosen = [(number, consent) for number, consent in counter.consents.items() if consent in present][:LEAVING]
    withdrawals, indices = [], []
    for number, consent in chosen:
        typed = counter.file("typed.json", counter.cli.done("consents", "draft-withdrawal", consent))
        person = ("--seed", f"person-{number:06}", "--asset", counter.asset)
        withdrawals.append(counter.cli.done("wallet", "sign", typed, *person))
        indices.append(counter.cli.done("consents", "show", consent)["index"])
    return sorted(indices), withdrawals


def opened(standing: Mapping[str, Any]) -> set[int]:
    """The records that can still be opened, and are served; under one key, as each destruction receipt says."""
    ((payload, indices),) = standing["opened"].items()
    assert standing["served"] == {payload: len(indices)}
    assert len(standing["generations"]) == 1
    return set(indices)


def available(counter: Counter) -> set[int]:
    """The records that can be opened."""
    with Services.open(config.load(counter.cli.home, {})) as services:
        (key,) = services.records.payloads.keys()
        return set(range(services.vault.payload(key.payload_id).count)) - {
            index
            for each in services.records.payloads.erasures()
            for target in each.targets
            for index in target.indices
        }


@pytest.mark.parametrize("way", WAYS + EVERY, ids=lambda way: str(way[0]))
def test_withdrawals_killed_anywhere_are_finished(counter: Counter, tmp_path: Path, way: tuple[str, int]) -> None:
    before, (indices, withdrawals) = available(counter), leaving(counter)
    file = tmp_path / "withdrawals.ndjson"
    file.write_text("".join(json.dumps(each) + "\n" for each in withdrawals))
    standing = killed("withdraw", way, counter.cli.home, tmp_path, str(file))
    assert standing["live"] == [len(before) - LEAVING]
    assert opened(standing) == before - set(indices)
    assert standing["erased"][-1] == [indices]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: str(way[0]))
def test_an_erasure_killed_anywhere_is_finished(counter: Counter, tmp_path: Path, way: tuple[str, int]) -> None:
    before, (indices, withdrawals) = available(counter), leaving(counter)
    with Services.open(config.load(counter.cli.home, {})) as services:
        signed = [(line, Withdrawal.from_json(each)) for line, each in enumerate(withdrawals, start=1)]
        outcomes = services.withdrawing.relay(signed, services.signer("exchange"))
    assert [each.ending for each in outcomes] == LEAVING * [Ending.WITHDRAWN]
    standing = killed("erase", way, counter.cli.home, tmp_path, "")
    assert opened(standing) == before - set(indices)
    assert standing["erased"][-1] == [indices]
    assert standing["journal"] == len(standing["erased"])


@pytest.mark.parametrize("way", WAYS + EVERY, ids=lambda way: str(way[0]))
def test_a_payout_killed_anywhere_is_finished_and_never_doubled(
    counter: Counter, tmp_path: Path, way: tuple[str, int]
) -> None:
    delivered = {row["consentId"] for row in counter.statements()}
    there = [number for number, consent in counter.consents.items() if consent in delivered]
    for number in there[:NAMED]:
        counter.name(number)
    entry = counter.cli.done("revenue", "show", counter.sale)
    pool = int(entry["price"]) + int(entry["carryIn"]) - int(entry["exchangeShare"]) - int(entry["providerShare"])
    standing = killed("payout", way, counter.cli.home, tmp_path, counter.sale)
    assert [each[2] for each in standing["payouts"]] == [str(NAMED * int(standing["perHead"]))]
    assert (standing["paidUpTo"], standing["waiting"]) == (standing["deliveredCount"], len(there) - NAMED)
    rows = list(csv.DictReader(io.StringIO(standing["statements"], newline="")))
    assert [int(row["ordinal"]) for row in rows] == list(range(len(there)))
    assert sum(int(row["amount"]) for row in rows) == pool - int(entry["carryOut"])
    assert sum(row["paid"] == "true" for row in rows) == NAMED


def left(figures: dict[str, int], name: str) -> None:
    """Leaves figures for the report of the deep run, and shows them."""
    line = json.dumps({name: figures})
    print(line)
    if FIGURES:
        with Path(FIGURES).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
