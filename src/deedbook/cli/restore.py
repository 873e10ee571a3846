"""`deedbook restore`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap import backups
from deedbook.bootstrap.services import unix_time
from deedbook.cli import acts, grammar
from deedbook.cli.backup import PassphraseFile, passphrase_in
from deedbook.cli.grammar import AsJson

app = grammar.single()


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="the backup", show_default=False)],
    passphrase_file: PassphraseFile = "",
    replace: Annotated[bool, typer.Option("--replace", help="put it in the place of what the home has")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup into the home, and ask the chain what has ended since. keks/ and keys that are there stay. Exit 0
    restored; 1 restored, but receipts were given that its logs do not have."""
    restored = backups.restore(
        config.load(),
        file,
        passphrase_in(passphrase_file),
        clock=unix_time,
        entropy=secrets.token_bytes,
        replace_all=replace,
    )
    if as_json:
        acts.say_json(restored.to_json())
    else:
        _words(restored)
    raise typer.Exit(1 if restored.lost else 0)


def _words(restored: backups.Restored) -> None:
    found = restored.to_json()
    made = restored.manifest
    print(f"restored the backup of {made.get('madeAt')} (release {made.get('release')}, chain {made.get('chainId')})")
    print(f"{found['rows']} rows, {found['files']} files; {found['ended']} consents or records had ended since")
    for lost in found["lostEntries"]:
        where = "the chain has them" if lost["anchored"] else "they were not anchored"
        print(f"LOST: entries {lost['kept']} to {lost['known']} of the log of {lost['exchange']}: {where}")
    for note in restored.notes:
        print(f"note: {note}")
