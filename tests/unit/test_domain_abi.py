from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode as encode_by_eth_abi
from hypothesis import assume, given
from hypothesis import strategies as st

from deedbook.domain.abi import decode, encode, head_size, is_dynamic
from deedbook.errors import InvalidFormat, InvalidInput

Typed = tuple[str, Any]


def numbers() -> st.SearchStrategy[Typed]:
    def of(bits: int, signed: bool) -> st.SearchStrategy[Typed]:
        span = st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)
        return span.map(lambda value: (f"{'' if signed else 'u'}int{bits}", value))

    return st.tuples(st.integers(1, 32), st.booleans()).flatmap(lambda pair: of(8 * pair[0], pair[1]))


def words() -> st.SearchStrategy[Typed]:
    fixed = st.binary(min_size=1, max_size=32).map(lambda value: (f"bytes{len(value)}", value))
    address = st.binary(min_size=20, max_size=20).map(lambda value: ("address", value))
    flags = st.booleans().map(lambda value: ("bool", value))
    dynamic = st.binary(max_size=70).map(lambda value: ("bytes", value))
    text = st.text(st.characters(codec="utf-8"), max_size=40).map(lambda value: ("string", value))
    return numbers() | fixed | address | flags | dynamic | text


def compound(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    def row(parts: list[Typed]) -> Typed:
        return "(" + ",".join(name for name, _ in parts) + ")", tuple(value for _, value in parts)

    def repeated(parts: tuple[Typed, int, bool]) -> Typed:
        (name, value), times, fixed = parts
        times = max(times, 1) if fixed else times
        return f"{name}[{times if fixed else ''}]", (value,) * times

    rows = st.lists(inner, min_size=1, max_size=4).map(row)
    return rows | st.tuples(inner, st.integers(0, 3), st.booleans()).map(repeated)


VALUES = st.lists(st.recursive(words(), compound, max_leaves=8), min_size=1, max_size=4)


@given(VALUES)
def test_encoding_is_that_of_eth_abi_and_reads_back(typed: list[Typed]) -> None:
    types, values = [name for name, _ in typed], tuple(value for _, value in typed)
    encoded = encode(types, values)
    assert encoded == encode_by_eth_abi(types, values)
    assert decode(types, encoded) == values


@given(VALUES, st.data())
def test_what_decodes_is_the_one_encoding_of_its_values(typed: list[Typed], data: st.DataObject) -> None:
    types, values = [name for name, _ in typed], tuple(value for _, value in typed)
    encoded = bytearray(encode(types, values))
    assume(encoded)
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        found = decode(types, bytes(encoded))
    except InvalidFormat:
        return
    assert encode(types, found) == bytes(encoded)


@given(VALUES, st.data())
def test_data_cut_short_or_prolonged_is_refused(typed: list[Typed], data: st.DataObject) -> None:
    types = [name for name, _ in typed]
    encoded = encode(types, [value for _, value in typed])
    with pytest.raises(InvalidFormat):
        decode(types, encoded + bytes(data.draw(st.integers(1, 64))))
    if encoded:
        with pytest.raises(InvalidFormat):
            decode(types, encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@pytest.mark.parametrize(
    "types",
    [
        ["uint"],
        ["uint7"],
        ["uint264"],
        ["uint08"],
        ["bytes0"],
        ["bytes33"],
        ["()"],
        ["(uint8"],
        ["(uint8,)"],
        ["uint8[0]"],
        ["uint8[-1]"],
        ["uint8[ 1]"],
        ["fixed128x18"],
        [""],
        ["uint8 "],
        ["uint²8"],
    ],
)
def test_what_is_no_type_is_refused(types: list[str]) -> None:
    with pytest.raises(InvalidInput):
        encode(types, [0])


@pytest.mark.parametrize(
    ("abi_type", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("uint8", True),
        ("uint8", "1"),
        ("int8", 128),
        ("bool", 1),
        ("address", "0x00"),
        ("address", bytes(19)),
        ("bytes32", bytes(31)),
        ("bytes", "text"),
        ("string", b"bytes"),
        ("string", "\ud800"),
        ("(uint8,uint8)", (1,)),
        ("uint8[2]", [1]),
        ("uint8[]", 1),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_refused(abi_type: str, value: object) -> None:
    with pytest.raises(InvalidInput):
        encode([abi_type], [value])


def test_a_length_beyond_the_data_is_refused_before_anything_is_allocated() -> None:
    huge = (32).to_bytes(32, "big") + (2**255).to_bytes(32, "big")
    for abi_type in ("uint8[]", "bytes", "string", "(uint8[],bytes)[]"):
        with pytest.raises(InvalidFormat):
            decode([abi_type], huge)


def test_an_offset_into_another_place_is_refused() -> None:
    encoded = bytearray(encode(["bytes", "bytes"], [b"a", b"a"]))
    encoded[32:64] = encoded[:32]  # both point at the first
    with pytest.raises(InvalidFormat, match="offset"):
        decode(["bytes", "bytes"], bytes(encoded))


def test_sizes_say_where_values_stand() -> None:
    assert (head_size("(uint8,bytes32[3])"), is_dynamic("(uint8,bytes32[3])")) == (128, False)
    assert (head_size("(uint8,bytes)"), is_dynamic("(uint8,bytes)")) == (32, True)
