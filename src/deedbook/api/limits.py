"""Refuses what would cost the service too much, before anything parses it: bodies that are too long, compressed or
slow, and more requests at a time than it can hold.
"""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deedbook.api.problems import problem

MOST_BODY: Final = 4 * 1024 * 1024
"""The longest body in bytes."""
MOST_DRAINED: Final = 16 * MOST_BODY
"""How much of a longer one is read before the connection is closed on its sender."""
MOST_HELD: Final = 64 * MOST_BODY
"""How many bytes of bodies are held at a time, of all requests."""
MOST_AT_ONCE: Final = 2_000
"""How many requests are worked on at a time."""
BODY_SECONDS: Final = 60.0
"""How long a body may take."""
OF_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
"""Headers of a request that has a body (RFC 9112, 6.3)."""
ALWAYS: Final = frozenset({"/health", "/livez", "/ready", "/readyz", "/metrics"})
"""What is answered however many ask: whoever watches the service has to see it."""


class Crowd:
    """ASGI middleware: answers 503 to the requests that are more than `most` at a time."""

    def __init__(self, app: ASGIApp, most: int = MOST_AT_ONCE) -> None:
        self._app = app
        self._most = most
        self._here = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self._app(scope, receive, send)
            return
        if self._here >= self._most:
            await _busy(scope, receive, send)
            return
        self._here += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._here -= 1


class BodyLimit:
    """ASGI middleware: answers 413 to a body that is longer than `MOST_BODY` and keeps none of it, 415 to one that is
    compressed, 408 to one that does not come in `seconds`, 503 while `most_held` bytes of others are held."""

    def __init__(self, app: ASGIApp, seconds: float = BODY_SECONDS, most_held: int = MOST_HELD) -> None:
        self._app = app
        self._seconds = seconds
        self._most_held = most_held
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or _is_bare(scope):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity").strip().lower() != b"identity":
            detail = "send the body as it is, without Content-Encoding"
            await _closing(problem(415, "unsupported-media-type", "unsupported media type", detail), scope, send)
            return
        try:
            body = await asyncio.wait_for(self._read(receive, headers.get(b"content-length", b"")), self._seconds)
        except TimeoutError:
            detail = f"the body did not come within {self._seconds:g} seconds"
            await _closing(problem(408, "too-slow", "request timeout", detail, retryable=True), scope, send)
            return
        except _Full:
            await _busy(scope, receive, send)
            return
        if body is None:
            detail = f"the body is longer than {MOST_BODY} bytes"
            await problem(413, "too-large", "content too large", detail)(scope, receive, send)
            return
        try:
            await self._app(scope, _given(body, receive), send)
        finally:
            self._held -= len(body)

    async def _read(self, receive: Receive, stated: bytes) -> bytes | None:
        """The body, which counts as held until it is given back; None for one that is too long, of which `MOST_DRAINED`
        bytes are let go by, so that its sender can still hear the answer."""
        most = MOST_BODY if not stated.isdigit() or int(stated[:20]) <= MOST_BODY else 0
        parts: list[bytes] = []
        size, held, more = 0, 0, True
        try:
            while more and size <= MOST_DRAINED:
                message = await receive()
                more, part = message.get("more_body", False), message.get("body", b"")
                size += len(part)
                if size <= most:
                    parts.append(part)
                    held += len(part)
                    self._held += len(part)
                else:
                    parts.clear()
                    self._held -= held
                    held = 0
                if self._held > self._most_held:
                    raise _Full
        except BaseException:
            self._held -= held
            raise
        return b"".join(parts) if size <= most else None


def _is_bare(scope: Scope) -> bool:
    """Whether a GET has no body (RFC 9112, 6.3): nothing needs to be read before it is answered."""
    return scope["method"] == "GET" and not any(name in OF_BODY for name, _ in scope["headers"])


class _Full(Exception):  # noqa: N818 - never leaves this module
    """No room for another body."""


async def _busy(scope: Scope, receive: Receive, send: Send) -> None:
    detail = "too many requests at a time: ask again in a moment"
    answer = problem(503, "busy", "service unavailable", detail, retryable=True)
    answer.headers["Retry-After"] = "1"
    await answer(scope, receive, send)


async def _closing(answer: ASGIApp, scope: Scope, send: Send) -> None:
    """Answers a request whose body was not read to its end: the connection is no good for another one."""

    async def ended() -> Message:
        return {"type": "http.disconnect"}

    async def also(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    await answer(scope, ended, also)


def _given(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
