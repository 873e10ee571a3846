"""Batches of consents: what the chain has of one, and for its auditor what it is made of."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse
from pydantic import Field

from deedbook.api.acting import By, act
from deedbook.api.door import Asking, RequestId
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, own, showing, shown
from deedbook.api.routes.inputs import NDJSON, Home, key_of
from deedbook.api.said import Account, Key32, Number32, Object, Said
from deedbook.domain.consents import Consent
from deedbook.domain.hashing import to_hex
from deedbook.domain.principals import Matter
from deedbook.ledger.consents import Standing
from deedbook.queries import consents as queries
from deedbook.queries.consents import BatchView
from deedbook.queries.rows import Reading

router = APIRouter(prefix="/batches", tags=["batches"])


@router.get("/{batch_id}", **showing(BatchView))
def batch(asked: Reads, batch_id: str) -> Response:
    """A batch: its terms, root and count, how many of its consents live, where it is bound, what was stated of it."""
    key = key_of(batch_id, "batchId")
    return shown(asked, lambda mirror: queries.batch(mirror, key).to_json())


@router.get("/{batch_id}/consents", response_class=Response, responses={200: {"content": {NDJSON: {}}}})
def consents(home: Home, caller: Asking, request_id: RequestId, batch_id: str) -> Response:
    """The signed consents of a batch that was made here, in leaf order, one a line: what its manifest commits to. They
    are private: for auditors, regulators and the operator alone, and every read is noted."""
    key = key_of(batch_id, "batchId")
    lines = home.signed_consents(key)
    home.note_read(caller, Matter.EVIDENCE, [key], request_id)
    return StreamingResponse(lines, media_type=NDJSON, headers={"Cache-Control": "no-store"})


@router.get("/{batch_id}/check", response_model=dict[str, Any])
def check(home: Home, batch_id: str) -> Response:
    """Checks every consent of a batch as its auditor does - signer, sentence, terms, uniqueness, count, root - and
    answers with the report (`deedbook.report`, version 1)."""
    return own(home.check_batch(key_of(batch_id, "batchId")))


Proof = Annotated[list[Key32], Field(max_length=64)]


class Challenge(By):
    """A consent (its 14 fields, as `deedbook.consent` has them), its place in the batch, and its inclusion proof."""

    consent: Object
    index: Number32
    proof: Proof


class Leaf(Said):
    """A place in a batch, whose consent and person stand there, and the inclusion proof."""

    batch: Key32
    index: Number32
    consent_id: Key32
    subject: Account
    proof: Proof

    def standing(self, mirror: Reading) -> Standing:
        """The leaf with its batch. Raises NotFound."""
        stated = queries.batch(mirror, self.batch).stated
        return Standing(stated, self.index, self.consent_id, self.subject, tuple(self.proof))


class Strike(By):
    """Two live leaves of one consent, or one person, in ascending order: the later one ends."""

    kept: Leaf
    struck: Leaf


class Carried(By):
    """A leaf that its person withdrew, and another one of the same consent, which ends too."""

    ended: Leaf
    leaf: Leaf


@act(router, "/{batch_id}/challenges", Challenge)
def challenge(hand: Hand, said: Challenge, batch_id: bytes) -> None:
    """Shows a consent of a batch that grants less than the batch states, and so ends it; anyone may."""
    stated = queries.batch(hand.mirror, batch_id).stated
    hand.says(batchId=to_hex(batch_id), index=said.index)
    hand.consents.challenge(hand.me, stated, said.index, Consent.from_json(said.consent), said.proof)


@act(router, "/strikes", Strike)
def strike(hand: Hand, said: Strike) -> None:
    """Shows a consent, or a person, that stands twice in a binding, and so ends the later one; anyone may."""
    hand.says(batchId=to_hex(said.struck.batch), index=said.struck.index)
    hand.consents.strike(hand.me, said.kept.standing(hand.mirror), said.struck.standing(hand.mirror))


@act(router, "/carried-withdrawals", Carried)
def carry_withdrawal(hand: Hand, said: Carried) -> None:
    """Carries a withdrawal over to another leaf of the same consent, and so ends that one too; anyone may."""
    hand.says(batchId=to_hex(said.leaf.batch), index=said.leaf.index)
    hand.consents.carry_withdrawal(hand.me, said.ended.standing(hand.mirror), said.leaf.standing(hand.mirror))
