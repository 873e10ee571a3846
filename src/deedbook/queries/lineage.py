"""Lineage: what an asset was derived from (up), and what was derived from it (down), however far.

The parents of an asset stand in its row as the registration named them, in canonical JSON, and nowhere else: the edges
are read out of it by the database's own JSON functions. So they need no table that could contradict the rows, no new
version of those, and no other rollback than theirs. The walk is one recursive statement, the same for SQLite and
PostgreSQL. It goes on from what it has not seen yet (`UNION`), so it ends on any rows; the contract lets no asset
derive from a later one, and here that is not relied on. A walk reads the rows of all derived assets once.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sqlalchemy import CTE, Connection, Select, Text, column, select, union
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement, GenericFunction

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import AssetKind, AssetState, Grade
from deedbook.errors import NotFound
from deedbook.mirror.schema import assets as table
from deedbook.mirror.schema import holdings
from deedbook.queries.assets import parents_of
from deedbook.queries.keysets import Places
from deedbook.queries.rows import Reading, many, one, time_of
from deedbook.queries.views import Page, View, code_of, page_of, require_limit

UP: Final = Places("ancestors", (int, bytes))
DOWN: Final = Places("descendants", (int, bytes))
NO_PARENTS: Final = "[]"


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
    onward: dict[bytes, list[bytes]] = defaultdict(list)
    for near, far in connection.execute(_edges_from(key, down=down)):
        onward[_key_of(near)].append(_key_of(far))
    found, waiting = {key: 0}, deque([key])
    while waiting:
        near = waiting.popleft()
        for far in onward[near]:
            if far not in found:
                found[far] = found[near] + 1
                waiting.append(far)
    return found


def with_descendants(key: bytes) -> Select[Any]:
    """The keys of the asset of this key and of everything that was derived from it, for use inside a statement."""
    edges = _edges()
    walk = _walk(key, edges.c.parent_name, edges.c.child_name)
    onward = select(edges.c.child.label("asset_id")).join(walk, walk.c.name == edges.c.parent_name)
    both = union(select(table.c.asset_id).where(table.c.asset_id == key), onward).subquery()
    return select(both.c.asset_id)


def require_asset(connection: Connection, asset_id: int) -> None:
    """Raises NotFound where the mirror has no such asset."""
    if one(connection, select(table.c.asset_id).where(table.c.asset_id == asset_key(asset_id))) is None:
        raise NotFound("asset", str(asset_id))


def _edges_from(key: bytes, *, down: bool) -> Select[Any]:
    """Every edge that a walk from this asset comes by, from its near end to its far end."""
    edges = _edges()
    near, far = edges.c.child_name, edges.c.parent_name
    if down:
        near, far = far, near
    walk = _walk(key, near, far)
    return select(near.label("near"), far.label("far")).join(walk, walk.c.name == near)


def _edges() -> CTE:
    """Child and parent of every derivation; `child` as the key that it has, the names as registrations write them."""
    child = table.alias("derived")
    parent = entries_of(child.c.parents).table_valued(column("value", Text), name="parent", joins_implicitly=True)
    names = (name_of(child.c.asset_id).label("child_name"), parent.c.value.label("parent_name"))
    query = select(child.c.asset_id.label("child"), *names).where(child.c.parents != NO_PARENTS)
    return query.cte("edges").prefix_with("MATERIALIZED")  # read once, not once for each step


def _walk(key: bytes, near: Any, far: Any) -> CTE:
    """The names of the asset of this key and of all its kin, each once."""
    walk = select(name_of(table.c.asset_id).label("name")).where(table.c.asset_id == key).cte("walk", recursive=True)
    return walk.union(select(far).join(walk, walk.c.name == near))


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


def _key_of(name: str) -> bytes:
    return bytes.fromhex(name.removeprefix("0x"))


class entries_of(FunctionElement[Any]):  # noqa: N801 - SQL functions are written small
    """The entries of a JSON array of texts, a row each: `value`."""

    name = "entries_of"
    inherit_cache = True


class name_of(GenericFunction[str]):  # noqa: N801
    """A key as registrations write it: 0x and its digits."""

    type = Text()
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
