"""Which state of the mirror a transaction sees: what is answered from it holds until there is another one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, select

from deedbook.mirror import schema
from deedbook.mirror.store import DERIVATION


@dataclass(frozen=True)
class State:
    """The last copied block (-1 and empty before block 0), its time in Unix seconds, the last final block, and how
    often the rows were derived anew from the logs (`mirror.store.read_derivation`).

    Rows follow from the blocks alone, and a block's hash from all blocks before it: with the same state, release and
    question, the answer is the same, byte for byte - after a fork back, and after a rebuild too.
    """

    number: int
    hash: bytes
    at: int
    final: int
    derivation: int

    @property
    def settled_at(self) -> int | None:
        """This block's time where no other state can have it: the block is final, and nothing was derived anew."""
        return self.at if 0 <= self.number <= self.final and self.derivation == 0 else None

    def tag(self, *question: str) -> str:
        """A name of the answer to a question, 32 hex digits."""
        digest = self._begun.copy()
        digest.update("\0".join(("", *question)).encode())
        name: str = digest.hexdigest()[:32]
        return name

    @cached_property
    def _begun(self) -> Any:
        """SHA-256 of what all questions have in common."""
        words = "\0".join((str(schema.SCHEMA_VERSION), str(self.derivation), str(self.number)))
        return hashlib.sha256(b"deedbook.state\0" + self.hash + words.encode())


def state_in(connection: Connection) -> State:
    """The state that this transaction sees."""
    cursor, blocks, meta = schema.cursor, schema.blocks, schema.meta
    derived = select(meta.c.value).where(meta.c.name == DERIVATION).scalar_subquery()
    query = select(cursor.c.number, cursor.c.hash, blocks.c.timestamp, cursor.c.final_number, derived)
    row = connection.execute(query.join(blocks, blocks.c.number == cursor.c.number, isouter=True)).first()
    if row is None:
        return State(-1, b"", 0, -1, 0)
    return State(row[0], bytes(row[1]), row[2] or 0, row[3], int(row[4] or 0))
