"""Whether the contracts' tests notice a changed contract: a seeded sample of mutants of each, and which of them
survive.

    python -m tools.mutation [--contract NAME ...] [--count 60] [--seed 20261122] [--jobs 2]

A mutant differs from its source in one place: a comparison, a boolean, an operator, a number, a guard, or a statement
left out. It is *killed* where a test fails, and *stillborn*, and not counted, where the compiler refuses it or makes
the same bytecode of it. The tests near the contract run first (`NEAR`), and what survives them meets all the others.
Each verdict is kept in `build/mutation/` at once, so that a stopped run goes on where it stopped; survivors are tried
again, and another source or seed begins anew. Works on copies of `contracts/`, never on the tree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import queue
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tools import apart
from tools.forge import CONTRACTS, ROOT, binary, with_node

KEPT = ROOT / "build" / "mutation"
LEAST = 0.9

NEAR = {
    "Consents": "{Consents,ConsentEdges,Withdrawals,ConsentTree,Signatures}",
    "Market": "{Market,Orders,OfferEdges,Kinds,Deliveries,Disputes,States,Races}",
    "Revenue": "{Revenue,Payouts,Population}",
    "AnchorLog": "{AnchorLog,AnchorLogVectors,LogTree}",
}
"""The tests that meet a contract first, by the stems of their files."""

PARTS = {
    "Consents": ("Consents", "libraries/ConsentTerms", "libraries/ConsentTree", "libraries/PackedBatches"),
    "Market": ("Market", "libraries/Offers", "libraries/Bases"),
    "Revenue": ("Revenue", "libraries/Sales", "libraries/Shares"),
    "AnchorLog": ("AnchorLog", "libraries/LogTree"),
}
"""The sources that a contract's rules stand in."""

_COMPARISONS = {"==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OPERATORS = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "%": "*",
    "&&": "||",
    "||": "&&",
    "&": "|",
    "|": "&",
    "<<": ">>",
    ">>": "<<",
}
_ASSEMBLY = {
    "add": "sub",
    "sub": "add",
    "lt": "gt",
    "gt": "lt",
    "eq": "xor",
    "and": "or",
    "shl": "shr",
    "shr": "shl",
    "or": "and",
}
_WORDS = re.compile(
    r"[A-Za-z_$][\w$]*|0x[0-9a-fA-F]+|\d[\d_]*|&&|\|\||[<>=!]=|<<|>>|\+\+|--|[-+*/%&|^]=|=>|[-+*/%<>&|!=;(){}\[\],.]"
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change in the source `part`: `[start:end]` becomes `text`. `kind` says what was done."""

    part: str
    number: int
    line: int
    start: int
    end: int
    kind: str
    before: str
    text: str

    @property
    def name(self) -> str:
        """What its verdict is kept under."""
        return f"{self.part}/{self.number}"


def mutants_of(part: str, source: str) -> list[Mutant]:
    """Every mutant of a source, in the order of their places."""
    code = _without_comments(source)
    body = next(re.finditer(r"^(?:abstract )?(?:contract|library) [^{]*{", code, flags=re.M)).end()
    found = [change for change in _changes(code) if change[0] > body]
    return [
        Mutant(part, number, source.count("\n", 0, start) + 1, start, end, kind, source[start:end], text)
        for number, (start, end, kind, text) in enumerate(sorted(set(found)))
    ]


def _without_comments(source: str) -> str:
    """The source with comments, strings and imports blanked, so that places stay."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())  # noqa: E731
    pattern = r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"|^import[^;]*;|^\s*(?:using|event|error)\b[^;]*;"
    return re.sub(pattern, blank, source, flags=re.S | re.M)


def _changes(code: str) -> Iterator[tuple[int, int, str, str]]:
    tokens = [(match.start(), match.end(), match.group()) for match in _WORDS.finditer(code)]
    for place, (start, end, word) in enumerate(tokens):
        before = tokens[place - 1][2] if place else ""
        if word in _COMPARISONS:
            yield start, end, "comparison", _COMPARISONS[word]
        elif word in _OPERATORS and not (word == "-" and before in "(,="):
            yield start, end, "operator", _OPERATORS[word]
        elif word in ("+=", "-="):
            yield start, end, "operator", {"+=": "-=", "-=": "+="}[word]
        elif word in ("++", "--"):
            yield start, end, "operator", {"++": "--", "--": "++"}[word]
        elif word in ("true", "false"):
            yield start, end, "boolean", {"true": "false", "false": "true"}[word]
        elif word == "!":
            yield start, end, "negation left out", ""
        elif re.fullmatch(r"\d[\d_]*", word) and before != "[":
            yield start, end, "number", str(int(word.replace("_", "")) + 1)
        elif word in _ASSEMBLY and place + 1 < len(tokens) and tokens[place + 1][2] == "(":
            yield start, end, "assembly operator", _ASSEMBLY[word]
        elif word == "if" and place + 1 < len(tokens):
            opened, closed = _parentheses(code, tokens[place + 1][0])
            yield opened + 1, closed, "condition", "false"
            yield opened + 1, closed, "condition", "true"
    yield from _statements(code)


def _parentheses(code: str, opened: int) -> tuple[int, int]:
    depth = 0
    for place in range(opened, len(code)):
        depth += (code[place] == "(") - (code[place] == ")")
        if depth == 0:
            return opened, place
    raise ValueError("parentheses that do not close")


def _statements(code: str) -> Iterator[tuple[int, int, str, str]]:
    """A call or an assignment that stands alone on its line, left out."""
    call, assignment = r"[_a-z][\w.\[\]()]*\([^;{}]*\)", r"[_a-z][\w.\[\] ,()]*[-+|]?= [^;{}]+"
    for match in re.finditer(rf"^ {{8,}}((?:{call}|{assignment}|(?:\+\+|--)[\w.\[\]]+);)$", code, flags=re.M):
        if not match.group(1).startswith(("return", "revert", "bytes", "uint", "address", "bool")):
            yield match.start(1), match.end(1), "statement left out", ""


class Workplace:
    """A copy of `contracts/` in which mutants are compiled and tested."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        place = folder / "contracts"
        for part in ("src", "test"):  # what was compiled before stays
            shutil.rmtree(place / part, ignore_errors=True)
        ignored = shutil.ignore_patterns("node_modules", "out", "cache")
        shutil.copytree(CONTRACTS, place, ignore=ignored, symlinks=True, dirs_exist_ok=True)
        (folder / "tests").mkdir(exist_ok=True)
        _link(place / "node_modules", CONTRACTS / "node_modules")
        _link(folder / "tests" / "vectors", ROOT / "tests" / "vectors")
        _link(folder / "src", ROOT / "src")
        self.contracts = place

    def bytecode(self, name: str) -> str | None:
        """What the contract compiles to, without its metadata; None where the compiler refuses."""
        run = self._forge("build", f"src/{name}.sol")
        if run.returncode != 0:
            return None
        artifact = json.loads((self.contracts / "out" / f"{name}.sol" / f"{name}.json").read_text())
        code = str(artifact["bytecode"]["object"])
        return hashlib.sha256(code[: -2 * 53].encode()).hexdigest()

    def passes(self, *words: str) -> bool:
        """Whether the tests pass. (A loop without end runs out of gas.)"""
        return self._forge("test", "--fail-fast", *words).returncode == 0

    def require_green(self, name: str) -> None:
        """Raises RuntimeError where the tests fail without any mutant: they would tell nothing."""
        if not (self.passes(*_near(name)) and self.passes(*_others(name))):
            raise RuntimeError(f"the tests of {name} fail already: {self.contracts}")

    def _forge(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        command = [str(binary("forge")), words[0], "--offline", *words[1:]]
        environment = {
            **with_node(),
            "FOUNDRY_DYNAMIC_TEST_LINKING": "true",
            "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": "cache/failures",
        }
        return subprocess.run(command, cwd=self.contracts, env=environment, capture_output=True, check=False)


def _link(place: Path, target: Path) -> None:
    if not place.is_symlink():
        place.symlink_to(target)


def _near(name: str) -> Sequence[str]:
    return ("--match-path", f"test/{NEAR[name]}.t.sol")


def _others(name: str) -> Sequence[str]:
    return ("--no-match-path", f"test/{NEAR[name]}.t.sol")


def judge(place: Workplace, name: str, mutant: Mutant, original: str | None) -> str:
    """`killed`, `survived` or `stillborn`."""
    path = place.contracts / "src" / f"{mutant.part}.sol"
    source = path.read_text(encoding="utf-8")
    path.write_text(source[: mutant.start] + mutant.text + source[mutant.end :], encoding="utf-8")
    try:
        code = place.bytecode(name)
        if code is None or code == original:
            return "stillborn"
        return "survived" if place.passes(*_near(name)) and place.passes(*_others(name)) else "killed"
    finally:
        path.write_text(source, encoding="utf-8")


def sample(name: str, count: int, seed: int) -> list[Mutant]:
    """The mutants in the order of trial, more than are wanted, so that the stillborn are replaced."""
    parts = [(part, CONTRACTS / "src" / f"{part}.sol") for part in PARTS[name]]
    found = [mutant for part, path in parts for mutant in mutants_of(part, path.read_text(encoding="utf-8"))]
    random.Random(f"{seed}/{name}").shuffle(found)  # noqa: S311 - a sample, no secret
    return found[: 2 * count]


def run(name: str, count: int, seed: int, places: Sequence[Workplace]) -> dict[str, object]:
    """Tries mutants until `count` of them have lived to be judged. Returns the contract's part of the report."""
    places[0].require_green(name)
    kept = KEPT / f"{name}-{seed}-{_fingerprint(name)}.json"
    before: dict[str, str] = json.loads(kept.read_text()) if kept.exists() else {}
    verdicts = {mutant: verdict for mutant, verdict in before.items() if verdict != "survived"}
    waiting: queue.Queue[Mutant] = queue.Queue()
    chosen = sample(name, count, seed)
    for mutant in chosen:
        waiting.put(mutant)
    lock = threading.Lock()

    def work(place: Workplace) -> None:
        original = place.bytecode(name)
        while True:
            with lock:
                if sum(verdict != "stillborn" for verdict in verdicts.values()) >= count or waiting.empty():
                    return
                mutant = waiting.get()
            if mutant.name in verdicts:
                continue
            verdict = judge(place, name, mutant, original)
            with lock:
                verdicts[mutant.name] = verdict
                _keep(kept, verdicts)
                _tell(name, verdicts, count)

    threads = [threading.Thread(target=work, args=(place,)) for place in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    judged = [mutant for mutant in chosen if verdicts.get(mutant.name, "stillborn") != "stillborn"]
    survivors = [mutant for mutant in judged if verdicts[mutant.name] == "survived"]
    return {
        "contract": name,
        "mutants": len(judged),
        "killed": len(judged) - len(survivors),
        "stillborn": sum(verdict == "stillborn" for verdict in verdicts.values()),
        "share": round((len(judged) - len(survivors)) / max(1, len(judged)), 4),
        "survivors": [asdict(mutant) for mutant in sorted(survivors, key=lambda mutant: (mutant.part, mutant.start))],
    }


def _keep(place: Path, verdicts: dict[str, str]) -> None:
    """Whole or not at all: a stopped run goes on from here."""
    draft = place.with_suffix(".draft")
    draft.write_text(json.dumps(verdicts), encoding="utf-8")
    draft.replace(place)


def _fingerprint(name: str) -> str:
    digest = hashlib.sha256()
    for part in PARTS[name]:
        digest.update((CONTRACTS / "src" / f"{part}.sol").read_bytes())
    return digest.hexdigest()[:16]


def _tell(name: str, verdicts: dict[str, str], count: int) -> None:
    if sys.stderr.isatty():
        killed = sum(verdict == "killed" for verdict in verdicts.values())
        survived = sum(verdict == "survived" for verdict in verdicts.values())
        print(f"\r{name}: {killed + survived} of {count}, {survived} survived ", end="", file=sys.stderr, flush=True)


def main(words: list[str]) -> int:
    """Writes the report; 1 where less than nine of ten mutants of a contract were killed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contract", action="append", choices=sorted(NEAR))
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args(words)
    began = time.time()
    KEPT.mkdir(parents=True, exist_ok=True)
    places = [Workplace(KEPT / f"place-{number}") for number in range(given.jobs)]
    parts = [run(name, given.count, given.seed, places) for name in given.contract or sorted(NEAR)]
    command = f"python -m tools.mutation --count {given.count} --seed {given.seed}"
    good = all(float(str(part["share"])) >= LEAST for part in parts)
    for part in parts:
        print(f"{part['contract']}: {part['killed']} of {part['mutants']} killed ({part['stillborn']} stillborn)")
    return apart.publish("mutation", command, began, good, {"seed": given.seed, "contracts": parts})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
