"""Public documents by their SHA-256: notices, descriptors, terms, policies."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from deedbook.api.reading import IMMUTABLE, has
from deedbook.api.routes.inputs import Home, key_of

router = APIRouter(prefix="/documents", tags=["documents"])


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
