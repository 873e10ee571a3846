"""How writing routes answer, over a home that only remembers: keys, replays, requests at the same time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import pytest

from deedbook.api.problems import answer_to
from deedbook.api.serving import Serving
from deedbook.api.writing import MOST_KEY, key_of_header
from deedbook.domain.hashing import sha256
from deedbook.domain.intents import IntentState
from deedbook.domain.operations import Answered, Operation, OperationKind
from deedbook.domain.principals import Caller
from deedbook.errors import ChainUnavailable, InvalidInput, StoreUnavailable
from deedbook.records.store import Records
from tests.e2e.http_service import Answer, Client, running
from tests.toy_sealer import ToySealer

NOW = 1_800_000_000


class Home:
    """Remembers what it was asked to do; fails, or waits, where it is told to."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.taken: list[Any] = []
        self.fails = 0
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def collect(self, signed: Any, by: Caller) -> Mapping[str, Any]:
        assert not by.is_bound
        self.entered.set()
        assert self.gate.wait(60)
        if self.fails:
            self.fails -= 1
            raise ChainUnavailable("no node answers")
        self.taken.append(signed)
        return {"receipt": len(self.taken)}

    def relay(self, signed: Any) -> Operation:
        self.taken.append(signed)
        return self.operation(sha256(b"digest"))

    def operation(self, operation_id: bytes) -> Operation:
        state = IntentState.FINAL if len(self.taken) > 1 else IntentState.QUEUED
        return Operation(operation_id, OperationKind.RELAYED, state, {})

    def begin(self, key: bytes, request: bytes) -> Answered | None:
        return self.records.operations.begin(key, request, owner="home", life="1", now=NOW)

    def keep(self, key: bytes, *, operation_id: bytes | None = None, answer: bytes = b"") -> None:
        self.records.operations.keep(key, operation_id=operation_id, answer=answer)

    def release(self, key: bytes) -> None:
        self.records.operations.release(key)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()))


@pytest.fixture
def client(home: Home) -> Iterator[Client]:
    with running(cast(Serving, home)) as made:
        yield made


def post(client: Client, path: str, body: Any, key: str | None = "a-key") -> Answer:
    return client.post(path, body, key=key)


def test_a_repeated_request_is_answered_with_the_same_bytes_and_done_once(client: Client, home: Home) -> None:
    first = post(client, "/consents", {"a": 1, "b": 2})
    assert (first.status, "idempotency-replayed" in first.headers) == (201, False)
    for key, body in (("a-key", {"b": 2, "a": 1}), ('"a-key"', {"a": 1, "b": 2})):
        again = post(client, "/consents", body, key)
        assert (again.status, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["content-type"] == first.headers["content-type"]
    assert home.taken == [{"a": 1, "b": 2}]
    assert post(client, "/consents", {"a": 1, "b": 2}, None).json() == {"receipt": 2}
    assert post(client, "/consents", {"a": 1, "b": 2}, "another").json() == {"receipt": 3}


@pytest.mark.parametrize(("path", "body"), [("/consents", {"a": 2}), ("/relayed", {"a": 1}), ("/payees", {"a": 1})])
def test_a_key_of_another_request_is_refused_and_nothing_is_done(
    client: Client, home: Home, path: str, body: Any
) -> None:
    post(client, "/consents", {"a": 1})
    refused = post(client, path, body)
    assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
    assert (refused.json()["code"], refused.json()["field"]) == ("key-reused", "Idempotency-Key")
    assert home.taken == [{"a": 1}]


def test_an_operation_is_answered_again_as_it_is_by_now(client: Client, home: Home) -> None:
    first = post(client, "/relayed", {"a": 1})
    assert (first.status, first.json()["state"]) == (202, "queued")
    home.taken.append("something that makes it final")
    again = post(client, "/relayed?wait=final", {"a": 1})
    assert (again.status, again.json()["state"], again.headers["idempotency-replayed"]) == (201, "final", "true")
    assert again.headers["location"] == first.headers["location"]
    assert home.taken == [{"a": 1}, "something that makes it final"]


def test_what_was_refused_leaves_its_key_free(client: Client, home: Home) -> None:
    home.fails = 1
    refused = post(client, "/consents", {"a": 1})
    assert (refused.status, refused.json()["retryable"], refused.headers["retry-after"]) == (503, True, "1")
    assert post(client, "/consents", {"a": 2}).json() == {"receipt": 1}
    assert home.taken == [{"a": 2}]


def test_a_store_that_is_away_is_no_fault_of_the_service() -> None:
    answer = answer_to(StoreUnavailable("records cannot be reached", store="records"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert json.loads(bytes(answer.body))["code"] == "store-unavailable"


def test_a_request_whose_like_is_under_way_is_told_to_ask_again(client: Client, home: Home) -> None:
    home.gate.clear()
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(post, client, "/consents", {"a": 1})
        assert home.entered.wait(60)
        second = post(client, "/consents", {"a": 1})
        assert (second.status, second.json()["code"], second.json()["retryable"]) == (409, "under-way", True)
        assert second.headers["retry-after"] == "1"
        home.gate.set()
        assert first.result().status == 201
    assert post(client, "/consents", {"a": 1}).content == first.result().content
    assert home.taken == [{"a": 1}]


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ('"abc"', "abc"),
        ("abc", "abc"),
        (r'"a\"b\\c"', 'a"b\\c'),
        ('"a b,;"', "a b,;"),
    ],
)
def test_a_key_is_a_string_in_quotes_or_bare(said: str, key: str) -> None:
    assert key_of_header(said) == key


@pytest.mark.parametrize("said", ["", '""', '"a', 'a"', "a b", "a,b", "a;b", '"\\a"', "ä", '"ä"', "a" * (MOST_KEY + 1)])
def test_what_is_no_key_is_refused(said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        key_of_header(said)
    assert refused.value.field == "Idempotency-Key"


def test_a_wrong_key_is_a_problem_and_nothing_is_done(client: Client, home: Home) -> None:
    for key in ("a b", "a" * 500):
        refused = post(client, "/consents", {}, key)
        assert (refused.status, refused.headers["content-type"]) == (422, "application/problem+json")
        assert refused.json()["field"] == "Idempotency-Key"
    assert home.taken == []
