"""`deedbook mirror`: the public copy of the chain."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.cli import grammar
from deedbook.cli.grammar import AsJson

app = grammar.group("The public copy of the chain: brought up to date, rebuilt, compared.")


@app.command()
def follow(as_json: AsJson = False) -> None:
    """Bring the mirror to the chain's head."""
    with Services.open(config.load()) as services:
        progress = services.follow()
    said = {"case": str(progress.case), "added": progress.added, "undone": progress.undone, "head": progress.head}
    print(json.dumps(said) if as_json else f"block {progress.head}: {progress.added} added, {progress.undone} undone")


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
            progress = services.rebuild_mirror()
            print(json.dumps({"head": progress.head}) if as_json else f"rebuilt up to block {progress.head}")
            return
        if services.mirror.cursor() is None:
            services.follow()
        comparison = services.check_mirror()
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
