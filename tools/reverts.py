"""Fails when an error of the contracts' ABIs was never seen, with its arguments checked, in the last run of the tests.

Evidence is what really happened, not what sources say:

- `build/forge.json`: the traces of Foundry's tests. A call that reverted shows its data; it counts as checked when the
  same, passing test handed those very bytes to a cheat that compares (`expectRevert(bytes)`, `assertEq(bytes,bytes)`).
  A selector alone is enough only for an error without arguments, whose data is its selector.
- `build/reverts/python-*.json`: what the recorder (`tests/recorder.py`) saw in the Python suite.

`tests/unreachable_errors.toml` lists the errors that no call can reach, each with its reason; one that was seen after
all must leave the list.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deedbook.chain import abis, artifacts

ROOT = Path(__file__).resolve().parent.parent
FORGE = ROOT / "build" / "forge.json"
PYTHON = ROOT / "build" / "reverts"
UNREACHABLE = ROOT / "tests" / "unreachable_errors.toml"
BUILT = ROOT / "contracts" / "out"
CHEATS = "0x7109709ecfa91a80626ff3989d68f67f5b1dd12d"
_FILES = {"Forwarder": "ERC2771Forwarder"}

Error = tuple[str, str]
"""A contract's name and its error's."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One refusal that happened: by which contract, in which test, and whether its arguments were compared."""

    error: Error
    test: str
    checked: bool


def main() -> int:
    """Prints what is missing; returns 0 when nothing is."""
    if not FORGE.exists():
        print("build/forge.json is missing: run tools/check forge first", file=sys.stderr)
        return 1
    unreachable = read_unreachable(UNREACHABLE)
    seen = [*forge_sightings(json.loads(FORGE.read_bytes()), _creation_codes()), *python_sightings(PYTHON)]
    complaints = judge(all_errors(), seen, unreachable)
    for line in complaints:
        print(f"  {line}")
    checked = len({sighting.error for sighting in seen if sighting.checked})
    print(f"reverts: {checked} of {len(all_errors())} errors checked, {len(unreachable)} unreachable")
    return 1 if complaints else 0


def judge(errors: Iterable[Error], seen: Iterable[Sighting], unreachable: Mapping[Error, str]) -> list[str]:
    """What is wrong: errors never seen, seen but never checked, listed as unreachable though seen or though unknown."""
    known = set(errors)
    checked: set[Error] = set()
    observed: dict[Error, str] = {}
    for sighting in seen:
        observed.setdefault(sighting.error, sighting.test)
        if sighting.checked:
            checked.add(sighting.error)
    found = [
        f"{_name(e)}: listed as unreachable, but {observed[e]} saw it" for e in sorted(unreachable) if e in observed
    ]
    found += [f"{_name(e)}: listed as unreachable, but no ABI has it" for e in sorted(unreachable) if e not in known]
    for error in sorted(known - checked - unreachable.keys()):
        where = f"seen in {observed[error]}, its arguments never checked" if error in observed else "never seen"
        found.append(f"{_name(error)}: {where}")
    return found


def all_errors() -> list[Error]:
    """Every error of every committed ABI."""
    return sorted(
        {(contract, member.name) for contract in artifacts.NAMES for member in abis.errors(contract).values()}
    )


def read_unreachable(path: Path) -> dict[Error, str]:
    """The list of unreachable errors: `[Contract]`, then `Error = "reason"`. Raises ValueError without a reason."""
    if not path.exists():
        return {}
    found: dict[Error, str] = {}
    for contract, reasons in tomllib.loads(path.read_text(encoding="utf-8")).items():
        for error, reason in reasons.items():
            if not str(reason).strip():
                raise ValueError(f"{contract}.{error} has no reason")
            found[(contract, error)] = reason
    return found


def python_sightings(folder: Path) -> Iterator[Sighting]:
    """What the recorder's processes wrote."""
    for path in sorted(folder.glob("python-*.json")):
        for row in json.loads(path.read_bytes()):
            yield Sighting((row["contract"], row["error"]), row["test"], row["checked"])


def forge_sightings(suites: Mapping[str, Any], codes: Mapping[str, str]) -> Iterator[Sighting]:
    """The custom errors in the traces of passing tests; `codes` gives each contract's creation code, by name."""
    for place, suite in suites.items():
        for test, result in suite["test_results"].items():
            if result["status"] == "Success":
                nodes = [node["trace"] for kind, arena in result["traces"] for node in arena["arena"]]
                executed = [arena["arena"] for kind, arena in result["traces"] if kind == "Execution"]
                yield from _of_test(f"{place}::{test}", _names_of(nodes, codes), executed)


def _of_test(test: str, names: Mapping[str, str], arenas: Iterable[list[Any]]) -> Iterator[Sighting]:
    for arena in arenas:
        stated = [node["trace"]["data"][2:] for node in arena if node["trace"]["address"] == CHEATS]
        for node in arena:
            error = _error_of(node, arena, names)
            if error is not None:
                yield Sighting(error, test, any(node["trace"]["output"][2:] in words for words in stated))


def _error_of(node: Any, arena: list[Any], names: Mapping[str, str]) -> Error | None:
    """The custom error that this call itself raised; one that only passes through belongs to the call below."""
    trace = node["trace"]
    if trace["success"] or trace["address"] not in names or len(trace["output"]) < 10:
        return None
    if any(arena[child]["trace"]["output"] == trace["output"] for child in node["children"]):
        return None
    contract = names[trace["address"]]
    member = abis.errors(contract).get(bytes.fromhex(trace["output"][2:10]))
    return None if member is None else (contract, member.name)


def _names_of(traces: Iterable[Any], codes: Mapping[str, str]) -> dict[str, str]:
    """Which address is which contract, by the code that created it."""
    found = {}
    for trace in traces:
        if trace["kind"] in ("CREATE", "CREATE2"):
            data = trace["data"][2:]
            for name, code in codes.items():
                if data.startswith(code):
                    found[trace["address"]] = name
    return found


def _creation_codes() -> dict[str, str]:
    """The creation code of each contract as forge built it just now."""
    found = {}
    for name in artifacts.NAMES:
        file = _FILES.get(name, name)
        built = json.loads((BUILT / f"{file}.sol" / f"{file}.json").read_bytes())
        found[name] = built["bytecode"]["object"].removeprefix("0x")
    return found


def _name(error: Error) -> str:
    return ".".join(error)


if __name__ == "__main__":
    sys.exit(main())
