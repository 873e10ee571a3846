"""Ids of requests, and what is told of a request when it is over."""

from __future__ import annotations

import io
import json
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

import pytest

from deedbook.api.serving import Serving
from deedbook.api.watching import request_id
from deedbook.bootstrap.logs import bound, logging_to, tell_request
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.intents import IntentState
from deedbook.domain.operations import Operation, OperationKind
from tests.e2e.http_service import Client, eventually, running

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
UUID = "8e03978e-40d5-43dd-bc93-6894a57f9324"
SENT = sha256(b"transaction")


class Home:
    """With one operation, and a fault."""

    def operation(self, operation_id: bytes) -> Operation:
        return Operation(operation_id, OperationKind.RELAYED, IntentState.FINAL, {}, SENT, 12, 30_000)

    def heads(self) -> tuple[int, int]:
        raise RuntimeError("Li Lei")


class Watch:
    """Remembers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None, int]] = []

    def bound(self, **facts: Any) -> AbstractContextManager[None]:
        return bound(**facts)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        assert 0 <= seconds < 60
        self.told.append((method, route, status))

    def logged(self, facts: Mapping[str, Any]) -> None:
        tell_request(facts)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with logging_to(stream):
        yield stream


@pytest.fixture
def client(watch: Watch, log: io.StringIO) -> Iterator[Client]:
    with running(cast(Serving, Home()), watch=watch) as made:
        yield made


def ask(client: Client, path: str, **headers: str) -> str:
    """The id that a request was given."""
    wish = urllib.request.Request(client.url + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return client._ask(wish).headers["x-request-id"]


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({b"traceparent": PARENT.encode()}, TRACE),
        ({b"traceparent": PARENT.encode(), b"x-request-id": UUID.encode()}, TRACE),
        ({b"x-request-id": UUID.encode()}, UUID),
        ({b"x-request-id": UUID.upper().encode()}, UUID),
        ({b"x-request-id": TRACE.encode()}, TRACE),
    ],
)
def test_a_well_formed_id_is_taken_over(headers: dict[bytes, bytes], name: str) -> None:
    assert request_id(headers) == name


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"traceparent": b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01"},
        {b"traceparent": b"ff" + PARENT.encode()[2:]},
        {b"traceparent": PARENT.upper().encode()},
        {b"x-request-id": b"Li Lei"},
        {b"x-request-id": b"110101199003074518"},
        {b"x-request-id": b"a" * 1000},
        {b"x-request-id": "\u674e".encode()},
        {b"x-request-id": UUID.encode() + b"\n"},
    ],
)
def test_any_other_gets_a_fresh_one(headers: dict[bytes, bytes]) -> None:
    first, second = request_id(headers), request_id(headers)
    assert re.fullmatch(r"[0-9a-f]{32}", first)
    assert first != second


def test_a_request_is_told_by_its_route_and_what_it_led_to(client: Client, watch: Watch, log: io.StringIO) -> None:
    operation = sha256(b"operation")
    assert ask(client, f"/operations/{to_hex(operation)}", traceparent=PARENT) == TRACE
    assert ask(client, "/operations/Li%20Lei", X_Request_ID=UUID) == UUID
    ask(client, "/nowhere/Li")
    ask(client, "/livez")
    eventually(lambda: len(watch.told) == 4)  # it is told when it was answered
    assert watch.told == [
        ("GET", "/operations/{operation_id}", 200),
        ("GET", "/operations/{operation_id}", 422),
        ("GET", None, 404),
        ("GET", "/livez", 200),
    ]
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    first, second, third = (line for line in told if line["event"] == "request")
    assert (first["event"], first["request"], first["status"]) == ("request", TRACE, 200)
    assert (first["operation"], first["transaction"], first["block"]) == (to_hex(operation), to_hex(SENT), "12")
    assert (second["request"], second["route"], second["status"]) == (UUID, "/operations/{operation_id}", 422)
    assert (third["route"], third["status"]) == (None, 404)
    assert "Li" not in log.getvalue()


def test_a_fault_is_told_under_the_requests_id_and_not_what_it_says(
    client: Client, watch: Watch, log: io.StringIO
) -> None:
    answer = client._ask(urllib.request.Request(client.url + "/status", headers={"X-Request-ID": UUID}))
    assert (answer.status, answer.json()["code"]) == (500, "fault")
    eventually(lambda: bool(watch.told))
    assert watch.told == [("GET", "/status", 500)]
    told = [json.loads(line) for line in log.getvalue().splitlines()]
    assert any(line["event"] == "a fault of the service" and line["request"] == UUID for line in told)
    assert {line.get("error", "RuntimeError") for line in told} == {"RuntimeError"}
    assert "Li Lei" not in log.getvalue()
