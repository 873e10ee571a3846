"""Tools that live apart: in a virtual environment of their own, because of their licence or of what they pin, and
reports.

slither and halmos are AGPL programs that only developers run; nothing of Deedbook imports them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

from tools.forge import ROOT, binary, with_node

PINS = {"slither": "slither-analyzer==0.11.6", "halmos": "halmos==0.3.3"}
REPORTS = ROOT / "build" / "reports"
PUBLISHED = ROOT / "tests" / "reports"


def tool(name: str) -> Path:
    """The program, installed under `build/tools` when it is asked for the first time.

    Raises subprocess.CalledProcessError where it cannot be installed.
    """
    folder = ROOT / "build" / "tools" / name
    program = folder / "bin" / name
    done = folder / PINS[name]
    if not done.exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", PINS[name]], check=True)
        done.touch()
    return program


def environment() -> dict[str, str]:
    """The present one, with Node and forge on the PATH."""
    found = with_node()
    return {**found, "PATH": f"{binary('forge').parent}{os.pathsep}{found['PATH']}"}


def commit() -> str:
    """The commit that is checked out, with `+` where the tree differs from it."""
    head = _git("rev-parse", "HEAD")
    return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


def publish(name: str, command: str, began: float, good: bool, found: dict[str, Any]) -> int:
    """Writes `build/reports/NAME.json`, and `tests/reports/NAME.json` too where all is good. Returns the exit code."""
    report = {
        "report": name,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": command,
        "commit": commit(),
        "seconds": round(time.time() - began),
        "good": good,
        **found,
    }
    text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    for folder in (REPORTS, *([PUBLISHED] if good else [])):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    print(
        f"{name}: {'good' if good else 'NOT GOOD'}, {report['seconds']} s, build/reports/{name}.json", file=sys.stderr
    )
    return 0 if good else 1


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
