"""Acts that their member signs and the service pays for."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.door import Asking, AtDoor, require_own_operation
from deedbook.api.routes.inputs import Body, Home, key_of
from deedbook.api.writing import ACCEPTED, OnceOnly, OperationAnswer, Waiting, accepted
from deedbook.errors import NotFound

router = APIRouter(prefix="/relayed", tags=["relayed"])


@router.post("", status_code=202, response_model=OperationAnswer, responses=ACCEPTED)
async def relay(home: Home, body: Body, once: OnceOnly, wait: Waiting) -> Response:
    """Relays a signed act (`deedbook.forward-request`, version 1), free of charge, when its turn among its member's has
    come. The same one again is the same act, and its digest is its operation."""
    return await accepted(once, wait, lambda _: home.relay(body))


@router.get("/{digest}")
def relayed(home: Home, door: AtDoor, caller: Asking, digest: str) -> dict[str, Any]:
    """What became of an act, by the digest that its member signed. Where the service asks who somebody is, another's is
    not there."""
    name = key_of(digest, "digest")
    found = dict(home.relayed(name))
    if door is not None:
        require_own_operation(door, caller, home.operation(name), NotFound("relayed act", digest))
    return found
