"""Cases and holds about a target key."""

from __future__ import annotations

from deedbook.chain.transactions import Receipt, Signer
from deedbook.ledger.acting import Acting


def open_case(acting: Acting, opener: Signer, target: bytes, kind: int, document: bytes) -> Receipt:
    """Opens a case of `kind` (CaseKind) about a 32-byte target."""
    return acting.act(opener, "Cases", "open", target, kind, document)


def decide(acting: Acting, decider: Signer, case_id: bytes, outcome: int, document: bytes) -> Receipt:
    """Decides an open case; the decider is an arbiter or regulator and not its opener."""
    return acting.act(decider, "Cases", "decide", case_id, outcome, document)


def hold(acting: Acting, holder: Signer, target: bytes, document: bytes) -> Receipt:
    """Holds a target: no listing, order, delivery, transfer or payout until released; never stops a withdrawal."""
    return acting.act(holder, "Cases", "hold", target, document)


def release(acting: Acting, holder: Signer, target: bytes, document: bytes) -> Receipt:
    """Ends the holder's own hold."""
    return acting.act(holder, "Cases", "release", target, document)


def release_for(acting: Acting, regulator: Signer, target: bytes, holder: bytes, document: bytes) -> Receipt:
    """Ends the hold of a holder (20 bytes) who can no longer end it."""
    return acting.act(regulator, "Cases", "releaseFor", target, holder, document)
