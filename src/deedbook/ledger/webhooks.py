"""Webhooks: who is told of events, from where on, by which secret; and the letters that nobody took."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from deedbook.domain.destinations import Permitted
from deedbook.domain.hashing import canonical_json
from deedbook.domain.told import Filter, Standing, timestamp
from deedbook.domain.webhooks import OVERLAP, SECRET_LENGTH, DeadLetter, Outcome, Secret, Webhook, signed

MOST_LETTERS: Final = 1000
"""Dead letters shown at once."""


class HookBook(Protocol):
    """Where webhooks are kept."""

    def add(self, hook: Webhook) -> None:
        """Keeps a new one. Raises Conflict."""

    def all(self) -> list[Webhook]:
        """All, oldest first."""

    def get(self, hook_id: str) -> Webhook:
        """Raises NotFound."""

    def remove(self, hook_id: str) -> None:
        """Raises NotFound."""

    def rotate(self, hook_id: str, fresh: Secret, *, now: int, overlap: int) -> Webhook:
        """Raises NotFound, InvalidInput."""

    def enable(self, hook_id: str, standing: Standing | None = None) -> Webhook:
        """Raises NotFound."""

    def dead(self, hook_id: str, *, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """Raises NotFound."""

    def replay(self, hook_id: str, number: int | None, *, now: int) -> int:
        """Raises NotFound."""


class Posting(Protocol):
    """What sends."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What became of it."""


class Webhooks:
    """The webhooks of a home. `clock` gives Unix seconds, `entropy` random bytes."""

    def __init__(
        self,
        book: HookBook,
        permitted: Permitted,
        poster: Posting,
        *,
        clock: Callable[[], int],
        entropy: Callable[[int], bytes],
    ) -> None:
        self._book = book
        self._permitted = permitted
        self._poster = poster
        self._clock = clock
        self._entropy = entropy

    def add(self, url: str, wanted: Filter, standing: Standing, secret: str | None = None) -> Webhook:
        """Tells `url` from `standing` on; signed by a new secret, or one that is brought along. Raises InvalidInput,
        Conflict."""
        self._permitted.destination(url)
        made = "whk_" + self._entropy(16).hex()
        hook = Webhook(made, url, wanted, (self._secret(secret),), standing, self._clock())
        self._book.add(hook)
        return hook

    def all(self) -> list[Webhook]:
        """All, oldest first."""
        return self._book.all()

    def get(self, hook_id: str) -> Webhook:
        """One. Raises NotFound."""
        return self._book.get(hook_id)

    def remove(self, hook_id: str) -> None:
        """Tells it nothing more, and forgets what waits for it. Raises NotFound."""
        self._book.remove(hook_id)

    def enable(self, hook_id: str, standing: Standing | None = None) -> Webhook:
        """Tells it again, from where it stood or from another place. Raises NotFound."""
        return self._book.enable(hook_id, standing)

    def rotate(self, hook_id: str, *, overlap: int = OVERLAP, secret: str | None = None) -> Webhook:
        """A new secret; the former one signs beside it for `overlap` seconds. Raises NotFound, InvalidInput."""
        return self._book.rotate(hook_id, self._secret(secret), now=self._clock(), overlap=overlap)

    def test(self, hook_id: str) -> Outcome:
        """Sends something now that is no event, and nothing is kept of. Raises NotFound."""
        hook, now = self._book.get(hook_id), self._clock()
        body = canonical_json({"type": "deedbook.test", "timestamp": timestamp(now), "data": {"webhook": hook_id}})
        name = "msg_" + self._entropy(16).hex()
        return self._poster.post(hook.url, signed(name, now, body, hook.signing(now)), body)

    def dead(self, hook_id: str, *, limit: int = 100, after: int = 0) -> list[DeadLetter]:
        """The letters that nobody took, behind number `after`. Raises NotFound."""
        return self._book.dead(hook_id, limit=min(limit, MOST_LETTERS), after=after)

    def replay(self, hook_id: str, number: int | None = None) -> int:
        """Sends a dead letter, or all of them, again; how many. Raises NotFound."""
        return self._book.replay(hook_id, number, now=self._clock())

    def _secret(self, said: str | None) -> Secret:
        return Secret(self._entropy(SECRET_LENGTH)) if said is None else Secret.of(said)


def added(hook: Webhook) -> dict[str, Any]:
    """A webhook with its newest secret: shown once, to who made it."""
    return {**hook.to_json(), "secret": hook.secrets[0].text}
