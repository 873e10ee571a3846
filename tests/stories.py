"""What else happens on the simulated market: each story is one sale, told truly, of a kind that `honest` does not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from deedbook.audit.bundle import Bundle
from deedbook.domain.codes import AssetKind, AttestationKind, Licence, Mode, Outcome, Purpose, Right, bits_of
from deedbook.domain.hashing import ZERO32, keccak256
from deedbook.domain.sales import Conditions, Offer, Price
from tests.sealers import Sealers, keys_of
from tests.simulator import (
    ASSET,
    AUDITOR,
    BUYER,
    EARLY,
    GATEWAY,
    LATE,
    OPERATOR,
    PEOPLE,
    PROCESSOR,
    PROVIDER,
    REGULATOR,
    REVIEWER,
    SETTLER,
    START,
    YEAR,
    Act,
    Divided,
    History,
    Market,
    Published,
    SoldSale,
    accept,
    attest,
    consented,
    honest,
    pay_out,
    settle,
)

Story = Callable[[], History]

SOURCE = bits_of(AttestationKind.SOURCE_LEGALITY)
OPINION = bits_of(AttestationKind.LEGAL_OPINION)
CONSENTED = bits_of(AttestationKind.CONSENT_AUDIT)
WHY = keccak256(b"why")
DAY = 24 * 3600
DELIVERED = PEOPLE - 2


def delivered(market: Market, **changes: Any) -> tuple[Offer, SoldSale]:
    """Listed, ordered, paid and delivered to the last but two."""
    offer = market.offer(**changes)
    sold = market.order(offer, live=PEOPLE - 1)
    market.withdraw(LATE, live=DELIVERED)
    market.deliver(offer, sold, {EARLY, LATE})
    return offer, sold


def settled(market: Market, **changes: Any) -> tuple[SoldSale, Divided]:
    """Delivered, accepted and booked."""
    offer, sold = delivered(market, **changes)
    accept(market.history, sold)
    return sold, settle(market.history, offer, sold, DELIVERED)


def enterprise() -> History:
    """Firms' data on the firms' consents, which the policy asks for: no pool, and a cover of those who consented."""
    market = consented(kind=AssetKind.ENTERPRISE, policy=(SOURCE, SOURCE | OPINION | CONSENTED))
    offer, sold = delivered(market, subjects_bps=0)
    accept(market.history, sold)
    settle(market.history, offer, sold, DELIVERED, heads=0)
    return market.history


def granted(account: bytes, right: Right, grantor: bytes, **changes: Any) -> Act:
    """A right, in everything that the offer asks unless it says so."""
    scope: dict[str, Any] = {"modes": Mode.RAW, "purposes": 1 << Purpose.RECRUITMENT, "validUntil": START + YEAR}
    args = {"assetId": ASSET, "account": account, "right": right, "grantor": grantor, "documentHash": WHY}
    return Act("DataAssets", "RightGranted", args | scope | changes)


def ended(account: bytes, right: Right, by: bytes) -> Act:
    """The end of a right."""
    args = {"assetId": ASSET, "account": account, "right": right, "by": by, "documentHash": WHY}
    return Act("DataAssets", "RightEnded", args)


def licensed() -> History:
    """Sold by one who holds nothing: the holder lets a second member process it, who lets a third one operate it."""
    market = consented()
    wide = {"modes": Mode.RAW | Mode.CALL, "purposes": 2**16 - 1, "validUntil": START + 2 * YEAR}
    market.history.acts += [
        granted(PROCESSOR, Right.PROCESS, PROVIDER, **wide),
        granted(OPERATOR, Right.OPERATE, PROCESSOR),
    ]
    settled(market, provider=OPERATOR)
    return market.history


def changed() -> History:
    """Another level and another source statement before it is sold."""
    market = consented()
    source = market.history.keep(b"the people themselves, asked again")
    args: dict[str, Any] = {"holder": PROVIDER, "sourceHash": source, "grade": 1, "level": 4, "documentHash": WHY}
    market.history.act("DataAssets", "AssetChanged", assetId=ASSET, **args)
    settled(market)
    return market.history


def dismissed() -> History:
    """Somebody's withdrawal by receipt that no batch holds: an auditor who is no party says so, and it is sold."""
    market = consented()
    mark: dict[str, Any] = {"assetId": ASSET, "consentId": keccak256(b"another's"), "subject": BUYER}
    market.history.act("Consents", "WithdrawalMarked", **mark, collector=PROVIDER, pending=1)
    market.history.act("Consents", "WithdrawalResolved", **mark, resolver=AUDITOR, applied=False, pending=0)
    settled(market)
    return market.history


def disputed(outcome: Outcome) -> History:
    """Delivered, disputed by the buyer, and decided by a regulator."""
    market = consented()
    offer, sold = delivered(market)
    market.history.act("Market", "SaleDisputed", saleId=sold.sale, buyer=BUYER, documentHash=WHY)
    by: dict[str, Any] = {"decider": REGULATOR, "outcome": outcome, "documentHash": WHY}
    market.history.act("Market", "DisputeDecided", saleId=sold.sale, **by)
    if outcome == Outcome.POSITIVE:
        confirm_refund(market.history, sold, offer.price.total, offer.price.total)
    else:
        settle(market.history, offer, sold, DELIVERED)
    return market.history


def agreed() -> History:
    """Disputed, and accepted by the buyer after all."""
    market = consented()
    offer, sold = delivered(market)
    market.history.act("Market", "SaleDisputed", saleId=sold.sale, buyer=BUYER, documentHash=WHY)
    accept(market.history, sold)
    settle(market.history, offer, sold, DELIVERED)
    return market.history


def given_back() -> History:
    """Delivered, and given back by the provider at will."""
    market = consented()
    offer, sold = delivered(market)
    refund(market.history, sold, offer, PROVIDER)
    confirm_refund(market.history, sold, 60_000, 60_000)
    confirm_refund(market.history, sold, 40_003, offer.price.total)
    return market.history


def overdue() -> History:
    """Paid, never delivered, and taken back by the buyer after the window."""
    market = consented()
    offer = market.offer()
    sold = market.order(offer, live=PEOPLE - 1)
    refund(market.history, sold, offer, BUYER, wait=30 * DAY + 1)
    return market.history


def abandoned(*acts: Act) -> History:
    """Paid, not deliverable any more after these acts, and taken back by the buyer."""
    market = licensed_market()
    offer = market.offer(provider=OPERATOR)
    sold = market.order(offer, live=PEOPLE - 1)
    market.history.acts += acts
    refund(market.history, sold, offer, BUYER)
    return market.history


def licensed_market() -> Market:
    """The market with an operator by the holder's own grant."""
    market = consented()
    market.history.acts.append(granted(OPERATOR, Right.OPERATE, PROVIDER))
    return market


def refund(history: History, sold: SoldSale, offer: Offer, by: bytes, wait: int = 12) -> None:
    """The sale is undone."""
    args: dict[str, Any] = {"saleId": sold.sale, "by": by, "amount": offer.price.total, "currency": b"CNY"}
    history.act("Market", "SaleRefunded", wait=wait, **args)


def confirm_refund(history: History, sold: SoldSale, amount: int, refunded: int) -> None:
    """Money came back to the buyer."""
    receipt = keccak256(b"bank refund" + refunded.to_bytes(8, "big"))
    args: dict[str, Any] = {"saleId": sold.sale, "settler": SETTLER, "receiptHash": receipt, "amount": amount}
    history.act("Revenue", "RefundConfirmed", **args, refunded=refunded, currency=b"CNY")


def put_off() -> History:
    """One of five is put off, two payments bounce, one of those is put off again; part of the price is given back."""
    market = consented()
    sold, divided = settled(market)
    history, each = market.history, divided.per_head
    defer(history, sold, number=1, count=1, parent=0, first=0, end=3)
    paid(history, sold, "PayoutConfirmed", b"1", first=0, end=3, total=2 * each)
    paid(history, sold, "PayoutConfirmed", b"2", first=3, end=5, total=2 * each)
    defer(history, sold, number=2, count=2, parent=0, first=0, end=5)
    bounced: dict[str, Any] = {"settler": SETTLER, "receiptHash": keccak256(b"bounce"), "list": 0, "count": 2}
    bounced |= {"saleId": sold.sale, "total": 2 * each, "currency": b"CNY"}
    history.act("Revenue", "PaymentsBounced", same_block=True, **bounced)
    paid(history, sold, "DeferredPayoutConfirmed", b"3", list=1, first=0, end=1, total=each)
    paid(history, sold, "DeferredPayoutConfirmed", b"4", list=2, first=0, end=1, total=each)
    defer(history, sold, number=3, count=1, parent=2, first=1, end=2)
    paid(history, sold, "DeferredPayoutConfirmed", None, list=2, first=1, end=2, total=0)
    confirm_refund(history, sold, 1000, 1000)
    return history


def defer(history: History, sold: SoldSale, *, number: int, count: int, parent: int, first: int, end: int) -> None:
    """A new list of people put off."""
    args: dict[str, Any] = {"list": number, "root": keccak256(b"list %d" % number), "count": count, "parent": parent}
    history.acts.append(Act("Revenue", "OrdinalsDeferred", {"saleId": sold.sale, **args, "from": first, "to": end}))


def paid(
    history: History, sold: SoldSale, event: str, receipt: bytes | None, *, first: int, end: int, **args: Any
) -> None:
    """A bank batch, right after what it puts off."""
    stated: dict[str, Any] = {"saleId": sold.sale, "settler": SETTLER, "from": first, "to": end, "currency": b"CNY"}
    stated["receiptHash"] = ZERO32 if receipt is None else keccak256(b"bank batch" + receipt)
    same = history.acts[-1].event == "OrdinalsDeferred"
    history.acts.append(Act("Revenue", event, stated | args, same_block=same))


def open_licence() -> History:
    """At no price: paid by its order, delivered and accepted as any other."""
    market = consented(modes=Mode.OPEN)
    settled(market, mode=Mode.OPEN, price=Price(0, 0, 0, 0, b"CNY"))
    return market.history


def abroad() -> History:
    """Sold across the border: people consented to that, and a regulator attested this very version."""
    market = consented(jurisdictions={BUYER: 840}, cross_border=True)
    attest(market.history, market.version_key, AttestationKind.CROSS_BORDER, REGULATOR)
    offer = market.offer(conditions=Conditions(Licence.EMPLOYER, (156, 840)))
    sold = market.order(offer, live=PEOPLE - 1, attesters=(REVIEWER, REVIEWER, REGULATOR))
    market.deliver(offer, sold, {EARLY})
    accept(market.history, sold)
    settle(market.history, offer, sold, PEOPLE - 1)
    return market.history


def metered() -> History:
    """Called a hundred times at most, and reported month by month: one of them without a call."""
    market = consented(modes=Mode.CALL)
    offer, sold = delivered(market, mode=Mode.CALL, quota=100, term=100 * DAY)
    start = market.history.now
    accept(market.history, sold)
    divided = settle(market.history, offer, sold, DELIVERED)
    pay_out(market.history, sold, divided, ends=(2, DELIVERED))
    for month, (count, used) in enumerate(((70, 70), (0, 70), (30, 100))):
        period = {"from": start + 30 * DAY * month, "to": start + 30 * DAY * (month + 1), "count": count, "used": used}
        root = keccak256(b"receipts %d" % month) if count else ZERO32
        args = {"saleId": sold.sale, "provider": PROVIDER, "gateway": GATEWAY, **period, "receiptsRoot": root}
        market.history.acts.append(Act("Usage", "UsageReported", args, wait=31 * DAY))
    return market.history


STORIES: dict[str, tuple[Story, dict[str, Any]]] = {
    "enterprise": (
        enterprise,
        {"standsOnConsents": True, "delivered": 5, "perHead": "0", "providerShare": "90003", "waiting": 0},
    ),
    "licensed": (licensed, {"state": "SETTLED"}),
    "changed": (changed, {"state": "SETTLED"}),
    "dismissed": (dismissed, {"state": "SETTLED"}),
    "decided for the buyer": (
        lambda: disputed(Outcome.POSITIVE),
        {"state": "REFUNDED", "decision": "POSITIVE", "refunded": "100003", "certificate": None},
    ),
    "decided against the buyer": (
        lambda: disputed(Outcome.NEGATIVE),
        {"state": "SETTLED", "decision": "NEGATIVE", "refunded": "0"},
    ),
    "agreed": (agreed, {"state": "SETTLED", "decision": None}),
    "given back": (given_back, {"state": "REFUNDED", "refunded": "100003"}),
    "overdue": (overdue, {"state": "REFUNDED", "refunded": "0", "delivered": None}),
    "put off": (put_off, {"paid": 4, "waiting": 1, "refunded": "1000", "paidUpTo": 5}),
    "open licence": (open_licence, {"price": "0", "settler": None, "perHead": "0", "state": "SETTLED"}),
    "abroad": (abroad, {"delivered": 6}),
    "metered": (metered, {"quota": "100", "used": "100", "paid": 5, "waiting": 0}),
}
"""Each story with claims that are true of it."""


def apart() -> tuple[Published, Bundle]:
    """The first sale of `honest` on a QBFT network, three of four having sealed its blocks in their second round, with
    the headers of blocks in which something happened and no others."""
    made = honest().publish(sealers=Sealers("qbft", keys_of(4), quorum=3, round=1), apart=3)
    bundle = made.bundle()
    told = {log.block for section in bundle.journals for log in section.logs} | {made.last}
    return made, replace(bundle, headers=tuple(made.headers[number] for number in sorted(told)))


if __name__ == "__main__":  # python -m tests.stories DIR: what the vectors of versions 2 and 3 (QBFT) are made of
    place = Path(sys.argv[1])
    second = metered().publish()
    for name, (made, bundle) in {"-2": (second, second.bundle()), "-3-qbft": apart()}.items():
        (place / f"sale{name}.deed").write_bytes(bundle.to_bytes())
        (place / f"trust{name}.json").write_bytes(made.trust.to_json())
