"""Runs the app on a socket until it is told to stop (SIGINT, SIGTERM)."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from types import FrameType

import uvicorn

from deedbook.api.app import create_app
from deedbook.api.door import Door
from deedbook.api.serving import Serving


def run(serving: Serving, listener: socket.socket, door: Door | None = None) -> None:
    """Answers on `listener`; returns when the process is asked to stop. Request lines are not logged.

    uvicorn ends its work in order and then raises the signal again: it ends here, so that what the caller opened is
    closed in order too.
    """
    configuration = uvicorn.Config(create_app(serving, door), log_level="warning", access_log=False, lifespan="off")
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(configuration).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, former)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
