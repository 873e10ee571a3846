"""Data assets: who holds them, their versions, the legal basis of each, and what was attested about it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, and_, func, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import AssetKind, AssetState, Grade, Mode, Purpose
from deedbook.domain.hashing import ZERO_ADDRESS, to_hex
from deedbook.errors import NotFound
from deedbook.mirror.projector import MARK_PENDING
from deedbook.mirror.schema import (
    asset_changes,
    batches,
    bindings,
    closed_bindings,
    holdings,
    marks,
    transfers,
    versions,
)
from deedbook.mirror.schema import assets as table
from deedbook.queries.attestations import AttestationView, about
from deedbook.queries.cases import HoldView, on
from deedbook.queries.keysets import Keyset
from deedbook.queries.rights import RightView, rights_in
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import Page, View, code_of

BY_ASSET: Final = Keyset("assets", table.c.asset_id)
ASKED_AT_ONCE: Final = 500
"""How many assets one question names: databases bound the parameters of a statement."""


@dataclass(frozen=True)
class BasisView(View):
    """The consents that a version rests on: what all bound batches grant together (modes and border AND, times the
    latest start and the earliest end), and how many leaves stand. A basis counts once it is `closed`."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"valid_from", "valid_until"})

    version: int
    batches: tuple[bytes, ...]
    bound: int
    live: int
    closed: bool
    pending: int
    controller: bytes
    recipient: bytes
    recipient_class: int
    purpose: Purpose | int
    modes: Mode
    cross_border: bool
    valid_from: int
    valid_until: int


@dataclass(frozen=True)
class VersionView(View):
    """A published version, its basis (None where no batch is bound to it), and the attestations about it."""

    version: int
    version_key: bytes
    content_root: bytes
    record_count: int
    descriptor_hash: bytes
    published_at: int
    published_block: int
    published_tx: bytes
    basis: BasisView | None
    attestations: tuple[AttestationView, ...]


@dataclass(frozen=True)
class TransferView(View):
    """A change of holder."""

    from_account: bytes
    to_account: bytes
    block: int
    tx: bytes


@dataclass(frozen=True)
class ChangeView(View):
    """A change of the registered particulars: what they were from then on, and the document behind it."""

    holder: bytes
    source_hash: bytes
    grade: Grade | int
    level: int
    document_hash: bytes
    at: int
    block: int
    tx: bytes


@dataclass(frozen=True)
class AssetSummary(View):
    """An asset in a list; `level` and `source_hash` as they stand now."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "parents"})

    asset_id: int
    state: AssetState | int
    kind: AssetKind | int
    grade: Grade | int
    level: int
    personal: bool
    registrant: bytes
    holder: bytes
    source_hash: bytes
    parents: tuple[int, ...]
    version: int
    registered_at: int
    registered_block: int
    registered_tx: bytes


@dataclass(frozen=True)
class AssetView(AssetSummary):
    """An asset with its versions (newest last), holds, transfers, changes and the rights granted in it; `held` stops
    listing, order and delivery."""

    held: bool
    holds: tuple[HoldView, ...]
    versions: tuple[VersionView, ...]
    transfers: tuple[TransferView, ...]
    changes: tuple[ChangeView, ...]
    rights: tuple[RightView, ...]


def asset(mirror: Reading, asset_id: int) -> AssetView:
    """Raises NotFound."""
    key = asset_key(asset_id)
    with mirror.reading() as connection:
        row = one(connection, _joined().where(table.c.asset_id == key))
        if row is None:
            raise NotFound("asset", str(asset_id))
        holds = on(connection, key)
        return AssetView(
            **_summary(connection, row),
            held=any(hold.active for hold in holds),
            holds=holds,
            versions=_versions(connection, key),
            transfers=_transfers(connection, key),
            changes=_changes(connection, key),
            rights=rights_in(connection, key),
        )


def assets(
    mirror: Reading, *, holder: bytes | None = None, limit: int = 100, after: str | None = None
) -> Page[AssetSummary]:
    """Assets by identifier, of one holder (20 bytes) where named. Raises InvalidInput."""
    query = _joined() if holder is None else _joined().where(holdings.c.holder == holder)
    with mirror.reading() as connection:
        return BY_ASSET.page(
            connection, query, lambda row: AssetSummary(**_summary(connection, row)), limit=limit, after=after
        )


def version(mirror: Reading, asset_id: int, number: int) -> VersionView:
    """One version of an asset. Raises NotFound."""
    return _version_where(
        mirror, and_(versions.c.asset_id == asset_key(asset_id), versions.c.version == number), f"{asset_id}/{number}"
    )


def version_of_key(mirror: Reading, version_key: bytes) -> VersionView:
    """The version with this key (32 bytes). Raises NotFound."""
    return _version_where(mirror, versions.c.version_key == version_key, to_hex(version_key))


def _version_where(mirror: Reading, where: Any, name: str) -> VersionView:
    with mirror.reading() as connection:
        row = one(connection, select(versions).where(where))
        if row is None:
            raise NotFound("version", name)
        return _version(connection, row)


def descriptors_of(mirror: Reading, asset_ids: Collection[int]) -> dict[int, bytes]:
    """The hash of the newest version's descriptor for each of these assets that has a version."""
    newest = and_(versions.c.asset_id == table.c.asset_id, versions.c.version == table.c.version)
    joined = select(table.c.asset_id, versions.c.descriptor_hash).join(versions, newest)
    keys, found = [asset_key(each) for each in asset_ids], dict[int, bytes]()
    with mirror.reading() as connection:
        for at in range(0, len(keys), ASKED_AT_ONCE):
            for row in many(connection, joined.where(table.c.asset_id.in_(keys[at : at + ASKED_AT_ONCE]))):
                found[int.from_bytes(row["asset_id"], "big")] = row["descriptor_hash"]
    return found


def parents_of(row: Mapping[str, Any]) -> tuple[int, ...]:
    """What the asset of this row was derived from."""
    return tuple(int(parent, 16) for parent in json.loads(row["parents"]))


def _joined() -> Any:
    return select(table, holdings.c.holder).outerjoin(holdings, holdings.c.asset_id == table.c.asset_id)


def _summary(connection: Connection, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "asset_id": int.from_bytes(row["asset_id"], "big"),
        "state": code_of(AssetState, row["state"]),
        "kind": code_of(AssetKind, row["kind"]),
        "grade": code_of(Grade, row["grade"]),
        "level": row["level"],
        "personal": row["personal"],
        "registrant": row["registrant"],
        "holder": row["holder"] or ZERO_ADDRESS,
        "source_hash": row["source_hash"],
        "parents": parents_of(row),
        "version": row["version"],
        "registered_at": time_of(connection, row["registered_block"]),
        "registered_block": row["registered_block"],
        "registered_tx": row["registered_tx"],
    }


def _versions(connection: Connection, key: bytes) -> tuple[VersionView, ...]:
    query = select(versions).where(versions.c.asset_id == key).order_by(versions.c.version)
    return tuple(_version(connection, row) for row in many(connection, query))


def _version(connection: Connection, row: Mapping[str, Any]) -> VersionView:
    return VersionView(
        version=row["version"],
        version_key=row["version_key"],
        content_root=row["content_root"],
        record_count=row["record_count"],
        descriptor_hash=row["descriptor_hash"],
        published_at=time_of(connection, row["published_block"]),
        published_block=row["published_block"],
        published_tx=row["published_tx"],
        basis=_basis(connection, row["asset_id"], row["version"]),
        attestations=about(connection, row["version_key"]),
    )


def _basis(connection: Connection, key: bytes, number: int) -> BasisView | None:
    query = select(batches, bindings.c.record_offset).join(bindings, bindings.c.batch_id == batches.c.batch_id)
    query = query.where(and_(bindings.c.asset_id == key, bindings.c.version == number))
    bound = list(many(connection, query.order_by(bindings.c.record_offset)))
    if not bound:
        return None
    modes, first = Mode(bound[0]["modes"]), bound[0]
    for row in bound:
        modes &= Mode(row["modes"])
    closed = and_(closed_bindings.c.asset_id == key, closed_bindings.c.version == number)
    return BasisView(
        version=number,
        batches=tuple(row["batch_id"] for row in bound),
        bound=sum(row["count"] for row in bound),
        live=sum(row["count"] - row["withdrawn"] for row in bound),
        closed=one(connection, select(closed_bindings.c.version).where(closed)) is not None,
        pending=_pending(connection, key),
        controller=first["controller"],
        recipient=first["recipient"],
        recipient_class=first["recipient_class"],
        purpose=code_of(Purpose, first["purpose"]),
        modes=modes,
        cross_border=all(row["cross_border"] for row in bound),
        valid_from=max(int(row["valid_from"]) for row in bound),
        valid_until=min(int(row["valid_until"]) for row in bound),
    )


def _pending(connection: Connection, key: bytes) -> int:
    waiting = and_(marks.c.asset_id == key, marks.c.state == MARK_PENDING)
    return connection.execute(select(func.count()).select_from(marks).where(waiting)).scalar_one()


def _transfers(connection: Connection, key: bytes) -> tuple[TransferView, ...]:
    order = (transfers.c.block_number, transfers.c.log_index)
    query = select(transfers).where(transfers.c.asset_id == key).order_by(*order)
    return tuple(
        TransferView(row["from_account"], row["to_account"], row["block_number"], row["tx_hash"])
        for row in many(connection, query)
    )


def _changes(connection: Connection, key: bytes) -> tuple[ChangeView, ...]:
    order = (asset_changes.c.block_number, asset_changes.c.log_index)
    query = select(asset_changes).where(asset_changes.c.asset_id == key).order_by(*order)
    return tuple(
        ChangeView(
            holder=row["holder"],
            source_hash=row["source_hash"],
            grade=code_of(Grade, row["grade"]),
            level=row["level"],
            document_hash=row["document_hash"],
            at=time_of(connection, row["block_number"]),
            block=row["block_number"],
            tx=row["tx_hash"],
        )
        for row in many(connection, query)
    )
