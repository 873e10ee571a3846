"""A market that lies: its proofs and journals are perfect, and the rule that it broke is named.

Each case changes one act of an honest history before it is published, so that only step 5 and later can find it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deedbook.audit.bundle import Bundle
from deedbook.audit.findings import Verdict
from deedbook.audit.sales import ACCEPTANCE_WINDOW, PREPARE_WINDOW
from deedbook.audit.verify import verify
from deedbook.domain.codes import AssetKind, Mode, Outcome, Role
from deedbook.domain.hashing import ZERO32, keccak256
from deedbook.domain.journal import account_entity, asset_entity
from tests.simulator import (
    ASSET,
    BROKER,
    BUYER,
    EXCHANGE,
    PARENT,
    PROVIDER,
    REGULATOR,
    REVIEWER,
    START,
    YEAR,
    Act,
    History,
    honest,
    without_people,
)

Lie = Callable[[History], object]


@pytest.fixture(scope="module")
def truth() -> Bundle:
    return honest().publish().bundle()


def held(target: bytes) -> Act:
    return Act("Cases", "TargetHeld", {"target": target, "holder": REGULATOR, "documentHash": keccak256(b"why")})


def suspended(who: bytes) -> Act:
    return Act("Membership", "ParticipantSuspended", {"account": who, "reason": 1})


def withdrawn(history: History, nth: int) -> Act:
    stated = history.acts[history.find("Attested", nth)].args
    args = {name: stated[name] for name in ("target", "kind", "attester")} | {"documentHash": keccak256(b"why")}
    return Act("Attestations", "AttestationWithdrawn", args)


def offer(history: History) -> dict[str, Any]:
    return history.acts[history.find("OfferListed")].args


def sale(history: History) -> bytes:
    return history.sales[0].sale


def version_key(history: History) -> bytes:
    return bytes(history.acts[history.find("VersionPublished")].args["versionKey"])


def other_split(history: History) -> None:
    stated = list(offer(history)["offer"])
    stated[7] = (EXCHANGE, 400, 3000, 6000, ((BROKER, 500),))
    offer(history)["offer"] = tuple(stated)


def moved(history: History) -> Act:
    return Act("DataAssets", "Transfer", {"from": PROVIDER, "to": REVIEWER, "tokenId": ASSET})


LIES: dict[str, tuple[str, Lie]] = {
    # members
    "the provider was never admitted": ("offer.provider", lambda h: h.drop("ParticipantAdmitted", account=PROVIDER)),
    "the buyer was suspended before the order": ("deal.buyer", lambda h: h.before("SaleOrdered", suspended(BUYER))),
    "the buyer was suspended before the delivery": (
        "deal.buyer",
        lambda h: h.before("SaleDelivered", suspended(BUYER)),
    ),
    "the buyer is no buyer": ("deal.buyer", lambda h: h.change("ParticipantAdmitted", 1, roles=Role.REVIEWER)),
    "the buyer lacks the licence": ("deal.class", lambda h: h.change("ParticipantAdmitted", 1, licences=())),
    "the buyer sits elsewhere": (
        "deal.jurisdiction",
        lambda h: [h.change("ParticipantAdmitted", each, jurisdiction=840) for each in (0, 1)],
    ),
    "the buyer's membership had expired": (
        "deal.buyer",
        lambda h: h.change("ParticipantAdmitted", 1, validUntil=START + 200),
    ),
    "the settler is no settler": ("payment.settler", lambda h: h.change("SalePaid", settler=REVIEWER)),
    "the settler is the provider": (
        "payment.settler",
        lambda h: (
            h.change("ParticipantAdmitted", 0, roles=Role.PROVIDER | Role.SETTLER),
            h.change("SalePaid", settler=PROVIDER),
        ),
    ),
    "the buyer had no encryption key": ("deliver.key", lambda h: h.drop("EncryptionKeyRegistered")),
    "a member was reinstated from nowhere": (
        "members.course",
        lambda h: h.acts.insert(0, Act("Membership", "ParticipantReinstated", {"account": PROVIDER})),
    ),
    "a buyer expelled and reinstated": (
        "members.course",
        lambda h: h.before(
            "SaleOrdered",
            Act("Membership", "ParticipantExpelled", {"account": BUYER, "reason": 1}),
            Act("Membership", "ParticipantReinstated", {"account": BUYER}),
        ),
    ),
    "a member admitted twice": ("members.course", lambda h: h.acts.insert(1, h.acts[0])),
    "a member with roles that nobody knows": (
        "members.terms",
        lambda h: h.change("ParticipantAdmitted", 1, roles=1 << 20),
    ),
    "a key registered while suspended": (
        "members.course",
        lambda h: h.before("EncryptionKeyRegistered", suspended(BUYER)),
    ),
    "a case decided by no judge": (
        "cases.judge",
        lambda h: h.before(
            "SaleOrdered",
            Act(
                "Cases",
                "CaseDecided",
                {"caseId": ZERO32, "target": sale(h), "decider": REVIEWER, "outcome": 1, "documentHash": ZERO32},
            ),
        ),
    ),
    "an opinion without a document": ("attestations.form", lambda h: h.change("Attested", 2, documentHash=ZERO32)),
    # assets
    "another registrant": ("assets.registration", lambda h: h.change("AssetRegistered", registrant=REVIEWER)),
    "another salt": ("assets.id", lambda h: h.change("AssetRegistered", salt=ZERO32)),
    "no source": ("assets.source", lambda h: h.change("AssetRegistered", sourceHash=ZERO32)),
    "core data": ("assets.grade", lambda h: h.change("AssetRegistered", grade=3, level=0)),
    "not said to be personal": ("assets.lineage", lambda h: h.change("AssetRegistered", personal=False)),
    "another content root": ("assets.versionKey", lambda h: h.change("VersionPublished", contentRoot=keccak256(b"x"))),
    "a version left out": ("assets.version", lambda h: h.change("VersionPublished", version=2)),
    "a parent of a personal asset": ("assets.lineage", lambda h: h.change("AssetRegistered", parents=(5,))),
    "moved to a stranger": (
        "assets.member",
        lambda h: h.before(
            "OfferListed", Act("DataAssets", "Transfer", {"from": PROVIDER, "to": EXCHANGE, "tokenId": ASSET})
        ),
    ),
    "moved away before the order": ("deal.right", lambda h: h.before("SaleOrdered", moved(h))),
    "moved by another than the holder": (
        "assets.holder",
        lambda h: h.before(
            "SaleOrdered", Act("DataAssets", "Transfer", {"from": REVIEWER, "to": PROVIDER, "tokenId": ASSET})
        ),
    ),
    "cancelled before the order": (
        "deal.asset",
        lambda h: h.before(
            "SaleOrdered",
            Act("DataAssets", "AssetCancelled", {"assetId": ASSET, "holder": PROVIDER, "documentHash": ZERO32}),
        ),
    ),
    # consents
    "a batch by another collector": ("consents.collector", lambda h: h.change("BatchGranted", collector=REVIEWER)),
    "another root": ("consents.batchId", lambda h: h.change("BatchGranted", root=keccak256(b"x"))),
    "another consentId": ("consents.consentId", lambda h: h.change("ConsentGranted", consentId=keccak256(b"x"))),
    "no audit of the batch": ("consents.audit", lambda h: h.drop("Attested", 0)),
    "an audit withdrawn": ("consents.audit", lambda h: h.before("BatchBound", withdrawn(h, 0))),
    "an audit with a negative outcome": ("consents.audit", lambda h: h.change("Attested", 0, outcome=Outcome.NEGATIVE)),
    "an audit of another batch": ("consents.audit", lambda h: h.change("Attested", 0, target=keccak256(b"x"))),
    "an audit that expired": ("consents.audit", lambda h: h.change("Attested", 0, validUntil=START + 240)),
    "an auditor without the role": (
        "attestations.accredited",
        lambda h: h.change("ParticipantAdmitted", 4, roles=Role.REVIEWER),
    ),
    "an audit by the holder": (
        "consents.auditor",
        lambda h: (
            h.change("ParticipantAdmitted", 0, roles=Role.PROVIDER | Role.AUDITOR),
            h.change("Attested", 0, attester=PROVIDER),
            [
                act.args.update(auditor=PROVIDER)
                for act in h.acts
                if act.event == "BatchBound" and any(act.args["auditor"])
            ],
        ),
    ),
    "a withdrawal forgotten at the binding": (
        "consents.live",
        lambda h: [act.args.update(withdrawn=0) for act in h.acts if act.event == "BatchBound"],
    ),
    "a withdrawal counted wrong": ("consents.live", lambda h: h.change("LeafEnded", 1, live=6)),
    "a leaf that ended twice": ("consents.leaf", lambda h: h.before("SalePrepared", h.acts[h.find("LeafEnded", 0)])),
    "a leaf beyond the batch": ("consents.leaf", lambda h: h.change("LeafEnded", 1, index=60)),
    "released by a stranger": ("consents.release", lambda h: h.change("LeafEnded", 1, cause=4)),
    "a binding that is not full": ("consents.recordCount", lambda h: h.change("BindingClosed", recordCount=6)),
    "a binding that says more live": ("consents.live", lambda h: h.change("BindingClosed", live=7)),
    "a binding never closed": ("basis.version", lambda h: h.drop("BindingClosed")),
    "a binding to another version": ("consents.version", lambda h: h.change("BatchBound", version=2)),
    "a batch at another offset": ("consents.offset", lambda h: h.change("BatchBound", offset=3)),
    "a mark by no collector": (
        "consents.mark",
        lambda h: h.before(
            "SaleOrdered",
            Act(
                "Consents",
                "WithdrawalMarked",
                {"assetId": ASSET, "consentId": ZERO32, "subject": EXCHANGE, "collector": REVIEWER, "pending": 1},
            ),
        ),
    ),
    "ordered while a mark was pending": (
        "basis.pending",
        lambda h: h.before(
            "SaleOrdered",
            Act(
                "Consents",
                "WithdrawalMarked",
                {"assetId": ASSET, "consentId": ZERO32, "subject": EXCHANGE, "collector": PROVIDER, "pending": 1},
            ),
        ),
    ),
    # offer and policy
    "another split than the offer's hash": ("offer.hash", other_split),
    "listed by another": ("offer.provider", lambda h: h.change("OfferListed", provider=REVIEWER)),
    "no policy": ("offer.policy", lambda h: h.drop("PolicySet")),
    "a policy that lists more strictly than it orders": ("policy.whole", lambda h: h.change("PolicySet", toOrder=0)),
    "a policy against the mode": ("offer.mode", lambda h: h.change("PolicySet", modes=Mode.OPEN)),
    "never listed": ("offer.listed", lambda h: h.drop("OfferListed")),
    "closed before the order": (
        "offer.open",
        lambda h: h.before(
            "SaleOrdered",
            Act("Market", "OfferClosed", {name: offer(h)[name] for name in ("offerId", "assetId", "provider")}),
        ),
    ),
    "ordered after the offer's end": ("offer.validity", lambda h: h.delay("SaleOrdered", YEAR)),
    # order
    "another sale id": ("sale.id", lambda h: h.change("SaleOrdered", reference_=ZERO32)),
    "ordered for less": ("order.price", lambda h: h.change("SaleOrdered", price=1)),
    "ordered in another currency": ("order.currency", lambda h: h.change("SaleOrdered", currency=b"USD")),
    "no legal opinion": ("order.attestation", lambda h: h.drop("Attested", 2)),
    "a legal opinion withdrawn before": ("order.attestation", lambda h: h.before("SaleOrdered", withdrawn(h, 2))),
    "a legal opinion on another version": (
        "order.attestation",
        lambda h: h.change("Attested", 2, target=keccak256(b"x")),
    ),
    "one attester too few": ("order.attestation", lambda h: h.change("SaleOrdered", attesters=(REVIEWER,))),
    "an attester who is a party": ("order.attester", lambda h: h.change("SaleOrdered", attesters=(PROVIDER, REVIEWER))),
    "an attester who is the buyer": ("order.attester", lambda h: h.change("SaleOrdered", attesters=(BUYER, REVIEWER))),
    "more live than there were": ("basis.live", lambda h: h.change("SaleOrdered", live=7)),
    "the asset was held": ("deal.hold", lambda h: h.before("SaleOrdered", held(asset_entity(ASSET)))),
    "the version was held": ("deal.hold", lambda h: h.before("SaleDelivered", held(version_key(h)))),
    "the buyer was held": ("deal.hold", lambda h: h.before("SalePrepared", held(account_entity(BUYER)))),
    "the provider was held": ("deal.hold", lambda h: h.before("OfferListed", held(account_entity(PROVIDER)))),
    "the sale was held": ("deal.hold", lambda h: h.before("SalePrepared", held(sale(h)))),
    "held by no judge": (
        "cases.judge",
        lambda h: (h.before("SaleOrdered", held(asset_entity(ASSET))), h.change("TargetHeld", holder=REVIEWER)),
    ),
    # payment, delivery, acceptance
    "paid too little": ("payment.amount", lambda h: h.change("SalePaid", amount=1)),
    "paid in another currency": ("payment.currency", lambda h: h.change("SalePaid", currency=b"USD")),
    "paid without a receipt": ("payment.receipt", lambda h: h.change("SalePaid", receiptHash=ZERO32)),
    "prepared before it was paid": ("sale.state", lambda h: h.drop("SalePaid")),
    "delivered before it was prepared": ("sale.state", lambda h: h.drop("SalePrepared")),
    "more prepared than live": ("basis.live", lambda h: h.change("SalePrepared", live=6)),
    "delivered after the window": ("deliver.window", lambda h: h.delay("SaleDelivered", PREPARE_WINDOW + 1)),
    "more delivered than live": ("deliver.count", lambda h: h.change("SaleDelivered", deliveredCount=6)),
    "fewer delivered than live": ("basis.live", lambda h: h.change("SaleDelivered", deliveredCount=4)),
    "accepted for the buyer too soon": (
        "accept.window",
        lambda h: h.change("SaleAccepted", by=REVIEWER, byTimeout=True).delay("SaleAccepted", ACCEPTANCE_WINDOW),
    ),
    "accepted by another as if by the buyer": ("accept.by", lambda h: h.change("SaleAccepted", by=REVIEWER)),
    "refunded while deliverable": (
        "refund.cause",
        lambda h: (
            h.change("SalePrepared", live=5),
            h.before(
                "SalePrepared",
                Act("Market", "SaleRefunded", {"saleId": sale(h), "by": BUYER, "amount": 100_003, "currency": b"CNY"}),
            ),
        ),
    ),
    # money
    "a share too large": ("settle.sum", lambda h: h.change("SaleSettled", exchangeShare=5001)),
    "shares that add up and are others'": (
        "settle.shares",
        lambda h: h.change("SaleSettled", exchangeShare=10_000, providerShare=25_000),
    ),
    "less for each person": (
        "settle.shares",
        lambda h: h.drop("SaleSettled", 1).change("SaleSettled", perHead=11_999, carryOut=8),
    ),
    "a carry from nowhere": ("settle.carry", lambda h: h.change("SaleSettled", 1, carryIn=4)),
    "certificates out of order": ("settle.certificate", lambda h: h.change("SaleSettled", 1, certificate=4)),
    "settled before it was accepted": ("settle.state", lambda h: h.drop("SaleAccepted")),
    "settled for another asset's journal": ("settle.carry", lambda h: h.change("SaleSettled", assetId=ASSET + 1)),
    "a payout that skips somebody": ("payout.ordinals", lambda h: h.change("PayoutConfirmed", 1, **{"from": 3})),
    "a payout beyond the last": ("payout.ordinals", lambda h: h.change("PayoutConfirmed", 1, to=6)),
    "a payout to nobody": (
        "payout.ordinals",
        lambda h: h.change("PayoutConfirmed", 1, to=2, total=0, receiptHash=ZERO32),
    ),
    "a payout too small": ("payout.total", lambda h: h.change("PayoutConfirmed", total=1)),
    "a receipt used twice": (
        "payout.receipt",
        lambda h: h.change("PayoutConfirmed", receiptHash=h.acts[h.find("SalePaid")].args["receiptHash"]),
    ),
    "a payout confirmed by a party": (
        "payout.settler",
        lambda h: (
            h.change("ParticipantAdmitted", 1, roles=Role.BUYER | Role.SETTLER),
            h.change("PayoutConfirmed", settler=BUYER),
        ),
    ),
    "a payout while the asset was held": (
        "payout.hold",
        lambda h: h.before("PayoutConfirmed", held(asset_entity(ASSET))),
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_the_broken_rule_is_named(name: str, truth: Bundle) -> None:
    rule, lie = LIES[name]
    history = honest()
    lie(history)
    published = history.publish()
    report = verify(published.bundle(like=truth).to_bytes(), published.trust)
    assert (report.verdict, report.rule, report.step) == (Verdict.CONTRADICTED, rule, 5), report.summary


def test_both_honest_sales_are_valid() -> None:
    published = honest().publish()
    for sale_number in (0, 1):
        for full in (True, False):
            report = verify(published.bundle(sale=sale_number, full=full).to_bytes(), published.trust)
            assert report.verdict is Verdict.VALID, report.summary


@pytest.mark.parametrize("kind", [AssetKind.ENTERPRISE, AssetKind.PUBLIC, AssetKind.DERIVED])
def test_sales_without_people_are_valid(kind: AssetKind) -> None:
    published = without_people(kind).publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary
    assert (report.claims["delivered"], report.claims["perHead"]) == (0, "0")
    assert report.claims["providerShare"] == str(100_003 - 5000 - 5000)


WITHOUT_PEOPLE: dict[str, tuple[str, AssetKind, Lie]] = {
    "no source statement attested": (
        "offer.attestation",
        AssetKind.ENTERPRISE,
        lambda h: h.drop("Attested", 1),
    ),
    "records counted where nobody is": ("deal.live", AssetKind.ENTERPRISE, lambda h: h.change("SalePrepared", live=1)),
    "a derived asset that hides its people": (
        "assets.lineage",
        AssetKind.DERIVED,
        lambda h: h.change("AssetRegistered", 1, personal=False),
    ),
    "a parent that was never registered": (
        "assets.lineage",
        AssetKind.DERIVED,
        lambda h: (h.drop("Transfer"), h.drop("AssetRegistered")),
    ),
    "a held parent": (
        "assets.lineage",
        AssetKind.DERIVED,
        lambda h: h.before("Transfer", held(asset_entity(PARENT)), nth=1),
    ),
    "graded below its parent without de-identification": (
        "assets.lineage",
        AssetKind.DERIVED,
        lambda h: (h.change("AssetRegistered", grade=2, level=0), h.drop("Attested", 2)),
    ),
    "not de-identified": ("order.attestation", AssetKind.DERIVED, lambda h: h.drop("Attested", 2)),
}


@pytest.mark.parametrize("name", WITHOUT_PEOPLE)
def test_the_broken_rule_of_a_sale_without_people_is_named(name: str) -> None:
    rule, kind, lie = WITHOUT_PEOPLE[name]
    truth, history = without_people(kind).publish().bundle(), without_people(kind)
    lie(history)
    published = history.publish()
    report = verify(published.bundle(like=truth).to_bytes(), published.trust)
    assert (report.verdict, report.rule) == (Verdict.CONTRADICTED, rule), report.summary


def test_a_sale_under_way_is_valid_as_far_as_it_went() -> None:
    states = []
    for last in ("SaleOrdered", "SalePaid", "SalePrepared", "SaleDelivered", "SaleAccepted", "SaleSettled"):
        history = honest()
        del history.acts[history.find(last) + 1 :]
        if last in ("SaleOrdered", "SalePaid", "SalePrepared"):
            history.sales[0].cover = history.sales[0].envelope = None
        published = history.publish()
        report = verify(published.bundle().to_bytes(), published.trust)
        assert report.verdict is Verdict.VALID, report.summary
        states.append(report.claims["state"])
    assert states == ["ORDERED", "PAID", "PREPARED", "DELIVERED", "ACCEPTED", "SETTLED"]


def test_acceptance_by_timeout_is_valid() -> None:
    history = honest().change("SaleAccepted", by=REVIEWER, byTimeout=True).delay("SaleAccepted", ACCEPTANCE_WINDOW + 1)
    published = history.publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary


def test_a_hold_that_a_regulator_ended_stops_nothing() -> None:
    """The holder was suspended meanwhile, so another released it (Cases.releaseFor)."""
    history, hold = honest(), held(asset_entity(ASSET))
    history.before("SaleOrdered", hold, suspended(REGULATOR), Act("Cases", "TargetReleased", hold.args))
    published = history.publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary


def test_a_sale_prepared_again_after_the_window_is_valid() -> None:
    history = honest()
    again = history.acts[history.find("SalePrepared")]
    history.before("SaleDelivered", Act("Market", "SalePrepared", again.args, wait=PREPARE_WINDOW + 1))
    published = history.publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary


def test_acts_of_one_block_may_come_in_either_order() -> None:
    """Journals of different contracts do not say which came first within a block."""
    history = honest().before("SaleOrdered", suspended(BUYER))
    history.acts[history.find("SaleOrdered")].same_block = True
    published = history.publish()
    assert verify(published.bundle(like=honest().publish().bundle()).to_bytes(), published.trust).rule == "deal.buyer"
    history = honest()
    history.before(
        "SalePaid", Act("Membership", "ParticipantSuspended", {"account": BUYER, "reason": 1}, same_block=True)
    )
    history.before("SalePrepared", Act("Membership", "ParticipantReinstated", {"account": BUYER}))
    published = history.publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary


def test_what_comes_after_changes_nothing() -> None:
    history = honest()
    later = withdrawn(history, 1)
    history.acts += [later, suspended(REVIEWER), held(asset_entity(ASSET))]
    published = history.publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary
