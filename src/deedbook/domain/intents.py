"""Intents: what the service means to have on chain, each exactly once.

An intent is one call under an idempotency key. Its row moves `queued -> submitted -> mined -> final | failed`; the
nonce is assigned, and the signed transaction kept, in the same SQL transaction, so that a crash at any moment leaves
either nothing or the very bytes to send again. `ledger` puts intents in, `chain.transactions` drives them, `records`
keeps the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class IntentState(StrEnum):
    """How far an intent has come; FINAL and FAILED are its two ends."""

    QUEUED = "queued"
    SUBMITTED = "submitted"
    MINED = "mined"
    FINAL = "final"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Intent:
    """One call to be made once.

    `key` is the idempotency key (1 to 200 characters); `signer` and `to` are 20-byte addresses (`to` None: a
    deployment); `data` is the calldata. `contract` and `function` name the call for people.
    """

    key: str
    signer: bytes
    to: bytes | None
    contract: str
    function: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SignedTransaction:
    """A transaction ready to send: its nonce, its raw bytes and its hash (32 bytes)."""

    nonce: int
    raw: bytes
    tx_hash: bytes


@dataclass(frozen=True, slots=True)
class Mined:
    """Where a transaction was mined, and what it used: block number and hash, index, gas, 1 success or 0 revert."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    tx_index: int
    gas_used: int
    status: int
    contract_address: bytes | None = None


@dataclass(frozen=True, slots=True)
class IntentRow:
    """An intent with what became of it."""

    intent: Intent
    state: IntentState
    transaction: SignedTransaction | None = None
    mined: Mined | None = None
    error: str | None = None


class Outbox(Protocol):
    """The rows of intents; each method is one SQL transaction."""

    def put(self, intent: Intent) -> IntentRow:
        """Adds the intent as QUEUED, or gives the row of the same key; Conflict where the call differs."""

    def get(self, key: str) -> IntentRow | None:
        """The row of a key."""

    def submit(self, key: str, floor: int, sign: Callable[[int], SignedTransaction]) -> IntentRow:
        """Assigns the signer's next nonce (never below `floor`, the chain's own count), signs, and keeps the bytes:
        QUEUED to SUBMITTED. A row that is SUBMITTED or further is given back unchanged."""

    def requeue(self, key: str, tx_hash: bytes) -> IntentRow:
        """SUBMITTED to QUEUED, where the row's transaction is `tx_hash` and can never be mined, because another one
        has its nonce. A row with another transaction, or at its end, is given back unchanged."""

    def mined(self, key: str, mined: Mined) -> IntentRow:
        """SUBMITTED to FINAL (status 1) or FAILED (status 0), with where it was mined."""

    def fail(self, key: str, error: str) -> IntentRow:
        """QUEUED to FAILED, with the code of the error; the key may be put again."""

    def unfinished(self) -> list[IntentRow]:
        """QUEUED and SUBMITTED rows, oldest first."""
