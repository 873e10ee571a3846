"""Logs to events and reverts to errors, with web3's and eth_abi's own decoders as the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from eth_abi.codec import ABICodec
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3._utils.events import get_event_data

from deedbook.chain import abis, artifacts
from deedbook.chain.decoding import ERROR, PANIC, Decoder, decode_event, decode_revert
from deedbook.domain.events import Log
from deedbook.errors import DeedbookError, InvalidFormat, RejectedByContract, TransactionFailed
from tests.abi_values import plain, value_of

CODEC: ABICodec = Web3().codec
EVENTS = [(name, topic) for name in artifacts.NAMES for topic in abis.events(name)]
ERRORS = [(name, selector) for name in artifacts.NAMES for selector in abis.errors(name)]
ADDRESS = bytes([0xC0]) * 20


def ids(pair: tuple[str, bytes]) -> str:
    contract, key = pair
    return f"{contract}.{(abis.events(contract).get(key) or abis.errors(contract)[key]).name}"


def log_of(contract: str, topic: bytes) -> tuple[Log, dict[str, Any]]:
    """A log of the event as eth_abi encodes it, and its arguments."""
    member = abis.events(contract)[topic]
    values = {item["name"]: value_of(item, f"{contract}.{member.name}.{item['name']}") for item in member.inputs}
    indexed = [item for item in member.inputs if item["indexed"]]
    topics = [CODEC.encode([abis.type_of(item)], [plain(values[item["name"]])]) for item in indexed]
    rest = [item for item in member.inputs if not item["indexed"]]
    data = CODEC.encode([abis.type_of(item) for item in rest], [plain(values[item["name"]]) for item in rest])
    return log(topic, *topics, data=data), values


def log(*topics: bytes, data: bytes = b"", address: bytes = ADDRESS) -> Log:
    return Log(address, topics, data, 7, bytes([1]) * 32, bytes([2]) * 32, 0, 3)


def oracle(contract: str, topic: bytes, at: Log) -> Mapping[str, Any]:
    item = next(
        item
        for item in artifacts.load(contract)["abi"]
        if item["type"] == "event" and item["name"] == abis.events(contract)[topic].name
    )
    receipt: Any = {
        "address": to_checksum_address(at.address), "topics": [HexBytes(each) for each in at.topics],
        "data": HexBytes(at.data), "blockNumber": at.block_number, "blockHash": HexBytes(at.block_hash),
        "transactionHash": HexBytes(at.tx_hash), "transactionIndex": at.tx_index, "logIndex": at.log_index,
    }  # fmt: skip
    found: Mapping[str, Any] = get_event_data(CODEC, item, receipt)["args"]
    return found


def of_web3(value: Any) -> Any:
    """web3's values in our forms: checksum text is an address, lists are tuples."""
    if isinstance(value, str) and len(value) == 42 and value.startswith("0x"):
        return bytes.fromhex(value[2:])
    if isinstance(value, Mapping):
        return {name: of_web3(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(of_web3(item) for item in value)
    return bytes(value) if isinstance(value, bytes) else value


@pytest.mark.parametrize("event", EVENTS, ids=ids)
def test_every_event_decodes_as_web3_decodes_it(event: tuple[str, bytes]) -> None:
    made, values = log_of(*event)
    found = decode_event(event[0], made)
    assert (found.contract, found.name, found.log) == (event[0], abis.events(event[0])[event[1]].name, made)
    assert list(found.args) == list(values)
    assert found.args == values
    assert {name: plain(value) for name, value in values.items()} == {
        name: plain(of_web3(value)) for name, value in oracle(event[0], event[1], made).items()
    }


@pytest.mark.parametrize("event", EVENTS, ids=ids)
def test_a_log_that_is_not_exactly_its_event_is_refused(event: tuple[str, bytes]) -> None:
    made, _ = log_of(*event)
    wrong = [
        log(*made.topics, data=made.data + bytes(32)),
        log(*made.topics, data=made.data + b"\0"),
        log(*made.topics[1:], data=made.data),
        log(bytes(32), *made.topics[1:], data=made.data),
        log(data=made.data),
    ]
    if len(made.topics) > 1:
        wrong.append(log(*made.topics[:-1], data=made.data))
    if len(made.topics) < 4:
        wrong.append(log(*made.topics, bytes(32), data=made.data))
    if made.data:
        wrong.append(log(*made.topics, data=made.data[:-1]))
        wrong.append(log(*made.topics, data=b""))
    for each in wrong:
        with pytest.raises(InvalidFormat):
            decode_event(event[0], each)


def test_an_address_with_dirty_upper_bytes_is_refused() -> None:
    topic = next(t for t, member in abis.events("Membership").items() if member.name == "ParticipantReinstated")
    with pytest.raises(InvalidFormat):
        decode_event("Membership", log(topic, b"\1" * 32))


def test_a_log_of_another_address_is_none_of_ours() -> None:
    made, values = log_of(*EVENTS[0])
    decoder = Decoder({EVENTS[0][0]: ADDRESS})
    found = decoder.decode(made)
    assert found is not None
    assert found.args == values
    assert decoder.decode(log(*made.topics, data=made.data, address=bytes(20))) is None
    with pytest.raises(InvalidFormat) as refused:
        decoder.decode(log(bytes(32)))
    assert refused.value.field == "topics"


# -- reverts


def shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return to_checksum_address(value) if len(value) == 20 else "0x" + value.hex()
    return tuple(shown(item) for item in value) if isinstance(value, tuple) else value


def revert_of(contract: str, selector: bytes) -> tuple[bytes, dict[str, Any]]:
    member = abis.errors(contract)[selector]
    values = {item["name"]: value_of(item, f"{contract}.{member.name}.{item['name']}") for item in member.inputs}
    types = [abis.type_of(item) for item in member.inputs]
    return selector + CODEC.encode(types, [plain(value) for value in values.values()]), values


@pytest.mark.parametrize("error", ERRORS, ids=ids)
def test_every_error_of_a_contract_has_its_arguments(error: tuple[str, bytes]) -> None:
    contract, selector = error
    data, values = revert_of(contract, selector)
    found = decode_revert(contract, data)
    assert isinstance(found, RejectedByContract)
    assert (found.contract, found.error) == (contract, abis.errors(contract)[selector].name)
    assert dict(found.arguments) == {name: shown(value) for name, value in values.items()}


@pytest.mark.parametrize("error", ERRORS, ids=ids)
def test_a_nested_contracts_error_has_its_own_contracts_name(error: tuple[str, bytes]) -> None:
    owners = [name for name in artifacts.NAMES if error[1] in abis.errors(name)]
    stranger = next((name for name in artifacts.NAMES if name not in owners), None)
    if stranger is None:
        return
    found = decode_revert(stranger, revert_of(*error)[0])
    assert isinstance(found, RejectedByContract)
    assert found.contract == owners[0]


@pytest.mark.parametrize("error", ERRORS, ids=ids)
def test_a_truncated_error_is_not_taken_for_one(error: tuple[str, bytes]) -> None:
    data, _ = revert_of(*error)
    for wrong in (data + b"\0", data[:-1]):
        found = decode_revert(error[0], wrong)
        assert isinstance(found, TransactionFailed)
        assert "0x" + wrong.hex() in found.message


REASON = ERROR + CODEC.encode(["string"], ["资格 expired"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (REASON, "Market reverted: 资格 expired"),
        (PANIC + CODEC.encode(["uint256"], [0x11]), "Market panicked: 0x11"),
        (b"", "Market reverted: without data"),
        (b"\x12", "Market reverted: 0x12"),
        (bytes.fromhex("deadbeef") + bytes(32), "Market reverted: 0xdeadbeef" + "00" * 32),
        (ERROR, "Market reverted: 0x08c379a0"),
        (REASON[:-1], "Market reverted: 0x" + REASON[:-1].hex()),
        (PANIC + b"\1", "Market reverted: 0x4e487b7101"),
        (ERROR + CODEC.encode(["bytes"], [b"\xff\xfe"]), None),
    ],
)
def test_other_reverts_have_failed_with_what_they_said(data: bytes, words: str | None) -> None:
    found: DeedbookError = decode_revert("Market", data)
    assert isinstance(found, TransactionFailed)
    assert found.fields == {"contract": "Market"}
    assert words is None or found.message == words
