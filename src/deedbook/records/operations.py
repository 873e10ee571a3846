"""Operations, and the idempotency keys of requests with what they were answered.

Nothing of a client's key is kept but its SHA-256; an answer is kept sealed. A key is taken before anything is done, and
given back where nothing was. Who took it and did not live to answer - another life of the same owner, or anybody whose
time is over - is succeeded by the next one who comes with the same request: every request can be carried out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, select, update

from deedbook.domain.hashing import canonical_json, parse_json
from deedbook.domain.operations import KEPT, Answered, OperationKind, OperationRow
from deedbook.errors import KeyReused, UnderWay
from deedbook.records.database import Database, Row
from deedbook.records.schema import idempotency_keys as keys
from deedbook.records.schema import intents, operations
from deedbook.records.sealing import Sealer

ASKED_AT_ONCE: Final = 500
"""How many keys one question names."""
TERM: Final = 60
"""Seconds for which one who took a key is believed to be at it."""


class OperationBook:
    """The operations of a home and its idempotency keys; each method is one SQL transaction.

    A `key` is the SHA-256 of what the client sent, a `request` that of what it asked for; times are Unix seconds.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    # -- operations ------------------------------------------------------------------------------------------------

    def put(self, row: OperationRow, *, at: int, key: bytes | None = None) -> None:
        """Keeps an operation, and which key it answers: before its intent is put. The same one again says what is
        shown of it from now on."""
        values = {"kind": row.kind.value, "intent": row.intent, "about": canonical_json(row.about).decode()}
        known = operations.c.operation_id == row.operation_id
        with self._database.writing() as connection:
            if not connection.execute(update(operations).where(known).values(values)).rowcount:
                connection.execute(insert(operations), {**values, "operation_id": row.operation_id, "made_at": at})
            if key is not None:
                _bind(connection, key, operation_id=row.operation_id)

    def find(self, operation_id: bytes) -> OperationRow | None:
        """An operation that was kept."""
        wanted = select(operations).where(operations.c.operation_id == operation_id)
        with self._database.reading() as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            return None
        about = parse_json(row["about"].encode(), "about")
        return OperationRow(row["operation_id"], OperationKind(row["kind"]), row["intent"], about)

    def accounts(self, states: tuple[str, ...]) -> list[bytes]:
        """Who signs the intents of operations in these states."""
        wanted = select(intents.c.signer).where(intents.c.state.in_(states), operations.c.intent == intents.c.key)
        with self._database.reading() as connection:
            return sorted(connection.execute(wanted.distinct()).scalars())

    def made_at(self, intents_of: Sequence[str]) -> dict[str, int]:
        """When operations were accepted (Unix seconds), by the key of their intent; the first one's, of several."""
        found: dict[str, int] = {}
        for at in range(0, len(intents_of), ASKED_AT_ONCE):
            some = intents_of[at : at + ASKED_AT_ONCE]
            wanted = select(operations.c.intent, func.min(operations.c.made_at).label("made_at"))
            wanted = wanted.where(operations.c.intent.in_(some))
            with self._database.reading() as connection:
                rows = connection.execute(wanted.group_by(operations.c.intent))
                found |= {row.intent: row.made_at for row in rows}
        return found

    # -- idempotency keys ------------------------------------------------------------------------------------------

    def begin(self, key: bytes, request: bytes, *, owner: str, life: str, now: int) -> Answered | None:
        """Takes a key for a request; or gives what the same request was answered.

        Keys older than KEPT are forgotten first. Raises KeyReused where the key stands for another request, UnderWay
        while somebody is at it.
        """
        taken = {"owner": owner, "life": life, "until": now + TERM}
        with self._database.writing() as connection:
            connection.execute(delete(keys).where(keys.c.made_at <= now - KEPT))
            row = connection.execute(select(keys).where(keys.c.key_hash == key)).mappings().first()
            if row is None:
                connection.execute(insert(keys), {"key_hash": key, "request_hash": request, "made_at": now, **taken})
                return None
            if row["request_hash"] != request:
                raise KeyReused
            answered = self._answered(connection, row)
            if answered is None:
                if row["until"] > now and (row["owner"] != owner or row["life"] == life):
                    raise UnderWay
                connection.execute(update(keys).where(keys.c.key_hash == key).values(taken))
            return answered

    def keep(self, key: bytes, *, operation_id: bytes | None = None, answer: bytes = b"") -> None:
        """Keeps what a request under this key was answered."""
        sealed = None if operation_id is not None else self._sealer.seal(answer, _context(key))
        with self._database.writing() as connection:
            _bind(connection, key, operation_id=operation_id, answer=sealed)

    def release(self, key: bytes) -> None:
        """Gives a key back under which nothing was done."""
        with self._database.writing() as connection:
            undone = keys.c.operation_id.is_(None) | ~_is_put(keys.c.operation_id)
            connection.execute(delete(keys).where(keys.c.key_hash == key, keys.c.answer.is_(None), undone))

    def _answered(self, connection: Connection, row: Row) -> Answered | None:
        if row["answer"] is not None:
            return Answered(answer=self._sealer.open(row["answer"], _context(row["key_hash"])))
        if row["operation_id"] is not None and connection.execute(select(_is_put(row["operation_id"]))).scalar():
            return Answered(row["operation_id"])
        return None


def _is_put(operation_id: Any) -> ColumnElement[bool]:
    """Whether the operation has its intent, or is a relayed act: those are kept before their key says so."""
    named = operations.c.operation_id == operation_id
    return ~exists().where(named) | exists().where(named, intents.c.key == operations.c.intent)


def _bind(connection: Connection, key: bytes, **values: Any) -> None:
    connection.execute(update(keys).where(keys.c.key_hash == key).values(values))


def _context(key: bytes) -> bytes:
    return b"answer/" + key
