"""The OpenAPI document: what FastAPI knows of the routes, and what it cannot know: errors are problems (RFC 9457), and
what is posted is read as strict JSON by the route itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from deedbook.api.problems import MEDIA_TYPE, Problem
from deedbook.api.reading import ANSWER
from deedbook.api.said import DESCRIBED

_PROBLEM: Final = {"$ref": "#/components/schemas/Problem"}
_BODY: Final = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
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
    schemas |= DESCRIBED
    for name in _FASTAPIS:
        schemas.pop(name, None)
    for path, method, operation in _operations(made):
        for status, words in _refusals(path, method):
            operation["responses"].setdefault(status, {"description": words})
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


def _refusals(path: str, method: str) -> Iterator[tuple[str, str]]:
    """What a route may answer, whoever refuses."""
    yield "422", "a field or a parameter is wrong, or is not known"
    yield "503", "the chain cannot be reached now"
    if "{" in path:
        yield "404", "it names something that is not there"
    if method == "post":
        yield "413", "the body is too long"
        yield "415", "the body is of another media type"


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
