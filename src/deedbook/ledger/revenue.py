"""Settlement and payouts."""

from __future__ import annotations

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.sales import Offer
from deedbook.ledger.acting import Acting


def settle(acting: Acting, signer: Signer, sale_id: bytes, offer: Offer) -> Receipt:
    """Books an accepted sale, once, and issues its certificate number; anyone may."""
    return acting.act(signer, "Revenue", "settle", sale_id, offer.as_tuple())


def confirm_payout(
    acting: Acting, settler: Signer, sale_id: bytes, offer: Offer, *, first: int, end: int, total: int, receipt: bytes
) -> Receipt:
    """Confirms a bank batch over the delivered ordinals [`first`, `end`): `total` in minor units, `receipt` the
    SHA-256 of the bank's."""
    return acting.act(settler, "Revenue", "confirmPayout", sale_id, offer.as_tuple(), first, end, total, receipt)
