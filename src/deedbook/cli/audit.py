"""`deedbook audit`: export a sale, or one person's statement of it, as one file; verify such a file without the
exchange."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.cli import grammar
from deedbook.cli.grammar import AsJson
from deedbook.cli.verifying import Verification
from deedbook.domain.hashing import sha256, to_hex

app = grammar.group("Export a sale as one file, and verify such a file without the exchange.")


@app.command()
def verify(
    file: Annotated[str, typer.Argument(help="the bundle, such as sale-1.deed; - reads standard input")],
    trust: Annotated[str, typer.Option(help="the trust: chain, genesis, contracts, pinned blocks (trust.json)")] = "",
    quiet: Annotated[bool, typer.Option("--quiet", help="print the verdict only")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify a bundle: no network, no database. Exit 0 valid, 1 contradicted, 2 no usable trust, 3 evidence missing."""
    raise typer.Exit(Verification(file, trust, as_json, quiet).run())


@app.command()
def export(
    sale: Annotated[str, typer.Argument(help="the sale's id, 32 bytes of 0x-hex")],
    out: Annotated[str, typer.Option(help="where the bundle goes; - is standard output")] = "-",
    trust_out: Annotated[
        str, typer.Option(help="where a trust goes: pin it by other means before you rely on it")
    ] = "",
    public: Annotated[
        bool, typer.Option("--public", help="leave out the signed consents; a sale of over 100,000 has to")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write one self-contained file that proves a sale."""
    from deedbook.cli import acts

    sale_id = grammar.key32(sale, "sale")
    with acts.opened() as services:
        bundle, trust = services.export_sale(sale_id, full=not public)
    grammar.write(out, bundle)
    if trust_out:
        grammar.write(trust_out, trust)
    if out != "-":
        acts.show({"saleId": sale, "file": out, "bytes": len(bundle), "sha256": to_hex(sha256(bundle))}, as_json)


@app.command("export-statement")
def export_statement(
    sale: Annotated[str, typer.Argument(help="the sale's id, 32 bytes of 0x-hex")],
    consent: Annotated[str, typer.Argument(help="the consent's id, 32 bytes of 0x-hex")],
    out: Annotated[str, typer.Option(help="where the file goes; - is standard output")] = "-",
    as_json: AsJson = False,
) -> None:
    """Write what a person needs to check the own statement of a sale: events, cover, the consent and its proof. It is
    for that person alone, and no longer for more people."""
    from deedbook.cli import acts

    with acts.reading() as services:
        found = services.export_statement(grammar.key32(sale, "sale"), grammar.key32(consent, "consent"))
    grammar.write(out, found)
    if out != "-":
        acts.show({"saleId": sale, "consentId": consent, "file": out, "bytes": len(found)}, as_json)


@app.command()
def statement(
    file: Annotated[str, typer.Argument(help="the file of `audit export-statement`; - reads standard input")],
    trust: Annotated[str, typer.Option(help="the trust: chain, genesis, contracts, pinned blocks (trust.json)")],
    as_json: AsJson = False,
) -> None:
    """Check a person's statement of a sale, without network, database or the exchange: what is due, whether it was
    paid, or on which list it waits."""
    from deedbook.audit.persons import OwnEvidence, own_statement
    from deedbook.audit.trust import Trust
    from deedbook.cli import acts

    evidence = OwnEvidence.from_bytes(grammar.content_of(file))
    believed = Trust.from_json(grammar.content_of(trust, "trust"))
    found = own_statement(evidence.bundle, believed, evidence.own, evidence.entries)
    due = None if found.due is None else str(found.due)
    where = {"saleId": to_hex(found.sale_id), "record": found.record, "ordinal": found.ordinal, "due": due}
    standing = {"currency": found.currency, "paid": found.paid, "list": found.list, "place": found.place}
    acts.show({**where, **standing}, as_json)
