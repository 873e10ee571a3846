"""Consents that expire: their records are erased like withdrawn ones, in the second after their last."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from deedbook.bootstrap.desk import ERASE_EVERY, Desk
from deedbook.domain.batches import Batch, leaf_of
from deedbook.domain.consents import batch_id, terms_hash
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS
from deedbook.errors import NotFound
from deedbook.records.schema import consents
from tests.conftest import START
from tests.integration.scenario import EXCHANGE, PROVIDER, Scenario, Stage, sealed_record

PEOPLE = 5
DAY = 86_400
ENDS = START + DAY
"""The last second of the first person's consent; every next person's is one second later."""


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A version whose consents end one after another."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("expiry") / "home", PEOPLE)
    for later, person in enumerate(scenario.stage.people):
        signed = scenario.sign(person, scenario.consent(person, valid_until=ENDS + later))
        scenario.stage.receipts.append(scenario.consents.collect(signed, PROVIDER))
    scenario.anchor()
    scenario.audit()
    scenario.publish()
    scenario.bind()
    scenario.services.follow()
    return scenario.close()


@pytest.fixture
def home(bound: Stage, tmp_path: Path) -> Iterator[Scenario]:
    scenario = Scenario.go_on(bound, Path(shutil.copytree(bound.home, tmp_path / "home")))
    yield scenario
    scenario.close()


def served(scenario: Scenario) -> list[bool]:
    """Whose record can still be had, person by person."""
    return [_is_served(scenario, person) for person in range(PEOPLE)]


def _is_served(scenario: Scenario, person: int) -> bool:
    index = scenario.consents.place(scenario.consent_of(scenario.stage.people[person])).index
    try:
        scenario.services.vault.serve_unit(scenario.stage.payload_id, index)
    except NotFound:
        return False
    return True


def test_a_record_is_erased_in_the_second_after_its_consents_last(home: Scenario) -> None:
    for person in range(PEOPLE):
        home.clock.now = ENDS + person
        assert home.services.erase_ended() == 0
        assert served(home) == [each >= person for each in range(PEOPLE)]
        home.clock.advance(1)
        assert home.services.erase_ended() == 1
        assert served(home) == [each > person for each in range(PEOPLE)]
        assert home.services.erase_ended() == 0


def test_what_expired_and_what_was_withdrawn_share_one_erasure(home: Scenario) -> None:
    home.consents.withdraw_for(home.withdrawal(home.stage.people[3]), EXCHANGE)
    home.services.follow()
    home.clock.now = ENDS + 2
    before = home.services.records.payloads.generation()
    assert home.services.erase_ended() == 3
    assert home.services.records.payloads.generation() == before + 1
    assert served(home) == [False, False, True, False, True]
    assert home.services.records.payloads.erasures()[-1].receipt


def test_rows_of_an_earlier_release_are_told_by_their_consents(home: Scenario) -> None:
    with home.services.records.database.writing() as connection:
        connection.execute(update(consents).values(valid_until=None))
    home.clock.now = ENDS + 1
    assert home.services.erase_ended() == 1
    assert served(home) == [False, True, True, True, True]


def test_a_running_service_erases_what_expires_while_no_block_comes(home: Scenario) -> None:
    with Desk(home.services) as desk:
        desk.catch_up()
        assert all(served(home))
        home.clock.now = ENDS + 1 + ERASE_EVERY
        desk.catch_up()
    assert served(home) == [False] * PEOPLE


def test_an_opened_home_erases_before_it_delivers(home: Scenario) -> None:
    home.clock.now = ENDS + 1
    assert home.services.reconcile() == 1
    assert served(home)[0] is False


def test_a_consent_granted_on_chain_expires_too(tmp_path: Path) -> None:
    scenario = Scenario.begin(tmp_path / "home", 1)
    (person,) = scenario.stage.people
    signed = scenario.sign(person, scenario.consent(person, valid_until=ENDS))
    scenario.consents.grant(signed, PROVIDER, salt=scenario.stage.salt)
    terms, leaf = signed.consent.terms, leaf_of(signed)
    identifier = batch_id(scenario.stage.asset_id, leaf, 1, terms_hash(terms, ZERO32))
    granted = Batch(identifier, scenario.stage.asset_id, leaf, 1, terms, ZERO32)
    sealed = scenario.services.vault.seal(scenario.stage.asset_id, 1, [signed.consent_id], [sealed_record(person)])
    scenario.publish_sealed(sealed)
    scenario.consents.bind(PROVIDER, scenario.stage.asset_id, 1, [(granted, ZERO_ADDRESS)])
    scenario.services.follow()
    scenario.clock.now = ENDS
    assert scenario.services.erase_ended() == 0
    scenario.clock.advance(1)
    assert scenario.services.erase_ended() == 1
    scenario.close()
