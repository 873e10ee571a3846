"""Sales: ordered, paid, prepared, delivered, accepted; cancelled, disputed, refunded."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, showing, shown, tabular
from deedbook.api.routes.inputs import After, Limit, asset_id_of, key_of
from deedbook.api.said import Account, Amount, Key32, OutcomeCode
from deedbook.domain.hashing import parse_address, to_hex
from deedbook.domain.sales import parse_currency
from deedbook.domain.sales import sale_id as id_of_sale
from deedbook.ledger import sales as ledger
from deedbook.queries import offers
from deedbook.queries import sales as queries
from deedbook.queries.sales import SaleView

router = APIRouter(prefix="/sales", tags=["sales"])


@tabular(router, "", SaleView)
def sales(
    asked: Reads,
    asset: str | None = None,
    buyer: str | None = None,
    provider: str | None = None,
    limit: Limit = None,
    after: After = None,
) -> Response:
    """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
    wanted = {
        "asset_id": None if asset is None else asset_id_of(asset),
        "buyer": None if buyer is None else parse_address(buyer, "buyer"),
        "provider": None if provider is None else parse_address(provider, "provider"),
    }
    return listed(
        asked,
        SaleView,
        lambda mirror, few, at: queries.sales(mirror, **wanted, limit=few, after=at),  # type: ignore[arg-type]
        limit=limit,
        after=after,
    )


@router.get("/{sale_id}", **showing(SaleView))
def sale(asked: Reads, sale_id: str) -> Response:
    """A sale with every step, its settlement and payouts."""
    key = key_of(sale_id, "saleId")
    return shown(asked, lambda mirror: queries.sale(mirror, key).to_json())


class Order(By):
    """What is ordered: the hash of what the buyer read. `reference` is the buyer's own 32 bytes, fresh where none are
    given; whose attestations are relied on, lowest kind first, is found where none is named."""

    offer: Key32
    reference: Key32 | None = None
    attesters: list[Account] = Field(default_factory=list)


class Payment(By):
    """What arrived - the price, in the offer's currency, where it is not said - and the SHA-256 of the receipt."""

    receipt: Key32
    amount: Amount | None = None
    currency: str | None = None


class Delivery(By):
    """To whom the keys are sealed: to the buyer, or for a use without possession to who keeps the records in the
    buyer's stead."""

    to: Account | None = None


class Grounds(By):
    """Why: the SHA-256 of a document."""

    document: Key32


class DisputeDecision(By):
    """Positive for the buyer, who is refunded; negative, and the sale is accepted. Why: the SHA-256 of a document."""

    outcome: OutcomeCode
    document: Key32


@act(router, "", Order)
def order(hand: Hand, said: Order) -> None:
    """Orders what is offered. The contract checks everything in this one transaction."""
    document = offers.offer(hand.mirror, said.offer).document
    reference = said.reference or hand.draw()
    hand.says(saleId=to_hex(id_of_sale(said.offer, hand.me.address, reference)), reference=to_hex(reference))
    relied = hand.relied(document, said.attesters, to_order=True, buyer=hand.me.address)
    ledger.order(hand.acting, hand.me, said.offer, document, relied, reference)


@act(router, "/{sale_id}/payment", Payment)
def confirm_payment(hand: Hand, said: Payment, sale_id: bytes) -> None:
    """Confirms the buyer's payment, as a settler who is no party."""
    _, ordered = hand.sale(sale_id)
    price = ordered.offer.price
    hand.says(saleId=to_hex(sale_id))
    ledger.confirm_payment(
        hand.acting,
        hand.me,
        ordered,
        amount=price.total if said.amount is None else said.amount,
        currency=price.currency if said.currency is None else parse_currency(said.currency),
        receipt=said.receipt,
    )


@act(router, "/{sale_id}/preparation", By)
def prepare(hand: Hand, _said: By, sale_id: bytes) -> None:
    """Fixes who is live in this block, as the provider; the delivery has to follow within 15 minutes."""
    _, ordered = hand.sale(sale_id)
    hand.says(saleId=to_hex(sale_id))
    ledger.prepare(hand.acting, hand.me, ordered)


@act(router, "/{sale_id}/delivery", Delivery)
def deliver(hand: Hand, said: Delivery, sale_id: bytes) -> None:
    """Seals the keys of all live records to the buyer, and commits to the envelope on chain, as the provider."""
    hand.says(saleId=to_hex(sale_id))
    hand.deliver(sale_id, said.to)


@act(router, "/{sale_id}/acceptance", By)
def accept(hand: Hand, _said: By, sale_id: bytes) -> None:
    """Accepts a delivery: the buyer at any time, disputed or not; anyone once the acceptance window is over."""
    hand.says(saleId=to_hex(sale_id))
    ledger.accept(hand.acting, hand.me, sale_id)


@act(router, "/{sale_id}/cancellation", By)
def cancel(hand: Hand, _said: By, sale_id: bytes) -> None:
    """Cancels an order that is not paid."""
    _, ordered = hand.sale(sale_id)
    hand.says(saleId=to_hex(sale_id))
    ledger.cancel(hand.acting, hand.me, ordered)


@act(router, "/{sale_id}/refund", By)
def refund(hand: Hand, _said: By, sale_id: bytes) -> None:
    """Gives a sale back, as its provider; or takes back, as its buyer, a paid one that can no longer be delivered as it
    was ordered, or was not in 30 days."""
    _, ordered = hand.sale(sale_id)
    hand.says(saleId=to_hex(sale_id))
    ledger.refund(hand.acting, hand.me, ordered)


@act(router, "/{sale_id}/dispute", Grounds)
def dispute(hand: Hand, said: Grounds, sale_id: bytes) -> None:
    """Disputes a delivery as its buyer, within the acceptance window."""
    hand.says(saleId=to_hex(sale_id))
    ledger.dispute(hand.acting, hand.me, sale_id, said.document)


@act(router, "/{sale_id}/decision", DisputeDecision)
def decide(hand: Hand, said: DisputeDecision, sale_id: bytes) -> None:
    """Decides a disputed sale, as an arbiter or regulator who is no party."""
    _, ordered = hand.sale(sale_id)
    hand.says(saleId=to_hex(sale_id))
    ledger.decide_dispute(hand.acting, hand.me, ordered, said.outcome, said.document)
