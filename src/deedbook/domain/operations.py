"""Operations: what became of a request that needs a transaction, and the idempotency keys under which requests come.

An operation is no fact of its own: it is an intent, or a relayed act, as a caller of the service sees it, in the states
of an intent. It is shown as FINAL once what it did can also be read here: the mirror has its block, and the keys of
records whose consents it ended are destroyed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from deedbook.domain.hashing import to_hex
from deedbook.domain.intents import ENDS, IntentState
from deedbook.domain.refusals import Refusal

KEPT: Final = 86_400
"""Seconds for which an idempotency key is kept with its answer."""


class OperationKind(StrEnum):
    """What was asked for."""

    BATCH = "batch"
    """Consents anchored as a batch."""
    WITHDRAWAL = "withdrawal"
    """A consent withdrawn."""
    RELAYED = "relayed"
    """A member's signed act."""
    ACT = "act"
    """Any other act by an account of the home; `about` says which."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One request and how far it has come.

    `operation_id` (32 bytes) names it; `about` says of what it is, in JSON. `transaction`, `block` and `gas_used` are
    there from MINED on, the transaction alone from SUBMITTED on where it is known; a relayed act shares its gas with
    others and states none. `refusal` says why it FAILED.
    """

    operation_id: bytes
    kind: OperationKind
    state: IntentState
    about: Mapping[str, Any]
    transaction: bytes | None = None
    block: int | None = None
    gas_used: int | None = None
    refusal: Refusal | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is FINAL or FAILED."""
        return self.state in ENDS

    def to_json(self) -> dict[str, Any]:
        """The operation as it is answered; gas as decimal text."""
        return {
            "operation": to_hex(self.operation_id),
            "kind": str(self.kind),
            "state": str(self.state),
            "about": dict(self.about),
            "transaction": None if self.transaction is None else to_hex(self.transaction),
            "block": self.block,
            "gas": None if self.gas_used is None else str(self.gas_used),
            "reason": None if self.refusal is None else self.refusal.to_json(),
        }


@dataclass(frozen=True, slots=True)
class OperationRow:
    """What is kept of an operation beside its intent: the key of that, and what is shown of the request."""

    operation_id: bytes
    kind: OperationKind
    intent: str
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request with the same idempotency key led to before: an operation by its id, or the `answer` itself."""

    operation_id: bytes | None = None
    answer: bytes = b""
