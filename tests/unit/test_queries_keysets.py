"""Tokens of places: what a page gives is taken back, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.errors import InvalidInput
from deedbook.queries.keysets import MOST_TOKEN, Places

PLACES = Places("things", (int, bytes))
NUMBERS = st.integers(0, 2**63 - 1)
KEYS = st.binary(max_size=64)


@given(NUMBERS, KEYS)
def test_a_place_is_found_by_its_token(number: int, key: bytes) -> None:
    token = PLACES.token(number, key)
    assert PLACES.parts(token) == (number, key)
    assert len(token) <= MOST_TOKEN
    assert token.isascii()
    assert "=" not in token


@given(NUMBERS, KEYS)
def test_a_place_of_another_list_is_refused(number: int, key: bytes) -> None:
    others = [
        Places("others", (int, bytes)).token(number, key),
        Places("things", (bytes,)).token(key),
        Places("things", (int,)).token(number),
        Places("things", (int, bytes, int)).token(number, key, number),
    ]
    for token in others:
        with pytest.raises(InvalidInput) as refused:
            PLACES.parts(token)
        assert refused.value.field == "after"


@given(NUMBERS, KEYS, st.data())
def test_a_token_with_one_sign_changed_is_refused(number: int, key: bytes, data: st.DataObject) -> None:
    token = PLACES.token(number, key)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCabc019-_=+/ é\0").filter(lambda sign: sign != token[at]))
    with pytest.raises(InvalidInput):
        PLACES.parts(token[:at] + other + token[at + 1 :])


@given(st.one_of(st.text(max_size=300), st.binary(max_size=200).map(lambda raw: raw.hex())))
def test_nonsense_is_refused_by_its_field(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        PLACES.parts(text)
    assert refused.value.field == "after"
