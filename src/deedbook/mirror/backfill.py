"""Back-fill: final blocks copied by ranges of about 10,000 logs, by columns; fetched, converted and stored at once.

    fetch     headers and logs of ranges, read into columns, some at once  (the node and the network work)
    copy      each log checked, converted, folded into the journals      (we work)
    prove     the heads at the range's tip against the node's proofs, on a thread of its own     (the node works)
    store     blocks, logs, rows, heads and cursor in one transaction, on another      (the database works)

A range that is stored is stored whole, so a back-fill may be stopped or killed anywhere and goes on from the cursor.
What it writes is what `Follower.advance` would have written. Events with a plan (see `plans`) are projected by columns,
the others through the projector; where one does not fit the rows there, the range is given up before anything of it is
written, and the follower takes it log by log, and quarantines what does not fit.

The head of every contract that may have logged something in a range - it did, or the blooms of the headers do not deny
it - is compared with its proof at the range's tip, with a few of its entities': all of those follow from the contract's
own head, which binds every log. At the last tip all contracts are, with more entities.

Indexes are built when it is done (see `indexes`). Where the mirror was empty, those are the keys of PostgreSQL's large
tables too. No two of its logs have one place, since they are checked to be in order; of the other keys a hash is kept,
and a range with one that was met before is given up as well.

Only the last range waits until it is on the disk, and all before it with it: what a power cut takes is copied again.
"""

from __future__ import annotations

import gc
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Table, select, text, tuple_

from deedbook.chain.client import Text
from deedbook.chain.columns import WORD, Column, Matrix, Numbers
from deedbook.chain.logtext import read_logs
from deedbook.chain.receipts import logs_bloom
from deedbook.chain.transactions import log_of
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.domain.journal import EMPTY_HEAD
from deedbook.domain.keccaks import KECCAKS, NO_SLOT
from deedbook.errors import ChainUnavailable, Conflict, IntegrityError, InvalidInput, WrongChain
from deedbook.mirror import schema
from deedbook.mirror.bulk import Held, Laid, insert_laid, insert_rows, key_of_operation, laid_out, put_rows
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
from deedbook.mirror.indexes import KEYLESS, build_indexes, build_keys, is_deferred
from deedbook.mirror.plans import Planned, Sum, planned
from deedbook.mirror.projector import Change
from deedbook.mirror.ranges import Part, Range, by_kind, require_in_order
from deedbook.mirror.store import Cursor, Mirror, read_derivation, write_cursor

LOGS: Final = 10_000
"""About how many logs a range has."""
MOST_BLOCKS: Final = 2_000
"""The most blocks of a range: their headers are checked, and kept in memory."""
TELLING: Final = 100
"""From how many logs on a range tells how many the next one has."""
AHEAD: Final = 2
"""How many ranges are fetched while one is copied."""
FIRST_BLOCKS: Final = 10
"""How many blocks the first range has, before anything is known of their logs."""
WORTHWHILE: Final = 64
"""From how many final blocks on a back-fill is begun."""
MOST_HEADS: Final = 200_000
"""How many journal heads are kept in memory."""
FEW: Final = 8
"""How many heads of a contract are compared with proofs after each range."""
MOST_PROVEN: Final = 200
"""How many are after the last one."""
AT_ONCE: Final = 400
"""How many heads are read in one statement."""
MOST_KEYS: Final = 5_000_000
"""How many keys are kept in memory, 8 bytes each, while the database does not watch them."""

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

    def logs_between(self, first: int, last: int) -> Text | None:
        """The logs of our contracts in these blocks as JSON, unchecked; None where the node refuses so many."""

    def heads(self, header: BlockHeader, contract: str, entities: Sequence[bytes]) -> Mapping[bytes, bytes] | None:
        """As `follower.Source.heads`."""


Place = tuple[int, int]
"""Block number and log index."""

Key = tuple[str, bytes]
"""Contract and entity."""


class _Folds:
    """What logs of a contract fold, in any order: the place of each in the range, what is hashed behind a head
    (`domain.journal.fold`: block number and the log's own hash), its entities, its block."""

    def __init__(self) -> None:
        self.slots: dict[bytes, int] = {CONTRACT_HEAD: 0}
        """Which of the heads is an entity's; the first is the contract's own."""
        self._places: list[NDArray[np.intp]] = []
        self._tails: list[Matrix] = []
        self._entities: list[NDArray[np.int32]] = []
        self._blocks: list[Numbers] = []
        self._alone: list[tuple[int, bytes, list[int], int]] = []

    def add_all(self, places: NDArray[np.intp], blocks: Numbers, hashes: Matrix, entities: Sequence[bytes]) -> None:
        """Logs of one entity each."""
        blank = np.zeros((len(places), WORD - 8), np.uint8)
        self._places.append(places)
        self._tails.append(np.hstack([blank, Column.of_numbers(blocks).cells, hashes]))
        for each in dict.fromkeys(entities):
            self._slot(each)
        slots = np.fromiter(map(self.slots.__getitem__, entities), np.int32, len(entities))
        self._entities.append(slots.reshape(-1, 1))
        self._blocks.append(blocks)

    def add(self, place: int, block: int, hash_: bytes, entities: Iterable[bytes]) -> None:
        """A log; some of the entities may be the same."""
        slots = [self._slot(each) for each in dict.fromkeys(entities)]
        self._alone.append((place, block.to_bytes(WORD, "big") + hash_, slots, block))

    def _slot(self, entity: bytes) -> int:
        return self.slots.setdefault(entity, len(self.slots))

    def folded(self, heads: Mapping[bytes, Head]) -> dict[bytes, Head]:
        """The heads after these logs, by entity, of those before."""
        tails, slots, blocks = self._in_order()
        former = [heads[entity] for entity in self.slots]
        after = KECCAKS.fold_heads(b"".join(head for head, _, _ in former), tails.data, slots.data, slots.shape[1])
        counts = np.bincount(slots[slots >= 0], minlength=len(former)).tolist()
        last = np.zeros(len(former), np.int64)
        for column in slots.T:
            np.maximum.at(last, column[column >= 0], blocks[column >= 0])
        cut = [after[at : at + WORD] for at in range(0, len(after), WORD)]
        return {
            entity: (head, logs + more, block)
            for entity, head, (_, logs, _), more, block in zip(
                self.slots, cut, former, counts, last.tolist(), strict=True
            )
        }

    def _in_order(self) -> tuple[Matrix, NDArray[np.int32], Numbers]:
        """Tails, slots and blocks, a row for each log in the order of the range."""
        if self._alone:
            self._places.append(np.array([place for place, _, _, _ in self._alone], np.intp))
            tails = b"".join(tail for _, tail, _, _ in self._alone)
            self._tails.append(np.frombuffer(tails, np.uint8).reshape(len(self._alone), -1))
            most = max(len(some) for _, _, some, _ in self._alone)
            padded = [some + [NO_SLOT] * (most - len(some)) for _, _, some, _ in self._alone]
            self._entities.append(np.array(padded, np.int32).reshape(len(padded), most))
            self._blocks.append(np.array([block for _, _, _, block in self._alone], np.int64))
        places, most = np.concatenate(self._places), max(each.shape[1] for each in self._entities)
        slots = np.full((len(places), 1 + most), NO_SLOT, np.int32)
        slots[:, 0] = 0
        at = 0
        for each in self._entities:
            slots[at : at + len(each), 1 : 1 + each.shape[1]] = each
            at += len(each)
        order = np.argsort(places)
        return np.concatenate(self._tails)[order], slots[order], np.concatenate(self._blocks)[order]


class _Keys:
    """The keys of rows that were met, by 8 bytes of their hash: two that differ may be taken for one, never one for
    two. In runs that are sorted, each longer than the next."""

    def __init__(self) -> None:
        self._runs: list[NDArray[np.uint64]] = []

    def __len__(self) -> int:
        return sum(map(len, self._runs))

    def add(self, keys: Matrix) -> bool:
        """Takes n keys, a row each; False where one was met before, or is there twice."""
        marks = np.sort(np.frombuffer(KECCAKS.keccak256_rows(keys.data, keys.shape[1]), np.uint64)[:: WORD // 8])
        new = not (marks[1:] == marks[:-1]).any()
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, marks), len(run) - 1)
            new = new and not (run[places] == marks).any()
        while self._runs and len(self._runs[-1]) <= len(marks):
            marks = np.sort(np.concatenate([self._runs.pop(), marks]), kind="stable")
        self._runs.append(marks)
        return bool(new)


@dataclass(slots=True)
class _Copied:
    """A range as it will be written."""

    headers: Sequence[BlockHeader]
    last: bool
    """Whether it is the last one."""
    odd: bool = False
    """Whether it is for the follower: a row's key was met before, or cannot be told here."""
    columns: list[tuple[Table, Laid]] = field(default_factory=list)
    """Rows of planned events, and of their logs."""
    logs: list[tuple[Any, ...]] = field(default_factory=list)
    """Rows of `logs` of all others."""
    sums: dict[Sum, dict[bytes, tuple[int, Place]]] = field(default_factory=lambda: defaultdict(dict))
    """By the key of a row: how much is added to it, and the place of the first log that adds."""
    events: list[CopiedLog] = field(default_factory=list)
    """Everything that has no plan, in order."""
    folds: dict[str, _Folds] = field(default_factory=lambda: defaultdict(_Folds))
    """By contract."""
    heads: dict[Key, Head] = field(default_factory=dict)
    """The journal heads after the range, of what it touched."""
    proven: dict[str, dict[bytes, bytes]] = field(default_factory=dict)
    """The heads that are to be compared with proofs, by contract and entity."""


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
        self._names = {address: name for name, address in mirror.chain.contracts.items()}
        self._heads: dict[Key, Head] = {}
        self._gaps: set[str] = set()
        self._derivation = 0
        self._keys: dict[Table, _Keys] | None = None
        """Of the rows of every table whose keys the database does not watch."""

    def run(self, until: int) -> int:
        """Copies up to block `until`, which is final; how many blocks were added.

        Raises ChainUnavailable, WrongChain, IntegrityError and Locked as the follower; whatever is raised, what was
        stored stays. Ends early where an event does not fit the rows there: the follower goes on from the cursor.
        """
        cursor = self._mirror.cursor()
        self._begin(cursor)
        began, stored, blocks, logs = self._clock(), 0, 0, 0
        with (
            _uncollected() as ranged,
            ThreadPoolExecutor(AHEAD, "fetching") as fetching,
            ThreadPoolExecutor(1, "proving") as proving,
            ThreadPoolExecutor(1, "storing") as storing,
        ):
            under_way: Future[None] | None = None
            for fetched in self._ranges(fetching, cursor.number + 1 if cursor else 0, until):
                self._require_follows(cursor, fetched.headers)
                tip = fetched.headers[-1]
                after = Cursor(tip.number, tip.hash, max(tip.number, cursor.final if cursor else -1))
                copied = self._copied(fetched, last=tip.number == until)
                if not _fitted(under_way):
                    break
                stored = blocks
                if copied.odd:
                    break
                self._forget(copied)
                proven = proving.submit(self._prove, tip, copied.proven)
                under_way = storing.submit(self._store, cursor, after, copied, proven)
                cursor, blocks, logs = after, blocks + len(fetched.headers), logs + len(fetched.logs)
                self._report(Filled(blocks, logs, tip.number, until, self._clock() - began))
                ranged()
            else:
                if _fitted(under_way):
                    build_indexes(self._mirror.database)
                    return blocks
        self._watch_keys()
        return stored

    def _begin(self, cursor: Cursor | None) -> None:
        table = schema.logs
        with self._mirror.reading() as connection:
            self._keys = defaultdict(_Keys) if is_deferred(connection, KEYLESS) else None
            self._derivation = read_derivation(connection)
            of_none = select(table.c.contract).where(table.c.event.is_(None)).distinct()
            self._gaps.update(connection.execute(of_none).scalars())
        if cursor is not None:
            self._watch_keys()
        self._read_heads([(contract, CONTRACT_HEAD) for contract in self._mirror.chain.contracts])

    def _watch_keys(self) -> None:
        """Lets the database watch all keys from here on, where it does not yet."""
        if self._keys is not None:
            self._keys = None
            with self._mirror.writing() as connection:
                build_keys(connection)

    def _require_follows(self, cursor: Cursor | None, headers: Sequence[BlockHeader]) -> None:
        """Raises WrongChain for another genesis, ChainUnavailable for blocks that are of another branch meanwhile."""
        genesis = self._mirror.chain.genesis_hash
        if cursor is None and headers[0].hash != genesis:
            raise WrongChain(f"the node's genesis is {to_hex(headers[0].hash)}, not {to_hex(genesis)}")
        if cursor is not None:
            _require_chained(cursor.hash, cursor.number + 1, headers)

    # Fetching -----------------------------------------------------------------------------------------------------

    def _ranges(self, fetching: Executor, first: int, until: int) -> Iterator[Range]:
        """The ranges from block `first` on, in order; some are fetched while one is worked on."""
        ahead: deque[tuple[int, Future[Range]]] = deque()

        def fetch_on(first: int) -> int:
            while first <= until and len(ahead) < AHEAD:
                last = min(until, first + self._blocks - 1)
                ahead.append((last, fetching.submit(self._fetched, first, last)))
                first = last + 1
            return first

        first = fetch_on(first)
        while ahead:
            last, coming = ahead.popleft()
            found = coming.result()
            self._blocks = self._next_size(len(found.headers), len(found.logs))
            if found.headers[-1].number < last:  # the node gives fewer at once: what was asked for does not follow
                ahead.clear()
                first = found.headers[-1].number + 1
            first = fetch_on(first)
            yield found

    def _next_size(self, blocks: int, logs: int) -> int:
        """How many blocks have about the wanted number of logs, by the last range; few logs say little."""
        most = MOST_BLOCKS if logs >= TELLING else min(MOST_BLOCKS, 4 * blocks)
        return min(most, max(1, blocks * self._wanted // max(1, logs)))

    def _fetched(self, first: int, last: int) -> Range:
        """These blocks, fewer where the node refuses so many logs at once; each the parent of the next."""
        while (told := self._source.logs_between(first, last)) is None:
            if last == first:
                raise ChainUnavailable(f"the node gives no logs for block {first}", block=first)
            last = (first + last) // 2
        headers = self._source.headers(first, last)
        if len(headers) != last - first + 1:
            raise ChainUnavailable(f"the node lacks blocks up to {last}", block=last)
        _require_chained(headers[0].parent_hash, first, headers)
        try:
            return Range(headers, read_logs(told))
        except (ValueError, TypeError, AttributeError) as error:
            raise ChainUnavailable(f"the node gives no logs for blocks {first} to {last}: {error}") from error

    # Copying ------------------------------------------------------------------------------------------------------

    def _copied(self, some: Range, *, last: bool) -> _Copied:
        """Everything of the range but the proof, in the chain's order."""
        copied = _Copied(some.headers, last)
        try:
            require_in_order(some)
            alone = sorted(some.logs.others)
            for (address, topic, _), parts in by_kind(some).items():
                contract = self._names[address]
                plan = planned(contract, topic)
                for part in parts:
                    alone += part.which.tolist() if plan is None else self._by_columns(copied, contract, plan, part)
            for each in sorted(alone):
                self._one_by_one(copied, each, some.logs.item(each))
        except (InvalidInput, KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise IntegrityError(f"the node gives a malformed log, or one of another block: {error}") from error
        self._fold(copied)
        self._choose_proven(copied)
        return copied

    def _by_columns(self, copied: _Copied, contract: str, plan: Planned, part: Part) -> Sequence[int]:
        """Takes logs of a plan's kind; gives those that are not as their kind."""
        sized = part.words.shape[1] == plan.layout.size
        fits = plan.fits(part.words) if sized else np.zeros(len(part.which), np.bool_)
        wrong: list[int] = part.which[~fits].tolist()
        part = part.of(fits) if wrong else part
        if len(part.which):
            taken = plan.take(part.words, part.places)
            laid = ((schema.logs, taken.logs), (plan.table, taken.rows))
            copied.columns += [(table, laid_out(columns, self._mirror.database.dialect)) for table, columns in laid]
            if self._keys is not None and plan.key:
                keys = np.hstack([taken.rows[at].cells for at in plan.key])
                copied.odd |= not self._keys[plan.table].add(keys)
            for each, more in taken.sums.items():
                copied.sums[each] |= more
            copied.folds[contract].add_all(part.which, part.places.block, taken.hashes, taken.entities)
        return wrong

    def _one_by_one(self, copied: _Copied, place: int, item: Mapping[str, Any]) -> None:
        """Takes a log as the follower does."""
        log = log_of(item)
        contract = self._names[log.address]
        found = understand(contract, log, self._decode)
        if found.event is None:
            self._gaps.add(contract)
        plan = planned(contract, log.topics[0]) if log.topics and self._keys is not None else None
        copied.odd |= plan is not None and bool(plan.key)
        copied.events.append(found)
        topics, name = b"".join(log.topics), found.event.name if found.event else None
        stands = (log.block_number, log.log_index, log.block_hash, log.tx_hash, log.tx_index)
        copied.logs.append((*stands, contract, topics, log.data, name))
        copied.folds[contract].add(place, log.block_number, keccak256(topics + log.data), found.entities)

    # The journals -------------------------------------------------------------------------------------------------

    def _fold(self, copied: _Copied) -> None:
        """Folds every log into its contract's journal and into those of its entities (see `domain.journal.fold`)."""
        for contract, folds in copied.folds.items():
            self._read_heads([(contract, each) for each in folds.slots if (contract, each) not in self._heads])
            former = {entity: self._heads[contract, entity] for entity in folds.slots}
            copied.heads.update(((contract, entity), head) for entity, head in folds.folded(former).items())
        copied.folds.clear()
        self._heads |= copied.heads

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
        """Keeps the memory of heads and keys bounded: those before this range are stored by now."""
        if len(self._heads) > MOST_HEADS:
            own = {key: head for key, head in self._heads.items() if key[1] == CONTRACT_HEAD}
            self._heads = own | copied.heads
        if self._keys is not None and sum(map(len, self._keys.values())) > MOST_KEYS:
            self._watch_keys()

    def _choose_proven(self, copied: _Copied) -> None:
        """Chooses the heads that are to be compared with proofs."""
        bloom = _union(copied.headers)
        for contract, address in self._mirror.chain.contracts.items():
            touched = (contract, CONTRACT_HEAD) in copied.heads
            if touched or copied.last or bloom is None or bloom & _bloom_of(address) == _bloom_of(address):
                copied.proven[contract] = {CONTRACT_HEAD: self._heads[contract, CONTRACT_HEAD][0]}
        most, heads = (MOST_PROVEN, self._heads) if copied.last else (FEW, copied.heads)
        for (contract, entity), head in heads.items():
            chosen = copied.proven.get(contract)
            if chosen is not None and len(chosen) < most:
                chosen[entity] = head[0]

    def _prove(self, tip: BlockHeader, wanted: Mapping[str, Mapping[bytes, bytes]]) -> list[tuple[str, bytes, bytes]]:
        """Compares heads with what the node proves; gives those that are proven. Raises IntegrityError."""
        proven = []
        for contract, folded in wanted.items():
            stated = self._source.heads(tip, contract, list(folded))
            if stated is None:
                continue
            for entity, ours in folded.items():
                if stated.get(entity) == ours:
                    proven.append((contract, entity, ours))
                elif entity == CONTRACT_HEAD or contract not in self._gaps:
                    raise broken_journal(contract, entity, tip, ours, stated.get(entity))
        return proven

    # Storing ------------------------------------------------------------------------------------------------------

    def _store(
        self, before: Cursor | None, after: Cursor, copied: _Copied, proven: Future[list[tuple[str, bytes, bytes]]]
    ) -> None:
        """Writes the range, when it is proven, and moves the cursor. Raises as `_prove`; Conflict where a planned row
        does not fit, Locked."""
        tip = copied.headers[-1]
        with self._mirror.writing() as connection:
            if not copied.last:
                _commit_soon(connection)
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
            for table, laid in copied.columns:
                insert_laid(connection, table, laid)
            put_rows(connection, schema.journal_heads, [(*key, *head) for key, head in copied.heads.items()])
            write_proven(connection, tip, proven.result())
            write_cursor(connection, after)
        for item in copied.events:
            item.alarm()


def _require_chained(parent: bytes, first: int, headers: Sequence[BlockHeader]) -> None:
    """Raises ChainUnavailable unless these are the blocks from number `first` on, upon this parent."""
    for number, header in enumerate(headers, first):
        if (header.number, header.parent_hash) != (number, parent):
            raise ChainUnavailable(f"the node's chain changed at block {number} while it was read", block=number)
        parent = header.hash


def _union(headers: Sequence[BlockHeader]) -> int | None:
    """The blooms of some blocks as one; None where one is not known."""
    found = 0
    for each in headers:
        if each.logs_bloom is None:
            return None
        found |= int.from_bytes(each.logs_bloom, "big")
    return found


@cache
def _bloom_of(address: bytes) -> int:
    return int.from_bytes(logs_bloom([(address, (), b"")]), "big")


@contextmanager
def _uncollected() -> Iterator[Callable[[], object]]:
    """Without the collector, which would look at a million rows again and again, and find none in a cycle; what is
    given looks once at what is new."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield lambda: gc.collect(0)
    finally:
        if enabled:
            gc.enable()


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
    tables = {table.name for table, _ in copied.columns}
    for item in copied.events:
        for operation in item.operations:
            if operation.table in tables:
                raise Conflict(f"a log of {operation.table} that is not as its kind")


def _add_up(
    held: Held, each: Sum, keys: Mapping[bytes, tuple[int, Place]], added: Mapping[tuple[str, bytes], Place]
) -> None:
    """Adds a range's sum to its row. Raises Conflict where there is none, or was none yet at the first of its logs."""
    held.read((each.table, {each.key: key}) for key in keys)
    for key, (more, first) in keys.items():
        if added.get((each.table, key), first) > first:
            raise Conflict(f"no row of {each.table} to change")
        held.event([Change(each.table, {each.key: key}, sums={each.column: more})])


def _commit_soon(connection: Connection) -> None:
    """Lets this transaction's commit return before it is on the disk: a crash may take it, but nothing of it alone."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL synchronous_commit = off"))
