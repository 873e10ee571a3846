"""Blocks in their consensus encoding (Paris): header, receipts, log bloom, and the roots that bind them.

Knows no state and no store. `keccak256(header.encode())` is the block hash on this chain as on any other, so that a
proof made here is checked by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from deedbook.chain import rlp
from deedbook.chain.embedded.machine import LogEntry
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, keccak256
from deedbook.errors import CorruptStore, InvalidFormat

EMPTY_UNCLES: Final = keccak256(b"\xc0")
"""The hash of an empty list of uncles."""

_BLOOM_AT: Final = slice(192, 448)


@dataclass(frozen=True)
class Header:
    """What varies in a header of this chain; the rest (difficulty, nonce, base fee ...) is zero or empty."""

    number: int
    parent_hash: bytes
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    bloom: bytes
    gas_limit: int
    gas_used: int
    timestamp: int

    def encode(self) -> bytes:
        """The RLP of the 16 fields of a London to Paris header (EIP-1559, EIP-3675)."""
        return rlp.encode([
            self.parent_hash, EMPTY_UNCLES, ZERO_ADDRESS, self.state_root, self.transactions_root, self.receipts_root,
            self.bloom, b"", rlp.encode_int(self.number), rlp.encode_int(self.gas_limit), rlp.encode_int(self.gas_used),
            rlp.encode_int(self.timestamp), b"", ZERO32, bytes(8), b"",
        ])  # fmt: skip

    @cached_property
    def hash(self) -> bytes:
        """The block hash."""
        return keccak256(self.encode())


def decode_header(data: bytes) -> Header:
    """The header in `data`; CorruptStore where it is not one that this chain writes."""
    try:
        items = rlp.decode_list(data, "header")
        octets = [item for item in items if isinstance(item, bytes)]
        number, gas_limit, gas_used, timestamp = (rlp.decode_int(item, "header", most=8) for item in octets[8:12])
    except (InvalidFormat, ValueError) as reason:
        raise CorruptStore(f"a stored header cannot be read: {reason}") from reason
    header = Header(number, octets[0], octets[3], octets[4], octets[5], octets[6], gas_limit, gas_used, timestamp)
    if header.encode() != data:
        raise CorruptStore("a stored header is not one of this chain")
    return header


def bloom_in(header: bytes) -> int:
    """The log bloom of an encoded header, without decoding the rest (its place is fixed)."""
    return int.from_bytes(header[_BLOOM_AT], "big")


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a transaction ended. `cumulative_gas` counts the block up to and with it."""

    type: int
    success: bool
    cumulative_gas: int
    bloom: bytes
    logs: tuple[LogEntry, ...]

    def encode(self) -> bytes:
        """The consensus encoding (EIP-658, EIP-2718)."""
        logs: rlp.Item = [[log.address, log.topics, log.data] for log in self.logs]
        body = rlp.encode([rlp.encode_int(self.success), rlp.encode_int(self.cumulative_gas), self.bloom, logs])
        return bytes([self.type]) + body if self.type else body


def decode_receipt(data: bytes) -> Receipt:
    """The receipt in `data`, which its block's root has vouched for."""
    kind = data[0] if data[0] < 0x80 else 0
    status, gas, bloom, logs = rlp.decode_list(data[1:] if kind else data, "receipt")
    assert isinstance(bloom, bytes)
    entries = tuple(LogEntry(address, tuple(topics), body) for address, topics, body in logs)  # type: ignore[arg-type,misc]
    return Receipt(kind, status == b"\x01", rlp.decode_int(gas, "gas"), bloom, entries)


def bloom_bits(item: bytes) -> int:
    """The three bits that an address or a topic sets in a log bloom."""
    digest = keccak256(item)
    return (
        1 << (int.from_bytes(digest[0:2], "big") & 2047)
        | 1 << (int.from_bytes(digest[2:4], "big") & 2047)
        | 1 << (int.from_bytes(digest[4:6], "big") & 2047)
    )


def bloom_of(logs: Iterable[LogEntry]) -> bytes:
    """The log bloom of some logs (yellow paper, 4.3.1)."""
    bits = 0
    for item in {item for log in logs for item in (log.address, *log.topics)}:
        bits |= bloom_bits(item)
    return bits.to_bytes(256, "big")


def union(blooms: Iterable[bytes]) -> bytes:
    """The bloom of all logs of some blooms together."""
    bits = 0
    for bloom in blooms:
        bits |= int.from_bytes(bloom, "big")
    return bits.to_bytes(256, "big")
