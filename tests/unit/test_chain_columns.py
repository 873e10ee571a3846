"""Columns cut by the ABI: every kind of log as web3's decoder and `decode_event` have it, as strictly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.chain import abis, artifacts
from deedbook.chain.columns import Column, Field, Form, Kind, Layout, Matrix, layout_of, rows_of
from deedbook.chain.decoding import decode_event
from deedbook.domain import abi
from deedbook.domain.events import Log
from deedbook.errors import InvalidFormat
from tests.abi_values import plain
from tests.unit.test_chain_decoding import EVENTS, ids, log, log_of, of_web3, oracle

FIXED = [event for event in EVENTS if layout_of(*event) is not None]


def matrix(rows: Sequence[bytes]) -> Matrix:
    return np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)


def words_of(*made: Log) -> Matrix:
    return matrix([b"".join(each.topics[1:]) + each.data for each in made])


def flat(args: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves of structs, by the names that lead to them."""
    found: dict[str, Any] = {}
    for name, value in args.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": each for inner, each in flat(value).items()}
        else:
            found[name] = value
    return found


def form_of(kind: str) -> Form:
    return Form.DECIMAL if "int" in kind else Form.VALUE


def values_of(layout: Layout, words: Matrix) -> list[dict[str, Any]]:
    """All arguments of logs that fit, integers as such."""
    columns = [layout.column(words, each.name, form_of(each.kind)).values() for each in layout.fields]
    rows = zip(*columns, strict=True) if columns else [()] * len(words)
    return [
        {each.name: int(value) if "int" in each.kind else value for each, value in zip(layout.fields, row, strict=True)}
        for row in rows
    ]


def test_exactly_the_events_without_dynamic_fields_have_a_layout() -> None:
    for contract, topic in EVENTS:
        types = [abis.type_of(item) for item in abis.events(contract)[topic].inputs]
        assert (layout_of(contract, topic) is None) == any(map(abi.is_dynamic, types))
    assert layout_of("Consents", bytes(32)) is None


@pytest.mark.parametrize("event", FIXED, ids=ids)
def test_a_log_is_cut_to_what_web3_decodes(event: tuple[str, bytes]) -> None:
    layout, (made, values) = layout_of(*event), log_of(*event)
    assert layout is not None
    assert (layout.topics, layout.data) == (len(made.topics), len(made.data))
    assert layout.size == words_of(made).shape[1]
    assert layout.fits(words_of(made, made)).all()
    assert values_of(layout, words_of(made, made)) == [flat(values)] * 2
    said = {name: plain(of_web3(value)) for name, value in oracle(event[0], event[1], made).items()}
    assert {name: plain(value) for name, value in values.items()} == said


@pytest.mark.parametrize("event", FIXED, ids=ids)
@given(data=st.data())
def test_any_words_are_taken_or_refused_as_the_decoder_does(event: tuple[str, bytes], data: st.DataObject) -> None:
    layout = layout_of(*event)
    assert layout is not None
    count = layout.size // 32
    numbers = st.one_of(st.integers(0, 3), st.integers(2**63 - 2, 2**64), st.integers(0, 2**256 - 1))
    tails = st.binary(min_size=32, max_size=32)
    word = st.one_of(numbers.map(lambda number: number.to_bytes(32, "big")), tails)
    logs = []
    for _ in range(data.draw(st.integers(1, 3))):
        words = [data.draw(word) for _ in range(count)]
        logs.append(log(event[1], *words[: layout.topics - 1], data=b"".join(words[layout.topics - 1 :])))
    expected: list[dict[str, Any] | None] = []
    for each in logs:
        try:
            expected.append(flat(decode_event(event[0], each).args))
        except InvalidFormat:
            expected.append(None)
    words_, fits = words_of(*logs), layout.fits(words_of(*logs))
    assert [each is not None for each in expected] == fits.tolist()
    if fits.any():
        assert values_of(layout, words_[fits]) == [each for each in expected if each is not None]


def test_forms_are_the_word_the_decimal_and_a_number_that_a_column_holds() -> None:
    topic = next(t for t, member in abis.events("Usage").items() if member.name == "UsageReported")
    layout = layout_of("Usage", topic)
    assert layout is not None
    start = bytes(96)
    bodies = [(2**63 - 1, 5, 2**64 - 1, 7), (2**63, 5, 0, 7), (0, 0, 10**19, 7), (1, 1, 10**18 - 1, 7)]
    words = matrix([start + b"".join(each.to_bytes(32, "big") for each in body) + bytes(32) for body in bodies])
    assert layout.fits(words).all()
    assert layout.countable(words, "from").tolist() == [True, False, True, True]
    assert layout.column(words, "count", Form.DECIMAL).values() == [str(body[2]) for body in bodies]
    assert layout.column(words[:1], "from", Form.NUMBER).values() == [2**63 - 1]
    assert layout.column(words, "saleId", Form.WORD).values() == [bytes(32)] * 4
    assert layout.column(words, "provider", Form.VALUE).values() == [bytes(20)] * 4
    with pytest.raises(KeyError):
        layout.column(words, "nothing", Form.VALUE)


@pytest.mark.parametrize("bits", [8, 64, 128, 256])
def test_signed_integers_are_extended_by_their_sign(bits: int) -> None:
    layout = Layout("C", "E", 1, 32, (Field(("x",), f"int{bits}", 0),))
    good = [-(1 << bits - 1), -1, 0, 1, (1 << bits - 1) - 1]
    bad = [1 << bits - 1, -(1 << bits - 1) - 1] if bits < 256 else []
    words = matrix([each.to_bytes(32, "big", signed=True) for each in good + bad])
    assert layout.fits(words).tolist() == [True] * len(good) + [False] * len(bad)
    assert layout.column(words[: len(good)], "x", Form.DECIMAL).values() == [str(each) for each in good]


@given(numbers=st.lists(st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 2**64), st.integers(0, 200)), min_size=1))
def test_decimals_are_those_of_python(numbers: list[int]) -> None:
    layout = Layout("C", "E", 1, 32, (Field(("x",), "uint256", 0),))
    words = matrix([each.to_bytes(32, "big") for each in numbers])
    assert layout.column(words, "x", Form.DECIMAL).values() == [str(each) for each in numbers]


def test_columns_are_made_of_numbers_texts_and_bytes() -> None:
    assert Column.of_numbers(np.array([0, 1, 2**63 - 1])).values() == [0, 1, 2**63 - 1]
    assert Column.of_text("Zugangsgew\u00e4hrung", 2).values() == ["Zugangsgew\u00e4hrung"] * 2
    assert Column(Kind.FLAG, matrix([b"\0", b"\1"])).values() == [False, True]
    assert rows_of(matrix([b"ab", b"cd"])[:, 1:]) == [b"b", b"d"]


def test_every_contract_was_looked_at() -> None:
    assert {contract for contract, _ in FIXED} >= set(artifacts.NAMES) - {"Forwarder"}
