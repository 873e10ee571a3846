"""Members and what they sold."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.reading import SHOWN, Reads, listed, shown, tabular
from deedbook.api.routes.inputs import After, Limit
from deedbook.domain.hashing import parse_address
from deedbook.queries import members as queries
from deedbook.queries import providers
from deedbook.queries.members import MemberView

router = APIRouter(prefix="/members", tags=["members"])


@tabular(router, "")
def members(asked: Reads, limit: Limit = None, after: After = None) -> Response:
    """Members by account."""
    return listed(
        asked,
        MemberView,
        lambda mirror, few, at: queries.members(mirror, limit=few, after=at),
        limit=limit,
        after=after,
    )


@router.get("/{account}", response_model=dict[str, Any], responses=SHOWN)
def member(asked: Reads, account: str) -> Response:
    """One member: roles, licences, validity, and which key deliveries are sealed to."""
    at = parse_address(account, "account")
    return shown(asked, lambda mirror: queries.member(mirror, at).to_json())


@router.get("/{account}/statement", response_model=dict[str, Any], responses=SHOWN)
def statement(asked: Reads, account: str) -> Response:
    """A provider's statement: assets, offers, sales by state, the money by currency."""
    at = parse_address(account, "account")
    return shown(asked, lambda mirror: providers.statement(mirror, at).to_json())
