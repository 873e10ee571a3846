"""Signing in with an Ethereum account (EIP-4361), and out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from deedbook.api.door import COOKIE, AtDoor, Door
from deedbook.api.problems import documented
from deedbook.api.routes.inputs import Body
from deedbook.domain.documents import Fields
from deedbook.domain.hashing import checksum_address, parse_address
from deedbook.errors import InvalidInput, NotFound

router = APIRouter(prefix="/session", tags=["session"])

NO_STORE = {"Cache-Control": "no-store"}
REFUSED: dict[int | str, dict[str, Any]] = {
    404: documented("nobody is asked who they are here"),
    422: documented("a field is wrong, or the message is another service's, another time's, or was used before"),
    503: documented("the chain cannot be reached now, and the account may be a contract"),
}


@router.post("/nonce", response_model=dict[str, Any], responses={404: REFUSED[404]})
async def nonce(door: AtDoor, body: Body) -> Response:
    """What a sign-in message (EIP-4361) of now has to say: `domain`, `uri`, `chainId`, `nonce` (good for ten minutes,
    once), `issuedAt`. The body is `{}`, or `{"address": "0x..."}` for the whole message as well."""
    asked = _door(door)
    if not isinstance(body, dict) or set(body) - {"address"}:
        raise InvalidInput("body", "must be an object with at most an address")
    account = parse_address(body["address"], "address") if "address" in body else None
    return JSONResponse(dict(asked.challenge(account)), headers=NO_STORE)


@router.post("", status_code=201, response_model=dict[str, Any], responses=REFUSED)
async def sign_in(door: AtDoor, body: Body) -> Response:
    """Begins a session: `{"message": ..., "signature": "0x..."}`, the message as it was signed (`personal_sign`), by
    the account's key or the contract that it is (ERC-1271). Answers with the token, shown this once, and sets it as a
    cookie for the service's own pages. `urn:deedbook:scope:NAME` among the resources narrows the session to NAME."""
    asked = _door(door)
    fields = Fields(body, "session", ("message", "signature"))
    text, signature = fields.text("message"), fields.hex("signature")
    token, session = await run_in_threadpool(asked.sign_in, text, signature)
    said = {
        "token": token,
        "account": checksum_address(session.account),
        "scopes": sorted(session.scopes),
        "endsAt": session.ends_at,
    }
    answer = JSONResponse(said, 201, headers=NO_STORE)
    lasts = session.ends_at - session.made_at
    answer.set_cookie(COOKIE, token, max_age=lasts, path="/", secure=True, httponly=True, samesite="strict")
    return answer


@router.delete("", status_code=204, response_class=Response, responses={404: REFUSED[404]})
async def sign_out(door: AtDoor, request: Request) -> Response:
    """Ends the session whose token or cookie this request carries. A key stays good: it is revoked where it was
    made."""
    asked = _door(door)
    shown = request.headers.get("authorization", "").rpartition(" ")[2] or request.cookies.get(COOKIE, "")
    await run_in_threadpool(asked.sign_out, shown)
    answer = Response(status_code=204, headers=NO_STORE)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return answer


def _door(door: Door | None) -> Door:
    if door is None:
        raise NotFound("sign-in", "here", hint="this service asks nobody who they are: DEEDBOOK_ACCESS=closed")
    return door
