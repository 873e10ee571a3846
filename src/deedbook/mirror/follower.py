"""Follows a chain block by block into a mirror, and believes no silence.

Every log is folded into its contract's journal and into those of the entities it concerns; at the tip of every copied
range the heads are compared with what the node proves against that block's state. Where the node gives receipts, the
logs of every block must also be exactly those that its header binds. A node that hides, reorders or invents one log of
ours is found out before anything of that range is written.

Who follows the mirror (`subscribers`) is told what was added and what a fork took back.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest
from typing import Any, Final, Protocol

from sqlalchemy import Connection, and_, insert, select

from deedbook.domain.events import Log
from deedbook.domain.hashing import to_hex
from deedbook.domain.journal import EMPTY_HEAD, fold
from deedbook.errors import ChainUnavailable, Conflict, IntegrityError, Locked, WrongChain
from deedbook.mirror import schema
from deedbook.mirror.backfill import WORTHWHILE, BackFill, Ranges, Report, unreported
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
from deedbook.mirror.indexes import build_indexes, build_keys
from deedbook.mirror.projector import Operation, Put
from deedbook.mirror.store import (
    BlockRow,
    BlockWriter,
    Check,
    Cursor,
    Mirror,
    block_at,
    log_row,
    read_check,
    read_derivation,
    roll_back,
    write_check,
    write_cursor,
)
from deedbook.mirror.subscribers import Subscriber, tell

LOG = logging.getLogger(__name__)

RANGE: Final = 200
"""Blocks read and committed at once while catching up."""

MOST_LOGS: Final = 10_000
"""Logs after which a range ends early: what is held in memory does not grow with what a range happens to hold."""

TURNS: Final = 5
"""How often `follow` begins again after another follower moved the cursor."""


class Source(Protocol):
    """A node as the follower sees it. Everything raises ChainUnavailable where the node gives no answer."""

    def tip(self) -> BlockHeader:
        """The newest block."""

    def final(self, tip: int) -> int:
        """The highest block number that can no longer change, when the newest is `tip`; -1 for none."""

    def header(self, number: int) -> BlockHeader | None:
        """The block of this number on the node's chain, its hash checked against its fields."""

    def logs(self, header: BlockHeader) -> Sequence[Log]:
        """The logs of our contracts in exactly this block, in order."""

    def heads(self, header: BlockHeader, contract: str, entities: Sequence[bytes]) -> Mapping[bytes, bytes] | None:
        """The contract's journal heads after this block, by entity (empty bytes: the contract's own), proven against
        the block's state root; None where the node no longer has that state. Raises IntegrityError for a false proof.
        """


class Receipts(Protocol):
    """What binds a block's logs to its header. Everything raises ChainUnavailable where the node gives no answer."""

    def proven_logs(self, header: BlockHeader) -> Sequence[Log] | None:
        """The logs of our contracts in exactly this block, in order, as its header binds them; None where the node has
        pruned or refuses its receipts. Raises IntegrityError for receipts that are not the block's."""


class Case(StrEnum):
    """What the node's chain was to ours; see `Follower.advance`."""

    SAME = "same"
    BEHIND = "behind"
    NEXT = "next"
    GAP = "gap"
    FORK = "fork"


@dataclass(frozen=True, slots=True)
class Progress:
    """What one advance did: the case, blocks added and undone, where the mirror stands, and the node's tip."""

    case: Case
    added: int
    undone: int
    head: int
    tip: int
    proven: bool

    @property
    def lag(self) -> int:
        """How many blocks the mirror is behind the node."""
        return max(0, self.tip - self.head)


class Follower:
    """Copies what `source` tells into `mirror`; `decode` gives a log's event, None where it is none of ours.

    `receipts` checks the logs of every block against its header. `subscribers` are told of blocks after they are
    committed, at least once each; what they raise is logged, and they are told again at the next step. `report` is told
    how far a back-fill is: what is far behind and final is copied by columns (see `backfill`), by its journal alone.
    """

    def __init__(
        self,
        source: Source,
        mirror: Mirror,
        decode: Decode,
        *,
        span: int = RANGE,
        receipts: Receipts | None = None,
        subscribers: Sequence[Subscriber] = (),
        report: Report = unreported,
    ) -> None:
        self._source = source
        self._mirror = mirror
        self._decode = decode
        self._span = span
        self._receipts = receipts
        self._subscribers = subscribers
        self._report = report
        self._names = {address: name for name, address in mirror.chain.contracts.items()}

    def follow(self, until: int | None = None) -> Progress:
        """Advances until the mirror stands at the node's tip, or at block `until`; where another follower is at work
        too, takes turns with it. Raises as `advance`."""
        added, undone = self._fill(until), 0
        while True:
            progress = self._advance_in_turn(until)
            added, undone = added + progress.added, undone + progress.undone
            behind = progress.head < (progress.tip if until is None else until)
            if not behind or not progress.added + progress.undone:
                break
            added += self._fill(until)
        return Progress(progress.case, added, undone, progress.head, progress.tip, progress.proven)

    def advance(self, until: int | None = None) -> Progress:
        """Takes one step towards the node's tip (or block `until`), at most one range.

        same    the node's tip is our head: nothing to do
        behind  the node's head is lower and on our chain: the node lags, and nothing is undone
        next    the block after our head names it as its parent: appended
        gap     the node is several blocks ahead: they are read in order, each naming the one before as its parent
        fork    at a height that we hold, the node has another hash: back to the common ancestor, found by parent
                hashes, never below a final block; then on (also to a head that is lower than ours)

        and two that are refused, with nothing changed:

        other chain  the node's genesis is not ours: WrongChain
        denied       the node has another block where ours is final: IntegrityError

        Raises ChainUnavailable (retry), WrongChain, IntegrityError naming block, contract and entity where journal and
        proof or logs and receipts differ, Locked where another follower moved the cursor.
        """
        try:
            return self._advance(until)
        finally:  # also of a fork that was left before the node fell silent
            self._tell()

    def _advance(self, until: int | None) -> Progress:
        tip = self._source.tip()
        start = self._mirror.cursor()
        undone = self._leave_fork(start, tip)
        cursor = self._mirror.cursor() if undone else start
        last = min(tip.number, tip.number if until is None else until)
        run = _Run.read(self._source, cursor, min(last, (cursor.number if cursor else -1) + self._span))
        if run.headers:
            self._require_genesis(run)
            proven = self._append(cursor, run, self._source.final(tip.number))
        else:
            proven = True
        head = run.headers[-1].number if run.headers else (cursor.number if cursor else -1)
        return Progress(_case(start, tip, undone), len(run.headers), undone, head, tip.number, proven)

    def _fill(self, until: int | None) -> int:
        """Copies by columns what is far behind and final; how many blocks."""
        tip, cursor = self._source.tip(), self._mirror.cursor()
        head = cursor.number if cursor else -1
        last = tip.number if until is None else min(tip.number, until)
        if isinstance(self._source, Ranges) and last - head >= WORTHWHILE:
            last = min(last, self._source.final(tip.number))
            here = self._source.header(head) if cursor else None
            if last - head >= WORTHWHILE and (cursor is None or (here is not None and here.hash == cursor.hash)):
                try:
                    return BackFill(self._source, self._mirror, self._decode, report=self._report).run(last)
                except Locked:  # another one is at work: `follow` goes on in turns with it
                    return 0
                finally:
                    self._tell()
        build_indexes(self._mirror.database)
        return 0

    def _tell(self) -> None:
        for subscriber in self._subscribers:
            try:
                tell(self._mirror, subscriber)
            except Exception as error:  # noqa: BLE001 - whatever a subscriber does, the mirror goes on
                LOG.warning("a subscriber is told again later: %s: %s", type(error).__name__, error)

    def _advance_in_turn(self, until: int | None) -> Progress:
        for _ in range(TURNS):
            with suppress(Locked):
                return self.advance(until)
        return self.advance(until)

    # A fork.

    def _leave_fork(self, cursor: Cursor | None, tip: BlockHeader) -> int:
        if cursor is None:
            return 0
        if cursor.hash in (tip.hash, tip.parent_hash):
            return 0
        with self._mirror.reading() as connection:
            ancestor = self._common_ancestor(connection, cursor, tip)
        if ancestor.number == min(cursor.number, tip.number):
            return 0
        with self._mirror.writing() as connection:
            require_unmoved(connection, cursor)
            return roll_back(connection, ancestor)

    def _common_ancestor(self, connection: Connection, cursor: Cursor, tip: BlockHeader) -> BlockRow:
        number = min(cursor.number, tip.number)
        while number >= 0:
            ours, theirs = block_at(connection, number), self._source.header(number)
            if theirs is None:
                raise ChainUnavailable(f"the node has no block {number} below its own tip", block=number)
            if ours is not None and ours.hash == theirs.hash:
                return ours
            if number <= cursor.final:
                self._deny_final(number, theirs)
            number -= 1
        raise WrongChain("the node's genesis is not the mirror's")

    def _deny_final(self, number: int, theirs: BlockHeader) -> None:
        genesis = self._source.header(0)
        if genesis is None or genesis.hash != self._mirror.chain.genesis_hash:
            raise WrongChain("the node's genesis is not the mirror's")
        raise IntegrityError(
            f"the node has another block {number}, which was final: {to_hex(theirs.hash)}", block=number
        )

    # The blocks after our head.

    def _require_genesis(self, run: _Run) -> None:
        first = run.headers[0]
        if first.number == 0 and first.hash != self._mirror.chain.genesis_hash:
            raise WrongChain(
                f"the node's genesis is {to_hex(first.hash)}, not {to_hex(self._mirror.chain.genesis_hash)}"
            )

    def _append(self, cursor: Cursor | None, run: _Run, final: int) -> bool:
        checked = [self._check(header, logs) for header, logs in run.blocks()] if self._receipts else []
        with self._mirror.reading() as connection:
            require_unmoved(connection, cursor)  # or a head of later blocks would be folded on
            derivation = read_derivation(connection)
            journal = _Journal(connection)
            copied = [_Copied.of(header, logs, self._names, self._decode) for header, logs in run.blocks()]
            for block in copied:
                block.fold_into(journal)
            tip = run.headers[-1]
            proven = self._prove(tip, journal)
        with self._mirror.writing() as connection:
            build_keys(connection)  # two rows of one key would go unnoticed
            require_unmoved(connection, cursor)
            require_underived(connection, derivation)
            for block in copied:
                block.write(connection, undoable=block.header.number > final)
            write_proven(connection, tip, proven)
            if checked:
                _write_checked(connection, run.headers, checked)
            former = cursor.final if cursor else -1
            write_cursor(connection, Cursor(tip.number, tip.hash, max(former, min(final, tip.number))))
        for block in copied:
            block.alarm()
        return len(proven) > 0

    def _check(self, header: BlockHeader, logs: Sequence[Log]) -> bool:
        """Whether the node gave what binds the block's logs; then they are those, or IntegrityError is raised."""
        assert self._receipts is not None
        proven = self._receipts.proven_logs(header)
        if proven is None:
            return False
        _require_proven(header, [log for log in logs if log.address in self._names], proven)
        return True

    def _prove(self, tip: BlockHeader, journal: _Journal) -> list[tuple[str, bytes, bytes]]:
        """The heads that the node proved and that are ours too. Every contract is asked, also one without a new log."""
        proven = []
        for contract in self._mirror.chain.contracts:
            folded = {CONTRACT_HEAD: journal.head(contract, CONTRACT_HEAD), **journal.touched(contract)}
            stated = self._source.heads(tip, contract, list(folded))
            if stated is None:
                continue
            for entity, head in folded.items():
                if stated.get(entity) == head:
                    proven.append((contract, entity, head))
                elif entity == CONTRACT_HEAD or not journal.has_gaps(contract):
                    raise broken_journal(contract, entity, tip, head, stated.get(entity))
        return proven


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive blocks of the node's chain with their logs, each naming the one before as its parent."""

    headers: tuple[BlockHeader, ...]
    logs: tuple[tuple[Log, ...], ...]

    @staticmethod
    def read(source: Source, cursor: Cursor | None, last: int) -> _Run:
        """The blocks after `cursor` up to number `last`; fewer where they hold many logs, or the node's chain changes
        while it is read."""
        headers: list[BlockHeader] = []
        logs: list[tuple[Log, ...]] = []
        parent, held = cursor.hash if cursor else None, 0
        for number in range(cursor.number + 1 if cursor else 0, last + 1):
            header = source.header(number)
            if header is None or (parent is not None and header.parent_hash != parent):
                break
            found = tuple(source.logs(header))
            _require_of_block(header, found)
            headers.append(header)
            logs.append(found)
            parent, held = header.hash, held + len(found)
            if held >= MOST_LOGS:
                break
        return _Run(tuple(headers), tuple(logs))

    def blocks(self) -> Iterable[tuple[BlockHeader, tuple[Log, ...]]]:
        """Each block with its logs."""
        return zip(self.headers, self.logs, strict=True)


def _require_of_block(header: BlockHeader, logs: Sequence[Log]) -> None:
    for log in logs:
        if (log.block_hash, log.block_number) != (header.hash, header.number):
            raise IntegrityError(
                f"the node gives a log of another block for block {header.number}", block=header.number
            )
    indices = [log.log_index for log in logs]
    if indices != sorted(set(indices)):
        raise IntegrityError(f"the node gives the logs of block {header.number} out of order", block=header.number)


def _require_proven(header: BlockHeader, stated: Sequence[Log], proven: Sequence[Log]) -> None:
    """Raises IntegrityError saying what the node did to the first log that is not as the header binds it."""
    differ = next((pair for pair in zip_longest(stated, proven) if pair[0] != pair[1]), None)
    if differ is None:
        return
    ours, theirs = (Counter((log.address, log.topics, log.data) for log in logs) for logs in (stated, proven))
    did = {(False, False): "reorders", (True, False): "invents", (False, True): "hides", (True, True): "changes"}[
        bool(ours - theirs), bool(theirs - ours)
    ]
    log = differ[1] or differ[0]
    raise IntegrityError(
        f"the node {did} log {log.log_index} of block {header.number}: its own receipts say otherwise",
        hint="use another node",
        rule="receipts.logs",
        block=header.number,
        log_index=log.log_index,
        did=did,
    )


class _Journal:
    """The heads that our copy folds to, ahead of what is written."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._heads: dict[tuple[str, bytes], tuple[bytes, int, int]] = {}
        self._gaps: set[str] = set()

    def add(self, contract: str, entities: Sequence[bytes], log: Log) -> list[Operation]:
        """Folds a log into the contract's head and those of the entities; the rows that this writes."""
        operations: list[Operation] = []
        for entity in (CONTRACT_HEAD, *dict.fromkeys(entities)):
            head, logs, _ = self._entry(contract, entity)
            entry = (fold(head, log.block_number, log.topics, log.data), logs + 1, log.block_number)
            self._heads[contract, entity] = entry
            operations.append(Put("journal_heads", _head_row(contract, entity, entry)))
        return operations

    def leave_gap(self, contract: str) -> None:
        """Remembers that a log of the contract could not be decoded: its entities are unknown."""
        self._gaps.add(contract)

    def has_gaps(self, contract: str) -> bool:
        """Whether a log of the contract was ever quarantined for want of its entities."""
        if contract in self._gaps:
            return True
        logs = schema.logs
        gap = select(logs.c.log_index).where(and_(logs.c.contract == contract, logs.c.event.is_(None))).limit(1)
        return self._connection.execute(gap).first() is not None

    def head(self, contract: str, entity: bytes) -> bytes:
        """The head after everything folded so far."""
        return self._entry(contract, entity)[0]

    def touched(self, contract: str) -> dict[bytes, bytes]:
        """The heads of the contract's entities that were folded into here."""
        return {entity: entry[0] for (name, entity), entry in self._heads.items() if name == contract and entity}

    def _entry(self, contract: str, entity: bytes) -> tuple[bytes, int, int]:
        known = self._heads.get((contract, entity))
        if known is not None:
            return known
        heads = schema.journal_heads
        asked = select(heads.c.head, heads.c.logs, heads.c.last_block)
        row = self._connection.execute(
            asked.where(and_(heads.c.contract == contract, heads.c.entity == entity))
        ).first()
        return (EMPTY_HEAD, 0, 0) if row is None else (row[0], row[1], row[2])


def _head_row(contract: str, entity: bytes, entry: tuple[bytes, int, int]) -> dict[str, Any]:
    head, logs, last_block = entry
    return {"contract": contract, "entity": entity, "head": head, "logs": logs, "last_block": last_block}


@dataclass(slots=True)
class _Copied:
    """A block as it will be written."""

    header: BlockHeader
    logs: list[CopiedLog]

    @staticmethod
    def of(header: BlockHeader, logs: Iterable[Log], names: Mapping[bytes, str], decode: Decode) -> _Copied:
        """Decodes the logs of our contracts; others are passed over."""
        ours = [(names[log.address], log) for log in logs if log.address in names]
        return _Copied(header, [understand(contract, log, decode) for contract, log in ours])

    def fold_into(self, journal: _Journal) -> None:
        """Folds every log, understood or not; the heads follow the logs."""
        for item in self.logs:
            item.journal = journal.add(item.contract, item.entities, item.log)
            if item.event is None:
                journal.leave_gap(item.contract)

    def write(self, connection: Connection, *, undoable: bool) -> None:
        """Writes block, logs and rows; an event that does not fit is quarantined, and later ones proceed."""
        header = self.header
        block = {"number": header.number, "hash": header.hash}
        block |= {"parent_hash": header.parent_hash, "timestamp": header.timestamp}
        connection.execute(insert(schema.blocks), block)
        writer = BlockWriter(connection, header.number, undoable=undoable)
        heads: dict[bytes, Operation] = {}
        for item in self.logs:
            self._write_log(connection, writer, item)
            heads |= {_head_key(operation): operation for operation in item.journal}
        writer.event(tuple(heads.values()))

    def alarm(self) -> None:
        """Tells the log of the process what was quarantined; `status` and `/metrics` count it."""
        for item in self.logs:
            item.alarm()

    def _write_log(self, connection: Connection, writer: BlockWriter, item: CopiedLog) -> None:
        fault = item.fault
        try:
            writer.event(item.operations)
        except Conflict as error:
            fault = error
        row = log_row(item.contract, item.log)
        row["event"] = item.event.name if item.event else None
        connection.execute(insert(schema.logs), row)
        item.fault = fault
        if fault is not None:
            place = {"block_hash": item.log.block_hash, "log_index": item.log.log_index}
            connection.execute(insert(schema.quarantine), {**place, "code": fault.code, "reason": fault.message})


def copy_again(
    connection: Connection,
    blocks: Iterable[tuple[BlockHeader, Sequence[Log]]],
    names: Mapping[bytes, str],
    decode: Decode,
    *,
    final: int,
) -> None:
    """Writes consecutive blocks with everything that follows from their logs, as if they had just been read and
    proven; those above block `final` can be undone. `names` gives our contracts by address."""
    journal = _Journal(connection)
    copied = [_Copied.of(header, logs, names, decode) for header, logs in blocks]
    for block in copied:
        block.fold_into(journal)
    for block in copied:
        block.write(connection, undoable=block.header.number > final)


def is_understood(contract: str, log: Log, decode: Decode) -> bool:
    """Whether this release decodes the log and knows what its event writes."""
    return understand(contract, log, decode).fault is None


def _head_key(operation: Operation) -> bytes:
    assert isinstance(operation, Put)
    return str(operation.row["contract"]).encode() + b"/" + bytes(operation.row["entity"])


def _write_checked(connection: Connection, headers: Sequence[BlockHeader], checked: Sequence[bool]) -> None:
    """How far the logs are those of the receipts: to the last block, from the first one after a refusal."""
    now = read_check(connection, schema.RECEIPTS) or Check(-1, -1, bytes(32), None)
    for header, given in zip(headers, checked, strict=True):
        if not given:
            now = Check(now.first, now.last, now.hash, header.number)
        elif now.last >= 0 and now.last == header.number - 1:
            now = Check(now.first, header.number, header.hash, now.refused)
        else:
            now = Check(header.number, header.number, header.hash, now.refused)
    write_check(connection, schema.RECEIPTS, now)


def _case(start: Cursor | None, tip: BlockHeader, undone: int) -> Case:
    head = start.number if start else -1
    if undone:
        return Case.FORK
    if tip.number == head:
        return Case.SAME
    if tip.number < head:
        return Case.BEHIND
    return Case.NEXT if tip.number == head + 1 else Case.GAP
