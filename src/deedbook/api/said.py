"""What requests say: JSON objects read strictly into the domain's values, and described for OpenAPI.

Accounts are EIP-55 text (or all lower case), other bytes lower-case hex; identifiers and amounts decimal text; times
Unix seconds; codes words or numbers, sets of codes lists of them. A field that is not known is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum, IntFlag
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, WithJsonSchema
from pydantic.alias_generators import to_camel

from deedbook.domain.codes import (
    AssetKind,
    AttestationKind,
    CaseKind,
    Grade,
    Licence,
    Mode,
    Outcome,
    Purpose,
    Right,
    Role,
    bits_of,
    class_of_role,
    word_of,
)
from deedbook.domain.documents import MOST_NUMBER
from deedbook.domain.hashing import from_hex, parse_address
from deedbook.domain.members import member_key
from deedbook.errors import InvalidInput

DESCRIBED: Final[dict[str, Any]] = {}
"""The schemas of everything that is said, by name; filled where a route says what it takes."""


class Said(BaseModel):
    """What a request says."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, hide_input_in_errors=True
    )

    @classmethod
    def read(cls, body: Any) -> Self:
        """The values of a body. Raises InvalidInput naming the field."""
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            field = ".".join(map(str, first["loc"])) or "body"
            raise InvalidInput(field, first["msg"].removeprefix("Value error, ")) from None

    @classmethod
    def described(cls) -> dict[str, Any]:
        """The request body as OpenAPI has it; its parts go into DESCRIBED."""
        schema = cls.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, part in schema.pop("$defs", {}).items():
            DESCRIBED[name] = part
        DESCRIBED[cls.__name__] = schema
        reference = {"$ref": f"#/components/schemas/{cls.__name__}"}
        return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


def _text(read: Callable[[str], Any], schema: dict[str, Any]) -> Any:
    """A type of text, by what reads it and its schema."""

    def validated(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("is not text")
        try:
            return read(value)
        except InvalidInput as error:
            raise ValueError(error.reason) from None

    return PlainValidator(validated), WithJsonSchema({"type": "string", **schema})


def _decimal(value: str, bits: int) -> int:
    digits = value.isascii() and value.isdigit() and len(value) <= 78
    if not digits or (value[0] == "0" and value != "0") or int(value) >= 2**bits:
        raise InvalidInput("", f"is not decimal text of at most {bits} bits")
    return int(value)


def _asset(value: str) -> int:
    return int.from_bytes(from_hex(value, "", 32), "big") if value.startswith("0x") else _decimal(value, 256)


def _target(value: str) -> bytes:
    kind, _, rest = value.partition(":")
    if kind == "asset" and rest:
        return _asset(rest).to_bytes(32, "big")
    if kind == "member" and rest:
        return member_key(parse_address(rest, ""))
    return from_hex(value, "", 32)


_KEY: Final = "^0x[0-9a-f]{64}$"
Account = Annotated[bytes, *_text(lambda text: parse_address(text, ""), {"pattern": "^0x[0-9a-fA-F]{40}$"})]
Key32 = Annotated[bytes, *_text(lambda text: from_hex(text, "", 32), {"pattern": _KEY})]
Octets = Annotated[bytes, *_text(lambda text: from_hex(text, ""), {"pattern": "^0x([0-9a-f]{2})*$"})]
Asset = Annotated[int, *_text(_asset, {"pattern": "^(0|[1-9][0-9]{0,77}|0x[0-9a-f]{64})$"})]
Amount = Annotated[int, *_text(lambda text: _decimal(text, 128), {"pattern": "^(0|[1-9][0-9]{0,38})$"})]
Target = Annotated[
    bytes,
    *_text(
        _target,
        {
            "pattern": "^(0x[0-9a-f]{64}|asset:.+|member:0x[0-9a-fA-F]{40})$",
            "description": "a version key, batch, asset, offer or sale in hex; `asset:ID`, or `member:ACCOUNT`",
        },
    ),
]
Seconds = Annotated[int, Field(ge=0, le=MOST_NUMBER, description="Unix seconds")]
Count = Annotated[int, Field(ge=0, le=MOST_NUMBER)]
Number16 = Annotated[int, Field(ge=0, le=2**16 - 1)]
Number32 = Annotated[int, Field(ge=0, le=2**32 - 1)]
Object = Annotated[dict[str, Any], Field()]


def _code_in(names: dict[str, int]) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**16:
            return value
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"is none of {', '.join(names)}")
        return names[value]

    return read


def _code(codes: type[IntEnum] | type[IntFlag]) -> Any:
    names = {word_of(each): int(each) for each in codes}
    return PlainValidator(_code_in(names)), WithJsonSchema(_code_schema(names))


def _code_schema(names: dict[str, int]) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0, "maximum": 2**16 - 1}
    return {"anyOf": [{"type": "string", "enum": list(names)}, number]}


def _codes(codes: type[IntEnum] | type[IntFlag], gather: Callable[[Sequence[int]], Any]) -> Any:
    names = {word_of(each): int(each) for each in codes}
    one = _code_in(names)

    def read(value: Any) -> Any:
        if not isinstance(value, list) or len(value) > 256:
            raise ValueError("is not a list of codes")
        return gather([one(each) for each in value])

    return PlainValidator(read), WithJsonSchema({"type": "array", "maxItems": 256, "items": _code_schema(names)})


def _union(bits: Sequence[int]) -> int:
    found = 0
    for each in bits:
        found |= each
    return found


def _ascending(codes: Sequence[int]) -> tuple[int, ...]:
    return tuple(sorted(set(codes)))


_CLASSES: Final = {word_of(each): int(each) for each in Licence} | {word_of(each): class_of_role(each) for each in Role}

KindOfAsset = Annotated[int, *_code(AssetKind)]
GradeCode = Annotated[int, *_code(Grade)]
RightCode = Annotated[int, *_code(Right)]
PurposeCode = Annotated[int, *_code(Purpose)]
KindOfAttestation = Annotated[int, *_code(AttestationKind)]
KindOfCase = Annotated[int, *_code(CaseKind)]
OutcomeCode = Annotated[int, *_code(Outcome)]
ClassCode = Annotated[int, PlainValidator(_code_in(_CLASSES)), WithJsonSchema(_code_schema(_CLASSES))]
Roles = Annotated[int, *_codes(Role, _union)]
Modes = Annotated[int, *_codes(Mode, _union)]
Licences = Annotated[tuple[int, ...], *_codes(Licence, _ascending)]
Purposes = Annotated[int, *_codes(Purpose, lambda codes: sum(1 << each for each in set(codes) if each < 16))]
Kinds = Annotated[int, *_codes(AttestationKind, lambda codes: bits_of(*map(AttestationKind, codes)))]
"""Kinds of attestations, as a policy's bits."""
