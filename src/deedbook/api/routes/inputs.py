"""How routes read identifiers and bodies, and find what they serve."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Query, Request

from deedbook.api.serving import Serving
from deedbook.domain.hashing import from_hex, parse_json
from deedbook.errors import InvalidInput


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
        raise InvalidInput("Content-Type", "must be application/json")
    return parse_json(await request.body(), "body")


async def ndjson_body(request: Request) -> bytes:
    """The body as it is, where it is declared as JSON lines."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-ndjson":
        raise InvalidInput("Content-Type", "must be application/x-ndjson")
    return await request.body()


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


Home = Annotated[Serving, Depends(serving_of)]
Body = Annotated[Any, Depends(json_body)]
Lines = Annotated[bytes, Depends(ndjson_body)]
Limit = Annotated[int, Query(ge=1, le=1000, strict=False)]
After = Annotated[str | None, Query(max_length=240)]
Flag = Annotated[bool, Query(strict=False)]
