"""Connections that end when their other side does not go on, or goes on without end: a head that never comes, trailers
that never stop, requests ahead of all answers, an answer that nobody reads.

(A body that never comes ends in `limits`, which can still answer.)
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_SECONDS: Final = 10.0
"""How long the head of a request may take, from its first byte or the connection's beginning."""
READ_SECONDS: Final = 30.0
"""How long a reader may leave what is written where it is."""
MOST_HEAD: Final = 64 * 1024
"""How many bytes may come that are neither a whole head nor of a body: the parser itself would take any number."""
MOST_AHEAD: Final = 32
"""How many requests may come before the first of them is answered (RFC 9112, 9.3.2)."""
_TOO_LONG: Final = "the head of the request is too long"


class _NotServed(Exception):  # noqa: N818 - raised into the parser, which stops and says that it is no HTTP
    """A request that is not taken."""


class _Parser(httptools.HttpRequestParser):
    """httptools' parser; a request that wants another protocol (RFC 9110, 7.8) is read on as what it is in this one: by
    itself it would take the body for the other protocol's, and that for the next request."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # which is dropped, as uvicorn wants it
        self._connection = connection

    def feed_data(self, data: bytes) -> None:  # type: ignore[override]
        """Calls back what is in these bytes."""
        while True:
            try:
                super().feed_data(data)
            except httptools.HttpParserUpgrade as wish:
                data = self._connection.head_again() + data[wish.args[0] :]
            else:
                return


class Connection(HttpToolsProtocol):
    """uvicorn's connection (HTTP/1.1, RFC 9112), with an end to waiting and to memory.

    What is no HTTP ends it, and is told by 400 - unless the answer to a former request is still due, which then is the
    last one: nothing is ever written into another answer.
    """

    head_seconds = HEAD_SECONDS
    read_seconds = READ_SECONDS

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head: asyncio.TimerHandle | None = None
        self._read: asyncio.TimerHandle | None = None
        self._asked: deque[RequestResponseCycle] = deque()
        self._again = b""
        self.parser = _Parser(self)
        self._over = False
        self._came = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """From here on a head is waited for."""
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """A part of a head is no head."""
        if self._over:
            return
        self._came += len(data)
        super().data_received(data)
        if self._came > MOST_HEAD and not self._over:
            self.send_400_response(_TOO_LONG)
        self._expect_head()

    def on_headers_complete(self) -> None:
        """A head is whole, and its request asked."""
        if len(self._asked) > MOST_AHEAD:
            raise _NotServed
        self._count_anew()
        if self.parser.should_upgrade():
            self._again = self._without_upgrade()
            return
        super().on_headers_complete()
        self._asked.append(self.cycle)
        self.headers = []  # trailers are no headers (RFC 9110, 6.5.1), and the request has its list already

    def head_again(self) -> bytes:
        """The head that wanted another protocol, as one that does not."""
        head, self._again = self._again, b""
        return head

    def on_message_complete(self) -> None:
        """A request is whole, unless its head comes again."""
        if not self._again:
            super().on_message_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._count_anew()
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        """The end of what is understood."""
        self._over = True
        whole = [each for each in self._asked if not each.more_body]
        if whole:
            if self._asked[-1].more_body:
                self.pipeline.popleft()
            whole[-1].keep_alive = False
            self.flow.pause_reading()
        elif self._asked and self._asked[0].response_started:
            self.transport.close()
        elif not self.transport.is_closing():
            super().send_400_response(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more; and each who asked is gone, not only the last."""
        for each in self._asked:
            each.disconnected = True
            each.message_event.set()
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

    def on_response_complete(self) -> None:
        """Between requests the keep-alive time counts."""
        self._asked.popleft()
        super().on_response_complete()
        self._head = _ended(self._head)

    def _expect_head(self) -> None:
        """Whoever is owed no answer has to ask."""
        if self._asked:
            self._head = _ended(self._head)
        elif self._head is None:
            self._head = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _without_upgrade(self) -> bytes:
        method = self.parser.get_method()
        if method == b"CONNECT":
            raise _NotServed
        first = b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())
        others = [b"%b: %b" % each for each in self.headers if each[0] != b"upgrade"]
        return b"\r\n".join([first, *others, b"", b""])

    def _count_anew(self) -> None:
        """From the next bytes on that are received."""
        self._came = 0


def _ended(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """What is left of a timer that ends: nothing."""
    if timer is not None:
        timer.cancel()
    return None
