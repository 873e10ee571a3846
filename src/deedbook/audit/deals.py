"""A sale as it is derived, and what an order, a preparation and a delivery ask alike: version, parties, basis, holds.

Within one block the order between journals is not committed to (see `histories`): a rule is kept when some combination
of states of that block keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from deedbook.audit.assets import Asset, Assets
from deedbook.audit.consents import Basis, ConsentRegister
from deedbook.audit.evidence import Journals
from deedbook.audit.findings import Findings
from deedbook.audit.histories import Attestations, Holds, Members, Standing, Statement
from deedbook.domain.codes import AssetState, Outcome, Role, SaleState
from deedbook.domain.hashing import ZERO_ADDRESS
from deedbook.domain.journal import account_entity, asset_entity
from deedbook.domain.sales import Offer
from deedbook.errors import DeedbookError, IntegrityError

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Moment:
    """A block and its time."""

    block: int
    time: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What was handed over, and the basis whose live leaves it names.

    `suites` are those that the buyer had registered a key for; None where somebody may keep it in the buyer's stead.
    """

    envelope_hash: bytes
    cover_hash: bytes
    count: int
    at: Moment
    basis: Basis | None
    suites: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Decision:
    """How a dispute ended: POSITIVE for the buyer."""

    decider: bytes
    outcome: Outcome
    at: Moment


@dataclass(frozen=True)
class Sale:
    """A sale as far as it went; everything in it is derived from proven events."""

    sale: bytes
    offer_id: bytes
    offer: Offer
    asset: Asset
    buyer: bytes
    on_basis: bool
    pooled: bool
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
    disputed: Moment | None = None
    decision: Decision | None = None
    ended: Moment | None = None

    def is_party(self, account: bytes) -> bool:
        """Whether the account sells, buys, or is paid by the sale."""
        return account == self.buyer or is_party(self.offer, account)


def is_party(offer: Offer, account: bytes) -> bool:
    """Whether the account sells or is paid under the offer."""
    return account in (offer.provider, offer.split.exchange, *(each.account for each in offer.split.intermediaries))


@dataclass(frozen=True)
class Registers:
    """The registers that a sale is judged by, and the version of the deployment whose rules it is judged by."""

    version: int
    chain_id: int
    contracts: Mapping[str, bytes]
    journals: Journals
    findings: Findings
    members: Members
    holds: Holds
    attestations: Attestations
    assets: Assets
    consents: Callable[[int], ConsentRegister]


def some(options: Iterable[Callable[[], Found]]) -> Found:
    """The first option that is kept; where none is, what the last one broke."""
    broken: DeedbookError = IntegrityError("no state of the block is possible")
    for option in options:
        try:
            return option()
        except IntegrityError as reason:
            broken = reason
    raise broken


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
    require_free(registers, offer, sale.offer_id, block)
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
    require_current(offer, asset, time, registers.findings)
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


def crossings(registers: Registers, offer: Offer, buyer: bytes, block: int) -> list[bool]:
    """Whether buyer and provider sat in different jurisdictions, in the states of the block: one answer, or both."""
    met = product(registers.members.standings(buyer, block), registers.members.standings(offer.provider, block))
    return sorted({first.jurisdiction != second.jurisdiction for first, second in met})


def require_current(offer: Offer, asset: Asset, time: int, findings: Findings) -> None:
    """Raises IntegrityError unless the offer is of the asset's current version, by one who may sell that use of it."""
    current = asset.current
    usable = asset.state == AssetState.REGISTERED and current is not None
    findings.require(usable, "deal.asset", "the asset was not registered with a version")
    assert current is not None
    same = (current.number, current.key) == (offer.version, offer.version_key)
    findings.require(same, "deal.version", f"version {offer.version} was not the current one")
    operates = asset.operates(offer.provider, offer.mode, offer.purpose, time)
    findings.require(operates, "deal.right", "the provider had no right to operate the asset in this mode and purpose")


def require_free(registers: Registers, offer: Offer, identifier: bytes, block: int) -> None:
    """Raises IntegrityError if offer, asset, version or provider was held in the block."""
    for target, what in (
        (identifier, "offer"),
        (asset_entity(offer.asset_id), "asset"),
        (offer.version_key, "version"),
        (account_entity(offer.provider), "provider"),
    ):
        registers.holds.require_free(target, block, "deal.hold", what)
