"""Callers who cost more than they should: never end what they begin, never read, send bombs, or all come at once."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

import pytest
from fastapi import Request
from fastapi.responses import Response

from deedbook.api.app import create_app
from deedbook.api.connections import MOST_AHEAD, Connection
from deedbook.api.limits import MOST_BODY
from deedbook.api.server import Server
from deedbook.api.serving import Serving
from deedbook.domain.principals import Caller
from tests.e2e.http_service import Client

DEEP: Final = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
AT_ONCE: Final = 10_000 if DEEP else 400
PATIENCE: Final = 30
LARGE: Final = 16 * 1024 * 1024


class Hasty(Connection):
    """With little patience."""

    head_seconds = 0.3
    read_seconds = 0.3


class Home:
    """Takes anything that is JSON."""

    def collect(self, signed: Any, caller: Caller) -> Mapping[str, Any]:
        return {"kept": True}


@contextmanager
def served(connection: type[Connection] = Connection) -> Iterator[tuple[Server, Client]]:
    app = create_app(cast(Serving, Home()))

    @app.get("/large")
    def large() -> Response:
        return Response(bytes(LARGE))

    @app.post("/headers")
    async def headers(request: Request) -> list[str]:
        await request.body()
        return sorted(request.headers)

    @app.get("/listening")
    async def listening(request: Request) -> None:
        app.state.heard = "somebody"
        while (await request.receive())["type"] != "http.disconnect":
            pass
        app.state.heard = "nobody"

    @app.get("/due")
    async def due() -> str:
        while not getattr(app.state, "due", False):
            await asyncio.sleep(0.01)
        return "due"

    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    server = Server(app, connection=connection)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server, Client(f"http://127.0.0.1:{listener.getsockname()[1]}")
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listener.close()


def connected(client: Client) -> socket.socket:
    host, _, port = client.url.rpartition("/")[2].partition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("begun", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: x\r\n"])
def test_a_request_that_is_never_ended_is_not_waited_for(begun: bytes) -> None:
    with served(Hasty) as (server, client), connected(client) as caller:
        caller.sendall(begun)
        assert caller.recv(1) == b""
        until(lambda: not server.server_state.connections)
        assert client.get("/livez").status == 200


def test_a_request_that_comes_byte_by_byte_is_not_waited_for_either() -> None:
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 10_000
    with served(Hasty) as (server, client), connected(client) as caller:
        caller.settimeout(0.02)
        sent, ended = 0, False
        while sent < len(head) and not ended:
            caller.sendall(head[sent : sent + 1])
            sent += 1
            try:
                ended = caller.recv(1) == b""
            except TimeoutError:
                pass
            except ConnectionError:
                ended = True
        assert ended
        until(lambda: not server.server_state.connections)


def test_a_head_after_an_answer_has_as_long_again_and_no_longer() -> None:
    with served(Hasty) as (_, client), connected(client) as caller:
        for _ in range(3):
            caller.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            said = b""
            while not said.endswith(b"}"):
                said += caller.recv(4096)
            assert said.startswith(b"HTTP/1.1 200")
        caller.sendall(b"G")
        assert caller.recv(1) == b""


def test_an_answer_that_nobody_reads_is_given_up() -> None:
    with served(Hasty) as (server, client), socket.socket() as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, _, port = client.url.rpartition("/")[2].partition(":")
        caller.connect((host, int(port)))
        caller.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: len(server.server_state.connections) == 1)
        until(lambda: not server.server_state.connections)
        assert client.get("/livez").status == 200


def test_an_answer_that_is_read_slowly_but_steadily_arrives() -> None:
    with served(Hasty) as (_, client), connected(client) as caller:
        caller.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        size = 0
        while part := caller.recv(1024 * 1024):
            size += len(part)
            time.sleep(0.01)
        assert size > LARGE


def test_blank_lines_instead_of_a_request_are_not_waited_for() -> None:
    with served(Hasty) as (server, client), connected(client) as caller:
        caller.sendall(LIVE)
        assert answers_in(caller, 1) == [200]
        with pytest.raises(ConnectionError):
            while True:
                caller.sendall(b"\r\n")
                time.sleep(0.02)
        until(lambda: not server.server_state.connections)


CHUNKED: Final = b"POST /headers HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
LIVE: Final = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /",
        b"GET /livez HTTP/1.1\r\nX: ",
        b"GET /livez HTTP/1.1\r\n" + b"X: y\r\n" * 100,
        LIVE + b"GET /",
        CHUNKED + b"0\r\nX: ",
        CHUNKED + b"2;",
    ],
    ids=["path", "header", "headers", "second path", "trailer", "extension"],
)
def test_what_goes_on_without_end_is_not_kept(begun: bytes) -> None:
    with served() as (server, client), connected(client) as caller:
        caller.sendall(begun)
        before, sent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
        with suppress(ConnectionError):
            while sent < LARGE * 16:
                caller.sendall(b"x" * 65_536)
                sent += 65_536
        assert sent < LARGE * 16
        until(lambda: not server.server_state.connections)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
        assert client.get("/livez").status == 200


def test_trailers_are_no_headers() -> None:
    with served() as (_, client), connected(client) as caller:
        caller.sendall(CHUNKED + b"0\r\nAuthorization: Bearer x\r\n\r\n")
        said = b""
        while not said.endswith(b"]"):
            said += caller.recv(4096)
        assert said.partition(b"\r\n\r\n")[2] == b'["host","transfer-encoding"]'


def test_requests_that_are_ahead_are_answered_in_their_order_and_not_any_number_of_them() -> None:
    with served() as (_, client), connected(client) as caller:
        caller.sendall(LIVE + LIVE.replace(b"/livez", b"/nowhere") + LIVE)
        assert answers_in(caller, 3) == [200, 404, 200]
    with served() as (server, client), connected(client) as caller:
        with suppress(ConnectionError):
            caller.sendall(LIVE * 20_000)
        assert answers_in(caller) == [200] * (MOST_AHEAD + 1)
        until(lambda: not server.server_state.connections)


@pytest.mark.parametrize("more", [b"no HTTP\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", CHUNKED + b"no"])
def test_what_is_no_http_is_told_in_nobodys_answer(more: bytes) -> None:
    """The answer that is due comes whole and is the last; where none is due, 400 is."""
    with served() as (server, client), connected(client) as caller:
        caller.sendall(LIVE.replace(b"/livez", b"/due") + more)
        until(lambda: server.server_state.connections != set())
        time.sleep(0.1)
        cast(Any, server.config.app).state.due = True
        assert answers_in(caller) == [200]
    with served() as (_, client), connected(client) as caller:
        caller.sendall(more)
        assert answers_in(caller) == [400]


def test_who_goes_away_is_gone_though_there_was_another_request() -> None:
    with served() as (server, client), connected(client) as caller:
        caller.sendall(LIVE.replace(b"/livez", b"/listening") + LIVE)
        state = cast(Any, server.config.app).state
        until(lambda: getattr(state, "heard", "") == "somebody")
        caller.close()
        until(lambda: state.heard == "nobody")


_POST: Final = b"POST /consents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n",
        b"Content-Length: +2\r\n",
        b"Content-Length: -2\r\n",
        b"Content-Length: 0x2\r\n",
        b"Content-Length: 2, 3\r\n",
        b"Content-Length : 2\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"X: y\r\n Content-Length: 2\r\n",
        b"X: y\rContent-Length: 2\r\n",
        b"X: y\x00z\r\nContent-Length: 2\r\n",
        b"X\xff: y\r\nContent-Length: 2\r\n",
        b": y\r\nContent-Length: 2\r\n",
    ],
)
def test_a_request_that_could_be_read_as_another_is_none(head: bytes) -> None:
    """As two servers in a row would read it (RFC 9112, 6.3 and 11.2)."""
    with served() as (_, client), connected(client) as caller:
        caller.sendall(_POST + head + b"\r\n{}" + LIVE)
        assert answers_in(caller) == [400]


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket"])
def test_what_wants_another_protocol_is_answered_in_this_one(upgrade: bytes) -> None:
    with served() as (_, client), connected(client) as caller:
        wish = b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AA\r\nUpgrade: " + upgrade + b"\r\n"
        caller.sendall(LIVE.replace(b"\r\n\r\n", b"\r\n" + wish + b"\r\n"))
        assert answers_in(caller, 1) == [200]
        caller.sendall(LIVE)
        assert answers_in(caller, 1) == [200]
        caller.sendall(_POST + wish + b"Content-Length: 2\r\n\r\n{}" + LIVE)
        assert answers_in(caller, 2) == [201, 200]
        caller.sendall(_POST + wish + b"Transfer-Encoding: chunked\r\n")
        caller.sendall(b"\r\n2\r\n{")
        caller.sendall(b"}\r\n0\r\n\r\n" + LIVE.replace(b"\r\n\r\n", b"\r\n" + wish + b"\r\n"))
        assert answers_in(caller, 2) == [201, 200]
        caller.sendall(b"CONNECT livez:80 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answers_in(caller) == [400]


def answers_in(caller: socket.socket, count: int | None = None) -> list[int]:
    """The status of each answer that comes, until there are so many or the connection ends."""
    said, found = b"", re.compile(rb"HTTP/1\.1 ([0-9]{3}) [^\r]*\r\n(?:[^\r]+\r\n)*\r\n")
    while count is None or len(found.findall(said)) < count or not said.endswith(b"}"):
        part = caller.recv(65_536)
        if not part:
            break
        said += part
    return [int(each) for each in found.findall(said)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * MOST_BODY, "invalid-format"),
        (b'{"a":' * (MOST_BODY // 5), "invalid-format"),
        (b"[" + b"[]," * (MOST_BODY // 12) + b"[]]", ""),
        (b"9" * MOST_BODY, "invalid-format"),
        (b"1e" + b"9" * (MOST_BODY - 2), "invalid-format"),
        (b"-" * MOST_BODY, "invalid-format"),
        (b'"' + b"\\u0000" * (MOST_BODY // 6 - 1) + b'"', ""),
    ],
    ids=["deep", "deep objects", "many", "digits", "exponent", "signs", "escapes"],
)
def test_json_that_is_made_to_cost_much_costs_little(body: bytes, code: str) -> None:
    """What is read needs a small multiple of what was sent, and others are answered meanwhile and afterwards."""
    assert len(body) <= MOST_BODY
    with served() as (_, client):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with ThreadPoolExecutor(1) as beside:
            asked = beside.submit(client.post, "/consents", body)
            began = time.monotonic()
            assert client.get("/livez").status == 200
            assert time.monotonic() - began < PATIENCE
            answer = asked.result()
        assert (answer.status, answer.json().get("code", "")) == (422 if code else 201, code)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024
        assert client.get("/livez").status == 200


def test_what_is_compressed_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    with served() as (_, client):
        import urllib.request

        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        wish = urllib.request.Request(client.url + "/consents", bomb, headers, method="POST")
        assert client._ask(wish).status == 415
        assert client.post("/consents", bomb).status == 422
        assert client.get("/livez").status == 200


def test_all_who_come_at_once_are_answered() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(AT_ONCE, (hard - 500) // 2)  # both ends of a connection are in this process
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * count + 500), hard))
    try:
        with served() as (_, client):
            answers = asyncio.run(_all_at_once(client, count))
            assert client.post("/consents", {}).status == 201
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(answers) == count
    assert set(answers) <= {201, 503}
    assert answers.count(201) > 0


async def _all_at_once(client: Client, count: int) -> list[int]:
    """The status of each of so many requests, which are all begun before any is ended."""
    host, _, port = client.url.rpartition("/")[2].partition(":")
    begun, waiting, here = asyncio.Event(), asyncio.Semaphore(200), 0

    async def one() -> int:
        nonlocal here
        async with waiting:
            reader, writer = await asyncio.open_connection(host, int(port))
        head = b"POST /consents HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n"
        writer.write(head + b"{")
        await writer.drain()
        here += 1
        if here == count:
            begun.set()
        await begun.wait()
        writer.write(b"}")
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    return list(await asyncio.gather(*(one() for _ in range(count))))
