"""Batches of consents: what the chain has of one, and for its auditor what it is made of."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from deedbook.api.reading import SHOWN, Reads, own, shown
from deedbook.api.routes.inputs import NDJSON, Home, key_of
from deedbook.queries import consents as queries

router = APIRouter(prefix="/batches", tags=["batches"])


@router.get("/{batch_id}", response_model=dict[str, Any], responses=SHOWN)
def batch(asked: Reads, batch_id: str) -> Response:
    """A batch: its terms, root and count, how many of its consents live, where it is bound, what was stated of it."""
    key = key_of(batch_id, "batchId")
    return shown(asked, lambda mirror: queries.batch(mirror, key).to_json())


@router.get("/{batch_id}/consents", response_class=Response, responses={200: {"content": {NDJSON: {}}}})
def consents(home: Home, batch_id: str) -> Response:
    """The signed consents of a batch that was made here, in leaf order, one a line: what its manifest commits to. They
    are private: for its auditor alone."""
    lines = home.signed_consents(key_of(batch_id, "batchId"))
    return StreamingResponse(lines, media_type=NDJSON, headers={"Cache-Control": "no-store"})


@router.get("/{batch_id}/check", response_model=dict[str, Any])
def check(home: Home, batch_id: str) -> Response:
    """Checks every consent of a batch as its auditor does - signer, sentence, terms, uniqueness, count, root - and
    answers with the report (`deedbook.report`, version 1)."""
    return own(home.check_batch(key_of(batch_id, "batchId")))
