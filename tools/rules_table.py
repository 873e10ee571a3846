"""Writes `docs/rules.md` (`--write`) or checks it: every bad input, rule and contract error, and its tests.

It reads sources only, so that the table is the same on every machine:

- `docs/rules.toml` lists the bad inputs and the rules. An entry is shown by tests whose id matches one of its `tests`
  (with `*`), by tests that name one of its `errors` (`Contract.Error`), by `@pytest.mark.rule("id")` and by
  `/// @custom:rule id` above a Foundry test.
- A Foundry test shows a contract's error when it holds `IContract.Error.selector`; a Python test when it holds the
  error's name as a text.

That a named error was really seen, with its arguments, is not asked here: `tools/reverts.py` asks the run itself.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from deedbook.chain import abis, artifacts
from tools.pages import ROOT, settle
from tools.reverts import Error, read_unreachable

TABLE = ROOT / "docs" / "rules.md"
RULES = ROOT / "docs" / "rules.toml"
UNREACHABLE = ROOT / "tests" / "unreachable_errors.toml"
_LIBRARY = {"IERC721Errors": "DataAssets", "ERC2771Forwarder": "Forwarder", "IAccessManager": "AccessManager"}
_FUNCTION = re.compile(r"^    function (\w+)", re.MULTILINE)
_SELECTOR = re.compile(r"\b(\w+)\.(\w+)\.selector\b")
_RULE = re.compile(r"@custom:rule ([\w-]+)")


@dataclass(frozen=True, slots=True)
class Test:
    """One test: its id (`file::name`), the errors that it names, and the rules that it says it shows."""

    __test__ = False

    id: str
    errors: frozenset[Error]
    rules: frozenset[str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of `docs/rules.toml`."""

    kind: str
    id: str
    words: str
    answer: str
    errors: tuple[Error, ...]
    patterns: tuple[str, ...]


def main(words: Sequence[str]) -> int:
    """Writes the table, or says that it is stale; either way names what has no test."""
    tests = list(read_tests(ROOT))
    entries = read_entries(RULES)
    if settle(words, TABLE, render(entries, tests, read_unreachable(UNREACHABLE)), "make rules"):
        return 1
    complaints = gaps(entries, tests, read_unreachable(UNREACHABLE))
    for line in complaints:
        print(f"  {line}")
    return 1 if complaints else 0


def read_entries(path: Path) -> list[Entry]:
    """The bad inputs and rules. Raises KeyError where an entry lacks `id` or `words`."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Entry(
            kind,
            row["id"],
            row["words"],
            row.get("answer", ""),
            tuple((name.split(".")[0], name.split(".")[1]) for name in row.get("errors", ())),
            tuple(row.get("tests", ())),
        )
        for kind in ("bad_input", "rule")
        for row in found[kind]
    ]


def read_tests(root: Path) -> Iterator[Test]:
    """Every test of the repository, by its source."""
    for path in sorted((root / "contracts" / "test").glob("*.t.sol")):
        yield from solidity_tests(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))
    for path in sorted((root / "tests").rglob("test_*.py")):
        yield from python_tests(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def solidity_tests(file: str, source: str) -> Iterator[Test]:
    """The Foundry tests of one file; a function that they share counts for each test that calls it."""
    starts = [(match.group(1), match.start()) for match in _FUNCTION.finditer(source)]
    ends = [start for _, start in starts[1:]] + [len(source)]
    bodies = {name: source[start:end] for (name, start), end in zip(starts, ends, strict=True)}
    shared = {name: _selectors(body) for name, body in bodies.items() if not name.startswith(("test", "invariant"))}
    for index, (name, start) in enumerate(starts):
        if not name.startswith(("test", "invariant")):
            continue
        errors = _selectors(bodies[name])
        for helper, named in shared.items():
            if re.search(rf"\b{helper}\(", bodies[name]):
                errors |= named
        before = source[starts[index - 1][1] if index else 0 : start]
        rules = frozenset(_RULE.findall(before[before.rfind("    }\n") :]))
        yield Test(f"{file}::{name}", frozenset(errors), rules)


def _selectors(body: str) -> set[Error]:
    return {error for prefix, name in _SELECTOR.findall(body) for error in _resolve(name, prefix)}


def python_tests(file: str, source: str) -> Iterator[Test]:
    """The Python tests of one file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            texts = set(_texts(ast.walk(node)))
            contracts = texts & set(artifacts.NAMES)
            errors = {e for text in texts for e in _resolve(text, None) if not contracts or e[0] in contracts}
            yield Test(f"{file}::{node.name}", frozenset(errors), frozenset(_marks(node)))


def _marks(node: ast.FunctionDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("mark.rule"):
            yield from _texts(decorator.args)


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _resolve(name: str, prefix: str | None) -> set[Error]:
    """The errors of this name: of the contract that the prefix names, else of every contract that has it."""
    found = {(contract, name) for contract in artifacts.NAMES if name in _error_names(contract)}
    if prefix is None:
        return found
    contract = _LIBRARY.get(prefix, prefix.removeprefix("I") if prefix[1:2].isupper() else prefix)
    exact = found & {(contract, name)}
    return exact or found


def _error_names(contract: str) -> set[str]:
    return {member.name for member in abis.errors(contract).values()}


def shown(entry: Entry, tests: Iterable[Test]) -> list[str]:
    """The ids of the tests that show an entry."""
    return [
        test.id
        for test in tests
        if entry.id in test.rules
        or test.errors & set(entry.errors)
        or any(fnmatchcase(test.id, pattern) for pattern in entry.patterns)
    ]


def gaps(entries: Sequence[Entry], tests: Sequence[Test], unreachable: Mapping[Error, str]) -> list[str]:
    """What the table lacks: entries without a test, patterns and errors without one, marks of no entry."""
    found = [f"{entry.id}: no test shows it" for entry in entries if not shown(entry, tests)]
    for entry in entries:
        for pattern in entry.patterns:
            if not any(fnmatchcase(test.id, pattern) for test in tests):
                found.append(f"{entry.id}: no test is named {pattern}")
        found += [
            f"{entry.id}: no ABI has {'.'.join(error)}"
            for error in entry.errors
            if error[1] not in _error_names(error[0])
        ]
    named = {error for test in tests for error in test.errors}
    for contract in artifacts.NAMES:
        for name in sorted(_error_names(contract)):
            if (contract, name) not in named and (contract, name) not in unreachable:
                found.append(f"{contract}.{name}: no test names it")
    ids = {entry.id for entry in entries}
    found += [f"{test.id}: marked with the unknown rule {rule}" for test in tests for rule in sorted(test.rules - ids)]
    return found


def render(entries: Sequence[Entry], tests: Sequence[Test], unreachable: Mapping[Error, str]) -> str:
    """The table as Markdown."""
    lines = [
        "# Rules, errors and bad inputs, and the tests that show them",
        "",
        "Written by `make rules` from [rules.toml](rules.toml), the committed ABIs and the tests' sources; a test",
        "fails when this page is stale or a line has no test. `tools/reverts.py` asks every run that each error was",
        "really seen, with its arguments.",
    ]
    titles = {"bad_input": "Bad input", "rule": "Rules"}
    for kind, title in titles.items():
        rows = [entry for entry in entries if entry.kind == kind]
        head = ["what", "answer", "shown by"] if kind == "bad_input" else ["rule", "refused as", "shown by"]
        lines += ["", f"## {title}", "", f"| {' | '.join(head)} |", "|---|---|---|"]
        lines += [f"| {entry.words} | {_answer(entry)} | {_cell(shown(entry, tests))} |" for entry in rows]
    for contract in artifacts.NAMES:
        lines += ["", f"## Errors of {contract}", "", "| error | shown by |", "|---|---|"]
        for member in sorted(abis.errors(contract).values(), key=lambda each: each.name):
            error = (contract, member.name)
            cell = _cell([test.id for test in tests if error in test.errors])
            if error in unreachable:
                cell = f"unreachable: {unreachable[error]}"
            lines.append(f"| `{member.signature}` | {cell} |")
    return "\n".join(lines) + "\n"


def _answer(entry: Entry) -> str:
    words = [f"`{contract}.{name}`" for contract, name in entry.errors]
    return ", ".join([entry.answer, *words] if entry.answer else words)


def _cell(ids: Sequence[str], most: int = 4) -> str:
    """The first few ids, short: the file's name and the test's."""
    if not ids:
        return "**nothing**"
    short = [f"`{Path(place).name}::{name}`" for place, name in (each.split("::") for each in ids)]
    rest = len(short) - most
    return "<br>".join(short[:most]) + (f"<br>and {rest} more" if rest > 0 else "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
