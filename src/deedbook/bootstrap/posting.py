"""Sends one request to an address of somebody else's choosing, and believes nothing about it.

The name is resolved once, every address that it has is judged (`domain.destinations`), and the connection goes to the
very address that was judged: a name that means something else a moment later gains nothing. No proxy, no redirect, no
cookie. One time limit over everything; of the answer, status and headers are read, at most `MOST_ANSWER` bytes of them.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any, Final

from deedbook import __version__
from deedbook.domain.destinations import Address, Destination, Permitted
from deedbook.domain.webhooks import Outcome
from deedbook.errors import InvalidInput

WITHIN: Final = 15.0
"""Seconds for everything: resolving, connecting, sending, and the answer."""
MOST_ANSWER: Final = 65_536
"""Bytes of an answer that are looked at."""
MOST_PAUSE: Final = 3_600
"""Seconds for which a receiver may ask to be left alone."""

Resolve = Callable[[str, int], Sequence[Address]]
"""The addresses of a name; raises OSError."""


def resolve(host: str, port: int) -> list[Address]:
    """As this machine resolves names: also `127.1` and `0x7f000001` are addresses here."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(each[4][0]).partition("%")[0]) for each in found]


class Poster:
    """Posts to where `permitted` lets it. `now` gives seconds that do not go back; `context` checks certificates."""

    def __init__(
        self,
        permitted: Permitted,
        *,
        resolved: Resolve = resolve,
        context: ssl.SSLContext | None = None,
        within: float = WITHIN,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._permitted = permitted
        self._resolve = resolved
        self._context = context or ssl.create_default_context()
        self._within = within
        self._now = now

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """What became of it; never raises for what others do."""
        limit = _Limit(self._now, self._within)
        try:
            destination = self._permitted.destination(url)
        except InvalidInput:
            return Outcome(failed="refused")
        try:
            addresses = self._resolved(destination, limit)
        except TimeoutError:
            return Outcome(failed="timeout")
        except (OSError, UnicodeError, ValueError):
            return Outcome(failed="unresolved")
        if not addresses or self._permitted.refuses(addresses):
            return Outcome(failed="refused" if addresses else "unresolved")
        try:
            with self._connected(destination, addresses, limit) as connection:
                connection.sendall(_request(destination, headers, body))
                return _outcome(_answer(connection, limit))
        except TimeoutError:
            return Outcome(failed="timeout")
        except ssl.SSLError:
            return Outcome(failed="tls")
        except (HTTPException, ValueError):  # before OSError: of an answer that never began it is both
            return Outcome(failed="malformed")
        except OSError:
            return Outcome(failed="unreachable")

    def _resolved(self, destination: Destination, limit: _Limit) -> Sequence[Address]:
        """Its addresses. A system's resolver takes no limit: one that is late is left to end by itself."""
        found: Future[Sequence[Address]] = Future()

        def ask() -> None:
            try:
                found.set_result(self._resolve(destination.host, destination.port))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                found.set_exception(error)

        threading.Thread(target=ask, name="resolving", daemon=True).start()
        return found.result(limit.left())

    def _connected(self, destination: Destination, addresses: Sequence[Address], limit: _Limit) -> socket.socket:
        """A connection to the first of these addresses that takes one, and for https to who can show the name."""
        failure: OSError | None = None
        for address in addresses:
            try:
                plain = socket.create_connection((str(address), destination.port), timeout=limit.left())
            except TimeoutError:
                raise
            except OSError as error:
                failure = error
                continue
            plain.settimeout(limit.left())
            if destination.scheme == "http":
                return plain
            try:
                return self._context.wrap_socket(plain, server_hostname=destination.host.rstrip("."))
            except BaseException:
                plain.close()
                raise
        raise failure or OSError("no address")


class _Limit:
    """The time that is left for all of a request."""

    def __init__(self, now: Callable[[], float], seconds: float) -> None:
        self._now = now
        self._until = now() + seconds

    def left(self) -> float:
        """Seconds. Raises TimeoutError where there are none."""
        left = self._until - self._now()
        if left <= 0:
            raise TimeoutError
        return left


class _Answer(io.RawIOBase):
    """The bytes of an answer, in what is left of the time, and not too many of them."""

    def __init__(self, connection: socket.socket, limit: _Limit) -> None:
        self._connection = connection
        self._limit = limit
        self._left = MOST_ANSWER

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Some bytes."""
        if not self._left:
            raise HTTPException("the answer is too long")
        self._connection.settimeout(self._limit.left())
        count = self._connection.recv_into(memoryview(buffer)[: self._left])
        self._left -= count
        return count

    def makefile(self, *_: Any) -> io.BufferedReader:
        """As the standard library reads an answer."""
        return io.BufferedReader(self)


def _answer(connection: socket.socket, limit: _Limit) -> HTTPResponse:
    answer = HTTPResponse(_Answer(connection, limit), method="POST")  # type: ignore[arg-type]
    answer.begin()
    return answer


def _outcome(answer: HTTPResponse) -> Outcome:
    asked = answer.getheader("Retry-After", "")
    pause = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 0
    return Outcome(answer.status, pause=min(pause, MOST_PAUSE))


def _request(destination: Destination, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {
        "Host": destination.authority,
        "User-Agent": f"deedbook/{__version__}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **headers,
    }
    head = f"POST {destination.target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return head.encode("ascii") + b"\r\n" + body
