"""Looks for people in bytes: every form in which a name, a number or a record could have slipped out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deedbook.cli.demo.people import Person
from deedbook.domain.hashing import canonical_json, keccak256, sha256


@dataclass(frozen=True)
class Leak:
    """Where something of a person was found, whose, and in which form."""

    place: str
    person: int
    what: str


def needles(people: Iterable[Person]) -> dict[bytes, tuple[int, str]]:
    """What must be nowhere: each value as UTF-8, hex and ABI word, its unsalted hashes, and those of the record."""
    found: dict[bytes, tuple[int, str]] = {}
    for number, person in enumerate(people):
        values = {"name": person.name, "identity number": person.identity_number, "phone": person.phone}
        for what, value in values.items():
            for form, content in _forms(value):
                found.setdefault(content, (number, f"{what} as {form}"))
        record = person.record()
        whole = {
            "record": canonical_json(record),
            "identity part": canonical_json({key: record[key] for key in ("name", "identityNumber", "phone")}),
        }
        for what, content in whole.items():
            for form, digest in _hashes(content):
                found.setdefault(digest, (number, f"{what} as {form}"))
    return found


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    text = value.encode()
    yield "UTF-8", text
    yield "hex", text.hex().encode()
    yield "upper-case hex", text.hex().upper().encode()
    yield "UTF-16", value.encode("utf-16-le")
    yield "JSON escapes", value.encode("unicode_escape")
    yield "ABI word, left-aligned", text[:32].ljust(32, b"\0")
    digits = "".join(sign for sign in value if sign.isdigit())
    if len(digits) >= 12:
        yield "ABI word, a number", int(digits).to_bytes(32, "big")
        yield "hex of the number", f"{int(digits):064x}".encode()
        yield "number in storage", int(digits).to_bytes((int(digits).bit_length() + 7) // 8, "big")
    yield from _hashes(text)


def _hashes(content: bytes) -> Iterator[tuple[str, bytes]]:
    for name, digest in (("keccak256", keccak256(content)), ("SHA-256", sha256(content))):
        yield name, digest
        yield f"{name} in hex", digest.hex().encode()


def scan(places: Mapping[str, bytes], forms: Mapping[bytes, tuple[int, str]]) -> list[Leak]:
    """Every form that stands anywhere in these bytes."""
    return [
        Leak(place, number, what)
        for place, content in places.items()
        for form, (number, what) in forms.items()
        if form in content
    ]


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a home, raw, and every value of its SQLite databases, which raw pages may split."""
    found: dict[str, bytes] = {}
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = str(path.relative_to(folder))
        content = path.read_bytes()
        found[name] = content
        if content.startswith(b"SQLite format 3"):
            found |= {f"{name}: {table}": rows for table, rows in _rows(path)}
    return found


def _rows(path: Path) -> Iterator[tuple[str, bytes]]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"')
            yield table, b"\n".join(_bytes(value) for row in rows for value in row)
    finally:
        connection.close()


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
