"""What somebody should look at now."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.reading import Reads, listed, tabular
from deedbook.api.routes.inputs import After, Limit
from deedbook.queries.alerts import AlertView

router = APIRouter(prefix="/alerts", tags=["alerts"])


@tabular(router, "", AlertView)
def alerts(asked: Reads, limit: Limit = None, after: After = None) -> Response:
    """Alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
    pages = asked.home.alerts
    return listed(asked, AlertView, pages, limit=limit, after=after, public=False)
