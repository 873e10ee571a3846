"""Signed consents: sealed, pending in order, anchored once, found by their place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from deedbook.domain.batches import Batch, batch_of
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent
from deedbook.domain.hashing import sha256
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import Conflict, IntegrityError, InvalidInput, NotFound, SealBroken
from deedbook.records import migrations
from deedbook.records.consents import ASKED_AT_ONCE, ConsentState, SignedConsents
from deedbook.records.database import Database
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

DOMAIN = ConsentDomain(31337, bytes([0xC5]) * 20)
ASSET, OTHER = 2**255 + 1, 7
STATEMENT = "I let employers read my wage record"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.sqlite"


@pytest.fixture
def book(path: Path) -> SignedConsents:
    return Records.open(f"sqlite:///{path}", ToySealer()).consents


def signed(number: int, asset_id: int = ASSET) -> SignedConsent:
    consent = Consent(
        subject=bytes([number]) * 20,
        asset_id=asset_id,
        controller=bytes([0xAA]) * 20,
        recipient=bytes(20),
        recipient_class=256,
        purpose=1,
        modes=32,
        cross_border=False,
        notice_hash=sha256(b"notice"),
        record_commit=sha256(bytes([number])),
        valid_from=0,
        valid_until=2**40,
        statement=STATEMENT,
        salt=sha256(b"salt %d" % number),
    )
    return SignedConsent(DOMAIN, consent, bytes(65))


def receipt(consent: SignedConsent) -> ConsentReceipt:
    return ConsentReceipt(consent, "en", consent.consent.controller, 1_700_000_000, bytes([1]) * 65)


def collected(book: SignedConsents, *numbers: int) -> list[SignedConsent]:
    found = [signed(number) for number in numbers]
    for each in found:
        book.add_consents([receipt(each).answered])
    return found


def anchored(book: SignedConsents, *numbers: int) -> tuple[Batch, list[SignedConsent]]:
    collected(book, *numbers)
    pending = book.pending_consents(ASSET)
    batch = batch_of(ASSET, pending)
    book.add_batch(batch, [each.consent_id for each in pending])
    return batch, pending


def test_a_consent_and_its_receipt_come_back_as_they_were(book: SignedConsents) -> None:
    (consent,) = collected(book, 1)
    assert book.consent(consent.consent_id) == consent
    assert book.consent_receipt(consent.consent_id) == receipt(consent)
    standing = book.standing(consent.consent_id)
    assert (standing.asset_id, standing.state, standing.batch_id) == (ASSET, ConsentState.PENDING, None)


def test_a_known_consent_is_refused(book: SignedConsents) -> None:
    (consent,) = collected(book, 1)
    with pytest.raises(Conflict):
        book.add_consents([receipt(consent).answered])


def test_consents_are_added_all_or_none(book: SignedConsents) -> None:
    (known,) = collected(book, 2)
    first, second, third = (receipt(signed(number)) for number in (1, 2, 3))
    with pytest.raises(Conflict) as refusal:
        book.add_consents([each.answered for each in (first, second, third)])
    assert refusal.value.fields["consent"] == "0x" + known.consent_id.hex()
    with pytest.raises(Conflict):
        book.add_consents([first.answered, first.answered])
    assert book.pending_consents(ASSET) == [known]
    book.add_consents([first.answered, third.answered])
    asked = [first.signed.consent_id, bytes(32), third.signed.consent_id]
    assert book.receipts_of(asked) == {first.signed.consent_id: first, third.signed.consent_id: third}


def test_more_consents_are_found_than_one_statement_can_name(book: SignedConsents) -> None:
    (known,) = collected(book, 1)
    strangers = [sha256(b"%d" % number) for number in range(2 * ASKED_AT_ONCE)]
    assert list(book.receipts_of([*strangers, known.consent_id])) == [known.consent_id]


def test_an_unknown_consent_is_named(book: SignedConsents) -> None:
    for ask in (book.consent, book.consent_receipt, book.standing, book.place_of, book.mark_withdrawn):
        with pytest.raises(NotFound):
            ask(bytes(32))


def test_pending_consents_come_in_the_order_of_their_identifiers(book: SignedConsents) -> None:
    consents = collected(book, 5, 3, 1, 4)
    other = signed(9, OTHER)
    book.add_consents([receipt(other).answered])
    assert book.pending_consents(ASSET) == sorted(consents, key=lambda each: each.consent_id)
    assert book.pending_consents(OTHER) == [other]


def test_an_anchored_consent_has_its_place(book: SignedConsents) -> None:
    batch, leaves = anchored(book, 1, 2, 3)
    assert book.pending_consents(ASSET) == []
    assert book.leaves_of(batch.batch_id) == leaves
    commitments = [(each.consent_id, each.consent.record_commit) for each in leaves]
    assert list(book.commitments_of(batch.batch_id)) == commitments
    assert book.leaf_keys_of(batch.batch_id) == [(each.consent_id, each.consent.subject) for each in leaves]
    assert book.batch(batch.batch_id) == batch
    assert [book.place_of(each.consent_id) for each in leaves] == [(batch.batch_id, n) for n in range(3)]
    second, _ = anchored(book, 4)
    assert book.batches_of(ASSET) == [batch, second]
    assert book.batches_of(OTHER) == []


def test_the_same_batch_again_changes_nothing(book: SignedConsents) -> None:
    batch, leaves = anchored(book, 1, 2)
    book.add_batch(batch, [each.consent_id for each in leaves])
    assert book.batches_of(ASSET) == [batch]


def test_a_batch_that_does_not_fit_is_refused_whole(book: SignedConsents) -> None:
    batch, leaves = anchored(book, 1, 2)
    fresh = collected(book, 3)
    with pytest.raises(InvalidInput):
        book.add_batch(batch, [leaves[0].consent_id])
    mixed = batch_of(ASSET, [*fresh, leaves[0]])
    with pytest.raises(Conflict):
        book.add_batch(mixed, [each.consent_id for each in (*fresh, leaves[0])])
    with pytest.raises(Conflict):
        book.add_batch(batch_of(ASSET, [signed(9)]), [signed(9).consent_id])
    assert book.pending_consents(ASSET) == fresh
    with pytest.raises(NotFound):
        book.batch(mixed.batch_id)
    with pytest.raises(NotFound):
        book.leaves_of(mixed.batch_id)


def test_a_consent_withdrawn_while_pending_enters_no_batch(book: SignedConsents) -> None:
    first, second = collected(book, 1, 2)
    book.mark_withdrawn(first.consent_id)
    assert book.pending_consents(ASSET) == [second]
    with pytest.raises(NotFound):
        book.place_of(first.consent_id)
    assert book.consents_of(first.consent.subject)[0].state is ConsentState.WITHDRAWN


def test_no_sentence_or_commitment_is_in_the_file(book: SignedConsents, path: Path) -> None:
    (consent,) = collected(book, 1)
    for file in path.parent.iterdir():
        content = file.read_bytes()
        assert STATEMENT.encode() not in content
        assert consent.consent.record_commit not in content
        assert consent.consent.record_commit.hex().encode() not in content


def test_a_changed_or_swapped_row_is_refused(path: Path) -> None:
    records = Records.open(f"sqlite:///{path}", ToySealer())
    first, second = collected(records.consents, 1, 2)
    with records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE consent_documents SET sealed = (SELECT max(sealed) FROM consent_documents)")
    refused = 0
    for each in (first, second):
        try:
            assert records.consents.consent(each.consent_id) == each
        except SealBroken:
            refused += 1
    assert refused == 1


def test_a_consent_under_anothers_name_is_refused(path: Path) -> None:
    records = Records.open(f"sqlite:///{path}", ToySealer())

    class Careless(ToySealer):
        def open(self, sealed: bytes, context: bytes) -> bytes:
            return signed(2).encode()

    collected(records.consents, 1)
    with pytest.raises(IntegrityError):
        SignedConsents(records.database, Careless()).consent(signed(1).consent_id)


def test_a_receipt_is_of_its_own_consent(book: SignedConsents) -> None:
    (consent,) = collected(book, 1)
    assert book.consent_receipt(consent.consent_id) != receipt(replace(consent, signature=bytes([2]) * 65))


def test_what_is_staged_waits_for_its_admission(book: SignedConsents) -> None:
    first, second = signed(1), signed(2)
    book.add_consents([receipt(first).answered, receipt(second).answered], staged=True)
    assert book.pending_consents(ASSET) == []
    assert book.pending_ids() == {}
    assert book.standing(first.consent_id).state is ConsentState.STAGED
    assert book.known([first.consent_id, bytes(32)]) == {first.consent_id}
    assert book.answered([first.consent_id]) == {first.consent_id: (first.encode(), receipt(first).answered.answer)}
    with pytest.raises(Conflict):
        book.add_batch(batch_of(ASSET, [first]), [first.consent_id])
    book.admit_consents([first.consent_id, bytes(32)])
    assert book.pending_consents(ASSET) == [first]
    book.admit_consents([first.consent_id, second.consent_id])
    assert list(book.pending_documents(ASSET)) == sorted([first.encode(), second.encode()], key=_by_id)


def _by_id(document: bytes) -> bytes:
    return SignedConsent.decode(document).consent_id


def test_an_admission_changes_nothing_that_stands_elsewhere(book: SignedConsents) -> None:
    batch, leaves = anchored(book, 1, 2)
    collected(book, 3)
    book.mark_withdrawn(signed(3).consent_id)
    book.admit_consents([*(each.consent_id for each in leaves), signed(3).consent_id])
    assert book.leaf_keys_of(batch.batch_id) == [(each.consent_id, each.consent.subject) for each in leaves]
    assert book.standing(signed(3).consent_id).state is ConsentState.WITHDRAWN


def test_documents_come_in_the_order_of_the_leaves(book: SignedConsents) -> None:
    batch, leaves = anchored(book, 1, 2, 3)
    assert list(book.documents_of(batch.batch_id)) == [each.encode() for each in leaves]
    assert book.pending_controllers(ASSET) == set()
    collected(book, 4)
    assert book.pending_controllers(ASSET) == {bytes([0xAA]) * 20}
    with pytest.raises(NotFound):
        book.documents_of(bytes(32))


def test_consents_of_an_earlier_release_are_read_with_their_receipts(path: Path) -> None:
    sealer, one = ToySealer(), signed(1)
    made = Database(f"sqlite:///{path}")
    with made.writing() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
        connection.exec_driver_sql(
            "INSERT INTO consents (consent_id, asset_id, subject, state, sealed, receipt, collected_at)"
            " VALUES (?, ?, ?, 'pending', ?, ?, 1)",
            (
                one.consent_id,
                ASSET.to_bytes(32, "big"),
                one.consent.subject,
                sealer.seal(one.encode(), b"deedbook.records.consent" + one.consent_id),
                sealer.seal(receipt(one).encode(), b"deedbook.records.receipt" + one.consent_id),
            ),
        )
    made.close()
    book = Records.open(f"sqlite:///{path}", sealer).consents
    assert book.pending_consents(ASSET) == [one]
    assert book.consent_receipt(one.consent_id) == receipt(one)
