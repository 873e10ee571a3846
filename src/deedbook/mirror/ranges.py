"""A range of blocks with their logs: checked as a whole, and laid out by kind.

Everything here is of columns: which contract a log is of, and where it stands, is asked of thousands at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deedbook.chain.columns import WORD, Mask, Matrix, rows_of
from deedbook.chain.logtext import Logs
from deedbook.domain.hashing import to_hex
from deedbook.errors import ChainUnavailable, IntegrityError
from deedbook.mirror.copying import BlockHeader
from deedbook.mirror.plans import Places


@dataclass(slots=True)
class Range:
    """Consecutive blocks with their logs."""

    headers: Sequence[BlockHeader]
    logs: Logs


@dataclass(slots=True)
class Part:
    """Logs of one kind and size, in order: their places in the range, their words, and where they stand."""

    which: NDArray[np.intp]
    words: Matrix
    places: Places

    def of(self, some: Mask) -> Part:
        """Some of them."""
        return Part(self.which[some], self.words[some], self.places.of(some))


Kind = tuple[bytes, bytes, int]
"""Address, first topic (empty: none), and how many topics."""


def require_in_order(some: Range) -> None:
    """Raises IntegrityError for a log that is not where the node says, ChainUnavailable for one that was removed;
    KeyError, TypeError, ValueError, AttributeError, OverflowError for one that is malformed."""
    first, hashes = some.headers[0].number, _hashes(some.headers)
    blocks, indexes = np.empty(len(some.logs), np.int64), np.empty(len(some.logs), np.int64)
    for batch in some.logs.batches:
        blocks[batch.places], indexes[batch.places] = batch.block, batch.index
        at = batch.block - first
        strange = (at < 0) | (at >= len(hashes))
        strange |= (hashes[np.where(strange, 0, at)] != batch.block_hash).any(axis=1)
        if strange.any():
            raise _of_another_block(int(batch.block[strange.argmax()]))
    for place, item in some.logs.others.items():
        number = int(item["blockNumber"], 16)
        if item.get("removed"):
            raise ChainUnavailable(f"block {number} was removed in a fork", block=number)
        ours = 0 <= number - first < len(hashes)
        if not ours or item["blockHash"] != to_hex(some.headers[number - first].hash):
            raise _of_another_block(number)
        blocks[place], indexes[place] = number, int(item["logIndex"], 16)
    step, within = np.diff(blocks), np.diff(indexes)
    wrong = np.flatnonzero((step < 0) | ((step == 0) & (within <= 0)))
    if len(wrong) or indexes.min(initial=0) < 0:
        block = int(blocks[wrong[0] + 1 if len(wrong) else indexes.argmin()])
        raise IntegrityError(f"the node gives the logs of block {block} out of order", block=block)


def by_kind(some: Range) -> dict[Kind, list[Part]]:
    """The logs in batches by kind; and by the size of their data, each part in order."""
    parts: dict[Kind, dict[int, list[Part]]] = defaultdict(lambda: defaultdict(list))
    first, hashes = some.headers[0].number, _hashes(some.headers)
    for batch in some.logs.batches:
        topics = batch.topics.shape[1] // WORD
        words = np.hstack([batch.topics[:, WORD:], batch.data])
        places = Places(batch.block, hashes[batch.block - first], batch.index, batch.tx, batch.tx_index)
        keys = np.hstack([batch.address, batch.topics[:, :WORD]])
        for kind, which in _alike(keys):
            part = Part(batch.places, words, places)
            found = parts[kind[:20], kind[20:], topics][batch.data.shape[1]]
            found.append(part if which is None else part.of(which))
    return {kind: [_joined(each) for each in of_kind.values()] for kind, of_kind in parts.items()}


def _alike(rows: Matrix) -> Iterator[tuple[bytes, Mask | None]]:
    """Every row that there is, and where it is; None for everywhere."""
    if (rows == rows[0]).all():
        yield rows[0].tobytes(), None
        return
    places: dict[bytes, list[int]] = defaultdict(list)
    for place, row in enumerate(rows_of(rows)):
        places[row].append(place)
    for row, found in places.items():
        which = np.zeros(len(rows), np.bool_)
        which[found] = True
        yield row, which


def _joined(parts: Sequence[Part]) -> Part:
    """Parts of one kind and size as one, in order."""
    if len(parts) == 1:
        return parts[0]
    which = np.concatenate([each.which for each in parts])
    order = np.argsort(which)
    words = np.concatenate([each.words for each in parts])[order]
    return Part(which[order], words, Places.joined([each.places for each in parts]).of(order))


def _hashes(headers: Sequence[BlockHeader]) -> Matrix:
    return np.frombuffer(b"".join(each.hash for each in headers), np.uint8).reshape(-1, 32)


def _of_another_block(number: int) -> IntegrityError:
    return IntegrityError(f"the node gives a log of another block for block {number}", block=number)
