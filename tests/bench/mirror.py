"""`make bench-mirror`: a chain's events copied into SQL, from an empty database to the node's tip (DESIGN 5, row 8).

Two chains of a deployment of ours (`tests.bench.filled`) are indexed: **dense**, a thousand usage reports in the one
transaction of a block, and **sparse**, a hundred transactions of one report each in a block. The ways of the same work
take turns, so that they meet the same machine; what is shown are medians.

- **ours**: `Follower.follow()` from `Mirror.open` of an empty database until the mirror stands at the node's tip, with
  its journal heads proven. It copies the whole chain, with the deployment. Into PostgreSQL 18, and into SQLite.
- **Ponder**, cold (`tests.bench.ponder`), into the same PostgreSQL server, from the first block with a report on. It
  asks for the logs of as many blocks at once as a trial on a tenth of the chain found best. Version 0.16.10, and beside
  it the newest, 0.17.7 (on the last `@ponder/utils` that is published, 0.2.18).
- **floor**: what no mirror of these rows can do without, and nothing else: the node tells all logs, which are thrown
  away, and beside it the very rows of ours are copied into empty tables, range by range, and their indexes built.
- **web3.py**: `contract.events.UsageReported().get_logs` on a sample of 10,000 events, another one each round. Nothing
  is stored. What it decodes is what the rows of the others must be.

What an event leaves behind. Ours: a row of `logs` (place, topics, data, under a key), a row of
`usage_reports`, the journal heads of the contract and of the sale, and a row of `blocks` a block. Ponder: a row of its
table (the same columns under the same key, and the log's place) and, in its cache, the raw log, transaction and block.
The server's settings are the same for both (`synchronous_commit` is on; our ranges but the last do not wait for it, so
that all is on the disk at the end, and a crash before would have cost some ranges).

After every round, of all databases: there are as many rows as events, and the sample's are what web3.py decoded; of
ours, nothing is quarantined, and the proven heads are those that the contract names. Exit code 0 when the bars hold.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Engine, RowMapping, Select, create_engine, func, make_url, select, text
from web3 import Web3
from web3.contract import Contract as Web3Contract

from deedbook.chain import artifacts
from deedbook.chain.client import HttpNode
from deedbook.chain.decoding import Decoder
from deedbook.domain.hashing import from_hex
from deedbook.mirror import schema
from deedbook.mirror.copying import CONTRACT_HEAD
from deedbook.mirror.follower import Follower
from deedbook.mirror.indexes import build_indexes
from deedbook.mirror.source import NodeSource
from deedbook.mirror.store import Mirror
from tests.bench.filled import DENSE, EVENT, SPARSE, Filled, filled, stated_heads
from tests.bench.ponder import TABLE, Ponder, node_version
from tests.bench.report import Row, aligned, keep, machine, progress, write
from tests.postgresql_server import Server

EVENTS: Final = {"dense": 1_000_000, "sparse": 100_000}
SAMPLE: Final = 10_000
"""Events that web3.py decodes in a round."""
PIECES: Final = 10
"""Of the chain, that the sample is taken from."""
SPANS: Final = (10, 100)
"""Blocks whose logs Ponder is tried with."""
PONDERS: Final = ("0.16.10", "0.17.7")
"""Versions: the one that the bars are set against, and the newest."""
OF_PONDER: Final = {"dense": 12, "sparse": 30}
OF_WEB3: Final = 40
SETTINGS: Final = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
}
"""Of the server, for both."""


class Report(NamedTuple):
    """A row of `usage_reports`."""

    sale_id: bytes
    from_time: int
    to_time: int
    provider: bytes
    gateway: bytes
    uses: int
    used: int
    receipts_root: bytes
    block: int
    tx_hash: bytes


Reports = Mapping[tuple[bytes, int], Report]
"""By the log's place: block hash and log index."""
Blocks = Sequence[tuple[int, int]]
"""Ranges of blocks, both ends included."""
COLUMNS: Final = (
    "sale_id", "from_time", "to_time", "provider", "gateway", "count", "used", "receipts_root", "reported_block",
    "reported_tx",
)  # fmt: skip
"""Of both tables, in the order of `Report`."""


@dataclass
class Lane:
    """A chain to index, and what was measured on it: the seconds of each run, by way."""

    chain: Filled
    seconds: dict[str, list[float]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)

    def measure(self, way: str, events: int, work: Callable[[], float]) -> float:
        """Seconds of a run that copies so many events."""
        runs = self.seconds.setdefault(way, [])
        progress(f"{self.chain.shape.name}: {way}, run {len(runs) + 1}, {events:,} events")
        runs.append(work())
        self.events[way] = events
        return runs[-1]

    def rate(self, way: str) -> float:
        """Events a second, the median of the runs."""
        return self.events[way] / median(self.seconds[way])


class Databases:
    """A PostgreSQL server, and empty databases on it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._admin = self._engine(server.new())
        for name, value in SETTINGS.items():
            self._say(f"ALTER SYSTEM SET {name} = '{value}'")
        self._admin.dispose()
        server.stop()
        server.start()

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """The URL of an empty one, which is dropped after the context."""
        url = self._server.new()
        try:
            yield url
        finally:
            self._say(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    def settle(self) -> None:
        """Writes to the disk what former runs have left in memory."""
        self._say("CHECKPOINT")

    @property
    def version(self) -> str:
        """The server's."""
        with self._admin.connect() as connection:
            return str(connection.execute(text("SHOW server_version")).scalar_one())

    def _say(self, words: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(words))

    @staticmethod
    def _engine(url: str) -> Engine:
        return create_engine(url, isolation_level="AUTOCOMMIT")


# The ways.


def ours(chain: Filled, url: str) -> float:
    """Seconds of the mirror from an empty database to the node's tip, heads proven."""
    gc.collect()
    gc.freeze()  # as `deedbook serve` does
    began = time.perf_counter()
    mirror = Mirror.open(url, chain.chain)
    source = NodeSource(HttpNode(chain.url, timeout=600), chain.chain.contracts)
    at = Follower(source, mirror, Decoder(chain.chain.contracts).decode).follow()
    seconds = time.perf_counter() - began
    mirror.close()
    assert at.head == at.tip == chain.tip, f"the mirror stands at block {at.head} of {chain.tip}"
    assert at.proven, "the mirror's heads are not proven"
    return seconds


Prepared = list[tuple[str, bytes]]
"""Tables, and rows of theirs as COPY writes them."""


def prepared(chain: Filled, url: str) -> list[Prepared]:
    """The rows of a mirror of ours by ranges of about 10,000 events."""
    found: list[Prepared] = []
    columns = {"blocks": "number", "logs": "block_number", "usage_reports": "reported_block"}
    engine = create_engine(url)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        for first, last in ranges_of(chain):
            found.append([])
            for table, column in columns.items():
                asked = (
                    f"COPY (SELECT * FROM {table} WHERE {column} BETWEEN {first} AND {last}) TO STDOUT (FORMAT BINARY)"
                )
                with driver.cursor() as cursor, cursor.copy(asked) as copy:
                    found[-1].append((table, b"".join(map(bytes, copy))))
    engine.dispose()
    return found


def ranges_of(chain: Filled) -> list[tuple[int, int]]:
    """Blocks with about 10,000 events each."""
    step = max(1, 10_000 // chain.events_per_block)
    return [(first, min(first + step - 1, chain.last)) for first in range(chain.first, chain.last + 1, step)]


def floor(chain: Filled, source: str, url: str) -> float:
    """Seconds in which the node tells all logs and the database takes the rows of the mirror at `source`."""
    rows = prepared(chain, source)
    began = time.perf_counter()
    mirror = Mirror.open(url, chain.chain)
    fetching = Thread(target=_fetch_all, args=(chain,))
    fetching.start()
    for some in rows:
        with mirror.writing() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            driver: Any = connection.connection.driver_connection
            for table, content in some:
                with driver.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(content)
    fetching.join()
    build_indexes(mirror.database)
    seconds = time.perf_counter() - began
    with mirror.reading() as connection:
        count = connection.execute(select(func.count()).select_from(schema.usage_reports)).scalar_one()
    mirror.close()
    assert count == chain.events
    return seconds


def _fetch_all(chain: Filled) -> None:
    source = NodeSource(HttpNode(chain.url, timeout=600), chain.chain.contracts)
    for first, last in ranges_of(chain):
        assert source.logs_between(first, last)


def web3py(chain: Filled, blocks: Blocks, decoded: dict[tuple[bytes, int], Report]) -> float:
    """Seconds of web3.py's own way; what it decoded is put into `decoded`."""
    web3 = Web3(Web3.HTTPProvider(chain.url, request_kwargs={"timeout": 600}))
    contract: Web3Contract = web3.eth.contract(
        address=Web3.to_checksum_address(chain.usage), abi=artifacts.load("Usage")["abi"]
    )
    event = contract.events[EVENT]()
    web3.eth.get_block_number()  # connects
    began = time.perf_counter()
    found = [event.get_logs(from_block=first, to_block=last) for first, last in blocks]
    seconds = time.perf_counter() - began
    decoded.update({_place(log): _decoded(log) for logs in found for log in logs})
    assert len(decoded) == events_in(chain, blocks), f"web3.py found {len(decoded)} events"
    return seconds


def _place(log: Mapping[str, Any]) -> tuple[bytes, int]:
    return bytes(log["blockHash"]), log["logIndex"]


def _decoded(log: Mapping[str, Any]) -> Report:
    args = log["args"]
    sale_id, root, tx_hash = bytes(args["saleId"]), bytes(args["receiptsRoot"]), bytes(log["transactionHash"])
    provider, gateway = (from_hex(args[name].lower(), name, 20) for name in ("provider", "gateway"))
    first, end, uses, used = (args[name] for name in ("from", "to", "count", "used"))
    return Report(sale_id, first, end, provider, gateway, uses, used, root, log["blockNumber"], tx_hash)


# What is there afterwards.


def mirrored(connection: Connection, blocks: Blocks) -> Reports:
    """The reports of these blocks in a mirror. Raises AssertionError unless its events and its rows say the same."""
    logs, rows = schema.logs.c, schema.usage_reports.c
    found: dict[tuple[bytes, int], Report] = {}
    kept: set[Report] = set()
    for first, last in blocks:
        asked = select(logs.block_hash, logs.log_index, logs.block_number, logs.tx_hash, logs.topics, logs.data)
        asked = asked.where(logs.contract == "Usage", logs.event == EVENT, logs.block_number.between(first, last))
        found |= {(row.block_hash, row.log_index): _of_log(row) for row in connection.execute(asked)}
        of_blocks = select(*schema.usage_reports.c).where(rows.reported_block.between(first, last))
        kept |= {_of_row(row) for row in connection.execute(of_blocks).mappings()}
    assert kept == set(found.values()), "the mirror's events and its rows differ"
    return found


def _of_log(row: Any) -> Report:
    """By the layout of the event (`IUsage.UsageReported`): three topics behind its own, and five words of data."""
    sale_id, provider, gateway = (row.topics[at : at + 32] for at in (32, 64, 96))
    first, end, uses, used = (int.from_bytes(row.data[at : at + 32], "big") for at in (0, 32, 64, 96))
    place = (row.data[128:160], row.block_number, row.tx_hash)
    return Report(sale_id, first, end, provider[12:], gateway[12:], uses, used, *place)


def _of_row(row: RowMapping) -> Report:
    """As a row has it, whichever way it keeps hashes and numbers."""
    return Report(*(_plain(row[name]) for name in COLUMNS))


def _plain(value: Any) -> Any:
    """Bytes as they are or in hex, numbers as they are, as decimals or as their text."""
    if isinstance(value, str) and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    return value if isinstance(value, bytes) else int(value)


def pondered(connection: Connection, blocks: Blocks) -> Reports:
    """The reports of these blocks in Ponder's table."""
    found: dict[tuple[bytes, int], Report] = {}
    for first, last in blocks:
        asked = text(f"SELECT * FROM {TABLE} WHERE reported_block BETWEEN :first AND :last")
        rows = connection.execute(asked, {"first": first, "last": last}).mappings()
        found |= {(_plain(row["block_hash"]), row["log_index"]): _of_row(row) for row in rows}
    return found


def require_mirrored(chain: Filled, url: str, blocks: Blocks, sample: Reports) -> None:
    """Raises AssertionError unless the mirror has every event, the sample's as web3.py decoded them, no fault, and the
    heads that the contract names."""
    engine = create_engine(url)
    with engine.connect() as connection:
        logs = select(func.count()).select_from(schema.logs).where(schema.logs.c.event == EVENT)
        for count in (logs, select(func.count()).select_from(schema.usage_reports)):
            assert connection.execute(count).scalar_one() == chain.events, "the mirror lacks events"
        assert connection.execute(select(schema.quarantine)).first() is None, "the mirror has quarantined an event"
        assert mirrored(connection, blocks) == sample, "the mirror's rows are not what web3.py decodes"
        _require_proven(chain, connection)
    engine.dispose()


def _require_proven(chain: Filled, connection: Connection) -> None:
    heads, proven = schema.journal_heads.c, schema.proven_heads.c
    folded = _by_entity(connection, select(heads.entity, heads.head).where(heads.contract == "Usage"))
    stated = stated_heads(chain, [entity for entity in folded if entity != CONTRACT_HEAD])
    assert folded == stated, "the mirror's heads are not the contract's"
    proved = _by_entity(connection, select(proven.entity, proven.head).where(proven.contract == "Usage"))
    assert proved == stated, "not every head was proven"


def _by_entity(connection: Connection, asked: Select[Any]) -> dict[bytes, bytes]:
    return {row[0]: row[1] for row in connection.execute(asked)}


def require_pondered(chain: Filled, url: str, blocks: Blocks, sample: Reports) -> None:
    """Raises AssertionError unless Ponder's table has every event, and the sample's as web3.py decoded them."""
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.execute(text(f"SELECT count(*) FROM {TABLE}")).scalar_one() == chain.events
        assert pondered(connection, blocks) == sample, "Ponder's rows are not what web3.py decodes"
    engine.dispose()


# The run.


def sample_of(first: int, last: int, size: int, turn: int) -> list[tuple[int, int]]:
    """About `size` of the blocks `first` to `last`, as ranges spread over them; other ones each `turn`."""
    pieces = min(PIECES, last - first + 1)
    stride = (last - first + 1) // pieces
    width = min(stride, -(-size // pieces))
    shift = turn * width % (stride - width + 1)
    return [(first + at * stride + shift, first + at * stride + shift + width - 1) for at in range(pieces)]


def events_in(chain: Filled, blocks: Blocks) -> int:
    """How many reports these of its blocks hold; its last one may be short."""
    wanted = sum(last - first + 1 for first, last in blocks) * chain.events_per_block
    missing = (chain.last - chain.first + 1) * chain.events_per_block - chain.events
    return wanted - (missing if blocks[-1][1] == chain.last else 0)


def best_span(lane: Lane, ponder: Ponder, databases: Databases) -> tuple[int, str]:
    """With how many blocks at once a Ponder is fastest on a tenth of the chain, and what each came to."""
    chain, rates = lane.chain, {}
    last = chain.first + max(1, (chain.last - chain.first + 1) // 10) - 1
    events = min(chain.events, (last - chain.first + 1) * chain.events_per_block)
    for span in SPANS:
        with databases.fresh() as url:
            work = partial(ponder.back_fill, chain, url, span, last=last)
            rates[span] = events / lane.measure(f"trial of {ponder.name} by {span}", events, work)
    best = max(rates, key=rates.__getitem__)
    trial = ", ".join(f"{span}: {rate:,.0f}/s" for span, rate in rates.items())
    return best, f"{chain.shape.name}: {ponder.name} by {best} blocks (trial of {events:,} events by blocks: {trial})"


def play_round(lane: Lane, number: int, spans: Mapping[Ponder, int], databases: Databases) -> None:
    """Every way once, each the first in another round; then what they left behind is compared."""
    chain = lane.chain
    blocks = sample_of(chain.first, chain.last, -(-SAMPLE // chain.events_per_block), number)
    with ExitStack() as stack:
        mine = stack.enter_context(databases.fresh())
        file = f"sqlite:///{Path(stack.enter_context(tempfile.TemporaryDirectory())) / 'mirror.sqlite'}"
        theirs = {ponder: stack.enter_context(databases.fresh()) for ponder in spans}
        sample: dict[tuple[bytes, int], Report] = {}
        ways: list[tuple[str, int, Callable[[], float]]] = [
            ("ours", chain.events, partial(ours, chain, mine)),
            ("ours, SQLite", chain.events, partial(ours, chain, file)),
            ("web3.py", events_in(chain, blocks), partial(web3py, chain, blocks, sample)),
        ]
        ways += [
            (ponder.name, chain.events, partial(ponder.back_fill, chain, theirs[ponder], span))
            for ponder, span in spans.items()
        ]
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            databases.settle()
            lane.measure(*way)
        databases.settle()
        lane.measure("floor", chain.events, partial(floor, chain, mine, stack.enter_context(databases.fresh())))
        progress(f"{chain.shape.name}: comparing")
        for url in theirs.values():
            require_pondered(chain, url, blocks, sample)
        for url in (mine, file):
            require_mirrored(chain, url, blocks, sample)


def rows_of(lane: Lane, ponders: Sequence[Ponder]) -> list[Row]:
    """Row 8 on one chain."""
    shape, mine = lane.chain.shape.name, lane.rate("ours")
    first, *newer = ponders
    what = f"8. back-fill of {lane.chain.events:,} {shape} events into PostgreSQL"
    rows = [_row(what, mine, first.name, lane.rate(first.name), OF_PONDER[shape])]
    rows += [_row(f"8. the same, {shape}", mine, ponder.name, lane.rate(ponder.name)) for ponder in newer]
    rows.append(_row(f"8. the same, {shape}", mine, "web3.py get_logs", lane.rate("web3.py"), OF_WEB3))
    rows.append(_row(f"8. the same, {shape}, into SQLite", lane.rate("ours, SQLite"), "ours, PostgreSQL", mine))
    rows.append(_row(f"8. the same, {shape}", mine, "fetch and COPY alone", lane.rate("floor")))
    return rows


def _row(what: str, mine: float, name: str, peer: float, times: int | None = None) -> Row:
    bar = None if times is None else f">= {times}x"
    return Row(what, round(mine), "events/s", name, round(peer), bar, times is None or mine >= times * peer)


def _runs(lanes: Sequence[Lane]) -> str:
    """Every run's seconds."""
    lines = [["chain", "way", "events", "seconds of each run", "events/s, median"]]
    for lane in lanes:
        for way, runs in lane.seconds.items():
            if not way.startswith("trial"):
                seconds = " ".join(f"{each:.2f}" for each in runs)
                lines.append([lane.chain.shape.name, way, f"{lane.events[way]:,}", seconds, f"{lane.rate(way):,.0f}"])
    return aligned(lines, right=(2, 4))


def main(words: Sequence[str]) -> int:
    """Measures and writes the report; with `--record` it becomes the last good one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="keep the report, where every bar holds")
    parser.add_argument("--dense", type=int, default=EVENTS["dense"])
    parser.add_argument("--sparse", type=int, default=EVENTS["sparse"])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(words)
    ponders = [Ponder.installed(release) for release in PONDERS]
    with ExitStack() as stack:
        server = Server()
        stack.callback(server.close)
        databases = Databases(server)
        shapes = ((DENSE, given.dense), (SPARSE, given.sparse))
        lanes = [Lane(stack.enter_context(filled(shape, events))) for shape, events in shapes]
        trials = [{ponder: best_span(lane, ponder, databases) for ponder in ponders} for lane in lanes]
        for number in range(given.rounds):
            for lane, trial in zip(lanes, trials, strict=True):
                play_round(lane, number, {ponder: span for ponder, (span, _) in trial.items()}, databases)
        client = str(lanes[0].chain.node.request("web3_clientVersion", []))
        where = machine(anvil=client.removeprefix("anvil/"), PostgreSQL=databases.version, **_packages())
    progress("")
    said = [_filled(lane.chain) for lane in lanes] + [words for trial in trials for _, words in trial.values()]
    said.append("PostgreSQL, for all: " + ", ".join(f"{name} = {value}" for name, value in SETTINGS.items()))
    rows = [row for lane in lanes for row in rows_of(lane, ponders)]
    good = write("mirror", where, rows, "\n".join([_runs(lanes), "", *said]))
    whole = (given.dense, given.sparse) == (EVENTS["dense"], EVENTS["sparse"])
    if good and given.record and whole:
        keep("mirror")
    return 0 if good else 1


def _packages() -> dict[str, str]:
    return {"web3.py": version("web3"), "Node": node_version()}


def _filled(chain: Filled) -> str:
    blocks = chain.last - chain.first + 1
    return f"{chain.shape.name}: {chain.events:,} events in {blocks:,} blocks, filled in {chain.seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
