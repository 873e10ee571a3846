"""`deedbook db`: the schema of the private records."""

from __future__ import annotations

import typer

from deedbook import config
from deedbook.bootstrap.home import Home
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.records import store

app = grammar.group("The private records' database.")


@app.command()
def check(as_json: AsJson = False) -> None:
    """What the records lack for this release; changes nothing. Exit 0 nothing, 1 something (run `deedbook db upgrade`),
    2 a newer release made them."""
    found = store.schema_at(_url())
    if as_json:
        acts.say_json(
            {
                "current": found.is_current,
                "schema": found.version,
                "newest": found.newest,
                "missing": list(found.missing),
                "differences": list(found.differences),
            }
        )
    else:
        print(f"schema {found.version or 'none'}, the newest is {found.newest}")
        for migration in found.missing:
            print(f"lacks migration {migration}")
        for difference in found.differences:
            print(difference)
    raise typer.Exit(0 if found.is_current else 1)


@app.command()
def upgrade(as_json: AsJson = False) -> None:
    """Bring the records to this release's schema, all of it or nothing; only forwards. Back up first."""
    before = store.upgrade(_url())
    said = {"from": before.version, "to": before.newest, "done": list(before.missing)}
    if as_json:
        acts.say_json(said)
    elif before.missing:
        print(f"schema {before.version or 'none'} is {before.newest} now")
    else:
        print(f"schema {before.newest}: nothing to do")


def _url() -> str:
    settings = config.load()
    home = Home.open(settings.home)
    return settings.records_url or f"sqlite:///{home.records}"
