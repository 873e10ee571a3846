"""Consents on real contracts and records: collected, anchored, withdrawn - and everything that is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.hands import Elsewhere, HandOf
from deedbook.domain.batches import Batch, batch_of
from deedbook.domain.codes import AttestationKind, Mode, Purpose
from deedbook.domain.consents import ConsentDomain, SignedConsent, Withdrawal, consent_id, withdrawal_digest
from deedbook.domain.hashing import sha256
from deedbook.domain.relaying import ActState, SignedRequest, request_digest
from deedbook.errors import Conflict, InvalidInput, InvalidSignature, NotFound, RejectedByContract
from deedbook.ledger import assets, members
from deedbook.ledger.consents import Place
from deedbook.ledger.relaying import Drafted
from deedbook.wallet.recovery import CURVE_ORDER
from deedbook.wallet.signers import LocalSigner
from tests.conftest import START
from tests.integration.scenario import (
    AUDITOR,
    EXCHANGE,
    NOTICE,
    PROVIDER,
    STRANGER,
    YEAR,
    Scenario,
    Stage,
    account,
    refused,
)

MUCH_LATER = 2 * YEAR


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Members and policy; nobody has consented."""
    return Scenario.begin(tmp_path_factory.mktemp("begun") / "home", 5).close()


@pytest.fixture(scope="module")
def anchored(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Five consents in one batch."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("anchored") / "home", 5)
    scenario.collect()
    scenario.anchor()
    return scenario.close()


@pytest.fixture
def fresh(begun: Stage, tmp_path: Path) -> Iterator[Scenario]:
    with Scenario.copied(begun, tmp_path) as scenario:
        yield scenario


@pytest.fixture
def held(anchored: Stage, tmp_path: Path) -> Iterator[Scenario]:
    with Scenario.copied(anchored, tmp_path) as scenario:
        yield scenario


# -- collected


def test_the_same_consent_gets_the_same_receipt(fresh: Scenario) -> None:
    signed = fresh.sign(fresh.stage.people[0])
    first = fresh.consents.collect(signed, PROVIDER)
    fresh.clock.advance(100)
    assert fresh.consents.collect(signed, PROVIDER) == first
    assert first.collector == PROVIDER.address


def _other_domain(signed: SignedConsent, **changes: Any) -> SignedConsent:
    return replace(signed, domain=replace(signed.domain, **changes))


def _shown(scenario: Scenario, **changes: Any) -> SignedConsent:
    person = scenario.stage.people[0]
    return scenario.sign(person, scenario.consent(person, **changes))


@pytest.mark.rule("other-contract")
@pytest.mark.rule("other-chain")
@pytest.mark.rule("expired")
@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda s, c: _other_domain(c, chain_id=1), "chainId"),
        (lambda s, c: _other_domain(c, contract=bytes(20)), "contract"),
        (lambda s, c: _shown(s, controller=STRANGER.address), "controller"),
        (lambda s, c: _shown(s, valid_from=START - 9, valid_until=START - 1), "validUntil"),
        (lambda s, c: s.sign(s.stage.people[0], replace(c.consent, statement="I give everything.")), "statement"),
        (lambda s, c: s.sign(s.stage.people[0], replace(c.consent, modes=int(Mode.OPEN))), "statement"),
    ],
    ids=["chain", "contract", "controller", "expired", "statement", "field"],
)
def test_a_consent_that_an_auditor_would_refuse_is_not_collected(
    fresh: Scenario, change: Callable[[Scenario, SignedConsent], SignedConsent], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        fresh.consents.collect(change(fresh, fresh.sign(fresh.stage.people[0])), PROVIDER)
    assert caught.value.field == field
    assert fresh.services.records.consents.pending_consents(fresh.stage.asset_id) == []


@pytest.mark.rule("wrong-signer")
def test_a_consent_signed_by_another_is_not_collected(fresh: Scenario) -> None:
    signed = fresh.sign(fresh.stage.people[0])
    others = replace(signed, signature=fresh.stage.people[1].sign_digest(signed.consent_id))
    with pytest.raises(InvalidSignature):
        fresh.consents.collect(others, PROVIDER)


@pytest.mark.rule("other-chain")
@pytest.mark.rule("other-contract")
def test_a_signature_for_another_chain_or_contract_is_another_signers(fresh: Scenario) -> None:
    person, domain = fresh.stage.people[0], fresh.consents.domain
    for other in (replace(domain, chain_id=1), ConsentDomain(domain.chain_id, bytes([7]) * 20)):
        consent = fresh.consent(person)
        signature = person.sign_digest(consent_id(other, consent))
        with pytest.raises(InvalidSignature):
            fresh.consents.collect(SignedConsent(domain, consent, signature), PROVIDER)


@pytest.mark.rule("malleable-signature")
def test_the_other_half_of_a_signature_is_refused(fresh: Scenario) -> None:
    signed = fresh.sign(fresh.stage.people[0])
    r, s, v = signed.signature[:32], int.from_bytes(signed.signature[32:64], "big"), signed.signature[64]
    flipped = r + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    with pytest.raises(InvalidSignature):
        fresh.consents.collect(SignedConsent(signed.domain, signed.consent, flipped), PROVIDER)


def test_a_notice_that_nobody_published_is_not_found(fresh: Scenario) -> None:
    person = fresh.stage.people[0]
    unknown = replace(fresh.consent(person), notice_hash=sha256(b"another"))
    with pytest.raises(NotFound):
        fresh.consents.collect(fresh.sign(person, unknown), PROVIDER)


# -- anchored


def test_nothing_pending_is_nothing_to_anchor(fresh: Scenario) -> None:
    with pytest.raises(NotFound):
        fresh.anchor()


def test_what_the_contract_refuses_is_not_kept_as_a_batch(fresh: Scenario) -> None:
    fresh.collect()
    with refused("Consents", "NotController", assetId=fresh.stage.asset_id, account=PROVIDER.address):
        fresh.consents.anchor(fresh.stage.asset_id, PROVIDER, salt=sha256(b"another asset"))
    assert fresh.services.records.consents.batches_of(fresh.stage.asset_id) == []
    assert fresh.anchor().count == 5


@pytest.mark.rule("unknown-or-suspended-member")
def test_a_suspended_controller_anchors_nothing_until_it_is_reinstated(fresh: Scenario) -> None:
    fresh.collect()
    members.suspend(fresh.acting, fresh.governance, PROVIDER.address, 1)
    with refused("Membership", "ParticipantIs", account=PROVIDER.address, state=2):
        fresh.anchor()
    members.reinstate(fresh.acting, fresh.governance, PROVIDER.address)
    assert fresh.anchor().count == 5


def test_an_anchoring_that_was_cut_short_is_finished_before_another_begins(fresh: Scenario) -> None:
    fresh.collect()
    book = fresh.services.records.consents
    pending = book.pending_consents(fresh.stage.asset_id)
    kept = batch_of(fresh.stage.asset_id, pending)
    book.add_batch(kept, [signed.consent_id for signed in pending])
    late = account("late")
    fresh.consents.collect(fresh.sign(late), PROVIDER)
    assert fresh.anchor() == kept
    assert fresh.anchor().count == 1


def test_one_odd_consent_does_not_hold_up_the_others(fresh: Scenario) -> None:
    fresh.collect()
    people = fresh.stage.people
    twice = fresh.consent(people[0], salt=sha256(b"again"))
    other = fresh.consent(account("other"), purpose=int(Purpose.CREDIT))
    soon = fresh.consent(account("soon"), valid_until=fresh.clock.now + 10)
    for person, consent in ((people[0], twice), (account("other"), other), (account("soon"), soon)):
        fresh.consents.collect(fresh.sign(person, consent), PROVIDER)
    fresh.clock.advance(20)
    counts = [fresh.anchor().count for _ in range(3)]
    assert counts == [5, 1, 1]
    with pytest.raises(NotFound):
        fresh.anchor()


# -- anchored by a collector who signs elsewhere


def _signed_elsewhere(
    scenario: Scenario, batch: Batch, signer: LocalSigner = PROVIDER, *, later: int = 0
) -> SignedRequest:
    """What a collector signs in a wallet of its own, so that this batch is put on chain."""
    relaying = scenario.services.relaying
    hand = HandOf(scenario.services, scenario.services.drafting(), Elsewhere(PROVIDER.address))
    with pytest.raises(Drafted) as drafted:
        hand.consents.grant_batch(batch, hand.me, salt=scenario.stage.salt)
    request = replace(drafted.value.request, nonce=drafted.value.request.nonce + later)
    return SignedRequest(relaying.domain, request, signer.sign_digest(request_digest(relaying.domain, request)))


def test_a_batch_that_is_signed_elsewhere_is_kept_when_it_is_relayed(fresh: Scenario) -> None:
    fresh.collect()
    asset, book = fresh.stage.asset_id, fresh.services.records.consents
    batch = fresh.consents.proposed(asset, PROVIDER.address)
    signed = _signed_elsewhere(fresh, batch)
    assert book.batches_of(asset) == []
    relaying = fresh.services.relaying
    assert relaying.relay(signed, EXCHANGE).state is ActState.DONE
    assert relaying.relay(signed, EXCHANGE).state is ActState.DONE  # the same once more
    assert book.batches_of(asset) == [batch]
    places = [fresh.consents.place(fresh.consent_of(person)) for person in fresh.stage.people]
    assert sorted(each.index for each in places) == list(range(5))
    ended = fresh.consents.withdraw_for(fresh.withdrawal(fresh.stage.people[0]), EXCHANGE)
    assert ended is not None
    assert ended.event("LeafEnded").args["index"] == places[0].index


def test_who_withdraws_before_a_drafted_batch_is_relayed_is_not_in_it(fresh: Scenario) -> None:
    fresh.collect()
    asset, person = fresh.stage.asset_id, fresh.stage.people[0]
    signed = _signed_elsewhere(fresh, fresh.consents.proposed(asset, PROVIDER.address))
    assert fresh.consents.withdraw_for(fresh.withdrawal(person), EXCHANGE) is None
    with pytest.raises(Conflict, match="other consents wait by now"):
        fresh.services.relaying.relay(signed, EXCHANGE)
    assert fresh.services.records.consents.batches_of(asset) == []
    again = fresh.consents.proposed(asset, PROVIDER.address)
    assert again.count == 4
    assert fresh.services.relaying.relay(_signed_elsewhere(fresh, again), EXCHANGE).state is ActState.DONE


def test_a_drafted_batch_is_its_collectors_alone_and_kept_for_no_other_signature(fresh: Scenario) -> None:
    fresh.collect()
    asset = fresh.stage.asset_id
    with pytest.raises(NotFound, match="pending consent"):
        fresh.consents.proposed(asset, STRANGER.address)
    batch = fresh.consents.proposed(asset, PROVIDER.address)
    with pytest.raises(InvalidSignature):
        fresh.services.relaying.relay(_signed_elsewhere(fresh, batch, STRANGER), EXCHANGE)
    assert fresh.services.records.consents.batches_of(asset) == []


def test_no_batch_is_kept_that_waits_for_another_act_of_its_collector(fresh: Scenario) -> None:
    fresh.collect()
    asset = fresh.stage.asset_id
    signed = _signed_elsewhere(fresh, fresh.consents.proposed(asset, PROVIDER.address), later=1)
    with pytest.raises(Conflict, match="comes first"):
        fresh.services.relaying.relay(signed, EXCHANGE)
    assert fresh.services.records.consents.batches_of(asset) == []
    assert fresh.consents.withdraw_for(fresh.withdrawal(fresh.stage.people[0]), EXCHANGE) is None


def test_a_batch_of_what_was_collected_elsewhere_is_relayed_and_not_kept(fresh: Scenario) -> None:
    batch = batch_of(fresh.stage.asset_id, [fresh.sign(person) for person in fresh.stage.people])
    assert fresh.services.relaying.relay(_signed_elsewhere(fresh, batch), EXCHANGE).state is ActState.DONE
    assert fresh.services.records.consents.batches_of(fresh.stage.asset_id) == []


@pytest.mark.rule("replay")
def test_a_batch_is_granted_once(held: Scenario) -> None:
    again = held.consents.grant_batch(held.batch, PROVIDER, salt=held.stage.salt)
    assert again.event("BatchGranted").args["count"] == 5
    with refused("Consents", "BatchExists", batchId=held.batch.batch_id):
        held.acting.act(
            PROVIDER, "Consents", "grantBatch", held.stage.asset_id, held.stage.salt, held.batch.root, 5,
            held.batch.terms.as_tuple(), held.batch.manifest, key="another intent",
        )  # fmt: skip


@pytest.mark.rule("wrong-signer")
def test_a_direct_grant_is_judged_by_the_contract(fresh: Scenario) -> None:
    person, other = fresh.stage.people[:2]
    signed = fresh.sign(person)
    forged = replace(signed, signature=other.sign_digest(signed.consent_id))
    with refused("Consents", "BadSignature", expected=person.address):
        fresh.consents.grant(forged, PROVIDER, salt=fresh.stage.salt)
    receipt = fresh.consents.grant(signed, PROVIDER, salt=fresh.stage.salt)
    assert receipt.event("ConsentGranted").args["consentId"] == signed.consent_id


@pytest.mark.rule("expired")
def test_a_membership_expires_as_time_goes_on(fresh: Scenario) -> None:
    person = fresh.stage.people[0]
    signed = fresh.sign(person, fresh.consent(person, valid_until=START + 2 * MUCH_LATER))
    fresh.clock.advance(MUCH_LATER)
    with refused("Membership", "MembershipExpired", account=PROVIDER.address, validUntil=START + YEAR):
        fresh.consents.grant(signed, PROVIDER, salt=fresh.stage.salt)


@pytest.mark.rule("expired")
def test_a_consent_that_has_expired_is_refused_by_the_contract(fresh: Scenario) -> None:
    person = fresh.stage.people[0]
    signed = fresh.sign(person, fresh.consent(person, valid_until=START + 10))
    batch = batch_of(fresh.stage.asset_id, [signed])
    fresh.clock.advance(11)
    with pytest.raises(RejectedByContract) as caught:
        fresh.consents.grant(signed, PROVIDER, salt=fresh.stage.salt)
    assert caught.value.error == "ConsentExpired"
    assert caught.value.arguments["validUntil"] == START + 10
    with refused("Consents", "ConsentExpired", batchId=batch.batch_id, validUntil=START + 10):
        fresh.consents.grant_batch(batch, PROVIDER, salt=fresh.stage.salt)


# -- withdrawn


def test_a_withdrawal_by_signature_is_relayed_once(held: Scenario) -> None:
    person = held.stage.people[2]
    receipt = held.consents.withdraw_for(held.withdrawal(person), EXCHANGE)
    assert receipt is not None
    assert receipt.event("LeafEnded").args["actor"] == EXCHANGE.address
    place = held.consents.place(held.consent_of(person))
    with refused("Consents", "AlreadyWithdrawn", batchId=held.batch.batch_id, index=place.index):
        held.consents.withdraw_for(held.withdrawal(person), EXCHANGE)


@pytest.mark.rule("withdrawal-of-anothers-consent")
def test_nobody_withdraws_anothers_consent(held: Scenario) -> None:
    person, other = held.stage.people[:2]
    with pytest.raises(InvalidSignature):
        held.consents.withdraw_for(held.withdrawal(person, signer=other), EXCHANGE)
    identifier = held.consent_of(person)
    signature = other.sign_digest(withdrawal_digest(held.consents.domain, identifier))
    with pytest.raises(InvalidInput) as caught:
        held.consents.withdraw_for(Withdrawal(held.consents.domain, identifier, other.address, signature), EXCHANGE)
    assert caught.value.field == "subject"
    with refused("Consents", "NotSubject", account=other.address, subject=person.address):
        held.consents.withdraw(other, identifier)
    place = held.consents.place(identifier)
    with refused("Consents", "BadSignature", expected=person.address):
        held.acting.act(EXCHANGE, "Consents", "withdrawFor", held.batch.stated, place.leaf, place.proof, signature)


@pytest.mark.rule("other-chain")
@pytest.mark.rule("other-contract")
def test_a_withdrawal_for_another_chain_or_contract_is_refused(held: Scenario) -> None:
    withdrawal = held.withdrawal(held.stage.people[0])
    domain = withdrawal.domain
    for other in (replace(domain, chain_id=1), replace(domain, contract=bytes(20))):
        with pytest.raises(InvalidInput) as caught:
            held.consents.withdraw_for(replace(withdrawal, domain=other), EXCHANGE)
        assert caught.value.field == "contract"


def test_a_withdrawal_of_an_unknown_consent_is_not_found(held: Scenario) -> None:
    stranger = account("nobody's")
    identifier = sha256(b"nothing")
    signature = stranger.sign_digest(withdrawal_digest(held.consents.domain, identifier))
    with pytest.raises(NotFound):
        held.consents.withdraw_for(Withdrawal(held.consents.domain, identifier, stranger.address, signature), EXCHANGE)


def test_a_consent_that_is_withdrawn_before_anchoring_is_never_anchored(fresh: Scenario) -> None:
    fresh.collect()
    leaver = fresh.stage.people[1]
    assert fresh.consents.withdraw_for(fresh.withdrawal(leaver), EXCHANGE) is None
    batch = fresh.anchor()
    leaves = fresh.services.records.consents.leaves_of(batch.batch_id)
    assert batch.count == 4
    assert leaver.address not in {signed.consent.subject for signed in leaves}


@pytest.mark.rule("leaf-not-in-tree")
@pytest.mark.rule("wrong-position")
def test_a_leaf_that_is_not_where_it_is_said_to_be_is_refused(held: Scenario) -> None:
    place = held.consents.place(held.consent_of(held.stage.people[0]))

    def withdraw(wrong: Place) -> None:
        signature = held.withdrawal(held.stage.people[0]).signature
        held.acting.act(EXCHANGE, "Consents", "withdrawFor", wrong.batch.stated, wrong.leaf, wrong.proof, signature)

    batch_id = held.batch.batch_id
    elsewhere = (place.index + 1) % 5
    with refused("Consents", "NotInBatch", batchId=batch_id, index=elsewhere):
        withdraw(replace(place, index=elsewhere))
    with refused("Consents", "NotInBatch", batchId=batch_id, index=place.index):
        withdraw(replace(place, proof=(bytes(32), *place.proof[1:])))
    with refused("Consents", "IndexOutOfRange", index=5, count=5):
        withdraw(replace(place, index=5))
    unknown = replace(place.batch, manifest=sha256(b"another"))
    with pytest.raises(RejectedByContract) as caught:
        withdraw(replace(place, batch=unknown))
    assert caught.value.error == "UnknownBatch"


def test_a_collector_may_release_a_leaf_and_nobody_else(held: Scenario) -> None:
    person = held.stage.people[3]
    with refused("Consents", "NotCollector", assetId=held.stage.asset_id, account=STRANGER.address):
        held.consents.release(STRANGER, held.consent_of(person))
    receipt = held.consents.release(PROVIDER, held.consent_of(person))
    assert receipt.event("LeafEnded").args["subject"] == person.address
    with pytest.raises(RejectedByContract) as caught:
        held.consents.withdraw(person, held.consent_of(person))
    assert caught.value.error in ("AlreadyWithdrawn", "LeafEndedAlready")


# -- bound


@pytest.mark.rule("attester-is-provider")
def test_an_auditor_who_is_the_provider_is_no_auditor(held: Scenario) -> None:
    held.attest(PROVIDER, held.batch.batch_id, AttestationKind.CONSENT_AUDIT)
    held.publish()
    with refused("Consents", "AuditorIsParty", auditor=PROVIDER.address):
        held.consents.bind(PROVIDER, held.stage.asset_id, 1, [(held.batch, PROVIDER.address)])


def test_a_batch_without_its_audit_is_not_bound(held: Scenario) -> None:
    held.publish()
    kind = int(AttestationKind.CONSENT_AUDIT)
    missing: dict[str, Any] = {"target": held.batch.batch_id, "kind": kind, "attester": AUDITOR.address}
    with refused("Attestations", "AttestationMissing", **missing):
        held.bind()
    held.audit()
    assert held.bind().event("BindingClosed").args["live"] == 5


def test_withdrawals_go_on_when_the_asset_is_cancelled_and_the_provider_expelled(held: Scenario) -> None:
    held.publish()
    assets.cancel(held.acting, PROVIDER, held.stage.asset_id, sha256(b"why"))
    members.expel(held.acting, held.governance, PROVIDER.address, 1)
    assert held.consents.withdraw(held.stage.people[0], held.consent_of(held.stage.people[0])).gas_used > 0
    assert held.consents.withdraw_for(held.withdrawal(held.stage.people[1]), EXCHANGE) is not None


def test_the_notice_is_the_one_that_was_published(held: Scenario) -> None:
    assert held.services.notice(NOTICE.hash) == NOTICE
    with pytest.raises(NotFound):
        held.services.notice(bytes(32))
