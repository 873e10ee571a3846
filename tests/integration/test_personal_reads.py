"""What a person sees of the own: consents, statement, orders with the buyer's legal name; each read is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from deedbook.domain.hashing import checksum_address, from_hex, sha256, to_hex
from deedbook.domain.principals import Matter, Means, Scope, matter_of, reader_mark
from deedbook.errors import IntegrityError
from deedbook.ledger import members
from tests.e2e.leaks import files_of
from tests.integration.behind_a_door import Served, served
from tests.integration.scenario import BUYER, PROVIDER, SECOND, STRANGER, Scenario, Stage, account

SALT: Final = sha256(b"salt of an identity")
IDENTITY: Final = {"name": "用人单位甲", "registration": "synthetic-employer"}
PERSON, OTHER = account("person 0"), account("person 1")


@pytest.fixture
def home(listed: Stage, tmp_path: Any) -> Iterator[Served]:
    with Scenario.copied(listed, tmp_path) as scenario, served(scenario) as made:
        yield made


def orders(home: Served, who: Any = PERSON) -> list[dict[str, Any]]:
    home.desk.catch_up()
    answer = home.ask(who, "GET", "/me/orders")
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
    return list(answer.json()["items"])


def identify(scenario: Scenario, buyer: Any = BUYER, salt: bytes = SALT) -> None:
    """The buyer's identity as the home keeps it."""
    scenario.services.records.identities.put(buyer.address, salt, IDENTITY)


@pytest.fixture
def identified(listed: Stage, tmp_path: Any) -> Iterator[Served]:
    """The same, where a buyer was admitted under a commitment that opens."""
    with Scenario.copied(listed, tmp_path) as scenario:
        commitment = scenario.services.records.identities.put(STRANGER.address, SALT, IDENTITY)
        members.admit(
            scenario.acting, scenario.governance, STRANGER.address, identity=commitment, jurisdiction=156,
            roles=4, valid_until=scenario.clock() + 10**7, licences=(256,),
        )  # fmt: skip
        with served(scenario) as made:
            yield made


def test_a_person_hears_of_an_order_when_it_is_ordered_with_the_buyers_legal_name(identified: Served) -> None:
    home, scenario = identified, identified.scenario
    assert orders(home) == []
    sale = scenario.order(STRANGER)
    (heard,) = orders(home)
    assert heard["saleId"] == to_hex(sale)
    assert (heard["buyer"], heard["buyerName"]) == (checksum_address(STRANGER.address), IDENTITY["name"])
    assert heard["consents"] == [to_hex(scenario.consent_of(PERSON))]
    assert (heard["purpose"], heard["state"], heard["delivered"]) == ("recruitment", "ordered", None)
    assert orders(home, OTHER)[0]["consents"] == [to_hex(scenario.consent_of(OTHER))]
    assert orders(home, STRANGER) == orders(home, PROVIDER) == []
    places = files_of(scenario.services.home.path)
    secrets = [IDENTITY["name"].encode(), IDENTITY["registration"].encode()]
    assert [place for place, content in places.items() for secret in secrets if secret in content] == []


def test_a_name_that_the_commitment_on_chain_does_not_open_to_is_not_told(home: Served) -> None:
    identify(home.scenario)
    home.scenario.order(BUYER)
    home.scenario.order(SECOND)
    assert [order["buyerName"] for order in orders(home)] == [None, None]
    with home.scenario.services.records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE legal_identities SET commitment = zeroblob(32)")
    with pytest.raises(IntegrityError):
        home.scenario.services.records.identities.of([BUYER.address])


def test_a_withdrawn_record_is_covered_by_no_later_order_and_by_no_delivery(home: Served) -> None:
    scenario = home.scenario
    sale = scenario.order(BUYER)
    before, after = scenario.stage.people[2], scenario.stage.people[1]
    scenario.consents.withdraw_for(scenario.withdrawal(before), PROVIDER)
    scenario.pay(sale)
    scenario.prepare(sale)
    scenario.deliver(sale)
    assert [order["delivered"] for order in orders(home, before)] == [False]
    assert [order["delivered"] for order in orders(home, after)] == [True]
    scenario.order(SECOND)
    assert [order["buyer"] for order in orders(home, before)] == [checksum_address(BUYER.address)]
    assert len(orders(home, after)) == 2


def test_orders_come_by_the_page(home: Served) -> None:
    for number in range(3):
        home.scenario.order((BUYER, SECOND)[number % 2], reference=sha256(bytes([number])))
    whole = orders(home)
    first = home.ask(PERSON, "GET", "/me/orders?limit=2").json()
    rest = home.ask(PERSON, "GET", f"/me/orders?limit=2&after={first['after']}").json()
    assert (first["items"] + rest["items"], rest["after"]) == (whole, None)
    assert len(whole) == 3


def test_a_person_sees_the_own_consents_and_no_others(home: Served) -> None:
    consents = home.ask(PERSON, "GET", "/me/consents").json()["items"]
    assert [(each["consentId"], each["state"], each["live"]) for each in consents] == [
        (to_hex(home.scenario.consent_of(PERSON)), "anchored", True)
    ]
    assert home.ask(BUYER, "GET", "/me/consents").json() == {"items": []}
    fresh = home.scenario.sign(STRANGER)
    assert home.ask(STRANGER, "POST", "/consents", fresh.to_json()).status == 201
    (waits,) = home.ask(STRANGER, "GET", "/me/consents").json()["items"]
    assert (waits["state"], waits["batchId"], waits["live"]) == ("pending", None, None)


def test_every_read_is_noted_before_it_is_answered_and_the_log_names_nobodys(home: Served) -> None:
    book, consent = home.scenario.services.records.principals, home.scenario.consent_of(PERSON)
    statement = f"/statements/{to_hex(consent)}"
    assert (
        home.ask(PERSON, "GET", statement, X_Request_ID="8a3c64f1-2f62-4be0-9c55-0d0b7a6a1f10").headers["x-request-id"]
        == "8a3c64f1-2f62-4be0-9c55-0d0b7a6a1f10"
    )
    assert home.ask(OTHER, "GET", statement).status == 404
    home.ask(PERSON, "GET", "/me/consents")
    home.ask(PERSON, "GET", "/me/orders")
    reads, more = book.reads()
    assert [(read.means, read.kind) for _, read in reads] == [
        (Means.SESSION, Matter.STATEMENT), (Means.SESSION, Matter.CONSENTS), (Means.SESSION, Matter.ORDERS),
    ]  # fmt: skip
    assert (reads[0][1].request, reads[0][1].at, more) == (
        "8a3c64f1-2f62-4be0-9c55-0d0b7a6a1f10",
        home.scenario.clock(),
        False,
    )
    assert reads[0][1].matter == matter_of(Matter.STATEMENT, consent)
    assert [place for place, _ in book.reads(matter=matter_of(Matter.STATEMENT, consent))[0]] == [1]
    assert [place for place, _ in book.reads(after=1, limit=1)[0]] == [2]
    mine, theirs = (book.reads(reference=reader_mark(each.address))[0] for each in (PERSON, OTHER))
    assert ([place for place, _ in mine], theirs) == ([1, 2, 3], [])
    said = json.dumps([str(read) for _, read in reads])
    for secret in (consent.hex(), PERSON.address.hex(), checksum_address(PERSON.address)[2:], repr(consent)):
        assert secret not in said


def test_a_read_that_cannot_be_noted_is_not_answered(home: Served) -> None:
    with home.scenario.services.records.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE personal_reads")
    answer = home.ask(PERSON, "GET", f"/statements/{to_hex(home.scenario.consent_of(PERSON))}")
    assert answer.status == 500
    assert b"saleId" not in answer.content


def test_a_key_reads_personal_matter_of_its_own_account_alone(home: Served) -> None:
    key = home.key(PROVIDER, Scope.OWN)
    assert home.ask(key, "GET", f"/statements/{to_hex(home.scenario.consent_of(PERSON))}").status == 404
    assert home.ask(key, "GET", "/me/consents").json() == {"items": []}
    ((_, read),) = home.scenario.services.records.principals.reads()[0]
    assert (read.means, from_hex("0x" + read.reference, "key", 8)) == (Means.KEY, bytes.fromhex(key[4:20]))
