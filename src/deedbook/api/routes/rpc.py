"""The home's JSON-RPC, for wallets and tools on this machine."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from deedbook.api.problems import problem
from deedbook.api.routes.inputs import Home, is_json

LOCAL_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]", "testserver"})

_EITHER = {"required": True, "content": {"application/json": {"schema": {"type": ["object", "array"]}}}}

router = APIRouter(tags=["chain"])


@router.post("/rpc", response_class=Response, openapi_extra={"requestBody": _EITHER})
async def rpc(home: Home, request: Request) -> Response:
    """One JSON-RPC 2.0 request or a batch. Refuses what a web page could send across origins."""
    if request.url.hostname not in LOCAL_NAMES:
        return problem(403, "forbidden", "forbidden", "the chain is served to this machine only")
    if not is_json(request):
        return problem(415, "unsupported-media-type", "unsupported media type", "send application/json")
    answer = await run_in_threadpool(home.rpc, await request.body())
    return Response(answer, media_type="application/json")
