"""Writes the rules of the contracts into `contracts/README.md` (`--write`), or says that they are stale.

    python -m tools.contract_rules [--write]

One line a rule: its words (the comment above the error in the interface), the error, the functions that can refuse with
it, and a test that sees it. Which functions is read from the sources: who calls whom, down to the `revert`. A rule
without words, without a function or without a test is a failure, so that the table is whole.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deedbook.chain import artifacts
from tools.pages import ROOT, settle
from tools.reverts import Error, read_unreachable
from tools.rules_table import UNREACHABLE, Test, read_tests

SOURCES = ROOT / "contracts" / "src"
README = ROOT / "contracts" / "README.md"
BEGIN, END = "<!-- rules: written by tools/contract_rules.py -->", "<!-- end of the rules -->"
OWN = tuple(name for name in artifacts.NAMES if name not in ("AccessManager", "Forwarder"))
_FUNCTION = re.compile(r"^    (?:function (\w+)|constructor)\s*\(", re.MULTILINE)
_ERROR = re.compile(r"((?:^    ///[^\n]*\n)*)^    error (\w+)\(", re.MULTILINE)


@dataclass(slots=True)
class Function:
    """One function (or several of one name): what it reverts with, what it calls, whether others may call it."""

    reverts: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    open: bool = False


def words_of(contract: str) -> dict[str, str]:
    """The errors that the contract's interface declares, with the comment above each."""
    text = (SOURCES / "interfaces" / f"I{contract}.sol").read_text(encoding="utf-8")
    return {
        name: " ".join(re.sub(r"^\s*/// ?", "", comment, flags=re.M).split()) for comment, name in _ERROR.findall(text)
    }


def functions_of(text: str) -> dict[str, Function]:
    """The functions of one source file, by name."""
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    found: dict[str, Function] = {}
    for match in _FUNCTION.finditer(code):
        head, body = _parts(code, match.end() - 1)
        function = found.setdefault(match.group(1) or "constructor", Function())
        function.open |= match.group(1) is None or bool(re.search(r"\b(external|public)\b", head))
        function.reverts |= set(re.findall(r"\brevert (?:\w+\.)?(\w+)\(", body))
        function.calls |= set(re.findall(r"\b(?!revert\b)(\w+)\(", re.sub(r"\brevert (?:\w+\.)?\w+\(", "(", body)))
    return found


def _parts(code: str, opened: int) -> tuple[str, str]:
    """Of a function whose parameters open here: all between them and its body, and the body."""
    start = min((place for place in (code.find("{", opened), code.find(";", opened)) if place >= 0), default=opened)
    if code[start] == ";":
        return code[opened:start], ""
    depth = 0
    for place in range(start, len(code)):
        depth += (code[place] == "{") - (code[place] == "}")
        if depth == 0:
            return code[opened:start], code[start : place + 1]
    raise ValueError("braces that do not close")


def refusals(contract: str) -> dict[str, list[str]]:
    """The errors that the contract's own code raises, each with the open functions that reach it, in source order."""
    text = (SOURCES / f"{contract}.sol").read_text(encoding="utf-8")
    own = functions_of(text)
    everything = dict(own)
    for other in _imported(text):
        for name, function in functions_of(other).items():
            known = everything.setdefault(name, Function())
            known.reverts |= function.reverts
            known.calls |= function.calls
    found: dict[str, list[str]] = {}
    for name, function in own.items():
        if function.open:
            for error in sorted(_reached(name, everything)):
                found.setdefault(error, []).append(name)
    return found


def _imported(text: str) -> Iterator[str]:
    """The project's sources that one imports, and theirs: bases and libraries, not interfaces."""
    waiting, seen = re.findall(r'from "(\.{1,2}/[^"]+)"', text), set()
    while waiting:
        name = Path(waiting.pop()).name
        places = [SOURCES / name, SOURCES / "libraries" / name]
        path = next((place for place in places if place.exists()), None)
        if path is None or path in seen:
            continue
        seen.add(path)
        source = path.read_text(encoding="utf-8")
        waiting += re.findall(r'from "(\.{1,2}/[^"]+)"', source)
        yield source


def _reached(name: str, functions: Mapping[str, Function]) -> set[str]:
    waiting, seen, found = [name], set(), set()
    while waiting:
        at = waiting.pop()
        if at in seen or at not in functions:
            continue
        seen.add(at)
        found |= functions[at].reverts
        waiting += functions[at].calls
    return found


def render(tests: Sequence[Test]) -> tuple[str, list[str]]:
    """The table, and what is missing in it."""
    unreachable = read_unreachable(UNREACHABLE)
    lines, missing = [], []
    for contract in OWN:
        lines += [f"### {contract}", "", "| rule | refused by | error | seen in |", "|---|---|---|---|"]
        reached = refusals(contract)
        for error, words in words_of(contract).items():
            shown = [test.id for test in tests if (contract, error) in test.errors]
            raising = reached.get(error, [])
            if not words:
                missing.append(f"{contract}.{error}: no words above it in the interface")
            if not raising:
                missing.append(f"{contract}.{error}: no function of {contract} reaches it")
            if not shown and (contract, error) not in unreachable:
                missing.append(f"{contract}.{error}: no test names it")
            lines.append(
                f"| {words} | {_names(raising)} | `{error}` | {_test(shown, unreachable, (contract, error))} |"
            )
        lines.append("")
    return "\n".join(lines), missing


def _names(functions: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in functions)


def _test(shown: Sequence[str], unreachable: Mapping[Error, str], error: Error) -> str:
    if not shown:
        return unreachable.get(error, "")
    first = min(shown, key=lambda test: (not test.startswith("contracts/"), len(test)))
    return f"`{first.removeprefix('contracts/test/')}`"


def main(words: Sequence[str]) -> int:
    """1 where the file is stale or the table has gaps."""
    table, missing = render(list(read_tests(ROOT)))
    for line in missing:
        print(f"  {line}")
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    whole = f"{before}{BEGIN}\n\n{table}\n{END}{rest.split(END)[1]}"
    if settle(words, README, whole, "make rules"):
        return 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
