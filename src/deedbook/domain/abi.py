"""Solidity's ABI encoding, both ways, and strictly: one value has one encoding.

    encode(["uint256", "(address,uint16)[]"], [7, [(account, 250)]])
    decode(["uint256", "(address,uint16)[]"], data)

Types: `bool`, `uint8` to `uint256`, `int8` to `int256`, `address`, `bytes1` to `bytes32`, `bytes`, `string`, `T[]`,
`T[k]`, tuples `(T,U)`. Values: `bool`, `int`, `bytes` (20 of them for an address), `str`, `tuple` for tuples and
arrays (encoding takes any list or tuple). Contract ABI Specification, "Formal Specification of the Encoding", strict
mode: offsets are those that encoding gives, padding is zero, nothing is left over.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from deedbook.errors import InvalidFormat, InvalidInput


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """`values` as `abi.encode` of `types` gives them. Raises InvalidInput: a value does not fit its type."""
    return _tuple_of(tuple(types)).encode(values)


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """The values of `data`. Raises InvalidFormat unless `data` is exactly what `encode` gives for them."""
    codec = _tuple_of(tuple(types))
    value, end = codec.decode(data, 0)
    if end != len(data):
        raise InvalidFormat("abi", f"{len(data) - end} bytes left over")
    return tuple(value)


def head_size(abi_type: str) -> int:
    """The bytes that a value of this type takes where it stands (32 for the offset of a dynamic one)."""
    return _head_size(_parse(abi_type))


def is_dynamic(abi_type: str) -> bool:
    """Whether values of this type stand behind an offset."""
    return _parse(abi_type).dynamic


class _Codec(Protocol):
    """One type: `size` is that of a static value; `decode` gives the value and the position after it."""

    @property
    def name(self) -> str: ...
    @property
    def dynamic(self) -> bool: ...
    @property
    def size(self) -> int: ...
    def encode(self, value: Any) -> bytes: ...
    def decode(self, data: bytes, at: int) -> tuple[Any, int]: ...


def _head_size(codec: _Codec) -> int:
    return 32 if codec.dynamic else codec.size


def _word(data: bytes, at: int) -> bytes:
    word = data[at : at + 32]
    if len(word) != 32:
        raise InvalidFormat("abi", f"ends before byte {at + 32}")
    return word


class _Integer:
    dynamic = False
    size = 32

    def __init__(self, name: str, bits: int, signed: bool) -> None:
        self.name = name
        self.signed = signed
        self.least = -(1 << bits - 1) if signed else 0
        self.most = (1 << bits - signed) - 1

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, int) or isinstance(value, bool) or not self.least <= value <= self.most:
            raise InvalidInput(self.name, "is not an integer in range")
        return int(value).to_bytes(32, "big", signed=self.signed)

    def decode(self, data: bytes, at: int) -> tuple[int, int]:
        value = int.from_bytes(_word(data, at), "big", signed=self.signed)
        if not self.least <= value <= self.most:
            raise InvalidFormat("abi", f"byte {at}: not a {self.name}")
        return value, at + 32


class _Bool:
    name = "bool"
    dynamic = False
    size = 32

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, bool):
            raise InvalidInput("bool", "is neither true nor false")
        return bytes(31) + bytes([value])

    def decode(self, data: bytes, at: int) -> tuple[bool, int]:
        value = int.from_bytes(_word(data, at), "big")
        if value > 1:
            raise InvalidFormat("abi", f"byte {at}: not a bool")
        return value == 1, at + 32


class _Address:
    name = "address"
    dynamic = False
    size = 32

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, bytes) or len(value) != 20:
            raise InvalidInput("address", "is not 20 bytes")
        return bytes(12) + value

    def decode(self, data: bytes, at: int) -> tuple[bytes, int]:
        word = _word(data, at)
        if any(word[:12]):
            raise InvalidFormat("abi", f"byte {at}: not an address")
        return word[12:], at + 32


class _FixedBytes:
    dynamic = False
    size = 32

    def __init__(self, name: str, length: int) -> None:
        self.name = name
        self.length = length

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, bytes) or len(value) != self.length:
            raise InvalidInput(self.name, f"is not {self.length} bytes")
        return value + bytes(32 - self.length)

    def decode(self, data: bytes, at: int) -> tuple[bytes, int]:
        word = _word(data, at)
        if any(word[self.length :]):
            raise InvalidFormat("abi", f"byte {at}: not a {self.name}")
        return word[: self.length], at + 32


class _Bytes:
    dynamic = True
    size = 32

    def __init__(self, name: str) -> None:
        self.name = name

    def encode(self, value: Any) -> bytes:
        content = self._content(value)
        return len(content).to_bytes(32, "big") + content + bytes(-len(content) % 32)

    def _content(self, value: Any) -> bytes:
        if not isinstance(value, str if self.name == "string" else bytes):
            raise InvalidInput(self.name, f"is not {self.name}")
        try:
            return value if isinstance(value, bytes) else str(value).encode("utf-8")
        except UnicodeError as reason:
            raise InvalidInput("string", "is not encodable as UTF-8") from reason

    def decode(self, data: bytes, at: int) -> tuple[Any, int]:
        length = int.from_bytes(_word(data, at), "big")
        start, stop, end = at + 32, at + 32 + length, at + 32 + length + -length % 32
        if end > len(data):
            raise InvalidFormat("abi", f"byte {at}: longer than the data")
        if any(data[stop:end]):
            raise InvalidFormat("abi", f"byte {stop}: padding is not zero")
        value = data[start:stop]
        if self.name == "bytes":
            return value, end
        try:
            return value.decode("utf-8"), end
        except UnicodeError as reason:
            raise InvalidFormat("abi", f"byte {start}: not UTF-8") from reason


def _encode_row(codecs: Sequence[_Codec], values: Sequence[Any]) -> bytes:
    heads: list[bytes] = []
    tails: list[bytes] = []
    offset = sum(map(_head_size, codecs))
    for codec, value in zip(codecs, values, strict=True):
        encoded = codec.encode(value)
        if codec.dynamic:
            heads.append(offset.to_bytes(32, "big"))
            tails.append(encoded)
            offset += len(encoded)
        else:
            heads.append(encoded)
    return b"".join(heads + tails)


def _decode_row(codecs: Sequence[_Codec], data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
    values: list[Any] = []
    head, tail = at, at + sum(map(_head_size, codecs))
    for codec in codecs:
        if codec.dynamic:
            if at + int.from_bytes(_word(data, head), "big") != tail:
                raise InvalidFormat("abi", f"byte {head}: offset is not canonical")
            value, tail = codec.decode(data, tail)
            head += 32
        else:
            value, head = codec.decode(data, head)
        values.append(value)
    return tuple(values), tail


class _Tuple:
    def __init__(self, name: str, codecs: tuple[_Codec, ...]) -> None:
        self.name = name
        self.codecs = codecs
        self.dynamic = any(codec.dynamic for codec in codecs)
        self.size = sum(map(_head_size, codecs))

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, (list, tuple)) or len(value) != len(self.codecs):
            raise InvalidInput(self.name, f"is not a row of {len(self.codecs)} values")
        return _encode_row(self.codecs, value)

    def decode(self, data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        return _decode_row(self.codecs, data, at)


class _Array:
    """`T[]`, or `T[k]` with `length` k."""

    def __init__(self, name: str, item: _Codec, length: int | None) -> None:
        self.name = name
        self.item = item
        self.length = length
        self.dynamic = length is None or item.dynamic
        self.size = 32 if length is None else length * _head_size(item)

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, (list, tuple)) or self.length not in (None, len(value)):
            raise InvalidInput(self.name, "is not an array of its length")
        count = len(value).to_bytes(32, "big") if self.length is None else b""
        return count + _encode_row([self.item] * len(value), value)

    def decode(self, data: bytes, at: int) -> tuple[tuple[Any, ...], int]:
        length = self.length
        if length is None:
            length = int.from_bytes(_word(data, at), "big")
            at += 32
        if length * _head_size(self.item) > len(data) - at:
            raise InvalidFormat("abi", f"byte {at}: array longer than the data")
        return _decode_row([self.item] * length, data, at)


@lru_cache(maxsize=512)
def _tuple_of(types: tuple[str, ...]) -> _Tuple:
    return _Tuple("(" + ",".join(types) + ")", tuple(_parse(each) for each in types))


@lru_cache(maxsize=512)
def _parse(text: str) -> _Codec:
    if text.endswith("]"):
        item, _, count = text[:-1].rpartition("[")
        length = None if count == "" else _number(count, text, 1, 2**32)
        return _Array(text, _parse(item), length)
    if text.startswith("("):
        return _Tuple(text, tuple(_parse(each) for each in _components(text)))
    return _parse_word(text)


def _parse_word(text: str) -> _Codec:
    if text == "bool":
        return _Bool()
    if text == "address":
        return _Address()
    if text in ("bytes", "string"):
        return _Bytes(text)
    if text.startswith("bytes"):
        return _FixedBytes(text, _number(text[5:], text, 1, 32))
    for prefix, signed in (("uint", False), ("int", True)):
        if text.startswith(prefix):
            bits = _number(text[len(prefix) :], text, 8, 256)
            if bits % 8 == 0:
                return _Integer(text, bits, signed)
    raise InvalidInput("abi", f"no type {text!r}")


def _number(text: str, abi_type: str, least: int, most: int) -> int:
    if not text.isascii() or not text.isdigit() or text[0] == "0" or not least <= int(text) <= most:
        raise InvalidInput("abi", f"no type {abi_type!r}")
    return int(text)


def _components(text: str) -> list[str]:
    if not text.endswith(")") or len(text) == 2:
        raise InvalidInput("abi", f"no type {text!r}")
    found, depth, start = [], 0, 1
    for place, sign in enumerate(text[1:-1], 1):
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            found.append(text[start:place])
            start = place + 1
    return [*found, text[start:-1]]
