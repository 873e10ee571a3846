"""The chain file: locks, versions, damage."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain.embedded.chain import Chain, LogFilter
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    CorruptStore,
    InvalidFormat,
    InvalidInput,
    Locked,
    NotFound,
    WrongChain,
    WrongVersion,
)
from tests.conftest import Clock
from tests.integration.embedded_corpus import CHAIN_ID, POOR, call, creation, signed


def _raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _filled(path: Path, clock: Clock, blocks: int = 6) -> bytes:
    """A chain of a deployment and some writes; the contract's address."""
    with Chain.create(path, clock=clock, chain_id=CHAIN_ID) as chain:
        chain.send(_raw(signed(POOR, nonce=0, data=creation())))
        probe = chain.transactions(chain.head)[0].created
        assert probe is not None
        for nonce in range(1, blocks):
            data = call("put(uint256,bytes32,bytes)", nonce, bytes(32), b"note")
            chain.send(_raw(signed(POOR, nonce=nonce, to=probe, data=data)))
        return probe


def _everything(chain: Chain, probe: bytes) -> list[Any]:
    """All that can be read, in one value."""
    chain.check()
    read: list[Any] = [chain.chain_id, chain.genesis_hash, chain.head]
    for number in range(chain.head.number + 1):
        header = chain.header(number)
        assert header is not None
        read += [header, chain.transactions(header), chain.view(header).account(probe), chain.view(header).code(probe)]
    return [*read, chain.logs(0, chain.head.number, LogFilter())]


def test_a_chain_is_there_when_it_is_opened_again(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    probe = _filled(path, clock)
    with Chain.open(path, clock=clock, chain_id=CHAIN_ID) as chain:
        before = _everything(chain, probe)
    with Chain.open(path, clock=clock) as chain:
        assert _everything(chain, probe) == before
        assert chain.head.number == 6


def test_a_chain_is_not_made_over_another(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    _filled(path, clock, 1)
    with pytest.raises(Conflict):
        Chain.create(path, clock=clock)
    with Chain.open_or_create(path, clock=clock, chain_id=CHAIN_ID) as chain:
        assert chain.head.number == 1


def test_a_chain_that_is_not_there_is_not_found(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(NotFound):
        Chain.open(tmp_path / "chain.db", clock=clock)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", None])
def test_an_empty_file_is_no_chain_yet(tmp_path: Path, clock: Clock, content: bytes | None) -> None:
    path = tmp_path / "chain.db"
    if content is None:
        sqlite3.connect(path).close()
    path.write_bytes(b"")
    with pytest.raises(NotFound):
        Chain.open(path, clock=clock)
    Chain.open_or_create(path, clock=clock).close()


@pytest.mark.rule("second-writer")
def test_a_second_writer_in_the_same_process_is_refused(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    with Chain.create(path, clock=clock):
        for attempt in (Chain.open, Chain.create, Chain.open_or_create):
            with pytest.raises(Locked) as caught:
                attempt(path, clock=clock)
            assert caught.value.fields["holder"] == os.getpid()
    Chain.open(path, clock=clock).close()


@pytest.mark.rule("other-chain")
def test_a_chain_of_another_id_is_refused(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    Chain.create(path, clock=clock, chain_id=77).close()
    with pytest.raises(WrongChain) as caught:
        Chain.open(path, clock=clock, chain_id=78)
    assert caught.value.fields == {"expected": 78, "found": 77}
    Chain.open(path, clock=clock, chain_id=77).close()


@pytest.mark.parametrize(("chain_id", "gas"), [(0, 30_000_000), (-1, 30_000_000), (2**63, 30_000_000), (1, 1000)])
def test_an_impossible_chain_is_not_made(tmp_path: Path, clock: Clock, chain_id: int, gas: int) -> None:
    path = tmp_path / "chain.db"
    with pytest.raises(InvalidInput):
        Chain.create(path, clock=clock, chain_id=chain_id, gas_limit=gas)
    assert not path.exists()


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_format_version_is_refused(tmp_path: Path, clock: Clock, version: int) -> None:
    path = tmp_path / "chain.db"
    _filled(path, clock, 1)
    database = sqlite3.connect(path)
    database.execute(f"PRAGMA user_version = {version}")
    database.close()
    before = path.read_bytes()
    with pytest.raises(WrongVersion) as caught:
        Chain.open(path, clock=clock)
    assert str(version) in caught.value.message
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE people (name TEXT)")
    database.commit()
    database.close()
    before = path.read_bytes()
    for attempt in (Chain.open, Chain.create, Chain.open_or_create):
        with pytest.raises(InvalidFormat):
            attempt(path, clock=clock)
    assert path.read_bytes() == before


@pytest.mark.rule("corrupt-database")
def test_what_is_no_database_is_corrupt(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    path.write_bytes(b"not a database at all" * 1000)
    for attempt in (Chain.open, Chain.create, Chain.open_or_create):
        with pytest.raises(CorruptStore):
            attempt(path, clock=clock)


@pytest.mark.rule("corrupt-database")
def test_a_cut_file_is_corrupt(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    probe = _filled(path, clock)
    content = path.read_bytes()
    for part in (1, 2, 3):
        path.write_bytes(content[: len(content) * part // 4])
        with pytest.raises(CorruptStore), Chain.open(path, clock=clock) as chain:
            _everything(chain, probe)


@pytest.mark.rule("corrupt-database")
def test_a_flipped_byte_is_found_or_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    probe = _filled(path, clock)
    with Chain.open(path, clock=clock) as chain:
        truth = _everything(chain, probe)
    content = path.read_bytes()
    draw = random.Random(1988)
    found = 0
    for _ in range(60):
        damaged = bytearray(content)
        damaged[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        try:
            with Chain.open(path, clock=clock) as chain:
                assert _everything(chain, probe) == truth
        except (CorruptStore, WrongVersion, InvalidFormat):
            found += 1
    assert found > 15


@pytest.mark.rule("corrupt-database")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM nodes", "state"),
        ("UPDATE nodes SET value = CAST(value || x'00' AS BLOB)", "does not hash"),
        ("UPDATE nodes SET value = 7", "something else"),
        ("UPDATE blocks SET hash = 'text' WHERE number = 3", "hash"),
        ("DELETE FROM transactions WHERE number = 2", "not its header's"),
        ("UPDATE transactions SET receipt = CAST(receipt || x'00' AS BLOB) WHERE number = 2", "not its header's"),
        ("UPDATE transactions SET raw = CAST(raw || x'00' AS BLOB) WHERE number = 2", "does not hash"),
        ("DELETE FROM blocks WHERE number = 2", "follow"),
        ("DELETE FROM blocks", "no block"),
        ("UPDATE blocks SET header = CAST(header || x'00' AS BLOB) WHERE number = 3", "does not hash"),
        ("UPDATE facts SET value = x'01' WHERE name = 'genesis_hash'", "genesis"),
        ("DELETE FROM facts", "lacks its"),
        ("DROP TABLE transactions", "cannot be read"),
    ],
)
def test_each_kind_of_damage_is_named(tmp_path: Path, clock: Clock, change: str, words: str) -> None:
    path = tmp_path / "chain.db"
    probe = _filled(path, clock)
    database = sqlite3.connect(path)
    database.execute(change)
    database.commit()
    database.close()
    with pytest.raises(CorruptStore) as caught, Chain.open(path, clock=clock) as chain:
        _everything(chain, probe)
    assert words in caught.value.message


def test_a_full_disk_refuses_the_block_and_keeps_the_chain(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "chain.db"
    probe = _filled(path, clock, 2)
    raw = _raw(signed(POOR, nonce=2, data=creation()))
    with Chain.open(path, clock=clock) as chain:
        database = chain._store._database
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        (limit,) = database.execute("PRAGMA max_page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(ChainUnavailable):
            for nonce in range(2, 40):
                raw = _raw(signed(POOR, nonce=nonce, data=creation(nonce)))
                chain.send(raw)
        height = chain.head.number
        database.execute(f"PRAGMA max_page_count = {limit}")
        chain.send(raw)
        assert chain.head.number == height + 1
        _everything(chain, probe)


def test_a_closed_chain_answers_nothing(tmp_path: Path, clock: Clock) -> None:
    chain = Chain.create(tmp_path / "chain.db", clock=clock)
    chain.close()
    chain.close()
    with pytest.raises(ChainUnavailable):
        chain.header(0)
    with pytest.raises(ChainUnavailable):
        chain.send(_raw(signed(POOR, nonce=0, data=creation())))
