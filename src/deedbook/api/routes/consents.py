"""Consents: taken, shown, withdrawn."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import Body, Home, key_of
from deedbook.queries import consents as queries

router = APIRouter(tags=["consents"])


@router.post("/consents", status_code=201)
def collect(home: Home, body: Body) -> dict[str, Any]:
    """Takes a signed consent (`deedbook.consent`, version 1) and answers with the collector's signed receipt."""
    return dict(home.collect(body))


@router.get("/consents/{consent_id}")
def consent(home: Home, consent_id: str) -> dict[str, Any]:
    """Where an anchored consent stands: batch, index, whether it still counts."""
    return queries.consent(home.mirror, key_of(consent_id, "consentId"), place=home.place_of).to_json()


@router.get("/consents/{consent_id}/proof")
def proof(home: Home, consent_id: str) -> dict[str, Any]:
    """The proof that an anchored consent is in its batch: with the person's signature, all that a withdrawal needs."""
    return dict(home.proof(key_of(consent_id, "consentId")))


@router.post("/withdrawals", status_code=201)
def withdraw(home: Home, body: Body) -> dict[str, Any]:
    """Relays a signed withdrawal (`deedbook.withdrawal`, version 1), free of charge, and destroys the record's key."""
    return dict(home.withdraw(body))
