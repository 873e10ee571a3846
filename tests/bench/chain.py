"""An anvil of its own whose transactions can be looked into: what they used, and which words, logs and precompiles.

Contracts are an address and an ABI, whoever made them: ours and the peers' are spoken to in one way. Accounts act
unlocked; a signature is made only where the act itself carries one. Knows no contract.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eth_abi.abi import decode, encode

from deedbook.chain.abis import type_of
from deedbook.chain.client import HttpNode, NodeError
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.errors import ChainUnavailable
from tools.forge import binary

START = 1_800_000_000
"""When the chain begins; each block is a second later, so that a run repeats."""

CHAIN_ID = 31_337
GAS_LIMIT = 29_000_000

Receipt = Mapping[str, Any]
Abi = Sequence[Mapping[str, Any]]


class RefusedError(AssertionError):
    """A transaction reverted: the error's name where the contract knows it, and what came with it."""

    def __init__(self, what: str, error: str) -> None:
        super().__init__(f"{what}: {error}")
        self.error = error


@dataclass(frozen=True)
class Contract:
    """An address with the ABI of what is there. A function is named, or given by its signature where overloaded."""

    name: str
    address: bytes
    abi: Abi

    @cached_property
    def functions(self) -> Mapping[str, Mapping[str, Any]]:
        """The functions, by signature and, where it is the only one, by name."""
        found = [item for item in self.abi if item["type"] == "function"]
        names = [item["name"] for item in found]
        return {signature_of(item): item for item in found} | {
            item["name"]: item for item in found if names.count(item["name"]) == 1
        }

    def encode(self, function: str, *arguments: Any) -> bytes:
        """Calldata."""
        item = self.functions[function]
        return keccak256(signature_of(item).encode())[:4] + encode(_types(item["inputs"]), arguments)

    def decode(self, function: str, data: bytes) -> Any:
        """What the function returned: one value, or a tuple; addresses are 0x-text."""
        values = decode(_types(self.functions[function]["outputs"]), data)
        return values[0] if len(values) == 1 else values

    def logs(self, receipt: Receipt, event: str) -> list[dict[str, Any]]:
        """The arguments of this contract's events of that name in a receipt."""
        item = next(each for each in self.abi if each["type"] == "event" and each["name"] == event)
        topic = to_hex(keccak256(signature_of(item).encode()))
        mine = [log for log in receipt["logs"] if from_hex(log["address"], "address") == self.address]
        return [_arguments(item["inputs"], log) for log in mine if log["topics"][:1] == [topic]]

    def error(self, data: bytes) -> str:
        """What a revert says: the custom error with its arguments, or the bytes."""
        for item in self.abi:
            if item["type"] == "error" and keccak256(signature_of(item).encode())[:4] == data[:4]:
                return f"{item['name']}{decode(_types(item['inputs']), data[4:])}"
        return to_hex(data)


def signature_of(item: Mapping[str, Any]) -> str:
    """The canonical signature of a function, event or error."""
    return f"{item['name']}({','.join(_types(item['inputs']))})"


def _types(parameters: Sequence[Mapping[str, Any]]) -> list[str]:
    return [type_of(parameter) for parameter in parameters]


def _arguments(inputs: Sequence[Mapping[str, Any]], log: Mapping[str, Any]) -> dict[str, Any]:
    topics = [from_hex(topic, "topic") for topic in log["topics"][1:]]
    loose = [item for item in inputs if not item["indexed"]]
    values = dict(zip((i["name"] for i in loose), decode(_types(loose), from_hex(log["data"], "d")), strict=True))
    for item, topic in zip((i for i in inputs if i["indexed"]), topics, strict=True):
        simple = type_of(item)[-1] not in ")]" and type_of(item) not in ("bytes", "string")
        values[item["name"]] = decode([type_of(item)], topic)[0] if simple else topic
    return values


class Chain:
    """A node that mines every transaction at once, from whatever account is named."""

    def __init__(self, node: HttpNode) -> None:
        self.node = node

    def deploy(self, name: str, abi: Abi, code: str, arguments: Sequence[Any], sender: bytes) -> Contract:
        """Creates a contract. Raises RefusedError."""
        inputs = next((item["inputs"] for item in abi if item["type"] == "constructor"), ())
        data = from_hex(code, "code") + encode(_types(inputs), list(arguments))
        receipt = self._mined(sender, None, data)
        if receipt["status"] != "0x1":
            raise RefusedError(f"deployment of {name}", "reverted")
        return Contract(name, from_hex(receipt["contractAddress"], "address"), abi)

    def send(self, contract: Contract, function: str, *arguments: Any, sender: bytes) -> Receipt:
        """The receipt of a transaction that went well. Raises RefusedError with the contract's own error."""
        return self.send_data(contract, contract.encode(function, *arguments), sender=sender, what=function)

    def send_data(self, contract: Contract, data: bytes, *, sender: bytes, what: str) -> Receipt:
        """The same, of calldata that is there already."""
        receipt = self._mined(sender, contract.address, data)
        if receipt["status"] != "0x1":
            raise RefusedError(f"{contract.name}.{what}", self._reason(contract, data, sender))
        return receipt

    def read(self, contract: Contract, function: str, *arguments: Any) -> Any:
        """What a view answers now."""
        call = {"to": to_hex(contract.address), "data": to_hex(contract.encode(function, *arguments))}
        return contract.decode(function, from_hex(self.node.request("eth_call", [call, "latest"]), "result"))

    def refusal(self, contract: Contract, function: str, *arguments: Any, sender: bytes) -> str:
        """The error that a call would meet; empty where it would go well."""
        return self._reason(contract, contract.encode(function, *arguments), sender)

    def now(self) -> int:
        """The time of the last block."""
        return int(self.node.request("eth_getBlockByNumber", ["latest", False])["timestamp"], 16)

    def pass_time(self, seconds: int) -> None:
        """Lets so much time pass: the next block is that much later."""
        self.node.request("evm_setNextBlockTimestamp", [self.now() + seconds])
        self.node.request("evm_mine", [])

    def transaction(self, receipt: Receipt) -> Mapping[str, Any]:
        """The transaction of a receipt, as mined."""
        found: Mapping[str, Any] = self.node.request("eth_getTransactionByHash", [receipt["transactionHash"]])
        return found

    def trace(self, receipt: Receipt, tracer: str, **config: Any) -> Any:
        """What geth's tracer of that name says of it."""
        words = {"tracer": tracer, "tracerConfig": config}
        return self.node.request("debug_traceTransaction", [receipt["transactionHash"], words])

    def _mined(self, sender: bytes, to: bytes | None, data: bytes) -> Receipt:
        call = {"from": to_hex(sender), "data": to_hex(data), "gas": hex(GAS_LIMIT), "gasPrice": "0x0"}
        if to is not None:
            call["to"] = to_hex(to)
        tx_hash = self.node.request("eth_sendTransaction", [call])
        for _ in range(10_000):
            receipt: Receipt | None = self.node.request("eth_getTransactionReceipt", [tx_hash])
            if receipt is not None:
                return receipt
            time.sleep(0.001)
        raise RefusedError("a transaction", "is not mined")

    def _reason(self, contract: Contract, data: bytes, sender: bytes) -> str:
        call = {"from": to_hex(sender), "to": to_hex(contract.address), "data": to_hex(data), "gas": hex(GAS_LIMIT)}
        try:
            self.node.request("eth_call", [call, "latest"])
        except NodeError as error:
            return contract.error(from_hex(error.data, "data")) if isinstance(error.data, str) else error.reason
        return ""


@contextmanager
def running(hardfork: str = "paris") -> Iterator[Chain]:
    """A chain under the rules of `hardfork`, from its genesis block; it ends with the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(binary("anvil")), "--port", str(port), "--hardfork", hardfork, "--base-fee", "0", "--gas-price", "0",
        "--disable-min-priority-fee", "--chain-id", str(CHAIN_ID), "--timestamp", str(START), "--auto-impersonate",
        "--disable-default-create2-deployer", "--gas-limit", str(GAS_LIMIT + 1_000_000), "--accounts", "1", "--quiet",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            node = HttpNode(f"http://127.0.0.1:{port}", timeout=120)
            _wait_for(node, process)
            node.request("anvil_setBlockTimestampInterval", [1])
            yield Chain(node)
        finally:
            process.kill()


def _wait_for(node: HttpNode, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        try:
            node.request("eth_chainId", [])
        except ChainUnavailable:
            if process.poll() is not None:
                raise RefusedError("anvil", "ended") from None
            time.sleep(0.05)
        else:
            return
    raise RefusedError("anvil", "does not answer")
