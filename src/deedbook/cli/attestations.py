"""`deedbook attestations`: what reviewers and auditors state about a target key."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import As, AsJson
from deedbook.cli.targets import Target, target_of
from deedbook.domain.codes import AttestationKind, Outcome
from deedbook.domain.hashing import to_hex
from deedbook.ledger import attestations as ledger
from deedbook.queries import attestations as queries

app = grammar.group("Attestations: signed statements of accredited members about a version, a batch or a member.")

Kind = Annotated[str, typer.Option(help="legal-opinion, source-legality, impact-assessment, consent-audit ...")]
Document = Annotated[str, typer.Option(help="the statement itself: a file, which becomes public, or its SHA-256")]
ValidUntil = Annotated[str, typer.Option(help="how long: 2027-01-31, Unix seconds, or +180d")]
Found = Annotated[str, typer.Option(help="positive or negative")]


@app.command("list")
def list_attestations(target: Target, as_json: AsJson = False) -> None:
    """List what was stated about a target."""
    with acts.reading() as services:
        found = queries.attestations(services.mirror, target_of(services, target))
    rows = [each.to_json() for each in found]
    acts.show_rows(rows, ("kind", "outcome", "attester", "standing", "validUntil", "attestedBlock"), as_json)


@app.command()
def attest(
    target: Target,
    kind: Kind,
    document: Document,
    as_: As,
    valid_until: ValidUntil = "+180d",
    outcome: Found = "positive",
    as_json: AsJson = False,
) -> None:
    """State something about a target; one statement of a kind stands at a time."""
    _state(target, kind, document, as_, valid_until, outcome, as_json, again=False)


@app.command()
def correct(
    target: Target,
    kind: Kind,
    document: Document,
    as_: As,
    valid_until: ValidUntil = "+180d",
    outcome: Found = "positive",
    as_json: AsJson = False,
) -> None:
    """Replace your standing statement by a new one."""
    _state(target, kind, document, as_, valid_until, outcome, as_json, again=True)


@app.command()
def withdraw(target: Target, kind: Kind, document: Document, as_: As, as_json: AsJson = False) -> None:
    """Withdraw your standing statement."""
    with acts.opened() as services:
        key = target_of(services, target)
        reason = acts.document(services, document, "document")
        number = grammar.code(AttestationKind, kind, "kind")
        receipt = ledger.withdraw(services.anew, acts.signer(services, as_), key, number, reason)
    acts.tell(receipt, "withdrawn", as_json, target=to_hex(key), kind=kind)


def _state(
    target: str, kind: str, document: str, name: str, until: str, outcome: str, as_json: bool, *, again: bool
) -> None:
    with acts.opened() as services:
        key = target_of(services, target)
        stated = acts.document(services, document, "document")
        receipt = (ledger.correct if again else ledger.attest)(
            services.anew,
            acts.signer(services, name),
            key,
            grammar.code(AttestationKind, kind, "kind"),
            stated,
            grammar.moment(until, "valid-until", services.clock()),
            outcome=grammar.code(Outcome, outcome, "outcome"),
        )
    words = "corrected" if again else "attested"
    acts.tell(receipt, words, as_json, target=to_hex(key), kind=kind, document=to_hex(stated))
