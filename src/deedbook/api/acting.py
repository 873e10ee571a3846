"""How routes act: each act is one route, and a draft of it is another.

`POST /...` is made by an account of the home (`as`): it is tried against its contract first, then accepted as an
operation (see `writing`). `POST /drafts/...` takes the same body for an account whose key is elsewhere: it is tried the
same way, and answered with what that account signs (ERC-2771, `eth_signTypedData_v4`); `send` says where the signature
goes. Nobody's key is asked for, and nothing is sent. An act of governance is no member's: it has no draft.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from deedbook.api.door import Asking
from deedbook.api.routes.inputs import Body, Home, asset_id_of, key_of
from deedbook.api.said import Account, Said
from deedbook.api.writing import ACCEPTED, DRAFTED_OR_NOT, OnceOnly, OperationAnswer, Waiting, accepted
from deedbook.domain.documents import MOST_NUMBER
from deedbook.domain.hashing import checksum_address, parse_address
from deedbook.errors import InvalidInput, NotFound


class By(Said):
    """Who acts."""

    by: Account = Field(alias="as", description="who acts: an account of this home, or in a draft any account")


class Send(BaseModel):
    """Where a signed document goes: by POST to `path`, with the signature as its `signature`."""

    path: str
    document: dict[str, Any]


class Draft(BaseModel):
    """What is signed: `typedData` for `eth_signTypedData_v4`, of which `digest` is the digest; the sentence to show;
    until when it is good (Unix seconds). Of an act: what it calls, and what will come of it (`about`)."""

    model_config = ConfigDict(extra="allow")

    statement: str
    typed_data: dict[str, Any] = Field(alias="typedData")
    digest: str
    expires: Annotated[int, Field(ge=0, le=MOST_NUMBER)] | None
    send: Send


PREFIX: Final = "/drafts"
DRAFTED: Final[list[APIRouter]] = []
"""The routers of drafts."""
Told = TypeVar("Told", bound=By)
Deadline = Annotated[
    int | None, Query(ge=0, le=MOST_NUMBER, strict=False, description="until when it may run, Unix seconds; a day")
]
_IDS: Final[Mapping[str, Callable[[str], Any]]] = {
    "asset_id": asset_id_of,
    "account": lambda text: parse_address(text, "account"),
    "sale_id": lambda text: key_of(text, "saleId"),
    "offer_id": lambda text: key_of(text, "offerId"),
    "batch_id": lambda text: key_of(text, "batchId"),
    "case_id": lambda text: key_of(text, "caseId"),
    "consent_id": lambda text: key_of(text, "consentId"),
    "exchange": lambda text: parse_address(text, "exchange"),
    "number": lambda text: _number(text),
}
"""How the identifiers of a path are read, by name."""


def act(
    router: APIRouter, path: str, said: type[Told], *, direct: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a use case - a function of `hand`, `said` and the path's identifiers - the route of an act, and unless the
    act is `direct` that of its draft."""

    def made(use: Callable[..., None]) -> Callable[..., None]:
        words = inspect.cleandoc(use.__doc__ or "")
        options: dict[str, Any] = {"openapi_extra": said.described(), "name": use.__name__}

        async def acted(
            home: Home, once: OnceOnly, wait: Waiting, body: Body, caller: Asking, **where: str
        ) -> Response:
            ids, told = _read(where), said.read(body)
            if not caller.is_one_of((told.by,)):
                raise NotFound("account", checksum_address(told.by))
            return await accepted(once, wait, lambda key: home.act(told.by, lambda hand: use(hand, told, **ids), key))

        router.post(
            path, description=words, status_code=202, response_model=OperationAnswer, responses=ACCEPTED, **options
        )(_with_path(acted, path))
        return use if direct else draft(router, path, said)(use)

    return made


def draft(
    router: APIRouter, path: str, said: type[Told], *, own: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a use case the route of a draft alone; `own`: for nobody but the account that acts, where it is known who
    asks."""

    def made(use: Callable[..., None]) -> Callable[..., None]:
        words = inspect.cleandoc(use.__doc__ or "")

        async def drafted(home: Home, body: Body, caller: Asking, deadline: Deadline = None, **where: str) -> Response:
            ids, told = _read(where), said.read(body)
            if own and not caller.is_one_of((told.by,)):
                raise NotFound("account", checksum_address(told.by))
            ask = home.draft
            found = await run_in_threadpool(ask, told.by, lambda hand: use(hand, told, **ids), deadline)
            said_ = {"statement": words.partition("\n\n")[0].replace("\n", " "), **found}
            return JSONResponse(said_, headers={"Cache-Control": "no-store"})

        told = f"Drafts this act for an account whose key is elsewhere, and sends nothing: {words}"
        options: dict[str, Any] = {"openapi_extra": said.described(), "name": use.__name__}
        _drafts(router).post(
            path, description=told, status_code=200, response_model=Draft, responses=DRAFTED_OR_NOT, **options
        )(_with_path(drafted, path))
        return use

    return made


def _drafts(router: APIRouter) -> APIRouter:
    """The router of the drafts of a noun, made when its first act is."""
    prefix = PREFIX + router.prefix
    for known in DRAFTED:
        if (known.prefix, known.tags) == (prefix, router.tags):
            return known
    DRAFTED.append(APIRouter(prefix=prefix, tags=router.tags))
    return DRAFTED[-1]


def _with_path(endpoint: Callable[..., Any], path: str) -> Callable[..., Any]:
    """The endpoint with the path's identifiers as parameters, as a framework looks for them."""
    names = re.findall(r"{(\w+)}", path)
    signature = inspect.signature(endpoint, eval_str=True)
    kept = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
    added = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=str) for name in names]
    endpoint.__signature__ = signature.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    return endpoint


def _read(where: Mapping[str, str]) -> dict[str, Any]:
    return {name: _IDS[name](text) for name, text in where.items()}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidInput("number", "is not a whole number")
    return int(text)
