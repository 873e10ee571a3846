from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.assets import Descriptor
from deedbook.domain.consents import Consent, SignedConsent, Terms, Withdrawal
from deedbook.domain.documents import Fields, hidden_character, parse_decimal, read_document, require_plain
from deedbook.domain.hashing import canonical_json
from deedbook.domain.notices import Notice
from deedbook.domain.receipts import ConsentReceipt
from deedbook.domain.sales import Offer
from deedbook.errors import DeedbookError, InvalidFormat, InvalidInput, WrongVersion

VECTORS = Path(__file__).parent.parent / "vectors"


def cases(vectors: str) -> Any:
    return json.loads((VECTORS / f"{vectors}.json").read_text(encoding="utf-8"))["cases"]


def documents() -> Iterator[tuple[Callable[[object], Any], Any]]:
    yield SignedConsent.from_json, json.loads(cases("signed-consent")[0]["expected"]["document"])
    yield ConsentReceipt.from_json, json.loads(cases("receipt")[0]["expected"]["document"])
    yield Withdrawal.from_json, json.loads(cases("withdrawal")[0]["expected"]["document"])
    yield Notice.from_json, cases("notice")[0]["input"]["notice"]
    yield Descriptor.from_json, cases("descriptor")[0]["input"]["descriptor"]
    yield Offer.from_json, cases("offer")[0]["input"]["offer"]
    yield Consent.from_json, cases("consent")[0]["input"]["consent"]
    yield Terms.from_json, cases("batch")[0]["input"]["terms"]


DOCUMENTS = list(documents())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e6, 1e6) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from places(value[key], (*path, key))


@given(st.sampled_from(DOCUMENTS), st.data(), VALUES)
@pytest.mark.rule("malformed-json")
def test_any_value_in_any_place_is_read_back_or_refused_as_our_error(
    document: tuple[Callable[[object], Any], Any], data: st.DataObject, value: Any
) -> None:
    read, told = document[0], copy.deepcopy(document[1])
    path = data.draw(st.sampled_from(list(places(told))))
    if path:
        inside = told
        for key in path[:-1]:
            inside = inside[key]
        inside[path[-1]] = value
    else:
        told = value
    try:
        found = read(told)
    except DeedbookError:
        return
    assert canonical_json(found.to_json()) == canonical_json(told)


@given(st.sampled_from(DOCUMENTS), st.data())
def test_a_document_without_one_of_its_fields_is_refused(
    document: tuple[Callable[[object], Any], Any], data: st.DataObject
) -> None:
    read, told = document[0], copy.deepcopy(document[1])
    del told[data.draw(st.sampled_from(sorted(told)))]
    with pytest.raises(InvalidFormat):
        read(told)


@given(st.sampled_from(DOCUMENTS), st.text(min_size=1, max_size=8))
def test_a_document_with_a_field_of_another_name_is_refused(
    document: tuple[Callable[[object], Any], Any], name: str
) -> None:
    read, told = document
    if name not in told:
        with pytest.raises(InvalidFormat):
            read(told | {name: 1})


@given(st.integers(0, 2**256 - 1))
def test_decimal_text_has_one_form(value: int) -> None:
    assert parse_decimal(str(value), "assetId") == value
    for spelling in (f"0{value}", f"+{value}", f"-{value}", f" {value}", f"{value}.0", f"{value}_0", hex(value), value):
        with pytest.raises(InvalidFormat):
            parse_decimal(spelling, "assetId")


def test_decimal_text_is_bounded() -> None:
    with pytest.raises(InvalidFormat, match="64-bit"):
        parse_decimal(str(2**64), "quota", 64)
    with pytest.raises(InvalidFormat):
        parse_decimal("9" * 10_000, "assetId")


def test_errors_name_the_place() -> None:
    fields = Fields({"a": {"b": 1}}, "offer", ("a",)).object("a", ("b",))
    with pytest.raises(InvalidFormat) as refusal:
        fields.text("b")
    assert refusal.value.field == "offer.a.b"


def test_a_format_is_named_before_its_version() -> None:
    with pytest.raises(InvalidFormat, match="format"):
        read_document({"format": "other", "version": 2}, "deedbook.offer", ())
    with pytest.raises(WrongVersion, match="version"):
        read_document({"format": "deedbook.offer", "version": 2}, "deedbook.offer", ())


@pytest.mark.parametrize(
    "point", [0x00, 0x0A, 0x7F, 0x85, 0xAD, 0x061C, 0x200B, 0x200E, 0x2028, 0x202E, 0x2066, 0xFEFF]
)
def test_characters_that_hide_or_move_others_are_found(point: int) -> None:
    assert hidden_character(f"a{chr(point)}b") == point
    with pytest.raises(InvalidInput, match=f"U\\+{point:04X}"):
        require_plain("title", f"a{chr(point)}b")


@pytest.mark.parametrize("text", ["本人同意“简历”,", "Grüße", "नमस्ते", "שלום", "مرحبا", "👍 𠮷", "a\u0301", "A b"])
def test_what_people_write_is_plain(text: str) -> None:
    require_plain("title", text)
