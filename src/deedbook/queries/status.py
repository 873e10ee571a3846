"""How the mirror stands: its head, what is proven and by whom, how much it holds, what is wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Table, and_, func, select

from deedbook.mirror import schema
from deedbook.mirror.copying import CONTRACT_HEAD
from deedbook.mirror.store import read_check
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
class VerificationView(View):
    """How far the mirror is more than one node's word; block numbers, None where it is not.

    `proof`: every contract's logs from the first on to this block fold to the journal head that was proven against its
    state. `receipts_from` to `receipts_to`: the logs of every block are those that its header binds; `receipts_refused`
    is the last block for which the node gave no receipts. `second_node`: two nodes or more have this very block.
    """

    proof: int | None
    receipts_from: int | None
    receipts_to: int | None
    receipts_refused: int | None
    second_node: int | None

    @property
    def words(self) -> str:
        """`verified to block 120 by proof, to block 118 by a second node`, or `unverified`."""
        ways = [f"to block {self.proof} by proof"] if self.proof is not None else []
        if self.second_node is not None:
            ways.append(f"to block {self.second_node} by a second node")
        if self.receipts_to is not None:
            ways.append(f"from block {self.receipts_from} to {self.receipts_to} by receipts")
        return "verified " + ", ".join(ways) if ways else "unverified"


@dataclass(frozen=True)
class StatusView(View):
    """The mirror's state. Before block 0, `head` is -1 and `hash` None. `lag` and `ahead` are None where no tip was
    given; ahead is a mirror whose blocks the node does not have (yet, or any more)."""

    head: int
    hash: bytes | None
    time: int | None
    final: int
    lag: int | None
    ahead: int | None
    verification: VerificationView
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
            ahead=None if tip is None else max(0, head - tip),
            verification=_verification(connection),
            journals=_journals(connection),
            counts={table.name: _count(connection, table) for table in COUNTED},
            quarantined=_count(connection, schema.quarantine),
            orphan_blocks=_count(connection, schema.orphan_blocks),
        )


MOST_TIMES: Final = 1_000
"""Of how many blocks, the newest, `copied` gives the times."""


def copied(mirror: Reading, first: int, last: int) -> tuple[int, list[int]]:
    """How many logs the blocks from `first` to `last` have, and the times (Unix seconds) of the newest of these."""
    logs, blocks = schema.logs, schema.blocks
    with mirror.reading() as connection:
        inside = logs.c.block_number.between(first, last)
        count = connection.execute(select(func.count()).select_from(logs).where(inside)).scalar_one()
        newest = select(blocks.c.timestamp).where(blocks.c.number.between(first, last))
        times = connection.execute(newest.order_by(blocks.c.number.desc()).limit(MOST_TIMES)).scalars()
        return count, list(times)


def _verification(connection: Connection) -> VerificationView:
    receipts, nodes = (read_check(connection, way) for way in (schema.RECEIPTS, schema.NODES))
    return VerificationView(
        proof=_proof(connection),
        receipts_from=receipts.first if receipts and receipts.last >= 0 else None,
        receipts_to=receipts.last if receipts and receipts.last >= 0 else None,
        receipts_refused=receipts.refused if receipts else None,
        second_node=nodes.last if nodes else None,
    )


def _proof(connection: Connection) -> int | None:
    """The block to which all contracts are proven: a head that was proven once stays so, whatever came after it."""
    meta, proven = schema.meta, schema.proven_heads
    chain = connection.execute(select(meta.c.value).where(meta.c.name == "chain")).scalar_one()
    own = select(proven.c.contract, proven.c.block_number).where(proven.c.entity == CONTRACT_HEAD)
    found = {row["contract"]: row["block_number"] for row in many(connection, own)}
    blocks = [found.get(name) for name in json.loads(chain)["contracts"]]
    reached = [block for block in blocks if block is not None]
    return min(reached) if reached and len(reached) == len(blocks) else None


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
