"""Logs read as columns, from the very JSON in which a node writes them.

A node writes many logs in one way: the same keys in the same order, and between them hexadecimal digits. Records of
equal length are laid one below the other, as a matrix of bytes. The first one is parsed as JSON, which tells where its
digits stand; the others are read by the same places, if every byte of theirs that is no digit is the byte of the first
one, and every digit is one. So each is JSON with the same keys and values of the same lengths, and no object is made
for it. Whatever is written in another way - spaces, another order, `removed` - is parsed by itself.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

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
"""Rows that are worked on together: they fit into a processor's own memory."""
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

    text: bytes
    bounds: Places
    batches: list[Batch] = field(default_factory=list)
    others: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def record(self, place: int | np.intp) -> bytes:
        """The log at this place as it was written, without its braces."""
        return self.text[self.bounds[place] : self.bounds[place + 1] - _BETWEEN]

    def item(self, place: int) -> Mapping[str, Any]:
        """The log at this place, as JSON has it. Raises ValueError."""
        found = self.others.get(place)
        return orjson.loads(b"{%b}" % self.record(place)) if found is None else found


def count_logs(text: bytes) -> int:
    """About how many logs there are in a JSON array: exactly, as nodes write it."""
    return text.count(b"{")


def read_logs(text: bytes) -> Logs:
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
    whole, left = np.frombuffer(found.text, np.uint8), []
    for at in range(0, len(places), _AT_ONCE):
        some = places[at : at + _AT_ONCE]
        rows = _rows(whole, found.bounds[some], len(shape.record))
        same = shape.matches(rows)
        if same.any():
            found.batches.append(shape.read(rows if same.all() else rows[same], some[same]))
        left.append(some[~same])
    return np.concatenate(left)


def _rows(whole: Matrix, begins: Places, length: int) -> Matrix:
    """The records of one length that begin there, one below the other."""
    rows = np.empty((len(begins), length), np.uint8)
    at = 0
    for first in np.split(begins, np.flatnonzero(np.diff(begins) != length + _BETWEEN) + 1):
        count = len(first)  # of records that follow one another
        strip = whole[first[0] : first[0] + count * (length + _BETWEEN)]
        rows[at : at + count] = strip.reshape(count, length + _BETWEEN)[:, :length]
        at += count
    return rows


def _records(text: bytes) -> tuple[bytes, Places]:
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
    return text + b",", bounds


def _bounds(text: bytes) -> Places | None:
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


@dataclass(frozen=True, slots=True)
class _Span:
    """Digits: from which byte of a record to which."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a log is written: the record it was seen in, and where the digits of its values stand."""

    record: Matrix
    spans: Mapping[str, _Span]
    topics: Sequence[_Span]
    unread: Sequence[_Span]
    """Digits of values that nobody asks for."""

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
        unread = [span for key, span in spans.items() if key not in _KNOWN]
        return cls(np.frombuffer(record, np.uint8), spans, topics, unread)

    def matches(self, rows: Matrix) -> NDArray[np.bool_]:
        """Which rows are written so."""
        literal = np.ones(len(self.record), np.bool_)
        for span in [*self.spans.values(), *self.topics]:
            literal[span.begin : span.end] = False
        other = rows != self.record
        other &= literal
        same = ~np.asarray(other.any(axis=1), np.bool_)
        for span in [*self.unread, *(self.spans[name] for name in _NUMBERS)]:
            same &= (_VALUES[rows[:, span.begin : span.end]] != _NO_DIGIT).all(axis=1)
        return same

    def read(self, rows: Matrix, places: Places) -> Batch:
        """The logs of rows that match. Raises ValueError where a digit is none."""
        spans = [*(self.spans[name] for name, _ in _BYTES), *self.topics, self.spans["data"]]
        digits = np.empty((len(rows), sum(span.end - span.begin for span in spans)), np.uint8)
        at = 0
        for span in spans:
            end = at + span.end - span.begin
            digits[:, at:end] = rows[:, span.begin : span.end]
            at = end
        cells = np.frombuffer(unhexlify(digits.data), np.uint8).reshape(len(rows), -1)
        topics = 84 + 32 * len(self.topics)
        return Batch(
            places,
            cells[:, :20],
            cells[:, 20:52],
            cells[:, 52:84],
            cells[:, 84:topics],
            cells[:, topics:],
            *(self._number(rows, name) for name in _NUMBERS),
        )

    def _number(self, rows: Matrix, name: str) -> Numbers:
        found = np.zeros(len(rows), np.int64)
        for place in range(self.spans[name].begin, self.spans[name].end):
            found = (found << 4) | _VALUES[rows[:, place]]
        return found


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
