"""Entries of a log as they come: NDJSON, any JSON value a line, read strictly into canonical form (RFC 8785)."""

from __future__ import annotations

import re
from typing import Final

import orjson

from deedbook.domain.anchors import MOST_ENTRY
from deedbook.domain.hashing import MOST_DEPTH, canonical_json, parse_json
from deedbook.errors import InvalidFormat, InvalidInput

_UNSURE: Final = re.compile(rb"[:\[,]-?[0-9]+[.eE]|[:\[,]-?[0-9]{16}")
"""Numbers that orjson may write otherwise than RFC 8785: long and fractional ones. (It writes no minus zero that is
not fractional.)"""
_BEYOND: Final = re.compile(rb"[\xf0-\xff]")
"""Where characters beyond U+FFFF are: the two sort keys that have them differently."""
_NUMBERS: Final = frozenset(b"-0123456789")


def entries_in(body: bytes, *, most: int, first: int = 1) -> list[bytes]:
    """The canonical bytes of the entries of NDJSON, one a line; the last line feed may be missing. `first` is the
    number of the first line.

    Raises InvalidFormat (`entries`) naming the `line`, InvalidInput (`entries`) for none or more than `most`.
    """
    lines = body.split(b"\n", most + 1)
    if not lines[-1]:
        lines.pop()
    if not 1 <= len(lines) <= most:
        raise InvalidInput("entries", f"are not 1 to {most} lines")
    return [line if is_canonical(line) else _entry(line, number) for number, line in enumerate(lines, first)]


def is_canonical(line: bytes) -> bool:
    """Whether a line is an entry in canonical form already, told fast; False where that is not sure."""
    if len(line) > MOST_ENTRY or line.count(b"[") + line.count(b"{") > MOST_DEPTH or not line:
        return False
    if _UNSURE.search(line) or (line[0] in _NUMBERS and _UNSURE.match(b":" + line)):
        return False
    if not line.isascii() and _BEYOND.search(line):
        return False
    try:
        return orjson.dumps(orjson.loads(line), option=orjson.OPT_SORT_KEYS) == line
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # whoever reads it strictly says why
        return False


def _entry(line: bytes, number: int) -> bytes:
    if len(line) > MOST_ENTRY:
        raise InvalidFormat("entries", f"line {number}: is longer than {MOST_ENTRY} bytes", line=number)
    try:
        return canonical_json(parse_json(line, "entries"))
    except InvalidInput as error:
        raise InvalidFormat("entries", f"line {number}: {error.reason}", line=number) from error
