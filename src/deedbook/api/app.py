"""The HTTP service of one home, built from what it serves."""

from __future__ import annotations

from fastapi import FastAPI

from deedbook import __version__
from deedbook.api import description, problems
from deedbook.api.limits import BodyLimit, Crowd
from deedbook.api.routes import (
    alerts,
    anchors,
    assets,
    consents,
    deployment,
    documents,
    events,
    members,
    offers,
    operations,
    payees,
    relayed,
    rpc,
    sales,
    statements,
    status,
    usage,
    webhooks,
)
from deedbook.api.serving import Serving
from deedbook.api.stopping import Stopping
from deedbook.api.streams import Streams
from deedbook.api.watching import Unwatched, Watch, Watching
from deedbook.api.web import site


def create_app(serving: Serving, watch: Watch | None = None, *, pages: bool = True) -> FastAPI:
    """The app; every route reads and acts through `serving`, and `watch` is told of every request. `pages`: for people
    too, under `/explore`."""
    app = FastAPI(
        title="Deedbook",
        version=__version__,
        summary="who holds which data asset, who consented, who bought, who was paid",
        docs_url=None,
        redoc_url=None,
    )
    app.state.serving = serving
    app.state.streams = Streams(serving)
    app.state.stopping = Stopping()
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Crowd)
    app.add_middleware(Watching, watch=watch or Unwatched())
    nouns = (
        *(
            status,
            deployment,
            members,
            assets,
            consents,
            offers,
            sales,
            usage,
            relayed,
            operations,
            anchors,
            statements,
        ),
        *(payees, alerts, documents, rpc),
        *(events, webhooks),
    )
    for noun in nouns:
        app.include_router(noun.router)
    description.install(app)
    if pages:
        site.install(app, serving)
    return app
