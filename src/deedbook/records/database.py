"""One SQL database: how it is opened, read and written, and what its failures are called.

SQLite runs in WAL mode with foreign keys on: what was committed survives `kill -9`, and a power cut as well
(`synchronous = FULL`) unless it can be rebuilt. PostgreSQL keeps its own durability (`synchronous_commit`, on by
default). In both a write takes the one write lock of its database at its start, so that two writers queue instead of
failing half-way, and a reader sees one state throughout.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ClauseElement,
    Compiled,
    Connection,
    Engine,
    PoolProxiedConnection,
    RowMapping,
    Select,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from deedbook.errors import CorruptStore, DeedbookError, InvalidInput, Locked, StoreUnavailable

Row = RowMapping | Mapping[str, Any]
"""A row by column name."""

PATIENCE = 10.0
_UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}
_EVERY = ("journal_mode = WAL", "foreign_keys = ON", "cache_size = -65536", "wal_autocheckpoint = 16384")
"""A cache of at most 64 MiB: SQLite's own 2 MiB are read anew all the time. As much of a log before it goes into the
file: with SQLite's own 4 MiB, pages that are written again and again, as an index of hashes is, would go there each
time."""
_DURABLE = (*_EVERY, "synchronous = FULL", "secure_delete = ON")
_REBUILDABLE = (*_EVERY, "synchronous = NORMAL")
_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_WRITERS = 0x64656564626F6F6B
"""PostgreSQL's advisory lock that every writer of a database of ours holds: "deedbook"."""
_PG_BUSY = ("55P03", "40001", "40P01")
"""lock_not_available, serialization_failure, deadlock_detected (PostgreSQL, appendix A)."""
_PG_ABSENT = ("08", "28", "3D", "57P")
"""Connection exceptions, authorisation, unknown database, shutdown and crash, by class."""
_PG_BROKEN = ("XX", "58")
"""internal_error with data_corrupted and index_corrupted, system_error (io_error), by class."""
_PG_FULL = ("53100", "25006")
"""disk_full, read_only_sql_transaction."""


def path_of(url: str) -> Path | None:
    """The file of an SQLite URL, None for another database's. Raises InvalidInput (`url`)."""
    try:
        made = make_url(url)
    except ArgumentError as error:
        raise InvalidInput("url", "is of no database that can be opened here") from error
    return Path(made.database or "") if made.get_backend_name() == "sqlite" else None


class Database:
    """A database by its SQLAlchemy URL, such as `sqlite:////var/lib/deedbook/records.sqlite`.

    `patience` is how many seconds a writer waits for another one. What is `rebuildable` may lose its last commits
    (never its consistency) in a power cut, and does not overwrite what it deletes.

    Raises InvalidInput (`url`, which is not quoted: it may hold a password) for a kind of database that is not known or
    whose driver is not installed.
    """

    def __init__(self, url: str, *, patience: float = PATIENCE, rebuildable: bool = False) -> None:
        self.url = url
        try:
            self.name = make_url(url).database or url
            self._engine = _engine(url, patience, _REBUILDABLE if rebuildable else _DURABLE)
        except (ArgumentError, ImportError) as error:
            raise InvalidInput("url", "is of no database that can be opened here") from error
        weakref.finalize(self, self._engine.dispose)  # no connection outlives its database
        _close_strays(self._engine)
        self._prepared: weakref.WeakSet[Prepared] = weakref.WeakSet()
        self._turns = _Turns(patience) if self.path is not None else None

    @property
    def dialect(self) -> str:
        """What it speaks, as SQLAlchemy names it: `sqlite` or `postgresql`."""
        return str(self._engine.dialect.name)

    @property
    def path(self) -> Path | None:
        """The file of an SQLite database, None elsewhere."""
        return Path(self.name) if self.dialect == "sqlite" else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises CorruptStore, StoreUnavailable, Locked."""
        with self._named(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that holds the write lock from its start; all of it commits, or nothing.

        Raises CorruptStore, StoreUnavailable, Locked.
        """
        with self._turn(), self._named(), self._engine.connect() as connection:
            connection.execution_options(deedbook_write=True)
            with connection.begin():
                yield connection

    @contextmanager
    def beside(self) -> Iterator[Connection]:
        """A transaction that writes beside one of `writing`, for who holds that one (PostgreSQL has room for both).

        Raises CorruptStore, StoreUnavailable, Locked.
        """
        with self._named(), self._engine.connect() as connection:
            connection.execution_options(deedbook_beside=True)
            with connection.begin():
                yield connection

    def prepared(self, query: Select[Any], *parameters: str) -> Prepared:
        """A question that is asked often; `parameters` are the names of its bound parameters, in their order."""
        made = Prepared(self, self._engine, query, parameters)
        self._prepared.add(made)
        return made

    def settle(self) -> None:
        """Writes everything into the one file and ends the write-ahead log (SQLite).

        Raises Locked while others read.
        """
        self._let_go()
        if self.path is not None:
            with self._named(), self._engine.connect() as connection:
                _pragma(connection, "wal_checkpoint(TRUNCATE)")
                _pragma(connection, "journal_mode = DELETE")

    def forget(self) -> None:
        """Overwrites what was deleted or replaced, also in the write-ahead log (SQLite alone needs it)."""
        if self.path is not None:
            with self._named(), self._engine.connect() as connection:
                _pragma(connection, "wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Closes every connection, and one that is still in use when it is given back; a later use opens new ones."""
        self._let_go()
        self._engine.dispose()

    def _let_go(self) -> None:
        for each in list(self._prepared):
            each.forget()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._turns is None:
            yield
        elif self._turns.taken():
            try:
                yield
            finally:
                self._turns.give_back()
        else:
            raise _busy(Path(self.name).name)

    @contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            known = failure(self.name, error.orig if isinstance(error, DBAPIError) else error)
            if known is None:
                raise
            raise known from error


def worded(dialect: str, statement: ClauseElement) -> Compiled:
    """A statement in the own words of the driver of `sqlite` or `postgresql`, its parameters told by their places."""
    kind, style = (postgresql.psycopg.dialect, "format") if dialect == "postgresql" else (sqlite.dialect, "qmark")
    return statement.compile(dialect=kind(paramstyle=style))


class Prepared:
    """One statement in its driver's own words, for what is asked too often to be worded anew each time.

    It is no part of a transaction: a single statement sees one state by itself. In SQLite it keeps a connection.
    """

    def __init__(self, database: Database, engine: Engine, query: Select[Any], parameters: Sequence[str]) -> None:
        compiled = worded(database.dialect, query)
        order: list[str] | None = getattr(compiled, "positiontup", None)
        assert order == list(parameters), f"the parameters are {order}"
        self._words = str(compiled)
        self._database = database
        self._engine = engine
        self._ask = self._near if database.path else self._far
        self._lock = threading.Lock()
        self._kept: PoolProxiedConnection | None = None

    def first(self, *values: Any) -> Sequence[Any] | None:
        """The first row, None where there is none. Raises CorruptStore, Locked."""
        try:
            return self._ask(values)
        except Exception as error:
            known = failure(self._database.name, error.orig if isinstance(error, DBAPIError) else error)
            if known is None:
                raise
            raise known from error

    def forget(self) -> None:
        """Gives its connection back; a later question takes another."""
        with self._lock:
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    def _near(self, values: tuple[Any, ...]) -> Sequence[Any] | None:
        with self._lock:
            if self._kept is None:
                self._kept = self._engine.raw_connection()
            return _first(self._kept, self._words, values)

    def _far(self, values: tuple[Any, ...]) -> Sequence[Any] | None:
        pooled = self._engine.raw_connection()
        try:
            return _first(pooled, self._words, values)
        finally:
            pooled.close()


def _first(connection: PoolProxiedConnection, words: str, values: tuple[Any, ...]) -> Sequence[Any] | None:
    raw: Any = connection.driver_connection
    cursor = raw.execute(words, values)
    found: Sequence[Any] | None = cursor.fetchone()
    cursor.close()  # or the statement would hold its state of the database
    return found


class _Turns:
    """The turns of this process's writers of one SQLite database.

    SQLite lets writers look again by and by, each less often the longer it has waited: two busy threads would starve
    one another. Other processes' writers still meet in SQLite itself.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._process = os.getpid()

    def taken(self) -> bool:
        """Takes the turn; False where it did not come in time."""
        if self._process != os.getpid():  # a fork's copy may be held by a thread that is not here
            self._lock, self._process = threading.Lock(), os.getpid()
        return self._lock.acquire(timeout=self._patience)

    def give_back(self) -> None:
        """Lets the next one in."""
        self._lock.release()


def failure(name: str, error: BaseException | None) -> DeedbookError | None:
    """What a driver's failure is called, where it is the store's own and not a fault of the statement."""
    if isinstance(error, sqlite3.Error):
        return _sqlite_failure(Path(name).name, error)
    if error is not None and hasattr(error, "sqlstate"):
        return _postgresql_failure(name, error.sqlstate, absent=type(error).__name__ == "OperationalError")
    return None


def _sqlite_failure(file: str, error: sqlite3.Error) -> DeedbookError | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # the driver's own, not SQLite's: text that is no UTF-8
        return CorruptStore(f"{file} holds what cannot be read", store=file)
    if code & 0xFF in _BUSY:
        return _busy(file)
    if code & 0xFF in _UNREADABLE:
        return CorruptStore(f"{file} cannot be read as a database", store=file)
    if code & 0xFF in _UNWRITABLE:
        return _unwritable(file)
    return None


def _postgresql_failure(name: str, state: str | None, *, absent: bool) -> DeedbookError | None:
    """By SQLSTATE; a server that did not answer, or did not let us in, gives none."""
    if (state is None and absent) or (state or "").startswith(_PG_ABSENT):
        hint = "see that its PostgreSQL runs and knows this user, password and database; then try again"
        return StoreUnavailable(f"{name} cannot be reached", hint=hint, store=name)
    if state in _PG_BUSY:
        return _busy(name)
    if state in _PG_FULL:
        return _unwritable(name)
    if (state or "").startswith(_PG_BROKEN):
        return CorruptStore(f"{name} cannot be read as a database", store=name)
    return None


def _busy(name: str) -> Locked:
    return Locked(f"{name} is in use by another writer", hint="try again when it is done", store=name)


def _unwritable(name: str) -> CorruptStore:
    return CorruptStore(f"{name} cannot be written: its disk is full or it is read-only", store=name)


def _engine(url: str, patience: float, pragmas: tuple[str, ...]) -> Engine:
    if make_url(url).get_backend_name() == "postgresql":
        engine = create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": max(2, round(patience))})
        event.listen(engine, "begin", partial(_begin_postgresql, round(patience * 1000)))
        return engine
    engine = create_engine(url, connect_args={"timeout": patience} if url.startswith("sqlite") else {})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", partial(_prepare, pragmas))
        event.listen(engine, "begin", _begin)
    return engine


def _close_strays(engine: Engine) -> None:
    """A connection that is given back to a pool that was disposed of meanwhile would wait there for nobody."""
    pool_of = "deedbook_pool"

    def begin(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[pool_of] = weakref.ref(engine.pool)

    def end(_connection: object, record: ConnectionPoolEntry) -> None:
        if pool_of in record.info and record.info[pool_of]() is not engine.pool:
            record.close()

    event.listen(engine, "connect", begin)
    event.listen(engine, "checkin", end)


def _begin_postgresql(patience: int, connection: Connection) -> None:
    """A writer waits for its turn, at most `patience` milliseconds, and then sees what the one before committed."""
    if connection.get_execution_options().get("deedbook_write", False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        connection.exec_driver_sql(
            f"SELECT set_config('lock_timeout', '{patience}', true), pg_advisory_xact_lock({_WRITERS})"
        )
    elif not connection.get_execution_options().get("deedbook_beside", False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _prepare(pragmas: tuple[str, ...], connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: pysqlite would begin late
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _pragma(connection: Connection, words: str) -> None:
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute(f"PRAGMA {words}").fetchall()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("deedbook_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
