"""Consents taken by the thousand, and their places, without opening what is sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.batches import Batch, batch_of
from deedbook.domain.codes import Licence, Mode, Purpose
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent, consent_id
from deedbook.domain.hashing import sha256
from deedbook.domain.merkle import consent_leaf, verify_positional
from deedbook.domain.notices import Notice, load_notice, with_statement
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import CorruptStore, IntegrityError, InvalidFormat, InvalidInput, InvalidSignature, NotFound
from deedbook.ledger.acting import Acting
from deedbook.ledger.collecting import Checkers
from deedbook.ledger.consents import Consents
from deedbook.ledger.gathering import gathered
from deedbook.records.store import Records
from deedbook.wallet.recovery import recover
from deedbook.wallet.signers import LocalSigner
from tests.toy_sealer import ToySealer

ASSET = 7
NOW = 1_700_000_000
DOMAIN = ConsentDomain(31337, bytes([0xC5]) * 20)
NOTICE = load_notice("en", controller="a merchant", contact="by post", asset_title="wage records")
COLLECTOR = LocalSigner(sha256(b"collector"))


class Unasked:
    """A chain that nothing here may ask."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


class Notices:
    """Published notices, counting how often they are read."""

    def __init__(self, notices: Mapping[bytes, Notice]) -> None:
        self.notices = notices
        self.read = 0

    def __call__(self, digest: bytes) -> Notice:
        self.read += 1
        if digest not in self.notices:
            raise NotFound("notice", digest.hex())
        return self.notices[digest]


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer())


@pytest.fixture
def notices() -> Notices:
    return Notices({NOTICE.hash: NOTICE})


@pytest.fixture
def consents(records: Records, notices: Notices) -> Consents:
    acting = Acting(Unasked(), DOMAIN.chain_id, {"Consents": DOMAIN.contract})
    return Consents(acting, records.consents, notices, lambda: NOW)


def signed(number: int, *, rendered: bool = False, **change: Any) -> SignedConsent:
    """A person's consent; of what is changed afterwards the sentence says nothing, unless it is `rendered` again."""
    person = LocalSigner(sha256(b"person %d" % number))
    consent = Consent(
        subject=person.address,
        asset_id=ASSET,
        controller=COLLECTOR.address,
        recipient=bytes(20),
        recipient_class=Licence.EMPLOYER,
        purpose=Purpose.RECRUITMENT,
        modes=Mode.RAW,
        cross_border=False,
        notice_hash=NOTICE.hash,
        record_commit=sha256(b"record %d" % number),
        valid_from=NOW,
        valid_until=NOW + 1000,
        statement="-",
        salt=sha256(b"salt %d" % number),
    )
    consent = (
        with_statement(NOTICE, replace(consent, **change))
        if rendered
        else replace(with_statement(NOTICE, consent), **change)
    )
    return SignedConsent(DOMAIN, consent, person.sign_digest(consent_id(DOMAIN, consent)))


def kept(records: Records, consents: Consents, count: int) -> Batch:
    consents.collect_all([signed(number) for number in range(count)], COLLECTOR)
    leaves = records.consents.pending_consents(ASSET)
    batch = batch_of(ASSET, leaves)
    records.consents.add_batch(batch, [leaf.consent_id for leaf in leaves])
    return batch


def test_many_consents_get_their_receipts_in_their_order(consents: Consents, notices: Notices) -> None:
    many = [signed(number) for number in (3, 1, 2, 1)]
    receipts = consents.collect_all(many, COLLECTOR)
    assert [receipt.signed for receipt in receipts] == many
    assert receipts[1] == receipts[3] == consents.collect(many[1], COLLECTOR)
    assert consents.collect_all(many, COLLECTOR) == receipts
    assert notices.read == 1
    assert consents.collect_all([], COLLECTOR) == []


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (signed(2, statement="Take everything."), InvalidInput),
        (replace(signed(2), signature=signed(3).signature), InvalidSignature),
        (signed(2, valid_until=NOW - 1), InvalidInput),
    ],
)
def test_where_one_of_many_is_refused_none_is_kept(
    consents: Consents, records: Records, bad: SignedConsent, error: type[InvalidInput]
) -> None:
    with pytest.raises(error):
        consents.collect_all([signed(1), bad], COLLECTOR)
    assert records.consents.pending_consents(ASSET) == []


def test_every_place_is_proven_under_the_batch(consents: Consents, records: Records) -> None:
    batch = kept(records, consents, 5)
    for leaf in records.consents.leaves_of(batch.batch_id):
        place = consents.place(leaf.consent_id)
        assert (place.batch, place.consent_id, place.subject) == (batch, leaf.consent_id, leaf.consent.subject)
        proven = consent_leaf(place.consent_id, place.subject)
        assert verify_positional(proven, place.index, batch.count, place.proof, batch.root)


def test_a_batch_whose_leaves_were_changed_proves_no_place(consents: Consents, records: Records) -> None:
    kept(records, consents, 3)
    leaf = signed(1).consent_id
    with records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE consents SET subject = zeroblob(20) WHERE leaf_index = 0")
    with pytest.raises(IntegrityError):
        consents.place(leaf)


# -- a file of them ----------------------------------------------------------------------------------------------------


def lines(*numbers: int) -> list[bytes]:
    return [signed(number).encode() for number in numbers]


def run(consents: Consents, documents: Sequence[bytes], **more: Any) -> list[bytes]:
    """The receipts of a file that is taken two lines at a time."""
    steps = consents.collecting(COLLECTOR).collect(documents, receipts=True, chunk_size=2, **more)
    return [receipt for step in steps for receipt in step.receipts]


def pending(records: Records) -> set[bytes]:
    return {each.encode() for each in records.consents.pending_consents(ASSET)}


def test_a_file_is_answered_line_by_line(consents: Consents, records: Records) -> None:
    receipts = run(consents, lines(3, 1, 2, 5, 4))
    assert receipts == [each.encode() for each in consents.collect_all([signed(n) for n in (3, 1, 2, 5, 4)], COLLECTOR)]
    assert pending(records) == set(lines(1, 2, 3, 4, 5))
    verified = [ConsentReceipt.from_json(json.loads(receipt)) for receipt in receipts]
    assert all(recover(each.digest, each.signature) == COLLECTOR.address for each in verified)


def other_person(number: int) -> bytes:
    return replace(signed(number), signature=signed(number + 50).signature).encode()


BAD: dict[str, tuple[bytes, type[InvalidInput], str, str]] = {
    "another's signature": (other_person(4), InvalidSignature, "signature", "made by another account"),
    "another sentence": (signed(4, statement="Take everything.").encode(), InvalidInput, "statement", "notice"),
    "changed field": (signed(4, purpose=Purpose.RESEARCH).encode(), InvalidInput, "statement", "notice"),
    "another asset": (signed(4, asset_id=8).encode(), InvalidInput, "assetId", "another asset"),
    "expired": (signed(4, rendered=True, valid_until=NOW - 1).encode(), InvalidInput, "validUntil", "expired"),
    "another controller": (signed(4, controller=bytes(20)).encode(), InvalidInput, "controller", "another controller"),
    "no notice of ours": (signed(4, notice_hash=bytes(32)).encode(), InvalidInput, "noticeHash", "not known"),
    "the same consent": (signed(2).encode(), InvalidInput, "consentId", "the same consent as in line 2"),
    "the same person": (
        signed(2, rendered=True, valid_until=NOW + 5).encode(),
        InvalidInput,
        "subject",
        "the same person as in line 2",
    ),
    "the same person at once": (signed(3, salt=bytes(32)).encode(), InvalidInput, "subject", "as in line 3"),
    "no JSON": (b"consent", InvalidFormat, "deedbook.consent", "column 1"),
    "an empty line": (b"", InvalidFormat, "deedbook.consent", "column 1"),
    "cut short": (signed(4).encode()[:-40], InvalidFormat, "deedbook.consent", "column"),
    "another chain": (
        replace(signed(4), domain=ConsentDomain(1, DOMAIN.contract)).encode(),
        InvalidInput,
        "chainId",
        "another chain",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_line_is_named_with_its_rule_and_nothing_of_its_file_is_pending(
    consents: Consents, records: Records, case: str
) -> None:
    line, error, field, words = BAD[case]
    with pytest.raises(InvalidInput) as refused:
        run(consents, [*lines(1, 2, 3), line, *lines(5, 6)])
    assert (type(refused.value), refused.value.field, refused.value.fields["line"]) == (error, field, 4)
    assert "line 4: " in str(refused.value)
    assert words in str(refused.value)
    assert pending(records) == set()
    with pytest.raises(NotFound):
        consents.anchor(ASSET, COLLECTOR)
    mended = list(consents.collecting(COLLECTOR).collect(lines(1, 2, 3, 4, 5, 6), chunk_size=2))
    assert [step.fresh for step in mended] == [0, 2, 4]
    assert pending(records) == set(lines(1, 2, 3, 4, 5, 6))


def test_a_wrong_signer_in_the_middle_of_many_is_named_though_others_check_them(
    consents: Consents, records: Records
) -> None:
    many = lines(*range(60))
    bad = [*many[:30], other_person(30), *many[31:38], other_person(38), *many[39:]]
    with ThreadPoolExecutor(3) as executor:
        with pytest.raises(InvalidSignature) as refused:
            list(consents.collecting(COLLECTOR).collect(bad, executor, chunk_size=4))
        assert refused.value.fields["line"] == 31
        assert pending(records) == set()
        *_, last = consents.collecting(COLLECTOR).collect(many, executor, chunk_size=4)
    assert (last.lines, last.fresh) == (60, 32)
    assert pending(records) == set(many)


def test_a_full_disk_is_named_and_the_same_file_goes_on_where_it_stopped(consents: Consents, records: Records) -> None:
    many = lines(*range(40))
    with records.database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 12}")
    with pytest.raises(CorruptStore, match="disk is full"):
        list(consents.collecting(COLLECTOR).collect(many, chunk_size=4))
    assert pending(records) == set()
    with pytest.raises(NotFound):
        consents.anchor(ASSET, COLLECTOR)
    with records.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    *_, last = consents.collecting(COLLECTOR).collect(many, chunk_size=4)
    kept_before = last.lines - last.fresh
    assert (last.lines, kept_before % 4, 0 < kept_before < 40) == (40, 0, True)
    assert pending(records) == set(many)


def test_a_mended_file_goes_on_where_it_stopped(consents: Consents, records: Records) -> None:
    with pytest.raises(InvalidSignature):
        run(consents, [*lines(1, 2, 3), other_person(4), *lines(5)])
    first = consents.collecting(COLLECTOR).collect(lines(1, 2, 3, 4, 5), chunk_size=2)
    assert [(step.lines, step.fresh) for step in first] == [(2, 0), (4, 2), (5, 3)]
    assert pending(records) == set(lines(1, 2, 3, 4, 5))


@pytest.mark.parametrize("chunks", range(4))
def test_a_run_that_was_cut_short_goes_on_with_nothing_twice(consents: Consents, records: Records, chunks: int) -> None:
    steps = consents.collecting(COLLECTOR).collect(lines(1, 2, 3, 4, 5), chunk_size=2)
    for _ in range(chunks):
        next(steps)
    steps.close()
    assert pending(records) == set()
    again = run(consents, lines(1, 2, 3, 4, 5))
    assert pending(records) == set(lines(1, 2, 3, 4, 5))
    assert run(consents, lines(1, 2, 3, 4, 5)) == again


def test_a_person_who_consents_alone_while_a_file_is_read_counts_at_once(consents: Consents, records: Records) -> None:
    steps = consents.collecting(COLLECTOR).collect(lines(1, 2, 3), chunk_size=2)
    next(steps)
    consents.collect(signed(1), COLLECTOR)
    assert pending(records) == set(lines(1))
    assert len(list(steps)) == 1
    assert pending(records) == set(lines(1, 2, 3))


def test_a_consent_withdrawn_while_its_file_is_read_never_waits(consents: Consents, records: Records) -> None:
    steps = consents.collecting(COLLECTOR).collect(lines(1, 2, 3), chunk_size=2)
    next(steps)
    records.consents.mark_withdrawn(signed(1).consent_id)
    list(steps)
    assert pending(records) == set(lines(2, 3))


def test_a_known_consent_under_another_signature_is_looked_at_again(consents: Consents, records: Records) -> None:
    run(consents, lines(1, 2))
    with pytest.raises(InvalidSignature):
        run(consents, [lines(1)[0], other_person(2)])


def test_a_file_of_fewer_consents_than_were_announced_is_cut_short(consents: Consents, records: Records) -> None:
    with pytest.raises(InvalidFormat, match="is 3 consents, not 4"):
        run(consents, lines(1, 2, 3), count=4)
    assert pending(records) == set()
    run(consents, lines(1, 2, 3, 4), count=4)
    assert len(pending(records)) == 4


def test_a_file_of_nothing_is_refused(consents: Consents) -> None:
    with pytest.raises(InvalidFormat):
        run(consents, [])


def test_only_the_asset_that_was_named_is_taken(consents: Consents) -> None:
    with pytest.raises(InvalidInput) as refused:
        list(consents.collecting(COLLECTOR, asset_id=8).collect(lines(1)))
    assert (refused.value.field, refused.value.fields["line"]) == ("assetId", 1)


def test_nobody_is_named_in_a_refusal(consents: Consents) -> None:
    for line, *_ in BAD.values():
        with pytest.raises(InvalidInput) as refused:
            run(consents, [*lines(1, 2, 3), line])
        said = f"{refused.value} {refused.value.fields} {refused.value.hint}"
        for number in (1, 2, 3, 4):
            assert signed(number).consent.subject.hex() not in said
            assert signed(number).consent_id.hex() not in said


def test_what_waits_becomes_the_batch_of_its_leaves(records: Records, consents: Consents, notices: Notices) -> None:
    run(consents, lines(*range(1, 8)))
    consents.collect(signed(1, salt=bytes(32)), COLLECTOR)  # once more by the same person
    consents.collect(signed(9, rendered=True, modes=Mode.CALL), COLLECTOR)  # to something else
    checkers = Checkers(DOMAIN, notices)
    found = gathered(records.consents.pending_documents(ASSET), checkers, NOW)
    assert found is not None
    batch, names = found.batch()
    kept_ = [each for each in records.consents.pending_consents(ASSET) if each.consent_id in set(names)]
    assert len(kept_) == 7
    assert batch == batch_of(ASSET, kept_)
    assert gathered(records.consents.pending_documents(ASSET), checkers, NOW + 5000) is None
