"""Events: as a stream for who listens, as pages for who asks now and then; one order, one kind of place."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from deedbook.api.problems import documented
from deedbook.api.routes.inputs import After, Flag, Home, Limit
from deedbook.api.streams import MEDIA_TYPE, EventStream, Streams
from deedbook.domain.told import MOST_NAMED, Filter, Standing
from deedbook.queries.events import EventFeed, Telling, standing_of, token_of

router = APIRouter(prefix="/events", tags=["events"])

Named = Annotated[list[str] | None, Query(max_length=MOST_NAMED)]
From = Annotated[
    str, Query(alias="from", pattern="^(now|[0-9]{1,15})$", description="a block's number, or `now`; without a place")
]
Last = Annotated[
    str | None,
    Header(alias="Last-Event-ID", max_length=240, description="the place to go on from, before `after`"),
]
_PAGE: Final = {
    "type": "object",
    "required": ["items", "after", "more"],
    "properties": {
        "items": {"type": "array", "items": {"type": "object"}},
        "after": {"type": "string"},
        "more": {"type": "boolean"},
    },
}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "a page, or a stream for who accepts one",
        "content": {"application/json": {"schema": _PAGE}, MEDIA_TYPE: {"schema": {"type": "string"}}},
    },
    404: documented("the place is of a block that this service never heard of"),
    422: documented("a field is wrong"),
    503: documented("there are too many streams"),
}


@router.get("", response_class=Response, responses=_ANSWERS)
async def events(
    home: Home,
    request: Request,
    contract: Named = None,
    event: Named = None,
    entity: Named = None,
    final: Flag = False,
    after: After = None,
    start: From = "0",
    limit: Limit = None,
    last: Last = None,
) -> Response:
    """Events (`deedbook.event`, version 1) in the order of the chain, and what forks took back, from a place on: by
    `contract`, `event` and `entity` (32 bytes, or an account), each any number of times; `final=true` leaves out what
    can still change. With `Accept: text/event-stream` it is a stream of Server-Sent Events that goes on; otherwise a
    page, whose `after` is where the next one begins, also where there is no `more` now."""
    wanted = Filter.of(contract or (), event or (), entity or (), final=final)
    telling = await run_in_threadpool(_first, home.events, last or after, start, wanted, limit or 100)
    if _wants_stream(request):
        streams: Streams = request.app.state.streams
        return EventStream(streams, wanted, telling)
    page = {
        "items": [told.to_json() for told, _ in telling.told],
        "after": token_of(telling.standing),
        "more": telling.more,
    }
    return JSONResponse(page, headers={"Cache-Control": "no-store", "Vary": "Accept"})


def _first(feed: EventFeed, place: str | None, start: str, wanted: Filter, limit: int) -> Telling:
    return feed.tell(_standing(feed, place, start), wanted, limit=limit)


def _standing(feed: EventFeed, place: str | None, start: str) -> Standing:
    if place:
        return standing_of(place)
    return feed.start(None if start == "now" else int(start))


def _wants_stream(request: Request) -> bool:
    accepted = ",".join(request.headers.getlist("accept")).split(",")
    return any(each.partition(";")[0].strip().lower() == MEDIA_TYPE for each in accepted)
