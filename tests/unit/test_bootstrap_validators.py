"""Who seals, as a home keeps it: taken from the genesis header, extended by the operator, never by votes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.home import Home
from deedbook.bootstrap.validators import finality, known_validators, name_validators, read_validators
from deedbook.chain.finality import CliqueFinality, at_once
from deedbook.domain.validators import Span
from deedbook.errors import ChainUnavailable, Conflict, InvalidFormat, InvalidInput, NotFound, WrongChain
from tests.sealers import Sealers, address_of, keys_of
from tests.simulator import Published, SimulatedNode, honest

KEYS = keys_of(4)
ACCOUNTS = tuple(map(address_of, KEYS))
NEW = tuple(map(address_of, keys_of(5)))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(tmp_path / "home")


@pytest.fixture(scope="module", params=["clique", "qbft"])
def network(request: pytest.FixtureRequest) -> Published:
    return honest().publish(sealers=Sealers(request.param, KEYS), after=1)


def consensus_of(network: Published) -> str:
    assert network.sealers is not None
    return network.sealers.consensus


def test_the_first_list_is_the_genesis_header_s(home: Home, network: Published) -> None:
    found = known_validators(home, SimulatedNode(network), consensus_of(network))
    assert found is not None
    assert found.spans == (Span(0, ACCOUNTS),)
    assert read_validators(home) == found
    assert isinstance(finality(SimulatedNode(network), found), CliqueFinality) == (consensus_of(network) == "clique")


def test_an_instant_chain_has_no_list(home: Home) -> None:
    assert known_validators(home, SimulatedNode(honest().publish()), "instant") is None
    assert not home.validators.exists()
    assert finality(SimulatedNode(honest().publish()), None) is at_once
    with pytest.raises(NotFound):
        read_validators(home)


def test_what_the_operator_names_is_kept_and_never_rewritten(home: Home, network: Published) -> None:
    known_validators(home, SimulatedNode(network), consensus_of(network))
    extended = name_validators(home, 7, NEW)
    assert extended.at(6) == ACCOUNTS
    assert extended.at(7) == tuple(sorted(NEW))
    assert name_validators(home, 7, NEW) == extended  # the same words again
    for block, accounts in ((7, ACCOUNTS), (3, NEW), (0, ())):
        with pytest.raises(Conflict):
            name_validators(home, block, accounts)
    name_validators(home, 9, ())
    assert known_validators(home, SimulatedNode(network), consensus_of(network)) == read_validators(home)
    assert [span.from_block for span in read_validators(home).spans] == [0, 7, 9]


@pytest.mark.parametrize(("said", "is_"), [("clique", "qbft"), ("qbft", "clique"), ("clique", "instant")])
def test_a_chain_of_another_consensus_is_refused(home: Home, said: str, is_: str) -> None:
    sealers = None if is_ == "instant" else Sealers(is_, KEYS)
    with pytest.raises(InvalidInput, match="consensus"):
        known_validators(home, SimulatedNode(honest().publish(sealers=sealers)), said)
    assert not home.validators.exists()


def test_a_genesis_that_is_not_the_deployment_s_gives_no_list(home: Home, network: Published) -> None:
    with pytest.raises(WrongChain):
        known_validators(home, SimulatedNode(network), consensus_of(network), bytes(32))
    assert known_validators(home, SimulatedNode(network), consensus_of(network), network.hashes[0]) is not None


def test_a_list_of_another_consensus_is_refused(home: Home) -> None:
    known_validators(home, SimulatedNode(honest().publish(sealers=Sealers("clique", KEYS))), "clique")
    with pytest.raises(InvalidInput, match="clique"):
        known_validators(home, SimulatedNode(honest().publish(sealers=Sealers("qbft", KEYS))), "qbft")


def test_a_list_that_is_damaged_is_named(home: Home, network: Published) -> None:
    home.validators.write_text("[]", encoding="utf-8")
    with pytest.raises(InvalidFormat):
        known_validators(home, SimulatedNode(network), consensus_of(network))


class Told(SimulatedNode):
    """Tells one thing for every block."""

    said: Any = None

    def request(self, method: str, params: Sequence[Any]) -> Any:
        return {**super().request(method, params), "hash": "0x" + "11" * 32} if self.said else None


def test_a_node_without_a_genesis_or_with_a_false_one_gives_no_list(home: Home, network: Published) -> None:
    node = Told(network)
    with pytest.raises(ChainUnavailable):
        known_validators(home, node, consensus_of(network))
    node.said = "something"
    with pytest.raises(WrongChain):
        known_validators(home, node, consensus_of(network))
    assert not home.validators.exists()
