"""`deedbook audit`: export a sale as one file, and verify such a file without the exchange."""

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
    public: Annotated[bool, typer.Option("--public", help="leave out the signed consents")] = False,
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
