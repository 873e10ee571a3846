"""Payloads as the exchange keeps book of them: what is sealed, under which keys, and what is being erased.

The rows live in `records`, the work is done in `vault`; both meet here. Nothing in a row is secret by itself: seeds
are sealed under a payload key, payload keys under a key-encryption key (KEK) that lives outside every database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

PHASES = ("logged", "switched", "done")
"""The life of an erasure: its intent is durable; the new keys are in force; the old generation is destroyed."""


@dataclass(frozen=True)
class PayloadRecord:
    """One sealed payload; never changes. `payload_id`, `content_root`: 32 bytes; `created_at`: Unix seconds."""

    payload_id: bytes
    asset_id: int
    version: int
    count: int
    content_root: bytes
    object_key: str
    created_at: int


@dataclass(frozen=True)
class KeyRecord:
    """How the seeds of one payload are wrapped now (format 18).

    `sealed_seeds` and `wrapped_key` are nonce(12) || ciphertext || tag(16). `epoch` counts payload keys of this payload
    from 1; `generation` names the KEK that opens `wrapped_key`.
    """

    payload_id: bytes
    epoch: int
    generation: int
    wrapped_key: bytes
    sealed_seeds: bytes


@dataclass(frozen=True)
class ErasureTarget:
    """The records of one payload to be erased: ascending indices, no repetition."""

    payload_id: bytes
    indices: tuple[int, ...]


@dataclass(frozen=True)
class ErasureRecord:
    """One journalled erasure. `phase` is one of `PHASES`; `receipt` is canonical JSON once it is done, else empty."""

    erasure_id: bytes
    targets: tuple[ErasureTarget, ...]
    from_generation: int
    to_generation: int
    phase: str
    logged_at: int
    receipt: bytes = b""


class KeyLedger(Protocol):
    """The durable book of payloads, their wrapped keys and erasures. Every writing method is one transaction."""

    def generation(self) -> int:
        """The KEK generation in force; 1 in a new book, then `to_generation` of the last switched erasure."""

    def add_payload(self, payload: PayloadRecord, key: KeyRecord) -> None:
        """Store both, or neither. Raises `Conflict` when the payload exists, or `key.generation` is not in force."""

    def payload(self, payload_id: bytes) -> PayloadRecord:
        """Raises `NotFound`."""

    def payload_of(self, content_root: bytes) -> PayloadRecord:
        """The payload with this content root. Raises `NotFound`."""

    def key(self, payload_id: bytes) -> KeyRecord:
        """Raises `NotFound`."""

    def keys(self) -> Sequence[KeyRecord]:
        """All key records, ascending by payload id."""

    def log_erasure(self, erasure: ErasureRecord) -> None:
        """Store a `logged` erasure. Raises `Conflict` when another one is not done, or its `from_generation` is not
        in force."""

    def open_erasure(self) -> ErasureRecord | None:
        """The erasure that is not done, if any (there is at most one)."""

    def switch(self, erasure_id: bytes, keys: Collection[KeyRecord]) -> None:
        """Replace all key records by `keys`, put `to_generation` in force and the erasure into phase `switched`.

        Raises `Conflict`, and changes nothing, when `keys` are not exactly those of the payloads stored now, or the
        erasure is not `logged`. Old rows must not survive in the file (SQLite: `PRAGMA secure_delete = ON`).
        """

    def finish_erasure(self, erasure_id: bytes, receipt: bytes) -> None:
        """Store the receipt and the phase `done`. Doing it twice with the same receipt changes nothing."""

    def erasure(self, erasure_id: bytes) -> ErasureRecord:
        """Raises `NotFound`."""

    def erasures(self) -> Sequence[ErasureRecord]:
        """All erasures, in the order in which they were logged."""
