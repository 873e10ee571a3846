"""What is asked for thousands of times a second: answered before anything looks for a route.

FastAPI tries every route in turn, and takes a request apart for what its function wants; that costs ten times its row.
A point knows its path by itself and answers with bytes. Whatever is not exactly its own - another method, a query, a
condition, a body, a record that is not there or is more than a row, a reader who has to be known - goes on to the route
of that path, which gives the same answer. It stands behind whoever may refuse a request: what they refuse does not come
here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from deedbook.api.door import Door
from deedbook.api.limits import OF_BODY
from deedbook.api.reading import Form, entity_tag, lasting
from deedbook.api.rights import Right, is_open, right_of
from deedbook.api.serving import Serving
from deedbook.errors import DeedbookError
from deedbook.queries.points import Points
from deedbook.queries.states import State

Found = tuple[bytes, State] | None
Ask = Callable[[Points, re.Match[str]], Found]
"""The answer to a path, and the state that it is from; None where somebody else has to give it."""


def _version(points: Points, path: re.Match[str]) -> Found:
    return points.version(int(path[1], 16), int(path[2]))


@dataclass(frozen=True, slots=True)
class Point:
    """A path, who answers it, and the template of its route, by which requests are counted."""

    pattern: re.Pattern[str]
    ask: Ask
    path: str

    @property
    def right(self) -> Right:
        """Its route's."""
        return right_of("GET", self.path)


POINTS: Final = (
    Point(
        re.compile(r"/assets/0x([0-9a-f]{64})/versions/([0-9]{1,18})"), _version, "/assets/{asset_id}/versions/{number}"
    ),
)
_JSON: Final = (b"content-type", b"application/json")
_CONDITIONS: Final = frozenset({b"if-none-match", b"if-modified-since", b"accept", b"range"})
"""Headers by which an answer may be another one. (A client that takes anything says so, or nothing.)"""
_HELD_BACK: Final = _CONDITIONS | OF_BODY
"""A body is let go by elsewhere."""


def _is_plain(scope: Scope) -> bool:
    """Whether a request asks for what is at its path and nothing else."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return False
    return not any(name in _HELD_BACK and value != b"*/*" for name, value in scope["headers"])


@lru_cache(maxsize=16)
def _lasting(at: int | None) -> Sequence[tuple[bytes, bytes]]:
    return [_JSON, *((name.lower().encode(), value.encode()) for name, value in lasting(at).items())]


class PointReads:
    """ASGI middleware: within all that may refuse a request, so that they have their say."""

    def __init__(self, app: ASGIApp, serving: Serving, door: Door | None) -> None:
        self._app = app
        self._serving = serving
        self._open = [point for point in POINTS if is_open(point.right, door)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = await self._found(scope) if _is_plain(scope) else None
        if found is None:
            await self._app(scope, receive, send)
            return
        body, state = found
        tag = entity_tag(state, Form.JSON, scope["path"], "").encode()
        headers = [(b"content-length", b"%d" % len(body)), (b"etag", tag), *_lasting(state.settled_at)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _found(self, scope: Scope) -> Found:
        for point in self._open:
            path = point.pattern.fullmatch(scope["path"])
            if path is not None:
                scope["route"] = point
                return await self._answer(point.ask, path)
        return None

    async def _answer(self, ask: Ask, path: re.Match[str]) -> Found:
        points = self._serving.points
        try:
            return ask(points, path) if points.are_near else await run_in_threadpool(ask, points, path)
        except DeedbookError:  # the route says it
            return None
