"""POSTs to one HTTP address over connections that are kept: bounded in bytes and in time. Standard library only.

Knows HTTP/1.1 and nothing of what is posted. Nothing is sent twice: a connection that the other side has closed is
seen before it is used again, and what fails after that is told, not repeated. No redirect is followed, no proxy and no
compression is used. Every failure is ChainUnavailable, whose `failure` is one of

    no-such-host, refused, unreachable, tls     nothing was sent (`unsent`)
    timeout, closed                             unsent while connecting; else it may have arrived
    not-http, cut-short, too-long               it was answered, but not whole
"""

from __future__ import annotations

import http.client
import io
import os
import select
import socket
import ssl
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from deedbook.errors import ChainUnavailable

MOST_IDLE: Final = 8
"""How many unused connections are kept."""

IDLE_SECONDS: Final = 4.0
"""How long an unused connection is kept: less than servers do (uvicorn 5 s), so that they seldom close one first."""

_PART: Final = 65536


@dataclass(frozen=True, slots=True)
class Address:
    """Where to post: `host` as a resolver takes it, `target` as it stands in the request line."""

    host: str
    port: int
    target: str
    secure: bool

    @property
    def name(self) -> str:
        """`host:port`, without credentials, path or query."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Connections:
    """Posts to one address; may be shared between threads, and used on in a forked child.

    `connect` seconds for the connection, `timeout` for all that follows; answers of at most `most` bytes.
    """

    def __init__(
        self, address: Address, headers: Mapping[str, str], *, connect: float, timeout: float, most: int
    ) -> None:
        self.address = address
        lines = {"Host": address.name, "Accept-Encoding": "identity", **headers}
        said = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._head = f"POST {address.target} HTTP/1.1\r\n{said}Content-Length: "
        self._connect = connect
        self._timeout = timeout
        self._most = most
        self._context = ssl.create_default_context() if address.secure else None
        self._idle: list[tuple[socket.socket, float]] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        weakref.finalize(self, _close_all, self._idle)

    def post(self, body: bytes) -> tuple[int, bytearray]:
        """Status and content of the answer. Raises ChainUnavailable."""
        line = self._taken() or self._opened()
        try:
            line.settimeout(self._timeout)
            deadline = time.monotonic() + self._timeout
            line.sendall(f"{self._head}{len(body)}\r\n\r\n".encode() + body)
            response = http.client.HTTPResponse(cast("socket.socket", _Stream(line, deadline)), method="POST")
            response.begin()
            content = self._content(response)
        except BaseException as reason:
            line.close()
            if isinstance(reason, (OSError, http.client.HTTPException, ValueError)):
                raise self._failed(reason, unsent=False) from reason
            raise
        self._give_back(line, response)
        return response.status, content

    def close(self) -> None:
        """Closes what is not in use."""
        with self._lock:
            _close_all(self._idle)

    def _content(self, response: http.client.HTTPResponse) -> bytearray:
        """The body. Raises HTTPException where it is cut short, ChainUnavailable where it is too long."""
        announced, content = response.length, bytearray()
        if announced is not None and announced > self._most:
            raise self._too_long()
        while announced is None or len(content) < announced:
            part = response.read1(_PART if announced is None else min(_PART, announced - len(content)))
            if not part:
                break
            content += part
            if len(content) > self._most:
                raise self._too_long()
        if announced is not None and len(content) < announced:
            raise http.client.IncompleteRead(b"", announced - len(content))
        return content

    def _too_long(self) -> ChainUnavailable:
        message = f"the node's answer is longer than {self._most} bytes"
        return ChainUnavailable(message, failure="too-long", host=self.address.name)

    # -- connections -----------------------------------------------------------------------------------------------

    def _taken(self) -> socket.socket | None:
        """A kept connection on which nothing has come since, or None."""
        if self._process != os.getpid():  # a fork's copies are the parent's to talk on
            self._lock, self._process = threading.Lock(), os.getpid()
            _close_all(self._idle)
        with self._lock:
            while self._idle:
                line, since = self._idle.pop()
                if time.monotonic() - since < IDLE_SECONDS and _is_quiet(line):
                    return line
                line.close()
        return None

    def _give_back(self, line: socket.socket, response: http.client.HTTPResponse) -> None:
        keeps = not response.will_close
        response.close()
        if keeps:
            with self._lock:
                if len(self._idle) < MOST_IDLE:
                    self._idle.append((line, time.monotonic()))
                    return
        line.close()

    def _opened(self) -> socket.socket:
        try:
            line = socket.create_connection((self.address.host, self.address.port), self._connect)
        except (OSError, UnicodeError) as reason:
            raise self._failed(reason, unsent=True) from reason
        try:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return line if self._context is None else self._context.wrap_socket(line, server_hostname=self.address.host)
        except (OSError, ValueError) as reason:
            line.close()
            raise self._failed(reason, unsent=True) from reason

    def _failed(self, reason: Exception, *, unsent: bool) -> ChainUnavailable:
        failure = _failure(reason)
        message = f"no answer from the node: {failure}"
        return ChainUnavailable(message, failure=failure, unsent=unsent, host=self.address.name)


class _Stream:
    """What an HTTPResponse reads from: a socket, up to a deadline (`time.monotonic`)."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        self._line = line
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Timed(self._line, self._deadline))


class _Timed(io.RawIOBase):
    """Reads of a socket that share one deadline: who sends a byte at a time gains nothing."""

    def __init__(self, line: socket.socket, deadline: float) -> None:
        super().__init__()
        self._line = line
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._line.settimeout(left)
        return self._line.recv_into(buffer)


def _is_quiet(line: socket.socket) -> bool:
    """Whether nothing has come: neither an end nor bytes that nobody asked for."""
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return not poll.poll(0)


def _failure(reason: Exception) -> str:
    """The code of a failure; the most exact kind first."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (socket.gaierror, "no-such-host"),
        (UnicodeError, "no-such-host"),
        (TimeoutError, "timeout"),
        (ConnectionRefusedError, "refused"),
        (ssl.SSLError, "tls"),
        (http.client.IncompleteRead, "cut-short"),
        (ConnectionError, "closed"),
        (OSError, "unreachable"),
    )
    return next((name for kind, name in kinds if isinstance(reason, kind)), "not-http")


def _close_all(idle: list[tuple[socket.socket, float]]) -> None:
    while idle:
        idle.pop()[0].close()
