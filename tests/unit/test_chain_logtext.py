"""Logs read as columns from the JSON of a node: what a JSON parser reads, however it is written."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deedbook.chain import logtext
from deedbook.chain.columns import rows_of
from deedbook.chain.logtext import Use, plain_rows, read_logs
from tests.native import kernel

Item = Mapping[str, Any]


@pytest.fixture(autouse=True, params=["plain", "kernel"], scope="module")
def way(request: pytest.FixtureRequest) -> Any:
    """Every test here, with the kernel and without."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logtext, "read_rows", plain_rows if request.param == "plain" else kernel("_hexrows").read_rows)
        yield


def item(drawn: random.Random, **fields: Any) -> dict[str, Any]:
    def word(size: int = 32) -> str:
        return "0x" + drawn.randbytes(size).hex()

    return {
        "address": word(20),
        "topics": [word() for _ in range(drawn.randrange(5))],
        "data": word(32 * drawn.randrange(4)),
        "blockHash": word(),
        "blockNumber": hex(drawn.randrange(16 ** drawn.randrange(1, 9))),
        "blockTimestamp": hex(drawn.randrange(2**32)),
        "transactionHash": word(),
        "transactionIndex": hex(drawn.randrange(300)),
        "logIndex": hex(drawn.randrange(3_000)),
        "removed": False,
        **fields,
    }


def compact(items: Any) -> bytes:
    return json.dumps(items, separators=(",", ":")).encode()


def told(text: bytes) -> list[dict[str, Any]]:
    """What was read, as JSON-RPC says it, in order."""
    logs = read_logs(text)
    found: dict[int, dict[str, Any]] = {place: dict(each) for place, each in logs.others.items()}
    for batch in logs.batches:
        for at, place in enumerate(batch.places.tolist()):
            assert place not in found
            topics = batch.topics[at].tobytes()
            found[place] = {
                "address": "0x" + rows_of(batch.address)[at].hex(),
                "topics": ["0x" + topics[begin : begin + 32].hex() for begin in range(0, len(topics), 32)],
                "data": "0x" + batch.data[at].tobytes().hex(),
                "blockHash": "0x" + batch.block_hash[at].tobytes().hex(),
                "blockNumber": hex(batch.block[at]),
                "transactionHash": "0x" + batch.tx[at].tobytes().hex(),
                "transactionIndex": hex(batch.tx_index[at]),
                "logIndex": hex(batch.index[at]),
            }
            assert logs.item(place)["data"] == found[place]["data"]
    assert sorted(found) == list(range(len(logs)))
    return [{name: value for name, value in found[place].items() if name not in IGNORED} for place in sorted(found)]


IGNORED = ("blockTimestamp", "removed", "more")


def plain(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name not in IGNORED} for each in items]


@pytest.mark.parametrize("count", [0, 1, 2, 50, 5_000])
def test_what_a_node_writes_is_read_by_columns(count: int) -> None:
    drawn = random.Random(count)
    items = [
        item(
            drawn,
            topics=["0x" + drawn.randbytes(32).hex() for _ in range(2)],
            data="0x" + drawn.randbytes(64).hex(),
            blockNumber=hex(4_090 + place // 300),
            blockTimestamp=hex(1_700_000_000 + place),
            logIndex=hex(place % 300),
        )
        for place in range(count)
    ]
    text = compact(items)
    assert told(text) == plain(items)
    logs = read_logs(text)
    assert (len(logs), logs.others) == (count, {})


@given(seed=st.integers(0, 2**32), count=st.integers(0, 40))
def test_logs_of_all_sizes_are_read(seed: int, count: int) -> None:
    drawn = random.Random(seed)
    items = [item(drawn) for _ in range(count)]
    assert told(compact(items)) == plain(items)


def spaced(items: list[dict[str, Any]]) -> bytes:
    return json.dumps(items).encode()


def indented(items: list[dict[str, Any]]) -> bytes:
    return json.dumps(items, indent=2).encode()


def shuffled(items: list[dict[str, Any]]) -> bytes:
    drawn = random.Random(1)
    return compact([dict(drawn.sample(list(each.items()), len(each))) for each in items])


def with_more(items: list[dict[str, Any]]) -> bytes:
    more: list[Any] = ["0xab", "0x", {"a": [1, {}]}, "},{", None, 7, "blockNumber"]
    return compact([{**each, "more": more[place % len(more)]} for place, each in enumerate(items)])


def nested(items: list[dict[str, Any]]) -> bytes:
    return compact([{"more": {"a": {"b": 1}}, **each} for each in items])


@pytest.mark.parametrize("written", [spaced, indented, shuffled, with_more, nested])
def test_what_is_written_otherwise_is_read_all_the_same(written: Callable[[list[dict[str, Any]]], bytes]) -> None:
    drawn = random.Random(3)
    items = [item(drawn, data="0x") for _ in range(40)]
    assert told(written(items)) == plain(items)


@given(data=st.data())
def test_no_byte_that_changes_is_overlooked(data: st.DataObject) -> None:
    """With any byte of the text another one, what is read is what a JSON parser reads, or nothing is."""
    drawn = random.Random(5)
    items = [item(drawn, topics=["0x" + "cd" * 32], data="0x" + drawn.randbytes(32).hex()) for _ in range(3)]
    text = bytearray(compact(items))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.sampled_from(b'0a}{",:[]xZ \\'))
    try:
        expected = json.loads(bytes(text))
    except ValueError:
        with pytest.raises(ValueError):
            [read_logs(bytes(text)).item(place) for place in range(3)]
        return
    if not isinstance(expected, list) or not all(isinstance(each, dict) for each in expected):
        with pytest.raises(ValueError):
            read_logs(bytes(text))
        return
    logs = read_logs(bytes(text))
    assert [dict(logs.item(place)) for place in range(len(logs))] == expected
    for batch in logs.batches:
        for at, place in enumerate(batch.places.tolist()):
            for name, value in (("blockNumber", batch.block), ("logIndex", batch.index)):
                assert int(expected[place][name], 16) == value[at]
            for name, cells in (("data", batch.data), ("transactionHash", batch.tx), ("address", batch.address)):
                assert expected[place][name].lower() == "0x" + cells[at].tobytes().hex()


def test_a_log_that_was_removed_or_is_malformed_is_read_by_itself() -> None:
    drawn = random.Random(7)
    strange = [
        item(drawn, removed=True),
        item(drawn, topics=["0x12"]),
        item(drawn, topics="0x12"),
        item(drawn, data="0x1"),
        item(drawn, data="0xZZ"),
        item(drawn, blockNumber="0x"),
        item(drawn, logIndex="0x1000000000000000"),
        item(drawn, address=None),
        {"data": "0x"},
    ]
    usual = [item(drawn) for _ in range(9)]
    items = [each for pair in zip(strange, usual, strict=True) for each in pair]
    logs = read_logs(compact(items))
    assert logs.others == {2 * place: each for place, each in enumerate(strange)}
    assert [logs.item(place) for place in range(len(logs))] == items


def test_very_many_ways_of_writing_are_parsed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logtext, "MOST_SHAPES", 3)
    drawn = random.Random(8)
    items = [item(drawn, data="0x" + drawn.randbytes(place).hex()) for place in range(20)]
    assert told(compact(items)) == plain(items)
    assert len(read_logs(compact(items)).others) == 17


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b"[[]]", b"null", b"[{]", b"[{}", b"[{},]", b"[" * 100_000])
def test_what_is_no_array_of_objects_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_logs(text)


def test_a_text_of_very_many_parts_is_refused() -> None:
    with pytest.raises(ValueError, match="parts"):
        read_logs(b"[" + b"{}," * 100_000 + b"{}]")


def test_digits_in_capitals_are_for_the_general_way() -> None:
    drawn = random.Random(9)
    items = [item(drawn, topics=[], data="0x") for _ in range(4)]
    items[2]["address"] = items[2]["address"].upper().replace("0X", "0x")
    logs = read_logs(compact(items))
    assert list(logs.others) == [2]
    assert logs.item(2) == items[2]


def test_rows_and_spans_that_are_not_in_the_text_are_refused() -> None:
    """By the kernel: nothing is read beyond what was given."""
    read = kernel("_hexrows").read_rows
    record = np.frombuffer(b"0xab", np.uint8)
    spans = np.array([[2, 4, Use.CELLS, 0]], np.int32)
    assert read(b"..0xcd", np.array([2]), record, spans, 1, 0) == (b"\xcd", b"", b"\1")
    for begins in ([3], [-1], [2**62]):
        with pytest.raises(ValueError, match="a row"):
            read(b"..0xcd", np.array(begins), record, spans, 1, 0)
        with pytest.raises(ValueError, match="a row"):
            plain_rows(b"..0xcd", np.array(begins), record, spans, 1, 0)
    strange = [[2, 5, 0, 0], [3, 2, 0, 0], [-1, 1, 0, 0], [2, 4, 0, 1], [2, 4, 0, -1], [2, 4, 1, 0], [1, 4, 0, 0]]
    for span in strange:
        with pytest.raises(ValueError, match="spans"):
            read(b"..0xcd", np.array([2]), record, np.array([span], np.int32), 1, 0)
    with pytest.raises(ValueError, match="spans"):
        read(b"..0xcd", np.array([2]), record, np.array([[2, 4, 0, 0]] * 2, np.int32), 1, 0)
