"""How drills are run one by one, with toys: what passed is not done again, what failed ends its stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.network.runner import Run, Step, main, summary
from tools.geth import VERSION, AbsentError


class ToyStage:
    """Remembers what was done to it; its verdict is handed in."""

    def __init__(self, done: list[str], verdict: str = "") -> None:
        self.recoveries = 0
        self._done = done
        self._verdict = verdict

    def __enter__(self) -> ToyStage:
        self._done.append("open")
        return self

    def __exit__(self, *_: object) -> None:
        self._done.append("close")

    def mark(self) -> int:
        return len(self._done)

    def settle(self) -> None:
        self.recoveries += 1
        self._done.append("settle")

    def judge(self, since: int) -> dict[str, Any]:
        assert not self._verdict, self._verdict
        return {"intents": 3, "reorgs": 2, "undone": 1}

    def do(self, name: str) -> None:
        self._done.append(name)


def step(name: str) -> Step[ToyStage]:
    return Step(name, lambda stage: stage.do(name))


def run(folder: Path, steps: list[Step[ToyStage]], verdict: str = "") -> tuple[dict[str, Any], list[str], list[str]]:
    """The results, what was done, and what was said."""
    done: list[str] = []
    said: list[str] = []
    return Run(folder, lambda: ToyStage(done, verdict), said.append).all(steps), done, said


def test_drills_share_a_stage_and_are_judged_one_by_one(tmp_path: Path) -> None:
    results, done, said = run(tmp_path, [step("cut"), step("kill")])
    assert done == ["open", "cut", "settle", "kill", "settle", "close"]
    assert [(result["passed"], result["recoveries"]) for result in results.values()] == [(True, 1), (True, 1)]
    assert said[0].startswith("1/2 cut: passed, 0.0 s: intents 3, reorgs 2")


def test_what_passed_is_not_done_again(tmp_path: Path) -> None:
    first, _, _ = run(tmp_path, [step("cut")])
    both, done, said = run(tmp_path, [step("cut"), step("kill")])
    assert done == ["open", "kill", "settle", "close"]
    assert both["cut"] == first["cut"]
    assert "1/2 cut: passed before" in said[0]
    assert run(tmp_path, [step("cut"), step("kill")])[1] == []


def test_what_failed_says_why_ends_its_stage_and_is_done_again(tmp_path: Path) -> None:
    results, done, said = run(tmp_path, [step("cut"), step("kill")], verdict="an intent was counted twice")
    assert done == ["open", "cut", "settle", "close", "open", "kill", "settle", "close"]
    assert not results["cut"]["passed"]
    assert "AssertionError: an intent was counted twice" in results["cut"]["why"]
    assert "FAILED" in said[0]
    assert run(tmp_path, [step("cut")])[0]["cut"]["passed"]


def test_a_drill_may_bring_its_own_network(tmp_path: Path) -> None:
    results, done, _ = run(tmp_path, [Step("alone", alone=lambda: {"intents": 5})])
    assert (results["alone"]["passed"], results["alone"]["intents"], done) == (True, 5, [])


def test_a_machine_without_the_network_is_no_failed_drill(tmp_path: Path) -> None:
    def absent() -> dict[str, Any]:
        raise AbsentError("Go is not installed")

    with pytest.raises(AbsentError):
        run(tmp_path, [Step("alone", alone=absent)])
    assert list(tmp_path.iterdir()) == []


def test_the_report_adds_up_what_the_drills_saw(tmp_path: Path) -> None:
    results, _, _ = run(tmp_path, [step("cut"), step("kill")])
    found = summary(7, results)
    assert {name: found[name] for name in ("tool", "seed", "intents", "reorgs", "undone", "recoveries")} == {
        "tool": f"geth {VERSION}",
        "seed": 7,
        "intents": 6,
        "reorgs": 4,
        "undone": 2,
        "recoveries": 2,
    }
    assert json.loads(json.dumps(found)) == found


def test_a_smaller_day_is_another_drill(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "day"]) == main(["--list", "--only", "day", "--day", "200/4/20"]) == 0
    assert main(["--list", "--only", "day", "--every", "8"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert names[0] == "an exchange's day"
    assert len(set(names)) == 3


def test_every_drill_of_the_issue_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    names = capsys.readouterr().out.splitlines()
    assert len(names) == len(set(names))
    for word in (
        "kill signer 0", "kill signer 3", "kill the rpc node", "partition 2|2", "partition 3|1", "equal branches",
        "slow links", "cut links", "blackholed links", "full disk", "SIGSTOP", "all nodes restarted",
        "all nodes killed", "priced at zero with London", "an exchange's day",
    ):  # fmt: skip
        assert any(word in name for name in names), word
