"""Logs as a node gives them, and events as the contracts mean them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deedbook.domain.hashing import to_hex
from deedbook.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Log:
    """One log of one transaction, undecoded. Hashes and topics 32 bytes, address 20; indices count from 0 and
    `log_index` within the block."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    tx_index: int
    log_index: int

    def __post_init__(self) -> None:
        for field, value, length in (
            ("address", self.address, 20),
            ("blockHash", self.block_hash, 32),
            ("transactionHash", self.tx_hash, 32),
            *(("topics", topic, 32) for topic in self.topics),
        ):
            if len(value) != length:
                raise InvalidInput(field, f"is {len(value)} bytes, not {length}")
        if len(self.topics) > 4:
            raise InvalidInput("topics", "are more than 4")
        if min(self.block_number, self.tx_index, self.log_index) < 0:
            raise InvalidInput("log", "has a negative number")


@dataclass(frozen=True, slots=True)
class Event:
    """A log as its contract means it.

    `contract` and `name` as in the ABI; `args` by ABI name: `int`, `bytes` (addresses 20), `bool`, `str`, `tuple` for
    arrays, `dict` by component name for structs.
    """

    contract: str
    name: str
    args: Mapping[str, Any]
    log: Log


def plain(value: Any) -> Any:
    """An event's value as JSON: integers as decimal strings, bytes as hex, structs as objects by component name."""
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value]
