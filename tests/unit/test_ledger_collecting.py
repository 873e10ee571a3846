"""Consents taken by the thousand, and their places, without opening what is sealed."""

from __future__ import annotations

from collections.abc import Mapping
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
from deedbook.errors import IntegrityError, InvalidInput, InvalidSignature, NotFound
from deedbook.ledger.acting import Acting
from deedbook.ledger.consents import Consents
from deedbook.records.store import Records
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


def signed(number: int, **change: Any) -> SignedConsent:
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
    consent = replace(with_statement(NOTICE, consent), **change)
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
