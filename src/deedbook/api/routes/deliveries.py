"""Deliveries, as their buyer takes them: the envelope, and the sealed records. The buyer's key opens both elsewhere."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from deedbook.api.reading import own
from deedbook.api.routes.inputs import NDJSON, Home, key_of

router = APIRouter(prefix="/sales", tags=["deliveries"])


@router.get("/{sale_id}/delivery", response_model=dict[str, Any])
def delivery(home: Home, sale_id: str) -> Response:
    """The envelope of a delivery that stands (docs/formats.md), its cover, and what both are of."""
    return own(home.delivery(key_of(sale_id, "saleId")))


@router.get("/{sale_id}/records", response_class=Response, responses={200: {"content": {NDJSON: {}}}})
def records(home: Home, sale_id: str) -> Response:
    """The records of the delivered version, one a line in their order: `index`, `consentId`, `recordCommit`, the `hash`
    of the sealed unit, and the `unit` itself of those that were delivered."""
    lines = home.delivered_units(key_of(sale_id, "saleId"))
    return StreamingResponse(lines, media_type=NDJSON, headers={"Cache-Control": "no-store"})
