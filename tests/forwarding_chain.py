"""A chain that knows one thing: how the forwarder runs requests. A member opens each case once; time is set.

Stands at both seams of `ledger.relaying`: as its `Node`, and - one `Carrier` for each relayer - as its `Sending`, which
keeps what it sent by its key as the outbox does, and can be cut off before or after a transaction is mined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deedbook.chain import abis
from deedbook.chain.client import NodeError, Request, one_by_one
from deedbook.chain.transactions import Call, Receipt, Signer, log_of
from deedbook.domain import abi
from deedbook.domain.events import Event
from deedbook.domain.hashing import keccak256, sha256, to_hex
from deedbook.domain.relaying import ForwardDomain, ForwardRequest, request_digest
from deedbook.errors import InvalidSignature
from deedbook.ledger.relaying import RAN
from deedbook.wallet.recovery import recover

CHAIN_ID = 20230614
ADDRESSES = {"Forwarder": b"\xf0" * 20, "AccessManager": b"\xaa" * 20, "Cases": b"\xca" * 20}
DOMAIN = ForwardDomain(CHAIN_ID, ADDRESSES["Forwarder"])
START = 1_800_000_000


class CutOff(BaseException):
    """The process ends here."""


@dataclass
class ForwardingChain:
    """`lag` blocks follow a block before it is final."""

    lag: int = 0
    now: int = START
    nonces: dict[bytes, int] = field(default_factory=dict)
    opened: dict[bytes, int] = field(default_factory=dict)
    """The cases by calldata and member, each with its block."""
    ran: list[tuple[bytes, int, bool, bytes]] = field(default_factory=list)
    """What ran, in order: member, nonce, success, digest."""
    logs: list[dict[str, Any]] = field(default_factory=list)
    transactions: dict[str, dict[str, Any]] = field(default_factory=dict)
    times: list[int] = field(default_factory=lambda: [START])
    settled: int = 0
    forks: int = 0
    branches: dict[int, int] = field(default_factory=dict)
    """After how many forks each block came."""

    # -- blocks ------------------------------------------------------------------------------------------------------

    @property
    def tip(self) -> int:
        """The newest block's number."""
        return len(self.times) - 1

    def final(self, tip: int) -> int:
        """The newest final block's number: never less than it was."""
        return max(self.settled, tip - self.lag)

    def pass_blocks(self, count: int) -> None:
        """Empty blocks."""
        for _ in range(count):
            self.times.append(self.now)
            self.branches[self.tip] = self.forks
            self.settled = self.final(self.tip)

    def fork(self) -> None:
        """What is not final is gone."""
        kept = self.settled
        while self.logs and int(self.logs[-1]["blockNumber"], 16) > kept:
            self.logs.pop()
            member, nonce, _, _ = self.ran.pop()
            self.nonces[member] = nonce
        self.opened = {data: block for data, block in self.opened.items() if block <= kept}
        del self.times[kept + 1 :]
        self.forks += 1

    def holds(self, receipt: Receipt) -> bool:
        """Whether a receipt's block is in the chain."""
        return receipt.block_number <= self.tip and receipt.block_hash == self.block_hash(receipt.block_number)

    def mine(self, call: Call, sender: bytes) -> Receipt:
        """A block with one transaction to the forwarder."""
        self.pass_blocks(1)
        tx_hash = sha256(sender + call.data + bytes([len(self.times) % 256]) + len(self.times).to_bytes(4, "big"))
        self.transactions[to_hex(tx_hash)] = {"to": to_hex(call.to), "input": to_hex(call.data)}
        requests = call.arguments[0] if call.function == "executeBatch" else (call.arguments[0],)
        events = [event for each in requests if (event := self._run(each, tx_hash)) is not None]
        return Receipt(tx_hash, self.tip, self.block_hash(self.tip), 21_000, tuple(events))

    def block_hash(self, number: int) -> bytes:
        """A block's hash."""
        return sha256(number.to_bytes(8, "big") + self.branches.get(number, 0).to_bytes(8, "big"))

    def _run(self, each: Sequence[Any], tx_hash: bytes) -> Event | None:
        request = self._valid(each)
        if request is None:
            return None
        self.nonces[request.sender] = request.nonce + 1
        success = request.delivered not in self.opened
        if success:
            self.opened[request.delivered] = self.tip
        self.ran.append((request.sender, request.nonce, success, request_digest(DOMAIN, request)))
        self.logs.append(self._said(request, success, tx_hash))
        log = log_of(self.logs[-1])
        args = {"signer": request.sender, "nonce": request.nonce, "success": success}
        return Event("Forwarder", "ExecutedForwardRequest", args, log)

    def _valid(self, each: Sequence[Any]) -> ForwardRequest | None:
        sender, to, value, gas, deadline, data, signature = each
        request = ForwardRequest(sender, to, gas, self.nonces.get(sender, 0), deadline, data, value)
        try:
            signer = recover(request_digest(DOMAIN, request), signature)
        except InvalidSignature:
            return None
        return request if signer == sender and deadline >= self.now else None

    def _said(self, request: ForwardRequest, success: bool, tx_hash: bytes) -> dict[str, Any]:
        return {
            "address": to_hex(DOMAIN.contract),
            "topics": [to_hex(RAN), to_hex(bytes(12) + request.sender)],
            "data": to_hex(abi.encode(["uint256", "bool"], [request.nonce, success])),
            "blockNumber": hex(self.tip),
            "blockHash": to_hex(self.block_hash(self.tip)),
            "transactionHash": to_hex(tx_hash),
            "transactionIndex": "0x0",
            "logIndex": hex(len(self.logs)),
        }

    # -- Node --------------------------------------------------------------------------------------------------------

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one JSON-RPC method."""
        answers: Mapping[str, Callable[..., Any]] = {
            "eth_blockNumber": lambda: hex(self.tip),
            "eth_getBlockByNumber": lambda *_: {"timestamp": hex(self.times[-1])},
            "eth_getLogs": self._logs,
            "eth_getTransactionByHash": self.transactions.get,
            "eth_call": self._call,
            "eth_estimateGas": lambda *_: hex(100_000),
        }
        return answers[method](*params)

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        """Several."""
        return one_by_one(self, requests)

    def _logs(self, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        first, last = int(asked["fromBlock"], 16), int(asked["toBlock"], 16)
        within = [each for each in self.logs if first <= int(each["blockNumber"], 16) <= last]
        return [each for each in within if each["topics"] == asked["topics"]]

    def _call(self, asked: Mapping[str, str], block: str) -> str:
        """Whether the case can be opened on top of this block."""
        number = self.tip if block == "pending" else int(block, 16)
        data = bytes.fromhex(asked["data"][2:])
        if self.opened.get(data, number + 1) <= number:
            error = next(each for each in abis.errors("Cases").values() if each.name == "CaseExists")
            raise NodeError(3, "execution reverted", to_hex(error.selector + keccak256(data)))
        return "0x"


@dataclass
class Carrier:
    """One process's sender: `cut` says where it ends next: "before" or "after" a transaction is mined."""

    chain: ForwardingChain
    sent: dict[str, tuple[Call, Receipt | None]] = field(default_factory=dict)
    cut: str = ""

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        """`nonces` and `verify` of the forwarder."""
        assert (sender, call.contract) == (None, "Forwarder"), block
        if call.function == "nonces":
            return self.chain.nonces.get(call.arguments[0], 0)
        return self.chain._valid(call.arguments[0]) is not None

    def simulate(self, call: Call, *, sender: bytes) -> None:
        """Runs a call without sending it."""
        self.chain.request("eth_call", [{"from": to_hex(sender), "data": to_hex(call.data)}, "pending"])

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        """Makes a call once under its key, and waits until it is final."""
        former, receipt = self.sent.setdefault(key, (call, None))
        assert former.data == call.data, "a key stands for one call"
        self._cut("before")
        if receipt is None or not self.chain.holds(receipt):
            receipt = self.chain.mine(call, signer.address)
            self.sent[key] = (call, receipt)
        self._cut("after")
        self.chain.pass_blocks(self.chain.lag)
        return receipt

    def _cut(self, place: str) -> None:
        if self.cut == place:
            self.cut = ""
            raise CutOff
