"""What is told of a request while and after it is answered: to the log, to who counts, and to the caller by its id.

The id of a request is the trace of `traceparent` (W3C Trace Context), or else `X-Request-ID` where that is a UUID or 32
hexadecimal digits - any other form could hold somebody's name or number, and would be logged -, or else a fresh one. It
is answered as `X-Request-ID`. Of a path nothing is told but its route's template.
"""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Protocol

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deedbook.domain.hashing import to_hex
from deedbook.domain.operations import Operation

LOG = logging.getLogger(__name__)
HEADER: Final = "X-Request-ID"
QUIET: Final = frozenset({"/health", "/livez", "/ready", "/readyz", "/metrics"})
"""Routes that are asked all the time, and logged only where they fail."""
GONE: Final = 499
"""What is told as the status where the caller went away, or was cut off, before there was one."""
_FRESH: Final = random.Random()  # noqa: S311 - an id is no secret; the system's own source costs ten times as much
_TRACE: Final = re.compile(r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}(?:\1[0-9a-fA-F]{4}){2}\1[0-9a-fA-F]{12}")


class Watch(Protocol):
    """Who is told."""

    def bound(self, **facts: Any) -> AbstractContextManager[None]:
        """Lines of the log that are written within have these facts."""

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """A request was answered; `route` is the template of its route, None where it has none."""

    def logged(self, facts: Mapping[str, Any]) -> None:
        """The line of the log of a request that was answered."""


class Unwatched:
    """Nobody is told."""

    def bound(self, **_: Any) -> AbstractContextManager[None]:
        """Nothing."""
        return nullcontext()

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Nothing."""

    def logged(self, facts: Mapping[str, Any]) -> None:
        """Nothing."""


class Watching:
    """ASGI middleware, the outermost: gives every request its id, and tells of its end."""

    def __init__(self, app: ASGIApp, watch: Watch) -> None:
        self._app = app
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, status = request_id(dict(scope["headers"])), 0
        facts: dict[str, Any] = {}
        scope.setdefault("state", {}).update(facts=facts, request_id=name)

        async def also(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (HEADER.lower().encode(), name.encode())]
            await send(message)

        began = time.perf_counter()
        with self._watch.bound(request=name):
            try:
                await self._app(scope, receive, also)
            except Exception as error:
                status = status or 500
                LOG.error("a fault of the service", exc_info=error)
                raise
            finally:
                self._tell(scope, status or GONE, time.perf_counter() - began, facts)

    def _tell(self, scope: Scope, status: int, seconds: float, facts: Mapping[str, Any]) -> None:
        route = getattr(scope.get("route"), "path", None)
        self._watch.answered(scope["method"], route, status, seconds)
        if route not in QUIET or status >= 400:
            said = {"method": scope["method"][:10], "route": route, "status": status, "seconds": round(seconds, 6)}
            self._watch.logged({**said, **facts})


def request_id(headers: Mapping[bytes, bytes]) -> str:
    """The id of a request with these headers (names in lower case)."""
    trace = _TRACE.fullmatch(headers.get(b"traceparent", b"").decode("latin-1"))
    if trace is not None:
        return trace[1]
    said = headers.get(HEADER.lower().encode(), b"").decode("latin-1")
    return said.lower() if _ID.fullmatch(said) else f"{_FRESH.getrandbits(128):032x}"


def note(request: Request, operation: Operation) -> None:
    """What this request led to, for its line in the log."""
    facts = {"operation": to_hex(operation.operation_id)}
    if operation.transaction is not None:
        facts["transaction"] = to_hex(operation.transaction)
    if operation.block is not None:
        facts["block"] = str(operation.block)
    getattr(request.state, "facts", {}).update(facts)
