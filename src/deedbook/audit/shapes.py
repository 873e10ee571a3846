"""Reading JSON values strictly: each key by its type, and no key that the format does not know.

A key that is absent is EvidenceMissing (someone took it out); a value of another type or range, or a key that nobody
knows, is InvalidFormat (someone put it in), and found first. Paths such as `bundle.journals[3].entity` name the place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from deedbook.domain.hashing import checksum_address, from_hex, parse_address
from deedbook.errors import EvidenceMissing, InvalidFormat, InvalidInput

_DIGITS = frozenset("0123456789")


class Shape:
    """A JSON object being read; `path` names it in errors. With `keys` it may hold no other."""

    def __init__(self, value: Any, path: str, keys: Collection[str] | None = None) -> None:
        if not isinstance(value, dict):
            raise InvalidFormat(path, "is not an object")
        unknown = sorted(set(value).difference(keys)) if keys is not None else []
        if unknown:
            raise InvalidFormat(f"{path}.{unknown[0]}", "is no part of the format")
        self._value: dict[str, Any] = value
        self.path = path

    def names(self) -> tuple[str, ...]:
        """The keys, ascending."""
        return tuple(sorted(self._value))

    def take(self, name: str) -> Any:
        """The value under `name`, whatever it is. Raises EvidenceMissing."""
        if name not in self._value:
            raise EvidenceMissing(f"{self.path}.{name} is missing", rule="format.section")
        return self._value[name]

    def text(self, name: str) -> str:
        """A string."""
        return str(self._typed(name, str, "text"))

    def integer(self, name: str) -> int:
        """A JSON integer from 0."""
        value = self.take(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidFormat(f"{self.path}.{name}", "is not an integer from 0")
        return value

    def decimal(self, name: str, most: int = 2**256 - 1) -> int:
        """An unsigned integer as decimal text without leading zeros."""
        return decimal(self.take(name), f"{self.path}.{name}", most)

    def hex(self, name: str, length: int | None = None) -> bytes:
        """Bytes as 0x text."""
        return hex_bytes(self.take(name), f"{self.path}.{name}", length)

    def optional_hex(self, name: str, length: int | None = None) -> bytes | None:
        """Bytes as 0x text, or null."""
        value = self.take(name)
        return None if value is None else hex_bytes(value, f"{self.path}.{name}", length)

    def address(self, name: str, *, any_case: bool = False) -> bytes:
        """A 20-byte address in its one checksum form (EIP-55); with `any_case` all lower case will do."""
        value = self.take(name)
        try:
            found = parse_address(value, name)
        except InvalidInput as reason:
            raise InvalidFormat(f"{self.path}.{name}", reason.reason) from reason
        if not any_case and checksum_address(found) != value:
            raise InvalidFormat(f"{self.path}.{name}", "is not in checksum form (EIP-55)")
        return found

    def array(self, name: str) -> list[Any]:
        """A list."""
        value = self._typed(name, list, "a list")
        return list(value)

    def optional_array(self, name: str) -> list[Any] | None:
        """A list, or null."""
        return None if self.take(name) is None else self.array(name)

    def hexes(self, name: str, length: int | None = None) -> tuple[bytes, ...]:
        """A list of bytes as 0x text."""
        path = f"{self.path}.{name}"
        return tuple(hex_bytes(item, f"{path}[{i}]", length) for i, item in enumerate(self.array(name)))

    def mapping(self, name: str, keys: Collection[str] | None = None) -> Shape:
        """An object, of these keys if any are given."""
        return Shape(self.take(name), f"{self.path}.{name}", keys)

    def shapes(self, name: str, keys: Collection[str]) -> Iterator[Shape]:
        """A list of objects of these keys."""
        return (Shape(item, f"{self.path}.{name}[{i}]", keys) for i, item in enumerate(self.array(name)))

    def _typed(self, name: str, kind: type, words: str) -> Any:
        value = self.take(name)
        if not isinstance(value, kind):
            raise InvalidFormat(f"{self.path}.{name}", f"is not {words}")
        return value


def hex_bytes(value: Any, path: str, length: int | None = None) -> bytes:
    """The bytes of 0x text, of this length if one is given. Raises InvalidFormat (`path`)."""
    try:
        return from_hex(value, path, length)
    except InvalidInput as reason:
        raise InvalidFormat(path, reason.reason) from reason


def decimal(value: Any, path: str, most: int = 2**256 - 1) -> int:
    """The unsigned integer of decimal text, at most `most`. Raises InvalidFormat (`path`)."""
    if not isinstance(value, str) or not value or not _DIGITS.issuperset(value) or len(value) > 78:
        raise InvalidFormat(path, "is not decimal text")
    if (value[0] == "0" and value != "0") or int(value) > most:
        raise InvalidFormat(path, "has leading zeros or is out of range")
    return int(value)
