"""Before anything else of a request: who asks, and how often. Then every answer says how much is left.

Whoever shows a key, a session's token or an issuer's (`Authorization: Bearer`, RFC 6750) is known, or refused: what is
not good is never taken for nothing. A session's cookie counts only where the browser says that the request is from the
service's own pages - a form or a script of another site changes nothing and reads nothing - and is nothing otherwise.
"""

from __future__ import annotations

import re
import time
from ipaddress import IPv6Address, ip_address
from typing import Final

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deedbook.api.door import COOKIE, Door
from deedbook.api.problems import answer_to
from deedbook.domain.principals import NOBODY, Caller
from deedbook.errors import DeedbookError, Forbidden, TooManyRequests, Unauthenticated

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""
MINUTE: Final = 60
UNCOUNTED: Final = frozenset({"/rpc", "/health", "/livez"})
"""The chain, which is this machine's: commands of the home ask it thousands of times. And whether the process lives."""
_BEARER: Final = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]+=*)")


class Gate:
    """ASGI middleware of a service with a door: says of every request who asks (`state.caller`), or refuses it."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door
        self._counters = Counters(*door.limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said: dict[str, str] = {}
        try:
            caller = await self._caller(scope, headers)
            if scope["path"] not in UNCOUNTED:
                said |= self._counters.take(caller, _address(scope))
        except DeedbookError as error:
            await answer_to(error)(scope, receive, _saying(said, send))
            return
        scope["state"] = {**scope.get("state", {}), "caller": caller}
        await self._app(scope, receive, _saying(said, send))

    async def _caller(self, scope: Scope, headers: Headers) -> Caller:
        shown = headers.getlist("authorization")
        if shown:
            self._counters.require_patience(_address(scope))
            try:
                return await self._bearer(shown)
            except Unauthenticated:
                self._counters.note_failure(_address(scope))
                raise
        token = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        if token is None or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return NOBODY
        self._counters.require_patience(_address(scope))
        caller = await run_in_threadpool(self._door.session, token)
        if caller is None:
            self._counters.note_failure(_address(scope))
            return NOBODY
        if scope["method"] not in SAFE and not self._is_own_page(headers):
            raise Forbidden("a cookie changes things only from the service's own pages")
        return caller

    async def _bearer(self, shown: list[str]) -> Caller:
        found = _BEARER.fullmatch(shown[0])
        if len(shown) != 1 or found is None:
            raise Unauthenticated(given=True)
        return await run_in_threadpool(self._door.bearer, found[1])

    def _is_own_page(self, headers: Headers) -> bool:
        """As the browser says it: by Sec-Fetch-Site where it has that (W3C Fetch Metadata), else by Origin (RFC
        6454)."""
        site = headers.get("sec-fetch-site")
        return site == "same-origin" if site is not None else headers.get("origin") == self._door.origin


class Counters:
    """Counts requests in this process: by account where it is known, else by address (IPv6: by its /64), in a window
    that slides over a minute."""

    def __init__(self, known: int, unknown: int) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._known = RateLimitItemPerMinute(known, namespace="known")
        self._unknown = RateLimitItemPerMinute(unknown, namespace="unknown")
        self._failures = RateLimitItemPerMinute(unknown, namespace="failures")

    def take(self, caller: Caller, address: str) -> dict[str, str]:
        """Counts one request; the headers that say how much is left (draft-ietf-httpapi-ratelimit-headers-10). Raises
        TooManyRequests."""
        item, of = (self._unknown, address) if caller.account is None else (self._known, caller.account.hex())
        if not self._limiter.hit(item, of):
            raise TooManyRequests(self._reset(item, of))
        left = self._limiter.get_window_stats(item, of).remaining
        name = "address" if caller.account is None else "account"
        return {
            "RateLimit-Policy": f'"{name}";q={item.amount};w={MINUTE}',
            "RateLimit": f'"{name}";r={left};t={self._reset(item, of)}',
        }

    def require_patience(self, address: str) -> None:
        """Raises TooManyRequests where an address showed too much that was not good."""
        if not self._limiter.test(self._failures, address):
            raise TooManyRequests(self._reset(self._failures, address))

    def note_failure(self, address: str) -> None:
        """Counts something that was shown and is not good."""
        self._limiter.hit(self._failures, address)

    def _reset(self, item: RateLimitItem, of: str) -> int:
        """Seconds until there is room again."""
        return max(1, min(MINUTE, round(self._limiter.get_window_stats(item, of).reset_time - time.time())))


def _address(scope: Scope) -> str:
    """Where a request comes from, as far as one client is told from another by it."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        known = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(known, IPv6Address):
        return known.ipv4_mapped.exploded if known.ipv4_mapped else (known.packed[:8]).hex()
    return known.exploded


def _saying(said: dict[str, str], send: Send) -> Send:
    """The answer with these headers; what a cache keeps depends on who asked."""

    async def more(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in said.items():
                headers[name] = value
            headers.add_vary_header("Authorization, Cookie")
        await send(message)

    return more
