"""`deedbook anchors`: an exchange's own append-only log - entries, receipts, proofs - and its checkpoints, each proved
to continue the one before it. Made for pipes: entries in, one receipt a line out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from deedbook.audit.anchors import Statements
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.cli.ndjson import BLOCK, blocks_of, lines_of
from deedbook.domain.anchors import MOST_ENTRY, leaf_of
from deedbook.domain.hashing import canonical_json, parse_address, to_hex
from deedbook.domain.merkle import rfc9162_consistency, rfc9162_root
from deedbook.domain.tiles import tiles_of
from deedbook.errors import InvalidInput
from deedbook.ledger import anchors as ledger
from deedbook.ledger.entries import entries_in
from deedbook.queries import checkpoints as queries

app = grammar.group("An exchange's own log (RFC 9162): appended to, anchored, proved, shown.")

AT_ONCE: Final = 1_000
"""Entries that are on disk, and answered, together."""
LONGEST: Final = 65_536
"""Bytes of a receipt or a proof, as it comes."""
Exchange = Annotated[str, typer.Argument(help="whose log: address, or name in this home")]


@app.command()
def show(
    exchange: Exchange,
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
def append(
    as_: As,
    file: Annotated[str, typer.Argument(help="entries in NDJSON, any JSON value a line; - reads standard input")] = "-",
    out: Annotated[str, typer.Option(help="where the receipts go, one a line; - prints them")] = "-",
    _as_json: AsJson = False,
) -> None:
    """Append entries to your log and write a signed receipt for each, once it is on disk. The same entry again has the
    same receipt, so that what was cut short is said again. Always JSON."""
    with acts.opened() as services, grammar.opened(file) as source, grammar.sink(out) as sink:
        me = services.signer(as_)
        first = 1
        for lines in _portions(source):
            entries = entries_in(lines, most=AT_ONCE, first=first)
            for receipt in services.logs.append(entries, me):
                sink.write(receipt.encode() + b"\n")
            sink.flush()
            first += len(entries)


@app.command()
def checkpoint(
    as_: As,
    log: Annotated[str, typer.Option(help="instead of the log that is kept here: a whole one, an NDJSON file")] = "",
    size: Annotated[int, typer.Option(min=0, help="instead of a log: how many entries")] = 0,
    root: Annotated[str, typer.Option(help="the root over them")] = "",
    proof: Annotated[list[str] | None, typer.Option(help="a node of the consistency proof; again for more")] = None,
    as_json: AsJson = False,
) -> None:
    """Anchor the next checkpoint of your log; the contract verifies that it continues the last one."""
    if log and root:
        raise InvalidInput("log", "give either a log or a size and a root")
    with acts.opened() as services:
        me = acts.signer(services, as_)
        if not log and not root:
            kept = services.logs.checkpoint(me)
            facts = {"size": str(kept.size), "root": to_hex(kept.root), "proof": kept.proof}
            acts.tell(kept.receipt, "anchored", as_json, **facts)
            return
        if log:
            entries = _entries(log)
            former, _ = ledger.latest(services.acting, me.address)
            stated = len(entries), rfc9162_root(entries), _proof(entries, former)
        else:
            stated = size, grammar.key32(root, "root"), tuple(grammar.key32(each, "proof") for each in proof or ())
        done = ledger.anchor(services.anew, me, *stated)
    acts.tell(done, "anchored", as_json, size=str(stated[0]), root=to_hex(stated[1]), proof=len(stated[2]))


@app.command()
def prove(
    exchange: Exchange,
    index: Annotated[int, typer.Option(min=-1, help="the entry at this place", show_default=False)] = -1,
    entry: Annotated[str, typer.Option(help="the entry in this JSON file; - reads standard input")] = "",
    since: Annotated[int, typer.Option(min=0, help="instead of an entry: that the log goes on from this size")] = 0,
    size: Annotated[int, typer.Option(min=0, help="under the checkpoint of this size; 0 takes the last one")] = 0,
    _as_json: AsJson = False,
) -> None:
    """Write the proof that an entry stands in a log that is kept here, under a checkpoint on chain; or that the log
    only grew. Always JSON."""
    if (index >= 0) + bool(entry) + bool(since) != 1:
        raise InvalidInput("index", "give an index, an entry or a size since when")
    leaf = leaf_of(grammar.json_of(entry, "entry")) if entry else None
    with acts.reading() as services:
        whose, shown = acts.account(services, exchange, "exchange"), services.shown_logs
        if since:
            said = shown.extension(whose, since, size or None).to_json()
        else:
            said = shown.proof(whose, leaf=leaf, index=index if index >= 0 else None, size=size or None).to_json()
    print(json.dumps(said))


@app.command()
def verify(
    file: Annotated[str, typer.Argument(help="receipts, proofs and extensions, one a line; - reads standard input")],
    entry: Annotated[str, typer.Option(help="the entry that all of them are about, a JSON file")] = "",
    exchange: Annotated[str, typer.Option(help="the address whose log it has to be")] = "",
    root: Annotated[str, typer.Option(help="a root that is known from the chain, as SIZE:ROOT")] = "",
    as_json: AsJson = False,
) -> None:
    """Check receipts and proofs without a home or a network: who signed, what leads where, and that no two of them
    contradict each other. Exit 1 where one is false."""
    statements = Statements(
        leaf=leaf_of(grammar.json_of(entry, "entry")) if entry else None,
        exchange=parse_address(exchange, "exchange") if exchange else None,
        known=_known(root) if root else None,
    )
    with grammar.opened(file) as source:
        for number, line in enumerate(lines_of(blocks_of(source), LONGEST), 1):
            statements.hear(grammar.json_in(line, "file", line=number), number)
    acts.show(statements.facts, as_json)
    if statements.wrong:
        for each in statements.wrong:
            print(f"false: {each}", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def tiles(
    exchange: Exchange,
    out: Annotated[str, typer.Option(help="the folder, for any web server; only what is new is written")],
    as_json: AsJson = False,
) -> None:
    """Write a log's last checkpoint and tiles as static files (C2SP tlog-tiles): hashes, no entry."""
    folder, written = Path(out), 0
    with acts.reading() as services:
        whose = acts.account(services, exchange, "exchange")
        note = services.shown_logs.note(services.signer_of(whose))
        for path in tiles_of(note.size):
            place = folder / "tile" / path.text
            if not place.exists():
                _put(place, services.shown_logs.tile(whose, path))
                written += 1
        _put(folder / "checkpoint", note.encode())
    acts.show({"folder": out, "size": str(note.size), "root": to_hex(note.root), "written": written}, as_json)


def _put(place: Path, content: bytes) -> None:
    """A file for others to read, whole or not at all."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput("out", f"cannot write {place}: {error.strerror}") from error
    with grammar.sink(str(place)) as file:
        file.write(content)


def _portions(source: BinaryIO) -> Iterator[bytes]:
    """The lines of a file or pipe as soon as they are there, at most AT_ONCE of them together."""
    rest = b""
    for block in iter(partial(_some, source), b""):
        *lines, rest = (rest + block).split(b"\n")
        for at in range(0, len(lines), AT_ONCE):
            yield b"\n".join(lines[at : at + AT_ONCE]) + b"\n"
        rest = rest[: MOST_ENTRY + 1]
    if rest:
        yield rest


def _some(source: BinaryIO) -> bytes:
    """What is there to be read, without waiting for more."""
    read = getattr(source, "read1", source.read)
    found: bytes = read(BLOCK)
    return found


def _known(text: str) -> tuple[int, bytes]:
    size, _, root = text.partition(":")
    if not size.isascii() or not size.isdigit() or len(size) > 19:
        raise InvalidInput("root", "is not SIZE:ROOT")
    return int(size), grammar.key32(root, "root")


def _entries(file: str) -> list[bytes]:
    """The entries of a log: the canonical form of each line's value."""
    lines = grammar.content_of(file, "log").splitlines()
    return [canonical_json(grammar.json_in(line, file, line=number)) for number, line in enumerate(lines, start=1)]


def _proof(entries: Sequence[bytes], former: int) -> tuple[bytes, ...]:
    """Nothing where there is nothing to continue: whether that is right is the contract's to say."""
    return rfc9162_consistency(entries, former) if 0 < former < len(entries) else ()
