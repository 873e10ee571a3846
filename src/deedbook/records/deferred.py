"""Who is paid later: the places behind the roots of deferred lists, which the chain knows by root and count alone.

A list is kept before it is stated, under its root; it never changes. Losing it means that nobody can say any more who
waits, so it is no part of the mirror.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, insert, select

from deedbook.domain.hashing import to_hex
from deedbook.domain.revenue import list_root, place_entry, places_in
from deedbook.errors import IntegrityError, NotFound
from deedbook.records.database import Database
from deedbook.records.schema import deferred_lists


class DeferredLists:
    """The deferred lists of a home."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, places: Sequence[int], *, at: int) -> bytes:
        """Keeps ascending places; the root over them. Known ones stay. `at` is Unix seconds. Raises InvalidInput."""
        root = list_root(places)
        row = {"root": root, "places": b"".join(map(place_entry, places)), "kept_at": at}
        with self._database.writing() as connection:
            known = select(deferred_lists.c.root).where(deferred_lists.c.root == root)
            if connection.execute(known).first() is None:
                connection.execute(insert(deferred_lists), row)
        return root

    def count(self) -> int:
        """How many lists are kept."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(deferred_lists)).scalar_one()

    def places(self, root: bytes) -> tuple[int, ...]:
        """The places of a root. Raises NotFound, IntegrityError where what is kept does not give it."""
        wanted = select(deferred_lists.c.places).where(deferred_lists.c.root == root)
        with self._database.reading() as connection:
            kept = connection.execute(wanted).scalar()
        if kept is None:
            raise NotFound("deferred list", to_hex(root))
        found = places_in(kept)
        if list_root(found) != root:
            raise IntegrityError("a deferred list is not what its root says", root=to_hex(root))
        return found
