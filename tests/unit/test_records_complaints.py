"""Complaints are kept in their order, sealed, a bounded number of each person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deedbook.domain.complaints import MOST_TEXT, Complaint
from deedbook.domain.hashing import sha256
from deedbook.errors import Conflict, InvalidInput, SealBroken
from deedbook.records.store import Records
from tests.toy_sealer import ToySealer

FIRST = Complaint(sha256(b"consent"), bytes(19) + b"\x01", "nobody asked me", 1_800_000_000, sha256(b"salt"))
SECOND = replace(FIRST, salt=sha256(b"another salt"))
OTHERS = replace(FIRST, subject=bytes(19) + b"\x02")


@pytest.fixture
def records(tmp_path: Path) -> Records:
    records = Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer())
    for each in (FIRST, OTHERS, SECOND):
        records.complaints.add(each, most=2)
    return records


def test_a_persons_are_the_own_and_all_come_by_the_page_newest_first(records: Records) -> None:
    assert records.complaints.of(FIRST.subject) == [FIRST, SECOND]
    assert records.complaints.newest(limit=2) == ([SECOND, OTHERS], 2)
    assert records.complaints.newest(limit=2, before=2) == ([FIRST], None)


def test_one_person_leaves_room_for_others(records: Records) -> None:
    with pytest.raises(Conflict):
        records.complaints.add(replace(FIRST, salt=sha256(b"a third")), most=2)
    records.complaints.add(replace(OTHERS, salt=sha256(b"a second")), most=2)


def test_what_was_put_in_the_place_of_another_is_refused(records: Records) -> None:
    with records.database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE complaints SET sealed = (SELECT sealed FROM complaints WHERE position = 1) WHERE position = 3"
        )
    with pytest.raises(SealBroken):
        records.complaints.of(FIRST.subject)


def test_a_text_is_bounded_and_never_quoted() -> None:
    for text in ("", "x" * (MOST_TEXT + 1), "two\u2028lines"):
        with pytest.raises(InvalidInput) as caught:
            replace(FIRST, text=text)
        assert caught.value.field == "text"
    assert FIRST.text not in repr(FIRST)
