"""Attestations about a target key: an asset's version, a batch, a member, an offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, select

from deedbook.domain.codes import AttestationKind, Outcome
from deedbook.mirror.projector import STANDING
from deedbook.mirror.schema import attestations as table
from deedbook.queries.rows import Reading, many, time_of
from deedbook.queries.views import View, code_of


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
