"""`deedbook mirror`: the public copy of the chain: brought up to date, rebuilt, asked as a whole."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar, tables
from deedbook.cli.grammar import After, AsJson, Limit
from deedbook.domain.hashing import to_hex
from deedbook.errors import DeedbookError, InvalidInput, Locked
from deedbook.mirror.backfill import Filled, Report, unreported
from deedbook.mirror.follower import Progress
from deedbook.mirror.store import BlockRow
from deedbook.queries import alerts as queries
from deedbook.queries import exports
from deedbook.queries.alerts import AlertView
from deedbook.queries.exports import Relation
from deedbook.queries.rows import Reading
from deedbook.queries.views import MOST_ROWS, Page

app = grammar.group(
    "The public copy of the chain: brought up to date, rebuilt, compared, tried again, watched, exported."
)


OF = ("ancestors", "descendants", "flow", "provider")
"""Answers that are about one asset, or one provider."""
RELATIONS = f"{', '.join(OF)} (with --of), alerts, or a table of the mirror such as sales"

Within = Annotated[int, typer.Option(min=0, max=3650, help="so many days ahead an attestation is about to end")]

PAUSE = 0.25
"""Seconds between looks at the chain's head."""


@app.command()
def follow(
    watch: Annotated[
        bool, typer.Option("--watch", help="go on until stopped, with neither keys nor private records open")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the mirror to the chain's head."""
    with Services.copying(config.load()) as services:
        if watch:
            _watch(services, as_json)
        else:
            _say(services.follow(report=_report()), as_json)


def _report() -> Report:
    """On a terminal, one line on standard error that says how far it is; nothing in a pipe."""
    if not sys.stderr.isatty():
        return unreported

    def report(filled: Filled) -> None:
        said = (
            f"block {filled.head:,} of {filled.until:,}, {filled.rate:,.0f} logs/s, {filled.seconds_left:,.0f} s left"
        )
        end = "\n" if filled.head == filled.until else ""
        print(f"\r{said:<78}", end=end, file=sys.stderr, flush=True)

    return report


def _watch(services: Services, as_json: bool) -> None:
    """Follows until interrupted. What passes by itself is said once, on standard error, and waited for."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    start = services.mirror.cursor()
    teller = _Teller(start.hash if start else None, as_json)
    trouble = ""
    with suppress(KeyboardInterrupt):
        while True:
            try:
                progress = services.follow([teller])
                if progress.added or progress.undone or trouble:
                    _say(progress, as_json)
                trouble = ""
            except DeedbookError as error:
                if not (error.retryable or isinstance(error, Locked)):
                    raise
                if str(error) != trouble:
                    print(f"waiting: {error}", file=sys.stderr, flush=True)
                trouble = str(error)
            time.sleep(PAUSE)


class _Teller:
    """Says which blocks a fork took back. What was added, `_say` says by number."""

    def __init__(self, standing: bytes | None, as_json: bool) -> None:
        self._standing = standing
        self._as_json = as_json

    def stands_at(self) -> bytes | None:
        return self._standing

    def added(self, blocks: Sequence[BlockRow]) -> None:
        self._standing = blocks[-1].hash

    def taken_back(self, blocks: Sequence[BlockRow]) -> None:
        self._standing = blocks[-1].parent_hash
        gone = [{"number": block.number, "hash": to_hex(block.hash)} for block in blocks]
        words = ", ".join(f"{block.number} {to_hex(block.hash)}" for block in blocks)
        print(json.dumps({"takenBack": gone}) if self._as_json else f"taken back: {words}", flush=True)


def _say(progress: Progress, as_json: bool) -> None:
    said = {"case": str(progress.case), "added": progress.added, "undone": progress.undone, "head": progress.head}
    words = f"block {progress.head}: {progress.added} added, {progress.undone} undone"
    print(json.dumps(said) if as_json else words, flush=True)


@app.command()
def rebuild(
    check: Annotated[
        bool, typer.Option("--check", help="rebuild beside the live mirror and compare; change nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild the mirror from block 0. With --check: exit 0 equal, 1 different, naming the first row."""
    with Services.open(config.load()) as services:
        if not check:
            progress = services.rebuild_mirror(report=_report())
            print(json.dumps({"head": progress.head}) if as_json else f"rebuilt up to block {progress.head}")
            return
        if services.mirror.cursor() is None:
            services.follow()
        comparison = services.check_mirror(report=_report())
    if as_json:
        print(json.dumps(comparison.to_json(), indent=1))
    else:
        rows = sum(table.rows for table in comparison.tables)
        print(f"block {comparison.block}: {rows} rows in {len(comparison.tables)} tables")
        for difference in comparison.differences:
            key = ", ".join(map(str, difference.key))
            print(f"different: {difference.table} ({key}) {', '.join(difference.columns) or 'row'}:")
            print(f"  live    {difference.live}")
            print(f"  rebuilt {difference.rebuilt}")
    raise typer.Exit(0 if comparison.equal else 1)


@app.command()
def alerts(
    within: Within = 30,
    limit: Limit = 100,
    after: After = "",
    as_json: AsJson = False,
) -> None:
    """List what to look at now, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
    with acts.reading() as services:
        page = _alerts(services, within)(services.mirror, limit, after or None)
    acts.show_page(page, ("severity", "code", "noun", "key", "numbers"), as_json)


@app.command()
def export(
    relation: Annotated[str, typer.Argument(help=RELATIONS)],
    out: Annotated[str, typer.Option(help="the file; - prints CSV")],
    of: Annotated[str, typer.Option(help="whose: an asset's id, or the provider's address or name in this home")] = "",
    form: Annotated[str, typer.Option("--format", help="csv or parquet")] = "csv",
    within: Within = 30,
    as_json: AsJson = False,
) -> None:
    """Write a table of the mirror or the whole answer to a question into a file, however many rows there are."""
    write = tables.writer_of(form, out)
    with acts.reading() as services:
        wanted = _relation(services, relation, of, within)
        with grammar.sink(out) as file:
            rows = write(wanted, services.mirror, file)
    if out != "-":
        acts.show({"file": out, "relation": relation, "rows": rows}, as_json)


def _alerts(services: Services, within: int) -> Callable[[Reading, int, str | None], Page[AlertView]]:
    """The alerts of this moment, page by page."""
    now, covers = services.clock(), services.records.deliveries.cover
    limits = queries.Limits(within=within * queries.DAY)
    return lambda mirror, limit, after: queries.alerts(
        mirror, now, covers=covers, limits=limits, limit=limit, after=after
    )


def _relation(services: Services, name: str, of: str, within: int) -> Relation:
    if of and name not in OF:
        raise InvalidInput("of", f"{name} is of nothing in particular")
    if name in OF and not of:
        raise InvalidInput("of", f"say whose {name}")
    if name == "provider":
        return exports.provider_relation(acts.account(services, of, "of"))
    if name == "flow":
        return exports.flow_relation(grammar.asset_of(of, "of"))
    if name in OF:
        return exports.lineage_relation(grammar.asset_of(of, "of"), down=name == "descendants")
    if name == "alerts":
        pages = _alerts(services, within)
        return exports.alerts_relation(lambda mirror, after: pages(mirror, MOST_ROWS, after))
    return exports.table_relation(name)


@app.command()
def replay(as_json: AsJson = False) -> None:
    """Try what is in quarantine again with this release, after an upgrade: what fits now is projected, in chain order,
    and the mirror equals a rebuild. Exit 0 when nothing is left in quarantine, 1 otherwise."""
    with Services.copying(config.load()) as services:
        done = services.replay_quarantined()
    if as_json:
        print(json.dumps(done.to_json(), indent=1))
    else:
        print(f"{done.tried} tried, {done.projected} projected, {len(done.left)} left")
        for each in done.left:
            place = f"log {each.log_index} of block {each.block} ({each.contract})"
            print(f"  {place}: {each.code}: {each.reason}")
    raise typer.Exit(1 if done.left else 0)
