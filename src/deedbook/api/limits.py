"""Refuses a request body that is too long before anything parses it."""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deedbook.api.problems import problem

MOST_BODY: Final = 4 * 1024 * 1024
"""The longest body in bytes."""
MOST_DRAINED: Final = 16 * MOST_BODY
"""How much of a longer one is read before the connection is closed on its sender."""


class BodyLimit:
    """ASGI middleware: answers 413 to a body that is longer than `MOST_BODY` and keeps none of it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or _is_bare(scope):
            await self._app(scope, receive, send)
            return
        body = await _read(receive, dict(scope["headers"]).get(b"content-length", b""))
        if body is None:
            detail = f"the body is longer than {MOST_BODY} bytes"
            await problem(413, "too-large", "content too large", detail)(scope, receive, send)
            return
        await self._app(scope, _given(body, receive), send)


def _is_bare(scope: Scope) -> bool:
    """Whether a GET has no body (RFC 9112, 6.3): nothing needs to be read before it is answered."""
    return scope["method"] == "GET" and not any(
        name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"]
    )


async def _read(receive: Receive, stated: bytes) -> bytes | None:
    """The body; None for one that is too long, of which `MOST_DRAINED` bytes are let go by, so that its sender can
    still hear the answer."""
    most = MOST_BODY if not stated.isdigit() or int(stated[:20]) <= MOST_BODY else 0
    parts, size, more = [], 0, True
    while more and size <= MOST_DRAINED:
        message = await receive()
        more = message.get("more_body", False)
        size += len(message.get("body", b""))
        if size <= most:
            parts.append(message.get("body", b""))
    return b"".join(parts) if size <= most else None


def _given(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again
