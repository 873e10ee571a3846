"""Offers and orders re-derived: the listing, the attestations of the policy, the try-out's limits, the order itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from deedbook.audit.assets import Asset
from deedbook.audit.deals import (
    Moment,
    Registers,
    Sale,
    crossings,
    is_party,
    require_current,
    require_deal,
    require_free,
    some,
)
from deedbook.audit.findings import Findings, contradiction
from deedbook.audit.histories import Statement, states_in
from deedbook.domain.codes import (
    BPS,
    MODES_ALL,
    AssetKind,
    AssetState,
    AttestationKind,
    Purpose,
    Role,
    bits_of,
    kinds_of,
)
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, checksum_address, to_hex
from deedbook.domain.journal import asset_entity, policy_entity
from deedbook.domain.sales import Offer, Policy, offer_id, sale_id
from deedbook.errors import DeedbookError

MOST_PRICE: Final = 2**96 - 1
MOST_INTERMEDIARIES: Final = 8
MOST_JURISDICTIONS: Final = 16
MOST_BUYERS: Final = 64

SOURCE: Final = bits_of(AttestationKind.SOURCE_LEGALITY)
DEIDENTIFIED: Final = bits_of(AttestationKind.DEIDENTIFICATION)
CROSS_BORDER: Final = bits_of(AttestationKind.CROSS_BORDER)
CONSENTED: Final = bits_of(AttestationKind.CONSENT_AUDIT)
"""In a policy of version 2: the sale stands on consents, whatever the asset's kind. No statement about a version."""


def read_order(identifier: bytes, ordered: Event, registers: Registers) -> Sale:
    """The sale as ordered, once its offer, listing and order kept every rule. Raises IntegrityError naming the rule."""
    return _Ordering(identifier, registers).read(ordered)


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
        require_free(self._of, offer, own, block)
        self._of.findings.found(
            "offer.listed", f"offer {to_hex(own)} was listed in block {block} by the asset's operator"
        )
        return offer

    def _require_listable(self, offer: Offer, asset: Asset, policies: Sequence[Policy], block: int) -> None:
        require_current(offer, asset, self._of.journals.time(block), self._of.findings)

        def independent(attester: bytes) -> bool:
            return attester != asset.holder and not is_party(offer, attester)

        def asked(policy: Policy) -> None:
            _require_mode(offer, policy)
            needed = self._about_version(policy.to_list) | (0 if asset.personal else SOURCE)
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
        require_current(offer, asset, time, self._of.findings)
        self._require(args["version"] == offer.version, "order.version", "another version was ordered")
        self._require(time <= offer.valid_until, "offer.validity", "ordered after the offer's end")
        self._require(buyer != offer.provider, "order.buyer", "the provider bought from itself")
        self._require(
            args["price"] == offer.price.total, "order.price", f"{args['price']} is not the offer's {offer.price.total}"
        )
        self._require(args["currency"] == offer.price.currency, "order.currency", "not the offer's currency")
        if not policies:
            raise contradiction("order.policy", "no listing policy was in force")
        across = [False] if self._of.version == 1 else crossings(self._of, offer, buyer, block)
        more = [CROSS_BORDER if crossing else 0 for crossing in across]
        opinions, stands = some(
            (lambda kinds=kinds, policy=policy: self._opinions(offer, asset, policy, kinds, attesters, buyer, block))  # type: ignore[misc]
            for policy, kinds in ((policy, policy.to_order | extra) for policy, extra in product(policies, more))
        )
        sale = Sale(
            sale=self._sale,
            offer_id=args["offerId"],
            offer=offer,
            asset=asset,
            buyer=buyer,
            on_basis=stands.on_basis,
            pooled=stands.pooled,
            price=args["price"],
            live_at_order=args["live"],
            opinions=opinions,
            ordered=Moment(block, time),
        )
        require_deal(self._of, sale, block, args["live"])
        self._require(not stands.on_basis or args["live"] > 0, "order.live", "ordered with nobody's consent live")
        named = ", ".join(f"{each.kind.name} by {checksum_address(each.attester)}" for each in opinions)
        words = f"ordered in block {block} with {args['live']} live consents; attested by no party:"
        return sale, f"{words} {named or 'nothing asked'}"

    def _opinions(
        self,
        offer: Offer,
        asset: Asset,
        policy: Policy,
        kinds: int,
        attesters: Sequence[bytes],
        buyer: bytes,
        block: int,
    ) -> tuple[tuple[Statement, ...], _Stands]:
        """The statements relied on, one for each kind asked; and what the sale stands on."""
        _require_mode(offer, policy)
        asked_kinds, stands = self._asked_of(asset, kinds, len(attesters))
        self._require(
            stands.pooled or offer.split.subjects_bps == 0, "order.split", "a subjects' share without subjects"
        )
        asked = kinds_of(asked_kinds)
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
        return tuple(opinions), stands

    def _asked_of(self, asset: Asset, kinds: int, named: int) -> tuple[int, _Stands]:
        """The kinds of attestation asked, and what the sale stands on. Persons need consents and are paid; what is
        about none stands on SOURCE_LEGALITY, and on consents too where the policy says so."""
        consented = self._of.version > 1 and bool(kinds & CONSENTED)
        kinds = self._about_version(kinds)
        if asset.kind == AssetKind.PERSONAL:
            return kinds, _Stands(on_basis=True, pooled=True)
        if not asset.personal:
            return kinds | SOURCE, _Stands(consented, pooled=False)
        asked = kinds | SOURCE | DEIDENTIFIED
        if kinds & DEIDENTIFIED or named == asked.bit_count():
            return asked, _Stands(consented, pooled=False)
        return kinds, _Stands(on_basis=True, pooled=True)

    def _about_version(self, kinds: int) -> int:
        """The kinds of a policy that are statements about the version."""
        return kinds if self._of.version == 1 else kinds & ~CONSENTED


@dataclass(frozen=True, slots=True)
class _Stands:
    """Whether a sale stands on consents, and whether those who gave them have a share."""

    on_basis: bool
    pooled: bool


def _require_mode(offer: Offer, policy: Policy) -> None:
    if not policy.modes & offer.mode:
        raise contradiction("offer.mode", f"mode {offer.mode} was not permitted for the grade")


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
    few = len(split.intermediaries) <= MOST_INTERMEDIARIES and len(jurisdictions) <= MOST_JURISDICTIONS
    findings.require(few and len(buyers) <= MOST_BUYERS, "offer.conditions", "more parts than an offer may have")
