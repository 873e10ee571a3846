"""The outbox: every intent ends exactly once, whatever crashes between."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deedbook.domain.hashing import sha256
from deedbook.domain.intents import Intent, IntentState, Mined, Outbox, SignedTransaction
from deedbook.errors import Conflict, InvalidInput, NotFound
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

ALICE, BOB, TARGET = (bytes([n]) * 20 for n in (1, 2, 3))


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()).outbox


def intent(key: str, signer: bytes = ALICE) -> Intent:
    return Intent(key, signer, TARGET, "Market", "order", b"call " + key.encode())


def sign(nonce: int) -> SignedTransaction:
    return SignedTransaction(nonce, b"raw %d" % nonce, sha256(b"%d" % nonce))


def mined(nonce: int, status: int = 1) -> Mined:
    return Mined(sha256(b"%d" % nonce), 7, bytes([9]) * 32, 0, 2**70, status)


def test_an_intent_goes_from_queued_to_final(outbox: Outbox) -> None:
    assert outbox.put(intent("a")).state is IntentState.QUEUED
    submitted = outbox.submit("a", 0, sign)
    assert (submitted.state, submitted.transaction) == (IntentState.SUBMITTED, sign(0))
    final = outbox.mined("a", mined(0))
    assert (final.state, final.mined) == (IntentState.FINAL, mined(0))
    assert outbox.get("a") == final
    assert outbox.unfinished() == []


def test_the_same_key_gives_the_same_row_and_signs_once(outbox: Outbox) -> None:
    outbox.put(intent("a"))
    first = outbox.submit("a", 0, sign)
    assert outbox.put(intent("a")) == first
    assert outbox.submit("a", 5, pytest.fail) == first  # type: ignore[arg-type]


def test_the_same_key_for_another_call_is_refused(outbox: Outbox) -> None:
    outbox.put(intent("a"))
    with pytest.raises(Conflict):
        outbox.put(Intent("a", ALICE, TARGET, "Market", "order", b"other"))
    with pytest.raises(InvalidInput):
        outbox.put(intent(""))
    with pytest.raises(InvalidInput):
        outbox.put(intent("k" * 201))


def test_nonces_are_sequential_for_each_signer_and_never_below_the_chain(outbox: Outbox) -> None:
    for key, signer in (("a", ALICE), ("b", ALICE), ("c", BOB)):
        outbox.put(intent(key, signer))
    nonces: list[int] = []
    for key, floor in (("a", 3), ("b", 3), ("c", 0)):
        row = outbox.submit(key, floor, lambda nonce: SignedTransaction(nonce, b"", sha256(b"%d" % len(nonces))))
        assert row.transaction is not None
        nonces.append(row.transaction.nonce)
    assert nonces == [3, 4, 0]


def test_a_signature_that_fails_uses_no_nonce(outbox: Outbox) -> None:
    outbox.put(intent("a"))

    def crash(nonce: int) -> SignedTransaction:
        raise RuntimeError("no key")

    with pytest.raises(RuntimeError):
        outbox.submit("a", 0, crash)
    assert outbox.unfinished()[0].state is IntentState.QUEUED
    assert outbox.submit("a", 0, sign).transaction == sign(0)


def test_what_failed_before_it_was_sent_may_be_put_again(outbox: Outbox) -> None:
    outbox.put(intent("a"))
    assert outbox.fail("a", "rejected-by-contract").error == "rejected-by-contract"
    with pytest.raises(Conflict):
        outbox.submit("a", 0, sign)
    assert outbox.put(intent("a")).state is IntentState.QUEUED
    outbox.submit("a", 0, sign)
    with pytest.raises(Conflict):
        outbox.fail("a", "too late")


def test_what_was_mined_without_effect_stays_failed(outbox: Outbox) -> None:
    outbox.put(intent("a"))
    outbox.submit("a", 0, sign)
    failed = outbox.mined("a", mined(0, status=0))
    assert failed.state is IntentState.FAILED
    assert outbox.put(intent("a")) == failed
    assert outbox.mined("a", mined(0)) == failed
    with pytest.raises(Conflict):
        outbox.mined("a", mined(1))


def test_unfinished_rows_come_oldest_first(outbox: Outbox) -> None:
    for key in ("z", "m", "a"):
        outbox.put(intent(key))
    outbox.submit("m", 0, sign)
    assert [row.intent.key for row in outbox.unfinished()] == ["z", "m", "a"]


def test_an_unknown_key_is_named(outbox: Outbox) -> None:
    assert outbox.get("a") is None
    with pytest.raises(NotFound):
        outbox.submit("a", 0, sign)


def test_parallel_submitters_never_share_a_nonce(outbox: Outbox) -> None:
    keys = [f"k{n}" for n in range(20)]
    for key in keys:
        outbox.put(intent(key))

    def submit(key: str) -> int:
        row = outbox.submit(key, 0, lambda nonce: SignedTransaction(nonce, b"", sha256(key.encode())))
        assert row.transaction is not None
        return row.transaction.nonce

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(submit, keys)) == list(range(20))


def test_a_deployment_has_no_target(outbox: Outbox) -> None:
    outbox.put(Intent("deploy", ALICE, None, "Market", "constructor", b"code"))
    outbox.submit("deploy", 0, sign)
    row = outbox.mined("deploy", Mined(sha256(b"0"), 1, bytes(32), 0, 9, 1, contract_address=TARGET))
    assert row.mined is not None
    assert row.mined.contract_address == TARGET


def test_an_overtaken_transaction_is_queued_anew_and_signed_once_more(outbox: Outbox) -> None:
    outbox.put(intent("a"))
    outbox.submit("a", 0, sign)
    assert outbox.requeue("a", sha256(b"another")).state is IntentState.SUBMITTED
    queued = outbox.requeue("a", sha256(b"0"))
    assert (queued.state, queued.transaction) == (IntentState.QUEUED, None)
    assert outbox.requeue("a", sha256(b"0")) == queued
    assert outbox.submit("a", 5, sign).transaction == sign(5)
    final = outbox.mined("a", mined(5))
    assert outbox.requeue("a", sha256(b"5")) == final
    with pytest.raises(NotFound):
        outbox.requeue("b", sha256(b"5"))
