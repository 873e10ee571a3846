"""Metered use re-derived: what was reported of a sale, period by period, within its quota and its term.

A report is the provider's and the gateway's; their signatures are the contract's to check and are in no event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from deedbook.audit.deals import Registers, Sale
from deedbook.audit.findings import contradiction
from deedbook.domain.codes import Mode, Role, SaleState
from deedbook.domain.events import Event
from deedbook.domain.hashing import ZERO32

METERED: Final = Mode.CALL | Mode.JOINT_MODEL | Mode.FEDERATED | Mode.ENCRYPTED_COMPUTE
"""The modes that leave the data where it is."""

UNLIMITED: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a sale was used, and up to when (exclusive, Unix seconds) that was reported; zeros before a report."""

    used: int = 0
    reported_to: int = 0


def read_usage(sale: Sale, registers: Registers) -> Usage | None:
    """What was reported of a sale; None where deployments have no `Usage`. Raises IntegrityError naming the rule."""
    if registers.version == 1:
        return None
    usage = Usage()
    events = registers.journals.events("Usage", sale.sale)
    for event in events:
        usage = _after(usage, event, sale, registers)
    if events:
        quota = sale.offer.quota or "no limit"
        registers.findings.found("usage.metered", f"{usage.used} uses in {len(events)} periods, of {quota}")
    return usage


def _after(usage: Usage, event: Event, sale: Sale, registers: Registers) -> Usage:
    require, args, block = registers.findings.require, event.args, event.log.block_number
    offer, delivery, time = sale.offer, sale.delivery, registers.journals.time(block)
    if delivery is None or delivery.at.block > block:
        raise contradiction("usage.state", "used before it was delivered")
    given_back = sale.state == SaleState.REFUNDED and sale.ended is not None and sale.ended.block < block
    require(not given_back, "usage.state", "used after it was given back")
    require(bool(offer.mode & METERED), "usage.mode", f"mode {offer.mode} is not metered")
    require(args["provider"] == offer.provider, "usage.provider", "reported by another than the provider")
    gateway = args["gateway"]
    registers.members.require(gateway, block, "usage.gateway", "metered the use", Role.GATEWAY)
    require(gateway not in (offer.provider, sale.buyer), "usage.gateway", "metered by a party")
    first, end = args["from"], args["to"]
    require(first < end <= time, "usage.period", f"the period [{first}, {end}) was not over at {time}")
    require(delivery.at.time <= first, "usage.period", f"the period from {first} began before the delivery")
    require(usage.reported_to <= first, "usage.period", f"the period from {first} was reported to {usage.reported_to}")
    in_term = not offer.term or end <= delivery.at.time + offer.term
    require(in_term, "usage.term", f"the period up to {end} goes beyond the term")
    require((args["count"] == 0) == (args["receiptsRoot"] == ZERO32), "usage.receipts", "receipts of another count")
    used = usage.used + args["count"]
    require(used <= (offer.quota or UNLIMITED), "usage.quota", f"{used} uses of {offer.quota}")
    require(args["used"] == used, "usage.sum", f"{args['used']} uses in all, reports add up to {used}")
    return Usage(used, end)
