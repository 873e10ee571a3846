"""The gate: how often one may ask, and what is answered to who asks too often or shows what is not good."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest
from starlette.types import Receive, Scope, Send

from deedbook.api.door import COOKIE, Door
from deedbook.api.gate import Counters, Gate
from deedbook.domain.principals import ALL_SCOPES, NOBODY, Caller, Means
from deedbook.errors import ChainUnavailable, TooManyRequests, Unauthenticated

MEMBER = Caller(Means.KEY, bytes(20), ALL_SCOPES, "key")
ANOTHER = Caller(Means.KEY, bytes(19) + b"\1", ALL_SCOPES, "key")


class Doorman:
    """Knows two keys; counts what it is asked."""

    origin = "https://deeds.example.org"

    def __init__(self, limits: tuple[int, int]) -> None:
        self.limits = limits
        self.asked = 0

    def bearer(self, text: str) -> Caller:
        self.asked += 1
        if text == "away":
            raise ChainUnavailable("the issuer is away")
        if text not in ("member", "another"):
            raise Unauthenticated(given=True)
        return MEMBER if text == "member" else ANOTHER

    def session(self, token: str) -> Caller | None:
        self.asked += 1
        return MEMBER if token == "member" else None


class Street:
    """Requests through a gate, from any address."""

    def __init__(self, known: int = 3, unknown: int = 2) -> None:
        self.doorman = Doorman((known, unknown))
        self.gate = Gate(self._app, cast(Door, self.doorman))
        self.seen: list[Mapping[str, Any]] = []

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope["state"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def ask(
        self, token: str = "", *, address: str = "192.0.2.1", path: str = "/", **headers: str
    ) -> tuple[int, dict[str, str]]:
        said = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        if token:
            said["authorization"] = f"Bearer {token}"
        scope = {
            "type": "http", "method": "GET", "path": path, "client": (address, 1),
            "headers": [(name.encode(), value.encode()) for name, value in said.items()],
        }  # fmt: skip
        answered: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            answered.append(message)

        asyncio.run(self.gate(scope, receive, send))
        start = answered[0]
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


def test_every_answer_says_how_much_is_left_and_the_last_one_when_there_is_more() -> None:
    street = Street(known=3)
    left = []
    for _ in range(3):
        status, headers = street.ask("member")
        left.append(headers["ratelimit"].split(";")[1])
        assert (status, headers["ratelimit-policy"]) == (200, '"account";q=3;w=60')
    assert left == ["r=2", "r=1", "r=0"]
    status, headers = street.ask("member")
    assert (status, 1 <= int(headers["retry-after"]) <= 60) == (429, True)
    assert headers["content-type"] == "application/problem+json"
    assert len(street.seen) == 3
    assert street.ask("another")[0] == 200  # it is nobody else's limit


def test_who_is_not_known_is_counted_by_address_and_ipv6_by_its_network() -> None:
    street = Street(unknown=2)
    assert [street.ask()[0] for _ in range(3)] == [200, 200, 429]
    assert street.ask(address="192.0.2.2")[0] == 200
    near = ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:0:1::")
    assert [street.ask(address=each)[0] for each in near] == [200, 200, 429]
    assert street.ask(address="2001:db8:0:1::1")[0] == 200
    assert street.ask(address="::ffff:192.0.2.1")[0] == 429  # the same as 192.0.2.1
    assert street.ask("member")[0] == 200


def test_the_chain_and_whether_the_process_lives_are_not_counted() -> None:
    street = Street(unknown=1)
    for path in ("/rpc", "/health"):
        assert [street.ask(path=path)[0] for _ in range(3)] == [200, 200, 200]
    assert [street.ask()[0] for _ in range(2)] == [200, 429]


def test_whoever_guesses_is_not_heard_any_more() -> None:
    street = Street(unknown=2)
    answers = [street.ask("guess") for _ in range(4)]
    assert [status for status, _ in answers] == [401, 401, 429, 429]
    assert answers[0][1]["www-authenticate"] == 'Bearer realm="deedbook", error="invalid_token"'
    assert street.doorman.asked == 2
    assert street.ask("member", address="192.0.2.9")[0] == 200
    assert street.seen[-1]["caller"] == MEMBER


def test_whoever_guesses_cookies_is_looked_up_no_more() -> None:
    street = Street(unknown=2)
    answers = [street.ask(Cookie=f"{COOKIE}=guess")[0] for _ in range(4)]
    assert (answers, street.doorman.asked) == ([200, 200, 429, 429], 2)


def test_what_cannot_be_looked_up_now_is_no_guess() -> None:
    street = Street(unknown=1)
    assert [street.ask("away")[0] for _ in range(3)] == [503, 503, 503]


def test_two_shown_at_once_are_refused() -> None:
    street = Street()
    scope_headers = [(b"authorization", b"Bearer member"), (b"authorization", b"Bearer another")]
    answered: list[Any] = []

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "client": ("192.0.2.1", 1), "headers": scope_headers}
    asyncio.run(street.gate(scope, cast(Receive, None), send))
    assert answered[0]["status"] == 401
    assert street.seen == []


def test_a_shown_key_goes_before_a_cookie() -> None:
    street = Street()
    street.ask("another", Cookie=f"{COOKIE}=member")
    street.ask(Cookie=f"{COOKIE}=member")
    street.ask(Cookie=f"{COOKIE}=stale")
    street.ask(Cookie=f"deedbook={COOKIE}")
    assert [each["caller"] for each in street.seen] == [ANOTHER, MEMBER, NOBODY, NOBODY]


def test_what_a_cache_keeps_depends_on_who_asked() -> None:
    assert Street().ask()[1]["vary"] == "Authorization, Cookie"


def test_counters_let_go_of_who_asked_once() -> None:
    counters = Counters(1, 1)
    counters.take(NOBODY, "192.0.2.1")
    with pytest.raises(TooManyRequests) as refused:
        counters.take(NOBODY, "192.0.2.1")
    assert 1 <= refused.value.retry_after <= 60


def test_what_is_no_request_passes() -> None:
    street = Street()
    passed: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    gate = Gate(app, cast(Door, street.doorman))
    asyncio.run(gate({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"]
