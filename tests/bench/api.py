"""`make bench-api`: the service over HTTP, beside bare ASGI functions on the same server (DESIGN 5, rows 11 and 13).

- **Point reads** (row 11): `GET /assets/{id}/versions/{number}` - who published what, when, in which transaction - of
  versions taken at random from 1,000,000, over 32 connections. Against it: a bare ASGI function that reads the same row
  of the same file and writes the same bytes (`tests.bench.bare`); a sample of both answers is compared, byte by byte,
  in every round.
- **Entries** (row 13): `POST /anchors/{exchange}/entries` of entries of about 200 bytes, all of them new, until the
  last signed receipt is there; they are on disk before the first. A sample of the receipts is checked: who signed, over
  which leaf, and that the log has the entry at that place. Against it: a bare ASGI function that puts the same bodies
  into a file, syncs it and answers with as many bytes; and the signatures alone, in two threads.

The service is `deedbook serve` of a home in SQLite, with everything that runs in it; the load comes from this process
(`tests.bench.load`). Ways take turns, so that they meet the same machine; what is shown are medians of the rounds. The
home is made once and kept under build/bench-api. Exit code 0 when the bars hold.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Final

from sqlalchemy import insert, select

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.domain.anchors import LogReceipt, leaf_of
from deedbook.domain.codes import Role
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.ledger import members
from deedbook.mirror import schema
from deedbook.wallet.recovery import verify_signer
from deedbook.wallet.signers import LocalSigner
from tests.bench.load import Load, get, load, post
from tests.bench.report import ROOT, Row, aligned, keep, machine, progress, write

FOLDER: Final = ROOT / "build" / "bench-api"
VERSIONS: Final = 1_000_000
READS: Final = 40_000
"""Reads of a round."""
CONNECTIONS: Final = 32
ENTRIES: Final = 200_000
"""Entries of a round."""
AT_ONCE: Final = 5_000
"""Entries of a request."""
SENDERS: Final = 4
"""Connections that send entries."""
SAMPLE: Final = 97
"""Every so manyth answer is compared."""
YEAR: Final = 365 * 86_400
P99: Final = 10.0
SHARE: Final = 0.5
RATE: Final = 20_000


# The home.


def made(count: int) -> Path:
    """A home whose mirror has this many versions, and an exchange that may anchor; made where it is not there yet."""
    home = FOLDER / f"home-{count}"
    if not home.exists():
        unfinished = FOLDER / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _make(unfinished, count)
        unfinished.rename(home)
    return home


def _make(home: Path, count: int) -> None:
    with Services.init(config.load(home, {})) as services:
        exchange = services.create_account("exchange")
        members.admit(
            services.acting,
            services.signer("governance"),
            exchange.address,
            identity=sha256(b"exchange"),
            jurisdiction=156,
            roles=int(Role.OPERATOR),
            valid_until=services.chain_time() + YEAR,
        )
        services.follow()
        with services.mirror.writing() as connection:
            blocks = list(connection.execute(select(schema.blocks.c.number)).scalars())
            for first in range(0, count, 10_000):
                progress(f"rows: {first:,} of {count:,}")
                rows = [_row(number, blocks) for number in range(first, min(first + 10_000, count))]
                connection.execute(insert(schema.versions), rows)


def _row(number: int, blocks: Sequence[int]) -> dict[str, object]:
    """A version as the mirror has it; where it was published is one of the chain's blocks."""
    return {
        "asset_id": _asset(number),
        "version": 1,
        "version_key": sha256(b"key %d" % number),
        "content_root": sha256(b"root %d" % number),
        "record_count": 1 + number % 100_000,
        "descriptor_hash": sha256(b"descriptor %d" % number),
        "published_block": blocks[number % len(blocks)],
        "published_tx": sha256(b"tx %d" % number),
    }


def _asset(number: int) -> bytes:
    return sha256(b"asset %d" % number)


# The servers.


@dataclass(frozen=True, slots=True)
class Listening:
    """A server: its port and its process."""

    port: int
    process: int

    @property
    def spent(self) -> float:
        """Seconds of the processor that it has used (Linux; 0 elsewhere)."""
        try:
            fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, requests: Sequence[bytes], connections: int, keep: int) -> Load:
        """A load on it, and what it spent."""
        before = self.spent
        done = load(self.port, requests, connections, keep)
        done.spent = self.spent - before
        return done


@contextmanager
def served(home: Path) -> Iterator[Listening]:
    """`deedbook serve`."""
    words = [sys.executable, "-m", "deedbook.cli.main", "--home", str(home), "serve", "--port", "0", "--json"]
    with _process(words) as (said, process):
        yield Listening(int(json.loads(said)["url"].rpartition(":")[2]), process)


@contextmanager
def bare(home: Path) -> Iterator[Listening]:
    """The bare functions."""
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        words = [sys.executable, "-m", "tests.bench.bare", str(home / "mirror.sqlite"), folder]
        with _process(words) as (said, process):
            yield Listening(int(said), process)


@contextmanager
def _process(words: Sequence[str]) -> Iterator[tuple[str, int]]:
    """A process: the first line that it says, and its number."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("DEEDBOOK_")}
    env["DEEDBOOK_ANCHOR_ENTRIES"] = env["DEEDBOOK_ANCHOR_SECONDS"] = "1000000000"
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env, cwd=ROOT
    ) as child:
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip(), child.pid
        finally:
            child.terminate()


# Row 11.


def read_round(ours: Listening, theirs: Listening, count: int, reads: int, turn: int) -> tuple[Load, Load]:
    """The same reads of both, each the first in another round. Raises AssertionError where the answers differ."""
    chosen = random.Random(turn)
    requests = [get(f"/assets/{to_hex(_asset(chosen.randrange(count)))}/versions/1") for _ in range(reads)]
    warm, order = requests[: reads // 10], [ours, theirs]
    if turn % 2:
        order.reverse()
    found = {}
    for server in order:
        load(server.port, warm, CONNECTIONS)
        found[server] = server.measure(requests, CONNECTIONS, SAMPLE)
    assert found[ours].bodies == found[theirs].bodies, "the answers differ"
    return found[ours], found[theirs]


# Row 13.


def entry(turn: int, number: int) -> bytes:
    """A transaction as an exchange may log it, in canonical form."""
    key = sha256(b"%d %d" % (turn, number)).hex()
    return (
        b'{"amount":"%d.00","asset":"0x%s","at":%d,"buyer":"0x%s","currency":"CNY","kind":"order","sale":"%d-%d"}'
        % (number % 977, key.encode(), 1_790_000_000 + number, key[:40].encode(), turn, number)
    )


def bodies_of(turn: int, count: int) -> list[bytes]:
    """NDJSON of the entries of a round."""
    return [
        b"".join(entry(turn, number) + b"\n" for number in range(first, min(first + AT_ONCE, count)))
        for first in range(0, count, AT_ONCE)
    ]


def ingest_round(ours: Listening, theirs: Listening, exchange: bytes, count: int, turn: int) -> tuple[Load, Load]:
    """The same entries to both. Raises AssertionError unless ours has a true receipt for each."""
    bodies = bodies_of(turn, count)
    requests = [post(f"/anchors/{checksum_address(exchange)}/entries", body, "application/x-ndjson") for body in bodies]
    order, found = [ours, theirs], {}
    if turn % 2:
        order.reverse()
    for server in order:
        found[server] = server.measure(requests, SENDERS, 1)
    _require_true(found[ours], bodies, exchange)
    return found[ours], found[theirs]


def _require_true(answers: Load, bodies: Sequence[bytes], exchange: bytes) -> None:
    places = set()
    for at, body in enumerate(bodies):
        lines, receipts = body.splitlines(), answers.bodies[at].splitlines()
        assert len(lines) == len(receipts)
        for number in range(0, len(lines), SAMPLE):
            receipt = LogReceipt.from_json(json.loads(receipts[number]))
            assert receipt.leaf_hash == leaf_of(json.loads(lines[number])), "a receipt of another entry"
            verify_signer(receipt.digest, receipt.signature, exchange)
        places |= {json.loads(receipt)["index"] for receipt in receipts}
    assert len(places) == sum(body.count(b"\n") for body in bodies), "two entries have one place"


def signed_a_second(count: int) -> float:
    """Signatures alone, in two threads."""
    signer = LocalSigner(sha256(b"bench"))
    digests = [sha256(b"%d" % number) for number in range(count)]
    halves = [digests[::2], digests[1::2]]
    with ThreadPoolExecutor(2) as pool:
        began = time.perf_counter()
        list(pool.map(lambda some: [signer.sign_digest(each) for each in some], halves))
        return count / (time.perf_counter() - began)


# The run.


def main(words: Sequence[str]) -> int:
    """Measures and writes the report; with `--record` it becomes the last good one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="keep the report, where every bar holds")
    parser.add_argument("--versions", type=int, default=VERSIONS)
    parser.add_argument("--reads", type=int, default=READS)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(words)
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = made(given.versions)
    reading, taking, signing = [], [], []
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=FOLDER))) / "home"
        shutil.copytree(kept, home)
        with Services.open(config.load(home, {})) as services:
            exchange = services.signer("exchange").address
        ours, theirs = stack.enter_context(served(home)), stack.enter_context(bare(home))
        for turn in range(given.rounds):
            progress(f"round {turn + 1} of {given.rounds}: reads")
            reading.append(read_round(ours, theirs, given.versions, given.reads, turn))
            progress(f"round {turn + 1} of {given.rounds}: entries")
            taking.append(ingest_round(ours, theirs, exchange, given.entries, turn))
            signing.append(signed_a_second(20_000))
    progress("")
    rows = rows_of(given.versions, reading, taking, signing)
    good = write("api", machine(**_packages()), rows, _runs(reading, taking, signing))
    if good and given.record and given.versions == VERSIONS:
        keep("api")
    return 0 if good else 1


Pairs = Sequence[tuple[Load, Load]]


def rows_of(count: int, reading: Pairs, taking: Pairs, signing: Sequence[float]) -> list[Row]:
    """Rows 11 and 13."""
    read, plain = (median(pair[way].rate for pair in reading) for way in (0, 1))
    slow, plain_slow = (median(pair[way].percentile(0.99) for pair in reading) for way in (0, 1))
    taken, stored = (AT_ONCE * median(pair[way].rate for pair in taking) for way in (0, 1))
    what, bare_name = f"11. a version by key, of {count:,}, {CONNECTIONS} connections", "bare ASGI, same row"
    return [
        Row(f"{what}: p99", round(slow, 2), "ms", bare_name, round(plain_slow, 2), f"<= {P99:.0f} ms", slow <= P99),
        Row(what, round(read), "reads/s", bare_name, round(plain), f">= {SHARE}x", read >= SHARE * plain),
        Row(
            "13. entries of a log, durable, with receipts",
            round(taken),
            "entries/s",
            "bare ASGI, a file, synced",
            round(stored),
            f">= {RATE:,}/s",
            taken >= RATE,
        ),
        Row("13. the same", round(taken), "entries/s", "the signatures alone", round(median(signing))),
    ]


def _runs(reading: Pairs, taking: Pairs, signing: Sequence[float]) -> str:
    """Every round."""
    of_reads, of_entries = ("/s", "p50 ms", "p99 ms", "CPU us"), ("/s", "CPU us")
    lines = [
        [
            "round",
            *(f"{who} {what}" for who in ("reads", "bare") for what in of_reads),
            *(f"{who} {what}" for who in ("entries", "bare") for what in of_entries),
            "signatures /s",
        ]
    ]
    for turn, (reads, entries, signed) in enumerate(zip(reading, taking, signing, strict=True), 1):
        cells = [f"{turn}"]
        for each in reads:
            times = (f"{each.percentile(share):.2f}" for share in (0.5, 0.99))
            cells += [f"{each.rate:,.0f}", *times, f"{1e6 * each.spent / len(each.seconds):.0f}"]
        for each in entries:
            cells += [f"{AT_ONCE * each.rate:,.0f}", f"{1e6 * each.spent / len(each.seconds) / AT_ONCE:.1f}"]
        lines.append([*cells, f"{signed:,.0f}"])
    return aligned(lines, right=tuple(range(len(lines[0]))))


def _packages() -> dict[str, str]:
    names = ("uvicorn", "fastapi", "uvloop", "httptools")
    return {name: version(name) for name in names if find_spec(name)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
