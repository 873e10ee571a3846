"""`make bench-demo`: the whole story on the whole survey, beside the same story of fifty people.

What a contract does for a sale does not depend on how many people are behind it: the gas of execution of anchoring,
binding, ordering and settling is the same. What is paid before the first instruction (21,000, and each byte of the
calldata, of which zeros are cheaper) is left out: hashes have more or fewer zero bytes. Exit code 0 when it is so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import select

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.records.schema import intents
from tests.bench.report import Row, keep, machine, progress, write
from tests.bench.schedule import TRANSACTION, calldata_gas

FEW: Final = 50
SURVEY: Final = 28_155
ACTS: Final = {"anchor": "grantBatch", "bind": "bind", "order": "order", "settle": "settle"}
"""The acts of a sale that all of its people are behind, with their functions."""


def execution_gas(home: Path) -> dict[str, int]:
    """The gas of execution of each of ACTS, of the first sale in a home: what was used, without what is paid before
    the first instruction."""
    found: dict[str, int] = {}
    with Services.open(config.load(home, {})) as services, services.records.database.reading() as connection:
        for name, function in ACTS.items():
            first = select(intents.c.gas_used, intents.c.calldata).where(intents.c.function == function)
            row = connection.execute(first.where(intents.c.gas_used > 0).order_by(intents.c.position).limit(1)).one()
            found[name] = int(row.gas_used) - TRANSACTION - calldata_gas(row.calldata)
    return found


def main(words: Sequence[str]) -> int:
    """Tells both, and writes the report; with `--record` it becomes the last good one."""
    parser = argparse.ArgumentParser(prog="make bench-demo")
    parser.add_argument("--people", type=int, default=SURVEY)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args(words)
    few, many = (_told(count) for count in (FEW, asked.people))
    told = f"the demo of {asked.people:,} people"
    rows = [Row(told, round(many[0], 1), "s", f"of {FEW} people", round(few[0], 1))]
    rows.append(Row(f"{told}, memory at most", round(many[2]), "MiB", f"of {FEW} people", round(few[2])))
    for act, gas in many[1].items():
        same = gas == few[1][act]
        rows.append(Row(f"{act}: gas of execution", gas, "gas", f"of {FEW} people", few[1][act], "the same", same))
    good = write("demo", machine(), rows)
    if good and asked.record:
        keep("demo")
    return 0 if good else 1


def _told(count: int) -> tuple[float, dict[str, int], float]:
    """Seconds, gas by act, and the most memory (MiB) of a demo."""
    progress(f"a demo of {count:,} people")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        command = [sys.executable, "-m", "deedbook.cli.main", "demo", "--lang", "en", "--home", str(home)]
        began = time.perf_counter()
        with subprocess.Popen([*command, "--people", str(count)], stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        spent = time.perf_counter() - began
        if process.returncode != 0:
            raise SystemExit(f"the demo of {count} people ended with exit code {process.returncode}")
        return spent, execution_gas(home), usage.ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
