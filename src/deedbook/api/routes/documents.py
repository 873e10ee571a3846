"""Public documents by their SHA-256: notices, descriptors, source statements, opinions, terms, policies, receipts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from deedbook.api.reading import IMMUTABLE, has
from deedbook.api.routes.inputs import Flag, Home, key_of, unsupported
from deedbook.api.writing import DONE
from deedbook.domain.hashing import to_hex

router = APIRouter(prefix="/documents", tags=["documents"])


Kind = Annotated[
    Literal["notice", "descriptor", "source", "report", "terms", "policy", "receipt", "document"],
    Query(description="what it is"),
]
MEDIA_TYPES = ("application/json", "text/plain", "application/pdf", "application/octet-stream")
_BODY = {"required": True, "content": {each: {"schema": {}} for each in MEDIA_TYPES}}


@router.post("", status_code=201, response_model=dict[str, Any], responses=DONE, openapi_extra={"requestBody": _BODY})
async def publish(home: Home, request: Request, kind: Kind = "document", check: Flag = False) -> Response:
    """Makes a document public, as the bytes that it is; acts name it by its SHA-256. A `notice` (`deedbook.notice`) or
    a `descriptor` (`deedbook.descriptor`) is kept in its canonical form. The same one again is the same document. With
    `check` it is looked at and answered the same way, and not kept."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise unsupported(", ".join(MEDIA_TYPES))
    name = await run_in_threadpool(home.put_document, kind, await request.body(), media_type, check)
    return JSONResponse({"hash": to_hex(name), "kind": kind}, 201, {"Location": f"/documents/{to_hex(name)}"})


@router.get("/{digest}", response_class=Response)
def document(home: Home, request: Request, digest: str) -> Response:
    """A document as it was hashed; never run, never framed."""
    name = key_of(digest, "digest")
    media_type, content = home.document(name)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
    headers |= {"ETag": f'"{name.hex()}"', **IMMUTABLE}
    if has(request, headers):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
