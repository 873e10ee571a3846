"""The drills on a live network, one by one, resumed after a stop.

    python -m tests.network.runner [--seed 20261122] [--only WORD] [--part K/N] [--quick] [--period 1] [--list]
                                   [--day 10000/100/1000] [--every 20]

What passed at this commit, with this seed, is not done again; another commit begins anew (what parts on other machines
left in `build/network-drills` may be put together there). A drill that fails ends its
network, and the next one gets a new one. Leaves `build/reports/test-network.json`, and the same in `tests/reports`
where everything passed. The exit code is 0 where all passed, 1 where one failed, 69 where the network cannot be had on
this machine: then it is said what is missing, and no report is left.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from tools import apart, geth
from tools.forge import ROOT

KEPT = ROOT / "build" / "network-drills"
COUNTED = ("intents", "reorgs", "undone", "recoveries")
"""What the report adds up."""
QUICK = ("nothing broken", "kill signer 0 and restart")
DAY, EVERY = "10000/100/1000", 20.0
"""Entries, sales and withdrawals of an exchange's day, and the seconds between kills on it."""

Result = dict[str, Any]


class Judging(Protocol):
    """What a drill is done on."""

    recoveries: int

    def mark(self) -> Any:
        """Where it begins."""

    def settle(self) -> None:
        """Waits until what was broken is whole."""

    def judge(self, since: Any) -> Result:
        """What it led to. Raises AssertionError."""


_Stage = TypeVar("_Stage", bound=Judging)


@dataclass(frozen=True, slots=True)
class Step(Generic[_Stage]):
    """A drill on the common network (`work`), or one that brings its own (`alone`)."""

    name: str
    work: Callable[[_Stage], None] | None = None
    alone: Callable[[], Result] | None = None


class Run(Generic[_Stage]):
    """Runs steps and keeps their results in `folder`; `open_stage` makes the network when it is first needed."""

    def __init__(
        self,
        folder: Path,
        open_stage: Callable[[], AbstractContextManager[_Stage]],
        say: Callable[[str], None] = lambda line: print(line, flush=True),
    ) -> None:
        self._folder = folder
        self._open_stage = open_stage
        self._say = say
        self._opened: AbstractContextManager[_Stage] | None = None
        self._stage: _Stage | None = None

    def all(self, steps: Sequence[Step[_Stage]]) -> dict[str, Result]:
        """The results by name, of this run or kept from a former one that passed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        results: dict[str, Result] = {}
        try:
            for number, step in enumerate(steps, 1):
                kept = self._folder / f"{step.name.replace(' ', '-').replace('|', '-')}.json"
                before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
                again = before.get("passed") is True
                results[step.name] = before if again else self._one(step)
                kept.write_text(json.dumps(results[step.name], indent=1), encoding="utf-8")
                self._tell(f"{number}/{len(steps)} {step.name}", results[step.name], again=again)
        finally:
            self._close()
        return results

    def _one(self, step: Step[_Stage]) -> Result:
        began = time.monotonic()
        try:
            found = step.alone() if step.alone else self._on_stage(step)
        except geth.AbsentError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a drill raises is its result
            self._close()
            last = traceback.extract_tb(error.__traceback__)[-1]
            why = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
            return {"passed": False, "seconds": round(time.monotonic() - began, 1), "why": why[:2000]}
        return {"passed": True, "seconds": round(time.monotonic() - began, 1), **found}

    def _on_stage(self, step: Step[_Stage]) -> Result:
        if self._stage is None:
            opened = self._open_stage()
            self._stage = opened.__enter__()
            self._opened = opened
        stage = self._stage
        recoveries, mark = stage.recoveries, stage.mark()
        assert step.work is not None
        step.work(stage)
        stage.settle()
        found = stage.judge(mark)
        return {**found, "recoveries": stage.recoveries - recoveries}

    def _close(self) -> None:
        opened, self._opened, self._stage = self._opened, None, None
        if opened is not None:
            opened.__exit__(None, None, None)

    def _tell(self, name: str, result: Result, *, again: bool) -> None:
        verdict = ("passed before" if again else "passed") if result["passed"] else f"FAILED: {result['why']}"
        facts = ", ".join(f"{key} {value}" for key, value in result.items() if key not in ("passed", "seconds", "why"))
        self._say(f"{name}: {verdict}, {result['seconds']} s{': ' if facts else ''}{facts}")


def summary(seed: int, results: dict[str, Result]) -> Result:
    """What the report says besides its name, date, commit and verdict."""
    return {
        "tool": f"geth {geth.VERSION}",
        "seed": seed,
        "spent": round(sum(result["seconds"] for result in results.values())),
        **{what: sum(result.get(what, 0) for result in results.values()) for what in COUNTED},
        "steps": results,
    }


def main(words: list[str]) -> int:
    """Runs what has not passed yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--only", default="", help="the drills whose name holds this word; leaves no report")
    parser.add_argument("--quick", action="store_true", help="the two cheapest; leaves no report")
    parser.add_argument("--part", default="1/1", help="K/N: of N parts the Kth, for N machines; leaves no report")
    parser.add_argument("--period", type=int, default=1, help="seconds between blocks")
    day_help = "entries/sales/withdrawals of an exchange's day; others leave no report"
    parser.add_argument("--day", default=DAY, help=day_help)
    parser.add_argument("--every", type=float, default=EVERY, help="seconds between kills on that day; 0 for none")
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args(words)
    began = time.time()
    is_whole = (given.day, given.every) == (DAY, EVERY)
    day: Step[Any] = Step(_day_name(given.day, given.every), alone=partial(_day, given))
    steps = [step for step in [*_steps(given.seed), day] if given.only in step.name]
    part, parts = map(int, given.part.split("/"))
    steps = steps[part - 1 :: parts]
    if given.quick:
        steps = [step for step in steps if step.name in QUICK]
    if given.list:
        print("\n".join(step.name for step in steps))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = KEPT / f"{apart.commit()}-{given.seed}"
    try:
        geth.program()
        results = Run(folder, lambda: _stage(folder, given.seed, given.period)).all(steps)
    except geth.AbsentError as reason:
        print(f"test-network: {reason}", file=sys.stderr)
        return geth.ABSENT
    good = all(result["passed"] for result in results.values())
    if given.only or given.quick or parts > 1 or not is_whole:
        return 0 if good else 1
    command = f"python -m tests.network.runner --seed {given.seed} --period {given.period}"
    return apart.publish("test-network", command, began, good, summary(given.seed, results))


def _steps(seed: int) -> list[Step[Any]]:
    from tests.network.drills import drills
    from tests.network.london import priced_at_zero

    found: list[Step[Any]] = [Step(drill.name, drill.work) for drill in drills()]
    folder = KEPT / "london"
    found.append(Step("priced at zero with London", alone=lambda: priced_at_zero(folder, seed, _say)))
    return found


def _day_name(sizes: str, every: float) -> str:
    """A smaller day is another drill: that it passed says nothing of the whole one."""
    whole = (sizes, every) == (DAY, EVERY)
    return "an exchange's day" + ("" if whole else f" of {sizes.replace('/', ' ')} every {every:g}")


def _day(given: argparse.Namespace) -> Result:
    from tests.network.day import exchange_day
    from tests.network.exchange import Sizes

    return exchange_day(KEPT / "day", given.seed, Sizes.of(given.day), given.every, _say, period=given.period)


def _stage(folder: Path, seed: int, period: int) -> AbstractContextManager[Any]:
    import shutil

    from tests.network.stage import Stage

    place = folder / "stage"
    shutil.rmtree(place / "home", ignore_errors=True)
    return Stage(place, seed, period=period, say=_say)


def _say(line: str) -> None:
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
