"""Attestations: what may be attested by whom, and under which keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from deedbook.domain.codes import AttestationKind, Role
from deedbook.domain.journal import asset_entity

ROLES_OF: Final[Mapping[AttestationKind, Role]] = {
    AttestationKind.LEGAL_OPINION: Role.REVIEWER,
    AttestationKind.SOURCE_LEGALITY: Role.REVIEWER,
    AttestationKind.IMPACT_ASSESSMENT: Role.REVIEWER,
    AttestationKind.SECURITY_FILING: Role.REVIEWER | Role.REGULATOR,
    AttestationKind.VALUATION: Role.APPRAISER,
    AttestationKind.DEIDENTIFICATION: Role.REVIEWER,
    AttestationKind.CROSS_BORDER: Role.REGULATOR,
    AttestationKind.CONSENT_AUDIT: Role.AUDITOR,
}
"""The roles, any of which a kind asks of its attester (as in `Attestations.attest`): for auditors, who check it."""


def asset_key(asset_id: int) -> bytes:
    """The target key of an asset, 32 bytes: bytes32(assetId). A version, batch, offer or sale is its own key."""
    return asset_entity(asset_id)
