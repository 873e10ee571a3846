"""What a node's result must look like to be an answer to its request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from deedbook.chain.answers import require_answer, told_hash, told_number
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.errors import ChainUnavailable

A, B = "0x" + "aa" * 32, "0x" + "bb" * 32
RAW = "0x02C0"
SENT = to_hex(keccak256(bytes.fromhex("02c0")))
BLOCK = {"number": "0x7", "hash": A}
RECEIPT = {
    "transactionHash": A, "blockHash": B, "blockNumber": "0x7", "transactionIndex": "0x0", "gasUsed": "0x5208",
    "status": "0x1", "logs": [],
}  # fmt: skip
RANGE = [{"fromBlock": "0x5", "toBlock": "0x9"}]
IN_BLOCK = [{"blockHash": A}]
PROOF: dict[str, Any] = {"accountProof": [], "storageProof": []}

ANSWERS: list[tuple[str, Sequence[Any], Any]] = [
    ("eth_blockNumber", [], "0x0"),
    ("eth_getBalance", ["0x", "latest"], "0x" + "f" * 64),
    ("eth_call", [{}, "latest"], "0x"),
    ("eth_call", [{}, "latest"], "0xAbcd"),
    ("eth_sendRawTransaction", [RAW], SENT),
    ("eth_sendRawTransaction", [RAW], SENT.upper().replace("X", "x")),
    ("eth_syncing", [], False),
    ("eth_syncing", [], {"currentBlock": "0x1"}),
    ("eth_getBlockByNumber", ["0x7", False], BLOCK),
    ("eth_getBlockByNumber", ("0x07", False), BLOCK),
    ("eth_getBlockByNumber", ["0x8", False], None),
    ("eth_getBlockByNumber", ["latest", False], BLOCK),
    ("eth_getBlockByNumber", ["finalized", False], None),
    ("eth_getBlockByNumber", ["pending", False], {"number": None, "hash": None}),
    ("eth_getBlockByNumber", ["pending", False], None),
    ("eth_getBlockByHash", [A, False], BLOCK),
    ("eth_getBlockByHash", [A.upper().replace("X", "x"), False], BLOCK),
    ("eth_getTransactionByHash", [A], {"hash": A, "blockNumber": None}),
    ("eth_getTransactionByHash", [A], None),
    ("eth_getTransactionReceipt", [A], RECEIPT),
    ("eth_getTransactionReceipt", [A], {"transactionHash": A, "blockNumber": None, "logs": []}),
    ("eth_getTransactionReceipt", [A], None),
    ("eth_getBlockReceipts", ["0x7"], [RECEIPT, {**RECEIPT, "transactionHash": B}]),
    ("eth_getBlockReceipts", ["0x7"], []),
    ("eth_getBlockReceipts", ["0x7"], None),
    ("eth_getLogs", RANGE, [{"blockNumber": "0x5"}, {"blockNumber": "0x9"}]),
    ("eth_getLogs", [{"toBlock": "latest"}], [{"blockNumber": "0x5"}]),
    ("eth_getLogs", IN_BLOCK, [{"blockHash": A}]),
    ("eth_getLogs", RANGE, []),
    ("eth_getProof", [], PROOF),
    ("eth_getProof", [], None),
    ("eth_getProof", [], {**PROOF, "accountProof": None}),
    ("eth_feeHistory", [], {"oldestBlock": "0x1"}),
    ("anvil_mine", [], object()),
]


def _each(method: str, params: Sequence[Any], *results: Any) -> list[tuple[str, Sequence[Any], Any]]:
    return [(method, params, result) for result in results]


NO_ANSWERS: list[tuple[str, Sequence[Any], Any]] = [
    *_each("eth_blockNumber", [], None, 7, "7", "0x", "0xg", "0x" + "0" * 65, "0x7\n", [], {}, True),
    *_each("eth_call", [{}, "latest"], None, 7, "", "0x1", "abcd", [], "0xab cd", "0xab\n"),
    *_each("eth_sendRawTransaction", [RAW], A, None, "0x", SENT[:-1], 7, SENT + "00"),
    ("eth_sendRawTransaction", [], SENT),
    ("eth_sendRawTransaction", ["0x0"], SENT),
    *_each("eth_syncing", [], None, "false", 0, []),
    *_each("eth_getBlockByNumber", ["0x7", False], 7, [], "0x7", {}, {**BLOCK, "number": "0x8"}),
    *_each("eth_getBlockByNumber", ["0x7", False], *({**BLOCK, "hash": each} for each in ("", "0xaa", A + "\n"))),
    ("eth_getBlockByNumber", ["latest", False], None),
    ("eth_getBlockByNumber", ["latest", False], {"number": None, "hash": A}),
    ("eth_getBlockByNumber", ["pending", False], []),
    ("eth_getBlockByHash", [B, False], BLOCK),
    *_each("eth_getTransactionByHash", [A], {"hash": B}, {}, [], A, {"hash": None}),
    *_each("eth_getTransactionReceipt", [A], {}, [], A, {**RECEIPT, "transactionHash": B}),
    *(("eth_getTransactionReceipt", [A], {**RECEIPT, name: None}) for name in RECEIPT if name != "blockNumber"),
    *(("eth_getTransactionReceipt", [A], {**RECEIPT, name: 7}) for name in RECEIPT),
    ("eth_getBlockReceipts", ["0x7"], {}),
    ("eth_getBlockReceipts", ["0x7"], [RECEIPT, {**RECEIPT, "blockHash": A}]),
    ("eth_getBlockReceipts", ["0x7"], [RECEIPT, None]),
    *_each("eth_getLogs", RANGE, None, {}, "0x", [None], [{}], [{"blockNumber": "0x4"}]),
    ("eth_getLogs", RANGE, [{"blockNumber": "0xa"}]),
    ("eth_getLogs", IN_BLOCK, [{"blockHash": A}, {"blockHash": B}]),
    ("eth_getLogs", IN_BLOCK, [{"blockNumber": "0x5"}]),
    *_each("eth_getProof", [], [], "0x", {"accountProof": []}, {**PROOF, "storageProof": None}),
    *_each("eth_feeHistory", [], None, {}, [], {"oldestBlock": 1}),
]


@pytest.mark.parametrize(("method", "params", "result"), ANSWERS)
def test_an_answer_passes(method: str, params: Sequence[Any], result: Any) -> None:
    require_answer(method, params, result)


@pytest.mark.parametrize(("method", "params", "result"), NO_ANSWERS)
def test_what_is_no_answer_is_the_nodes_fault(method: str, params: Sequence[Any], result: Any) -> None:
    with pytest.raises(ChainUnavailable) as caught:
        require_answer(method, params, result)
    assert (caught.value.failure, caught.value.fields["method"]) == ("malformed", method)


def test_a_blocks_own_words() -> None:
    assert (told_number(BLOCK), told_hash({"hash": "0x" + "AA" * 32})) == (7, A)
