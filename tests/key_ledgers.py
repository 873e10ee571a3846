"""A book of payload keys in memory, for tests that look inside."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from deedbook.domain.payloads import ErasureRecord, KeyRecord, PayloadRecord
from deedbook.errors import Conflict, NotFound


class MemoryKeyLedger:
    """The contract of `KeyLedger`, as short as it can be said."""

    def __init__(self) -> None:
        self.in_force = 1
        self.payload_rows: dict[bytes, PayloadRecord] = {}
        self.key_rows: dict[bytes, KeyRecord] = {}
        self.erasure_rows: dict[bytes, ErasureRecord] = {}

    def generation(self) -> int:
        return self.in_force

    def add_payload(self, payload: PayloadRecord, key: KeyRecord) -> None:
        if payload.payload_id in self.payload_rows:
            raise Conflict("the payload exists")
        if key.generation != self.in_force:
            raise Conflict("the generation is not in force")
        self.payload_rows[payload.payload_id] = payload
        self.key_rows[payload.payload_id] = key

    def payload(self, payload_id: bytes) -> PayloadRecord:
        if payload_id not in self.payload_rows:
            raise NotFound("payload", "0x" + payload_id.hex())
        return self.payload_rows[payload_id]

    def payload_of(self, content_root: bytes) -> PayloadRecord:
        for payload in self.payload_rows.values():
            if payload.content_root == content_root:
                return payload
        raise NotFound("payload with content root", "0x" + content_root.hex())

    def key(self, payload_id: bytes) -> KeyRecord:
        self.payload(payload_id)
        return self.key_rows[payload_id]

    def keys(self) -> Sequence[KeyRecord]:
        return [self.key_rows[payload_id] for payload_id in sorted(self.key_rows)]

    def log_erasure(self, erasure: ErasureRecord) -> None:
        if self.open_erasure() is not None or erasure.from_generation != self.in_force:
            raise Conflict("another erasure is not done, or the generation is not in force")
        self.erasure_rows[erasure.erasure_id] = erasure

    def open_erasure(self) -> ErasureRecord | None:
        return next((row for row in self.erasure_rows.values() if row.phase != "done"), None)

    def switch(self, erasure_id: bytes, keys: Collection[KeyRecord]) -> None:
        erasure = self.erasure(erasure_id)
        if erasure.phase != "logged" or {key.payload_id for key in keys} != set(self.key_rows):
            raise Conflict("not logged, or other payloads")
        self.key_rows = {key.payload_id: key for key in keys}
        self.in_force = erasure.to_generation
        self.erasure_rows[erasure_id] = replace(erasure, phase="switched")

    def finish_erasure(self, erasure_id: bytes, receipt: bytes) -> None:
        self.erasure_rows[erasure_id] = replace(self.erasure(erasure_id), phase="done", receipt=receipt)

    def erasure(self, erasure_id: bytes) -> ErasureRecord:
        if erasure_id not in self.erasure_rows:
            raise NotFound("erasure", "0x" + erasure_id.hex())
        return self.erasure_rows[erasure_id]

    def erasures(self) -> Sequence[ErasureRecord]:
        return list(self.erasure_rows.values())
