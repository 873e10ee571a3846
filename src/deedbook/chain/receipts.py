"""Receipts in their consensus encoding, and the root by which a header binds them: so that logs are all of a block's.

A node tells receipts as JSON (`eth_getBlockReceipts`); this file encodes them again and compares their root with the
header's. What agrees holds for status, gas, addresses, topics, data and order; transaction hashes are no part of it,
and stay the node's word. Whether the header is to be believed is for others to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from deedbook.chain import rlp
from deedbook.chain.proofs import Header
from deedbook.chain.tries import ordered_root
from deedbook.domain.events import Log
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.errors import IntegrityError, InvalidFormat, InvalidInput

LATEST_TYPE: Final = 4
"""The highest transaction type (EIP-2718) whose receipts are known: 1 EIP-2930, 2 EIP-1559, 3 EIP-4844, 4 EIP-7702."""

MOST_RECEIPTS: Final = 100_000
_BLOOM_BITS = 2047
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")


Bare = tuple[bytes, tuple[bytes, ...], bytes]
"""Address, topics and data of a log."""


def encode_receipt(receipt: Mapping[str, Any]) -> bytes:
    """The consensus encoding of a receipt as JSON-RPC tells it (EIP-658; EIP-2718 for types 1 to 4).

    A `root` in the place of the `status` is the state after the transaction, as before Byzantium. The bloom is made
    from the logs, whatever the node says of it. Raises InvalidFormat naming the field.
    """
    kind = _integer(receipt, "type") if receipt.get("type") is not None else 0
    if kind > LATEST_TYPE:
        raise InvalidFormat("type", f"{kind} is not known")
    logs = receipt_logs(receipt)
    gas = rlp.encode_int(_integer(receipt, "cumulativeGasUsed"))
    body = rlp.encode([_outcome(receipt), gas, logs_bloom(logs), [[*each] for each in logs]])
    return bytes((kind,)) + body if kind else body


def receipt_logs(receipt: Mapping[str, Any]) -> list[Bare]:
    """The logs of a receipt as JSON-RPC tells it. Raises InvalidFormat."""
    logs = receipt.get("logs")
    if not isinstance(logs, list):
        raise InvalidFormat("logs", "is not a list")
    return [_bare(log) for log in logs]


def logs_bloom(logs: Iterable[Bare]) -> bytes:
    """The 2048-bit bloom of the addresses and topics of some logs (yellow paper, 4.3.1)."""
    bits = 0
    for item in {item for address, topics, _ in logs for item in (address, *topics)}:
        digest = keccak256(item)
        for at in (0, 2, 4):
            bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & _BLOOM_BITS)
    return bits.to_bytes(256, "big")


def receipts_root(receipts: Sequence[Mapping[str, Any]]) -> bytes:
    """The root that a header states of these receipts, in the order of their transactions. Raises InvalidFormat."""
    return ordered_root([encode_receipt(receipt) for receipt in receipts])


def check_logs(header: Header, receipts: Sequence[Mapping[str, Any]]) -> tuple[Log, ...]:
    """All logs of the block, and no others: those of the receipts that the header's root and bloom bind.

    Raises IntegrityError (rule `receipts.root`, `receipts.bloom`, `receipts.place`) where the receipts are not the
    block's or say that they are of another; InvalidFormat for one that is malformed.
    """
    if len(receipts) > MOST_RECEIPTS:
        raise InvalidFormat("receipts", f"are more than {MOST_RECEIPTS}")
    found = receipts_root(receipts)
    if found != header.receipts_root:
        raise IntegrityError(
            f"the receipts of block {header.number} have the root {to_hex(found)}, not {to_hex(header.receipts_root)}",
            rule="receipts.root",
            block=header.number,
        )
    if logs_bloom(log for receipt in receipts for log in receipt_logs(receipt)) != header.logs_bloom:
        raise IntegrityError(
            f"the logs of block {header.number} are not those of its bloom", rule="receipts.bloom", block=header.number
        )
    return tuple(_placed(header, receipts))


def _placed(header: Header, receipts: Sequence[Mapping[str, Any]]) -> Iterable[Log]:
    """The logs with their places; what the node says of places must be the same."""
    log_index = 0
    for tx_index, receipt in enumerate(receipts):
        tx_hash = _octets(receipt, "transactionHash", 32)
        for place, (address, topics, data) in enumerate(receipt_logs(receipt)):
            log = Log(address, topics, data, header.number, header.hash, tx_hash, tx_index, log_index)
            _require_placed(receipt["logs"][place], log)
            log_index += 1
            yield log


def _require_placed(stated: Mapping[str, Any], log: Log) -> None:
    for name, value in (
        ("blockHash", to_hex(log.block_hash)),
        ("blockNumber", hex(log.block_number)),
        ("transactionHash", to_hex(log.tx_hash)),
        ("transactionIndex", hex(log.tx_index)),
        ("logIndex", hex(log.log_index)),
    ):
        if stated.get(name, value) != value:
            raise IntegrityError(
                f"log {log.log_index} of block {log.block_number} says {name} {stated[name]}, not {value}",
                rule="receipts.place",
                block=log.block_number,
            )


def _outcome(receipt: Mapping[str, Any]) -> bytes:
    if receipt.get("status") is None:
        return _octets(receipt, "root", 32)
    status = _integer(receipt, "status")
    if status > 1:
        raise InvalidFormat("status", "is neither 0 nor 1")
    return rlp.encode_int(status)


def _bare(log: Any) -> Bare:
    if not isinstance(log, dict) or not isinstance(log.get("topics"), list):
        raise InvalidFormat("logs", "holds what is no log")
    if len(log["topics"]) > 4:
        raise InvalidFormat("topics", "are more than 4")
    topics = tuple(_octets({"topics": topic}, "topics", 32) for topic in log["topics"])
    return _octets(log, "address", 20), topics, _octets(log, "data")


def _octets(holder: Mapping[str, Any], name: str, length: int | None = None) -> bytes:
    value = holder.get(name)
    try:
        return from_hex(value.lower() if isinstance(value, str) else value, name, length)
    except InvalidInput as reason:
        raise InvalidFormat(name, reason.reason) from reason


def _integer(holder: Mapping[str, Any], name: str) -> int:
    value = holder.get(name)
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise InvalidFormat(name, "is no hexadecimal quantity")
    return int(value, 16)
