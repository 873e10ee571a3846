"""Runs halmos over the symbolic tests of `contracts/test/symbolic`: for all inputs within their bounds, not for some.

python -m tools.halmos [--match WORD]
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from typing import Any

from tools import apart
from tools.forge import CONTRACTS, ROOT

SYMBOLIC = CONTRACTS / "test" / "symbolic"
SECONDS = 600


def check(contract: str) -> dict[str, Any]:
    """What halmos says of each function of a contract: `{"function": {"passed": bool, "paths": n, "seconds": s}}`."""
    output = ROOT / "build" / "halmos" / f"{contract}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.unlink(missing_ok=True)
    words = ["--contract", contract, "--function", "check_", "--json-output", str(output)]
    words += ["--solver-timeout-assertion", str(SECONDS * 1000)]
    run = subprocess.run(
        [apart.tool("halmos"), *words],
        cwd=CONTRACTS,
        env=apart.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if not output.exists():
        raise RuntimeError(f"halmos said nothing of {contract}: {run.stdout[-2000:]}{run.stderr[-2000:]}")
    said = json.loads(output.read_text(encoding="utf-8"))["test_results"]
    found = {}
    for results in said.values():
        for result in results:
            paths = result.get("num_paths") or [None]
            found[result["name"]] = {"passed": result["exitcode"] == 0, "paths": paths[0]}
    return found


def main(words: list[str]) -> int:
    """Prints each property and writes the report; 0 where all hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--match", default="")
    given = parser.parse_args(words)
    began = time.time()
    contracts: dict[str, dict[str, Any]] = {}
    for path in sorted(SYMBOLIC.glob("*.t.sol")):
        for name in re.findall(r"^contract (\w+)", path.read_text(encoding="utf-8"), flags=re.M):
            if given.match in name:
                contracts[name] = check(name)
                for function, result in contracts[name].items():
                    print(f"{name}.{function}: {'holds' if result['passed'] else 'DOES NOT HOLD'}", flush=True)
    results = [result for found in contracts.values() for result in found.values()]
    good = bool(results) and all(result["passed"] for result in results)
    if given.match:
        return 0 if good else 1
    return apart.publish(
        "halmos", "python -m tools.halmos", began, good, {"tool": apart.PINS["halmos"], "contracts": contracts}
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
