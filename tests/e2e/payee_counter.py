"""The bank counter of the demo's exchange: its second sale is settled, and nobody of it is paid yet.

The three people who named a payee in the story are forgotten to have done so.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.records.schema import payees
from tests.e2e.command_line import CommandLine

INSTITUTION, HOLDER = "工商银行贵阳分行", "王秀英"


def account_of(number: int) -> str:
    """The account of a person."""
    return f"62220240{number:011}"


@dataclass
class Counter:
    """The bank counter of the demo's exchange, and its people by the number of their seeds."""

    cli: CommandLine
    folder: Path
    asset: str
    sale: str
    consents: Mapping[int, str]

    def file(self, name: str, value: Any) -> str:
        (self.folder / name).write_text(json.dumps(value))
        return str(self.folder / name)

    def draft(self, number: int, **changes: str) -> str:
        """Typed data that names a person's payee."""
        payee = {"kind": "bank-account", "institution": INSTITUTION, "account": account_of(number), "holder": HOLDER}
        out = str(self.folder / "payee.typed")
        given = self.file("payee.json", payee | changes)
        self.cli.done("consents", "draft-payee", self.consents[number], given, "--out", out)
        return out

    def signed(self, number: int, **changes: str) -> str:
        """A payee that a person signed."""
        out = str(self.folder / f"{number}.payee")
        words = ("--seed", f"person-{number:06}", "--asset", self.asset, "--out", out)
        self.cli.done("wallet", "sign", self.draft(number, **changes), *words)
        return out

    def name(self, number: int, **changes: str) -> Any:
        """Names a person's payee."""
        return self.cli.done("consents", "name-payee", self.signed(number, **changes))

    def batch(self, *words: str) -> tuple[Any, list[dict[str, str]]]:
        """The next bank batch, and its rows."""
        out = self.folder / "batch.csv"
        made = self.cli.done("revenue", "batch", self.sale, "--out", str(out), *words)
        return made, rows_of(out.read_bytes())

    def statements(self) -> list[dict[str, str]]:
        answer = self.cli("revenue", "statements", self.sale, "--out", "-")
        assert answer.code == 0, answer.err
        return rows_of(answer.out.encode())

    def pay(self, batch: Any, receipt: str) -> Any:
        """Confirms a bank batch."""
        words = ("--batch", str(batch["batch"]), "--receipt", self.file(f"{receipt}.json", receipt), "--as", "bank")
        return self.cli.done("revenue", "payout", self.sale, *words)


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def counter_of(cli: CommandLine, folder: Path) -> Counter:
    """The counter of the home of a told demo."""
    sales = cli.done("sales", "list")["items"]
    sale = next(each for each in sales if not each["payouts"])
    with Services.open(config.load(cli.home, {})) as services:
        with services.records.database.writing() as connection:
            connection.execute(delete(payees))
        book = services.records.consents
        (batch,) = book.batches_of(int(sale["assetId"]))
        by_subject = {subject: "0x" + consent.hex() for consent, subject in book.leaf_keys_of(batch.batch_id)}
    consents = {}
    for number in range(1, 13):
        derived = cli.done("wallet", "derive", f"person-{number:06}", "--asset", sale["assetId"])["address"]
        consents[number] = by_subject[bytes.fromhex(derived[2:])]
    return Counter(cli, folder, sale["assetId"], sale["saleId"], consents)
