"""Runs the app on a socket until it is told to stop (SIGINT, SIGTERM)."""

from __future__ import annotations

import socket

import uvicorn

from deedbook.api.app import create_app
from deedbook.api.serving import Serving


def run(serving: Serving, listener: socket.socket) -> None:
    """Answers on `listener`; returns when the process is asked to stop. Request lines are not logged."""
    configuration = uvicorn.Config(create_app(serving), log_level="warning", access_log=False, lifespan="off")
    uvicorn.Server(configuration).run(sockets=[listener])
