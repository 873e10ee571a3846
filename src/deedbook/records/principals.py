"""Who asks the service: API keys and sessions by the hash of their secret, nonces that were used, whose operations are
whose, and the log of reads of personal matter.

No secret is kept. A nonce is used by the transaction that first writes it; the log is only ever added to.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError as Duplicate

from deedbook.domain.principals import KeyEntry, Matter, Means, PersonalRead, Scope, Session
from deedbook.errors import Conflict, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import api_keys, operation_owners, personal_reads, sessions, used_nonces

USED_EVERY: Final = 60
"""Seconds for which a key's last use is not written again."""
MOST_READS: Final = 1000
"""Reads of a page of the log."""


class Principals:
    """The keys, sessions and reads of a home; every writing method is one transaction. Times are Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # -- keys ------------------------------------------------------------------------------------------------------

    def add_key(self, entry: KeyEntry, kept: bytes) -> None:
        """Keeps a key by the hash of its secret (32 bytes). Raises Conflict where another one is called so and good."""
        named = select(api_keys).where(api_keys.c.name == entry.name)
        with self._database.writing() as connection:
            if any(_key(row).is_good(entry.made_at) for row in connection.execute(named).mappings()):
                raise Conflict("another good key is called so", name=entry.name)
            self._add(connection, entry, kept)

    def rotate(self, entry: KeyEntry, kept: bytes, *, former_ends: int) -> None:
        """Keeps a key in the place of its `former` one, which ends then at the latest. Raises NotFound."""
        assert entry.former is not None
        with self._database.writing() as connection:
            ends = or_(api_keys.c.ends_at.is_(None), api_keys.c.ends_at > former_ends)
            named = api_keys.c.key_id == entry.former
            if connection.execute(select(api_keys.c.key_id).where(named)).first() is None:
                raise NotFound("key", entry.former.hex())
            connection.execute(update(api_keys).where(named, ends).values(ends_at=former_ends))
            self._add(connection, entry, kept)

    def _add(self, connection: Connection, entry: KeyEntry, kept: bytes) -> None:
        last = connection.execute(select(func.max(api_keys.c.position))).scalar_one() or 0
        connection.execute(insert(api_keys), {**_key_row(entry), "position": last + 1, "secret_hash": kept})

    def every_key(self) -> list[KeyEntry]:
        """Every key that was ever made, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(api_keys).order_by(api_keys.c.position)).mappings()
            return [_key(row) for row in rows]

    def key(self, key_id: bytes) -> KeyEntry:
        """Raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).mappings().first()
        if row is None:
            raise NotFound("key", key_id.hex())
        return _key(row)

    def has_keys(self) -> bool:
        """Whether a key was ever made."""
        with self._database.reading() as connection:
            return connection.execute(select(api_keys.c.key_id).limit(1)).first() is not None

    def revoke(self, key_id: bytes, *, now: int) -> None:
        """Ends a key at once; one that is revoked stays so. Raises NotFound."""
        with self._database.writing() as connection:
            named = api_keys.c.key_id == key_id
            if connection.execute(select(api_keys.c.key_id).where(named)).first() is None:
                raise NotFound("key", key_id.hex())
            connection.execute(update(api_keys).where(named, api_keys.c.revoked_at.is_(None)).values(revoked_at=now))

    def use(self, key_id: bytes, kept: bytes, *, now: int) -> KeyEntry | None:
        """The key of this id, where it is good and its secret is the one of this hash; its use is noted. The hashes are
        compared in constant time, also where there is no such key."""
        with self._database.reading() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).mappings().first()
        same = hmac.compare_digest(bytes(32) if row is None else row["secret_hash"], kept)
        if row is None or not same or not _key(row).is_good(now):
            return None
        if row["used_at"] is None or row["used_at"] + USED_EVERY <= now:
            with self._database.writing() as connection:
                connection.execute(update(api_keys).where(api_keys.c.key_id == key_id).values(used_at=now))
        return _key(row)

    # -- sessions --------------------------------------------------------------------------------------------------

    def begin(self, kept: bytes, session: Session, *, nonce: bytes, nonce_ends: int) -> bool:
        """Uses a nonce (by its SHA-256) and keeps the session by the hash of its token (32 bytes); False, and nothing
        is kept, where the nonce was used before. Sessions and nonces that are over are forgotten."""
        now = session.made_at
        row: dict[str, Any] = {"token_hash": kept, "account": session.account, "scopes": _words(session.scopes)}
        row |= {"made_at": now, "ends_at": session.ends_at}
        try:
            with self._database.writing() as connection:
                connection.execute(delete(used_nonces).where(used_nonces.c.ends_at <= now))
                connection.execute(delete(sessions).where(sessions.c.ends_at <= now))
                connection.execute(insert(used_nonces), {"nonce_hash": nonce, "ends_at": nonce_ends})
                connection.execute(insert(sessions), row)
        except Duplicate:
            return False
        return True

    def session(self, kept: bytes, *, now: int) -> Session | None:
        """The session of a token, by its hash, unless it is over."""
        with self._database.reading() as connection:
            row = connection.execute(select(sessions).where(sessions.c.token_hash == kept)).mappings().first()
        if row is None or row["ends_at"] <= now:
            return None
        return Session(row["account"], _scopes(row["scopes"]), row["made_at"], row["ends_at"])

    def end(self, kept: bytes) -> None:
        """Ends a session."""
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.token_hash == kept))

    # -- whose operations are whose --------------------------------------------------------------------------------

    def own(self, operation_id: bytes, account: bytes) -> None:
        """Notes who handed an operation over."""
        row = {"operation_id": operation_id, "account": account}
        known = [getattr(operation_owners.c, name) == value for name, value in row.items()]
        with self._database.writing() as connection:
            if connection.execute(select(operation_owners.c.account).where(*known)).first() is None:
                connection.execute(insert(operation_owners), row)

    def owners(self, operation_id: bytes) -> frozenset[bytes]:
        """Who handed an operation over."""
        wanted = select(operation_owners.c.account).where(operation_owners.c.operation_id == operation_id)
        with self._database.reading() as connection:
            return frozenset(connection.execute(wanted).scalars())

    # -- the log of reads ------------------------------------------------------------------------------------------

    def note(self, reads: Collection[PersonalRead]) -> None:
        """Adds reads to the log, before what was read is answered."""
        with self._database.writing() as connection:
            last = connection.execute(select(func.max(personal_reads.c.position))).scalar_one() or 0
            rows = [{"position": last + 1 + place, **_read_row(read)} for place, read in enumerate(reads)]
            if rows:
                connection.execute(insert(personal_reads), rows)

    def reads(
        self, *, matter: bytes | None = None, reference: str | None = None, after: int = 0, limit: int = 100
    ) -> tuple[list[tuple[int, PersonalRead]], bool]:
        """The reads behind a place of the log, each with its place, of one matter or by one reader where named; and
        whether there are more."""
        query = select(personal_reads).where(personal_reads.c.position > after)
        if matter is not None:
            query = query.where(personal_reads.c.matter == matter)
        if reference is not None:
            query = query.where(personal_reads.c.reference == reference)
        limit = min(limit, MOST_READS)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(personal_reads.c.position).limit(limit + 1)).mappings().all()
        return [(row["position"], _read(row)) for row in rows[:limit]], len(rows) > limit


def _words(scopes: Collection[Scope]) -> str:
    return " ".join(sorted(scopes))


def _scopes(text: str) -> frozenset[Scope]:
    return frozenset(map(Scope, text.split()))


def _key_row(entry: KeyEntry) -> dict[str, Any]:
    return {
        "key_id": entry.key_id,
        "name": entry.name,
        "account": entry.account,
        "scopes": _words(entry.scopes),
        "made_at": entry.made_at,
        "ends_at": entry.ends_at,
        "revoked_at": entry.revoked_at,
        "used_at": entry.used_at,
        "former": entry.former,
    }


def _key(row: Row) -> KeyEntry:
    return KeyEntry(
        row["key_id"],
        row["name"],
        row["account"],
        _scopes(row["scopes"]),
        row["made_at"],
        row["ends_at"],
        row["revoked_at"],
        row["used_at"],
        row["former"],
    )


def _read_row(read: PersonalRead) -> dict[str, Any]:
    return {
        "at": read.at,
        "means": str(read.means),
        "reference": read.reference,
        "kind": str(read.kind),
        "matter": read.matter,
        "request": read.request,
    }


def _read(row: Row) -> PersonalRead:
    return PersonalRead(
        Means(row["means"]), row["reference"], Matter(row["kind"]), row["matter"], row["request"], row["at"]
    )
