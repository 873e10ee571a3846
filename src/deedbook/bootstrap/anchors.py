"""The logs of a home as they are shown and kept going: proofs under checkpoints, tiles, checkpoints in time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from deedbook.chain.transactions import Signer
from deedbook.domain.anchors import LogCheckpoint, LogExtension, LogProof
from deedbook.domain.hashing import checksum_address
from deedbook.domain.tiles import TiledTree, TilePath, width_at
from deedbook.errors import DeedbookError, InvalidInput, NotFound
from deedbook.ledger.anchors import Logs, Pace
from deedbook.queries import checkpoints as queries
from deedbook.queries.rows import Reading
from deedbook.records.anchors import AnchorLogs

LOG = logging.getLogger(__name__)
RETRY: Final = 30
"""Seconds after which a checkpoint that failed is tried again."""


class ShownLogs:
    """What is shown of the logs that are kept here, as of their checkpoints in the mirror."""

    def __init__(self, logs: Logs, book: AnchorLogs, mirror: Reading) -> None:
        self._logs = logs
        self._book = book
        self._mirror = mirror

    def state(self, exchange: bytes) -> Mapping[str, Any]:
        """Size, anchored size, and since when entries wait, in JSON. Raises NotFound where no log is kept."""
        state = self._book.state(exchange)
        _require_log(exchange, state.size)
        anchored = self._anchored(exchange)
        return {
            "exchange": checksum_address(exchange),
            "size": str(state.size),
            "anchored": str(anchored.size if anchored else 0),
            "waitingSince": state.waiting_since,
        }

    def proof(self, exchange: bytes, *, leaf: bytes | None, index: int | None, size: int | None = None) -> LogProof:
        """That an entry, by its leaf hash or its index, stands in the log as of its last checkpoint, or of the one of
        `size`. Raises InvalidInput unless one of both is given, NotFound where the entry is unknown or waits for the
        next checkpoint."""
        if (leaf is None) == (index is None):
            raise InvalidInput("index", "give either an index or a leaf hash")
        tree = self._tree(exchange)
        place = index if index is not None else self._book.place_of(exchange, leaf or b"")
        checkpoint = self._checkpoint(exchange, size)
        if place >= checkpoint.size:
            if place >= tree.size:
                raise NotFound("entry", f"{place} of {checksum_address(exchange)}")
            raise NotFound("checkpoint over entry", str(place), hint="the next checkpoint will cover it")
        return LogProof(
            self._logs.domain,
            exchange,
            place,
            tree.leaf(place),
            checkpoint.size,
            checkpoint.root,
            tree.inclusion(place, checkpoint.size),
            checkpoint.anchored_tx,
            checkpoint.anchored_block,
        )

    def extension(self, exchange: bytes, former: int, size: int | None = None) -> LogExtension:
        """That the log of the last checkpoint, or of `size` entries, goes on from the one of `former`. Raises
        InvalidInput (`size`, `formerSize`), NotFound."""
        tree = self._tree(exchange)
        end = self._checkpoint(exchange, None).size if size is None else size
        proof = tree.consistency(former, end)
        return LogExtension(self._logs.domain, exchange, former, tree.root(former), end, tree.root(end), proof)

    def tile(self, exchange: bytes, path: TilePath) -> bytes:
        """A tile's hashes. Raises NotFound where the log does not reach so far."""
        size = self._book.state(exchange).size
        if width_at(size, path.level, path.position) < path.width:
            raise NotFound("tile", path.text)
        return self._book.tile(exchange, path.level, path.position)[: 32 * path.width]

    def note(self, exchange: Signer) -> LogCheckpoint:
        """The last checkpoint on chain, as the exchange signs it. Raises NotFound."""
        return self._logs.note(self._checkpoint(exchange.address, None).size, exchange)

    def _tree(self, exchange: bytes) -> TiledTree:
        tree = self._book.tree(exchange)
        _require_log(exchange, tree.size)
        return tree

    def _anchored(self, exchange: bytes) -> queries.CheckpointView | None:
        try:
            return queries.latest(self._mirror, exchange)
        except NotFound:
            return None

    def _checkpoint(self, exchange: bytes, size: int | None) -> queries.CheckpointView:
        if size is None:
            return queries.latest(self._mirror, exchange)
        return queries.of_size(self._mirror, exchange, size)


def _require_log(exchange: bytes, size: int) -> None:
    if not size:
        raise NotFound("log of exchange", checksum_address(exchange))


class Anchoring:
    """Anchors the logs of a home in time. `signer_of` finds the account of an exchange; `clock` gives Unix seconds."""

    def __init__(
        self, logs: Logs, book: AnchorLogs, pace: Pace, signer_of: Callable[[bytes], Signer], clock: Callable[[], int]
    ) -> None:
        self._logs = logs
        self._book = book
        self._pace = pace
        self._signer_of = signer_of
        self._clock = clock
        self._seen: dict[bytes, int] = {}
        self._retry: dict[bytes, int] = {}

    def step(self) -> int:
        """Anchors every log that is due, and ends what was cut short; how many were anchored. One that fails is told in
        the log of this process, and tried again later."""
        return sum(self._one(state.exchange) for state in self._book.states())

    def _one(self, exchange: bytes) -> bool:
        now, state = self._clock(), self._book.state(exchange)
        if now < self._retry.get(exchange, 0):
            return False
        try:
            if not self._pace.is_due(state, now) and not self._is_open(exchange, state.stated):
                return False
            self._seen[exchange] = self._logs.checkpoint(self._signer_of(exchange)).size
            self._retry.pop(exchange, None)
        except DeedbookError as error:  # such as a node that is away, or an exchange that may not anchor: others go on
            self._retry[exchange] = now + RETRY
            LOG.warning("a log is not anchored: %s", error.code)
            return False
        return True

    def _is_open(self, exchange: bytes, stated: int) -> bool:
        """Whether a checkpoint was begun that is not on chain, as far as this process has not seen it there."""
        if self._seen.get(exchange, -1) < stated:
            self._seen[exchange] = self._logs.anchored(exchange)
        return self._seen[exchange] < stated
