"""Members: standing, roles, licences, encryption keys - as governance and the members themselves put them on chain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import select

from deedbook.domain.codes import Licence, MemberState, Role
from deedbook.domain.hashing import checksum_address
from deedbook.errors import NotFound
from deedbook.mirror.schema import participants
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, one
from deedbook.queries.views import Page, View, code_of

NO_ROLE: Final = Role(0)
BY_ACCOUNT: Final = Keyset("members", participants.c.account)


@dataclass(frozen=True)
class MemberView(View):
    """A participant. `valid_until` is Unix seconds; `encryption_key` the commitment (32 bytes) to the key of
    `encryption_suite` (HPKE KEM id, 0: none)."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"valid_until"})

    account: bytes
    identity: bytes
    state: MemberState | int
    jurisdiction: int
    roles: Role
    licences: tuple[Licence | int, ...]
    valid_until: int
    reason: int
    encryption_suite: int
    encryption_key: bytes
    admitted_block: int
    changed_block: int

    def is_in_good_standing(self, now: int) -> bool:
        """Admitted, and not expired at `now`."""
        return self.state is MemberState.ADMITTED and now <= self.valid_until


def member(mirror: Reading, account: bytes) -> MemberView:
    """The participant with this account (20 bytes). Raises NotFound."""
    with mirror.reading() as connection:
        row = one(connection, select(participants).where(participants.c.account == account))
    if row is None:
        raise NotFound("member", checksum_address(account))
    return _member(row)


def members(mirror: Reading, *, role: Role = NO_ROLE, limit: int = 100, after: str | None = None) -> Page[MemberView]:
    """Participants by account, of one role where named. Raises InvalidInput."""
    query = select(participants)
    if role:
        query = query.where(participants.c.roles.bitwise_and(int(role)) != 0)
    with mirror.reading() as connection:
        return BY_ACCOUNT.page(connection, query, _member, limit=limit, after=after)


def _member(row: Mapping[str, Any]) -> MemberView:
    return MemberView(
        account=row["account"],
        identity=row["identity"],
        state=code_of(MemberState, row["state"]),
        jurisdiction=row["jurisdiction"],
        roles=Role(row["roles"]),
        licences=tuple(code_of(Licence, code) for code in json.loads(row["licences"])),
        valid_until=int(row["valid_until"]),
        reason=row["reason"],
        encryption_suite=row["encryption_suite"],
        encryption_key=row["encryption_key"],
        admitted_block=row["admitted_block"],
        changed_block=row["changed_block"],
    )
