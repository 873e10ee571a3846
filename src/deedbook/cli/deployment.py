"""`deedbook deployment`: where the contracts stand among others - what they follow, and their end."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.ledger import governance as ledger
from deedbook.queries import deployments as queries

app = grammar.group("The deployment: its contracts, what it follows, its end.")


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show the contracts, the deployment that they follow, and when they end."""
    with acts.reading() as services:
        found = queries.deployment(services.mirror)
        value = {**services.deployment.to_json(), **found.to_json()}
    acts.show(value, as_json)


@app.command()
def close(
    document: Annotated[str, typer.Option(help="why: a file, which becomes public, or its SHA-256")],
    as_: Annotated[str, typer.Option("--as", help="the account of governance")] = "governance",
    as_json: AsJson = False,
) -> None:
    """Announce the end, for ever: in a week new assets, offers and orders stop; withdrawals, deliveries, refunds,
    payouts and reads go on."""
    with acts.opened() as services:
        reason = acts.document(services, document, "document")
        done = ledger.close(services.anew, acts.signer(services, as_), reason)
    acts.tell(done, "closing", as_json, closesAt=done.event("DeploymentClosing").args["closesAt"])
