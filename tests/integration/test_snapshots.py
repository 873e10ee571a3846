"""What the contracts cost, weigh and keep is what is committed: a rise or another layout is a visible change.

`make snapshots` writes the files again.
"""

from __future__ import annotations

import pytest

from deedbook.chain import artifacts
from tests.bench import snapshots
from tests.bench.story import UNREACHABLE, changing_functions


@pytest.fixture(scope="module")
def gas() -> snapshots.Numbers:
    return snapshots.gas()


def test_no_act_costs_more_than_what_is_committed(gas: snapshots.Numbers) -> None:
    for line in snapshots.falls(gas, snapshots.committed("gas")):
        print(f"fell: {line}")
    assert snapshots.rises(gas, snapshots.committed("gas")) == []


def test_every_function_that_changes_something_has_its_gas_committed() -> None:
    committed = snapshots.committed("gas")
    found = {f"{contract}.{name}" for contract, acts in committed.items() for name in acts}
    assert found == {f"{contract}.{name}" for contract, name in changing_functions()} - UNREACHABLE.keys()


def test_no_contract_is_larger_than_what_is_committed() -> None:
    assert snapshots.rises(snapshots.sizes(), snapshots.committed("sizes")) == []


@pytest.mark.parametrize("name", artifacts.NAMES)
def test_a_contract_fits_every_chain(name: str) -> None:
    size = snapshots.sizes()[name]
    assert 0 < size["runtime"] < snapshots.MOST_RUNTIME
    assert size["init"] <= snapshots.MOST_INIT


@pytest.mark.parametrize("name", artifacts.NAMES)
def test_a_contract_keeps_its_layout(name: str) -> None:
    assert snapshots.layouts()[name] == snapshots.committed("layouts")[name]


def test_a_rise_within_one_in_a_hundred_and_a_fall_are_no_failure() -> None:
    before = {"Market": {"order": 100_000, "list": 50_000}}
    now = {"Market": {"order": 101_000, "list": 49_000}}
    assert snapshots.rises(now, before) == []
    assert snapshots.falls(now, before) == ["Market.list: 49,000, was 50,000"]


def test_a_rise_beyond_it_and_a_number_that_is_new_are() -> None:
    before = {"Market": {"order": 100_000}}
    now = {"Market": {"order": 101_001}, "Usage": {"report": 5}}
    assert snapshots.rises(now, before) == ["Market.order: 101,001, was 100,000", "Usage.report: 5, was 0"]
