"""Attestations: what accredited members state about a target key."""

from __future__ import annotations

from deedbook.chain.transactions import Receipt, Signer
from deedbook.ledger.acting import Acting


def attest(
    acting: Acting, attester: Signer, target: bytes, kind: int, document: bytes, valid_until: int, *, outcome: int = 1
) -> Receipt:
    """States `outcome` (Outcome) of `kind` (AttestationKind) about a 32-byte target; `document` is its SHA-256."""
    return acting.act(attester, "Attestations", "attest", target, kind, outcome, document, valid_until)


def correct(
    acting: Acting, attester: Signer, target: bytes, kind: int, document: bytes, valid_until: int, *, outcome: int = 1
) -> Receipt:
    """Replaces the attester's standing statement by a new one."""
    return acting.act(attester, "Attestations", "correct", target, kind, outcome, document, valid_until)


def withdraw(acting: Acting, attester: Signer, target: bytes, kind: int, document: bytes) -> Receipt:
    """Withdraws the attester's standing statement; `document` says why."""
    return acting.act(attester, "Attestations", "withdraw", target, kind, document)
