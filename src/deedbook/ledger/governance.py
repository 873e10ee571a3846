"""The end of a deployment: announced by governance, final, and followed by another one that commits to it."""

from __future__ import annotations

from deedbook.chain.transactions import Receipt, Signer
from deedbook.ledger.acting import Acting


def close(acting: Acting, governance: Signer, document: bytes) -> Receipt:
    """Announces the end of new assets, offers and orders, for ever; `document` (SHA-256) says why."""
    return acting.act(governance, "Membership", "close", document)


def closes_at(acting: Acting) -> int:
    """From when on (Unix seconds) nothing new begins here; 0 while no end was announced."""
    moment: int = acting.read("Membership", "closesAt")
    return moment
