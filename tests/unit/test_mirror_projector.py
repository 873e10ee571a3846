"""Projectors: every event of the contracts is understood, and means what the interfaces say."""

from __future__ import annotations

from typing import Any

import pytest

from deedbook.chain import artifacts
from deedbook.domain.events import Event, plain
from deedbook.domain.hashing import canonical_json
from deedbook.domain.journal import JOURNALLED
from deedbook.errors import InvalidInput
from deedbook.mirror import schema
from deedbook.mirror.projector import PROJECTORS, Change, json_text, project
from deedbook.mirror.store import key_of
from tests import ledger_story as story
from tests.scripted_chain import Call, log_of

NEVER_EMITTED = {("Consents", "EIP712DomainChanged"), ("Usage", "EIP712DomainChanged")}


def abi_events() -> dict[tuple[str, str], list[dict[str, Any]]]:
    return {
        (contract, item["name"]): item["inputs"]
        for contract in JOURNALLED
        for item in artifacts.load(contract)["abi"]
        if item["type"] == "event"
    }


def event_of(call: Call) -> Event:
    contract, name, args = call
    return Event(contract, name, args, log_of(call, 7, bytes([7]) * 32, 0))


CALLS = [call for block in (*story.story(), *story.aside()) for call in block]


def test_every_event_of_the_contracts_has_a_projector() -> None:
    assert set(PROJECTORS) | NEVER_EMITTED == set(abi_events())


def test_the_story_tells_every_event() -> None:
    assert {(contract, name) for contract, name, _ in CALLS} == set(PROJECTORS)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}.{call[1]}")
def test_the_storys_arguments_are_those_of_the_abi(call: Call) -> None:
    contract, name, args = call
    assert _shape(abi_events()[contract, name]) == _names(args)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]}.{call[1]}")
def test_an_event_writes_whole_rows_and_never_one_twice(call: Call) -> None:
    operations = project(event_of(call))
    assert operations
    touched = []
    for operation in operations:
        table = schema.metadata.tables[operation.table]
        assert table in schema.CANONICAL
        if isinstance(operation, Change):
            assert set(operation.key) == {column.name for column in table.primary_key}
            assert {*operation.values, *operation.sums} <= set(table.columns.keys()) - set(operation.key)
            touched.append((table.name, tuple(operation.key.values())))
        else:
            missing = set(table.columns.keys()) - set(operation.row)
            assert all(table.c[name].nullable for name in missing)
            assert set(operation.row) <= set(table.columns.keys())
            touched.append((table.name, tuple(key_of(table, operation.row).values())))
    assert len(touched) == len(set(touched))


def test_the_same_event_gives_the_same_rows() -> None:
    for call in CALLS:
        assert project(event_of(call)) == project(event_of(call))


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        project(event_of(("Market", "SaleForgotten", {})))
    assert refused.value.field == "event"


def test_a_number_that_no_column_holds_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        project(event_of(("Market", "SalePrepared", {"saleId": bytes(32), "provider": bytes(20), "live": 2**63})))
    assert refused.value.field == "live_at_prepare"


def test_values_in_json_keep_their_kinds_apart() -> None:
    value = {"a": (1, True, b"\x01", "1"), "b": {"c": 2**256 - 1}}
    assert plain(value) == {"a": ["1", True, "0x01", "1"], "b": {"c": str(2**256 - 1)}}
    assert json_text(value).encode() == canonical_json(plain(value))


def _shape(inputs: list[dict[str, Any]]) -> Any:
    return {item["name"]: _shape(item["components"]) if item["type"] == "tuple" else None for item in inputs}


def _names(args: Any) -> Any:
    return {name: _names(value) if isinstance(value, dict) else None for name, value in args.items()}
