"""The real service on a free loopback port, and a client of the standard library."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from deedbook.api.app import create_app
from deedbook.api.server import Server
from deedbook.api.serving import Serving
from deedbook.api.watching import Watch


@dataclass(frozen=True)
class Answer:
    """What the service said."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.content)


class Client:
    """Asks one service; never goes through a proxy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self._ask(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, body: object, *, media_type: str = "application/json", key: str | None = None) -> Answer:
        """POST of JSON, or of bytes as they are; under an idempotency key where one is given."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": media_type} | ({} if key is None else {"Idempotency-Key": key})
        return self._ask(urllib.request.Request(self.url + path, content, headers, method="POST"))

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=300) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read())


@contextmanager
def running(
    serving: Serving | Server, listener: socket.socket | None = None, *, watch: Watch | None = None
) -> Iterator[Client]:
    """The service on a free port, from a thread of its own."""
    if listener is None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
    server = serving if isinstance(serving, Server) else Server(create_app(serving, watch))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Client(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
