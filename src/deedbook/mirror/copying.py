"""What is copied of a chain, whoever copies it: blocks' headers, logs and what is understood of them, proven heads.

The follower copies block by block and the back-fill range by range; what they write is the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, and_, bindparam, delete, insert

from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import to_hex
from deedbook.domain.journal import entities_of
from deedbook.errors import DeedbookError, IntegrityError, InvalidInput, Locked
from deedbook.mirror import schema
from deedbook.mirror.projector import Operation, project
from deedbook.mirror.store import Cursor, read_cursor, read_derivation

LOG = logging.getLogger(__name__)

CONTRACT_HEAD: Final = b""
"""Stands for a contract's own head among entities."""

Decode = Callable[[Log], Event | None]


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What a follower asks of a block: number, hash, parent's hash, Unix seconds, state root, and the bloom of its logs
    (Yellow Paper, 4.3.1), where it is known."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    state_root: bytes
    logs_bloom: bytes | None = None


@dataclass(slots=True)
class CopiedLog:
    """A log of ours, its event if it has one, and what is wrong with it if it has none."""

    contract: str
    log: Log
    event: Event | None
    operations: tuple[Operation, ...]
    entities: tuple[bytes, ...]
    fault: DeedbookError | None
    journal: list[Operation] = field(default_factory=list)

    def alarm(self) -> None:
        """Tells the log of the process where it was quarantined."""
        if self.fault is not None:
            place = f"log {self.log.log_index} of block {self.log.block_number} ({self.contract})"
            LOG.error("quarantined: %s: %s; later: deedbook mirror replay", place, self.fault.message)


def understand(contract: str, log: Log, decode: Decode) -> CopiedLog:
    """A log of the contract with its event and what that writes, or with the fault for which it is quarantined."""
    try:
        event = decode(log)
        if event is None:
            raise InvalidInput("event", "is not decoded")
        entities = entities_of(contract, event.name, event.args)
    except InvalidInput as fault:
        return CopiedLog(contract, log, None, (), (), fault)
    try:
        return CopiedLog(contract, log, event, project(event), entities, None)
    except InvalidInput as fault:
        return CopiedLog(contract, log, event, (), entities, fault)


def write_proven(connection: Connection, tip: BlockHeader, proven: Sequence[tuple[str, bytes, bytes]]) -> None:
    """Keeps heads (contract, entity, head) that were proven at the state of block `tip`."""
    if not proven:
        return
    table = schema.proven_heads
    same = and_(table.c.contract == bindparam("k0"), table.c.entity == bindparam("k1"))
    connection.execute(delete(table).where(same), [{"k0": contract, "k1": entity} for contract, entity, _ in proven])
    stands = {"block_number": tip.number, "block_hash": tip.hash}
    rows = [{"contract": contract, "entity": entity, "head": head, **stands} for contract, entity, head in proven]
    connection.execute(insert(table), rows)


def broken_journal(
    contract: str, entity: bytes, tip: BlockHeader, folded: bytes, stated: bytes | None
) -> IntegrityError:
    """What is raised where the folded head of an entity (empty: the contract's own) is not the proven one."""
    whose = f"entity {to_hex(entity)}" if entity else "all its logs"
    return IntegrityError(
        f"the logs of {contract} ({whose}) up to block {tip.number} do not fold to the proven journal head",
        hint="the node hides, reorders or invents logs; use another node",
        contract=contract,
        entity=to_hex(entity),
        block=tip.number,
        folded=to_hex(folded),
        stated=to_hex(stated) if stated is not None else None,
    )


def require_unmoved(connection: Connection, cursor: Cursor | None) -> None:
    """Raises Locked unless the mirror still stands at the cursor."""
    if read_cursor(connection) != cursor:
        raise Locked("another follower moved the mirror's cursor", hint="run one follower for each mirror")


def require_underived(connection: Connection, derivation: int) -> None:
    """Raises Locked where a replay derived the mirror anew since (`store.read_derivation`): the heads that were folded
    on are others now."""
    if read_derivation(connection) != derivation:
        raise Locked("a replay changed the mirror meanwhile", hint="try again")
