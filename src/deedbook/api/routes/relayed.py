"""Acts that their member signs and the service pays for."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import Body, Home, key_of

router = APIRouter(prefix="/relayed", tags=["relayed"])


@router.post("", status_code=201)
def relay(home: Home, body: Body) -> dict[str, Any]:
    """Relays a signed act (`deedbook.forward-request`, version 1), free of charge: done, or waiting for an earlier one
    of its member. The same one again is the same act."""
    return dict(home.relay(body))


@router.get("/{digest}")
def relayed(home: Home, digest: str) -> dict[str, Any]:
    """What became of an act, by the digest that its member signed."""
    return dict(home.relayed(key_of(digest, "digest")))
