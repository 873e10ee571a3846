"""Sales re-derived: the offer and its listing, the order, payment, preparation, delivery, acceptance, the ways out.

What `Market` asks of an order it asks again of prepare and deliver: parties, version, basis, holds. Each is checked at
its own block. Within one block the order between journals is not committed to (see `histories`): a rule is kept when
some combination of states of that block keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final, TypeVar

from deedbook.audit.assets import Asset, Assets
from deedbook.audit.consents import Basis, ConsentRegister
from deedbook.audit.evidence import Journals
from deedbook.audit.findings import Findings, contradiction
from deedbook.audit.histories import Attestations, Holds, Members, Standing, Statement, states_in
from deedbook.domain.codes import (
    BPS,
    MODES_ALL,
    AssetKind,
    AssetState,
    AttestationKind,
    Purpose,
    Role,
    SaleState,
    bits_of,
    kinds_of,
)
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, checksum_address, to_hex
from deedbook.domain.journal import account_entity, asset_entity, policy_entity
from deedbook.domain.sales import Offer, Policy, offer_id, sale_id
from deedbook.errors import DeedbookError, EvidenceMissing, IntegrityError

PREPARE_WINDOW: Final = 15 * 60
"""Seconds from `prepare` within which `deliver` must follow."""

ACCEPTANCE_WINDOW: Final = 7 * 24 * 60 * 60
"""Seconds after delivery from which anyone may accept for the buyer."""

MOST_PRICE: Final = 2**96 - 1

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Moment:
    """A block and its time."""

    block: int
    time: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was handed over, and the basis whose live leaves it names."""

    envelope_hash: bytes
    cover_hash: bytes
    count: int
    at: Moment
    basis: Basis | None
    suite: int


@dataclass(frozen=True)
class Sale:
    """A sale as far as it went; everything in it is derived from proven events."""

    sale: bytes
    offer_id: bytes
    offer: Offer
    asset: Asset
    buyer: bytes
    on_basis: bool
    price: int
    live_at_order: int
    opinions: tuple[Statement, ...]
    ordered: Moment
    state: SaleState = SaleState.ORDERED
    paid: Moment | None = None
    settler: bytes | None = None
    receipt_hash: bytes | None = None
    prepared: Moment | None = None
    live_at_prepare: int = 0
    delivery: Delivery | None = None
    accepted: Moment | None = None
    by_timeout: bool = False
    ended: Moment | None = None

    def is_party(self, account: bytes) -> bool:
        """Whether the account sells, buys, or is paid by the sale."""
        return account == self.buyer or is_party(self.offer, account)


def is_party(offer: Offer, account: bytes) -> bool:
    """Whether the account sells or is paid under the offer."""
    return account in (offer.provider, offer.split.exchange, *(each.account for each in offer.split.intermediaries))


@dataclass(frozen=True)
class Registers:
    """The registers that a sale is judged by."""

    chain_id: int
    contracts: Mapping[str, bytes]
    journals: Journals
    findings: Findings
    members: Members
    holds: Holds
    attestations: Attestations
    assets: Assets
    consents: Callable[[int], ConsentRegister]


def read_sale(identifier: bytes, registers: Registers) -> Sale:
    """The sale of this identifier. Raises IntegrityError naming the rule that an event breaks, EvidenceMissing."""
    events = registers.journals.events("Market", identifier)
    if not events:
        raise EvidenceMissing(f"nothing was ever ordered as {to_hex(identifier)}", rule="sale.unknown")
    sale = _Ordering(identifier, registers).read(events[0])
    walk = _Course(registers)
    for event in events[1:]:
        sale = walk.after(sale, event)
    return sale


def some(options: Iterable[Callable[[], Found]]) -> Found:
    """The first option that is kept; where none is, what the last one broke."""
    broken: DeedbookError = IntegrityError("no state of the block is possible")
    for option in options:
        try:
            return option()
        except IntegrityError as reason:
            broken = reason
    raise broken


class _Ordering:
    """The offer, its listing and the order."""

    def __init__(self, identifier: bytes, registers: Registers) -> None:
        self._sale = identifier
        self._of = registers
        self._require = registers.findings.require

    def read(self, ordered: Event) -> Sale:
        """The sale as ordered."""
        args, block = ordered.args, ordered.log.block_number
        self._require(ordered.name == "SaleOrdered", "sale.order", f"{ordered.name} came before an order")
        own = sale_id(args["offerId"], args["buyer"], args["reference_"])
        self._require(
            own == self._sale == args["saleId"], "sale.id", "the sale is not the hash of offer, buyer and reference"
        )
        offer = self._offer(ordered)
        policy = self._policies(block)
        sale, asset_words = some(
            (lambda asset=asset: self._as_ordered(ordered, offer, asset, policy(asset)))  # type: ignore[misc]
            for asset in self._of.assets.states(offer.asset_id, block)
        )
        self._of.findings.found("order.checked", asset_words)
        return sale

    def _offer(self, ordered: Event) -> Offer:
        """The offer that was ordered, listed by the rules and open, from the asset's own journal."""
        args = ordered.args
        events = self._of.journals.events("Market", asset_entity(args["assetId"]))
        here = [
            place
            for place, event in enumerate(events)
            if event.name == "SaleOrdered" and event.args["saleId"] == self._sale
        ]
        same = len(here) == 1 and (events[here[0]].args, events[here[0]].log.block_number) == (
            args,
            ordered.log.block_number,
        )
        self._require(same, "sale.order", "the asset's journal tells another order")
        before = [event for event in events[: here[0]] if event.args["offerId"] == args["offerId"]]
        listed = [event for event in before if event.name == "OfferListed"]
        self._require(
            len(listed) == 1, "offer.listed", f"offer {to_hex(args['offerId'])} was not listed before the order"
        )
        self._require(all(event.name != "OfferClosed" for event in before), "offer.open", "the offer was closed")
        offer = self._listed(listed[0])
        orders = sum(event.name == "SaleOrdered" for event in before)
        self._require_in_sandbox(offer, args["buyer"], orders, self._of.journals.time(ordered.log.block_number))
        return offer

    def _listed(self, listed: Event) -> Offer:
        args, block = listed.args, listed.log.block_number
        try:
            offer = Offer.from_args(args["offer"])
        except DeedbookError as reason:
            raise contradiction("offer.form", f"the offer listed in block {block}: {reason}") from reason
        own = offer_id(self._of.chain_id, self._of.contracts["Market"], offer)
        self._require(own == args["offerId"], "offer.hash", "the offer listed is not what its identifier commits to")
        self._require(args["provider"] == offer.provider, "offer.provider", "listed by another than the provider")
        self._require(args["assetId"] == offer.asset_id, "offer.asset", "listed for another asset")
        time = self._of.journals.time(block)
        self._require(time <= offer.valid_until, "offer.validity", "the offer had ended when it was listed")
        _require_well_formed(offer, self._of.findings)
        self._of.members.require(offer.provider, block, "offer.provider", "listed the offer", Role.PROVIDER)
        policy = self._policies(block)
        some(
            (lambda asset=asset: self._require_listable(offer, asset, policy(asset), block))  # type: ignore[misc]
            for asset in self._of.assets.states(offer.asset_id, block)
        )
        _require_free(self._of, offer, own, block)
        self._of.findings.found(
            "offer.listed", f"offer {to_hex(own)} was listed in block {block} by the asset's operator"
        )
        return offer

    def _require_listable(self, offer: Offer, asset: Asset, policies: Sequence[Policy], block: int) -> None:
        _require_current(offer, asset, self._of.findings)

        def independent(attester: bytes) -> bool:
            return attester != asset.holder and not is_party(offer, attester)

        def asked(policy: Policy) -> None:
            _require_mode(offer, policy)
            needed = policy.to_list if asset.personal else policy.to_list | bits_of(AttestationKind.SOURCE_LEGALITY)
            for kind in kinds_of(needed):
                found = self._of.attestations.live(offer.version_key, kind, block, independent)
                self._require(
                    found is not None, "offer.attestation", f"no live {kind.name} by no party when it was listed"
                )
            self._require(
                asset.personal or offer.split.subjects_bps == 0, "offer.split", "a subjects' share without subjects"
            )

        if not policies:
            raise contradiction("offer.policy", "no listing policy was in force")
        some((lambda policy=policy: asked(policy)) for policy in policies)  # type: ignore[misc]

    def _policies(self, block: int) -> Callable[[Asset], list[Policy]]:
        """The policies in force in a block for an asset's kind and grade."""

        def of(asset: Asset) -> list[Policy]:
            if asset.state == AssetState.NONE:
                return []
            events = self._of.journals.events("Market", policy_entity(asset.kind, asset.grade))
            states = [
                None,
                *(Policy(event.args["toList"], event.args["toOrder"], event.args["modes"]) for event in events),
            ]
            for policy in states[1:]:
                whole = policy is not None and not policy.to_list & ~policy.to_order and not policy.modes & ~MODES_ALL
                self._require(whole, "policy.whole", "a policy that asks less of an order than of a listing")
            return [policy for policy in states_in(events, states, block) if policy is not None]

        return of

    def _require_in_sandbox(self, offer: Offer, buyer: bytes, orders: int, time: int) -> None:
        sandbox = offer.sandbox
        if not sandbox.on:
            return
        self._require(time <= sandbox.end, "offer.sandbox", "ordered after the try-out's end")
        self._require(
            orders < sandbox.max_orders, "offer.sandbox", f"{orders} orders before, {sandbox.max_orders} allowed"
        )
        self._require(offer.price.total <= sandbox.max_price, "offer.sandbox", "priced above the try-out's cap")
        self._require(buyer in sandbox.buyers, "offer.sandbox", "ordered by no buyer of the try-out")

    def _as_ordered(self, ordered: Event, offer: Offer, asset: Asset, policies: Sequence[Policy]) -> tuple[Sale, str]:
        args, block = ordered.args, ordered.log.block_number
        time = self._of.journals.time(block)
        buyer, attesters = args["buyer"], args["attesters"]
        _require_current(offer, asset, self._of.findings)
        self._require(args["version"] == offer.version, "order.version", "another version was ordered")
        self._require(time <= offer.valid_until, "offer.validity", "ordered after the offer's end")
        self._require(buyer != offer.provider, "order.buyer", "the provider bought from itself")
        self._require(
            args["price"] == offer.price.total, "order.price", f"{args['price']} is not the offer's {offer.price.total}"
        )
        self._require(args["currency"] == offer.price.currency, "order.currency", "not the offer's currency")
        if not policies:
            raise contradiction("order.policy", "no listing policy was in force")
        opinions, on_basis = some(
            (lambda policy=policy: self._opinions(offer, asset, policy, attesters, buyer, block))  # type: ignore[misc]
            for policy in policies
        )
        sale = Sale(
            sale=self._sale,
            offer_id=args["offerId"],
            offer=offer,
            asset=asset,
            buyer=buyer,
            on_basis=on_basis,
            price=args["price"],
            live_at_order=args["live"],
            opinions=opinions,
            ordered=Moment(block, time),
        )
        require_deal(self._of, sale, block, args["live"])
        self._require(not on_basis or args["live"] > 0, "order.live", "ordered with nobody's consent live")
        named = ", ".join(f"{each.kind.name} by {checksum_address(each.attester)}" for each in opinions)
        words = f"ordered in block {block} with {args['live']} live consents; attested by no party:"
        return sale, f"{words} {named or 'nothing asked'}"

    def _opinions(
        self, offer: Offer, asset: Asset, policy: Policy, attesters: Sequence[bytes], buyer: bytes, block: int
    ) -> tuple[tuple[Statement, ...], bool]:
        """The statements relied on, one for each kind asked; and whether the sale stands on consents."""
        _require_mode(offer, policy)
        kinds, on_basis = _asked_of(asset, policy.to_order, len(attesters))
        self._require(on_basis or offer.split.subjects_bps == 0, "order.split", "a subjects' share without subjects")
        asked = kinds_of(kinds)
        self._require(
            len(attesters) == len(asked), "order.attestation", f"{len(attesters)} attesters for {len(asked)} kinds"
        )
        opinions = []
        for kind, attester in zip(asked, attesters, strict=True):
            party = attester in (buyer, asset.holder) or is_party(offer, attester)
            self._require(not party, "order.attester", f"the attester of {kind.name} is a party")
            found = self._of.attestations.live(offer.version_key, kind, block, lambda by, named=attester: by == named)  # type: ignore[misc]
            if found is None:
                words = f"no live {kind.name} by {checksum_address(attester)} about this very version"
                raise contradiction("order.attestation", words)
            opinions.append(found)
        return tuple(opinions), on_basis


class _Course:
    """What follows an order, event by event."""

    def __init__(self, registers: Registers) -> None:
        self._of = registers
        self._require = registers.findings.require

    def after(self, sale: Sale, event: Event) -> Sale:
        """The sale after one more event."""
        step = {
            "SalePaid": self._paid,
            "SalePrepared": self._prepared,
            "SaleDelivered": self._delivered,
            "SaleAccepted": self._accepted,
            "SaleCancelled": self._cancelled,
            "SaleRefunded": self._refunded,
        }.get(event.name)
        if step is None:
            raise contradiction("sale.course", f"{event.name} after the order")
        return step(sale, event.args, Moment(event.log.block_number, self._of.journals.time(event.log.block_number)))

    def _in(self, sale: Sale, act: str, *states: SaleState) -> None:
        self._require(sale.state in states, "sale.state", f"{act} while the sale was {sale.state.name}")

    def _paid(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        settler, price = args["settler"], sale.offer.price
        self._in(sale, "paid", SaleState.ORDERED)
        self._of.members.require(settler, at.block, "payment.settler", "confirmed the payment", Role.SETTLER)
        self._require(not sale.is_party(settler), "payment.settler", f"settler {checksum_address(settler)} is a party")
        self._require(args["amount"] == sale.price, "payment.amount", f"{args['amount']} paid, {sale.price} owed")
        self._require(args["currency"] == price.currency, "payment.currency", "paid in another currency")
        self._require(args["receiptHash"] != ZERO32, "payment.receipt", "paid without a receipt")
        self._of.findings.found(
            "payment.checked",
            f"{sale.price} {_text(price.currency)} confirmed by {checksum_address(settler)}, no party",
        )
        return replace(sale, state=SaleState.PAID, paid=at, settler=settler, receipt_hash=args["receiptHash"])

    def _prepared(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "prepared", SaleState.PAID, SaleState.PREPARED)
        again = sale.state == SaleState.PREPARED and sale.prepared is not None
        if again and sale.prepared is not None:
            self._require(
                at.time > sale.prepared.time + PREPARE_WINDOW, "prepare.window", "prepared again within the window"
            )
        self._require(
            args["provider"] == sale.offer.provider, "prepare.provider", "prepared by another than the provider"
        )
        self._require(args["version"] == sale.offer.version, "prepare.version", "another version was prepared")
        require_deal(self._of, sale, at.block, args["live"])
        self._require(not sale.on_basis or args["live"] > 0, "prepare.live", "prepared with nobody's consent live")
        self._of.findings.found(
            "prepare.checked", f"{args['live']} consents were live when it was prepared in block {at.block}"
        )
        return replace(sale, state=SaleState.PREPARED, prepared=at, live_at_prepare=args["live"])

    def _delivered(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "delivered", SaleState.PREPARED)
        assert sale.prepared is not None
        count = args["deliveredCount"]
        self._require(
            args["provider"] == sale.offer.provider, "deliver.provider", "delivered by another than the provider"
        )
        self._require(at.time <= sale.prepared.time + PREPARE_WINDOW, "deliver.window", "delivered after the window")
        self._require(args["envelopeHash"] != ZERO32, "deliver.envelope", "delivered nothing")
        self._require(
            count <= sale.live_at_prepare, "deliver.count", f"{count} delivered, {sale.live_at_prepare} were live"
        )
        self._require(not sale.on_basis or count > 0, "deliver.count", "nobody's record was delivered")
        require_deal(self._of, sale, at.block, None, most=count)
        basis = None
        if sale.on_basis:
            basis = self._of.consents(sale.offer.asset_id).at_count(sale.offer.version, count)
            self._require(basis is not None, "deliver.count", f"never were exactly {count} consents live")
        suites = [standing.suite for standing in self._of.members.standings(sale.buyer, at.block) if standing.suite]
        self._require(bool(suites), "deliver.key", "the buyer had registered no encryption key")
        self._of.findings.found(
            "deliver.checked", f"{count} records delivered in block {at.block}, within the window of {PREPARE_WINDOW} s"
        )
        delivery = Delivery(args["envelopeHash"], args["coverHash"], count, at, basis, suites[-1])
        return replace(sale, state=SaleState.DELIVERED, delivery=delivery)

    def _accepted(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "accepted", SaleState.DELIVERED)
        assert sale.delivery is not None
        by_timeout = args["by"] != sale.buyer
        self._require(args["byTimeout"] == by_timeout, "accept.by", "not accepted by whom it says")
        late = at.time > sale.delivery.at.time + ACCEPTANCE_WINDOW
        self._require(late or not by_timeout, "accept.window", "accepted for the buyer before the window was over")
        self._of.findings.found(
            "accept.checked", f"accepted in block {at.block} by {'timeout' if by_timeout else 'the buyer'}"
        )
        return replace(sale, state=SaleState.ACCEPTED, accepted=at, by_timeout=by_timeout)

    def _cancelled(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "cancelled", SaleState.ORDERED)
        self._require(args["by"] in (sale.buyer, sale.offer.provider), "cancel.by", "cancelled by neither party")
        return replace(sale, state=SaleState.CANCELLED, ended=at)

    def _refunded(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "refunded", SaleState.PAID, SaleState.PREPARED)
        self._require(args["by"] == sale.buyer, "refund.by", "refunded to another than the buyer")
        paid = args["amount"] == sale.price and args["currency"] == sale.offer.price.currency
        self._require(paid, "refund.amount", "refunded another amount than was paid")
        self._require(self._lapsed(sale, at), "refund.cause", "refunded while it could be delivered as ordered")
        return replace(sale, state=SaleState.REFUNDED, ended=at)

    def _lapsed(self, sale: Sale, at: Moment) -> bool:
        """Whether what was paid for could no longer be delivered: its version, its basis or its term was over."""
        offer = sale.offer
        assert sale.paid is not None
        if offer.term and at.time > sale.paid.time + offer.term:
            return True
        assets = self._of.assets.states(offer.asset_id, at.block)
        if any(asset.state != AssetState.REGISTERED or _number(asset) != offer.version for asset in assets):
            return True
        if not sale.on_basis:
            return False
        return any(
            basis.version != offer.version
            or basis.terms is None
            or any(basis.terms.controller != asset.holder for asset in assets)
            or basis.live == 0
            or at.time > basis.terms.valid_until
            for basis in self._of.consents(offer.asset_id).bases(at.block)
        )


def require_deal(registers: Registers, sale: Sale, block: int, live: int | None, *, most: int | None = None) -> None:
    """What an order, a preparation and a delivery ask alike: version, parties, basis, holds.

    `live` is what the event says was live; `most` an upper bound where it says nothing. Raises IntegrityError.
    """
    offer, time = sale.offer, registers.journals.time(block)
    bases: Sequence[Basis | None] = [None]
    if sale.on_basis:
        bases = registers.consents(offer.asset_id).bases(block)
    some(
        (lambda found=found: _require_deal(registers, sale, *found, time=time, live=live, most=most))  # type: ignore[misc]
        for found in product(
            registers.assets.states(offer.asset_id, block),
            registers.members.standings(sale.buyer, block),
            registers.members.standings(offer.provider, block),
            bases,
        )
    )
    _require_free(registers, offer, sale.offer_id, block)
    registers.holds.require_free(sale.sale, block, "deal.hold", "sale")
    registers.holds.require_free(account_entity(sale.buyer), block, "deal.hold", "buyer")


def _require_deal(
    registers: Registers,
    sale: Sale,
    asset: Asset,
    buyer: Standing,
    provider: Standing,
    basis: Basis | None,
    *,
    time: int,
    live: int | None,
    most: int | None,
) -> None:
    require, offer = registers.findings.require, sale.offer
    _require_current(offer, asset, registers.findings)
    require(buyer.is_good(time) and buyer.has_role(Role.BUYER), "deal.buyer", "the buyer was no BUYER in good standing")
    require(
        provider.is_good(time) and provider.has_role(Role.PROVIDER),
        "deal.provider",
        "the provider was no PROVIDER in good standing",
    )
    require(
        buyer.is_of(offer.conditions.buyer_class),
        "deal.class",
        f"the buyer is not of class {offer.conditions.buyer_class}",
    )
    allowed = offer.conditions.jurisdictions
    require(
        not allowed or buyer.jurisdiction in allowed,
        "deal.jurisdiction",
        f"jurisdiction {buyer.jurisdiction} was not offered",
    )
    if basis is None:
        require(live in (None, 0), "deal.live", f"{live} live consents where there is no basis")
        return
    terms = basis.terms
    closed = basis.version == offer.version and basis.closed and terms is not None
    require(closed, "basis.version", f"version {offer.version} had no closed binding")
    assert terms is not None
    require(basis.pending == 0, "basis.pending", f"{basis.pending} withdrawals by receipt were pending")
    require(terms.controller == asset.holder, "basis.controller", "the consents' controller no longer held the asset")
    require(
        terms.purpose == offer.purpose,
        "basis.purpose",
        f"sold for purpose {offer.purpose}, consented to {terms.purpose}",
    )
    require(bool(terms.modes & offer.mode), "basis.mode", f"sold in mode {offer.mode}, consented to {terms.modes}")
    named = terms.recipient in (ZERO_ADDRESS, sale.buyer)
    require(named, "basis.recipient", "the consents name another recipient")
    require(
        buyer.is_of(terms.recipient_class),
        "basis.class",
        f"the buyer is not of the consents' class {terms.recipient_class}",
    )
    inside = buyer.jurisdiction == provider.jurisdiction or terms.cross_border
    require(inside, "basis.border", "sold across the border without consent to that")
    require(terms.valid_from <= time <= terms.valid_until, "basis.validity", "the consents were not valid at that time")
    require(live is None or basis.live == live, "basis.live", f"{basis.live} consents were live, not {live}")
    require(
        most is None or basis.live <= most,
        "basis.live",
        f"{basis.live} consents were live, and only {most} records named",
    )


def _require_current(offer: Offer, asset: Asset, findings: Findings) -> None:
    current = asset.current
    usable = asset.state == AssetState.REGISTERED and current is not None
    findings.require(usable, "deal.asset", "the asset was not registered with a version")
    assert current is not None
    same = (current.number, current.key) == (offer.version, offer.version_key)
    findings.require(same, "deal.version", f"version {offer.version} was not the current one")
    findings.require(asset.holder == offer.provider, "deal.right", "the provider did not hold the asset")


def _require_free(registers: Registers, offer: Offer, identifier: bytes, block: int) -> None:
    for target, what in (
        (identifier, "offer"),
        (asset_entity(offer.asset_id), "asset"),
        (offer.version_key, "version"),
        (account_entity(offer.provider), "provider"),
    ):
        registers.holds.require_free(target, block, "deal.hold", what)


def _require_mode(offer: Offer, policy: Policy) -> None:
    if not policy.modes & offer.mode:
        raise contradiction("offer.mode", f"mode {offer.mode} was not permitted for the grade")


def _asked_of(asset: Asset, kinds: int, named: int) -> tuple[int, bool]:
    """The kinds of attestation asked, and whether the sale stands on consents (else on SOURCE_LEGALITY)."""
    source, deidentified = bits_of(AttestationKind.SOURCE_LEGALITY), bits_of(AttestationKind.DEIDENTIFICATION)
    if asset.kind == AssetKind.PERSONAL:
        return kinds, True
    if not asset.personal:
        return kinds | source, False
    asked = kinds | source | deidentified
    if kinds & deidentified or named == asked.bit_count():
        return asked, False
    return kinds, True


def _require_well_formed(offer: Offer, findings: Findings) -> None:
    split, conditions = offer.split, offer.conditions
    one = offer.mode.bit_count() == 1 and not offer.mode & ~MODES_ALL
    findings.require(one, "offer.mode", f"mode {offer.mode}")
    findings.require(0 < offer.purpose <= max(Purpose), "offer.purpose", f"purpose {offer.purpose}")
    findings.require(offer.price.total <= MOST_PRICE, "offer.price", "a price too large")
    bps = split.exchange_bps + split.provider_bps + split.subjects_bps + sum(each.bps for each in split.intermediaries)
    findings.require(bps == BPS, "offer.split", f"shares of {bps} basis points")
    paid = [split.exchange, *(each.account for each in split.intermediaries)]
    findings.require(ZERO_ADDRESS not in paid, "offer.split", "a share for nobody")
    findings.require(ZERO32 not in (offer.terms_hash, offer.policy_hash), "offer.documents", "no terms or no policy")
    jurisdictions, buyers = conditions.jurisdictions, offer.sandbox.buyers if offer.sandbox.on else ()
    ordered = list(jurisdictions) == sorted(set(jurisdictions)) and list(buyers) == sorted(set(buyers))
    findings.require(ordered, "offer.conditions", "conditions out of order")


def _number(asset: Asset) -> int:
    return 0 if asset.current is None else asset.current.number


def _text(currency: bytes) -> str:
    return currency.decode("ascii", "replace")
