"""The embedded chain against anvil: one scripted corpus, the same transactions, the same answers.

`DROPPED` and `DIFFERENT` are the whole list of what is not compared, each with its reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain.client import HttpNode
from deedbook.chain.embedded.chain import Chain
from deedbook.chain.embedded.rpc import Methods
from deedbook.chain.proofs import decode_header, encode_header
from deedbook.chain.receipts import check_logs
from deedbook.chain.transactions import log_of
from deedbook.domain.hashing import from_hex, to_hex
from tests.integration.anvil_node import running_anvil
from tests.integration.embedded_corpus import CHAIN_ID, START, ZERO, Side, diverge, tell

DROPPED = {
    "blobGasPrice": "anvil adds a field of Cancun to the receipts of Paris",
    "blobGasUsed": "anvil gives its genesis block and its fee history fields of Cancun",
    "excessBlobGas": "the same",
    "baseFeePerBlobGas": "the same",
    "blobGasUsedRatio": "the same",
    "mixHash": "anvil draws a random one; ours is zero, so that a block is a function of its parent and transactions",
}
"""Fields that are not compared, wherever they are."""

_AT_START = "anvil's genesis block does not commit to the balances it starts with"
_FINAL = "every block here is final at once; anvil waits 64 blocks"
_POSITIONS = "anvil lets a filter name more positions than a log has topics; geth and the standard do not"

DIFFERENT = {
    **{f"block {tag} at the start": _AT_START for tag in ("latest", "earliest", "safe", "finalized", "0x0", "0x00")},
    **{f"{what} at {tag}": _FINAL for what in ("call", "total") for tag in ("safe", "finalized")},
    "logs safe to finalized": _FINAL,
    "logs by a topic too many": _POSITIONS,
    "logs by all four": _POSITIONS,
    "count of no block": "anvil calls a block that is not there a bad parameter; geth and we answer null",
}
"""Answers that differ by intent, and why."""

VAGUE = frozenset({-32602, -32600, -32700})
"""Codes of a malformed request: what is wrong with it, every node says in its own words."""


@pytest.fixture(scope="module")
def second(anvil: Path) -> Iterator[HttpNode]:
    with running_anvil(anvil, chain_id=CHAIN_ID, start=START) as node:
        yield node


class Pair:
    """Both chains, with the same accounts funded."""

    def __init__(self, node: HttpNode) -> None:
        funded = {account: int(node.request("eth_getBalance", [account, "latest"]), 16) for account in
                  node.request("eth_accounts", [])}  # fmt: skip
        # anvil keeps an account for its coinbase, touched or not; with ether it is there on both sides.
        node.request("anvil_setBalance", [ZERO, "0x1"])
        funded[ZERO] = 1
        self._now = START
        balances = {from_hex(account, "account", 20): wei for account, wei in funded.items()}
        self.chain = Chain.in_memory(clock=lambda: self._now, chain_id=CHAIN_ID, balances=balances)
        methods = Methods(self.chain)
        self._ids = iter(range(10**9))

        def ask_anvil(method: str, params: Any) -> Any:
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
            answer = json.loads(node._received(request)[1])
            return {key: answer[key] for key in ("result", "error") if key in answer}

        def ask_ours(method: str, params: Any) -> Any:
            request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
            answer = json.loads(methods.handle(json.dumps(request).encode()))
            return {key: answer[key] for key in ("result", "error") if key in answer}

        def set_ours(now: int) -> None:
            self._now = now

        def send_theirs(raws: Sequence[str]) -> None:
            node.request("evm_setAutomine", [False])
            for raw in raws:
                node.request("eth_sendRawTransaction", [raw])
            node.request("evm_mine", [])
            node.request("evm_setAutomine", [True])

        def send_ours(raws: Sequence[str]) -> None:
            results = self.chain.send_many([from_hex(raw, "raw") for raw in raws])
            assert all(isinstance(result, bytes) for result in results)

        self.theirs = Side(ask_anvil, lambda now: node.request("evm_setNextBlockTimestamp", [now]), send_theirs)
        self.ours = Side(ask_ours, set_ours, send_ours)


@pytest.fixture(scope="module")
def told(second: HttpNode) -> Pair:
    pair = Pair(second)
    tell(pair.theirs)
    tell(pair.ours)
    return pair


def _comparable(answers: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {name: _normal(answer, names) for name, answer in answers.items()}


def _normal(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("code"), int) and value["code"] in VAGUE:
            return {"code": value["code"]}
        return {
            key: _normal(item, names) for key, item in value.items() if key not in DROPPED and not _extra(key, item)
        }
    if value == ["0x80"]:  # the proof in an empty trie: anvil lists the empty node, geth and we list none
        return []
    if isinstance(value, list):
        return [_normal(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def _extra(key: str, value: Any) -> bool:
    """anvil repeats the block time in receipts, as a JSON number; in logs and transactions it is text, and compared."""
    return key == "blockTimestamp" and isinstance(value, int)


def test_every_answer_is_anvils(told: Pair) -> None:
    theirs = _comparable(told.theirs.answers, told.theirs.block_hashes())
    ours = _comparable(told.ours.answers, told.ours.block_hashes())

    different = {name: (theirs[name], ours.get(name)) for name in theirs if theirs[name] != ours.get(name)}

    assert len(ours) > 400
    unexplained = {name: both for name, both in different.items() if name not in DIFFERENT}
    assert not unexplained, json.dumps(unexplained, indent=1)[:20000]
    assert different.keys() == DIFFERENT.keys(), "an explained difference is gone: take it off the list"
    assert ours.keys() == theirs.keys()


@pytest.mark.parametrize("name", ["ours", "theirs"])
def test_receipts_prove_all_logs_of_every_block(told: Pair, name: str) -> None:
    side, blocks, kinds = getattr(told, name), 0, set()

    def ask(method: str, *params: Any) -> Any:
        return side._ask(method, params)["result"]

    for number in range(1, int(ask("eth_blockNumber"), 16) + 1):
        block, receipts = (ask(method, hex(number), *more) for method, *more in
                           (("eth_getBlockByNumber", False), ("eth_getBlockReceipts",)))  # fmt: skip
        header = decode_header(encode_header(block))
        assert to_hex(header.hash) == block["hash"]
        proven = check_logs(header, receipts)
        assert list(proven) == [log_of(log) for log in ask("eth_getLogs", {"blockHash": block["hash"]})]
        blocks += len(proven) > 0
        kinds |= {receipt["type"] for receipt in receipts}
    assert blocks > 5
    assert kinds == {"0x0", "0x1", "0x2"}


REFUSED_HERE = {
    "another chain's": (-32000, "anvil mines a legacy transaction that was signed for another chain"),
    "trailing byte": (-32602, "anvil takes bytes after a transaction"),
    "too little gas for its data": (-32000, "anvil takes a transaction that cannot pay for its calldata"),
    "malleable": (-32003, "anvil takes the second form of a signature (EIP-2 refuses it)"),
    "nonce gap": (-32003, "anvil queues it in memory; what we acknowledge is on disk"),
}


def test_what_differs_by_intent_differs_as_documented(told: Pair) -> None:
    diverge(told.theirs)
    diverge(told.ours)
    theirs, ours = told.theirs.answers, told.ours.answers

    for name, (code, reason) in REFUSED_HERE.items():
        assert "result" in theirs[name], (name, reason)
        assert ours[name]["error"]["code"] == code, (name, reason)
    assert theirs["sent again"]["error"] == {"code": -32003, "message": "nonce too low"}
    assert ours["sent again"]["error"] == {"code": -32003, "message": "already known"}
    assert theirs["raw header"]["error"]["code"] == -32601
    assert ours["raw header"]["result"].startswith("0xf901")
    assert (len(theirs["accounts"]["result"]), ours["accounts"]["result"]) == (10, [])
    assert (theirs["priority fee"]["result"], ours["priority fee"]["result"]) == ("0x3b9aca00", "0x0")
    assert theirs["slot in short hexadecimal"]["error"]["code"] == -32602
    assert ours["slot in short hexadecimal"]["result"]["storageProof"][0]["key"] == "0x" + "00" * 31 + "01"
