"""Payees and bank batches in the records: sealed, replaced by later ones only, remembered as a batch knew them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from deedbook.domain.consents import ConsentDomain
from deedbook.domain.hashing import sha256
from deedbook.domain.payees import Payee, PayeeKind, SignedPayee
from deedbook.errors import Conflict, InvalidInput, NotFound, SealBroken
from deedbook.records.payees import BankBatch
from deedbook.records.schema import payees
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

CONSENT, OTHER, SALE = sha256(b"consent"), sha256(b"other"), sha256(b"sale")
BATCH = BankBatch(SALE, 1, 0, 0, 10, 2, sha256(b"root"), 8 * 1320, 1, 7)


def signed(account: str, at: int, consent: bytes = CONSENT) -> SignedPayee:
    payee = Payee(consent, PayeeKind.BANK_ACCOUNT, "a bank", account, "a person", at)
    return SignedPayee(ConsentDomain(1, bytes(20)), payee, bytes(20), bytes(65))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite"


@pytest.fixture
def records(path: Path) -> Iterator[Records]:
    opened = Records.open(f"sqlite:///{path}", ToySealer())
    yield opened
    opened.close()


def test_the_payee_named_last_counts(records: Records) -> None:
    with pytest.raises(NotFound):
        records.payees.payee(CONSENT)
    assert records.payees.newest() == 0
    assert records.payees.add_payee(signed("62220001", 5), at=6) is True
    assert records.payees.add_payee(signed("62220001", 5), at=7) is False
    assert records.payees.add_payee(signed("62220002", 8), at=9) is True
    assert records.payees.payee(CONSENT).payee.account == "62220002"


@pytest.mark.parametrize(("account", "at"), [("62220001", 5), ("62220003", 8), ("62220002", 7)])
def test_an_earlier_one_takes_no_later_ones_place(records: Records, account: str, at: int) -> None:
    records.payees.add_payee(signed("62220002", 8), at=9)
    with pytest.raises(InvalidInput) as refused:
        records.payees.add_payee(signed(account, at), at=10)
    assert refused.value.field == "namedAt"
    assert account not in str(refused.value)


def test_whoever_asks_for_former_payees_gets_them(records: Records) -> None:
    records.payees.add_payee(signed("62220001", 5), at=5)
    records.payees.add_payee(signed("62220009", 5, OTHER), at=5)
    former = records.payees.newest()
    records.payees.add_payee(signed("62220002", 8), at=8)
    both = (CONSENT, OTHER, sha256(b"nobody"))
    then = records.payees.payees_of(both, until=former)
    assert {each: found.payee.account for each, found in then.items()} == {CONSENT: "62220001", OTHER: "62220009"}
    now = records.payees.payees_of(both, until=records.payees.newest())
    assert now[CONSENT].payee.account == "62220002"
    assert records.payees.payees_of(both, until=0) == {}


def test_a_stolen_database_holds_no_account(records: Records, path: Path) -> None:
    records.payees.add_payee(signed("6222020200112233", 5), at=5)
    records.close()
    content = path.read_bytes()
    with sqlite3.connect(path) as raw:
        content += b"".join(bytes(row[0]) for row in raw.execute("SELECT sealed FROM payees"))
    raw.close()
    for secret in (b"6222020200112233", b"a person", b"a bank"):
        assert secret not in content


def test_a_payee_that_was_moved_to_another_consent_does_not_open(records: Records) -> None:
    records.payees.add_payee(signed("62220001", 5), at=5)
    with records.database.writing() as connection:
        assert connection.execute(select(payees.c.consent_id)).scalar_one() == CONSENT
        connection.execute(update(payees).values(consent_id=OTHER))
    with pytest.raises(SealBroken):
        records.payees.payee(OTHER)


def test_a_bank_batch_is_found_by_number_and_by_place(records: Records) -> None:
    book = records.bank_batches
    assert book.next_number(SALE) == 1
    book.add(BATCH)
    assert book.batch(SALE, 1) == book.beginning_at(SALE, 0, 0) == BATCH
    assert book.beginning_at(SALE, 0, 10) is None
    assert book.beginning_at(SALE, 1, 0) is None
    assert book.next_number(SALE) == 2
    with pytest.raises(NotFound):
        book.batch(SALE, 2)


def test_one_batch_begins_at_a_place_and_has_a_number(records: Records) -> None:
    book = records.bank_batches
    book.add(BATCH)
    with pytest.raises(Conflict):
        book.add(BATCH)
    with pytest.raises(Conflict):
        book.add(replace(BATCH, number=2))
    with pytest.raises(Conflict):
        book.replace(BATCH, replace(BATCH, end=5))
    book.replace(BATCH, replace(BATCH, number=2, end=5))
    assert book.beginning_at(SALE, 0, 0) == replace(BATCH, number=2, end=5)
    with pytest.raises(NotFound):
        book.batch(SALE, 1)
