"""Consents: batches with their terms, where a consent stands in them, and whether it still counts.

The chain holds a batch's root and not its leaves, so which leaf a consentId is, is told by who keeps the consents
(`place`), until the leaf ends: then the chain names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, and_, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.batches import Batch
from deedbook.domain.codes import AttestationKind, EndCause, Mode, Purpose
from deedbook.domain.consents import Terms
from deedbook.domain.hashing import to_hex
from deedbook.errors import InvalidInput, NotFound
from deedbook.mirror.projector import MARK_DISMISSED, MARK_PENDING, STANDING
from deedbook.mirror.schema import attestations, batches, bindings, direct_grants, leaves_ended, marks
from deedbook.queries.attestations import AttestationView, about
from deedbook.queries.keysets import Keyset
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import Page, View, code_of

ASKED_AT_ONCE: Final = 500
"""How many consents one question names: databases bound the parameters of a statement."""
BY_GRANT: Final = Keyset("batches", batches.c.granted_block, batches.c.batch_id)
Place = Callable[[bytes], tuple[bytes, int]]
"""Batch id and leaf index of a consentId; raises NotFound."""


@dataclass(frozen=True)
class BindingView(View):
    """A batch in the basis of a version: record index = `record_offset` + leaf index."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id"})

    asset_id: int
    version: int
    batch_id: bytes
    record_offset: int
    count: int
    auditor: bytes
    bound_at: int
    bound_block: int
    bound_tx: bytes


@dataclass(frozen=True)
class BatchView(View):
    """A batch: what every leaf grants at least, how many there are, and how many have ended."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "valid_from", "valid_until"})

    batch_id: bytes
    asset_id: int
    collector: bytes
    root: bytes
    count: int
    ended: int
    direct: bool
    controller: bytes
    recipient: bytes
    recipient_class: int
    purpose: Purpose | int
    modes: Mode
    cross_border: bool
    notice_hash: bytes
    valid_from: int
    valid_until: int
    manifest_hash: bytes
    version: int
    granted_at: int
    granted_block: int
    granted_tx: bytes
    bindings: tuple[BindingView, ...]
    attestations: tuple[AttestationView, ...]

    @property
    def live(self) -> int:
        """Leaves that have not ended."""
        return self.count - self.ended

    @property
    def stated(self) -> Batch:
        """The batch as its collector keeps it."""
        return Batch(self.batch_id, self.asset_id, self.root, self.count, Terms.of(self), self.manifest_hash)

    def to_json(self) -> dict[str, Any]:
        """The view as a JSON object, with `live`."""
        return {**super().to_json(), "live": self.live}


@dataclass(frozen=True)
class EndView(View):
    """How and when a leaf ended."""

    cause: EndCause | int
    actor: bytes
    at: int
    block: int
    tx: bytes


@dataclass(frozen=True)
class ConsentView(View):
    """A consent as the chain knows it. `live`: its leaf stands and no withdrawal of it is pending; `subject` is known
    once it was withdrawn, or was granted directly."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id"})

    consent_id: bytes
    asset_id: int
    batch_id: bytes
    index: int
    subject: bytes | None
    live: bool
    ended: EndView | None
    withdrawal_pending: bool
    batch: BatchView


def batch(mirror: Reading, batch_id: bytes) -> BatchView:
    """Raises NotFound."""
    with mirror.reading() as connection:
        return batch_by_id(connection, batch_id)


def batches_of(mirror: Reading, asset_id: int, *, limit: int = 100, after: str | None = None) -> Page[BatchView]:
    """The batches of an asset, oldest first; a consent granted directly is a batch of one. Raises InvalidInput."""
    query = select(batches).where(batches.c.asset_id == asset_key(asset_id))
    with mirror.reading() as connection:
        return BY_GRANT.page(connection, query, lambda row: _batch(connection, row), limit=limit, after=after)


def batches_by(
    mirror: Reading,
    *,
    collector: bytes | None = None,
    only_unaudited: bool = False,
    limit: int = 100,
    after: str | None = None,
) -> Page[BatchView]:
    """Batches, oldest first, of one collector where named; those about which no statement of an audit stands, whatever
    it says. A batch of one that was granted directly needs none. Raises InvalidInput."""
    query = select(batches)
    if collector is not None:
        query = query.where(batches.c.collector == collector)
    if only_unaudited:
        of_batch = and_(attestations.c.target == batches.c.batch_id, attestations.c.state == STANDING)
        audit = attestations.c.kind == int(AttestationKind.CONSENT_AUDIT)
        query = query.where(batches.c.direct.is_(False), ~select(attestations.c.kind).where(of_batch, audit).exists())
    with mirror.reading() as connection:
        return BY_GRANT.page(connection, query, lambda row: _batch(connection, row), limit=limit, after=after)


def consent(mirror: Reading, consent_id: bytes, *, place: Place | None = None) -> ConsentView:
    """The consent with this identifier, where `place`, its end or its direct grant tells its leaf. Raises NotFound."""
    with mirror.reading() as connection:
        batch_id, index = place_of(connection, consent_id, place)
        return _consent(connection, consent_id, batch_id, index)


def place_of(connection: Connection, consent_id: bytes, place: Place | None) -> tuple[bytes, int]:
    """Batch id and leaf index: by the chain where it names the consent, else by `place`. Raises NotFound."""
    ended = select(leaves_ended).where(leaves_ended.c.consent_id == consent_id)
    row = one(connection, ended.order_by(leaves_ended.c.ended_block, leaves_ended.c.leaf_index))
    if row is not None:
        return row["batch_id"], row["leaf_index"]
    row = one(connection, select(direct_grants).where(direct_grants.c.consent_id == consent_id))
    if row is not None:
        return row["batch_id"], 0
    if place is None:
        raise NotFound("consent", to_hex(consent_id), hint="name its batch and index")
    return place(consent_id)


def ended_records(mirror: Reading, asset_id: int, version: int) -> tuple[int, ...]:
    """The record indices of a version whose consents have ended, ascending: what a cover must leave out."""
    here = and_(bindings.c.batch_id == leaves_ended.c.batch_id, bindings.c.version == version)
    query = select(bindings.c.record_offset, leaves_ended.c.leaf_index).select_from(leaves_ended.join(bindings, here))
    query = query.where(bindings.c.asset_id == asset_key(asset_id))
    with mirror.reading() as connection:
        return tuple(sorted(row["record_offset"] + row["leaf_index"] for row in many(connection, query)))


def expiring_bindings(mirror: Reading, asset_id: int, version: int, now: int) -> tuple[BindingView, ...]:
    """The bindings of a version to batches of which a leaf may be valid no more at `now` (Unix seconds): every leaf is
    at least until the batch is."""
    query = select(batches.c.batch_id, batches.c.valid_until).join(bindings, bindings.c.batch_id == batches.c.batch_id)
    query = query.where(bindings.c.asset_id == asset_key(asset_id), bindings.c.version == version)
    with mirror.reading() as connection:
        over = [row["batch_id"] for row in many(connection, query) if int(row["valid_until"]) < now]
        return tuple(
            each
            for batch_id in over
            for each in bindings_of(connection, batch_id)
            if (each.asset_id, each.version) == (asset_id, version)
        )


def ended_leaves(mirror: Reading, batch_id: bytes) -> frozenset[int]:
    """The indices of a batch's leaves that have ended."""
    query = select(leaves_ended.c.leaf_index).where(leaves_ended.c.batch_id == batch_id)
    with mirror.reading() as connection:
        return frozenset(row["leaf_index"] for row in many(connection, query))


def withdrawn_among(mirror: Reading, consent_ids: Sequence[bytes]) -> frozenset[bytes]:
    """Those of these consents that the chain names as ended, or as withdrawn by receipt and not dismissed."""
    found: set[bytes] = set()
    with mirror.reading() as connection:
        for at in range(0, len(consent_ids), ASKED_AT_ONCE):
            some = consent_ids[at : at + ASKED_AT_ONCE]
            ended = select(leaves_ended.c.consent_id).where(leaves_ended.c.consent_id.in_(some))
            marked = select(marks.c.consent_id).where(marks.c.consent_id.in_(some), marks.c.state != MARK_DISMISSED)
            found.update(connection.execute(ended).scalars(), connection.execute(marked).scalars())
    return frozenset(found)


def batch_by_id(connection: Connection, batch_id: bytes) -> BatchView:
    """As `batch`, in a transaction that is open."""
    row = one(connection, select(batches).where(batches.c.batch_id == batch_id))
    if row is None:
        raise NotFound("batch", to_hex(batch_id))
    return _batch(connection, row)


def bindings_of(connection: Connection, batch_id: bytes) -> tuple[BindingView, ...]:
    """Where a batch is or was bound, oldest first."""
    query = select(bindings).where(bindings.c.batch_id == batch_id).order_by(bindings.c.bound_block, bindings.c.version)
    return tuple(
        BindingView(
            asset_id=int.from_bytes(row["asset_id"], "big"),
            version=row["version"],
            batch_id=row["batch_id"],
            record_offset=row["record_offset"],
            count=row["count"],
            auditor=row["auditor"],
            bound_at=time_of(connection, row["bound_block"]),
            bound_block=row["bound_block"],
            bound_tx=row["bound_tx"],
        )
        for row in many(connection, query)
    )


def _consent(connection: Connection, consent_id: bytes, batch_id: bytes, index: int) -> ConsentView:
    of = batch_by_id(connection, batch_id)
    if not 0 <= index < of.count:
        raise InvalidInput("index", f"is not below the batch's count {of.count}")
    at = and_(leaves_ended.c.batch_id == batch_id, leaves_ended.c.leaf_index == index)
    end = one(connection, select(leaves_ended).where(at))
    grant = one(connection, select(direct_grants).where(direct_grants.c.batch_id == batch_id))
    mark = one(connection, select(marks).where(and_(marks.c.consent_id == consent_id, marks.c.state == MARK_PENDING)))
    known = end or grant or mark
    return ConsentView(
        consent_id=consent_id,
        asset_id=of.asset_id,
        batch_id=batch_id,
        index=index,
        subject=known["subject"] if known else None,
        live=end is None and mark is None,
        ended=None if end is None else _end(connection, end),
        withdrawal_pending=mark is not None,
        batch=of,
    )


def _end(connection: Connection, row: Mapping[str, Any]) -> EndView:
    block = row["ended_block"]
    return EndView(code_of(EndCause, row["cause"]), row["actor"], time_of(connection, block), block, row["ended_tx"])


def _batch(connection: Connection, row: Mapping[str, Any]) -> BatchView:
    return BatchView(
        batch_id=row["batch_id"],
        asset_id=int.from_bytes(row["asset_id"], "big"),
        collector=row["collector"],
        root=row["root"],
        count=row["count"],
        ended=row["withdrawn"],
        direct=row["direct"],
        controller=row["controller"],
        recipient=row["recipient"],
        recipient_class=row["recipient_class"],
        purpose=code_of(Purpose, row["purpose"]),
        modes=Mode(row["modes"]),
        cross_border=row["cross_border"],
        notice_hash=row["notice_hash"],
        valid_from=int(row["valid_from"]),
        valid_until=int(row["valid_until"]),
        manifest_hash=row["manifest_hash"],
        version=row["version"],
        granted_at=time_of(connection, row["granted_block"]),
        granted_block=row["granted_block"],
        granted_tx=row["granted_tx"],
        bindings=bindings_of(connection, row["batch_id"]),
        attestations=about(connection, row["batch_id"]),
    )
