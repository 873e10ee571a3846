"""A service that is told to stop: nobody is kept waiting, readiness says so, what was begun is answered."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import pytest

from deedbook.api.app import create_app
from deedbook.api.server import Server
from deedbook.api.serving import Serving
from deedbook.domain.hashing import sha256
from deedbook.domain.intents import IntentState
from deedbook.domain.operations import Operation, OperationKind
from tests.e2e.http_service import Client


class Home:
    """Whose acts never come to their end; it writes slowly where it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.gate = threading.Event()

    def heads(self) -> tuple[int, int]:
        return 7, 7

    def is_right_chain(self) -> bool:
        return True

    def relay(self, signed: Any) -> Operation:
        return self.operation(sha256(b"digest"))

    def operation(self, operation_id: bytes) -> Operation:
        self.asked.set()
        return Operation(operation_id, OperationKind.RELAYED, IntentState.QUEUED, {})

    def collect(self, signed: Any) -> dict[str, Any]:
        self.asked.set()
        assert self.gate.wait(30)
        return {"kept": True}


@dataclass
class Running:
    """A server in a thread."""

    server: Server
    thread: threading.Thread
    client: Client

    def stop(self) -> None:
        """As SIGTERM does."""
        self.server.handle_exit(15, None)

    def ended(self) -> bool:
        self.thread.join(30)
        return not self.thread.is_alive()


@contextmanager
def served(home: Home, *, drain: float = 0) -> Iterator[Running]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(create_app(cast(Serving, home)), drain=drain)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    client = Client(f"http://127.0.0.1:{listener.getsockname()[1]}")
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Running(server, thread, client)
    finally:
        server.should_exit = server.force_exit = True
        home.gate.set()
        thread.join()
        listener.close()


@pytest.fixture
def home() -> Home:
    return Home()


def test_who_waits_for_an_operation_is_answered_at_once(home: Home) -> None:
    with served(home) as running, ThreadPoolExecutor(1) as beside:
        began = time.monotonic()
        asked = beside.submit(running.client.post, "/relayed?wait=final&timeout=60", {})
        assert home.asked.wait(30)
        running.stop()
        answer = asked.result()
        assert (answer.status, answer.json()["state"], answer.headers["retry-after"]) == (202, "queued", "1")
        assert running.ended()
        assert time.monotonic() - began < 30


def test_what_was_begun_is_finished_and_answered_and_nobody_else_is_let_in(home: Home) -> None:
    with served(home) as running, ThreadPoolExecutor(1) as beside:
        asked = beside.submit(running.client.post, "/consents", {})
        assert home.asked.wait(30)
        running.stop()
        while _accepts(running.client):
            time.sleep(0.02)
        assert running.thread.is_alive()
        home.gate.set()
        assert (asked.result().status, asked.result().json()) == (201, {"kept": True})
        assert running.ended()


@pytest.mark.parametrize("path", ["/ready", "/readyz"])
def test_readiness_says_that_it_stops_while_liveness_goes_on(home: Home, path: str) -> None:
    with served(home, drain=30) as running:
        assert running.client.get(path).status == 200
        running.stop()
        while running.client.get(path).status == 200:
            time.sleep(0.02)
        answer = running.client.get(path)
        assert (answer.status, answer.json()["code"]) == (503, "stopping")
        assert answer.headers["content-type"] == "application/problem+json"
        assert running.client.get("/livez").status == running.client.get("/health").status == 200
        assert running.client.post("/relayed?wait=final&timeout=60", {}).status == 202


def _accepts(client: Client) -> bool:
    host, _, port = client.url.rpartition("/")[2].partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5) as taken:
            taken.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            return bool(taken.recv(1))
    except OSError:
        return False
