"""A person's statement: who bought, for what, what is owed and what was paid."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import Home, key_of

router = APIRouter(prefix="/statements", tags=["statements"])


@router.get("/{consent_id}")
def statement(home: Home, consent_id: str) -> dict[str, Any]:
    """The statement of one consent, by its id, which only the person and the collector know to be whose it is."""
    return dict(home.statement(key_of(consent_id, "consentId")))
