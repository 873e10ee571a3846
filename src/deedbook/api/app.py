"""The HTTP service of one home, built from what it serves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI
from starlette.types import ASGIApp

from deedbook import __version__
from deedbook.api import acting, description, problems
from deedbook.api.door import Door
from deedbook.api.gate import Gate
from deedbook.api.headers import Headers
from deedbook.api.limits import BodyLimit, Crowd
from deedbook.api.points import PointReads
from deedbook.api.rights import admit
from deedbook.api.routes import (
    alerts,
    anchors,
    assets,
    attestations,
    batches,
    cases,
    commitments,
    complaints,
    consents,
    deliveries,
    deployment,
    documents,
    drafts,
    events,
    evidence,
    me,
    members,
    offers,
    operations,
    payees,
    payloads,
    relayed,
    revenue,
    rpc,
    sales,
    session,
    statements,
    status,
    usage,
    webhooks,
)
from deedbook.api.routes.inputs import known_parameters
from deedbook.api.serving import Serving
from deedbook.api.stopping import Stopping
from deedbook.api.streams import Streams
from deedbook.api.watching import Unwatched, Watch, Watching
from deedbook.api.web import site


class _App(FastAPI):
    """FastAPI within our layers instead of around them: a point read has its answer before it comes to any of FastAPI's
    own, and the answer to a fault, which they give, has what every answer has."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.layers: list[Callable[[ASGIApp], ASGIApp]] = []
        """From the innermost to the outermost."""

    def build_middleware_stack(self) -> ASGIApp:
        """As Starlette asks for it, once."""
        app = super().build_middleware_stack()
        for layer in self.layers:
            app = layer(app)
        return app


def create_app(
    serving: Serving, watch: Watch | None = None, door: Door | None = None, *, pages: bool = True
) -> FastAPI:
    """The app; every route reads and acts through `serving`, for whom `door` knows - without one nobody is asked - and
    `watch` is told of every request. `pages`: for people too, under `/explore`."""
    app = _App(
        title="Deedbook",
        version=__version__,
        summary="who holds which data asset, who consented, who bought, who was paid",
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its own would tell paths to strangers
        dependencies=[Depends(admit), Depends(known_parameters)],
    )
    app.state.serving = serving
    app.state.door = door
    app.state.streams = Streams(serving)
    app.state.stopping = Stopping()
    problems.install(app)
    app.layers += [BodyLimit, Headers, partial(PointReads, serving=serving, door=door), Crowd]
    app.layers += [] if door is None else [partial(Gate, door=door)]
    app.layers += [partial(Watching, watch=watch or Unwatched())]
    nouns = (
        *(status, deployment, members, attestations, cases),
        *(assets, consents, batches, payloads, offers, sales, deliveries, revenue, usage),
        *(relayed, operations, anchors, statements, payees, evidence),
        *(alerts, documents, commitments, drafts, session, me, complaints, rpc, events, webhooks),
    )
    routers = [*(noun.router for noun in nouns), *acting.DRAFTED]
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    description.install(app)
    if pages:
        site.install(app, serving, door)
    return app
