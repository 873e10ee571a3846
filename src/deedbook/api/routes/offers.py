"""Offers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.reading import SHOWN, Reads, listed, shown, tabular
from deedbook.api.routes.inputs import After, Flag, Limit, asset_id_of, key_of
from deedbook.queries import offers as queries
from deedbook.queries.offers import OfferView

router = APIRouter(prefix="/offers", tags=["offers"])


@tabular(router, "")
def offers(
    asked: Reads, asset: str | None = None, only_open: Flag = False, limit: Limit = None, after: After = None
) -> Response:
    """Offers in the order of their listing, of one asset where named."""
    number = None if asset is None else asset_id_of(asset)
    return listed(
        asked,
        OfferView,
        lambda mirror, few, at: queries.offers(mirror, asset_id=number, only_open=only_open, limit=few, after=at),
        limit=limit,
        after=after,
    )


@router.get("/{offer_id}", response_model=dict[str, Any], responses=SHOWN)
def offer(asked: Reads, offer_id: str) -> Response:
    """An offer with its whole document; ordering names its hash, which is its id."""
    key = key_of(offer_id, "offerId")
    return shown(asked, lambda mirror: queries.offer(mirror, key).to_json())
