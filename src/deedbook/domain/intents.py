"""Intents: what the service means to have on chain, each exactly once.

An intent is one call under an idempotency key. Its row moves

    QUEUED -> SUBMITTED -> MINED -> FINAL | FAILED
       ^          |  ^       |
       |          |  `-------'   its block was forked away: the same bytes are sent again
       `----------'              another transaction has its nonce for good: it is judged anew

and FAILED is also where a queued intent goes that was refused before anything was signed. The signed bytes are kept
before they are sent, with their nonce, so that a crash at any moment leaves either nothing or the very bytes to send
again. A transaction that waits too long is replaced by one of the same nonce and a higher price: every attempt is kept,
and any of them may be the one that is mined - never two, because they share the nonce.

Several senders may stand by; one sends for an account at a time. Who that is says a *lease*. Clocks only decide how
soon another takes over; that a former holder can no longer write is decided by the lease's *token*, which every write
checks in its own SQL transaction.

`ledger` puts intents in, `chain.dispatch` drives them, `records` keeps the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from deedbook.domain.refusals import Refusal


class IntentState(StrEnum):
    """How far an intent has come; FINAL and FAILED are its two ends."""

    QUEUED = "queued"
    SUBMITTED = "submitted"
    MINED = "mined"
    FINAL = "final"
    FAILED = "failed"


ENDS: Final = (IntentState.FINAL, IntentState.FAILED)
"""The states that an intent does not leave (but for a FAILED one that was never mined: it may be put again)."""


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
    """An intent with what became of it.

    `transaction` is the newest attempt, or the mined one once there is; `replaced` are the others of the same nonce.
    `judged`: whoever put it has already tried the call. `error` is the code of what ended it - or, while SUBMITTED, of
    why it was given up: it fails then as soon as its nonce is used otherwise. `refusal` says more of it where it is
    known: the contract's own error, with its arguments.
    """

    intent: Intent
    state: IntentState
    transaction: SignedTransaction | None = None
    mined: Mined | None = None
    error: str | None = None
    judged: bool = False
    replaced: tuple[SignedTransaction, ...] = ()
    refusal: Refusal | None = None

    @property
    def attempts(self) -> tuple[SignedTransaction, ...]:
        """Everything that was signed for the row's nonce; at most one of them is ever mined."""
        return self.replaced if self.transaction is None else (self.transaction, *self.replaced)

    @property
    def is_over(self) -> bool:
        """Whether the row has come to its end."""
        return self.state in ENDS


@dataclass(frozen=True, slots=True)
class Lease:
    """Who sends for an account: `owner`, by `token`, which grows with every change of hands.

    `beat` grows with every renewal, so that who stands by can tell a holder that lives from one whose clock is ahead.
    `until` is when it runs out by the holder's clock (Unix seconds). `next_nonce` is the account's next nonce as our
    own ledger has it: no nonce below it is assigned again.
    """

    signer: bytes
    owner: str
    token: int
    beat: int
    until: float
    next_nonce: int


class Outbox(Protocol):
    """The rows of intents; each method is one SQL transaction, durable when it returns.

    Every method that takes a `lease` raises LeaseLost, having written nothing, where the account's token is another by
    now. Rows and transactions given to it are the lease's signer's.
    """

    # Whoever wants something done ---------------------------------------------------------------------------------

    def put(self, intent: Intent, *, judged: bool = False) -> IntentRow:
        """Adds the intent as QUEUED, or gives the row of the same key; Conflict where the call differs.

        `judged`: the call was tried already, and may be signed as it is.
        """

    def put_all(self, intents: Sequence[Intent], *, judged: bool = False) -> list[IntentRow]:
        """`put` for many: their rows in order; all of them are added or none."""

    def get(self, key: str) -> IntentRow | None:
        """The row of a key."""

    def unfinished(self) -> list[IntentRow]:
        """QUEUED, SUBMITTED and MINED rows, oldest first."""

    def counts(self) -> Mapping[IntentState, int]:
        """How many rows are in each state; a state without rows is missing."""

    # Who may send -------------------------------------------------------------------------------------------------

    def lease(
        self,
        signer: bytes,
        owner: str,
        seconds: float,
        *,
        now: float,
        renew: Lease | None = None,
        dead: Lease | None = None,
    ) -> Lease:
        """The account's lease: `owner`'s for `seconds` from `now`, or the one that another still holds.

        It is given to the owner when it is free, has run out by `now`, or was a former life's of the same owner: with
        a new token. `renew` keeps the token of the lease that one holds. `dead` is another's lease that the caller has
        watched unchanged for its whole term: if it is still the same, it has ended, whatever the clocks say.
        """

    def release(self, lease: Lease) -> None:
        """Ends the lease, if it is still held."""

    # Whoever sends ------------------------------------------------------------------------------------------------

    def busy(self) -> set[tuple[bytes, IntentState]]:
        """Which accounts have rows that are QUEUED, SUBMITTED or MINED."""

    def queued(self, signer: bytes, most: int) -> list[IntentRow]:
        """The account's oldest QUEUED rows, oldest first."""

    def in_flight(self, signer: bytes) -> list[IntentRow]:
        """The account's SUBMITTED and MINED rows by nonce, with every attempt."""

    def fillers(self, signer: bytes, lowest: int) -> list[SignedTransaction]:
        """Transactions of no intent that fill a gap at or above the nonce `lowest`, by nonce."""

    def newest_end(self, signer: bytes, below: int) -> Mined | None:
        """Where the account's highest nonce below `below` was mined, if its row has come to its end."""

    def submit_all(self, lease: Lease, signed: Sequence[tuple[str, SignedTransaction]]) -> None:
        """QUEUED to SUBMITTED, by key. The nonces ascend by one from `lease.next_nonce` or above; the ledger then
        stands after the last. All or nothing. Raises Conflict where a row is not QUEUED or a nonce not the next."""

    def replace_all(self, lease: Lease, signed: Sequence[tuple[str, SignedTransaction]]) -> None:
        """A further attempt of the same nonce for each SUBMITTED row, by key; the former ones are kept. Raises
        Conflict where a row is not SUBMITTED with that nonce."""

    def fill(self, lease: Lease, filler: SignedTransaction) -> None:
        """Keeps a transaction of no intent, which uses up a nonce that nothing else will use."""

    def mined_all(self, lease: Lease, found: Sequence[tuple[IntentRow, Mined]], *, final: int) -> None:
        """Keeps where an attempt of each SUBMITTED or MINED row was mined: MINED, or at once FINAL (status 1) or
        FAILED (0) where its block's number is at most `final`. Raises Conflict where it is no attempt of the row."""

    def finalise(self, lease: Lease, blocks: Sequence[bytes]) -> int:
        """MINED to FINAL (status 1) or FAILED (0) for the rows of these blocks, by hash; how many there were."""

    def forked(self, lease: Lease, blocks: Sequence[bytes]) -> int:
        """MINED back to SUBMITTED for the rows of these blocks, by hash: the blocks are no longer the chain's."""

    def requeue_all(self, lease: Lease, rows: Sequence[IntentRow]) -> None:
        """SUBMITTED to QUEUED, to be judged anew: none of their attempts can ever be mined, because their nonces are
        used by other transactions in final blocks. Rows that were given up go to FAILED."""

    def give_up(self, lease: Lease, key: str, error: str) -> None:
        """Marks a SUBMITTED row, by the code of the error: it is not sent again, and fails when its nonce is used."""

    def fail(self, key: str, error: str, *, refusal: Refusal | None = None) -> IntentRow:
        """QUEUED to FAILED, with the code of the error; the key may be put again. Raises Conflict elsewhere."""

    def explain(self, key: str, refusal: Refusal) -> None:
        """Keeps why a FAILED row had no effect, where nothing is kept of it yet."""
