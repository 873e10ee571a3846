"""A person's statement: who bought, for what, what is owed and what was paid."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from deedbook.api.door import Asking, AtDoor, RequestId, require_own_consent
from deedbook.api.routes.inputs import Home, key_of
from deedbook.domain.principals import Matter

router = APIRouter(prefix="/statements", tags=["statements"])


@router.get("/{consent_id}")
def statement(
    home: Home, door: AtDoor, caller: Asking, request_id: RequestId, consent_id: str, response: Response
) -> dict[str, Any]:
    """The statement of one consent, for the person who signed it: where the service asks who somebody is, everybody
    else is told that it is not there."""
    name = key_of(consent_id, "consentId")
    require_own_consent(door, caller, name, consent_id)
    found = dict(home.statement(name))
    home.note_read(caller, Matter.STATEMENT, [name], request_id)
    response.headers["Cache-Control"] = "no-store"
    return found
