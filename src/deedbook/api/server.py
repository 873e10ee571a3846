"""Runs the app on a socket until it is told to stop (SIGINT, SIGTERM), then to its end in order: readiness says 503,
who waits for an operation is answered, streams of events end, no connection is taken any more, what was begun is
answered.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import Final

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from deedbook.api.app import create_app
from deedbook.api.connections import Connection
from deedbook.api.door import Door
from deedbook.api.serving import Serving
from deedbook.api.stopping import Stopping
from deedbook.api.streams import Streams
from deedbook.api.watching import Watch

LAST: Final = 20
"""Seconds after which a request that is still not answered is given up when the service stops."""
_TURN = 0.05
SWITCH: Final = 0.001
"""Seconds after which a busy thread lets another one go on: whoever waits for an answer waits for all of them."""


class Server(uvicorn.Server):
    """uvicorn's server of an app that hears when it stops. `drain` is how many seconds it goes on taking connections
    while readiness says that it stops, so that whoever spreads requests can go elsewhere."""

    def __init__(self, app: FastAPI, *, drain: float = 0, connection: type[Connection] = Connection) -> None:
        super().__init__(configured(app, connection))
        self._stopping: Stopping = app.state.stopping
        self.streams: Streams = app.state.streams
        self._drain = drain

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """To its end."""
        self._stopping.tell()
        clock = asyncio.get_running_loop().time
        until = clock() + self._drain
        while clock() < until and not self.force_exit:
            await asyncio.sleep(_TURN)
        self.streams.end()
        await super().shutdown(sockets)


def run(
    serving: Serving,
    listener: socket.socket,
    *,
    watch: Watch | None = None,
    drain: float = 0,
    door: Door | None = None,
    pages: bool = True,
) -> None:
    """Answers on `listener`, `pages` too; returns when the process is asked to stop, and everybody was answered.

    uvicorn ends its work in order and then raises the signal again: it ends here, so that what the caller opened is
    closed in order too.
    """
    patience = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with suppress(KeyboardInterrupt):
            Server(create_app(serving, watch, door, pages=pages), drain=drain).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, former)
        sys.setswitchinterval(patience)


def configured(app: ASGIApp, connection: type[Connection] = Connection) -> uvicorn.Config:
    """How an app is served."""
    return uvicorn.Config(
        app,
        http=connection,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=LAST,
    )


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
