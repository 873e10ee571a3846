"""What a bench says: a table for people, and `build/bench/NAME.json` for everybody else (DESIGN section 7).

    {"name", "machine", "rows": [{"what", "value", "unit", "against", "ratio", "bar", "holds"}]}

A row without a bar is there for comparison and holds. Knows nothing of what was measured.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "bench"
KEPT = ROOT / "tests" / "reports"


@dataclass(frozen=True, slots=True)
class Row:
    """One number: what was done, how much it took, whose number stands against it, and what it had to keep to.

    `against` is the peer in words and `peer` its number, in the same unit; `bar` says what is asked, in words.
    """

    what: str
    value: float
    unit: str
    against: str = ""
    peer: float | None = None
    bar: str | None = None
    holds: bool = True

    @property
    def ratio(self) -> float | None:
        """value / peer to four figures, where there is one."""
        return float(f"{self.value / self.peer:.4g}") if self.peer else None

    def to_json(self) -> dict[str, Any]:
        """The row as it is written."""
        against = f"{self.against}: {_number(self.peer)}" if self.peer is not None else self.against or None
        return {
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "against": against,
            "ratio": self.ratio,
            "bar": self.bar,
            "holds": self.holds,
        }


def machine(**tools: str) -> str:
    """What it ran on, in one line."""
    words = [platform.system(), platform.machine(), f"{os.cpu_count()} cores", f"Python {platform.python_version()}"]
    return ", ".join([*words, *(f"{name} {version}" for name, version in tools.items())])


def write(name: str, where: str, rows: Sequence[Row], details: str = "", folder: Path = FOLDER, **more: Any) -> bool:
    """Prints the table and writes the report; returns whether every bar holds.

    `details` are lines to go with the table, `more` further members of the JSON.
    """
    print("\n\n".join([details, table(rows)]) if details else table(rows))
    folder.mkdir(parents=True, exist_ok=True)
    report = {"name": name, "machine": where, "rows": [row.to_json() for row in rows], **more}
    (folder / f"{name}.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / f"{name}.md").write_text(markdown(name, where, rows, details), encoding="utf-8")
    return all(row.holds for row in rows)


def table(rows: Sequence[Row]) -> str:
    """The rows as text, numbers to the right."""
    return aligned([_HEAD, *map(_cells, rows)], right=(1, 4))


def keep(name: str) -> None:
    """Makes the report that was just written the last good one: tests/reports/bench-NAME.json and .md."""
    KEPT.mkdir(parents=True, exist_ok=True)
    for kind in ("json", "md"):
        shutil.copy(FOLDER / f"{name}.{kind}", KEPT / f"bench-{name}.{kind}")


def markdown(name: str, where: str, rows: Sequence[Row], details: str = "") -> str:
    """The rows as a Markdown table, and the details as they are."""
    lines = ["| " + " | ".join(cells) + " |" for cells in [_HEAD, *map(_cells, rows)]]
    rule = "| --- | ---: | --- | --- | ---: | --- | --- |"
    more = ["", "```", details, "```"] if details else []
    return "\n".join([f"# make bench-{name}", "", where, "", lines[0], rule, *lines[1:], *more]) + "\n"


def aligned(lines: Sequence[Sequence[str]], right: Sequence[int]) -> str:
    """Columns of their own width; those of `right` end together."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(_padded(line, widths, right)).rstrip() for line in lines)


def _padded(line: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> list[str]:
    pairs = enumerate(zip(line, widths, strict=True))
    return [cell.rjust(width) if i in right else cell.ljust(width) for i, (cell, width) in pairs]


def progress(words: str) -> None:
    """Says what is being done, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\033[K{words}", end="", file=sys.stderr, flush=True)


_HEAD = ("what", "value", "unit", "against", "ratio", "bar", "holds")


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.3f}" if row.ratio >= 0.001 else f"{row.ratio:.1e}"
    against = f"{row.against} {_number(row.peer)}" if row.peer is not None else row.against
    verdict = "" if row.bar is None else "yes" if row.holds else "NO"
    return (row.what, _number(row.value), row.unit, against, ratio, row.bar or "", verdict)


def _number(value: float | None) -> str:
    return (
        "" if value is None else f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 1000 else f"{value:,.2f}"
    )
