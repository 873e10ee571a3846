"""Entries of a log are read strictly into canonical form, on the fast way as on the slow one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deedbook.domain.hashing import canonical_json, parse_json
from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.ledger.entries import entries_in, is_canonical

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: not (2**53 <= abs(number) < 1e21))
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@example({"\ufffd": 1, "\U0001f600": 2})
@example({"a": -0.0})
@example([1e15, 1e22, 1.5, 100, '\x7f\u2028\x00\x1f/\\"'])
def test_an_entry_is_its_canonical_form_however_it_is_written(value: Any) -> None:
    canonical = canonical_json(value)
    spellings = (canonical, json.dumps(value).encode(), json.dumps(value, indent=None, ensure_ascii=False).encode())
    assert entries_in(b"\n".join(spellings), most=3) == [canonical] * 3


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:0123456789.eE-+ntf\\u ', max_size=40).map(str.encode))
@example(b'{"a":1,"a":1}')
@example(b'{"b":1,"a":1}')
@example(b"-0")
@example(b"[1.0]")
@example(b"9007199254740993")
def test_what_is_taken_fast_is_taken_slowly_as_it_is(line: bytes) -> None:
    if is_canonical(line):
        assert canonical_json(parse_json(line, "line")) == line


@pytest.mark.parametrize("line", [b'{"price":"1.00","sale":7,"to":"0x1e"}', b'"\xe7\x94\xb2"', b"[]", b"7"])
def test_the_fast_way_is_taken_by_what_is_canonical(line: bytes) -> None:
    assert is_canonical(canonical_json(parse_json(line, "line")))


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        (b"1\n\n", 2, "is not JSON"),
        (b"1\n{}\nNaN\n", 3, "NaN is not JSON"),
        (b'{"a":1,"a":2}', 1, "duplicate key 'a'"),
        (b"[" * 65 + b"]" * 65, 1, "is nested deeper than 64 levels"),
        (b"1\n" + b" " * 65_536 + b"1", 2, "is longer than 65536 bytes"),
        (b'"\\ud800"', 1, "is not UTF-8"),
        (b"1e16", 1, "has no canonical form: an integer beyond 2^53 - 1"),
    ],
)
def test_a_line_that_is_refused_is_named(body: bytes, line: int, reason: str) -> None:
    with pytest.raises(InvalidFormat) as refused:
        entries_in(body, most=10)
    assert (refused.value.field, refused.value.fields["line"]) == ("entries", line)
    assert refused.value.reason.startswith(f"line {line}: {reason}")
    with pytest.raises(InvalidFormat) as later:
        entries_in(body, most=10, first=100)
    assert later.value.fields["line"] == line + 99


@pytest.mark.parametrize("body", [b"", b"1\n" * 11])
def test_none_and_too_many_are_refused_before_any_is_read(body: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        entries_in(body, most=10)
    assert refused.value.field == "entries"
    assert entries_in(b"1\n" * 10, most=10) == [b"1"] * 10
