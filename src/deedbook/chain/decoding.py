"""Logs to events and reverts to typed errors, by the committed ABIs.

A log of an address that is not ours is none of ours; a log of ours that does not decode is refused loudly, never
skipped. Revert data is looked up first in the called contract, then in the contracts that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deedbook.chain import abis, artifacts
from deedbook.chain.client import NodeError
from deedbook.domain import abi
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import checksum_address, from_hex, to_hex
from deedbook.errors import DeedbookError, InvalidFormat, InvalidInput, RejectedByContract, TransactionFailed

PANIC = bytes.fromhex("4e487b71")
ERROR = bytes.fromhex("08c379a0")

Observer = Callable[[RejectedByContract], None]
observers: list[Observer] = []
"""Called with every custom error decoded; the test-suite's recorder of reverts listens here."""


class Decoder:
    """Decodes the logs of one deployment.

    `addresses` gives the 20-byte address of each contract by name.
    """

    def __init__(self, addresses: Mapping[str, bytes]) -> None:
        self.addresses = dict(addresses)
        self.address_names = {address: name for name, address in addresses.items()}

    def decode(self, log: Log) -> Event | None:
        """The event of a log, or None where the log is not of this deployment's contracts.

        Raises InvalidFormat where a log of ours is not one of its contract's events.
        """
        contract = self.address_names.get(log.address)
        return None if contract is None else decode_event(contract, log)


def decode_event(contract: str, log: Log) -> Event:
    """The event that `contract` emitted; arguments by name in the ABI's order. Raises InvalidFormat."""
    member = abis.events(contract).get(log.topics[0]) if log.topics else None
    if member is None:
        raise InvalidFormat("topics", f"{contract} has no event {to_hex(log.topics[0]) if log.topics else 'anonymous'}")
    indexed = [item for item in member.inputs if item["indexed"]]
    if len(indexed) != len(log.topics) - 1:
        raise InvalidFormat("topics", f"{member.signature} has {len(indexed)} indexed arguments")
    plain = [item for item in member.inputs if not item["indexed"]]
    found = abis.decode_parameters(plain, log.data)
    for item, topic in zip(indexed, log.topics[1:], strict=True):
        found[item["name"]] = abi.decode([abis.type_of(item)], topic)[0]
    return Event(contract, member.name, {item["name"]: found[item["name"]] for item in member.inputs}, log)


def revert_data(error: NodeError) -> bytes | None:
    """The revert data that a node's error carries, or None where the error is not a revert."""
    try:
        return from_hex(str(error.data).lower(), "data")
    except InvalidInput:
        return None


def decode_revert(contract: str, data: bytes) -> DeedbookError:
    """The error that a reverted call to `contract` carries: RejectedByContract for a custom error with its arguments
    by name (addresses as checksum text, bytes as hex), else TransactionFailed with the reason, the panic's code, or
    the data as they are. Never raises: the data may be anything."""
    try:
        return _explained(contract, data[:4], data[4:])
    except InvalidFormat:
        return _unexplained(contract, data)


def _explained(contract: str, selector: bytes, body: bytes) -> DeedbookError:
    if selector == ERROR:
        return TransactionFailed(f"{contract} reverted: {abi.decode(['string'], body)[0]}", contract=contract)
    if selector == PANIC:
        return TransactionFailed(f"{contract} panicked: {abi.decode(['uint256'], body)[0]:#x}", contract=contract)
    for name in (contract, *(other for other in artifacts.NAMES if other != contract)):
        member = abis.errors(name).get(selector)
        if member is not None:
            arguments = abis.decode_parameters(member.inputs, body)
            error = RejectedByContract(name, member.name, {key: _shown(value) for key, value in arguments.items()})
            for observer in observers:
                observer(error)
            return error
    return _unexplained(contract, selector + body)


def _unexplained(contract: str, data: bytes) -> TransactionFailed:
    return TransactionFailed(f"{contract} reverted: {to_hex(data) if data else 'without data'}", contract=contract)


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return checksum_address(value) if len(value) == 20 else to_hex(value)
    if isinstance(value, tuple):
        return tuple(_shown(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _shown(item) for key, item in value.items()}
    return value
