"""Withdrawals by the thousand: relayed some at a time, each once, whoever began and wherever it was cut short.

Every withdrawal counts by itself: one that is refused keeps nobody else from leaving. What is sent is kept first, under
the key of its call, so that the same file handed over again sends nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from deedbook.chain.transactions import Call, Signer
from deedbook.domain.batches import Batch
from deedbook.domain.consents import Withdrawal
from deedbook.domain.hashing import to_hex
from deedbook.domain.intents import IntentRow
from deedbook.domain.merkle import PositionalTree, consent_leaf
from deedbook.errors import DeedbookError, IntegrityError, NotFound, RejectedByContract
from deedbook.ledger.acting import Acting
from deedbook.ledger.consents import Consents


class LeafBook(Protocol):
    """What is asked of the consents that are kept, in `records`."""

    def batch(self, batch_id: bytes) -> Batch:
        """Raises NotFound."""

    def leaf_keys_of(self, batch_id: bytes) -> list[tuple[bytes, bytes]]:
        """ConsentId and subject of each leaf of a batch, in leaf order."""

    def place_of(self, consent_id: bytes) -> tuple[bytes, int]:
        """Batch id and index of an anchored consent. Raises NotFound."""

    def mark_all_withdrawn(self, consent_ids: Sequence[bytes]) -> None:
        """Notes withdrawals, all or none; a pending consent then never enters a batch. Raises NotFound."""


class SendingMany(Protocol):
    """What is asked of `chain.transactions.Sender`."""

    def send_all(self, calls: Mapping[str, Call], signer: Signer) -> Mapping[str, IntentRow | DeedbookError]:
        """Makes each call once under its key; its row at the end, or why it was refused."""


class Ending(StrEnum):
    """What became of a withdrawal."""

    WITHDRAWN = "withdrawn"
    ALREADY = "already"
    UNANCHORED = "unanchored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the withdrawal in a line of a file (from 1), and why it was refused."""

    line: int
    ending: Ending
    reason: DeedbookError | None = None


class Withdrawing:
    """Relays withdrawals of one deployment. The tree of the batch that was met last is kept in memory."""

    def __init__(self, acting: Acting, sender: SendingMany, consents: Consents, book: LeafBook) -> None:
        self._acting = acting
        self._sender = sender
        self._consents = consents
        self._book = book
        self._tree: tuple[bytes, Batch, PositionalTree] | None = None

    def relay(self, some: Sequence[tuple[int, Withdrawal]], relayer: Signer) -> list[Outcome]:
        """Relays withdrawals, each with its line; what became of each, in their order.

        Raises ChainUnavailable (again: the same call goes on), NoFunds, CorruptStore, Locked.
        """
        found: dict[int, Outcome] = {}
        good = list(self._checked(some, found))
        self._book.mark_all_withdrawn([withdrawal.consent_id for _, withdrawal in good])
        calls = self._calls(good, relayer, found)
        ended = self._sender.send_all({key: call for key, (_, call) in calls.items()}, relayer)
        for key, (lines, _) in calls.items():
            found |= {line: _outcome(line, ended[key]) for line in lines}
        return [found[line] for line, _ in some]

    def _checked(
        self, some: Sequence[tuple[int, Withdrawal]], found: dict[int, Outcome]
    ) -> Iterator[tuple[int, Withdrawal]]:
        for line, withdrawal in some:
            try:
                self._consents.check_withdrawal(withdrawal)
            except DeedbookError as reason:
                found[line] = Outcome(line, Ending.REFUSED, reason)
            else:
                yield line, withdrawal

    def _calls(
        self, good: Sequence[tuple[int, Withdrawal]], relayer: Signer, found: dict[int, Outcome]
    ) -> dict[str, tuple[list[int], Call]]:
        """The calls by their keys, each with the lines that ask for it; of one batch after the other."""
        placed = []
        for line, withdrawal in good:
            try:
                placed.append((*self._book.place_of(withdrawal.consent_id), line, withdrawal))
            except NotFound:
                self._consents.remember(withdrawal.consent_id)
                found[line] = Outcome(line, Ending.UNANCHORED)
        calls: dict[str, tuple[list[int], Call]] = {}
        for batch_id, index, line, withdrawal in sorted(placed, key=lambda each: (each[0], each[1], each[2])):
            call = self._call(batch_id, index, withdrawal)
            calls.setdefault(self._acting.key_of(relayer, call), ([], call))[0].append(line)
        return calls

    def _call(self, batch_id: bytes, index: int, withdrawal: Withdrawal) -> Call:
        batch, tree = self._tree_of(batch_id)
        leaf = (index, withdrawal.consent_id, withdrawal.subject)
        arguments: tuple[Any, ...] = (batch.stated, leaf, tree.proof(index), withdrawal.signature)
        return Call("Consents", self._acting.addresses["Consents"], "withdrawFor", arguments)

    def _tree_of(self, batch_id: bytes) -> tuple[Batch, PositionalTree]:
        if self._tree is None or self._tree[0] != batch_id:
            self._tree = None
            batch = self._book.batch(batch_id)
            tree = PositionalTree(consent_leaf(*keys) for keys in self._book.leaf_keys_of(batch_id))
            if tree.root != batch.root:
                raise IntegrityError("the leaves kept of a batch do not give its root", batch=to_hex(batch_id))
            self._tree = (batch_id, batch, tree)
        return self._tree[1], self._tree[2]


def _outcome(line: int, ended: IntentRow | DeedbookError) -> Outcome:
    if isinstance(ended, RejectedByContract) and ended.error == "AlreadyWithdrawn":
        return Outcome(line, Ending.ALREADY)
    if isinstance(ended, DeedbookError):
        return Outcome(line, Ending.REFUSED, ended)
    return Outcome(line, Ending.WITHDRAWN)
