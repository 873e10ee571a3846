"""The follower's source on recorded networks: a block is the one that its consensus names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain.client import NodeError, Request, one_by_one
from deedbook.domain.hashing import to_hex
from deedbook.errors import IntegrityError
from deedbook.mirror.source import NodeSource

RECORDED = Path(__file__).parents[1] / "vectors" / "recorded"


class RecordedNode:
    """A node that tells recorded blocks."""

    def __init__(self, blocks: Sequence[dict[str, Any]]) -> None:
        self.blocks = {block["number"]: dict(block) for block in blocks}

    def request(self, method: str, params: Sequence[Any]) -> Any:
        assert method == "eth_getBlockByNumber"
        return self.blocks.get(max(self.blocks, key=lambda each: int(each, 16)) if params[0] == "latest" else params[0])

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return one_by_one(self, requests)


def node(name: str) -> RecordedNode:
    found = json.loads((RECORDED / f"{name}.json").read_text())
    return RecordedNode(found["headers"] if name == "qbft" else [each["block"] for each in found["headers"]])


@pytest.mark.parametrize(
    ("name", "consensus"),
    [("qbft", "qbft"), ("clique", "clique"), ("clique-london", "clique"), ("clique", "instant")],
)
def test_recorded_blocks_are_followed(name: str, consensus: str) -> None:
    told = node(name)
    source = NodeSource(told, {}, consensus=consensus)
    parent = bytes(32)
    for number, block in told.blocks.items():
        header = source.header(int(number, 16))
        assert header is not None
        assert to_hex(header.hash) == block["hash"]
        assert header.parent_hash == parent
        parent = header.hash
    assert source.tip().hash == parent


@pytest.mark.parametrize(("name", "consensus"), [("qbft", "instant"), ("qbft", "clique"), ("clique", "qbft")])
def test_another_consensus_finds_no_block_under_its_name(name: str, consensus: str) -> None:
    with pytest.raises(IntegrityError):
        NodeSource(node(name), {}, consensus=consensus).header(3)


def test_a_home_that_says_nothing_of_qbft_is_told_what_to_say() -> None:
    with pytest.raises(IntegrityError) as refused:
        NodeSource(node("qbft"), {}).header(3)
    assert refused.value.hint is not None
    assert "DEEDBOOK_CONSENSUS" in refused.value.hint


def turned(text: str, place: int) -> str:
    """Hexadecimal text with another digit there."""
    return text[:place] + ("1" if text[place] == "0" else "0") + text[place + 1 :]


@pytest.mark.parametrize("field", ["stateRoot", "receiptsRoot", "timestamp", "miner", "gasUsed", "extraData"])
def test_a_changed_block_is_not_the_one_it_says(field: str) -> None:
    told = node("qbft")
    block = told.blocks["0x3"]
    block[field] = turned(block[field], 12 if field == "extraData" else len(block[field]) - 1)
    with pytest.raises(IntegrityError):
        NodeSource(told, {}, consensus="qbft").header(3)


def test_other_seals_are_no_other_qbft_block() -> None:
    told = node("qbft")
    block = told.blocks["0x3"]
    block["extraData"] = turned(block["extraData"], len(block["extraData"]) - 9)
    header = NodeSource(told, {}, consensus="qbft").header(3)
    assert header is not None
    assert to_hex(header.hash) == block["hash"]
