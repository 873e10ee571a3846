"""A value for every ABI parameter, different for every place: what both sides of an oracle are given."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any


def value_of(parameter: Mapping[str, Any], place: str) -> Any:
    """A value of the parameter's type in the form of `deedbook.domain.events`; structs are mappings."""
    kind, seed = str(parameter["type"]), hashlib.sha256(place.encode()).digest()
    if kind.endswith("]"):
        stem, size = kind[: kind.rindex("[")], kind[kind.rindex("[") + 1 : -1]
        element = {**parameter, "type": stem}
        return tuple(value_of(element, f"{place}[{n}]") for n in range(int(size) if size else 2))
    if kind == "tuple":
        return {item["name"]: value_of(item, f"{place}.{item['name']}") for item in parameter["components"]}
    if kind == "bool":
        return bool(seed[0] % 2)
    if kind == "address":
        return seed[:20]
    if kind == "string":
        return "文 " + seed.hex()
    if kind == "bytes":
        return seed + seed[:5]
    if kind.startswith("bytes"):
        return seed[: int(kind[5:])]
    return int.from_bytes(seed[: int(kind.removeprefix("u").removeprefix("int")) // 8], "big") >> kind.startswith("int")


def plain(value: Any) -> Any:
    """The value with structs as tuples, as eth_abi wants it."""
    if isinstance(value, Mapping):
        return tuple(plain(item) for item in value.values())
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return value
