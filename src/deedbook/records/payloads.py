"""The durable book of payloads, their wrapped keys and their erasures: `domain.payloads.KeyLedger` on SQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from deedbook.domain.hashing import canonical_json, parse_json, to_hex
from deedbook.domain.payloads import ErasureRecord, ErasureTarget, KeyRecord, PayloadRecord
from deedbook.errors import Conflict, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import erasures, payload_keys, payloads

FIRST_GENERATION = 1


class PayloadBook:
    """Implements `domain.payloads.KeyLedger`; every writing method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def generation(self) -> int:
        """The KEK generation in force; 1 in a new book."""
        with self._database.reading() as connection:
            return _generation(connection)

    def add_payload(self, payload: PayloadRecord, key: KeyRecord) -> None:
        """Stores both, or neither. Raises Conflict when the payload exists, or the key's generation is not in force."""
        with self._database.writing() as connection:
            if _find(connection, payloads, payloads.c.payload_id == payload.payload_id) is not None:
                raise Conflict("the payload exists already", payload=to_hex(payload.payload_id))
            if _find(connection, payloads, payloads.c.content_root == payload.content_root) is not None:
                raise Conflict("a payload of this content root exists already", root=to_hex(payload.content_root))
            _require_in_force(connection, key.generation)
            connection.execute(insert(payloads), _payload_row(payload))
            connection.execute(insert(payload_keys), _key_row(key))

    def payload(self, payload_id: bytes) -> PayloadRecord:
        """Raises NotFound."""
        return self._payload(payloads.c.payload_id == payload_id, to_hex(payload_id))

    def payload_of(self, content_root: bytes) -> PayloadRecord:
        """The payload with this content root. Raises NotFound."""
        return self._payload(payloads.c.content_root == content_root, f"with content root {to_hex(content_root)}")

    def key(self, payload_id: bytes) -> KeyRecord:
        """Raises NotFound."""
        with self._database.reading() as connection:
            row = _find(connection, payload_keys, payload_keys.c.payload_id == payload_id)
        if row is None:
            raise NotFound("payload key", to_hex(payload_id))
        return _key(row)

    def keys(self) -> Sequence[KeyRecord]:
        """All key records, ascending by payload id."""
        with self._database.reading() as connection:
            rows = connection.execute(select(payload_keys).order_by(payload_keys.c.payload_id)).mappings()
            return [_key(row) for row in rows]

    def log_erasure(self, erasure: ErasureRecord) -> None:
        """Stores a logged erasure. Raises Conflict when another one is not done, or its generation is not in force."""
        with self._database.writing() as connection:
            if _find(connection, erasures, erasures.c.phase != "done") is not None:
                raise Conflict("another erasure is not done")
            _require_in_force(connection, erasure.from_generation)
            last = connection.execute(select(func.max(erasures.c.position))).scalar_one()
            connection.execute(insert(erasures), {**_erasure_row(erasure), "position": (last or 0) + 1})

    def open_erasure(self) -> ErasureRecord | None:
        """The erasure that is not done, if any."""
        with self._database.reading() as connection:
            row = _find(connection, erasures, erasures.c.phase != "done")
        return None if row is None else _erasure(row)

    def switch(self, erasure_id: bytes, keys: Collection[KeyRecord]) -> None:
        """Replaces all key records, puts the new generation in force and the erasure into phase `switched`.

        Raises Conflict, and changes nothing, when `keys` are not exactly those of the payloads stored now, or the
        erasure is not `logged`; NotFound. What the old rows held is overwritten in the file.
        """
        with self._database.writing() as connection:
            row = _find(connection, erasures, erasures.c.erasure_id == erasure_id)
            if row is None:
                raise NotFound("erasure", to_hex(erasure_id))
            if row["phase"] != "logged":
                raise Conflict(f"the erasure is {row['phase']}", erasure=to_hex(erasure_id))
            _require_whole(connection, keys, row["to_generation"])
            connection.execute(delete(payload_keys))
            if keys:
                connection.execute(insert(payload_keys), [_key_row(key) for key in keys])
            moved = update(erasures).where(erasures.c.erasure_id == erasure_id)
            connection.execute(moved.values(phase="switched"))
        self._database.forget()

    def finish_erasure(self, erasure_id: bytes, receipt: bytes) -> None:
        """Stores the receipt and the phase `done`; again the same changes nothing. Raises Conflict, NotFound."""
        with self._database.writing() as connection:
            row = _find(connection, erasures, erasures.c.erasure_id == erasure_id)
            if row is None:
                raise NotFound("erasure", to_hex(erasure_id))
            if (row["phase"], row["receipt"]) == ("done", receipt):
                return
            if row["phase"] != "switched":
                raise Conflict(f"the erasure is {row['phase']}", erasure=to_hex(erasure_id))
            done = update(erasures).where(erasures.c.erasure_id == erasure_id)
            connection.execute(done.values(phase="done", receipt=receipt))

    def erasure(self, erasure_id: bytes) -> ErasureRecord:
        """Raises NotFound."""
        with self._database.reading() as connection:
            row = _find(connection, erasures, erasures.c.erasure_id == erasure_id)
        if row is None:
            raise NotFound("erasure", to_hex(erasure_id))
        return _erasure(row)

    def erasures(self) -> Sequence[ErasureRecord]:
        """All erasures, in the order in which they were logged."""
        with self._database.reading() as connection:
            rows = connection.execute(select(erasures).order_by(erasures.c.position)).mappings()
            return [_erasure(row) for row in rows]

    def _payload(self, where: Any, what: str) -> PayloadRecord:
        with self._database.reading() as connection:
            row = _find(connection, payloads, where)
        if row is None:
            raise NotFound("payload", what)
        return _payload(row)


def _generation(connection: Connection) -> int:
    switched = select(func.max(erasures.c.to_generation)).where(erasures.c.phase != "logged")
    return connection.execute(switched).scalar_one() or FIRST_GENERATION


def _require_in_force(connection: Connection, generation: int) -> None:
    now = _generation(connection)
    if generation != now:
        raise Conflict(f"generation {generation} is not in force, {now} is", generation=now)


def _require_whole(connection: Connection, keys: Collection[KeyRecord], generation: int) -> None:
    stored = connection.execute(select(payload_keys.c.payload_id, payload_keys.c.epoch)).all()
    known = {row.payload_id: row.epoch for row in stored}
    given = {key.payload_id: key for key in keys}
    if given.keys() != known.keys() or len(given) != len(keys):
        raise Conflict("the keys are not those of the payloads stored now")
    for payload_id, key in given.items():
        if key.generation != generation or key.epoch not in (known[payload_id], known[payload_id] + 1):
            raise Conflict("a key is of another generation or epoch", payload=to_hex(payload_id))


def _find(connection: Connection, table: Any, where: Any) -> Row | None:
    row = connection.execute(select(table).where(where)).mappings().first()
    return None if row is None else dict(row)


def _payload_row(payload: PayloadRecord) -> dict[str, Any]:
    return {
        "payload_id": payload.payload_id,
        "asset_id": payload.asset_id.to_bytes(32, "big"),
        "version": payload.version,
        "count": payload.count,
        "content_root": payload.content_root,
        "object_key": payload.object_key,
        "created_at": payload.created_at,
    }


def _payload(row: Row) -> PayloadRecord:
    return PayloadRecord(
        row["payload_id"],
        int.from_bytes(row["asset_id"], "big"),
        row["version"],
        row["count"],
        row["content_root"],
        row["object_key"],
        row["created_at"],
    )


def _key_row(key: KeyRecord) -> dict[str, Any]:
    return {
        "payload_id": key.payload_id,
        "epoch": key.epoch,
        "generation": key.generation,
        "wrapped_key": key.wrapped_key,
        "sealed_seeds": key.sealed_seeds,
    }


def _key(row: Row) -> KeyRecord:
    return KeyRecord(row["payload_id"], row["epoch"], row["generation"], row["wrapped_key"], row["sealed_seeds"])


def _erasure_row(erasure: ErasureRecord) -> dict[str, Any]:
    targets = [{"payloadId": to_hex(each.payload_id), "indices": list(each.indices)} for each in erasure.targets]
    return {
        "erasure_id": erasure.erasure_id,
        "targets": canonical_json(targets).decode(),
        "from_generation": erasure.from_generation,
        "to_generation": erasure.to_generation,
        "phase": erasure.phase,
        "logged_at": erasure.logged_at,
        "receipt": erasure.receipt,
    }


def _erasure(row: Row) -> ErasureRecord:
    targets = tuple(
        ErasureTarget(bytes.fromhex(each["payloadId"][2:]), tuple(each["indices"]))
        for each in parse_json(row["targets"].encode(), "targets")
    )
    return ErasureRecord(
        row["erasure_id"],
        targets,
        row["from_generation"],
        row["to_generation"],
        row["phase"],
        row["logged_at"],
        row["receipt"],
    )
