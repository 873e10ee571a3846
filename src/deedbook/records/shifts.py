"""Work that one of several processes does for all: whose turn it is, and how far it has come.

A turn is held for a while and taken again before that is over; when its holder is gone, the next one who asks has it.
"""

from __future__ import annotations

from sqlalchemy import insert, select, update

from deedbook.records.database import Database
from deedbook.records.schema import shifts


class Shifts:
    """The turns of a home; each method is one SQL transaction. Times are Unix seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, work: str, owner: str, *, now: int, seconds: int) -> bool:
        """Whether the work is this owner's, who then has it until `now` + `seconds`."""
        with self._database.reading() as connection:
            held = connection.execute(select(shifts).where(shifts.c.work == work)).first()
        if held is not None and held.until > now + (seconds // 2 if held.owner == owner else 0):
            return bool(held.owner == owner)  # as it is nearly always: nobody waits for a writer's turn to hear it
        with self._database.writing() as connection:
            held = connection.execute(select(shifts).where(shifts.c.work == work)).first()
            if held is None:
                row = {"work": work, "owner": owner, "until": now + seconds, "done": -1}
                connection.execute(insert(shifts), row)
            elif held.owner != owner and held.until > now:
                return False
            else:
                mine = update(shifts).where(shifts.c.work == work)
                connection.execute(mine.values(owner=owner, until=now + seconds))
        return True

    def leave(self, work: str, owner: str) -> None:
        """Gives the work to whoever asks next."""
        mine = (shifts.c.work == work) & (shifts.c.owner == owner)
        with self._database.writing() as connection:
            connection.execute(update(shifts).where(mine).values(until=0))

    def reach(self, work: str, owner: str, done: int) -> None:
        """Notes how far the work is, by its owner alone."""
        mine = (shifts.c.work == work) & (shifts.c.owner == owner)
        with self._database.writing() as connection:
            connection.execute(update(shifts).where(mine).values(done=done))

    def reached(self, work: str) -> int:
        """How far the work is; -1 before anything was done."""
        with self._database.reading() as connection:
            done = connection.execute(select(shifts.c.done).where(shifts.c.work == work)).scalar()
        return -1 if done is None else done
