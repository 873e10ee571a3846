"""Evidence: a sale in one file, a person's own of it, and the verdict on such a file."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.door import Asking, AtDoor, RequestId, require_evidence, require_own_consent
from deedbook.api.reading import own
from deedbook.api.routes.inputs import Body, Flag, Home, key_of
from deedbook.api.said import Object, Said
from deedbook.domain.hashing import canonical_json
from deedbook.domain.principals import Matter

router = APIRouter(tags=["evidence"])


class Judging(Said):
    """A bundle (`deedbook.bundle`), and the trust (`deedbook.trust`) by which it is judged."""

    bundle: Object
    trust: Object


ONE_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}}
}


@router.get("/sales/{sale_id}/bundle", response_class=Response, responses=ONE_FILE)
def bundle(
    home: Home, door: AtDoor, caller: Asking, request_id: RequestId, sale_id: str, public: Flag = False
) -> Response:
    """The whole evidence of a sale in one file (`deedbook.bundle`); `public` leaves out the signed consents, as a sale
    of over 100,000 has to. Where the service asks who somebody is: for the sale's parties, auditors and regulators."""
    name = key_of(sale_id, "saleId")
    require_evidence(door, home.mirror, caller, sale_id)
    content = home.bundle(name, public)
    if not public:
        home.note_read(caller, Matter.EVIDENCE, [name], request_id)
    return _file(content, f"{sale_id}.deed")


@router.get("/sales/{sale_id}/evidence/{consent_id}", response_class=Response, responses=ONE_FILE)
def own_evidence(
    home: Home, door: AtDoor, caller: Asking, request_id: RequestId, sale_id: str, consent_id: str
) -> Response:
    """What a person needs to check the own statement of a sale without this exchange: for that person alone."""
    name = key_of(consent_id, "consentId")
    require_own_consent(door, caller, name, consent_id)
    content = home.own_evidence(key_of(sale_id, "saleId"), name)
    home.note_read(caller, Matter.STATEMENT, [name], request_id)
    return _file(content, f"{sale_id}-own.deed")


@router.get("/trust", response_class=Response, responses=ONE_FILE)
def trust(home: Home) -> Response:
    """A trust as this exchange has it (`deedbook.trust`): an auditor compares it with another member's before relying
    on it."""
    return Response(home.trust(), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.post("/verifications", response_model=dict[str, Any], openapi_extra=Judging.described())
def verify(home: Home, body: Body) -> Response:
    """The report on a bundle by a trust, as `deedbook audit verify` gives it. Nothing is kept. Whoever does not trust
    this exchange runs that command elsewhere."""
    said = Judging.read(body)
    return own(home.judge(canonical_json(said.bundle), canonical_json(said.trust)))


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type="application/json", headers=headers)
