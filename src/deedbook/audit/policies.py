"""What a verifier may ask beyond "nothing here is false": small policies that combine.

verify(data, trust, AllOf(ShowsConsents(), IsSettled(), SoldTo(buyer)))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from deedbook.audit.bundle import Bundle
from deedbook.audit.derivation import Derivation
from deedbook.audit.findings import Findings
from deedbook.domain.hashing import checksum_address
from deedbook.errors import DeedbookError, EvidenceMissing


class Policy(Protocol):
    """A demand on a bundle whose evidence holds."""

    def check(self, bundle: Bundle, derived: Derivation, findings: Findings, /) -> None:
        """Adds a fact, or raises IntegrityError (it is not so) or EvidenceMissing (it is not shown)."""


class Anything:
    """Asks nothing more."""

    def check(self, bundle: Bundle, derived: Derivation, findings: Findings) -> None:
        """Keeps silent."""


class AllOf:
    """Asks everything that each of the policies asks."""

    def __init__(self, *policies: Policy) -> None:
        self._policies = policies

    def check(self, bundle: Bundle, derived: Derivation, findings: Findings) -> None:
        """Checks one after another."""
        for policy in self._policies:
            policy.check(bundle, derived, findings)


class AnyOf:
    """Asks what at least one of the policies asks; without policies it is never met."""

    def __init__(self, *policies: Policy) -> None:
        self._policies = policies

    def check(self, bundle: Bundle, derived: Derivation, findings: Findings) -> None:
        """Takes the first that is met; where none is, what the last one missed."""
        missed: DeedbookError = EvidenceMissing("no policy was given", rule="policy.any")
        for policy in self._policies:
            try:
                policy.check(bundle, derived, findings)
            except DeedbookError as reason:
                missed = reason
            else:
                return
        raise missed


class ShowsConsents:
    """Asks for the signed consents of every person: a full bundle."""

    def check(self, bundle: Bundle, _derived: Derivation, findings: Findings) -> None:
        """EvidenceMissing for a public bundle."""
        if bundle.consents is None:
            raise EvidenceMissing("a public bundle: the signed consents are not shown", rule="policy.consents")
        findings.found("policy.consents", "the signed consents are shown")


class IsSettled:
    """Asks that the sale was settled."""

    def check(self, _bundle: Bundle, derived: Derivation, findings: Findings) -> None:
        """IntegrityError for a sale that is still under way or was ended."""
        words = f"the sale is {derived.sale.state.name}"
        findings.require(derived.settlement is not None, "policy.settled", words)
        findings.found("policy.settled", "the sale was settled")


@dataclass(frozen=True)
class SoldTo:
    """Asks that this account (20 bytes) bought."""

    buyer: bytes

    def check(self, _bundle: Bundle, derived: Derivation, findings: Findings) -> None:
        """IntegrityError for another buyer."""
        bought = derived.sale.buyer
        findings.require(bought == self.buyer, "policy.buyer", f"{checksum_address(bought)} bought")
        findings.found("policy.buyer", f"{checksum_address(bought)} bought")
