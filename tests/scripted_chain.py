"""A chain that plays a script at the mirror's seam: blocks, forks, and a node that lies on request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import keccak256
from deedbook.domain.journal import EMPTY_HEAD, JOURNALLED, entities_of, fold
from deedbook.errors import ChainUnavailable, InvalidFormat
from deedbook.mirror.copying import BlockHeader
from deedbook.mirror.store import Chain

Call = tuple[str, str, Mapping[str, Any]]
"""A contract, one of its events, and the arguments by ABI name."""

CONTRACTS = {name: bytes([0xC0 + place]) * 20 for place, name in enumerate(JOURNALLED)}
NAMES = {address: name for name, address in CONTRACTS.items()}
START = 1_700_000_000

Heads = dict[tuple[str, bytes], bytes]


def log_of(call: Call, block: int, block_hash: bytes, index: int) -> Log:
    contract, name, args = call
    return Log(
        address=CONTRACTS[contract],
        topics=(keccak256(f"{contract}.{name}".encode()),),
        data=json.dumps([contract, name, _tagged(dict(args))]).encode(),
        block_number=block,
        block_hash=block_hash,
        tx_hash=keccak256(block_hash + bytes([index])),
        tx_index=index,
        log_index=index,
    )


def decode(log: Log) -> Event | None:
    """What chain.decoding does for real logs."""
    if log.address not in NAMES:
        return None
    try:
        contract, name, args = json.loads(log.data)
    except ValueError as error:
        raise InvalidFormat("data", "is not of any event") from error
    return Event(contract, name, _untagged(args), log)


@dataclass(frozen=True)
class Block:
    header: BlockHeader
    logs: tuple[Log, ...]
    heads: Heads


@dataclass
class ScriptedChain:
    """Implements the follower's Source. `finality` is the depth below the tip from which on blocks are final."""

    finality: int = 0
    pruned_below: int = 0
    """Blocks below this have no state to prove against."""
    blocks: list[Block] = field(default_factory=list)
    lie: Callable[[int, Sequence[Log]], Sequence[Log]] = lambda number, logs: logs
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.blocks:
            self.mine()

    @property
    def chain(self) -> Chain:
        return Chain(31337, self.blocks[0].header.hash, CONTRACTS)

    def mine(self, *calls: Call, seed: bytes = b"", raw: Sequence[Log] = ()) -> Block:
        """The next block with these events; `seed` makes it another block with the same events."""
        parent = self.blocks[-1] if self.blocks else None
        number = len(self.blocks)
        parent_hash = parent.header.hash if parent else bytes(32)
        block_hash = keccak256(parent_hash + number.to_bytes(8, "big") + repr(calls).encode() + seed)
        heads: Heads = dict(parent.heads) if parent else {}
        logs = [self.log_of(call, number, block_hash, index) for index, call in enumerate(calls)]
        for (contract, name, args), log in zip(calls, logs, strict=True):
            for entity in (b"", *dict.fromkeys(entities_of(contract, name, args))):
                heads[contract, entity] = fold(heads.get((contract, entity), EMPTY_HEAD), number, log.topics, log.data)
        for item in raw:
            log = replace(item, block_number=number, block_hash=block_hash, log_index=len(logs))
            logs.append(log)
            if log.address in NAMES:
                own = (NAMES[log.address], b"")
                heads[own] = fold(heads.get(own, EMPTY_HEAD), number, log.topics, log.data)
        header = BlockHeader(number, block_hash, parent_hash, START + 12 * number, keccak256(repr(heads).encode()))
        self.blocks.append(Block(header, tuple(logs), heads))
        return self.blocks[-1]

    def log_of(self, call: Call, block: int, block_hash: bytes, index: int) -> Log:
        """The event as this chain's contracts emit it."""
        return log_of(call, block, block_hash, index)

    def fork(self, number: int) -> None:
        """Forgets every block from `number` on."""
        del self.blocks[number:]

    # Source.

    def tip(self) -> BlockHeader:
        return self.blocks[-1].header

    def final(self, tip: int) -> int:
        return tip - self.finality

    def header(self, number: int) -> BlockHeader | None:
        return self.blocks[number].header if number < len(self.blocks) else None

    def logs(self, header: BlockHeader) -> Sequence[Log]:
        for block in self.blocks:
            if block.header.hash == header.hash:
                return self.lie(header.number, block.logs)
        raise ChainUnavailable("no such block")

    def heads(self, header: BlockHeader, contract: str, entities: Sequence[bytes]) -> Mapping[bytes, bytes] | None:
        if header.number < self.pruned_below:
            return None
        if self.header(header.number) != header:
            raise ChainUnavailable("the block was forked away")
        heads = self.blocks[header.number].heads
        return {entity: heads.get((contract, entity), EMPTY_HEAD) for entity in entities}


def _tagged(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, Mapping):
        return {"struct": {name: _tagged(item) for name, item in value.items()}}
    if isinstance(value, tuple | list):
        return [_tagged(item) for item in value]
    return value


def _untagged(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_untagged(item) for item in value)
    if not isinstance(value, dict):
        return value
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    return {name: _untagged(item) for name, item in value["struct"].items()}
