"""`deedbook revenue`: settle, pay out, show."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import As, AsJson
from deedbook.cli.ordered import SaleId, sale_of
from deedbook.domain.hashing import to_hex
from deedbook.domain.revenue import Payout
from deedbook.errors import NotFound
from deedbook.ledger import revenue as ledger
from deedbook.queries import sales
from deedbook.queries.sales import SaleView, SettlementView

app = grammar.group("Revenue: settled sales, certificates, payouts.")


@app.command()
def show(sale: SaleId, as_json: AsJson = False) -> None:
    """Show the entry of a settled sale, to the last minor unit, and its payouts."""
    with acts.reading() as services:
        found = sales.sale(services.mirror, grammar.key32(sale, "sale"))
        entry = _settlement(found)
    value = {"saleId": sale, **entry.to_json(), "payouts": [each.to_json() for each in found.payouts]}
    acts.show(value, as_json)


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
    receipt: Annotated[str, typer.Option(help="the bank's receipt: a file, which is kept, or its SHA-256")],
    as_: As,
    first: Annotated[
        int, typer.Option(min=-1, show_default=False, help="first delivered ordinal; where the last payout ended")
    ] = -1,
    end: Annotated[
        int, typer.Option(min=-1, show_default=False, help="the ordinal after the last one; all where it is not said")
    ] = -1,
    total: Annotated[str, typer.Option(help="minor units; the exact sum where it is not said")] = "",
    as_json: AsJson = False,
) -> None:
    """Confirm a bank batch that paid a range of delivered people."""
    with acts.reading() as services:
        found, ordered = sale_of(services, sale)
        start, stop, money = _range(found, first, end, total)
        payout_ = Payout(0, start, stop, 0, bytes(32), money, _receipt(services, receipt))
        done = ledger.confirm_payout(services.anew, acts.signer(services, as_), ordered, payout_)
    acts.tell(done, "paid out", as_json, saleId=sale, first=start, end=stop, total=str(money))


def _range(sale: SaleView, first: int, end: int, total: str) -> tuple[int, int, int]:
    entry = _settlement(sale)
    start = entry.paid_up_to if first < 0 else first
    stop = entry.delivered_count if end < 0 else end
    return start, stop, grammar.amount(total, "total") if total else max(0, stop - start) * entry.per_head


def _settlement(sale: SaleView) -> SettlementView:
    if sale.settlement is None:
        raise NotFound("settlement of sale", to_hex(sale.sale_id), hint="settle it by: deedbook revenue settle")
    return sale.settlement


def _receipt(services: Services, text: str) -> bytes:
    return acts.document(services, text, "receipt")
