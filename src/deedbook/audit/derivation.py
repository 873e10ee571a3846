"""Step 5: a sale derived from journals, wherever these come from, and the plain statements that follow from it.

The same walk serves both sides: `verify` runs it over proven journals, `export` over live ones, whose questions tell
which journals belong into the bundle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deedbook.audit.assets import Assets, Version
from deedbook.audit.consents import Basis, ConsentRegister, read_register
from deedbook.audit.deals import Moment, Registers, Sale
from deedbook.audit.evidence import Journals
from deedbook.audit.findings import Findings
from deedbook.audit.histories import Attestations, Holds, Members
from deedbook.audit.revenue import Books, Settlement, read_books
from deedbook.audit.sales import read_sale
from deedbook.audit.usage import Usage, read_usage
from deedbook.domain.assets import Descriptor
from deedbook.domain.codes import Mode, Purpose, SaleState
from deedbook.domain.consents import ConsentDomain
from deedbook.domain.deployments import version_for
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.domain.journal import asset_entity


@dataclass(frozen=True)
class Derivation:
    """A sale, its version, its consents (None where it stands on none), what is booked of it, and how it was used (None
    where the deployment does not meter)."""

    sale: Sale
    version: Version
    register: ConsentRegister | None
    books: Books
    usage: Usage | None

    @property
    def settlement(self) -> Settlement | None:
        """The settlement; None before it."""
        return self.books.settlement

    @property
    def basis(self) -> Basis:
        """The binding that the sale was delivered from; before that, as the pinned block has it."""
        assert self.register is not None
        delivery = self.sale.delivery
        if delivery is not None and delivery.basis is not None:
            return delivery.basis
        return self.register.last_of(self.sale.offer.version)


def derive(
    identifier: bytes, chain_id: int, contracts: Mapping[str, bytes], journals: Journals, findings: Findings
) -> Derivation:
    """Everything that the journals say of a sale, every rule checked.

    Raises IntegrityError naming the first rule that an event breaks, EvidenceMissing for a journal that is not there.
    """
    registers = _registers(chain_id, contracts, journals, findings)
    sale = read_sale(identifier, registers)
    books, usage = read_books(sale, registers), read_usage(sale, registers)
    register = registers.consents(sale.offer.asset_id) if sale.on_basis else None
    version = registers.assets.version(sale.offer.asset_id, sale.offer.version)
    return Derivation(sale, version, register, books, usage)


def claims_of(derived: Derivation, descriptor: Descriptor) -> dict[str, Any]:
    """What an exchange says of a sale in plain words; each of them follows from the evidence.

    Amounts are decimal text in minor units, times Unix seconds; null where the sale has not come so far. Of deployments
    that meter use they say more.
    """
    return _first_claims(derived, descriptor) | ({} if derived.usage is None else _later_claims(derived, derived.usage))


def _later_claims(derived: Derivation, usage: Usage) -> dict[str, Any]:
    sale, settlement, decision = derived.sale, derived.settlement, derived.sale.decision
    return {
        "standsOnConsents": sale.on_basis,
        "disputedAt": _time(sale.disputed),
        "decider": None if decision is None else checksum_address(decision.decider),
        "decision": None if decision is None else decision.outcome.name,
        "decidedAt": None if decision is None else _time(decision.at),
        "refundedAt": _time(sale.ended) if sale.state == SaleState.REFUNDED else None,
        "refunded": str(derived.books.refunded),
        "paid": None if settlement is None else settlement.paid_heads * settlement.is_owed,
        "waiting": None if settlement is None else settlement.waiting_heads * settlement.is_owed,
        "quota": str(sale.offer.quota),
        "used": str(usage.used),
        "usedUpTo": usage.reported_to or None,
    }


def _first_claims(derived: Derivation, descriptor: Descriptor) -> dict[str, Any]:
    sale, delivery, settlement = derived.sale, derived.sale.delivery, derived.settlement
    shares = None if settlement is None else settlement.shares
    offer = sale.offer
    return {
        "title": descriptor.title,
        "asset": to_hex(asset_entity(offer.asset_id)),
        "version": offer.version,
        "records": derived.version.record_count,
        "provider": checksum_address(offer.provider),
        "buyer": checksum_address(sale.buyer),
        "mode": Mode(offer.mode).name,
        "purpose": Purpose(offer.purpose).name,
        "price": str(sale.price),
        "currency": offer.price.currency.decode("ascii"),
        "state": sale.state.name if settlement is None else "SETTLED",
        "liveAtOrder": sale.live_at_order,
        "liveAtPrepare": None if sale.prepared is None else sale.live_at_prepare,
        "delivered": None if delivery is None else delivery.count,
        "settler": None if sale.settler is None else checksum_address(sale.settler),
        "orderedAt": _time(sale.ordered),
        "paidAt": _time(sale.paid),
        "preparedAt": _time(sale.prepared),
        "deliveredAt": None if delivery is None else _time(delivery.at),
        "acceptedAt": _time(sale.accepted),
        "settledAt": None if settlement is None else _time(settlement.at),
        "certificate": None if settlement is None else settlement.certificate,
        "exchangeShare": None if shares is None else str(shares.exchange),
        "providerShare": None if shares is None else str(shares.provider),
        "intermediaryShares": None if shares is None else [str(share) for share in shares.intermediaries],
        "perHead": None if shares is None else str(shares.per_head),
        "carryIn": None if settlement is None else str(settlement.carry_in),
        "carryOut": None if shares is None else str(shares.carry_out),
        "paidUpTo": None if settlement is None else settlement.paid_up_to,
    }


def check_claims(stated: Mapping[str, Any], derived: Mapping[str, Any], findings: Findings) -> None:
    """Compares what the exchange says with what the evidence says, claim by claim."""
    for name in sorted({*stated, *derived}):
        findings.require(name in derived, f"claims.{name}", "says something that no evidence is for")
        if name not in stated:
            findings.require(False, f"claims.{name}", f"is left out; the evidence says {derived[name]}")
        same = type(stated[name]) is type(derived[name]) and stated[name] == derived[name]
        findings.require(same, f"claims.{name}", f"the bundle says {stated[name]}, the evidence {derived[name]}")
    findings.found("claims", f"{len(derived)} claims are what the evidence says")


def _registers(chain_id: int, contracts: Mapping[str, bytes], journals: Journals, findings: Findings) -> Registers:
    version, members = version_for(contracts), Members(journals)
    holds = Holds(journals, members)
    attestations = Attestations(journals, members, findings)
    assets = Assets(chain_id, contracts["DataAssets"], journals, members, holds, attestations, findings)
    domain = ConsentDomain(chain_id, contracts["Consents"])
    known: dict[int, ConsentRegister] = {}

    def consents(asset_id: int) -> ConsentRegister:
        if asset_id not in known:
            known[asset_id] = read_register(
                version, asset_id, domain, journals, members, assets, attestations, findings
            )
        return known[asset_id]

    return Registers(version, chain_id, contracts, journals, findings, members, holds, attestations, assets, consents)


def _time(moment: Moment | None) -> int | None:
    return None if moment is None else moment.time
