"""Trusted validators by block: what the list says, what it leaves open, and its one JSON form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.validators import MOST_ACCOUNTS, MOST_SPANS, Span, Validators, clique_quorum, qbft_quorum
from deedbook.errors import EvidenceMissing, InvalidFormat, InvalidInput, WrongVersion

A, B, C, D = (bytes([value]) * 20 for value in (1, 2, 3, 4))
LIST = Validators("qbft", (Span(5, (B, A)), Span(9, (A, B, C, D)), Span(20, ())))
DOCUMENT = LIST.to_json()

accounts = st.lists(st.binary(min_size=20, max_size=20).filter(any), unique=True, max_size=8).map(tuple)
lists = st.builds(
    lambda consensus, spans: Validators(consensus, tuple(Span(at, who) for at, who in sorted(spans.items()))),
    st.sampled_from(["clique", "qbft"]),
    st.dictionaries(st.integers(0, 2**53 - 1), accounts, min_size=1, max_size=5),
)


def test_a_span_lasts_until_the_next_one() -> None:
    assert LIST.at(5) == LIST.at(8) == (A, B)
    assert LIST.at(9) == LIST.at(19) == (A, B, C, D)


@pytest.mark.parametrize("block", [0, 4, 20, 10**9])
def test_outside_the_list_nothing_is_decided(block: int) -> None:
    with pytest.raises(EvidenceMissing) as undecided:
        LIST.at(block)
    assert undecided.value.fields["rule"] == "seal.list"
    with pytest.raises(EvidenceMissing):
        LIST.quorum(block)


def test_quorums_are_those_of_the_consensus() -> None:
    assert [clique_quorum(count) for count in range(1, 8)] == [1, 2, 2, 3, 3, 4, 4]
    assert [qbft_quorum(count) for count in range(1, 8)] == [1, 2, 2, 3, 4, 4, 5]
    assert LIST.quorum(9) == 3
    assert Validators("clique", LIST.spans).quorum(5) == 2


@given(st.integers(1, MOST_ACCOUNTS))
def test_two_quorums_share_an_honest_one(count: int) -> None:
    faulty = (count - 1) // 3
    assert 2 * qbft_quorum(count) - count > faulty
    assert qbft_quorum(count) <= count - faulty
    assert 2 * clique_quorum(count) > count


@given(lists)
def test_a_list_is_read_as_it_was_written(stated: Validators) -> None:
    assert Validators.decode(stated.encode()) == stated


def test_a_person_may_write_it_in_any_spelling() -> None:
    text = json.dumps(DOCUMENT, indent=4, sort_keys=True)
    assert Validators.decode(text.encode()) == LIST
    lower = {"fromBlock": 5, "accounts": ["0x" + B.hex(), "0x" + A.hex()]}
    assert Validators.from_json({**DOCUMENT, "spans": [lower]}).at(5) == (A, B)


def _with_span(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENT, "spans": [{**DOCUMENT["spans"][0], **changes}]}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ([], "format"),
        ({**DOCUMENT, "format": "deedbook.trust"}, "format"),
        ({**DOCUMENT, "consensus": "instant"}, "consensus"),
        ({**DOCUMENT, "consensus": 1}, "deedbook.validators.consensus"),
        ({**DOCUMENT, "note": 1}, "deedbook.validators"),
        ({**DOCUMENT, "spans": []}, "spans"),
        ({**DOCUMENT, "spans": {}}, "deedbook.validators.spans"),
        ({**DOCUMENT, "spans": [1]}, "deedbook.validators.spans"),
        ({**DOCUMENT, "spans": DOCUMENT["spans"][::-1]}, "spans"),
        ({**DOCUMENT, "spans": DOCUMENT["spans"][:1] * 2}, "spans"),
        (_with_span(fromBlock=-1), "deedbook.validators.spans.fromBlock"),
        (_with_span(fromBlock="5"), "deedbook.validators.spans.fromBlock"),
        (_with_span(accounts=["0x" + A.hex(), "0x" + A.hex()]), "accounts"),
        (_with_span(accounts=["0x" + "00" * 20]), "accounts"),
        (_with_span(accounts=["0x" + "01" * 19]), "deedbook.validators.spans.accounts"),
        (_with_span(accounts=["0xAb" + "ab" * 19]), "deedbook.validators.spans.accounts"),
        (_with_span(accounts=[1]), "deedbook.validators.spans.accounts"),
    ],
)
def test_what_is_no_list_names_the_field(value: Any, field: str) -> None:
    with pytest.raises(InvalidFormat) as refused:
        Validators.from_json(value)
    assert refused.value.field == field


@pytest.mark.parametrize("missing", ["consensus", "spans"])
def test_a_missing_field_is_named(missing: str) -> None:
    with pytest.raises(InvalidFormat, match=missing):
        Validators.from_json({key: value for key, value in DOCUMENT.items() if key != missing})


def test_another_version_is_not_read() -> None:
    with pytest.raises(WrongVersion):
        Validators.from_json({**DOCUMENT, "version": 2})


def test_bounds_hold() -> None:
    many = tuple(number.to_bytes(20, "big") for number in range(1, MOST_ACCOUNTS + 2))
    assert len(Span(0, many[:-1]).accounts) == MOST_ACCOUNTS
    with pytest.raises(InvalidInput, match="more than"):
        Span(0, many)
    with pytest.raises(InvalidInput, match="bytes"):
        Span(0, (b"short",))
    spans = tuple(Span(number, (A,)) for number in range(MOST_SPANS + 1))
    assert Validators("clique", spans[:-1]).at(3) == (A,)
    with pytest.raises(InvalidInput, match="more than"):
        Validators("clique", spans)
