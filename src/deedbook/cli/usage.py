"""`deedbook usage`: what was asked of a sale, noted by the gateway, stated by both parties, metered on chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import As, AsJson
from deedbook.cli.ordered import SaleId, sale_of
from deedbook.domain.hashing import sha256
from deedbook.domain.usage import (
    SignedReport,
    UsageReceipt,
    UsageReport,
    receipts_in,
    report_of,
    report_typed_data,
)
from deedbook.errors import InvalidInput
from deedbook.ledger import usage as ledger
from deedbook.queries import usage as queries
from deedbook.queries.sales import SaleView

app = grammar.group("Metered use of what was sold: noted, reported by provider and gateway together, shown.")

Receipts = Annotated[
    str, typer.Option(help="the receipts of the single uses: an NDJSON file, one canonical receipt a line")
]

First = Annotated[str, typer.Option("--from", help="begin of the period; the end of the last one, or the delivery")]
Until = Annotated[str, typer.Option(help="its end, not included; a second after the last use")]


@app.command()
def show(
    sale: SaleId,
    limit: grammar.Limit = 100,
    after: grammar.After = "",
    as_json: AsJson = False,
) -> None:
    """Show how much of its quota a sale has used, and every period that was reported."""
    key = grammar.key32(sale, "sale")
    with acts.reading() as services:
        meter = queries.meter(services.mirror, key)
        page = queries.reports(services.mirror, key, limit=limit, after=after or None)
    more = {"after": page.after} if page.after else {}
    found = {"saleId": sale, **meter.to_json(), "periods": [each.to_json() for each in page.items], **more}
    acts.show(found, as_json)


@app.command()
def note(
    sale: SaleId,
    request: Annotated[str, typer.Option(help="the question as it came: a file")],
    answer: Annotated[str, typer.Option(help="the answer as it went: a file")],
    receipts: Receipts,
    as_: As,
    units: Annotated[int, typer.Option(min=1, help="how many uses it counts")] = 1,
    as_json: AsJson = False,
) -> None:
    """Note a use as its gateway: one more receipt at the end of the file."""
    known = _receipts(receipts) if Path(receipts).exists() else ()
    with acts.opened() as services:
        made = UsageReceipt(
            sale_id=grammar.key32(sale, "sale"),
            gateway=services.signer(as_).address,
            number=known[-1].number + 1 if known else 1,
            at=services.clock(),
            units=units,
            request_hash=sha256(grammar.content_of(request, "request")),
            answer_hash=sha256(grammar.content_of(answer, "answer")),
        )
    grammar.write(receipts, b"".join(each.encode() + b"\n" for each in (*known, made)), "receipts")
    acts.show({"saleId": sale, "number": made.number, "units": units, "file": receipts}, as_json)


@app.command()
def draft(
    sale: SaleId,
    receipts: Receipts,
    first: First = "",
    until: Until = "",
    out: Annotated[str, typer.Option(help="where the typed data goes")] = "-",
    as_json: AsJson = False,
) -> None:
    """Write the report of a period as typed data (eth_signTypedData_v4), for `wallet sign`. Always JSON."""
    with acts.reading() as services:
        found, _ = sale_of(services, sale)
        stated = _stated(found, _receipts(receipts), first, until, services.clock())
        typed = report_typed_data(ledger.domain_of(services.acting), stated)
    acts.hand_over(out, typed, as_json, saleId=sale, count=str(stated.count))


@app.command()
def sign(
    sale: SaleId,
    receipts: Receipts,
    as_: As,
    first: First = "",
    until: Until = "",
    out: Annotated[str, typer.Option(help="where the signed report goes")] = "-",
    as_json: AsJson = False,
) -> None:
    """Sign the report of a period as provider or gateway (deedbook.usage-report), for `usage report`. Always JSON."""
    with acts.reading() as services:
        found, _ = sale_of(services, sale)
        stated = _stated(found, _receipts(receipts), first, until, services.clock())
        signed = ledger.sign(services.acting, acts.signer(services, as_), stated)
    acts.hand_over(out, signed.to_json(), as_json, saleId=sale, count=str(stated.count))


@app.command()
def report(
    sale: SaleId,
    signed: Annotated[
        list[str], typer.Option(help="the other party's signed report: a JSON file; both, if you are none")
    ],
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Report a period: the contract checks both statements, the term and the quota, and meters it."""
    statements = [SignedReport.from_json(grammar.json_of(each, "signed")) for each in signed]
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        me, provider = acts.signer(services, as_), ordered.offer.provider
        gateway = next((each.signer for each in statements if each.signer != provider), me.address)
        done = ledger.report(services.anew, me, ordered, gateway, statements)
    args = done.event("UsageReported").args
    acts.tell(done, "metered", as_json, saleId=sale, count=str(args["count"]), used=str(args["used"]))


def _receipts(file: str) -> tuple[UsageReceipt, ...]:
    return receipts_in(grammar.content_of(file, "receipts").splitlines())


def _stated(sale: SaleView, receipts: tuple[UsageReceipt, ...], first: str, until: str, now: int) -> UsageReport:
    """The period from where the last one ended, with the receipts that fall into it."""
    delivered = sale.step("SaleDelivered")
    if not first and sale.usage is None and delivered is None:
        raise InvalidInput("sale", "is not delivered, so nothing of it can be used")
    since = sale.usage.reported_to if sale.usage else delivered.at if delivered else 0
    begin = grammar.moment(first, "from", now) if first else since
    end = grammar.moment(until, "until", now) if until else max([begin, *(each.at + 1 for each in receipts)])
    within = [each for each in receipts if begin <= each.at < end]
    before = within[0].number - 1 if within else 0
    return report_of(sale.sale_id, begin, end, within, after=before)
