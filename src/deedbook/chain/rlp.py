"""Recursive Length Prefix, strictly: one encoding per value (Ethereum yellow paper, appendix B).

What this file refuses to know: what an item means. `decode` accepts nothing that `encode` would not have written, so
that bytes which are hashed cannot be said in two ways.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from deedbook.errors import InvalidFormat

Item: TypeAlias = "bytes | Sequence[Item]"
Decoded: TypeAlias = "bytes | list[Decoded]"

_MOST_DEPTH = 32
_SHORT_STRING = [bytes([0x80 + size]) for size in range(56)]
_SMALL_NUMBER = [b"\x80", *(bytes([value]) for value in range(1, 0x80))]


def encode(item: Item) -> bytes:
    """The encoding of a byte string or of a (nested) sequence of them."""
    if isinstance(item, (bytes, bytearray)):
        if len(item) == 1 and item[0] < 0x80:
            return bytes(item)
        return _prefix(0x80, len(item)) + item
    body = b"".join(encode(part) for part in item)
    return _prefix(0xC0, len(body)) + body


def encode_int(value: int) -> bytes:
    """The bytes of an unsigned integer as RLP wants it: big-endian, shortest, zero is empty."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def string(item: bytes) -> bytes:
    """The encoding of one byte string: `encode` for what is known to be one."""
    size = len(item)
    if size < 56:
        return item if size == 1 and item[0] < 0x80 else _SHORT_STRING[size] + item
    return _prefix(0x80, size) + item


def number(value: int) -> bytes:
    """The encoding of an unsigned integer: `encode(encode_int(value))`."""
    return _SMALL_NUMBER[value] if value < 0x80 else string(encode_int(value))


def sequence(body: bytes) -> bytes:
    """The encoding of a sequence whose parts, encoded and joined, are `body`."""
    return _prefix(0xC0, len(body)) + body


def decode(data: bytes) -> Decoded:
    """The one item that `data` encodes.

    Raises InvalidFormat ("rlp") for trailing bytes, lengths that are not shortest, a truncated or too deep item.
    """
    item, end = _decode(data, 0, len(data), 0)
    if end != len(data):
        raise InvalidFormat("rlp", f"{len(data) - end} bytes follow the item")
    return item


def decode_int(data: Decoded, field: str, *, most: int = 32) -> int:
    """The unsigned integer of at most `most` bytes in `data`; InvalidFormat (`field`) for leading zeros or a list."""
    if not isinstance(data, bytes) or len(data) > most:
        raise InvalidFormat(field, "not an unsigned integer")
    if data[:1] == b"\0":
        raise InvalidFormat(field, "an integer with leading zeros")
    return int.from_bytes(data, "big")


def decode_list(data: bytes, field: str) -> list[Decoded]:
    """The list that `data` encodes; raises InvalidFormat (`field`) when it is a byte string."""
    item = decode(data)
    if isinstance(item, bytes):
        raise InvalidFormat(field, "not an RLP list")
    return item


def _prefix(base: int, length: int) -> bytes:
    if length < 56:
        return bytes([base + length])
    size = encode_int(length)
    return bytes([base + 55 + len(size)]) + size


def _decode(data: bytes, at: int, end: int, depth: int) -> tuple[Decoded, int]:
    if depth > _MOST_DEPTH:
        raise InvalidFormat("rlp", "lists nested too deep")
    if at >= end:
        raise InvalidFormat("rlp", "truncated")
    first = data[at]
    if first < 0x80:
        return data[at : at + 1], at + 1
    if first < 0xC0:
        start, stop = _span(data, at, end, first - 0x80)
        if stop - start == 1 and data[start] < 0x80:
            raise InvalidFormat("rlp", "a single byte that needs no prefix has one")
        return data[start:stop], stop
    start, stop = _span(data, at, end, first - 0xC0)
    items: list[Decoded] = []
    while start < stop:
        item, start = _decode(data, start, stop, depth + 1)
        items.append(item)
    return items, stop


def _span(data: bytes, at: int, end: int, code: int) -> tuple[int, int]:
    """Where the payload of an item starts and stops; `code` is its first byte less the base of its kind."""
    start = at + 1
    length = code
    if code > 55:
        size = data[start : start + code - 55]
        start += code - 55
        length = int.from_bytes(size, "big")
        if start > end or size[:1] == b"\0" or length < 56:
            raise InvalidFormat("rlp", "a length that is not shortest")
    if start + length > end:
        raise InvalidFormat("rlp", "truncated")
    return start, start + length
