"""What a sale costs on chain does not depend on how many people are behind it."""

from __future__ import annotations

from pathlib import Path

from tests.bench.demo import ACTS, execution_gas
from tests.e2e.command_line import Answer, spawn


def test_as_many_people_as_one_likes_cost_the_same_execution_gas(demo: tuple[Path, Answer], tmp_path: Path) -> None:
    few = execution_gas(demo[0])
    told = spawn("demo", "--people", "60", "--lang", "en", "--home", str(tmp_path / "more"))
    assert told.code == 0, told.err
    assert execution_gas(tmp_path / "more") == few
    assert few.keys() == ACTS.keys()
    assert min(few.values()) > 30_000
