"""Files of people's records, to be sealed: NDJSON or CSV, read strictly; every refusal names line and column.

A file is read twice, so that it may be larger than the memory: once for what its records commit to, and then each
record where it stands. What cannot be read twice (a pipe) is kept in memory.

NDJSON: one `{"salt": "0x..", "record": {...}}` a line. CSV (RFC 4180, UTF-8): a header, one column `salt`, the others
the fields of the record, as text unless `types` says otherwise. Nothing of a record goes into an error.
"""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from deedbook.cli import grammar
from deedbook.domain.consents import record_commit
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


class RecordFile:
    """The records of an open file by what they commit to; 150 bytes of memory for each. Raises InvalidFormat."""

    def __init__(self, name: str, file: BinaryIO, types: Mapping[str, str]) -> None:
        self._name = name
        self._file = file
        self._form = _form(name, types)
        self._lines, self._ends = array("Q"), array("Q", [0])
        self._places: dict[bytes, int] = {}
        for found in self._form.read(file):
            self._ends.append(self._form.at)
            if found is not None:
                self._places[record_commit(found.salt, found.record)] = len(self._lines)
            self._lines.append(0 if found is None else found.line)
        if not self._places:
            raise _refused(name, 1, 1, "no record")

    def __len__(self) -> int:
        return len(self._places)

    def take(self, commitment: bytes) -> RecordLine | None:
        """The record of a commitment, which is then no longer here."""
        place = self._places.pop(commitment, None)
        if place is None:
            return None
        start, line = self._ends[place], self._lines[place]
        self._file.seek(start)
        found = self._form.one(line, self._file.read(self._ends[place + 1] - start))
        if found is None or record_commit(found.salt, found.record) != commitment:
            raise _refused(self._name, line, 1, "was changed while it was read")
        return found

    def first_left(self) -> int | None:
        """The line of the first record that nobody took."""
        return min((self._lines[place] for place in self._places.values()), default=None)


@contextmanager
def record_file(name: str, types: Mapping[str, str]) -> Iterator[RecordFile]:
    """The records of a file: CSV where its name ends so, NDJSON otherwise; `-` is standard input. `types` gives the
    fields' types (`domain.assets.FIELD_TYPES`) for CSV. Raises InvalidInput (`records`), InvalidFormat."""
    with grammar.opened(name, "records") as file:
        yield RecordFile(name, file if file.seekable() else io.BytesIO(file.read()), types)


def read_records(name: str, file: BinaryIO, types: Mapping[str, str]) -> list[RecordLine]:
    """All records of a file, in order. Raises InvalidFormat."""
    found = [each for each in _form(name, types).read(file) if each is not None]
    if not found:
        raise _refused(name, 1, 1, "no record")
    return found


class _Form(Protocol):
    """How a file is laid out; `at` is where the reading stands, in bytes from its beginning."""

    at: int

    def read(self, file: BinaryIO) -> Iterator[RecordLine | None]:
        """Each record, None for what is none (a header, an empty line)."""

    def one(self, line: int, content: bytes) -> RecordLine | None:
        """The record that these bytes, beginning in this line, are."""


def _form(name: str, types: Mapping[str, str]) -> _Form:
    return _Csv(name, types) if name.endswith(".csv") else _Ndjson(name)


def _text(name: str, line: int, content: bytes, encoding: str = "utf-8") -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refused(name, line, error.start + 1, "not UTF-8") from error


class _Ndjson:
    def __init__(self, name: str) -> None:
        self._name = name
        self.at = 0

    def read(self, file: BinaryIO) -> Iterator[RecordLine | None]:
        for line, content in enumerate(file, start=1):
            self.at += len(content)
            yield self.one(line, content)

    def one(self, line: int, content: bytes) -> RecordLine | None:
        row = _text(self._name, line, content).removesuffix("\n")
        if not row.strip():
            return None
        value = grammar.json_in(row.encode(), self._name, line=line)
        if not isinstance(value, dict) or set(value) != {"salt", "record"} or not isinstance(value["record"], dict):
            raise _refused(self._name, line, 1, "not exactly a salt and a record")
        return RecordLine(line, _salt(self._name, line, 1, value["salt"]), value["record"])


class _Csv:
    def __init__(self, name: str, types: Mapping[str, str]) -> None:
        self._name = name
        self._types = types
        self._header: Sequence[str] = ()
        self.at = 0

    def read(self, file: BinaryIO) -> Iterator[RecordLine | None]:
        rows = _numbered(self._name, csv.reader(self._pieces(file), strict=True))
        _, header = next(rows, (1, []))
        _check_header(self._name, header)
        self._header = header
        yield None
        for line, row in rows:
            yield self._record(line, row)

    def one(self, line: int, content: bytes) -> RecordLine | None:
        text = io.StringIO(_text(self._name, line, content), newline="")
        return self._record(line, next(csv.reader(text, strict=True), []))

    def _pieces(self, file: BinaryIO) -> Iterator[str]:
        """The lines as the csv module counts them, which asks for no more of them than a row has."""
        for line, content in enumerate(file, start=1):
            text = _text(self._name, line, content)
            if "\0" in text:
                raise _refused(self._name, line, text.index("\0") + 1, "a zero byte")
            for piece in io.StringIO(text, newline=""):
                self.at += len(piece.encode())
                yield piece.removeprefix("\ufeff") if line == 1 else piece

    def _record(self, line: int, row: Sequence[str]) -> RecordLine | None:
        if not row:
            return None
        name, header = self._name, self._header
        if len(row) != len(header):
            raise _refused(name, line, min(len(row), len(header)) + 1, f"{len(row)} cells for {len(header)} columns")
        cells = dict(zip(header, row, strict=True))
        salt = _salt(name, line, header.index("salt") + 1, cells.pop("salt"))
        record = {
            field: _value(name, line, header.index(field) + 1, cell, self._types.get(field, "text"))
            for field, cell in cells.items()
        }
        return RecordLine(line, salt, record)


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
