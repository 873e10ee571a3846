"""The directory of members: the public keys that deliveries are sealed to, and labels for the operator's eyes.

The chain holds a hash of each key; the key itself, and any name, is only here.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from deedbook.domain.hashing import checksum_address
from deedbook.errors import NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import members


@dataclass(frozen=True, slots=True)
class MemberEntry:
    """A member: account (20 bytes), label, HPKE KEM id (0: no key), public key, and the key's commitment on chain."""

    account: bytes
    label: str
    suite: int
    public_key: bytes
    commitment: bytes


class MemberDirectory:
    """The entries by account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, entry: MemberEntry) -> None:
        """Adds or replaces an entry."""
        with self._database.writing() as connection:
            connection.execute(delete(members).where(members.c.account == entry.account))
            row = {"account": entry.account, "label": entry.label, "suite": entry.suite}
            row |= {"public_key": entry.public_key, "commitment": entry.commitment}
            connection.execute(insert(members), row)

    def get(self, account: bytes) -> MemberEntry:
        """Raises NotFound."""
        with self._database.reading() as connection:
            row = connection.execute(select(members).where(members.c.account == account)).mappings().first()
        if row is None:
            raise NotFound("member", checksum_address(account))
        return _entry(row)

    def find(self, account: bytes) -> MemberEntry | None:
        """The entry, or None."""
        try:
            return self.get(account)
        except NotFound:
            return None

    def all(self) -> list[MemberEntry]:
        """Every entry, by account."""
        with self._database.reading() as connection:
            return [_entry(row) for row in connection.execute(select(members).order_by(members.c.account)).mappings()]


def _entry(row: Row) -> MemberEntry:
    return MemberEntry(row["account"], row["label"], row["suite"], row["public_key"], row["commitment"])
