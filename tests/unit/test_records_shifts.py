"""Turns of work that one process does for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from deedbook.records.shifts import Shifts
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer


@pytest.fixture
def shifts(tmp_path: Path) -> Shifts:
    return Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()).shifts


def test_one_has_the_work_until_its_time_is_over_or_it_leaves(shifts: Shifts) -> None:
    assert shifts.take("following", "one", now=100, seconds=10)
    assert not shifts.take("following", "two", now=109, seconds=10)
    assert shifts.take("following", "one", now=109, seconds=10)
    assert not shifts.take("following", "two", now=118, seconds=10)
    assert shifts.take("following", "two", now=119, seconds=10)
    shifts.leave("following", "one")  # which does not have it any more
    assert not shifts.take("following", "one", now=120, seconds=10)
    shifts.leave("following", "two")
    assert shifts.take("following", "one", now=120, seconds=10)
    assert shifts.take("another", "two", now=120, seconds=10)


def test_only_who_has_the_work_says_how_far_it_is(shifts: Shifts) -> None:
    assert shifts.reached("following") == -1
    shifts.take("following", "one", now=100, seconds=10)
    shifts.reach("following", "one", 7)
    shifts.reach("following", "two", 9)
    assert shifts.reached("following") == 7
    assert shifts.take("following", "two", now=200, seconds=10)
    assert shifts.reached("following") == 7
