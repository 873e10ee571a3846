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
from deedbook.chain.client import Node, NodeError
from deedbook.chain.decoding import Decoder, decode_revert
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.domain.intents import Intent, IntentRow, IntentState, Mined, Outbox, SignedTransaction
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    DeedbookError,
    IntegrityError,
    InvalidInput,
    RejectedByContract,
    TransactionFailed,
)

SIMULATION_GAS = 30_000_000
NEXT = "pending"
"""Where a call is tried: the newest block may be old, and its time with it, while a rule asks for the time."""
SURE = 3
"""How often a refusal or a taken nonce is seen before it is believed: a node may lag behind itself."""


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
        """The first event of this name. Raises IntegrityError where the transaction emitted none."""
        for event in self.events:
            if event.name == name:
                return event
        raise IntegrityError(f"the transaction emitted no {name}", transaction=to_hex(self.tx_hash))


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
        self._call(call, sender, NEXT)

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

    def resume(self) -> list[IntentRow]:
        """Brings every transaction that was signed before a crash to its end, in the order of their nonces; the rows
        as they are then. It needs no key: the signed bytes are kept. What was only queued is left to its use case.

        Raises ChainUnavailable.
        """
        rows = [row for row in self._outbox.unfinished() if row.transaction is not None]
        return [self._sent(row) for row in sorted(rows, key=_nonce)]

    def _finish(self, row: IntentRow, signer: Signer) -> Mined:
        while row.state in (IntentState.QUEUED, IntentState.SUBMITTED):
            row = self._submit(row, signer) if row.state is IntentState.QUEUED else self._sent(row)
        if row.mined is None or row.state is IntentState.FAILED:
            raise self._why(row)
        return row.mined

    def _why(self, row: IntentRow) -> DeedbookError:
        """Why an intent had no effect: the contract's own error where the call still shows it on top of its block."""
        intent = row.intent
        if row.mined is not None:
            try:
                self._run(intent, hex(row.mined.block_number))
            except RejectedByContract as refusal:
                return refusal
            except (NodeError, TransactionFailed):
                pass
        return TransactionFailed(f"{intent.contract}.{intent.function} was mined without effect", key=intent.key)

    def _submit(self, row: IntentRow, signer: Signer) -> IntentRow:
        intent = row.intent
        if signer.address != intent.signer:
            raise Conflict("the intent names another signer", key=intent.key)
        try:
            self._run(intent, NEXT)
            gas = self._gas_limit or self._estimate(intent)
        except DeedbookError as refusal:
            return self._refused(intent, refusal)
        fee = self._fee()
        return self._outbox.submit(
            intent.key,
            self._count(intent.signer, "pending"),
            lambda nonce: self._sign(intent, signer, nonce, gas, fee),
        )

    def _refused(self, intent: Intent, refusal: DeedbookError) -> IntentRow:
        """Frees the key and raises the refusal; where another thread sends this very intent, that one's row."""
        try:
            self._outbox.fail(intent.key, refusal.code)
        except Conflict:
            row = self._outbox.get(intent.key)
            if row is not None and row.transaction is not None:
                return row
        raise refusal

    def _sign(self, intent: Intent, signer: Signer, nonce: int, gas: int, fee: int) -> SignedTransaction:
        """A transaction of type 2 (EIP-1559): the same bytes for the same nonce."""
        numbers = (self._chain_id, nonce, 0, fee, gas)
        fields: list[rlp.Item] = [*map(rlp.encode_int, numbers), intent.to or b"", b"", intent.data, []]
        signature = signer.sign_digest(keccak256(b"\x02" + rlp.encode(fields)))
        parts = (signature[64] - 27, int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"))
        raw = b"\x02" + rlp.encode(fields + [rlp.encode_int(part) for part in parts])
        return SignedTransaction(nonce, raw, keccak256(raw))

    def _sent(self, row: IntentRow) -> IntentRow:
        """Sends until the transaction is mined: FINAL or FAILED then, or QUEUED again where another took its nonce.

        What the node says of the transaction decides nothing; its receipt, its hash and the account's nonce do.
        """
        transaction, refusals, overtaken = row.transaction, 0, 0
        assert transaction is not None
        for attempt in range(self._patience):
            refusal = None
            mined = self._mined(transaction.tx_hash)
            if mined is None:
                refusal = self._refusal(transaction.raw)
                mined = self._mined(transaction.tx_hash)
            if mined is not None:
                return self._outbox.mined(row.intent.key, mined)
            used = self._count(row.intent.signer, "latest")
            overtaken += used > transaction.nonce
            if overtaken == SURE and not self._known(transaction.tx_hash):
                return self._outbox.requeue(row.intent.key, transaction.tx_hash)
            if used < transaction.nonce:
                self._send_before(row.intent.signer, transaction.nonce)
            refusals += refusal is not None and used <= transaction.nonce and not self._known(transaction.tx_hash)
            if refusal is not None and refusals == SURE:
                raise refusal
            self._wait(min(0.05 * 2**attempt, 1.0))
        raise ChainUnavailable("the transaction is not mined yet", hint="run the same command again to wait on")

    def _refusal(self, raw: bytes) -> NodeError | None:
        """Sends; what the node refused it with. No answer is no refusal: the transaction is looked up."""
        try:
            self._node.request("eth_sendRawTransaction", [to_hex(raw)])
        except NodeError as refusal:
            return refusal
        except ChainUnavailable:
            pass
        return None

    def _send_before(self, signer: bytes, nonce: int) -> None:
        """Sends what the signer has signed with lower nonces: whoever was to send it may have crashed."""
        rows = [row for row in self._outbox.unfinished() if row.intent.signer == signer and row.transaction is not None]
        for row in sorted(rows, key=_nonce):
            if row.transaction is not None and row.transaction.nonce < nonce:
                self._refusal(row.transaction.raw)

    def _known(self, tx_hash: bytes) -> bool:
        return self._node.request("eth_getTransactionByHash", [to_hex(tx_hash)]) is not None

    def _mined(self, tx_hash: bytes) -> Mined | None:
        receipt = self._node.request("eth_getTransactionReceipt", [to_hex(tx_hash)])
        if receipt is None or receipt.get("blockNumber") is None:
            return None
        created = receipt.get("contractAddress")
        return Mined(
            tx_hash=tx_hash,
            block_number=int(receipt["blockNumber"], 16),
            block_hash=from_hex(receipt["blockHash"], "blockHash", 32),
            tx_index=int(receipt["transactionIndex"], 16),
            gas_used=int(receipt["gasUsed"], 16),
            status=int(receipt["status"], 16),
            contract_address=from_hex(created.lower(), "contractAddress", 20) if created else None,
        )

    def _receipt(self, mined: Mined) -> Receipt:
        receipt = self._node.request("eth_getTransactionReceipt", [to_hex(mined.tx_hash)])
        if receipt is None:
            raise ChainUnavailable("the receipt is gone: the node lags or forked", tx=to_hex(mined.tx_hash))
        decoded = (self._decoder.decode(log_of(item)) for item in receipt["logs"])
        events = tuple(event for event in decoded if event is not None)
        return Receipt(mined.tx_hash, mined.block_number, mined.block_hash, mined.gas_used, events)

    def _run(self, intent: Intent, block: str) -> bytes:
        gas = self._gas_limit or SIMULATION_GAS
        return self._eth_call(intent.contract, intent.to, intent.data, intent.signer, block, gas)

    def _call(self, call: Call, sender: bytes | None, block: str) -> bytes:
        return self._eth_call(call.contract, call.to, call.data, sender, block, SIMULATION_GAS)

    def _eth_call(
        self, contract: str, to: bytes | None, data: bytes, sender: bytes | None, block: str, gas: int
    ) -> bytes:
        request = _message(sender, to, data) | {"gas": hex(gas)}
        return from_hex(self._asked(contract, "eth_call", [request, block]), "result")

    def _estimate(self, intent: Intent) -> int:
        request = _message(intent.signer, intent.to, intent.data)
        return int(self._asked(intent.contract, "eth_estimateGas", [request, NEXT]), 16) * 6 // 5

    def _asked(self, contract: str, method: str, params: Sequence[Any]) -> Any:
        """The node's answer; a revert as the contract's own error."""
        try:
            return self._node.request(method, params)
        except NodeError as error:
            revert = revert_data(error)
            if revert is None:
                raise
            raise decode_revert(contract, revert) from None

    def _fee(self) -> int:
        """Twice the base fee: zero on a free chain, and above the next blocks' fee elsewhere."""
        head = self._node.request("eth_getBlockByNumber", ["latest", False])
        return 2 * int(head.get("baseFeePerGas", "0x0"), 16)

    def _count(self, address: bytes, block: str) -> int:
        return int(self._node.request("eth_getTransactionCount", [to_hex(address), block]), 16)


def revert_data(error: NodeError) -> bytes | None:
    """The revert data that a node's error carries, or None where the error is not a revert."""
    try:
        return from_hex(str(error.data).lower(), "data")
    except InvalidInput:
        return None


def _message(sender: bytes | None, to: bytes | None, data: bytes) -> dict[str, str]:
    parts = {"from": sender, "to": to, "data": data}
    return {name: to_hex(part) for name, part in parts.items() if part is not None}


def _nonce(row: IntentRow) -> int:
    return -1 if row.transaction is None else row.transaction.nonce


def log_of(item: Mapping[str, Any]) -> Log:
    """A JSON-RPC log object as a Log."""
    return Log(
        address=from_hex(item["address"].lower(), "address", 20),
        topics=tuple(from_hex(topic, "topic", 32) for topic in item["topics"]),
        data=from_hex(item["data"], "data"),
        block_number=int(item["blockNumber"], 16),
        block_hash=from_hex(item["blockHash"], "blockHash", 32),
        tx_hash=from_hex(item["transactionHash"], "transactionHash", 32),
        tx_index=int(item["transactionIndex"], 16),
        log_index=int(item["logIndex"], 16),
    )
