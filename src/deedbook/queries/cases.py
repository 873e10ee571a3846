"""Cases about a target key, and the holds that stop it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from deedbook.domain.codes import CaseKind, Outcome
from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
from deedbook.mirror.schema import cases as table
from deedbook.mirror.schema import holds as hold_table
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, many, one
from deedbook.queries.views import Page, View, code_of

BY_OPENING: Final = Keyset("cases", table.c.opened_block, table.c.case_id)
BY_HOLD: Final = Keyset("holds", hold_table.c.held_block, hold_table.c.target, hold_table.c.holder)


@dataclass(frozen=True)
class CaseView(View):
    """An objection, dispute, leak or breach; `outcome` and what follows are None while it is open."""

    case_id: bytes
    target: bytes
    kind: CaseKind | int
    opener: bytes
    document_hash: bytes
    opened_block: int
    decider: bytes | None
    outcome: Outcome | int | None
    decision_hash: bytes | None
    decided_block: int | None


@dataclass(frozen=True)
class HoldView(View):
    """A hold of one holder on a target; `active` until that holder releases it."""

    target: bytes
    holder: bytes
    active: bool
    document_hash: bytes
    held_block: int
    released_block: int | None


def case(mirror: Reading, case_id: bytes) -> CaseView:
    """Raises NotFound."""
    with mirror.reading() as connection:
        row = one(connection, select(table).where(table.c.case_id == case_id))
    if row is None:
        raise NotFound("case", to_hex(case_id))
    return _case(row)


def cases(mirror: Reading, target: bytes, *, limit: int = 100, after: str | None = None) -> Page[CaseView]:
    """The cases about a target key (32 bytes), oldest first. Raises InvalidInput."""
    query = select(table).where(table.c.target == target)
    with mirror.reading() as connection:
        return BY_OPENING.page(connection, query, _case, limit=limit, after=after)


def about(mirror: Reading, documents: Collection[bytes]) -> dict[bytes, list[CaseView]]:
    """The cases that were opened for one of these documents (32-byte hashes), by it, oldest first."""
    query = BY_OPENING.ordered(select(table).where(table.c.document_hash.in_(list(documents))))
    found: dict[bytes, list[CaseView]] = {}
    with mirror.reading() as connection:
        for row in many(connection, query):
            found.setdefault(row["document_hash"], []).append(_case(row))
    return found


def all_cases(
    mirror: Reading, *, only_open: bool = False, limit: int = 100, after: str | None = None
) -> Page[CaseView]:
    """Every case, or those that nobody decided yet, oldest first. Raises InvalidInput."""
    query = select(table).where(table.c.outcome.is_(None)) if only_open else select(table)
    with mirror.reading() as connection:
        return BY_OPENING.page(connection, query, _case, limit=limit, after=after)


def all_holds(
    mirror: Reading, *, holder: bytes | None = None, limit: int = 100, after: str | None = None
) -> Page[HoldView]:
    """The holds that are active now, of one holder (20 bytes) where named, oldest first. Raises InvalidInput."""
    query = select(hold_table).where(hold_table.c.active)
    if holder is not None:
        query = query.where(hold_table.c.holder == holder)
    with mirror.reading() as connection:
        return BY_HOLD.page(connection, query, _hold, limit=limit, after=after)


def holds(mirror: Reading, target: bytes) -> tuple[HoldView, ...]:
    """The holds that there are or were on a target key, by holder."""
    with mirror.reading() as connection:
        return on(connection, target)


def on(connection: Connection, target: bytes) -> tuple[HoldView, ...]:
    """As `holds`, in a transaction that is open."""
    query = select(hold_table).where(hold_table.c.target == target).order_by(hold_table.c.holder)
    return tuple(_hold(row) for row in many(connection, query))


def _hold(row: Mapping[str, Any]) -> HoldView:
    return HoldView(
        row["target"], row["holder"], row["active"], row["document_hash"], row["held_block"], row["released_block"]
    )


def _case(row: Mapping[str, Any]) -> CaseView:
    return CaseView(
        case_id=row["case_id"],
        target=row["target"],
        kind=code_of(CaseKind, row["kind"]),
        opener=row["opener"],
        document_hash=row["document_hash"],
        opened_block=row["opened_block"],
        decider=row["decider"],
        outcome=None if row["outcome"] is None else code_of(Outcome, row["outcome"]),
        decision_hash=row["decision_hash"],
        decided_block=row["decided_block"],
    )
