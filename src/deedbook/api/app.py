"""The HTTP service of one home, built from what it serves."""

from __future__ import annotations

from fastapi import FastAPI

from deedbook import __version__
from deedbook.api import description, problems
from deedbook.api.limits import BodyLimit
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
from deedbook.api.web import site


def create_app(serving: Serving, *, pages: bool = True) -> FastAPI:
    """The app; every route reads and acts through `serving`. `pages`: for people too, under `/explore`."""
    app = FastAPI(
        title="Deedbook",
        version=__version__,
        summary="who holds which data asset, who consented, who bought, who was paid",
        docs_url=None,
        redoc_url=None,
    )
    app.state.serving = serving
    problems.install(app)
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
    if pages:
        site.install(app, serving)
    return app
