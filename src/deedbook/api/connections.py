"""Connections that end when their other side does not go on: a head that never comes or never ends, an answer that
nobody reads.

(A body that never comes ends in `limits`, which can still answer.)
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS: Final = 10.0
"""How long the head of a request may take, from its first byte or the connection's beginning."""
READ_SECONDS: Final = 30.0
"""How long a reader may leave what is written where it is."""
MOST_HEAD: Final = 64 * 1024
"""The longest head in bytes; the parser itself has no end."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection (HTTP/1.1, RFC 9112), with an end to waiting."""

    head_seconds = HEAD_SECONDS
    read_seconds = READ_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head: asyncio.TimerHandle | None = None
        self._read: asyncio.TimerHandle | None = None
        self._in_head = True
        self._size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """From here on a head is waited for."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """A part of a head is no head."""
        super().data_received(data)
        self._size += len(data)
        if self._in_head and self._size > MOST_HEAD and not self.transport.is_closing():
            self.send_400_response("the head of the request is too long")
        self._expect_head()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head, self._size = True, 0

    def on_headers_complete(self) -> None:
        """It is whole."""
        self._in_head = False
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        super().connection_lost(exc)
        self._head = _ended(self._head)
        self._read = _ended(self._read)

    def pause_writing(self) -> None:
        """The other side does not read."""
        super().pause_writing()
        if self._read is None:
            self._read = self.loop.call_later(self.read_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        self._read = _ended(self._read)

    def timeout_keep_alive_handler(self) -> None:
        """Closing waits for the reader too."""
        super().timeout_keep_alive_handler()
        if self._read is None:
            self._read = self.loop.call_later(self.read_seconds, self.transport.abort)

    def _expect_head(self) -> None:
        if not self._in_head:
            self._head = _ended(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self.transport.abort)

    def on_response_complete(self) -> None:
        """Between requests the keep-alive time counts."""
        super().on_response_complete()
        self._head = _ended(self._head)


def _ended(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What is left of a timer that ends: nothing."""
    if timer is not None:
        timer.cancel()
    return None
