"""Plans: what some kinds of log write, said by columns, so that a run of them is projected without an object for each.

A plan is nothing but a faster way to the rows that `projector` gives, and tests compare the two. It is worth having for
what grows with the population: withdrawals, metered use, checkpoints. Everything else goes through the projector.

A planned event adds one row of its own to one table that no other event writes, and may add to sums in other tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, LargeBinary, Table

from deedbook.chain.columns import Convert, Form, Layout, converter, layout_of
from deedbook.mirror import schema

BLOCK: Final = "$block"
HASH: Final = "$hash"
INDEX: Final = "$index"
TX: Final = "$tx"
PLACES: Final = (BLOCK, HASH, INDEX, TX)
"""Where a log stands, in the order in which a `Planned` is given it: number and hash of its block, its index there, and
its transaction's hash."""


@dataclass(frozen=True, slots=True)
class Sum:
    """One is added to `column` of the row of `table` whose `key` column is this argument."""

    table: str
    key: str
    argument: str
    column: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The row that an event adds: for each column of `table` an argument or a place; `entities` are the arguments whose
    words are the journal's entities."""

    table: str
    columns: Mapping[str, str]
    entities: tuple[str, ...]
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
        ("assetId",),
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
        ("assetId",),
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
        ("saleId",),
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
        ("exchange",),
    ),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan made ready for a log's words.

    `convert` gives the arguments as text, then the entities, then the words of the sums' keys, then the values that the
    row takes from the log; `order` says where each column's value is found: at a place of what `convert` gave, followed
    by `PLACES`.
    """

    name: str
    table: Table
    layout: Layout
    convert: Convert
    entities: int
    sums: tuple[Sum, ...]
    order: tuple[int, ...]


@cache
def planned(contract: str, topic: bytes) -> Planned | None:
    """The plan of the contract's event of this first topic, or None."""
    layout = layout_of(contract, topic)
    plan = PLANS.get((contract, layout.name)) if layout is not None else None
    if layout is None or plan is None:
        return None
    table = schema.metadata.tables[plan.table]
    taken = [name for name in plan.columns.values() if name not in PLACES]
    wanted = [(name, Form.WORD) for name in plan.entities]
    wanted += [(each.argument, Form.WORD) for each in plan.sums]
    before = 1 + len(wanted)
    wanted += [
        (source, _form(layout, source, table.c[column].type))
        for column, source in plan.columns.items()
        if source not in PLACES
    ]
    places = {name: before + at for at, name in enumerate(taken)}
    places |= {name: before + len(taken) + at for at, name in enumerate(PLACES)}
    order = tuple(places[plan.columns[column.name]] for column in table.columns)
    return Planned(layout.name, table, layout, converter(layout, wanted), len(plan.entities), plan.sums, order)


def _form(layout: Layout, argument: str, column: Any) -> Form:
    """How an argument is kept in a column of this type (see `records.columns`)."""
    kind = layout.field(argument).kind
    if isinstance(column, LargeBinary):
        return Form.WORD if kind == "uint256" else Form.VALUE
    if isinstance(column, BigInteger):
        return Form.NUMBER
    return Form.VALUE if isinstance(column, Boolean) else Form.DECIMAL
