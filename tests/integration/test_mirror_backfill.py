"""Back-fill by columns: the rows that the follower copies block by block, in both databases, come what may."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, inspect, select

from deedbook.chain import abis
from deedbook.chain.columns import Column, Matrix, rows_of
from deedbook.chain.receipts import logs_bloom
from deedbook.domain.events import Log
from deedbook.domain.hashing import keccak256
from deedbook.domain.journal import entities_of
from deedbook.errors import ChainUnavailable, IntegrityError, Locked, WrongChain
from deedbook.mirror import backfill, schema
from deedbook.mirror.backfill import BackFill, Filled
from deedbook.mirror.canonical import table_digest
from deedbook.mirror.copying import BlockHeader
from deedbook.mirror.follower import Follower
from deedbook.mirror.indexes import build_indexes
from deedbook.mirror.plans import PLANS, Places, planned
from deedbook.mirror.projector import Add, Change, project
from deedbook.mirror.replay import replay
from deedbook.mirror.store import Mirror, log_row
from tests import ledger_story as told
from tests.crowd_story import batch, chain_of, crowd, leaf
from tests.json_chain import JsonChain, decode, real_log
from tests.postgresql_server import Server
from tests.scripted_chain import CONTRACTS, Call, ScriptedChain

KEYLESS_TABLES = {"logs", "leaves_ended", "challenges", "usage_reports", "checkpoints"}
"""Of an empty mirror in PostgreSQL."""
SECONDARY = {str(index.name) for table in schema.CANONICAL for index in table.indexes}


class OneByOne:
    """The same chain, for a follower that is not to know of ranges."""

    def __init__(self, chain: ScriptedChain) -> None:
        self.tip, self.final, self.header, self.logs = chain.tip, chain.final, chain.header, chain.logs
        self.heads = chain.heads


@pytest.fixture(scope="module")
def chain() -> JsonChain:
    return chain_of(crowd(1))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mirror.db'}"
    server: Server = request.getfixturevalue("postgresql")
    return server.new()


def digests(mirror: Mirror) -> dict[str, tuple[int, bytes]]:
    with mirror.reading() as connection:
        return {table.name: table_digest(connection, table) for table in schema.CANONICAL}


def one_by_one(chain: ScriptedChain, folder: Path, until: int | None = None) -> dict[str, tuple[int, bytes]]:
    """What the follower copies of the chain by itself."""
    mirror = Mirror.open(f"sqlite:///{folder / 'expected.db'}", chain.chain)
    Follower(OneByOne(chain), mirror, decode).follow(until)
    found = digests(mirror)
    mirror.close()
    return found


def indexes(mirror: Mirror) -> set[str]:
    with mirror.reading() as connection:
        inspector = inspect(connection)
        return {
            str(index["name"]) for table in schema.CANONICAL for index in inspector.get_indexes(table.name)
        } & SECONDARY


def unkeyed(mirror: Mirror) -> set[str]:
    """The tables without a primary key."""
    with mirror.reading() as connection:
        inspector = inspect(connection)
        tables = (table.name for table in schema.CANONICAL)
        return {name for name in tables if not inspector.get_pk_constraint(name)["constrained_columns"]}


def count(mirror: Mirror, table: str) -> int:
    with mirror.reading() as connection:
        return connection.execute(select(func.count()).select_from(schema.metadata.tables[table])).scalar_one()


def test_a_back_fill_writes_what_the_follower_writes(chain: JsonChain, url: str, tmp_path: Path) -> None:
    mirror = Mirror.open(url, chain.chain)
    last = chain.tip().number
    assert BackFill(chain, mirror, decode, logs=40).run(last) == last + 1
    assert digests(mirror) == one_by_one(chain, tmp_path)
    assert count(mirror, "quarantine") == 0
    assert count(mirror, "leaves_ended") > 200
    assert len(chain.told) > 5
    assert indexes(mirror) == SECONDARY
    assert unkeyed(mirror) == set()
    mirror.close()


def test_the_follower_fills_what_is_far_behind_and_final(url: str, tmp_path: Path) -> None:
    chain = chain_of(crowd(2))
    chain.finality = 7
    mirror = Mirror.open(url, chain.chain)
    progress = Follower(chain, mirror, decode).follow()
    cursor = mirror.cursor()
    assert cursor is not None
    assert (progress.head, progress.added, progress.proven) == (chain.tip().number, len(chain.blocks), True)
    assert chain.told[-1][1] == cursor.final == chain.tip().number - 7
    assert digests(mirror) == one_by_one(chain, tmp_path)
    assert indexes(mirror) == SECONDARY
    chain.mine(told.anchored(9_999, 1))
    assert Follower(chain, mirror, decode).follow().added == 1
    mirror.close()


@pytest.mark.parametrize("seed", range(3, 7))
def test_ranges_of_any_size_make_the_same_rows(seed: int, tmp_path: Path) -> None:
    drawn = random.Random(seed)
    chain = chain_of(crowd(seed, blocks=60, most=30))
    chain.most = drawn.randrange(30, 200)
    mirror = Mirror.open(f"sqlite:///{tmp_path / 'mirror.db'}", chain.chain)
    BackFill(chain, mirror, decode, logs=drawn.randrange(1, 300)).run(chain.tip().number)
    assert digests(mirror) == one_by_one(chain, tmp_path)
    mirror.close()


def test_a_back_fill_that_is_cut_short_goes_on_where_it_was(chain: JsonChain, url: str, tmp_path: Path) -> None:
    mirror = Mirror.open(url, chain.chain)
    drawn, cuts = random.Random(5), 0

    def cut(_: Filled) -> None:
        if drawn.random() < 0.3:
            raise KeyboardInterrupt

    while (cursor := mirror.cursor()) is None or cursor.number < chain.tip().number:
        try:
            BackFill(chain, mirror, decode, logs=20, report=cut).run(chain.tip().number)
        except KeyboardInterrupt:
            cuts += 1
    assert cuts > 3
    build_indexes(mirror.database)
    assert (digests(mirror), indexes(mirror)) == (one_by_one(chain, tmp_path), SECONDARY)
    mirror.close()


def test_two_followers_fill_one_mirror_in_turns(chain: JsonChain, url: str, tmp_path: Path) -> None:
    mirrors = [Mirror.open(url, chain.chain) for _ in range(2)]
    failed: list[Exception] = []

    def follow(mirror: Mirror) -> None:
        try:
            Follower(chain, mirror, decode).follow()
        except Locked:
            pass  # the other one has won every turn
        except Exception as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    threads = [Thread(target=follow, args=(mirror,)) for mirror in mirrors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert digests(mirrors[0]) == one_by_one(chain, tmp_path)
    for mirror in mirrors:
        mirror.close()


def test_progress_is_told_after_each_range(chain: JsonChain, tmp_path: Path) -> None:
    mirror = Mirror.open(f"sqlite:///{tmp_path / 'mirror.db'}", chain.chain)
    said: list[Filled] = []
    ticks = iter(range(1_000))
    last = chain.tip().number
    BackFill(chain, mirror, decode, logs=100, report=said.append, clock=lambda: float(next(ticks))).run(last)
    assert [each.head for each in said] == sorted(each.head for each in said)
    assert (said[-1].head, said[-1].blocks, said[-1].until, said[-1].seconds_left) == (last, last + 1, last, 0)
    assert said[-1].logs == sum(len(block.logs) for block in chain.blocks)
    assert said[0].rate == said[0].logs
    assert said[0].seconds_left == (last - said[0].head) / said[0].blocks
    mirror.close()


def test_a_log_that_cannot_be_decoded_is_quarantined_and_the_later_ones_are_copied(url: str, tmp_path: Path) -> None:
    history = crowd(11, blocks=30)
    chain = JsonChain()
    strange = Log(CONTRACTS["Consents"], (b"\7" * 32,), b"\1\2", 0, bytes(32), bytes(32), 0, 0)
    malformed = replace(real_log(leaf(0, 900), 0, bytes(32), 0), data=bytes(31) + b"\1" + b"\xff" * 128)
    for place, calls in enumerate(history):
        chain.mine(*calls, raw=[strange, malformed] if place % 20 == 19 else [])
    mirror = Mirror.open(url, chain.chain)
    Follower(chain, mirror, decode).follow()
    assert digests(mirror) == one_by_one(chain, tmp_path)
    assert count(mirror, "quarantine") == 2 * (len(history) // 20)
    mirror.close()


def twice() -> list[list[Call]]:
    """A leaf that ends twice, which no contract tells."""
    return [[leaf(0, 5)], [leaf(0, 6), leaf(0, 5)], [leaf(0, 7)]]


def orphan() -> list[list[Call]]:
    """A leaf of a batch that is granted later."""
    return [[leaf(77, 1), batch(77)], [leaf(77, 2)]]


@pytest.mark.parametrize("strange", [twice, orphan])
def test_an_event_that_does_not_fit_is_quarantined_as_the_follower_does(
    strange: Callable[[], list[list[Call]]], url: str, tmp_path: Path
) -> None:
    chain = chain_of([*told.story(), [batch(0)], *strange(), *[[] for _ in range(80)]])
    mirror = Mirror.open(url, chain.chain)
    Follower(chain, mirror, decode).follow()
    assert digests(mirror) == one_by_one(chain, tmp_path)
    assert count(mirror, "quarantine") == 1
    mirror.close()


@pytest.mark.parametrize(("apart", "ended"), [(0, 0), (30, 2)], ids=["one range", "another range"])
def test_a_key_that_was_met_before_is_noticed_while_no_database_watches_it(
    apart: int, ended: int, postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "FIRST_BLOCKS", 4)
    strange = [[leaf(0, 5)], *[[] for _ in range(apart)], [leaf(0, 6), leaf(0, 5)], [leaf(0, 7)]]
    chain = chain_of([*told.story(), [batch(0)], *strange])
    mirror = Mirror.open(postgresql.new(), chain.chain)
    assert unkeyed(mirror) == KEYLESS_TABLES
    added = BackFill(chain, mirror, decode, logs=4 if apart else 1000).run(chain.tip().number)
    assert 0 < added < chain.tip().number  # it ends before the second one, with the database on watch
    assert (unkeyed(mirror), count(mirror, "leaves_ended")) == (set(), ended)
    Follower(chain, mirror, decode).follow()
    assert digests(mirror) == one_by_one(chain, tmp_path)
    assert (count(mirror, "quarantine"), count(mirror, "leaves_ended")) == (1, 4)  # one is of the story
    mirror.close()


def test_keys_are_built_before_anything_is_written_without_a_back_fill(postgresql: Server) -> None:
    chain = chain_of([*told.story(), [batch(0), leaf(0, 5)]])
    for write in (
        lambda mirror: Follower(OneByOne(chain), mirror, decode).advance(),
        lambda mirror: replay(mirror, decode),
    ):
        mirror = Mirror.open(postgresql.new(), chain.chain)
        assert unkeyed(mirror) == KEYLESS_TABLES
        write(mirror)
        assert unkeyed(mirror) == set()
        mirror.close()


def test_the_database_watches_the_keys_when_they_are_too_many_for_the_memory(
    chain: JsonChain, postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "MOST_KEYS", 100)
    mirror = Mirror.open(postgresql.new(), chain.chain)
    seen: list[int] = []

    def watch(_: Filled) -> None:
        seen.append(len(unkeyed(mirror)))

    BackFill(chain, mirror, decode, logs=40, report=watch).run(chain.tip().number)
    assert (seen[0], seen[-1], unkeyed(mirror)) == (len(KEYLESS_TABLES), 0, set())
    assert digests(mirror) == one_by_one(chain, tmp_path)
    mirror.close()


@pytest.mark.parametrize("seed", range(3))
def test_keys_in_memory_never_take_one_for_two(seed: int) -> None:
    drawn, keys, met = random.Random(seed), backfill._Keys(), set[bytes]()
    for _ in range(200):
        some = [drawn.randrange(20_000).to_bytes(4, "big") for _ in range(drawn.randrange(1, 12))]
        new = len(set(some)) == len(some) and met.isdisjoint(some)
        assert keys.add(np.frombuffer(b"".join(some), np.uint8).reshape(-1, 4)) == new
        met.update(some)
    assert len(keys) >= len(met)


def hidden(number: int, logs: Sequence[Log]) -> Sequence[Log]:
    return logs[1:] if number == 70 else logs


def invented(number: int, logs: Sequence[Log]) -> Sequence[Log]:
    block_hash = logs[0].block_hash if logs else bytes(32)
    return [*logs, real_log(leaf(0, 999), number, block_hash, len(logs))] if number == 70 else logs


def reordered(number: int, logs: Sequence[Log]) -> Sequence[Log]:
    if number != 70:
        return logs
    swapped = [logs[1], logs[0], *logs[2:]]
    return [replace(each, log_index=place) for place, each in enumerate(swapped)]


def out_of_order(number: int, logs: Sequence[Log]) -> Sequence[Log]:
    return list(reversed(logs)) if number == 70 else logs


def of_another_block(number: int, logs: Sequence[Log]) -> Sequence[Log]:
    return [replace(each, block_hash=bytes(32)) for each in logs] if number == 70 else logs


@pytest.mark.parametrize("lie", [hidden, invented, reordered, out_of_order, of_another_block])
def test_a_lie_is_found_in_its_range_and_nothing_of_it_is_written(
    lie: Callable[[int, Sequence[Log]], Sequence[Log]], url: str
) -> None:
    chain = chain_of(crowd(13, blocks=60))
    while len(chain.blocks[70].logs) < 2:
        chain.fork(70)
        for calls in [[leaf(0, 500), leaf(0, 501)], *[[] for _ in range(20)]]:
            chain.mine(*calls)
    chain.lie = lie
    mirror = Mirror.open(url, chain.chain)
    with pytest.raises(IntegrityError):
        BackFill(chain, mirror, decode, logs=30).run(chain.tip().number)
    cursor = mirror.cursor()
    assert cursor is not None
    assert 40 < cursor.number < 70
    chain.lie = lambda _, logs: logs
    Follower(chain, mirror, decode).follow()
    assert count(mirror, "blocks") == len(chain.blocks)
    mirror.close()


class Changing(JsonChain):
    """A node whose chain is another one every time that it is asked for headers."""

    def headers(self, first: int, last: int) -> Any:
        found = list(super().headers(first, last))
        return [*found[:-1], replace(found[-1], parent_hash=bytes(32))]


def test_a_chain_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    chain = Changing(blocks=chain_of(crowd(14, blocks=5)).blocks)
    mirror = Mirror.open(f"sqlite:///{tmp_path / 'mirror.db'}", chain.chain)
    with pytest.raises(ChainUnavailable, match="changed"):
        BackFill(chain, mirror, decode).run(chain.tip().number)
    assert mirror.cursor() is None
    mirror.close()


def test_another_genesis_is_refused(chain: JsonChain, tmp_path: Path) -> None:
    mirror = Mirror.open(f"sqlite:///{tmp_path / 'mirror.db'}", replace(chain.chain, genesis_hash=b"\1" * 32))
    with pytest.raises(WrongChain):
        BackFill(chain, mirror, decode).run(chain.tip().number)
    mirror.close()


def test_a_node_that_gives_no_logs_at_all_is_no_empty_chain(chain: JsonChain, tmp_path: Path) -> None:
    silent = JsonChain(blocks=chain.blocks, most=-1)
    mirror = Mirror.open(f"sqlite:///{tmp_path / 'mirror.db'}", chain.chain)
    with pytest.raises(ChainUnavailable):
        BackFill(silent, mirror, decode).run(chain.tip().number)
    mirror.close()


# -- plans


@pytest.mark.parametrize("kind", sorted(PLANS), ids=".".join)
def test_a_plan_writes_what_the_projector_writes(kind: tuple[str, str]) -> None:
    contract, name = kind
    topic = next(topic for topic, member in abis.events(contract).items() if member.name == name)
    plan = planned(contract, topic)
    assert plan is not None
    calls: Mapping[tuple[str, str], Sequence[Call]] = {
        ("Consents", "LeafEnded"): [leaf(3, 7), leaf(4, 1), leaf(3, 900)],
        ("Consents", "LeafChallenged"): told.challenged()[:1],
        ("Usage", "UsageReported"): [
            told.used(b"\3" * 32, 5, 6, 2**64 - 1, 0),
            told.used(b"\4" * 32, 2**63 - 1, 2, 9, 10),
            told.used(b"\3" * 32, 0, 6, 10**19, 10**19 - 1),
        ],
        ("AnchorLog", "CheckpointAnchored"): [told.anchored(2**63 - 1, 2), told.anchored(0, 10**18)],
    }
    logs = [real_log(call, 9, b"\5" * 32, place) for place, call in enumerate(calls[kind])]
    words = np.frombuffer(b"".join(b"".join(log.topics[1:]) + log.data for log in logs), np.uint8)
    words = words.reshape(len(logs), -1)
    assert plan.fits(words).all()
    taken = plan.take(words, places_of(logs))
    rows = [dict(zip(plan.table.columns.keys(), row, strict=True)) for row in values_of(taken.rows)]
    found = [
        [
            Add(plan.table.name, row),
            *(Change(each.table, {each.key: row[each.key]}, sums={each.column: 1}) for each in plan.plan.sums),
        ]
        for row in rows
    ]
    events = [decode(log) for log in logs]
    assert [sorted(map(repr, each)) for each in found] == [
        sorted(map(repr, project(event))) for event in events if event
    ]
    assert [(entity,) for entity in taken.entities] == [
        entities_of(contract, name, each.args) for each in events if each
    ]
    assert rows_of(taken.hashes) == [keccak256(b"".join(log.topics) + log.data) for log in logs]
    columns = schema.logs.columns.keys()
    assert [dict(zip(columns, row, strict=True)) for row in values_of(taken.logs)] == [
        {**log_row(contract, log), "event": name} for log in logs
    ]
    for each, sums in taken.sums.items():
        first = {row[each.key]: (9, place) for place, row in reversed(list(enumerate(rows)))}
        assert sums == {key: (Counter(row[each.key] for row in rows)[key], first[key]) for key in first}


def values_of(columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    return list(zip(*(each.values() for each in columns), strict=True))


def places_of(logs: Sequence[Log]) -> Places:
    def matrix(values: Sequence[bytes]) -> Matrix:
        return np.frombuffer(b"".join(values), np.uint8).reshape(len(logs), 32)

    numbers = [np.array([getattr(log, name) for log in logs]) for name in ("block_number", "log_index", "tx_index")]
    hashes = [matrix([log.block_hash for log in logs]), matrix([log.tx_hash for log in logs])]
    return Places(numbers[0], hashes[0], numbers[1], hashes[1], numbers[2])


# -- what is proven after a range


@dataclass
class Bloomed(JsonChain):
    """A node whose headers have blooms, and that is asked for proofs."""

    wanted: list[tuple[int, str]] = field(default_factory=list)

    def headers(self, first: int, last: int) -> Sequence[BlockHeader]:
        return [
            replace(block.header, logs_bloom=logs_bloom([(log.address, log.topics, log.data) for log in block.logs]))
            for block in self.blocks[first : last + 1]
        ]

    def heads(self, header: BlockHeader, contract: str, entities: Sequence[bytes]) -> Mapping[bytes, bytes] | None:
        self.wanted.append((header.number, contract))
        return super().heads(replace(header, logs_bloom=None), contract, entities)


def test_only_what_the_blooms_do_not_deny_is_proven_until_the_last_range(tmp_path: Path) -> None:
    chain = Bloomed(blocks=chain_of([*told.story(), *[[told.anchored(100 + each, 1)] for each in range(90)]]).blocks)
    mirror = Mirror.open(f"sqlite:///{tmp_path / 'mirror.db'}", chain.chain)
    BackFill(chain, mirror, decode, logs=10).run(chain.tip().number)
    tips = Counter(number for number, _ in chain.wanted)
    quiet = [contracts for number, contracts in sorted(tips.items()) if number > len(told.story()) + 10]
    assert quiet[-1] == len(chain.chain.contracts)
    assert set(quiet[:-1]) == {1}
    with mirror.reading() as connection:
        proven = connection.execute(select(schema.proven_heads.c.block_number)).scalars().all()
        heads = connection.execute(select(func.count()).select_from(schema.journal_heads)).scalar_one()
    assert proven.count(chain.tip().number) >= heads
    mirror.close()


def test_a_log_of_another_contract_that_is_hidden_is_found_by_the_bloom(url: str) -> None:
    chain = Bloomed(blocks=chain_of([*told.story(), *[[told.anchored(100 + each, 1)] for each in range(90)]]).blocks)
    chain.fork(80)
    for calls in [[leaf(0, 1)], *[[told.anchored(900 + each, 1)] for each in range(40)]]:
        chain.mine(*calls)
    chain.lie = lambda _, logs: [log for log in logs if log.address != CONTRACTS["Consents"]]
    last_told = max(
        block.header.number for block in chain.blocks[:80] for log in block.logs if log.address == CONTRACTS["Consents"]
    )
    mirror = Mirror.open(url, chain.chain)
    honest, chain.lie = chain.lie, lambda number, logs: logs
    BackFill(chain, mirror, decode, logs=10).run(last_told + 10)
    chain.lie = honest
    with pytest.raises(IntegrityError, match="Consents"):
        BackFill(chain, mirror, decode, logs=10).run(chain.tip().number)
    cursor = mirror.cursor()
    assert cursor is not None
    assert cursor.number < 80
    mirror.close()
