"""Deferred lists in the records: kept under their root, found again, and a changed one noticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from deedbook.domain.revenue import list_root
from deedbook.errors import IntegrityError, InvalidInput, NotFound
from deedbook.records.schema import deferred_lists
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

PLACES = (0, 3, 2**64 - 1)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer())
    yield opened
    opened.close()


def test_a_list_is_found_by_its_root(records: Records) -> None:
    assert records.deferred.put(PLACES, at=1) == records.deferred.put(PLACES, at=2) == list_root(PLACES)
    assert records.deferred.places(list_root(PLACES)) == PLACES


def test_an_unknown_root_and_unordered_places_are_refused(records: Records) -> None:
    with pytest.raises(NotFound):
        records.deferred.places(bytes(32))
    with pytest.raises(InvalidInput):
        records.deferred.put((3, 1), at=1)


def test_a_changed_list_is_noticed(records: Records) -> None:
    root = records.deferred.put(PLACES, at=1)
    with records.database.writing() as connection:
        connection.execute(update(deferred_lists).values(places=bytes(8)))
    with pytest.raises(IntegrityError):
        records.deferred.places(root)
