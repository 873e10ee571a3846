"""Files of signed withdrawals, NDJSON: read some lines at a time, relayed, and told by line what became of each."""

from __future__ import annotations

import collections
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from deedbook.bootstrap.services import Services
from deedbook.chain.transactions import Signer
from deedbook.cli import grammar
from deedbook.cli.counting import Counter
from deedbook.cli.ndjson import blocks_of, lines_of
from deedbook.domain.consents import Withdrawal
from deedbook.errors import DeedbookError, InvalidInput
from deedbook.ledger.withdrawing import Ending, Outcome

AT_ONCE: Final = 500
"""Withdrawals that are relayed together."""
LONGEST: Final = 4096
"""Bytes of a line; a withdrawal has some 500."""


@dataclass
class RelayedFile:
    """How many withdrawals came to which end, and the lines that were refused."""

    endings: collections.Counter[Ending] = field(default_factory=collections.Counter)
    refused: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """By ending, but for those refused."""
        return {str(each): self.endings[each] for each in Ending if each is not Ending.REFUSED}

    def add(self, outcome: Outcome) -> None:
        """Notes one more."""
        self.endings[outcome.ending] += 1
        if outcome.reason is not None:
            reason = outcome.reason
            self.refused.append({"line": outcome.line, "code": reason.code, "message": reason.message})


def relay_file(services: Services, name: str, relayer: Signer) -> RelayedFile:
    """Relays the withdrawals of a file; `-` is standard input. Raises InvalidInput (`file`) where it cannot be read."""
    relayed, done = RelayedFile(), 0
    with grammar.opened(name) as file, Counter("withdrawals", _lines_in(name)) as count:
        for some in _chunks(lines_of(blocks_of(file), LONGEST)):
            good: list[tuple[int, Withdrawal]] = []
            for line, content in some:
                try:
                    good.append((line, _withdrawal(name, line, content)))
                except DeedbookError as reason:
                    relayed.add(Outcome(line, Ending.REFUSED, reason))
            for outcome in services.withdrawing.relay(good, relayer):
                relayed.add(outcome)
            done += len(some)
            count(done)
    relayed.refused.sort(key=lambda each: int(each["line"]))
    return relayed


def _withdrawal(name: str, line: int, content: bytes) -> Withdrawal:
    if len(content) > LONGEST:
        raise InvalidInput("file", f"line {line} is longer than {LONGEST} bytes", line=line)
    return Withdrawal.from_json(grammar.json_in(content, name, line=line))


def _chunks(lines: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """Those that are not empty, with their numbers from 1, AT_ONCE together."""
    numbered = ((line, content) for line, content in enumerate(lines, start=1) if content.strip())
    while some := list(islice(numbered, AT_ONCE)):
        yield some


def _lines_in(name: str) -> int:
    """How many there are, roughly, for who looks on."""
    if name == "-" or not sys.stderr.isatty() or not Path(name).is_file():  # what comes out of a pipe comes once
        return 0
    with Path(name).open("rb") as file:
        return sum(1 for content in lines_of(blocks_of(file), LONGEST) if content.strip())
