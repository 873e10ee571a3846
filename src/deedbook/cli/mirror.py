"""`deedbook mirror`: the public copy of the chain."""

from __future__ import annotations

import json

import typer

from deedbook import config
from deedbook.bootstrap.services import Services

app = typer.Typer(no_args_is_help=True, help="The public copy of the chain.")


@app.command()
def follow(as_json: bool = typer.Option(False, "--json", help="print JSON")) -> None:
    """Bring the mirror to the chain's head."""
    with Services.open(config.load()) as services:
        progress = services.follow()
    said = {"case": str(progress.case), "added": progress.added, "undone": progress.undone, "head": progress.head}
    print(json.dumps(said) if as_json else f"block {progress.head}: {progress.added} added, {progress.undone} undone")


@app.command()
def rebuild(
    check: bool = typer.Option(False, "--check", help="rebuild beside the live mirror and compare; change nothing"),
    as_json: bool = typer.Option(False, "--json", help="print JSON"),
) -> None:
    """Rebuild the mirror from block 0. With --check: exit 0 equal, 1 different, naming the first row."""
    with Services.open(config.load()) as services:
        if not check:
            progress = services.rebuild_mirror()
            print(json.dumps({"head": progress.head}) if as_json else f"rebuilt up to block {progress.head}")
            return
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
