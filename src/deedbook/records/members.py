"""The directory of members: the public keys that deliveries are sealed to, labels for the operator's eyes, and who a
member legally is, for the people whose records it orders.

The chain holds a hash of each key and a salted hash of each identity; the key itself, and any name, is only here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, insert, select

from deedbook.domain.hashing import canonical_json, checksum_address, parse_canonical_json
from deedbook.domain.members import identity_commitment
from deedbook.errors import IntegrityError, NotFound
from deedbook.records.database import Database, Row
from deedbook.records.schema import legal_identities, members
from deedbook.records.sealing import Sealer

SALT: Final = 32
"""Bytes of an identity's salt."""


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


class LegalIdentities:
    """Who members legally are, sealed, each with the salt that opens its commitment on chain."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def put(self, account: bytes, salt: bytes, identity: Mapping[str, Any]) -> bytes:
        """Keeps a legal identity in the place of an earlier one; its commitment (32 bytes)."""
        commitment = identity_commitment(salt, identity)
        sealed = self._sealer.seal(salt + canonical_json(dict(identity)), _context(account))
        row = {"account": account, "commitment": commitment, "sealed": sealed}
        with self._database.writing() as connection:
            connection.execute(delete(legal_identities).where(legal_identities.c.account == account))
            connection.execute(insert(legal_identities), row)
        return commitment

    def of(self, accounts: Collection[bytes]) -> dict[bytes, tuple[bytes, dict[str, Any]]]:
        """Commitment and identity of those accounts of which one is kept. Raises SealBroken, IntegrityError where one
        is not what its commitment says."""
        wanted = select(legal_identities).where(legal_identities.c.account.in_(list(accounts)))
        with self._database.reading() as connection:
            rows = list(connection.execute(wanted).mappings())
        return {row["account"]: (row["commitment"], self._opened(row)) for row in rows}

    def _opened(self, row: Row) -> dict[str, Any]:
        plain = self._sealer.open(row["sealed"], _context(row["account"]))
        identity: dict[str, Any] = parse_canonical_json(plain[SALT:], "identity")
        if identity_commitment(plain[:SALT], identity) != row["commitment"]:
            raise IntegrityError("a kept identity is not what its commitment says")
        return identity


def _context(account: bytes) -> bytes:
    return b"deedbook.records.identity" + account
