"""Idempotency keys: taken, answered, given back, succeeded, forgotten; and nothing of a client's key or answer in the
open."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from deedbook.domain.hashing import sha256
from deedbook.domain.intents import Intent, IntentState
from deedbook.domain.operations import KEPT, Answered, OperationKind, OperationRow
from deedbook.domain.refusals import Refusal
from deedbook.errors import (
    Conflict,
    InvalidInput,
    InvalidSignature,
    KeyReused,
    RejectedByContract,
    TransactionFailed,
    UnderWay,
)
from deedbook.records.operations import TERM
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

KEY, OTHER, REQUEST = sha256(b"key"), sha256(b"other key"), sha256(b"request")
NOW = 1_800_000_000
INTENT = Intent("Consents.grantBatch/0x00", bytes(20), bytes(20), "Consents", "grantBatch", b"")
ROW = OperationRow(sha256(INTENT.key.encode()), OperationKind.BATCH, INTENT.key, {"count": 3})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite"


@pytest.fixture
def records(path: Path) -> Records:
    return Records.open(f"sqlite:///{path}", ToySealer())


def begin(
    records: Records,
    key: bytes = KEY,
    request: bytes = REQUEST,
    *,
    owner: str = "home",
    life: str = "1",
    now: int = NOW,
) -> Answered | None:
    return records.operations.begin(key, request, owner=owner, life=life, now=now)


def test_the_same_request_is_answered_as_before_and_another_one_refused(records: Records) -> None:
    assert begin(records) is None
    records.operations.keep(KEY, answer=b'{"said":1}')
    assert begin(records, life="2") == Answered(answer=b'{"said":1}')
    with pytest.raises(KeyReused) as refused:
        begin(records, request=sha256(b"another"))
    assert (refused.value.field, refused.value.code) == ("Idempotency-Key", "key-reused")
    assert begin(records, OTHER, sha256(b"another")) is None


def test_a_request_under_way_is_refused_until_it_is_answered_or_given_back(records: Records) -> None:
    assert begin(records) is None
    with pytest.raises(UnderWay) as refused:
        begin(records)
    assert refused.value.retryable
    records.operations.release(KEY)
    assert begin(records, request=sha256(b"another")) is None


def test_the_next_life_of_the_same_owner_takes_over_at_once_and_others_when_the_time_is_over(records: Records) -> None:
    assert begin(records) is None
    with pytest.raises(UnderWay):
        begin(records, owner="another", life="2")
    assert begin(records, life="2") is None
    with pytest.raises(UnderWay):
        begin(records, owner="another", life="3", now=NOW + TERM - 1)
    assert begin(records, owner="another", life="3", now=NOW + TERM) is None


def test_a_key_is_forgotten_when_its_time_is_over(records: Records, path: Path) -> None:
    for key in (KEY, OTHER):
        assert begin(records, key) is None
        records.operations.keep(key, answer=b"{}")
    assert begin(records, now=NOW + KEPT - 1) == Answered(answer=b"{}")
    assert begin(records, request=sha256(b"another"), now=NOW + KEPT) is None
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT key_hash FROM idempotency_keys").fetchall() == [(KEY,)]
    raw.close()


def test_a_key_answers_with_its_operation_once_the_intent_is_put(records: Records) -> None:
    assert begin(records) is None
    records.operations.put(ROW, at=NOW, key=KEY)
    assert begin(records, life="2") is None  # a crash came between: it is carried out again
    records.outbox.put(INTENT)
    assert begin(records, life="3") == Answered(ROW.operation_id)
    records.operations.release(KEY)  # what was done is not given back
    assert begin(records, life="3") == Answered(ROW.operation_id)
    assert records.operations.find(ROW.operation_id) == ROW
    assert records.operations.find(KEY) is None


def test_a_key_is_given_back_with_an_operation_that_has_no_intent(records: Records) -> None:
    assert begin(records) is None
    records.operations.put(ROW, at=NOW, key=KEY)
    records.operations.release(KEY)
    assert begin(records, request=sha256(b"another")) is None


def test_a_relayed_act_is_an_operation_by_its_digest(records: Records) -> None:
    assert begin(records) is None
    records.operations.keep(KEY, operation_id=sha256(b"digest"))
    assert begin(records) == Answered(sha256(b"digest"))


def test_an_operation_that_is_put_again_says_the_newest(records: Records) -> None:
    newer = OperationRow(ROW.operation_id, ROW.kind, ROW.intent, {"count": 4})
    records.operations.put(ROW, at=NOW)
    records.operations.put(newer, at=NOW + 1)
    assert records.operations.find(ROW.operation_id) == newer


def test_only_accounts_with_something_under_way_are_named(records: Records) -> None:
    records.outbox.put(Intent("of no operation", b"\7" * 20, None, "Consents", "grant", b""))
    records.operations.put(ROW, at=NOW)
    assert records.operations.accounts((IntentState.QUEUED,)) == []
    records.outbox.put(INTENT)
    assert records.operations.accounts((IntentState.QUEUED,)) == [INTENT.signer]
    records.outbox.fail(INTENT.key, "error")
    assert records.operations.accounts((IntentState.QUEUED,)) == []


def test_answers_are_sealed_each_to_its_key(records: Records, path: Path) -> None:
    assert begin(records) is None
    records.operations.keep(KEY, answer=b"a receipt that names a person")
    records.close()
    assert b"names a person" not in path.read_bytes()


def test_why_an_intent_failed_is_kept_and_gone_when_it_is_put_again(records: Records) -> None:
    records.outbox.put(INTENT)
    why = Refusal.of(RejectedByContract("Consents", "QuotaExceeded", {"used": 2**200}))
    assert records.outbox.fail(INTENT.key, why.code, refusal=why).refusal == why
    records.outbox.explain(INTENT.key, Refusal.of(TransactionFailed("later")))
    assert [row.refusal for row in records.outbox.finished()] == [why]
    assert records.outbox.put(INTENT).refusal is None
    assert [row.refusal for row in records.outbox.unfinished()] == [None]
    records.outbox.explain(INTENT.key, why)  # it has not failed
    assert [row.refusal for row in records.outbox.unfinished()] == [None]


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (RejectedByContract("Market", "Held", {"saleId": 2**255}), RejectedByContract),
        (InvalidSignature("signature", "is another's"), InvalidInput),
        (Conflict("its nonce is used"), Conflict),
        (TransactionFailed("without effect"), TransactionFailed),
    ],
)
def test_a_refusal_is_raised_again_as_it_was_kept(error: Exception, again: type[Exception]) -> None:
    kept = Refusal.from_text(Refusal.of(error).to_text())  # type: ignore[arg-type]
    assert kept is not None
    assert (type(kept.as_error()), str(kept.as_error())) == (again, str(error))
    assert Refusal.from_text(None) is None
