"""The command `deedbook`: runs one command line, and is the one place where errors become words.

Exit codes: 0 done; 1 a check found a difference or a contradiction; 2 usage; 3 evidence missing; 4 a contract
refused; 5 not found; 6 in use or in conflict; 7 chain or workers unavailable, another chain, or an account that cannot
pay; 8 stored data is damaged, or nodes disagree; 9 a key is missing, or may not be used so; 70 a fault of Deedbook
itself (DEEDBOOK_DEBUG=1 shows it); 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from deedbook.cli import verifying
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    DeedbookError,
    EvidenceMissing,
    Forbidden,
    IntegrityError,
    InvalidInput,
    MissingKey,
    NoFunds,
    NotFound,
    RejectedByContract,
    ServiceRefused,
    ServiceUnavailable,
    StoreUnavailable,
    TooManyRequests,
    TransactionFailed,
    Unauthenticated,
    WorkersUnavailable,
    WrongChain,
)

EXIT_CODES: tuple[tuple[type[DeedbookError], int], ...] = (
    (InvalidInput, 2),
    (EvidenceMissing, 3),
    (RejectedByContract, 4),
    (NotFound, 5),
    (Conflict, 6),
    (ChainUnavailable, 7),
    (StoreUnavailable, 7),
    (ServiceUnavailable, 7),
    (ServiceRefused, 7),
    (WorkersUnavailable, 7),
    (WrongChain, 7),
    (TransactionFailed, 7),
    (NoFunds, 7),
    (IntegrityError, 8),
    (MissingKey, 9),
    (Unauthenticated, 9),
    (Forbidden, 9),
    (TooManyRequests, 7),
)
USAGE = 2
FAULT = 70
INTERRUPTED = 130


def run(arguments: Sequence[str] | None = None) -> int:
    """Runs one command line and returns its exit code; every error is in words on standard error, as JSON where the
    command line says `--json`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        plain = verifying.asked(given)
        return plain.run() if plain else _whole(given)
    except DeedbookError as error:
        print(as_json(error) if "--json" in given else words(error), file=sys.stderr)
        return exit_code(error)
    except KeyboardInterrupt:
        return _complain(given, "interrupted", "interrupted; run the same command again to go on", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if os.environ.get("DEEDBOOK_DEBUG"):
            raise
        return _complain(given, "system", f"{error.strerror or type(error).__name__}: {error.filename or ''}", FAULT)
    except Exception as error:
        if os.environ.get("DEEDBOOK_DEBUG"):
            raise
        return _complain(given, "fault", f"a fault of Deedbook itself: {type(error).__name__}", FAULT)


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
    if error.hint:
        facts["hint"] = error.hint
    return json.dumps({"error": facts}, default=_text, ensure_ascii=False)


def _whole(given: list[str]) -> int:
    from typer.exceptions import Abort, Exit, TyperException

    from deedbook.cli.commands import command

    try:
        result = command().main(args=given, prog_name="deedbook", standalone_mode=False)
    except Exit as leaving:
        return leaving.exit_code
    except Abort as error:
        raise KeyboardInterrupt from error
    except TyperException as error:
        return _misused(given, error)
    return result if isinstance(result, int) else 0


def _misused(given: Sequence[str], error: Any) -> int:
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)
        return USAGE
    text: str = error.format_message().rstrip(".")
    return _complain(given, "usage", text[:1].lower() + text[1:], USAGE)


def _complain(given: Sequence[str], code: str, message: str, exit_with: int) -> int:
    said = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)
    print(said if "--json" in given else f"error: {message}", file=sys.stderr)
    return exit_with


def _text(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def main() -> None:
    """The console script."""
    sys.exit(run())


if __name__ == "__main__":
    main()
