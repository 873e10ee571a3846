"""Plans: what some kinds of log write, said by columns, so that a run of them is projected without an object for each.

A plan is nothing but a faster way to the rows that `projector` gives, and tests compare the two. It is worth having for
what grows with the population: withdrawals, metered use, checkpoints. Everything else goes through the projector.

A planned event adds one row of its own to one table that no other event writes, and may add to sums in other tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Boolean, LargeBinary, Table

from deedbook.chain.columns import Column, Form, Kind, Layout, Mask, Matrix, Numbers, layout_of
from deedbook.domain.keccaks import KECCAKS
from deedbook.mirror import schema

BLOCK: Final = "$block"
HASH: Final = "$hash"
INDEX: Final = "$index"
TX: Final = "$tx"
PLACES: Final = (BLOCK, HASH, INDEX, TX)
"""Where a log stands: number and hash of its block, its index there, its transaction's hash."""


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """One is added to `column` of the row of `table` whose `key` column is this argument."""

    table: str
    key: str
    argument: str
    column: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The row that an event adds: for each column of `table` an argument or a place; `entity` is the argument whose
    word is the journal's entity."""

    table: str
    columns: Mapping[str, str]
    entity: str
    sums: tuple[Sum, ...] = field(default=())


PLANS: Final[Mapping[tuple[str, str], Plan]] = {
    ("Consents", "LeafEnded"): Plan(
        "leaves_ended",
        {
            "batch_id": "batchId",
            "leaf_index": "index",
            "asset_id": "assetId",
            "consent_id": "consentId",
            "subject": "subject",
            "cause": "cause",
            "actor": "actor",
            "live": "live",
            "ended_block": BLOCK,
            "ended_tx": TX,
        },
        "assetId",
        (Sum("batches", "batch_id", "batchId", "withdrawn"),),
    ),
    ("Consents", "LeafChallenged"): Plan(
        "challenges",
        {
            "block_hash": HASH,
            "log_index": INDEX,
            "asset_id": "assetId",
            "batch_id": "batchId",
            "consent_id": "consentId",
            "collector": "collector",
            "field": "field",
            "block_number": BLOCK,
        },
        "assetId",
    ),
    ("Usage", "UsageReported"): Plan(
        "usage_reports",
        {
            "sale_id": "saleId",
            "from_time": "from",
            "to_time": "to",
            "provider": "provider",
            "gateway": "gateway",
            "count": "count",
            "used": "used",
            "receipts_root": "receiptsRoot",
            "reported_block": BLOCK,
            "reported_tx": TX,
        },
        "saleId",
    ),
    ("AnchorLog", "CheckpointAnchored"): Plan(
        "checkpoints",
        {
            "block_hash": HASH,
            "log_index": INDEX,
            "exchange": "exchange",
            "size": "size",
            "root": "root",
            "former_size": "formerSize",
            "block_number": BLOCK,
            "tx_hash": TX,
        },
        "exchange",
    ),
}


@dataclass(frozen=True, slots=True)
class Places:
    """Where n logs stand: their blocks' numbers and hashes, their indexes there, their transactions' hashes and indexes
    in the block."""

    block: Numbers
    hash: Matrix
    index: Numbers
    tx: Matrix
    tx_index: Numbers

    @classmethod
    def joined(cls, several: Sequence[Places]) -> Places:
        """Those of several, one after the other."""
        return cls(
            np.concatenate([each.block for each in several]),
            np.concatenate([each.hash for each in several]),
            np.concatenate([each.index for each in several]),
            np.concatenate([each.tx for each in several]),
            np.concatenate([each.tx_index for each in several]),
        )

    def of(self, some: Mask | NDArray[np.intp]) -> Places:
        """Those of some of the logs."""
        return Places(self.block[some], self.hash[some], self.index[some], self.tx[some], self.tx_index[some])

    def columns(self) -> dict[str, Column]:
        """As columns, by name of the place."""
        return {
            BLOCK: Column.of_numbers(self.block),
            HASH: Column(Kind.BYTES, self.hash),
            INDEX: Column.of_numbers(self.index),
            TX: Column(Kind.BYTES, self.tx),
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """What n logs of a plan come to: their rows of `logs`, their rows of the plan's table, the entity of each, its hash
    (of topics and data), and what is added to sums: by key how much, and the place of the first log that adds."""

    logs: tuple[Column, ...]
    rows: tuple[Column, ...]
    entities: list[bytes]
    hashes: Matrix
    sums: Mapping[Sum, Mapping[bytes, tuple[int, tuple[int, int]]]]


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """The plan of one kind of log. `wanted` are the arguments that its row has, by column, each with its form; `key`
    are the places of the columns that make its key, none where the log's own place does."""

    layout: Layout
    topic: bytes
    table: Table
    plan: Plan
    wanted: Mapping[str, tuple[str, Form]]
    key: tuple[int, ...]

    def fits(self, words: Matrix) -> Mask:
        """Which of n logs the plan can take; what is wrong with the others is for others to say."""
        good = self.layout.fits(words)
        for name, form in self.wanted.values():
            if form is Form.NUMBER:
                good &= self.layout.countable(words, name)
        return good

    def take(self, words: Matrix, places: Places) -> Taken:
        """Takes n logs, in order, that fit."""
        stands, count = places.columns(), len(words)
        split = len(self.topic) * (self.layout.topics - 1)
        whole = np.empty((count, len(self.topic) + self.layout.size), np.uint8)
        whole[:, : len(self.topic)] = np.frombuffer(self.topic, np.uint8)
        whole[:, len(self.topic) :] = words
        logs = (
            stands[BLOCK],
            stands[INDEX],
            stands[HASH],
            stands[TX],
            Column.of_numbers(places.tx_index),
            Column.of_text(self.layout.contract, count),
            Column(Kind.BYTES, whole[:, : len(self.topic) + split]),
            Column(Kind.BYTES, words[:, split:]),
            Column.of_text(self.layout.name, count),
        )
        rows = tuple(
            self.layout.column(words, *self.wanted[column.name])
            if column.name in self.wanted
            else stands[self.plan.columns[column.name]]
            for column in self.table.columns
        )
        hashes = KECCAKS.keccak256_rows(whole.data, whole.shape[1])
        entities = self.layout.column(words, self.plan.entity, Form.WORD).values()
        sums = {each: self._summed(each, words, places) for each in self.plan.sums}
        return Taken(logs, rows, entities, np.frombuffer(hashes, np.uint8).reshape(count, -1), sums)

    def _summed(self, each: Sum, words: Matrix, places: Places) -> dict[bytes, tuple[int, tuple[int, int]]]:
        keys: list[bytes] = self.layout.column(words, each.argument, Form.WORD).values()
        stands = zip(places.block.tolist(), places.index.tolist(), strict=True)
        first = dict(zip(reversed(keys), reversed(list(stands)), strict=True))
        return {key: (more, first[key]) for key, more in Counter(keys).items()}


@cache
def planned(contract: str, topic: bytes) -> Planned | None:
    """The plan of the contract's event of this first topic, or None."""
    layout = layout_of(contract, topic)
    plan = PLANS.get((contract, layout.name)) if layout is not None else None
    if layout is None or plan is None:
        return None
    table = schema.metadata.tables[plan.table]
    wanted = {
        column.name: (plan.columns[column.name], _form(layout, plan.columns[column.name], column.type))
        for column in table.columns
        if plan.columns[column.name] not in PLACES
    }
    keyed = [plan.columns[column.name] not in PLACES for column in table.primary_key.columns]
    key = tuple(at for at, column in enumerate(table.columns) if column.primary_key) if any(keyed) else ()
    return Planned(layout, topic, table, plan, wanted, key)


def _form(layout: Layout, argument: str, column: Any) -> Form:
    """How an argument is kept in a column of this type (see `records.columns`)."""
    kind = layout.field(argument).kind
    if isinstance(column, LargeBinary):
        return Form.WORD if kind == "uint256" else Form.VALUE
    if isinstance(column, BigInteger):
        return Form.NUMBER
    return Form.VALUE if isinstance(column, Boolean) else Form.DECIMAL
