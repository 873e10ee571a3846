"""What a service counts and times: of a story, by every process for itself, and nothing by which anybody is known."""

from __future__ import annotations

import re
import shutil
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.metrics import Gauge, Metrics
from deedbook.bootstrap.outboxes import Passage
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.intents import IntentState
from deedbook.domain.operations import OperationKind, OperationRow
from deedbook.errors import StoreUnavailable
from tests.e2e.http_service import Client, eventually, running
from tests.integration.scenario import BUYER, EXCHANGE, PARTS, Scenario, Stage

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: bytes) -> Samples:
    """Every sample by name and labels; the whole text is in the format."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    return found[f"deedbook_{name}", frozenset(labels.items())]


@pytest.fixture
def told(listed: Stage, tmp_path: Path) -> Iterator[tuple[Scenario, Desk, Client]]:
    """A sale, a withdrawal and wrong questions, over HTTP where that is possible."""
    scenario = Scenario.go_on(listed, Path(shutil.copytree(listed.home, tmp_path / "home")))
    with Desk(scenario.services) as desk, running(desk, watch=desk.watch) as client:
        sale = scenario.order(BUYER)
        scenario.pay(sale)
        scenario.prepare(sale)
        scenario.deliver(sale)
        withdrawn = scenario.withdrawal(scenario.stage.people[0]).to_json()
        assert client.post("/withdrawals?wait=final", withdrawn).status == 201
        for path in (f"/sales/{to_hex(sale)}", f"/statements/{withdrawn['consentId']}", "/sales/1", "/nowhere/at/all"):
            client.get(path)
        yield scenario, desk, client
    scenario.close()


def test_sender_mirror_vault_and_requests_are_timed(told: tuple[Scenario, Desk, Client]) -> None:
    scenario, desk, client = told
    # a block is noted after it is copied, and so after the answer that waited for it; those of the scenario's own acts
    # may have been copied by the scenario
    eventually(lambda: value(samples(client.get("/metrics").content), "mirror_behind_seconds_count") >= 1)
    found = samples(client.get("/metrics").content)
    outbox = scenario.services.records.outbox.counts()
    assert value(found, "outbox_intents", state="final") == outbox[IntentState.FINAL]
    assert value(found, "sender_queued_to_mined_seconds_count") >= 5
    assert value(found, "sender_mined_to_final_seconds_count") >= 5
    assert value(found, "mirror_copied_logs_sum") >= 1
    assert value(found, "vault_seconds_count", work="deliver") == 1
    head, _ = desk.heads()
    assert value(found, "chain_head") == value(found, "mirror_head") == head
    assert value(found, "verified_block", way="proof") == head
    assert value(found, "quarantined_logs") == value(found, "outbox_given_up") == 0
    asked = "http_request_seconds_count"
    assert value(found, asked, method="GET", route="/sales/{sale_id}", status="200") == 1
    assert value(found, asked, method="GET", route="/sales/{sale_id}", status="422") == 1
    assert value(found, asked, method="GET", route="unknown", status="404") == 1
    assert value(found, asked, method="POST", route="/withdrawals", status="201") == 1


def test_no_name_label_or_value_says_who(told: tuple[Scenario, Desk, Client]) -> None:
    scenario, _, client = told
    text = client.get("/metrics").content.decode()
    accounts = [part.address for part, *_ in PARTS] + [person.address for person in scenario.stage.people]
    ids = [scenario.offer_id, scenario.batch.batch_id, *map(scenario.consent_of, scenario.stage.people)]
    words = [str(scenario.stage.asset_id), "merchant", "resumes", *scenario.services.keystore.names()]
    words += [form for account in accounts for form in (account.hex(), checksum_address(account)[2:])]
    words += [each.hex() for each in ids]
    assert [word for word in words if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)] == []
    assert re.findall(r"(?<![.0-9a-fA-F])[0-9a-fA-F]{16,}", text) == []
    labels = {pair for (name, pairs) in samples(text.encode()) for pair in pairs if name.startswith("deedbook_")}
    assert {name for name, _ in labels} == {"le", "method", "route", "status", "state", "work", "way", "version"}


def test_methods_that_somebody_makes_up_are_one(told: tuple[Scenario, Desk, Client]) -> None:
    _, _, client = told
    for number in range(3):
        wish = urllib.request.Request(f"{client.url}/sales", method=f"X{number}")
        client._ask(wish)
    found = samples(client.get("/metrics").content)
    assert {dict(labels)["method"] for name, labels in found if name.endswith("http_request_seconds_count")} <= {
        "GET",
        "POST",
        "unknown",
    }


def test_every_process_answers_for_itself_on_a_port_of_its_own(open_home: Scenario) -> None:
    open_home.services.settings = replace(open_home.services.settings, metrics_port=0)
    with Desk(open_home.services) as desk, running(desk) as client, desk.watch.metrics.on_port("127.0.0.1", 0) as port:
        assert client.get("/metrics").status == 404
        found = samples(Client(f"http://127.0.0.1:{port}").get("/metrics").content)
    assert value(found, "chain_head") > 0


def test_an_intent_that_another_life_accepted_is_timed_from_when_it_was(open_home: Scenario) -> None:
    services, withdrawal = open_home.services, open_home.withdrawal(open_home.stage.people[0])
    act = services.consents.withdrawing_for(withdrawal, EXCHANGE)
    assert act is not None
    row = OperationRow(sha256(act.key.encode()), OperationKind.WITHDRAWAL, act.key, {})
    services.records.operations.put(row, at=services.clock() - 100)
    found: list[tuple[Passage, float]] = []

    class Heard(Metrics):
        def passed(self, passage: Passage, seconds: float) -> None:
            found.append((passage, seconds))

    services.sender.put(act.call, act.signer, key=act.key)  # nobody listens yet
    ages = Desk(services).watch._ages
    services.outbox.listen(Heard(), ages)
    while not services.records.outbox.get(act.key).is_over:  # type: ignore[union-attr]
        services.sender.step()
    assert found == [(Passage.MINED, 100.0), (Passage.FINAL, 0.0)]


def test_a_scrape_is_answered_while_a_database_is_not_there() -> None:
    def gone() -> list[Gauge]:
        raise StoreUnavailable("records cannot be reached")

    metrics = Metrics(gone)
    metrics.answered("GET", "/sales", 200, 0.01)
    found = samples(metrics.text())
    assert value(found, "databases_answer") == 0
    assert value(found, "http_request_seconds_count", method="GET", route="/sales", status="200") == 1
    assert value(samples(Metrics().text()), "databases_answer") == 1
