"""Who hears what a service does: counts it, times it, and gives the lines of the log their facts."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from deedbook.bootstrap import logs
from deedbook.bootstrap.metrics import Gauge, Metrics, WatchedVault
from deedbook.bootstrap.services import Services
from deedbook.domain.intents import IntentState
from deedbook.domain.relaying import ActState
from deedbook.errors import DeedbookError
from deedbook.mirror.follower import Progress
from deedbook.queries import status

LOG = logging.getLogger(__name__)
NOT_KNOWN = -1.0
"""What a height is told as while the node is away, or nothing is proven."""


class ServiceWatch:
    """Implements `api.watching.Watch`, and hears the senders, the vault and the mirror of a home."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.metrics = Metrics(self._gauges)

    def begin(self) -> None:
        """From here on it hears: before anything of the home is built that it hears of."""
        self._services.make_vault = partial(WatchedVault, self.metrics)
        self._services.__dict__.pop("vault", None)
        self._services.records.outbox  # noqa: B018 - opened
        self._services.outbox.listen(self.metrics, self._ages)

    def bound(self, **facts: Any) -> AbstractContextManager[None]:
        """As `api.watching.Watch.bound`."""
        return logs.bound(**facts)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """As `api.watching.Watch.answered`."""
        self.metrics.answered(method, route, status, seconds)

    def logged(self, facts: Mapping[str, Any]) -> None:
        """As `api.watching.Watch.logged`."""
        logs.tell_request(facts)

    def followed(self, progress: Progress) -> None:
        """The mirror was brought on."""
        if not progress.added and not progress.undone:
            return
        first = progress.head - progress.added + 1
        count, times = status.copied(self._services.mirror, first, progress.head) if progress.added else (0, [])
        LOG.debug("mirrored", extra={"block": progress.head})
        now = self._services.clock()
        self.metrics.followed(
            added=progress.added, undone=progress.undone, logs=count, ages=[float(now - each) for each in times]
        )

    def _ages(self, keys: Sequence[str]) -> Mapping[str, float]:
        """Seconds since operations were accepted by another process, or in an earlier life, by their intent's key."""
        if not keys:
            return {}
        now = self._services.clock()
        return {key: float(now - at) for key, at in self._services.records.operations.made_at(keys).items()}

    def _gauges(self) -> Iterator[Gauge]:
        records, mirror = self._services.records, self._services.mirror
        tip = self._tip()
        now = status.status(mirror, tip=int(tip) if tip >= 0 else None)
        behind = 0 if now.time is None or not now.lag else self._services.clock() - now.time
        yield Gauge("chain_head", "the chain's newest block; -1 while no node answers", tip)
        yield Gauge("mirror_head", "the newest block in the mirror", now.head)
        yield Gauge("mirror_lag", "how many blocks the mirror is behind", NOT_KNOWN if now.lag is None else now.lag)
        yield Gauge("mirror_lag_seconds", "how old the mirror's newest block is while it is behind", max(0, behind))
        yield Gauge("mirror_final", "the newest final block in the mirror", now.final)
        ways = {
            "proof": now.verification.proof,
            "second_node": now.verification.second_node,
            "receipts": now.verification.receipts_to,
        }
        known = {way: NOT_KNOWN if block is None else block for way, block in ways.items()}
        yield Gauge("verified_block", "to which block the mirror is verified; -1 where it is not", known, "way")
        yield Gauge("quarantined_logs", "events that this release cannot read: poison", now.quarantined)
        yield Gauge("orphan_blocks", "blocks that forks took back", now.orphan_blocks)
        for name, count in now.counts.items():
            yield Gauge(f"rows_{name}", f"rows of {name} in the mirror", count)
        counts, acts = records.outbox.counts(), records.relayed.counts()
        yield Gauge(
            "outbox_intents", "intents by state", {each.value: counts.get(each, 0) for each in IntentState}, "state"
        )
        yield Gauge(
            "outbox_given_up", "intents that no node takes, until their nonce is used: poison", records.given_up()
        )
        yield Gauge(
            "relayed_acts", "signed acts by state", {each.value: acts.get(each.value, 0) for each in ActState}, "state"
        )
        yield Gauge("deferred_lists", "lists of people who are paid later", records.deferred.count())
        logged = records.anchors.states()
        entries = {"anchored": sum(each.stated for each in logged), "all": sum(each.size for each in logged)}
        yield Gauge("anchor_log_entries", "entries of the exchanges' logs", entries, "state")

    def _tip(self) -> float:
        try:
            return int(self._services.node.request("eth_blockNumber", []), 16)
        except DeedbookError:
            return NOT_KNOWN
