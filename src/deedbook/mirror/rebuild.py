"""Builds a mirror anew from block 0, and compares it with a live one row by row, or puts it in its place.

The mirror is disposable: what a rebuild gives is the mirror. A difference is a fault of the live one (or of this
program), never of the chain, since both were checked against the journals' proven heads.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table

from deedbook.domain.hashing import to_hex
from deedbook.errors import ChainUnavailable, CorruptStore
from deedbook.mirror import schema
from deedbook.mirror.backfill import Report, unreported
from deedbook.mirror.canonical import CanonicalRow, canonical_rows, table_digest
from deedbook.mirror.copying import Decode
from deedbook.mirror.follower import Follower, Progress, Source
from deedbook.mirror.store import Chain, Cursor, Mirror, block_at, read_cursor
from deedbook.records.database import PATIENCE, Database

Told = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first row that differs: its table, its primary key, and the columns (none where one side has no such row).

    `live` and `rebuilt` are the canonical values of those columns, or None for a missing row.
    """

    table: str
    key: tuple[Any, ...]
    columns: tuple[str, ...]
    live: tuple[Any, ...] | None
    rebuilt: tuple[Any, ...] | None

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "table": self.table,
            "key": list(self.key),
            "columns": list(self.columns),
            "live": None if self.live is None else list(self.live),
            "rebuilt": None if self.rebuilt is None else list(self.rebuilt),
        }


@dataclass(frozen=True, slots=True)
class TableDigest:
    """A table of the rebuilt mirror: its rows and the digest over their canonical form."""

    table: str
    rows: int
    digest: bytes

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {"table": self.table, "rows": self.rows, "digest": to_hex(self.digest)}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether a live mirror equals its rebuild up to `block`, and if not, the first row of each table that differs."""

    block: int
    tables: tuple[TableDigest, ...]
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        """Whether every row of every canonical table is the same."""
        return not self.differences

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "equal": self.equal,
            "block": self.block,
            "tables": [table.to_json() for table in self.tables],
            "differences": [difference.to_json() for difference in self.differences],
        }


def check(source: Source, live: Mirror, decode: Decode, *, report: Report = unreported) -> Comparison:
    """Rebuilds beside the live mirror, up to the block where that stands, and compares. The live one is only read.
    `report` is told how far it is.

    Raises ChainUnavailable, WrongChain, IntegrityError as the follower; ChainUnavailable (failure `forked`) where the
    node has left the block on which the live mirror stands, which is not final: it is to follow first; CorruptStore
    where the live mirror cannot be read at all.
    """
    with _beside(live) as path:
        fresh = Mirror.open(_url(path), live.chain)
        try:
            while True:
                cursor = live.cursor()
                if cursor is not None:
                    reached = Follower(source, fresh, decode, report=report).follow(cursor.number).head
                    if reached < cursor.number:
                        told = f"the node's head is {reached}, the mirror's {cursor.number}: it lags"
                        raise ChainUnavailable(told, failure="lags", head=reached)
                with fresh.reading() as right, live.reading() as left:  # what is damaged is the live one
                    if read_cursor(left) == cursor:  # else a follower added blocks meanwhile
                        _require_unforked(left, right, cursor)
                        return compare(left, right, cursor.number if cursor else -1)
        finally:
            fresh.close()


def _require_unforked(live: Connection, fresh: Connection, cursor: Cursor | None) -> None:
    if cursor is None or cursor.number <= cursor.final:
        return
    ours, theirs = block_at(live, cursor.number), block_at(fresh, cursor.number)
    if ours is not None and theirs is not None and ours.hash == cursor.hash != theirs.hash:
        told = f"the node has left block {cursor.number}, on which the mirror stands, in a fork"
        raise ChainUnavailable(told, hint="follow first: deedbook mirror follow", failure="forked", block=cursor.number)


def rebuild(
    source: Source,
    path: Path,
    chain: Chain,
    decode: Decode,
    *,
    until: int | None = None,
    patience: float = PATIENCE,
    report: Report = unreported,
) -> Progress:
    """Builds the mirror at `path` anew from block 0 up to the node's tip (or block `until`) and puts it there in one
    step.

    Whatever is there - nothing, another release's mirror, a corrupt file - stays until the new one is whole; a crash
    at any point leaves the one or the other. Raises Locked where another process has the mirror open for longer than
    `patience` seconds, else as the follower.
    """
    fresh_path = path.with_name(path.name + ".rebuilding")
    _remove(fresh_path)
    fresh = Mirror.open(_url(fresh_path), chain)
    try:
        progress = Follower(source, fresh, decode, report=report).follow(until)
    finally:
        fresh.close()
    _settle(fresh_path, patience)
    _settle(path, patience)
    fresh_path.replace(path)
    _sync_folder(path.parent)
    return progress


def compare(live: Connection, rebuilt: Connection, block: int) -> Comparison:
    """Compares every canonical table of two mirrors row by row; one difference for each table that has any."""
    tables, differences = [], []
    for table in schema.CANONICAL:
        rows, digest = table_digest(rebuilt, table)
        tables.append(TableDigest(table.name, rows, digest))
        found = first_difference(live, rebuilt, table)
        if found is not None:
            differences.append(found)
    differences += _own_books(live, rebuilt)
    return Comparison(block, tuple(tables), tuple(differences))


def _own_books(live: Connection, rebuilt: Connection) -> Iterator[Difference]:
    """What the live mirror says of itself and the chain does not: where it stands, what is final, what was proven.

    Neither is a copy of the chain: less may be final, and fewer heads proven, than a rebuild finds.
    """
    for ours, theirs in zip(canonical_rows(live, schema.cursor), canonical_rows(rebuilt, schema.cursor), strict=False):
        (_, _, hash_, final), (_, _, other_hash, other_final) = ours.values, theirs.values
        if hash_ != other_hash:
            yield Difference("cursor", ours.key, ("hash",), (hash_,), (other_hash,))
        if not isinstance(final, int) or final > other_final:
            yield Difference("cursor", ours.key, ("final_number",), (final,), (other_final,))
    blocks = {row.values[0]: row.values[1] for row in canonical_rows(rebuilt, schema.blocks)}
    heads = {row.key: row.values for row in canonical_rows(rebuilt, schema.journal_heads)}
    for row in canonical_rows(live, schema.proven_heads):
        _, _, head, number, hash_ = row.values
        if hash_ != blocks.get(number):
            yield Difference("proven_heads", row.key, ("block_hash",), (hash_,), (blocks.get(number),))
            continue
        _, _, known, _, last = heads.get(row.key, (None, None, None, None, number + 1))
        if last <= number and head != known:
            yield Difference("proven_heads", row.key, ("head",), (head,), (known,))


def first_difference(live: Connection, rebuilt: Connection, table: Table) -> Difference | None:
    """The first row, in primary-key order, in which the two tables differ."""
    for ours, theirs in zip_longest(canonical_rows(live, table), canonical_rows(rebuilt, table)):
        if ours == theirs:
            continue
        if theirs is None or (ours is not None and ours.key != theirs.key and _before(ours, theirs)):
            return Difference(table.name, ours.key, (), ours.values, None)
        if ours is None or ours.key != theirs.key:
            return Difference(table.name, theirs.key, (), None, theirs.values)
        return _changed(table, ours, theirs)
    return None


def _changed(table: Table, ours: CanonicalRow, theirs: CanonicalRow) -> Difference:
    names = [column.name for column in table.columns]
    places = [place for place in range(len(names)) if ours.values[place] != theirs.values[place]]
    return Difference(
        table.name,
        theirs.key,
        tuple(names[place] for place in places),
        tuple(ours.values[place] for place in places),
        tuple(theirs.values[place] for place in places),
    )


def _before(ours: CanonicalRow, theirs: CanonicalRow) -> bool:
    return [_rank(value) for value in ours.key] < [_rank(value) for value in theirs.key]


def _rank(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))


@contextmanager
def _beside(live: Mirror) -> Iterator[Path]:
    folder = live.database.path
    with tempfile.TemporaryDirectory(prefix="mirror-check-", dir=folder.parent if folder else None) as temporary:
        yield Path(temporary) / "mirror.db"


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def _settle(path: Path, patience: float) -> None:
    """Leaves a database in its one file, without a write-ahead log; one that cannot be read loses its log."""
    if not path.exists():
        _remove_log(path)
        return
    database = Database(_url(path), patience=patience)
    try:
        database.settle()
    except CorruptStore:
        pass  # it is about to be replaced
    finally:
        database.close()
    _remove_log(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _remove_log(path)


def _remove_log(path: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
