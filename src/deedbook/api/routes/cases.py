"""Cases about a target - objections, disputes, leaks, breaches - and the holds that stop it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, showing, shown, tabular
from deedbook.api.routes.inputs import After, Limit, key_of, target_of
from deedbook.api.said import Account, Key32, KindOfCase, OutcomeCode, Target
from deedbook.domain.cases import case_id as id_of_case
from deedbook.domain.hashing import to_hex
from deedbook.ledger import cases as ledger
from deedbook.queries import cases as queries
from deedbook.queries.cases import CaseView, HoldView
from deedbook.queries.views import Page

router = APIRouter(tags=["cases"])


@tabular(router, "/cases", CaseView)
def cases(asked: Reads, target: str, limit: Limit = None, after: After = None) -> Response:
    """The cases about a target, oldest first."""
    key = target_of(target)
    return listed(
        asked,
        CaseView,
        lambda mirror, few, at: queries.cases(mirror, key, limit=few, after=at),
        limit=limit,
        after=after,
    )


@router.get("/cases/{case_id}", **showing(CaseView))
def case(asked: Reads, case_id: str) -> Response:
    """A case: by whom it was opened and why, and what was decided."""
    key = key_of(case_id, "caseId")
    return shown(asked, lambda mirror: queries.case(mirror, key).to_json())


@tabular(router, "/holds", HoldView)
def holds(asked: Reads, target: str) -> Response:
    """The holds that there are or were on a target, by holder."""
    key = target_of(target)
    return listed(asked, HoldView, lambda mirror, *_: Page(queries.holds(mirror, key), None), limit=None, after=None)


class Opening(By):
    """What a case is about and of which kind; `document` is the SHA-256 of what says why."""

    target: Target
    kind: KindOfCase
    document: Key32


class Decision(By):
    """What was decided; `document` is the SHA-256 of the decision."""

    outcome: OutcomeCode
    document: Key32


class Hold(By):
    """What is held or released, and the SHA-256 of the document that says why."""

    target: Target
    document: Key32


class HoldOf(Hold):
    """Whose hold, besides."""

    holder: Account


@act(router, "/cases", Opening)
def open_case(hand: Hand, said: Opening) -> None:
    """Opens a case about a target."""
    case = id_of_case(said.target, said.kind, hand.me.address, said.document)
    hand.says(caseId=to_hex(case), target=to_hex(said.target))
    ledger.open_case(hand.acting, hand.me, said.target, said.kind, said.document)


@act(router, "/cases/{case_id}/decision", Decision)
def decide(hand: Hand, said: Decision, case_id: bytes) -> None:
    """Decides an open case, as an arbiter or regulator; nobody decides a case of their own."""
    hand.says(caseId=to_hex(case_id))
    ledger.decide(hand.acting, hand.me, case_id, said.outcome, said.document)


@act(router, "/holds", Hold)
def hold(hand: Hand, said: Hold) -> None:
    """Holds a target, as an arbiter or regulator: no listing, order, delivery, transfer or payout until released. It
    never stops a withdrawal."""
    hand.says(target=to_hex(said.target))
    ledger.hold(hand.acting, hand.me, said.target, said.document)


@act(router, "/holds/release", Hold)
def release(hand: Hand, said: Hold) -> None:
    """Ends one's own hold."""
    hand.says(target=to_hex(said.target))
    ledger.release(hand.acting, hand.me, said.target, said.document)


@act(router, "/holds/release-for", HoldOf)
def release_for(hand: Hand, said: HoldOf) -> None:
    """Ends the hold of a holder who can no longer end it, as a regulator."""
    hand.says(target=to_hex(said.target))
    ledger.release_for(hand.acting, hand.me, said.target, said.holder, said.document)
