"""Money re-derived: the division of a price, the carry from sale to sale, certificates, payouts and what came back.

What is owed to the delivered people stands on lists: list 0 is the delivered ordinals, and whoever is put off, or whose
payment came back, is counted off one list and onto a new one. So nobody is paid twice, and nobody is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from deedbook.audit.deals import Moment, Registers, Sale
from deedbook.audit.findings import Findings, contradiction
from deedbook.domain.codes import Role, SaleState
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, checksum_address
from deedbook.domain.journal import asset_entity
from deedbook.domain.money import Shares, settle

DELIVERED: Final = 0
"""The list of the delivered ordinals."""


@dataclass(frozen=True, slots=True)
class Payable:
    """A list, paid in order: its places below `paid_up_to` are done with, `deferred` of them put off or bounced."""

    count: int
    paid_up_to: int = 0
    deferred: int = 0

    @property
    def paid(self) -> int:
        """How many of its places were paid, and stay paid."""
        return self.paid_up_to - self.deferred


@dataclass(frozen=True, slots=True)
class Settlement:
    """The entry of a settled sale, and its lists: the delivered ordinals, then those of people put off."""

    certificate: int
    carry_in: int
    shares: Shares
    at: Moment
    lists: tuple[Payable, ...]

    @property
    def paid_up_to(self) -> int:
        """Delivered ordinals below this one are paid, or stand on another list."""
        return self.lists[DELIVERED].paid_up_to

    @property
    def paid_heads(self) -> int:
        """How many people were paid."""
        return sum(each.paid for each in self.lists)

    @property
    def waiting_heads(self) -> int:
        """How many people stand on a list that is not paid yet."""
        return sum(each.count - each.paid_up_to for each in self.lists)

    @property
    def is_owed(self) -> bool:
        """Whether anything is owed to anybody who was delivered."""
        return self.shares.per_head > 0


@dataclass(frozen=True, slots=True)
class Books:
    """What is booked of a sale: its settlement (None before it), and what was confirmed as given back to the buyer."""

    settlement: Settlement | None = None
    refunded: int = 0


def read_books(sale: Sale, registers: Registers) -> Books:
    """What is booked of a sale. Raises IntegrityError naming the rule that an event breaks."""
    events = registers.journals.events("Revenue", sale.sale)
    carry_in = _carry(sale, registers.journals.events("Revenue", asset_entity(sale.offer.asset_id)), registers)
    walk = _Books(sale, carry_in, registers)
    place, books = 0, Books()
    while place < len(events):
        taken = 2 if events[place].name == "OrdinalsDeferred" else 1
        books = walk.after(books, events[place : place + taken])
        place += taken
    return books


class _Books:
    """The walk through a sale's journal of `Revenue`: act by act, an act that opens a list being two events."""

    def __init__(self, sale: Sale, carry_in: int | None, registers: Registers) -> None:
        self._sale = sale
        self._carry_in = carry_in
        self._of = registers
        self._require = registers.findings.require
        self._receipts = {sale.receipt_hash}

    def after(self, books: Books, act: Sequence[Event]) -> Books:
        """The books after one more act."""
        event = act[-1]
        if event.name == "RefundConfirmed":
            return self._refunded(books, event)
        if books.settlement is None:
            self._require(event.name == "SaleSettled", "settle.first", f"{event.name} came before the settlement")
            return replace(books, settlement=self._settled(event))
        self._require(event.name != "SaleSettled", "settle.once", "settled again")
        opened = self._opened(act, books.settlement)
        lists = self._bounced if event.name == "PaymentsBounced" else self._paid
        return replace(books, settlement=replace(books.settlement, lists=lists(books.settlement, event, opened)))

    def _settled(self, settled: Event) -> Settlement:
        sale, carry_in = self._sale, self._carry_in
        self._require(sale.state == SaleState.ACCEPTED, "settle.state", f"settled while the sale was {sale.state.name}")
        assert sale.delivery is not None
        assert sale.accepted is not None
        at = self._moment(settled)
        self._require(sale.accepted.block <= at.block, "settle.state", "settled before it was accepted")
        if carry_in is None:
            raise contradiction("settle.carry", "the asset's journal tells another settlement")
        count = sale.delivery.count
        shares = settle(sale.price, carry_in, sale.offer.split, count, sale.pooled)
        _require_shares(sale, settled.args, carry_in, shares, self._of.findings)
        self._of.findings.found(
            "settle.arithmetic",
            f"{sale.price} + {carry_in} = {shares.exchange} + {shares.provider} + {sum(shares.intermediaries)} + "
            f"{shares.per_head} * {count} + {shares.carry_out}",
        )
        return Settlement(settled.args["certificate"], carry_in, shares, at, (Payable(count),))

    def _opened(self, act: Sequence[Event], settlement: Settlement) -> Mapping[str, Any] | None:
        """What the new list says that the act opens; None where it opens none."""
        if act[0].name != "OrdinalsDeferred":
            return None
        stated, number = act[0].args, len(settlement.lists)
        followed = len(act) == 2 and act[1].log.block_number == act[0].log.block_number
        payment = act[-1].name in ("PayoutConfirmed", "DeferredPayoutConfirmed", "PaymentsBounced")
        self._require(followed and payment, "deferred.act", "a list was opened by no payout and no bounce")
        self._require(stated["list"] == number, "deferred.list", f"list {stated['list']} was opened after {number - 1}")
        self._require(stated["count"] > 0 and stated["root"] != ZERO32, "deferred.root", "a list of nobody")
        return stated

    def _paid(self, settlement: Settlement, event: Event, opened: Mapping[str, Any] | None) -> tuple[Payable, ...]:
        """The lists after a bank batch over the next places of one."""
        args, number = event.args, DELIVERED if event.name == "PayoutConfirmed" else event.args["list"]
        later = event.name == "PayoutConfirmed" or 0 < number < len(settlement.lists)
        self._require(later, "deferred.unknown", f"list {number} was paid, of {len(settlement.lists) - 1}")
        due, first, end = settlement.lists[number], args["from"], args["to"]
        self._require(
            first == due.paid_up_to < end <= due.count,
            "payout.ordinals",
            f"[{first}, {end}) after {due.paid_up_to} of {due.count}",
        )
        put_off = 0 if opened is None else opened["count"]
        if opened is not None:
            same = (opened["parent"], opened["from"], opened["to"]) == (number, first, end)
            self._require(same, "deferred.places", "the list that a payout opened is of other places")
            self._require(put_off <= end - first, "deferred.count", f"{put_off} of {end - first} were put off")
        total = (end - first - put_off) * settlement.shares.per_head
        words = f"{args['total']} paid to [{first}, {end}) without {put_off}, {total} owed"
        self._require(args["total"] == total, "payout.total", words)
        self._require_confirmed(args, event, "payout", unpaid=put_off == end - first)
        self._of.holds.require_free(self._sale.sale, event.log.block_number, "payout.hold", "sale")
        asset = asset_entity(self._sale.offer.asset_id)
        self._of.holds.require_free(asset, event.log.block_number, "payout.hold", "asset")
        return _with(settlement.lists, number, replace(due, paid_up_to=end, deferred=due.deferred + put_off), put_off)

    def _bounced(self, settlement: Settlement, event: Event, opened: Mapping[str, Any] | None) -> tuple[Payable, ...]:
        """The lists after payments of one came back."""
        args, number = event.args, event.args["list"]
        self._require(number < len(settlement.lists), "deferred.unknown", f"payments of list {number} came back")
        due, count = settlement.lists[number], args["count"]
        if opened is None:
            raise contradiction("deferred.act", "payments came back, and whoever they were for stands on no list")
        same = (opened["parent"], opened["from"], opened["to"]) == (number, 0, due.paid_up_to)
        self._require(same, "deferred.places", "the list that a bounce opened is of other places")
        self._require(
            opened["count"] == count <= due.paid,
            "bounce.count",
            f"{count} payments came back, of {due.paid} that were made",
        )
        total = count * settlement.shares.per_head
        self._require(args["total"] == total, "bounce.total", f"{args['total']} came back, {total} was paid to {count}")
        self._require_confirmed(args, event, "bounce")
        return _with(settlement.lists, number, replace(due, deferred=due.deferred + count), count)

    def _refunded(self, books: Books, event: Event) -> Books:
        args, sale = event.args, self._sale
        given_back = sale.state == SaleState.REFUNDED and sale.ended is not None
        in_time = given_back and sale.ended is not None and sale.ended.block <= event.log.block_number
        self._require(
            in_time or books.settlement is not None, "refund.state", f"money came back of a sale {sale.state.name}"
        )
        refunded = books.refunded + args["amount"]
        self._require(
            args["amount"] > 0 and refunded <= sale.price, "refund.amount", f"{refunded} of {sale.price} came back"
        )
        self._require(
            args["refunded"] == refunded, "refund.sum", f"{args['refunded']} in all, refunds add up to {refunded}"
        )
        self._require_confirmed(args, event, "refund")
        self._of.findings.found("refund.confirmed", f"{refunded} of {sale.price} was given back to the buyer")
        return replace(books, refunded=refunded)

    def _require_confirmed(self, args: Mapping[str, Any], event: Event, act: str, *, unpaid: bool = False) -> None:
        """By a SETTLER who is no party, in the sale's currency, by a receipt that serves once (none where nothing was
        paid)."""
        settler, receipt = args["settler"], args["receiptHash"]
        self._require(args["currency"] == self._sale.offer.price.currency, f"{act}.currency", "in another currency")
        self._of.members.require(settler, event.log.block_number, f"{act}.settler", f"confirmed a {act}", Role.SETTLER)
        party = self._sale.is_party(settler)
        self._require(not party, f"{act}.settler", f"settler {checksum_address(settler)} is a party")
        if unpaid:
            self._require(receipt == ZERO32, f"{act}.receipt", "a receipt of nothing")
            return
        self._require(receipt not in self._receipts and receipt != ZERO32, f"{act}.receipt", "a receipt serves twice")
        self._receipts.add(receipt)

    def _moment(self, event: Event) -> Moment:
        return Moment(event.log.block_number, self._of.journals.time(event.log.block_number))


def _with(lists: tuple[Payable, ...], number: int, changed: Payable, put_off: int) -> tuple[Payable, ...]:
    """The lists with one of them changed, and a new one of those put off."""
    opened = (Payable(put_off),) if put_off else ()
    return (*lists[:number], changed, *lists[number + 1 :], *opened)


def _carry(sale: Sale, chain: Sequence[Event], registers: Registers) -> int | None:
    """What the asset's former sales in this currency left over; None where this sale was not settled among them."""
    carries: dict[bytes, int] = {}
    former, found = 0, None
    require = registers.findings.require
    for event in chain:
        args = event.args
        certificate, carry = args["certificate"], carries.get(args["currency"], 0)
        require(certificate > former, "settle.certificate", f"certificate {certificate} after {former}")
        require(
            args["carryIn"] == carry,
            "settle.carry",
            f"certificate {certificate} takes over {args['carryIn']}, {carry} was left",
        )
        parts = args["exchangeShare"] + args["providerShare"] + sum(args["intermediaryShares"])
        whole = parts + args["perHead"] * args["deliveredCount"] + args["carryOut"]
        require(args["price"] + carry == whole, "settle.sum", f"certificate {certificate} does not add up")
        if args["saleId"] == sale.sale:
            require(found is None, "settle.once", "settled twice")
            found = carry
        former, carries[args["currency"]] = certificate, args["carryOut"]
    return found


def _require_shares(sale: Sale, args: Mapping[str, Any], carry_in: int, shares: Shares, findings: Findings) -> None:
    for name, stated, derived in (
        ("asset", args["assetId"], sale.offer.asset_id),
        ("currency", args["currency"], sale.offer.price.currency),
        ("price", args["price"], sale.price),
        ("carryIn", args["carryIn"], carry_in),
        ("exchangeShare", args["exchangeShare"], shares.exchange),
        ("providerShare", args["providerShare"], shares.provider),
        ("intermediaryShares", args["intermediaryShares"], shares.intermediaries),
        ("perHead", args["perHead"], shares.per_head),
        ("deliveredCount", args["deliveredCount"], shares.delivered_count),
        ("carryOut", args["carryOut"], shares.carry_out),
    ):
        findings.require(stated == derived, "settle.shares", f"{name} is {stated!r}, by the split {derived!r}")


def check_money(sale: Sale, books: Books, findings: Findings) -> None:
    """Step 8: what each delivered record is owed, who was paid, who still waits, and what was given back."""
    currency = sale.offer.price.currency.decode("ascii")
    if books.settlement is None:
        return
    settlement, shares = books.settlement, books.settlement.shares
    whole = settlement.paid_heads + settlement.waiting_heads == shares.delivered_count
    findings.require(whole, "money.paid", "the lists do not add up to those who were delivered")
    findings.require(
        shares.total == sale.price + settlement.carry_in, "money.whole", "shares do not add up to price and carry"
    )
    if not settlement.is_owed:
        findings.found("money.due", f"nothing is owed to the {shares.delivered_count} who were delivered")
        return
    findings.found(
        "money.due", f"{shares.per_head} {currency} minor units are owed to each of {shares.delivered_count} people"
    )
    heads, lists = settlement.paid_heads, len(settlement.lists)
    findings.found(
        "money.paid",
        f"{heads * shares.per_head} paid to {heads} people, {settlement.waiting_heads} wait, on {lists} lists",
    )
