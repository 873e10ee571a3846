"""The HTTP service of one home, built from what it serves."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from deedbook import __version__
from deedbook.api import description, problems
from deedbook.api.door import Door
from deedbook.api.gate import Gate
from deedbook.api.limits import BodyLimit
from deedbook.api.rights import admit
from deedbook.api.routes import (
    alerts,
    anchors,
    assets,
    consents,
    deployment,
    documents,
    me,
    members,
    offers,
    operations,
    payees,
    relayed,
    rpc,
    sales,
    session,
    statements,
    status,
    usage,
)
from deedbook.api.serving import Serving


def create_app(serving: Serving, door: Door | None = None) -> FastAPI:
    """The app; every route reads and acts through `serving`, for whom `door` knows. Without one nobody is asked."""
    app = FastAPI(
        title="Deedbook",
        version=__version__,
        summary="who holds which data asset, who consented, who bought, who was paid",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admit)],
    )
    app.state.serving = serving
    app.state.door = door
    problems.install(app)
    app.add_middleware(BodyLimit)
    if door is not None:
        app.add_middleware(Gate, door=door)
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
        *(payees, alerts, documents, session, me, rpc),
    )
    for noun in nouns:
        app.include_router(noun.router)
    description.install(app)
    return app
