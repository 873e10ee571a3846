"""Offers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from deedbook.api.routes.inputs import After, Home, Limit, asset_id_of, key_of
from deedbook.queries import offers as queries

router = APIRouter(prefix="/offers", tags=["offers"])


@router.get("")
def offers(
    home: Home, asset: str | None = None, only_open: bool = False, limit: Limit = 100, after: After = None
) -> dict[str, Any]:
    """A page of offers, of one asset where named."""
    asset_id = None if asset is None else asset_id_of(asset)
    return queries.offers(home.mirror, asset_id=asset_id, only_open=only_open, limit=limit, after=after).to_json()


@router.get("/{offer_id}")
def offer(home: Home, offer_id: str) -> dict[str, Any]:
    """An offer with its whole document; ordering names its hash, which is its id."""
    return queries.offer(home.mirror, key_of(offer_id, "offerId")).to_json()
