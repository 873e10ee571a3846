from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.codes import BPS
from deedbook.domain.money import payout_total, settle
from deedbook.domain.sales import Intermediary, Split
from deedbook.errors import InvalidInput

AMOUNTS = st.integers(0, 2**128 - 1)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    cuts = sorted(draw(st.lists(st.integers(0, BPS), min_size=3, max_size=10)))
    shares = [after - before for before, after in zip([0, *cuts], [*cuts, BPS], strict=True)]
    exchange, provider, subjects, *others = shares
    return Split(bytes(20), exchange, provider, subjects, tuple(Intermediary(bytes(20), share) for share in others))


@given(AMOUNTS, AMOUNTS, splits(), st.integers(1, 10_000_000))
def test_nothing_is_lost_or_made_with_a_pool(price: int, carry: int, split: Split, heads: int) -> None:
    shares = settle(price, carry, split, heads, has_pool=True)
    assert shares.total == price + carry
    assert 0 <= shares.carry_out < heads
    assert shares.exchange == price * split.exchange_bps // BPS
    assert shares.subjects >= price * split.subjects_bps // BPS + carry - heads + 1


@given(AMOUNTS, AMOUNTS, splits())
def test_nothing_is_lost_or_made_without_a_pool(price: int, carry: int, split: Split) -> None:
    shares = settle(price, carry, split, 0, has_pool=False)
    assert shares.total == price + carry
    assert (shares.per_head, shares.subjects, shares.carry_out) == (0, 0, carry)
    assert shares.provider >= price * split.provider_bps // BPS


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 1000)), min_size=1, max_size=8), splits())
def test_the_carry_goes_on_from_sale_to_sale(sales: list[tuple[int, int]], split: Split) -> None:
    carry, paid, fixed = 0, 0, 0
    for price, heads in sales:
        shares = settle(price, carry, split, heads, has_pool=True)
        carry, paid, fixed = (
            shares.carry_out,
            paid + shares.subjects,
            fixed + shares.total - shares.subjects - shares.carry_out,
        )
    assert paid + fixed + carry == sum(price for price, _ in sales)


@pytest.mark.rule("payout")
def test_a_payout_pays_each_ordinal_once() -> None:
    assert payout_total(0, 200, 7) + payout_total(200, 500, 7) == payout_total(0, 500, 7) == 3500


@pytest.mark.parametrize(("first", "end"), [(5, 5), (6, 5), (-1, 5)])
def test_an_empty_range_is_no_payout(first: int, end: int) -> None:
    with pytest.raises(InvalidInput, match="ordinals"):
        payout_total(first, end, 7)


@pytest.mark.parametrize(("price", "carry", "heads"), [(-1, 0, 1), (0, -1, 1), (0, 0, -1)])
def test_negative_amounts_are_refused(price: int, carry: int, heads: int) -> None:
    with pytest.raises(InvalidInput, match="amount"):
        settle(price, carry, Split(bytes(20), 0, 0, 0), heads, has_pool=True)


@pytest.mark.rule("split-is-whole")
def test_a_pool_needs_heads_and_shares_a_whole() -> None:
    with pytest.raises(InvalidInput, match="deliveredCount"):
        settle(1, 0, Split(bytes(20), 0, 0, BPS), 0, has_pool=True)
    with pytest.raises(InvalidInput, match="split"):
        settle(10_000, 0, Split(bytes(20), BPS, 1, 0), 1, has_pool=True)
