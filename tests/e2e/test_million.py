"""The drill of a million people's sale, told of some hundred: the same commands, in this process."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from tests.bench.million import Done, Drill, rows_of, stages_table
from tests.e2e.command_line import CommandLine

PEOPLE = 230


class Here(Executor):
    """Does at once what it is handed."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_everybody_but_the_withdrawn_is_delivered_and_paid_to_the_fen(
    tmp_path: Path, home_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(home_folder, capsys)

    def shell(*words: str) -> Done:
        return Done(cli.done(*words), 0.5, 100.0)

    drill = Drill(shell, home_folder.parent, PEOPLE, Here(), tmp_path / "people")
    assert drill.home == home_folder
    drill.run()

    lines = (home_folder.parent / "opened.ndjson").read_bytes().splitlines()
    numbers = {json.loads(line)["number"] for line in lines}
    assert numbers == set(range(PEOPLE)) - {0, 100}
    assert drill.known["opened"] == len(numbers) == 228
    money = drill.known["money"]
    assert money["paid"] == money["pool"] == 228 * money["perHead"]
    assert drill.known["statement"]["paid"] is True
    rows = rows_of(drill)
    assert all(row.holds for row in rows)
    assert {"envelope", "records opened of 230", "payouts, of the pool"} <= {row.what for row in rows}
    assert len(stages_table(drill.stages).splitlines()) == len(drill.stages) + 1
