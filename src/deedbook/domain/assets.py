"""Data assets: their identifiers, versions and public descriptors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deedbook.domain.abi import encode
from deedbook.domain.codes import AssetKind
from deedbook.domain.documents import (
    Fields,
    read_document,
    require_bytes,
    require_plain,
    require_time,
    require_unsigned,
)
from deedbook.domain.hashing import canonical_json, keccak256, parse_canonical_json, sha256
from deedbook.errors import InvalidFormat, InvalidInput

FIELD_TYPES: Final = ("boolean", "date", "decimal", "integer", "text")
"""What a field of a record can be; `decimal` is decimal text, `date` is YYYY-MM-DD."""


def asset_id(chain_id: int, data_assets: bytes, registrant: bytes, salt: bytes) -> int:
    """uint256(keccak256(abi.encode(chainId, DataAssets, registrant, salt))): known before registration, claimed by the
    registrant alone. Addresses 20 bytes, `salt` 32. Raises InvalidInput."""
    types = ["uint256", "address", "address", "bytes32"]
    return int.from_bytes(keccak256(encode(types, [chain_id, data_assets, registrant, salt])), "big")


@dataclass(frozen=True, slots=True)
class Version:
    """One state of an asset (IDataAssets.Version): RFC 9162 root over the SHA-256 of its sealed units, how many there
    are, and the SHA-256 of its public descriptor."""

    content_root: bytes
    record_count: int
    descriptor_hash: bytes

    def __post_init__(self) -> None:
        require_bytes("contentRoot", self.content_root, 32)
        require_unsigned("recordCount", self.record_count, 64)
        require_bytes("descriptorHash", self.descriptor_hash, 32)

    def as_tuple(self) -> tuple[bytes, int, bytes]:
        """For a call."""
        return (self.content_root, self.record_count, self.descriptor_hash)

    @classmethod
    def from_args(cls, args: Mapping[str, Any]) -> Version:
        """The version as an event carries it, by ABI name; other arguments are not read."""
        return cls(args["contentRoot"], args["recordCount"], args["descriptorHash"])


@dataclass(frozen=True, slots=True)
class Scope:
    """What a right covers (IDataAssets.Scope): modes (bits of Mode), purposes (bits 1 << Purpose), and the last Unix
    second of it."""

    modes: int
    purposes: int
    valid_until: int

    def __post_init__(self) -> None:
        require_unsigned("modes", self.modes, 16)
        require_unsigned("purposes", self.purposes, 16)
        require_unsigned("validUntil", self.valid_until, 64)

    def as_tuple(self) -> tuple[int, int, int]:
        """For a call."""
        return (int(self.modes), int(self.purposes), self.valid_until)


def version_key(asset_id: int, version: Version) -> bytes:
    """keccak256(abi.encode(assetId, contentRoot, recordCount, descriptorHash)): what attestations are about; known
    before publication."""
    return keccak256(encode(["uint256", "bytes32", "uint64", "bytes32"], [asset_id, *version.as_tuple()]))


@dataclass(frozen=True, slots=True)
class Field:
    """One field of every record: its name in the record's JSON, one of `FIELD_TYPES`, the unit (UCUM or ISO 4217
    where there is one, else empty), and what it means."""

    name: str
    type: str
    unit: str
    description: str

    def __post_init__(self) -> None:
        require_plain("field.name", self.name, most=64)
        if self.type not in FIELD_TYPES:
            raise InvalidInput("field.type", f"is none of {', '.join(FIELD_TYPES)}")
        if self.unit:
            require_plain("field.unit", self.unit, most=64)
        require_plain("field.description", self.description)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What everybody may know of a version before buying it (format `deedbook.descriptor`, version 1).

    `language` is a BCP 47 tag; the period is Unix seconds, both ends included; `size` is the bytes of all sealed
    units; `quality` maps a measure to its value, as text. Never holds anything of a person.
    """

    language: str
    title: str
    description: str
    kind: int
    fields: tuple[Field, ...]
    period_from: int
    period_until: int
    source: str
    quality: Mapping[str, str]
    record_count: int
    size: int

    def __post_init__(self) -> None:
        require_plain("language", self.language, most=35)
        require_plain("title", self.title)
        require_plain("description", self.description)
        require_plain("source", self.source)
        if self.kind not in {int(kind) for kind in AssetKind}:
            raise InvalidInput("kind", "is no kind of asset")
        names = [field.name for field in self.fields]
        if not names or len(set(names)) != len(names):
            raise InvalidInput("fields", "are none, or two of one name")
        for measure, value in self.quality.items():
            require_plain("quality", measure)
            require_plain(f"quality.{measure}", value)
        require_time("period.from", self.period_from)
        require_time("period.until", self.period_until)
        require_unsigned("recordCount", self.record_count, 53)
        require_unsigned("size", self.size, 53)

    @property
    def hash(self) -> bytes:
        """SHA-256 of the canonical bytes: `descriptorHash`."""
        return sha256(self.encode())

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.descriptor",
            "version": 1,
            "language": self.language,
            "title": self.title,
            "description": self.description,
            "kind": int(self.kind),
            "fields": [
                {"name": field.name, "type": field.type, "unit": field.unit, "description": field.description}
                for field in self.fields
            ],
            "period": {"from": self.period_from, "until": self.period_until},
            "source": self.source,
            "quality": dict(self.quality),
            "recordCount": self.record_count,
            "size": self.size,
        }

    @classmethod
    def from_json(cls, value: object) -> Descriptor:
        """The document of a JSON object. Raises InvalidFormat, InvalidInput (text that is not plain), WrongVersion."""
        fields = read_document(value, "deedbook.descriptor", _KEYS)
        period = fields.object("period", ("from", "until"))
        quality = fields.raw("quality")
        if not isinstance(quality, Mapping):
            raise InvalidFormat(fields.path("quality"), "is not an object")
        return cls(
            language=fields.text("language"),
            title=fields.text("title"),
            description=fields.text("description"),
            kind=fields.number("kind", 8),
            fields=tuple(map(_field, fields.array("fields"))),
            period_from=period.number("from", 64),
            period_until=period.number("until", 64),
            source=fields.text("source"),
            quality=dict(quality),
            record_count=fields.number("recordCount", 64),
            size=fields.number("size", 64),
        )

    def encode(self) -> bytes:
        """The document's canonical bytes."""
        return canonical_json(self.to_json())

    @classmethod
    def decode(cls, data: bytes) -> Descriptor:
        """The document of its canonical bytes; no other spelling is taken. Raises as `from_json`."""
        return cls.from_json(parse_canonical_json(data, "deedbook.descriptor"))


_KEYS: Final = (
    "language",
    "title",
    "description",
    "kind",
    "fields",
    "period",
    "source",
    "quality",
    "recordCount",
    "size",
)


def _field(value: object) -> Field:
    fields = Fields(value, "deedbook.descriptor.fields", ("name", "type", "unit", "description"))
    return Field(fields.text("name"), fields.text("type"), fields.text("unit"), fields.text("description"))
