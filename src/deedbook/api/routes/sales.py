"""Sales."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import After, Home, Limit, asset_id_of, key_of
from deedbook.domain.hashing import parse_address
from deedbook.queries import sales as queries

router = APIRouter(prefix="/sales", tags=["sales"])


@router.get("")
def sales(
    home: Home,
    asset: str | None = None,
    buyer: str | None = None,
    provider: str | None = None,
    limit: Limit = 100,
    after: After = None,
) -> dict[str, Any]:
    """A page of sales in the order in which they were ordered, of one asset, buyer or provider where named."""
    return queries.sales(
        home.mirror,
        asset_id=None if asset is None else asset_id_of(asset),
        buyer=None if buyer is None else parse_address(buyer, "buyer"),
        provider=None if provider is None else parse_address(provider, "provider"),
        limit=limit,
        after=after,
    ).to_json()


@router.get("/{sale_id}")
def sale(home: Home, sale_id: str) -> dict[str, Any]:
    """A sale with every step, its settlement and payouts."""
    return queries.sale(home.mirror, key_of(sale_id, "saleId")).to_json()
