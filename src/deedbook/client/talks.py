"""What is said to the service, step by step, without saying it: retries, keys and waiting, once for both clients.

A talk is a generator. It yields a `Call`, and is sent the `Reply` or thrown `ServiceUnavailable`; or it yields a
`Pause`, and is sent nothing when that is over. It returns what came of it. Nothing here waits or connects.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from deedbook.client.problems import error_of, reason_of
from deedbook.errors import DeedbookError, InvalidFormat

Json = dict[str, Any]
T = TypeVar("T")

LONGEST_PAUSE: Final = 8.0
"""Seconds between two attempts, at most, where the service does not ask for more."""
LOOKS: Final = (0.1, 1.0)
"""The shortest and the longest pause between looks at an operation, in seconds."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `repeatable`: sent twice it does no more than sent once."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Pause:
    """To wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON. Raises InvalidFormat (`answer`): it is not the service that answered."""
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise InvalidFormat("answer", "is not JSON: is this the address of a Deedbook service?") from error


Talk = Generator[Call | Pause, Reply | None, T]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is sent at most, and the pauses between: `first` seconds, then twice as long each time. `chance`
    (0 to 1) spreads those who were all refused at once."""

    attempts: int
    first: float
    chance: Callable[[], float]

    def pause(self, attempt: int) -> float:
        """Seconds after this attempt (from 1 on)."""
        return float(min(LONGEST_PAUSE, self.first * 2 ** (attempt - 1))) * (0.5 + self.chance() / 2)


def answered(call: Call, patience: Patience) -> Talk[Reply]:
    """The good answer to a call. What may be repeated is, as it is, while that may help. Raises what the service told
    (see `problems`), ServiceUnavailable."""
    attempt = 1
    while True:
        wanted = 0.0
        try:
            reply = yield call
            assert reply is not None
            if 200 <= reply.status < 300:
                return reply
            wanted = _retry_after(reply)
            raise error_of(reply.status, reply.content)
        except DeedbookError as error:
            if not (error.retryable and call.repeatable) or attempt >= patience.attempts:
                raise
        yield Pause(max(wanted, patience.pause(attempt)))
        attempt += 1


def over(answer: Mapping[str, Any], seconds: float, clock: Callable[[], float], patience: Patience) -> Talk[Json]:
    """An operation (as a route answered it) when it is final, or as it stands after so many seconds; what was done at
    once, as it is. Raises the reason of one that failed."""
    found, until, (pause, longest) = dict(answer), clock() + seconds, LOOKS
    while found.get("operation") is not None and found["state"] not in ("final", "failed") and clock() < until:
        yield Pause(pause)
        pause = min(2 * pause, longest)
        reply = yield from answered(Call("GET", f"/operations/{found['operation']}", repeatable=True), patience)
        found = reply.json()
    if found.get("state") == "failed":
        raise reason_of(found)
    return found


def _retry_after(reply: Reply) -> float:
    """Seconds (RFC 9110, 10.2.3); the form with a date is taken for none."""
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 5 else 0.0
