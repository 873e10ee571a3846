"""The JSON form of views as JSON Schema (2020-12), from the types that they declare: see `queries.views`."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields
from enum import IntEnum, IntFlag
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from deedbook.domain.documents import MOST_NUMBER
from deedbook.queries.views import View, camel

REFERENCE: Final = "#/components/schemas/"
BYTES: Final = {"type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$"}
NUMBER: Final = {"type": "integer", "minimum": -MOST_NUMBER, "maximum": MOST_NUMBER}
DECIMAL: Final = {"type": "string", "pattern": "^(0|-?[1-9][0-9]*)$"}
_PLAIN: Final[Mapping[Any, dict[str, Any]]] = {
    bool: {"type": "boolean"},
    str: {"type": "string"},
    bytes: BYTES,
    type(None): {"type": "null"},
    Any: {},
}


def shapes_of(view: type[View]) -> dict[str, Any]:
    """The schema of a view and of all that it holds, by the views' names; they refer to each other under `REFERENCE`.

    Raises TypeError for a type that has no JSON form.
    """
    found: dict[str, Any] = {}
    _add(view, found)
    return found


def page_of(view: type[View]) -> dict[str, Any]:
    """The schema of a page of views."""
    items = {"type": "array", "items": {"$ref": REFERENCE + view.__name__}}
    after = {"type": ["string", "null"]}
    return {"type": "object", "properties": {"items": items, "after": after}, "required": ["items", "after"]}


def _add(view: type[View], found: dict[str, Any]) -> None:
    if view.__name__ in found:
        return
    said = (view.__doc__ or "").strip()
    found[view.__name__] = shape = {"type": "object", "title": view.__name__, "description": " ".join(said.split())}
    hints = get_type_hints(view)
    names = [each.name for each in fields(view)]  # type: ignore[arg-type]
    shape["properties"] = {camel(name): _shape(hints[name], name in view.DECIMAL, found) for name in names}  # type: ignore[assignment]
    shape["required"] = [camel(name) for name in names]  # type: ignore[assignment]


def _shape(hint: Any, decimal: bool, found: dict[str, Any]) -> dict[str, Any]:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_shape(each, decimal, found) for each in get_args(hint)]}
    if origin is tuple:
        return {"type": "array", "items": _shape(get_args(hint)[0], decimal, found)}
    if origin is dict or hint is dict or origin is Mapping:
        return {"type": "object"}
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if issubclass(hint, View):
        _add(hint, found)
        return {"$ref": REFERENCE + hint.__name__}
    if issubclass(hint, IntFlag):
        return {"type": "array", "items": {"type": "string"}}
    if issubclass(hint, IntEnum):
        return {"type": "string"}
    if issubclass(hint, int):
        return dict(DECIMAL if decimal else NUMBER)
    if issubclass(hint, str):
        return {"type": "string"}
    raise TypeError(f"{hint} has no JSON form")
