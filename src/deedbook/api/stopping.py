"""A service on its way to its end: readiness says so, and nobody is kept waiting."""

from __future__ import annotations

import asyncio
import threading

from fastapi import Request


class Stopping:
    """Whether the service was told to stop. Any thread may tell; whoever waits in a loop hears it."""

    def __init__(self) -> None:
        self._told = threading.Event()
        self._lock = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}

    @property
    def told(self) -> bool:
        """Whether it was."""
        return self._told.is_set()

    def tell(self) -> None:
        """From here on, the service stops."""
        self._told.set()
        with self._lock:
            waiting = dict(self._waiting)
        for event, loop in waiting.items():
            loop.call_soon_threadsafe(event.set)

    async def within(self, seconds: float) -> bool:
        """Waits so long, or until the service stops: whether it does."""
        event = asyncio.Event()
        with self._lock:
            self._waiting[event] = asyncio.get_running_loop()
        try:
            if not self.told:
                await asyncio.wait_for(event.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            with self._lock:
                del self._waiting[event]
        return self.told


def stopping_of(request: Request) -> Stopping:
    """Whether this app stops."""
    stopping: Stopping = request.app.state.stopping
    return stopping
