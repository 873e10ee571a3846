"""When to ask again what has failed: a circuit breaker, pure but for the jitter that it is handed.

    closed     asked as usual; after `trip` failures in a row, or a grave one, it opens
    open       not asked until its back-off is over: `base` seconds, doubled each time, at most `most`, less a random
               part of up to a half, so that many askers do not come back at once
    half-open  may be tried; a trial that works closes it, one that fails opens it for longer

The back-off starts from `base` again only after a real request has worked, not just the trial. Times are seconds of
any clock that does not go back. No lock: the owner's.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum


class CircuitState(Enum):
    """Where a circuit stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Circuit:
    """One circuit. `jitter` gives numbers in [0, 1)."""

    def __init__(self, jitter: Callable[[], float], *, trip: int = 3, base: float = 0.5, most: float = 30.0) -> None:
        self._jitter = jitter
        self._trip = trip
        self._base = base
        self._most = most
        self._failures = 0
        self._trips = 0
        self._until: float | None = None

    def state(self, now: float) -> CircuitState:
        """Where it stands at this time."""
        if self._until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self._until else CircuitState.HALF_OPEN

    def wait(self, now: float) -> float:
        """Seconds until it may be tried; 0 unless it is open."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    def failed(self, now: float, *, grave: bool = False) -> None:
        """A request or trial failed. One that had begun before the circuit opened says nothing new."""
        if self.state(now) is CircuitState.OPEN:
            return
        self._failures += 1
        if grave or self._until is not None or self._failures >= self._trip:
            pause = min(self._most, self._base * 2.0 ** min(self._trips, 32))
            self._until = now + pause * (1 - self._jitter() / 2)
            self._trips += 1

    def tried(self) -> None:
        """A trial worked: closed, on probation."""
        if self._until is not None:
            self._until, self._failures = None, self._trip - 1

    def worked(self) -> None:
        """A real request worked: all is forgotten."""
        self._until, self._failures, self._trips = None, 0, 0
