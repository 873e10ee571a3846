"""Commitments: what stands on chain for something private, computed for whoever will not do so; nothing is kept."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.reading import own
from deedbook.api.routes.inputs import Body, Home
from deedbook.api.said import Account, Key32, Object, Said
from deedbook.domain.assets import asset_id
from deedbook.domain.consents import record_commit
from deedbook.domain.hashing import parse_address, to_hex
from deedbook.domain.members import identity_commitment

router = APIRouter(prefix="/commitments", tags=["commitments"])


class FutureAsset(Said):
    """Who will register it; a fresh salt where none is given."""

    registrant: Account
    salt: Key32 | None = None


class Identity(Said):
    """A legal identity, any JSON object; a fresh salt where none is given."""

    identity: Object
    salt: Key32 | None = None


class PersonalRecord(Said):
    """A person's record, any JSON object; a fresh salt where none is given."""

    record: Object
    salt: Key32 | None = None


@router.post("/asset-ids", response_model=dict[str, Any], openapi_extra=FutureAsset.described())
def asset_ids(home: Home, body: Body) -> Response:
    """Which id an asset will have, before it is registered: consents name it."""
    said = FutureAsset.read(body)
    salt, deployment = said.salt or home.draw(), home.deployment()
    where = (int(deployment["chainId"]), parse_address(deployment["contracts"]["DataAssets"], "contracts"))
    return own({"assetId": str(asset_id(*where, said.registrant, salt)), "salt": to_hex(salt)})


@router.post("/identities", response_model=dict[str, Any], openapi_extra=Identity.described())
def identities(home: Home, body: Body) -> Response:
    """The commitment to a legal identity, as a member is admitted under it. Keep the salt: it opens the commitment."""
    said = Identity.read(body)
    salt = said.salt or home.draw()
    return own({"identity": to_hex(identity_commitment(salt, said.identity)), "salt": to_hex(salt)})


@router.post("/records", response_model=dict[str, Any], openapi_extra=PersonalRecord.described())
def records(home: Home, body: Body) -> Response:
    """The commitment to a person's record, as a consent names it. Keep the salt: the record is sealed with it."""
    said = PersonalRecord.read(body)
    salt = said.salt or home.draw()
    return own({"recordCommit": to_hex(record_commit(salt, said.record)), "salt": to_hex(salt)})
