"""The HTTP service of one home, built from what it serves."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from deedbook import __version__
from deedbook.api import acting, description, problems
from deedbook.api.headers import Headers
from deedbook.api.limits import BodyLimit
from deedbook.api.routes import (
    alerts,
    anchors,
    assets,
    attestations,
    batches,
    cases,
    commitments,
    consents,
    deliveries,
    deployment,
    documents,
    drafts,
    evidence,
    members,
    offers,
    operations,
    payees,
    payloads,
    relayed,
    revenue,
    rpc,
    sales,
    statements,
    status,
    usage,
)
from deedbook.api.routes.inputs import known_parameters
from deedbook.api.serving import Serving


def create_app(serving: Serving) -> FastAPI:
    """The app; every route reads and acts through `serving`."""
    app = FastAPI(
        title="Deedbook",
        version=__version__,
        summary="who holds which data asset, who consented, who bought, who was paid",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(known_parameters)],
    )
    app.state.serving = serving
    problems.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(Headers)
    nouns = (
        *(status, deployment, members, attestations, cases),
        *(assets, consents, batches, payloads, offers, sales, deliveries, revenue, usage),
        *(relayed, operations, anchors, statements, payees, evidence),
        *(alerts, documents, commitments, drafts, rpc),
    )
    routers = [*(noun.router for noun in nouns), *acting.DRAFTED]
    for router in routers:
        app.include_router(router)
    app.state.routes = [route for router in routers for route in router.routes]
    description.install(app)
    return app
