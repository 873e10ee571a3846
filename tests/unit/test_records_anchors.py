"""Logs in the records: every leaf at one place, in the order in which they came, whoever brings them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deedbook.domain.merkle import rfc9162_leaf, rfc9162_root
from deedbook.errors import NotFound
from deedbook.records.anchors import LogState
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

ONE, OTHER = b"\1" * 20, b"\2" * 20


def leaves(*numbers: int) -> list[bytes]:
    return [rfc9162_leaf(b"%d" % number) for number in numbers]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'records.sqlite'}"


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    opened = Records.open(url, ToySealer())
    yield opened
    opened.close()


def test_leaves_stand_where_they_came_first(records: Records) -> None:
    logs = records.anchors
    assert logs.state(ONE) == LogState(ONE)
    assert logs.append(ONE, leaves(5, 6, 5), at=10) == [0, 1, 0]
    assert logs.append(ONE, leaves(6, 7), at=11) == [1, 2]
    assert logs.append(OTHER, leaves(6), at=12) == [0]
    assert logs.states() == [LogState(ONE, 3, 0, 10), LogState(OTHER, 1, 0, 12)]
    assert logs.place_of(ONE, leaves(7)[0]) == 2
    assert logs.tree(ONE).root(3) == rfc9162_root([b"5", b"6", b"7"])
    with pytest.raises(NotFound):
        logs.place_of(OTHER, leaves(7)[0])
    with pytest.raises(NotFound):
        logs.tile(OTHER, 1, 0)


def test_entries_wait_from_the_first_after_a_checkpoint_was_begun(records: Records) -> None:
    logs = records.anchors
    logs.append(ONE, leaves(1, 2), at=10)
    assert logs.begin_checkpoint(ONE) == 2
    assert logs.state(ONE) == LogState(ONE, 2, 2, None)
    logs.append(ONE, leaves(1), at=11)
    assert logs.state(ONE).waiting_since is None
    logs.append(ONE, leaves(3), at=12)
    logs.append(ONE, leaves(4), at=13)
    assert logs.state(ONE) == LogState(ONE, 4, 2, 12)


def test_a_log_of_thousands_is_the_tree_over_them(records: Records) -> None:
    numbers = list(range(3000))
    for first in range(0, 3000, 700):
        part = numbers[first : first + 700]
        assert records.anchors.append(ONE, leaves(*part), at=1) == part
    assert records.anchors.append(ONE, leaves(*reversed(numbers)), at=1) == numbers[::-1]
    assert records.anchors.tree(ONE).root(3000) == rfc9162_root([b"%d" % number for number in numbers])


def test_writers_at_once_leave_one_log_without_gap_or_double(records: Records, url: str) -> None:
    found: list[dict[bytes, int]] = []

    def append(shift: int) -> None:
        own = Records.open(url, ToySealer())
        for first in range(0, 200, 20):
            some = leaves(*range(first + shift, first + shift + 40))
            found.append(dict(zip(some, own.anchors.append(ONE, some, at=1), strict=True)))
        own.close()

    threads = [threading.Thread(target=append, args=(shift,)) for shift in (0, 7, 13)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    places: dict[bytes, int] = {}
    for said in found:
        for leaf, place in said.items():
            assert places.setdefault(leaf, place) == place
    assert sorted(places.values()) == list(range(records.anchors.state(ONE).size))
    tree = records.anchors.tree(ONE)
    assert all(tree.leaf(place) == leaf for leaf, place in places.items())
