"""Operations and idempotency keys on a real home: killed at any point, at a standstill, refused after all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.desk import Desk
from deedbook.chain.dispatch import Step
from deedbook.chain.transactions import Call
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.intents import Intent, IntentState
from deedbook.domain.operations import OperationKind
from deedbook.domain.relaying import SignedRequest
from deedbook.errors import Conflict, NotFound, RejectedByContract
from deedbook.queries.consents import batch
from tests.e2e.command_line import ROOT, environment
from tests.e2e.http_service import Client, running
from tests.integration.scenario import BUYER, EXCHANGE, PEOPLE, STRANGER, Scenario, Stage, ended

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'


def case_of(scenario: Scenario, number: int = 0) -> SignedRequest:
    """A buyer's signed act."""
    call = Call("Cases", scenario.services.addresses["Cases"], "open", (sha256(bytes([number])), 3, sha256(b"grounds")))
    return scenario.services.relaying.sign(call, BUYER)


# -- killed


Nursery = subprocess.Popen[str]


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    """Where services begin that die."""
    words, more = [sys.executable, "-m", "tests.service_child"], {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes, env=environment(**more), cwd="/") as process:
        yield process


@contextmanager
def served(nursery: Nursery, stage: Stage, point: str = "never") -> Iterator[Client]:
    """The home's service in a process of its own, that dies at a point."""
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    print(stage.home, stage.now, point, file=nursery.stdin, flush=True)
    process, url = nursery.stdout.readline().split()
    yield Client(url)
    if point == "never":
        os.kill(int(process), signal.SIGINT)
    assert int(nursery.stdout.readline()) == (0 if point == "never" else -signal.SIGKILL)


def killed(nursery: Nursery, stage: Stage, point: str, path: str, body: Any) -> None:
    """The request, and what it is for the caller: no answer."""
    with served(nursery, stage, point) as client, pytest.raises((OSError, HTTPException)):
        client.post(path, body, key=KEY)


def test_a_request_that_is_killed_at_any_point_is_found_by_its_key_and_made_once(
    listed: Stage, tmp_path: Path, nursery: Nursery
) -> None:
    scenario = Scenario.go_on(listed, Path(shutil.copytree(listed.home, tmp_path / "home")))
    withdrawal = scenario.withdrawal(scenario.stage.people[1]).to_json()
    stage = scenario.close()
    for point in ("begun", "named", "put"):
        killed(nursery, stage, point, "/withdrawals", withdrawal)
    with served(nursery, stage, "signed"):  # it goes on with what was accepted, without being asked
        pass
    with served(nursery, stage) as client:
        answer = client.post("/withdrawals?wait=final", withdrawal, key=KEY)
        assert (answer.status, answer.headers["idempotency-replayed"]) == (201, "true")
        said = answer.json()
        assert (said["kind"], said["state"], said["about"]) == (
            "withdrawal",
            "final",
            {"consentId": withdrawal["consentId"]},
        )
        assert client.get(answer.headers["location"]).json() == said
        assert client.post("/withdrawals", withdrawal).status == 409
        other = client.post("/relayed", withdrawal, key=KEY)
        assert (other.status, other.json()["code"]) == (422, "key-reused")
    again = Scenario.go_on(stage, stage.home)
    sent = [row for row in again.services.records.outbox.finished() if row.intent.function == "withdrawFor"]
    assert [(row.state, row.mined and to_hex(row.mined.tx_hash)) for row in sent] == [
        (IntentState.FINAL, said["transaction"])
    ]
    again.services.follow()
    assert batch(again.services.mirror, again.batch.batch_id).live == PEOPLE - 1
    again.close()


def test_a_relayed_act_that_is_killed_is_found_by_its_key_and_run_once(
    listed: Stage, tmp_path: Path, nursery: Nursery
) -> None:
    scenario = Scenario.go_on(listed, Path(shutil.copytree(listed.home, tmp_path / "home")))
    request = case_of(scenario)
    stage = scenario.close()
    for point in ("taken", "kept"):
        killed(nursery, stage, point, "/relayed", request.to_json())
    with served(nursery, stage) as client:
        answer = client.post("/relayed?wait=final", request.to_json(), key=KEY)
        assert (answer.status, answer.headers["idempotency-replayed"]) == (201, "true")
        assert (answer.json()["operation"], answer.json()["state"]) == (to_hex(request.digest), "final")
        assert client.get(f"/relayed/{to_hex(request.digest)}").json()["transaction"] == answer.json()["transaction"]


# -- a chain at a standstill


@pytest.fixture
def standstill(open_home: Scenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Desk, Client]]:
    """A service whose transactions are not sent."""
    monkeypatch.setattr(open_home.services.sender, "step", Step)
    monkeypatch.setattr(open_home.services.relaying, "step", lambda *_, **__: [])
    with Desk(open_home.services) as desk, running(desk) as client:
        yield desk, client


def test_nobody_waits_for_the_chain(open_home: Scenario, standstill: tuple[Desk, Client]) -> None:
    _, client = standstill
    people = open_home.stage.people
    first = client.post("/withdrawals", open_home.withdrawal(people[1]).to_json())
    second = client.post("/withdrawals", open_home.withdrawal(people[2]).to_json(), key=KEY)
    act = client.post("/relayed", case_of(open_home).to_json())
    for answer in (first, second, act):
        said = answer.json()
        assert (answer.status, said["state"], said["transaction"], said["reason"]) == (202, "queued", None, None)
        assert (answer.headers["retry-after"], client.get(answer.headers["location"]).json()) == ("1", said)
    again = client.post("/withdrawals?wait=final&timeout=1", open_home.withdrawal(people[2]).to_json(), key=KEY)
    assert (again.status, again.json()) == (202, second.json())
    assert first.json()["operation"] != second.json()["operation"]
    for wrong in ("wait=mined", "wait=final&timeout=0", "wait=final&timeout=61"):
        assert client.post(f"/withdrawals?{wrong}", {}).status == 422


def test_an_operation_is_final_when_what_it_did_can_be_read_here(
    open_home: Scenario, standstill: tuple[Desk, Client]
) -> None:
    desk, client = standstill
    person = open_home.stage.people[1]
    where = client.post("/withdrawals", open_home.withdrawal(person).to_json()).headers["location"]
    assert client.get(where).json()["state"] == "queued"
    (row,) = open_home.services.records.outbox.unfinished()
    with desk._writing:
        open_home.services.sender.drive(row, open_home.services.signer("relayer"))
        said = client.get(where).json()
        assert (said["state"], said["block"]) == ("mined", desk.heads()[0])
        assert batch(desk.mirror, open_home.batch.batch_id).live == PEOPLE
    desk.catch_up()
    assert client.get(where).json() == said | {"state": "final"}
    assert batch(desk.mirror, open_home.batch.batch_id).live == PEOPLE - 1


# -- refused after all


def test_an_operation_that_the_contract_refuses_later_says_so_with_its_error(
    open_home: Scenario, standstill: tuple[Desk, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, client = standstill
    person = open_home.stage.people[1]
    withdrawal = open_home.withdrawal(person)
    place = open_home.consents.place(open_home.consent_of(person))
    accepted = client.post("/withdrawals", withdrawal.to_json(), key=KEY)
    open_home.services.acting.act(
        STRANGER, "Consents", "withdrawFor", place.batch.stated, place.leaf, place.proof, withdrawal.signature
    )
    monkeypatch.undo()
    ended(desk, desk.operation(bytes.fromhex(accepted.json()["operation"][2:])))
    said = client.get(accepted.headers["location"]).json()
    assert (said["state"], said["transaction"]) == ("failed", None)
    named = {"batchId": to_hex(place.batch.batch_id), "index": place.index}
    assert said["reason"]["error"] == "AlreadyWithdrawn"
    assert said["reason"]["arguments"] == named
    problem = client.post("/withdrawals?wait=final", withdrawal.to_json(), key=KEY)
    assert (problem.status, problem.headers["content-type"]) == (409, "application/problem+json")
    body = problem.json()
    assert (body["code"], body["contract"], body["error"]) == ("rejected-by-contract", "Consents", "AlreadyWithdrawn")
    assert (body["arguments"], body["operation"]) == (named, said["operation"])


def test_an_act_that_is_mined_without_effect_keeps_its_reason(open_home: Scenario) -> None:
    services = open_home.services
    call = Call("Cases", services.addresses["Cases"], "open", (sha256(b"target"), 3, sha256(b"grounds")))
    act = services.acting.prepared(STRANGER, call.contract, call.function, *call.arguments)
    intent = Intent(act.key, STRANGER.address, call.to, call.contract, call.function, call.data)
    services.records.outbox.put(intent, judged=True)
    accepted = services.operations.put(OperationKind.BATCH, act, {"said": 1})
    with pytest.raises(RejectedByContract):
        services.sender.drive(services.records.outbox.unfinished()[0], STRANGER)
    for _ in range(2):
        found = services.operations.get(accepted.operation_id)
        assert (found.state, found.block is not None, found.about) == (IntentState.FAILED, True, {"said": 1})
        assert found.refusal is not None
        assert (found.refusal.contract, found.refusal.error) == ("Membership", "NotAdmitted")
        row = services.records.outbox.get(act.key)
        assert row is not None
        assert row.refusal == found.refusal


def test_a_relayed_act_that_is_refused_is_a_failed_operation(open_home: Scenario) -> None:
    services = open_home.services
    request = case_of(open_home)
    services.acting.act(open_home.governance, "Membership", "suspend", BUYER.address, 1)
    with Desk(services) as desk, running(desk) as client:
        problem = client.post("/relayed?wait=final", request.to_json(), key=KEY)
        assert (problem.status, problem.json()["operation"]) == (409, to_hex(request.digest))
        assert (problem.json()["contract"], problem.json()["code"]) == ("Membership", "rejected-by-contract")
        said = client.get(f"/operations/{to_hex(request.digest)}").json()
        assert (said["state"], said["reason"]["error"]) == ("failed", problem.json()["error"])
        assert said["reason"]["arguments"] == problem.json()["arguments"]
        with pytest.raises(NotFound):
            desk.operation(bytes(32))


def test_an_act_whose_key_stands_for_another_call_is_no_operation(open_home: Scenario) -> None:
    services = open_home.services
    one = services.acting.prepared(EXCHANGE, "Membership", "suspend", STRANGER.address, 1)
    services.operations.put(OperationKind.BATCH, one, {})
    other = services.acting.prepared(EXCHANGE, "Membership", "suspend", STRANGER.address, 2, key=one.key)
    with pytest.raises(Conflict):
        services.operations.put(OperationKind.BATCH, other, {})
