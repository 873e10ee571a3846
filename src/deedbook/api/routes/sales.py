"""Sales."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.reading import SHOWN, Reads, listed, shown, tabular
from deedbook.api.routes.inputs import After, Limit, asset_id_of, key_of
from deedbook.domain.hashing import parse_address
from deedbook.queries import sales as queries
from deedbook.queries.sales import SaleView

router = APIRouter(prefix="/sales", tags=["sales"])


@tabular(router, "")
def sales(
    asked: Reads,
    asset: str | None = None,
    buyer: str | None = None,
    provider: str | None = None,
    limit: Limit = None,
    after: After = None,
) -> Response:
    """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
    wanted = {
        "asset_id": None if asset is None else asset_id_of(asset),
        "buyer": None if buyer is None else parse_address(buyer, "buyer"),
        "provider": None if provider is None else parse_address(provider, "provider"),
    }
    return listed(
        asked,
        SaleView,
        lambda mirror, few, at: queries.sales(mirror, **wanted, limit=few, after=at),  # type: ignore[arg-type]
        limit=limit,
        after=after,
    )


@router.get("/{sale_id}", response_model=dict[str, Any], responses=SHOWN)
def sale(asked: Reads, sale_id: str) -> Response:
    """A sale with every step, its settlement and payouts."""
    key = key_of(sale_id, "saleId")
    return shown(asked, lambda mirror: queries.sale(mirror, key).to_json())
