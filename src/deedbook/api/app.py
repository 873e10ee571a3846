"""The HTTP service of one home, built from what it serves."""

from __future__ import annotations

from fastapi import FastAPI

from deedbook import __version__
from deedbook.api import description, problems
from deedbook.api.limits import BodyLimit
from deedbook.api.points import PointReads
from deedbook.api.routes import (
    alerts,
    anchors,
    assets,
    consents,
    deployment,
    documents,
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
)
from deedbook.api.serving import Serving


def create_app(serving: Serving) -> FastAPI:
    """The app; every route reads and acts through `serving`."""
    app = FastAPI(
        title="Deedbook",
        version=__version__,
        summary="who holds which data asset, who consented, who bought, who was paid",
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # its own would tell paths to strangers
    )
    app.state.serving = serving
    problems.install(app)
    app.add_middleware(PointReads, serving=serving)  # the first is the innermost
    app.add_middleware(BodyLimit)
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
    )
    for noun in nouns:
        app.include_router(noun.router)
    description.install(app)
    return app
