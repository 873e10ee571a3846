"""Errors as RFC 9457 problems: `application/problem+json` with `type`, `title`, `status`, `detail`, `code` and the
error's own fields. The one place of the API where an error becomes words.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match

from deedbook.domain.documents import MOST_NUMBER
from deedbook.domain.hashing import to_hex
from deedbook.domain.operations import Operation
from deedbook.errors import (
    ChainUnavailable,
    Conflict,
    DeedbookError,
    EvidenceMissing,
    Forbidden,
    InvalidInput,
    NotFound,
    RejectedByContract,
    StoreUnavailable,
    TooManyRequests,
    Unauthenticated,
    UnderWay,
)

STATUS: tuple[tuple[type[DeedbookError], int], ...] = (
    (InvalidInput, 422),
    (RejectedByContract, 409),
    (NotFound, 404),
    (Conflict, 409),
    (ChainUnavailable, 503),
    (StoreUnavailable, 503),
    (EvidenceMissing, 404),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (TooManyRequests, 429),
)
TYPE = "urn:deedbook:problem:"
MEDIA_TYPE = "application/problem+json"
CHALLENGE = 'Bearer realm="deedbook"'
LOG = logging.getLogger(__name__)
"""Where the operator is told what only the operator can mend; messages hold nothing of a person."""


class Problem(BaseModel):
    """An error (RFC 9457): `type`, `title`, `status`, `detail`, its stable `code`, and the error's own fields."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: str


def documented(words: str) -> dict[str, Any]:
    """How an OpenAPI document describes an answer that is a problem."""
    return {"description": words, "model": Problem}


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem; an unforeseen one says nothing of its inside."""
    app.add_exception_handler(DeedbookError, _of_deedbook)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_fault)


def status_of(error: DeedbookError) -> int:
    """The HTTP status of an error; 500 for what the operator must mend."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem(status: int, code: str, title: str, detail: str, **fields: Any) -> JSONResponse:
    """One problem document (RFC 9457, section 3)."""
    body = {"type": TYPE + code, "title": title, "status": status, "detail": detail, "code": code, **fields}
    return JSONResponse(_plain(body), status, media_type=MEDIA_TYPE)


def refused(operation: Operation) -> JSONResponse:
    """An operation that failed, as the problem that its request would have been."""
    assert operation.refusal is not None
    error = operation.refusal.as_error()
    status = 422 if isinstance(error, InvalidInput) else 409
    return _worded(error, status, operation=operation.operation_id, transaction=operation.transaction)


async def _of_deedbook(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DeedbookError)
    return answer_to(error)


def answer_to(error: DeedbookError) -> JSONResponse:
    """The problem that an error is, with the headers that go with it (RFC 9110, 10.2.3 and 11.6.1; RFC 6750, 3)."""
    status = status_of(error)
    if status == 500:
        LOG.error("%s: %s", error.code, error)
        return problem(500, error.code, "the service cannot answer", "the operator has been told", retryable=False)
    answer = _worded(error, status)
    if isinstance(error, UnderWay) or status == 503:
        answer.headers["Retry-After"] = "1"
    elif isinstance(error, TooManyRequests):
        answer.headers["Retry-After"] = str(error.retry_after)
    elif isinstance(error, Unauthenticated):
        answer.headers["WWW-Authenticate"] = CHALLENGE + (', error="invalid_token"' if error.given else "")
    elif isinstance(error, Forbidden) and error.scope is not None:
        answer.headers["WWW-Authenticate"] = f'{CHALLENGE}, error="insufficient_scope", scope="{error.scope}"'
    return answer


def _worded(error: DeedbookError, status: int, **more: Any) -> JSONResponse:
    fields = {key: value for key, value in error.fields.items() if key not in ("code", "status", "type", "title")}
    if isinstance(error, RejectedByContract):
        fields["arguments"] = dict(error.arguments)
    if error.hint:
        fields["hint"] = error.hint
    fields |= more
    return problem(status, error.code, error.code.replace("-", " "), str(error), retryable=error.retryable, **fields)


async def _of_validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"][1:])) or "body"
    return problem(422, "invalid-input", "invalid input", f"{field}: {first['msg']}", field=field)


async def _of_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase.lower()
    answer = problem(error.status_code, title.replace(" ", "-"), title, str(error.detail).lower())
    answer.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        answer.headers["Allow"] = ", ".join(_allowed(request))
    return answer


def _allowed(request: Request) -> list[str]:
    """The methods of all routes of a path (RFC 9110, 10.2.1); a framework that finds the first one names no more."""
    found: set[str] = set()
    for route in request.app.state.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


async def _of_fault(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "fault", "a fault of the service", "the operator has been told")


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return to_hex(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MOST_NUMBER:
        return str(value)
    return value
