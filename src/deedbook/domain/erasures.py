"""The receipt of an erasure (format 27): what was erased from which payloads, and which keys were destroyed for it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from deedbook.domain.documents import MOST_NUMBER, Fields, read_document, require_bytes, require_time, require_unsigned
from deedbook.domain.hashing import canonical_json, parse_canonical_json, to_hex
from deedbook.errors import InvalidFormat, InvalidInput

FORMAT: Final = "deedbook.erasure"
_KEYS: Final = ("erasureId", "payloads", "destroyedGeneration", "generation", "loggedAt", "destroyedAt", "promised")
_PAYLOAD_KEYS: Final = ("payloadId", "assetId", "assetVersion", "contentRoot", "indices", "remainingCoverHash")


@dataclass(frozen=True, slots=True)
class ErasedFrom:
    """The records erased from one payload; `remaining_cover_hash` is of the cover (format 16) that its seeds open now.

    Raises InvalidInput naming the field: `indices` are ascending, at least one.
    """

    payload_id: bytes
    asset_id: int
    version: int
    content_root: bytes
    indices: tuple[int, ...]
    remaining_cover_hash: bytes

    def __post_init__(self) -> None:
        require_bytes("payloadId", self.payload_id, 32)
        require_unsigned("assetId", self.asset_id, 256)
        require_unsigned("assetVersion", self.version, 32)
        require_bytes("contentRoot", self.content_root, 32)
        require_bytes("remainingCoverHash", self.remaining_cover_hash, 32)
        for index in self.indices:
            require_unsigned("indices", index, 53)
        if not self.indices or any(before >= after for before, after in pairwise(self.indices)):
            raise InvalidInput("indices", "are not ascending, or none")

    def to_json(self) -> dict[str, Any]:
        """The entry of the receipt."""
        return {
            "payloadId": to_hex(self.payload_id),
            "assetId": str(self.asset_id),
            "assetVersion": self.version,
            "contentRoot": to_hex(self.content_root),
            "indices": list(self.indices),
            "remainingCoverHash": to_hex(self.remaining_cover_hash),
        }

    @classmethod
    def from_json(cls, value: object) -> ErasedFrom:
        """Reads that entry. Raises InvalidFormat."""
        fields = Fields(value, f"{FORMAT}.payloads", _PAYLOAD_KEYS)
        return cls(
            fields.hex("payloadId", 32),
            fields.decimal("assetId", 256),
            fields.number("assetVersion", 32),
            fields.hex("contentRoot", 32),
            tuple(fields.array("indices")),
            fields.hex("remainingCoverHash", 32),
        )


@dataclass(frozen=True, slots=True)
class ErasureReceipt:
    """An erasure that is done. `promised`: whether nobody can bring the destroyed generation back.

    Raises InvalidInput naming the field: payloads ascend by their ids, at least one; the generation destroyed is
    the one before `generation`.
    """

    erasure_id: bytes
    payloads: tuple[ErasedFrom, ...]
    destroyed_generation: int
    generation: int
    logged_at: int
    destroyed_at: int
    promised: bool

    def __post_init__(self) -> None:
        require_bytes("erasureId", self.erasure_id, 32)
        if not self.payloads or any(one.payload_id >= next_.payload_id for one, next_ in pairwise(self.payloads)):
            raise InvalidInput("payloads", "are not ascending by payloadId, or none")
        require_unsigned("generation", self.generation, 32)
        if self.destroyed_generation < 1 or self.generation != self.destroyed_generation + 1:
            raise InvalidInput("generation", f"{self.generation} does not follow {self.destroyed_generation}")
        require_time("loggedAt", self.logged_at)
        require_time("destroyedAt", self.destroyed_at)

    def encode(self) -> bytes:
        """The receipt's canonical bytes."""
        return canonical_json(
            {
                "format": FORMAT,
                "version": 1,
                "erasureId": to_hex(self.erasure_id),
                "payloads": [each.to_json() for each in self.payloads],
                "destroyedGeneration": self.destroyed_generation,
                "generation": self.generation,
                "loggedAt": self.logged_at,
                "destroyedAt": self.destroyed_at,
                "promised": self.promised,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> ErasureReceipt:
        """The receipt of its canonical bytes; no other spelling is taken. Raises InvalidFormat, WrongVersion."""
        fields = read_document(parse_canonical_json(data, FORMAT), FORMAT, _KEYS)
        try:
            return cls(
                fields.hex("erasureId", 32),
                tuple(map(ErasedFrom.from_json, fields.array("payloads"))),
                fields.number("destroyedGeneration", 32),
                fields.number("generation", 32),
                fields.number("loggedAt", MOST_NUMBER.bit_length()),
                fields.number("destroyedAt", MOST_NUMBER.bit_length()),
                fields.flag("promised"),
            )
        except InvalidInput as reason:
            raise InvalidFormat(reason.field, reason.reason) from reason
