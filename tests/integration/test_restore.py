"""A restored backup: the chain is asked before anything is served, and no withdrawn consent comes back to life."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.withdrawals import WithdrawalBook
from deedbook.domain.consents import Withdrawal, withdrawal_digest
from deedbook.domain.hashing import sha256
from deedbook.domain.intents import IntentState
from deedbook.errors import CorruptStore, IntegrityError, MissingKey, NotFound
from deedbook.queries import status
from deedbook.records.consents import ConsentState
from tests.integration.scenario import BUYER, EXCHANGE, PROVIDER, STRANGER, Scenario, Stage, account, ended

PEOPLE = 4
BACKED_UP = ("records.sqlite", "mirror.sqlite")


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One asset, listed, and a mirror of it."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("restore") / "home", PEOPLE)
    scenario.stage_whole()
    scenario.services.follow()
    return scenario.close()


@pytest.fixture
def home(listed: Stage, tmp_path: Path) -> Path:
    return Path(shutil.copytree(listed.home, tmp_path / "home"))


@pytest.fixture
def open_home(listed: Stage, home: Path) -> Iterator[Scenario]:
    scenario = Scenario.go_on(listed, home)
    yield scenario
    scenario.close()


def back_up(home: Path, *names: str) -> Path:
    """A copy of a home that nobody has open."""
    backup = home.parent / "backup"
    backup.mkdir()
    for name in names:
        copy = shutil.copytree if (home / name).is_dir() else shutil.copy2
        copy(home / name, backup / name)
    return backup


def restore(home: Path, backup: Path) -> None:
    """Puts what was backed up in the place of what is there."""
    for each in backup.iterdir():
        for stale in home.glob(each.name + "*"):
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
        copy = shutil.copytree if each.is_dir() else shutil.copy2
        copy(each, home / each.name)


def withdraw(scenario: Scenario, person: int) -> int:
    """Over the desk, which also destroys the record's key; the record's index."""
    subject = scenario.stage.people[person]
    index = scenario.consents.place(scenario.consent_of(subject)).index
    with Desk(scenario.services) as desk:
        assert ended(desk, desk.withdraw(scenario.withdrawal(subject).to_json())).state is IntentState.FINAL
    with pytest.raises(NotFound):
        scenario.services.vault.serve_unit(scenario.stage.payload_id, index)
    return index


def test_after_a_restore_of_everything_the_withdrawn_record_is_erased_again_before_anything_is_served(
    listed: Stage, home: Path
) -> None:
    """The worst case: a snapshot of the whole disk, keys too, which the guide forbids."""
    backup = back_up(home, *BACKED_UP, "keks")
    before = Scenario.go_on(listed, home)
    index = withdraw(before, 1)
    before.close()
    restore(home, backup)
    after = Scenario.go_on(listed, home)
    assert after.services.vault.serve_unit(listed.payload_id, index)  # the backup has it
    cursor, head = after.services.mirror.cursor(), int(after.services.node.request("eth_blockNumber", []), 16)
    assert cursor is not None
    assert cursor.number < head  # and its mirror does not know
    with Desk(after.services) as desk:
        assert desk.heads() == (head, head)
        with pytest.raises(NotFound):
            after.services.vault.serve_unit(listed.payload_id, index)
        assert after.services.vault.serve_unit(listed.payload_id, (index + 1) % PEOPLE)
    sale = after.order(BUYER)
    after.pay(sale)
    after.prepare(sale)
    assert after.deliver(sale).count == PEOPLE - 1
    assert after.services.check_mirror().equal
    after.close()


def test_records_from_before_an_erasure_open_nothing(listed: Stage, home: Path) -> None:
    """As the guide says: `keks/` is in no backup, so the key that the old rows are wrapped by is no more."""
    backup = back_up(home, *BACKED_UP)
    before = Scenario.go_on(listed, home)
    withdraw(before, 1)
    before.close()
    restore(home, backup)
    after = Scenario.go_on(listed, home)
    with Desk(after.services) as desk:
        assert desk.heads()[0] == desk.heads()[1]
        for index in range(PEOPLE):
            with pytest.raises(MissingKey):
                after.services.vault.serve_unit(listed.payload_id, index)
    after.close()


def test_a_consent_withdrawn_before_it_was_on_chain_stays_withdrawn(listed: Stage, home: Path) -> None:
    """The chain never knew of it: the home's own book, which is in no backup, does."""
    before = Scenario.go_on(listed, home)
    signed = before.sign(STRANGER)
    before.stage.receipts.append(before.consents.collect(signed, PROVIDER))
    before.close()
    backup = back_up(home, *BACKED_UP)
    before = Scenario.go_on(before.stage, home)
    said = withdrawal_of(before, signed.consent_id)
    assert before.consents.withdraw_for(said, EXCHANGE) is None
    before.close()
    restore(home, backup)
    after = Scenario.go_on(listed, home)
    book = after.services.records.consents
    assert book.standing(signed.consent_id).state is ConsentState.PENDING
    with Desk(after.services):
        assert book.standing(signed.consent_id).state is ConsentState.WITHDRAWN
    with pytest.raises(NotFound):
        after.consents.anchor(listed.asset_id, PROVIDER, salt=listed.salt)
    assert after.services.reconcile() == 0
    after.close()


def test_records_that_lack_a_batch_of_the_chain_are_not_served_from(listed: Stage, home: Path) -> None:
    """Anchored a second time, one leaf of the person would outlive the withdrawal of the other."""
    before = Scenario.go_on(listed, home)
    before.stage.receipts.append(before.consents.collect(before.sign(STRANGER), PROVIDER))
    before.close()
    backup = back_up(home, *BACKED_UP)
    before = Scenario.go_on(before.stage, home)
    made, receipt = before.consents.anchor(listed.asset_id, PROVIDER, salt=listed.salt)
    before.close()
    restore(home, backup)
    after = Scenario.go_on(listed, home)
    with pytest.raises(CorruptStore, match="the records are older than the chain") as caught:
        Desk(after.services).__enter__()
    assert caught.value.fields["batch"] == "0x" + made.batch_id.hex()
    assert f"after block {receipt.block_number}" in str(caught.value.hint)
    after.close()


def test_a_mirror_ahead_of_a_restored_chain_is_not_current(listed: Stage, home: Path) -> None:
    """The embedded chain's file from before, and its records: the mirror knows blocks that are no more, and they were
    final."""
    backup = back_up(home, "chain", "records.sqlite")
    before = Scenario.go_on(listed, home)
    before.admit(STRANGER, 4)
    before.services.follow()
    before.close()
    restore(home, backup)
    after = Scenario.go_on(listed, home)
    tip = int(after.services.node.request("eth_blockNumber", []), 16)
    after.services.follow()
    assert status.status(after.services.mirror, tip=tip).ahead == 1
    after.clock.advance(60)
    after.admit(account("another"), 4)
    with pytest.raises(IntegrityError, match="which was final"):
        after.services.follow()
    after.services.rebuild_mirror()
    assert after.services.check_mirror().equal
    after.close()


def test_the_book_of_withdrawals_survives_a_torn_write(tmp_path: Path) -> None:
    book, one, two = WithdrawalBook(tmp_path / "keks" / "withdrawn"), sha256(b"one"), sha256(b"two")
    assert book.all() == frozenset()
    book.remember(one)
    book.remember(one)
    path = tmp_path / "keks" / "withdrawn"
    assert path.read_bytes() == one
    path.write_bytes(one + two[:7])
    assert book.all() == {one}
    book.remember(two)
    assert book.all() == {one, two}
    assert path.stat().st_mode & 0o777 == 0o600


def withdrawal_of(scenario: Scenario, consent_id: bytes) -> Withdrawal:
    signature = STRANGER.sign_digest(withdrawal_digest(scenario.consents.domain, consent_id))
    return Withdrawal(scenario.consents.domain, consent_id, STRANGER.address, signature)
