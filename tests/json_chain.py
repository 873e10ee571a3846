"""A scripted chain that talks as a node does: logs by the contracts' ABIs, many blocks at once, in JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deedbook.chain import abis
from deedbook.chain.decoding import Decoder
from deedbook.domain import abi
from deedbook.domain.events import Log
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.domain.journal import EMPTY_HEAD, entities_of, fold
from deedbook.mirror.copying import BlockHeader
from tests.scripted_chain import CONTRACTS, NAMES, START, Block, Call, Heads, ScriptedChain

decode = Decoder(CONTRACTS).decode
"""The real decoder, for the chain's addresses."""


def shaped(parameter: Mapping[str, Any], value: Any) -> Any:
    """A value as the encoder takes it: structs as tuples in the order of the ABI."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return tuple(shaped(element, item) for item in value)
    if kind != "tuple":
        return value
    return tuple(shaped(item, value[item["name"]]) for item in parameter["components"])


def real_log(call: Call, block: int, block_hash: bytes, index: int) -> Log:
    """The event as its contract would emit it."""
    contract, name, args = call
    topic, member = next((topic, each) for topic, each in abis.events(contract).items() if each.name == name)
    indexed = [item for item in member.inputs if item["indexed"]]
    rest = [item for item in member.inputs if not item["indexed"]]
    topics = [abi.encode([abis.type_of(item)], [shaped(item, args[item["name"]])]) for item in indexed]
    data = abi.encode([abis.type_of(item) for item in rest], [shaped(item, args[item["name"]]) for item in rest])
    tx_hash = keccak256(block_hash + index.to_bytes(4, "big"))
    return Log(CONTRACTS[contract], (topic, *topics), data, block, block_hash, tx_hash, index, index)


@dataclass
class JsonChain(ScriptedChain):
    """`most` logs are given at once; `tell` may change what is told of a range."""

    most: int = 100_000
    told: list[tuple[int, int]] = field(default_factory=list)

    def mine(self, *calls: Call, seed: bytes = b"", raw: Sequence[Log] = ()) -> Block:
        parent = self.blocks[-1] if self.blocks else None
        number = len(self.blocks)
        parent_hash = parent.header.hash if parent else bytes(32)
        block_hash = keccak256(parent_hash + number.to_bytes(8, "big") + repr(calls).encode() + seed)
        heads: Heads = dict(parent.heads) if parent else {}
        logs = [real_log(call, number, block_hash, index) for index, call in enumerate(calls)]
        for (contract, name, args), each in zip(calls, logs, strict=True):
            for entity in (b"", *dict.fromkeys(entities_of(contract, name, args))):
                heads[contract, entity] = fold(
                    heads.get((contract, entity), EMPTY_HEAD), number, each.topics, each.data
                )
        for item in raw:
            place = len(logs)
            tx_hash = keccak256(block_hash + place.to_bytes(4, "big"))
            each = Log(item.address, item.topics, item.data, number, block_hash, tx_hash, place, place)
            logs.append(each)
            own = (NAMES[each.address], b"")
            heads[own] = fold(heads.get(own, EMPTY_HEAD), number, each.topics, each.data)
        header = BlockHeader(number, block_hash, parent_hash, START + 12 * number, block_hash)
        self.blocks.append(Block(header, tuple(logs), heads))
        return self.blocks[-1]

    # Ranges.

    def headers(self, first: int, last: int) -> Sequence[BlockHeader]:
        return [block.header for block in self.blocks[first : last + 1]]

    def logs_between(self, first: int, last: int) -> Sequence[Mapping[str, Any]] | None:
        self.told.append((first, last))
        logs = [each for block in self.blocks[first : last + 1] for each in self.lie(block.header.number, block.logs)]
        return None if len(logs) > self.most else [as_json(each) for each in logs]


def as_json(log: Log) -> dict[str, Any]:
    """A log as JSON-RPC gives it."""
    return {
        "address": to_hex(log.address),
        "topics": [to_hex(topic) for topic in log.topics],
        "data": to_hex(log.data),
        "blockNumber": hex(log.block_number),
        "blockHash": to_hex(log.block_hash),
        "transactionHash": to_hex(log.tx_hash),
        "transactionIndex": hex(log.tx_index),
        "logIndex": hex(log.log_index),
        "removed": False,
    }
