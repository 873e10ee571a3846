"""The command `deedbook`: one group per noun, loaded only when used, and the one place where errors become words.

Exit codes: 0 done; 1 a check found a difference or a contradiction; 2 usage; 3 evidence missing; 4 a contract
refused; 5 not found; 6 in use or in conflict; 7 chain unavailable or another chain; 8 stored data is damaged;
9 a key is missing; 70 a fault of Deedbook itself; 130 interrupted.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import Abort, Exit, TyperException

from deedbook import __version__
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    DeedbookError,
    EvidenceMissing,
    IntegrityError,
    InvalidInput,
    MissingKey,
    NotFound,
    RejectedByContract,
    TransactionFailed,
    WrongChain,
)

EXIT_CODES: tuple[tuple[type[DeedbookError], int], ...] = (
    (InvalidInput, 2),
    (EvidenceMissing, 3),
    (RejectedByContract, 4),
    (NotFound, 5),
    (Conflict, 6),
    (ChainUnavailable, 7),
    (WrongChain, 7),
    (TransactionFailed, 7),
    (IntegrityError, 8),
    (MissingKey, 9),
)
FAULT = 70

COMMANDS = {
    "demo": "the Guiyang sale, end to end, on real records",
    "init": "create a home: chain, contracts, databases, keys",
    "serve": "run everything of a home in one process",
    "status": "what is healthy",
    "members": "who takes part",
    "assets": "data assets and their versions",
    "consents": "collect, anchor, bind, withdraw",
    "attestations": "what reviewers and auditors state",
    "offers": "what is for sale, on what terms",
    "sales": "order, pay, deliver, accept",
    "revenue": "settle, pay out, a person's statement",
    "cases": "objections, disputes and holds",
    "payloads": "seal, open, erase",
    "wallet": "keys and signatures",
    "mirror": "the public copy of the chain",
    "audit": "export and verify",
}


class Nouns(TyperGroup):
    """Finds `deedbook.cli.<noun>` when its command is asked for, so that `audit verify` never loads a database."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"deedbook.cli.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=Nouns, no_args_is_help=True, rich_markup_mode=None, add_completion=True, pretty_exceptions_enable=False
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"deedbook {__version__}")
        raise typer.Exit


@app.callback()
def deedbook(
    home: str = typer.Option("", "--home", help="the folder of the home (DEEDBOOK_HOME)"),
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="print the version"),
) -> None:
    """A deed book for data: who holds it, who consented, who bought, who was paid."""
    if home:
        os.environ["DEEDBOOK_HOME"] = home


def exit_code(error: DeedbookError) -> int:
    """The stable exit code of an error."""
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1)


def words(error: DeedbookError) -> str:
    """An error as people read it: lower case, no period, with a hint."""
    text = f"error: {error}"
    return f"{text}\nhint: {error.hint}" if error.hint else text


def as_json(error: DeedbookError) -> str:
    """An error as programs read it."""
    facts: dict[str, Any] = {"code": error.code, "message": str(error), **error.fields}
    if isinstance(error, RejectedByContract):
        facts["arguments"] = dict(error.arguments)
    return json.dumps({"error": facts}, default=str, ensure_ascii=False)


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code; every error is in words on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = typer.main.get_command(app).main(args=given, prog_name="deedbook", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except DeedbookError as error:
        print(as_json(error) if "--json" in given else words(error), file=sys.stderr)
        return exit_code(error)
    except Exit as leaving:
        return leaving.exit_code
    except TyperException as error:
        print(f"error: {error.format_message()}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Abort):
        print("error: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        print(f"error: a fault of Deedbook itself: {type(error).__name__}", file=sys.stderr)
        if os.environ.get("DEEDBOOK_DEBUG"):
            raise
        return FAULT


def main() -> None:
    """The console script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
