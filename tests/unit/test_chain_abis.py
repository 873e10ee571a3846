"""The ABIs as look-up tables: the same selectors, topics and calldata as eth_abi and eth_utils give."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from eth_utils.abi import event_abi_to_log_topic, function_abi_to_4byte_selector
from web3 import Web3

from deedbook.chain import abis, artifacts
from deedbook.errors import InvalidFormat, InvalidInput
from tests.abi_values import plain, value_of

FUNCTIONS = [(name, key) for name in artifacts.NAMES for key in abis.functions(name)]


@pytest.mark.parametrize("contract", artifacts.NAMES)
def test_selectors_and_topics_are_those_of_eth_utils(contract: str) -> None:
    items = artifacts.load(contract)["abi"]
    topics = {bytes(event_abi_to_log_topic(item)) for item in items if item["type"] == "event"}
    assert set(abis.events(contract)) == topics
    as_functions: list[Any] = [{**item, "type": "function"} for item in items if item["type"] == "error"]
    selectors = {bytes(function_abi_to_4byte_selector(item)) for item in as_functions}
    assert set(abis.errors(contract)) == selectors
    functions = {bytes(function_abi_to_4byte_selector(item)) for item in items if item["type"] == "function"}
    assert {member.selector for member in abis.functions(contract).values()} == functions


@pytest.mark.parametrize(("contract", "function"), FUNCTIONS)
def test_calldata_is_that_of_web3(contract: str, function: str) -> None:
    member = abis.functions(contract)[function]
    values = [value_of(item, f"{contract}.{function}.{place}") for place, item in enumerate(member.inputs)]
    codec = Web3().codec
    types = [abis.type_of(item) for item in member.inputs]
    expected = member.selector + codec.encode(types, [plain(value) for value in values])
    assert abis.encode_call(contract, function, values) == expected
    assert abis.encode_call(contract, function, [plain(value) for value in values]) == expected


def test_results_have_one_value_or_a_tuple() -> None:
    assert abis.decode_result("DataAssets", "ownerOf", bytes(12) + b"\1" * 20) == b"\1" * 20
    assert abis.decode_result("AccessManager", "hasRole", bytes(31) + b"\1" + bytes(32)) == (True, 0)
    with pytest.raises(InvalidFormat):
        abis.decode_result("DataAssets", "ownerOf", b"")


def test_overloaded_functions_are_named_by_signature() -> None:
    names = abis.functions("DataAssets")
    assert "safeTransferFrom" not in names
    assert {"safeTransferFrom(address,address,uint256)", "safeTransferFrom(address,address,uint256,bytes)"} <= set(
        names
    )


@pytest.mark.parametrize(
    ("function", "arguments", "field"),
    [("dismiss", (), "function"), ("ownerOf", (), "arguments"), ("ownerOf", (1, 2), "arguments")],
)
def test_a_call_that_does_not_fit_is_named(function: str, arguments: tuple[int, ...], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        abis.encode_call("DataAssets", function, arguments)
    assert refused.value.field == field


@pytest.mark.parametrize("change", [{"versionKey": None}, {"extra": 1}])
def test_a_struct_with_missing_or_unknown_components_is_refused(change: dict[str, object]) -> None:
    member = abis.functions("Market")["close"]
    offer = value_of(member.inputs[0], "offer")
    changed = {name: value for name, value in (offer | change).items() if value is not None}
    with pytest.raises(InvalidInput) as refused:
        abis.encode_call("Market", "close", [changed])
    assert refused.value.field == "offer"


def test_a_constructor_without_inputs_takes_none() -> None:
    assert abis.encode_arguments(abis.Member("Any", "constructor", (), ()), []) == b""
    assert [item["name"] for item in abis.constructor("Forwarder").inputs] == ["name"]


def test_decoding_loads_none_of_the_web3_stack() -> None:
    words = "import sys, deedbook.chain.decoding; print([m for m in sys.modules if m.split('.')[0] in "
    words += "('web3', 'eth_abi', 'eth_utils', 'rlp', 'sqlalchemy', 'pydantic')])"
    said = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
