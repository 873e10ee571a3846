"""Members and what they sold."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import After, Home, Limit
from deedbook.domain.hashing import parse_address
from deedbook.queries import members as queries
from deedbook.queries import providers

router = APIRouter(prefix="/members", tags=["members"])


@router.get("")
def members(home: Home, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of members by account."""
    return queries.members(home.mirror, limit=limit, after=after).to_json()


@router.get("/{account}/statement")
def statement(home: Home, account: str) -> dict[str, Any]:
    """A provider's statement: assets, offers, sales by state, the money by currency."""
    return providers.statement(home.mirror, parse_address(account, "account")).to_json()
