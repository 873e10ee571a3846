"""`make bench-million`: the sale of a million people's records on the embedded chain, by commands alone.

A home is made, a million people sign, and then everything happens that happens in any sale: their consents are
collected out of a file, anchored in one transaction, verified by the auditor, their records sealed, the version bound,
offered, ordered and paid; one in a hundred withdraws, relayed in batches; the rest is prepared, delivered in one
envelope, opened by the buyer, settled; everybody gets a statement, and everybody is paid. Each command is a process of
its own: its seconds and its largest resident memory are noted (of itself or of a process that it started, whichever is
larger; and never less than that of the drill itself, from which it is started), and its gas.

The people sign once; what they signed is kept under build/bench-million, for the home's keys are drawn from a counter.
At the end it is looked at what came of it: the buyer has every record but those of the withdrawn, the payouts are the
people's pool to the fen, and one person's statement verifies without the exchange. Exit code 0 when that holds and no
process needed more than 1.5 GiB.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import func, select

from deedbook import config
from deedbook.bootstrap.home import Home
from deedbook.bootstrap.processes import checking_processes
from deedbook.bootstrap.services import Services
from deedbook.domain.assets import asset_id
from deedbook.domain.consents import ConsentDomain, Withdrawal, record_commit, withdrawal_digest
from deedbook.domain.hashing import canonical_json, from_hex, sha256, to_hex
from deedbook.domain.notices import load_notice
from deedbook.domain.payees import Payee, PayeeKind, SignedPayee, payee_digest
from deedbook.queries.sales import sale
from deedbook.records.schema import intents
from tests.bench.consents import DAY, MADE_AT_ONCE, ROW, YEAR, Campaign, Population, population, signer_of
from tests.bench.report import ROOT, Row, aligned, keep, machine, progress, write
from tests.conftest import Entropy

PEOPLE: Final = 1_000_000
ONE_IN: Final = 100
"""One in so many withdraws."""
NAMED: Final = 200
"""Places of the first bank batch: of ten people nine have named a payee, the last does so afterwards."""
BATCHES: Final = 5
"""Bank batches that pay everybody else, by their ordinals."""
MOST_MIB: Final = 1536
SEASON: Final = 90 * DAY
"""For how long what people signed is kept and signed anew afterwards: their consents have to be in force."""
MEMBERS: Final = (
    ("exchange", "--role", "operator", "--role", "relayer"),
    ("provider", "--role", "provider"),
    ("firm", "--role", "reviewer", "--licence", "law-firm"),
    ("auditor", "--role", "auditor"),
    ("bank", "--role", "settler"),
    ("employer", "--role", "buyer", "--licence", "employer"),
)
SALT: Final = sha256(b"asset of a million")
DESCRIPTOR: Final = {
    "format": "deedbook.descriptor",
    "version": 1,
    "language": "en",
    "title": "resumes",
    "description": "one record a person, made by a seeded generator",
    "kind": 1,
    "fields": [
        {"name": name, "type": kind, "unit": unit, "description": "synthetic"}
        for name, kind, unit in (
            ("education", "integer", "a"),
            ("experience", "integer", "a"),
            ("name", "text", ""),
            ("number", "integer", ""),
            ("phone", "text", ""),
            ("wageCents", "integer", "USD/100"),
        )
    ],
    "period": {"from": 1, "until": 2},
    "source": "a seeded generator",
    "quality": {},
}


class Campaigned(Campaign):
    """The campaign of a sale: consents commit to the records that are sealed."""

    def commitment(self, number: int) -> bytes:
        """Of `record_of`."""
        return record_commit(*record_of(number))


def record_of(number: int) -> tuple[bytes, dict[str, Any]]:
    """A person's salt and record, some 200 bytes with it."""
    drawn = sha256(b"record %d" % number)
    return sha256(b"record salt %d" % number), {
        "education": drawn[0] % 19,
        "experience": drawn[1] % 50,
        "name": f"person {drawn[2:10].hex()}",
        "number": number,
        "phone": f"+86000{int.from_bytes(drawn[10:14], 'big'):010}",
        "wageCents": int.from_bytes(drawn[14:17], "big"),
    }


# -- commands ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """What a command printed, how many seconds it took, and the largest resident memory of a process in it (MiB)."""

    found: Any
    seconds: float
    mib: float


class Shell(Protocol):
    """Runs a command of `deedbook` on the drill's home; raises where it fails."""

    def __call__(self, *words: str) -> Done:
        """What the command printed as JSON."""


@dataclass(frozen=True)
class Processes:
    """A `Shell` that gives each command a process; what they show on a terminal is shown."""

    home: Path

    def __call__(self, *words: str) -> Done:
        """As `Shell`."""
        command = [sys.executable, "-m", "deedbook.cli.main", "--home", str(self.home), *words, "--json"]
        errors = None if sys.stderr.isatty() else subprocess.PIPE
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=_environment()) as process:
            assert process.stdout is not None
            out = process.stdout.read()
            said = b"" if process.stderr is None else process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        spent = time.perf_counter() - began
        if process.returncode != 0:
            raise SystemExit(f"deedbook {' '.join(words)}: exit code {process.returncode}\n{said.decode()}")
        return Done(json.loads(out), spent, usage.ru_maxrss / 1024)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DEEDBOOK_")}
    return {**kept, "PYTHONPATH": str(ROOT / "src")}


# -- the drill ---------------------------------------------------------------------------------------------------------


@dataclass
class Stage:
    """One stage of the sale: what it handled, how many of them, and what it took."""

    name: str
    count: int
    seconds: float = 0.0
    mib: float = 0.0
    gas: int = 0
    size: int = 0


@dataclass
class Drill:
    """The sale of `count` people in a home of its own; `stages` is what was measured."""

    shell: Shell
    folder: Path
    count: int
    executor: Executor
    kept: Path
    stages: list[Stage] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where the home is."""
        return self.folder / "home"

    @property
    def gone(self) -> int:
        """How many withdraw."""
        return self.count // ONE_IN

    def run(self) -> None:
        """The whole sale."""
        self.found()
        self.admit()
        people = self.sign()
        self.collect(people)
        self.seal()
        self.offer()
        self.withdraw()
        self.deliver()
        self.pay(people)
        self.audit()

    # -- stages

    @contextlib.contextmanager
    def stage(self, name: str, count: int = 1) -> Iterator[Callable[..., Any]]:
        """Runs commands whose time, memory and gas count as this stage's."""
        stage = Stage(name, count)
        self.stages.append(stage)
        progress(name)

        def run(*words: str) -> Any:
            done = self.shell(*words)
            stage.seconds += done.seconds
            stage.mib = max(stage.mib, done.mib)
            stage.gas += int(done.found.get("gas", 0)) if isinstance(done.found, dict) else 0
            return done.found

        yield run

    def quietly(self, *words: str) -> Any:
        """A command that is not measured."""
        progress(" ".join(words[:2]))
        return self.shell(*words).found

    def file(self, name: str, content: Any) -> str:
        """A small file for a command."""
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return str(path)

    def path(self, name: str) -> str:
        """Where a command is to write."""
        return str(self.folder / name)

    # -- the story

    def found(self) -> None:
        """A home whose keys, and so whose addresses, are the same every time."""
        shutil.rmtree(self.home, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        Home.create(self.home)
        with Services.init(config.load(self.home, {}), entropy=Entropy("million")) as services:
            for name, *_ in MEMBERS:
                services.create_account(name)
            provider = services.signer("provider").address
            number = asset_id(services.chain_id, services.addresses["DataAssets"], provider, SALT)
            notice = load_notice("en", controller="a merchant", contact="by letter", asset_title="resumes")
            services.records.documents.put("notice", notice.encode(), at=services.clock())
            start = services.clock() // SEASON * SEASON
            domain = services.consents.domain
        self.known |= {"asset": str(number), "domain": domain, "provider": provider}
        self.known["campaign"] = Campaigned(domain, number, provider, notice, start, 2 * YEAR)

    def admit(self) -> None:
        """Members, the buyer's key, the policy."""
        identity = self.file("identity.json", {"name": "a firm"})
        for name, *rest in MEMBERS:
            self.quietly("members", "admit", name, *rest, "--identity", identity)
        self.quietly("members", "register-key", "--as", "employer")
        policy = ("--kind", "personal", "--mode", "raw", "--to-list", "source-legality", "--to-order", "legal-opinion")
        self.quietly("offers", "set-policy", *policy)

    def sign(self) -> Population:
        """The people's consents, records and withdrawals, in files; made once."""
        campaign: Campaigned = self.known["campaign"]
        words = (campaign.domain.contract, campaign.asset_id.to_bytes(32, "big"), campaign.start.to_bytes(8, "big"))
        folder = self.kept / sha256(b"".join(words)).hex()[:16]
        people = population(self.count, self.executor, campaign, folder)
        for name, lines, numbers in (
            ("records", _records, range(self.count)),
            ("withdrawals", partial(_withdrawals, campaign.domain, people), range(0, self.gone * ONE_IN, ONE_IN)),
        ):
            path = folder / f"{self.count}.{name}"
            self.known[name] = str(path)
            if path.exists():
                continue
            spans = [numbers[at : at + MADE_AT_ONCE] for at in range(0, len(numbers), MADE_AT_ONCE)]
            with path.with_suffix(".part").open("wb") as file:
                for span, made in zip(spans, self.executor.map(lines, spans), strict=True):
                    progress(f"{name}: {span.start:,}")
                    file.write(made)
            path.with_suffix(".part").replace(path)
        return people

    def collect(self, people: Population) -> None:
        """Collected, anchored in one transaction, verified, attested."""
        asset, count = self.known["asset"], str(self.count)
        with self.stage("collect, with receipts", self.count) as run:
            words = ("--as", "provider", "--out", self.path("receipts.ndjson"), "--asset", asset, "--count", count)
            assert run("consents", "collect", str(people.documents), *words)["consents"] == self.count
        with self.stage("anchor", self.count) as run:
            anchored = run("consents", "anchor", asset, "--as", "provider", "--salt", to_hex(SALT))
            assert anchored["count"] == self.count
        batch = self.known["batch"] = anchored["batchId"]
        with self.stage("verify-batch, the auditor's", self.count) as run:
            report = self.path("report.json")
            assert run("consents", "verify-batch", batch, "--out", report)["signatures"] == self.count
        self.quietly(
            "attestations", "attest", batch, "--kind", "consent-audit", "--document", report, "--as", "auditor"
        )

    def seal(self) -> None:
        """Sealed, registered, published, bound."""
        asset, finished = self.known["asset"], self.path("finished.json")
        draft = self.file("descriptor.json", DESCRIPTOR)
        with self.stage("seal", self.count) as run:
            into = ("--descriptor", draft, "--out", finished)
            sealed = run("payloads", "seal", asset, self.known["records"], *into)
        assert (sealed["records"], sealed["empty"]) == (self.count, 0)
        self.known |= {"payload": sealed["payloadId"], "key": sealed["versionKey"]}
        source = self.file("source.txt", "made by a generator")
        self.quietly("assets", "register", "--source", source, "--salt", to_hex(SALT), "--as", "provider")
        words = ("--payload", sealed["payloadId"], "--descriptor", finished, "--as", "provider")
        self.quietly("assets", "publish", asset, *words)
        with self.stage("bind", self.count) as run:
            run("consents", "bind", asset, "--version", "1", "--auditor", "auditor", "--as", "provider")

    def offer(self) -> None:
        """Offered, ordered, paid."""
        terms, policy = self.file("terms.txt", "recruitment only"), self.file("policy.json", {"@type": "Offer"})
        opinion, key = self.file("opinion.txt", "lawful"), self.known["key"]
        for kind in ("source-legality", "legal-opinion"):
            self.quietly("attestations", "attest", key, "--kind", kind, "--document", opinion, "--as", "firm")
        self.known["price"] = 100 * self.count + 99
        words = ("--price", str(self.known["price"]), "--terms", terms, "--policy", policy, "--exchange", "exchange")
        draft = self.path("offer.json")
        more = ("--class", "employer", "--as", "provider", "--out", draft)
        self.quietly("offers", "draft", self.known["asset"], *words, *more)
        offer = self.quietly("offers", "create", draft, "--as", "provider")["offerId"]
        with self.stage("order", self.count) as run:
            sale = self.known["sale"] = run("sales", "order", offer, "--as", "employer")["saleId"]
        receipt = self.file("paid.txt", "the price")
        self.quietly("sales", "confirm-payment", sale, "--receipt", receipt, "--as", "bank")

    def withdraw(self) -> None:
        """One in a hundred leaves; the keys of their records are destroyed in one erasure."""
        with self.stage("withdraw, relayed, and erased", self.gone) as run:
            done = run("consents", "withdraw-all", self.known["withdrawals"], "--as", "exchange")
        assert (done["withdrawn"], done["refused"], done["erased"]) == (self.gone, [], self.gone), done
        self.stages[-1].gas = self._gas_of("withdrawFor")

    def _gas_of(self, function: str) -> int:
        """Gas of all transactions of a function."""
        with Services.open(config.load(self.home, {})) as services, services.records.database.reading() as connection:
            of = select(func.sum(intents.c.gas_used)).where(intents.c.function == function)
            return int(connection.execute(of).scalar_one() or 0)

    def deliver(self) -> None:
        """Prepared, delivered, opened by the buyer, accepted."""
        sale, left = self.known["sale"], self.count - self.gone
        with self.stage("prepare", left) as run:
            assert run("sales", "prepare", sale, "--as", "provider")["live"] == left
        with self.stage("deliver", left) as run:
            assert run("sales", "deliver", sale, "--as", "provider")["deliveredCount"] == left
        self.stages[-1].size = self.known["envelope"] = self._envelope()
        with self.stage("open, by the buyer", left) as run:
            opened = run("sales", "open", sale, "--as", "employer", "--out", self.path("opened.ndjson"))
        assert opened["records"] == left
        self.known["opened"] = self._require_opened()
        self.quietly("sales", "accept", sale, "--as", "employer")
        with self.stage("settle", left) as run:
            run("revenue", "settle", sale, "--as", "exchange")

    def _envelope(self) -> int:
        """Bytes of the envelope."""
        with Services.open(config.load(self.home, {})) as services:
            services.follow()
            found = sale(services.mirror, from_hex(self.known["sale"], "sale"))
            assert found.envelope_hash is not None
            return len(services.records.deliveries.envelope(found.envelope_hash).envelope)

    def _require_opened(self) -> int:
        """That the buyer has each record once and as it was, but those of the withdrawn; how many."""
        seen = bytearray(self.count)
        for line in _lines(Path(self.path("opened.ndjson"))):
            record = json.loads(line)
            assert record == record_of(record["number"])[1]
            seen[record["number"]] += 1
        there = [int(number % ONE_IN != 0 or number >= self.gone * ONE_IN) for number in range(self.count)]
        assert list(seen) == there
        return sum(seen)

    # -- money

    def pay(self, people: Population) -> None:
        """Statements, a bank batch with people who named no payee in time, everybody else by ordinals."""
        sale, left = self.known["sale"], self.count - self.gone
        with self.stage("statements of all", left) as run:
            assert run("revenue", "statements", sale, "--out", self.path("statements.csv"))["rows"] == left
        first = min(NAMED, left // 2)
        rows = _first_rows(Path(self.path("statements.csv")), first)
        numbers = _numbers(people, {row["consentId"] for row in rows})
        late = [row["consentId"] for row in rows[9::10]]
        self._name({consent: number for consent, number in numbers.items() if consent not in late})
        self._bank_batch("bank batch of those who named a payee", 0, first, "1")
        self._name({consent: numbers[consent] for consent in late})
        self._bank_batch("bank batch of those who named one later", 1, len(late), "2")
        ends = [first + (left - first) * part // BATCHES for part in range(1, BATCHES + 1)]
        with self.stage("payout of everybody else, by ordinals", left - first) as run:
            for number, end in enumerate(ends):
                receipt = self.file(f"rest-{number}.txt", f"bank batch {number}")
                run("revenue", "payout", sale, "--end", str(end), "--receipt", receipt, "--as", "bank")
        with self.stage("statements of all, when paid", left) as run:
            run("revenue", "statements", sale, "--out", self.path("paid.csv"))
        self.known["money"] = self._require_paid()

    def _bank_batch(self, name: str, of: int, places: int, number: str) -> None:
        sale = self.known["sale"]
        with self.stage(name, places) as run:
            words = ("--list", str(of), "--most", str(places), "--out", self.path(f"bank-{number}.csv"))
            run("revenue", "batch", sale, *words)
            receipt = self.file(f"bank-{number}.txt", f"batch {number}")
            run("revenue", "payout", sale, "--batch", number, "--receipt", receipt, "--as", "bank")

    def _name(self, numbers: Mapping[str, int]) -> None:
        """These people name their payees."""
        with Services.open(config.load(self.home, {})) as services:
            domain, now = services.consents.domain, services.clock()
            for consent, number in numbers.items():
                payee = Payee(
                    from_hex(consent, "consent"), PayeeKind.BANK_ACCOUNT, "a bank", f"6222{number:012}", "a person", now
                )
                signer = signer_of(number)
                signature = signer.sign_digest(payee_digest(domain, payee))
                assert services.payees.name(SignedPayee(domain, payee, signer.address, signature))

    def _require_paid(self) -> dict[str, int]:
        """That everybody was paid the same once, and all of it is the pool to the fen."""
        entry = self.quietly("revenue", "show", self.known["sale"])
        head, left = int(entry["perHead"]), self.count - self.gone
        shares = sum(int(entry[name]) for name in ("exchangeShare", "providerShare", "carryOut"))
        shares += sum(map(int, entry["intermediaryShares"]))
        pool = int(entry["price"]) + int(entry["carryIn"]) - shares
        paid = sum(int(each["total"]) for each in entry["payouts"])
        total = rows = 0
        with Path(self.path("paid.csv")).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                assert (row["amount"], row["paid"]) == (str(head), "true"), row
                total, rows = total + int(row["amount"]), rows + 1
        assert (rows, total, paid) == (left, pool, pool)
        assert pool == head * left
        return {"pool": pool, "paid": paid, "perHead": head}

    # -- evidence

    def audit(self) -> None:
        """One person's statement, and the sale's public bundle, each verified without the exchange."""
        sale, row = self.known["sale"], _first_rows(Path(self.path("paid.csv")), 2)[-1]
        own, trust, bundle = self.path("own.statement"), self.path("trust.json"), self.path("sale.deed")
        with self.stage("export the sale's public bundle", self.count) as run:
            done = run("audit", "export", sale, "--public", "--out", bundle, "--trust-out", trust)
        self.stages[-1].size = done["bytes"]
        with self.stage("verify that bundle", self.count) as run:
            run("audit", "verify", bundle, "--trust", trust)
        with self.stage("export one person's statement") as run:
            run("audit", "export-statement", sale, row["consentId"], "--out", own)
        self.stages[-1].size = Path(own).stat().st_size
        with self.stage("verify that statement") as run:
            found = run("audit", "statement", own, "--trust", trust)
        assert (found["due"], found["paid"], found["ordinal"]) == (row["amount"], True, int(row["ordinal"]))
        self.known["statement"] = found
        first = next(_lines(Path(self.known["withdrawals"])), None)
        if first is not None:
            gone = self.quietly("consents", "statement", json.loads(first)["consentId"])
            assert gone["lines"] == [], "somebody who withdrew before was delivered"


# -- files -------------------------------------------------------------------------------------------------------------


def _records(numbers: range) -> bytes:
    """Records with their salts, as `payloads seal` reads them."""
    lines = []
    for number in numbers:
        salt, record = record_of(number)
        lines.append(canonical_json({"record": record, "salt": to_hex(salt)}) + b"\n")
    return b"".join(lines)


def _withdrawals(domain: ConsentDomain, people: Population, numbers: range) -> bytes:
    """Withdrawals of these people."""
    lines = []
    with people.signatures.open("rb") as file:
        for number in numbers:
            file.seek(ROW * number)
            consent_id, signer = file.read(32), signer_of(number)
            signature = signer.sign_digest(withdrawal_digest(domain, consent_id))
            lines.append(canonical_json(Withdrawal(domain, consent_id, signer.address, signature).to_json()) + b"\n")
    return b"".join(lines)


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _first_rows(path: Path, count: int) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(islice(csv.DictReader(file), count))


def _numbers(people: Population, wanted: Collection[str]) -> dict[str, int]:
    """The numbers of the people whose consents these are."""
    found, number = {}, 0
    for chunk in people.rows():
        for at in range(0, len(chunk), ROW):
            name = to_hex(chunk[at : at + 32])
            if name in wanted:
                found[name] = number
            number += 1
    return found


# -- the report --------------------------------------------------------------------------------------------------------


def main(words: Sequence[str]) -> int:
    """Runs the drill and writes the report; with `--record` it becomes the last good one."""
    parser = argparse.ArgumentParser(prog="make bench-million")
    parser.add_argument("--people", type=int, default=PEOPLE, help=f"how many; at least {ONE_IN}")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench-million")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args(words)
    if asked.people < ONE_IN:
        parser.error(f"--people is at least {ONE_IN}")
    folder = asked.folder / f"sale-{asked.people}"
    with checking_processes() as executor:
        drill = Drill(Processes(folder / "home"), folder, asked.people, executor, asked.folder / "people")
        began = time.perf_counter()
        drill.run()
        spent = time.perf_counter() - began
    progress("")
    facts = {name: drill.known[name] for name in ("opened", "envelope", "money", "statement")}
    where, more = machine(), {"seconds": round(spent), "stages": [asdict(each) for each in drill.stages], **facts}
    good = write("million", where, rows_of(drill), stages_table(drill.stages), **more)
    shutil.rmtree(folder)
    if good and asked.record:
        keep("million")
    return 0 if good else 1


def rows_of(drill: Drill) -> list[Row]:
    """What was measured, and what came of the sale."""
    people, stages = f"of {drill.count:,}", drill.stages
    rows = [Row(f"{each.name} ({each.count:,})", round(each.seconds, 1), "s") for each in stages]
    rows += [Row(f"{each.name}, gas", each.gas, "gas") for each in stages if each.gas and each.count]
    most = max(stages, key=lambda each: each.mib)
    holds = most.mib <= MOST_MIB
    rows.append(Row(f"memory at most, in: {most.name}", round(most.mib), "MiB", bar=f"<= {MOST_MIB}", holds=holds))
    rows.append(Row("envelope", drill.known["envelope"], "bytes"))
    left, money = drill.count - drill.gone, drill.known["money"]
    opened = drill.known["opened"]
    rows.append(Row(f"records opened {people}", opened, "records", bar=f"{left:,}", holds=opened == left))
    paid, pool = money["paid"], money["pool"]
    return [*rows, Row("payouts, of the pool", paid, "fen", "the pool", pool, "equal", paid == pool)]


def stages_table(stages: Sequence[Stage]) -> str:
    """Every stage with its rate, its memory, its gas and what it wrote."""
    head = ("stage", "of", "s", "a second", "MiB", "gas", "bytes")
    lines = [
        (
            each.name, f"{each.count:,}", f"{each.seconds:,.1f}", f"{each.count / max(each.seconds, 1e-9):,.0f}",
            f"{each.mib:,.0f}", f"{each.gas:,}" if each.gas else "", f"{each.size:,}" if each.size else "",
        )
        for each in stages
    ]  # fmt: skip
    return aligned([head, *lines], right=range(1, 7))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
