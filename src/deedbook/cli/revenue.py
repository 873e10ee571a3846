"""`deedbook revenue`: settle, statements, bank batches, payouts, who is put off, what bounced; refunds; show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Any

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar, tables
from deedbook.cli.counting import Counter, counted
from deedbook.cli.grammar import As, AsJson
from deedbook.cli.ordered import SaleId, sale_of
from deedbook.domain.hashing import ZERO32, to_hex
from deedbook.domain.revenue import Bounce, Payout, list_root, ordinals_of, require_within
from deedbook.errors import InvalidInput, NotFound
from deedbook.ledger import revenue as ledger
from deedbook.queries import sales
from deedbook.queries.exports import Cell, Relation
from deedbook.queries.revenue import confirmed, settled
from deedbook.queries.rows import Reading
from deedbook.queries.sales import DeferredListView, SettlementView
from deedbook.records.payees import BankBatch

app = grammar.group("Revenue: settled sales, certificates, payouts, who is paid later, refunds.")

Receipt = Annotated[str, typer.Option(help="the bank's receipt: a file, which is kept, or its SHA-256")]
ListNumber = Annotated[
    int, typer.Option("--list", min=0, help="which list: 0 the delivered people, 1 and on those put off")
]
Form = Annotated[str, typer.Option("--format", help="csv or parquet")]


@app.command()
def show(sale: SaleId, as_json: AsJson = False) -> None:
    """Show the entry of a settled sale, to the last minor unit, its payouts, bounces and refunds."""
    with acts.reading() as services:
        found = sales.sale(services.mirror, grammar.key32(sale, "sale"))
        entry = settled(found)
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
def statements(
    sale: SaleId,
    out: Annotated[str, typer.Option(help="the file; - prints CSV")],
    form: Form = "csv",
    as_json: AsJson = False,
) -> None:
    """Write the statements of all people of a settled sale, one row for each: what is due, what was paid, who waits on
    which list, and the payee, masked, where one was named."""
    write = tables.writer_of(form, out)
    with acts.reading() as services:
        found = sales.sale(services.mirror, grammar.key32(sale, "sale"))
        rows = _watched(services.payments.statements(found), "statements", settled(found).delivered_count)
        with grammar.sink(out, private=True) as file:
            written = write(rows, services.mirror, file)
    if out != "-":
        entry = settled(found)
        amounts = {"rows": written, "total": str(written * entry.per_head), "currency": entry.currency}
        acts.show({"saleId": sale, "file": out, **amounts}, as_json)


@app.command()
def batch(
    sale: SaleId,
    out: Annotated[str, typer.Option(help="the bank's file, which holds the accounts; - prints CSV")],
    of: ListNumber = 0,
    most: Annotated[int, typer.Option(min=0, help="so many places of the list at the most; 0: all that are left")] = 0,
    form: Form = "csv",
    anew: Annotated[
        bool, typer.Option("--anew", help="make the batch anew: only where no bank got the one that was made before")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the bank batch of the next places of a list: one row for each person with a payee; the others are put off
    by the batch's payout. Until that is on chain, the same batch is written every time, byte for byte."""
    write = tables.writer_of(form, out)
    with acts.reading() as services:
        found = sales.sale(services.mirror, grammar.key32(sale, "sale"))
        watch = Counter("people", min(most or _length(settled(found), of)[1], _length(settled(found), of)[1]))
        made = services.payments.batch(found, of=of, most=most or None, anew=anew, watch=watch)
        rows = _watched(services.payments.relation(found, made), "payments", made.payments)
        with grammar.sink(out, private=True) as file:
            write(rows, services.mirror, file)
    if out != "-":
        acts.show({"file": out, **_batch(made), "currency": settled(found).currency}, as_json)


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
    batch: Annotated[
        int, typer.Option(min=0, help="the number of a bank batch, which says all this; one on chain changes nothing")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Confirm a bank batch that paid the places of a list; whoever is put off stands on a new one."""
    if batch:
        if of or first >= 0 or end >= 0 or defer or total:
            raise InvalidInput("batch", "says which places, who is put off, and the total")
        _pay_batch(sale, batch, as_, receipt, as_json)
        return
    with acts.reading() as services:
        found, ordered = sale_of(services, sale)
        start, stop = _range(settled(found), of, first, end)
        later = _places(defer or (), start, stop)
        paid = max(0, stop - start - len(later))
        money = grammar.amount(total, "total") if total else paid * settled(found).per_head
        stated = Payout(of, start, stop, len(later), _kept(services, later), money, _receipt(services, receipt))
        done = ledger.confirm_payout(services.anew, acts.signer(services, as_), ordered, stated)
    facts = {"list": of, "first": start, "end": stop, "deferred": len(later), "total": str(money)}
    acts.tell(done, "paid out", as_json, saleId=sale, **facts)


def _pay_batch(sale: str, number: int, name: str, receipt: str, as_json: bool) -> None:
    """Confirms a kept batch, or says where it was confirmed: a payout that was cut short is finished by saying it
    again."""
    with acts.reading() as services:
        found, ordered = sale_of(services, sale)
        kept = services.records.bank_batches.batch(found.sale_id, number)
        shown = _receipt(services, receipt)
        before = confirmed(found, kept.payout(shown))
        if before is None:
            done = ledger.confirm_payout(services.anew, acts.signer(services, name), ordered, kept.payout(shown))
    if before is None:
        acts.tell(done, "paid out", as_json, **_batch(kept))
    else:
        where = {"transaction": to_hex(before.paid_tx), "block": before.paid_block}
        acts.show({**_batch(kept), "already": True, **where}, as_json)


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
        entry = settled(found)
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
        entry = settled(sales.sale(services.mirror, grammar.key32(sale, "sale")))
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


def _batch(batch: BankBatch) -> dict[str, Any]:
    span = {"list": batch.list, "first": batch.first, "end": batch.end}
    amounts = {"payments": batch.payments, "deferred": batch.deferred_count, "total": str(batch.total)}
    return {"saleId": to_hex(batch.sale_id), "batch": batch.number, **span, **amounts}


def _watched(relation: Relation, words: str, total: int) -> Relation:
    """The same rows, counted on a terminal."""

    def rows(mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        return counted(relation.rows(mirror), words, total)

    return replace(relation, rows=rows)


def _receipt(services: Services, text: str) -> bytes:
    """The bank's; zero where nothing was paid, which the contract checks."""
    return acts.document(services, text, "receipt") if text else ZERO32
