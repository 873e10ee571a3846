"""Payees: named by the person who signed the consent, and shown to nobody else."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.door import Asking, RequestId
from deedbook.api.routes.inputs import Body, Home, key_of
from deedbook.api.writing import DONE, OnceOnly
from deedbook.domain.principals import Matter

router = APIRouter(prefix="/payees", tags=["payees"])


@router.post("", status_code=201, response_model=dict[str, Any], responses=DONE)
def name_payee(home: Home, body: Body, once: OnceOnly) -> Response:
    """Takes a signed payee (`deedbook.payee`, version 1), in the place of an earlier one; also after a withdrawal. It
    is kept sealed, and answered masked. The same one again changes nothing."""
    return once.answer(lambda: home.name_payee(body))


@router.post("/kept")
def kept(home: Home, body: Body, response: Response, caller: Asking, request_id: RequestId) -> dict[str, Any]:
    """The payee that is kept for a consent, as it was signed: for its subject, who signs a `deedbook.payee-request`
    (version 1) in these ten minutes."""
    response.headers["Cache-Control"] = "no-store"
    found = dict(home.payee(body))
    home.note_read(caller, Matter.PAYEE, [key_of(body["consentId"], "consentId")], request_id)
    return found
