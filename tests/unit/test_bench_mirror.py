"""The blocks whose rows are compared lie all over the chain, and are others each round."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.bench.mirror import sample_of

WHOLE = st.integers(1, 3_000)


@given(first=st.integers(0, 50), blocks=WHOLE, size=WHOLE, turn=st.integers(0, 20))
def test_a_sample_is_of_blocks_of_the_chain_and_of_none_twice(first: int, blocks: int, size: int, turn: int) -> None:
    ranges = sample_of(first, first + blocks - 1, size, turn)
    assert ranges[0][0] >= first
    assert ranges[-1][1] < first + blocks
    assert all(begin <= end for begin, end in ranges)
    assert all(end < begin for (_, end), (begin, _) in pairwise(ranges))


def test_a_sample_is_as_large_as_was_asked_where_the_chain_has_as_much() -> None:
    assert sum(end - begin + 1 for begin, end in sample_of(12, 1_011, 100, 3)) == 100


def test_the_next_round_looks_at_other_blocks() -> None:
    assert not set(sample_of(12, 1_011, 10, 0)) & set(sample_of(12, 1_011, 10, 1))
