"""Metered use: what provider and gateway report together, period by period."""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.sales import Ordered
from deedbook.domain.usage import SignedReport, UsageDomain, UsageReport, report_digest
from deedbook.errors import InvalidInput
from deedbook.ledger.acting import Acting
from deedbook.wallet.recovery import verify_signer

BY_CALL = b""
"""In place of a signature: the account states it by its own call."""


def domain_of(acting: Acting) -> UsageDomain:
    """Where the deployment's reports count."""
    return UsageDomain(acting.chain_id, acting.addresses["Usage"])


def sign(acting: Acting, signer: Signer, report: UsageReport) -> SignedReport:
    """The report, signed by provider or gateway."""
    domain = domain_of(acting)
    return SignedReport(domain, report, signer.address, signer.sign_digest(report_digest(domain, report)))


def report(
    acting: Acting, sender: Signer, ordered: Ordered, gateway: bytes, statements: Sequence[SignedReport]
) -> Receipt:
    """Meters a period that provider and gateway state together: by signed reports, of which whoever sends needs none.

    Raises InvalidInput (another contract, reports that differ, nobody's), InvalidSignature, RejectedByContract.
    """
    stated = statements[0].report if statements else None
    for signed in statements:
        if signed.domain != domain_of(acting):
            raise InvalidInput("contract", "the report is for another chain or contract")
        if signed.report != stated:
            raise InvalidInput("report", "provider and gateway state different reports")
        verify_signer(signed.digest, signed.signature, signed.signer)
    if stated is None:
        raise InvalidInput("report", "at least one of provider and gateway signs it")
    signatures = {each.signer: each.signature for each in statements} | {sender.address: BY_CALL}
    of_both = (signatures.get(ordered.offer.provider, BY_CALL), signatures.get(gateway, BY_CALL))
    _, offer, reference = ordered.arguments
    return acting.act(sender, "Usage", "report", stated.as_tuple(), offer, reference, gateway, *of_both)
