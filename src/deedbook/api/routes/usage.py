"""Metered use."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.reading import Reads, listed, tabular
from deedbook.api.routes.inputs import After, Limit, key_of
from deedbook.queries import usage as queries
from deedbook.queries.usage import ReportView

router = APIRouter(prefix="/sales", tags=["usage"])


@tabular(router, "/{sale_id}/usage")
def usage(asked: Reads, sale_id: str, limit: Limit = None, after: After = None) -> Response:
    """How much of its quota a sale has used, and the periods that were reported."""
    key = key_of(sale_id, "saleId")
    return listed(
        asked,
        ReportView,
        lambda mirror, few, at: queries.reports(mirror, key, limit=few, after=at),
        limit=limit,
        after=after,
        beside=lambda mirror: queries.meter(mirror, key).to_json(),
    )
