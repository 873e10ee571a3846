"""Queries over a mirror that followed the whole story."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from deedbook.domain.codes import (
    AssetKind,
    AttestationKind,
    EndCause,
    Licence,
    MemberState,
    Mode,
    OfferState,
    Purpose,
    Role,
    SaleState,
)
from deedbook.domain.hashing import canonical_json, checksum_address, sha256
from deedbook.domain.sales import Offer
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidInput, NotFound
from deedbook.mirror.follower import Follower
from deedbook.mirror.store import Mirror
from deedbook.queries import assets, attestations, cases, consents, members, offers, sales, statements, status
from tests import ledger_story as story
from tests.scripted_chain import START, ScriptedChain, decode


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    chain = ScriptedChain()
    for calls in story.story():
        chain.mine(*calls)
    copied = Mirror.open(f"sqlite:///{tmp_path_factory.mktemp('mirror') / 'mirror.sqlite'}", chain.chain)
    Follower(chain, copied, decode).follow()
    return copied


def time(block: int) -> int:
    return START + 12 * block


def place(consent_id: bytes) -> tuple[bytes, int]:
    if consent_id not in story.CONSENTS:
        raise NotFound("consent", consent_id.hex())
    return story.BATCH, story.CONSENTS.index(consent_id)


def test_a_member_shows_roles_licences_and_key(mirror: Mirror) -> None:
    buyer = members.member(mirror, story.BUYER)
    assert (buyer.state, buyer.roles, buyer.licences) == (MemberState.ADMITTED, Role.BUYER, (Licence.EMPLOYER,))
    assert (buyer.encryption_suite, buyer.encryption_key) == (0x20, sha256(b"key"))
    assert buyer.is_in_good_standing(2**63)
    assert buyer.to_json()["roles"] == ["buyer"]
    assert buyer.to_json()["validUntil"] == str(2**64 - 1)
    with pytest.raises(NotFound):
        members.member(mirror, bytes([0xEE]) * 20)


def test_an_asset_shows_versions_basis_and_attestations(mirror: Mirror) -> None:
    asset = assets.asset(mirror, story.ASSET)
    assert (asset.kind, asset.holder, asset.held, asset.version) == (AssetKind.PERSONAL, story.PROVIDER, False, 1)
    assert asset.registered_at == time(2)
    (version,) = asset.versions
    assert version.version_key == story.VERSION_KEY
    assert [each.kind for each in version.attestations] == [
        AttestationKind.LEGAL_OPINION,
        AttestationKind.SOURCE_LEGALITY,
    ]
    assert [each.is_live(1_950_000_000) for each in version.attestations] == [True, False]
    basis = version.basis
    assert basis is not None
    assert (basis.bound, basis.live, basis.closed, basis.pending) == (story.PEOPLE, story.PEOPLE - 1, True, 0)
    assert (basis.modes, basis.purpose, basis.valid_until) == (Mode.RAW, Purpose.RECRUITMENT, story.FAR)
    assert assets.version(mirror, story.ASSET, 1) == version
    assert assets.version_of_key(mirror, story.VERSION_KEY) == version
    with pytest.raises(NotFound):
        assets.asset(mirror, 1)
    with pytest.raises(NotFound):
        assets.version(mirror, story.ASSET, 2)


def test_a_batch_shows_terms_bindings_and_audit(mirror: Mirror) -> None:
    batch = consents.batch(mirror, story.BATCH)
    assert (batch.count, batch.ended, batch.live, batch.direct) == (6, 1, 5, False)
    assert [each.kind for each in batch.attestations] == [AttestationKind.CONSENT_AUDIT]
    assert [(each.version, each.record_offset, each.auditor) for each in batch.bindings] == [(1, 0, story.AUDITOR)]
    assert consents.batches_of(mirror, story.ASSET).items == (batch,)
    with pytest.raises(NotFound):
        consents.batch(mirror, bytes(32))


def test_a_live_and_a_withdrawn_consent_differ(mirror: Mirror) -> None:
    live = consents.consent(mirror, story.CONSENTS[0], place=place)
    assert (live.index, live.live, live.ended, live.subject) == (0, True, None, None)
    gone = consents.consent(mirror, story.CONSENTS[story.LEAVING])
    assert (gone.index, gone.live, gone.subject) == (story.LEAVING, False, story.SUBJECTS[story.LEAVING])
    assert gone.ended is not None
    assert (gone.ended.cause, gone.ended.at) == (EndCause.WITHDRAWN, time(11))
    assert consents.ended_records(mirror, story.ASSET, 1) == (story.LEAVING,)
    assert consents.ended_records(mirror, story.ASSET, 2) == ()
    with pytest.raises(NotFound):
        consents.consent(mirror, story.CONSENTS[0])
    with pytest.raises(NotFound):
        consents.consent(mirror, bytes(32), place=place)
    with pytest.raises(InvalidInput):
        consents.consent(mirror, story.CONSENTS[0], place=lambda _: (story.BATCH, story.PEOPLE))


def test_an_offer_is_shown_whole(mirror: Mirror) -> None:
    offer = offers.offer(mirror, story.OFFER)
    assert (offer.state, offer.price, offer.currency, offer.orders) == (OfferState.OPEN, 11_000, "CNY", 2)
    assert offer.document == Offer.from_args(story.OFFER_STRUCT)
    assert offers.offers(mirror, asset_id=story.ASSET, only_open=True).items == (offer,)
    assert offers.offers(mirror, asset_id=5).items == ()
    (policy,) = offers.policies(mirror)
    assert policy.to_list == (AttestationKind.SOURCE_LEGALITY, AttestationKind.IMPACT_ASSESSMENT)
    with pytest.raises(NotFound):
        offers.offer(mirror, bytes(32))


def test_a_sale_shows_every_step_with_time_block_and_transaction(mirror: Mirror) -> None:
    sale = sales.sale(mirror, story.SALE)
    assert (sale.state, sale.provider, sale.purpose) == (SaleState.ACCEPTED, story.PROVIDER, Purpose.RECRUITMENT)
    assert [(step.event, step.block) for step in sale.steps] == [
        ("SaleOrdered", 7),
        ("SalePaid", 7),
        ("SalePrepared", 8),
        ("SaleDelivered", 8),
        ("SaleAccepted", 8),
        ("SaleSettled", 9),
        ("PayoutConfirmed", 10),
    ]
    assert all(step.at == time(step.block) and len(step.tx) == 32 for step in sale.steps)
    assert sale.settlement is not None
    assert (sale.settlement.per_head, sale.settlement.paid_up_to) == (1100, 4)
    assert [(each.from_ordinal, each.to_ordinal, each.total) for each in sale.payouts] == [(0, 4, 4400)]
    with pytest.raises(NotFound):
        sales.sale(mirror, bytes(32))


def test_a_statement_says_who_bought_what_is_owed_and_paid(mirror: Mirror) -> None:
    stayed = statements.statement_of_consent(mirror, story.CONSENTS[0], story.COVERS.get, place=place)
    assert [(line.sale_id, line.ordinal, line.due, line.paid) for line in stayed.lines] == [
        (story.SALE, 0, 1100, True),
        (story.SECOND_SALE, 0, 1320, False),
    ]
    first = stayed.lines[0]
    assert (first.buyer, first.purpose, first.delivered_at) == (story.BUYER, Purpose.RECRUITMENT, time(8))
    assert first.payout is not None
    assert first.payout.paid_at == time(10)
    assert [(total.currency, total.due, total.paid, total.open) for total in stayed.totals] == [
        ("CNY", 2420, 1100, 1320)
    ]


def test_whoever_withdrew_is_in_the_first_delivery_only(mirror: Mirror) -> None:
    left = statements.statement(mirror, story.BATCH, story.LEAVING, story.COVERS.get)
    assert [(line.sale_id, line.ordinal, line.paid) for line in left.lines] == [(story.SALE, 2, True)]


def test_ordinals_close_the_gap_of_whoever_withdrew(mirror: Mirror) -> None:
    last = statements.statement(mirror, story.BATCH, 5, story.COVERS.get)
    assert [(line.ordinal, line.paid) for line in last.lines] == [(5, False), (4, False)]


def test_the_statements_of_all_add_up_to_what_was_settled(mirror: Mirror) -> None:
    everyone = [statements.statement(mirror, story.BATCH, n, story.COVERS.get) for n in range(story.PEOPLE)]
    assert sum(total.due for each in everyone for total in each.totals) == 1100 * 6 + 1320 * 5
    assert sum(total.paid for each in everyone for total in each.totals) == 4400


def test_a_statement_without_its_evidence_is_refused(mirror: Mirror) -> None:
    with pytest.raises(EvidenceMissing):
        statements.statement(mirror, story.BATCH, 0, lambda _: None)
    with pytest.raises(IntegrityError):
        statements.statement(mirror, story.BATCH, 0, lambda _: b"another cover")
    with pytest.raises(NotFound):
        statements.statement(mirror, bytes(32), 0, story.COVERS.get)
    with pytest.raises(InvalidInput):
        statements.statement(mirror, story.BATCH, story.PEOPLE, story.COVERS.get)


def test_status_says_head_proofs_and_counts(mirror: Mirror) -> None:
    now = status.status(mirror, tip=16)
    assert (now.head, now.lag, now.final, now.quarantined, now.verified) == (14, 2, 14, 0, True)
    assert (now.counts["participants"], now.counts["sales"]) == (7, 2)
    assert {journal.proven_block for journal in now.journals} == {14}


def test_attestations_cases_and_holds_are_found_by_target(mirror: Mirror) -> None:
    assert len(attestations.attestations(mirror, story.VERSION_KEY)) == 2
    assert cases.cases(mirror, story.VERSION_KEY).items == ()
    assert cases.holds(mirror, story.VERSION_KEY) == ()
    with pytest.raises(NotFound):
        cases.case(mirror, bytes(32))


@pytest.mark.parametrize(
    "ask",
    [
        lambda mirror: members.members(mirror),
        lambda mirror: members.member(mirror, story.BUYER),
        lambda mirror: assets.assets(mirror),
        lambda mirror: assets.asset(mirror, story.ASSET),
        lambda mirror: consents.batch(mirror, story.BATCH),
        lambda mirror: consents.consent(mirror, story.CONSENTS[2]),
        lambda mirror: offers.offers(mirror),
        lambda mirror: sales.sales(mirror),
        lambda mirror: statements.statement(mirror, story.BATCH, 0, story.COVERS.get),
        lambda mirror: status.status(mirror),
    ],
)
def test_every_view_has_a_canonical_json_form(mirror: Mirror, ask: Callable[[Mirror], Any]) -> None:
    shown = ask(mirror).to_json()
    assert json.loads(canonical_json(shown)) == shown


def test_json_says_accounts_with_checksums_and_amounts_as_text(mirror: Mirror) -> None:
    shown = sales.sale(mirror, story.SALE).to_json()
    assert shown["buyer"] == checksum_address(story.BUYER)
    assert (shown["price"], shown["state"], shown["mode"]) == ("11000", "accepted", ["raw"])
    assert shown["settlement"]["intermediaryShares"] == ["1100"]
    assert shown["assetId"] == str(story.ASSET)


def test_pages_follow_one_another_without_gap_or_overlap(mirror: Mirror) -> None:
    everyone = members.members(mirror).items
    found: list[members.MemberView] = []
    after = None
    while True:
        page = members.members(mirror, limit=3, after=after)
        found += page.items
        after = page.after
        if after is None:
            break
    assert tuple(found) == everyone
    first = sales.sales(mirror, limit=1)
    second = sales.sales(mirror, limit=1, after=first.after, buyer=story.BUYER)
    assert [sale.sale_id for sale in (*first.items, *second.items)] == [story.SALE, story.SECOND_SALE]
    assert second.after is None
    assert sales.sales(mirror, buyer=story.PROVIDER).items == ()


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_of_another_length_is_refused(mirror: Mirror, limit: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        sales.sales(mirror, limit=limit)
    assert refused.value.field == "limit"


@pytest.mark.parametrize("after", ["", "x", "1", "1.", "-1.2", "1.2.3", "9" * 50 + ".1", "0x00"])
def test_a_page_after_nonsense_is_refused(mirror: Mirror, after: str) -> None:
    for ask in (sales.sales, offers.offers, members.members, assets.assets):
        with pytest.raises(InvalidInput) as refused:
            ask(mirror, after=after)
        assert refused.value.field == "after"
