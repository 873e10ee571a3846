"""Keeps a chain's bytes in one SQLite file: trie nodes by their hash, blocks by number, transactions by hash.

Knows no EVM, no RLP and no rule. Promises: one block is one SQL transaction, on disk when `append` returns
(`synchronous=FULL`); one writer at a time (a lock file that names its holder); what is read back hashes to the name
it was asked for, or `CorruptStore` says which is broken; a file of another format version is `WrongVersion`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sqlite3
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deedbook.domain.hashing import keccak256, to_hex
from deedbook.errors import ChainUnavailable, Conflict, CorruptStore, InvalidFormat, Locked, NotFound, WrongVersion

APPLICATION_ID: Final = 0x44454544
"""SQLite's `application_id` of a chain file: "DEED"."""

FORMAT_VERSION: Final = 1
"""SQLite's `user_version` of a chain file of this release."""

_SCHEMA: Final = (
    "CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE nodes (hash BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL)",
    """CREATE TABLE transactions (number INTEGER NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE,
    raw BLOB NOT NULL, receipt BLOB NOT NULL, PRIMARY KEY (number, position)) WITHOUT ROWID""",
)
_CACHED_NODES: Final = 50_000
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Body:
    """One transaction as it was sent, with its receipt in the consensus encoding."""

    hash: bytes
    raw: bytes
    receipt: bytes


@dataclass(frozen=True, slots=True)
class BlockBytes:
    """A block: its number, hash, header RLP, and its transactions in order."""

    number: int
    hash: bytes
    header: bytes
    bodies: tuple[Body, ...]


class WriterLock:
    """The right to write beside `path`: a lock file that the kernel frees when its holder dies.

    A process forked from the holder does not hold it. Raises Locked, naming the holder, when it is taken.
    """

    def __init__(self, path: Path) -> None:
        lock = path.with_name(path.name + ".lock")
        self._descriptor: int | None = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as reason:
            holder = _holder(self._descriptor)
            os.close(self._descriptor)
            if reason.errno not in (errno.EAGAIN, errno.EACCES):
                raise CorruptStore(f"the lock of {path.name} cannot be taken", path=str(path)) from reason
            who = f"process {holder}" if holder else "another process"
            hint = "stop it, or talk to it over its JSON-RPC address"
            raise Locked(f"{who} holds {path.name}", hint=hint, path=str(path), holder=holder) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        _held.add(self)

    def release(self) -> None:
        """Gives the right back; twice is once."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


_held: weakref.WeakSet[WriterLock] = weakref.WeakSet()


def _forget_in_child() -> None:
    for lock in list(_held):
        lock.release()


os.register_at_fork(after_in_child=_forget_in_child)


def _holder(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).strip()
    return int(text) if text.isdigit() else None


class Store:
    """The open file. Built by `create`, `open` or `in_memory`; not thread-safe: its chain serialises access."""

    def __init__(self, database: sqlite3.Connection, lock: WriterLock | None) -> None:
        self._database = database
        self._lock = lock
        self._broken: CorruptStore | None = None
        self._nodes = _Recent(_CACHED_NODES)

    @classmethod
    def create(cls, path: Path, facts: Mapping[str, bytes], genesis: BlockBytes, nodes: Mapping[bytes, bytes]) -> Store:
        """A new file with these facts and this first block, whole or not at all.

        Raises Conflict where a chain exists, Locked, InvalidFormat where another file is in its place.
        """
        lock = WriterLock(path)
        with _releasing(lock):
            if _is_chain(path):
                raise Conflict(f"{path.name} exists already", path=str(path))
            store = cls(_connect(str(path)), lock)
            store._found(facts, genesis, nodes)
            return store

    @classmethod
    def open(cls, path: Path) -> Store:
        """The chain in `path`. Raises NotFound, Locked, WrongVersion, InvalidFormat, CorruptStore."""
        if not path.exists():
            raise NotFound("chain", path.name)
        lock = WriterLock(path)
        with _releasing(lock):
            if not _is_chain(path):
                raise NotFound("chain", path.name)
            return cls(_connect(str(path)), lock)

    @classmethod
    def in_memory(cls, facts: Mapping[str, bytes], genesis: BlockBytes, nodes: Mapping[bytes, bytes]) -> Store:
        """A chain that ends with its process."""
        store = cls(_connect(":memory:"), None)
        store._found(facts, genesis, nodes)
        return store

    def close(self) -> None:
        """Closes the file and frees the lock; twice is once."""
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    def fact(self, name: str) -> bytes:
        """The fact of this name; CorruptStore where the file lacks it."""
        row = self._one("SELECT value FROM facts WHERE name = ?", name)
        if row is None:
            raise CorruptStore(f"the chain file lacks its {name}", fact=name)
        return _octets(row[0])

    def node(self, key: bytes) -> bytes | None:
        """The bytes whose keccak256 is `key`, or None."""
        found = self._nodes.get(key)
        if found is None:
            row = self._one("SELECT value FROM nodes WHERE hash = ?", key)
            if row is None:
                return None
            found = _checked(row[0], key, "state node")
            self._nodes.put(key, found)
        return found

    def head(self) -> tuple[int, bytes, bytes]:
        """Number, hash and header of the last block."""
        row = self._one("SELECT number, hash, header FROM blocks ORDER BY number DESC LIMIT 1")
        if row is None:
            raise CorruptStore("the chain file holds no block")
        return _whole(row[0]), _octets(row[1]), _checked(row[2], _octets(row[1]), "header")

    def header(self, number: int) -> tuple[bytes, bytes] | None:
        """Hash and header RLP of the block of this number, or None."""
        row = self._one("SELECT hash, header FROM blocks WHERE number = ?", number)
        return None if row is None else (_octets(row[0]), _checked(row[1], _octets(row[0]), "header"))

    def number_of(self, block_hash: bytes) -> int | None:
        """The number of the block of this hash, or None."""
        row = self._one("SELECT number FROM blocks WHERE hash = ?", block_hash)
        return None if row is None else _whole(row[0])

    def headers(self, first: int, last: int) -> Iterator[tuple[int, bytes, bytes]]:
        """Number, hash and header RLP of the blocks `first` to `last`, ascending."""
        query = "SELECT number, hash, header FROM blocks WHERE number BETWEEN ? AND ? ORDER BY number"
        for start in range(first, last + 1, _PAGE):
            for number, block_hash, header in self._rows(query, start, min(start + _PAGE - 1, last)):
                yield _whole(number), _octets(block_hash), _checked(header, _octets(block_hash), "header")

    def bodies(self, number: int) -> tuple[Body, ...]:
        """The transactions of a block, in order; each raw transaction hashes to its name."""
        rows = self._rows("SELECT hash, raw, receipt FROM transactions WHERE number = ? ORDER BY position", number)
        return tuple(Body(_octets(h), _checked(raw, _octets(h), "transaction"), _octets(r)) for h, raw, r in rows)

    def place_of(self, tx_hash: bytes) -> tuple[int, int] | None:
        """Block number and position of a transaction, or None."""
        row = self._one("SELECT number, position FROM transactions WHERE hash = ?", tx_hash)
        return None if row is None else (_whole(row[0]), _whole(row[1]))

    def append(self, block: BlockBytes, nodes: Mapping[bytes, bytes]) -> None:
        """Adds a block and the trie nodes it made, in one transaction that is on disk when this returns.

        Raises ChainUnavailable when the disk is full or busy (nothing was written; the same block may be tried
        again), CorruptStore when writing failed otherwise: the store then refuses everything until it is opened
        anew, because after a failed sync nobody knows what is on disk.
        """
        self._refuse_broken()
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._insert(block, nodes)
            self._database.execute("COMMIT")
        except sqlite3.Error as reason:
            with contextlib.suppress(sqlite3.Error):
                self._database.execute("ROLLBACK")
            raise self._unwritten(reason) from reason
        for key, value in nodes.items():
            self._nodes.put(key, value)

    def check(self) -> None:
        """SQLite's own check of the whole file. Raises CorruptStore."""
        for (verdict,) in self._rows("PRAGMA integrity_check"):
            if verdict != b"ok":
                raise CorruptStore(f"the chain file is damaged: {verdict.decode(errors='replace')}")

    def _found(self, facts: Mapping[str, bytes], genesis: BlockBytes, nodes: Mapping[bytes, bytes]) -> None:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                self._database.execute(statement)
            self._database.executemany("INSERT INTO facts VALUES (?, ?)", list(facts.items()))
            self._insert(genesis, nodes)
            self._database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._database.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            self._database.execute("COMMIT")
        except sqlite3.Error as reason:
            self.close()
            raise self._unwritten(reason) from reason

    def _insert(self, block: BlockBytes, nodes: Mapping[bytes, bytes]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO nodes VALUES (?, ?)", list(nodes.items()))
        self._database.execute("INSERT INTO blocks VALUES (?, ?, ?)", (block.number, block.hash, block.header))
        rows = [(block.number, at, body.hash, body.raw, body.receipt) for at, body in enumerate(block.bodies)]
        self._database.executemany("INSERT INTO transactions VALUES (?, ?, ?, ?, ?)", rows)

    def _unwritten(self, reason: sqlite3.Error) -> ChainUnavailable | CorruptStore:
        primary = (getattr(reason, "sqlite_errorcode", None) or 0) & 0xFF
        if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return ChainUnavailable(f"the block could not be stored: {reason}", hint="free disk space and try again")
        self._broken = CorruptStore(f"the chain file could not be written: {reason}")
        return self._broken

    def _one(self, query: str, *values: bytes | int | str) -> tuple[Any, ...] | None:
        with self._reading():
            row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
            return row

    def _rows(self, query: str, *values: bytes | int | str) -> list[tuple[Any, ...]]:
        with self._reading():
            return self._database.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        self._refuse_broken()
        try:
            yield
        except sqlite3.ProgrammingError as reason:
            raise ChainUnavailable("the chain is closed") from reason
        except sqlite3.Error as reason:
            raise CorruptStore(f"the chain file cannot be read: {reason}") from reason

    def _refuse_broken(self) -> None:
        if self._broken is not None:
            raise self._broken


class _Recent:
    """A bounded memory in two generations: what was not asked for during a whole generation is forgotten."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        if len(self._young) >= self._size:
            self._old, self._young = self._young, {}
        self._young[key] = value


@contextlib.contextmanager
def _releasing(lock: WriterLock) -> Iterator[None]:
    """Frees the lock when what follows fails."""
    try:
        yield
    except BaseException:
        lock.release()
        raise


def _connect(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    database.text_factory = bytes
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA cache_size = -65536")
        database.execute("PRAGMA trusted_schema = OFF")
    except sqlite3.Error as reason:
        database.close()
        raise CorruptStore(f"the chain file cannot be opened: {reason}", path=path) from reason
    return database


def _is_chain(path: Path) -> bool:
    """Whether `path` holds a chain of this version; False where nothing was ever written.

    Raises WrongVersion, InvalidFormat for a database of another program, CorruptStore for what is no database.
    """
    if not path.exists() or path.stat().st_size == 0:
        return False
    try:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as database:
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
            (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as reason:
        raise CorruptStore(f"{path.name} cannot be read: {reason}", path=str(path)) from reason
    if application == version == tables == 0:
        return False
    if application != APPLICATION_ID:
        raise InvalidFormat("chain file", f"{path.name} is a database of another program")
    if version != FORMAT_VERSION:
        raise WrongVersion("chain file", f"{path.name} has version {version}, this release reads {FORMAT_VERSION}")
    return True


def _checked(value: object, key: bytes, what: str) -> bytes:
    octets = _octets(value)
    if keccak256(octets) != key:
        raise CorruptStore(f"a stored {what} does not hash to its name", what=what, hash=to_hex(key))
    return octets


def _octets(value: object) -> bytes:
    """SQLite keeps in a column what it was given; a damaged file may hold anything."""
    if not isinstance(value, bytes):
        raise CorruptStore("the chain file holds something else where bytes belong")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise CorruptStore("the chain file holds something else where a number belongs")
    return value
