"""Attestations: what reviewers, appraisers and auditors state about a target key."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.acting import By, act
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, tabular
from deedbook.api.routes.inputs import target_of
from deedbook.api.said import Key32, KindOfAttestation, OutcomeCode, Seconds, Target
from deedbook.domain.codes import Outcome
from deedbook.domain.hashing import to_hex
from deedbook.ledger import attestations as ledger
from deedbook.queries import attestations as queries
from deedbook.queries.attestations import AttestationView
from deedbook.queries.views import Page

router = APIRouter(prefix="/attestations", tags=["attestations"])


@tabular(router, "", AttestationView)
def attestations(asked: Reads, target: str) -> Response:
    """What was stated about a target, by kind and attester: a version key, batch, offer or sale in hex, `asset:ID` or
    `member:ACCOUNT`."""
    key = target_of(target)
    return listed(
        asked,
        AttestationView,
        lambda mirror, *_: Page(queries.attestations(mirror, key), None),
        limit=None,
        after=None,
    )


class StatementEnd(By):
    """A standing statement about a target, and the SHA-256 of the document that says why it ends."""

    target: Target
    kind: KindOfAttestation
    document: Key32


class Statement(By):
    """What is stated about a target, until when; `document` is the SHA-256 of the statement itself."""

    target: Target
    kind: KindOfAttestation
    document: Key32
    valid_until: Seconds
    outcome: OutcomeCode = int(Outcome.POSITIVE)


@act(router, "", Statement)
def attest(hand: Hand, said: Statement) -> None:
    """States something about a target; one statement of a kind stands at a time."""
    hand.says(target=to_hex(said.target), document=to_hex(said.document))
    about = (said.target, said.kind, said.document, said.valid_until)
    ledger.attest(hand.acting, hand.me, *about, outcome=said.outcome)


@act(router, "/corrections", Statement)
def correct(hand: Hand, said: Statement) -> None:
    """Replaces one's standing statement by a new one."""
    hand.says(target=to_hex(said.target), document=to_hex(said.document))
    about = (said.target, said.kind, said.document, said.valid_until)
    ledger.correct(hand.acting, hand.me, *about, outcome=said.outcome)


@act(router, "/withdrawals", StatementEnd)
def withdraw(hand: Hand, said: StatementEnd) -> None:
    """Withdraws one's standing statement."""
    hand.says(target=to_hex(said.target), document=to_hex(said.document))
    ledger.withdraw(hand.acting, hand.me, said.target, said.kind, said.document)
