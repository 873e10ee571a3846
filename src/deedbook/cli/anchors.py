"""`deedbook anchors`: checkpoints of an exchange's own append-only log, each proved to continue the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from deedbook.cli import acts, grammar
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.domain.hashing import canonical_json, to_hex
from deedbook.domain.merkle import rfc9162_consistency, rfc9162_root
from deedbook.errors import InvalidInput
from deedbook.ledger import anchors as ledger
from deedbook.queries import checkpoints as queries

app = grammar.group("Checkpoints of an exchange's own log (RFC 9162): anchored, shown.")


@app.command()
def show(
    exchange: Annotated[str, typer.Argument(help="whose log: address, or name in this home")],
    limit: Limit = 100,
    after: After = "",
    as_json: AsJson = False,
) -> None:
    """Show the checkpoints of an exchange, oldest first."""
    with acts.reading() as services:
        whose = acts.account(services, exchange, "exchange")
        page = queries.checkpoints(services.mirror, whose, limit=limit, after=after or None)
    acts.show_page(page, ("size", "root", "formerSize", "anchoredAt", "anchoredBlock"), as_json)


@app.command()
def checkpoint(
    as_: As,
    log: Annotated[
        str, typer.Option(help="the whole log: an NDJSON file, one entry a line, only ever appended to")
    ] = "",
    size: Annotated[int, typer.Option(min=0, help="instead of a log: how many entries")] = 0,
    root: Annotated[str, typer.Option(help="the root over them")] = "",
    proof: Annotated[list[str] | None, typer.Option(help="a node of the consistency proof; again for more")] = None,
    as_json: AsJson = False,
) -> None:
    """Anchor the next checkpoint of your log; the contract verifies that it continues the last one."""
    if bool(log) == bool(root):
        raise InvalidInput("log", "give either a log or a size and a root")
    with acts.opened() as services:
        me = acts.signer(services, as_)
        if log:
            entries = _entries(log)
            former, _ = ledger.latest(services.acting, me.address)
            stated = len(entries), rfc9162_root(entries), _proof(entries, former)
        else:
            stated = size, grammar.key32(root, "root"), tuple(grammar.key32(each, "proof") for each in proof or ())
        done = ledger.anchor(services.anew, me, *stated)
    acts.tell(done, "anchored", as_json, size=str(stated[0]), root=to_hex(stated[1]), proof=len(stated[2]))


def _entries(file: str) -> list[bytes]:
    """The entries of a log: the canonical form of each line's value."""
    lines = grammar.content_of(file, "log").splitlines()
    return [canonical_json(grammar.json_in(line, file, line=number)) for number, line in enumerate(lines, start=1)]


def _proof(entries: Sequence[bytes], former: int) -> tuple[bytes, ...]:
    """Nothing where there is nothing to continue: whether that is right is the contract's to say."""
    return rfc9162_consistency(entries, former) if 0 < former < len(entries) else ()
