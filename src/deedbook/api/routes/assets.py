"""Data assets: registered, published, changed, licensed, handed over, cancelled; their consents anchored and bound;
where they come from and where they went."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import Field

from deedbook.api.acting import By, act, draft
from deedbook.api.door import Asking
from deedbook.api.hands import Hand
from deedbook.api.reading import Reads, listed, showing, shown, tabular
from deedbook.api.routes.inputs import After, Body, Flag, Home, Limit, Number, asset_id_of
from deedbook.api.said import (
    Account,
    Asset,
    Count,
    GradeCode,
    Key32,
    KindOfAsset,
    Modes,
    Number16,
    Number32,
    Purposes,
    RightCode,
    Seconds,
)
from deedbook.api.writing import ACCEPTED, OnceOnly, OperationAnswer, Waiting, accepted
from deedbook.domain import assets as domain
from deedbook.domain.codes import MODES_ALL, Grade, Purpose, Right
from deedbook.domain.hashing import checksum_address, from_hex, parse_address, to_hex
from deedbook.errors import InvalidInput
from deedbook.ledger import assets as ledger
from deedbook.ledger.consents import NO_SALT
from deedbook.queries import assets as queries
from deedbook.queries import consents as batches
from deedbook.queries import flows
from deedbook.queries import lineage as kin
from deedbook.queries import rights as rights_in
from deedbook.queries.assets import AssetSummary, AssetView, VersionView
from deedbook.queries.consents import BatchView
from deedbook.queries.flows import FlowView
from deedbook.queries.lineage import KinView
from deedbook.queries.rights import RightView
from deedbook.queries.views import Page

router = APIRouter(prefix="/assets", tags=["assets"])


@tabular(router, "", AssetSummary)
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


@router.get("/{asset_id}", **showing(AssetView))
def asset(asked: Reads, asset_id: str) -> Response:
    """An asset with its versions, their basis and attestations, its holds and transfers."""
    number = asset_id_of(asset_id)
    return shown(asked, lambda mirror: queries.asset(mirror, number).to_json())


@router.get("/{asset_id}/versions/{number}", **showing(VersionView))
def version(asked: Reads, asset_id: str, number: Number) -> Response:
    """One version of an asset."""
    asset_ = asset_id_of(asset_id)
    return shown(asked, lambda mirror: queries.version(mirror, asset_, number).to_json())


@tabular(router, "/{asset_id}/lineage", KinView)
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


@tabular(router, "/{asset_id}/flow", FlowView)
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


@tabular(router, "/{asset_id}/batches", BatchView)
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


@tabular(router, "/{asset_id}/rights", RightView)
def rights(asked: Reads, asset_id: str) -> Response:
    """The rights in an asset that were granted, and which of them stand; by account and right."""
    number = asset_id_of(asset_id)
    return listed(
        asked, RightView, lambda mirror, *_: Page(rights_in.rights(mirror, number), None), limit=None, after=None
    )


@router.post("/{asset_id}/batches", status_code=202, response_model=OperationAnswer, responses=ACCEPTED)
async def anchor(home: Home, asset_id: str, body: Body, once: OnceOnly, wait: Waiting, caller: Asking) -> Response:
    """Anchors all consents that wait for this asset as one batch. The body is `{}`, or `{"salt": "0x..."}` for an asset
    that is not registered yet."""
    if not isinstance(body, dict) or set(body) - {"salt"}:
        raise InvalidInput("body", "must be an object with at most a salt")
    salt = from_hex(body["salt"], "salt", 32) if "salt" in body else None
    asset = asset_id_of(asset_id)
    return await accepted(once, wait, lambda key: home.anchor(asset, salt, key, caller))


class Anchoring(By):
    """The salt of an asset that is not registered yet."""

    salt: Key32 = NO_SALT


@draft(router, "/{asset_id}/batches", Anchoring, own=True)
def anchor_elsewhere(hand: Hand, said: Anchoring, asset_id: int) -> None:
    """Anchors all consents that wait for this asset as one batch, as their collector.

    The batch is kept when it is relayed: whoever withdraws before is not in it, and then it is drafted again."""
    batch = hand.consents.proposed(asset_id, hand.me.address)
    hand.says(assetId=str(asset_id), batchId=to_hex(batch.batch_id), root=to_hex(batch.root), count=batch.count)
    hand.consents.grant_batch(batch, hand.me, salt=said.salt)


PURPOSES_ALL = sum(1 << each for each in Purpose)


class Registration(By):
    """A first registration. `source` is the SHA-256 of the source statement; the salt fixes the asset's id (`POST
    /commitments/asset-ids`), a fresh one where none is given; `deidentifiedBy` is who attested de-identification,
    where it is graded below a parent. With the SHA-256 of a `descriptor`, and root and number of the records, also its
    first version."""

    kind: KindOfAsset
    source: Key32
    grade: GradeCode = int(Grade.GENERAL)
    level: Number16 = 1
    salt: Key32 | None = None
    parents: list[Asset] = Field(default_factory=list)
    deidentified_by: Account | None = None
    descriptor: Key32 | None = None
    content_root: Key32 | None = None
    record_count: Count = 0

    @property
    def version(self) -> domain.Version | None:
        """The first version, where there is one. Raises InvalidInput (`descriptor`)."""
        if (self.descriptor is None) != (self.content_root is None):
            raise InvalidInput("descriptor", "give both a descriptor and a content root, or neither")
        if self.descriptor is None or self.content_root is None:
            return None
        return domain.Version(self.content_root, self.record_count, self.descriptor)


class Publication(By):
    """The next version: a `payload` that was sealed here, or the root and the number of records of what is elsewhere;
    `descriptor` is the SHA-256 of its public descriptor."""

    descriptor: Key32
    payload: Key32 | None = None
    content_root: Key32 | None = None
    record_count: Count = 0
    deidentified_by: Account | None = None


class Document(By):
    """Why: the SHA-256 of a document."""

    document: Key32


class AssetChange(Document):
    """A new level inside GENERAL, and the SHA-256 of a new source statement."""

    level: Number16
    source: Key32


class Transfer(By):
    """To whom."""

    to: Account


class Grant(Document):
    """A right granted to a provider: a licence, whose text `document` is the SHA-256 of. Every mode and purpose where
    none is named."""

    account: Account
    valid_until: Seconds
    right: RightCode = int(Right.OPERATE)
    modes: Modes = MODES_ALL
    purposes: Purposes = PURPOSES_ALL


class End(Document):
    """Whose right ends."""

    account: Account
    right: RightCode = int(Right.OPERATE)


class Binding(By):
    """The auditor relied on; the batches that are bound, all of the asset where none is named."""

    version: Number32
    auditor: Account
    batches: list[Key32] = Field(default_factory=list)


@act(router, "", Registration)
def register(hand: Hand, said: Registration) -> None:
    """Registers an asset, with its first version where there is one."""
    salt = said.salt or hand.draw()
    where = (hand.acting.chain_id, hand.acting.addresses["DataAssets"])
    number = domain.asset_id(*where, hand.me.address, salt)
    hand.says(assetId=str(number), salt=to_hex(salt))
    if said.version is not None:
        hand.says(versionKey=to_hex(domain.version_key(number, said.version)))
    ledger.register(
        hand.acting,
        hand.me,
        salt=salt,
        kind=said.kind,
        grade=said.grade,
        level=said.level,
        source=said.source,
        parents=sorted(said.parents),
        version=said.version,
        attester=said.deidentified_by,
    )


@act(router, "/{asset_id}/versions", Publication)
def publish(hand: Hand, said: Publication, asset_id: int) -> None:
    """Publishes the next version of an asset; the former is superseded."""
    if (said.payload is None) == (said.content_root is None):
        raise InvalidInput("payload", "give either a payload or a content root")
    content = (said.content_root, said.record_count) if said.payload is None else hand.payload(said.payload)
    version = domain.Version(content[0] or b"", content[1], said.descriptor)
    hand.says(assetId=str(asset_id), versionKey=to_hex(domain.version_key(asset_id, version)))
    ledger.publish(hand.acting, hand.me, asset_id, version, attester=said.deidentified_by)


@act(router, "/{asset_id}/changes", AssetChange)
def change(hand: Hand, said: AssetChange, asset_id: int) -> None:
    """Changes the level and the source statement of an asset. The grade stays: whatever was derived relies on it."""
    hand.says(assetId=str(asset_id), level=said.level)
    ledger.change(hand.acting, hand.me, asset_id, level=said.level, source=said.source, document=said.document)


@act(router, "/{asset_id}/transfer", Transfer)
def transfer(hand: Hand, said: Transfer, asset_id: int) -> None:
    """Hands an asset over to another member; every right granted in it ends."""
    hand.says(assetId=str(asset_id), holder=checksum_address(said.to))
    ledger.transfer(hand.acting, hand.me, asset_id, said.to)


@act(router, "/{asset_id}/cancellation", Document)
def cancel(hand: Hand, said: Document, asset_id: int) -> None:
    """Cancels an asset for ever. Withdrawals go on."""
    hand.says(assetId=str(asset_id))
    ledger.cancel(hand.acting, hand.me, asset_id, said.document)


@act(router, "/{asset_id}/rights", Grant)
def grant_right(hand: Hand, said: Grant, asset_id: int) -> None:
    """Grants a right in an asset to a provider: a licence to process it, or to operate it."""
    scope = domain.Scope(said.modes, said.purposes, said.valid_until)
    hand.says(assetId=str(asset_id), account=checksum_address(said.account))
    ledger.grant_right(hand.acting, hand.me, asset_id, said.account, said.right, scope, said.document)


@act(router, "/{asset_id}/rights/end", End)
def end_right(hand: Hand, said: End, asset_id: int) -> None:
    """Ends a right, as its grantor, its grantee or the asset's holder; what was granted from it ends too."""
    hand.says(assetId=str(asset_id), account=checksum_address(said.account))
    ledger.end_right(hand.acting, hand.me, asset_id, said.account, said.right, said.document)


@act(router, "/{asset_id}/bindings", Binding)
def bind(hand: Hand, said: Binding, asset_id: int) -> None:
    """Gives a version its legal basis: one record per consent, in the order of the batches' ids."""
    bound = hand.batches(asset_id, said.batches)
    hand.says(assetId=str(asset_id), version=said.version, batches=[to_hex(each.batch_id) for each in bound])
    hand.consents.bind(hand.me, asset_id, said.version, [(each, said.auditor) for each in bound])
