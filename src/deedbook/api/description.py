"""The OpenAPI document: what FastAPI knows of the routes, and what it cannot know: errors are problems (RFC 9457), what
is posted is read as strict JSON by the route itself, and who may ask is in the table of rights."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from deedbook.api.door import COOKIE
from deedbook.api.problems import MEDIA_TYPE, Problem
from deedbook.api.rights import RIGHTS, Right, right_of

_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_BODY: Final = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
_SCHEMES: Final[dict[str, Any]] = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "an API key (`deedbook keys add`), or a session's token",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "set by `POST /session`"},
    "issuer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "of the configured issuer"},
}
_KNOWN: Final[list[dict[str, list[str]]]] = [{name: []} for name in _SCHEMES]
_TEXT: Final = {"schema": {"type": "string"}}
_DOOR: Final[dict[str, dict[str, Any]]] = {
    "401": {
        "description": "it has to be known who asks, or what was shown is not good",
        "headers": {"WWW-Authenticate": {"description": "how to say who asks", **_TEXT}},
    },
    "403": {"description": "who asks may not do this"},
    "429": {
        "description": "too many requests of this account or address",
        "headers": {"Retry-After": {"description": "seconds", **_TEXT}},
    },
}
"""What every route answers where the service asks who somebody is."""
_FASTAPIS: Final = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Makes `/openapi.json` the document of `description`."""
    app.openapi = lambda: description(app)  # type: ignore[method-assign]


def description(app: FastAPI) -> dict[str, Any]:
    """The document (OpenAPI 3.1) of an app, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _described(app)
    return app.openapi_schema


def _described(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = made["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema()
    for name in _FASTAPIS:
        schemas.pop(name, None)
    made["components"]["securitySchemes"] = _SCHEMES
    declared = {path.replace(":path}", "}"): path for _, path in RIGHTS}
    for path, method, operation in _operations(made):
        operation["responses"] = {**copy.deepcopy(_DOOR), **operation["responses"]}
        operation["security"] = _security(right_of(method.upper(), declared.get(path, path)))
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                answer["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
                answer["description"] = answer["description"].replace("Validation Error", "a field is wrong")
        if method == "post":
            operation.setdefault("requestBody", _BODY)
    return made


def _security(right: Right) -> list[dict[str, list[str]]]:
    if right.is_for_all:
        return []
    return [{}, *_KNOWN] if right.on_chain else list(_KNOWN)


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
