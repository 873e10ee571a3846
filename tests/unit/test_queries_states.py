"""A state of the mirror has one name for each answer; another block, a fork or a new derivation has others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert

from deedbook.mirror import schema
from deedbook.mirror.store import Chain, Cursor, Mirror, write_cursor, write_derivation
from deedbook.queries.states import State, state_in

STATE = State(7, b"\7" * 32, 1_800_000_000, 7, 0)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    made = Mirror.open(f"sqlite:///{tmp_path / 'mirror.sqlite'}", Chain(1, b"\1" * 32, {"Market": b"\2" * 20}))
    yield made
    made.close()


def _seen(mirror: Mirror) -> State:
    with mirror.reading() as connection:
        return state_in(connection)


def test_the_state_of_a_mirror_is_its_last_block_and_what_was_derived(mirror: Mirror) -> None:
    assert _seen(mirror) == State(-1, b"", 0, -1, 0)
    with mirror.writing() as connection:
        block = {"number": 7, "hash": STATE.hash, "parent_hash": b"\6" * 32, "timestamp": STATE.at}
        connection.execute(insert(schema.blocks), block)
        write_cursor(connection, Cursor(7, STATE.hash, 7))
    assert _seen(mirror) == STATE
    with mirror.writing() as connection:
        write_derivation(connection, 3)
    assert _seen(mirror) == replace(STATE, derivation=3)


@pytest.mark.parametrize(
    "other", [replace(STATE, number=8), replace(STATE, hash=b"\10" * 32), replace(STATE, derivation=1)]
)
def test_another_state_names_its_answers_otherwise(other: State) -> None:
    assert STATE.tag("json", "/assets") == replace(STATE, final=6).tag("json", "/assets")
    assert STATE.tag("json", "/assets") != other.tag("json", "/assets")
    assert len({STATE.tag("json", "/assets"), STATE.tag("csv", "/assets"), STATE.tag("json", "/sales")}) == 3


def test_a_state_is_settled_where_no_other_can_have_its_time() -> None:
    assert STATE.settled_at == STATE.at
    for other in (replace(STATE, final=6), replace(STATE, derivation=1), State(-1, b"", 0, -1, 0)):
        assert other.settled_at is None
