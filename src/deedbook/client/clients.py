"""The two clients: what is said is in `talks` and `routes`, how it gets there is here.

Requests that may be repeated are, after growing pauses, where the service or the way to it fails for the time being:
reads, what has an idempotency key (every write gets a fresh one, the same for all attempts), and entries of a log.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, TypeVar

import httpx

from deedbook.client.groups import value_of
from deedbook.client.logs import AsyncLog, Log
from deedbook.client.routes import AsyncRoutes, Routes
from deedbook.client.talks import Call, Json, Patience, Pause, Reply, Talk, answered, over
from deedbook.domain.anchors import LogDomain
from deedbook.errors import InvalidInput, ServiceUnavailable

T = TypeVar("T")

TIMEOUT: Final = 75.0
"""Seconds without a byte until a request counts as lost: more than a service lets one wait."""
ATTEMPTS: Final = 6
FIRST_PAUSE: Final = 0.25


def _fresh_key() -> str:
    return str(uuid.uuid4())


class Client(Routes):
    """The service at a URL. Methods raise the service's own errors (`deedbook.errors`), ServiceUnavailable when it
    cannot be reached, ServiceRefused for what is none of these.

    `token` says who asks (RFC 6750): an API key, or the token of a session or of an issuer. `headers` go with every
    request; `transport` stands for the network, `sleep`, `clock` (both in seconds), `chance` (0 to 1) and `fresh_key`
    for what is never the same.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        attempts: int = ATTEMPTS,
        first_pause: float = FIRST_PAUSE,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        fresh_key: Callable[[], str] = _fresh_key,
    ) -> None:
        self._http = httpx.Client(
            base_url=_url(url), headers=_said(token, headers), timeout=timeout, transport=transport, trust_env=False
        )
        self._patience = Patience(attempts, first_pause, chance)
        self._sleep, self._clock, self.key = sleep, clock, fresh_key
        super().__init__(self)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._http.close()

    def ask(self, call: Call, *, raw: bool = False) -> Any:
        """The answer to any request: its JSON, or its bytes."""
        return value_of(self._run(answered(call, self._patience)), raw=raw)

    def wait(self, answer: Mapping[str, Any], seconds: float = 120.0) -> Json:
        """An operation, as a route answered it, when it is final, or as it stands after so many seconds. Raises the
        reason of one that failed, such as RejectedByContract."""
        return self._run(over(answer, seconds, self._clock, self._patience))

    def log(self, exchange: str, domain: LogDomain | None = None) -> Log:
        """An exchange's log, whose receipts and proofs are checked. Without a `domain` that is known from elsewhere,
        the service is believed where the log is anchored."""
        return Log(self, exchange, domain)

    def _run(self, talk: Talk[T]) -> T:
        try:
            step = next(talk)
            while True:
                if isinstance(step, Pause):
                    self._sleep(step.seconds)
                    step = talk.send(None)
                    continue
                try:
                    reply = _reply(self._http.request(**_words(step)))
                except httpx.TransportError as error:
                    step = talk.throw(_unreachable(error))
                else:
                    step = talk.send(reply)
        except StopIteration as done:
            found: T = done.value
            return found


class AsyncClient(AsyncRoutes):
    """As `Client`, for an event loop."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
        attempts: int = ATTEMPTS,
        first_pause: float = FIRST_PAUSE,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
        fresh_key: Callable[[], str] = _fresh_key,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=_url(url), headers=_said(token, headers), timeout=timeout, transport=transport, trust_env=False
        )
        self._patience = Patience(attempts, first_pause, chance)
        self._sleep, self._clock, self.key = sleep, clock, fresh_key
        super().__init__(self)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes its connections."""
        await self._http.aclose()

    async def ask(self, call: Call, *, raw: bool = False) -> Any:
        """As `Client.ask`."""
        return value_of(await self._run(answered(call, self._patience)), raw=raw)

    async def wait(self, answer: Mapping[str, Any], seconds: float = 120.0) -> Json:
        """As `Client.wait`."""
        return await self._run(over(answer, seconds, self._clock, self._patience))

    def log(self, exchange: str, domain: LogDomain | None = None) -> AsyncLog:
        """As `Client.log`."""
        return AsyncLog(self, exchange, domain)

    async def _run(self, talk: Talk[T]) -> T:
        try:
            step = next(talk)
            while True:
                if isinstance(step, Pause):
                    await self._sleep(step.seconds)
                    step = talk.send(None)
                    continue
                try:
                    reply = _reply(await self._http.request(**_words(step)))
                except httpx.TransportError as error:
                    step = talk.throw(_unreachable(error))
                else:
                    step = talk.send(reply)
        except StopIteration as done:
            found: T = done.value
            return found


def _url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise InvalidInput("url", "is no URL") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidInput("url", "is not http:// or https:// and a host")
    return url


def _said(token: str | None, headers: Mapping[str, str] | None) -> dict[str, str]:
    return {**({} if token is None else {"Authorization": f"Bearer {token}"}), **(headers or {})}


def _words(call: Call) -> dict[str, Any]:
    return {
        "method": call.method,
        "url": call.path,
        "params": dict(call.query),
        "headers": dict(call.headers),
        "content": call.content,
    }


def _reply(response: httpx.Response) -> Reply:
    return Reply(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content
    )


def _unreachable(error: httpx.TransportError) -> ServiceUnavailable:
    made = ServiceUnavailable("the service cannot be reached", failure=type(error).__name__)
    made.__cause__ = error
    return made
