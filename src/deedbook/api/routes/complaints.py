"""Complaints of persons, for who can open a case about one."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from deedbook.api.door import Asking, RequestId
from deedbook.api.routes.inputs import After, Home, Limit
from deedbook.domain.hashing import from_hex
from deedbook.domain.principals import Matter

router = APIRouter(prefix="/complaints", tags=["complaints"])


@router.get("", response_model=dict[str, Any])
def complaints(home: Home, caller: Asking, request_id: RequestId, limit: Limit = None, after: After = None) -> Response:
    """A page of the complaints, the newest first: each (`deedbook.complaint`, version 1) with its id, which is the
    `document` of a case that is opened about it (`POST /cases`), the asset, and the cases that there are."""
    page = dict(home.complaints(limit or 100, after))
    subjects = {from_hex(each["document"]["subject"], "subject", 20) for each in page["items"]}
    home.note_read(caller, Matter.COMPLAINTS, sorted(subjects), request_id)
    return JSONResponse(page, headers={"Cache-Control": "no-store"})
