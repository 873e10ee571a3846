"""Revenue: accepted sales settled, people's statements and bank batches, payouts confirmed, what came back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, own_table, tables_only
from deedbook.api.routes.inputs import After, Body, Home, Limit, Number, key_of
from deedbook.api.said import Amount, Count, Key32, Said
from deedbook.api.writing import DONE, OnceOnly
from deedbook.domain.hashing import ZERO32, to_hex
from deedbook.domain.revenue import Bounce, Payout, require_within
from deedbook.errors import InvalidInput
from deedbook.ledger import revenue as ledger
from deedbook.queries.revenue import settled
from deedbook.queries.sales import PayoutView, SaleView, SettlementView
from deedbook.records.payees import BankBatch

router = APIRouter(prefix="/sales", tags=["revenue"])

Places = Annotated[list[Count], Field(max_length=100_000)]


class BatchPayout(By):
    """The number of a bank batch that was paid, and the SHA-256 of the bank's receipt: without one, nothing was."""

    batch: Annotated[int, Field(ge=1, le=2**31 - 1)]
    receipt: Key32 = ZERO32


class PlacesPayout(By):
    """The places of a list that were paid: 0 the delivered people, from 1 on those put off. Where it is not said: from
    where the last payout ended to the list's end, and the exact sum. `deferred` are paid later."""

    receipt: Key32 = ZERO32
    list_number: Annotated[int, Field(alias="list", ge=0, le=2**31 - 1)] = 0
    first: Count | None = None
    end: Count | None = None
    deferred: Places = Field(default_factory=list)
    total: Amount | None = None


class PaymentsBack(By):
    """The places of a list whose payments came back, and the SHA-256 of the bank's receipt."""

    places: Annotated[Places, Field(min_length=1)]
    receipt: Key32
    list_number: Annotated[int, Field(alias="list", ge=0, le=2**31 - 1)] = 0


class MoneyBack(By):
    """What went back to the buyer, in minor units, and the SHA-256 of the bank's receipt."""

    amount: Amount
    receipt: Key32


class BankBatchOrder(Said):
    """Which list, and how many of its places at the most."""

    list_number: Annotated[int, Field(alias="list", ge=0, le=2**31 - 1)] = 0
    most: Annotated[int, Field(ge=1, le=2**53 - 1)] | None = None


@tables_only(router, "/{sale_id}/statements")
def statements(asked: Reads, sale_id: str, limit: Limit = None, after: After = None) -> Response:
    """The statements of all people of a settled sale, one row for each: what is due, what was paid, who waits on which
    list, and the payee, masked, where one was named."""
    return own_table(asked, asked.home.statements(key_of(sale_id, "saleId")), limit=limit, after=after)


@router.post(
    "/{sale_id}/bank-batches",
    status_code=201,
    response_model=dict[str, Any],
    responses=DONE,
    openapi_extra=BankBatchOrder.described(),
)
def make_bank_batch(home: Home, sale_id: str, body: Body, once: OnceOnly) -> Response:
    """Makes the bank batch of the next places of a list: one row for each person with a payee; the others are put off
    by its payout. Until that is on chain, the same batch is answered every time."""
    key, said = key_of(sale_id, "saleId"), BankBatchOrder.read(body)
    return once.answer(lambda: home.make_bank_batch(key, said.list_number, said.most))


@tables_only(router, "/{sale_id}/bank-batches/{number}")
def bank_batch(asked: Reads, sale_id: str, number: Number, limit: Limit = None, after: After = None) -> Response:
    """The rows of a bank batch, which hold the accounts: for the bank alone."""
    return own_table(asked, asked.home.bank_batch(key_of(sale_id, "saleId"), number), limit=limit, after=after)


@act(router, "/{sale_id}/settlement", By)
def settle(hand: Hand, _said: By, sale_id: bytes) -> None:
    """Settles an accepted sale and issues its certificate number; anyone may."""
    _, ordered = hand.sale(sale_id)
    hand.says(saleId=to_hex(sale_id))
    ledger.settle(hand.acting, hand.me, ordered)


@act(router, "/{sale_id}/bank-batch-payouts", BatchPayout)
def pay_batch(hand: Hand, said: BatchPayout, sale_id: bytes) -> None:
    """Confirms a bank batch that was made here, as a settler; one that is confirmed already changes nothing."""
    found, ordered = hand.sale(sale_id)
    kept = hand.bank_batch(sale_id, said.batch)
    span = {"list": kept.list, "first": kept.first, "end": kept.end, "deferred": kept.deferred_count}
    hand.says(saleId=to_hex(sale_id), batch=kept.number, **span, total=str(kept.total))
    before = _confirmed(found, kept, said.receipt)
    if before is not None:
        hand.says(already=True, transaction=to_hex(before.paid_tx), block=before.paid_block)
        return
    ledger.confirm_payout(hand.acting, hand.me, ordered, kept.payout(said.receipt))


@act(router, "/{sale_id}/payouts", PlacesPayout)
def pay(hand: Hand, said: PlacesPayout, sale_id: bytes) -> None:
    """Confirms that the places of a list were paid, as a settler; whoever is put off stands on a new one."""
    found, ordered = hand.sale(sale_id)
    entry = settled(found)
    paid_up_to, length = _length(entry, said.list_number)
    first = paid_up_to if said.first is None else said.first
    end = length if said.end is None else said.end
    later = _places(said.deferred, first, end)
    paid = max(0, end - first - len(later))
    money = paid * entry.per_head if said.total is None else said.total
    hand.says(saleId=to_hex(sale_id), list=said.list_number, first=first, end=end, total=str(money))
    stated = Payout(said.list_number, first, end, len(later), hand.put_off(later), money, said.receipt)
    ledger.confirm_payout(hand.acting, hand.me, ordered, stated)


@act(router, "/{sale_id}/bounces", PaymentsBack)
def bounce(hand: Hand, said: PaymentsBack, sale_id: bytes) -> None:
    """Confirms that payments came back, as a settler; whoever they were for stands on a new list."""
    found, ordered = hand.sale(sale_id)
    entry = settled(found)
    places = _places(said.places, 0, _length(entry, said.list_number)[1])
    money = len(places) * entry.per_head
    hand.says(saleId=to_hex(sale_id), list=said.list_number, count=len(places), total=str(money))
    stated = Bounce(said.list_number, len(places), hand.put_off(places), money, said.receipt)
    ledger.confirm_bounce(hand.acting, hand.me, ordered, stated)


@act(router, "/{sale_id}/buyer-refunds", MoneyBack)
def confirm_refund(hand: Hand, said: MoneyBack, sale_id: bytes) -> None:
    """Confirms, as a settler, money given back to the buyer of a refunded or a settled sale; people's dues stand."""
    _, ordered = hand.sale(sale_id)
    hand.says(saleId=to_hex(sale_id), amount=str(said.amount))
    ledger.confirm_refund(hand.acting, hand.me, ordered, amount=said.amount, receipt=said.receipt)


def _confirmed(sale: SaleView, kept: BankBatch, receipt: bytes) -> PayoutView | None:
    """The payout on chain that is this batch's, with this receipt."""
    roots = {each.list: each.root for each in settled(sale).lists}
    for each in sale.payouts:
        same = (each.list, each.from_ordinal, each.to_ordinal) == (kept.list, kept.first, kept.end)
        root = ZERO32 if each.put_off_to is None else roots[each.put_off_to]
        if same and (root, each.total, each.receipt_hash) == (kept.deferred_root, kept.total, receipt):
            return each
    return None


def _length(entry: SettlementView, of: int) -> tuple[int, int]:
    """Up to where a list is done with, and how long it is."""
    if of == 0:
        return entry.paid_up_to, entry.delivered_count
    for each in entry.lists:
        if each.list == of:
            return each.paid_up_to, each.count
    raise InvalidInput("list", f"the sale has no list {of}")


def _places(given: Sequence[int], first: int, end: int) -> tuple[int, ...]:
    places = tuple(sorted(given))
    require_within(places, first, end)
    return places
