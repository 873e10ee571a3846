"""Many logs of one kind at once, as columns: for back-fill, where a million logs are of a few kinds.

An event without dynamic fields has a fixed layout, which follows from the ABI: every argument is a word (32 bytes) of
the topics or of the data (Contract ABI specification, "Events"). The words of n such logs are one matrix of bytes, a
row for each log. What is wanted of an argument is then a slice of that matrix, and whether its words are what their
type allows is one comparison: as strict as `decoding.decode_event`, to the same values, with no object for a log.
Events with dynamic fields have no layout: they go the general way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from deedbook.chain import abis
from deedbook.domain import abi

WORD: Final = 32

Matrix = NDArray[np.uint8]
"""Bytes, a row for each log."""
Mask = NDArray[np.bool_]
"""Yes or no for each log."""
Numbers = NDArray[np.int64]
"""A number for each log."""

_POWERS: Final = np.array([10**digits for digits in range(1, 20)], np.uint64)
"""From which number on there is one more digit."""


class Form(StrEnum):
    """What is wanted of an argument: its `value` (bytes, an address or a truth value); its whole `word`, 32 bytes; its
    `decimal` text (integers); a `number` below 2^63."""

    VALUE = "value"
    WORD = "word"
    DECIMAL = "decimal"
    NUMBER = "number"


class Kind(StrEnum):
    """What the cells of a column are: bytes; a number of 8 bytes, big-endian; a truth value of one byte; UTF-8 text."""

    BYTES = "bytes"
    NUMBER = "number"
    FLAG = "flag"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """One value of each of n logs: `cells` has n rows of equal width. Texts may be shorter than that: each is the last
    `lengths` bytes of its row."""

    kind: Kind
    cells: Matrix
    lengths: Numbers | None = None

    @classmethod
    def of_numbers(cls, numbers: Numbers) -> Column:
        """Whole numbers from 0 to 2^63 - 1."""
        return cls(Kind.NUMBER, np.ascontiguousarray(numbers, ">i8").view(np.uint8).reshape(-1, 8))

    @classmethod
    def of_text(cls, text: str, count: int) -> Column:
        """The same text for each."""
        cells = np.frombuffer(text.encode(), np.uint8)
        return cls(Kind.TEXT, np.broadcast_to(cells, (count, len(cells))))

    def values(self) -> list[Any]:
        """As Python has them: bytes, int, bool, str."""
        if self.kind is Kind.FLAG:
            return [each == 1 for each in self.cells[:, 0].tolist()]
        if self.kind is Kind.NUMBER:
            numbers: list[int] = np.ascontiguousarray(self.cells).view(">i8").ravel().tolist()
            return numbers
        if self.kind is Kind.BYTES:
            return rows_of(self.cells)
        ends = range(self.width, self.width * len(self.cells) + 1, self.width)
        lengths = [self.width] * len(self.cells) if self.lengths is None else self.lengths.tolist()
        text = self.cells.tobytes()
        return [text[end - length : end].decode() for end, length in zip(ends, lengths, strict=True)]

    @property
    def width(self) -> int:
        """How many bytes a cell has at most."""
        return int(self.cells.shape[1])


@dataclass(frozen=True, slots=True)
class Field:
    """An argument, or a component of one: the names that lead to it, its ABI type, and where its word begins."""

    path: tuple[str, ...]
    kind: str
    at: int

    @property
    def name(self) -> str:
        """The names, with dots."""
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Layout:
    """An event whose words all have their place: how many topics (the first is the event's own) and bytes of data.

    Where `words` are asked for, these are those of n logs: n rows, the topics but the first and then the data.
    """

    contract: str
    name: str
    topics: int
    data: int
    fields: tuple[Field, ...]

    @property
    def size(self) -> int:
        """How many bytes the words of a log have."""
        return WORD * (self.topics - 1) + self.data

    def field(self, name: str) -> Field:
        """The argument of this name. Raises KeyError."""
        for each in self.fields:
            if each.name == name:
                return each
        raise KeyError(f"{self.contract}.{self.name} has no argument {name}")

    def fits(self, words: Matrix) -> Mask:
        """Of which logs every word is what its type allows."""
        good = ~np.asarray((np.ascontiguousarray(words).view(np.uint64) & _padding_of(self)).any(axis=1), np.bool_)
        for each in self.fields:
            if each.kind == "bool":
                good &= words[:, each.at + WORD - 1] <= 1
            elif each.kind.startswith("int"):
                top = words[:, each.at : each.at + WORD - int(each.kind[3:] or 256) // 8]
                sign = words[:, each.at + top.shape[1]] >= 0x80
                good &= (top == np.where(sign, np.uint8(0xFF), np.uint8(0))[:, None]).all(axis=1)
        return good

    def countable(self, words: Matrix, name: str) -> Mask:
        """Of which logs an unsigned integer is below 2^63. Raises KeyError."""
        at = self.field(name).at
        return _blank(words[:, at : at + WORD - 8]) & (words[:, at + WORD - 8] < 0x80)

    def column(self, words: Matrix, name: str, form: Form) -> Column:
        """An argument of logs that fit, in this form; a number must be countable. Raises KeyError."""
        field = self.field(name)
        word = words[:, field.at : field.at + WORD]
        if form is Form.WORD:
            return Column(Kind.BYTES, word)
        if form is Form.NUMBER:
            return Column(Kind.NUMBER, word[:, -8:])
        if form is Form.DECIMAL:
            return _decimals(word, signed=field.kind.startswith("int"))
        if field.kind == "bool":
            return Column(Kind.FLAG, word[:, -1:])
        return Column(Kind.BYTES, word[:, 12:] if field.kind == "address" else word[:, : int(field.kind[5:])])


@cache
def layout_of(contract: str, topic: bytes) -> Layout | None:
    """The layout of the contract's event of this first topic; None where it has none, or there is no such event."""
    member = abis.events(contract).get(topic)
    if member is None or any(abi.is_dynamic(abis.type_of(item)) for item in member.inputs):
        return None
    indexed = [item for item in member.inputs if item["indexed"]]
    if any(item["type"].startswith("tuple") or item["type"].endswith("]") for item in indexed):
        return None  # its topic is a hash
    places = {id(item): WORD * place for place, item in enumerate(indexed)}
    at = WORD * len(indexed)
    fields: list[Field] = []
    for item in member.inputs:
        if item["indexed"]:
            fields.append(Field((item["name"],), item["type"], places[id(item)]))
            continue
        for field in _leaves(item, (item["name"],), at):
            if field is None:
                return None
            fields.append(field)
        at += abi.head_size(abis.type_of(item))
    return Layout(contract, member.name, 1 + len(indexed), at - WORD * len(indexed), tuple(fields))


def _leaves(parameter: Mapping[str, Any], path: tuple[str, ...], at: int) -> Iterator[Field | None]:
    """The words of a static parameter; None in place of an array, which nothing here has."""
    kind = str(parameter["type"])
    if kind.endswith("]"):
        yield None
    elif kind != "tuple":
        yield Field(path, kind, at)
    else:
        for component in parameter["components"]:
            yield from _leaves(component, (*path, component["name"]), at)
            at += abi.head_size(abis.type_of(component))


def rows_of(matrix: Matrix) -> list[bytes]:
    """Each row as bytes."""
    whole, width = matrix.tobytes(), matrix.shape[1]
    return [whole[at : at + width] for at in range(0, len(whole), width)]


def _blank(matrix: Matrix) -> Mask:
    """Which rows are all zero."""
    return ~np.asarray(matrix.any(axis=1), np.bool_)


@cache
def _padding_of(layout: Layout) -> NDArray[np.uint64]:
    """All bits where a byte is zero in every log: what pads integers, addresses, flags and short bytes."""
    found = np.zeros(layout.size, np.uint8)
    for each in layout.fields:
        first, end = _padding(each.kind)
        found[each.at + first : each.at + end] = 0xFF
    return found.view(np.uint64)


def _padding(kind: str) -> tuple[int, int]:
    """Which bytes of a word its type leaves zero."""
    if kind.startswith("uint"):
        return 0, WORD - int(kind[4:] or 256) // 8
    if kind.startswith("bytes"):
        return int(kind[5:]), WORD
    return 0, {"address": 12, "bool": WORD - 1}.get(kind, 0)


def _decimals(word: Matrix, *, signed: bool) -> Column:
    """Integers as decimal text."""
    if signed or word[:, : WORD - 8].any():
        texts = [b"%d" % int.from_bytes(each, "big", signed=signed) for each in rows_of(word)]
        width = max(map(len, texts))
        cells = np.frombuffer(b"".join(each.rjust(width) for each in texts), np.uint8).reshape(-1, width)
        return Column(Kind.TEXT, cells, np.fromiter(map(len, texts), np.int64, len(texts)))
    numbers = np.ascontiguousarray(word[:, WORD - 8 :]).view(">u8").ravel().astype(np.uint64)
    lengths = 1 + np.searchsorted(_POWERS, numbers, side="right")
    width = int(lengths.max(initial=1))
    cells = np.empty((len(numbers), width), np.uint8)
    for place in range(width - 1, -1, -1):
        numbers, digit = np.divmod(numbers, np.uint64(10))
        cells[:, place] = digit + ord("0")
    return Column(Kind.TEXT, cells, lengths)
