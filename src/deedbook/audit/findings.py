"""What a verification found: facts in order, each under its numbered step, and the first falsehood by its rule.

A rule has a stable name (`order.attestation`); a check either adds a fact or stops with an IntegrityError that carries
the rule, the step and what the evidence says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from deedbook.errors import IntegrityError


class Verdict(IntEnum):
    """How a verification ended; the exit code of `deedbook audit verify`."""

    VALID = 0
    CONTRADICTED = 1
    USAGE = 2
    UNDECIDED = 3


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a check found: the step's number, the rule's name, and the fact in words."""

    step: int
    rule: str
    words: str


@dataclass(frozen=True)
class Report:
    """The result of a verification.

    `findings` are what was established before the end; where the verdict is not VALID, `step`, `rule` and `reason` name
    the first thing that failed. `claims` are the exchange's plain statements, each equal to what was derived, and are
    there only when the verdict is VALID.
    """

    verdict: Verdict
    findings: tuple[Fact, ...]
    step: int | None = None
    rule: str | None = None
    reason: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 valid; 1 contradicted; 2 no usable trust given; 3 evidence missing or header not pinned."""
        return int(self.verdict)

    @property
    def summary(self) -> str:
        """The result in one line: how much was established, or the first failure by step and rule."""
        if self.verdict is Verdict.VALID:
            return f"valid: {len(self.findings)} facts established"
        place = "" if self.step is None else f" in step {self.step}"
        return f"{self.rule}{place}: {self.reason}"

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "verdict": self.verdict.name.lower(),
            "exitCode": self.exit_code,
            "step": self.step,
            "rule": self.rule,
            "reason": self.reason,
            "facts": [{"step": fact.step, "rule": fact.rule, "words": fact.words} for fact in self.findings],
            "claims": dict(self.claims),
        }


class Findings:
    """Collects facts under the step that is under way."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.step = 0

    def begin(self, step: int) -> None:
        """Starts the step of this number."""
        self.step = step

    def found(self, rule: str, words: str) -> None:
        """Adds a fact."""
        self.facts.append(Fact(self.step, rule, words))

    def require(self, kept: bool, rule: str, words: str) -> None:
        """Raises IntegrityError under the rule's name unless it is `kept`; `words` say what the evidence shows."""
        if not kept:
            raise contradiction(rule, words)


def contradiction(rule: str, words: str) -> IntegrityError:
    """The error of a rule that the evidence contradicts."""
    return IntegrityError(words, rule=rule)
