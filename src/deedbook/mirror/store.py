"""The mirror's database: opened for one deployment on one chain, written block by block, undone block by block.

A block, its rows and the cursor commit together. While a block is not final, the rows that it replaced are kept in
`undo`, so that a fork is rolled back in time proportional to its depth; what the orphaned blocks said is moved to the
`orphan_*` tables and never deleted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, delete, insert, inspect, select, update

from deedbook.domain.events import Log
from deedbook.domain.hashing import canonical_json, to_hex
from deedbook.errors import Conflict, CorruptStore, DeedbookError, IntegrityError, WrongChain, WrongVersion
from deedbook.mirror import schema
from deedbook.mirror.indexes import create_tables
from deedbook.mirror.projector import Add, Change, Operation, Put
from deedbook.records.database import Database

_ANEW: Final = "build it anew by: deedbook mirror rebuild"
"""What to do with a mirror that is not read: nothing in it is lost that the chain does not have."""
DERIVATION: Final = "derivation"
"""The name among the mirror's `meta` of how often its rows were derived anew from its logs."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a mirror copies: chain id, genesis hash (32 bytes), and the journalled contracts' addresses by name."""

    chain_id: int
    genesis_hash: bytes
    contracts: Mapping[str, bytes]

    def to_json(self) -> dict[str, Any]:
        """As the mirror remembers it."""
        return {
            "chainId": str(self.chain_id),
            "contracts": {name: to_hex(address) for name, address in self.contracts.items()},
            "genesisHash": to_hex(self.genesis_hash),
        }


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a mirror stands: the last copied block, and the last one that counts as final."""

    number: int
    hash: bytes
    final: int


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A copied block."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int


class Mirror:
    """The mirror of one `Chain`, in the database at an SQLAlchemy URL."""

    def __init__(self, database: Database, chain: Chain) -> None:
        self.database = database
        self.chain = chain

    @classmethod
    def open(cls, url: str, chain: Chain) -> Mirror:
        """Opens or creates the mirror of `chain`.

        Raises WrongVersion (another release's tables: rebuild), WrongChain (another chain's), CorruptStore, Locked.
        """
        mirror = cls(Database(url, rebuildable=True), chain)
        try:
            mirror._identify()
        except DeedbookError:
            mirror.close()  # or its rebuild would find it in use
            raise
        return mirror

    def close(self) -> None:
        """Closes the database."""
        self.database.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the mirror."""
        with self.database.reading() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes; all of it commits, or nothing."""
        with self.database.writing() as connection:
            yield connection

    def cursor(self) -> Cursor | None:
        """Where the mirror stands; None before block 0."""
        with self.reading() as connection:
            return read_cursor(connection)

    def _identify(self) -> None:
        want = {"schema": str(schema.SCHEMA_VERSION), "chain": canonical_json(self.chain.to_json()).decode()}
        with self.reading() as connection:
            have = _meta(connection)
        if not have:
            with self.writing() as connection:
                have = _meta(connection) or _create(connection, want)
        if have.get("schema") != want["schema"]:
            told = f"is of schema {have.get('schema')}, and this release writes {want['schema']}"
            raise WrongVersion("mirror", told, hint=_ANEW)
        if have.get("chain") != want["chain"]:
            raise WrongChain(f"the mirror is of {have.get('chain')}", hint=_ANEW)
        self._complete()

    def _complete(self) -> None:
        """Adds the books of its own that an earlier release's mirror did not keep."""
        with self.reading() as connection:
            known = set(inspect(connection).get_table_names())
        missing = [table for table in schema.LOCAL if table.name not in known]
        if missing:
            with self.writing() as connection:
                schema.metadata.create_all(connection, tables=missing)


def _meta(connection: Connection) -> dict[str, str]:
    if not inspect(connection).has_table("meta"):
        return {}
    return {row.name: row.value for row in connection.execute(select(schema.meta))}


def _create(connection: Connection, want: dict[str, str]) -> dict[str, str]:
    create_tables(connection)
    connection.execute(insert(schema.meta), [{"name": name, "value": want[name]} for name in sorted(want)])
    return want


def read_cursor(connection: Connection) -> Cursor | None:
    """Where the mirror stands; None before block 0."""
    row = connection.execute(select(schema.cursor.c.number, schema.cursor.c.hash, schema.cursor.c.final_number)).first()
    return None if row is None else Cursor(*row)


def read_derivation(connection: Connection) -> int:
    """How often everything that follows from the logs was derived anew: what was read of it before is stale."""
    row = connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == DERIVATION)).first()
    return 0 if row is None else int(row[0])


def write_derivation(connection: Connection, number: int) -> None:
    """Tells whoever is at work that what follows from the logs is being derived anew."""
    connection.execute(delete(schema.meta).where(schema.meta.c.name == DERIVATION))
    connection.execute(insert(schema.meta), {"name": DERIVATION, "value": str(number)})


def write_cursor(connection: Connection, cursor: Cursor) -> None:
    """Moves the cursor, and forgets how to undo what is final now."""
    connection.execute(delete(schema.cursor))
    connection.execute(
        insert(schema.cursor), {"one": 1, "number": cursor.number, "hash": cursor.hash, "final_number": cursor.final}
    )
    connection.execute(delete(schema.undo).where(schema.undo.c.block_number <= cursor.final))


def block_at(connection: Connection, number: int) -> BlockRow | None:
    """The copied block of this number."""
    row = connection.execute(select(schema.blocks).where(schema.blocks.c.number == number)).first()
    return None if row is None else BlockRow(*row)


def log_row(contract: str, log: Log) -> dict[str, Any]:
    """A log of `contract` as the table `logs` keeps it, not decoded yet."""
    return {
        "block_number": log.block_number,
        "log_index": log.log_index,
        "block_hash": log.block_hash,
        "tx_hash": log.tx_hash,
        "tx_index": log.tx_index,
        "contract": contract,
        "topics": b"".join(log.topics),
        "data": log.data,
    }


class BlockWriter:
    """Writes the rows of one block; keeps what they replace while the block is not final."""

    def __init__(self, connection: Connection, number: int, *, undoable: bool) -> None:
        self._connection = connection
        self._number = number
        self._undoable = undoable
        self._steps = 0

    def event(self, operations: Sequence[Operation]) -> None:
        """Applies all operations of an event, or none. Raises Conflict where they do not fit the rows there."""
        found = [self._before(operation) for operation in operations]
        for operation, before in zip(operations, found, strict=True):
            self._apply(operation, before)

    def _before(self, operation: Operation) -> dict[str, Any] | None:
        table = schema.metadata.tables[operation.table]
        key = operation.key if isinstance(operation, Change) else key_of(table, operation.row)
        row = self._connection.execute(select(table).where(_same(table, key))).mappings().first()
        before = None if row is None else dict(row)
        if isinstance(operation, Change) and row is None:
            raise Conflict(f"no row of {operation.table} to change")
        if isinstance(operation, Add) and row is not None:
            raise Conflict(f"a second row of {operation.table}")
        return before

    def _apply(self, operation: Operation, before: Mapping[str, Any] | None) -> None:
        table = schema.metadata.tables[operation.table]
        if isinstance(operation, Change):
            assert before is not None
            key = dict(operation.key)
            values = {**operation.values, **{name: before[name] + more for name, more in operation.sums.items()}}
            self._connection.execute(update(table).where(_same(table, key)).values(values))
        else:
            key = key_of(table, operation.row)
            if isinstance(operation, Put) and before is not None:
                self._connection.execute(delete(table).where(_same(table, key)))
            self._connection.execute(insert(table), dict(operation.row))
        if self._undoable:
            self._keep(table, key, before)

    def _keep(self, table: Table, key: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
        self._steps += 1
        row = {
            "block_number": self._number,
            "step": self._steps,
            "table_name": table.name,
            "key": _packed(key),
            "before": None if before is None else _packed(before),
        }
        self._connection.execute(insert(schema.undo), row)


def roll_back(connection: Connection, ancestor: BlockRow) -> int:
    """Undoes every block above `ancestor`, the newest first, and moves the blocks and logs to the orphans' tables.

    Returns how many blocks were undone. Raises IntegrityError where one of them is final.
    """
    cursor = read_cursor(connection)
    assert cursor is not None
    if ancestor.number < cursor.final:
        raise IntegrityError(
            f"the node's chain leaves ours at block {ancestor.number}, below the final block {cursor.final}",
            block=ancestor.number,
            final=cursor.final,
        )
    for number in range(cursor.number, ancestor.number, -1):
        _undo_block(connection, number)
    proven = schema.proven_heads
    connection.execute(delete(proven).where(proven.c.block_number > ancestor.number))
    _uncheck(connection, ancestor)
    write_cursor(connection, Cursor(ancestor.number, ancestor.hash, cursor.final))
    return cursor.number - ancestor.number


def _undo_block(connection: Connection, number: int) -> None:
    steps = select(schema.undo).where(schema.undo.c.block_number == number).order_by(schema.undo.c.step.desc())
    for step in connection.execute(steps).mappings().all():
        table = schema.metadata.tables[step["table_name"]]
        connection.execute(delete(table).where(_same(table, _unpacked(step["key"]))))
        if step["before"] is not None:
            connection.execute(insert(table), _unpacked(step["before"]))
    connection.execute(delete(schema.undo).where(schema.undo.c.block_number == number))
    block = block_at(connection, number)
    if block is None:
        raise CorruptStore(f"the mirror lacks block {number}", hint="rebuild the mirror", block=number)
    _move(connection, schema.logs, schema.orphan_logs, schema.logs.c.block_number == number)
    _move(connection, schema.blocks, schema.orphan_blocks, schema.blocks.c.number == number)
    connection.execute(delete(schema.quarantine).where(schema.quarantine.c.block_hash == block.hash))


@dataclass(frozen=True, slots=True)
class Check:
    """Blocks that were checked in one way: `first` to `last` without a gap (-1: none), the last one's hash, and the
    last block for which the node did not give what the check needs."""

    first: int
    last: int
    hash: bytes
    refused: int | None


def read_check(connection: Connection, way: str) -> Check | None:
    """How far the mirror was checked in this way (`schema.RECEIPTS`, `schema.NODES`)."""
    checks = schema.checks
    row = connection.execute(select(checks).where(checks.c.way == way)).mappings().first()
    if row is None:
        return None
    return Check(row["from_number"], row["to_number"], row["to_hash"], row["refused_number"])


def write_check(connection: Connection, way: str, check: Check | None) -> None:
    """Remembers how far the mirror was checked in this way; None forgets it."""
    checks = schema.checks
    connection.execute(delete(checks).where(checks.c.way == way))
    if check is not None:
        row = {"way": way, "from_number": check.first, "to_number": check.last, "to_hash": check.hash}
        connection.execute(insert(checks), {**row, "refused_number": check.refused})


def _uncheck(connection: Connection, ancestor: BlockRow) -> None:
    """What was checked above a fork is no longer there; what lies below is as it was."""
    for way in (schema.RECEIPTS, schema.NODES):
        check = read_check(connection, way)
        if check is None:
            continue
        refused = check.refused if check.refused is not None and check.refused <= ancestor.number else None
        if check.first > ancestor.number:
            write_check(connection, way, None)
        elif check.last > ancestor.number or refused != check.refused:
            last, hash_ = min((check.last, check.hash), (ancestor.number, ancestor.hash))
            write_check(connection, way, Check(check.first, last, hash_, refused))


def _move(connection: Connection, source: Table, orphans: Table, where: Any) -> None:
    for row in connection.execute(select(source).where(where)).mappings().all():
        moved = dict(row)
        connection.execute(delete(orphans).where(_same(orphans, key_of(orphans, moved))))
        connection.execute(insert(orphans), moved)
    connection.execute(delete(source).where(where))


def key_of(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """The primary key of a row, by column."""
    return {column.name: row[column.name] for column in table.primary_key.columns}


def _same(table: Table, key: Mapping[str, Any]) -> Any:
    return and_(*(table.c[name] == value for name, value in key.items()))


def _packed(row: Mapping[str, Any]) -> str:
    return json.dumps({name: {"hex": v.hex()} if isinstance(v, bytes) else v for name, v in row.items()})


def _unpacked(text: str) -> dict[str, Any]:
    row = json.loads(text)
    return {name: bytes.fromhex(v["hex"]) if isinstance(v, dict) else v for name, v in row.items()}
