"""Receipts and their root, beside py-evm's encoding and trie, geth's raw receipts and the embedded chain's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth.db.trie import make_trie_root_and_nodes
from eth.rlp.logs import Log as OtherLog
from eth.rlp.receipts import Receipt as OtherReceipt
from eth_bloom.bloom import BloomFilter
from hypothesis import given
from hypothesis import strategies as st
from trie.hexary import HexaryTrie

from deedbook.chain import rlp
from deedbook.chain.proofs import EMPTY_ROOT, Header, decode_header, encode_header
from deedbook.chain.receipts import (
    MOST_RECEIPTS,
    check_logs,
    encode_receipt,
    logs_bloom,
    receipt_logs,
    receipts_root,
)
from deedbook.chain.tries import ordered_root
from deedbook.domain.hashing import to_hex
from deedbook.errors import DeedbookError, IntegrityError, InvalidFormat

RECORDED = Path(__file__).parents[1] / "vectors" / "recorded"

logs = st.fixed_dictionaries(
    {
        "address": st.binary(min_size=20, max_size=20).map(to_hex),
        "topics": st.lists(st.binary(min_size=32, max_size=32).map(to_hex), max_size=4),
        "data": st.binary(max_size=80).map(to_hex),
    }
)
outcomes = st.one_of(
    st.sampled_from([{"status": "0x0"}, {"status": "0x1"}]),
    st.binary(min_size=32, max_size=32).map(lambda root: {"root": to_hex(root)}),
)
receipts = st.builds(
    lambda kind, outcome, gas, found, tx: {
        "type": hex(kind),
        **outcome,
        "cumulativeGasUsed": hex(gas),
        "logs": found,
        "transactionHash": to_hex(tx),
    },
    st.integers(0, 4),
    outcomes,
    st.integers(0, 2**40),
    st.lists(logs, max_size=4),
    st.binary(min_size=32, max_size=32),
)


@dataclass(frozen=True)
class Encoded:
    """What py-evm takes for a receipt."""

    receipt: Mapping[str, Any]

    def encode(self) -> bytes:
        return others(self.receipt)


def others(receipt: Mapping[str, Any]) -> bytes:
    """py-evm's encoding of a receipt."""
    found = [
        OtherLog(
            bytes.fromhex(log["address"][2:]),
            tuple(int(topic, 16) for topic in log["topics"]),
            bytes.fromhex(log["data"][2:]),
        )
        for log in receipt["logs"]
    ]
    outcome = bytes.fromhex(receipt["root"][2:]) if "root" in receipt else b"\x01" * int(receipt["status"], 16)
    made = OtherReceipt(outcome, int(receipt["cumulativeGasUsed"], 16), found)
    encoded = bytes(made.encode())
    kind = int(receipt["type"], 16)
    return bytes([kind]) + encoded if kind else encoded


@given(receipts)
def test_receipts_are_encoded_as_py_evm_does(receipt: dict[str, Any]) -> None:
    assert encode_receipt(receipt) == others(receipt)


@given(st.lists(logs, max_size=8))
def test_the_bloom_is_the_other_implementations(found: list[dict[str, Any]]) -> None:
    other = BloomFilter()
    for log in found:
        other.add(bytes.fromhex(log["address"][2:]))
        for topic in log["topics"]:
            other.add(bytes.fromhex(topic[2:]))
    assert logs_bloom(receipt_logs({"logs": found})) == int(other).to_bytes(256, "big")


@given(st.lists(receipts, max_size=20))
def test_the_root_is_py_evms(found: list[dict[str, Any]]) -> None:
    items: Any = tuple(map(Encoded, found))
    expected, _ = make_trie_root_and_nodes(items)
    assert receipts_root(found) == expected


@pytest.mark.parametrize("count", [0, 1, 2, 16, 17, 127, 128, 129, 130, 256, 257, 400])
@pytest.mark.parametrize("length", [2, 40])
def test_the_trie_of_any_size_is_the_other_implementations(count: int, length: int) -> None:
    items = [(index + 1).to_bytes(2, "big").rjust(length, b"\x01") for index in range(count)]
    other = HexaryTrie({})
    for index, item in enumerate(items):
        other[rlp.encode(rlp.encode_int(index))] = item
    assert ordered_root(items) == other.root_hash
    assert (ordered_root(items) == EMPTY_ROOT) == (count == 0)


# -- blocks


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return found


def blocks(name: str) -> list[tuple[Header, Sequence[Any], list[str]]]:
    """Recorded blocks with transactions: header, receipts, and the receipts as the node encodes them."""
    chain = recorded(name)
    headers = {each["block"]["number"]: each["block"] for each in chain["headers"]}
    return [
        (decode_header(encode_header(headers[each["number"]]), "clique"), each["receipts"], each["raw"])
        for each in chain["receipts"]
    ]


@pytest.mark.parametrize("name", ["clique", "clique-london"])
def test_geths_receipts_are_encoded_as_it_does(name: str) -> None:
    for header, found, raw in blocks(name):
        assert [to_hex(encode_receipt(receipt)) for receipt in found] == raw
        assert receipts_root(found) == header.receipts_root


@pytest.mark.parametrize("name", ["clique", "clique-london"])
def test_all_logs_of_recorded_blocks_are_proven(name: str) -> None:
    places = []
    for header, found, _ in blocks(name):
        proven = check_logs(header, found)
        assert [log.log_index for log in proven] == list(range(len(proven)))
        assert {log.block_hash for log in proven} <= {header.hash}
        places += [(log.tx_index, log.topics) for log in proven]
    assert len(places) == {"clique": 3, "clique-london": 6}[name]
    assert {topics for _, topics in places} == {(b"\x11" * 32,)}


def test_the_recorded_kinds_are_those_of_their_forks() -> None:
    kinds = {name: {r["type"] for _, found, _ in blocks(name) for r in found} for name in ("clique", "clique-london")}
    assert kinds == {"clique": {"0x0", "0x1"}, "clique-london": {"0x0", "0x1", "0x2"}}


def test_recorded_qbft_blocks_state_their_logs() -> None:
    qbft = recorded("qbft")
    header = decode_header(encode_header(qbft["logBlock"]), "qbft")
    bloom, whole = (
        int.from_bytes(bits, "big") for bits in (logs_bloom(receipt_logs({"logs": [qbft["log"]]})), header.logs_bloom)
    )
    assert bloom & whole == bloom  # of four transactions, one log alone is recorded
    for block in qbft["headers"]:
        empty = decode_header(encode_header(block), "qbft")
        assert check_logs(empty, []) == ()


@pytest.fixture
def block() -> tuple[Header, list[dict[str, Any]]]:
    header, found, _ = blocks("clique-london")[0]
    return header, json.loads(json.dumps(found))


def _refused(header: Header, found: Sequence[Any]) -> str:
    with pytest.raises(IntegrityError) as refused:
        check_logs(header, found)
    return str(refused.value.fields["rule"])


def test_a_hidden_or_added_receipt_is_refused(block: tuple[Header, list[dict[str, Any]]]) -> None:
    header, found = block
    assert check_logs(header, found)
    assert _refused(header, found[:-1]) == "receipts.root"
    assert _refused(header, []) == "receipts.root"
    assert _refused(header, [*found, found[-1]]) == "receipts.root"
    assert _refused(header, found[::-1]) == "receipts.root"


@pytest.mark.parametrize(
    ("name", "value"), [("status", "0x0"), ("cumulativeGasUsed", "0x1"), ("type", "0x3"), ("logs", [])]
)
def test_a_changed_receipt_is_refused(block: tuple[Header, list[dict[str, Any]]], name: str, value: Any) -> None:
    header, found = block
    place = next(at for at, receipt in enumerate(found) if receipt["logs"])
    found[place][name] = value
    assert _refused(header, found) == "receipts.root"


@pytest.mark.parametrize(
    ("name", "value"), [("address", "0x" + "aa" * 20), ("data", "0x"), ("topics", []), ("topics", ["0x" + "aa" * 32])]
)
def test_a_changed_log_is_refused(block: tuple[Header, list[dict[str, Any]]], name: str, value: Any) -> None:
    header, found = block
    next(receipt for receipt in found if receipt["logs"])["logs"][0][name] = value
    assert _refused(header, found) == "receipts.root"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("blockHash", "0x" + "aa" * 32),
        ("blockNumber", "0x0"),
        ("logIndex", "0x63"),
        ("transactionIndex", "0x63"),
        ("transactionHash", "0x" + "aa" * 32),
    ],
)
def test_a_log_that_claims_another_place_is_refused(
    block: tuple[Header, list[dict[str, Any]]], name: str, value: Any
) -> None:
    header, found = block
    next(receipt for receipt in found if receipt["logs"])["logs"][0][name] = value
    assert _refused(header, found) == "receipts.place"


def test_a_header_whose_bloom_is_not_of_its_logs_is_refused(block: tuple[Header, list[dict[str, Any]]]) -> None:
    header, found = block
    assert header.raw.count(header.logs_bloom) == 1
    other = decode_header(header.raw.replace(header.logs_bloom, bytes(256)), "clique")
    assert _refused(other, found) == "receipts.bloom"


def test_the_nodes_own_bloom_is_not_asked(block: tuple[Header, list[dict[str, Any]]]) -> None:
    header, found = block
    for receipt in found:
        receipt["logsBloom"] = "0x" + "ff" * 256
    assert check_logs(header, found)


BARE: dict[str, Any] = {"status": "0x1", "cumulativeGasUsed": "0x5208", "logs": []}
LOG: dict[str, Any] = {"address": "0x" + "11" * 20, "topics": [], "data": "0x"}


def test_a_receipt_without_a_type_is_a_legacy_one() -> None:
    assert encode_receipt(BARE) == encode_receipt({**BARE, "type": "0x0"})
    assert encode_receipt({**BARE, "type": "0x4"}) == b"\x04" + encode_receipt(BARE)


@pytest.mark.parametrize(
    ("receipt", "field"),
    [
        ({**BARE, "type": "0x5"}, "type"),
        ({**BARE, "type": 2}, "type"),
        ({**BARE, "status": "0x2"}, "status"),
        ({**BARE, "status": True}, "status"),
        ({**BARE, "status": None}, "root"),
        ({**BARE, "status": None, "root": "0x00"}, "root"),
        ({**BARE, "cumulativeGasUsed": None}, "cumulativeGasUsed"),
        ({**BARE, "cumulativeGasUsed": "21000"}, "cumulativeGasUsed"),
        ({**BARE, "cumulativeGasUsed": "0x-1"}, "cumulativeGasUsed"),
        ({**BARE, "cumulativeGasUsed": "0x1_0"}, "cumulativeGasUsed"),
        ({**BARE, "cumulativeGasUsed": "0x" + "1" * 65}, "cumulativeGasUsed"),
        ({**BARE, "logs": None}, "logs"),
        ({**BARE, "logs": [None]}, "logs"),
        ({**BARE, "logs": [{**LOG, "topics": None}]}, "logs"),
        ({**BARE, "logs": [{**LOG, "topics": ["0x" + "00" * 32] * 5}]}, "topics"),
        ({**BARE, "logs": [{**LOG, "topics": ["0x00"]}]}, "topics"),
        ({**BARE, "logs": [{**LOG, "topics": [7]}]}, "topics"),
        ({**BARE, "logs": [{**LOG, "address": "0x00"}]}, "address"),
        ({**BARE, "logs": [{**LOG, "data": "0x0"}]}, "data"),
        ({**BARE, "logs": [{**LOG, "data": None}]}, "data"),
    ],
)
def test_a_malformed_receipt_names_the_field(receipt: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidFormat) as refused:
        encode_receipt(receipt)
    assert refused.value.field == field


def test_more_receipts_than_a_block_can_have_are_refused(block: tuple[Header, list[dict[str, Any]]]) -> None:
    with pytest.raises(InvalidFormat, match="more than"):
        check_logs(block[0], [BARE] * (MOST_RECEIPTS + 1))


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["0x", "0x1", "0x" + "00" * 32]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*BARE, *LOG, "type"]), inner),
    max_leaves=12,
)


@given(st.lists(st.dictionaries(st.sampled_from([*BARE, *LOG, "type", "root", "transactionHash"]), junk), max_size=3))
def test_any_answer_is_read_or_refused_by_type(answer: list[dict[str, Any]]) -> None:
    header = blocks("clique")[0][0]
    with pytest.raises(DeedbookError):
        check_logs(header, answer)
