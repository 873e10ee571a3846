"""Converters generated from the ABI: every kind of log as web3's decoder and `decode_event` have it, as strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.chain import abis, artifacts
from deedbook.chain.columns import Form, converter, layout_of
from deedbook.chain.decoding import decode_event
from deedbook.domain import abi
from deedbook.domain.events import Log
from deedbook.errors import InvalidFormat
from deedbook.mirror.projector import json_text
from tests.abi_values import plain
from tests.unit.test_chain_decoding import EVENTS, ids, log, log_of, of_web3, oracle

FIXED = [event for event in EVENTS if layout_of(*event) is not None]


def words_of(made: Log) -> bytes:
    return b"".join(made.topics[1:]) + made.data


def flat(args: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of structs, by the names that lead to them."""
    found: dict[str, Any] = {}
    for name, value in args.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": each for inner, each in flat(value).items()}
        else:
            found[name] = value
    return found


def test_exactly_the_events_without_dynamic_fields_have_a_layout() -> None:
    for contract, topic in EVENTS:
        types = [abis.type_of(item) for item in abis.events(contract)[topic].inputs]
        assert (layout_of(contract, topic) is None) == any(map(abi.is_dynamic, types))
    assert layout_of("Consents", bytes(32)) is None


@pytest.mark.parametrize("event", FIXED, ids=ids)
def test_a_log_is_converted_to_what_web3_decodes(event: tuple[str, bytes]) -> None:
    layout, (made, values) = layout_of(*event), log_of(*event)
    assert layout is not None
    assert (layout.topics, layout.data) == (len(made.topics), len(made.data))
    convert = converter(layout, [(field.name, Form.VALUE) for field in layout.fields])
    text, *found = convert(words_of(made))
    assert dict(zip([field.name for field in layout.fields], found, strict=True)) == flat(values)
    assert text == json_text(decode_event(event[0], made).args)
    said = {name: plain(of_web3(value)) for name, value in oracle(event[0], event[1], made).items()}
    assert {name: plain(value) for name, value in values.items()} == said


@pytest.mark.parametrize("event", FIXED, ids=ids)
@given(data=st.data())
def test_any_words_are_taken_or_refused_as_the_decoder_does(event: tuple[str, bytes], data: st.DataObject) -> None:
    layout = layout_of(*event)
    assert layout is not None
    count = layout.topics - 1 + layout.data // 32
    numbers = st.one_of(st.integers(0, 3), st.integers(2**63 - 2, 2**64), st.integers(0, 2**256 - 1))
    tails = st.binary(min_size=32, max_size=32)
    words = [data.draw(st.one_of(numbers.map(lambda number: number.to_bytes(32, "big")), tails)) for _ in range(count)]
    made = log(event[1], *words[: layout.topics - 1], data=b"".join(words[layout.topics - 1 :]))
    try:
        expected: str | None = json_text(decode_event(event[0], made).args)
    except InvalidFormat:
        expected = None
    try:
        found: str | None = converter(layout, [])(words_of(made))[0]
    except InvalidFormat:
        found = None
    assert found == expected


@pytest.mark.parametrize("event", FIXED, ids=ids)
def test_another_length_is_refused(event: tuple[str, bytes]) -> None:
    layout, (made, _) = layout_of(*event), log_of(*event)
    assert layout is not None
    words = words_of(made)
    for wrong in (words + bytes(32), words + b"\0", *([words[:-1]] if words else [])):
        with pytest.raises(InvalidFormat):
            converter(layout, [])(wrong)


def test_forms_are_the_word_the_decimal_and_a_number_that_a_column_holds() -> None:
    topic = next(t for t, member in abis.events("Usage").items() if member.name == "UsageReported")
    layout = layout_of("Usage", topic)
    assert layout is not None
    wanted = [("saleId", Form.WORD), ("count", Form.DECIMAL), ("from", Form.NUMBER)]
    convert = converter(layout, wanted)
    words = [bytes([place]) * 32 for place in range(3)]
    words = [words[0], bytes(12) + bytes(20), bytes(32)]
    rest = [2**63 - 1, 5, 2**64 - 1, 7]
    body = b"".join(words) + b"".join(number.to_bytes(32, "big") for number in rest) + bytes(32)
    assert convert(body)[1:] == (bytes(32), str(2**64 - 1), 2**63 - 1)
    too_large = body[:96] + (2**63).to_bytes(32, "big") + body[128:]
    with pytest.raises(InvalidFormat):
        convert(too_large)
    with pytest.raises(KeyError):
        converter(layout, [("nothing", Form.VALUE)])


def test_every_contract_was_looked_at() -> None:
    assert {contract for contract, _ in FIXED} >= set(artifacts.NAMES) - {"Forwarder"}
