"""`deedbook cases`: objections, disputes, leaks and breaches about a target, and the holds that stop it."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.cli.targets import Target, target_of
from deedbook.domain.codes import CaseKind, Outcome
from deedbook.domain.hashing import to_hex
from deedbook.ledger import cases as ledger
from deedbook.queries import cases as queries

app = grammar.group("Cases about a target, and holds that stop it.")

Case = Annotated[str, typer.Argument(help="the case's id, 32 bytes of 0x-hex")]
Document = Annotated[str, typer.Option(help="why: a file, which becomes public, or its SHA-256")]


@app.command("list")
def list_cases(target: Target, limit: Limit = 100, after: After = "", as_json: AsJson = False) -> None:
    """List the cases about a target, and the holds on it."""
    with acts.reading() as services:
        key = target_of(services, target)
        page = queries.cases(services.mirror, key, limit=limit, after=after or None)
        held = [each.to_json() for each in queries.holds(services.mirror, key)]
    if as_json:
        found = page.to_json()
        acts.say_json({"target": to_hex(key), "cases": found["items"], "after": found["after"], "holds": held})
        return
    acts.show_page(page, ("caseId", "kind", "opener", "outcome", "openedBlock"), as_json=False)
    for hold_ in held:
        state = "holds" if hold_["active"] else f"released in block {hold_['releasedBlock']}"
        print(f"held by {hold_['holder']} in block {hold_['heldBlock']}: {state}")


@app.command()
def show(case: Case, as_json: AsJson = False) -> None:
    """Show one case."""
    with acts.reading() as services:
        found = queries.case(services.mirror, grammar.key32(case, "case"))
    acts.show(found, as_json)


@app.command("open")
def open_case(
    target: Target,
    kind: Annotated[str, typer.Option(help="objection, dispute, leak or breach")],
    document: Document,
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Open a case about a target."""
    with acts.opened() as services:
        key = target_of(services, target)
        reason = acts.document(services, document, "document")
        number = grammar.code(CaseKind, kind, "kind")
        receipt = ledger.open_case(services.anew, acts.signer(services, as_), key, number, reason)
    acts.tell(receipt, "opened", as_json, caseId=to_hex(receipt.event("CaseOpened").args["caseId"]), target=to_hex(key))


@app.command()
def decide(
    case: Case,
    outcome: Annotated[str, typer.Option(help="positive or negative")],
    document: Document,
    as_: As,
    as_json: AsJson = False,
) -> None:
    """Decide an open case; nobody decides a case of their own."""
    case_id = grammar.key32(case, "case")
    with acts.opened() as services:
        reason = acts.document(services, document, "document")
        number = grammar.code(Outcome, outcome, "outcome")
        receipt = ledger.decide(services.anew, acts.signer(services, as_), case_id, number, reason)
    acts.tell(receipt, "decided", as_json, caseId=case, outcome=outcome)


@app.command()
def hold(target: Target, document: Document, as_: As, as_json: AsJson = False) -> None:
    """Hold a target: no listing, order, delivery, transfer or payout until released; never stops a withdrawal."""
    with acts.opened() as services:
        key = target_of(services, target)
        reason = acts.document(services, document, "document")
        receipt = ledger.hold(services.anew, acts.signer(services, as_), key, reason)
    acts.tell(receipt, "held", as_json, target=to_hex(key))


@app.command()
def release(target: Target, document: Document, as_: As, as_json: AsJson = False) -> None:
    """End your own hold."""
    with acts.opened() as services:
        key = target_of(services, target)
        reason = acts.document(services, document, "document")
        receipt = ledger.release(services.anew, acts.signer(services, as_), key, reason)
    acts.tell(receipt, "released", as_json, target=to_hex(key))
