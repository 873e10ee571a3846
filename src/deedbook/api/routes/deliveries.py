"""Deliveries, as their buyer takes them: the envelope, and the sealed records. The buyer's key opens both elsewhere."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from deedbook.api.door import Asking, require_party
from deedbook.api.reading import own
from deedbook.api.routes.inputs import NDJSON, Home, key_of

router = APIRouter(prefix="/sales", tags=["deliveries"])


@router.get("/{sale_id}/delivery", response_model=dict[str, Any])
def delivery(home: Home, caller: Asking, sale_id: str) -> Response:
    """The envelope of a delivery that stands (docs/formats.md), its cover, and what both are of."""
    require_party(home.mirror, caller, sale_id)
    return own(home.delivery(key_of(sale_id, "saleId")))


@router.get("/{sale_id}/records", response_class=Response, responses={200: {"content": {NDJSON: {}}}})
def records(home: Home, caller: Asking, sale_id: str) -> Response:
    """The records of the delivered version, one a line in their order: `index`, `consentId`, `recordCommit`, the `hash`
    of the sealed unit, and the `unit` itself of those that were delivered. One that was delivered and whose consent
    ended since may be `erased`: then nobody has its unit any more, and the others open without it."""
    require_party(home.mirror, caller, sale_id)
    lines = home.delivered_units(key_of(sale_id, "saleId"))
    return StreamingResponse(lines, media_type=NDJSON, headers={"Cache-Control": "no-store"})
