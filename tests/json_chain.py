"""A scripted chain that talks as a node does: logs by the contracts' ABIs, many blocks at once, in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deedbook.chain import abis
from deedbook.chain.decoding import Decoder
from deedbook.domain import abi
from deedbook.domain.events import Log
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.mirror.copying import BlockHeader
from tests.scripted_chain import CONTRACTS, Call, ScriptedChain

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

    def log_of(self, call: Call, block: int, block_hash: bytes, index: int) -> Log:
        return real_log(call, block, block_hash, index)

    # Ranges.

    def headers(self, first: int, last: int) -> Sequence[BlockHeader]:
        return [block.header for block in self.blocks[first : last + 1]]

    def logs_between(self, first: int, last: int) -> bytes | None:
        self.told.append((first, last))
        logs = [each for block in self.blocks[first : last + 1] for each in self.lie(block.header.number, block.logs)]
        return (
            None
            if len(logs) > self.most
            else json.dumps([as_json(each) for each in logs], separators=(",", ":")).encode()
        )


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
