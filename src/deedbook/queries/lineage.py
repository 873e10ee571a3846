"""Lineage: what an asset was derived from (up), and what was derived from it (down), however far.

The parents of an asset stand in its row as the registration named them, in canonical JSON, and nowhere else: the edges
are read out of it by the database's own JSON functions. So they need no table that could contradict the rows, no new
version of those, and no other rollback than theirs. The walk is one recursive statement, the same for SQLite and
PostgreSQL. It goes on from what it has not seen yet (`UNION`), so it ends on any rows; the contract lets no asset
derive from a later one, and here that is not relied on. A walk up reads the ancestors' rows alone; a walk down reads
those of all derived assets once, for a parent does not name its children.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    LargeBinary,
    Select,
    Text,
    column,
    literal,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, GenericFunction

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import AssetKind, AssetState, Grade
from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
from deedbook.mirror.schema import assets as table
from deedbook.mirror.schema import holdings
from deedbook.queries.assets import parents_of
from deedbook.queries.keysets import Places
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import Page, View, code_of, page_of, require_limit

UP: Final = Places("ancestors", (int, bytes))
DOWN: Final = Places("descendants", (int, bytes))
NO_PARENTS: Final = "'[]'"
"""In SQL."""


@dataclass(frozen=True)
class KinView(View):
    """An asset that another one derives from, or that derives from it, by `distance` derivations on the shortest way.

    What follows `distance` is None where the mirror lacks the asset: its registration is in quarantine.
    """

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"asset_id", "parents"})

    asset_id: int
    distance: int
    parents: tuple[int, ...] | None
    state: AssetState | int | None
    kind: AssetKind | int | None
    grade: Grade | int | None
    personal: bool | None
    version: int | None
    holder: bytes | None
    registered_at: int | None
    registered_block: int | None


def lineage(
    mirror: Reading, asset_id: int, *, down: bool = False, limit: int = 100, after: str | None = None
) -> Page[KinView]:
    """What an asset was derived from, or (`down`) what was derived from it; the nearest first, then by identifier.

    Raises NotFound, InvalidInput.
    """
    places, key = DOWN if down else UP, asset_key(asset_id)
    start = (0, key) if after is None else places.parts(after)
    with mirror.reading() as connection:
        require_asset(connection, asset_id)
        kin = sorted((far, name) for name, far in distances(connection, key, down=down).items() if (far, name) > start)
        wanted = kin[: require_limit(limit)]
        rows = {row["asset_id"]: row for row in many(connection, _facts([name for _, name in wanted]))}
        found = [_kin(connection, name, far, rows.get(name)) for far, name in wanted]
    return page_of(found, len(kin) > limit, [places.token(far, name) for far, name in wanted])


def distances(connection: Connection, key: bytes, *, down: bool) -> dict[bytes, int]:
    """How many derivations lie between the asset of this key (32 bytes) and each of its kin, itself (0) among them."""
    if connection.dialect.name == "sqlite":
        _teach_keys(connection)
    onward: dict[bytes, list[bytes]] = defaultdict(list)
    for child, parent in connection.execute(_derivations_below(key) if down else _derivations_above(key)):
        near, far = (parent, child) if down else (child, parent)
        onward[near].append(far)
    found, waiting = {key: 0}, deque([key])
    while waiting:
        near = waiting.popleft()
        for far in onward[near]:
            if far not in found:
                found[far] = found[near] + 1
                waiting.append(far)
    return found


def keys_among(keys: Iterable[bytes]) -> Select[Any]:
    """These keys inside a statement, however many they are, once `distances` was asked on its connection."""
    names = literal(json.dumps([to_hex(key) for key in keys]), Text)
    key = entries_of(names).table_valued(column("value", Text), name="among")
    return select(key_named(key.c.value))


def require_asset(connection: Connection, asset_id: int) -> None:
    """Raises NotFound where the mirror has no such asset."""
    if one(connection, select(table.c.asset_id).where(table.c.asset_id == asset_key(asset_id))) is None:
        raise NotFound("asset", str(asset_id))


def _derivations_above(key: bytes) -> Select[Any]:
    """Child and parent of every derivation that a walk up from this asset comes by."""
    start = select(table.c.asset_id).where(table.c.asset_id == key)
    walk = start.cte("walk", recursive=True)
    child, parent = _derived("derived")
    walk = walk.union(select(key_named(parent)).join_from(walk, child, child.c.asset_id == walk.c.asset_id))
    child, parent = _derived("passed")
    met = select(child.c.asset_id.label("child"), key_named(parent).label("parent"))
    return met.join_from(walk, child, child.c.asset_id == walk.c.asset_id)


def _derivations_below(key: bytes) -> Select[Any]:
    """The same of a walk down."""
    child, parent = _derived("derived")
    every = select(child.c.asset_id.label("child"), name_of(child.c.asset_id).label("child_name"), parent.label("of"))
    # Read once, not once for each step. The text stands in the statement as in the index, which serves no parameter.
    edges = every.where(child.c.parents != literal_column(NO_PARENTS)).cte("edges").prefix_with("MATERIALIZED")
    start = select(table.c.asset_id, name_of(table.c.asset_id).label("name")).where(table.c.asset_id == key)
    walk = start.cte("walk", recursive=True)
    walk = walk.union(select(edges.c.child, edges.c.child_name).join_from(walk, edges, edges.c.of == walk.c.name))
    met = select(edges.c.child, walk.c.asset_id.label("parent"))
    return met.join_from(walk, edges, edges.c.of == walk.c.name)


def _derived(name: str) -> tuple[FromClause, ColumnElement[str]]:
    """Assets, and the names of the parents of each: a row for each of them."""
    child = table.alias(name)
    of = entries_of(child.c.parents).table_valued(column("value", Text), name=f"{name}_from", joins_implicitly=True)
    return child, of.c.value


def _facts(keys: list[bytes]) -> Select[Any]:
    query = select(table, holdings.c.holder).outerjoin(holdings, holdings.c.asset_id == table.c.asset_id)
    return query.where(table.c.asset_id.in_(keys))


def _kin(connection: Connection, key: bytes, distance: int, row: Mapping[str, Any] | None) -> KinView:
    number = int.from_bytes(key, "big")
    if row is None:
        return KinView(number, distance, *[None] * 9)
    return KinView(
        asset_id=number,
        distance=distance,
        parents=parents_of(row),
        state=code_of(AssetState, row["state"]),
        kind=code_of(AssetKind, row["kind"]),
        grade=code_of(Grade, row["grade"]),
        personal=row["personal"],
        version=row["version"],
        holder=row["holder"],
        registered_at=time_of(connection, row["registered_block"]),
        registered_block=row["registered_block"],
    )


def _teach_keys(connection: Connection) -> None:
    """SQLite reads hexadecimal text by itself from 3.41 on only."""
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.create_function("deedbook_key", 1, lambda name: bytes.fromhex(name[2:]), deterministic=True)


class entries_of(FunctionElement[Any]):  # noqa: N801 - SQL functions are written small
    """The entries of a JSON array of texts, a row each: `value`."""

    name = "entries_of"
    inherit_cache = True


class name_of(GenericFunction[str]):  # noqa: N801
    """A key as registrations write it: 0x and its digits."""

    type = Text()
    inherit_cache = True


class key_named(GenericFunction[bytes]):  # noqa: N801
    """The key of such a name."""

    type = LargeBinary()
    inherit_cache = True


@compiles(entries_of, "sqlite")
def _sqlite_entries(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(entries_of, "postgresql")
def _postgresql_entries(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS json))"


@compiles(name_of, "sqlite")
def _sqlite_name(element: Any, compiler: Any, **options: Any) -> str:
    return f"('0x' || lower(hex({compiler.process(element.clauses, **options)})))"


@compiles(name_of, "postgresql")
def _postgresql_name(element: Any, compiler: Any, **options: Any) -> str:
    return f"('0x' || encode({compiler.process(element.clauses, **options)}, 'hex'))"


@compiles(key_named, "sqlite")
def _sqlite_key(element: Any, compiler: Any, **options: Any) -> str:
    return f"deedbook_key({compiler.process(element.clauses, **options)})"


@compiles(key_named, "postgresql")
def _postgresql_key(element: Any, compiler: Any, **options: Any) -> str:
    return f"decode(substr({compiler.process(element.clauses, **options)}, 3), 'hex')"
