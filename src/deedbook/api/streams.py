"""Streams of events: Server-Sent Events (WHATWG HTML, 9.2) from the mirror's feed.

Every event has the place behind it as its `id`; a browser sends the last one back as `Last-Event-ID`, and is told from
there on. Nothing is kept of a listener between two connections, and of one that is slow no more than a page: what it
does not read is not read from the mirror either. One look at the mirror serves all streams that wait.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from deedbook.api.problems import problem
from deedbook.api.serving import Serving
from deedbook.domain.told import Filter, Standing, Told
from deedbook.errors import DeedbookError
from deedbook.queries.events import EventFeed, Telling, token_of

LOG = logging.getLogger(__name__)
MEDIA_TYPE: Final = "text/event-stream"
MOST_STREAMS: Final = 100
"""Streams of one service at a time."""
HEARTBEAT: Final = 15.0
"""Seconds of silence after which a stream says where it stands: proxies close what says nothing."""
PAUSE: Final = 0.25
"""Seconds between looks at the mirror."""
AT_ONCE: Final = 100
"""Events that are read together."""
RETRY: Final = 2000
"""Milliseconds after which a browser whose stream broke asks again."""
_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept", "X-Accel-Buffering": "no"}


class Streams:
    """The streams of one service: how many there may be, when there is news, and their end."""

    def __init__(self, serving: Serving, *, most: int = MOST_STREAMS, heartbeat: float = HEARTBEAT) -> None:
        self._serving = serving
        self.most = most
        self.heartbeat = heartbeat
        self.open = 0
        self.ended = False
        self._news = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    @property
    def feed(self) -> EventFeed:
        """What is told."""
        return self._serving.events

    @property
    def news(self) -> asyncio.Event:
        """Is set when there is something to tell that was not there when this was asked for, and at the end."""
        return self._news

    def enter(self) -> bool:
        """Takes a place; False where there is none."""
        if self.open >= self.most or self.ended:
            return False
        self.open += 1
        if self._watch is None or self._watch.done():
            self._watch = asyncio.get_running_loop().create_task(self._watched())
        return True

    def leave(self) -> None:
        """Gives the place back."""
        self.open -= 1

    def end(self) -> None:
        """Lets every stream end after what it is saying."""
        self.ended = True
        self._news.set()

    async def _watched(self) -> None:
        seen = None
        while self.open and not self.ended:
            with suppress(DeedbookError):  # the streams will find out by themselves
                newest = await run_in_threadpool(self.feed.newest)
                if newest != seen:
                    seen = newest
                    self._wake()
            await asyncio.sleep(PAUSE)

    def _wake(self) -> None:
        former, self._news = self._news, asyncio.Event()
        former.set()


class EventStream(Response):
    """One stream, from its first telling on. 503 where there are too many."""

    media_type = MEDIA_TYPE

    def __init__(self, streams: Streams, wanted: Filter, first: Telling) -> None:
        super().__init__(media_type=MEDIA_TYPE, headers=_HEADERS)
        del self.headers["content-length"]
        self._streams = streams
        self._wanted = wanted
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tells until the listener is gone or the service stops."""
        if not self._streams.enter():
            full = problem(503, "streams-full", "too many streams", "this service tells as many listeners as it can")
            full.headers["Retry-After"] = "10"
            await full(scope, receive, send)
            return
        gone = asyncio.get_running_loop().create_task(_gone(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._tell(send, gone)
            if not gone.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._streams.leave()

    async def _tell(self, send: Send, gone: asyncio.Task[None]) -> None:
        telling = self._first
        news = asyncio.Event()
        news.set()  # of what came since the first telling was read
        said = b"retry: %d\n" % RETRY + (b"" if telling.told else _place(telling.standing))
        while not (self._streams.ended or gone.done()):
            said += frames(telling.told)
            if said:
                await send({"type": "http.response.body", "body": said, "more_body": True})
            said = b""
            if not telling.more and not await self._is_news(news, gone):
                said = b": still here\n" + _place(telling.standing)
            news = self._streams.news
            try:
                telling = await run_in_threadpool(
                    self._streams.feed.tell, telling.standing, self._wanted, limit=AT_ONCE
                )
            except DeedbookError as error:  # who asks again hears why
                LOG.warning("a stream of events ends: %s", error.code)
                return

    async def _is_news(self, news: asyncio.Event, gone: asyncio.Task[None]) -> bool:
        """Waits for news, the listener's going or the end; False where none came in time."""
        waits = asyncio.get_running_loop().create_task(news.wait())
        try:
            done, _ = await asyncio.wait(
                (waits, gone), timeout=self._streams.heartbeat, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            waits.cancel()
        return bool(done)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def frames(told: Iterable[tuple[Told, Standing]]) -> bytes:
    """Events as a stream has them. JSON has no line break of its own, so nothing in an event can end its frame."""
    return b"".join(
        b"id: %s\nevent: %s\ndata: %s\n\n"
        % (token_of(place).encode(), b"retracted" if each.retracted else b"added", each.encode())
        for each, place in told
    )


def _place(standing: Standing) -> bytes:
    """Where the listener stands, without an event: it moves past what its filter leaves out."""
    return b"id: %s\n\n" % token_of(standing).encode()
