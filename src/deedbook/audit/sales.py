"""Sales re-derived: payment, preparation, delivery, acceptance, and the ways out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from deedbook.audit.assets import Asset
from deedbook.audit.deals import Delivery, Moment, Registers, Sale, require_deal
from deedbook.audit.findings import contradiction
from deedbook.audit.orders import read_order
from deedbook.domain.codes import AssetState, Role, SaleState
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, checksum_address, to_hex
from deedbook.errors import EvidenceMissing

PREPARE_WINDOW: Final = 15 * 60
"""Seconds from `prepare` within which `deliver` must follow."""

ACCEPTANCE_WINDOW: Final = 7 * 24 * 60 * 60
"""Seconds after delivery from which anyone may accept for the buyer."""


def read_sale(identifier: bytes, registers: Registers) -> Sale:
    """The sale of this identifier. Raises IntegrityError naming the rule that an event breaks, EvidenceMissing."""
    events = registers.journals.events("Market", identifier)
    if not events:
        raise EvidenceMissing(f"nothing was ever ordered as {to_hex(identifier)}", rule="sale.unknown")
    sale = read_order(identifier, events[0], registers)
    walk = _Course(registers)
    for event in events[1:]:
        sale = walk.after(sale, event)
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
        suites = self._of.members.suites(sale.buyer, at.block)
        self._require(bool(suites), "deliver.key", "the buyer had registered no encryption key")
        self._of.findings.found(
            "deliver.checked", f"{count} records delivered in block {at.block}, within the window of {PREPARE_WINDOW} s"
        )
        delivery = Delivery(args["envelopeHash"], args["coverHash"], count, at, basis, suites)
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


def _number(asset: Asset) -> int:
    return 0 if asset.current is None else asset.current.number


def _text(currency: bytes) -> str:
    return currency.decode("ascii", "replace")
