"""Who follows the mirror, and how they are told what it holds: blocks added, and blocks that a fork took back.

The mirror keeps no list of who was told what: a subscriber says itself where it stands, by the hash of the last block
it was told of, and keeps that with what it made of the blocks. So it is told everything at least once - exactly once,
where it commits both together - through crashes of either side, and begins where it stopped.

    stands at a block of the chain   -> added(the blocks after it)
    stands at an orphan              -> taken_back(it and those before it, back to the chain), then as above
    stands nowhere yet               -> added(every block from 0 on)
    stands at a block never heard of -> NotFound: the mirror was built anew since, and the subscriber begins anew
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from sqlalchemy import Connection, RowMapping, Table, select

from deedbook.domain.hashing import to_hex
from deedbook.errors import IntegrityError, NotFound
from deedbook.mirror import schema
from deedbook.mirror.store import BlockRow, Mirror

AT_ONCE: Final = 1000
"""The most blocks that a subscriber is told of in one call."""


class Subscriber(Protocol):
    """Who is told. It may raise anything: then it is told the same again."""

    def stands_at(self) -> bytes | None:
        """The hash (32 bytes) of the last block that it was told of; after `taken_back`, the parent of the last one
        given there. None where it was told of none yet."""

    def added(self, blocks: Sequence[BlockRow]) -> None:
        """Blocks that came after where it stands, in order."""

    def taken_back(self, blocks: Sequence[BlockRow]) -> None:
        """Blocks that are the chain's no more, from where it stands downwards."""


def tell(mirror: Mirror, subscriber: Subscriber) -> None:
    """Tells a subscriber all that it was not told of. Raises NotFound where it stands at a block never heard of,
    IntegrityError where it does not move on, and whatever it raises."""
    while True:
        standing = subscriber.stands_at()
        with mirror.reading() as connection:
            gone = [] if standing is None else _gone(connection, standing)
            fresh = [] if gone else _fresh(connection, standing)
        if gone:
            subscriber.taken_back(gone)
        elif fresh:
            subscriber.added(fresh)
        else:
            return
        if subscriber.stands_at() == standing:
            raise IntegrityError("a subscriber does not remember what it was told")


def _gone(connection: Connection, standing: bytes) -> list[BlockRow]:
    """The orphans from `standing` downwards, the newest first; none where it is a block of the chain."""
    gone: list[BlockRow] = []
    at = standing
    while _by_hash(connection, schema.blocks, at) is None:
        orphan = _by_hash(connection, schema.orphan_blocks, at)
        if orphan is None:
            hint = "the mirror was built anew: begin from block 0"
            raise NotFound("block in the mirror", to_hex(at), hint=hint)
        gone.append(orphan)
        at = orphan.parent_hash
    return gone


def _fresh(connection: Connection, standing: bytes | None) -> list[BlockRow]:
    number = -1
    if standing is not None:
        at = _by_hash(connection, schema.blocks, standing)
        assert at is not None
        number = at.number
    blocks = schema.blocks
    after = select(blocks).where(blocks.c.number > number).order_by(blocks.c.number).limit(AT_ONCE)
    return [_row(row) for row in connection.execute(after).mappings()]


def _by_hash(connection: Connection, table: Table, block_hash: bytes) -> BlockRow | None:
    found = connection.execute(select(table).where(table.c.hash == block_hash)).mappings().first()
    return None if found is None else _row(found)


def _row(found: RowMapping) -> BlockRow:
    return BlockRow(found["number"], found["hash"], found["parent_hash"], found["timestamp"])
