"""Public documents by their SHA-256: descriptors, notices, source statements, opinions, terms, policies, receipts.

What the chain names by a hash is found here; a document is never changed, since it would have another name.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy import insert, select

from deedbook.domain.hashing import canonical_json, parse_json, sha256, to_hex
from deedbook.errors import IntegrityError, InvalidFormat, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import documents

JSON: Final = "application/json"
LOOKED_AT: Final = 10_000
"""Documents whose titles one search reads."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document: SHA-256 of its content, kind (`notice`, `descriptor`, ...), media type, content, Unix seconds."""

    hash: bytes
    kind: str
    media_type: str
    content: bytes
    added_at: int

    @property
    def json(self) -> Any:
        """Its content as JSON. Raises InvalidFormat."""
        return parse_json(self.content, self.kind)


class Documents:
    """The documents of a home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, kind: str, content: bytes, *, at: int, media_type: str = JSON) -> bytes:
        """Keeps a document; its SHA-256. Known content stays as it was kept first. `at` is Unix seconds."""
        name = sha256(content)
        row = {"hash": name, "kind": kind, "media_type": media_type, "content": content, "added_at": at}
        with self._database.writing() as connection:
            if connection.execute(select(documents.c.kind).where(documents.c.hash == name)).first() is None:
                connection.execute(insert(documents), row)
        return name

    def put_json(self, kind: str, value: Any, *, at: int) -> bytes:
        """Keeps a value in canonical JSON (RFC 8785); its SHA-256."""
        return self.put(kind, canonical_json(value), at=at)

    def get(self, name: bytes) -> Document:
        """The document of this SHA-256. Raises NotFound, IntegrityError where the content was changed."""
        with self._database.reading() as connection:
            row = connection.execute(select(documents).where(documents.c.hash == name)).mappings().first()
        if row is None:
            raise NotFound("document", to_hex(name))
        return _document(row)

    def find(self, name: bytes) -> bytes | None:
        """The content of this SHA-256, or None. Raises IntegrityError."""
        try:
            return self.get(name).content
        except NotFound:
            return None

    def of_kind(self, kind: str) -> list[Document]:
        """All documents of a kind, by the time and hash of their adding."""
        wanted = select(documents).where(documents.c.kind == kind).order_by(documents.c.added_at, documents.c.hash)
        with self._database.reading() as connection:
            return [_document(row) for row in connection.execute(wanted).mappings()]

    def titled(self, words: str, *, kind: str = "descriptor", most: int = 50) -> list[bytes]:
        """The hashes of documents of a kind whose `title` holds these words, whatever their case: at most `most`, of
        the LOOKED_AT that were added last; the newest first."""
        wanted = select(documents).where(documents.c.kind == kind).order_by(documents.c.added_at.desc())
        with self._database.reading() as connection:
            rows = connection.execute(wanted.limit(LOOKED_AT)).mappings()
            found = (row["hash"] for row in rows if words.casefold() in _title(row).casefold())
            return list(islice(found, most))


def _title(row: Row) -> str:
    try:
        value = parse_json(row["content"], row["kind"])
    except InvalidFormat:
        return ""
    title = value.get("title") if isinstance(value, dict) else None
    return title if isinstance(title, str) else ""


def _document(row: Row) -> Document:
    document = Document(row["hash"], row["kind"], row["media_type"], row["content"], row["added_at"])
    if sha256(document.content) != document.hash:
        raise IntegrityError("a stored document is not what its hash says", document=to_hex(document.hash))
    return document
