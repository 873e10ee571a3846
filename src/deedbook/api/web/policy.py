"""What a browser is told to refuse: everything that does not come from this very origin, and to be framed by others.

Content Security Policy level 3, `default-src 'none'`: scripts, style, pictures and requests of this origin only, none
of them inside the page; forms lead nowhere else. What a browser refused is reported to `/reports`, and the operator is
told once of each directive: the addresses in a report may be a person's, and are not kept.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger(__name__)
DIRECTIVES: Final = (
    "default-src 'none'",
    "base-uri 'none'",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "img-src 'self'",
    "script-src 'self'",
    "style-src 'self'",
)
MOST_REPORT: Final = 16_384
"""Bytes of a report that are read."""
_KNOWN: Final = frozenset(each.split()[0] for each in DIRECTIVES) | {
    f"{kind}-src-{part}" for kind in ("script", "style") for part in ("elem", "attr")
}
_said: set[str] = set()
_saying = threading.Lock()


def policy(root: str) -> str:
    """The Content-Security-Policy of pages under `root`."""
    return "; ".join((*DIRECTIVES, f"report-uri {root}/reports", "report-to pages"))


class Policy:
    """ASGI middleware: the headers of every answer of the pages."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        self._app = app
        self._headers = [
            (b"content-security-policy", policy(root).encode()),
            (b"reporting-endpoints", f'pages="{root}/reports"'.encode()),
            (b"referrer-policy", b"no-referrer"),
            (b"x-content-type-options", b"nosniff"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, told)


async def reported(request: Request) -> Response:
    """Takes a report of a browser (`application/csp-report` or `application/reports+json`); keeps nothing of it."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_REPORT:
            return Response(status_code=413)
    for directive in _directives(body):
        with _saying:
            new = directive not in _said
            _said.add(directive)
        if new:
            LOG.warning("a browser refused something on a page: %s", directive)
    return Response(status_code=204)


def _directives(body: bytes) -> set[str]:
    """The known directives that a report names."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    said = value if isinstance(value, list) else [value]
    bodies = [each.get("csp-report", each.get("body")) for each in said if isinstance(each, dict)]
    names = [
        each.get("effective-directive", each.get("effectiveDirective")) for each in bodies if isinstance(each, dict)
    ]
    return {name for name in names if isinstance(name, str) and name in _KNOWN}
