"""A load of HTTP/1.1 requests over a few connections, from one thread: the next request on a connection goes out when
the answer to the last one is whole. It does so little a request that a Python server is never faster than it.

Answers are told by `content-length` alone, as uvicorn frames them.
"""

from __future__ import annotations

import gc
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_LENGTH = b"content-length: "


def get(path: str) -> bytes:
    """A request for a path."""
    return f"GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n".encode()


def post(path: str, body: bytes, media_type: str) -> bytes:
    """A request with a body."""
    head = f"POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass
class Load:
    """What came of it: the seconds that each answer took, in the order in which they came, and all of them together.
    `bodies` are the answers to the requests by their place, as far as they were to be kept; `spent` is what the server
    used of the processor, in seconds."""

    seconds: list[float] = field(default_factory=list)
    elapsed: float = 0.0
    spent: float = 0.0
    bodies: dict[int, bytes] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        """The time within which this share (0 to 1) of the answers came, in milliseconds."""
        return 1000 * sorted(self.seconds)[min(len(self.seconds) - 1, int(share * len(self.seconds)))]


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(120)
        self.place = -1
        self.began = 0.0
        self.waiting = bytearray()

    def send(self, place: int, request: bytes) -> None:
        self.place, self.began = place, time.perf_counter()
        self.socket.sendall(request)

    def received(self) -> bytes | None:
        """The head and body of the answer when it is whole. Raises AssertionError for any but a good one."""
        block = self.socket.recv(1 << 20)
        assert block, "the server closed a connection"
        self.waiting += block
        end = self.waiting.find(b"\r\n\r\n")
        if end < 0:
            return None
        assert self.waiting.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")), self.waiting[:300]
        at = self.waiting.index(_LENGTH, 0, end) + len(_LENGTH)
        length = int(self.waiting[at : self.waiting.index(b"\r", at)])
        if len(self.waiting) < end + 4 + length:
            return None
        body, self.waiting = bytes(self.waiting[end + 4 :]), bytearray()
        return body


def load(port: int, requests: Sequence[bytes], connections: int, keep: int = 0) -> Load:
    """Sends all of them, and waits for the answers; every `keep`th body is kept."""
    made = Load()
    waiting = iter(enumerate(requests))
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            selector.register((new := _Connection(port)).socket, selectors.EVENT_READ, new)
        gc.disable()
        try:
            _run(selector, waiting, made, keep)
        finally:
            gc.enable()
    return made


def _run(selector: selectors.BaseSelector, waiting: Iterator[tuple[int, bytes]], made: Load, keep: int) -> None:
    began = time.perf_counter()
    open_connections = [key.data for key in selector.get_map().values()]
    for connection in open_connections:
        if (request := next(waiting, None)) is not None:
            connection.send(*request)
    busy = sum(connection.place >= 0 for connection in open_connections)
    while busy:
        for key, _ in selector.select():
            connection = key.data
            body = connection.received()
            if body is None:
                continue
            made.seconds.append(time.perf_counter() - connection.began)
            if keep and connection.place % keep == 0:
                made.bodies[connection.place] = body
            if (request := next(waiting, None)) is not None:
                connection.send(*request)
            else:
                busy -= 1
    made.elapsed = time.perf_counter() - began
    for connection in open_connections:
        connection.socket.close()
