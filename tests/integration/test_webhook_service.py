"""Webhooks of a real home: over HTTP, by commands, and through `kill -9` of the service at any point."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.desk import Desk
from deedbook.domain.told import NOWHERE, Filter
from tests.e2e.command_line import CommandLine
from tests.e2e.http_service import Client, running
from tests.event_source import EventSource
from tests.integration.scenario import Scenario, Stage
from tests.integration.test_operations import KEY, Nursery, nursery, served
from tests.webhook_receiver import Received, Receiver

__all__ = ["nursery"]
PERMIT = 'webhook_http = true\nwebhook_networks = ["127.0.0.0/8"]\n'


@pytest.fixture
def permitting(listed: Stage, tmp_path: Path) -> Stage:
    """A copy of the home that permits webhooks on this machine."""
    home = Path(shutil.copytree(listed.home, tmp_path / "home"))
    (home / "deedbook.toml").write_text(PERMIT)
    return Scenario.go_on(listed, home).close()


@pytest.fixture
def scenario(permitting: Stage) -> Iterator[Scenario]:
    opened = Scenario.go_on(permitting, permitting.home)
    yield opened
    opened.close()


@pytest.fixture
def client(scenario: Scenario) -> Iterator[Client]:
    with Desk(scenario.services) as desk, running(desk) as made:
        yield made


def all_events(client: Client) -> list[Any]:
    return list(client.get("/events?limit=1000").json()["items"])


def first_of_each(received: list[Received]) -> list[str]:
    return list(dict.fromkeys(each.key for each in received))


# -- killed


def test_every_event_is_received_in_its_order_wherever_the_service_is_killed(
    permitting: Stage, nursery: Nursery
) -> None:
    scenario = Scenario.go_on(permitting, permitting.home)
    with Receiver() as receiver:
        hook = scenario.services.webhooks.add(receiver.url, Filter(), NOWHERE)
        stage = scenario.close()
        for point in ("told", "posted", "noted", "posted"):
            with served(nursery, stage, point):
                pass
        with served(nursery, stage) as client:
            events = all_events(client)
            keys = {event["data"]["key"] for event in events}
            receiver.wait(lambda: {each.key for each in receiver.received} == keys)
    assert all(each.signed_by(hook.secrets[0].text) for each in receiver.received)
    assert len({(each.key, each.id, each.body) for each in receiver.received}) == len(keys)
    assert len(receiver.received) > len(keys)  # what was received and not noted came once more
    entities = {entity for event in events for entity in event["data"]["entities"]}
    for entity in entities:
        about = [each for each in receiver.received if entity in each.json()["data"]["entities"]]
        assert first_of_each(about) == [event["data"]["key"] for event in events if entity in event["data"]["entities"]]


# -- over HTTP


def test_who_is_told_over_http_hears_what_a_request_did(scenario: Scenario, client: Client) -> None:
    with Receiver() as receiver, EventSource(client.url, "/events?from=now&event=LeafEnded") as source:
        said = {"url": receiver.url, "wanted": {"events": ["LeafEnded"]}}
        made = client.post("/webhooks", said, key=KEY)
        assert made.status == 201
        assert client.post("/webhooks", said, key=KEY).content == made.content
        hook, secret = made.json()["webhook"], made.json()["secret"]
        assert source.begin()[0] == 200
        withdrawal = scenario.withdrawal(scenario.stage.people[1])
        done = client.post("/withdrawals?wait=final", withdrawal.to_json())
        assert done.status == 201
        receiver.wait(lambda: len(receiver.received) == 1)
        (got,) = receiver.received
        (told,) = source.messages(1)
        assert got.signed_by(secret)
        assert got.json() == told.json()
        assert (got.type, got.json()["data"]["transaction"]) == ("Consents.LeafEnded", done.json()["transaction"])
        items = client.get("/webhooks").json()["items"]
        assert [(each["webhook"], each["waiting"]) for each in items] == [(hook, 0)]
        shown = client.get(f"/webhooks/{hook}")
        assert secret not in shown.content.decode()
        assert "hush" not in shown.content.decode()
        rotated = client.post(f"/webhooks/{hook}/rotate", {"overlap": 60}).json()
        assert rotated["secret"] != secret
        assert client.post(f"/webhooks/{hook}/test", {}).json() == {"taken": True, "status": 204, "failure": None}
        assert receiver.received[-1].signed_by(secret)
        assert receiver.received[-1].signed_by(rotated["secret"])
        assert client.post(f"/webhooks/{hook}/enable", {"from": "now"}).json()["state"] == "active"
        assert client.get(f"/webhooks/{hook}/dead").json() == {"items": [], "after": None}
        assert client.post(f"/webhooks/{hook}/replay", {}).json() == {"webhook": hook, "replayed": 0}
        assert client.post(f"/webhooks/{hook}/remove", {}).status == 201
        assert client.get("/webhooks").json() == {"items": []}


def test_wrong_requests_are_refused_and_nothing_is_kept(client: Client) -> None:
    good = {"url": "http://127.0.0.1:1/"}
    for body, field in (
        ({}, "body.url"),
        ([], "body"),
        ({**good, "other": 1}, "body"),
        ({"url": 1}, "body.url"),
        ({"url": "https://10.0.0.1/?token=hush"}, "url"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "url"),
        ({"url": "ftp://127.0.0.1/"}, "url"),
        ({"url": "http://127.0.0.1:1/\r\nHost: other"}, "url"),
        ({**good, "secret": "whsec_hush"}, "secret"),
        ({**good, "secret": 1}, "body.secret"),
        ({**good, "wanted": {"events": ["Nothing"]}}, "event"),
        ({**good, "wanted": []}, "filter"),
        ({**good, "from": -1}, "from"),
        ({**good, "from": True}, "from"),
        ({**good, "from": "yesterday"}, "from"),
    ):
        answer = client.post("/webhooks", body)
        assert (answer.status, answer.json()["field"]) == (422, field), body
        assert b"hush" not in answer.content
    for content in (b"{", b'{"url":"a","url":"b"}', b"[" * 10_000, b'{"from":1e400}', b"\xff"):
        assert client.post("/webhooks", content).json()["code"] == "invalid-format"
    assert client.post("/webhooks", b" " * (5 * 1024 * 1024)).status == 413
    assert client.get("/webhooks").json() == {"items": []}


def test_what_is_not_there_is_not_found(client: Client) -> None:
    for verb in ("", "/dead", "/remove", "/enable", "/rotate", "/test", "/replay"):
        path = f"/webhooks/whk_{'0' * 32}{verb}"
        answer = client.get(path) if verb in ("", "/dead") else client.post(path, {})
        assert (answer.status, answer.json()["kind"]) == (404, "webhook"), verb


# -- by commands


def test_commands_add_show_test_rotate_and_remove_webhooks(
    permitting: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli = CommandLine(permitting.home, capsys)
    own = tmp_path / "secret"
    own.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    with Receiver() as receiver:
        made = json.loads(
            cli("webhooks", "add", receiver.url, "--event", "SaleOrdered", "--secret", str(own), "--json").out
        )
        hook = made["webhook"]
        assert (made["secret"], made["wanted"]["events"]) == (own.read_text().strip(), ["SaleOrdered"])
        assert hook in cli("webhooks", "list").out
        assert made["secret"] not in cli("webhooks", "show", hook).out
        assert json.loads(cli("webhooks", "test", hook, "--json").out)["status"] == 204
        assert receiver.received[0].signed_by(made["secret"])
        receiver.answering = lambda _: 500
        refused = cli("webhooks", "test", hook, "--json")
        assert (refused.code, json.loads(refused.out)["failure"]) == (1, "status")
    assert json.loads(cli("webhooks", "rotate", hook, "--json").out)["secret"] != made["secret"]
    assert json.loads(cli("webhooks", "enable", hook, "--from", "3", "--json").out)["block"] == 2
    assert json.loads(cli("webhooks", "dead", hook, "--json").out) == {"items": []}
    assert json.loads(cli("webhooks", "replay", hook, "--json").out) == {"webhook": hook, "replayed": 0}
    assert cli("webhooks", "replay", hook, "--number", "7").code == 5
    assert json.loads(cli("webhooks", "remove", hook, "--json").out) == {"webhook": hook, "removed": True}
    assert cli("webhooks", "show", hook).code == 5
    for url in ("https://10.0.0.1/?token=hush", "ftp://hooks.example/?token=hush"):
        refused = cli("webhooks", "add", url)
        assert (refused.code, "hush" in refused.err) == (2, False)
    assert cli("webhooks", "add", "https://1.1.1.1/", "--from", "yesterday").code == 2
