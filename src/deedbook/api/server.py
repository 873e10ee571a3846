"""Runs the app on a socket until it is told to stop (SIGINT, SIGTERM)."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from deedbook.api.app import create_app
from deedbook.api.serving import Serving

SWITCH: Final = 0.001
"""Seconds after which a busy thread lets another one go on: whoever waits for an answer waits for all of them."""


def run(serving: Serving, listener: socket.socket) -> None:
    """Answers on `listener`; returns when the process is asked to stop. Request lines are not logged.

    uvicorn ends its work in order and then raises the signal again: it ends here, so that what the caller opened is
    closed in order too.
    """
    patience = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH)
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(configured(create_app(serving))).run(sockets=[listener])
    finally:
        signal.signal(signal.SIGTERM, former)
        sys.setswitchinterval(patience)


def configured(app: ASGIApp) -> uvicorn.Config:
    """How an app is served."""
    return uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
