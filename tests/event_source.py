"""A reader of Server-Sent Events of the test's own (WHATWG HTML, 9.2.5 and 9.2.6), over one socket."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from deedbook.domain.hashing import parse_json


@dataclass(frozen=True)
class Message:
    """An event that a browser would dispatch."""

    type: str
    data: str
    last_event_id: str

    @property
    def key(self) -> str:
        return str(self.json()["data"]["key"])

    def json(self) -> Any:
        return parse_json(self.data.encode(), "data")


class EventSource:
    """One connection. `last` is sent as `Last-Event-ID`; `last_event_id` is what would be sent the next time."""

    def __init__(self, url: str, path: str, last: str | None = None, *, receive_buffer: int | None = None) -> None:
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(20)
        self.socket.connect((parts.hostname, parts.port))
        header = "" if last is None else f"Last-Event-ID: {last}\r\n"
        request = f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n{header}\r\n"
        self.socket.sendall(request.encode())
        self._file = self.socket.makefile("rb")
        self.last_event_id = last or ""
        self.comments: list[str] = []
        self.retry: int | None = None
        self._dispatched: Iterator[Message | None] | None = None

    def __enter__(self) -> EventSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(OSError):  # it may be gone
            self.socket.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self.socket.close()

    def begin(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the answer; `messages` begins behind them."""
        file = self._file
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        self._dispatched = self._read(_lines(_chunks(file)))
        return status, headers

    def messages(self, count: int) -> list[Message]:
        """The next messages; fewer where the stream ends."""
        heard: list[Message] = []
        for message in self._blocks():
            heard += [] if message is None else [message]
            if len(heard) == count:
                break
        return heard

    def until(self, holds: Callable[[], bool]) -> None:
        """Reads until that holds, at the latest when the stream ends; a message is none of what is waited for."""
        for message in self._blocks():
            assert message is None, message
            if holds():
                return
        raise AssertionError("the stream ended")

    def _blocks(self) -> Iterator[Message | None]:
        if self._dispatched is None:
            assert self.begin()[0] == 200
        assert self._dispatched is not None
        return self._dispatched

    def _read(self, lines: Iterator[str]) -> Iterator[Message | None]:
        data: list[str] = []
        kind, buffered = "", self.last_event_id
        for line in lines:
            if not line:
                self.last_event_id = buffered
                yield Message(kind or "message", "\n".join(data), buffered) if data else None
                data, kind = [], ""
                continue
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not name:
                self.comments.append(value)
            elif name == "data":
                data.append(value)
            elif name == "event":
                kind = value
            elif name == "id" and "\0" not in value:
                buffered = value
            elif name == "retry" and value.isdigit():
                self.retry = int(value)


def _chunks(file: Any) -> Iterator[bytes]:
    """The parts of a chunked body (RFC 9112, 7.1)."""
    while size := int(file.readline() or b"0", 16):
        yield file.read(size)
        file.readline()


def _lines(parts: Iterator[bytes]) -> Iterator[str]:
    """Lines that end in CR LF, LF or CR; the stream breaks none of its own within a part."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            yield line.decode()
