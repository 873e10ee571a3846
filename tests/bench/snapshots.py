"""What is committed under contracts/snapshots, and what it is now: gas of every function, sizes, storage layouts.

    python -m tests.bench.snapshots           says what differs; exit code 1 where a number rose too much
    python -m tests.bench.snapshots --write   writes the files again (`make snapshots`)

Gas is that of the story (`tests.bench.story`) on anvil under Paris rules with the committed artifacts, so it is the
same on every machine. A number may rise by at most one in a hundred unless the change commits the new one; a fall is
only told.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from deedbook.chain import artifacts
from tests.bench.chain import running
from tests.bench.report import ROOT
from tests.bench.story import Story

FOLDER: Final = ROOT / "contracts" / "snapshots"
MOST_RISE: Final = 0.01
MOST_RUNTIME: Final = 24_576
"""EIP-170; a contract stays below it."""
MOST_INIT: Final = 49_152
"""EIP-3860, Shanghai and later."""

Numbers = Mapping[str, Mapping[str, int]]


def gas() -> dict[str, dict[str, int]]:
    """Gas of every function that changes something, by contract, as a transaction of its own."""
    with running("paris") as chain:
        return {name: dict(sorted(acts.items())) for name, acts in Story(chain).tell().gas.items()}


def sizes() -> dict[str, dict[str, int]]:
    """Bytes of each contract: its code, and what a deployment sends."""
    return {
        name: {"runtime": _bytes(built["deployedBytecode"]), "init": _bytes(built["bytecode"])}
        for name, built in ((name, artifacts.load(name)) for name in artifacts.NAMES)
    }


def layouts() -> dict[str, dict[str, Any]]:
    """Where each contract keeps what: `slot.byte name: type` of its variables, and of the structs in them."""
    return {name: _layout(artifacts.load(name)["storageLayout"]) for name in artifacts.NAMES}


def committed(name: str) -> Any:
    """What contracts/snapshots/NAME.json says."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def rises(now: Numbers, before: Numbers) -> list[str]:
    """The numbers that rose by more than `MOST_RISE`, and those that were not there."""
    return [
        f"{contract}.{name}: {value:,}, was {before.get(contract, {}).get(name, 0):,}"
        for contract, values in now.items()
        for name, value in values.items()
        if value > before.get(contract, {}).get(name, 0) * (1 + MOST_RISE)
    ]


def falls(now: Numbers, before: Numbers) -> list[str]:
    """The numbers that fell at all."""
    return [
        f"{contract}.{name}: {value:,}, was {before[contract][name]:,}"
        for contract, values in now.items()
        for name, value in values.items()
        if value < before.get(contract, {}).get(name, 0)
    ]


def _bytes(code: str) -> int:
    return len(code) // 2 - 1


def _layout(layout: Mapping[str, Any]) -> dict[str, Any]:
    types = layout["types"] or {}
    structs = {
        f"{kind['label'].removeprefix('struct ')}, {int(kind['numberOfBytes']) // 32} words": _lines(
            kind["members"], types
        )
        for kind in types.values()
        if "members" in kind
    }
    return {"state": _lines(layout["storage"], types), "structs": dict(sorted(structs.items()))}


def _lines(members: Sequence[Mapping[str, Any]], types: Mapping[str, Any]) -> list[str]:
    return [f"{each['slot']}.{each['offset']} {each['label']}: {types[each['type']]['label']}" for each in members]


def main(words: Sequence[str] | None = None) -> int:
    """Compares, or writes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.snapshots", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write contracts/snapshots again")
    wish = parser.parse_args(words)
    now: dict[str, Any] = {"gas": gas(), "sizes": sizes(), "layouts": layouts()}
    bad = []
    for name, values in now.items():
        before = committed(name) if (FOLDER / f"{name}.json").exists() else {}
        if name == "layouts":
            bad += [f"layout of {each}" for each in values if values[each] != before.get(each)]
        else:
            bad += rises(values, before)
            for line in falls(values, before):
                print(f"fell: {line}")
        if wish.write:
            write(FOLDER / f"{name}.json", values)
    for line in bad:
        print(f"{'written' if wish.write else 'ROSE OR CHANGED'}: {line}")
    return 1 if bad and not wish.write else 0


def write(place: Path, values: Any) -> None:
    """The file, one number or variable a line."""
    place.parent.mkdir(exist_ok=True)
    text = json.dumps(values, indent=1)
    place.write_text(re.sub(r"\[\s+\]", "[]", text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
