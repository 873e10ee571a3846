"""The home's JSON-RPC, for wallets and tools on this machine."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from deedbook.api.problems import documented, problem
from deedbook.api.routes.inputs import Home, is_json

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})

_EITHER = {"required": True, "content": {"application/json": {"schema": {"type": ["object", "array"]}}}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    403: documented("it comes from elsewhere than this machine"),
    404: documented("the home uses other nodes: ask one of them"),
    415: documented("it is not declared as JSON"),
}

router = APIRouter(tags=["chain"])


@router.post("/rpc", response_class=Response, responses=_REFUSED, openapi_extra={"requestBody": _EITHER})
async def rpc(home: Home, request: Request) -> Response:
    """One JSON-RPC 2.0 request or a batch. Refuses what a web page could send across origins."""
    if request.url.hostname not in LOCAL_NAMES:
        return problem(403, "forbidden", "forbidden", "the chain is served to this machine only")
    if not is_json(request):
        return problem(415, "unsupported-media-type", "unsupported media type", "send application/json")
    answer = await run_in_threadpool(home.rpc, await request.body())
    return Response(answer, media_type="application/json")
