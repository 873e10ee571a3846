"""What became of requests that need a transaction."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from deedbook.api.routes.inputs import Home, key_of
from deedbook.api.watching import note
from deedbook.api.writing import OperationAnswer

router = APIRouter(prefix="/operations", tags=["operations"])


@router.get("/{operation_id}", response_model=OperationAnswer)
def operation(home: Home, request: Request, operation_id: str) -> Response:
    """An operation: `queued`, `submitted`, `mined`, then `final` - what it did can be read here - or `failed`, with the
    reason: the contract's own error and its arguments. Every relayed act is one, by its digest."""
    found = home.operation(key_of(operation_id, "operationId"))
    note(request, found)
    return JSONResponse(found.to_json(), headers={} if found.is_over else {"Retry-After": "1"})
