"""The outbox as somebody watches it from outside: when intents were kept, mined and final, told to one who listens."""

from __future__ import annotations

import enum
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.intents import Intent, IntentRow, IntentState, Lease, Mined, SignedTransaction
from deedbook.records.outbox import SqlOutbox

LOG = logging.getLogger(__name__)
MOST_KEPT: Final = 100_000
"""Of how many intents that are under way the times are kept."""


class Passage(enum.Enum):
    """How an intent came on."""

    MINED = "mined"
    FINAL = "final"


class Listener(Protocol):
    """Who is told."""

    def passed(self, passage: Passage, seconds: float) -> None:
        """An intent came on, so many seconds after it was kept, or mined."""

    def forked(self, count: int) -> None:
        """Intents were thrown out of their block."""


class Ages(Protocol):
    """Since when intents wait that another process, or an earlier life, has kept."""

    def __call__(self, keys: Sequence[str]) -> Mapping[str, float]:
        """Seconds by key, of those that are known."""


class WatchedOutbox(SqlOutbox):
    """The outbox on SQL. Nothing is told, or kept for it, before somebody listens."""

    _listener: Listener | None = None

    def listen(self, listener: Listener, ages: Ages) -> None:
        """From here on `listener` is told."""
        self._ages = ages
        self._kept: OrderedDict[str, float] = OrderedDict()
        self._mined: OrderedDict[bytes, list[tuple[str, float]]] = OrderedDict()
        self._listener = listener

    def put_all(self, wanted: Sequence[Intent], *, judged: bool = False) -> list[IntentRow]:
        """As `SqlOutbox.put_all`."""
        rows = super().put_all(wanted, judged=judged)
        if self._listener is not None:
            now = time.monotonic()
            for row in rows:
                if row.state is IntentState.QUEUED:
                    self._kept.setdefault(row.intent.key, now)
            _bound(self._kept)
        return rows

    def submit_all(self, lease: Lease, signed: Sequence[tuple[str, SignedTransaction]]) -> None:
        """As `SqlOutbox.submit_all`."""
        super().submit_all(lease, signed)
        if self._listener is not None:
            for key, transaction in signed:
                _say("submitted", key, transaction.tx_hash)

    def mined_all(self, lease: Lease, found: Sequence[tuple[IntentRow, Mined]], *, final: int) -> None:
        """As `SqlOutbox.mined_all`."""
        super().mined_all(lease, found, final=final)
        if self._listener is None or not found:
            return
        now = time.monotonic()
        fresh = [row.intent.key for row, _ in found if row.state is IntentState.SUBMITTED]
        waited = {key: now - self._kept[key] for key in fresh if key in self._kept}
        waited |= self._ages([key for key in fresh if key not in waited])
        for seconds in waited.values():
            self._listener.passed(Passage.MINED, seconds)
        for row, mined in found:
            key, is_final = row.intent.key, mined.block_number <= final
            _say("final" if is_final else "mined", key, mined.tx_hash, mined.block_number)
            if is_final:
                self._kept.pop(key, None)
                self._listener.passed(Passage.FINAL, 0.0)
            else:
                self._mined.setdefault(mined.block_hash, []).append((key, now))
        _bound(self._mined)

    def finalise(self, lease: Lease, blocks: Sequence[bytes]) -> int:
        """As `SqlOutbox.finalise`."""
        count = super().finalise(lease, blocks)
        if self._listener is not None:
            now = time.monotonic()
            for block in blocks:
                for key, since in self._mined.pop(block, ()):
                    self._kept.pop(key, None)
                    self._listener.passed(Passage.FINAL, now - since)
        return count

    def forked(self, lease: Lease, blocks: Sequence[bytes]) -> int:
        """As `SqlOutbox.forked`."""
        count = super().forked(lease, blocks)
        if self._listener is not None:
            self._listener.forked(count)
            for block in blocks:
                self._mined.pop(block, None)
                LOG.warning("a fork took transactions back", extra={"block_hash": to_hex(block)})
        return count


def _bound(kept: OrderedDict[str, float] | OrderedDict[bytes, list[tuple[str, float]]]) -> None:
    while len(kept) > MOST_KEPT:
        kept.popitem(last=False)


def _say(what: str, key: str, transaction: bytes, block: int | None = None) -> None:
    if LOG.isEnabledFor(logging.INFO):
        facts = {"operation": to_hex(sha256(key.encode())), "transaction": to_hex(transaction)}
        LOG.info(what, extra=facts | ({} if block is None else {"block": block}))
