"""Rows as COPY takes them, with the kernel and without."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.chain.columns import Column, Matrix, Numbers
from deedbook.mirror.bulk import Pack, plain_pack
from tests.native import kernel

Pairs = list[tuple[Matrix, Numbers | None]]


@pytest.fixture(params=["plain", "kernel"])
def pack(request: pytest.FixtureRequest) -> Any:
    return plain_pack if request.param == "plain" else kernel("_pack").pack_rows


def written(rows: int, columns: Pairs) -> bytes:
    """By PostgreSQL's manual, field by field."""
    found = b""
    for row in range(rows):
        found += struct.pack(">h", len(columns))
        for cells, lengths in columns:
            value = cells[row].tobytes()
            value = value if lengths is None else value[len(value) - int(lengths[row]) :]
            found += struct.pack(">i", len(value)) + value
    return found


@given(data=st.data(), rows=st.integers(0, 9), widths=st.lists(st.integers(0, 40), min_size=1, max_size=9))
def test_rows_of_columns_of_all_kinds(data: st.DataObject, rows: int, widths: list[int]) -> None:
    columns: Pairs = []
    whole = np.arange(rows * 60, dtype=np.int64).astype(np.uint8).reshape(rows, 60)
    for width in widths:
        at = data.draw(st.integers(0, 60 - width))
        lengths = None
        if data.draw(st.booleans()):
            lengths = np.array([data.draw(st.integers(0, width)) for _ in range(rows)], np.int64)
        columns.append((whole[:, at : at + width], lengths))
    expected = written(rows, columns)
    assert plain_pack(rows, columns) == kernel("_pack").pack_rows(rows, columns) == expected


def test_a_text_that_is_the_same_in_every_row(pack: Pack) -> None:
    text, numbers = Column.of_text("sale", 3), Column.of_numbers(np.array([1, 2, 2**62]))
    columns: Pairs = [(text.cells, text.lengths), (numbers.cells, numbers.lengths)]
    assert pack(3, columns) == written(3, columns)


def test_columns_of_other_rows_are_refused(pack: Pack) -> None:
    three = np.zeros((3, 4), np.uint8)
    strange: list[tuple[int, Pairs]] = [(2, [(three, None)]), (3, [(three, np.zeros(2, np.int64))])]
    for rows, columns in strange:
        with pytest.raises(ValueError):
            pack(rows, columns)


def test_the_kernel_reads_nothing_that_was_not_given() -> None:
    read = kernel("_pack").pack_rows
    three = np.zeros((3, 4), np.uint8)
    strange: list[tuple[Any, Any]] = [
        (np.zeros(12, np.uint8), None),
        (np.zeros((3, 4), np.int64), None),
        (np.zeros((4, 3), np.uint8).T, None),
        (three, np.array([0, 5, 0])),
        (three, np.array([0, -1, 0])),
        (three, np.zeros(6, np.int64)[::2]),
        (three, "text"),
        ("text", None),
    ]
    for pair in strange:
        with pytest.raises((ValueError, TypeError, BufferError)):
            read(3, [pair])
    with pytest.raises(TypeError):
        read(3, [(three,)])
    with pytest.raises(ValueError, match="too many"):
        read(3, [(three, None)] * 65)
