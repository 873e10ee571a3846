"""Sales: ordered, paid, prepared, delivered, accepted; disputed, refunded."""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.codes import SaleState
from deedbook.domain.hashing import to_hex
from deedbook.domain.sales import Offer, Ordered
from deedbook.errors import RejectedByContract
from deedbook.ledger.acting import Acting


def order(
    acting: Acting, buyer: Signer, offer_id: bytes, offer: Offer, attesters: Sequence[bytes], reference: bytes
) -> Receipt:
    """Orders what the buyer read: `offer_id` is its hash, `attesters` give one account per attestation that the policy
    asks (lowest kind first), `reference` (32 bytes) makes the order unique."""
    return acting.act(buyer, "Market", "order", offer_id, offer.as_tuple(), tuple(attesters), reference)


def confirm_payment(
    acting: Acting, settler: Signer, ordered: Ordered, *, amount: int, currency: bytes, receipt: bytes
) -> Receipt:
    """Confirms the buyer's payment: `amount` in minor units of an ISO 4217 `currency`, `receipt` the SHA-256 of the
    bank's document."""
    return acting.act(settler, "Market", "confirmPayment", *ordered.arguments, amount, currency, receipt)


def prepare(acting: Acting, provider: Signer, ordered: Ordered, *, key: str | None = None) -> Receipt:
    """Fixes who is live in this block; `deliver` has to follow within the contract's window.

    Where the contract would let a prepared sale be prepared again, it is; else the first receipt is found.
    """
    if key is None:
        key = _next_preparation(acting, provider, ordered)
    return acting.act(provider, "Market", "prepare", *ordered.arguments, key=key)


def _next_preparation(acting: Acting, provider: Signer, ordered: Ordered) -> str | None:
    known = acting.read("Market", "sale", ordered.sale_id)
    if known["state"] != SaleState.PREPARED:
        return None
    try:
        acting.simulate(provider.address, "Market", "prepare", *ordered.arguments)
    except RejectedByContract:
        return None
    return f"Market.prepare/{to_hex(ordered.sale_id)}/{known['at']}"


def deliver(
    acting: Acting,
    provider: Signer,
    ordered: Ordered,
    *,
    envelope_hash: bytes,
    cover_hash: bytes,
    delivered_count: int,
) -> Receipt:
    """Commits to the envelope, the public cover and the number of records in it."""
    arguments = (envelope_hash, cover_hash, delivered_count)
    return acting.act(provider, "Market", "deliver", *ordered.arguments, *arguments)


def accept(acting: Acting, signer: Signer, sale_id: bytes) -> Receipt:
    """Accepts a delivery: the buyer at any time (a disputed one too), anyone once the acceptance window is over."""
    return acting.act(signer, "Market", "accept", sale_id)


def cancel(acting: Acting, party: Signer, ordered: Ordered) -> Receipt:
    """Cancels an order that is not paid."""
    return acting.act(party, "Market", "cancel", *ordered.arguments)


def refund(acting: Acting, party: Signer, ordered: Ordered) -> Receipt:
    """Gives a sale back (the provider, at will), or takes a paid one back that lapsed (the buyer)."""
    return acting.act(party, "Market", "refund", *ordered.arguments)


def dispute(acting: Acting, buyer: Signer, sale_id: bytes, document: bytes) -> Receipt:
    """Disputes a delivery within the acceptance window; `document` (SHA-256) says why."""
    return acting.act(buyer, "Market", "dispute", sale_id, document)


def decide_dispute(acting: Acting, decider: Signer, ordered: Ordered, outcome: int, document: bytes) -> Receipt:
    """Decides a dispute: POSITIVE (Outcome) for the buyer, who is refunded; NEGATIVE, and the sale is accepted."""
    return acting.act(decider, "Market", "decideDispute", *ordered.arguments, outcome, document)
