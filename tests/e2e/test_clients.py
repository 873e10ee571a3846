"""The clients against the real service: every route has its method, errors come back as themselves, what can be
repeated is, and an exchange's log is checked by its user."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from deedbook import client as package
from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.doorkeeper import Doorkeeper, add_key
from deedbook.bootstrap.services import Services
from deedbook.chain.transactions import Call
from deedbook.client import AsyncClient, Client
from deedbook.client.groups import part
from deedbook.client.routes import AsyncRoutes, Routes
from deedbook.domain.anchors import LogDomain, LogReceipt, leaf_of
from deedbook.domain.codes import Role
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.principals import Scope
from deedbook.errors import (
    ChainUnavailable,
    DeedbookError,
    Forbidden,
    IntegrityError,
    InvalidFormat,
    InvalidInput,
    InvalidSignature,
    NotFound,
    RejectedByContract,
    ServiceRefused,
    ServiceUnavailable,
    TooManyRequests,
    Unauthenticated,
)
from deedbook.ledger import members
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_service import running
from tools import client as generator

YEAR = 365 * 86_400


@dataclass(frozen=True)
class Served:
    """A home with an exchange that may anchor, served."""

    services: Services
    desk: Desk
    url: str

    @property
    def exchange(self) -> str:
        return checksum_address(self.services.signer("exchange").address)

    def anchor(self) -> None:
        self.services.logs.checkpoint(self.services.signer("exchange"))
        self.services.follow()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("clients") / "home"
    with Services.init(config.load(path, {})) as services:
        exchange = services.create_account("exchange")
        admitted = (services.acting, services.signer("governance"), exchange.address)
        until = services.chain_time() + YEAR
        members.admit(
            *admitted, identity=sha256(b"exchange"), jurisdiction=156, roles=int(Role.OPERATOR), valid_until=until
        )
    settings = replace(config.load(path, {}), anchor_entries=10**6, anchor_seconds=10**6)
    with Services.open(settings) as services, Desk(services) as desk, running(desk) as http:
        yield Served(services, desk, http.url)


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.url) as made:
        yield made


# The routes.


def test_the_committed_routes_are_the_services_own() -> None:
    page = generator.PAGE.read_text(encoding="utf-8")
    assert page == generator.render(), "run `python -m tools.client --write`"


@pytest.mark.parametrize("kind", [Routes, AsyncRoutes])
def test_every_operation_has_a_method_with_its_parameters(kind: Any, root: Path) -> None:
    """By the committed description alone, and by what a call of the method would send."""
    document = json.loads((root / "docs" / "openapi.json").read_text(encoding="utf-8"))
    sent: Sent = {}
    asking = Recorded(sent)
    routes = kind(asking if kind is Routes else AsyncRecorded(sent))
    for noun in vars(routes):
        group = getattr(routes, noun)
        for name, method in inspect.getmembers(group, inspect.ismethod):
            if not name.startswith("_"):
                _call_fully(method, sent)
    operations = {
        (method.upper(), path): {(each["name"], each["in"]) for each in said.get("parameters", ())}
        for path, methods in document["paths"].items()
        for method, said in methods.items()
    }
    assert sent.keys() == operations.keys()
    for place, parameters in operations.items():
        assert sent[place] == parameters, place


Sent = dict[tuple[str, str], set[tuple[str, str]]]
_SAMPLE = re.compile("zz_([a-z_]+)")


@dataclass
class Recorded:
    """What routes ask of a client, taken down: method and path, names and places of the parameters."""

    sent: Sent

    def key(self) -> str:
        return "fresh"

    def ask(self, call: Any, *, raw: bool = False) -> Any:
        names = {(name, "path") for name in _SAMPLE.findall(call.path)} | {(name, "query") for name in call.query}
        names |= {(name, "header") for name in call.headers if name != "Content-Type"}
        self.sent[call.method, _SAMPLE.sub(r"{\1}", call.path)] = names
        return {"items": [], "after": None}


class AsyncRecorded(Recorded):
    """As `Recorded`."""

    async def ask(self, call: Any, *, raw: bool = False) -> Any:
        return super().ask(call, raw=raw)


def _call_fully(method: Callable[..., Any], sent: Sent) -> None:
    samples: dict[str, Any] = {}
    for name, parameter in inspect.signature(method).parameters.items():
        place = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        samples[name] = {"body": {}, "content": b""}.get(name, f"zz_{name}") if place else "value"
    found = method(**samples)
    if isinstance(found, package.Items):
        assert list(found) == []
    elif isinstance(found, package.AsyncItems):
        assert asyncio.run(_all(found)) == []
    elif inspect.iscoroutine(found):
        asyncio.run(found)


async def _all(items: Any) -> list[Any]:
    return [item async for item in items]


def test_values_that_are_no_part_of_a_path_are_no_path() -> None:
    assert part("../a/b?c=d") == "..%2Fa%2Fb%3Fc%3Dd"


# Reading.


def test_both_clients_read_pages_records_and_bytes(served: Served, client: Client) -> None:
    log = client.log(served.exchange)
    for number in range(3):
        list(log.append([{"page": number}]))
        served.anchor()
    sizes = [each["size"] for each in client.anchors.checkpoints(served.exchange, limit=1)]
    assert len(list(client.anchors.checkpoints(served.exchange, limit=1).pages())) == len(sizes) >= 3
    assert sizes == sorted(sizes, key=int)
    note = client.anchors.checkpoint(served.exchange)

    async def read() -> tuple[list[str], bytes, Any]:
        async with AsyncClient(served.url) as other:
            pages = other.anchors.checkpoints(served.exchange, limit=2)
            return (
                [each["size"] async for each in pages],
                await other.anchors.checkpoint(served.exchange),
                (await other.service.status()),
            )

    assert asyncio.run(read()) == (sizes, note, client.service.status())


def test_a_list_that_never_ends_ends_where_there_is_no_more_now() -> None:
    pages = [{"items": [{"n": 1}], "after": "a", "more": True}, {"items": [{"n": 2}], "after": "b", "more": False}]
    script = Script([httpx.Response(200, json=page) for page in pages])
    found = Client("http://service", transport=script).sales.sales(limit=1, after="z")
    assert [each["n"] for each in found] == [1, 2]
    assert [each.url.params["after"] for each in script.asked] == ["z", "a"]


def test_errors_come_back_as_the_errors_that_they_were(client: Client, served: Served) -> None:
    missing = to_hex(sha256(b"missing"))
    with pytest.raises(NotFound) as nothing:
        client.sales.sale(missing)
    assert (nothing.value.kind, nothing.value.identifier) == ("sale", missing)
    with pytest.raises(InvalidInput) as wrong:
        client.sales.sale("0x12")
    assert (wrong.value.field, type(wrong.value)) == ("saleId", InvalidInput)
    with pytest.raises(InvalidFormat) as line:
        client.anchors.append(served.exchange, b"1\n{")
    assert (line.value.fields["line"], "line 2" in str(line.value)) == (2, True)
    with pytest.raises(ServiceRefused) as large:
        client.anchors.append(served.exchange, b"1" * 5_000_000)
    assert (large.value.status, large.value.problem) == (413, "too-large")
    with pytest.raises(InvalidInput):
        Client("ftp://somewhere")


def test_who_asks_is_said_by_a_token(served: Served) -> None:
    services = served.services
    former, services.settings = services.settings, replace(services.settings, public_reads=False, limit=3)
    account = services.signer("exchange").address
    secret, _ = add_key(services, "reader", account, frozenset({Scope.READ}), ends_at=None)
    pauses: list[float] = []
    try:
        with running(served.desk, door=Doorkeeper(services, "https://deeds.example.org")) as http:
            with Client(http.url) as nobody, pytest.raises(Unauthenticated, match="has to be known"):
                nobody.members.member(served.exchange)
            with Client(http.url, token="dbk_no") as wrong, pytest.raises(Unauthenticated, match="not good"):
                wrong.members.member(served.exchange)
            known = Client(http.url, token=secret.text, attempts=2, sleep=pauses.append)
            with pytest.raises(Forbidden) as forbidden:
                assert known.members.member(served.exchange)["account"] == served.exchange
                known.me.consents()
            assert forbidden.value.scope == "own"
            with known, pytest.raises(TooManyRequests) as often:
                for _ in range(3):
                    known.service.status()
            assert 1 <= often.value.retry_after <= 60
            assert pauses == [often.value.retry_after]
    finally:
        services.settings = former


def test_an_operation_is_followed_to_its_end(served: Served, client: Client) -> None:
    member = served.services.signer("exchange")
    act = Call("Cases", served.services.addresses["Cases"], "open", (sha256(b"target"), 3, sha256(b"grounds")))
    signed = served.services.relaying.sign(act, member)
    done = client.wait(client.relayed.relay(signed.to_json()))
    assert (done["state"], done["operation"]) == ("final", to_hex(signed.digest))
    assert client.wait(done) == client.operations.operation(done["operation"]) == done
    document = signed.to_json()
    document["request"]["nonce"] = "1"
    with pytest.raises(InvalidSignature):
        client.relayed.relay(document)


# What goes wrong on the way.


@dataclass
class Script(httpx.BaseTransport):
    """A service that answers as it is told, and what it was asked."""

    answers: list[Any]
    asked: list[httpx.Request] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    @property
    def keys(self) -> list[str | None]:
        return [each.headers.get("idempotency-key") for each in self.asked]


@dataclass
class AsyncScript(httpx.AsyncBaseTransport):
    """As `Script`."""

    script: Script

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.script.handle_request(request)


def problem(status: int, code: str, **fields: Any) -> httpx.Response:
    body = {"type": f"urn:deedbook:problem:{code}", "title": code, "status": status, "detail": "words", "code": code}
    headers = {"Retry-After": fields.pop("after")} if "after" in fields else {}
    return httpx.Response(status, headers=headers, json={**body, **fields})


def scripted(answers: Sequence[Any], ask: str, *words: Any) -> tuple[Any, Script, list[float]]:
    """What a client says to these answers, or its error; the same of both clients."""
    outcomes: list[tuple[Any, Script, list[float]]] = []
    for kind in (Client, AsyncClient):
        pauses: list[float] = []
        script, keys = Script([*answers]), iter("abcdef")
        made: dict[str, Any] = {"clock": lambda pauses=pauses: sum(pauses), "chance": lambda: 1.0}
        made |= {"fresh_key": lambda keys=keys: next(keys), "attempts": 4, "first_pause": 1.0}
        if kind is Client:
            made |= {"transport": script, "sleep": pauses.append}
        else:
            made |= {"transport": AsyncScript(script), "sleep": _async(pauses.append)}
        noun, _, name = ask.partition(".")
        client = kind("http://service", **made)
        method = getattr(getattr(client, noun), name) if name else getattr(client, noun)
        try:
            found = method(*words)
            outcomes.append((asyncio.run(found) if inspect.iscoroutine(found) else found, script, pauses))
        except DeedbookError as error:
            outcomes.append((error, script, pauses))
        assert script.answers == []
    (one, script, pauses), (other, twin, again) = outcomes
    assert (repr(one), script.keys, pauses) == (repr(other), twin.keys, again)
    return one, script, pauses


def _async(act: Callable[[Any], None]) -> Callable[[Any], Any]:
    async def later(value: Any) -> None:
        act(value)

    return later


GOOD = {"operation": "0x01", "state": "final", "reason": None}


def test_a_write_is_repeated_with_the_same_key_until_it_is_answered() -> None:
    lost, busy = httpx.ReadError("gone"), problem(503, "chain-unavailable", retryable=True)
    answers = [lost, busy, problem(409, "under-way", retryable=True, after="7"), httpx.Response(202, json=GOOD)]
    found, script, pauses = scripted(answers, "consents.withdraw", {"any": "thing"})
    assert found == GOOD
    assert script.keys == ["a"] * 4
    assert {each.content for each in script.asked} == {b'{"any": "thing"}'}
    assert pauses == [1.0, 2.0, 7.0]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.ConnectError("refused"), ServiceUnavailable),
        (problem(503, "chain-unavailable", retryable=True), ChainUnavailable),
        (httpx.Response(502, content=b"<html>"), ServiceUnavailable),
        (problem(429, "too-many", retryable=True), ServiceUnavailable),
    ],
)
def test_patience_ends(answer: Any, kind: type[DeedbookError]) -> None:
    error, script, pauses = scripted([answer] * 4, "sales.sale", "0x01")
    assert type(error) is kind
    assert (len(script.asked), pauses, error.retryable) == (4, [1.0, 2.0, 4.0], True)


@pytest.mark.parametrize(
    ("answer", "ask", "words"),
    [
        (problem(422, "invalid-input", field="body", reason="is wrong", retryable=False), "consents.collect", ({},)),
        (problem(500, "fault"), "sales.sale", ("0x01",)),
        (httpx.Response(200, content=b"<html>"), "sales.sale", ("0x01",)),
        (httpx.Response(302, headers={"Location": "http://elsewhere"}), "sales.sale", ("0x01",)),
        (httpx.ConnectError("refused"), "chain.rpc", ({},)),
    ],
)
def test_what_repeating_cannot_mend_or_may_do_twice_is_not_repeated(answer: Any, ask: str, words: Any) -> None:
    error, script, pauses = scripted([answer], ask, *words)
    assert isinstance(error, DeedbookError)
    assert (len(script.asked), pauses) == (1, [])


def test_an_operation_that_failed_is_the_error_of_its_contract() -> None:
    reason: dict[str, Any] = {"code": "rejected-by-contract", "message": "words", "about": "", "contract": "Market"}
    reason |= {"error": "OfferExists", "arguments": {"offerId": "0x01"}}
    begun = {"operation": "0x01", "state": "queued", "reason": None, "transaction": None}
    failed = {**begun, "state": "failed", "transaction": "0x02", "reason": reason}
    error, _, pauses = scripted([httpx.Response(200, json=begun), httpx.Response(200, json=failed)], "wait", begun)
    assert isinstance(error, RejectedByContract)
    assert (error.contract, error.error, error.arguments) == ("Market", "OfferExists", {"offerId": "0x01"})
    assert (error.fields["operation"], error.fields["transaction"]) == ("0x01", "0x02")
    assert pauses == [0.1, 0.2]


def test_waiting_ends_with_the_operation_as_it_stands() -> None:
    begun = {"operation": "0x01", "state": "mined", "reason": None}
    found, script, pauses = scripted([httpx.Response(200, json=begun)] * 2, "wait", begun, 0.25)
    assert (found, len(script.asked), pauses) == (begun, 2, [0.1, 0.2])
    assert scripted([], "wait", {"consentId": "0x02", "anchored": False})[0] == {"consentId": "0x02", "anchored": False}


# An exchange's log.


def test_entries_are_receipted_proved_and_extended(served: Served, client: Client) -> None:
    log = client.log(served.exchange)
    entries = [{"sale": number, "price": "1.00"} for number in range(4_100)]
    receipts = list(log.append(iter(entries)))
    assert [each.leaf_hash for each in receipts] == [leaf_of(entry) for entry in entries]
    first = receipts[0].index
    assert [each.index for each in receipts] == list(range(first, first + len(entries)))
    assert list(log.append(entries[7:9])) == receipts[7:9]
    with pytest.raises(NotFound):
        log.prove(receipts[9])
    served.anchor()
    former = log.prove(receipts[9])
    (more,) = log.append(["one more"])
    assert more.index == former.size
    served.anchor()
    assert log.extension(former).size == former.size + 1

    async def anew() -> list[LogReceipt]:
        async def coming() -> AsyncIterator[Any]:
            for entry in entries[:3]:
                yield entry

        async with AsyncClient(served.url) as other:
            theirs = other.log(served.exchange)
            found = [each async for each in theirs.append(coming())]
            assert (await theirs.prove(found[0])).holds
            assert (await theirs.extension(former)).holds
            return found + [each async for each in theirs.append(["x"] * 2_001)]

    again = asyncio.run(anew())
    assert again[:3] == receipts[:3]
    assert {each.index for each in again[3:]} == {former.size + 1}


@dataclass
class Lying(httpx.BaseTransport):
    """The real service, and a lie in its answers."""

    lie: Callable[[Any], Any]
    inner: httpx.HTTPTransport = field(default_factory=httpx.HTTPTransport)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self.inner.handle_request(request)
        told = [self.lie(json.loads(line)) for line in answer.read().splitlines()]
        body = b"\n".join(json.dumps(each).encode() for each in told if each is not None)
        return httpx.Response(answer.status_code, content=body)

    def close(self) -> None:
        self.inner.close()


STRANGER = LocalSigner(sha256(b"stranger"))


def _forged(said: Any) -> Any:
    receipt = LogReceipt.from_json(said)
    return {**said, "signature": to_hex(STRANGER.sign_digest(receipt.digest))}


@pytest.mark.parametrize(
    ("lie", "kind"),
    [
        (lambda said: {**said, "leafHash": to_hex(sha256(b"other"))}, IntegrityError),
        (lambda said: {**said, "exchange": to_hex(STRANGER.address)}, IntegrityError),
        (lambda said: {**said, "index": str(int(said["index"]) + 1)}, InvalidSignature),
        (lambda said: {**said, "index": str(2**40 + int(said["index"]))}, InvalidSignature),
        (lambda said: None, IntegrityError),
        (lambda said: {}, InvalidFormat),
        (_forged, InvalidSignature),
    ],
)
def test_a_receipt_that_does_not_hold_is_not_taken(served: Served, lie: Any, kind: type[DeedbookError]) -> None:
    domain = served.services.logs.domain
    with Client(served.url, transport=Lying(lie)) as client, pytest.raises(kind):
        list(client.log(served.exchange, domain).append(["one", "two"]))


def test_one_place_for_two_entries_is_not_taken_though_it_is_signed(served: Served) -> None:
    exchange = served.services.signer("exchange")

    def lie(said: Any) -> Any:
        receipt = replace(LogReceipt.from_json(said), index=7)
        return replace(receipt, signature=exchange.sign_digest(receipt.digest)).to_json()

    with Client(served.url, transport=Lying(lie)) as client, pytest.raises(IntegrityError, match="one place"):
        list(client.log(served.exchange, served.services.logs.domain).append(["one", "two"]))


def test_a_log_of_another_deployment_is_not_this_one(served: Served, client: Client) -> None:
    elsewhere = LogDomain(served.services.logs.domain.chain_id + 1, served.services.logs.domain.contract)
    with pytest.raises(IntegrityError):
        list(client.log(served.exchange, elsewhere).append(["one"]))


@pytest.mark.parametrize(
    "lie",
    [
        lambda said: {**said, "leafHash": to_hex(sha256(b"other"))},
        lambda said: {**said, "index": str(int(said["index"]) + 1)},
        lambda said: {**said, "root": to_hex(sha256(b"other"))},
        lambda said: {**said, "proof": said["proof"][1:]},
    ],
)
def test_a_broken_promise_is_evidence(served: Served, client: Client, lie: Any) -> None:
    receipts = list(client.log(served.exchange).append(["promised", "too", "and this"]))
    served.anchor()
    with (
        Client(served.url, transport=Lying(lie)) as other,
        pytest.raises(IntegrityError) as broken,
    ):
        other.log(served.exchange, served.services.logs.domain).prove(receipts[0])
    assert broken.value.fields["proof"]
