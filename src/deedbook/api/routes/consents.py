"""Consents: taken, shown, withdrawn."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.door import Asking
from deedbook.api.routes.inputs import Body, Home, key_of
from deedbook.api.writing import ACCEPTED, DONE, OnceOnly, OperationAnswer, Waiting, accepted
from deedbook.queries import consents as queries

router = APIRouter(tags=["consents"])


@router.post("/consents", status_code=201, response_model=dict[str, Any], responses=DONE)
def collect(home: Home, body: Body, once: OnceOnly, caller: Asking) -> Response:
    """Takes a signed consent (`deedbook.consent`, version 1) and answers with the collector's signed receipt. Where the
    service asks who somebody is, its subject or its controller hands it in."""
    return once.answer(lambda: home.collect(body, caller))


@router.get("/consents/{consent_id}")
def consent(home: Home, consent_id: str) -> dict[str, Any]:
    """Where an anchored consent stands: batch, index, whether it still counts."""
    return queries.consent(home.mirror, key_of(consent_id, "consentId"), place=home.place_of).to_json()


@router.get("/consents/{consent_id}/proof")
def proof(home: Home, consent_id: str) -> dict[str, Any]:
    """The proof that an anchored consent is in its batch: with the person's signature, all that a withdrawal needs."""
    return dict(home.proof(key_of(consent_id, "consentId")))


@router.post("/withdrawals", status_code=202, response_model=OperationAnswer, responses=ACCEPTED)
async def withdraw(home: Home, body: Body, once: OnceOnly, wait: Waiting) -> Response:
    """Relays a signed withdrawal (`deedbook.withdrawal`, version 1), free of charge, and destroys the record's key. A
    consent that is in no batch yet is withdrawn at once (201): there is nothing to relay."""
    return await accepted(once, wait, lambda key: home.withdraw(body, key))
