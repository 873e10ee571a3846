"""`deedbook revenue`: settle, pay out, put off, take back what bounced; refunds; show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import As, AsJson
from deedbook.cli.ordered import SaleId, sale_of
from deedbook.domain.hashing import ZERO32, to_hex
from deedbook.domain.revenue import Bounce, Payout, list_root, ordinals_of, require_within
from deedbook.errors import InvalidInput, NotFound
from deedbook.ledger import revenue as ledger
from deedbook.queries import sales
from deedbook.queries.sales import DeferredListView, SaleView, SettlementView

app = grammar.group("Revenue: settled sales, certificates, payouts, who is paid later, refunds.")

Receipt = Annotated[str, typer.Option(help="the bank's receipt: a file, which is kept, or its SHA-256")]
ListNumber = Annotated[
    int, typer.Option("--list", min=0, help="which list: 0 the delivered people, 1 and on those put off")
]


@app.command()
def show(sale: SaleId, as_json: AsJson = False) -> None:
    """Show the entry of a settled sale, to the last minor unit, its payouts, bounces and refunds."""
    with acts.reading() as services:
        found = sales.sale(services.mirror, grammar.key32(sale, "sale"))
        entry = _settlement(found)
    money = {name: [each.to_json() for each in getattr(found, name)] for name in ("payouts", "bounces", "refunds")}
    acts.show({"saleId": sale, **entry.to_json(), **money}, as_json)


@app.command()
def settle(sale: SaleId, as_: As, as_json: AsJson = False) -> None:
    """Settle an accepted sale and issue its certificate number; anyone may."""
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        done = ledger.settle(services.anew, acts.signer(services, as_), ordered)
    args = done.event("SaleSettled").args
    facts = {"certificate": args["certificate"], "perHead": str(args["perHead"]), "people": args["deliveredCount"]}
    acts.tell(done, "settled", as_json, saleId=sale, **facts)


@app.command()
def payout(
    sale: SaleId,
    as_: As,
    receipt: Receipt = "",
    of: ListNumber = 0,
    first: Annotated[
        int, typer.Option(min=-1, show_default=False, help="first place of the list; where the last payout ended")
    ] = -1,
    end: Annotated[
        int, typer.Option(min=-1, show_default=False, help="the place after the last one; all where it is not said")
    ] = -1,
    defer: Annotated[list[int] | None, typer.Option(min=0, help="a place that is paid later; again for more")] = None,
    total: Annotated[str, typer.Option(help="minor units; the exact sum where it is not said")] = "",
    as_json: AsJson = False,
) -> None:
    """Confirm a bank batch that paid the places of a list; whoever is put off stands on a new one."""
    with acts.reading() as services:
        found, ordered = sale_of(services, sale)
        start, stop = _range(_settlement(found), of, first, end)
        later = _places(defer or (), start, stop)
        paid = max(0, stop - start - len(later))
        money = grammar.amount(total, "total") if total else paid * _settlement(found).per_head
        stated = Payout(of, start, stop, len(later), _kept(services, later), money, _receipt(services, receipt))
        done = ledger.confirm_payout(services.anew, acts.signer(services, as_), ordered, stated)
    facts = {"list": of, "first": start, "end": stop, "deferred": len(later), "total": str(money)}
    acts.tell(done, "paid out", as_json, saleId=sale, **facts)


@app.command()
def bounce(
    sale: SaleId,
    place: Annotated[
        list[int], typer.Option(min=0, help="a place of the list whose payment came back; again for more")
    ],
    receipt: Receipt,
    as_: As,
    of: ListNumber = 0,
    as_json: AsJson = False,
) -> None:
    """Confirm that payments came back; whoever they were for stands on a new list."""
    with acts.reading() as services:
        found, ordered = sale_of(services, sale)
        entry = _settlement(found)
        places = _places(place, 0, _length(entry, of)[1])
        money = len(places) * entry.per_head
        stated = Bounce(of, len(places), _kept(services, places), money, _receipt(services, receipt))
        done = ledger.confirm_bounce(services.anew, acts.signer(services, as_), ordered, stated)
    acts.tell(done, "bounced", as_json, saleId=sale, list=of, count=len(places), total=str(money))


@app.command()
def refund(
    sale: SaleId,
    amount: Annotated[str, typer.Option(help="what went back to the buyer, in minor units")],
    receipt: Receipt,
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Confirm money given back to the buyer, of a refunded or a settled sale; the people's dues stand."""
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        money = grammar.amount(amount, "amount")
        shown = _receipt(services, receipt)
        done = ledger.confirm_refund(services.anew, acts.signer(services, as_), ordered, amount=money, receipt=shown)
    refunded = done.event("RefundConfirmed").args["refunded"]
    acts.tell(done, "refund confirmed", as_json, saleId=sale, amount=amount, refunded=str(refunded))


@app.command()
def lists(sale: SaleId, as_json: AsJson = False) -> None:
    """List who is paid later: each list with its places and, where it is kept here, the delivered ordinals on it."""
    with acts.reading() as services:
        entry = _settlement(sales.sale(services.mirror, grammar.key32(sale, "sale")))
        rows = [each.to_json() | _who(services, entry, each) for each in entry.lists]
    acts.show_rows(rows, ("list", "parent", "count", "paidUpTo", "bounced", "ordinals"), as_json)


def _who(services: Services, entry: SettlementView, of: DeferredListView) -> dict[str, Any]:
    """The delivered ordinals on a list; None where it, or one that it is of, is not kept here."""
    chain, number = [], of.list
    by_number = {each.list: each for each in entry.lists}
    try:
        while number:
            chain.append(services.records.deferred.places(by_number[number].root))
            number = by_number[number].parent
    except NotFound:
        return {"ordinals": None}
    return {"ordinals": list(ordinals_of(chain[::-1]))}


def _range(entry: SettlementView, of: int, first: int, end: int) -> tuple[int, int]:
    paid_up_to, count = _length(entry, of)
    return paid_up_to if first < 0 else first, count if end < 0 else end


def _length(entry: SettlementView, of: int) -> tuple[int, int]:
    """Up to where a list is done with, and how long it is."""
    if of == 0:
        return entry.paid_up_to, entry.delivered_count
    for each in entry.lists:
        if each.list == of:
            return each.paid_up_to, each.count
    raise InvalidInput("list", f"the sale has no list {of}", hint="see: deedbook revenue lists")


def _places(given: Sequence[int], first: int, end: int) -> tuple[int, ...]:
    places = tuple(sorted(given))
    require_within(places, first, end)
    return places


def _kept(services: Services, places: Sequence[int]) -> bytes:
    """The root over places that are kept before they are stated."""
    return services.records.deferred.put(places, at=services.clock()) if places else list_root(places)


def _settlement(sale: SaleView) -> SettlementView:
    if sale.settlement is None:
        raise NotFound("settlement of sale", to_hex(sale.sale_id), hint="settle it by: deedbook revenue settle")
    return sale.settlement


def _receipt(services: Services, text: str) -> bytes:
    """The bank's; zero where nothing was paid, which the contract checks."""
    return acts.document(services, text, "receipt") if text else ZERO32
