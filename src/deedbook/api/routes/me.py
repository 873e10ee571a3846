"""Who asks, and what is their own."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from deedbook.api.door import Asking, AtDoor, RequestId
from deedbook.api.routes.inputs import After, Body, Home, Limit
from deedbook.api.said import Key32, Said
from deedbook.api.writing import DONE, OnceOnly
from deedbook.domain.codes import Role
from deedbook.domain.hashing import checksum_address
from deedbook.domain.principals import Caller, Matter
from deedbook.errors import Unauthenticated

router = APIRouter(prefix="/me", tags=["me"])

NO_STORE = {"Cache-Control": "no-store"}


@router.get("", response_model=dict[str, Any])
async def me(door: AtDoor, caller: Asking) -> Response:
    """Who asks, as the service sees it: by what `means`, for which account, with which scopes, and which roles that
    account has on chain. `open`: nobody is asked here."""
    roles = Role(0)
    if door is not None and caller.account is not None:
        roles = await run_in_threadpool(door.roles, caller.account)
    said = {
        "means": str(caller.means),
        "account": None if caller.account is None else checksum_address(caller.account),
        "scopes": sorted(caller.scopes),
        "roles": [str(role.name).lower() for role in roles],
    }
    return JSONResponse(said, headers=NO_STORE)


@router.get("/consents", response_model=dict[str, Any])
def consents(home: Home, caller: Asking, request_id: RequestId) -> Response:
    """The consents of who asks: where each stands, and whether it still counts."""
    account = _account(caller)
    home.note_read(caller, Matter.CONSENTS, [account], request_id)
    return JSONResponse(dict(home.own_consents(account)), headers=NO_STORE)


@router.get("/orders", response_model=dict[str, Any])
def orders(home: Home, caller: Asking, request_id: RequestId, limit: Limit = None, after: After = None) -> Response:
    """A page of the orders that cover a record of who asks, oldest first, from the order's own block on: by whom - the
    buyer's legal name, where the commitment on chain opens to it - for what, and how far it has come."""
    account = _account(caller)
    page = dict(home.own_orders(account, limit or 100, after))
    home.note_read(caller, Matter.ORDERS, [account], request_id)
    return JSONResponse(page, headers=NO_STORE)


class Complaining(Said):
    """About what became of which consent of one's own, in one's own words."""

    consent: Key32
    text: str


@router.post(
    "/complaints",
    status_code=201,
    response_model=dict[str, Any],
    responses=DONE,
    openapi_extra=Complaining.described(),
)
def complain(home: Home, caller: Asking, body: Body, once: OnceOnly) -> Response:
    """Keeps a complaint, sealed, for arbiters, regulators and the operator: who opens a case about it puts its id, a
    salted hash, on chain, and nothing else of it."""
    account, said = _account(caller), Complaining.read(body)
    return once.answer(lambda: home.complain(account, said.consent, said.text))


@router.get("/complaints", response_model=dict[str, Any])
def complaints(home: Home, caller: Asking, request_id: RequestId) -> Response:
    """The complaints of who asks, and the cases that were opened about them."""
    account = _account(caller)
    home.note_read(caller, Matter.COMPLAINTS, [account], request_id)
    return JSONResponse(dict(home.own_complaints(account)), headers=NO_STORE)


def _account(caller: Caller) -> bytes:
    if caller.account is None:
        raise Unauthenticated
    return caller.account
