"""Public documents by their SHA-256: notices, descriptors, terms, policies."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.routes.inputs import Home, key_of

router = APIRouter(prefix="/documents", tags=["documents"])


@router.get("/{digest}", response_class=Response)
def document(home: Home, digest: str) -> Response:
    """A document as it was hashed; never run, never framed."""
    media_type, content = home.document(key_of(digest, "digest"))
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
    return Response(content, media_type=media_type, headers=headers)
