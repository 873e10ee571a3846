"""JSON documents with a named format and version, read strictly: every field once, none unknown, each in one form.

Shared by all JSON formats of docs/formats.md: bytes are `0x` text in lower case, integers of more than 32 bits but
times are decimal text, all others JSON numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from deedbook.domain.hashing import from_hex
from deedbook.errors import InvalidFormat, InvalidInput, WrongVersion

MOST_NUMBER: Final = 2**53 - 1
"""The largest integer that a JSON number carries (RFC 7493, 2.2)."""


class Fields:
    """The fields of one JSON object, which must be exactly `keys`. Every getter raises InvalidFormat with the path."""

    def __init__(self, value: object, where: str, keys: Collection[str]) -> None:
        if not isinstance(value, Mapping):
            raise InvalidFormat(where, "is not an object")
        for key in keys:
            if key not in value:
                raise InvalidFormat(f"{where}.{key}", "is missing")
        for key in value:
            if key not in keys:
                raise InvalidFormat(where, f"has an unknown field {key!r}")
        self._values: Mapping[str, Any] = value
        self._where = where

    def path(self, key: str) -> str:
        """How errors name a field."""
        return f"{self._where}.{key}"

    def raw(self, key: str) -> Any:
        """The value as it is."""
        return self._values[key]

    def text(self, key: str) -> str:
        """A string."""
        value = self._values[key]
        if not isinstance(value, str):
            raise InvalidFormat(self.path(key), "is not text")
        return value

    def flag(self, key: str) -> bool:
        """`true` or `false`."""
        value = self._values[key]
        if not isinstance(value, bool):
            raise InvalidFormat(self.path(key), "is neither true nor false")
        return value

    def number(self, key: str, bits: int) -> int:
        """An unsigned integer of at most `bits` bits and 2^53 - 1, as a JSON number."""
        value = self._values[key]
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= min(MOST_NUMBER, 2**bits - 1):
            raise InvalidFormat(self.path(key), f"is not an unsigned {bits}-bit number")
        return value

    def decimal(self, key: str, bits: int) -> int:
        """An unsigned integer of at most `bits` bits, as decimal text without leading zeros."""
        return parse_decimal(self._values[key], self.path(key), bits)

    def hex(self, key: str, length: int | None = None) -> bytes:
        """Bytes, `length` of them where given."""
        return read_hex(self._values[key], self.path(key), length)

    def array(self, key: str) -> list[Any]:
        """A JSON array."""
        value = self._values[key]
        if not isinstance(value, (list, tuple)):
            raise InvalidFormat(self.path(key), "is not an array")
        return list(value)

    def object(self, key: str, keys: Collection[str]) -> Fields:
        """A nested object with exactly these keys."""
        return Fields(self._values[key], self.path(key), keys)


def read_document(value: object, document_format: str, keys: Collection[str], *, version: int = 1) -> Fields:
    """The fields of a document of this format: `format`, `version` and `keys`, no other.

    Raises InvalidFormat, and WrongVersion for another version of the format.
    """
    if not isinstance(value, Mapping) or value.get("format") != document_format:
        raise InvalidFormat("format", f"is not {document_format}")
    if "version" not in value:
        raise InvalidFormat("version", "is missing")
    found = value["version"]
    if type(found) is not int or found != version:
        raise WrongVersion("version", f"{document_format} version {found!r} is not read here")
    return Fields(value, document_format, ("format", "version", *keys))


def read_hex(value: object, where: str, length: int | None = None) -> bytes:
    """As `from_hex`, for a document: raises InvalidFormat."""
    try:
        return from_hex(value, where, length)
    except InvalidInput as reason:
        raise InvalidFormat(where, reason.reason) from reason


def parse_decimal(value: object, where: str, bits: int = 256) -> int:
    """The unsigned integer of decimal text, at most `bits` bits, no sign, no leading zero. Raises InvalidFormat."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 78:
        raise InvalidFormat(where, "is not decimal text")
    if (value[0] == "0" and value != "0") or int(value) >= 2**bits:
        raise InvalidFormat(where, f"is not an unsigned {bits}-bit integer in its one form")
    return int(value)


def require_unsigned(field: str, value: object, bits: int) -> None:
    """Raises InvalidInput unless `value` is an integer of at most `bits` bits (a bool is none)."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << bits:
        raise InvalidInput(field, f"is not an unsigned {bits}-bit integer")


def require_time(field: str, value: object) -> None:
    """Raises InvalidInput unless `value` is Unix seconds that a JSON number carries: 0 to 2^53 - 1."""
    require_unsigned(field, value, 53)


def require_bytes(field: str, value: object, length: int) -> None:
    """Raises InvalidInput unless `value` is `bytes` of this length."""
    if not isinstance(value, bytes):
        raise InvalidInput(field, "is not bytes")
    if len(value) != length:
        raise InvalidInput(field, f"is {len(value)} bytes, not {length}")


def require_flag(field: str, value: object) -> None:
    """Raises InvalidInput unless `value` is a bool."""
    if not isinstance(value, bool):
        raise InvalidInput(field, "is neither true nor false")


_HIDDEN: Final = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x034F, 0x034F),
    (0x0600, 0x0605),
    (0x061C, 0x061C),
    (0x06DD, 0x06DD),
    (0x070F, 0x070F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xD800, 0xF8FF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFF),
    (0xE0000, 0x10FFFF),
)


_HIDDEN_SIGN: Final = re.compile("[" + "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _HIDDEN) + "]")


def hidden_character(text: str) -> int | None:
    """The first code point that a reader cannot see, or that moves others: controls, line and bidirectional marks,
    zero widths, fillers, variation selectors, tags, surrogates, private use. None where there is none."""
    found = _HIDDEN_SIGN.search(text)
    return None if found is None else ord(found.group())


def require_plain(field: str, text: object, *, most: int = 4096) -> None:
    """Raises InvalidInput unless `text` is 1 to `most` characters, all of them visible (`hidden_character`)."""
    if not isinstance(text, str) or not 1 <= len(text) <= most:
        raise InvalidInput(field, f"is not text of 1 to {most} characters")
    point = hidden_character(text)
    if point is not None:
        raise InvalidInput(field, f"holds the hidden character U+{point:04X}")
