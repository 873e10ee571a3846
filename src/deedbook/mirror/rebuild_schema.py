"""A mirror in PostgreSQL, built anew from block 0 in a schema of its own and put in the place of the live one.

The live mirror serves meanwhile. Then one transaction drops its tables and moves the new ones in: whoever reads sees
the one or the other, and a crash leaves the one or the other.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, make_url, text

from deedbook.mirror import schema
from deedbook.mirror.backfill import Report, unreported
from deedbook.mirror.copying import Decode
from deedbook.mirror.follower import Follower, Progress, Source
from deedbook.mirror.store import Chain, Mirror
from deedbook.records.database import PATIENCE, Database

FRESH: Final = "deedbook_rebuilding"
"""The schema in which the new mirror grows; what an interrupted rebuild left there is dropped by the next one."""


def rebuild_in_postgresql(
    source: Source,
    url: str,
    chain: Chain,
    decode: Decode,
    *,
    until: int | None = None,
    patience: float = PATIENCE,
    report: Report = unreported,
) -> Progress:
    """Builds the mirror of this database anew up to the node's tip (or block `until`), and puts it there in one step.

    Whatever mirror is there, of any release, stays until the new one is whole. Raises Locked where others read the live
    mirror, or write, for longer than `patience` seconds; else as the follower.
    """
    database = Database(url, patience=patience, rebuildable=True)
    try:
        with database.beside() as connection:
            _say(connection, f"DROP SCHEMA IF EXISTS {FRESH} CASCADE", f"CREATE SCHEMA {FRESH}")
        fresh = Mirror.open(_in_fresh(url), chain)
        try:
            progress = Follower(source, fresh, decode, report=report).follow(until)
        finally:
            fresh.close()
        with database.writing() as connection:
            _replace(connection)
    finally:
        database.close()
    return progress


def _in_fresh(url: str) -> str:
    """The same database, whose tables are looked for and made in the fresh schema alone."""
    found = make_url(url)
    options = [*_options(found.query.get("options")), f"-csearch_path={FRESH}"]
    return found.update_query_dict({"options": " ".join(options)}).render_as_string(hide_password=False)


def _options(said: str | tuple[str, ...] | None) -> list[str]:
    return [said] if isinstance(said, str) else list(said or ())


def _replace(connection: Connection) -> None:
    """The live tables, of whatever release, go; the new ones come."""
    live = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
    for table in schema.metadata.tables:
        _say(connection, f"DROP TABLE IF EXISTS {live}.{table}", f"ALTER TABLE {FRESH}.{table} SET SCHEMA {live}")
    _say(connection, f"DROP SCHEMA {FRESH}")


def _say(connection: Connection, *statements: str) -> None:
    for each in statements:
        connection.execute(text(each))
