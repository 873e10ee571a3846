"""What a person says went wrong: kept for who can open a case about it, and shown with what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.complaints import MOST
from deedbook.domain.codes import Outcome, Role
from deedbook.domain.complaints import Complaint
from deedbook.domain.hashing import canonical_json, checksum_address, sha256, to_hex
from deedbook.domain.principals import Matter, matter_of, reader_mark
from deedbook.ledger import cases
from tests.e2e.leaks import files_of
from tests.integration.behind_a_door import Served, served
from tests.integration.scenario import BUYER, EXCHANGE, Scenario, Stage, account

PERSON, OTHER, REGULATOR = account("person 0"), account("person 1"), account("regulator")
TEXT = "my record was delivered for something else"


@pytest.fixture
def home(listed: Stage, tmp_path: Path) -> Iterator[Served]:
    with Scenario.copied(listed, tmp_path) as scenario:
        scenario.admit(REGULATOR, Role.REGULATOR)
        with served(scenario) as made:
            yield made


def complain(home: Served, who: Any = PERSON, text: str = TEXT, **headers: str) -> Any:
    body = {"consent": to_hex(home.scenario.consent_of(PERSON)), "text": text}
    return home.ask(who, "POST", "/me/complaints", body, **headers)


def own(home: Served, who: Any = PERSON) -> list[dict[str, Any]]:
    home.desk.catch_up()
    return list(home.ask(who, "GET", "/me/complaints").json()["items"])


def test_a_complaint_reaches_who_can_open_a_case_and_its_person_sees_what_became_of_it(home: Served) -> None:
    made = complain(home).json()
    (heard,) = home.ask(REGULATOR, "GET", "/complaints").json()["items"]
    assert (heard, heard["document"]["text"], heard["cases"]) == (made, TEXT, [])
    complaint = Complaint.decode(canonical_json(heard["document"]))
    assert to_hex(complaint.complaint_id) == heard["complaintId"]
    said = {"as": checksum_address(EXCHANGE.address), "target": f"asset:{heard['assetId']}", "kind": "objection"}
    case = home.ask(EXCHANGE, "POST", "/cases?wait=final", {**said, "document": heard["complaintId"]})
    assert case.status == 201
    (seen,) = own(home)
    ((opened,),) = ([each["outcome"] for each in seen["cases"]],)
    assert (opened, seen["cases"][0]["opener"]) == (None, checksum_address(EXCHANGE.address))
    name = bytes.fromhex(seen["cases"][0]["caseId"][2:])
    cases.decide(home.scenario.acting, REGULATOR, name, Outcome.POSITIVE, sha256(b"decided"))
    ((decided,),) = ([each["outcome"] for each in own(home)[0]["cases"]],)
    assert decided == "positive"


def test_a_complaint_is_the_persons_and_the_judges_alone(home: Served) -> None:
    assert complain(home, OTHER).status == 404
    assert complain(home, None).status == 401
    assert complain(home).status == 201
    assert (own(home, OTHER), own(home, BUYER)) == ([], [])
    assert [home.ask(who, "GET", "/complaints").status for who in (None, PERSON, BUYER, REGULATOR, EXCHANGE)] == [
        401, 403, 403, 200, 200,
    ]  # fmt: skip
    files = files_of(home.scenario.services.home.path)
    assert [place for place, content in files.items() if TEXT.encode() in content] == []


def test_each_read_of_a_complaint_is_noted(home: Served) -> None:
    complain(home)
    home.ask(REGULATOR, "GET", "/complaints")
    own(home)
    book, matter = home.scenario.services.records.principals, matter_of(Matter.COMPLAINTS, PERSON.address)
    reads = [read.reference for _, read in book.reads(matter=matter)[0]]
    assert reads == [reader_mark(REGULATOR.address), reader_mark(PERSON.address)]


def test_the_same_request_again_is_one_complaint_and_there_is_an_end_to_them(home: Served) -> None:
    first = complain(home, Idempotency_Key="once")
    again = complain(home, Idempotency_Key="once")
    assert (again.content, len(own(home))) == (first.content, 1)
    for _ in range(MOST - 1):
        assert complain(home).status == 201
    assert complain(home).status == 409
    pages = [home.ask(REGULATOR, "GET", "/complaints?limit=60").json()]
    pages.append(home.ask(REGULATOR, "GET", f"/complaints?limit=60&after={pages[0]['after']}").json())
    assert [len(page["items"]) for page in pages] == [60, MOST - 60]
    assert pages[1]["after"] is None
    assert home.ask(REGULATOR, "GET", "/complaints?after=x").json()["field"] == "after"


def test_a_complaint_says_something_and_not_too_much(home: Served) -> None:
    for text in ("", "x" * 2001, "hidden\u202etext"):
        answer = complain(home, text=text)
        assert (answer.status, answer.json()["field"]) == (422, "text")
