"""Checkpoints: the size and root of an exchange's own append-only log, each continuing the one before it."""

from __future__ import annotations

from collections.abc import Sequence

from deedbook.chain.transactions import Receipt, Signer
from deedbook.ledger.acting import Acting


def anchor(acting: Acting, exchange: Signer, size: int, root: bytes, proof: Sequence[bytes]) -> Receipt:
    """Anchors the next checkpoint of an RFC 9162 log; `proof` is the consistency proof from the last one (2.1.4)."""
    return acting.act(exchange, "AnchorLog", "anchor", size, root, tuple(proof))


def latest(acting: Acting, exchange: bytes) -> tuple[int, bytes]:
    """Size and root (32 bytes) of an exchange's last checkpoint; size 0 where it has none."""
    found = acting.read("AnchorLog", "latest", exchange)
    return found["size"], found["root"]
