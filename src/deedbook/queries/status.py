"""How the mirror stands: its head, what is proven, how much it holds, what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, and_, func, select

from deedbook.mirror import schema
from deedbook.mirror.follower import CONTRACT_HEAD
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import View

COUNTED: Final[tuple[Table, ...]] = (
    schema.logs,
    schema.participants,
    schema.assets,
    schema.versions,
    schema.batches,
    schema.leaves_ended,
    schema.attestations,
    schema.cases,
    schema.offers,
    schema.sales,
    schema.settlements,
    schema.payouts,
    schema.rights,
    schema.disputes,
    schema.refunds,
    schema.deferred_lists,
    schema.usage_reports,
    schema.checkpoints,
)


@dataclass(frozen=True)
class JournalView(View):
    """A contract's journal: the head that our logs fold to, how many they are, and the last block at whose state the
    node proved this very head (None: unverified)."""

    contract: str
    head: bytes
    logs: int
    last_block: int
    proven_block: int | None


@dataclass(frozen=True)
class StatusView(View):
    """The mirror's state. Before block 0, `head` is -1 and `hash` None. `lag` is None where no tip was given."""

    head: int
    hash: bytes | None
    time: int | None
    final: int
    lag: int | None
    journals: tuple[JournalView, ...]
    counts: dict[str, int]
    quarantined: int
    orphan_blocks: int

    @property
    def verified(self) -> bool:
        """Whether the head of every contract that logged anything is proven."""
        return all(journal.proven_block is not None for journal in self.journals)


def status(mirror: Reading, *, tip: int | None = None) -> StatusView:
    """How the mirror stands, and how far behind the node's `tip`."""
    with mirror.reading() as connection:
        cursor = one(connection, select(schema.cursor))
        head = cursor["number"] if cursor else -1
        return StatusView(
            head=head,
            hash=cursor["hash"] if cursor else None,
            time=time_of(connection, head) if cursor else None,
            final=cursor["final_number"] if cursor else -1,
            lag=None if tip is None else max(0, tip - head),
            journals=_journals(connection),
            counts={table.name: _count(connection, table) for table in COUNTED},
            quarantined=_count(connection, schema.quarantine),
            orphan_blocks=_count(connection, schema.orphan_blocks),
        )


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _journals(connection: Connection) -> tuple[JournalView, ...]:
    heads, proven = schema.journal_heads, schema.proven_heads
    same = and_(proven.c.contract == heads.c.contract, proven.c.entity == heads.c.entity, proven.c.head == heads.c.head)
    query = select(heads, proven.c.block_number).outerjoin(proven, same)
    query = query.where(heads.c.entity == CONTRACT_HEAD).order_by(heads.c.contract)
    return tuple(
        JournalView(row["contract"], row["head"], row["logs"], row["last_block"], row["block_number"])
        for row in many(connection, query)
    )
