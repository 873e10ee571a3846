from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.domain.hashing import keccak256
from deedbook.domain.journal import EMPTY_HEAD, JOURNALLED, account_entity, asset_entity, entities_of, entity_slot, fold
from deedbook.errors import InvalidInput

LOGS = st.tuples(
    st.integers(0, 2**64), st.lists(st.binary(min_size=32, max_size=32), max_size=4), st.binary(max_size=70)
)


@given(st.lists(LOGS, min_size=2, max_size=5, unique_by=repr), st.data())
@pytest.mark.rule("journal-is-complete")
def test_a_log_left_out_or_moved_changes_the_head(
    logs: list[tuple[int, list[bytes], bytes]], data: st.DataObject
) -> None:
    def head_of(some: list[tuple[int, list[bytes], bytes]]) -> bytes:
        head = EMPTY_HEAD
        for log in some:
            head = fold(head, *log)
        return head

    place = data.draw(st.integers(0, len(logs) - 1))
    assert head_of(logs[:place] + logs[place + 1 :]) != head_of(logs)
    assert head_of(logs[1:] + logs[:1]) != head_of(logs)


def test_a_head_is_folded_by_the_words_of_the_interface() -> None:
    topics, data = [keccak256(b"topic")], b"data"
    inside = keccak256(topics[0] + data)
    assert fold(EMPTY_HEAD, 7, topics, data) == keccak256(bytes(32) + (7).to_bytes(32, "big") + inside)


def test_entities_are_32_bytes() -> None:
    for given_wrong in (
        lambda: entity_slot(bytes(31)),
        lambda: account_entity(bytes(32)),
        lambda: asset_entity(2**256),
    ):
        with pytest.raises(InvalidInput):
            given_wrong()


def test_contracts_without_a_journal_and_unknown_events_are_refused() -> None:
    with pytest.raises(InvalidInput, match="contract"):
        entities_of("Forwarder", "ExecutedForwardRequest", {})
    with pytest.raises(InvalidInput, match="event"):
        entities_of("Market", "SaleSold", {})


def test_every_event_of_every_contracts_abi_has_its_entities(root: Path) -> None:
    values = {"uint256": 1, "uint8": 1, "address": bytes(20), "bytes32": bytes(32)}
    for contract in JOURNALLED:
        artifact = json.loads((root / "src/deedbook/chain/artifacts" / f"{contract}.json").read_text(encoding="utf-8"))
        events = [entry for entry in artifact["abi"] if entry["type"] == "event"]
        assert events
        for event in events:
            args = {each["name"]: values.get(each["type"]) for each in event["inputs"]}
            assert all(len(entity) == 32 for entity in entities_of(contract, event["name"], args))
