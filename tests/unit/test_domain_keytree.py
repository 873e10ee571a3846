from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.keytree import (
    Cover,
    Node,
    cover_all_but,
    decode_cover,
    decode_cover_prefix,
    delivered_count,
    delivered_indices,
    depth_for,
    encode_cover,
    is_delivered,
    label,
    ordinal_of,
)
from deedbook.errors import InvalidFormat, InvalidInput, WrongVersion


@st.composite
def exclusions(draw: st.DrawFn, most: int = 300) -> tuple[int, set[int]]:
    count = draw(st.integers(1, most))
    return count, draw(st.sets(st.integers(0, count - 1), max_size=40))


@given(exclusions())
def test_a_cover_delivers_exactly_those_who_are_not_excluded(drawn: tuple[int, set[int]]) -> None:
    count, excluded = drawn
    cover = cover_all_but(count, excluded)
    delivered = [index for index in range(count) if index not in excluded]
    assert list(delivered_indices(cover)) == delivered
    assert delivered_count(cover) == len(delivered)
    assert [index for index in range(-1, 2 * count) if is_delivered(cover, index)] == delivered
    assert [ordinal_of(cover, index) for index in delivered] == list(range(len(delivered)))


@given(exclusions())
def test_a_cover_is_read_back_from_its_bytes(drawn: tuple[int, set[int]]) -> None:
    cover = cover_all_but(*drawn)
    encoded = encode_cover(cover)
    assert decode_cover(encoded) == cover
    assert decode_cover_prefix(encoded + b"seeds") == (cover, len(encoded))


@given(st.integers(2, 2**40), st.integers(1, 40), st.randoms(use_true_random=False))
def test_a_cover_of_all_but_k_has_about_k_log_n_over_k_nodes(count: int, k: int, random: object) -> None:
    excluded = {(count * i * 7919 + i) % count for i in range(min(k, count))}
    k, depth = len(excluded), depth_for(count)
    most = k * (depth - math.floor(math.log2(k)))
    assert len(cover_all_but(count, excluded)) <= most


@given(st.integers(1, 5), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 31)), max_size=6))
def test_only_the_one_list_of_nodes_of_a_set_is_a_cover(count: int, drawn: list[tuple[int, int]]) -> None:
    nodes = tuple(Node(level, position % (1 << level)) for level, position in drawn)
    try:
        cover = Cover(count, nodes)
    except InvalidInput:
        return
    excluded = set(range(count)) - set(delivered_indices(cover))
    assert cover_all_but(count, excluded) == cover


@given(st.binary(max_size=80))
def test_bytes_that_are_no_cover_are_refused_as_such(data: bytes) -> None:
    for candidate in (data, b"DBCV\x01" + data):
        try:
            cover = decode_cover(candidate)
        except (InvalidFormat, WrongVersion):
            continue
        assert encode_cover(cover) == candidate


def test_a_million_records_without_ten_fit_in_a_short_cover() -> None:
    cover = cover_all_but(1_000_000, range(5, 1_000_000, 100_000))
    assert delivered_count(cover) == 999_990
    assert len(encode_cover(cover)) < 2_000


def test_who_is_not_delivered_has_no_ordinal() -> None:
    with pytest.raises(InvalidInput, match="record 3 is not delivered"):
        ordinal_of(cover_all_but(8, [3]), 3)


@pytest.mark.parametrize("excluded", [[-1], [5], [0, 5]])
def test_indices_beyond_the_records_are_refused(excluded: list[int]) -> None:
    with pytest.raises(InvalidInput, match="excluded"):
        cover_all_but(5, excluded)


@pytest.mark.parametrize(("level", "position"), [(-1, 0), (64, 0), (0, 1), (3, 8), (3, -1)])
def test_a_node_lies_on_its_level(level: int, position: int) -> None:
    with pytest.raises(InvalidInput):
        Node(level, position)


@pytest.mark.parametrize("count", [0, -1, 2**63 + 1])
def test_a_tree_has_a_record_and_not_too_many(count: int) -> None:
    with pytest.raises(InvalidInput, match="recordCount"):
        depth_for(count)


def test_depth_is_the_logarithm_rounded_up() -> None:
    assert [depth_for(count) for count in (1, 2, 3, 4, 5, 500, 2**63)] == [0, 1, 2, 2, 3, 9, 63]


@pytest.mark.parametrize(("use", "level", "branch"), [(0, 0, 0), (4, 0, 0), (1, 64, 0), (1, -1, 0), (1, 0, 2)])
def test_a_label_is_of_a_known_use(use: int, level: int, branch: int) -> None:
    with pytest.raises(InvalidInput, match="label"):
        label(use, level, branch)
