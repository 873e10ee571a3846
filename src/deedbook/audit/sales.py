"""Sales re-derived: payment, preparation, delivery, acceptance, disputes, and the ways out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from deedbook.audit.assets import Asset
from deedbook.audit.deals import Decision, Delivery, Moment, Registers, Sale, require_deal
from deedbook.audit.findings import contradiction
from deedbook.audit.histories import JUDGES
from deedbook.audit.orders import read_order
from deedbook.audit.usage import METERED
from deedbook.domain.codes import AssetState, Outcome, Role, SaleState
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, checksum_address, to_hex
from deedbook.domain.sales import Offer
from deedbook.errors import EvidenceMissing

PREPARE_WINDOW: Final = 15 * 60
"""Seconds from `prepare` within which `deliver` must follow."""

DELIVERY_WINDOW: Final = 30 * 24 * 60 * 60
"""Seconds after the payment from which the buyer may take back what was not delivered (version 2)."""

ACCEPTANCE_WINDOW: Final = 7 * 24 * 60 * 60
"""Seconds after delivery in which the buyer may dispute, and from which anyone may accept for the buyer."""

UNACCEPTED: Final = (SaleState.PAID, SaleState.PREPARED, SaleState.DELIVERED, SaleState.DISPUTED)
"""From where the provider may give the price back."""


def read_sale(identifier: bytes, registers: Registers) -> Sale:
    """The sale of this identifier. Raises IntegrityError naming the rule that an event breaks, EvidenceMissing."""
    events = registers.journals.events("Market", identifier)
    if not events:
        raise EvidenceMissing(f"nothing was ever ordered as {to_hex(identifier)}", rule="sale.unknown")
    sale = read_order(identifier, events[0], registers)
    walk = _Course(registers)
    for event in events[1:]:
        sale = walk.after(sale, event)
    walk.require_paid_at_once(sale)
    return sale


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
            "SaleDisputed": self._disputed,
            "DisputeDecided": self._decided,
        }.get(event.name)
        if step is None:
            raise contradiction("sale.course", f"{event.name} after the order")
        return step(sale, event.args, Moment(event.log.block_number, self._of.journals.time(event.log.block_number)))

    def _in(self, sale: Sale, act: str, *states: SaleState) -> None:
        self._require(sale.state in states, "sale.state", f"{act} while the sale was {sale.state.name}")

    def require_paid_at_once(self, sale: Sale) -> None:
        """Raises IntegrityError where an order at no price is not PAID in the same block."""
        at_once = not self._is_free(sale) or (sale.paid is not None and sale.paid.block == sale.ordered.block)
        self._require(at_once, "payment.free", "an order at no price was not paid by itself")

    def _is_free(self, sale: Sale) -> bool:
        return self._of.version > 1 and sale.price == 0

    def _paid(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        settler, price = args["settler"], sale.offer.price
        self._in(sale, "paid", SaleState.ORDERED)
        if self._is_free(sale):
            nobody = (args["settler"], args["receiptHash"], args["amount"]) == (ZERO_ADDRESS, ZERO32, 0)
            self._require(nobody and args["currency"] == price.currency, "payment.free", "nothing was owed, and paid")
            self._of.findings.found("payment.checked", "at no price: paid by its order")
            return replace(sale, state=SaleState.PAID, paid=at)
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
        if sale.prepared is not None:
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
        covered = args["coverHash"] != ZERO32 or not sale.on_basis
        self._require(covered, "deliver.cover", "people's records delivered without a cover")
        self._require(
            count <= sale.live_at_prepare, "deliver.count", f"{count} delivered, {sale.live_at_prepare} were live"
        )
        self._require(not sale.on_basis or count > 0, "deliver.count", "nobody's record was delivered")
        require_deal(self._of, sale, at.block, None, most=count)
        basis = None
        if sale.on_basis:
            basis = self._of.consents(sale.offer.asset_id).at_count(sale.offer.version, count)
            self._require(basis is not None, "deliver.count", f"never were exactly {count} consents live")
        suites = None if self._is_kept(sale) else self._of.members.suites(sale.buyer, at.block)
        self._require(suites is None or bool(suites), "deliver.key", "the buyer had registered no encryption key")
        self._of.findings.found(
            "deliver.checked", f"{count} records delivered in block {at.block}, within the window of {PREPARE_WINDOW} s"
        )
        delivery = Delivery(args["envelopeHash"], args["coverHash"], count, at, basis, suites)
        return replace(sale, state=SaleState.DELIVERED, delivery=delivery)

    def _is_kept(self, sale: Sale) -> bool:
        """Whether the use leaves the data where it is: whoever runs it may keep the key in the buyer's stead."""
        return self._of.version > 1 and bool(sale.offer.mode & METERED)

    def _accepted(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        by_timeout = args["by"] != sale.buyer
        self._in(sale, "accepted", SaleState.DELIVERED, *(() if by_timeout else (SaleState.DISPUTED,)))
        assert sale.delivery is not None
        self._require(args["byTimeout"] == by_timeout, "accept.by", "not accepted by whom it says")
        late = at.time > sale.delivery.at.time + ACCEPTANCE_WINDOW
        self._require(late or not by_timeout, "accept.window", "accepted for the buyer before the window was over")
        self._of.findings.found(
            "accept.checked", f"accepted in block {at.block} by {'timeout' if by_timeout else 'the buyer'}"
        )
        return replace(sale, state=SaleState.ACCEPTED, accepted=at, by_timeout=by_timeout)

    def _disputed(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "disputed", SaleState.DELIVERED)
        assert sale.delivery is not None
        self._require(args["buyer"] == sale.buyer, "dispute.by", "disputed by another than the buyer")
        soon = at.time <= sale.delivery.at.time + ACCEPTANCE_WINDOW
        self._require(soon, "dispute.window", "disputed after the window was over")
        self._require(args["documentHash"] != ZERO32, "dispute.document", "disputed without a document")
        return replace(sale, state=SaleState.DISPUTED, disputed=at)

    def _decided(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "decided", SaleState.DISPUTED)
        decider, outcome = args["decider"], args["outcome"]
        self._of.members.require(decider, at.block, "dispute.decider", "decided the dispute", JUDGES)
        self._require(not sale.is_party(decider), "dispute.decider", f"{checksum_address(decider)} is a party")
        self._require(outcome in set(Outcome), "dispute.outcome", f"outcome {outcome}")
        self._require(args["documentHash"] != ZERO32, "dispute.document", "decided without a document")
        decided = replace(sale, decision=Decision(decider, Outcome(outcome), at))
        self._of.findings.found(
            "dispute.checked",
            f"disputed in time, and decided in block {at.block} by {checksum_address(decider)}, no party: "
            f"{'for the buyer' if outcome == Outcome.POSITIVE else 'against the buyer'}",
        )
        if outcome == Outcome.POSITIVE:
            return replace(decided, state=SaleState.REFUNDED, ended=at)
        return replace(decided, state=SaleState.ACCEPTED, accepted=at)

    def _cancelled(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        self._in(sale, "cancelled", SaleState.ORDERED)
        self._require(args["by"] in (sale.buyer, sale.offer.provider), "cancel.by", "cancelled by neither party")
        return replace(sale, state=SaleState.CANCELLED, ended=at)

    def _refunded(self, sale: Sale, args: Mapping[str, Any], at: Moment) -> Sale:
        given_back = self._of.version > 1 and args["by"] == sale.offer.provider
        self._in(sale, "refunded", *(UNACCEPTED if given_back else UNACCEPTED[:2]))
        self._require(given_back or args["by"] == sale.buyer, "refund.by", "refunded at the word of neither party")
        paid = args["amount"] == sale.price and args["currency"] == sale.offer.price.currency
        self._require(paid, "refund.amount", "refunded another amount than was paid")
        if not given_back:
            self._require(self._lapsed(sale, at), "refund.cause", "refunded while it could be delivered as ordered")
        whose = "the provider's own word" if given_back else "the buyer's word: it could not be delivered any more"
        self._of.findings.found("refund.checked", f"refunded in block {at.block} at {whose}")
        return replace(sale, state=SaleState.REFUNDED, ended=at)

    def _lapsed(self, sale: Sale, at: Moment) -> bool:
        """Whether what was paid for could no longer be delivered, or was not in time."""
        offer = sale.offer
        assert sale.paid is not None
        if offer.term and at.time > sale.paid.time + offer.term:
            return True
        assets = self._of.assets.states(offer.asset_id, at.block)
        if self._of.version == 1:
            gone = any(asset.state != AssetState.REGISTERED or _number(asset) != offer.version for asset in assets)
        else:
            late = at.time > sale.paid.time + DELIVERY_WINDOW
            gone = late or any(not self._is_offered(offer, asset, at) for asset in assets) or self._has_left(offer, at)
        return gone or (sale.on_basis and self._is_without_basis(offer, assets, at))

    def _is_offered(self, offer: Offer, asset: Asset, at: Moment) -> bool:
        """Whether its version is current and its provider may sell that use of it."""
        operates = asset.operates(offer.provider, offer.mode, offer.purpose, at.time)
        return operates and _number(asset) == offer.version

    def _has_left(self, offer: Offer, at: Moment) -> bool:
        """Whether the provider was not in good standing."""
        return any(not each.is_good(at.time) for each in self._of.members.standings(offer.provider, at.block))

    def _is_without_basis(self, offer: Offer, assets: Sequence[Asset], at: Moment) -> bool:
        """Whether its consents were of another version or holder, over, or nobody's."""
        return any(
            basis.version != offer.version
            or basis.terms is None
            or any(basis.terms.controller != asset.holder for asset in assets)
            or basis.live == 0
            or at.time > basis.terms.valid_until
            for basis in self._of.consents(offer.asset_id).bases(at.block)
        )


def _number(asset: Asset) -> int:
    return 0 if asset.current is None else asset.current.number


def _text(currency: bytes) -> str:
    return currency.decode("ascii", "replace")
