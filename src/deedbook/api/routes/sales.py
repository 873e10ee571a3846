"""Sales."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import After, Home, Limit, asset_id_of, key_of
from deedbook.queries import sales as queries

router = APIRouter(prefix="/sales", tags=["sales"])


@router.get("")
def sales(home: Home, asset: str | None = None, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of sales in the order in which they were ordered, of one asset where named."""
    asset_id = None if asset is None else asset_id_of(asset)
    return queries.sales(home.mirror, asset_id=asset_id, limit=limit, after=after).to_json()


@router.get("/{sale_id}")
def sale(home: Home, sale_id: str) -> dict[str, Any]:
    """A sale with every step, its settlement and payouts."""
    return queries.sale(home.mirror, key_of(sale_id, "saleId")).to_json()
