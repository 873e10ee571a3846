"""Assets, their versions, batches and bindings, where they come from and where they went."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response

from deedbook.api.reading import SHOWN, Reads, listed, shown, tabular
from deedbook.api.routes.inputs import After, Body, Flag, Home, Limit, asset_id_of
from deedbook.api.writing import ACCEPTED, OnceOnly, OperationAnswer, Waiting, accepted
from deedbook.domain.hashing import from_hex, parse_address
from deedbook.errors import InvalidInput
from deedbook.queries import assets as queries
from deedbook.queries import consents as batches
from deedbook.queries import flows
from deedbook.queries import lineage as kin
from deedbook.queries import rights as rights_in
from deedbook.queries.assets import AssetSummary
from deedbook.queries.consents import BatchView
from deedbook.queries.flows import FlowView
from deedbook.queries.lineage import KinView
from deedbook.queries.rights import RightView
from deedbook.queries.views import Page

router = APIRouter(prefix="/assets", tags=["assets"])


@tabular(router, "")
def assets(asked: Reads, holder: str | None = None, limit: Limit = None, after: After = None) -> Response:
    """Assets by identifier, of one holder where named."""
    by = None if holder is None else parse_address(holder, "holder")
    return listed(
        asked,
        AssetSummary,
        lambda mirror, few, at: queries.assets(mirror, holder=by, limit=few, after=at),
        limit=limit,
        after=after,
    )


@router.get("/{asset_id}", response_model=dict[str, Any], responses=SHOWN)
def asset(asked: Reads, asset_id: str) -> Response:
    """An asset with its versions, their basis and attestations, its holds and transfers."""
    number = asset_id_of(asset_id)
    return shown(asked, lambda mirror: queries.asset(mirror, number).to_json())


@router.get("/{asset_id}/versions/{number}", response_model=dict[str, Any], responses=SHOWN)
def version(asked: Reads, asset_id: str, number: Annotated[int, Path(ge=0, lt=2**32)]) -> Response:
    """One version of an asset."""
    asset_ = asset_id_of(asset_id)
    return shown(asked, lambda mirror: queries.version(mirror, asset_, number).to_json())


@tabular(router, "/{asset_id}/lineage")
def lineage(asked: Reads, asset_id: str, down: Flag = False, limit: Limit = None, after: After = None) -> Response:
    """What an asset was derived from, or (`down=true`) what was derived from it; the nearest first."""
    number = asset_id_of(asset_id)
    return listed(
        asked,
        KinView,
        lambda mirror, few, at: kin.lineage(mirror, number, down=down, limit=few, after=at),
        limit=limit,
        after=after,
    )


@tabular(router, "/{asset_id}/flow")
def flow(asked: Reads, asset_id: str, limit: Limit = None, after: After = None) -> Response:
    """The sales of an asset and of everything derived from it, in the order in which they were ordered."""
    number = asset_id_of(asset_id)
    return listed(
        asked,
        FlowView,
        lambda mirror, few, at: flows.flow(mirror, number, limit=few, after=at),
        limit=limit,
        after=after,
    )


@tabular(router, "/{asset_id}/batches")
def batches_of(asked: Reads, asset_id: str, limit: Limit = None, after: After = None) -> Response:
    """The consent batches of an asset, oldest first."""
    number = asset_id_of(asset_id)
    return listed(
        asked,
        BatchView,
        lambda mirror, few, at: batches.batches_of(mirror, number, limit=few, after=at),
        limit=limit,
        after=after,
    )


@tabular(router, "/{asset_id}/rights")
def rights(asked: Reads, asset_id: str) -> Response:
    """The rights in an asset that were granted, and which of them stand; by account and right."""
    number = asset_id_of(asset_id)
    return listed(
        asked, RightView, lambda mirror, *_: Page(rights_in.rights(mirror, number), None), limit=None, after=None
    )


@router.post("/{asset_id}/batches", status_code=202, response_model=OperationAnswer, responses=ACCEPTED)
async def anchor(home: Home, asset_id: str, body: Body, once: OnceOnly, wait: Waiting) -> Response:
    """Anchors all consents that wait for this asset as one batch. The body is `{}`, or `{"salt": "0x..."}` for an asset
    that is not registered yet."""
    if not isinstance(body, dict) or set(body) - {"salt"}:
        raise InvalidInput("body", "must be an object with at most a salt")
    salt = from_hex(body["salt"], "salt", 32) if "salt" in body else None
    asset = asset_id_of(asset_id)
    return await accepted(once, wait, lambda key: home.anchor(asset, salt, key))
