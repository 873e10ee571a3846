"""How far a story has come: named steps with their facts, so that what was begun is continued."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, insert, select

from deedbook.domain.hashing import canonical_json, parse_json
from deedbook.errors import Conflict
from deedbook.records.database import Database
from deedbook.records.schema import steps


class Progress:
    """The steps that one story (such as `demo`) has done."""

    def __init__(self, database: Database, story: str) -> None:
        self._database = database
        self._story = story

    def facts(self, step: str) -> Any | None:
        """What the step left behind, or None where it was not done."""
        found = select(steps.c.facts).where(steps.c.story == self._story, steps.c.step == step)
        with self._database.reading() as connection:
            facts = connection.execute(found).scalar()
        return None if facts is None else parse_json(facts.encode(), step)

    def done(self) -> list[str]:
        """The steps done, in the order in which they were."""
        of_story = select(steps.c.step).where(steps.c.story == self._story).order_by(steps.c.position)
        with self._database.reading() as connection:
            return list(connection.execute(of_story).scalars())

    def record(self, step: str, facts: Any) -> None:
        """Notes a step with its facts (JSON, not null); again the same changes nothing. Raises Conflict."""
        known = self.facts(step)
        if known is not None:
            if canonical_json(known) != canonical_json(facts):
                raise Conflict(f"step {step} was done with other facts", step=step)
            return
        with self._database.writing() as connection:
            last = connection.execute(select(func.max(steps.c.position)).where(steps.c.story == self._story)).scalar()
            row = {"story": self._story, "step": step, "position": (last or 0) + 1}
            connection.execute(insert(steps), {**row, "facts": canonical_json(facts).decode()})

    def forget(self) -> None:
        """Starts the story anew."""
        with self._database.writing() as connection:
            connection.execute(delete(steps).where(steps.c.story == self._story))
