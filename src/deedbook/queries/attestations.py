"""Attestations about a target key - an asset's version, a batch, a member, an offer - by an attester, and those that
are wanted."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Integer, Numeric, Select, and_, cast, literal, or_, select, true, union_all

from deedbook.domain.codes import AssetKind, AssetState, AttestationKind, Outcome
from deedbook.mirror.projector import STANDING
from deedbook.mirror.schema import assets, policies, versions
from deedbook.mirror.schema import attestations as table
from deedbook.queries.keysets import Keyset, Places
from deedbook.queries.rows import Reading, many, streamed, time_of
from deedbook.queries.views import Page, View, code_of, page_of, require_limit

BY_END: Final = Places("attested", (int, bytes, int))
_LATEST: Final = 2**63 - 1
_KINDS: Final = union_all(
    *(
        select(literal(int(kind), Integer).label("wanted"), literal(1 << kind, Integer).label("bit"))
        for kind in AttestationKind
        if kind is not AttestationKind.CONSENT_AUDIT  # of batches, and asked where they are bound
    )
).subquery("kinds")
BY_ASSET: Final = Keyset("wanted", assets.c.asset_id, _KINDS.c.wanted)


@dataclass(frozen=True)
class AttestationView(View):
    """What an accredited member stated. `valid_until` is Unix seconds; `standing`: not withdrawn."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"valid_until"})

    target: bytes
    kind: AttestationKind | int
    attester: bytes
    outcome: Outcome | int
    document_hash: bytes
    valid_until: int
    standing: bool
    corrected: bool
    attested_at: int
    attested_block: int
    attested_tx: bytes
    withdrawn_block: int | None

    def is_live(self, now: int) -> bool:
        """Standing, positive, and not expired at `now`."""
        return self.standing and self.outcome is Outcome.POSITIVE and now <= self.valid_until


@dataclass(frozen=True)
class WantedView(View):
    """A statement of a `kind` that is asked for and that nobody's live one gives, about the newest version of an asset
    (its `version_key`): where its offers are listed (`to_list`), or where they are ordered."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id"})

    asset_id: int
    version: int
    version_key: bytes
    kind: AttestationKind | int
    to_list: bool


def wanted(mirror: Reading, now: int, *, limit: int = 100, after: str | None = None) -> Page[WantedView]:
    """What is asked for of registered assets at `now` (Unix seconds) and stated by nobody; by asset and kind. That an
    attester is no party, and in good standing, is the contract's to judge. Raises InvalidInput."""
    with mirror.reading() as connection:
        return BY_ASSET.page(connection, _wanted(now), _want, limit=limit, after=after)


def _wanted(now: int) -> Select[Any]:
    newest = and_(versions.c.asset_id == assets.c.asset_id, versions.c.version == assets.c.version)
    of_kind = and_(policies.c.kind == assets.c.kind, policies.c.grade == assets.c.grade)
    lists = policies.c.to_list.op("&")(_KINDS.c.bit) != 0
    orders = policies.c.to_order.op("&")(_KINDS.c.bit) != 0
    # whatever is about no person stands on its source, whatever the policy says (Market)
    lawful = and_(_KINDS.c.wanted == int(AttestationKind.SOURCE_LEGALITY), assets.c.kind != int(AssetKind.PERSONAL))
    lawful = and_(lawful, assets.c.personal.is_(False))
    live = and_(
        table.c.target == versions.c.version_key,
        table.c.kind == _KINDS.c.wanted,
        table.c.state == STANDING,
        table.c.outcome == int(Outcome.POSITIVE),
        cast(table.c.valid_until, Numeric) >= now,
    )
    joined = assets.join(versions, newest).join(_KINDS, true()).outerjoin(policies, of_kind)
    columns = (assets.c.asset_id, assets.c.version, versions.c.version_key, _KINDS.c.wanted)
    query = select(*columns, lists.label("to_list")).select_from(joined)
    asked = assets.c.state == int(AssetState.REGISTERED)
    return query.where(asked, or_(lists, orders, lawful), ~select(table.c.kind).where(live).exists())


def _want(row: Mapping[str, Any]) -> WantedView:
    return WantedView(
        asset_id=int.from_bytes(row["asset_id"], "big"),
        version=row["version"],
        version_key=row["version_key"],
        kind=code_of(AttestationKind, row["wanted"]),
        to_list=bool(row["to_list"]),
    )


def attested_by(
    mirror: Reading, attester: bytes, *, limit: int = 100, after: str | None = None
) -> Page[AttestationView]:
    """The standing statements of an attester (20 bytes), those that end first before the others. Raises
    InvalidInput."""
    start: tuple[Any, ...] = () if after is None else BY_END.parts(after)
    query = select(table).where(table.c.attester == attester, table.c.state == STANDING)
    with mirror.reading() as connection:
        behind = (row for row in streamed(connection, query) if _end(row) > start)
        rows = heapq.nsmallest(require_limit(limit) + 1, behind, key=_end)
        found = [_attestation(connection, row) for row in rows[:limit]]
    return page_of(found, len(rows) > limit, [BY_END.token(*_end(row)) for row in rows])


def _end(row: Mapping[str, Any]) -> tuple[int, bytes, int]:
    return min(int(row["valid_until"]), _LATEST), row["target"], row["kind"]


def attestations(mirror: Reading, target: bytes) -> tuple[AttestationView, ...]:
    """Everything stated about a target key (32 bytes), by kind and attester."""
    with mirror.reading() as connection:
        return about(connection, target)


def about(connection: Connection, target: bytes) -> tuple[AttestationView, ...]:
    """As `attestations`, in a transaction that is open."""
    query = select(table).where(table.c.target == target).order_by(table.c.kind, table.c.attester)
    return tuple(_attestation(connection, row) for row in many(connection, query))


def _attestation(connection: Connection, row: Mapping[str, Any]) -> AttestationView:
    return AttestationView(
        target=row["target"],
        kind=code_of(AttestationKind, row["kind"]),
        attester=row["attester"],
        outcome=code_of(Outcome, row["outcome"]),
        document_hash=row["document_hash"],
        valid_until=int(row["valid_until"]),
        standing=row["state"] == STANDING,
        corrected=row["corrected"],
        attested_at=time_of(connection, row["attested_block"]),
        attested_block=row["attested_block"],
        attested_tx=row["attested_tx"],
        withdrawn_block=row["withdrawn_block"],
    )
