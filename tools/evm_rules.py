"""The same bytecode under other rules: the forge suite and the whole story on every rule set from London to Prague.

    python -m tools.evm_rules [--quick] [--via-ir] [RULES ...]

The code stays what the pinned compiler makes for Paris: the suite's fixture sets the rules when it runs
(`DEEDBOOK_EVM`, read by contracts/test/Base.t.sol), and anvil runs the committed artifacts under each of them; every
log and every journal head must come out as under Paris. `--quick` leaves out fuzzed and stateful tests and, of the
suite, all rules but the oldest and the newest. `--via-ir` compiles the contracts through the other pipeline instead,
puts them where the suite's tests find what they deploy, and compares the story's outcome too. Exit code 0 where all
agree.

Two kinds of test do not pass through the fixture: of pure libraries (they deploy nothing), and of rules themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tools.forge import CONTRACTS, binary, with_node

RULES = ("london", "paris", "shanghai", "cancun", "prague")
QUICK = ("london", "prague")
PARIS = "paris"
PLAIN_TESTS = r"^test\w*\(\)$"
"""Tests without parameters."""


def main(words: Sequence[str]) -> int:
    """Runs what is asked; prints a line each."""
    parser = argparse.ArgumentParser(prog="python -m tools.evm_rules", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="no fuzzed or stateful tests; the suite twice only")
    parser.add_argument("--via-ir", action="store_true", help="the other pipeline, under Paris rules")
    parser.add_argument(
        "rules", nargs="*", metavar="RULES", help=f"of {', '.join(RULES)}; all of them where none is named"
    )
    given = parser.parse_args(words)
    if unknown := set(given.rules) - set(RULES):
        parser.error(f"unknown rules: {', '.join(sorted(unknown))}")
    os.environ.update(with_node())
    tests = ["--match-test", PLAIN_TESTS] if given.quick else []
    if given.via_ir:
        return 0 if via_ir(tests) else 1
    rules = given.rules or RULES
    found = [timed(f"suite under {each}", partial(suite, each, tests)) for each in _of(rules, given.quick)]
    told = [each for each in RULES if each in rules or each == PARIS]
    found.append(timed(f"story under {', '.join(told)}", lambda: stories_agree(told)))
    return 0 if all(found) else 1


def _of(rules: Sequence[str], quick: bool) -> Sequence[str]:
    return [each for each in rules if each in QUICK or not quick]


def timed(what: str, work: Callable[[], bool]) -> bool:
    """Does it and says how it went."""
    began = time.monotonic()
    good = work()
    print(f"evm rules: {what}: {'passed' if good else 'FAILED'}, {time.monotonic() - began:.0f} s", flush=True)
    return good


def suite(rules: str, tests: Sequence[str], profile: str | None = None) -> bool:
    """Whether forge's tests pass under these rules; what failed is printed."""
    command = [str(binary("forge")), "test", "--offline", *tests]
    environment = {**os.environ, "DEEDBOOK_EVM": rules} | ({"FOUNDRY_PROFILE": profile} if profile else {})
    done = subprocess.run(command, cwd=CONTRACTS, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "[FAIL" in line or "Error" in line]
        print("\n".join([*lines[:40], done.stderr[-2000:]]))
    return done.returncode == 0


def stories_agree(rules: Sequence[str]) -> bool:
    """Whether the story has one outcome under all of them; the first difference is printed."""
    outcomes = {each: _outcome(each) for each in rules}
    return _same(outcomes)


def via_ir(tests: Sequence[str]) -> bool:
    """Whether suite and story come out the same with contracts of the other pipeline.

    What the tests themselves inherit, and the library contracts, stay as they are.
    """
    from deedbook.chain import artifacts, compiler

    environment = {**os.environ, "FOUNDRY_PROFILE": "ir"}
    subprocess.run([str(binary("forge")), "build", "--offline", "--quiet"], cwd=CONTRACTS, env=environment, check=True)
    ours = [name for name in artifacts.NAMES if name not in compiler.FROM_LIBRARY]
    built = compiler.compile_contracts(CONTRACTS, via_ir=True)
    for name in ours:
        _replace(CONTRACTS / "cache" / "ir" / "out" / f"{name}.sol" / f"{name}.json", built[name])
    return all(
        [
            timed("suite via-IR", partial(suite, PARIS, tests, "ir")),
            timed(
                "story via-IR", lambda: _same({"legacy": _outcome(PARIS), "via-IR": _outcome(PARIS, built.__getitem__)})
            ),
        ]
    )


def _replace(place: Path, built: Mapping[str, Any]) -> None:
    """Puts the code of another build into forge's own artifact."""
    artifact = json.loads(place.read_bytes())
    for kind in ("bytecode", "deployedBytecode"):
        artifact[kind]["object"] = built[kind]
    place.write_text(json.dumps(artifact), encoding="utf-8")


def _outcome(rules: str, load: Callable[[str], Mapping[str, Any]] | None = None) -> Mapping[str, str]:
    from tests.bench.chain import running
    from tests.bench.story import Story

    with running(rules) as chain:
        story = Story(chain, load) if load else Story(chain)
        return story.tell().outcome()


def _same(outcomes: Mapping[str, Mapping[str, str]]) -> bool:
    first = next(iter(outcomes.values()))
    differing = [f"{name}: {what}" for name, each in outcomes.items() for what in each if each[what] != first[what]]
    print("\n".join(differing), end="\n" if differing else "")
    return not differing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
