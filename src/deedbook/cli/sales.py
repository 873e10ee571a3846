"""`deedbook sales`: ordered, paid, prepared, delivered, opened by the buyer, accepted; disputed, given back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Annotated, BinaryIO

import typer

from deedbook.bootstrap import selling
from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.counting import counted
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.cli.offers import Attester, attesters_for
from deedbook.cli.ordered import SaleId, sale_of
from deedbook.domain.codes import Outcome
from deedbook.domain.hashing import to_hex
from deedbook.domain.keytree import Cover, decode_cover
from deedbook.domain.sales import Offer, parse_currency
from deedbook.errors import EvidenceMissing, NotFound
from deedbook.ledger import deliveries
from deedbook.ledger import sales as ledger
from deedbook.queries import assets, offers
from deedbook.queries import sales as queries
from deedbook.queries.sales import SaleView
from deedbook.vault.deliveries import DeliveredRecord, Sold, open_each
from deedbook.vault.envelopes import Context

app = grammar.group("Sales: ordered, paid, prepared, delivered, opened, accepted; disputed, refunded.")

Grounds = Annotated[str, typer.Option(help="why: a file, which becomes public, or its SHA-256")]
Out = Annotated[str, typer.Option(help="where the records go: a .json, .ndjson or .csv file; - prints JSON")]


@app.command("list")
def list_sales(
    asset: Annotated[str, typer.Option(help="of this asset alone")] = "",
    buyer: Annotated[str, typer.Option(help="of this buyer alone: address, or name in this home")] = "",
    provider: Annotated[str, typer.Option(help="of this provider alone: address, or name in this home")] = "",
    limit: Limit = 100,
    after: After = "",
    as_json: AsJson = False,
) -> None:
    """List sales in the order in which they were ordered."""
    number = grammar.asset_of(asset) if asset else None
    with acts.reading() as services:
        by = acts.account(services, buyer, "buyer") if buyer else None
        seller = acts.account(services, provider, "provider") if provider else None
        page = queries.sales(
            services.mirror, asset_id=number, buyer=by, provider=seller, limit=limit, after=after or None
        )
    acts.show_page(page, ("saleId", "state", "buyer", "price", "currency", "deliveredCount"), as_json)


@app.command()
def show(sale: SaleId, as_json: AsJson = False) -> None:
    """Show a sale with every step, its settlement and payouts."""
    with acts.reading() as services:
        found = queries.sale(services.mirror, grammar.key32(sale, "sale"))
    acts.show(found, as_json)


@app.command()
def order(
    offer: Annotated[str, typer.Argument(help="the offer's id: the hash of what the buyer read")],
    as_: As,
    reference: Annotated[str, typer.Option(help="the buyer's own 32 bytes of 0x-hex; fresh where none is given")] = "",
    attester: Attester = None,
    as_json: AsJson = False,
) -> None:
    """Order what is offered. The contract checks everything in this one transaction."""
    identifier = grammar.key32(offer, "offer")
    with acts.reading() as services:
        document = offers.offer(services.mirror, identifier).document
        drawn = grammar.key32(reference, "reference") if reference else services.entropy(32)
        me = acts.signer(services, as_)
        relied = attesters_for(services, document, attester or (), to_order=True, buyer=me.address)
        receipt = ledger.order(services.anew, me, identifier, document, relied, drawn)
    acts.tell(receipt, "ordered", as_json, saleId=to_hex(receipt.event("SaleOrdered").args["saleId"]))


@app.command("confirm-payment")
def confirm_payment(
    sale: SaleId,
    receipt: Annotated[str, typer.Option(help="the bank's receipt: a file, which is kept, or its SHA-256")],
    as_: As,
    amount: Annotated[str, typer.Option(help="what arrived, in minor units; the price where it is not said")] = "",
    currency: Annotated[str, typer.Option(help="ISO 4217; the offer's where it is not said")] = "",
    as_json: AsJson = False,
) -> None:
    """Confirm the buyer's payment, as a settler who is no party."""
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        done = ledger.confirm_payment(
            services.anew,
            acts.signer(services, as_),
            ordered,
            amount=grammar.amount(amount, "amount") if amount else ordered.offer.price.total,
            currency=parse_currency(currency) if currency else ordered.offer.price.currency,
            receipt=acts.document(services, receipt, "receipt"),
        )
    acts.tell(done, "payment confirmed", as_json, saleId=sale)


@app.command()
def prepare(sale: SaleId, as_: As, as_json: AsJson = False) -> None:
    """Fix who is live in this block; `deliver` has to follow within 15 minutes."""
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        done = ledger.prepare(services.anew, acts.signer(services, as_), ordered)
    acts.tell(done, "prepared", as_json, saleId=sale, live=done.event("SalePrepared").args["live"])


@app.command()
def deliver(
    sale: SaleId,
    as_: As,
    buyer: Annotated[str, typer.Option(help="the buyer's name in this home, where no other key of it is kept")] = "",
    to: Annotated[
        str, typer.Option(help="who keeps the records in the buyer's stead: address, or name in this home")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Seal the keys of all live records to the buyer - or, for a use without possession, to whoever runs it - and
    commit to the envelope on chain."""
    with acts.reading() as services:
        keeper = acts.account(services, to, "to") if to else None
        me, sale_id = acts.signer(services, as_), grammar.key32(sale, "sale")
        done = selling.deliver(services, services.anew, me, sale_id, keeper=keeper, name=buyer)
    acts.tell(done.receipt, "delivered", as_json, saleId=sale, deliveredCount=done.count)


@app.command("open")
def open_sale(sale: SaleId, as_: As, out: Out = "-", as_json: AsJson = False) -> None:
    """Open a delivery as its buyer: the envelope, every record, every commitment, the count. A file is there when all
    of it was checked. Records that were erased since the delivery are left out, and counted."""
    with acts.reading() as services:
        found, ordered = sale_of(services, sale)
        opening = _opening(services, found, ordered.offer, as_)
        with grammar.sink(out, private=True) as file:
            written = _form_of(out)(opening, file)
    if out != "-":
        erased = (found.delivered_count or 0) - written
        acts.show({"saleId": sale, "records": written, "erased": erased, "file": out}, as_json)


@app.command()
def accept(sale: SaleId, as_: As, as_json: AsJson = False) -> None:
    """Accept a delivery: the buyer at any time, disputed or not; anyone once the acceptance window is over."""
    with acts.opened() as services:
        done = ledger.accept(services.anew, acts.signer(services, as_), grammar.key32(sale, "sale"))
    acts.tell(done, "accepted", as_json, saleId=sale)


@app.command()
def cancel(sale: SaleId, as_: As, as_json: AsJson = False) -> None:
    """Cancel an order that is not paid."""
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        done = ledger.cancel(services.anew, acts.signer(services, as_), ordered)
    acts.tell(done, "cancelled", as_json, saleId=sale)


@app.command()
def refund(sale: SaleId, as_: As, as_json: AsJson = False) -> None:
    """Give a sale back, as its provider; or take back, as its buyer, a paid one that can no longer be delivered as it
    was ordered, or was not in 30 days."""
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        done = ledger.refund(services.anew, acts.signer(services, as_), ordered)
    acts.tell(done, "refunded", as_json, saleId=sale)


@app.command()
def dispute(sale: SaleId, document: Grounds, as_: As, as_json: AsJson = False) -> None:
    """Dispute a delivery as its buyer, within the acceptance window."""
    with acts.opened() as services:
        reason = acts.document(services, document, "document")
        done = ledger.dispute(services.anew, acts.signer(services, as_), grammar.key32(sale, "sale"), reason)
    acts.tell(done, "disputed", as_json, saleId=sale)


@app.command()
def decide(
    sale: SaleId,
    outcome: Annotated[str, typer.Option(help="positive: for the buyer, who is refunded; negative: it is accepted")],
    document: Grounds,
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Decide a disputed sale, as an arbiter or regulator who is no party."""
    with acts.reading() as services:
        _, ordered = sale_of(services, sale)
        reason = acts.document(services, document, "document")
        number = grammar.code(Outcome, outcome, "outcome")
        done = ledger.decide_dispute(services.anew, acts.signer(services, as_), ordered, number, reason)
    acts.tell(done, "decided", as_json, saleId=sale, outcome=outcome)


Opening = Callable[[], Iterator[DeliveredRecord]]
"""Opens a delivery from its first record on, every time it is called."""


def _opening(services: Services, sale: SaleView, offer: Offer, name: str) -> Opening:
    if sale.envelope_hash is None or sale.cover_hash is None:
        raise NotFound("delivery of sale", to_hex(sale.sale_id), hint="the provider has to deliver first")
    shelf = services.records.deliveries
    envelope = deliveries.hand_out_for(services.acting, shelf, sale.sale_id, sale.envelope_hash)
    encoded = shelf.cover(sale.cover_hash)
    if encoded is None:
        raise EvidenceMissing("the cover of the delivery is not kept here", cover=to_hex(sale.cover_hash))
    cover = decode_cover(encoded)
    version = assets.version(services.mirror, sale.asset_id, sale.version)
    payload = services.vault.payload_of(version.content_root)
    bound = version.basis.batches if version.basis else ()
    leaves = [leaf for batch in bound for leaf in services.records.consents.commitments_of(batch)]
    hashes = services.vault.unit_hashes(payload.payload_id)
    keys = services.encryption_key(name)
    context = Context(services.chain_id, services.addresses["Market"], sale.sale_id, offer.version_key)
    sold = Sold(
        asset_id=sale.asset_id,
        version=sale.version,
        consent_ids=[consent_id for consent_id, _ in leaves],
        content_root=version.content_root,
        commitments=[commitment for _, commitment in leaves],
        delivered_count=sale.delivered_count,
        cover=cover,
    )

    def units_of(cover: Cover) -> Iterator[bytes | None]:
        return services.vault.units_of(payload.payload_id, cover, hashes)

    def opening() -> Iterator[DeliveredRecord]:
        records = open_each(envelope, keys, context, sold, units_of=units_of, unit_hashes=hashes)
        return counted(records, "records", sale.delivered_count or 0)

    return opening


def _form_of(out: str) -> Callable[[Opening, BinaryIO], int]:
    if out.endswith(".csv"):
        return _write_csv
    return _write_lines if out.endswith(".ndjson") else _write_array


def _write_csv(opening: Opening, file: BinaryIO) -> int:
    """Opens twice: the columns are the fields of all records."""
    names = sorted({name for each in opening() for name in each.record})
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    written = 0
    for each in opening():
        writer.writerow(dict(each.record))
        written += 1
    text.detach()
    return written


def _write_lines(opening: Opening, file: BinaryIO) -> int:
    written = 0
    for each in opening():
        file.write(json.dumps(dict(each.record), ensure_ascii=False).encode() + b"\n")
        written += 1
    return written


def _write_array(opening: Opening, file: BinaryIO) -> int:
    written = 0
    for each in opening():
        row = json.dumps(dict(each.record), indent=1, ensure_ascii=False).replace("\n", "\n ")
        file.write(f"{',' if written else '['}\n {row}".encode())
        written += 1
    file.write(b"\n]\n" if written else b"[]\n")
    return written
