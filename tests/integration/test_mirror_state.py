"""State rebuilt from events alone is the contracts' own, whatever members do: sales, rights, batches, payouts, meters.

Random acts of everybody on the embedded chain, allowed or refused; then every row that the mirror made of the events is
compared with what the contracts' views say of the same block.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from deedbook.chain.transactions import Signer
from deedbook.domain.assets import Scope, Version, version_key
from deedbook.domain.codes import AssetKind, Grade, Mode, Outcome, Purpose, Right, Role, SaleState
from deedbook.domain.consents import Terms, consent_id, terms_hash
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, sha256
from deedbook.domain.keytree import cover_all_but, cover_hash, delivered_count, encode_cover
from deedbook.domain.merkle import rfc9162_root
from deedbook.domain.revenue import bounce, payout
from deedbook.domain.sales import Offer, Ordered, Price, currency_text, offer_id
from deedbook.errors import NotFound, RejectedByContract
from deedbook.ledger import assets, offers, revenue, sales
from deedbook.mirror.rebuild import check
from deedbook.queries import assets as asset_queries
from deedbook.queries import checkpoints, consents, deployments, rights, statements, usage
from deedbook.queries import offers as offer_queries
from deedbook.queries import sales as sale_queries
from deedbook.queries.consents import BatchView
from deedbook.queries.sales import SaleView
from deedbook.queries.status import status
from deedbook.wallet.signers import LocalSigner
from tests.integration.scenario import (
    AUDITOR,
    BANK,
    BUYER,
    EXCHANGE,
    FIRM,
    KINDS,
    PRICE,
    PROVIDER,
    SECOND,
    STRANGER,
    TO_LIST,
    TO_ORDER,
    YEAR,
    Scenario,
    Stage,
    account,
)

PEOPLE = 4
MODES = Mode.RAW | Mode.CALL
LICENSEE, OPERATOR, ARBITER, GATE = map(account, ("licensee", "operator", "arbiter", "gate"))
HOLDERS = (PROVIDER, LICENSEE, OPERATOR)
LATER = tuple(account(f"later {n}") for n in range(2))
BEFORE_THE_END = frozenset({"SaleOrdered", "SalePaid", "SalePrepared", "SaleDelivered"})
MARKETS_OWN = BEFORE_THE_END | {"SaleAccepted", "SaleCancelled", "SaleRefunded", "SaleDisputed", "DisputeDecided"}
FIRST = Version(sha256(b"content"), PEOPLE, sha256(b"descriptor"))

few, any_holder, places = st.integers(0, 3), st.sampled_from(HOLDERS), st.integers(0, 2**PEOPLE - 1)
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "grant_right": {
        "by": any_holder,
        "to": any_holder,
        "right": st.sampled_from([2, 3]),
        "modes": st.sampled_from([0, 2, 32, 34, 63]),
        "purposes": st.sampled_from([0, 2, 4, 6, 2**16 - 1]),
        "term": st.sampled_from([0, 50, YEAR]),
    },
    "license_widely": {"to": st.sampled_from(HOLDERS[1:])},
    "end_right": {"by": any_holder, "which": few},
    "transfer": {"to": any_holder},
    "change": {"level": st.integers(0, 5)},
    "withdraw": {"person": st.integers(0, PEOPLE - 1)},
    "grant_directly": {"person": st.sampled_from(LATER)},
    "withdraw_directly": {"whose": st.integers(0, 1)},
    "publish_and_bind": {},
    "list_offer": {
        "by": any_holder,
        "mode": st.sampled_from([Mode.RAW, Mode.CALL, Mode.CALL, Mode.OPEN]),
        "price": st.sampled_from([0, 7, PRICE]),
        "quota": st.sampled_from([0, 5]),
    },
    "close_offer": {"which": few},
    "order": {"which": few, "buyer": st.sampled_from([BUYER, BUYER, SECOND, STRANGER])},
    "go_on": {"which": few, "steps": st.integers(1, 6), "fork": few},
    "turn_aside": {
        "which": few,
        "way": st.sampled_from(["cancel", "give back", "take back", "time out", "dispute", "agree"]),
    },
    "pay_out": {"which": few, "of": st.integers(0, 9), "most": st.integers(0, PEOPLE), "mask": places},
    "come_back": {"which": few, "of": st.integers(0, 9), "mask": places},
    "confirm_refund": {"which": few, "amount": st.sampled_from([0, 1, 7, PRICE])},
    "use": {"which": few, "uses": few, "gap": st.integers(0, 60)},
    "anchor": {"more": st.integers(0, 5)},
    "close_deployment": {},
    "wait": {"seconds": st.sampled_from([1, 60, 901, 86_400, 8 * 86_400, 31 * 86_400])},
}
OFTEN = {"go_on": 10, "pay_out": 8, "come_back": 5, "order": 4, "use": 5, "list_offer": 2, "turn_aside": 3}
ACTS = [act for act in sorted(ARGUMENTS, key=lambda act: -OFTEN.get(act, 1)) for _ in range(OFTEN.get(act, 1))]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One asset with a basis, for two modes, and its first offer."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("listed") / "home", PEOPLE)
    for part, roles in ((LICENSEE, Role.PROVIDER), (OPERATOR, Role.PROVIDER), (ARBITER, Role.ARBITER)):
        scenario.admit(part, roles)
    scenario.admit(GATE, Role.GATEWAY)
    kind, grade = AssetKind.PERSONAL, Grade.GENERAL
    offers.set_policy(
        scenario.acting, scenario.governance, kind, grade, to_list=TO_LIST, to_order=TO_ORDER, modes=MODES
    )
    for person in scenario.stage.people:
        signed = scenario.sign(person, scenario.consent(person, modes=int(MODES)))
        scenario.stage.receipts.append(scenario.consents.collect(signed, PROVIDER))
    scenario.anchor()
    scenario.audit()
    assets.register(
        scenario.acting, PROVIDER, salt=scenario.stage.salt, kind=kind, grade=grade, level=3, source=sha256(b"source"),
        version=FIRST,
    )  # fmt: skip
    scenario.bind()
    scenario.list_offer(FIRST)
    return scenario.close()


class Season(RuleBasedStateMachine):
    """Everybody acts at random; what a contract refuses did not happen."""

    def __init__(self, stage: Stage, home: Path) -> None:
        super().__init__()
        self.home = home
        self.on = Scenario.go_on(stage, Path(shutil.copytree(stage.home, home)))
        self.acting, self.asset = self.on.acting, stage.asset_id
        self.offers = [self.on.offer]
        self.ordered: list[Ordered] = []
        self.covers: dict[bytes, bytes] = {}
        self.lists: dict[tuple[bytes, int], list[int]] = {}
        self.settled: dict[bytes, dict[int, list[int]]] = {}
        self.log: list[bytes] = []
        self.granted: set[bytes] = set()
        self.names = count()
        self.number, self.version = 1, FIRST

    # -- helpers

    def fresh(self) -> bytes:
        """32 bytes that nobody used."""
        return sha256(b"fresh %d" % next(self.names))

    def tried(self, act: Callable[[], Any]) -> bool:
        """Whether the contract let it happen."""
        try:
            act()
        except RejectedByContract:
            return False
        return True

    def act(self, signer: Signer, contract: str, function: str, *arguments: Any) -> bool:
        """A call of no use case's; whether the contract let it happen."""
        key = f"test {next(self.names)}"
        return self.tried(lambda: self.acting.act(signer, contract, function, *arguments, key=key))

    def state(self, ordered: Ordered) -> SaleState:
        return SaleState(self.acting.read("Market", "sale", ordered.sale_id)["state"])

    @initialize()
    def begin(self) -> None:
        """A licensed operator, and a sale of each kind on its way: for nothing, to be called, by the operator."""
        self.license_widely(LICENSEE)
        self.license_widely(OPERATOR)
        for by, mode, price in ((PROVIDER, Mode.RAW, 0), (PROVIDER, Mode.CALL, PRICE), (OPERATOR, Mode.CALL, PRICE)):
            self.list_offer(by, mode, price, 5)
            self.order(0, BUYER)
            self.go_on(0, 3, 1)

    @rule(act=st.sampled_from(ACTS), data=st.data())
    def somebody_acts(self, act: str, data: st.DataObject) -> None:
        drawn = {name: data.draw(values, label=name) for name, values in ARGUMENTS[act].items()}
        getattr(self, act)(**drawn)

    # -- the asset

    def grant_right(self, by: LocalSigner, to: LocalSigner, right: int, modes: int, purposes: int, term: int) -> None:
        scope = Scope(modes, purposes, self.on.clock() + term)
        self.tried(lambda: assets.grant_right(self.acting, by, self.asset, to.address, right, scope, self.fresh()))

    def license_widely(self, to: LocalSigner) -> None:
        by, right = (LICENSEE, Right.OPERATE) if to is OPERATOR else (PROVIDER, Right.PROCESS)
        scope = Scope(int(MODES), 6, self.on.clock() + YEAR)
        self.tried(lambda: assets.grant_right(self.acting, by, self.asset, to.address, right, scope, self.fresh()))

    def end_right(self, by: LocalSigner, which: int) -> None:
        self.on.services.follow()
        known = rights.rights(self.on.services.mirror, self.asset)
        for each in known[which % max(1, len(known)) :][:1]:
            self.end(by, each.account, int(each.right))

    def end(self, by: LocalSigner, account: bytes, right: int) -> None:
        self.tried(lambda: assets.end_right(self.acting, by, self.asset, account, right, self.fresh()))

    def transfer(self, to: LocalSigner) -> None:
        holder = self.acting.read("DataAssets", "ownerOf", self.asset)
        by = next(each for each in HOLDERS if each.address == holder)
        self.tried(lambda: assets.transfer(self.acting, by, self.asset, to.address))

    def change(self, level: int) -> None:
        source, document = self.fresh(), self.fresh()
        self.tried(
            lambda: assets.change(self.acting, PROVIDER, self.asset, level=level, source=source, document=document)
        )

    # -- consents

    def withdraw(self, person: int) -> None:
        subject = self.on.stage.people[person]
        self.tried(lambda: self.on.consents.withdraw(subject, self.on.consent_of(subject)))

    def grant_directly(self, person: LocalSigner) -> None:
        consent = self.on.consent(person, modes=int(Mode.RAW))
        if self.tried(lambda: self.on.consents.grant(self.on.sign(person, consent), PROVIDER)):
            self.granted.add(consent_id(self.on.consents.domain, consent))

    def withdraw_directly(self, whose: int) -> None:
        self.on.services.follow()
        for identifier in sorted(self.granted)[whose : whose + 1]:
            found = consents.consent(self.on.services.mirror, identifier)
            person = next(each for each in LATER if each.address == found.subject)
            stated = (self.asset, found.batch.root, 1, terms_hash(Terms(*terms_of(found.batch)), ZERO32))
            self.act(person, "Consents", "withdraw", stated, (0, identifier, person.address), ())

    def publish_and_bind(self) -> None:
        self.on.services.follow()
        granted = consents.batches_of(self.on.services.mirror, self.asset, limit=1000)
        direct = [batch for batch in granted.items if batch.direct]
        version = Version(self.fresh(), PEOPLE + len(direct), self.fresh())
        if not self.tried(lambda: assets.publish(self.acting, PROVIDER, self.asset, version)):
            return
        for kind in KINDS:
            self.on.attest(FIRM, version_key(self.asset, version), kind)
        self.number, self.version = self.acting.read("DataAssets", "asset", self.asset)["version"], version
        first = self.on.batch
        bases = [(first.batch_id, (first.root, PEOPLE, first.terms.as_tuple(), first.manifest, AUDITOR.address))]
        bases += [(each.batch_id, (each.root, 1, terms_of(each), ZERO32, ZERO_ADDRESS)) for each in direct]
        self.act(PROVIDER, "Consents", "bind", self.asset, self.number, tuple(basis for _, basis in sorted(bases)))

    # -- offers and sales

    def list_offer(self, by: LocalSigner, mode: Mode, price: int, quota: int) -> None:
        offer = replace(
            self.on.offer, provider=by.address, mode=int(mode), price=Price(price, 0, 0, 0, b"CNY"), quota=quota,
            version=self.number, version_key=version_key(self.asset, self.version), salt=self.fresh(),
        )  # fmt: skip
        if self.tried(lambda: offers.list_offer(self.acting, by, offer, (FIRM.address,) * 2)):
            self.offers.append(offer)

    def close_offer(self, which: int) -> None:
        offer = self.offers[which % len(self.offers)]
        self.tried(lambda: offers.close(self.acting, provider_of(offer), offer))

    def order(self, which: int, buyer: LocalSigner) -> None:
        offer, reference = self.offers[-1 - which % len(self.offers)], self.fresh()
        name = offer_id(self.on.services.chain_id, self.on.services.addresses["Market"], offer)
        with suppress(RejectedByContract):
            receipt = sales.order(self.acting, buyer, name, offer, (FIRM.address,) * 3, reference)
            self.ordered.append(Ordered(receipt.event("SaleOrdered").args["saleId"], offer, reference))

    def sale(self, which: int) -> Ordered | None:
        """One of the latest sales."""
        return self.ordered[-1 - which % len(self.ordered)] if self.ordered else None

    def go_on(self, which: int, steps: int, fork: int) -> None:
        """A sale takes its next steps."""
        ordered = self.sale(which)
        for _ in range(steps if ordered else 0):
            assert ordered is not None
            self.next_step(ordered, fork)

    def next_step(self, ordered: Ordered, fork: int) -> None:
        state, buyer, provider = self.state(ordered), self.buyer(ordered), provider_of(ordered.offer)
        money: dict[str, Any] = {"amount": ordered.offer.price.total, "currency": b"CNY", "receipt": self.fresh()}
        outcome = Outcome.POSITIVE if fork % 2 else Outcome.NEGATIVE
        acts: dict[SaleState, Callable[[], Any]] = {
            SaleState.ORDERED: lambda: sales.confirm_payment(self.acting, BANK, ordered, **money),
            SaleState.PAID: lambda: sales.prepare(self.acting, provider, ordered),
            SaleState.PREPARED: lambda: self.deliver(ordered, provider),
            SaleState.DELIVERED: lambda: (
                sales.accept(self.acting, buyer, ordered.sale_id)
                if fork
                else sales.dispute(self.acting, buyer, ordered.sale_id, self.fresh())
            ),
            SaleState.DISPUTED: lambda: sales.decide_dispute(self.acting, ARBITER, ordered, outcome, self.fresh()),
            SaleState.ACCEPTED: lambda: self.settle(ordered),
        }
        if state in acts:
            self.tried(acts[state])

    def buyer(self, ordered: Ordered) -> LocalSigner:
        address = self.acting.read("Market", "sale", ordered.sale_id)["buyer"]
        return next(each for each in (BUYER, SECOND) if each.address == address)

    def deliver(self, ordered: Ordered, provider: LocalSigner) -> None:
        self.on.services.follow()
        version = ordered.offer.version
        people = asset_queries.version(self.on.services.mirror, self.asset, version).record_count
        cover = cover_all_but(people, self.on.services.ended_records(self.asset, version))
        sales.deliver(
            self.acting, provider, ordered, envelope_hash=self.fresh(), cover_hash=cover_hash(cover),
            delivered_count=delivered_count(cover),
        )  # fmt: skip
        self.covers[cover_hash(cover)] = encode_cover(cover)

    def settle(self, ordered: Ordered) -> None:
        revenue.settle(self.acting, STRANGER, ordered)
        self.settled.setdefault(ordered.sale_id, {0: []})

    def turn_aside(self, which: int, way: str) -> None:
        ordered = self.sale(which)
        if ordered is None:
            return
        buyer, provider = self.buyer(ordered), provider_of(ordered.offer)
        acts: dict[str, Callable[[], Any]] = {
            "cancel": lambda: sales.cancel(self.acting, buyer, ordered),
            "give back": lambda: sales.refund(self.acting, provider, ordered),
            "take back": lambda: sales.refund(self.acting, buyer, ordered),
            "time out": lambda: sales.accept(self.acting, STRANGER, ordered.sale_id),
            "dispute": lambda: sales.dispute(self.acting, buyer, ordered.sale_id, self.fresh()),
            "agree": lambda: sales.accept(self.acting, buyer, ordered.sale_id),
        }
        self.tried(acts[way])

    # -- money

    def chosen(self, which: int, of: int) -> tuple[Ordered, int, int, int] | None:
        """One of the settled sales, one of its lists, the next list's number, and what each of them is paid."""
        known = [each for each in self.ordered if each.sale_id in self.settled]
        if not known:
            return None
        ordered = known[-1 - which % len(known)]
        entry = self.acting.read("Revenue", "entry", ordered.sale_id)
        return ordered, of % (entry["lists"] + 1), entry["lists"] + 1, entry["perHead"]

    def pay_out(self, which: int, of: int, most: int, mask: int) -> None:
        found = self.chosen(which, of)
        if found is None:
            return
        ordered, number, fresh, each = found
        due = self.acting.read("Revenue", "listOf", ordered.sale_id, number)
        first, end = due["paidUpTo"], min(due["paidUpTo"] + most, due["count"])
        later = [place for place in range(first, end) if mask >> place & 1]
        batch = payout(first=first, end=end, per_head=each, receipt=self.fresh(), of=number, deferred=later)
        if self.tried(lambda: revenue.confirm_payout(self.acting, BANK, ordered, batch)):
            self.settled[ordered.sale_id][number] += [place for place in range(first, end) if place not in later]
            self.opened(ordered, fresh, later)

    def come_back(self, which: int, of: int, mask: int) -> None:
        found = self.chosen(which, of)
        if found is None:
            return
        ordered, number, fresh, each = found
        paid = self.settled[ordered.sale_id][number]
        places = [place for at, place in enumerate(paid) if mask >> at & 1]
        back = bounce(places=places, per_head=each, receipt=self.fresh(), of=number)
        if self.tried(lambda: revenue.confirm_bounce(self.acting, BANK, ordered, back)):
            paid[:] = [place for place in paid if place not in places]
            self.opened(ordered, fresh, places)

    def opened(self, ordered: Ordered, number: int, places: list[int]) -> None:
        if places:
            self.settled[ordered.sale_id][number] = []
            self.lists[ordered.sale_id, number] = places

    def confirm_refund(self, which: int, amount: int) -> None:
        ordered, receipt = self.sale(which), self.fresh()
        if ordered is not None:
            self.tried(lambda: revenue.confirm_refund(self.acting, BANK, ordered, amount=amount, receipt=receipt))

    # -- use, the log, the end, time

    def use(self, which: int, uses: int, gap: int) -> None:
        metered = [each for each in self.ordered if each.offer.mode == Mode.CALL]
        for ordered in metered[which % max(1, len(metered)) :][:1]:
            sale = self.acting.read("Market", "sale", ordered.sale_id)
            start = max(sale["deliveredAt"], self.acting.read("Usage", "meterOf", ordered.sale_id)["reportedTo"]) + gap
            self.on.clock.advance(gap + 60)
            report = (ordered.sale_id, start, start + 50, uses, self.fresh() if uses else ZERO32)
            signature = provider_of(ordered.offer).sign_digest(self.acting.read("Usage", "reportDigest", report))
            rest = (ordered.offer.as_tuple(), ordered.reference, GATE.address, signature, b"")
            self.act(GATE, "Usage", "report", report, *rest)

    def anchor(self, more: int) -> None:
        former = len(self.log)
        self.log += [self.fresh() for _ in range(more)]
        proof = consistency(self.log, former) if former and more else ()
        self.act(EXCHANGE, "AnchorLog", "anchor", len(self.log), rfc9162_root(self.log), proof)

    def close_deployment(self) -> None:
        self.act(self.on.governance, "Membership", "close", sha256(b"the end"))

    def wait(self, seconds: int) -> None:
        self.on.clock.advance(seconds)

    # -- the comparison

    def teardown(self) -> None:
        try:
            self.on.services.follow()
            compare(self)
            assert check(self.on.services.source, self.on.services.mirror, self.on.services.decoder.decode).equal
        finally:
            self.on.services.close()
            shutil.rmtree(self.home)


def provider_of(offer: Offer) -> LocalSigner:
    return next(each for each in HOLDERS if each.address == offer.provider)


def terms_of(batch: BatchView) -> tuple[Any, ...]:
    """IConsents.Terms of a batch."""
    what = (batch.controller, batch.recipient, batch.recipient_class, int(batch.purpose), int(batch.modes))
    return (*what, batch.cross_border, batch.notice_hash, batch.valid_from, batch.valid_until)


def consistency(leaves: Sequence[bytes], size: int) -> tuple[bytes, ...]:
    """RFC 9162, 2.1.4.1: PROOF(size, leaves)."""

    def sub(first: int, part: Sequence[bytes], whole: bool) -> list[bytes]:
        if first == len(part):
            return [] if whole else [rfc9162_root(part)]
        half = 1 << (len(part) - 1).bit_length() - 1
        if first <= half:
            return [*sub(first, part[:half], whole), rfc9162_root(part[half:])]
        return [*sub(first - half, part[half:], False), rfc9162_root(part[:half])]

    return tuple(sub(size, leaves, True))


def compare(season: Season) -> None:
    """Every view of the contracts against the rows made of their events, as of the mirror's block."""
    read, mirror = season.acting.read, season.on.services.mirror
    assert status(mirror).quarantined == 0
    now = status(mirror).time
    assert now is not None
    compare_asset(season, now)
    compare_consents(season)
    for offer in season.offers:
        name = offer_id(season.on.services.chain_id, season.on.services.addresses["Market"], offer)
        assert offer_queries.offer(mirror, name).state == read("Market", "offerState", name)["state"]
    found = sale_queries.sales(mirror, limit=1000).items
    assert [each.sale_id for each in found] == [each.sale_id for each in season.ordered]
    for sale in found:
        compare_sale(season, sale)
    compare_money(season, found)
    closing = deployments.deployment(mirror).closing
    assert read("Membership", "closesAt") == (closing.closes_at if closing else 0)
    anchored = read("AnchorLog", "latest", EXCHANGE.address)
    with suppress(NotFound):
        last = checkpoints.latest(mirror, EXCHANGE.address)
        assert anchored == {"size": last.size, "at": last.anchored_at, "root": last.root}
        return
    assert anchored["size"] == 0


def compare_asset(season: Season, now: int) -> None:
    read, mirror = season.acting.read, season.on.services.mirror
    asset, stated = asset_queries.asset(mirror, season.asset), read("DataAssets", "asset", season.asset)
    for name in ("state", "kind", "grade", "level", "personal", "version", "holder"):
        assert getattr(asset, name) == stated[name], name
    assert asset.versions[-1].version_key == stated["versionKey"]
    assert asset.versions[-1].record_count == stated["recordCount"]
    granted = {(each.account, int(each.right)): each for each in rights.rights(mirror, season.asset)}
    for signer in HOLDERS:
        for right in Right:
            given = granted.get((signer.address, right))
            stands = asset.holder == signer.address or (given is not None and given.is_live(now))
            assert read("DataAssets", "hasRight", season.asset, signer.address, right) == stands
            told = read("DataAssets", "rightOf", season.asset, signer.address, right)
            if given is None or given.ended_by is not None:
                assert told[0] == ZERO_ADDRESS
                continue
            scope = {"modes": int(given.modes), "validUntil": given.valid_until}
            scope["purposes"] = sum(1 << int(purpose) for purpose in given.purposes)
            assert told == (given.grantor, scope)
        for mode in (Mode.RAW, Mode.CALL):
            for purpose in (Purpose.RECRUITMENT, Purpose.CREDIT):
                who = rights.operators(mirror, season.asset, now, mode=mode, purpose=purpose)
                _, may = read("DataAssets", "operated", season.asset, signer.address, mode, purpose)
                assert may == (signer.address in {each.account for each in who})


def compare_consents(season: Season) -> None:
    read, mirror = season.acting.read, season.on.services.mirror
    for batch in consents.batches_of(mirror, season.asset, limit=1000).items:
        assert read("Consents", "batchState", batch.batch_id) == {
            "count": batch.count,
            "withdrawn": batch.ended,
            "version": batch.version,
            "direct": batch.direct,
        }
        ended = {index for index in range(batch.count) if read("Consents", "hasEnded", batch.batch_id, index)}
        assert ended == consents.ended_leaves(mirror, batch.batch_id)
    bases = [each.basis for each in asset_queries.asset(mirror, season.asset).versions if each.basis]
    stated = read("Consents", "basisState", season.asset)
    told = {_camel(name): value for name, value in vars(bases[-1]).items() if name != "batches"}
    assert stated == {name: int(value) if name == "modes" else value for name, value in told.items()}


def compare_sale(season: Season, sale: SaleView) -> None:
    read, mirror = season.acting.read, season.on.services.mirror
    steps = {step.event: step.at for step in sale.steps if step.event in MARKETS_OWN}
    last = next(step.at for step in reversed(sale.steps) if step.event in MARKETS_OWN)
    assert read("Market", "sale", sale.sale_id) == {
        "buyer": sale.buyer,
        "state": sale.state,
        "onBasis": True,
        "pooled": True,
        "at": last,
        "paidAt": steps.get("SalePaid", 0),
        "deliveredAt": steps.get("SaleDelivered", 0),
        "liveAtPrepare": sale.live_at_prepare or 0,
        "deliveredCount": sale.delivered_count or 0,
    }
    meter = usage.meter(mirror, sale.sale_id)
    told = {"used": meter.used, "reportedTo": meter.reported_to, "reports": meter.reports}
    assert read("Usage", "meterOf", sale.sale_id) == told
    assert read("Revenue", "refundedOf", sale.sale_id) == sale.refunded


def compare_money(season: Season, found: Sequence[SaleView]) -> None:
    read = season.acting.read
    settled = [sale for sale in found if sale.settlement is not None]
    assert {sale.sale_id for sale in settled} == set(season.settled)
    for sale in found:
        entry, stated = sale.settlement, read("Revenue", "entry", sale.sale_id)
        if entry is None:
            assert stated["certificate"] == 0
            continue
        names = ("certificate", "delivered_count", "per_head")
        assert [stated[_camel(name)] for name in names] == [getattr(entry, name) for name in names]
        assert (currency_text(stated["currency"]), stated["lists"]) == (entry.currency, len(entry.lists))
        lists = {0: (entry.delivered_count, entry.paid_up_to)}
        lists |= {each.list: (each.count, each.paid_up_to) for each in entry.lists}
        for number, (places, done) in lists.items():
            later = sum(each.count for each in entry.lists if each.parent == number)
            told = {"count": places, "paidUpTo": done, "deferred": later}
            assert read("Revenue", "listOf", sale.sale_id, number) == told
    certified = sorted((each.settlement for each in settled if each.settlement), key=lambda each: each.certificate)
    assert [each.certificate for each in certified] == list(range(1, read("Revenue", "certificates") + 1))
    carry = certified[-1].carry_out if certified else 0
    assert read("Revenue", "carryOf", season.asset, b"CNY") == carry
    compare_statements(season, settled)


def compare_statements(season: Season, settled: Sequence[SaleView]) -> None:
    """What the statements of all say adds up to what the settlements say was paid, is due and was put off."""
    mirror = season.on.services.mirror
    lines = []
    for batch in consents.batches_of(mirror, season.asset, limit=1000).items:
        for index in range(batch.count):
            said = statements.statement(
                mirror, batch.batch_id, index, season.covers.get, lists=lambda *of: season.lists.get(of)
            )
            lines += [line for line in said.lines if line.due]
    entries = [sale.settlement for sale in settled if sale.settlement is not None]
    paid, waiting = [line for line in lines if line.paid], [line for line in lines if not line.paid]
    assert sum(line.due or 0 for line in paid) == sum(entry.paid_out for entry in entries)
    assert len(waiting) == sum(entry.waiting for entry in entries)
    assert all(line.payout is not None for line in paid)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def test_what_follows_from_the_events_is_what_the_contracts_hold(listed: Stage, tmp_path: Path) -> None:
    homes = count()

    class Here(Season):
        def __init__(self) -> None:
            super().__init__(listed, tmp_path / f"home {next(homes)}")

    few = settings(
        max_examples=max(4, settings().max_examples // 50),
        stateful_step_count=40,
        phases=(Phase.explicit, Phase.generate),  # a smaller failure would cost a home for each try
    )
    run_state_machine_as_test(Here, settings=few)
