"""What is final on a Clique network, as one node tells its headers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from deedbook.chain.client import NodeError, Request
from deedbook.chain.finality import CliqueFinality, at_once
from deedbook.domain.validators import Span, Validators
from deedbook.errors import ChainUnavailable
from deedbook.wallet.recovery import recover
from tests.sealers import Sealers, address_of, keys_of
from tests.simulator import Published, SimulatedNode, honest

KEYS = keys_of(5)
LIST = Sealers("clique", KEYS).validators


@cache
def chain() -> Published:
    return honest().publish(sealers=Sealers("clique", KEYS))


def final(validators: Validators = LIST) -> CliqueFinality:
    return CliqueFinality(SimulatedNode(chain()), validators, recover)


def doubt(found: CliqueFinality) -> str:
    """The rule that keeps blocks from being final, or the kind of error; empty where there is none."""
    return "" if found.doubt is None else str(found.doubt.fields.get("rule", type(found.doubt).__name__))


def test_an_instant_chain_is_final_at_once() -> None:
    assert [at_once(tip) for tip in (0, 7)] == [0, 7]


def test_a_majority_of_distinct_signers_builds_upon_what_is_final() -> None:
    found = final()
    assert [found(tip) for tip in (3, 4, 5, 20)] == [0, 1, 2, 17]
    assert found.doubt is None


def test_before_there_are_enough_blocks_the_first_is_final() -> None:
    assert [final()(tip) for tip in (0, 1, 2)] == [0, 0, 0]


def test_what_was_final_stays_so_though_a_node_lags() -> None:
    found = final()
    assert found(20) == 17
    assert found(18) == 17
    assert found(10) == 10  # nothing above the tip that was asked about


def test_asked_anew_it_counts_no_block_above_the_tip() -> None:
    assert [final()(tip) for tip in (20, 18, 10)] == [17, 15, 7]


@pytest.mark.parametrize(
    "spans",
    [
        (Span(0, tuple(map(address_of, KEYS))), Span(15, ())),
        (Span(0, tuple(map(address_of, KEYS))), Span(15, tuple(map(address_of, keys_of(5, "stranger"))))),
        (Span(0, tuple(map(address_of, KEYS))), Span(15, tuple(map(address_of, KEYS[:1])))),
    ],
    ids=["nobody is named", "others are named", "not all are named"],
)
def test_what_nobody_named_is_not_final(spans: Sequence[Span]) -> None:
    found = final(Validators("clique", tuple(spans)))
    assert (found(14), doubt(found)) == (11, "")
    assert (found(20), doubt(found)[:5]) == (11, "seal.")


class Lying(SimulatedNode):
    """Answers with the block before."""

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return super().batch([(method, [hex(int(params[0], 16) - 1), False]) for method, params in requests])


class Lagging(SimulatedNode):
    """Has fewer blocks than it said."""

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return [None for _ in requests]


def test_a_node_that_lags_or_lies_makes_nothing_final() -> None:
    lying = CliqueFinality(Lying(chain()), LIST, recover)
    assert (lying(20), doubt(lying)) == (-1, "IntegrityError")
    with pytest.raises(ChainUnavailable):
        CliqueFinality(Lagging(chain()), LIST, recover)(20)
