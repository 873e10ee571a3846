"""`make bench-verify`: one sale's bundle verified offline, 500 people, from start to exit (DESIGN 5, row 12).

The demo makes the bundle. Runs of `deedbook audit verify` and of a Python that does nothing take turns, so that both
meet the same machine; what is shown is their medians, and what the process itself spent. Exit code 0 when the bar
holds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.report import Row, keep, machine, progress, write

PEOPLE: Final = 500
RUNS: Final = 9
COMMAND: Final = (sys.executable, "-m", "deedbook.cli.main")


def main(words: Sequence[str]) -> int:
    """Measures and writes the report; with `--record` it becomes the last good one."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        progress(f"a sale of {PEOPLE} people")
        subprocess.run(
            [*COMMAND, "demo", "--people", str(PEOPLE), "--home", str(home)], check=True, capture_output=True
        )
        verify = [
            *COMMAND,
            "audit",
            "verify",
            str(home / "sale-1.deed"),
            "--trust",
            str(home / "trust.json"),
            "--quiet",
        ]
        pairs = []
        for number in range(RUNS):
            progress(f"run {number + 1} of {RUNS}")
            pairs.append((_run(verify), _run([sys.executable, "-c", ""])))
    wall = median(ours[0] for ours, _ in pairs)
    spent = median(ours[1] for ours, _ in pairs)
    bare = median(nothing[0] for _, nothing in pairs)
    what = f"12. audit verify, {PEOPLE} people, from start to exit"
    rows = [
        Row(what, round(wall, 3), "s", "a Python that does nothing", round(bare, 3), "< 1 s", wall < 1),
        Row("12. the same, seconds of the processor", round(spent, 3), "s"),
    ]
    good = write("verify", machine(), rows)
    if good and "--record" in words:
        keep("verify")
    return 0 if good else 1


def _run(command: Sequence[str]) -> tuple[float, float]:
    """Seconds on the wall and of the processor. Raises CalledProcessError where the command fails."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    ended, after = time.perf_counter(), os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return ended - began, spent


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
