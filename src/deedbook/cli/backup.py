"""`deedbook backup`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap import backups
from deedbook.bootstrap.services import unix_time
from deedbook.cli import acts, grammar
from deedbook.cli.grammar import AsJson
from deedbook.errors import InvalidInput, MissingKey

app = grammar.single()

PassphraseFile = Annotated[
    str, typer.Option(help="a file whose first line is the backup's own passphrase", show_default=False)
]


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="where the backup goes", show_default=False)],
    passphrase_file: PassphraseFile = "",
    without_objects: Annotated[bool, typer.Option("--without-objects", help="leave sealed payloads out")] = False,
    as_json: AsJson = False,
) -> None:
    """Write records, keys, sealed payloads and the home's own chain into one sealed file, also while a service runs.
    The mirror and keks/ are in no backup."""
    made = backups.back_up(
        config.load(),
        file,
        passphrase_in(passphrase_file),
        clock=unix_time,
        entropy=secrets.token_bytes,
        objects=not without_objects,
    )
    acts.show({"file": str(file), **made}, as_json=as_json)


def passphrase_in(name: str) -> str:
    """The first line of a file. Raises InvalidInput where none is named, MissingKey where it cannot be read."""
    if not name:
        hint = "a backup holds keys, and is never written in the clear"
        raise InvalidInput("passphrase-file", "is not said", hint=hint)
    try:
        return Path(name).read_text(encoding="utf-8").split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingKey("the file of the backup's passphrase cannot be read") from error
