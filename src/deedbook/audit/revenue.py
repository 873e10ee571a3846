"""Money re-derived: the division of a price, the carry from sale to sale, certificates, payouts by ordinal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deedbook.audit.deals import Moment, Registers, Sale
from deedbook.audit.findings import Findings
from deedbook.domain.codes import Role, SaleState
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32, checksum_address
from deedbook.domain.journal import asset_entity
from deedbook.domain.money import Shares, payout_total, settle


@dataclass(frozen=True, slots=True)
class Payout:
    """One bank batch over the delivered ordinals [first, end)."""

    first: int
    end: int
    total: int
    settler: bytes
    at: Moment


@dataclass(frozen=True, slots=True)
class Settlement:
    """The entry of a settled sale, and what of it was paid."""

    certificate: int
    carry_in: int
    shares: Shares
    at: Moment
    payouts: tuple[Payout, ...]

    @property
    def paid_up_to(self) -> int:
        """Delivered ordinals below this one are paid."""
        return self.payouts[-1].end if self.payouts else 0


def read_settlement(sale: Sale, registers: Registers) -> Settlement | None:
    """The settlement of a sale, or None before it. Raises IntegrityError naming the rule that an event breaks."""
    events = registers.journals.events("Revenue", sale.sale)
    chain = registers.journals.events("Revenue", asset_entity(sale.offer.asset_id))
    carry_in = _carry(sale, chain, registers)
    if not events:
        return None
    require, findings = registers.findings.require, registers.findings
    settled = events[0]
    require(settled.name == "SaleSettled", "settle.first", f"{settled.name} came before the settlement")
    require(sale.state == SaleState.ACCEPTED, "settle.state", f"settled while the sale was {sale.state.name}")
    assert sale.delivery is not None
    assert sale.accepted is not None
    at = Moment(settled.log.block_number, registers.journals.time(settled.log.block_number))
    require(sale.accepted.block <= at.block, "settle.state", "settled before it was accepted")
    require(carry_in is not None, "settle.carry", "the asset's journal tells another settlement")
    assert carry_in is not None
    count = sale.delivery.count
    shares = settle(sale.price, carry_in, sale.offer.split, count, count > 0)
    _require_shares(sale, settled.args, carry_in, shares, findings)
    payouts = _payouts(sale, shares, events[1:], registers)
    findings.found(
        "settle.arithmetic",
        f"{sale.price} + {carry_in} = {shares.exchange} + {shares.provider} + {sum(shares.intermediaries)} + "
        f"{shares.per_head} * {count} + {shares.carry_out}",
    )
    return Settlement(settled.args["certificate"], carry_in, shares, at, payouts)


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


def _payouts(sale: Sale, shares: Shares, events: Sequence[Event], registers: Registers) -> tuple[Payout, ...]:
    payouts: list[Payout] = []
    receipts = {sale.receipt_hash}
    require = registers.findings.require
    for event in events:
        args, block = event.args, event.log.block_number
        require(event.name == "PayoutConfirmed", "settle.once", f"{event.name} after the settlement")
        first, end, settler = args["from"], args["to"], args["settler"]
        paid = payouts[-1].end if payouts else 0
        require(
            first == paid < end <= shares.delivered_count,
            "payout.ordinals",
            f"[{first}, {end}) after {paid} of {shares.delivered_count}",
        )
        total = payout_total(first, end, shares.per_head)
        require(args["total"] == total, "payout.total", f"{args['total']} paid to [{first}, {end}), {total} owed")
        require(args["currency"] == sale.offer.price.currency, "payout.currency", "paid out in another currency")
        registers.members.require(settler, block, "payout.settler", "confirmed a payout", Role.SETTLER)
        require(not sale.is_party(settler), "payout.settler", f"settler {checksum_address(settler)} is a party")
        fresh = args["receiptHash"] not in receipts and args["receiptHash"] != ZERO32
        require(fresh, "payout.receipt", "a receipt serves twice")
        receipts.add(args["receiptHash"])
        registers.holds.require_free(sale.sale, block, "payout.hold", "sale")
        registers.holds.require_free(asset_entity(sale.offer.asset_id), block, "payout.hold", "asset")
        payouts.append(Payout(first, end, total, settler, Moment(block, registers.journals.time(block))))
    return tuple(payouts)


def check_money(sale: Sale, settlement: Settlement, findings: Findings) -> None:
    """Step 8: what each delivered record is owed, and which ordinals were paid."""
    shares, currency = settlement.shares, sale.offer.price.currency.decode("ascii")
    paid = sum(payout.total for payout in settlement.payouts)
    findings.require(
        paid == settlement.paid_up_to * shares.per_head, "money.paid", "payouts do not add up to what is owed"
    )
    findings.require(
        shares.total == sale.price + settlement.carry_in, "money.whole", "shares do not add up to price and carry"
    )
    findings.found(
        "money.due", f"{shares.per_head} {currency} minor units are owed to each of {shares.delivered_count} people"
    )
    findings.found("money.paid", f"{paid} paid to the ordinals below {settlement.paid_up_to}, in one piece each")
