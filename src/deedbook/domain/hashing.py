"""Hashes, hexadecimal text, addresses and canonical JSON: the alphabet of every other format.

Knows no format of its own. Hashes are `bytes`; text forms exist at the edges only.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any, Final

import rfc8785
import tiny_keccak

from deedbook.errors import InvalidFormat, InvalidInput

ZERO32: Final = bytes(32)
"""The zero word: "none" for every hash and key."""

ZERO_ADDRESS: Final = bytes(20)
"""The zero account: "none" for every account."""

_HEX_DIGITS = frozenset("0123456789abcdef")
_MANY_DIGITS = re.compile(rb"[0-9]{16}")
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)

MOST_DEPTH: Final = 64
"""How deep arrays and objects of a JSON document may stand in each other."""


keccak256: Final[Callable[[bytes], bytes]] = tiny_keccak.keccak256
"""The 32-byte Keccak-256 of bytes (the EVM's hash: Keccak's padding, not that of FIPS 202)."""


def sha256(data: bytes) -> bytes:
    """The 32-byte SHA-256 of `data` (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def canonical_json(obj: Any) -> bytes:
    """`obj` as canonical JSON in UTF-8 (RFC 8785).

    Raises InvalidInput for what has no such form: whole numbers beyond 2^53 - 1 either way that would be written as
    integers, NaN, infinities, keys that are no strings, lone surrogates.
    """
    try:
        text = bytes(rfc8785.dumps(obj))
    except (rfc8785.CanonicalizationError, UnicodeError, RecursionError) as reason:
        raise InvalidInput("json", f"has no canonical form: {reason}") from reason
    if _MANY_DIGITS.search(text) and _has_large_integer(obj):
        raise InvalidInput("json", "has no canonical form: an integer beyond 2^53 - 1")
    return text


def _has_large_integer(value: Any) -> bool:
    """Whether a float in it is written as an integer that `parse_json` refuses (rfc8785 refuses such an int itself)."""
    if isinstance(value, float):
        return value.is_integer() and 2**53 <= abs(value) < 1e21
    if isinstance(value, dict):
        return any(map(_has_large_integer, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_large_integer, value))


def parse_json(data: bytes, what: str) -> Any:
    """The value of a JSON text in UTF-8 (RFC 8259; I-JSON of RFC 7493: no duplicate keys).

    `what` names the document in the error. Raises InvalidFormat: not UTF-8, not JSON, a duplicate key, NaN or an
    infinity, an integer beyond 2^53 - 1 either way, more than MOST_DEPTH levels, a lone surrogate.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InvalidFormat(what, f"duplicate key {key!r}")
            found[key] = value
        return found

    def refuse(constant: str) -> Any:
        raise InvalidFormat(what, f"{constant} is not JSON")

    def integer(text: str) -> int:
        if len(text) > 17 or abs(int(text)) > 2**53 - 1:
            raise InvalidFormat(what, "an integer beyond 2^53 - 1")
        return int(text)

    def real(text: str) -> float:
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise InvalidFormat(what, "a number out of range")
        return value

    try:
        text = data.decode("utf-8")
        _require_shallow(text, what)
        value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse, parse_int=integer, parse_float=real)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as reason:
        raise InvalidFormat(what, "is not UTF-8") from reason
    except ValueError as reason:
        raise InvalidFormat(what, f"is not JSON: {reason}") from reason
    return value


def _require_shallow(text: str, what: str) -> None:
    """Counted before parsing: the parser recurses in C, where a raised recursion limit lets it overrun the stack."""
    if text.count("[") + text.count("{") <= MOST_DEPTH:
        return
    depth = 0
    for found in _BRACKET.finditer(text):
        sign = found.group()
        depth += (sign in "[{") - (sign in "]}")
        if depth > MOST_DEPTH:
            raise InvalidFormat(what, f"is nested deeper than {MOST_DEPTH} levels")


def parse_canonical_json(data: bytes, what: str) -> Any:
    """As `parse_json`, and refuses (InvalidFormat) bytes that are not the canonical form of their value (RFC 8785)."""
    value = parse_json(data, what)
    if canonical_json(value) != data:
        raise InvalidFormat(what, "is not in canonical form (RFC 8785)")
    return value


def cut(column: bytes, width: int) -> list[bytes]:
    """The values of a column, `width` bytes each."""
    return [column[at : at + width] for at in range(0, len(column), width)]


def to_hex(data: bytes) -> str:
    """`0x` and two lower-case digits for each byte."""
    return "0x" + data.hex()


def from_hex(text: object, field: str, length: int | None = None) -> bytes:
    """The bytes of `0x` text with lower-case digits.

    Raises InvalidInput(`field`): not a string, no `0x`, odd or other digits, upper case, or not `length` bytes.
    """
    if not isinstance(text, str) or not text.startswith("0x"):
        raise InvalidInput(field, "is not text that starts with 0x")
    digits = text[2:]
    if len(digits) % 2 or not _HEX_DIGITS.issuperset(digits):
        raise InvalidInput(field, "is not an even number of lower-case hexadecimal digits")
    if length is not None and len(digits) != 2 * length:
        raise InvalidInput(field, f"is {len(digits) // 2} bytes, not {length}")
    return bytes.fromhex(digits)


def checksum_address(address: bytes) -> str:
    """The mixed-case text of a 20-byte address (EIP-55). Raises InvalidInput for another length."""
    if len(address) != 20:
        raise InvalidInput("address", f"is {len(address)} bytes, not 20")
    digits = address.hex()
    marks = keccak256(digits.encode("ascii")).hex()
    return "0x" + "".join(digit.upper() if mark >= "8" else digit for digit, mark in zip(digits, marks, strict=False))


def parse_address(text: object, field: str) -> bytes:
    """The 20 bytes of an address in text: all lower case, or mixed case with the right checksum (EIP-55).

    Raises InvalidInput(`field`) otherwise.
    """
    if not isinstance(text, str) or len(text) != 42:
        raise InvalidInput(field, "is not 0x and 40 digits")
    address = from_hex("0x" + text[2:].lower() if text.startswith("0x") else text, field, 20)
    if text != text.lower() and text != checksum_address(address):
        raise InvalidInput(field, "has a wrong checksum (EIP-55)")
    return address
