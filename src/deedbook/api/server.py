"""Runs the app on a socket until it is told to stop (SIGINT, SIGTERM)."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from types import FrameType
from typing import Final

import uvicorn

from deedbook.api.app import create_app
from deedbook.api.serving import Serving
from deedbook.api.streams import Streams

SLOW: Final = 20
"""Seconds for which a reader may take nothing of what waits for it; then its connection is ended, where the system can
do that (TCP_USER_TIMEOUT, Linux)."""


class Server(uvicorn.Server):
    """The service of one home; its streams end when it stops."""

    def __init__(self, serving: Serving) -> None:
        app = create_app(serving)
        super().__init__(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        self.streams: Streams = app.state.streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends the streams, and then waits for every answer."""
        self.streams.end()
        await super().shutdown(sockets)


def run(serving: Serving, listener: socket.socket) -> None:
    """Answers on `listener`; returns when the process is asked to stop. Request lines are not logged.

    uvicorn ends its work in order and then raises the signal again: it ends here, so that what the caller opened is
    closed in order too.
    """
    drop_slow_readers(listener, SLOW)
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with suppress(KeyboardInterrupt):
            Server(serving).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, former)


def drop_slow_readers(listener: socket.socket, seconds: float) -> None:
    """Ends connections accepted from now on whose readers take nothing for so long; its memory with them."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        listener.setsockopt(socket.IPPROTO_TCP, option, round(1000 * seconds))


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
