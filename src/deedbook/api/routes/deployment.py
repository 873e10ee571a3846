"""The deployment among others: what it follows, and its end."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, showing, shown
from deedbook.api.said import Key32
from deedbook.ledger import governance as ledger
from deedbook.queries import deployments as queries
from deedbook.queries.deployments import DeploymentView

router = APIRouter(tags=["deployment"])


@router.get("/deployment", **showing(DeploymentView))
def deployment(asked: Reads) -> Response:
    """The contracts, the deployment that they follow, and when nothing new begins in them any more."""
    home = asked.home
    return shown(asked, lambda mirror: {**home.deployment(), **queries.deployment(mirror).to_json()})


class Closing(By):
    """Why: the SHA-256 of a document."""

    document: Key32


@act(router, "/deployment/closing", Closing, direct=True)
def close(hand: Hand, said: Closing) -> None:
    """Announces the end, as governance, for ever: in a week new assets, offers and orders stop; withdrawals,
    deliveries, refunds, payouts and reads go on."""
    ledger.close(hand.acting, hand.me, said.document)
