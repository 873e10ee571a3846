"""Withdrawals by the file: each counts by itself, once, and everything follows - bits, covers, keys, the mirror."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from deedbook.cli.withdrawals import relay_file
from deedbook.domain.consents import Withdrawal
from deedbook.domain.keytree import delivered_count
from deedbook.errors import ChainUnavailable, DeedbookError
from deedbook.queries.consents import ended_leaves
from deedbook.records.consents import ConsentState
from tests.integration.scenario import EXCHANGE, PROVIDER, STRANGER, Scenario, Stage

PEOPLE = 6


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """One asset, listed."""
    scenario = Scenario.begin(tmp_path_factory.mktemp("withdrawing") / "home", PEOPLE)
    scenario.stage_whole()
    return scenario.close()


@pytest.fixture
def home(listed: Stage, tmp_path: Path) -> Iterator[Scenario]:
    scenario = Scenario.go_on(listed, Path(shutil.copytree(listed.home, tmp_path / "home")))
    yield scenario
    scenario.close()


def file_of(home: Scenario, lines: Sequence[Withdrawal | str]) -> str:
    path = home.stage.home.parent / "withdrawals.ndjson"
    texts = (line if isinstance(line, str) else json.dumps(line.to_json()) for line in lines)
    path.write_text("".join(text + "\n" for text in texts))
    return str(path)


def live(home: Scenario) -> int:
    found: int = home.services.acting.read("Consents", "basisState", home.stage.asset_id)["live"]
    return found


def blocks(home: Scenario) -> int:
    return int(home.services.node.request("eth_blockNumber", []), 16)


def test_a_file_of_withdrawals_ends_every_leaf_and_every_key(home: Scenario) -> None:
    gone = home.stage.people[:4]
    relayed = relay_file(home.services, file_of(home, [home.withdrawal(each) for each in gone]), EXCHANGE)
    assert (relayed.counts, relayed.refused) == ({"withdrawn": 4, "already": 0, "unanchored": 0}, [])
    assert live(home) == PEOPLE - 4
    home.services.follow()
    indices = {home.consents.place(home.consent_of(each)).index for each in gone}
    assert ended_leaves(home.services.mirror, home.batch.batch_id) == indices
    before = home.services.records.payloads.generation()
    assert home.services.erase_ended() == 4
    assert home.services.records.payloads.generation() == before + 1
    assert delivered_count(home.services.vault.available(home.stage.payload_id)) == PEOPLE - 4
    states = {home.services.records.consents.standing(home.consent_of(each)).state for each in gone}
    assert states == {ConsentState.WITHDRAWN}


def test_the_same_file_again_sends_nothing(home: Scenario) -> None:
    file = file_of(home, [home.withdrawal(each) for each in home.stage.people[:3]])
    relay_file(home.services, file, EXCHANGE)
    height = blocks(home)
    assert relay_file(home.services, file, EXCHANGE).counts["withdrawn"] == 3
    assert (blocks(home), live(home)) == (height, PEOPLE - 3)
    assert relay_file(home.services, file, STRANGER).counts["already"] == 3
    assert (blocks(home), live(home)) == (height, PEOPLE - 3)


def test_a_bad_line_is_named_and_keeps_nobody_else_from_leaving(home: Scenario) -> None:
    first, second, fourth = (home.withdrawal(home.stage.people[person]) for person in (0, 1, 3))
    cut = json.dumps(second.to_json())[:-20]
    forged = home.withdrawal(home.stage.people[2], signer=STRANGER)
    elsewhere = json.dumps(fourth.to_json() | {"chainId": "1"})
    file = file_of(home, [first, "", cut, forged, elsewhere, first, "[]", "1" * 5000])
    relayed = relay_file(home.services, file, EXCHANGE)
    assert relayed.counts["withdrawn"] == 2  # the same one twice
    assert [(each["line"], each["code"]) for each in relayed.refused] == [
        (3, "invalid-format"),
        (4, "invalid-signature"),
        (5, "invalid-input"),
        (7, "invalid-format"),
        (8, "invalid-input"),
    ]
    assert live(home) == PEOPLE - 1


def test_whoever_waits_for_a_batch_never_enters_one(home: Scenario) -> None:
    signed = home.sign(STRANGER)
    home.stage.receipts.append(home.consents.collect(signed, PROVIDER))
    relayed = relay_file(home.services, file_of(home, [home.withdrawal(STRANGER)]), EXCHANGE)
    assert relayed.counts == {"withdrawn": 0, "already": 0, "unanchored": 1}
    assert signed.consent_id in home.services.withdrawals.all()
    assert home.services.records.consents.pending_consents(home.stage.asset_id) == []


def test_a_relaying_that_was_cut_short_goes_on(home: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the second chunk the node is gone; the same file again ends it, and sends nothing twice."""
    monkeypatch.setattr("deedbook.cli.withdrawals.AT_ONCE", 2)
    file = file_of(home, [home.withdrawal(each) for each in home.stage.people])
    relay, calls = home.services.withdrawing.relay, []

    def gone(some: Sequence[tuple[int, Withdrawal]], relayer: object) -> object:
        calls.append(some)
        if len(calls) == 3:
            raise ChainUnavailable("the node is gone")
        return relay(some, relayer)  # type: ignore[arg-type]

    home.services.withdrawing.relay = gone  # type: ignore[method-assign, assignment]
    with pytest.raises(DeedbookError):
        relay_file(home.services, file, EXCHANGE)
    assert live(home) == 2
    home.services.withdrawing.relay = relay  # type: ignore[method-assign]
    height = blocks(home)
    assert relay_file(home.services, file, EXCHANGE).counts["withdrawn"] == PEOPLE
    assert live(home) == 0
    assert blocks(home) <= height + 2
