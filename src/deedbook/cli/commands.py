"""The tree of commands: one group per noun, its module loaded only when it is used."""

from __future__ import annotations

import importlib
import os
from typing import Any

import typer
from typer.core import TyperGroup

from deedbook import __version__

COMMANDS = {
    "demo": "a sale told by doing it: Guiyang, Shenzhen",
    "init": "create a home: chain, contracts, databases, keys",
    "serve": "run everything of a home in one process",
    "status": "what is healthy",
    "settings": "what is set, and where; secrets hidden",
    "backup": "records, keys and payloads into one sealed file",
    "restore": "a backup put back, and the chain asked",
    "db": "the records' schema: checked, upgraded",
    "members": "who takes part",
    "assets": "data assets and their versions",
    "consents": "collect, anchor, verify, prove, bind, withdraw",
    "attestations": "what reviewers and auditors state",
    "offers": "what is for sale, on what terms",
    "sales": "order, pay, deliver, accept",
    "revenue": "settle, pay out",
    "usage": "what was used, metered against a quota",
    "cases": "objections, disputes and holds",
    "anchors": "checkpoints of an exchange's own log",
    "webhooks": "who is told of events, and what nobody took",
    "relayed": "acts that their member signs and others pay for",
    "deployment": "what the contracts follow, and their end",
    "payloads": "seal, show, erase",
    "wallet": "keys and signatures",
    "mirror": "the public copy of the chain",
    "audit": "export and verify",
    "chain": "validators of your own: genesis and keys",
}


class Nouns(TyperGroup):
    """Finds `deedbook.cli.<noun>` when its command is asked for, so that one noun never loads another's rooms."""

    def list_commands(self, _ctx: Any) -> list[str]:
        """The nouns, in the order of the story."""
        return list(COMMANDS)

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        """The command of a noun, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"deedbook.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        """One line each, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(cls=Nouns, no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"deedbook {__version__}")
        raise typer.Exit


@app.callback()
def deedbook(
    home: str = typer.Option("", "--home", help="the folder of the home (DEEDBOOK_HOME)"),
    _version: bool = typer.Option(False, "--version", callback=_say_version, is_eager=True, help="print the version"),
) -> None:
    """A deed book for data: who holds it, who consented, who bought, who was paid."""
    if home:
        os.environ["DEEDBOOK_HOME"] = home


def command() -> Any:
    """The whole command line."""
    return typer.main.get_command(app)
