"""The records of a home: one private database, opened, brought up to date, and divided by noun."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, MetaData, func, inspect, select, text

from deedbook.domain.intents import IntentState
from deedbook.errors import Conflict, CorruptStore, NotFound, WrongVersion
from deedbook.records import dumps
from deedbook.records.anchors import AnchorLogs
from deedbook.records.complaints import ComplaintBook
from deedbook.records.consents import SignedConsents
from deedbook.records.database import PATIENCE, Database, path_of
from deedbook.records.deferred import DeferredLists
from deedbook.records.deliveries import Deliveries
from deedbook.records.documents import Documents
from deedbook.records.members import LegalIdentities, MemberDirectory
from deedbook.records.operations import OperationBook
from deedbook.records.outbox import SqlOutbox
from deedbook.records.payees import BankBatches, Payees
from deedbook.records.payloads import PayloadBook
from deedbook.records.principals import Principals
from deedbook.records.progress import Progress
from deedbook.records.relaying import RelayedActs
from deedbook.records.schema import HEAD, intents, metadata
from deedbook.records.sealing import Sealer
from deedbook.records.shifts import Shifts
from deedbook.records.webhooks import WebhookBook

KNOWN: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0013", HEAD)
"""Every migration, oldest first."""


class Records:
    """Everything private that cannot be rebuilt, by noun. `sealer` seals what must not be read in a stolen copy."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self.database = database
        self.consents = SignedConsents(database, sealer)
        self.documents = Documents(database)
        self.members = MemberDirectory(database)
        self.payloads = PayloadBook(database)
        self.deliveries = Deliveries(database)
        self.deferred = DeferredLists(database)
        self.payees = Payees(database, sealer)
        self.bank_batches = BankBatches(database)
        self.outbox = SqlOutbox(database)
        self.relayed = RelayedActs(database)
        self.operations = OperationBook(database, sealer)
        self.anchors = AnchorLogs(database)
        self.principals = Principals(database)
        self.complaints = ComplaintBook(database, sealer)
        self.identities = LegalIdentities(database, sealer)
        self.webhooks = WebhookBook(database, sealer)
        self.shifts = Shifts(database)

    @classmethod
    def open(cls, url: str, sealer: Sealer, *, patience: float = PATIENCE) -> Records:
        """Opens the records at an SQLAlchemy URL, creating or upgrading the tables.

        `patience` is how many seconds a writer waits for another one.

        Raises WrongVersion where a newer release made them, CorruptStore, Locked.
        """
        database = Database(url, patience=patience)
        _bring_up_to_date(database)
        return cls(database, sealer)

    def given_up(self) -> int:
        """How many intents no node takes: they end when their nonce is used otherwise."""
        wanted = select(func.count()).where(intents.c.state == IntentState.SUBMITTED, intents.c.error.is_not(None))
        with self.database.reading() as connection:
            return connection.execute(wanted).scalar_one()

    def progress(self, story: str) -> Progress:
        """The steps of a story."""
        return Progress(self.database, story)

    def close(self) -> None:
        """Closes the database."""
        self.database.close()


@dataclass(frozen=True, slots=True)
class Schema:
    """How the tables of a database stand: the migration that they are at (None: there are none), the newest one of this
    release, the migrations between, and what is otherwise than the newest one has it."""

    version: str | None
    newest: str
    missing: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return not self.missing and not self.differences


def schema_at(url: str) -> Schema:
    """How the records at a URL stand; changes nothing. Raises WrongVersion where a newer release made them,
    CorruptStore, NotFound where there is no file."""
    path = path_of(url)
    if path is not None and not path.exists():
        raise NotFound("records", path.name, hint="make a home by: deedbook init")
    database = Database(url)
    try:
        with database.reading() as connection:
            version = require_known(_version(connection))
            missing = KNOWN if version is None else KNOWN[KNOWN.index(version) + 1 :]
            return Schema(version, HEAD, missing, () if missing else _differences(connection))
    finally:
        database.close()


def upgrade(url: str) -> Schema:
    """Brings the records at a URL to the newest migration; how they stood before. Raises as `schema_at`, and Locked."""
    before = schema_at(url)
    if before.missing:
        database = Database(url)
        try:
            _bring_up_to_date(database)
        finally:
            database.close()
    return before


def restore(url: str, version: str, lines: Iterable[bytes], *, replace: bool = False) -> dict[str, int]:
    """Fills a database with rows that were dumped at migration `version`, and brings them to the newest; how many rows
    each table got. All of it, or nothing. With `replace` what is there goes.

    Raises Conflict where there are tables and `replace` is not said, WrongVersion, InvalidFormat, CorruptStore.
    """
    require_known(version)
    database = Database(url)
    try:
        with database.writing() as connection:
            found = MetaData()
            found.reflect(connection)
            if found.tables and not replace:
                raise Conflict("there are records already", hint="say --replace to put the backup in their place")
            found.drop_all(connection)
            _migrate(connection, version)
            counted = dumps.load(connection, lines)
            _migrate(connection, HEAD)
        return counted
    finally:
        database.close()


def _bring_up_to_date(database: Database) -> None:
    with database.reading() as connection:
        if _version(connection) == HEAD:
            return
    with database.writing() as connection:
        if require_known(_version(connection)) != HEAD:
            _migrate(connection, HEAD)


def require_known(version: str | None) -> str | None:
    """The version. Raises WrongVersion for one of a newer release."""
    if version is not None and version not in KNOWN:
        raise WrongVersion(
            "records", f"the schema is {version}, this release reads up to {HEAD}", hint="use a newer release"
        )
    return version


def _differences(connection: Connection) -> tuple[str, ...]:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    found = compare_metadata(MigrationContext.configure(connection), metadata)
    return tuple(sorted(_words(each) for each in found))


def _words(difference: Any) -> str:
    """One of alembic's differences, which say how to get there: `lacks column operations.about`."""
    if isinstance(difference, list):
        return ", ".join(map(_words, difference))
    act, *what = difference
    verb, _, kind = str(act).partition("_")
    names = [getattr(each, "name", each) for each in what if isinstance(each, str) or hasattr(each, "name")]
    words = {"add": "lacks", "remove": "has beyond it"}.get(verb, "has otherwise")
    return f"{words} {kind} {'.'.join(str(name) for name in names)}"


def _version(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if tables:
        raise CorruptStore("the records' database holds tables of something else")
    return None


def _migrate(connection: Connection, version: str) -> None:
    from alembic import command  # costly to import, and needed once in a home's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, version)
