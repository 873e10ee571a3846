"""People who sign for an asset that is to be, on the demo's home: who a collection is tried with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.domain.codes import Licence, Mode, Purpose
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent, consent_id
from deedbook.domain.hashing import sha256
from deedbook.domain.notices import Notice, with_statement
from deedbook.wallet.signers import LocalSigner
from tests.e2e.command_line import CommandLine


@dataclass
class Population:
    """A home, an asset that is to be, and people who sign for it by their number."""

    cli: CommandLine
    folder: Path
    asset: str
    salt: str
    notice: Notice
    domain: ConsentDomain
    controller: bytes
    now: int

    def signed(self, number: int, **change: Any) -> SignedConsent:
        signer = LocalSigner(sha256(b"person %d" % number))
        consent = Consent(
            subject=signer.address,
            asset_id=int(self.asset),
            controller=self.controller,
            recipient=bytes(20),
            recipient_class=Licence.EMPLOYER,
            purpose=Purpose.RECRUITMENT,
            modes=Mode.RAW,
            cross_border=False,
            notice_hash=self.notice.hash,
            record_commit=sha256(b"record %d" % number),
            valid_from=self.now,
            valid_until=self.now + 10_000_000,
            statement="-",
            salt=sha256(b"salt %d" % number),
        )
        consent = with_statement(self.notice, replace(consent, **change))
        return SignedConsent(self.domain, consent, signer.sign_digest(consent_id(self.domain, consent)))

    def file(self, name: str, lines: Sequence[bytes]) -> str:
        (self.folder / name).write_bytes(b"".join(line + b"\n" for line in lines))
        return str(self.folder / name)

    def parquet(self, name: str, documents: Sequence[bytes | None], column: str = "consent") -> str:
        rows = [None if each is None else each.decode() for each in documents]
        pyarrow.parquet.write_table(pyarrow.table({"number": range(len(rows)), column: rows}), self.folder / name)
        return str(self.folder / name)

    def anchored(self, count: int) -> tuple[str, list[bytes]]:
        """The batch of so many people, and their documents."""
        lines = [self.signed(number).encode() for number in range(count)]
        self.cli.done("consents", "collect", self.file("all.ndjson", lines), "--as", "provider")
        batch = self.cli.done("consents", "anchor", self.asset, "--as", "provider", "--salt", self.salt)
        assert batch["count"] == count
        return batch["batchId"], lines


def population_of(cli: CommandLine, folder: Path) -> Population:
    """The people of a home with a published notice; their files go into the folder."""
    made = cli.done("assets", "id", "--as", "provider")
    with Services.open(config.load(cli.home, {})) as services:
        (found,) = services.records.documents.of_kind("notice")
        notice, domain = services.notice(found.hash), services.consents.domain
        controller, now = services.signer("provider").address, services.chain_time()
    asset = str(int(made["assetId"], 0)) if made["assetId"].startswith("0x") else made["assetId"]
    return Population(cli, folder, asset, made["salt"], notice, domain, controller, now)
