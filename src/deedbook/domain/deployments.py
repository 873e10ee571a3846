"""Which contracts a deployment has, by the version of what names them: trust, bundle, `deployment.json`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

FIRST: Final = (
    "AccessManager",
    "Forwarder",
    "Membership",
    "Cases",
    "Attestations",
    "DataAssets",
    "Consents",
    "Market",
    "Revenue",
)
"""The contracts of version 1, in order of deployment."""

CONTRACTS: Final = {1: FIRST, 2: (*FIRST, "Usage", "AnchorLog")}
"""The contracts of each version, in order of deployment."""


def version_for(names: Collection[str]) -> int:
    """The version that names exactly these contracts, in any order; 1 where none does."""
    return next((version for version, known in CONTRACTS.items() if set(known) == set(names)), 1)


def is_of_another(names: Collection[str], version: int) -> bool:
    """Whether these are exactly the contracts of another version than the one that a document states."""
    return any(set(known) == set(names) for other, known in CONTRACTS.items() if other != version)
