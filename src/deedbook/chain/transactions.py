"""Sends one call at a time: simulate, put it in the outbox, and wait until it is final, on the engine of `dispatch`.

An error's text is never an outcome, and nothing is sent that is not kept first: see `chain.dispatch`. Here is what a
use case needs of it: a call, its receipt with the events of our contracts, or the contract's own error.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeGuard

from deedbook.chain import abis
from deedbook.chain.client import Node, NodeError
from deedbook.chain.decoding import Decoder, decode_revert, revert_data
from deedbook.chain.dispatch import NEXT, SIMULATION_GAS, Dispatcher, Step, call_of
from deedbook.chain.finality import Finality, at_once
from deedbook.chain.pricing import Pricing
from deedbook.chain.signing import Signer
from deedbook.domain.events import Event, Log
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.intents import Intent, IntentRow, IntentState, Mined, Outbox
from deedbook.domain.refusals import Refusal
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    DeedbookError,
    IntegrityError,
    RejectedByContract,
    TransactionFailed,
)

__all__ = ["Call", "Receipt", "Sender", "Signer", "log_of", "revert_data"]

LEASE = 10.0
"""Seconds for which a sender that waits for its call has the account; it gives it back when it is done."""


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
    """Makes calls by any signer on one chain, each once, and waits for them to be final.

    `gas_limit` fixes the limit of every transaction (a free chain needs no estimate); None estimates and adds a fifth.
    `owner` names this sender among those that share the outbox (see `Dispatcher`); a name of its own unless said.
    Threads may share it: one of them drives at a time, for all.
    """

    def __init__(
        self,
        node: Node,
        *,
        chain_id: int,
        decoder: Decoder,
        outbox: Outbox,
        gas_limit: int | None = None,
        final: Finality = at_once,
        pricing: Pricing = Pricing(),  # noqa: B008 - frozen
        owner: str | None = None,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], None] = time.sleep,
        patience: int = 600,
    ) -> None:
        self._node = node
        self._decoder = decoder
        self._outbox = outbox
        self._gas_limit = gas_limit
        self._wait = wait
        self._patience = patience
        self._signers: dict[bytes, Signer] = {}
        self._driving = threading.Lock()
        self._engine = Dispatcher(
            node,
            outbox,
            self._signers,
            chain_id=chain_id,
            final=final,
            gas_limit=gas_limit,
            owner=owner or f"{os.getpid()}/{secrets.token_hex(8)}",
            lease=LEASE,
            pricing=pricing,
            clock=clock,
            wait=wait,
        )

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        """What a view returns. Raises RejectedByContract with the contract's own error."""
        return abis.decode_result(call.contract, call.function, self._call(call, sender, block))

    def simulate(self, call: Call, *, sender: bytes) -> None:
        """Runs the call as `sender` would, without sending. Raises RejectedByContract as the contract would."""
        self._call(call, sender, NEXT)

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        """Makes the call once under its idempotency key and waits for it to be final.

        A key that was sent before is not sent again: its receipt is found. Raises RejectedByContract when the
        contract refuses (nothing is sent then), TransactionFailed, NoFunds, ChainUnavailable (retry with the same key).
        """
        return self.drive(self._outbox.put(_intent(call, signer, key)), signer)

    def put(self, call: Call, signer: Signer, *, key: str) -> IntentRow:
        """Keeps a call that is to be made once under its key, and waits for nothing: `step` brings it to its end.

        Raises Conflict where the key stands for another call.
        """
        self.serve(signer)
        return self._outbox.put(_intent(call, signer, key))

    def serve(self, signer: Signer) -> None:
        """From here on, `step` also signs what is queued for this account."""
        self._signers.setdefault(signer.address, signer)

    def send_all(self, calls: Mapping[str, Call], signer: Signer) -> dict[str, IntentRow | DeedbookError]:
        """Makes each call once under its key, many at a time, and waits for all: its row when it is over, or why it was
        refused. Nothing is sent of a call that the contract refuses, and its key is free again.

        Raises NoFunds, ChainUnavailable (again with the same keys: nothing is made twice).
        """
        self.serve(signer)
        wanted = [_intent(call, signer, key) for key, call in calls.items()]
        rows = {row.intent.key: row for row in self._outbox.put_all(wanted)}
        ended: dict[str, IntentRow | DeedbookError] = {key: row for key, row in rows.items() if row.is_over}
        try:
            self._end_all(rows.keys() - ended.keys(), signer.address, ended)
        except BaseException:
            self.release()
            raise
        return {key: self.why(row) if _is_without_effect(row) else row for key, row in ended.items()}

    def _end_all(self, waiting: Collection[str], account: bytes, ended: dict[str, IntentRow | DeedbookError]) -> None:
        """Steps until every row that waits has come to its end, or was refused."""
        left, idle = set(waiting), 0
        while left:
            step = self._step({account})
            for key in left & step.refused.keys():
                try:
                    self._withdraw(self._row(key), step.refused[key])
                except RejectedByContract as refusal:
                    ended[key] = refusal
            ended |= {key: row for key in left - ended.keys() if (row := self._row(key)).is_over}
            left -= ended.keys()
            idle = 0 if step.progressed else idle + 1
            if idle > self._patience:
                raise ChainUnavailable("transactions are not final yet", hint="run the same command again to wait on")
            if left:
                self._pause(step, idle)

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

    def resume(self, *, patience: int | None = None) -> list[IntentRow]:
        """Brings every transaction that was signed before a crash into a block, or back into the queue; the rows as
        they are then. It needs no key: the signed bytes are kept. What was only queued is left to its use case.

        Raises ChainUnavailable, after `patience` looks unless it is the sender's own.
        """
        rows = [row for row in self._outbox.unfinished() if row.transaction is not None]
        waiting = {row.intent.key: row for row in rows if row.state is IntentState.SUBMITTED}
        for attempt in range(patience or self._patience):
            if not waiting:
                break
            step = self._step({row.intent.signer for row in waiting.values()}, signing=False)
            waiting = {key: row for key in waiting if (row := self._row(key)).state is IntentState.SUBMITTED}
            self._pause(step, attempt)
        self.release()
        if waiting:
            raise ChainUnavailable("a transaction is not mined yet", hint="run the same command again to wait on")
        return [self._row(row.intent.key) for row in sorted(rows, key=_nonce)]

    def step(self) -> Step:
        """One round of the engine for everything in the outbox that was signed, and for the accounts that acted here.

        Raises as `Dispatcher.step`.
        """
        return self._step(None)

    def release(self) -> None:
        """Gives the accounts back that are held for what is under way."""
        with self._driving:
            self._engine.release()

    def _finish(self, row: IntentRow, signer: Signer) -> Mined:
        intent = row.intent
        if signer.address != intent.signer:
            raise Conflict("the intent names another signer", key=intent.key)
        self.serve(signer)
        try:
            row = self._ended(row)
        except BaseException:
            self.release()
            raise
        if row.mined is None or row.state is IntentState.FAILED:
            raise self.why(row)
        return row.mined

    def _ended(self, row: IntentRow) -> IntentRow:
        """Steps until the row has come to its end."""
        key, signer = row.intent.key, row.intent.signer
        for attempt in range(self._patience):
            if row.is_over:
                return row
            step = self._step({signer}, mine=key)
            row = self._row(key)
            if key in step.refused and row.mined is None:
                self._withdraw(row, step.refused[key])
            self._pause(step, attempt)
        if not row.is_over:
            raise ChainUnavailable("the transaction is not final yet", hint="run the same command again to wait on")
        return row

    def _step(self, accounts: Collection[bytes] | None, *, signing: bool = True, mine: str | None = None) -> Step:
        """One round; afterwards the leases are given back, unless what was sent is still under way."""
        with self._driving:
            if mine is not None and self._row(mine).is_over:
                return Step()
            step = self._engine.step(accounts, signing=signing)
            if not step.waiting:
                self._engine.release()
            return step

    def _pause(self, step: Step, attempt: int) -> None:
        if not step.progressed:
            self._wait(min(0.05 * 2**attempt, 1.0))

    def _withdraw(self, row: IntentRow, error: DeedbookError) -> None:
        """Raises why the intent does not go on. One that is still queued fails, and frees its key."""
        if row.state is IntentState.QUEUED:
            with suppress(Conflict):
                self._outbox.fail(row.intent.key, error.code, refusal=Refusal.of(error))
        raise error

    def _row(self, key: str) -> IntentRow:
        row = self._outbox.get(key)
        assert row is not None, "rows are never deleted"
        return row

    def why(self, row: IntentRow) -> DeedbookError:
        """Why an intent had no effect: as it is kept, or else the contract's own error where the call still shows it on
        top of its block. Raises ChainUnavailable."""
        if row.refusal is not None:
            return row.refusal.as_error()
        intent = row.intent
        try:
            request = call_of(intent) | {"gas": hex(self._gas_limit or SIMULATION_GAS)}
            self._eth_call(intent.contract, request, NEXT if row.mined is None else hex(row.mined.block_number))
        except RejectedByContract as refusal:
            return refusal
        except (NodeError, TransactionFailed):
            pass
        return TransactionFailed(f"{intent.contract}.{intent.function} was mined without effect", key=intent.key)

    def _receipt(self, mined: Mined) -> Receipt:
        receipt = self._node.request("eth_getTransactionReceipt", [to_hex(mined.tx_hash)])
        if receipt is None:
            raise ChainUnavailable("the receipt is gone: the node lags or forked", tx=to_hex(mined.tx_hash))
        decoded = (self._decoder.decode(log_of(item)) for item in receipt["logs"])
        events = tuple(event for event in decoded if event is not None)
        return Receipt(mined.tx_hash, mined.block_number, mined.block_hash, mined.gas_used, events)

    def _call(self, call: Call, sender: bytes | None, block: str) -> bytes:
        request = {} if sender is None else {"from": to_hex(sender)}
        request |= {"to": to_hex(call.to), "data": to_hex(call.data), "gas": hex(SIMULATION_GAS)}
        return self._eth_call(call.contract, request, block)

    def _eth_call(self, contract: str, request: Mapping[str, str], block: str) -> bytes:
        """What the call returns; a revert as the contract's own error."""
        try:
            return from_hex(self._node.request("eth_call", [request, block]), "result")
        except NodeError as error:
            revert = revert_data(error)
            if revert is None:
                raise
            raise decode_revert(contract, revert) from None


def _intent(call: Call, signer: Signer, key: str) -> Intent:
    return Intent(key, signer.address, call.to, call.contract, call.function, call.data)


def _is_without_effect(row: IntentRow | DeedbookError) -> TypeGuard[IntentRow]:
    return isinstance(row, IntentRow) and (row.mined is None or row.state is IntentState.FAILED)


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
