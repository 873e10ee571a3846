"""Webhooks: who is told, by which secret they know us, and when what failed is tried again.

Signed by the Standard Webhooks specification (standardwebhooks.com, version 1.0.0): `webhook-id`, `webhook-timestamp`
and `webhook-signature`, which is `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body`; one for each secret that
counts, so that a secret is changed without a message lost.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

from deedbook.domain.hashing import sha256
from deedbook.domain.told import Filter, Standing
from deedbook.errors import InvalidInput

PREFIX: Final = "whsec_"
SECRET_LENGTH: Final = 32
"""Bytes of a secret of ours; one that is brought along has 24 to 64 (Standard Webhooks, "Symmetric")."""
_SECRETS: Final = (24, 64)
OVERLAP: Final = 86_400
"""Seconds for which a secret that was replaced still signs, beside the new one."""
MOST_OVERLAP: Final = 30 * 86_400
TRIES: Final = 12
"""How often a message is sent before it is dead: over about a day and a half."""
_FIRST: Final = 5
_LONGEST: Final = 21_600
_GROWS: Final = 4


class HookState(StrEnum):
    """Whether a webhook is told."""

    ACTIVE = "active"
    DISABLED = "disabled"


class MessageState(StrEnum):
    """How a message stands that was not taken yet."""

    WAITING = "waiting"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's bytes, and until when (Unix seconds) it signs; None: until it is replaced."""

    key: bytes
    until: int | None = None

    @property
    def text(self) -> str:
        """As both sides keep it."""
        return PREFIX + base64.b64encode(self.key).decode()

    @classmethod
    def of(cls, text: str, until: int | None = None) -> Secret:
        """A secret from its text. Raises InvalidInput, which does not quote it."""
        try:
            key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError) as error:
            raise InvalidInput("secret", f"is not {PREFIX} and Base64") from error
        if not text.startswith(PREFIX) or not _SECRETS[0] <= len(key) <= _SECRETS[1]:
            raise InvalidInput("secret", f"is not {PREFIX} and {_SECRETS[0]} to {_SECRETS[1]} bytes in Base64")
        return cls(key, until)

    def __repr__(self) -> str:
        return f"Secret(until={self.until})"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told: where (`url`), what (`wanted`), signed by which secrets (the newest first), and from where on.

    `reason` says why it is DISABLED. `url` and secrets are in no text of it.
    """

    hook_id: str
    url: str
    wanted: Filter
    secrets: tuple[Secret, ...]
    standing: Standing
    made_at: int
    state: HookState = HookState.ACTIVE
    reason: str | None = None
    delivered: int = 0
    waiting: int = 0
    dead: int = 0

    def signing(self, now: int) -> tuple[Secret, ...]:
        """The secrets that sign now."""
        return tuple(each for each in self.secrets if each.until is None or now < each.until)

    def rotated(self, fresh: Secret, now: int, overlap: int) -> tuple[Secret, ...]:
        """The secrets after `fresh` took the place of the newest one, which signs for `overlap` seconds more. Raises
        InvalidInput."""
        if not 0 <= overlap <= MOST_OVERLAP:
            raise InvalidInput("overlap", f"is not 0 to {MOST_OVERLAP} seconds")
        if fresh.key in [each.key for each in self.secrets]:
            raise InvalidInput("secret", "is the one that it has")
        still = [Secret(each.key, min(each.until or now + overlap, now + overlap)) for each in self.secrets]
        return fresh, *(each for each in still if each.until and now < each.until)

    def to_json(self) -> dict[str, Any]:
        """The webhook as it is shown: without secrets, and without the query of its URL, which may be one."""
        return {
            "webhook": self.hook_id,
            "url": _bare(self.url),
            "wanted": self.wanted.to_json(),
            "state": str(self.state),
            "reason": self.reason,
            "block": self.standing.number,
            "delivered": self.delivered,
            "waiting": self.waiting,
            "dead": self.dead,
            "secrets": [{"until": each.until} for each in self.secrets],
            "madeAt": self.made_at,
        }

    def __repr__(self) -> str:
        return f"Webhook({self.hook_id})"


@dataclass(frozen=True, slots=True)
class Message:
    """Something that waits to be told to one webhook, the `number`th of it; sent `tries` times in vain."""

    number: int
    type: str
    body: bytes
    tries: int


@dataclass(frozen=True, slots=True)
class Due:
    """When a message may be sent: from `due_at` (Unix seconds) on, and `lanes` (32 bytes each) are what it is about: of
    two messages that share one, the later waits for the earlier."""

    number: int
    lanes: tuple[bytes, ...]
    due_at: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up: what it is, how often it was sent, how it failed the last time."""

    number: int
    type: str
    message_id: str
    made_at: int
    tries: int
    failure: str | None
    status: int | None
    body: bytes

    def to_json(self) -> dict[str, Any]:
        """The letter as it is shown."""
        return {
            "number": self.number,
            "type": self.type,
            "message": self.message_id,
            "madeAt": self.made_at,
            "tries": self.tries,
            "failure": self.failure,
            "status": self.status,
            "body": self.body.decode(),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try: the `status` of an HTTP answer, or how it `failed` without one; how long (seconds) the
    receiver asked to be left alone."""

    status: int | None = None
    failed: str | None = None
    pause: int = 0

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it: 200 to 299."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no more: 410."""
        return self.status == 410

    @property
    def failure(self) -> str | None:
        """How it failed, in a word."""
        if self.is_taken:
            return None
        if self.status is None:
            return self.failed
        return "redirect" if 300 <= self.status < 400 else "status"

    def to_json(self) -> dict[str, Any]:
        """The outcome as it is shown."""
        return {"taken": self.is_taken, "status": self.status, "failure": self.failure}


def message_id(hook_id: str, number: int) -> str:
    """The `webhook-id` of a message: the same one every time that it is sent."""
    return "msg_" + sha256(f"deedbook.webhook-message/{hook_id}/{number}".encode())[:16].hex()


def signed(name: str, at: int, body: bytes, secrets: Sequence[Secret]) -> Mapping[str, str]:
    """The headers of a message `name`, sent at Unix seconds `at` (Standard Webhooks, "Webhook Metadata")."""
    content = b"%s.%d.%s" % (name.encode(), at, body)
    signatures = (base64.b64encode(hmac.digest(each.key, content, "sha256")).decode() for each in secrets)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def delay(tries: int, luck: float) -> int:
    """Seconds until a message that was sent `tries` times in vain is sent again: four times as long each time, up to
    six hours; `luck` (0 to 1) makes it half to one and a half of that, so that not all come back together."""
    plain: int = min(_LONGEST, _FIRST * _GROWS ** min(tries - 1, 16))
    return max(1, round(plain * (0.5 + luck)))


def ready(waiting: Sequence[Due], now: int, under_way: frozenset[int] = frozenset()) -> list[int]:
    """The messages, in their order, that may be sent now: due, and behind no earlier one that shares a lane."""
    held: set[bytes] = set()
    found = []
    for due in waiting:
        if held.isdisjoint(due.lanes) and due.due_at <= now and due.number not in under_way:
            found.append(due.number)
        held.update(due.lanes)
    return found


def _bare(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}{'?...' if parts.query else ''}"
