"""Refuses a request body that is too long before anything parses it."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deedbook.api.problems import problem

MOST_BODY: Final = 4 * 1024 * 1024
"""The longest body in bytes."""


class BodyLimit:
    """ASGI middleware: answers 413 as soon as a body is known to be longer than `MOST_BODY`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(receive, dict(scope["headers"]).get(b"content-length", b""))
        if body is None:
            detail = f"the body is longer than {MOST_BODY} bytes"
            await problem(413, "too-large", "content too large", detail)(scope, receive, send)
            return
        await self._app(scope, _given(body, receive), send)


async def _read(receive: Receive, stated: bytes) -> bytes | None:
    if stated.isdigit() and int(stated[:20]) > MOST_BODY:
        return None
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        part = message.get("body", b"")
        more = message.get("more_body", False)
        parts.append(part)
        size += len(part)
        if size > MOST_BODY:
            return None
    return b"".join(parts)


def _given(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
