"""The whole API as its description says it is: drawn requests, right and wrong ones, on a home with a story in it.

Every check of schemathesis is asked of every answer: no fault of the service, no status, media type, header or body
that the description does not know, no wrong request that is taken for a right one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, SerializationContext
from schemathesis.checks import negative_data_rejection
from schemathesis.core.result import Ok

from deedbook.api.routes.inputs import NDJSON
from deedbook.bootstrap.desk import Desk
from deedbook.chain.transactions import Call
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.payees import Payee, PayeeKind, PayeeRequest, SignedPayee, payee_digest, payee_request_digest
from tests.e2e.http_service import Client, running
from tests.integration.scenario import BUYER, EXCHANGE, STRANGER, Scenario, Stage

DEEP: Final = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
CASES: Final = 12_000 if DEEP else 600
"""How many requests are drawn in all; at least ten thousand, or five hundred, are then sent."""
LEAST: Final = 10_000 if DEEP else 500
KNOWN: Final = ("2xx", "3xx", "401", "403", "404", "409", "422", "429", "503")
"""What a request may be answered whose form is right: what an id, a place in a list or a signature is good for is more
than a form says."""


@dataclass(frozen=True)
class Stored:
    """What there is in the story: identifiers by the name of a parameter, and signed documents."""

    names: Mapping[str, Sequence[str]]
    documents: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Served:
    """The home, served."""

    client: Client
    stored: Stored


@pytest.fixture(scope="module")
def served(listed: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = Path(shutil.copytree(listed.home, tmp_path_factory.mktemp("whole-api") / "home"))
    with ExitStack() as stack:
        scenario = Scenario.go_on(listed, home)
        stack.callback(scenario.close)
        passphrase = scenario.services.home.passphrase(None)
        for name in ("exchange", "provider"):
            scenario.services.keystore.create(name, passphrase, sha256(f"account {name}".encode()))
        sale = scenario.order(BUYER)
        scenario.pay(sale)
        scenario.prepare(sale)
        scenario.deliver(sale)
        desk = stack.enter_context(Desk(scenario.services))
        client = stack.enter_context(running(desk))
        log = f"/anchors/{to_hex(EXCHANGE.address)}/entries"
        assert client.post(log, b'{"n":1}\n{"n":2}\n', media_type="application/x-ndjson").status == 201
        assert client.post("/relayed?wait=final", _act(scenario)).status == 201
        yield Served(client, _stored(scenario, sale))


def _act(scenario: Scenario, number: int = 0) -> Any:
    """A buyer's signed act."""
    arguments = (sha256(bytes([number])), 3, sha256(b"grounds"))
    return scenario.services.relaying.sign(
        Call("Cases", scenario.services.addresses["Cases"], "open", arguments), BUYER
    ).to_json()


def _stored(scenario: Scenario, sale: bytes) -> Stored:
    people = scenario.stage.people
    consent = scenario.consent_of(people[0])
    ids = {
        "asset_id": [str(scenario.stage.asset_id)],
        "consent_id": [to_hex(scenario.consent_of(person)) for person in people],
        "offer_id": [to_hex(scenario.offer_id)],
        "sale_id": [to_hex(sale)],
        "exchange": [to_hex(EXCHANGE.address)],
        "account": [to_hex(part.address) for part in (EXCHANGE, BUYER, STRANGER)],
        "digest": [to_hex(each.hash) for each in scenario.services.records.documents.of_kind("notice")],
        "operation_id": [to_hex(act.digest) for act in scenario.services.records.relayed.of()],
        "number": ["1"],
        "index": ["0", "1"],
        "path": ["0/000.p/2", "0/000"],
    }
    names = {**ids, "asset": ids["asset_id"], "buyer": ids["account"], "provider": ids["account"]}
    return Stored({name: some for name, some in names.items() if some}, list(_documents(scenario, consent)))


def _documents(scenario: Scenario, consent: bytes) -> Iterator[Mapping[str, Any]]:
    domain, person = scenario.consents.domain, scenario.stage.people[0]
    yield scenario.sign(STRANGER).to_json()
    yield scenario.withdrawal(person).to_json()
    now = scenario.services.clock()
    payee = Payee(consent, PayeeKind.BANK_ACCOUNT, "ICBC", "6222020200112230", "Li", now)
    yield SignedPayee(domain, payee, person.address, person.sign_digest(payee_digest(domain, payee))).to_json()
    asked = person.sign_digest(payee_request_digest(domain, consent, now))
    yield PayeeRequest(domain, consent, now, person.address, asked).to_json()
    yield _act(scenario, 1)
    yield {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    yield {"salt": to_hex(bytes(32))}


@st.composite
def changed(draw: st.DrawFn, documents: Sequence[Mapping[str, Any]]) -> Any:
    """A document of the story: as it is, or with one field gone, or another value in it, at any depth."""
    document = json.loads(json.dumps(draw(st.sampled_from(documents))))
    at = document
    while True:
        name = draw(st.sampled_from(sorted(at)))
        if not isinstance(at[name], dict) or not at[name] or draw(st.booleans()):
            break
        at = at[name]
    match draw(st.integers(0, 3)):
        case 0:
            del at[name]
        case 1:
            at[name] = draw(VALUES)
        case 2:
            at[draw(st.text(max_size=5))] = draw(VALUES)
    return document


VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=20)
    | st.just("0x" + "11" * 32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@schemathesis.serializer(NDJSON)
def lines(_context: SerializationContext, value: Any) -> bytes:
    """A body of lines as it was drawn; what is no text is a line of JSON."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


class Drawn:
    """Sends drawn requests and asks every check of what is answered."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._session = requests.Session()
        self._session.trust_env = False
        self.sent = 0
        self.answered: dict[int, int] = {}

    def fill(self, case: Case[Any], data: st.DataObject) -> None:
        """Puts names of the story into a right request, so that it leads somewhere."""
        if case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE:
            return
        for values in (case.path_parameters, case.query):
            for name in values or ():
                known = self._served.stored.names.get(name)
                if known and data.draw(st.integers(0, 3)):
                    values[name] = data.draw(st.sampled_from(known))
        if isinstance(case.body, (dict, list)) and data.draw(st.integers(0, 3)):
            case.body = data.draw(changed(self._served.stored.documents))
        if case.media_type == NDJSON and data.draw(st.integers(0, 3)):
            lines = data.draw(st.lists(changed(self._served.stored.documents), max_size=3))
            case.body = "\n".join(map(json.dumps, lines))

    def _answer(self, case: Case[Any]) -> Any:
        told: dict[str, Any] = {"base_url": self._served.client.url, "session": self._session, "timeout": 60}
        try:
            return case.call(**told)
        except requests.exceptions.InvalidJSONError:  # NaN or infinity: the library has no JSON for it, others send it
            return case.call(**told, data=json.dumps(case.body).encode())

    def ask(self, case: Case[Any]) -> None:
        """One request."""
        if case.query and "wait" in case.query:
            case.query["timeout"] = 1  # an act whose turn has not come would wait that long
        self.sent += 1
        answer = self._answer(case)
        self.answered[answer.status_code] = self.answered.get(answer.status_code, 0) + 1
        # JSON-RPC 2.0 answers what is no request by an error of its own
        not_asked = [negative_data_rejection] if case.operation.path == "/rpc" else []
        case.validate_response(
            answer, excluded_checks=not_asked, transport_kwargs={"session": self._session, "timeout": 60}
        )


def test_every_answer_is_one_that_the_description_knows(served: Served) -> None:
    schema = schemathesis.openapi.from_dict(served.client.get("/openapi.json").json())
    schema.config.checks.positive_data_acceptance.expected_statuses = list(KNOWN)
    schema.config.checks.ignored_auth.enabled = False  # this one asks nobody; who does is asked in test_api_access
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(list(schema.get_all_operations()))
    drawn, wrong = Drawn(served), []
    for operation in operations:
        try:
            _draw(drawn, operation, -(-CASES // len(operations)))
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - the other routes are asked too
            wrong.append(f"{operation.label}: {type(error).__name__}: {error}")
    assert not wrong, "\n\n".join(wrong)
    assert drawn.sent >= LEAST
    if figures := os.environ.get("DEEDBOOK_FIGURES"):
        with Path(figures).open("a", encoding="utf-8") as file:
            counted = {str(status): count for status, count in sorted(drawn.answered.items())}
            print(json.dumps({"requests": drawn.sent, "answers": counted}), file=file)


def _draw(drawn: Drawn, operation: Any, count: int) -> None:
    right = operation.as_strategy(GenerationMode.POSITIVE)
    either = right | operation.as_strategy(GenerationMode.NEGATIVE)

    @hypothesis.settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=either, data=st.data())
    def run(case: Case[Any], data: st.DataObject) -> None:
        drawn.fill(case, data)
        drawn.ask(case)

    run()
