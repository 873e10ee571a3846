from __future__ import annotations

import json
from typing import Any

import pytest
import rfc8785
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.hashing import (
    canonical_json,
    checksum_address,
    from_hex,
    keccak256,
    parse_address,
    parse_canonical_json,
    parse_json,
    to_hex,
)
from deedbook.errors import InvalidFormat, InvalidInput

INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
TEXT = st.text(st.characters(codec="utf-8"))
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: not 2**53 <= abs(value) < 1e21)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@given(st.binary())
def test_keccak_is_the_evms(data: bytes) -> None:
    assert keccak256(data) == keccak(data)


@given(st.binary(min_size=20, max_size=20))
def test_addresses_go_to_text_and_back_with_their_checksum(address: bytes) -> None:
    text = checksum_address(address)
    assert text == to_checksum_address(address)
    assert parse_address(text, "account") == parse_address(text.lower(), "account") == address


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "0x",
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
        "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
    ],
)
def test_text_that_is_no_address_is_refused_by_field(text: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_address(text, "buyer")
    assert refusal.value.field == "buyer"


@given(st.binary())
def test_hex_goes_to_text_and_back(data: bytes) -> None:
    assert from_hex(to_hex(data), "data", len(data)) == data


@pytest.mark.parametrize("text", [None, b"0x", "", "00", "0x0", "0xAB", "0xzz", "0x 0", "0x0\n"])
def test_other_spellings_of_bytes_are_refused(text: object) -> None:
    with pytest.raises(InvalidInput):
        from_hex(text, "hash")


def test_bytes_of_another_length_are_refused() -> None:
    with pytest.raises(InvalidInput, match="hash: is 2 bytes, not 32"):
        from_hex("0x0000", "hash", 32)


@given(JSON)
def test_canonical_json_reads_back_as_it_was(value: Any) -> None:
    text = canonical_json(value)
    assert text == rfc8785.dumps(value)
    assert parse_canonical_json(text, "value") == value
    assert parse_json(json.dumps(value, indent=1).encode(), "value") == value


@pytest.mark.parametrize(
    "value",
    [2**53, -(2**53), [1.0, 2.0**53], {"a": -1e20}, float("nan"), float("inf"), {1: 2}, "\ud800", b"", object()],
)
def test_values_without_a_canonical_form_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        canonical_json(value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\\ud800"',
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 100_000,
        b'["\\""' + b",[" * 100_000,
        b"'a'",
        b"1 2",
    ],
)
@pytest.mark.rule("malformed-json")
def test_what_is_not_strict_json_is_refused_with_its_name(text: bytes) -> None:
    with pytest.raises(InvalidFormat) as refusal:
        parse_json(text, "offer")
    assert refusal.value.field == "offer"


def test_nesting_is_counted_outside_text() -> None:
    assert parse_json(b"[" * 64 + b"]" * 64, "offer")
    assert parse_json(b'["' + b"[" * 100 + b'","\\"[["]', "offer") == ["[" * 100, '"[[']


def test_json_that_is_not_canonical_is_refused_only_where_that_is_asked() -> None:
    assert parse_json(b'{"b": 1, "a": 2}', "offer") == {"a": 2, "b": 1}
    with pytest.raises(InvalidFormat, match="canonical"):
        parse_canonical_json(b'{"b": 1, "a": 2}', "offer")
