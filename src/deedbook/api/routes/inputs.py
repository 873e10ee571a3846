"""How routes read identifiers and bodies, and find what they serve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, get_args, get_origin

from fastapi import Depends, HTTPException, Path, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from deedbook.api.serving import Serving
from deedbook.domain.hashing import from_hex, parse_address, parse_json
from deedbook.domain.members import member_key
from deedbook.errors import InvalidInput
from deedbook.queries.tables import MOST_TABLE

NDJSON: Final = "application/x-ndjson"
OF_LINES: Final = {"requestBody": {"required": True, "content": {NDJSON: {"schema": {"type": "string"}}}}}
"""How a route is described that takes `Lines`."""

READ_AT_ONCE: Final = 64 * 1024
"""Bytes of JSON that nobody has to wait for."""


async def serving_of(request: Request) -> Serving:
    """What this app serves. Asynchronous, or every request would be sent to a thread for it."""
    serving: Serving = request.app.state.serving
    return serving


def is_json(request: Request) -> bool:
    """Whether the body is declared as JSON: no web page can send that across origins unasked."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


async def json_body(request: Request) -> Any:
    """The body as strict JSON (no duplicate keys, no NaN), where it is declared as such. Raises InvalidFormat."""
    if not is_json(request):
        raise unsupported("application/json")
    body = await request.body()
    if len(body) <= READ_AT_ONCE:
        return parse_json(body, "body")
    return await run_in_threadpool(parse_json, body, "body")  # others are answered meanwhile


async def ndjson_body(request: Request) -> bytes:
    """The body as it is, where it is declared as JSON lines."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
        raise unsupported(NDJSON)
    return await request.body()


def unsupported(wanted: str) -> HTTPException:
    """What is raised for a body of another media type than the one that is wanted (RFC 9110, 15.5.16)."""
    return HTTPException(415, f"send {wanted}", {"Accept": wanted})


async def known_parameters(request: Request) -> None:
    """Raises InvalidInput naming a query parameter that the route does not know, or that comes twice."""
    route = request.scope.get("route")
    known = _parameters(route) if isinstance(route, APIRoute) else None
    names = [name for name, _ in request.query_params.multi_items()]
    for name in names:
        if known is not None and name not in known:
            raise InvalidInput(_quoted(name), "is no parameter of this route", hint=_listed(known))
        if known is not None and names.count(name) > 1 and not known[name]:
            raise InvalidInput(name, "comes more than once")


def _parameters(route: APIRoute) -> Mapping[str, bool]:
    """What a route's function and its dependencies read of the query, and whether it may come several times; found
    once."""
    if route.endpoint not in _KNOWN:
        _KNOWN[route.endpoint] = dict(_queried(route.dependant))
    return _KNOWN[route.endpoint]


_KNOWN: Final[dict[Callable[..., Any], Mapping[str, bool]]] = {}


def _queried(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    yield from ((each.alias, _is_list(each.field_info.annotation)) for each in dependant.query_params)
    for each in dependant.dependencies:
        yield from _queried(each)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))


def _quoted(name: str) -> str:
    """A name that came from outside, as far as an answer repeats it."""
    return name[:64]


def _listed(known: Iterable[str]) -> str:
    return f"it knows {', '.join(sorted(known))}" if known else "it takes none"


def asset_id_of(text: str) -> int:
    """An asset id in decimal or 0x-hex. Raises InvalidInput."""
    if text.startswith("0x"):
        return int.from_bytes(from_hex(text, "assetId", 32), "big")
    if not text.isascii() or not text.isdigit() or len(text) > 78 or int(text) >= 2**256:
        raise InvalidInput("assetId", "is neither decimal nor 32 bytes of hex")
    return int(text)


def key_of(text: str, field: str) -> bytes:
    """A 32-byte identifier in 0x-hex. Raises InvalidInput naming `field`."""
    return from_hex(text, field, 32)


def target_of(text: str) -> bytes:
    """The 32-byte key that a word names: hex, `asset:ID`, or `member:ACCOUNT`. Raises InvalidInput (`target`)."""
    kind, _, rest = text.partition(":")
    if kind == "asset" and rest:
        return asset_id_of(rest).to_bytes(32, "big")
    if kind == "member" and rest:
        return member_key(parse_address(rest, "target"))
    return from_hex(text, "target", 32)


Home = Annotated[Serving, Depends(serving_of)]
Body = Annotated[Any, Depends(json_body)]
Lines = Annotated[bytes, Depends(ndjson_body)]
Limit = Annotated[
    int | None,
    Query(ge=1, le=MOST_TABLE, strict=False, description="items of a page (100; at most 1,000), or rows of a table"),
]
After = Annotated[str | None, Query(max_length=240, description="go on behind this place, as the last answer said it")]
Flag = Annotated[bool, Query(strict=False)]
Number = Annotated[int, Path(ge=0, le=2**31 - 1)]
