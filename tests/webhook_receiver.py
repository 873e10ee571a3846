"""A receiver of webhooks: a real HTTP server on loopback that checks signatures as the specification tells it to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(self.json()["type"])

    @property
    def key(self) -> str:
        return str(self.json()["data"]["key"])

    def json(self) -> Any:
        return json.loads(self.body)

    def signed_by(self, secret: str) -> bool:
        """Whether one of the signatures is by this secret (Standard Webhooks, "Verifying webhook authenticity")."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.body
        expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
        given = [each.split(",", 1) for each in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(expected, made) for version, made in given)


Answering = Callable[[Received], int]


class Receiver:
    """Keeps what comes; answers what `answering` says: 204, unless a test wants something else."""

    def __init__(self, answering: Answering = lambda _: 204, headers: Mapping[str, str] | None = None) -> None:
        self.answering = answering
        self.headers = dict(headers or {})
        self.received: list[Received] = []
        self._lock = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                got = Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                status = receiver.answering(got)
                receiver.keep(got)
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # a sender that was killed

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=hush"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def keep(self, got: Received) -> None:
        with self._lock:
            self.received.append(got)
            self._lock.notify_all()

    def wait(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        """Until that holds of what was received."""
        until = time.monotonic() + seconds
        with self._lock:
            while not holds():
                assert self._lock.wait(max(0.0, until - time.monotonic())) or holds(), len(self.received)
