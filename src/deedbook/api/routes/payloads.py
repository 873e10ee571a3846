"""Payloads: records sealed, every one under a key of its own; shown; erased one by one."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from deedbook.api.reading import own
from deedbook.api.routes.inputs import Body, Home, asset_id_of, key_of
from deedbook.api.said import Count, Key32, Number32, Object, Said
from deedbook.api.writing import DONE, OnceOnly
from deedbook.domain.consents import record_commit

router = APIRouter(tags=["payloads"])


class OpenRecord(Said):
    """A person's record, and the salt of its commitment."""

    salt: Key32
    record: Object


class Sealing(Said):
    """The records of a version, one for each live consent of its batches (all of the asset where none is named), in any
    order; the public descriptor (`deedbook.descriptor`), whose count and size are filled in."""

    descriptor: Object
    records: Annotated[list[OpenRecord], Field(min_length=1)]
    version: Annotated[Number32, Field(ge=1)] = 1
    batches: list[Key32] = Field(default_factory=list)


class Erasing(Said):
    """The indices of the records."""

    records: Annotated[list[Count], Field(min_length=1, max_length=10_000)]


@router.post(
    "/assets/{asset_id}/payloads",
    status_code=201,
    response_model=dict[str, Any],
    responses=DONE,
    openapi_extra=Sealing.described(),
)
def seal(home: Home, asset_id: str, body: Body, once: OnceOnly) -> Response:
    """Seals one record per consent, in the order in which the batches will be bound. Each is found by the commitment
    that its person signed; one that nobody signed is refused."""
    number, said = asset_id_of(asset_id), Sealing.read(body)
    records = {record_commit(each.salt, each.record): (each.salt, each.record) for each in said.records}
    return once.answer(lambda: home.seal(number, said.version, said.descriptor, said.batches, records))


@router.get("/payloads", response_model=dict[str, Any])
def payloads(home: Home) -> Response:
    """What is sealed here."""
    return own({"items": home.payloads(), "after": None})


@router.get("/payloads/{payload_id}", response_model=dict[str, Any])
def payload(home: Home, payload_id: str) -> Response:
    """A payload: how many records there are, how many can still be opened."""
    return own(home.payload(key_of(payload_id, "payloadId")))


@router.post(
    "/payloads/{payload_id}/erasures",
    status_code=201,
    response_model=dict[str, Any],
    responses=DONE,
    openapi_extra=Erasing.described(),
)
def erase(home: Home, payload_id: str, body: Body, once: OnceOnly) -> Response:
    """Destroys the keys of single records: nobody can open them again. Answers with the destruction receipt. What was
    withdrawn, or has expired, is erased without being asked for."""
    key, said = key_of(payload_id, "payloadId"), Erasing.read(body)
    return once.answer(lambda: home.erase(key, said.records))
