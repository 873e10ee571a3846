"""`deedbook audit verify` itself: reads two files, judges, tells. Imports neither the terminal's library nor a
database, so that a fresh process is done within a second."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deedbook.audit.findings import Report
from deedbook.audit.verify import judge
from deedbook.errors import InvalidInput

_FLAGS = {"--json": "as_json", "--quiet": "quiet"}


@dataclass
class Verification:
    """What was asked: a bundle, a trust (empty: none given), and how to tell."""

    file: str = ""
    trust: str = ""
    as_json: bool = False
    quiet: bool = False

    def run(self) -> int:
        """Verifies and tells; the exit code. Raises InvalidInput for a file that cannot be read."""
        report = judge(_read(self.file, "file"), _read(self.trust, "trust") if self.trust else None)
        if self.as_json:
            print(json.dumps(report.to_json(), indent=1, ensure_ascii=False))
        else:
            _tell(report, self.quiet)
        return report.exit_code


def asked(words: Sequence[str]) -> Verification | None:
    """What a plain `audit verify ...` asks for; None where the words need the whole grammar (help, mistakes)."""
    if list(words[:2]) != ["audit", "verify"]:
        return None
    found, rest = Verification(), list(words[2:])
    while rest:
        word = rest.pop(0)
        if word in _FLAGS:
            setattr(found, _FLAGS[word], True)
        elif word == "--trust" and rest:
            found.trust = rest.pop(0)
        elif word.startswith("--trust="):
            found.trust = word.removeprefix("--trust=")
        elif found.file or (word.startswith("-") and word != "-"):
            return None
        else:
            found.file = word
    return found if found.file else None


def _tell(report: Report, quiet: bool) -> None:
    for fact in () if quiet else report.findings:
        print(f"{fact.step:2}  {fact.rule:24} {fact.words}")
    print(report.summary)


def _read(name: str, field: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name"
        raise InvalidInput(field, f"cannot read {name}: {reason}") from error
