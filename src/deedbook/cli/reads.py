"""`deedbook reads`: the log of who read a person's matter. It names nobody's: whoever knows an id finds its reads."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.hashing import parse_address, to_hex
from deedbook.domain.principals import Matter, PersonalRead, matter_of, reader_mark
from deedbook.errors import InvalidInput

app = grammar.single()


@app.command()
def reads(
    consent: Annotated[str, typer.Option(help="only reads of this consent's statement or payee, by --kind")] = "",
    account: Annotated[
        str, typer.Option(help="only reads of this account's consents, orders or complaints, by --kind")
    ] = "",
    evidence: Annotated[
        str, typer.Option(help="only reads of the consents in this sale's bundle, or of this batch")
    ] = "",
    kind: Annotated[str, typer.Option(help=f"of what kind: {', '.join(Matter)}")] = "",
    reader: Annotated[str, typer.Option(help="only reads by this key (its id), or this account's sessions")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="how many at most")] = 100,
    after: Annotated[int, typer.Option(min=0, help="go on after this place")] = 0,
    as_json: AsJson = False,
) -> None:
    """List who read a person's consents, statement, orders, payee or signed consent, oldest first: when, by what
    means and whose (a key's id, an account's mark), of what kind, in which request. What was read stands there as a
    commitment."""
    matter = _matter(consent, account, kind) if not evidence else _of_evidence(evidence, consent, account, kind)
    by = reader_mark(parse_address(reader, "reader")) if reader.startswith("0x") else reader or None
    with acts.opened() as services:
        found, more = services.records.principals.reads(matter=matter, reference=by, after=after, limit=limit)
    shown = [_shown(place, read) for place, read in found]
    if as_json:
        acts.say_json({"items": shown, "after": found[-1][0] if more else None})
        return
    for each in shown:
        print(f"{each['place']}  {each['at']}  {each['means']} {each['by'] or '-'}  {each['kind']}  {each['matter']}")
    if more:
        print(f"more: --after {found[-1][0]}")


def _matter(consent: str, account: str, kind: str) -> bytes | None:
    if not consent and not account:
        if kind:
            raise InvalidInput("kind", "goes with --consent or --account")
        return None
    if kind not in tuple(Matter):
        raise InvalidInput("kind", f"is none of {', '.join(Matter)}")
    identifier = grammar.key32(consent, "consent") if consent else parse_address(account, "account")
    return matter_of(Matter(kind), identifier)


def _of_evidence(evidence: str, *others: str) -> bytes:
    if any(others):
        raise InvalidInput("evidence", "goes without --consent, --account and --kind")
    return matter_of(Matter.EVIDENCE, grammar.key32(evidence, "evidence"))


def _shown(place: int, read: PersonalRead) -> dict[str, Any]:
    return {
        "place": place,
        "at": read.at,
        "means": str(read.means),
        "by": read.reference,
        "kind": str(read.kind),
        "matter": to_hex(read.matter),
        "request": read.request,
    }
