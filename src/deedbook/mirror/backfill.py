"""Back-fill: final blocks copied by ranges of about 10,000 logs, by columns; fetched, converted and stored at once.

    fetch     headers and logs of a range, on a thread of its own        (the node and the network work)
    copy      each log checked, folded into the journals, converted      (we work)
    prove     the heads at the range's tip against the node's proofs
    store     blocks, logs, rows, heads and cursor in one transaction, on a thread of its own    (the database works)

A range that is stored is stored whole, so a back-fill may be stopped or killed anywhere and goes on from the cursor.
What it writes is what `Follower.advance` would have written. Events with a plan (see `plans`) are projected by columns,
the others through the projector; where one does not fit the rows there, the range is given up before anything of it is
written, and the follower takes it log by log, and quarantines what does not fit.

Secondary indexes are dropped before the back-fill of an empty mirror and built after it; a mirror whose back-fill was
cut short says so in `meta`, and builds them when it is done.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from sqlalchemy import Connection, Index, delete, insert, select, tuple_

from deedbook.chain.transactions import log_of
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.domain.journal import EMPTY_HEAD
from deedbook.errors import ChainUnavailable, Conflict, IntegrityError, InvalidInput, WrongChain
from deedbook.mirror import schema
from deedbook.mirror.bulk import Held, insert_rows, key_of_operation
from deedbook.mirror.copying import (
    CONTRACT_HEAD,
    BlockHeader,
    CopiedLog,
    Decode,
    broken_journal,
    require_underived,
    require_unmoved,
    understand,
    write_proven,
)
from deedbook.mirror.plans import Block, Sum, planned
from deedbook.mirror.projector import Change, Put, json_text
from deedbook.mirror.store import Cursor, Mirror, read_cursor, read_derivation, write_cursor

LOGS: Final = 10_000
"""About how many logs a range has."""
MOST_BLOCKS: Final = 2_000
"""The most blocks of a range: their headers are checked, and kept in memory."""
FIRST_BLOCKS: Final = 10
"""How many blocks the first range has, before anything is known of their logs."""
WORTHWHILE: Final = 64
"""From how many final blocks on a back-fill is begun."""
MOST_HEADS: Final = 200_000
"""How many journal heads are kept in memory."""
MOST_PROVEN: Final = 200
"""How many heads of a contract are compared with proofs after each range."""
AT_ONCE: Final = 400
"""How many heads are read in one statement."""
DEFERRED: Final = "indexes"
"""The entry of `meta` while secondary indexes are to be built."""

Head = tuple[bytes, int, int]
"""An entity's journal head, how many logs it has, and the block of the last one."""


@dataclass(frozen=True, slots=True)
class Filled:
    """How far a back-fill is: blocks and logs copied by it, the last block copied, the last it goes to, seconds."""

    blocks: int
    logs: int
    head: int
    until: int
    seconds: float

    @property
    def rate(self) -> float:
        """Logs a second."""
        return self.logs / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float:
        """About how long it goes on, by the blocks."""
        return self.seconds * (self.until - self.head) / self.blocks if self.blocks else 0.0


Report = Callable[[Filled], None]
"""Who is told how far it is."""


def unreported(_: Filled) -> None:
    """Nobody is told."""


@runtime_checkable
class Ranges(Protocol):
    """A node that tells of many blocks at once. Everything raises ChainUnavailable where it gives no answer."""

    def headers(self, first: int, last: int) -> Sequence[BlockHeader]:
        """The blocks of these numbers, fewer where the node has fewer; each hash checked against its fields."""

    def logs_between(self, first: int, last: int) -> Sequence[Mapping[str, Any]] | None:
        """The logs of our contracts in these blocks as JSON-RPC gives them; None where the node refuses so many."""

    def heads(self, header: BlockHeader, contract: str, entities: Sequence[bytes]) -> Mapping[bytes, bytes] | None:
        """As `follower.Source.heads`."""


Place = tuple[int, int]
"""Block number and log index."""

Key = tuple[str, bytes]
"""Contract and entity."""


@dataclass(slots=True)
class _Range:
    """Consecutive blocks with their logs as the node told them."""

    headers: Sequence[BlockHeader]
    logs: Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class _Copied:
    """A range as it will be written."""

    headers: Sequence[BlockHeader]
    logs: list[tuple[Any, ...]] = field(default_factory=list)
    """Rows of `logs`."""
    rows: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    """Rows of planned events, by table."""
    sums: dict[Sum, dict[bytes, list[int]]] = field(default_factory=dict)
    """By the key of a row: how much is added to it, and block and index of the first log that adds."""
    events: list[CopiedLog] = field(default_factory=list)
    """Everything that has no plan, in order."""
    folds: list[tuple[str, tuple[bytes, ...], int, bytes]] = field(default_factory=list)
    """Of every log in order: contract, entities, block number, and what is hashed behind a head."""
    heads: dict[Key, Head] = field(default_factory=dict)
    """The journal heads after the range, of what it touched."""
    proven: list[tuple[str, bytes, bytes]] = field(default_factory=list)


class BackFill:
    """Copies final blocks into `mirror`; `report` is told after each range that was stored."""

    def __init__(
        self,
        source: Ranges,
        mirror: Mirror,
        decode: Decode,
        *,
        report: Report = unreported,
        clock: Callable[[], float] = time.monotonic,
        logs: int = LOGS,
    ) -> None:
        self._source = source
        self._mirror = mirror
        self._decode = decode
        self._report = report
        self._clock = clock
        self._wanted = logs
        self._blocks = FIRST_BLOCKS
        self._names = {to_hex(address): name for name, address in mirror.chain.contracts.items()}
        self._heads: dict[Key, Head] = {}
        self._gaps: set[str] = set()
        self._derivation = 0

    def run(self, until: int) -> int:
        """Copies up to block `until`, which is final; how many blocks were added.

        Raises ChainUnavailable, WrongChain, IntegrityError and Locked as the follower; whatever is raised, what was
        stored stays. Ends early where an event does not fit the rows there: the follower goes on from the cursor.
        """
        cursor = self._mirror.cursor()
        self._begin(cursor)
        gc.freeze()  # a million rows come and go, and none in a cycle: the collector need not look at all else for them
        began, stored, blocks, logs = self._clock(), 0, 0, 0
        with ThreadPoolExecutor(1, "fetching") as fetching, ThreadPoolExecutor(1, "storing") as storing:
            coming = fetching.submit(self._fetched, cursor, until)
            under_way: Future[None] | None = None
            while cursor is None or cursor.number < until:
                some = coming.result()
                self._require_genesis(some.headers[0])
                tip = some.headers[-1]
                after = Cursor(tip.number, tip.hash, max(tip.number, cursor.final if cursor else -1))
                if tip.number < until:
                    coming = fetching.submit(self._fetched, after, until)
                copied = self._copied(some)
                self._prove(tip, copied)
                if not _fitted(under_way):
                    return stored
                stored = blocks
                self._forget(copied)
                under_way = storing.submit(self._store, cursor, after, copied)
                cursor, blocks, logs = after, blocks + len(some.headers), logs + len(copied.logs)
                self._report(Filled(blocks, logs, tip.number, until, self._clock() - began))
            if not _fitted(under_way):
                return stored
        build_indexes(self._mirror)
        return blocks

    def _begin(self, cursor: Cursor | None) -> None:
        if cursor is None:
            defer_indexes(self._mirror)
        table = schema.logs
        with self._mirror.reading() as connection:
            self._derivation = read_derivation(connection)
            of_none = select(table.c.contract).where(table.c.event.is_(None)).distinct()
            self._gaps.update(connection.execute(of_none).scalars())

    def _require_genesis(self, first: BlockHeader) -> None:
        genesis = self._mirror.chain.genesis_hash
        if first.number == 0 and first.hash != genesis:
            raise WrongChain(f"the node's genesis is {to_hex(first.hash)}, not {to_hex(genesis)}")

    # Fetching -----------------------------------------------------------------------------------------------------

    def _fetched(self, cursor: Cursor | None, until: int) -> _Range:
        """The range after `cursor`: about as many blocks as have the wanted number of logs."""
        first = cursor.number + 1 if cursor else 0
        last = min(until, first + self._blocks - 1)
        while (logs := self._source.logs_between(first, last)) is None:
            if last == first:
                raise ChainUnavailable(f"the node gives no logs for block {first}", block=first)
            last = (first + last) // 2
        headers = self._source.headers(first, last)
        parent = cursor.hash if cursor else headers[0].parent_hash if headers else b""
        for number, header in enumerate(headers, first):
            if (header.number, header.parent_hash) != (number, parent):
                raise ChainUnavailable(f"the node's chain changed below block {last} while it was read", block=number)
            parent = header.hash
        if len(headers) != last - first + 1:
            raise ChainUnavailable(f"the node lacks blocks up to {last}", block=last)
        count = len(headers)
        self._blocks = min(MOST_BLOCKS, 4 * count, max(1, count * self._wanted // max(1, len(logs))))
        return _Range(headers, logs)

    # Copying ------------------------------------------------------------------------------------------------------

    def _copied(self, some: _Range) -> _Copied:
        """Everything of the range but the proof, in the chain's order."""
        copied = _Copied(some.headers)
        blocks = {hex(each.number): (each.number, each.hash, to_hex(each.hash)) for each in some.headers}
        items, at, former = some.logs, 0, (-1, -1)
        try:
            while at < len(items):
                address = items[at]["address"]
                contract, topics = self._names[address.lower()], items[at]["topics"]
                plan = planned(contract, from_hex(topics[0], "topic", 32)) if topics else None
                if plan is not None:
                    reached, former = plan.take(items, at, address, blocks, former, copied)
                    if reached > at:
                        at = reached
                        continue
                former = self._one_by_one(copied, contract, items[at], blocks, former)
                at += 1
        except (InvalidInput, KeyError, TypeError, ValueError, AttributeError) as error:
            raise IntegrityError(f"the node gives a malformed log, or one of another block: {error}") from error
        self._fold(copied)
        return copied

    def _one_by_one(
        self, copied: _Copied, contract: str, item: Mapping[str, Any], blocks: Mapping[str, Block], former: Place
    ) -> Place:
        """Takes a log as the follower does; gives its place. Raises IntegrityError for one that is not where the node
        says."""
        number, hash_, _ = blocks[item["blockNumber"]]
        if item.get("removed"):
            raise ChainUnavailable(f"block {number} was removed in a fork", block=number)
        log = log_of(item)
        place = (number, log.log_index)
        if log.block_hash != hash_:
            raise IntegrityError(f"the node gives a log of another block for block {number}", block=number)
        if place <= former:
            raise IntegrityError(f"the node gives the logs of block {number} out of order", block=number)
        found = understand(contract, log, self._decode)
        event = found.event
        if event is None:
            self._gaps.add(contract)
        copied.events.append(found)
        name, args = (event.name, json_text(event.args)) if event else (None, None)
        stands = (log.block_hash, log.log_index, log.block_number, log.tx_hash, log.tx_index)
        copied.logs.append((*stands, contract, b"".join(log.topics), log.data, name, args))
        tail = number.to_bytes(32, "big") + keccak256(b"".join(log.topics) + log.data)
        copied.folds.append((contract, tuple(dict.fromkeys(found.entities)), number, tail))
        return place

    # The journals -------------------------------------------------------------------------------------------------

    def _fold(self, copied: _Copied) -> None:
        """Folds every log into its contract's journal and into those of its entities (see `domain.journal.fold`)."""
        touched: dict[Key, None] = {}
        for contract, entities, _, _ in copied.folds:
            touched[contract, CONTRACT_HEAD] = None
            for entity in entities:
                touched[contract, entity] = None
        self._read_heads([key for key in touched if key not in self._heads])
        heads = self._heads
        for contract, entities, number, tail in copied.folds:
            for entity in (CONTRACT_HEAD, *entities):
                key = (contract, entity)
                head, logs, _ = heads[key]
                heads[key] = (keccak256(head + tail), logs + 1, number)
        copied.heads = {key: heads[key] for key in touched}
        copied.folds.clear()

    def _read_heads(self, keys: Sequence[Key]) -> None:
        """Reads heads that are not in memory: those of ranges that are stored."""
        self._heads.update(dict.fromkeys(keys, (EMPTY_HEAD, 0, 0)))
        table = schema.journal_heads
        for at in range(0, len(keys), AT_ONCE):
            where = tuple_(table.c.contract, table.c.entity).in_(keys[at : at + AT_ONCE])
            with self._mirror.reading() as connection:
                for row in connection.execute(select(table).where(where)):
                    self._heads[row.contract, row.entity] = (row.head, row.logs, row.last_block)

    def _forget(self, copied: _Copied) -> None:
        """Keeps the memory of heads bounded: those before this range are stored by now."""
        if len(self._heads) > MOST_HEADS:
            self._heads = dict(copied.heads)

    def _prove(self, tip: BlockHeader, copied: _Copied) -> None:
        """Compares with what the node proves: every contract's head, and some of the entities' that were touched. (All
        follow from the contract's: it binds every log. One request a contract shows that both sides fold alike.)"""
        for contract in self._mirror.chain.contracts:
            own = self._heads.get((contract, CONTRACT_HEAD))
            if own is None:
                self._read_heads([(contract, CONTRACT_HEAD)])
                own = self._heads[contract, CONTRACT_HEAD]
            folded = {CONTRACT_HEAD: own[0]}
            for (name, entity), head in copied.heads.items():
                if name == contract and len(folded) < MOST_PROVEN:
                    folded[entity] = head[0]
            stated = self._source.heads(tip, contract, list(folded))
            if stated is None:
                continue
            for entity, ours in folded.items():
                if stated.get(entity) == ours:
                    copied.proven.append((contract, entity, ours))
                elif entity == CONTRACT_HEAD or contract not in self._gaps:
                    raise broken_journal(contract, entity, tip, ours, stated.get(entity))

    # Storing ------------------------------------------------------------------------------------------------------

    def _store(self, before: Cursor | None, after: Cursor, copied: _Copied) -> None:
        """Writes the range and moves the cursor. Raises Conflict where a planned row does not fit, Locked."""
        with self._mirror.writing() as connection:
            require_unmoved(connection, before)
            require_underived(connection, self._derivation)
            blocks = [(each.number, each.hash, each.parent_hash, each.timestamp) for each in copied.headers]
            insert_rows(connection, schema.blocks, blocks)
            insert_rows(connection, schema.logs, copied.logs)
            held = Held(connection)
            added = _project(connection, held, copied.events)
            _require_apart(copied)
            for each, keys in copied.sums.items():
                _add_up(held, each, keys, added)
            held.write()
            for name, rows in copied.rows.items():
                insert_rows(connection, schema.metadata.tables[name], rows)
            _write_heads(held, copied.heads)
            write_proven(connection, copied.headers[-1], copied.proven)
            write_cursor(connection, after)
        for item in copied.events:
            item.alarm()


def _fitted(stored: Future[None] | None) -> bool:
    """Waits until a range is stored; False where it did not fit, so that nothing after it may be written."""
    try:
        if stored is not None:
            stored.result()
    except Conflict:
        return False
    return True


def _project(connection: Connection, held: Held, events: Sequence[CopiedLog]) -> dict[tuple[str, bytes], Place]:
    """Applies the events that have no plan, in order; an event that does not fit is quarantined. Gives where the rows
    of one-column keys were added."""
    held.read((operation.table, key_of_operation(operation)) for item in events for operation in item.operations)
    added: dict[tuple[str, bytes], Place] = {}
    quarantined: list[tuple[Any, ...]] = []
    for item in events:
        fault = item.fault
        try:
            held.event(item.operations)
        except Conflict as error:
            fault = item.fault = error
        if fault is not None:
            quarantined.append((item.log.block_hash, item.log.log_index, fault.code, fault.message))
            continue
        for operation in item.operations:
            if not isinstance(operation, Change):
                values = tuple(key_of_operation(operation).values())
                added.setdefault((operation.table, values[0]), (item.log.block_number, item.log.log_index))
    insert_rows(connection, schema.quarantine, quarantined)
    return added


def _require_apart(copied: _Copied) -> None:
    """Raises Conflict where other events write to the tables that are planned here: order would matter."""
    for item in copied.events:
        for operation in item.operations:
            if copied.rows.get(operation.table):
                raise Conflict(f"a log of {operation.table} that is not as its kind")


def _add_up(held: Held, each: Sum, keys: Mapping[bytes, list[int]], added: Mapping[tuple[str, bytes], Place]) -> None:
    """Adds a range's sum to its row. Raises Conflict where there is none, or was none yet at the first of its logs."""
    held.read((each.table, {each.key: key}) for key in keys)
    for key, (more, *first) in keys.items():
        if list(added.get((each.table, key), first)) > first:
            raise Conflict(f"no row of {each.table} to change")
        held.event([Change(each.table, {each.key: key}, sums={each.column: more})])


def _write_heads(held: Held, heads: Mapping[Key, Head]) -> None:
    rows = [
        {"contract": contract, "entity": entity, "head": head, "logs": logs, "last_block": last}
        for (contract, entity), (head, logs, last) in heads.items()
    ]
    held.read((schema.journal_heads.name, {"contract": row["contract"], "entity": row["entity"]}) for row in rows)
    held.event([Put(schema.journal_heads.name, row) for row in rows])
    held.write()


# Secondary indexes ----------------------------------------------------------------------------------------------------


def defer_indexes(mirror: Mirror) -> None:
    """Drops the secondary indexes of an empty mirror, and notes that they are to be built."""
    with mirror.writing() as connection:
        if read_cursor(connection) is not None or _deferred(connection):
            return
        connection.execute(insert(schema.meta), {"name": DEFERRED, "value": "deferred"})
        for index in _secondary():
            index.drop(connection, checkfirst=True)


def build_indexes(mirror: Mirror) -> None:
    """Builds the secondary indexes where they were dropped."""
    with mirror.reading() as connection:
        if not _deferred(connection):
            return
    with mirror.writing() as connection:
        for index in _secondary():
            index.create(connection, checkfirst=True)
        connection.execute(delete(schema.meta).where(schema.meta.c.name == DEFERRED))


def _deferred(connection: Connection) -> bool:
    return connection.execute(select(schema.meta.c.value).where(schema.meta.c.name == DEFERRED)).first() is not None


def _secondary() -> list[Index]:
    tables = schema.CANONICAL + schema.LOCAL
    return [index for table in tables for index in sorted(table.indexes, key=lambda each: str(each.name))]
