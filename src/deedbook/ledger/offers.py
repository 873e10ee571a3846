"""Offers and the listing policy."""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.sales import Offer
from deedbook.ledger.acting import Acting


def set_policy(
    acting: Acting, governance: Signer, kind: int, grade: int, *, to_list: int, to_order: int, modes: int
) -> Receipt:
    """What listing and ordering ask for an AssetKind and a Grade: attestation kinds as bits (1 << kind), and the
    modes that it may be sold in."""
    return acting.act(governance, "Market", "setPolicy", kind, grade, (to_list, to_order, modes))


def list_offer(acting: Acting, provider: Signer, offer: Offer, attesters: Sequence[bytes]) -> Receipt:
    """Lists an offer, as one who may operate the asset; `attesters`: one per attestation asked, lowest kind first."""
    return acting.act(provider, "Market", "list", offer.as_tuple(), tuple(attesters))


def close(acting: Acting, provider: Signer, offer: Offer) -> Receipt:
    """Closes the provider's offer."""
    return acting.act(provider, "Market", "close", offer.as_tuple())
