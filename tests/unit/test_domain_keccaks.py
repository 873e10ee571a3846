"""Many hashes at once: what hashing one by one gives, with the kernel and without."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.hashing import keccak256
from deedbook.domain.journal import fold
from deedbook.domain.keccaks import KECCAKS, NO_SLOT, Keccaks, Plain
from tests.native import kernel


@pytest.fixture(params=["plain", "kernel"])
def keccaks(request: pytest.FixtureRequest) -> Any:
    return Plain() if request.param == "plain" else kernel("_keccak")


@pytest.mark.parametrize("width", [1, 32, 64, 96, 135, 136, 137, 271, 272, 273, 600])
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 30])
def test_rows_of_every_width(keccaks: Keccaks, width: int, count: int) -> None:
    rows = bytes(place * 31 + width & 255 for place in range(width * count))
    expected = b"".join(keccak256(rows[at : at + width]) for at in range(0, len(rows), width))
    assert keccaks.keccak256_rows(rows, width) == expected
    assert keccaks.keccak256_rows(memoryview(rows), width) == expected


def test_items_of_every_length(keccaks: Keccaks) -> None:
    items = [bytes([length & 255]) * length for length in range(420)]
    assert keccaks.keccak256_each(items) == b"".join(map(keccak256, items))
    assert keccaks.keccak256_each(reversed(items)) == b"".join(map(keccak256, reversed(items)))
    assert keccaks.keccak256_each([]) == b""


@given(items=st.lists(st.binary(max_size=300), max_size=20))
def test_items_as_they_come(items: list[bytes]) -> None:
    expected = b"".join(map(keccak256, items))
    assert kernel("_keccak").keccak256_each(items) == Plain().keccak256_each(items) == expected


def test_known_hashes(keccaks: Keccaks) -> None:
    """Of nothing, and of "abc": Keccak's own padding, not that of FIPS 202 (Yellow Paper, 4.1: KEC(()))."""
    known = [
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
        "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45",
    ]
    assert keccaks.keccak256_each([b"", b"abc"]).hex() == "".join(known)


@given(
    heads=st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=9),
    width=st.integers(1, 7),
    data=st.data(),
)
def test_a_fold_is_the_journal_s(heads: list[bytes], width: int, data: st.DataObject) -> None:
    """Blocks, topics and data as they are; each log in some journals, in any order."""
    told = st.tuples(st.integers(0, 2**63), st.lists(st.binary(min_size=32, max_size=32), max_size=4), st.binary())
    logs = data.draw(st.lists(told, max_size=12))
    slots = st.sets(st.integers(0, len(heads) - 1), max_size=width)
    chosen = [sorted(data.draw(slots)) for _ in logs]
    expected = list(heads)
    tails = b""
    for (block, topics, told_data), some in zip(logs, chosen, strict=True):
        tails += block.to_bytes(32, "big") + keccak256(b"".join(topics) + told_data)
        for slot in some:
            expected[slot] = fold(expected[slot], block, topics, told_data)
    padded = array("i", [slot for some in chosen for slot in [*some, *[NO_SLOT] * (width - len(some))]])
    for each in (Plain(), kernel("_keccak")):
        assert each.fold_heads(b"".join(heads), tails, padded.tobytes(), width) == b"".join(expected)


def test_what_does_not_fit_is_refused(keccaks: Keccaks) -> None:
    one, two = array("i", [0]).tobytes(), array("i", [2]).tobytes()
    for arguments in [
        (bytes(31), bytes(64), one, 1),
        (bytes(32), bytes(63), one, 1),
        (bytes(32), bytes(64), one, 2),
        (bytes(32), bytes(64), one, 0),
        (bytes(32), bytes(64), b"", 1),
        (bytes(64), bytes(64), two, 1),
    ]:
        with pytest.raises(ValueError):
            keccaks.fold_heads(*arguments)
    for rows, width in [(bytes(33), 32), (bytes(32), 0), (bytes(32), -32)]:
        with pytest.raises(ValueError):
            keccaks.keccak256_rows(rows, width)
    with pytest.raises(TypeError):
        keccaks.keccak256_each(["text"])  # type: ignore[list-item]


def test_the_kernel_takes_its_way_by_the_processor() -> None:
    assert kernel("_keccak").WAY in ("one by one", "AVX2", "AVX-512")
    assert KECCAKS.WAY in ("plain", "one by one", "AVX2", "AVX-512")
