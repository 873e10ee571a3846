"""Metered use."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import After, Home, Limit, key_of
from deedbook.queries import usage as queries

router = APIRouter(prefix="/sales", tags=["usage"])


@router.get("/{sale_id}/usage")
def usage(home: Home, sale_id: str, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """How much of its quota a sale has used, and a page of the periods that were reported."""
    key = key_of(sale_id, "saleId")
    periods = queries.reports(home.mirror, key, limit=limit, after=after)
    return {**queries.meter(home.mirror, key).to_json(), **periods.to_json()}
