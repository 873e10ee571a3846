"""`deedbook init`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.cli import grammar
from deedbook.cli.grammar import AsJson
from deedbook.domain.hashing import checksum_address

app = grammar.single()


@app.command()
def init(
    successor_of: Annotated[
        str, typer.Option(help="the folder of the home whose deployment this one follows, and commits to")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Create a home: chain, keys, contracts, databases. One that was begun is finished; a whole one stays as it is."""
    settings = config.load()
    with Services.init(settings, successor_of=Path(successor_of) if successor_of else None) as services:
        said = services.deployment.to_json() | {"home": str(settings.home)}
        if as_json:
            print(json.dumps(said, indent=1))
            return
        print(f"home {settings.home}: chain {services.chain_id}")
        for name, address in services.addresses.items():
            print(f"  {name:14} {checksum_address(address)}")
