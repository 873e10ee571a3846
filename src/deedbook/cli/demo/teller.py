"""How the story is told: numbered steps on standard output in one of two languages, progress on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TextIO, TypeVar

from deedbook.chain.transactions import Receipt
from deedbook.domain.hashing import to_hex

T = TypeVar("T")


class Teller:
    """Writes the story to `out`, and keeps it.

    `language` is `zh` or `en`; every text comes as the pair (en, zh).
    """

    def __init__(self, language: str, out: TextIO = sys.stdout) -> None:
        self._chinese = language == "zh"
        self._out = out
        self._steps = 0
        self.lines: list[str] = []

    def opening(self, english: str, chinese: str, chain_id: int, home: str) -> None:
        """What this is, and where it happens."""
        where = self.words(f" (chain {chain_id}, home {home})", f"(链 {chain_id},目录 {home})")
        self._write(self.words(english, chinese) + where)

    def note(self, english: str, chinese: str) -> None:
        """A line before the story."""
        self._write(self.words(english, chinese))

    def step(self, english: str, chinese: str) -> None:
        """Begins the next step."""
        self._steps += 1
        self._write(f"\n{self._steps:2}. {self.words(english, chinese)}")

    def say(self, english: str, chinese: str) -> None:
        """One line of the present step."""
        self._write(f"    {self.words(english, chinese)}")

    def transaction(self, english: str, chinese: str, receipt: Receipt) -> None:
        """One line with the transaction that it led to: hash, block, gas."""
        what = self.words(english, chinese)
        block, gas = self.words("block", "区块"), self.words("gas", "燃料")
        tx = to_hex(receipt.tx_hash)[:14]
        self._write(f"    {what}  [tx {tx}… {block} {receipt.block_number} {gas} {receipt.gas_used:,}]")

    def words(self, english: str, chinese: str) -> str:
        """The text in the language of the story."""
        return chinese if self._chinese else english

    def progress(self, items: Iterable[T], total: int, english: str, chinese: str) -> Iterator[T]:
        """Goes through `items`; a bar on a terminal's standard error, nothing in a pipe."""
        if not sys.stderr.isatty():
            yield from items
            return
        from rich.console import Console
        from rich.progress import track

        title = self.words(english, chinese)
        yield from track(items, title, total=total, console=Console(stderr=True), transient=True)

    def _write(self, line: str) -> None:
        self.lines.append(line)
        print(line, file=self._out, flush=True)
