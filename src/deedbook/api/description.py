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
from deedbook.api.reading import ANSWER
from deedbook.api.rights import RIGHTS, Right, right_of
from deedbook.api.said import DESCRIBED

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
_EVERY: Final = {
    "422": "a field or a parameter is wrong, or is not known",
    "500": "the operator has to mend something, and has been told",
    "503": "the service stops, is too busy, or the chain or a store cannot be reached now: ask again",
}
"""What any request may be answered, by status."""
_BY_PATH: Final = {"404": "it names something that is not there"}
"""Further, where the path names something."""
_BY_BODY: Final = {
    "408": "the body did not come in time",
    "409": "it contradicts what is there",
    "413": "the body is too long",
    "415": "the body is of another media type",
}
"""Further, where a body is sent."""


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
    schemas |= DESCRIBED
    for name in _FASTAPIS:
        schemas.pop(name, None)
    made["components"]["securitySchemes"] = _SCHEMES
    declared = {path.replace(":path}", "}"): path for _, path in RIGHTS}
    for path, method, operation in _operations(made):
        operation["responses"] = {**copy.deepcopy(_DOOR), **operation["responses"]}
        operation["security"] = _security(right_of(method.upper(), declared.get(path, path)))
        _answer_as_all(path, method, operation["responses"])
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                answer["content"] = {MEDIA_TYPE: {"schema": _PROBLEM}}
                answer["description"] = answer["description"].replace("Validation Error", "a field is wrong")
        shape = operation.pop(ANSWER, None)
        if shape is not None:
            operation["responses"]["200"]["content"]["application/json"] = {"schema": shape}
        if method == "post":
            operation.setdefault("requestBody", _BODY)
    return made


def _security(right: Right) -> list[dict[str, list[str]]]:
    if right.is_for_all:
        return []
    return [{}, *_KNOWN] if right.on_chain else list(_KNOWN)


def _answer_as_all(path: str, method: str, responses: dict[str, Any]) -> None:
    """Adds what the app answers wherever a route is: nobody says it at each."""
    more = _EVERY | (_BY_PATH if "{" in path else {}) | (_BY_BODY if method == "post" else {})
    for status, words in more.items():
        responses.setdefault(status, {"description": words})


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
