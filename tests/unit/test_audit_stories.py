"""Sales of every kind that the contracts allow, told truly; and each told with one lie, whose rule is named.

As in `test_audit_rules`, proofs and journals are perfect: only the rules can find the lie.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from deedbook.audit.bundle import Bundle
from deedbook.audit.findings import Verdict
from deedbook.audit.verify import verify
from deedbook.domain.codes import Mode, Right, Role
from deedbook.domain.hashing import ZERO32, keccak256
from deedbook.domain.journal import account_entity, asset_entity
from tests.simulator import (
    ASSET,
    AUDITOR,
    BUYER,
    GATEWAY,
    OPERATOR,
    PROCESSOR,
    PROVIDER,
    REGULATOR,
    REVIEWER,
    SETTLER,
    START,
    YEAR,
    Act,
    History,
    Published,
)
from tests.stories import DAY, STORIES, WHY, abandoned, ended, granted, metered, overdue

Lie = Callable[[History], object]


@cache
def truth(story: str) -> Bundle:
    return STORIES[story][0]().publish().bundle()


@pytest.mark.parametrize("story", STORIES)
def test_a_true_story_is_valid(story: str) -> None:
    tell, claims = STORIES[story]
    published = tell().publish()
    for full in (True, False):
        report = verify(published.bundle(full=full).to_bytes(), published.trust)
        assert report.verdict is Verdict.VALID, report.summary
        assert {name: report.claims[name] for name in claims} == claims


def moved(source: bytes, to: bytes) -> Act:
    return Act("DataAssets", "Transfer", {"from": source, "to": to, "tokenId": ASSET})


def held(target: bytes) -> Act:
    return Act("Cases", "TargetHeld", {"target": target, "holder": REGULATOR, "documentHash": WHY})


def suspended(who: bytes) -> Act:
    return Act("Membership", "ParticipantSuspended", {"account": who, "reason": 1})


def cancelled() -> Act:
    return Act("DataAssets", "AssetCancelled", {"assetId": ASSET, "holder": PROVIDER, "documentHash": WHY})


def roles(account: bytes, now: int) -> Lie:
    return lambda history: history.acts[history.find("ParticipantAdmitted", account=account)].args.update(roles=now)


def changes(event: str, nth: int = 0, **args: Any) -> Lie:
    return lambda history: history.change(event, nth, **args)


def before(event: str, *acts: Act, nth: int = 0) -> Lie:
    return lambda history: history.before(event, *acts, nth=nth)


def earlier(event: str, than: str, nth: int = 0) -> Lie:
    """An act that comes before another one."""
    return lambda history: history.before(than, history.acts.pop(history.find(event, nth)))


def again(event: str, before: str, nth: int = 0) -> Lie:
    """An act that is told once more, before another one."""
    return lambda history: history.before(before, history.acts[history.find(event)], nth=nth)


def drops(event: str, nth: int = 0) -> Lie:
    return lambda history: history.drop(event, nth)


def delays(event: str, seconds: int) -> Lie:
    return lambda history: history.delay(event, seconds)


def apart(event: str) -> Lie:
    """An act in a block of its own."""
    return lambda history: setattr(history.acts[history.find(event)], "same_block", False)


def taken_from(event: str, name: str, other: str, other_name: str, nth: int = 0) -> Lie:
    """An argument that is another act's."""
    return lambda history: history.change(event, nth, **{name: history.acts[history.find(other)].args[other_name]})


def both(*lies: Lie) -> Lie:
    return lambda history: [lie(history) for lie in lies]


def by_a_party(event: str, field: str, account: bytes, now: int) -> Lie:
    """Done by a party, who has the role for it too."""
    done: dict[str, Any] = {field: account}
    return both(roles(account, now), changes(event, **done))


def meanwhile(account: bytes, event: str, nth: int = 0) -> Lie:
    """Done while somebody was suspended, and never since."""
    back = Act("Membership", "ParticipantReinstated", {"account": account})
    return both(before(event, suspended(account), nth=nth), before("OfferListed", back))


def settled_again(history: History) -> None:
    first = history.acts[history.find("SaleSettled")].args
    carry = first["carryOut"]
    history.acts.append(
        Act("Revenue", "SaleSettled", first | {"certificate": 2, "carryIn": carry, "carryOut": 2 * carry})
    )


LIES: dict[str, tuple[str, str, Lie]] = {
    # consents of firms
    "nobody consented": ("enterprise", "basis.version", drops("BindingClosed")),
    "consents that no policy asked for": ("enterprise", "deal.live", changes("PolicySet", toOrder=6)),
    "firms with a share": ("enterprise", "settle.shares", changes("SaleSettled", providerShare=89_998, perHead=1)),
    "firms' records without a cover": ("enterprise", "deliver.cover", changes("SaleDelivered", coverHash=ZERO32)),
    "no firm's record": ("enterprise", "deliver.count", changes("SaleDelivered", deliveredCount=0)),
    "no source attested beside the consents": ("enterprise", "offer.attestation", drops("Attested", 1)),
    # rights
    "a licence to hold": ("licensed", "rights.kind", changes("RightGranted", right=Right.HOLD)),
    "a licence to oneself": ("licensed", "rights.grantor", changes("RightGranted", account=PROVIDER)),
    "a licence by a stranger": ("licensed", "rights.grantor", changes("RightGranted", 1, grantor=REVIEWER)),
    "processing granted on": ("licensed", "rights.grantor", changes("RightGranted", 1, right=Right.PROCESS)),
    "a licence of nothing": ("licensed", "rights.scope", changes("RightGranted", 1, modes=0)),
    "a licence for no purpose": ("licensed", "rights.scope", changes("RightGranted", 1, purposes=0)),
    "a mode too many": ("licensed", "rights.scope", changes("RightGranted", 1, modes=Mode.RAW | Mode.OPEN)),
    "a purpose too many": ("licensed", "rights.scope", changes("RightGranted", 0, purposes=1 << 2)),
    "a term too long": ("licensed", "rights.scope", changes("RightGranted", 1, validUntil=START + 3 * YEAR)),
    "a mode that nobody has": ("licensed", "rights.scope", changes("RightGranted", modes=1 << 6)),
    "a term beyond forty bits": ("licensed", "rights.scope", changes("RightGranted", validUntil=2**40)),
    "a licence that was over": ("licensed", "rights.term", changes("RightGranted", 1, validUntil=START)),
    "a licence without a document": ("licensed", "rights.document", changes("RightGranted", documentHash=ZERO32)),
    "a licence to no provider": ("licensed", "rights.member", roles(PROCESSOR, Role.BUYER)),
    "a licence by one suspended": ("licensed", "rights.member", before("RightGranted", suspended(PROCESSOR), nth=1)),
    "a licence to one suspended": ("licensed", "rights.member", meanwhile(OPERATOR, "RightGranted", nth=1)),
    "licensed twice": (
        "licensed",
        "rights.stands",
        before("OfferListed", granted(OPERATOR, Right.OPERATE, PROVIDER)),
    ),
    "licensed while held": ("licensed", "assets.hold", before("RightGranted", held(asset_entity(ASSET)))),
    "licensed after it was cancelled": ("licensed", "assets.state", before("RightGranted", cancelled())),
    "for another purpose": ("licensed", "deal.right", changes("RightGranted", 1, purposes=1 << 2)),
    "in another mode": ("licensed", "deal.right", changes("RightGranted", 1, modes=Mode.CALL)),
    "no licence": ("licensed", "deal.right", drops("RightGranted", 1)),
    "only licensed to process": (
        "licensed",
        "deal.right",
        both(drops("RightGranted", 1), changes("RightGranted", account=OPERATOR)),
    ),
    "the licence had run out": (
        "licensed",
        "deal.right",
        both(changes("RightGranted", 1, validUntil=START + DAY), delays("SalePrepared", DAY)),
    ),
    "the licence was ended": (
        "licensed",
        "deal.right",
        before("SaleOrdered", ended(OPERATOR, Right.OPERATE, PROCESSOR)),
    ),
    "the licence that it came from was ended": (
        "licensed",
        "deal.right",
        before("SalePrepared", ended(PROCESSOR, Right.PROCESS, PROVIDER)),
    ),
    "the licence that it came from was ended and granted again": (
        "licensed",
        "deal.right",
        before("SalePrepared", ended(PROCESSOR, Right.PROCESS, PROCESSOR), granted(PROCESSOR, Right.PROCESS, PROVIDER)),
    ),
    "moved away and back": (
        "licensed",
        "deal.right",
        before("SaleOrdered", moved(PROVIDER, PROCESSOR), moved(PROCESSOR, PROVIDER)),
    ),
    "ended by a stranger": ("licensed", "rights.end", before("SaleOrdered", ended(OPERATOR, Right.OPERATE, BUYER))),
    "ended twice": (
        "licensed",
        "rights.end",
        before("SaleOrdered", *[ended(OPERATOR, Right.OPERATE, OPERATOR)] * 2),
    ),
    # changes of an asset
    "changed by another": ("changed", "assets.holder", changes("AssetChanged", holder=REVIEWER)),
    "another grade": ("changed", "assets.grade", changes("AssetChanged", grade=2, level=0)),
    "a level of another grade": ("changed", "assets.grade", changes("AssetChanged", level=5)),
    "changed to no source": ("changed", "assets.source", changes("AssetChanged", sourceHash=ZERO32)),
    "changed without a document": ("changed", "assets.document", changes("AssetChanged", documentHash=ZERO32)),
    "changed while held": ("changed", "assets.hold", before("AssetChanged", held(asset_entity(ASSET)))),
    "changed while suspended": ("changed", "assets.member", meanwhile(PROVIDER, "AssetChanged")),
    "changed after it was cancelled": ("changed", "assets.state", before("AssetChanged", cancelled())),
    # dismissals
    "dismissed by the holder": (
        "dismissed",
        "consents.dismisser",
        by_a_party("WithdrawalResolved", "resolver", PROVIDER, Role.PROVIDER | Role.AUDITOR),
    ),
    "dismissed by the collector, who has given the asset away": (
        "dismissed",
        "consents.dismisser",
        both(
            by_a_party("WithdrawalResolved", "resolver", PROVIDER, Role.PROVIDER | Role.AUDITOR),
            before("WithdrawalResolved", moved(PROVIDER, OPERATOR)),
            before("OfferListed", moved(OPERATOR, PROVIDER)),
        ),
    ),
    "dismissed by no auditor": ("dismissed", "consents.mark", changes("WithdrawalResolved", resolver=REVIEWER)),
    "dismissed though never marked": (
        "dismissed",
        "consents.mark",
        changes("WithdrawalResolved", consentId=keccak256(b"a third")),
    ),
    "marked twice": ("dismissed", "consents.mark", again("WithdrawalMarked", "WithdrawalResolved")),
    # disputes
    "disputed by another": ("decided for the buyer", "dispute.by", changes("SaleDisputed", buyer=REVIEWER)),
    "disputed too late": ("decided for the buyer", "dispute.window", delays("SaleDisputed", 7 * DAY + 1)),
    "disputed without a document": (
        "decided for the buyer",
        "dispute.document",
        changes("SaleDisputed", documentHash=ZERO32),
    ),
    "disputed before the delivery": ("decided for the buyer", "sale.state", again("SaleDisputed", "SaleDelivered")),
    "decided without a dispute": ("decided against the buyer", "sale.state", drops("SaleDisputed")),
    "decided by no judge": ("decided for the buyer", "dispute.decider", changes("DisputeDecided", decider=REVIEWER)),
    "decided by a judge who buys": (
        "decided for the buyer",
        "dispute.decider",
        by_a_party("DisputeDecided", "decider", BUYER, Role.BUYER | Role.ARBITER),
    ),
    "decided by a judge who sells": (
        "decided against the buyer",
        "dispute.decider",
        by_a_party("DisputeDecided", "decider", PROVIDER, Role.PROVIDER | Role.REGULATOR),
    ),
    "a decision of no outcome": ("decided for the buyer", "dispute.outcome", changes("DisputeDecided", outcome=3)),
    "a decision without a document": (
        "decided against the buyer",
        "dispute.document",
        changes("DisputeDecided", documentHash=ZERO32),
    ),
    "settled against the decision": ("decided against the buyer", "settle.state", changes("DisputeDecided", outcome=1)),
    "given back against the decision": ("decided for the buyer", "refund.state", changes("DisputeDecided", outcome=2)),
    "accepted for the buyer who disputed": (
        "agreed",
        "sale.state",
        both(changes("SaleAccepted", by=REVIEWER, byTimeout=True), delays("SaleAccepted", 8 * DAY)),
    ),
    # refunds
    "given back by a stranger": (
        "given back",
        "refund.by",
        both(drops("SalePrepared"), drops("SaleDelivered"), changes("SaleRefunded", by=REVIEWER)),
    ),
    "taken back by the buyer after the delivery": ("given back", "sale.state", changes("SaleRefunded", by=BUYER)),
    "given back twice": ("given back", "sale.state", again("SaleRefunded", "RefundConfirmed")),
    "less given back": ("given back", "refund.amount", changes("SaleRefunded", amount=1)),
    "more came back than was paid": (
        "given back",
        "refund.amount",
        changes("RefundConfirmed", 1, amount=40_004, refunded=100_004),
    ),
    "nothing came back": ("given back", "refund.amount", changes("RefundConfirmed", amount=0, refunded=0)),
    "refunds that do not add up": ("given back", "refund.sum", changes("RefundConfirmed", 1, refunded=100_002)),
    "another currency came back": ("given back", "refund.currency", changes("RefundConfirmed", currency=b"USD")),
    "a refund's receipt used twice": (
        "given back",
        "refund.receipt",
        taken_from("RefundConfirmed", "receiptHash", "RefundConfirmed", "receiptHash", nth=1),
    ),
    "a refund by the receipt of the payment": (
        "given back",
        "refund.receipt",
        taken_from("RefundConfirmed", "receiptHash", "SalePaid", "receiptHash"),
    ),
    "a refund confirmed by no settler": ("given back", "refund.settler", changes("RefundConfirmed", settler=AUDITOR)),
    "a refund confirmed by the buyer": (
        "given back",
        "refund.settler",
        by_a_party("RefundConfirmed", "settler", BUYER, Role.BUYER | Role.SETTLER),
    ),
    "money came back of a sale that stands": ("given back", "refund.state", drops("SaleRefunded")),
    "money came back before it was undone": ("given back", "refund.state", earlier("RefundConfirmed", "SaleRefunded")),
    "taken back before the window was over": ("overdue", "refund.cause", delays("SaleRefunded", 30 * DAY)),
    # people put off, and payments that came back
    "a list left out": ("put off", "deferred.list", changes("OrdinalsDeferred", 1, list=3)),
    "the first list with number 2": ("put off", "deferred.list", changes("OrdinalsDeferred", 0, list=2)),
    "a list of nobody": ("put off", "deferred.root", changes("OrdinalsDeferred", 0, count=0)),
    "a list without a root": ("put off", "deferred.root", changes("OrdinalsDeferred", 0, root=ZERO32)),
    "more put off than there are": ("put off", "deferred.count", changes("OrdinalsDeferred", 0, count=4)),
    "put off from other places": ("put off", "deferred.places", changes("OrdinalsDeferred", 0, to=2)),
    "put off from another list": ("put off", "deferred.places", changes("OrdinalsDeferred", 0, parent=1)),
    "put off, and paid too": ("put off", "payout.total", changes("PayoutConfirmed", 0, total=36_000)),
    "put off by nothing": ("put off", "payout.total", drops("OrdinalsDeferred", 0)),
    "put off in another block than paid": ("put off", "deferred.act", apart("PayoutConfirmed")),
    "put off and then nothing": ("put off", "deferred.act", drops("PaymentsBounced")),
    "a bounce that puts nobody on a list": ("put off", "deferred.act", drops("OrdinalsDeferred", 1)),
    "more bounced than was paid": (
        "put off",
        "bounce.count",
        both(changes("OrdinalsDeferred", 1, count=5), changes("PaymentsBounced", count=5, total=60_000)),
    ),
    "more bounced than stand on the list": ("put off", "bounce.count", changes("PaymentsBounced", count=1)),
    "bounced from other places": ("put off", "deferred.places", changes("OrdinalsDeferred", 1, to=4)),
    "less came back than was paid": ("put off", "bounce.total", changes("PaymentsBounced", total=1)),
    "a bounce of a list that is not": ("put off", "deferred.unknown", changes("PaymentsBounced", list=2)),
    "a bounce by the receipt of a payout": (
        "put off",
        "bounce.receipt",
        taken_from("PaymentsBounced", "receiptHash", "PayoutConfirmed", "receiptHash"),
    ),
    "a bounce without a receipt": ("put off", "bounce.receipt", changes("PaymentsBounced", receiptHash=ZERO32)),
    "a bounce confirmed by no settler": ("put off", "bounce.settler", changes("PaymentsBounced", settler=REVIEWER)),
    "a bounce in another currency": ("put off", "bounce.currency", changes("PaymentsBounced", currency=b"USD")),
    "a list paid that is not": ("put off", "deferred.unknown", changes("DeferredPayoutConfirmed", list=3)),
    "the first list paid as a later one": ("put off", "deferred.unknown", changes("DeferredPayoutConfirmed", list=0)),
    "a list paid twice": ("put off", "payout.ordinals", again("DeferredPayoutConfirmed", "OrdinalsDeferred", nth=2)),
    "a list paid beyond its end": ("put off", "payout.ordinals", changes("DeferredPayoutConfirmed", to=2)),
    "a list paid too little": ("put off", "payout.total", changes("DeferredPayoutConfirmed", total=1)),
    "a receipt of nothing": ("put off", "payout.receipt", changes("DeferredPayoutConfirmed", 2, receiptHash=WHY)),
    "a payout without a receipt": ("put off", "payout.receipt", changes("PayoutConfirmed", 1, receiptHash=ZERO32)),
    "a list paid while the asset was held": (
        "put off",
        "payout.hold",
        before("DeferredPayoutConfirmed", held(asset_entity(ASSET))),
    ),
    "settled again": ("put off", "settle.once", settled_again),
    "paid before it was settled": ("put off", "settle.first", earlier("PayoutConfirmed", "SaleSettled", nth=1)),
    # at no price
    "nothing was owed, and a settler was paid": ("open licence", "payment.free", changes("SalePaid", settler=SETTLER)),
    "nothing was owed, and there is a receipt": ("open licence", "payment.free", changes("SalePaid", receiptHash=WHY)),
    "nothing was owed, in another currency": ("open licence", "payment.free", changes("SalePaid", currency=b"USD")),
    "nothing was owed, and paid later": ("open licence", "payment.free", apart("SalePaid")),
    "nothing was owed, and cancelled": (
        "open licence",
        "payment.free",
        lambda h: h.acts.__setitem__(
            slice(h.find("SalePaid"), None),
            [Act("Market", "SaleCancelled", {"saleId": h.sales[0].sale, "by": BUYER})],
        ),
    ),
    # across the border
    "nobody attested the border": ("abroad", "order.attestation", drops("Attested", 3)),
    "the border unnamed": ("abroad", "order.attestation", changes("SaleOrdered", attesters=(REVIEWER, REVIEWER))),
    "the border attested by no regulator": ("abroad", "attestations.accredited", roles(REGULATOR, Role.ARBITER)),
    "a border named where none was crossed": (
        "abroad",
        "order.attestation",
        changes("ParticipantAdmitted", 1, jurisdiction=156),
    ),
    # metered use
    "used before the delivery": ("metered", "usage.period", changes("UsageReported", **{"from": START})),
    "a period that was not over": ("metered", "usage.period", changes("UsageReported", 2, to=START + 200 * DAY)),
    "an empty period": ("metered", "usage.period", taken_from("UsageReported", "to", "UsageReported", "from")),
    "a period reported twice": (
        "metered",
        "usage.period",
        taken_from("UsageReported", "from", "UsageReported", "from", nth=1),
    ),
    "beyond the term": (
        "metered",
        "usage.term",
        lambda h: h.delay("UsageReported", 50 * DAY, 2).change("UsageReported", 2, to=h.now - DAY),
    ),
    "beyond the quota": ("metered", "usage.quota", changes("UsageReported", 2, count=31, used=101)),
    "uses that do not add up": ("metered", "usage.sum", changes("UsageReported", 2, used=99)),
    "uses without receipts": ("metered", "usage.receipts", changes("UsageReported", receiptsRoot=ZERO32)),
    "receipts of no use": ("metered", "usage.receipts", changes("UsageReported", 1, receiptsRoot=WHY)),
    "metered by no gateway": ("metered", "usage.gateway", changes("UsageReported", gateway=REVIEWER)),
    "metered by the buyer": (
        "metered",
        "usage.gateway",
        by_a_party("UsageReported", "gateway", BUYER, Role.BUYER | Role.GATEWAY),
    ),
    "metered by the provider": (
        "metered",
        "usage.gateway",
        by_a_party("UsageReported", "gateway", PROVIDER, Role.PROVIDER | Role.GATEWAY),
    ),
    "metered by one suspended": ("metered", "usage.gateway", before("UsageReported", suspended(GATEWAY))),
    "reported by another provider": ("metered", "usage.provider", changes("UsageReported", provider=OPERATOR)),
    "used before it was handed over": (
        "metered",
        "usage.state",
        both(delays("UsageReported", 12), earlier("UsageReported", "SaleDelivered")),
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_a_story_with_one_lie_names_the_broken_rule(name: str) -> None:
    story, rule, lie = LIES[name]
    history = STORIES[story][0]()
    lie(history)
    published = history.publish()
    report = verify(published.bundle(like=truth(story)).to_bytes(), published.trust)
    assert (report.verdict, report.rule, report.step) == (Verdict.CONTRADICTED, rule, 5), report.summary


LAPSES = {
    "the right was ended": [ended(OPERATOR, Right.OPERATE, PROVIDER)],
    "the asset moved": [moved(PROVIDER, PROCESSOR)],
    "the asset was cancelled": [cancelled()],
    "the provider was suspended": [suspended(OPERATOR)],
}


@pytest.mark.parametrize("why", LAPSES)
def test_the_buyer_takes_back_what_the_provider_can_no_longer_deliver(why: str) -> None:
    published = abandoned(*LAPSES[why]).publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary
    assert report.claims["state"] == "REFUNDED"


@pytest.mark.parametrize(
    "what",
    [[], [suspended(PROCESSOR)], [held(account_entity(OPERATOR))]],
    ids=["nothing", "another member was suspended", "the provider was held"],
)
def test_what_does_not_stop_the_delivery_gives_nothing_back(what: list[Act]) -> None:
    published = abandoned(*what).publish()
    truth = abandoned(suspended(OPERATOR)).publish().bundle()
    report = verify(published.bundle(like=truth).to_bytes(), published.trust)
    assert (report.verdict, report.rule) == (Verdict.CONTRADICTED, "refund.cause"), report.summary


def test_use_is_metered_until_it_is_given_back_and_not_after() -> None:
    history = metered()
    sale, told = history.sales[0].sale, truth("metered")
    del history.acts[history.find("SaleAccepted")]
    for event in ("SaleSettled", "PayoutConfirmed", "PayoutConfirmed"):
        history.drop(event)
    undone = {"saleId": sale, "by": PROVIDER, "amount": 100_003, "currency": b"CNY"}
    history.acts.append(Act("Market", "SaleRefunded", undone))
    published = history.publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary
    history.before("UsageReported", history.acts.pop())
    assert judged(history.publish(), told) == (Verdict.CONTRADICTED, "usage.state")


def test_a_use_that_leaves_the_data_where_it_is_needs_no_key_of_the_buyer() -> None:
    published = metered().drop("EncryptionKeyRegistered").publish()
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary


# -- deployments of version 1 ------------------------------------------------------------------------------------------


def judged(published: Published, like: Bundle) -> tuple[Verdict, str | None]:
    report = verify(published.bundle(like=like).to_bytes(), published.trust)
    return report.verdict, report.rule


@pytest.mark.parametrize("story", ["licensed", "changed", "decided for the buyer", "given back", "put off"])
def test_contracts_of_version_1_logged_none_of_what_came_since(story: str) -> None:
    published = STORIES[story][0]().publish(version=1)
    told = published.bundle(like=truth(story))
    without = tuple(section for section in told.journals if section.contract != "Usage")
    accounts = {name: proof for name, proof in told.accounts.items() if name != "Usage"}
    rest = Bundle(**{**vars(told), "journals": without, "accounts": accounts})
    report = verify(rest.to_bytes(), published.trust)
    assert (report.verdict, report.rule) == (Verdict.CONTRADICTED, "journal.event"), report.summary


def test_version_1_knows_no_delivery_window() -> None:
    published = overdue().publish(version=1)
    journals = tuple(section for section in truth("overdue").journals if section.contract != "Usage")
    told = Bundle(**{**vars(truth("overdue")), "journals": journals})
    assert judged(published, told) == (Verdict.CONTRADICTED, "refund.cause")


def test_version_1_asks_for_the_border_only_where_a_policy_does() -> None:
    history = STORIES["abroad"][0]().change("SaleOrdered", attesters=(REVIEWER, REVIEWER))
    published = history.publish(version=1)
    report = verify(published.bundle().to_bytes(), published.trust)
    assert report.verdict is Verdict.VALID, report.summary
    assert "used" not in report.claims
