"""The big counts: fuzzed, stateful and drawn tests under the deep profiles, step by step, resumed after a stop.

    python -m tools.deep [--seed 20261122] [--only WORD] [--list]

A step is one file of tests, of those that draw their cases. What passed at this commit, with this seed, is not run
again; another commit begins anew. What a test has counted it writes where DEEDBOOK_FIGURES says, an object a line, and
goes into the report. Leaves `build/reports/test-deep.json`, and `tests/reports/test-deep.json` where everything passed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import apart
from tools.forge import CONTRACTS, ROOT, binary, with_node

KEPT = ROOT / "build" / "deep"
TESTS = ("tests/unit", "tests/integration", "tests/e2e")


@dataclass(frozen=True, slots=True)
class Step:
    """A command, where it runs, and what it needs in its environment."""

    name: str
    words: Sequence[str]
    folder: Path
    environment: Mapping[str, str]


def steps(seed: int) -> list[Step]:
    """All of them: forge by file, then pytest by file, then the other rules and the other pipeline."""
    forge = str(binary("forge"))
    found = [
        Step(
            f"forge {path.name}",
            (forge, "test", "--offline", "--match-path", f"test/{path.name}", "--fuzz-seed", hex(seed)),
            CONTRACTS,
            {"FOUNDRY_PROFILE": "deep"},
        )
        for path in sorted((CONTRACTS / "test").glob("*.t.sol"))
        if re.search(r"function (?:invariant|test\w*\([^)])", path.read_text(encoding="utf-8"))
    ]
    for folder in TESTS:
        for path in sorted((ROOT / folder).glob("test_*.py")):
            if not re.search(r"hypothesis|HYPOTHESIS_PROFILE", path.read_text(encoding="utf-8")):
                continue
            place = path.relative_to(ROOT).as_posix()
            words = (sys.executable, "-m", "pytest", "-q", "-n", "auto", f"--hypothesis-seed={seed}", place)
            found.append(Step(f"pytest {place}", words, ROOT, {"HYPOTHESIS_PROFILE": "deep"}))
    for wish in ("london", "shanghai", "cancun", "prague", "--via-ir"):
        command = (sys.executable, "-m", "tools.evm_rules", wish)
        found.append(Step(f"rules {wish}", command, ROOT, {"PYTHONPATH": str(ROOT / "src")}))
    return found


def run(step: Step, log: Path) -> dict[str, Any]:
    """Runs a step; what it printed goes to `log`."""
    began = time.monotonic()
    figures = log.with_suffix(".figures")
    figures.unlink(missing_ok=True)
    with log.open("wb") as output:
        code = subprocess.run(
            step.words,
            cwd=step.folder,
            env={**with_node(), **step.environment, "DEEDBOOK_FIGURES": str(figures)},
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    found = {"passed": code == 0, "seconds": round(time.monotonic() - began, 1), "last": lines[-1] if lines else ""}
    return found | ({"figures": _figures(figures)} if figures.exists() else {})


def _figures(path: Path) -> dict[str, Any]:
    """What the tests of a step have counted, by name."""
    counted: dict[str, Any] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        counted |= json.loads(line)
    return counted


def main(words: list[str]) -> int:
    """Runs what has not passed yet; 0 where everything has."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--only", default="", help="the steps whose name holds this word; leaves no report")
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args(words)
    began = time.time()
    wanted = [step for step in steps(given.seed) if given.only in step.name]
    if given.list:
        print("\n".join(step.name for step in wanted))
        return 0
    folder = KEPT / f"{apart.commit()}-{given.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, Any]] = {}
    for number, step in enumerate(wanted, 1):
        kept = folder / f"{step.name.replace('/', '_').replace(' ', '_')}.json"
        before = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        again = before.get("passed") is True
        results[step.name] = before if again else run(step, kept.with_suffix(".log"))
        kept.write_text(json.dumps(results[step.name]), encoding="utf-8")
        result = results[step.name]
        verdict = (
            ("passed before" if again else "passed") if result["passed"] else f"FAILED, see {kept.with_suffix('.log')}"
        )
        print(f"{number}/{len(wanted)} {step.name}: {verdict}, {result['seconds']} s", flush=True)
    good = all(result["passed"] for result in results.values())
    if given.only:
        return 0 if good else 1
    command = f"python -m tools.deep --seed {given.seed}"
    spent = round(sum(result["seconds"] for result in results.values()))
    return apart.publish("test-deep", command, began, good, {"seed": given.seed, "spent": spent, "steps": results})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
