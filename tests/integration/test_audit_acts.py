"""What the contracts allow, done on the embedded chain, exported and verified: the audit's rules are the contracts'.

Each story goes through acts that the demo does not have; the export verifies the bundle before it hands it out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from deedbook.audit.trust import Trust
from deedbook.audit.verify import judge
from deedbook.chain.transactions import Receipt
from deedbook.domain.assets import Descriptor, Field, Scope, Version, version_key
from deedbook.domain.codes import (
    JURISDICTION_CN,
    AssetKind,
    AttestationKind,
    Grade,
    Licence,
    Mode,
    Outcome,
    Purpose,
    Right,
    Role,
    bits_of,
)
from deedbook.domain.consents import Consent
from deedbook.domain.hashing import ZERO32, sha256
from deedbook.domain.revenue import bounce, payout
from deedbook.domain.sales import Conditions, Price, Split
from deedbook.domain.usage import UsageReport
from deedbook.ledger import assets, deliveries, offers, revenue, sales, usage
from deedbook.wallet.signers import LocalSigner
from tests.conftest import START
from tests.integration.scenario import (
    AUDITOR,
    BANK,
    BUYER,
    EXCHANGE,
    FIRM,
    KEYS,
    PROVIDER,
    YEAR,
    Scenario,
    account,
    sealed_record,
)

PEOPLE = 5
DAY = 24 * 3600
ARBITER, REGULATOR, GATEWAY, PROCESSOR, OPERATOR = map(
    account, ("arbiter", "regulator", "gateway", "processor", "operator")
)
MORE: tuple[tuple[LocalSigner, Role], ...] = (
    (ARBITER, Role.ARBITER),
    (REGULATOR, Role.REGULATOR),
    (GATEWAY, Role.GATEWAY),
    (PROCESSOR, Role.PROVIDER),
    (OPERATOR, Role.PROVIDER),
)
SOURCE, OPINION = AttestationKind.SOURCE_LEGALITY, AttestationKind.LEGAL_OPINION
BORDER = AttestationKind.CROSS_BORDER


class Course(Scenario):
    """One sale of one asset, whose documents are kept; consents are for these modes."""

    modes: int = Mode.RAW
    cross_border: bool = False
    provider: LocalSigner = PROVIDER

    @classmethod
    def of(cls, home: Path, *, modes: int = Mode.RAW, cross_border: bool = False) -> Course:
        base = Scenario.begin(home, PEOPLE)
        course = cls(base.stage, base.services, base.clock)
        course.modes, course.cross_border = modes, cross_border
        for part, role in MORE:
            course.admit(part, role)
        return course

    def consent(self, person: LocalSigner, **changes: Any) -> Consent:
        wanted: dict[str, Any] = {"modes": int(self.modes), "cross_border": self.cross_border}
        return super().consent(person, **(wanted | changes))

    def set_policy(self, kind: AssetKind, *kinds: AttestationKind) -> None:
        offers.set_policy(
            self.acting, self.governance, kind, Grade.GENERAL,
            to_list=bits_of(SOURCE), to_order=bits_of(SOURCE, *kinds), modes=int(Mode.RAW | Mode.CALL | Mode.OPEN),
        )  # fmt: skip

    def ground(self, kind: AssetKind = AssetKind.PERSONAL) -> Version:
        """Consents, asset, version and binding."""
        self.collect()
        self.anchor()
        self.audit()
        people = {person.address: person for person in self.stage.people}
        leaves = self.services.records.consents.leaves_of(self.batch.batch_id)
        plain = [sealed_record(people[signed.consent.subject]) for signed in leaves]
        sealed = self.services.vault.seal(self.stage.asset_id, 1, [each.consent_id for each in leaves], plain)
        self.stage.payload_id = sealed.payload_id
        descriptor = Descriptor(
            language="en", title="Use", description="of power", kind=kind,
            fields=(Field("wage", "integer", "CNY", "a wage"),), period_from=0, period_until=1, source="meters",
            quality={}, record_count=sealed.count, size=1,
        ).encode()  # fmt: skip
        self.services.records.documents.put("descriptor", descriptor, at=self.clock())
        version = Version(sealed.content_root, sealed.count, sha256(descriptor))
        assets.register(
            self.acting, PROVIDER, salt=self.stage.salt, kind=kind, grade=Grade.GENERAL, level=3,
            source=sha256(b"source"), version=version,
        )  # fmt: skip
        self.bind()
        return version

    def list(self, version: Version, *kinds: AttestationKind, **changes: Any) -> None:
        """Lists what its provider offers, attested in these kinds beside its source."""
        offer = self.offered(version, provider=self.provider.address, **changes)
        for kind in (SOURCE, *kinds):
            by = REGULATOR if kind == BORDER else FIRM
            self.attest(by, version_key(self.stage.asset_id, version), kind)
        offers.list_offer(self.acting, self.provider, offer, (FIRM.address,))
        self.stage.offer = offer

    def sell(self, *attesters: LocalSigner) -> bytes:
        """Orders and, where it has a price, pays."""
        sale = self.order(attesters=tuple(each.address for each in attesters))
        if self.offer.price.total:
            self.pay(sale)
        return sale

    def hand_over(self, sale: bytes) -> deliveries.Delivered:
        sales.prepare(self.acting, self.provider, self.ordered(sale))
        self.services.follow()
        return deliveries.deliver(
            self.acting, self.services.vault, self.services.records.deliveries, self.provider, self.ordered(sale),
            payload_id=self.stage.payload_id, excluded=self.services.ended_records(self.stage.asset_id, 1),
            recipient=KEYS[BUYER.address].public, at=self.clock(),
        )  # fmt: skip

    def withdraw(self, person: int) -> None:
        self.consents.withdraw(self.stage.people[person], self.consent_of(self.stage.people[person]))

    def claims(self, sale: bytes) -> dict[str, Any]:
        """What a verified bundle says."""
        for full in (True, False):
            bundle, trust = self.services.export_sale(sale, full=full)
            assert Trust.from_json(trust).version == 2
            report = judge(bundle, trust)
            assert report.exit_code == 0, report.summary
        self.close()
        return dict(report.claims)


def test_an_operators_sale_disputed_decided_and_paid_in_parts(tmp_path: Path) -> None:
    course = Course.of(tmp_path / "home")
    course.set_policy(AssetKind.PERSONAL, OPINION)
    version, asset, acting = course.ground(), course.stage.asset_id, course.acting
    wide = Scope(int(Mode.RAW | Mode.CALL), 1 << Purpose.RECRUITMENT | 1 << Purpose.CREDIT, START + 2 * YEAR)
    narrow = replace(wide, modes=int(Mode.RAW), valid_until=START + YEAR)
    assets.grant_right(acting, PROVIDER, asset, PROCESSOR.address, Right.PROCESS, wide, sha256(b"licence"))
    assets.grant_right(acting, PROCESSOR, asset, OPERATOR.address, Right.OPERATE, narrow, sha256(b"sub-licence"))
    assets.change(acting, PROVIDER, asset, level=4, source=sha256(b"terms"), document=sha256(b"why"))
    course.provider = OPERATOR
    course.list(version, OPINION)
    sale = course.sell(FIRM, FIRM)
    course.withdraw(0)
    course.hand_over(sale)
    sales.dispute(acting, BUYER, sale, sha256(b"complaint"))
    sales.decide_dispute(acting, ARBITER, course.ordered(sale), Outcome.NEGATIVE, sha256(b"award"))
    booked = revenue.settle(acting, EXCHANGE, course.ordered(sale)).event("SaleSettled").args
    each, ordered = booked["perHead"], course.ordered(sale)
    first = payout(first=0, end=3, per_head=each, receipt=sha256(b"1"), deferred=[1])
    revenue.confirm_payout(acting, BANK, ordered, first)
    revenue.confirm_bounce(acting, BANK, ordered, bounce(places=[2], per_head=each, receipt=sha256(b"2")))
    revenue.confirm_payout(acting, BANK, ordered, payout(first=3, end=4, per_head=each, receipt=sha256(b"3")))
    revenue.confirm_payout(acting, BANK, ordered, payout(of=1, first=0, end=1, per_head=each, receipt=sha256(b"4")))
    late = payout(of=2, first=0, end=1, per_head=each, receipt=ZERO32, deferred=[0])
    revenue.confirm_payout(acting, BANK, ordered, late)
    revenue.confirm_refund(acting, BANK, ordered, amount=1000, receipt=sha256(b"5"))

    claims = course.claims(sale)
    told = {name: claims[name] for name in ("state", "decision", "delivered", "paid", "waiting", "refunded")}
    assert told == {
        "state": "SETTLED",
        "decision": "NEGATIVE",
        "delivered": 4,
        "paid": 3,
        "waiting": 1,
        "refunded": "1000",
    }


def test_firms_data_on_consents_sold_across_the_border_and_metered(tmp_path: Path) -> None:
    course = Course.of(tmp_path / "home", modes=Mode.CALL, cross_border=True)
    course.set_policy(AssetKind.ENTERPRISE, AttestationKind.CONSENT_AUDIT)
    abroad = (840, int(Role.BUYER), START + YEAR, (int(Licence.EMPLOYER),))
    course.acting.act(course.governance, "Membership", "change", BUYER.address, (ZERO32, *abroad))
    version = course.ground(AssetKind.ENTERPRISE)
    either = Conditions(int(Licence.EMPLOYER), (JURISDICTION_CN, 840))
    split = Split(EXCHANGE.address, 500, 9500, 0)
    course.list(version, BORDER, conditions=either, mode=int(Mode.CALL), quota=100, split=split)
    sale = course.sell(FIRM, REGULATOR)
    course.withdraw(1)
    delivered_at = course.clock()
    course.hand_over(sale)
    sales.accept(course.acting, BUYER, sale)
    revenue.settle(course.acting, EXCHANGE, course.ordered(sale))
    start = delivered_at + DAY
    for count, root in ((60, sha256(b"receipts")), (0, ZERO32), (40, sha256(b"more"))):
        course.clock.advance(31 * DAY)
        report = UsageReport(sale, start, start + 30 * DAY, count, root)
        signed = usage.sign(course.acting, GATEWAY, report)
        usage.report(course.acting, PROVIDER, course.ordered(sale), GATEWAY.address, [signed])
        start += 30 * DAY

    claims = course.claims(sale)
    told = {name: claims[name] for name in ("standsOnConsents", "delivered", "perHead", "used", "quota", "usedUpTo")}
    assert told == {
        "standsOnConsents": True,
        "delivered": 4,
        "perHead": "0",
        "used": "100",
        "quota": "100",
        "usedUpTo": start,
    }


def test_an_open_licence_at_no_price_is_given_back_by_a_decision(tmp_path: Path) -> None:
    course = Course.of(tmp_path / "home", modes=Mode.OPEN)
    course.set_policy(AssetKind.PERSONAL)
    version = course.ground()
    course.list(version, mode=int(Mode.OPEN), price=Price(0, 0, 0, 0, b"CNY"))
    sale = course.sell(FIRM)
    course.hand_over(sale)
    sales.dispute(course.acting, BUYER, sale, sha256(b"complaint"))
    sales.decide_dispute(course.acting, REGULATOR, course.ordered(sale), Outcome.POSITIVE, sha256(b"award"))

    claims = course.claims(sale)
    assert (claims["state"], claims["price"], claims["settler"], claims["delivered"]) == ("REFUNDED", "0", None, PEOPLE)


def undone(course: Course, sale: bytes, by: LocalSigner) -> Receipt:
    """Undone, and the money confirmed in two parts."""
    receipt = sales.refund(course.acting, by, course.ordered(sale))
    for amount in (60_000, 40_001):
        revenue.confirm_refund(course.acting, BANK, course.ordered(sale), amount=amount, receipt=sha256(b"%d" % amount))
    return receipt


def test_what_was_never_delivered_is_taken_back_after_the_window(tmp_path: Path) -> None:
    course = Course.of(tmp_path / "home")
    course.set_policy(AssetKind.PERSONAL)
    course.list(course.ground())
    sale = course.sell(FIRM)
    course.clock.advance(30 * DAY + 60)
    undone(course, sale, BUYER)

    claims = course.claims(sale)
    assert (claims["state"], claims["refunded"], claims["delivered"]) == ("REFUNDED", "100001", None)


def test_what_the_operator_may_no_longer_sell_is_taken_back(tmp_path: Path) -> None:
    course = Course.of(tmp_path / "home")
    course.set_policy(AssetKind.PERSONAL)
    version, asset = course.ground(), course.stage.asset_id
    scope = Scope(int(Mode.RAW), 1 << Purpose.RECRUITMENT, START + YEAR)
    assets.grant_right(course.acting, PROVIDER, asset, OPERATOR.address, Right.OPERATE, scope, sha256(b"licence"))
    course.provider = OPERATOR
    course.list(version)
    sale = course.sell(FIRM)
    assets.end_right(course.acting, PROVIDER, asset, OPERATOR.address, Right.OPERATE, sha256(b"over"))
    undone(course, sale, BUYER)

    assert course.claims(sale)["state"] == "REFUNDED"


def test_the_provider_gives_back_what_was_delivered_and_a_mark_was_dismissed(tmp_path: Path) -> None:
    course = Course.of(tmp_path / "home")
    course.set_policy(AssetKind.PERSONAL)
    course.list(course.ground())
    stray = account("nobody's")
    kept = course.consents.collect(course.sign(stray), PROVIDER)
    course.stage.receipts.append(kept)
    course.consents.withdraw_by_receipt(kept, course.withdrawal(stray), EXCHANGE)
    dismissed = kept.signed.consent_id, course.stage.asset_id, stray.address
    course.acting.act(AUDITOR, "Consents", "dismissMark", *dismissed)
    sale = course.sell(FIRM)
    course.hand_over(sale)
    undone(course, sale, PROVIDER)

    assert course.claims(sale)["state"] == "REFUNDED"
