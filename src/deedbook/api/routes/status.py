"""Whether the service lives, is ready, and how it stands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from deedbook import __version__
from deedbook.api.problems import documented, problem
from deedbook.api.routes.inputs import Home
from deedbook.api.stopping import Stopping, stopping_of
from deedbook.errors import DeedbookError
from deedbook.queries import status as queries

MOST_LAG = 5
"""Blocks that the mirror may be behind and still be ready."""

router = APIRouter(tags=["service"])


@router.get("/health")
@router.get("/livez")
def health() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok", "version": __version__}


@router.get("/ready", response_model=None)
@router.get("/readyz", response_model=None)
def ready(home: Home, stopping: Annotated[Stopping, Depends(stopping_of)]) -> JSONResponse:
    """The chain is the right one and the mirror is at its head; 503 with the reason otherwise, and while it stops."""
    if stopping.told:
        return problem(503, "stopping", "not ready", "the service stops", retryable=True)
    try:
        right, (tip, head) = home.is_right_chain(), home.heads()
    except DeedbookError as error:
        return problem(503, error.code, "not ready", str(error), retryable=True)
    if not right:
        return problem(503, "wrong-chain", "not ready", "the node is of another chain", retryable=False)
    if tip - head > MOST_LAG:
        return problem(503, "behind", "not ready", f"the mirror is {tip - head} blocks behind", retryable=True)
    return JSONResponse({"status": "ready", "head": tip, "mirrored": head})


@router.get("/status")
def status(home: Home) -> dict[str, Any]:
    """Heads, lag, counts, journals, contracts."""
    tip, _ = home.heads()
    return {"version": __version__, "chain": dict(home.deployment()), **queries.status(home.mirror, tip=tip).to_json()}


@router.get("/metrics", response_class=PlainTextResponse, responses={404: documented("it is on another port")})
def metrics(home: Home) -> Response:
    """What this process counted and timed, and how chain, mirror and outbox stand, in Prometheus' text format; nothing
    of a person. 404 where it is answered on a port of its own."""
    return Response(home.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")
