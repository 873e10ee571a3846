"""Bodies that are too long are refused before anything reads them, whatever they say of their length."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from deedbook.api.limits import MOST_BODY, MOST_DRAINED, BodyLimit


class Exchange:
    """One request through the limit: parts of a body in, what the app saw and what was answered out."""

    def __init__(self, parts: Sequence[bytes], length: bytes | None = None) -> None:
        self.parts = list(parts)
        self.taken = 0
        self.seen: bytes | None = None
        self.status = 0
        headers = [] if length is None else [(b"content-length", length)]
        self.scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
        asyncio.run(BodyLimit(self._app)(self.scope, self._receive, self._send))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        self.seen = message["body"]
        assert not message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def _receive(self) -> dict[str, Any]:
        body = self.parts.pop(0) if self.parts else b""
        self.taken += len(body)
        return {"type": "http.request", "body": body, "more_body": bool(self.parts)}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)


@pytest.mark.parametrize("parts", [[], [b""], [b"whole"], [b"in ", b"", b"parts"], [b"x" * MOST_BODY]])
def test_a_body_within_the_limit_arrives_whole(parts: list[bytes]) -> None:
    found = Exchange(parts)
    assert (found.status, found.seen) == (200, b"".join(parts))


@pytest.mark.parametrize("length", [None, b"1", b"-1", b"many"])
def test_a_body_that_lies_about_its_length_is_measured(length: bytes | None) -> None:
    found = Exchange([b"x" * MOST_BODY, b"x"], length)
    assert (found.status, found.seen) == (413, None)


@pytest.mark.parametrize("length", [str(MOST_BODY + 1).encode(), b"9" * 5000])
def test_a_body_that_announces_too_much_is_refused(length: bytes) -> None:
    found = Exchange([b"short"], length)
    assert (found.status, found.seen) == (413, None)


def test_an_endless_body_is_let_go_by_only_so_far() -> None:
    part = b"x" * (MOST_BODY // 2)
    found = Exchange([part] * 200)
    assert found.status == 413
    assert found.taken <= MOST_DRAINED + len(part)


def test_what_is_no_request_passes() -> None:
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    asyncio.run(BodyLimit(app)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"]
