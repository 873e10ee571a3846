"""The deployment among others: what it follows, and its end."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.reading import SHOWN, Reads, shown
from deedbook.queries import deployments as queries

router = APIRouter(tags=["deployment"])


@router.get("/deployment", response_model=dict[str, Any], responses=SHOWN)
def deployment(asked: Reads) -> Response:
    """The contracts, the deployment that they follow, and when nothing new begins in them any more."""
    home = asked.home
    return shown(asked, lambda mirror: {**home.deployment(), **queries.deployment(mirror).to_json()})
