"""Target keys: what attestations, cases and holds are about."""

from __future__ import annotations

from typing import Annotated

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.domain.members import member_key

Target = Annotated[
    str,
    typer.Argument(help="32 bytes of 0x-hex (a version key, batch, asset, offer or sale), asset:ID, or member:ACCOUNT"),
]


def target_of(services: Services, text: str) -> bytes:
    """The 32-byte key that a word names."""
    kind, _, rest = text.partition(":")
    if kind == "asset" and rest:
        return grammar.asset_of(rest, "target").to_bytes(32, "big")
    if kind == "member" and rest:
        return member_key(acts.account(services, rest, "target"))
    return grammar.key32(text, "target")
