"""Delivers the mirror's events to webhooks: at least once, and of what shares an entity in order.

Each round puts what is new into the records, message by message, together with the place that was reached; then sends
what is due. A message waits for every earlier one that shares an entity with it, until that one is taken or dead; what
is about something else goes past it. A slow receiver holds up nobody but itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Condition
from typing import Final

from deedbook.domain.hashing import sha256
from deedbook.domain.told import Told
from deedbook.domain.webhooks import TRIES, Outcome, Webhook, delay, message_id, ready, signed
from deedbook.errors import DeedbookError, NotFound
from deedbook.ledger.webhooks import Posting
from deedbook.queries.events import EventFeed
from deedbook.records.webhooks import MOST_WAITING, WebhookBook

LOG = logging.getLogger(__name__)
AT_ONCE: Final = 100
"""Events that are put together."""
PARALLEL: Final = 4
"""Messages that one receiver is sent at a time."""
SENDERS: Final = 32
"""Messages that are on their way at a time."""
STRANDED: Final = "stranded"
"""Why a webhook was disabled that stood at a block which the mirror, built anew since, never heard of."""


class Delivering:
    """Delivers for one service, `owner`. `feed` gives the events, `clock` Unix seconds, `luck` numbers in [0, 1);
    `woken` is called when something was sent."""

    def __init__(
        self,
        book: WebhookBook,
        feed: Callable[[], EventFeed],
        poster: Posting,
        *,
        owner: str,
        clock: Callable[[], int],
        luck: Callable[[], float],
        tries: int = TRIES,
        woken: Callable[[], None] = lambda: None,
    ) -> None:
        self._book = book
        self._feed = feed
        self._poster = poster
        self._owner = owner
        self._clock = clock
        self._luck = luck
        self._tries = tries
        self._woken = woken
        self._told: dict[str, tuple[object, ...]] = {}
        self._under_way: set[tuple[str, int]] = set()
        self._changed = Condition()
        self._pool = ThreadPoolExecutor(SENDERS, "webhook")

    def step(self) -> int:
        """One round: puts what is new, sends what is due; how many messages are now on their way."""
        hooks = self._book.take(self._owner, self._clock())
        feed = self._feed()
        newest = feed.newest() if hooks else None
        for hook in hooks:
            try:
                self._put(hook, feed, newest)
                self._send(hook)
            except DeedbookError as error:  # such as a lease that was lost: others go on
                LOG.warning("a webhook waits: %s", error.code)
        with self._changed:
            return len(self._under_way)

    def settle(self, seconds: float | None = None) -> bool:
        """Waits until nothing is on its way; False where that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._under_way, seconds)

    def close(self, seconds: float) -> None:
        """Waits for what is on its way, and leaves behind what takes longer: it is kept. Lets others deliver."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self.settle(seconds):
            with suppress(DeedbookError):  # the term is over soon
                self._book.free(self._owner)

    def _put(self, hook: Webhook, feed: EventFeed, newest: object) -> None:
        if self._told.get(hook.hook_id) == (newest, hook.standing) or MOST_WAITING - hook.waiting < AT_ONCE:
            return
        try:
            telling = feed.tell(hook.standing, hook.wanted, limit=AT_ONCE)
        except NotFound:
            LOG.error("a webhook stands at a block that the mirror, built anew, never heard of: %s", hook.hook_id)
            self._book.disable(hook.hook_id, STRANDED, owner=self._owner)
            return
        fresh = [(told.type, lanes_of(told), told.encode()) for told, _ in telling.told]
        if telling.standing != hook.standing:
            self._book.put(hook, fresh, telling.standing, owner=self._owner, now=self._clock())
        if telling.more:
            self._woken()
        else:
            self._told[hook.hook_id] = (newest, telling.standing)

    def _send(self, hook: Webhook) -> None:
        with self._changed:
            mine = frozenset(number for of, number in self._under_way if of == hook.hook_id)
        due = ready(self._book.waiting(hook.hook_id), self._clock(), mine)
        for number in due[: max(0, PARALLEL - len(mine))]:
            self._begin(hook, number)

    def _begin(self, hook: Webhook, number: int) -> None:
        with self._changed:
            self._under_way.add((hook.hook_id, number))
        self._pool.submit(self._one, hook, number).add_done_callback(lambda _: self._end(hook, number))

    def _end(self, hook: Webhook, number: int) -> None:
        with self._changed:
            self._under_way.discard((hook.hook_id, number))
            self._changed.notify_all()
        self._woken()

    def _one(self, hook: Webhook, number: int) -> None:
        try:
            self._deliver(hook, number)
        except DeedbookError as error:  # what is not noted is sent again
            LOG.warning("what became of a message is not noted: %s", error.code)

    def _deliver(self, hook: Webhook, number: int) -> None:
        message, now = self._book.message(hook.hook_id, number), self._clock()
        headers = signed(message_id(hook.hook_id, number), now, message.body, hook.signing(now))
        outcome = self._poster.post(hook.url, headers, message.body)
        again_at = self._again_at(message.tries + 1, outcome)
        self._book.note(hook.hook_id, number, outcome, owner=self._owner, again_at=again_at)

    def _again_at(self, tries: int, outcome: Outcome) -> int | None:
        if tries >= self._tries:
            return None
        return self._clock() + max(delay(tries, self._luck()), outcome.pause)


def lanes_of(told: Told) -> tuple[bytes, ...]:
    """What a message is about: the entities of its event; of one that concerns none, or cannot be read, its
    contract."""
    return told.entities or (sha256(told.contract.encode()),)
