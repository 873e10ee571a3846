"""Plans: what some kinds of log write, said by columns, so that a run of them is projected without an object for each.

A plan is nothing but a faster way to the rows that `projector` gives, and tests compare the two. It is worth having for
what grows with the population: withdrawals, metered use, checkpoints. Everything else goes through the projector.

A planned event adds one row of its own to one table that no other event writes, and may add to sums in other tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Protocol

from sqlalchemy import BigInteger, Boolean, LargeBinary, Table

from deedbook.chain.columns import WORD, Form, Layout, Source, compiled, layout_of, size_of
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.mirror import schema

BLOCK: Final = "$block"
HASH: Final = "$hash"
INDEX: Final = "$index"
TX: Final = "$tx"
PLACES: Final = {BLOCK: "block_number", HASH: "hash_", INDEX: "index", TX: "tx"}
"""Where a log stands: number and hash of its block, its index there, its transaction's hash; and the variables that
have them in the generated function."""


@dataclass(frozen=True, slots=True, eq=False)
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


class Taken(Protocol):
    """What the logs that are taken by a plan are added to."""

    logs: list[tuple[Any, ...]]
    """Rows of `logs`."""
    rows: dict[str, list[tuple[Any, ...]]]
    """Rows of planned events, by table."""
    sums: dict[Sum, dict[bytes, list[int]]]
    """By the key of a row: how much is added to it, and block and index of the first log that adds."""
    folds: list[tuple[str, tuple[bytes, ...], int, bytes]]
    """Contract, entities, block number, and what is hashed behind a head: block number and the log's own hash."""


Block = tuple[int, bytes, str]
"""Number and hash, and the hash as a node writes it."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan made ready for logs as JSON-RPC gives them."""

    table: Table
    sums: tuple[Sum, ...]
    run: Callable[..., tuple[int, int, int]]

    def take(
        self,
        items: Sequence[Mapping[str, Any]],
        at: int,
        address: str,
        blocks: Mapping[str, Block],
        former: tuple[int, int],
        taken: Taken,
    ) -> tuple[int, tuple[int, int]]:
        """Takes the logs from `at` on for as long as they are of this kind and address, well formed, in blocks that are
        known (by number as the node writes it) and each after the one before; where it stopped, and the place of the
        last one. What is wrong with the next one, if it is not of another kind, is for others to say.
        """
        rows = taken.rows.setdefault(self.table.name, [])
        sums = [taken.sums.setdefault(each, {}) for each in self.sums]
        at, number, index = self.run(items, at, address, blocks, *former, taken.logs, rows, taken.folds, sums)
        return at, (number, index)


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
    source = Source(layout, "break")
    row = ", ".join(
        source.form(*wanted[column.name]) if column.name in wanted else PLACES[plan.columns[column.name]]
        for column in table.columns
    )
    entities = "".join(f"{source.form(name, Form.WORD)}, " for name in plan.entities)
    split = WORD * (layout.topics - 1)
    topics = " + ".join(f"topics[{place}]" for place in range(1, layout.topics))
    body = [
        "item = items[at]",
        "topics = item['topics']",
        f"if item['address'] != address or len(topics) != {layout.topics} or topics[0] != TOPIC: break",
        "if item['blockNumber'] != known:",
        "    block = blocks.get(item['blockNumber'])",
        "    if block is None: break",
        "    known, (block_number, hash_, hash_text) = item['blockNumber'], block",
        "    number_word = block_number.to_bytes(32, 'big')",
        "if item['blockHash'] != hash_text or item.get('removed'): break",
        "index = int(item['logIndex'], 16)",
        "if block_number < last or (block_number == last and index <= last_index): break",
        f"b = fromhex(({topics} + item['data']).replace('0x', ''))",
        f"if len(b) != {size_of(layout)} or len(item['data']) != {2 + 2 * layout.data}: break",
        "tx = fromhex(item['transactionHash'][2:])",
        "if len(tx) != 32: break",
        "h = b.hex()",
        *source.checks,
        *source.limits(list(wanted.values())),
        f"topic_words, data = TOPIC_WORD + b[:{split}], b[{split}:]",
        "tx_index = int(item['transactionIndex'], 16)",
        f"logs((hash_, index, block_number, tx, tx_index, CONTRACT, topic_words, data, NAME, {source.text}))",
        f"rows(({row}))",
        f"folds((CONTRACT, ({entities}), block_number, number_word + keccak256(topic_words + data)))",
    ]
    for place, each in enumerate(plan.sums):
        body += [
            f"key = {source.form(each.argument, Form.WORD)}",
            f"if key in sums[{place}]: sums[{place}][key][0] += 1",
            f"else: sums[{place}][key] = [1, block_number, index]",
        ]
    body += ["last, last_index = block_number, index", "at += 1"]
    lines = [
        "logs, rows, folds, known = logs.append, rows.append, folds.append, None",
        "while at < len(items):",
        *(f"    {line}" for line in body),
        "return at, last, last_index",
    ]
    names = {
        "CONTRACT": contract,
        "NAME": layout.name,
        "TOPIC": to_hex(topic),
        "TOPIC_WORD": topic,
        "fromhex": bytes.fromhex,
        "keccak256": keccak256,
    }
    parameters = "items, at, address, blocks, last, last_index, logs, rows, folds, sums"
    run = compiled(f"{contract}.{layout.name}", parameters, lines, names)
    return Planned(table, plan.sums, run)


def _form(layout: Layout, argument: str, column: Any) -> Form:
    """How an argument is kept in a column of this type (see `records.columns`)."""
    kind = layout.field(argument).kind
    if isinstance(column, LargeBinary):
        return Form.WORD if kind == "uint256" else Form.VALUE
    if isinstance(column, BigInteger):
        return Form.NUMBER
    return Form.VALUE if isinstance(column, Boolean) else Form.DECIMAL
