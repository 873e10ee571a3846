"""Logs read as columns, from the very JSON in which a node writes them.

A node writes many logs in one way: the same keys in the same order, and between them hexadecimal digits. Records of
equal length are laid one below the other, as a matrix of bytes. The first one is parsed as JSON, which tells where its
digits stand; the others are read by the same places, if every byte of theirs that is no digit is the byte of the first
one, and every digit is one. So each is JSON with the same keys and values of the same lengths, and no object is made
for it. Whatever is written in another way - spaces, another order, `removed` - is parsed by itself.

The kernel `_hexrows` reads such rows where it could be compiled; `plain_rows` does elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, Protocol, cast

import numpy as np
import orjson
from numpy.typing import NDArray

from deedbook.chain.client import Text
from deedbook.chain.columns import Matrix, Numbers

MOST_SHAPES: Final = 64
"""After how many ways of writing the rest of the logs is parsed one by one."""

_BYTES: Final = (("address", 20), ("blockHash", 32), ("transactionHash", 32))
_NUMBERS: Final = ("blockNumber", "transactionIndex", "logIndex")
_KNOWN: Final = frozenset([name for name, _ in _BYTES] + [*_NUMBERS, "data", "topics", "removed"])
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-f]*")
_MOST_DIGITS: Final = 15
"""Of a number: it is below 2^60."""
_NO_DIGIT: Final = 255
_BETWEEN: Final = 3
"""Bytes from the end of an object's members to the beginning of the next one's."""
_AT_ONCE: Final = 2048
"""Rows that are worked on together in plain Python: they fit into a processor's own memory."""
_SHORT: Final = 200
"""Bytes: a log is longer."""


Places = NDArray[np.intp]
"""Which of the logs of an answer, from 0 on."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Logs of equal size, in order: their places among all, and a row for each."""

    places: Places
    address: Matrix
    block_hash: Matrix
    tx: Matrix
    topics: Matrix
    """32 bytes for each topic."""
    data: Matrix
    block: Numbers
    tx_index: Numbers
    index: Numbers


@dataclass(slots=True)
class Logs:
    """The logs of an answer: those in `batches`, and by their place those that were written in another way.

    `text` has them one after the other, each from one of the `bounds` on to three bytes before the next.
    """

    text: Text
    bounds: Places
    batches: list[Batch] = field(default_factory=list)
    others: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def record(self, place: int | np.intp) -> bytes:
        """The log at this place as it was written, without its braces."""
        return bytes(self.text[self.bounds[place] : self.bounds[place + 1] - _BETWEEN])

    def item(self, place: int) -> Mapping[str, Any]:
        """The log at this place, as JSON has it. Raises ValueError."""
        found = self.others.get(place)
        return orjson.loads(b"{%b}" % self.record(place)) if found is None else found


def read_logs(text: Text) -> Logs:
    """The logs of a JSON array. Raises ValueError for what is no array of objects."""
    found = Logs(*_records(text))
    lengths = np.diff(found.bounds) - _BETWEEN
    shapes = 0
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        while len(places):
            shape = _Shape.of(found.record(places[0])) if shapes < MOST_SHAPES else None
            shapes += 1
            if shape is None:
                some = (places if shapes > MOST_SHAPES else places[:1]).tolist()
                found.others |= {place: found.item(place) for place in some}
                places = places[len(some) :]
            else:
                places = _take(found, shape, places)
    return found


def _take(found: Logs, shape: _Shape, places: Places) -> Places:
    """Reads the logs of these places that are written in this way; gives the others."""
    begins = np.ascontiguousarray(found.bounds[places], np.int64)
    read = read_rows(found.text, begins, shape.record, shape.spans, shape.width, len(_NUMBERS))
    cells = np.frombuffer(read[0], np.uint8).reshape(len(places), shape.width)
    numbers = np.frombuffer(read[1], np.int64).reshape(len(places), len(_NUMBERS))
    same = np.frombuffer(read[2], np.bool_)
    if same.all():
        found.batches.append(shape.batch(places, cells, numbers))
        return places[:0]
    found.batches.append(shape.batch(places[same], cells[same], numbers[same]))
    return places[~same]


def _records(text: Text) -> tuple[Text, Places]:
    """The objects of an array, and where each begins behind its brace; where one more would, at the end. Between two
    stands `},{` and nothing else."""
    bounds = _bounds(text)
    if bounds is None:
        if text.count(b",") > len(text) // 16:
            raise ValueError("the logs are made of too many parts")
        found = orjson.loads(text)
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise ValueError("the logs are no array of objects")
        records = [orjson.dumps(each) for each in found]
        text = b"[%b]" % b",".join(records)
        bounds = np.cumsum([2, *(len(each) + 1 for each in records)], dtype=np.intp)
    return text, bounds


def _bounds(text: Text) -> Places | None:
    """Where the objects of an array begin, that are written one after the other and hold none."""
    whole = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(whole == ord("}"))
    if not len(ends) or len(ends) > len(text) // _SHORT or not text.startswith(b"[{") or text[ends[-1] :] != b"}]":
        return None
    inner = ends[:-1]
    if not ((whole[inner + 1] == ord(",")) & (whole[inner + 2] == ord("{"))).all():
        return None
    return np.concatenate([[2], ends + _BETWEEN])


def _parsed(record: bytes) -> Any:
    return orjson.loads(b"{%b}" % record)


class Use(IntEnum):
    """What digits are for: bytes of a row's `cells`, one of its numbers, or nothing that anybody asks for."""

    CELLS = 0
    NUMBER = 1
    UNREAD = 2


Spans = NDArray[np.int32]
"""A row for each span of digits, in order: from which byte of a record to which, its `Use`, and where it goes (which
number, or the first of its bytes among the cells)."""


class Rows(Protocol):
    """Reads rows of a text."""

    def __call__(
        self, text: Text, begins: NDArray[np.int64], record: Matrix, spans: Spans, width: int, numbers: int, /
    ) -> tuple[bytes, bytes, bytes]:
        """The rows that begin there, each as long as the record, and alike but for the digits of its spans: their cells
        (`width` bytes each), their numbers (so many each, int64), and whether each is alike and was read (0 or 1, a
        byte). Cells and numbers of others mean nothing. Raises ValueError for a row beyond the text's end."""


def plain_rows(
    text: Text, begins: NDArray[np.int64], record: Matrix, spans: Spans, width: int, numbers: int, /
) -> tuple[bytes, bytes, bytes]:
    """As `Rows`, without the kernel."""
    if len(begins) and not 0 <= begins.min() <= begins.max() <= len(text) - len(record):
        raise ValueError("a row is not in the text")
    whole = np.frombuffer(text, np.uint8)
    cells = np.zeros((len(begins), width), np.uint8)
    counts = np.zeros((len(begins), numbers), np.int64)
    read = np.zeros(len(begins), np.bool_)
    literal = np.ones(len(record), np.bool_)
    for begin, end, _, _ in spans.tolist():
        literal[begin:end] = False
    for at in range(0, len(begins), _AT_ONCE):
        some = slice(at, at + _AT_ONCE)
        rows = _rows(whole, begins[some], len(record))
        other = rows != record
        other &= literal
        same = ~np.asarray(other.any(axis=1), np.bool_)
        for begin, end, use, to in spans.tolist():
            digits = _VALUES[rows[:, begin:end]]
            same &= (digits != _NO_DIGIT).all(axis=1)
            if use == Use.CELLS:
                cells[some, to : to + (end - begin) // 2] = digits[:, ::2] << 4 | digits[:, 1::2] & 15
            elif use == Use.NUMBER:
                places = 4 * np.arange(end - begin)[::-1]
                counts[some, to] = np.bitwise_or.reduce(digits.astype(np.int64) << places, axis=1)
        read[some] = same
    return cells.tobytes(), counts.tobytes(), read.tobytes()


def _rows(whole: Matrix, begins: NDArray[np.int64], length: int) -> Matrix:
    """The records of one length that begin there, one below the other."""
    rows = np.empty((len(begins), length), np.uint8)
    at = 0
    for first in np.split(begins, np.flatnonzero(np.diff(begins) != length + _BETWEEN) + 1):
        if not len(first):
            continue
        last = len(first) - 1  # of records that follow one another, the last may be the text's end
        strip = whole[first[0] : first[0] + last * (length + _BETWEEN)]
        rows[at : at + last] = strip.reshape(last, length + _BETWEEN)[:, :length]
        rows[at + last] = whole[first[last] : first[last] + length]
        at += last + 1
    return rows


def _chosen() -> Rows:
    try:
        from deedbook.chain import _hexrows
    except ImportError:
        return plain_rows
    return cast(Rows, _hexrows.read_rows)  # whose stub says: buffers


read_rows: Final = _chosen()
"""The faster way that is there."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Digits: from which byte of a record to which."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a log is written: the record it was seen in, where the digits of its values stand, how many topics it has and
    how many bytes its cells: address, hashes of block and transaction, topics, data."""

    record: Matrix
    spans: Spans
    topics: int
    width: int

    @classmethod
    def of(cls, record: bytes) -> _Shape | None:
        """The shape of a record; None where it is not written as nodes do. Raises ValueError where it is no JSON."""
        item = _parsed(record)
        if item.get("removed", False) is not False:
            return None
        spans: dict[str, _Span] = {}
        for key, value in item.items():
            if isinstance(value, str) and _HEXADECIMAL.fullmatch(value):
                span = _span(record, b'"%b":"%b"' % (key.encode(), value.encode()), 6 + len(key), len(value) - 2)
                if span is None:
                    return None
                spans[key] = span
        topics = _topics(record, item.get("topics"))
        sizes = [(name, 2 * size) for name, size in _BYTES]
        sized = all(name in spans and spans[name].end - spans[name].begin == size for name, size in sizes)
        counted = all(name in spans and 0 < spans[name].end - spans[name].begin <= _MOST_DIGITS for name in _NUMBERS)
        if topics is None or not sized or not counted or "data" not in spans or len(item["data"]) % 2:
            return None
        placed: list[tuple[int, int, int, int]] = []
        width = 0
        for span in [*(spans[name] for name, _ in _BYTES), *topics, spans["data"]]:
            placed.append((span.begin, span.end, Use.CELLS, width))
            width += (span.end - span.begin) // 2
        placed += [(spans[name].begin, spans[name].end, Use.NUMBER, at) for at, name in enumerate(_NUMBERS)]
        placed += [(span.begin, span.end, Use.UNREAD, 0) for key, span in spans.items() if key not in _KNOWN]
        return cls(np.frombuffer(record, np.uint8), np.array(sorted(placed), np.int32), len(topics), width)

    def batch(self, places: Places, cells: Matrix, numbers: NDArray[np.int64]) -> Batch:
        """The logs of rows that were read."""
        topics = 84 + 32 * self.topics
        return Batch(
            places,
            cells[:, :20],
            cells[:, 20:52],
            cells[:, 52:84],
            cells[:, 84:topics],
            cells[:, topics:],
            *(numbers[:, at] for at in range(len(_NUMBERS))),
        )


_VALUES: Final = np.full(256, _NO_DIGIT, np.uint8)
for _value, _digit in enumerate(b"0123456789abcdef"):
    _VALUES[_digit] = _value


def _span(record: bytes, written: bytes, before: int, digits: int) -> _Span | None:
    """Where the digits stand that begin so many bytes after the beginning of what is written, once, in a record."""
    begin = record.find(written)
    if begin < 0 or record.find(written, begin + 1) >= 0:
        return None
    return _Span(begin + before, begin + before + digits)


def _topics(record: bytes, topics: Any) -> list[_Span] | None:
    if not isinstance(topics, list) or not all(isinstance(each, str) and len(each) == 66 for each in topics):
        return None
    if not all(_HEXADECIMAL.fullmatch(each) for each in topics):
        return None
    whole = _span(record, b'"topics":[%b]' % b",".join(b'"%b"' % each.encode() for each in topics), 13, 0)
    return (
        None
        if whole is None
        else [_Span(whole.begin + 69 * at, whole.begin + 69 * at + 64) for at in range(len(topics))]
    )
