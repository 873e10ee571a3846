"""The records of a home: one private database, opened, brought up to date, and divided by noun."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from deedbook.errors import CorruptStore, WrongVersion
from deedbook.records.anchors import AnchorLogs
from deedbook.records.consents import SignedConsents
from deedbook.records.database import PATIENCE, Database
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
from deedbook.records.schema import HEAD
from deedbook.records.sealing import Sealer

KNOWN: Final = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", HEAD)
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
        self.identities = LegalIdentities(database, sealer)

    @classmethod
    def open(cls, url: str, sealer: Sealer, *, patience: float = PATIENCE) -> Records:
        """Opens the records at an SQLAlchemy URL, creating or upgrading the tables.

        `patience` is how many seconds a writer waits for another one.

        Raises WrongVersion where a newer release made them, CorruptStore, Locked.
        """
        database = Database(url, patience=patience)
        _bring_up_to_date(database)
        return cls(database, sealer)

    def progress(self, story: str) -> Progress:
        """The steps of a story."""
        return Progress(self.database, story)

    def close(self) -> None:
        """Closes the database."""
        self.database.close()


def _bring_up_to_date(database: Database) -> None:
    with database.reading() as connection:
        if _version(connection) == HEAD:
            return
    with database.writing() as connection:
        version = _version(connection)
        if version is not None and version not in KNOWN:
            raise WrongVersion(
                "records", f"the schema is {version}, this release reads up to {HEAD}", hint="use a newer release"
            )
        if version != HEAD:
            _migrate(connection)


def _version(connection: Connection) -> str | None:
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if tables:
        raise CorruptStore("the records' database holds tables of something else")
    return None


def _migrate(connection: Connection) -> None:
    from alembic import command  # costly to import, and needed once in a home's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
