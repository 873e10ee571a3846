"""The book of payloads, keys and erasures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deedbook.domain.hashing import sha256
from deedbook.domain.payloads import ErasureRecord, ErasureTarget, KeyLedger, KeyRecord, PayloadRecord
from deedbook.errors import Conflict, NotFound
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite"


@pytest.fixture
def book(path: Path) -> KeyLedger:
    return Records.open(f"sqlite:///{path}", ToySealer()).payloads


def payload(number: int) -> PayloadRecord:
    name = sha256(b"payload %d" % number)
    return PayloadRecord(name, 2**255 + number, 1, 10, sha256(name), f"payloads/{number}", 5)


def key(number: int, *, epoch: int = 1, generation: int = 1) -> KeyRecord:
    secret = b"SEEDS-%d-%d" % (number, epoch)
    return KeyRecord(payload(number).payload_id, epoch, generation, b"wrapped", secret * 40)


def erasure(number: int, *, generation: int = 1) -> ErasureRecord:
    target = ErasureTarget(payload(1).payload_id, (2, 5))
    return ErasureRecord(sha256(b"%d" % number), (target,), generation, generation + 1, "logged", 7)


def test_payload_and_key_are_stored_together(book: KeyLedger) -> None:
    book.add_payload(payload(1), key(1))
    assert book.payload(payload(1).payload_id) == payload(1)
    assert book.payload_of(payload(1).content_root) == payload(1)
    assert book.key(payload(1).payload_id) == key(1)
    with pytest.raises(Conflict):
        book.add_payload(payload(1), key(1))
    with pytest.raises(Conflict):
        book.add_payload(payload(2), key(2, generation=2))
    with pytest.raises(NotFound):
        book.payload(payload(2).payload_id)
    with pytest.raises(NotFound):
        book.payload_of(bytes(32))
    with pytest.raises(NotFound):
        book.key(bytes(32))


def test_an_erasure_goes_through_its_phases(book: KeyLedger) -> None:
    book.add_payload(payload(1), key(1))
    book.add_payload(payload(2), key(2))
    assert book.generation() == 1
    book.log_erasure(erasure(1))
    assert book.open_erasure() == erasure(1)
    assert book.generation() == 1
    new = [key(1, epoch=2, generation=2), key(2, generation=2)]
    book.switch(erasure(1).erasure_id, new)
    assert book.generation() == 2
    assert list(book.keys()) == sorted(new, key=lambda each: each.payload_id)
    assert book.open_erasure() == replace(erasure(1), phase="switched")
    book.finish_erasure(erasure(1).erasure_id, b"receipt")
    book.finish_erasure(erasure(1).erasure_id, b"receipt")
    done = replace(erasure(1), phase="done", receipt=b"receipt")
    assert book.erasure(erasure(1).erasure_id) == done
    assert book.open_erasure() is None
    book.log_erasure(erasure(0, generation=2))
    assert [each.erasure_id for each in book.erasures()] == [done.erasure_id, erasure(0).erasure_id]
    with pytest.raises(Conflict):
        book.finish_erasure(done.erasure_id, b"another receipt")


def test_only_one_erasure_is_open_and_from_the_generation_in_force(book: KeyLedger) -> None:
    with pytest.raises(Conflict):
        book.log_erasure(erasure(1, generation=2))
    book.log_erasure(erasure(1))
    with pytest.raises(Conflict):
        book.log_erasure(erasure(2))
    with pytest.raises(Conflict):
        book.finish_erasure(erasure(1).erasure_id, b"")
    with pytest.raises(NotFound):
        book.switch(bytes(32), [])
    with pytest.raises(NotFound):
        book.finish_erasure(bytes(32), b"")
    with pytest.raises(NotFound):
        book.erasure(bytes(32))


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [key(1, generation=2)],
        [key(1, generation=2), key(2, generation=2), key(3, generation=2)],
        [key(1, generation=2), key(2)],
        [key(1, epoch=3, generation=2), key(2, generation=2)],
        [key(1, generation=2), key(1, generation=2)],
    ],
)
def test_a_switch_that_is_not_whole_changes_nothing(book: KeyLedger, keys: list[KeyRecord]) -> None:
    book.add_payload(payload(1), key(1))
    book.add_payload(payload(2), key(2))
    before = list(book.keys())
    book.log_erasure(erasure(1))
    with pytest.raises(Conflict):
        book.switch(erasure(1).erasure_id, keys)
    assert list(book.keys()) == before
    assert book.generation() == 1


def test_a_second_switch_is_refused(book: KeyLedger) -> None:
    book.log_erasure(erasure(1))
    book.switch(erasure(1).erasure_id, [])
    with pytest.raises(Conflict):
        book.switch(erasure(1).erasure_id, [])


def test_replaced_seeds_are_in_no_file_of_the_database(book: KeyLedger, path: Path) -> None:
    book.add_payload(payload(1), key(1))
    assert any(b"SEEDS-1-1" in file.read_bytes() for file in path.parent.iterdir())
    book.log_erasure(erasure(1))
    book.switch(erasure(1).erasure_id, [key(1, epoch=2, generation=2)])
    for file in path.parent.iterdir():
        assert b"SEEDS-1-1" not in file.read_bytes()
