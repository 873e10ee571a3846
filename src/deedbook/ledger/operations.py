"""Operations: acts that the service accepts and brings to their end while their caller looks after them, or not.

What is kept of one is a name for its intent; everything else is the intent's own, or the relayed act's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from deedbook.chain.client import NodeError
from deedbook.chain.transactions import Call, Receipt, Signer
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.intents import IntentRow, IntentState, Outbox
from deedbook.domain.operations import Operation, OperationKind, OperationRow
from deedbook.domain.refusals import Refusal
from deedbook.domain.relaying import ActState, RelayedAct
from deedbook.errors import ChainUnavailable, DeedbookError, NotFound, TransactionFailed
from deedbook.ledger.acting import Act, Sending

UNFINISHED: Final = (IntentState.QUEUED.value, IntentState.SUBMITTED.value, IntentState.MINED.value)


class Putting(Protocol):
    """What is asked of `chain.transactions.Sender`."""

    def put(self, call: Call, signer: Signer, *, key: str) -> IntentRow:
        """Keeps a call to be made once under its key, and waits for nothing."""

    def why(self, row: IntentRow) -> DeedbookError:
        """Why an intent had no effect."""


class OperationBook(Protocol):
    """What is kept of operations, in `records`; each method is one transaction."""

    def put(self, row: OperationRow, *, at: int, key: bytes | None = None) -> None:
        """Keeps an operation, and which idempotency key it answers."""

    def find(self, operation_id: bytes) -> OperationRow | None:
        """An operation that was kept."""

    def accounts(self, states: tuple[str, ...]) -> list[bytes]:
        """Who signs the intents of operations in these states."""


class Acts(Protocol):
    """What is asked of the relayed acts, in `records`."""

    def get(self, digest: bytes) -> RelayedAct:
        """Raises NotFound."""


class Prepared(Exception):  # noqa: N818 - no error: where an act ends that is accepted, and made by others
    """An act that its contract would accept now."""

    def __init__(self, act: Act) -> None:
        super().__init__("an act was prepared")
        self.act = act


class Preparing:
    """`Sending` that sends nothing: every act is tried, and ends by raising `Prepared`."""

    def __init__(self, sender: Sending) -> None:
        self._sender = sender

    def read(self, call: Call, *, sender: bytes | None = None, block: str = "latest") -> Any:
        """What a view returns."""
        return self._sender.read(call, sender=sender, block=block)

    def simulate(self, call: Call, *, sender: bytes) -> None:
        """Runs a call without sending it. Raises RejectedByContract."""
        self._sender.simulate(call, sender=sender)

    def send(self, call: Call, signer: Signer, *, key: str) -> Receipt:
        """Raises Prepared, or RejectedByContract as the contract would."""
        self._sender.simulate(call, sender=signer.address)
        raise Prepared(Act(call, signer, key))


class Operations:
    """The operations of one deployment. `shown` gives a relayed act as people and programs read it; `clock` gives Unix
    seconds."""

    def __init__(
        self,
        outbox: Outbox,
        sender: Putting,
        book: OperationBook,
        acts: Acts,
        *,
        shown: Callable[[RelayedAct], Mapping[str, Any]],
        clock: Callable[[], int],
    ) -> None:
        self._outbox = outbox
        self._sender = sender
        self._book = book
        self._acts = acts
        self._shown = shown
        self._clock = clock

    def put(self, kind: OperationKind, act: Act, about: Mapping[str, Any], *, key: bytes | None = None) -> Operation:
        """Accepts an act: it will be made once, whatever happens to this process from here on. The same act again is
        the same operation. `key` is the idempotency key (its SHA-256) that it answers."""
        row = OperationRow(sha256(act.key.encode()), kind, act.key, about)
        self._book.put(row, at=self._clock(), key=key)
        return self._of_intent(row, self._sender.put(act.call, act.signer, key=act.key), None)

    def get(self, operation_id: bytes, *, settled: int | None = None) -> Operation:
        """An operation as it stands; what is in a block above `settled` is not shown as final yet. Every relayed act is
        one, by its digest. Raises NotFound."""
        row = self._book.find(operation_id)
        if row is None:
            try:
                act = self._acts.get(operation_id)
            except NotFound:
                raise NotFound("operation", to_hex(operation_id)) from None
            return self.of_act(act, settled=settled)
        intent = self._outbox.get(row.intent)
        if intent is None:  # a crash came between; nobody was told of it
            raise NotFound("operation", to_hex(operation_id))
        return self._of_intent(row, intent, settled)

    def accounts(self) -> list[bytes]:
        """The accounts (20 bytes) that have something under way."""
        return self._book.accounts(UNFINISHED)

    def of_act(self, act: RelayedAct, *, settled: int | None = None) -> Operation:
        """A relayed act as an operation."""
        state, carrier = _STATES[act.state], None
        if act.state is ActState.WAITING and act.carrier is not None:
            carrier = self._outbox.get(act.carrier)
            state = IntentState.QUEUED if carrier is None else _UNTOLD.get(carrier.state, IntentState.QUEUED)
        transaction, block = _place(carrier)
        if act.ran is not None:
            transaction, block = act.ran.tx_hash, act.ran.block_number
        about = {name: self._shown(act)[name] for name in ("digest", "member", "nonce", "act", "deadline")}
        state = _as_settled(state, block, settled)
        return Operation(act.digest, OperationKind.RELAYED, state, about, transaction, block, None, act.refusal)

    def _of_intent(self, row: OperationRow, intent: IntentRow, settled: int | None) -> Operation:
        refusal = self._explained(intent) if intent.state is IntentState.FAILED else None
        transaction, block = _place(intent)
        gas = None if intent.mined is None else intent.mined.gas_used
        state = _as_settled(intent.state, block, settled)
        return Operation(row.operation_id, row.kind, state, row.about, transaction, block, gas, refusal)

    def _explained(self, intent: IntentRow) -> Refusal:
        """Why an intent failed; what is found out is kept, for a node forgets the state that shows it."""
        if intent.refusal is not None:
            return intent.refusal
        try:
            refusal = Refusal.of(self._sender.why(intent))
        except (ChainUnavailable, NodeError):
            return Refusal.of(TransactionFailed("mined without effect; no node says why now"))
        self._outbox.explain(intent.intent.key, refusal)
        return refusal


_STATES: Final[Mapping[ActState, IntentState]] = {
    ActState.WAITING: IntentState.QUEUED,
    ActState.DONE: IntentState.FINAL,
    ActState.FAILED: IntentState.FAILED,
    ActState.REFUSED: IntentState.FAILED,
    ActState.VOID: IntentState.FAILED,
}
_UNTOLD: Final[Mapping[IntentState, IntentState]] = {
    IntentState.SUBMITTED: IntentState.SUBMITTED,
    IntentState.MINED: IntentState.MINED,
    IntentState.FINAL: IntentState.MINED,
}
"""How far a waiting act has come by the intent that carries it, until the forwarder's event has been read."""


def _place(intent: IntentRow | None) -> tuple[bytes | None, int | None]:
    """The hash and the block of an intent's transaction, as far as there are."""
    if intent is None or intent.transaction is None:
        return None, None
    return intent.transaction.tx_hash, None if intent.mined is None else intent.mined.block_number


def _as_settled(state: IntentState, block: int | None, settled: int | None) -> IntentState:
    ahead = settled is not None and block is not None and block > settled
    return IntentState.MINED if state is IntentState.FINAL and ahead else state
