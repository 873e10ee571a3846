"""Files of people's records, to be sealed: NDJSON or CSV, read strictly; every refusal names line and column.

NDJSON: one `{"salt": "0x..", "record": {...}}` a line. CSV (RFC 4180, UTF-8): a header, one column `salt`, the others
the fields of the record, as text unless `types` says otherwise. Nothing of a record goes into an error.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deedbook.cli import grammar
from deedbook.domain.hashing import from_hex
from deedbook.errors import InvalidFormat, InvalidInput

_DATE = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,14})")


@dataclass(frozen=True)
class RecordLine:
    """One record, the salt of its commitment (32 bytes), and the line it began in."""

    line: int
    salt: bytes
    record: Mapping[str, Any]


def read_records(name: str, content: bytes, types: Mapping[str, str]) -> list[RecordLine]:
    """The records of a file: CSV where its name ends so, NDJSON otherwise. `types` gives the fields' types
    (`domain.assets.FIELD_TYPES`) for CSV. Raises InvalidFormat."""
    text = _text(name, content)
    found = list(_csv(name, text, types) if name.endswith(".csv") else _ndjson(name, text))
    if not found:
        raise InvalidFormat(name, "line 1 column 1: no record", line=1, column=1)
    return found


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig" if name.endswith(".csv") else "utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1
        raise _refused(name, line, column, "not UTF-8") from error


def _ndjson(name: str, text: str) -> Iterator[RecordLine]:
    for line, row in enumerate(text.split("\n"), start=1):
        if not row.strip():
            continue
        value = grammar.json_in(row.encode(), name, line=line)
        if not isinstance(value, dict) or set(value) != {"salt", "record"} or not isinstance(value["record"], dict):
            raise _refused(name, line, 1, "not exactly a salt and a record")
        yield RecordLine(line, _salt(name, line, 1, value["salt"]), value["record"])


def _csv(name: str, text: str, types: Mapping[str, str]) -> Iterator[RecordLine]:
    if "\0" in text:
        place = text.index("\0")
        raise _refused(name, text.count("\n", 0, place) + 1, place - text.rfind("\n", 0, place), "a zero byte")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows = _numbered(name, reader)
    _, header = next(rows, (1, []))
    _check_header(name, header)
    for line, row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise _refused(name, line, min(len(row), len(header)) + 1, f"{len(row)} cells for {len(header)} columns")
        cells = dict(zip(header, row, strict=True))
        salt = _salt(name, line, header.index("salt") + 1, cells.pop("salt"))
        record = {
            field: _value(name, line, header.index(field) + 1, cell, types.get(field, "text"))
            for field, cell in cells.items()
        }
        yield RecordLine(line, salt, record)


def _numbered(name: str, reader: Any) -> Iterator[tuple[int, list[str]]]:
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _refused(name, line, 1, str(error)) from error
        yield line, row


def _check_header(name: str, header: list[str]) -> None:
    if "salt" not in header:
        raise _refused(name, 1, 1, "no column salt")
    for column, field in enumerate(header, start=1):
        if not field or header.index(field) != column - 1:
            raise _refused(name, 1, column, "a column without a name, or with that of another")


def _salt(name: str, line: int, column: int, text: object) -> bytes:
    try:
        return from_hex(text, "salt", 32)
    except InvalidInput as error:
        raise _refused(name, line, column, f"salt {error.reason}") from error


def _value(name: str, line: int, column: int, cell: str, kind: str) -> Any:
    match kind:
        case "integer" if _INTEGER.fullmatch(cell):
            return int(cell)
        case "boolean" if cell in ("true", "false"):
            return cell == "true"
        case "decimal" if _DECIMAL.fullmatch(cell):
            return cell
        case "date" if _DATE.fullmatch(cell):
            return cell
        case "text":
            return cell
    raise _refused(name, line, column, f"not of type {kind}")


def _refused(name: str, line: int, column: int, reason: str) -> InvalidFormat:
    return InvalidFormat(name, f"line {line} column {column}: {reason}", line=line, column=column)
