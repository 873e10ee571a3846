"""Checkpoints of the exchanges' own logs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import After, Home, Limit
from deedbook.domain.hashing import parse_address
from deedbook.queries import checkpoints as queries

router = APIRouter(prefix="/anchors", tags=["anchors"])


@router.get("/{exchange}")
def checkpoints(home: Home, exchange: str, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of an exchange's checkpoints, oldest first."""
    return queries.checkpoints(home.mirror, parse_address(exchange, "exchange"), limit=limit, after=after).to_json()
