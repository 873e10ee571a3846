"""What somebody should look at now."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import After, Home, Limit

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.get("")
def alerts(home: Home, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
    return dict(home.alerts(limit, after))
