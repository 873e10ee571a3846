"""Deals that no contract would take: offers beyond their form, consents that say less, acts and covers of others.

As in `test_audit_rules`, proofs and journals are perfect. Each tale is a market built with one thing wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from deedbook.audit.bundle import Bundle
from deedbook.audit.findings import Verdict
from deedbook.audit.verify import verify
from deedbook.domain.assets import Version, version_key
from deedbook.domain.codes import AttestationKind, Licence, Mode, Purpose
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, sha256
from deedbook.domain.journal import asset_entity
from deedbook.domain.keytree import cover_all_but, encode_cover
from deedbook.domain.sales import Conditions, Intermediary, Price, Sandbox, Split
from tests.simulator import (
    ASSET,
    BROKER,
    BUYER,
    EARLY,
    EXCHANGE,
    LATE,
    OPERATOR,
    PEOPLE,
    PROVIDER,
    REGULATOR,
    REVIEWER,
    SECOND,
    SETTLER,
    START,
    YEAR,
    Act,
    History,
    attest,
    consented,
    honest,
    record_of,
)
from tests.stories import DAY, WHY, abroad, delivered, settled

Tale = Callable[[], History]


@pytest.fixture(scope="module")
def truth() -> Bundle:
    """Whose journals a liar shows beside those that are asked."""
    return abroad().publish().bundle()


def offering(**changes: Any) -> Tale:
    """A sale of an offer that differs in these fields."""

    def tell() -> History:
        market = consented()
        settled(market, **changes)
        return market.history

    return tell


def consenting(offer: dict[str, Any] | None = None, **changes: Any) -> Tale:
    """A sale on consents that differ in these fields."""

    def tell() -> History:
        market = consented(**changes)
        settled(market, **(offer or {}))
        return market.history

    return tell


def telling(change: Callable[[History], object]) -> Tale:
    """The honest sales, with a change."""

    def tell() -> History:
        history = honest()
        change(history)
        return history

    return tell


def before(event: str, *acts: Act, nth: int = 0) -> Tale:
    return telling(lambda history: history.before(event, *acts, nth=nth))


def changed(event: str, nth: int = 0, **args: Any) -> Tale:
    return telling(lambda history: history.change(event, nth, **args))


def again(event: str, than: str, nth: int = 0) -> Tale:
    """An act told once more, before another one."""
    return telling(lambda history: history.before(than, history.acts[history.find(event, nth)]))


def across_without_consent() -> History:
    market = consented(jurisdictions={BUYER: 840})
    attest(market.history, market.version_key, AttestationKind.CROSS_BORDER, REGULATOR)
    offer = market.offer(conditions=Conditions(Licence.EMPLOYER, (156, 840)))
    market.order(offer, live=PEOPLE - 1, attesters=(REVIEWER, REVIEWER, REGULATOR))
    return market.history


def sold_by_a_later_holder() -> History:
    market = consented()
    moved = {"from": PROVIDER, "to": OPERATOR, "tokenId": ASSET}
    market.history.acts.append(Act("DataAssets", "Transfer", moved))
    settled(market, provider=OPERATOR)
    return market.history


def after_the_consents() -> History:
    market = consented(valid_until=START + DAY)
    settled(market)
    return market.history.delay("SaleOrdered", 2 * DAY)


def used_in_another_mode() -> History:
    market = consented()
    offer, sold = delivered(market)
    period: dict[str, Any] = {"from": market.history.now, "to": market.history.now + DAY, "count": 1, "used": 1}
    args = {"saleId": sold.sale, "provider": PROVIDER, "gateway": REVIEWER, "receiptsRoot": WHY}
    market.history.acts.append(Act("Usage", "UsageReported", period | args, wait=2 * DAY))
    assert offer.mode == Mode.RAW
    return market.history


def held() -> Act:
    return Act("Cases", "TargetHeld", {"target": asset_entity(ASSET), "holder": REGULATOR, "documentHash": WHY})


def opened(by: bytes) -> Act:
    stated = {"caseId": WHY, "target": asset_entity(ASSET), "opener": by, "kind": 1, "documentHash": WHY}
    return Act("Cases", "CaseOpened", stated)


def superseded(history: History) -> Act:
    args = dict(history.acts[history.find("VersionPublished")].args)
    named = {"contentRoot": args["contentRoot"], "recordCount": args["recordCount"], "descriptorHash": WHY}
    key = version_key(ASSET, Version(*named.values()))
    return Act("DataAssets", "VersionPublished", {**args, **named, "version": 2, "versionKey": key})


def nobody_left(event: str) -> Tale:
    """Everybody withdrew before an act."""

    def tell() -> History:
        market = consented()
        history, direct = market.history, market.history.acts[market.history.find("ConsentGranted")].args
        offer = market.offer()
        sold = market.order(offer, live=PEOPLE - 1)
        market.deliver(offer, sold, {EARLY})
        stay = [leaf for leaf in range(PEOPLE - 1) if leaf != EARLY]
        ends = []
        for live, leaf in zip(range(PEOPLE - 2, 0, -1), stay, strict=True):
            market.withdraw(leaf, live)
            ends.append(history.acts.pop())
        last = ends[0].args | {name: direct[name] for name in ("batchId", "consentId")}
        last |= {"subject": direct["consent"][0], "index": 0, "live": 0}
        history.before(event, *ends, Act("Consents", "LeafEnded", last))
        if event == "SaleOrdered":
            history.change("SaleOrdered", live=0)
        history.change("SalePrepared", live=0)
        return history

    return tell


TALES: dict[str, tuple[str, Tale]] = {
    # offers
    "an offer too dear": ("offer.price", offering(price=Price(2**96, 0, 0, 0, b"CNY"))),
    "for a purpose that nobody knows": ("offer.purpose", offering(purpose=9)),
    "in two modes": ("offer.mode", offering(mode=Mode.RAW | Mode.CALL)),
    "without terms": ("offer.documents", offering(terms_hash=ZERO32)),
    "shares of more than the whole": ("offer.split", offering(split=Split(EXCHANGE, 500, 5000, 6000))),
    "a share for nobody": (
        "offer.split",
        offering(split=Split(EXCHANGE, 500, 3000, 6000, (Intermediary(ZERO_ADDRESS, 500),))),
    ),
    "too many who share": (
        "offer.conditions",
        offering(split=Split(EXCHANGE, 500, 3000, 5600, tuple(Intermediary(BROKER, 100) for _ in range(9)))),
    ),
    "jurisdictions out of order": ("offer.conditions", offering(conditions=Conditions(0, (840, 156)))),
    "too many jurisdictions": ("offer.conditions", offering(conditions=Conditions(0, tuple(range(1, 18))))),
    "a try-out that was over": (
        "offer.sandbox",
        offering(sandbox=Sandbox(True, START, 2, 200_000, tuple(sorted((BUYER, SECOND))))),
    ),
    "a try-out for others": ("offer.sandbox", offering(sandbox=Sandbox(True, START + YEAR, 2, 200_000, (SECOND,)))),
    "a try-out that is full": (
        "offer.sandbox",
        offering(sandbox=Sandbox(True, START + YEAR, 0, 200_000, tuple(sorted((BUYER, SECOND))))),
    ),
    "a try-out too dear": (
        "offer.sandbox",
        offering(sandbox=Sandbox(True, START + YEAR, 2, 100_002, tuple(sorted((BUYER, SECOND))))),
    ),
    "listed after its end": ("offer.validity", offering(valid_until=START)),
    "another version's key": ("deal.version", offering(version_key=WHY)),
    # consents
    "for another purpose than consented": (
        "basis.purpose",
        consenting({"mode": Mode.OPEN, "purpose": Purpose.CREDIT}, modes=Mode.OPEN),
    ),
    "in another mode than consented": ("basis.mode", consenting({"mode": Mode.CALL}, modes=Mode.OPEN)),
    "to another than consented": ("basis.recipient", consenting(recipient=SECOND)),
    "to another class than consented": ("basis.class", consenting(recipient_class=Licence.BANK)),
    "before the consents began": ("basis.validity", consenting(valid_from=START + YEAR // 2)),
    "after the consents ended": ("basis.validity", after_the_consents),
    "across the border without consent": ("basis.border", across_without_consent),
    "by a holder whom nobody consented to": ("basis.controller", sold_by_a_later_holder),
    "consents that were over": ("consents.validity", consenting(valid_until=START + 100)),
    "granted twice": ("consents.batch", again("BatchGranted", "BatchBound")),
    "bound and never granted": ("consents.bind", changed("BatchBound", batchId=WHY)),
    "bound with another count": ("consents.count", changed("BatchBound", count=5)),
    "bound again": ("consents.bind", again("BatchBound", "OfferListed")),
    "closed twice": ("consents.closed", again("BindingClosed", "OfferListed")),
    "ended for no known cause": ("consents.cause", changed("LeafEnded", 1, cause=9)),
    "a mark counted wrong": (
        "consents.pending",
        before(
            "OfferListed",
            Act(
                "Consents",
                "WithdrawalMarked",
                {"assetId": ASSET, "consentId": WHY, "subject": BUYER, "collector": PROVIDER, "pending": 2},
            ),
        ),
    ),
    # acts by others, and out of time
    "the provider was suspended before the order": (
        "deal.provider",
        before("SaleOrdered", Act("Membership", "ParticipantSuspended", {"account": PROVIDER, "reason": 1})),
    ),
    "superseded before the order": ("deal.version", telling(lambda h: h.before("SaleOrdered", superseded(h)))),
    "another version ordered": ("order.version", changed("SaleOrdered", version=2)),
    "another version prepared": ("prepare.version", changed("SalePrepared", version=2)),
    "prepared by another": ("prepare.provider", changed("SalePrepared", provider=OPERATOR)),
    "prepared twice within the window": ("prepare.window", again("SalePrepared", "SaleDelivered")),
    "delivered by another": ("deliver.provider", changed("SaleDelivered", provider=OPERATOR)),
    "delivered in no envelope": ("deliver.envelope", changed("SaleDelivered", envelopeHash=ZERO32)),
    "delivered without a cover": ("deliver.cover", changed("SaleDelivered", coverHash=ZERO32)),
    "cancelled by a stranger": (
        "cancel.by",
        telling(
            lambda h: h.before("SalePaid", Act("Market", "SaleCancelled", {"saleId": h.sales[0].sale, "by": SETTLER}))
        ),
    ),
    "ordered twice": ("sale.order", again("SaleOrdered", "SalePaid")),
    "ordered with nobody's consent": ("order.live", nobody_left("SaleOrdered")),
    "prepared with nobody's consent": ("prepare.live", nobody_left("SalePrepared")),
    "paid out in another currency": ("payout.currency", changed("PayoutConfirmed", currency=b"USD")),
    "metered where the data was handed over": ("usage.mode", used_in_another_mode),
    # what others stated and decided
    "held twice by one": ("cases.hold", before("SaleAccepted", held(), held())),
    "a case by a stranger": ("cases.opener", before("SaleOrdered", opened(EXCHANGE))),
    "stated twice": ("attestations.order", again("Attested", "OfferListed", nth=1)),
    "a statement of no known kind": ("attestations.kind", changed("Attested", 2, kind=9)),
    "a kind of asset that nobody knows": ("assets.kind", changed("AssetRegistered", kind=9)),
}


@pytest.mark.parametrize("name", TALES)
def test_the_broken_rule_of_a_deal_is_named(name: str, truth: Bundle) -> None:
    rule, tell = TALES[name]
    published = tell().publish()
    report = verify(published.bundle(like=truth).to_bytes(), published.trust)
    assert (report.verdict, report.rule, report.step) == (Verdict.CONTRADICTED, rule, 5), report.summary


# -- covers: who is in the envelope


def covered(cover: bytes) -> History:
    """Delivered with this cover, whose hash is on chain."""
    market = consented()
    _, sold = delivered(market)
    sold.cover = cover
    market.history.change("SaleDelivered", coverHash=sha256(cover))
    return market.history


def gone(*leaves: int, records: int = PEOPLE) -> bytes:
    """The cover of all records but those of these leaves of the batch."""
    first = consented().batch_first
    return encode_cover(cover_all_but(records, [record_of(leaf, first) for leaf in leaves]))


COVERS = {
    "somebody who withdrew before": ("cover.withdrawn", gone(EARLY)),
    "somebody who withdrew, for another": ("cover.withdrawn", gone(EARLY, 0)),
    "one too few": ("cover.left-out", gone(EARLY, LATE, 0)),
    "of another size": ("cover.records", gone(EARLY, LATE, records=PEOPLE + 1)),
    "no cover": ("cover.form", b"DBCV"),
}


@pytest.mark.parametrize("name", COVERS)
def test_a_cover_of_others_than_consented_is_named(name: str) -> None:
    rule, cover = COVERS[name]
    market = consented()
    delivered(market)
    published = covered(cover).publish()
    report = verify(published.bundle(like=market.history.publish().bundle()).to_bytes(), published.trust)
    assert (report.verdict, report.rule, report.step) == (Verdict.CONTRADICTED, rule, 7), report.summary
