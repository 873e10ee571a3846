"""Records that are read one at a time, by key: one statement, and the bytes of the answer.

What is asked for thousands of times a second must not pay for more than its row: the statement is put into words once,
and the JSON of a view is written without the view. `Points` knows the plain case and says where a record is not; then
the query that knows all cases answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol

import orjson
from sqlalchemy import bindparam, exists, literal_column, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
from deedbook.mirror.schema import attestations, bindings, blocks, cursor, meta, versions
from deedbook.mirror.store import DERIVATION
from deedbook.queries.states import State
from deedbook.records.database import Database

_STATE: Final = (
    cursor.c.number,
    cursor.c.hash,
    cursor.c.final_number,
    select(meta.c.value).where(meta.c.name == literal_column(f"'{DERIVATION}'")).scalar_subquery(),
)
"""What `states.State` is made of, but for its time, which its block has."""
_TIME: Final = select(blocks.c.timestamp).where(
    blocks.c.number == bindparam("number"), blocks.c.hash == bindparam("hash")
)
_VERSION: Final = (
    select(
        versions.c.version,
        versions.c.version_key,
        versions.c.content_root,
        versions.c.record_count,
        versions.c.descriptor_hash,
        blocks.c.timestamp,
        versions.c.published_block,
        versions.c.published_tx,
        exists().where(bindings.c.asset_id == versions.c.asset_id, bindings.c.version == versions.c.version),
        exists().where(attestations.c.target == versions.c.version_key),
        *_STATE,
    )
    .join(blocks, blocks.c.number == versions.c.published_block)
    .join(cursor, cursor.c.one == literal_column("1"))
    .where(versions.c.asset_id == bindparam("asset"), versions.c.version == bindparam("number"))
)


class Pointed(Protocol):
    """What points ask of the mirror."""

    @property
    def database(self) -> Database:
        """Where it is kept."""


class Points:
    """Single records of a mirror, as the bytes of their JSON."""

    def __init__(self, mirror: Pointed) -> None:
        self._version = mirror.database.prepared(_VERSION, "asset", "number")
        self._time = mirror.database.prepared(_TIME, "number", "hash")
        self._seen: tuple[Sequence[Any], State] = ((), State(-1, b"", 0, -1, 0))
        self.are_near = mirror.database.path is not None
        """Whether they come from a file of this machine, so that an event loop may wait for them."""

    def version(self, asset_id: int, number: int) -> tuple[bytes, State] | None:
        """What `assets.version` gives, and from which state; None for one with a basis or attestations, which is more
        than a row, and where a fork came between.

        Raises NotFound, CorruptStore, Locked.
        """
        row = self._version.first(asset_key(asset_id), number)
        if row is None:
            raise NotFound("version", f"{asset_id}/{number}")
        plain, (bound, attested) = row[:8], row[8:10]
        if bound or attested:
            return None
        state = self._state(row[10:])
        return None if state is None else (_version(*plain), state)

    def _state(self, row: Sequence[Any]) -> State | None:
        """The state that these columns tell: the same object as long as it is the same. None where its block went
        meanwhile."""
        seen, state = self._seen
        if row == seen:
            return state
        block, digest, final, derived = row
        time = self._time.first(block, digest)
        if time is None:
            return None
        state = State(block, digest, time[0], final, int(derived or 0))
        self._seen = row, state
        return state


def _version(
    number: int, key: bytes, root: bytes, count: int, descriptor: bytes, at: int, block: int, tx: bytes
) -> bytes:
    """As `assets.VersionView` is written."""
    return orjson.dumps(
        {
            "version": number,
            "versionKey": to_hex(key),
            "contentRoot": to_hex(root),
            "recordCount": count,
            "descriptorHash": to_hex(descriptor),
            "publishedAt": at,
            "publishedBlock": block,
            "publishedTx": to_hex(tx),
            "basis": None,
            "attestations": [],
        }
    )
