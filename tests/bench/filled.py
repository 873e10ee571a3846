"""A chain to index: a deployment of ours on an anvil of its own, with as many usage reports as are asked for.

All contracts are the committed ones but `Usage`, in whose place `BulkUsage.sol` stands from the start: it states
`UsageReported` by the same journal and keeps the same word for each sale, and checks neither sale nor signatures, so
that a thousand reports fit into a transaction. The reports are made up and distinct: a hundred sales in turn, each with
its next hour, and a running sum of its uses. Every log is folded into the contract's head and into its sale's, so what
a copy proves here it proves of `Usage`. Knows nothing of those who index it.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from deedbook.chain import artifacts
from deedbook.chain.client import HttpNode, NodeError, identity_of
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.journal import JOURNALLED
from deedbook.mirror.store import Chain as MirroredChain
from tests.bench.chain import CHAIN_ID, START, Chain, Contract
from tests.bench.exchange import Exchange
from tests.bench.report import progress
from tests.integration.anvil_node import anvil_address
from tools.forge import CONTRACTS, binary, with_node

SOURCE: Final = Path(__file__).parent / "BulkUsage.sol"
EVENT: Final = "UsageReported"
QUIET: Final = 64
"""Empty blocks at the end: an indexer that counts confirmations takes the reports for final."""
GAS: Final = 100_000
"""More than a report takes, and more than a transaction takes without any."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How the events lie on a chain: so many a transaction, so many transactions a block."""

    name: str
    per_transaction: int
    per_block: int


DENSE: Final = Shape("dense", 1_000, 1)
SPARSE: Final = Shape("sparse", 1, 100)


@dataclass(frozen=True)
class Filled:
    """A filled chain: its blocks `first` to `last` hold `events` reports, and those up to `tip` none."""

    shape: Shape
    url: str
    node: HttpNode
    chain: MirroredChain
    events: int
    first: int
    last: int
    tip: int
    seconds: float

    @property
    def usage(self) -> bytes:
        """The contract that stated them."""
        return self.chain.contracts["Usage"]

    @property
    def events_per_block(self) -> int:
        """Of every block but perhaps the last."""
        return self.shape.per_transaction * self.shape.per_block


@contextmanager
def filled(shape: Shape, events: int) -> Iterator[Filled]:
    """A fresh chain with so many reports. It ends with the context."""
    options = ("--gas-limit", str(10**9), "--accounts", "1", "--order", "fifo", "--auto-impersonate")
    # Before Shanghai anvil's block 0 does not hash to its own name.
    anvil = anvil_address(binary("anvil"), chain_id=CHAIN_ID, start=START, options=options, hardfork="shanghai")
    with anvil as url:
        node = HttpNode(url, timeout=600)
        node.request("anvil_setBlockTimestampInterval", [1])
        exchange = Exchange(Chain(node), _load)
        contracts = {name: exchange[name].address for name in JOURNALLED}
        first, began = _newest(node) + 1, time.perf_counter()
        _report_all(node, exchange["Usage"], shape, events)
        last, seconds = _newest(node), time.perf_counter() - began
        node.request("anvil_mine", [hex(QUIET)])
        chain = MirroredChain(*identity_of(node), contracts)
        yield Filled(shape, url, node, chain, events, first, last, _newest(node), seconds)


def stated_heads(chain: Filled, entities: Sequence[bytes]) -> dict[bytes, bytes]:
    """The heads that the contract itself names after its newest block: of these entities, and its own (empty bytes)."""
    contract = Contract("Usage", chain.usage, _compiled()["abi"])
    asked = [contract.encode("journalHead"), *(contract.encode("journalHeadOf", entity) for entity in entities)]
    calls = [("eth_call", [{"to": to_hex(chain.usage), "data": to_hex(data)}, "latest"]) for data in asked]
    return dict(zip((b"", *entities), (from_hex(each, "head", 32) for each in chain.node.batch(calls)), strict=True))


def _report_all(node: HttpNode, usage: Contract, shape: Shape, events: int) -> None:
    """Block by block, from an account that signs."""
    sender = node.request("eth_accounts", [])[0]
    node.request("evm_setAutomine", [False])
    common = {
        "from": sender,
        "to": to_hex(usage.address),
        "gas": hex(GAS * (1 + shape.per_transaction)),
        "gasPrice": "0x0",
    }
    nonce, size = 0, shape.per_transaction
    for begin in range(0, events, shape.per_block * size):
        parts = range(begin, min(events, begin + shape.per_block * size), size)
        data = [usage.encode("report", part, min(size, events - part)) for part in parts]
        _send(node, [{**common, "nonce": hex(nonce + at), "data": to_hex(each)} for at, each in enumerate(data)])
        nonce += len(data)
        if begin % (shape.per_block * size * 10) == 0:
            progress(f"filling the {shape.name} chain: {begin:,} of {events:,} events")


def _send(node: HttpNode, transactions: Sequence[Mapping[str, Any]]) -> None:
    """In one block, in this order. Raises AssertionError unless the last one went well."""
    sent = node.batch([("eth_sendTransaction", [each]) for each in transactions])
    assert not any(isinstance(each, NodeError) for each in sent), sent
    node.request("evm_mine", [])
    receipt = node.request("eth_getTransactionReceipt", [sent[-1]])
    assert receipt["status"] == "0x1", "a report was refused"


def _newest(node: HttpNode) -> int:
    return int(node.request("eth_blockNumber", []), 16)


def _load(name: str) -> Mapping[str, Any]:
    return _compiled() if name == "Usage" else artifacts.load(name)


@cache
def _compiled() -> dict[str, Any]:
    """Compiled as our contracts are, by the same compiler: its ABI and its bytecode."""
    request = {
        "language": "Solidity",
        "sources": {SOURCE.name: {"content": SOURCE.read_text(encoding="utf-8")}},
        "settings": {
            "evmVersion": "paris",
            "optimizer": {"enabled": True, "runs": 200},
            "outputSelection": {SOURCE.name: {SOURCE.stem: ["abi", "evm.bytecode.object"]}},
        },
    }
    words = ["node", str(CONTRACTS / "tools" / "solc"), "--base-path", str(CONTRACTS), "--standard-json"]
    output = subprocess.run(words, input=json.dumps(request).encode(), env=with_node(), capture_output=True, check=True)
    built = json.loads(output.stdout)
    assert "contracts" in built, built
    made = built["contracts"][SOURCE.name][SOURCE.stem]
    return {"abi": made["abi"], "bytecode": "0x" + made["evm"]["bytecode"]["object"]}
