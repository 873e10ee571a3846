"""Assets, their versions, batches and bindings, where they come from and where they went."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from deedbook.api.door import Asking
from deedbook.api.routes.inputs import After, Body, Flag, Home, Limit, asset_id_of
from deedbook.api.writing import ACCEPTED, OnceOnly, OperationAnswer, Waiting, accepted
from deedbook.domain.hashing import from_hex
from deedbook.errors import InvalidInput
from deedbook.queries import assets as queries
from deedbook.queries import consents as batches
from deedbook.queries import flows
from deedbook.queries import lineage as kin

router = APIRouter(prefix="/assets", tags=["assets"])


@router.get("")
def assets(home: Home, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of assets."""
    return queries.assets(home.mirror, limit=limit, after=after).to_json()


@router.get("/{asset_id}")
def asset(home: Home, asset_id: str) -> dict[str, Any]:
    """An asset with its versions, their basis and attestations, its holds and transfers."""
    return queries.asset(home.mirror, asset_id_of(asset_id)).to_json()


@router.get("/{asset_id}/versions/{number}")
def version(home: Home, asset_id: str, number: int) -> dict[str, Any]:
    """One version of an asset."""
    return queries.version(home.mirror, asset_id_of(asset_id), number).to_json()


@router.get("/{asset_id}/lineage")
def lineage(home: Home, asset_id: str, down: Flag = False, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of what an asset was derived from, or (`down=true`) of what was derived from it; the nearest first."""
    return kin.lineage(home.mirror, asset_id_of(asset_id), down=down, limit=limit, after=after).to_json()


@router.get("/{asset_id}/flow")
def flow(home: Home, asset_id: str, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of the sales of an asset and of everything derived from it, in the order in which they were ordered."""
    return flows.flow(home.mirror, asset_id_of(asset_id), limit=limit, after=after).to_json()


@router.get("/{asset_id}/batches")
def batches_of(home: Home, asset_id: str, limit: Limit = 100, after: After = None) -> dict[str, Any]:
    """A page of the consent batches of an asset, oldest first."""
    return batches.batches_of(home.mirror, asset_id_of(asset_id), limit=limit, after=after).to_json()


@router.post("/{asset_id}/batches", status_code=202, response_model=OperationAnswer, responses=ACCEPTED)
async def anchor(home: Home, asset_id: str, body: Body, once: OnceOnly, wait: Waiting, caller: Asking) -> Response:
    """Anchors all consents that wait for this asset as one batch. The body is `{}`, or `{"salt": "0x..."}` for an asset
    that is not registered yet."""
    if not isinstance(body, dict) or set(body) - {"salt"}:
        raise InvalidInput("body", "must be an object with at most a salt")
    salt = from_hex(body["salt"], "salt", 32) if "salt" in body else None
    asset = asset_id_of(asset_id)
    return await accepted(once, wait, lambda key: home.anchor(asset, salt, key, caller))
