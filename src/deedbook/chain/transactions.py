"""Sends intents: simulate, sign with an own nonce, send, and find out what became of them.

An error's text is never an outcome: after every doubtful answer the transaction is looked up by its hash. The nonce
and the signed bytes are in the outbox before anything is sent, so a restart sends the very same transaction again
and every intent ends exactly once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from deedbook.chain import abis, rlp
from deedbook.chain.decoding import Decoder, decode_revert
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.domain.intents import Intent, IntentRow, IntentState, Mined, Outbox, SignedTransaction
from deedbook.errors import ChainUnavailable, Conflict, TransactionFailed

SIMULATION_GAS = 30_000_000


class Node(Protocol):
    """The seam to a chain: one JSON-RPC request, its result, typed errors."""

    def request(self, method: str, params: Sequence[Any]) -> Any:
        """The result of one method. Raises NodeError, ChainUnavailable."""


class Signer(Protocol):
    """Who signs: a 20-byte address, and 65-byte signatures (r, s, v 27 or 28) of 32-byte digests."""

    @property
    def address(self) -> bytes:
        """The account."""

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature of a digest."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a contract: its name, address, function and arguments in the order of the ABI."""

    contract: str
    to: bytes
    function: str
    arguments: tuple[Any, ...]

    @property
    def data(self) -> bytes:
        """The calldata."""
        return abis.encode_call(self.contract, self.function, self.arguments)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an intent led to: where it was mined, its gas, and the events of our contracts in it."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    gas_used: int
    events: tuple[Event, ...]

    def event(self, name: str) -> Event:
        """The first event of this name; KeyError where the transaction emitted none."""
        for event in self.events:
            if event.name == name:
                return event
        raise KeyError(name)


class Sender:
    """Drives intents of any signer to their end on one chain.

    `gas_limit` fixes the limit of every transaction (a free chain needs no estimate); None estimates and adds a fifth.
    """

    def __init__(
        self,
        node: Node,
        *,
        chain_id: int,
        decoder: Decoder,
        outbox: Outbox,
        gas_limit: int | None = None,
        wait: Callable[[float], None] = time.sleep,
        patience: int = 600,
    ) -> None:
        self._node = node
        self._chain_id = chain_id
        self._decoder = decoder
        self._outbox = outbox
        self._gas_limit = gas_limit
        self._wait = wait
        self._patience = patience

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        """What a view returns. Raises RejectedByContract with the contract's own error."""
        return abis.decode_result(call.contract, call.function, self._call(call, sender, block))

    def simulate(self, call: Call, *, sender: bytes) -> None:
        """Runs the call as `sender` would, without sending. Raises RejectedByContract as the contract would."""
        self._call(call, sender, "latest")

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        """Makes the call once under its idempotency key and waits for it to be mined.

        A key that was sent before is not sent again: its receipt is found. Raises RejectedByContract when the
        contract refuses (nothing is sent then), TransactionFailed, ChainUnavailable (retry with the same key).
        """
        intent = Intent(key, signer.address, call.to, call.contract, call.function, call.data)
        return self.drive(self._outbox.put(intent), signer)

    def deploy(self, contract: str, code: bytes, signer: Signer, *, key: str) -> bytes:
        """Deploys creation code with encoded arguments once; the new contract's address."""
        row = self._outbox.put(Intent(key, signer.address, None, contract, "constructor", code))
        mined = self._finish(row, signer)
        if mined.contract_address is None:
            raise TransactionFailed(f"{contract} was not created", contract=contract)
        return mined.contract_address

    def drive(self, row: IntentRow, signer: Signer) -> Receipt:
        """Takes an intent from wherever it stands to its end."""
        mined = self._finish(row, signer)
        return self._receipt(mined)

    def resume(self, signers: Mapping[bytes, Signer]) -> list[Receipt]:
        """Drives every unfinished intent whose signer is at hand; used at start-up."""
        rows = [row for row in self._outbox.unfinished() if row.intent.signer in signers]
        return [self.drive(row, signers[row.intent.signer]) for row in rows if row.state is IntentState.SUBMITTED]

    def _finish(self, row: IntentRow, signer: Signer) -> Mined:
        if row.state is IntentState.QUEUED:
            row = self._submit(row, signer)
        if row.state is IntentState.SUBMITTED:
            row = self._outbox.mined(row.intent.key, self._broadcast(row))
        if row.mined is None or row.state is IntentState.FAILED:
            raise TransactionFailed(
                f"{row.intent.contract}.{row.intent.function} was mined without effect", key=row.intent.key
            )
        return row.mined

    def _submit(self, row: IntentRow, signer: Signer) -> IntentRow:
        intent = row.intent
        if signer.address != intent.signer:
            raise Conflict("the intent names another signer", key=intent.key)
        try:
            self._simulate(intent)
            gas = self._gas_limit or self._estimate(intent)
        except Exception as error:
            self._outbox.fail(intent.key, getattr(error, "code", "error"))
            raise
        fee = self._fee()
        return self._outbox.submit(
            intent.key,
            self._count(intent.signer),
            lambda nonce: self._sign(intent, signer, nonce, gas, fee),
        )

    def _sign(self, intent: Intent, signer: Signer, nonce: int, gas: int, fee: int) -> SignedTransaction:
        """A transaction of type 2 (EIP-1559): the same bytes for the same nonce."""
        numbers = (self._chain_id, nonce, 0, fee, gas)
        fields: list[rlp.Item] = [*map(rlp.encode_int, numbers), intent.to or b"", b"", intent.data, []]
        signature = signer.sign_digest(keccak256(b"\x02" + rlp.encode(fields)))
        parts = (signature[64] - 27, int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"))
        raw = b"\x02" + rlp.encode(fields + [rlp.encode_int(part) for part in parts])
        return SignedTransaction(nonce, raw, keccak256(raw))

    def _broadcast(self, row: IntentRow) -> Mined:
        """Sends until a receipt is there; a refusal counts only when the hash is unknown to the chain as well."""
        transaction = row.transaction
        assert transaction is not None
        for attempt in range(self._patience):
            found = self._mined(transaction.tx_hash)
            if found is not None:
                return found
            try:
                self._node.request("eth_sendRawTransaction", [to_hex(transaction.raw)])
            except ChainUnavailable:
                if attempt + 1 == self._patience:
                    raise
            except Exception:
                if not self._known(transaction.tx_hash) and attempt >= 2:
                    raise
            found = self._mined(transaction.tx_hash)
            if found is not None:
                return found
            self._wait(min(0.05 * 2**attempt, 1.0))
        raise ChainUnavailable("the transaction is not mined yet", hint="run the same command again to wait on")

    def _known(self, tx_hash: bytes) -> bool:
        return self._node.request("eth_getTransactionByHash", [to_hex(tx_hash)]) is not None

    def _mined(self, tx_hash: bytes) -> Mined | None:
        receipt = self._node.request("eth_getTransactionReceipt", [to_hex(tx_hash)])
        if receipt is None:
            return None
        created = receipt.get("contractAddress")
        return Mined(
            tx_hash=tx_hash,
            block_number=int(receipt["blockNumber"], 16),
            block_hash=from_hex(receipt["blockHash"], "blockHash", 32),
            tx_index=int(receipt["transactionIndex"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            status=int(receipt["status"], 16),
            contract_address=from_hex(created, "contractAddress", 20) if created else None,
        )

    def _receipt(self, mined: Mined) -> Receipt:
        receipt = self._node.request("eth_getTransactionReceipt", [to_hex(mined.tx_hash)])
        if receipt is None:
            raise ChainUnavailable("the receipt is gone: the node lags or forked", tx=to_hex(mined.tx_hash))
        decoded = (self._decoder.decode(log_of(item)) for item in receipt["logs"])
        events = tuple(event for event in decoded if event is not None)
        return Receipt(mined.tx_hash, mined.block_number, mined.block_hash, mined.gas_used, events)

    def _simulate(self, intent: Intent) -> None:
        if intent.to is not None:
            self._eth_call(intent.contract, intent.to, intent.data, intent.signer, "latest")

    def _call(self, call: Call, sender: bytes | None, block: str) -> bytes:
        return self._eth_call(call.contract, call.to, call.data, sender, block)

    def _eth_call(self, contract: str, to: bytes, data: bytes, sender: bytes | None, block: str) -> bytes:
        request = {"to": to_hex(to), "data": to_hex(data), "gas": hex(SIMULATION_GAS)}
        if sender is not None:
            request["from"] = to_hex(sender)
        try:
            return from_hex(self._node.request("eth_call", [request, block]), "result")
        except Exception as error:
            revert = revert_data(error)
            if revert is None:
                raise
            raise decode_revert(contract, revert) from None

    def _estimate(self, intent: Intent) -> int:
        request = {"from": to_hex(intent.signer), "data": to_hex(intent.data)}
        if intent.to is not None:
            request["to"] = to_hex(intent.to)
        return int(self._node.request("eth_estimateGas", [request]), 16) * 6 // 5

    def _fee(self) -> int:
        """Twice the base fee: zero on a free chain, and above the next blocks' fee elsewhere."""
        head = self._node.request("eth_getBlockByNumber", ["latest", False])
        return 2 * int(head.get("baseFeePerGas", "0x0"), 16)

    def _count(self, address: bytes) -> int:
        return int(self._node.request("eth_getTransactionCount", [to_hex(address), "pending"]), 16)


def revert_data(error: Exception) -> bytes | None:
    """The revert data that a node's error carries, or None where the error is not a revert."""
    data = getattr(error, "data", None)
    if isinstance(data, str) and data.startswith("0x"):
        return from_hex(data, "data")
    return None


def log_of(item: Mapping[str, Any]) -> Log:
    """A JSON-RPC log object as a Log."""
    return Log(
        address=from_hex(item["address"], "address", 20),
        topics=tuple(from_hex(topic, "topic", 32) for topic in item["topics"]),
        data=from_hex(item["data"], "data"),
        block_number=int(item["blockNumber"], 16),
        block_hash=from_hex(item["blockHash"], "blockHash", 32),
        tx_hash=from_hex(item["transactionHash"], "transactionHash", 32),
        tx_index=int(item["transactionIndex"], 16),
        log_index=int(item["logIndex"], 16),
    )
