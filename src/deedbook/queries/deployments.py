"""The deployment that the mirror copies: which one it follows, and when nothing new begins in it any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, select

from deedbook.mirror.schema import closings, predecessors
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import View


@dataclass(frozen=True)
class FormerContract(View):
    """A journalled contract of the former deployment, and the head of its journal that this one commits to."""

    contract: bytes
    head: bytes


@dataclass(frozen=True)
class PredecessorView(View):
    """The former deployment: its chain id, and its contracts in their order of deployment."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"chain_id"})

    chain_id: int
    contracts: tuple[FormerContract, ...]


@dataclass(frozen=True)
class ClosingView(View):
    """The announced end; from `closes_at` (Unix seconds) on no asset, offer or order is new."""

    document_hash: bytes
    closes_at: int
    announced_at: int
    announced_block: int
    announced_tx: bytes

    def is_closed(self, now: int) -> bool:
        """Whether the deployment is closed at `now`."""
        return now >= self.closes_at


@dataclass(frozen=True)
class DeploymentView(View):
    """Where the deployment stands among others; None where it follows none, or where no end was announced."""

    predecessor: PredecessorView | None
    closing: ClosingView | None


def deployment(mirror: Reading) -> DeploymentView:
    """What this deployment follows, and its end."""
    with mirror.reading() as connection:
        return DeploymentView(_predecessor(connection), _closing(connection))


def _predecessor(connection: Connection) -> PredecessorView | None:
    former = list(many(connection, select(predecessors).order_by(predecessors.c.place)))
    if not former:
        return None
    contracts = tuple(FormerContract(row["contract"], row["head"]) for row in former)
    return PredecessorView(int(former[0]["chain_id"]), contracts)


def _closing(connection: Connection) -> ClosingView | None:
    row = one(connection, select(closings))
    if row is None:
        return None
    return ClosingView(
        document_hash=row["document_hash"],
        closes_at=row["closes_at"],
        announced_at=time_of(connection, row["announced_block"]),
        announced_block=row["announced_block"],
        announced_tx=row["announced_tx"],
    )
