"""The deployment among others: what it follows, and its end."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import Home
from deedbook.queries import deployments as queries

router = APIRouter(tags=["deployment"])


@router.get("/deployment")
def deployment(home: Home) -> dict[str, Any]:
    """The contracts, the deployment that they follow, and when nothing new begins in them any more."""
    return {**home.deployment(), **queries.deployment(home.mirror).to_json()}
