"""Tries what was quarantined again with this release's decoder and projectors, without the chain.

A log that fits now may change what later events of the same keys gave (a change that was undone since, an entity's
journal head, a row that was quarantined for want of this one). So nothing is squeezed in between: where anything may
fit, every row that follows from logs is derived anew from the mirror's own logs, block by block, by the very code that
a rebuild runs. The logs are the chain's - they fold to the proven heads, and are checked to do so again - so the
outcome equals a rebuild. All of it is one transaction: readers see the mirror before or after it, and a crash leaves it
as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, and_, delete, select

from deedbook.domain.events import Log
from deedbook.errors import Conflict, IntegrityError
from deedbook.mirror import schema
from deedbook.mirror.copying import CONTRACT_HEAD, BlockHeader, Decode
from deedbook.mirror.follower import copy_again, is_understood
from deedbook.mirror.indexes import build_keys
from deedbook.mirror.store import Mirror, read_cursor, read_derivation, write_derivation

BLOCKS: Final = 200
"""Blocks that are derived anew at once."""


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A log that is in quarantine: its block, its index there, its contract, and why it does not fit."""

    block: int
    log_index: int
    contract: str
    code: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        return {
            "block": self.block,
            "logIndex": self.log_index,
            "contract": self.contract,
            "code": self.code,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """How many logs were tried again, how many of them fit now, and what is in quarantine after it."""

    tried: int
    projected: int
    left: tuple[Quarantined, ...]

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        left = [each.to_json() for each in self.left]
        return {"tried": self.tried, "projected": self.projected, "left": left}


def replay(mirror: Mirror, decode: Decode) -> Replay:
    """Tries every quarantined log again. Raises IntegrityError where the mirror's own logs do not fold to its journal
    heads: then it is to be rebuilt."""
    with mirror.writing() as connection:
        build_keys(connection)
        before = _quarantined(connection)
        if any(_may_fit(mirror, connection, each, decode) for each in before):
            _derive_again(mirror, connection, decode)
        left = _quarantined(connection)
    places = {(each.block, each.log_index) for each in left}
    projected = sum((each.block, each.log_index) not in places for each in before)
    return Replay(len(before), projected, tuple(left))


def quarantined(mirror: Mirror) -> tuple[Quarantined, ...]:
    """What is in quarantine, in chain order."""
    with mirror.reading() as connection:
        return tuple(_quarantined(connection))


def _quarantined(connection: Connection) -> list[Quarantined]:
    held, blocks, logs = schema.quarantine, schema.blocks, schema.logs
    same = and_(blocks.c.number == logs.c.block_number, held.c.log_index == logs.c.log_index)
    query = select(logs.c.block_number, logs.c.log_index, logs.c.contract, held.c.code, held.c.reason)
    query = query.select_from(held.join(blocks, held.c.block_hash == blocks.c.hash).join(logs, same)).order_by(
        logs.c.block_number, logs.c.log_index
    )
    return [Quarantined(*row) for row in connection.execute(query)]


def _may_fit(mirror: Mirror, connection: Connection, held: Quarantined, decode: Decode) -> bool:
    """Whether the log is understood now. One that met other rows than it expected always was: those may be there."""
    logs = schema.logs
    place = and_(logs.c.block_number == held.block, logs.c.log_index == held.log_index)
    row = connection.execute(select(logs).where(place)).mappings().one()
    return held.code == Conflict.code or is_understood(held.contract, _log(mirror, row), decode)


def _derive_again(mirror: Mirror, connection: Connection, decode: Decode) -> None:
    heads = _contract_heads(connection)
    write_derivation(connection, read_derivation(connection) + 1)
    for table in (*schema.CANONICAL, schema.undo):
        if table not in (schema.blocks, schema.logs):
            connection.execute(delete(table))
    cursor = read_cursor(connection)
    final = cursor.final if cursor else -1
    names = {address: name for name, address in mirror.chain.contracts.items()}
    for first in range(0, cursor.number + 1 if cursor else 0, BLOCKS):
        taken = list(_taken(mirror, connection, first, first + BLOCKS - 1))
        copy_again(connection, taken, names, decode, final=final)
    if _contract_heads(connection) != heads:
        raise IntegrityError("the mirror's logs do not fold to its journal heads", hint="run: deedbook mirror rebuild")


def _taken(
    mirror: Mirror, connection: Connection, first: int, last: int
) -> Iterator[tuple[BlockHeader, tuple[Log, ...]]]:
    """Blocks with their logs, out of the tables that they are written to again."""
    blocks, logs = schema.blocks, schema.logs
    within = logs.c.block_number.between(first, last)
    by_block: dict[bytes, list[Log]] = {}
    for row in connection.execute(
        select(logs).where(within).order_by(logs.c.block_number, logs.c.log_index)
    ).mappings():
        by_block.setdefault(row["block_hash"], []).append(_log(mirror, row))
    those = blocks.c.number.between(first, last)
    headers = [
        BlockHeader(row["number"], row["hash"], row["parent_hash"], row["timestamp"], b"")
        for row in connection.execute(select(blocks).where(those).order_by(blocks.c.number)).mappings()
    ]
    connection.execute(delete(logs).where(within))
    connection.execute(delete(blocks).where(those))
    for header in headers:
        yield header, tuple(by_block.get(header.hash, ()))


def _log(mirror: Mirror, row: Any) -> Log:
    topics = bytes(row["topics"])
    return Log(
        address=mirror.chain.contracts[row["contract"]],
        topics=tuple(topics[at : at + 32] for at in range(0, len(topics), 32)),
        data=bytes(row["data"]),
        block_number=row["block_number"],
        block_hash=bytes(row["block_hash"]),
        tx_hash=bytes(row["tx_hash"]),
        tx_index=row["tx_index"],
        log_index=row["log_index"],
    )


def _contract_heads(connection: Connection) -> dict[str, tuple[bytes, int]]:
    """Each contract's own journal head, and how many logs it folds."""
    heads = schema.journal_heads
    own = select(heads.c.contract, heads.c.head, heads.c.logs).where(heads.c.entity == CONTRACT_HEAD)
    return {row[0]: (bytes(row[1]), row[2]) for row in connection.execute(own)}
