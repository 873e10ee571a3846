"""Who is paid later: lists of places, ascending, inside what is paid, and whose money it is in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.hashing import ZERO32, sha256
from deedbook.domain.merkle import rfc9162_root
from deedbook.domain.revenue import bounce, list_root, ordinals_of, payout, place_entry, places_in
from deedbook.errors import InvalidFormat, InvalidInput

RECEIPT = sha256(b"bank batch")


@given(st.sets(st.integers(0, 2**64 - 1)))
def test_a_list_is_read_as_it_is_kept(drawn: set[int]) -> None:
    places = tuple(sorted(drawn))
    entries = [place_entry(place) for place in places]
    assert places_in(b"".join(entries)) == places
    assert list_root(places) == (rfc9162_root(entries) if places else ZERO32)


@pytest.mark.parametrize("places", [(3, 2), (2, 2), (0, 1, 1)])
def test_places_ascend_without_repeats(places: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        list_root(places)
    assert refused.value.field == "places"


@pytest.mark.parametrize("place", [-1, 2**64])
def test_a_place_is_of_64_bits(place: int) -> None:
    with pytest.raises(InvalidInput):
        place_entry(place)


def test_a_part_of_an_entry_is_refused() -> None:
    with pytest.raises(InvalidFormat):
        places_in(bytes(9))


def test_a_payout_leaves_out_whoever_is_put_off() -> None:
    made = payout(first=4, end=10, per_head=7, receipt=RECEIPT, deferred=(4, 9))
    assert made.as_tuple() == (0, 4, 10, 2, list_root((4, 9)), 28, RECEIPT)


def test_where_all_are_put_off_there_is_no_receipt() -> None:
    made = payout(first=0, end=2, per_head=7, receipt=RECEIPT, of=3, deferred=(0, 1))
    assert (made.list, made.total, made.receipt) == (3, 0, ZERO32)


@pytest.mark.parametrize("deferred", [(3,), (10,), (4, 10)])
def test_whoever_is_put_off_is_among_the_places(deferred: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput):
        payout(first=4, end=10, per_head=7, receipt=RECEIPT, deferred=deferred)


def test_a_bounce_is_of_so_many_at_so_much() -> None:
    assert bounce(places=(1, 5), per_head=7, receipt=RECEIPT, of=2).as_tuple() == (2, 2, list_root((1, 5)), 14, RECEIPT)


def test_places_of_lists_lead_to_delivered_ordinals() -> None:
    assert ordinals_of([(3, 5, 8)]) == (3, 5, 8)
    assert ordinals_of([(3, 5, 8), (0, 2), (1,)]) == (8,)
    with pytest.raises(InvalidInput):
        ordinals_of([(3, 5), (2,)])
