"""Bodies that are too long are refused before anything reads them, whatever they say of their length."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from deedbook.api.limits import MOST_BODY, MOST_DRAINED, BodyLimit, Crowd


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


class Peer:
    """Requests to one middleware, at a time."""

    def __init__(self, make: Callable[[ASGIApp], ASGIApp]) -> None:
        self.here = 0
        self.gate = asyncio.Event()
        self._limited = make(self._app)

    async def ask(self, *parts: bytes, headers: Sequence[tuple[bytes, bytes]] = (), path: str = "/") -> dict[str, Any]:
        """The answer; where there are no more parts, none comes."""
        waiting = list(parts)
        told: dict[str, Any] = {"status": 0, "headers": {}, "body": b""}

        async def receive() -> dict[str, Any]:
            if not waiting:
                await asyncio.sleep(3600)
            part = waiting.pop(0)
            return {"type": "http.request", "body": part, "more_body": part != b""}

        async def send(message: Any) -> None:
            told["status"] = message.get("status", told["status"])
            told["headers"] |= dict(message.get("headers", ()))
            told["body"] += message.get("body", b"")

        scope: Scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers)}
        await self._limited(scope, receive, send)
        return told

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.here += 1
        await self.gate.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def run() -> None:
        peer = Peer(lambda app: BodyLimit(app, seconds=0.05))
        told = await peer.ask(b"a part of it")
        assert (told["status"], told["headers"][b"connection"], peer.here) == (408, b"close", 0)
        assert b'"code":"too-slow"' in told["body"]

    asyncio.run(run())


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"GZIP, identity", b"x"])
def test_a_compressed_body_is_not_looked_at(coding: bytes) -> None:
    async def run() -> None:
        peer = Peer(BodyLimit)
        told = await peer.ask(headers=[(b"content-encoding", coding)])
        assert (told["status"], told["headers"][b"connection"], peer.here) == (415, b"close", 0)

    asyncio.run(run())


def test_bodies_that_are_too_many_together_are_put_off_and_room_is_given_back() -> None:
    async def run() -> None:
        peer = Peer(lambda app: BodyLimit(app, most_held=1000))
        first = asyncio.ensure_future(peer.ask(b"x" * 600, b""))
        while not peer.here:
            await asyncio.sleep(0)
        for _ in range(3):
            told = await peer.ask(b"x" * 300, b"x" * 300, b"")
            assert (told["status"], told["headers"][b"retry-after"]) == (503, b"1")
        assert b'"code":"busy"' in told["body"]
        peer.gate.set()
        assert (await first)["status"] == 200
        assert (await peer.ask(b"x" * 900, b""))["status"] == 200
        assert (await peer.ask(b"x" * 900, b""))["status"] == 200

    asyncio.run(run())


def test_more_requests_at_a_time_than_there_is_room_for_are_put_off_but_for_who_watches() -> None:
    async def run() -> None:
        peer = Peer(lambda app: Crowd(app, most=2))
        here = [asyncio.ensure_future(peer.ask(b"")) for _ in range(2)]
        while peer.here < 2:
            await asyncio.sleep(0)
        told = await peer.ask(b"")
        assert (told["status"], told["headers"][b"retry-after"]) == (503, b"1")
        watching = asyncio.ensure_future(peer.ask(b"", path="/readyz"))
        while peer.here < 3:
            await asyncio.sleep(0)
        peer.gate.set()
        assert [(await each)["status"] for each in (*here, watching)] == [200, 200, 200]
        assert (await peer.ask(b""))["status"] == 200

    asyncio.run(run())
