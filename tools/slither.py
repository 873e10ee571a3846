"""Runs slither over the contracts and compares what it finds with what was accepted, and why.

    python -m tools.slither

`contracts/slither.toml` lists the accepted findings: a detector, optionally the place, and the reason. A finding
that no entry covers is open, and so is an entry that covers nothing. Exit 0 only where nothing is open.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from tools import apart
from tools.forge import CONTRACTS, ROOT, binary

ACCEPTED = CONTRACTS / "slither.toml"


def findings() -> list[dict[str, Any]]:
    """What slither says of `contracts/src`, each with `check`, `impact`, `place` and `words`."""
    folder = ROOT / "build" / "slither"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for place in ("src", "tools", "foundry.toml", "node_modules"):
        (folder / place).symlink_to(CONTRACTS / place)
    build = [str(binary("forge")), "build", "--offline", "--build-info", "--force"]
    subprocess.run(build, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    output = folder / "slither.json"
    words = [".", "--foundry-ignore-compile", "--filter-paths", "node_modules", "--json", str(output)]
    subprocess.run(
        [apart.tool("slither"), *words], cwd=folder, env=apart.environment(), capture_output=True, check=False
    )
    said = json.loads(output.read_text(encoding="utf-8"))
    if not said["success"]:
        raise RuntimeError(f"slither failed: {said['error']}")
    return [_finding(found) for found in said["results"].get("detectors", [])]


def _finding(found: dict[str, Any]) -> dict[str, Any]:
    words = re.sub(r"(?:\.\./)+contracts/", "", str(found["description"]).strip())
    return {"check": found["check"], "impact": found["impact"], "place": words.split(" (")[0], "words": words}


def compare(
    found: list[dict[str, Any]], path: Path = ACCEPTED
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Any]]:
    """The accepted findings with their reasons, the open ones, and the entries that cover nothing."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["accepted"]
    used: set[int] = set()
    accepted, still_open = [], []
    for finding in found:
        covering = [number for number, entry in enumerate(entries) if _covers(entry, finding)]
        used.update(covering)
        if covering:
            accepted.append({**finding, "reason": entries[covering[0]]["reason"]})
        else:
            still_open.append(finding)
    return accepted, still_open, [entry for number, entry in enumerate(entries) if number not in used]


def _covers(entry: dict[str, Any], finding: dict[str, Any]) -> bool:
    return entry["check"] == finding["check"] and str(finding["place"]).startswith(tuple(entry.get("places", [""])))


def main() -> int:
    """Prints the open findings and writes the report."""
    began = time.time()
    accepted, still_open, idle = compare(findings())
    for finding in still_open:
        print(f"OPEN {finding['impact']} {finding['check']}: {finding['words']}\n")
    for entry in idle:
        print(f"covers nothing: {entry}")
    found = {"tool": apart.PINS["slither"], "accepted": accepted, "open": still_open}
    return apart.publish("slither", "python -m tools.slither", began, not still_open and not idle, found)


if __name__ == "__main__":
    sys.exit(main())
