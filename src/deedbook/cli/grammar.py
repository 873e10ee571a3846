"""What the words of a command line mean: shared options, and text as identifiers, codes, times, files.

Knows no use case. Everything that is malformed raises InvalidInput naming the option or file it stands in.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from deedbook.domain.codes import word_of
from deedbook.domain.hashing import from_hex, parse_json
from deedbook.errors import InvalidFormat, InvalidInput

AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
As = Annotated[str, typer.Option("--as", help="the account of this home that acts, by name")]
Limit = Annotated[int, typer.Option(help="how many at most")]
After = Annotated[str, typer.Option(help="go on after this place, as the last page named it")]

_PLAIN: Any = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "add_completion": False}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "y": 365 * 86_400}
_DATED = re.compile(r"(19[7-9]|[2-9][0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}")
_LATER = re.compile(r"\+([0-9]{1,9})([smhdy])")


def group(words: str) -> typer.Typer:
    """A group of commands about one noun, with plain help."""
    return typer.Typer(**_PLAIN, no_args_is_help=True, help=words)


def single() -> typer.Typer:
    """One command that is a noun or verb of its own."""
    return typer.Typer(**_PLAIN)


def key32(text: str, field: str) -> bytes:
    """A 32-byte identifier in 0x-hex."""
    return from_hex(text, field, 32)


def asset_of(text: str, field: str = "asset") -> int:
    """An asset id, decimal or 32 bytes of 0x-hex."""
    if text.startswith("0x"):
        return int.from_bytes(from_hex(text, field, 32), "big")
    if not text.isascii() or not text.isdigit() or len(text) > 78 or int(text) >= 2**256:
        raise InvalidInput(field, "is neither decimal nor 32 bytes of hex")
    return int(text)


def code(codes: type[IntEnum] | type[IntFlag], text: str, field: str) -> int:
    """A code by its name (`legal-opinion`) or its number."""
    if text.isascii() and text.isdigit() and len(text) < 6:
        return int(text)
    names = {word_of(each): int(each) for each in codes}
    if text.lower() not in names:
        raise InvalidInput(field, f"{text!r} is none of {', '.join(names)}")
    return names[text.lower()]


def codes_of(codes: type[IntEnum] | type[IntFlag], texts: Sequence[str], field: str) -> tuple[int, ...]:
    """Several codes, ascending, each once."""
    return tuple(sorted({code(codes, text, field) for text in texts}))


def bits(codes: type[IntFlag], texts: Sequence[str], field: str) -> int:
    """The union of several bits."""
    found = 0
    for text in texts:
        found |= code(codes, text, field)
    return found


def moment(text: str, field: str, now: int) -> int:
    """Unix seconds: as such, as a UTC date or time (`2027-01-31`, `2027-01-31T08:00:00Z`), or from `now` (`+90d`)."""
    if text.isascii() and text.isdigit() and len(text) <= 12:
        return int(text)
    later = _LATER.fullmatch(text)
    if later:
        return now + int(later[1]) * _UNITS[later[2]]
    try:
        found = datetime.fromisoformat(text if _DATED.match(text) else "")
    except ValueError as error:
        raise InvalidInput(field, "is no time", hint="give 2027-01-31, Unix seconds, or +90d") from error
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def amount(text: str, field: str) -> int:
    """Minor units of a currency."""
    if not text.isascii() or not text.isdigit() or len(text) > 39:
        raise InvalidInput(field, "is not a whole number of minor units")
    return int(text)


def content_of(name: str, field: str = "file") -> bytes:
    """The bytes of a file; `-` reads standard input."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name"
        raise InvalidInput(field, f"cannot read {name}: {reason}") from error


def json_of(name: str, field: str = "file") -> Any:
    """The value of a JSON file; `-` reads standard input. Raises InvalidFormat naming line and column."""
    return json_in(content_of(name, field), name if name != "-" else "standard input")


def json_in(content: bytes, what: str, *, line: int = 1) -> Any:
    """The value of a JSON text that begins in this line of `what`."""
    try:
        return parse_json(content, what)
    except InvalidFormat as error:
        cause = error.__cause__
        if isinstance(cause, json.JSONDecodeError):
            row, column = line + cause.lineno - 1, cause.colno
            words = f"line {row} column {column}: {cause.msg}"
            raise InvalidFormat(what, words, line=row, column=column) from error
        if line > 1 or b"\n" in content.strip():
            raise InvalidFormat(
                what, f"line {line}: {error.reason}" if line > 1 else error.reason, line=line
            ) from error
        raise


def write(name: str, content: bytes, field: str = "out") -> None:
    """Writes a file; `-` is standard output."""
    if name == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        Path(name).write_bytes(content)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name"
        raise InvalidInput(field, f"cannot write {name}: {reason}") from error


@contextmanager
def sink(name: str, field: str = "out", *, private: bool = False) -> Iterator[BinaryIO]:
    """A file to be written piece by piece, there under its name when it is whole; `-` is standard output. What is
    `private` nobody else on the machine can read."""
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = Path(f"{name}.part")
    try:
        with open(part, "wb", opener=_private if private else None) as file:
            yield file
        part.replace(name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name"
        raise InvalidInput(field, f"cannot write {name}: {reason}") from error
    finally:
        with suppress(OSError, ValueError):
            part.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def opened(name: str, field: str = "file") -> Iterator[BinaryIO]:
    """A file to be read, standard input for `-`. Raises InvalidInput."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a name"
        raise InvalidInput(field, f"cannot read {name}: {reason}") from error
