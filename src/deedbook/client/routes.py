"""The routes of the service as methods. Written by `python -m tools.client --write`; do not edit.

client.sales.sale("0x...")                                      one record, its JSON
for sale in client.sales.sales(buyer="0x..."): ...              all records, page by page
client.consents.withdraw(signed, wait="final")                  a write, under a key of its own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from deedbook.client.groups import Asking, AsyncAsking, AsyncGroup, Group, call, part, rest
from deedbook.client.paging import AsyncItems, Items

Json = dict[str, Any]


IntentState = Literal["queued", "submitted", "mined", "final", "failed"]


OperationKind = Literal["batch", "withdrawal", "relayed", "act"]


class AlertView(TypedDict, total=False):
    """Something to look at: the `noun` that `key` names (as commands take it), and the numbers behind it."""

    code: str
    severity: str
    noun: str
    key: str
    numbers: Json


class AssetSummary(TypedDict, total=False):
    """An asset in a list; `level` and `source_hash` as they stand now."""

    assetId: str
    state: str | int
    kind: str | int
    grade: str | int
    level: int
    personal: bool
    registrant: str
    holder: str
    sourceHash: str
    parents: Sequence[str]
    version: int
    registeredAt: int
    registeredBlock: int
    registeredTx: str


class AssetView(TypedDict, total=False):
    """An asset with its versions (newest last), holds, transfers, changes and the rights granted in it; `held`
    stops listing, order and delivery."""

    assetId: str
    state: str | int
    kind: str | int
    grade: str | int
    level: int
    personal: bool
    registrant: str
    holder: str
    sourceHash: str
    parents: Sequence[str]
    version: int
    registeredAt: int
    registeredBlock: int
    registeredTx: str
    held: bool
    holds: Sequence[HoldView]
    versions: Sequence[VersionView]
    transfers: Sequence[TransferView]
    changes: Sequence[ChangeView]
    rights: Sequence[RightView]


class AttestationView(TypedDict, total=False):
    """What an accredited member stated. `valid_until` is Unix seconds; `standing`: not withdrawn."""

    target: str
    kind: str | int
    attester: str
    outcome: str | int
    documentHash: str
    validUntil: str
    standing: bool
    corrected: bool
    attestedAt: int
    attestedBlock: int
    attestedTx: str
    withdrawnBlock: int | None


class BasisView(TypedDict, total=False):
    """The consents that a version rests on: what all bound batches grant together (modes and border AND, times
    the latest start and the earliest end), and how many leaves stand. A basis counts once it is `closed`."""

    version: int
    batches: Sequence[str]
    bound: int
    live: int
    closed: bool
    pending: int
    controller: str
    recipient: str
    recipientClass: int
    purpose: str | int
    modes: Sequence[str]
    crossBorder: bool
    validFrom: str
    validUntil: str


class BatchView(TypedDict, total=False):
    """A batch: what every leaf grants at least, how many there are, and how many have ended."""

    batchId: str
    assetId: str
    collector: str
    root: str
    count: int
    ended: int
    direct: bool
    controller: str
    recipient: str
    recipientClass: int
    purpose: str | int
    modes: Sequence[str]
    crossBorder: bool
    noticeHash: str
    validFrom: str
    validUntil: str
    manifestHash: str
    version: int
    grantedAt: int
    grantedBlock: int
    grantedTx: str
    bindings: Sequence[BindingView]
    attestations: Sequence[AttestationView]


class BindingView(TypedDict, total=False):
    """A batch in the basis of a version: record index = `record_offset` + leaf index."""

    assetId: str
    version: int
    batchId: str
    recordOffset: int
    count: int
    auditor: str
    boundAt: int
    boundBlock: int
    boundTx: str


class BounceView(TypedDict, total=False):
    """Payments of the list `list` that came back; who they were for stands on the list `onto`."""

    list: int
    onto: int | None
    count: int
    total: str
    currency: str
    settler: str
    receiptHash: str
    bouncedAt: int
    bouncedBlock: int
    bouncedTx: str


class CaseView(TypedDict, total=False):
    """An objection, dispute, leak or breach; `outcome` and what follows are None while it is open."""

    caseId: str
    target: str
    kind: str | int
    opener: str
    documentHash: str
    openedBlock: int
    decider: str | None
    outcome: str | int | None
    decisionHash: str | None
    decidedBlock: int | None


class ChangeView(TypedDict, total=False):
    """A change of the registered particulars: what they were from then on, and the document behind it."""

    holder: str
    sourceHash: str
    grade: str | int
    level: int
    documentHash: str
    at: int
    block: int
    tx: str


class CheckpointView(TypedDict, total=False):
    """A checkpoint of an exchange's log: `size` entries with this root; it continued one of `former_size`."""

    exchange: str
    size: str
    root: str
    formerSize: str
    anchoredAt: int
    anchoredBlock: int
    anchoredTx: str


class ClosingView(TypedDict, total=False):
    """The announced end; from `closes_at` (Unix seconds) on no asset, offer or order is new."""

    documentHash: str
    closesAt: int
    announcedAt: int
    announcedBlock: int
    announcedTx: str


class DeferredListView(TypedDict, total=False):
    """Those who are paid later: `count` of the places [`from_place`, `to_place`) of the list `parent`, known by
    the root over them; put off, or (`bounced`) paid in vain. Its own places below `paid_up_to` are paid, or on
    a list of their own."""

    list: int
    parent: int
    fromPlace: int
    toPlace: int
    root: str
    count: int
    paidUpTo: int
    bounced: bool
    openedAt: int
    openedBlock: int
    openedTx: str


class DeploymentView(TypedDict, total=False):
    """Where the deployment stands among others; None where it follows none, or where no end was announced."""

    predecessor: PredecessorView | None
    closing: ClosingView | None


class DisputeView(TypedDict, total=False):
    """What the buyer complained of; the outcome and what follows are None while it is undecided."""

    buyer: str
    documentHash: str
    disputedAt: int
    disputedBlock: int
    disputedTx: str
    decider: str | None
    outcome: str | int | None
    decisionHash: str | None
    decidedAt: int | None
    decidedBlock: int | None
    decidedTx: str | None


class DividedView(TypedDict, total=False):
    """How the price of a settled sale was divided, in minor units of its currency: price + carry in = exchange
    + provider + intermediaries + people + carry out. `paid_out` of what is the people's has reached them."""

    certificate: int
    carryIn: str
    exchange: str
    provider: str
    intermediaries: str
    people: str
    carryOut: str
    paidOut: str


class Draft(TypedDict, total=False):
    """What is signed: `typedData` for `eth_signTypedData_v4`, of which `digest` is the digest; the sentence to
    show; until when it is good (Unix seconds). Of an act: what it calls, and what will come of it (`about`)."""

    statement: str
    typedData: Json
    digest: str
    expires: int | None
    send: Send


class FlowView(TypedDict, total=False):
    """A sale of the asset (`distance` 0), or of one derived from it in so many steps. `delivered_count` is None
    before the delivery, `divided` before the settlement, `uses` before a use was reported; provider, mode and
    purpose are None where the mirror lacks the offer."""

    assetId: str
    distance: int
    version: int
    saleId: str
    offerId: str
    buyer: str
    provider: str | None
    purpose: str | int | None
    mode: Sequence[str] | None
    state: str | int
    deliveredCount: int | None
    uses: str | None
    price: str
    currency: str
    divided: DividedView | None
    refunded: str
    steps: Sequence[StepView]


class FormerContract(TypedDict, total=False):
    """A journalled contract of the former deployment, and the head of its journal that this one commits to."""

    contract: str
    head: str


class HoldView(TypedDict, total=False):
    """A hold of one holder on a target; `active` until that holder releases it."""

    target: str
    holder: str
    active: bool
    documentHash: str
    heldBlock: int
    releasedBlock: int | None


class KinView(TypedDict, total=False):
    """An asset that another one derives from, or that derives from it, by `distance` derivations on the
    shortest way. What follows `distance` is None where the mirror lacks the asset: its registration is in
    quarantine."""

    assetId: str
    distance: int
    parents: Sequence[str] | None
    state: str | int | None
    kind: str | int | None
    grade: str | int | None
    personal: bool | None
    version: int | None
    holder: str | None
    registeredAt: int | None
    registeredBlock: int | None


class MemberView(TypedDict, total=False):
    """A participant. `valid_until` is Unix seconds; `encryption_key` the commitment (32 bytes) to the key of
    `encryption_suite` (HPKE KEM id, 0: none)."""

    account: str
    identity: str
    state: str | int
    jurisdiction: int
    roles: Sequence[str]
    licences: Sequence[str | int]
    validUntil: str
    reason: int
    encryptionSuite: int
    encryptionKey: str
    admittedBlock: int
    changedBlock: int


class MeterView(TypedDict, total=False):
    """Where the meter of a sale stands. `quota` None: without limit, then `left` is None too; `reported_to` 0:
    nothing was reported yet."""

    used: str
    quota: str | None
    left: str | None
    reportedTo: int
    reports: int


class OfferView(TypedDict, total=False):
    """An offer: `offer` is its whole document (format `deedbook.offer`), `price` its lines' sum in minor units.
    `by_holder`: its provider holds the asset now; else it operates it by a right that was granted to it."""

    offerId: str
    assetId: str
    version: int
    versionKey: str
    provider: str
    byHolder: bool
    mode: Sequence[str]
    purpose: str | int
    price: str
    currency: str
    validUntil: str
    state: str | int
    orders: int
    listedAt: int
    listedBlock: int
    listedTx: str
    closedBlock: int | None
    offer: Json


class OperationAnswer(TypedDict, total=False):
    """An operation as it stands (`GET /operations/{id}`)."""

    operation: str
    kind: OperationKind
    state: IntentState
    about: Json
    transaction: str | None
    block: int | None
    gas: str | None
    reason: Reason | None


class PayoutView(TypedDict, total=False):
    """A bank batch over the places from `from_ordinal` up to, not including, `to_ordinal` of a list (0: the
    delivered ordinals), but for those of them that were put off to the list `put_off_to` (None: none was)."""

    list: int
    fromOrdinal: int
    toOrdinal: int
    putOffTo: int | None
    total: str
    currency: str
    settler: str
    receiptHash: str
    paidAt: int
    paidBlock: int
    paidTx: str


class PolicyView(TypedDict, total=False):
    """What listing and ordering ask for a kind and grade."""

    kind: str | int
    grade: str | int
    toList: Sequence[str]
    toOrder: Sequence[str]
    modes: Sequence[str]
    setBlock: int


class PredecessorView(TypedDict, total=False):
    """The former deployment: its chain id, and its contracts in their order of deployment."""

    chainId: str
    contracts: Sequence[FormerContract]


class ProviderTotal(TypedDict, total=False):
    """The money of a provider's sales in one currency, in minor units. `ordered` is the price of all of them,
    `refunded` what went back to buyers. Of those that are settled: settled = exchange + provider +
    intermediaries + people + carried, where `carried` is what they left to later sales less what they took over
    from earlier ones (so it can be below zero: an asset's carry goes on with its next holder). Of what is the
    people's, `paid_out` has reached them and `open` is still to be paid."""

    currency: str
    sales: int
    ordered: str
    settled: str
    exchange: str
    provider: str
    intermediaries: str
    people: str
    carried: str
    paidOut: str
    open: str
    refunded: str


class ProviderView(TypedDict, total=False):
    """A provider: how many assets it holds now, its offers (and how many of them are open), its sales by state,
    of which `delivered` handed something over and were not taken back, and its totals by currency."""

    account: str
    assets: int
    offers: int
    openOffers: int
    sales: int
    delivered: int
    states: Json
    totals: Sequence[ProviderTotal]


Reason = TypedDict("Reason", {"as": "str", "reason": "int"}, total=False)


class RefundView(TypedDict, total=False):
    """Money given back to the buyer; `refunded` is the sale's sum with it."""

    amount: str
    refunded: str
    currency: str
    settler: str
    receiptHash: str
    refundedAt: int
    refundedBlock: int
    refundedTx: str


class ReportView(TypedDict, total=False):
    """The uses of one period, from `from_time` up to, not including, `to_time` (Unix seconds); `used` of the
    sale's quota with them. The root is over their receipts; zero where there was none."""

    fromTime: int
    toTime: int
    count: str
    used: str
    receiptsRoot: str
    provider: str
    gateway: str
    reportedAt: int
    reportedBlock: int
    reportedTx: str


class RightView(TypedDict, total=False):
    """The right that was granted last to an account. `stands`: neither ended, nor is what it rests on; it lives
    while it stands, up to and including `valid_until` (Unix seconds)."""

    assetId: str
    account: str
    right: str | int
    grantor: str
    modes: Sequence[str]
    purposes: Sequence[str | int]
    validUntil: str
    stands: bool
    documentHash: str
    grantedAt: int
    grantedBlock: int
    grantedTx: str
    endedBy: str | None
    endHash: str | None
    endedBlock: int | None


class SaleView(TypedDict, total=False):
    """A sale. What a step brings is None before it; `usage` is None before a use was reported. At a price of
    nothing the settler and the payment's receipt are zero."""

    saleId: str
    offerId: str
    assetId: str
    version: int
    buyer: str
    provider: str | None
    mode: Sequence[str] | None
    purpose: str | int | None
    reference: str
    price: str
    currency: str
    attesters: Sequence[str]
    state: str | int
    liveAtOrder: int
    settler: str | None
    paymentReceipt: str | None
    liveAtPrepare: int | None
    envelopeHash: str | None
    coverHash: str | None
    deliveredCount: int | None
    acceptedBy: str | None
    acceptedByTimeout: bool | None
    steps: Sequence[StepView]
    dispute: DisputeView | None
    settlement: SettlementView | None
    payouts: Sequence[PayoutView]
    bounces: Sequence[BounceView]
    refunds: Sequence[RefundView]
    refunded: str
    usage: MeterView | None


class Send(TypedDict, total=False):
    """Where a signed document goes: by POST to `path`, with the signature as its `signature`."""

    path: str
    document: Json


class SettlementView(TypedDict, total=False):
    """The entry of a settled sale; amounts in minor units of `currency`. Delivered ordinals below `paid_up_to`
    are paid, or on one of the `lists`; to `waiting` people money is still due, and `paid_out` is what the
    others got."""

    certificate: int
    currency: str
    price: str
    carryIn: str
    exchangeShare: str
    providerShare: str
    intermediaryShares: Sequence[str]
    perHead: str
    deliveredCount: int
    carryOut: str
    paidUpTo: int
    lists: Sequence[DeferredListView]
    waiting: int
    paidOut: str
    settledAt: int
    settledBlock: int
    settledTx: str


class StepView(TypedDict, total=False):
    """One event of a sale: who caused it (None: nobody in particular), when, and in which transaction."""

    event: str
    actor: str | None
    at: int
    block: int
    tx: str


class TransferView(TypedDict, total=False):
    """A change of holder."""

    fromAccount: str
    toAccount: str
    block: int
    tx: str


class VersionView(TypedDict, total=False):
    """A published version, its basis (None where no batch is bound to it), and the attestations about it."""

    version: int
    versionKey: str
    contentRoot: str
    recordCount: int
    descriptorHash: str
    publishedAt: int
    publishedBlock: int
    publishedTx: str
    basis: BasisView | None
    attestations: Sequence[AttestationView]


class Alerts(Group):
    """Routes of alerts."""

    def alerts(self, *, limit: int | None = None, after: str | None = None) -> Items:
        """Alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts", {"limit": limit, "after": after})
        return self._items(said)

    def alerts_csv(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def alerts_parquet(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts.parquet", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found


class Anchors(Group):
    """Routes of anchors."""

    def anchor(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Anchors one's own log as it is now; the service does so by itself, by its size and age."""
        said = call(
            "POST",
            "/anchors/checkpoints",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def append(self, exchange: str, content: bytes) -> bytes:
        """Takes entries into the exchange's log: NDJSON, any JSON value a line, at most 10,000 of them. Answers
        with a signed receipt for each (`deedbook.log-receipt`, version 1), one a line in the same order, once all
        of them are on disk. An entry is its content: the same one again has the same receipt. Where a line is
        refused, none is kept."""
        said = call("POST", f"/anchors/{part(exchange)}/entries", body=content, media_type="application/x-ndjson")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def checkpoint(self, exchange: str) -> bytes:
        """The last checkpoint on chain as a note that the exchange signs."""
        said = call("GET", f"/anchors/{part(exchange)}/log/checkpoint")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def checkpoints(self, exchange: str, *, limit: int | None = None, after: str | None = None) -> Items:
        """The checkpoints of an exchange, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}", {"limit": limit, "after": after})
        return self._items(said)

    def checkpoints_csv(self, exchange: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The checkpoints of an exchange, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def checkpoints_parquet(self, exchange: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The checkpoints of an exchange, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}.parquet", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def extension(self, exchange: str, *, former: int, size: int | None = None) -> Json:
        """That the log of the last checkpoint, or of `size` entries, goes on from its first `former`
        (`deedbook.log-extension`, version 1)."""
        said = call("GET", f"/anchors/{part(exchange)}/extension", {"former": former, "size": size})
        found: Json = self._client.ask(said)
        return found

    def log(self, exchange: str) -> Json:
        """How the log stands: entries, how many of them are anchored, since when others wait."""
        said = call("GET", f"/anchors/{part(exchange)}/log")
        found: Json = self._client.ask(said)
        return found

    def proof(
        self, exchange: str, *, index: int | None = None, leaf: str | None = None, size: int | None = None
    ) -> Json:
        """That an entry, by `index` or by `leaf` (its leaf hash), stands in the log as of the last checkpoint, or
        of the one of `size` (`deedbook.log-proof`, version 1): it ends in a transaction on chain. 404 before the
        next one."""
        said = call("GET", f"/anchors/{part(exchange)}/proof", {"index": index, "leaf": leaf, "size": size})
        found: Json = self._client.ask(said)
        return found

    def receipt(self, exchange: str, index: int) -> Json:
        """The receipt of an entry again."""
        said = call("GET", f"/anchors/{part(exchange)}/entries/{part(index)}")
        found: Json = self._client.ask(said)
        return found

    def tile(self, exchange: str, path: str) -> bytes:
        """A tile, `LEVEL/N` or `LEVEL/N.p/WIDTH`: up to 256 hashes of 32 bytes. What the entries are is not kept
        here."""
        said = call("GET", f"/anchors/{part(exchange)}/log/tile/{rest(path)}")
        found: bytes = self._client.ask(said, raw=True)
        return found


class Assets(Group):
    """Routes of assets."""

    def anchor(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Anchors all consents that wait for this asset as one batch. The body is `{}`, or `{"salt": "0x..."}` for
        an asset that is not registered yet."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/batches",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def asset(self, asset_id: str) -> AssetView:
        """An asset with its versions, their basis and attestations, its holds and transfers."""
        said = call("GET", f"/assets/{part(asset_id)}")
        found: AssetView = self._client.ask(said)
        return found

    def assets(self, *, holder: str | None = None, limit: int | None = None, after: str | None = None) -> Items:
        """Assets by identifier, of one holder where named."""
        said = call("GET", "/assets", {"holder": holder, "limit": limit, "after": after})
        return self._items(said)

    def assets_csv(self, *, holder: str | None = None, limit: int | None = None, after: str | None = None) -> bytes:
        """Assets by identifier, of one holder where named."""
        said = call("GET", "/assets.csv", {"holder": holder, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def assets_parquet(self, *, holder: str | None = None, limit: int | None = None, after: str | None = None) -> bytes:
        """Assets by identifier, of one holder where named."""
        said = call("GET", "/assets.parquet", {"holder": holder, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def batches_of(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> Items:
        """The consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches", {"limit": limit, "after": after})
        return self._items(said)

    def batches_of_csv(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def batches_of_parquet(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches.parquet", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def bind(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Gives a version its legal basis: one record per consent, in the order of the batches' ids."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/bindings",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def cancel(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Cancels an asset for ever. Withdrawals go on."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/cancellation",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def change(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Changes the level and the source statement of an asset. The grade stays: whatever was derived relies on
        it."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/changes",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_anchor_elsewhere(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Anchors all consents that wait
        for this asset as one batch, as their collector. The batch is kept when it is relayed: whoever withdraws
        before is not in it, and then it is drafted again."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/batches",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_bind(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Gives a version its legal
        basis: one record per consent, in the order of the batches' ids."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/bindings",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_cancel(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Cancels an asset for ever.
        Withdrawals go on."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/cancellation",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_change(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Changes the level and the
        source statement of an asset. The grade stays: whatever was derived relies on it."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/changes",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_end_right(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Ends a right, as its grantor,
        its grantee or the asset's holder; what was granted from it ends too."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/rights/end",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_grant_right(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Grants a right in an asset to a
        provider: a licence to process it, or to operate it."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/rights",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_publish(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Publishes the next version of
        an asset; the former is superseded."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/versions",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_register(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Registers an asset, with its
        first version where there is one."""
        said = call("POST", "/drafts/assets", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def draft_transfer(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Hands an asset over to another
        member; every right granted in it ends."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/transfer",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def end_right(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends a right, as its grantor, its grantee or the asset's holder; what was granted from it ends too."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/rights/end",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def flow(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> Items:
        """The sales of an asset and of everything derived from it, in the order in which they were ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow", {"limit": limit, "after": after})
        return self._items(said)

    def flow_csv(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The sales of an asset and of everything derived from it, in the order in which they were ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def flow_parquet(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The sales of an asset and of everything derived from it, in the order in which they were ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow.parquet", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def grant_right(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Grants a right in an asset to a provider: a licence to process it, or to operate it."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/rights",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def lineage(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> Items:
        """What an asset was derived from, or (`down=true`) what was derived from it; the nearest first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage", {"down": down, "limit": limit, "after": after})
        return self._items(said)

    def lineage_csv(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """What an asset was derived from, or (`down=true`) what was derived from it; the nearest first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage.csv", {"down": down, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def lineage_parquet(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """What an asset was derived from, or (`down=true`) what was derived from it; the nearest first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage.parquet", {"down": down, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def publish(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Publishes the next version of an asset; the former is superseded."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/versions",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def register(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Registers an asset, with its first version where there is one."""
        said = call(
            "POST",
            "/assets",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def rights(self, asset_id: str) -> Json:
        """The rights in an asset that were granted, and which of them stand; by account and right."""
        said = call("GET", f"/assets/{part(asset_id)}/rights")
        found: Json = self._client.ask(said)
        return found

    def rights_csv(self, asset_id: str) -> bytes:
        """The rights in an asset that were granted, and which of them stand; by account and right."""
        said = call("GET", f"/assets/{part(asset_id)}/rights.csv")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def rights_parquet(self, asset_id: str) -> bytes:
        """The rights in an asset that were granted, and which of them stand; by account and right."""
        said = call("GET", f"/assets/{part(asset_id)}/rights.parquet")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def transfer(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Hands an asset over to another member; every right granted in it ends."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/transfer",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def version(self, asset_id: str, number: int) -> VersionView:
        """One version of an asset."""
        said = call("GET", f"/assets/{part(asset_id)}/versions/{part(number)}")
        found: VersionView = self._client.ask(said)
        return found


class Attestations(Group):
    """Routes of attestations."""

    def attest(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """States something about a target; one statement of a kind stands at a time."""
        said = call(
            "POST",
            "/attestations",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def attestations(self, *, target: str) -> Json:
        """What was stated about a target, by kind and attester: a version key, batch, offer or sale in hex,
        `asset:ID` or `member:ACCOUNT`."""
        said = call("GET", "/attestations", {"target": target})
        found: Json = self._client.ask(said)
        return found

    def attestations_csv(self, *, target: str) -> bytes:
        """What was stated about a target, by kind and attester: a version key, batch, offer or sale in hex,
        `asset:ID` or `member:ACCOUNT`."""
        said = call("GET", "/attestations.csv", {"target": target})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def attestations_parquet(self, *, target: str) -> bytes:
        """What was stated about a target, by kind and attester: a version key, batch, offer or sale in hex,
        `asset:ID` or `member:ACCOUNT`."""
        said = call("GET", "/attestations.parquet", {"target": target})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def correct(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Replaces one's standing statement by a new one."""
        said = call(
            "POST",
            "/attestations/corrections",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_attest(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: States something about a
        target; one statement of a kind stands at a time."""
        said = call("POST", "/drafts/attestations", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def draft_correct(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Replaces one's standing
        statement by a new one."""
        said = call(
            "POST", "/drafts/attestations/corrections", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_withdraw(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Withdraws one's standing
        statement."""
        said = call(
            "POST", "/drafts/attestations/withdrawals", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = self._client.ask(said)
        return found

    def withdraw(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Withdraws one's standing statement."""
        said = call(
            "POST",
            "/attestations/withdrawals",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found


class Batches(Group):
    """Routes of batches."""

    def batch(self, batch_id: str) -> BatchView:
        """A batch: its terms, root and count, how many of its consents live, where it is bound, what was stated of
        it."""
        said = call("GET", f"/batches/{part(batch_id)}")
        found: BatchView = self._client.ask(said)
        return found

    def carry_withdrawal(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Carries a withdrawal over to another leaf of the same consent, and so ends that one too; anyone may."""
        said = call(
            "POST",
            "/batches/carried-withdrawals",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def challenge(
        self,
        batch_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Shows a consent of a batch that grants less than the batch states, and so ends it; anyone may."""
        said = call(
            "POST",
            f"/batches/{part(batch_id)}/challenges",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def check(self, batch_id: str) -> Json:
        """Checks every consent of a batch as its auditor does - signer, sentence, terms, uniqueness, count, root -
        and answers with the report (`deedbook.report`, version 1)."""
        said = call("GET", f"/batches/{part(batch_id)}/check")
        found: Json = self._client.ask(said)
        return found

    def consents(self, batch_id: str) -> bytes:
        """The signed consents of a batch that was made here, in leaf order, one a line: what its manifest commits
        to. They are private: for auditors, regulators and the operator alone, and every read is noted."""
        said = call("GET", f"/batches/{part(batch_id)}/consents")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def draft_carry_withdrawal(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Carries a withdrawal over to
        another leaf of the same consent, and so ends that one too; anyone may."""
        said = call(
            "POST",
            "/drafts/batches/carried-withdrawals",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_challenge(self, batch_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Shows a consent of a batch that
        grants less than the batch states, and so ends it; anyone may."""
        said = call(
            "POST",
            f"/drafts/batches/{part(batch_id)}/challenges",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_strike(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Shows a consent, or a person,
        that stands twice in a binding, and so ends the later one; anyone may."""
        said = call("POST", "/drafts/batches/strikes", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def strike(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Shows a consent, or a person, that stands twice in a binding, and so ends the later one; anyone may."""
        said = call(
            "POST",
            "/batches/strikes",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found


class Cases(Group):
    """Routes of cases."""

    def case(self, case_id: str) -> CaseView:
        """A case: by whom it was opened and why, and what was decided."""
        said = call("GET", f"/cases/{part(case_id)}")
        found: CaseView = self._client.ask(said)
        return found

    def cases(self, *, target: str, limit: int | None = None, after: str | None = None) -> Items:
        """The cases about a target, oldest first."""
        said = call("GET", "/cases", {"target": target, "limit": limit, "after": after})
        return self._items(said)

    def cases_csv(self, *, target: str, limit: int | None = None, after: str | None = None) -> bytes:
        """The cases about a target, oldest first."""
        said = call("GET", "/cases.csv", {"target": target, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def cases_parquet(self, *, target: str, limit: int | None = None, after: str | None = None) -> bytes:
        """The cases about a target, oldest first."""
        said = call("GET", "/cases.parquet", {"target": target, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def decide(
        self,
        case_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Decides an open case, as an arbiter or regulator; nobody decides a case of their own."""
        said = call(
            "POST",
            f"/cases/{part(case_id)}/decision",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_decide(self, case_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Decides an open case, as an
        arbiter or regulator; nobody decides a case of their own."""
        said = call(
            "POST",
            f"/drafts/cases/{part(case_id)}/decision",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_hold(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Holds a target, as an arbiter
        or regulator: no listing, order, delivery, transfer or payout until released. It never stops a
        withdrawal."""
        said = call("POST", "/drafts/holds", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def draft_open_case(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Opens a case about a target."""
        said = call("POST", "/drafts/cases", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def draft_release(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Ends one's own hold."""
        said = call("POST", "/drafts/holds/release", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def draft_release_for(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Ends the hold of a holder who
        can no longer end it, as a regulator."""
        said = call(
            "POST", "/drafts/holds/release-for", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = self._client.ask(said)
        return found

    def hold(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Holds a target, as an arbiter or regulator: no listing, order, delivery, transfer or payout until
        released. It never stops a withdrawal."""
        said = call(
            "POST",
            "/holds",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def holds(self, *, target: str) -> Json:
        """The holds that there are or were on a target, by holder."""
        said = call("GET", "/holds", {"target": target})
        found: Json = self._client.ask(said)
        return found

    def holds_csv(self, *, target: str) -> bytes:
        """The holds that there are or were on a target, by holder."""
        said = call("GET", "/holds.csv", {"target": target})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def holds_parquet(self, *, target: str) -> bytes:
        """The holds that there are or were on a target, by holder."""
        said = call("GET", "/holds.parquet", {"target": target})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def open_case(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Opens a case about a target."""
        said = call(
            "POST",
            "/cases",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def release(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends one's own hold."""
        said = call(
            "POST",
            "/holds/release",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def release_for(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends the hold of a holder who can no longer end it, as a regulator."""
        said = call(
            "POST",
            "/holds/release-for",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found


class Chain(Group):
    """Routes of chain."""

    def rpc(self, body: Mapping[str, Any]) -> bytes:
        """One JSON-RPC 2.0 request or a batch. Refuses what a web page could send across origins."""
        said = call("POST", "/rpc", body=body, media_type="application/json", repeatable=False)
        found: bytes = self._client.ask(said, raw=True)
        return found


class Commitments(Group):
    """Routes of commitments."""

    def asset_ids(self, body: Mapping[str, Any]) -> Json:
        """Which id an asset will have, before it is registered: consents name it."""
        said = call("POST", "/commitments/asset-ids", body=body, media_type="application/json")
        found: Json = self._client.ask(said)
        return found

    def identities(self, body: Mapping[str, Any]) -> Json:
        """The commitment to a legal identity, as a member is admitted under it. Keep the salt: it opens the
        commitment."""
        said = call("POST", "/commitments/identities", body=body, media_type="application/json")
        found: Json = self._client.ask(said)
        return found

    def records(self, body: Mapping[str, Any]) -> Json:
        """The commitment to a person's record, as a consent names it. Keep the salt: the record is sealed with
        it."""
        said = call("POST", "/commitments/records", body=body, media_type="application/json")
        found: Json = self._client.ask(said)
        return found


class Complaints(Group):
    """Routes of complaints."""

    def complaints(self, *, limit: int | None = None, after: str | None = None) -> Items:
        """A page of the complaints, the newest first: each (`deedbook.complaint`, version 1) with its id, which is
        the `document` of a case that is opened about it (`POST /cases`), the asset, and the cases that there
        are."""
        said = call("GET", "/complaints", {"limit": limit, "after": after})
        return self._items(said)


class Consents(Group):
    """Routes of consents."""

    def apply_mark(
        self,
        consent_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Applies the proof to a consent that was withdrawn by receipt: its leaf ends, the asset's orders go on,
        and the record's key is destroyed."""
        said = call(
            "POST",
            f"/consents/{part(consent_id)}/mark",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def collect(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Takes a signed consent (`deedbook.consent`, version 1) and answers with the collector's signed receipt.
        Where the service asks who somebody is, its subject or its controller hands it in."""
        said = call(
            "POST",
            "/consents",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def collect_all(self, asset_id: str, content: bytes) -> bytes:
        """Takes signed consents of an asset, all or none: NDJSON, one a line, some thousands of them. Answers with
        their receipts, one a line in the same order. The same consent again has the same receipt."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/consents",
            body=content,
            media_type="application/x-ndjson",
            repeatable=False,
        )
        found: bytes = self._client.ask(said, raw=True)
        return found

    def consent(self, consent_id: str) -> Json:
        """Where an anchored consent stands: batch, index, whether it still counts."""
        said = call("GET", f"/consents/{part(consent_id)}")
        found: Json = self._client.ask(said)
        return found

    def dismiss_mark(
        self,
        consent_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """States, as an auditor who is no party, that no bound batch holds a consent that was withdrawn by
        receipt."""
        said = call(
            "POST",
            f"/consents/{part(consent_id)}/mark/dismissal",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_apply_mark(self, consent_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Applies the proof to a consent
        that was withdrawn by receipt: its leaf ends, the asset's orders go on, and the record's key is
        destroyed."""
        said = call(
            "POST",
            f"/drafts/consents/{part(consent_id)}/mark",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_dismiss_mark(self, consent_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: States, as an auditor who is no
        party, that no bound batch holds a consent that was withdrawn by receipt."""
        said = call(
            "POST",
            f"/drafts/consents/{part(consent_id)}/mark/dismissal",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_grant(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Grants one consent on chain, a
        batch of one: the contract itself checks the person's signature (also of a contract wallet, ERC-1271)."""
        said = call("POST", "/drafts/consents/grants", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def draft_release(self, consent_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Gives up one consent for ever,
        as its collector: for a person who lost the key."""
        said = call(
            "POST",
            f"/drafts/consents/{part(consent_id)}/release",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_withdraw_by_receipt(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Withdraws by the collector's
        receipt, where no proof can be had: the asset's orders and deliveries stop until somebody applies the
        mark."""
        said = call(
            "POST", "/drafts/withdrawals/by-receipt", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = self._client.ask(said)
        return found

    def grant(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Grants one consent on chain, a batch of one: the contract itself checks the person's signature (also of a
        contract wallet, ERC-1271)."""
        said = call(
            "POST",
            "/consents/grants",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def proof(self, consent_id: str) -> Json:
        """The proof that an anchored consent is in its batch: with the person's signature, all that a withdrawal
        needs."""
        said = call("GET", f"/consents/{part(consent_id)}/proof")
        found: Json = self._client.ask(said)
        return found

    def receipt(self, consent_id: str) -> Json:
        """The receipt that the person was given (ISO/IEC TS 27560 form), again."""
        said = call("GET", f"/consents/{part(consent_id)}/receipt")
        found: Json = self._client.ask(said)
        return found

    def release(
        self,
        consent_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Gives up one consent for ever, as its collector: for a person who lost the key."""
        said = call(
            "POST",
            f"/consents/{part(consent_id)}/release",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def withdraw(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Relays a signed withdrawal (`deedbook.withdrawal`, version 1), free of charge, and destroys the record's
        key. A consent that is in no batch yet is withdrawn at once (201): there is nothing to relay."""
        said = call(
            "POST",
            "/withdrawals",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def withdraw_by_receipt(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Withdraws by the collector's receipt, where no proof can be had: the asset's orders and deliveries stop
        until somebody applies the mark."""
        said = call(
            "POST",
            "/withdrawals/by-receipt",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found


class Deliveries(Group):
    """Routes of deliveries."""

    def delivery(self, sale_id: str) -> Json:
        """The envelope of a delivery that stands (docs/formats.md), its cover, and what both are of."""
        said = call("GET", f"/sales/{part(sale_id)}/delivery")
        found: Json = self._client.ask(said)
        return found

    def records(self, sale_id: str) -> bytes:
        """The records of the delivered version, one a line in their order: `index`, `consentId`, `recordCommit`,
        the `hash` of the sealed unit, and the `unit` itself of those that were delivered. One that was delivered
        and whose consent ended since may be `erased`: then nobody has its unit any more, and the others open
        without it."""
        said = call("GET", f"/sales/{part(sale_id)}/records")
        found: bytes = self._client.ask(said, raw=True)
        return found


class Deployment(Group):
    """Routes of deployment."""

    def close(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Announces the end, as governance, for ever: in a week new assets, offers and orders stop; withdrawals,
        deliveries, refunds, payouts and reads go on."""
        said = call(
            "POST",
            "/deployment/closing",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def deployment(self) -> DeploymentView:
        """The contracts, the deployment that they follow, and when nothing new begins in them any more."""
        said = call("GET", "/deployment")
        found: DeploymentView = self._client.ask(said)
        return found


class Documents(Group):
    """Routes of documents."""

    def document(self, digest: str) -> bytes:
        """A document as it was hashed; never run, never framed."""
        said = call("GET", f"/documents/{part(digest)}")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def publish(
        self,
        content: bytes,
        *,
        kind: Literal["notice", "descriptor", "source", "report", "terms", "policy", "receipt", "document"]
        | None = None,
        check: bool | None = None,
        media_type: Literal["application/json", "text/plain", "application/pdf", "application/octet-stream"],
    ) -> Json:
        """Makes a document public, as the bytes that it is; acts name it by its SHA-256. A `notice`
        (`deedbook.notice`) or a `descriptor` (`deedbook.descriptor`) is kept in its canonical form. The same one
        again is the same document. With `check` it is looked at and answered the same way, and not kept."""
        said = call(
            "POST", "/documents", {"kind": kind, "check": check}, body=content, media_type=media_type, repeatable=False
        )
        found: Json = self._client.ask(said)
        return found


class Drafts(Group):
    """Routes of drafts."""

    def consent(self, body: Mapping[str, Any]) -> Draft:
        """Drafts a consent: the sentence is the published notice's. Keep `recordSalt`: the record is sealed with
        it."""
        said = call("POST", "/drafts/consents", body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def payee(self, body: Mapping[str, Any]) -> Draft:
        """Drafts where the money of a consent goes; the latest one counts."""
        said = call("POST", "/drafts/payees", body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def payee_request(self, body: Mapping[str, Any]) -> Draft:
        """Drafts the question which payee is kept of a consent; good for ten minutes."""
        said = call("POST", "/drafts/payee-requests", body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def usage_report(self, body: Mapping[str, Any]) -> Draft:
        """Drafts the report of a period of use, for provider and gateway each; both signed documents go to the
        sale."""
        said = call("POST", "/drafts/usage-reports", body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def withdrawal(self, body: Mapping[str, Any]) -> Draft:
        """Drafts a withdrawal. It is free, needs no reason, and cannot be undone."""
        said = call("POST", "/drafts/withdrawals", body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found


class Events(Group):
    """Routes of events."""

    def events(
        self,
        *,
        contract: Sequence[str] | None = None,
        event: Sequence[str] | None = None,
        entity: Sequence[str] | None = None,
        final: bool | None = None,
        after: str | None = None,
        from_: str | None = None,
        limit: int | None = None,
        last_event_id: str | None = None,
    ) -> Items:
        """Events (`deedbook.event`, version 1) in the order of the chain, and what forks took back, from a place
        on: by `contract`, `event` and `entity` (32 bytes, or an account), each any number of times; `final=true`
        leaves out what can still change. With `Accept: text/event-stream` it is a stream of Server-Sent Events that
        goes on; otherwise a page, whose `after` is where the next one begins, also where there is no `more` now."""
        said = call(
            "GET",
            "/events",
            {
                "contract": contract,
                "event": event,
                "entity": entity,
                "final": final,
                "after": after,
                "from": from_,
                "limit": limit,
            },
            headers={"Last-Event-ID": last_event_id},
        )
        return self._items(said)


class Evidence(Group):
    """Routes of evidence."""

    def bundle(self, sale_id: str, *, public: bool | None = None) -> Json:
        """The whole evidence of a sale in one file (`deedbook.bundle`); `public` leaves out the signed consents, as
        a sale of over 100,000 has to. Where the service asks who somebody is: for the sale's parties, auditors and
        regulators."""
        said = call("GET", f"/sales/{part(sale_id)}/bundle", {"public": public})
        found: Json = self._client.ask(said)
        return found

    def own_evidence(self, sale_id: str, consent_id: str) -> Json:
        """What a person needs to check the own statement of a sale without this exchange: for that person alone."""
        said = call("GET", f"/sales/{part(sale_id)}/evidence/{part(consent_id)}")
        found: Json = self._client.ask(said)
        return found

    def trust(self) -> Json:
        """A trust as this exchange has it (`deedbook.trust`): an auditor compares it with another member's before
        relying on it."""
        said = call("GET", "/trust")
        found: Json = self._client.ask(said)
        return found

    def verify(self, body: Mapping[str, Any]) -> Json:
        """The report on a bundle by a trust, as `deedbook audit verify` gives it. Nothing is kept. Whoever does not
        trust this exchange runs that command elsewhere."""
        said = call("POST", "/verifications", body=body, media_type="application/json")
        found: Json = self._client.ask(said)
        return found


class Me(Group):
    """Routes of me."""

    def complain(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Keeps a complaint, sealed, for arbiters, regulators and the operator: who opens a case about it puts its
        id, a salted hash, on chain, and nothing else of it."""
        said = call(
            "POST",
            "/me/complaints",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def complaints(self) -> Json:
        """The complaints of who asks, and the cases that were opened about them."""
        said = call("GET", "/me/complaints")
        found: Json = self._client.ask(said)
        return found

    def consents(self) -> Json:
        """The consents of who asks: where each stands, and whether it still counts."""
        said = call("GET", "/me/consents")
        found: Json = self._client.ask(said)
        return found

    def me(self) -> Json:
        """Who asks, as the service sees it: by what `means`, for which account, with which scopes, and which roles
        that account has on chain. `open`: nobody is asked here."""
        said = call("GET", "/me")
        found: Json = self._client.ask(said)
        return found

    def orders(self, *, limit: int | None = None, after: str | None = None) -> Items:
        """A page of the orders that cover a record of who asks, oldest first, from the order's own block on: by
        whom - the buyer's legal name, where the commitment on chain opens to it - for what, and how far it has
        come."""
        said = call("GET", "/me/orders", {"limit": limit, "after": after})
        return self._items(said)


class Members(Group):
    """Routes of members."""

    def admit(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Admits a member, as governance."""
        said = call(
            "POST",
            "/members",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def change(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Changes a member's roles, licences, validity or jurisdiction, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/changes",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_register_key(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Registers the key that
        deliveries to a member are sealed to, as that member. Its private half is the member's, and never comes
        here; the public one is handed over by `POST /members/{account}/public-key` afterwards."""
        said = call(
            "POST", "/drafts/members/encryption-keys", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = self._client.ask(said)
        return found

    def expel(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Expels a member for ever, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/expulsion",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def keep_key(self, account: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Keeps the public key that a member registered on chain, so that deliveries can be sealed to it."""
        said = call(
            "POST",
            f"/members/{part(account)}/public-key",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def member(self, account: str) -> MemberView:
        """One member: roles, licences, validity, and which key deliveries are sealed to."""
        said = call("GET", f"/members/{part(account)}")
        found: MemberView = self._client.ask(said)
        return found

    def members(self, *, limit: int | None = None, after: str | None = None) -> Items:
        """Members by account."""
        said = call("GET", "/members", {"limit": limit, "after": after})
        return self._items(said)

    def members_csv(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Members by account."""
        said = call("GET", "/members.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def members_parquet(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Members by account."""
        said = call("GET", "/members.parquet", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def register_key(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Registers the key that deliveries to a member are sealed to, as that member. Its private half is the
        member's, and never comes here; the public one is handed over by `POST /members/{account}/public-key`
        afterwards."""
        said = call(
            "POST",
            "/members/encryption-keys",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def reinstate(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends a member's suspension, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/reinstatement",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def statement(self, account: str) -> ProviderView:
        """A provider's statement: assets, offers, sales by state, the money by currency."""
        said = call("GET", f"/members/{part(account)}/statement")
        found: ProviderView = self._client.ask(said)
        return found

    def suspend(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Suspends a member at once, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/suspension",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found


class Offers(Group):
    """Routes of offers."""

    def close(
        self,
        offer_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Closes one's offer; sales that were ordered go on."""
        said = call(
            "POST",
            f"/offers/{part(offer_id)}/closing",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_close(self, offer_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Closes one's offer; sales that
        were ordered go on."""
        said = call(
            "POST",
            f"/drafts/offers/{part(offer_id)}/closing",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_list_offer(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Lists an offer, as one who may
        operate the asset."""
        said = call("POST", "/drafts/offers", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def list_offer(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Lists an offer, as one who may operate the asset."""
        said = call(
            "POST",
            "/offers",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def offer(self, offer_id: str) -> OfferView:
        """An offer with its whole document; ordering names its hash, which is its id."""
        said = call("GET", f"/offers/{part(offer_id)}")
        found: OfferView = self._client.ask(said)
        return found

    def offers(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Items:
        """Offers in the order of their listing, of one asset where named."""
        said = call("GET", "/offers", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        return self._items(said)

    def offers_csv(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Offers in the order of their listing, of one asset where named."""
        said = call("GET", "/offers.csv", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def offers_parquet(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Offers in the order of their listing, of one asset where named."""
        said = call("GET", "/offers.parquet", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def policies(self) -> Json:
        """The listing policies: what a kind and grade needs to be listed and ordered."""
        said = call("GET", "/policies")
        found: Json = self._client.ask(said)
        return found

    def policies_csv(self) -> bytes:
        """The listing policies: what a kind and grade needs to be listed and ordered."""
        said = call("GET", "/policies.csv")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def policies_parquet(self) -> bytes:
        """The listing policies: what a kind and grade needs to be listed and ordered."""
        said = call("GET", "/policies.parquet")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def set_policy(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Sets what listing and ordering ask for a kind and grade, as governance."""
        said = call(
            "POST",
            "/policies",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found


class Operations(Group):
    """Routes of operations."""

    def operation(self, operation_id: str) -> OperationAnswer:
        """An operation: `queued`, `submitted`, `mined`, then `final` - what it did can be read here - or `failed`,
        with the reason: the contract's own error and its arguments. Every relayed act is one, by its digest. Where
        the service asks who somebody is, another's is not there."""
        said = call("GET", f"/operations/{part(operation_id)}")
        found: OperationAnswer = self._client.ask(said)
        return found


class Payees(Group):
    """Routes of payees."""

    def kept(self, body: Mapping[str, Any]) -> Json:
        """The payee that is kept for a consent, as it was signed: for its subject, who signs a
        `deedbook.payee-request` (version 1) in these ten minutes."""
        said = call("POST", "/payees/kept", body=body, media_type="application/json")
        found: Json = self._client.ask(said)
        return found

    def name_payee(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Takes a signed payee (`deedbook.payee`, version 1), in the place of an earlier one; also after a
        withdrawal. It is kept sealed, and answered masked. The same one again changes nothing."""
        said = call(
            "POST",
            "/payees",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found


class Payloads(Group):
    """Routes of payloads."""

    def erase(self, payload_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Destroys the keys of single records: nobody can open them again. Answers with the destruction receipt.
        What was withdrawn, or has expired, is erased without being asked for."""
        said = call(
            "POST",
            f"/payloads/{part(payload_id)}/erasures",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def payload(self, payload_id: str) -> Json:
        """A payload: how many records there are, how many can still be opened."""
        said = call("GET", f"/payloads/{part(payload_id)}")
        found: Json = self._client.ask(said)
        return found

    def payloads(self) -> Json:
        """What is sealed here."""
        said = call("GET", "/payloads")
        found: Json = self._client.ask(said)
        return found

    def seal(self, asset_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Seals one record per consent, in the order in which the batches will be bound. Each is found by the
        commitment that its person signed; one that nobody signed is refused."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/payloads",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found


class Relayed(Group):
    """Routes of relayed."""

    def relay(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Relays a signed act (`deedbook.forward-request`, version 1), free of charge, when its turn among its
        member's has come. The same one again is the same act, and its digest is its operation."""
        said = call(
            "POST",
            "/relayed",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def relayed(self, digest: str) -> Json:
        """What became of an act, by the digest that its member signed. Where the service asks who somebody is,
        another's is not there."""
        said = call("GET", f"/relayed/{part(digest)}")
        found: Json = self._client.ask(said)
        return found


class Revenue(Group):
    """Routes of revenue."""

    def bank_batch_csv(self, sale_id: str, number: int, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The rows of a bank batch, which hold the accounts: for the bank alone."""
        said = call("GET", f"/sales/{part(sale_id)}/bank-batches/{part(number)}.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def bank_batch_parquet(
        self, sale_id: str, number: int, *, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """The rows of a bank batch, which hold the accounts: for the bank alone."""
        said = call(
            "GET", f"/sales/{part(sale_id)}/bank-batches/{part(number)}.parquet", {"limit": limit, "after": after}
        )
        found: bytes = self._client.ask(said, raw=True)
        return found

    def bounce(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms that payments came back, as a settler; whoever they were for stands on a new list."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/bounces",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def confirm_refund(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms, as a settler, money given back to the buyer of a refunded or a settled sale; people's dues
        stand."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/buyer-refunds",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_bounce(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms that payments came
        back, as a settler; whoever they were for stands on a new list."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/bounces",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_confirm_refund(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms, as a settler, money
        given back to the buyer of a refunded or a settled sale; people's dues stand."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/buyer-refunds",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_pay(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms that the places of a
        list were paid, as a settler; whoever is put off stands on a new one."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/payouts",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_pay_batch(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms a bank batch that was
        made here, as a settler; one that is confirmed already changes nothing."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/bank-batch-payouts",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_settle(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Settles an accepted sale and
        issues its certificate number; anyone may."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/settlement",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def make_bank_batch(self, sale_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Makes the bank batch of the next places of a list: one row for each person with a payee; the others are
        put off by its payout. Until that is on chain, the same batch is answered every time."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/bank-batches",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def pay(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms that the places of a list were paid, as a settler; whoever is put off stands on a new one."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/payouts",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def pay_batch(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms a bank batch that was made here, as a settler; one that is confirmed already changes nothing."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/bank-batch-payouts",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def settle(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Settles an accepted sale and issues its certificate number; anyone may."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/settlement",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def statements_csv(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The statements of all people of a settled sale, one row for each: what is due, what was paid, who waits
        on which list, and the payee, masked, where one was named."""
        said = call("GET", f"/sales/{part(sale_id)}/statements.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def statements_parquet(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The statements of all people of a settled sale, one row for each: what is due, what was paid, who waits
        on which list, and the payee, masked, where one was named."""
        said = call("GET", f"/sales/{part(sale_id)}/statements.parquet", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found


class Sales(Group):
    """Routes of sales."""

    def accept(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Accepts a delivery: the buyer at any time, disputed or not; anyone once the acceptance window is over."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/acceptance",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def cancel(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Cancels an order that is not paid."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/cancellation",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def confirm_payment(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms the buyer's payment, as a settler who is no party."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/payment",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def decide(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Decides a disputed sale, as an arbiter or regulator who is no party."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/decision",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def deliver(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Seals the keys of all live records to the buyer, and commits to the envelope on chain, as the
        provider."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/delivery",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def dispute(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Disputes a delivery as its buyer, within the acceptance window."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/dispute",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def draft_accept(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Accepts a delivery: the buyer
        at any time, disputed or not; anyone once the acceptance window is over."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/acceptance",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_cancel(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Cancels an order that is not
        paid."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/cancellation",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_confirm_payment(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms the buyer's payment,
        as a settler who is no party."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/payment",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_decide(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Decides a disputed sale, as an
        arbiter or regulator who is no party."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/decision",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_deliver(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Seals the keys of all live
        records to the buyer, and commits to the envelope on chain, as the provider."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/delivery",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_dispute(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Disputes a delivery as its
        buyer, within the acceptance window."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/dispute",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_order(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Orders what is offered. The
        contract checks everything in this one transaction."""
        said = call("POST", "/drafts/sales", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = self._client.ask(said)
        return found

    def draft_prepare(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Fixes who is live in this
        block, as the provider; the delivery has to follow within 15 minutes."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/preparation",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def draft_refund(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Gives a sale back, as its
        provider; or takes back, as its buyer, a paid one that can no longer be delivered as it was ordered, or was
        not in 30 days."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/refund",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def order(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Orders what is offered. The contract checks everything in this one transaction."""
        said = call(
            "POST",
            "/sales",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def prepare(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Fixes who is live in this block, as the provider; the delivery has to follow within 15 minutes."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/preparation",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def refund(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Gives a sale back, as its provider; or takes back, as its buyer, a paid one that can no longer be
        delivered as it was ordered, or was not in 30 days."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/refund",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def sale(self, sale_id: str) -> SaleView:
        """A sale with every step, its settlement and payouts."""
        said = call("GET", f"/sales/{part(sale_id)}")
        found: SaleView = self._client.ask(said)
        return found

    def sales(
        self,
        *,
        asset: str | None = None,
        buyer: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Items:
        """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET", "/sales", {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after}
        )
        return self._items(said)

    def sales_csv(
        self,
        *,
        asset: str | None = None,
        buyer: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET", "/sales.csv", {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after}
        )
        found: bytes = self._client.ask(said, raw=True)
        return found

    def sales_parquet(
        self,
        *,
        asset: str | None = None,
        buyer: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET",
            "/sales.parquet",
            {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after},
        )
        found: bytes = self._client.ask(said, raw=True)
        return found


class Service(Group):
    """Routes of service."""

    def health(self) -> Json:
        """The process answers."""
        said = call("GET", "/health")
        found: Json = self._client.ask(said)
        return found

    def livez(self) -> Json:
        """The process answers."""
        said = call("GET", "/livez")
        found: Json = self._client.ask(said)
        return found

    def metrics(self) -> bytes:
        """What this process counted and timed, and how chain, mirror and outbox stand, in Prometheus' text format;
        nothing of a person. 404 where it is answered on a port of its own."""
        said = call("GET", "/metrics")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def ready(self) -> Any:
        """The chain is the right one and the mirror is at its head; 503 with the reason otherwise, and while it
        stops."""
        said = call("GET", "/ready")
        found: Any = self._client.ask(said)
        return found

    def readyz(self) -> Any:
        """The chain is the right one and the mirror is at its head; 503 with the reason otherwise, and while it
        stops."""
        said = call("GET", "/readyz")
        found: Any = self._client.ask(said)
        return found

    def status(self) -> Json:
        """Heads, lag, counts, journals, contracts."""
        said = call("GET", "/status")
        found: Json = self._client.ask(said)
        return found


class Session(Group):
    """Routes of session."""

    def nonce(self, body: Mapping[str, Any]) -> Json:
        """What a sign-in message (EIP-4361) of now has to say: `domain`, `uri`, `chainId`, `nonce` (good for ten
        minutes, once), `issuedAt`. The body is `{}`, or `{"address": "0x..."}` for the whole message as well."""
        said = call("POST", "/session/nonce", body=body, media_type="application/json", repeatable=False)
        found: Json = self._client.ask(said)
        return found

    def sign_in(self, body: Mapping[str, Any]) -> Json:
        """Begins a session: `{"message": ..., "signature": "0x..."}`, the message as it was signed
        (`personal_sign`), by the account's key or the contract that it is (ERC-1271). Answers with the token, shown
        this once, and sets it as a cookie for the service's own pages. `urn:deedbook:scope:NAME` among the
        resources narrows the session to NAME."""
        said = call("POST", "/session", body=body, media_type="application/json", repeatable=False)
        found: Json = self._client.ask(said)
        return found

    def sign_out(self) -> None:
        """Ends the session whose token or cookie this request carries. A key stays good: it is revoked where it was
        made."""
        said = call("DELETE", "/session", repeatable=False)
        self._client.ask(said)


class Statements(Group):
    """Routes of statements."""

    def statement(self, consent_id: str) -> Json:
        """The statement of one consent, for the person who signed it: where the service asks who somebody is,
        everybody else is told that it is not there."""
        said = call("GET", f"/statements/{part(consent_id)}")
        found: Json = self._client.ask(said)
        return found


class Usage(Group):
    """Routes of usage."""

    def draft_report(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Reports a period of use: the
        contract checks both statements, the term and the quota, and meters it."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/usage",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = self._client.ask(said)
        return found

    def report(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Reports a period of use: the contract checks both statements, the term and the quota, and meters it."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/usage",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = self._client.ask(said)
        return found

    def usage(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> Items:
        """How much of its quota a sale has used, and the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage", {"limit": limit, "after": after})
        return self._items(said)

    def usage_csv(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """How much of its quota a sale has used, and the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage.csv", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found

    def usage_parquet(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """How much of its quota a sale has used, and the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage.parquet", {"limit": limit, "after": after})
        found: bytes = self._client.ask(said, raw=True)
        return found


class Webhooks(Group):
    """Routes of webhooks."""

    def add(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Tells a URL of events. The body is `{"url"}` and, where wished, `wanted` (`contracts`, `events`,
        `entities`, `final`), `from` (`now`, which is meant where nothing is said, or a block's number) and `secret`
        (`whsec_...`). The answer shows the secret that signs: this once."""
        said = call(
            "POST",
            "/webhooks",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def dead(self, hook_id: str, *, limit: int | None = None, after: int | None = None) -> Items:
        """A page of the letters that nobody took, in their order, behind number `after`."""
        said = call("GET", f"/webhooks/{part(hook_id)}/dead", {"limit": limit, "after": after})
        return self._items(said)

    def enable(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Tells one that was disabled again, from where it stood, or, with `{"from"}`, from a block or `now` on:
        also one that was not, which then hears events again."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/enable",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def remove(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Tells it nothing more, and forgets what waits for it. The body is `{}`."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/remove",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def replay(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Sends a dead letter again, by its `number`, or all of them; under the ids that they have."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/replay",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def rotate(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """A new secret, or the `secret` of the body; the former one signs beside it for `overlap` seconds (a day).
        The answer shows it: this once."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/rotate",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def send_test(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Sends something that is no event (`deedbook.test`), now and once, and says what became of it. The body is
        `{}`."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/test",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def webhook(self, hook_id: str) -> Json:
        """One webhook."""
        said = call("GET", f"/webhooks/{part(hook_id)}")
        found: Json = self._client.ask(said)
        return found

    def webhooks(self) -> Json:
        """Every webhook: where, what, how far; no secret, and of a URL no query."""
        said = call("GET", "/webhooks")
        found: Json = self._client.ask(said)
        return found


class Routes:
    """All nouns."""

    def __init__(self, client: Asking) -> None:
        self.alerts = Alerts(client)
        self.anchors = Anchors(client)
        self.assets = Assets(client)
        self.attestations = Attestations(client)
        self.batches = Batches(client)
        self.cases = Cases(client)
        self.chain = Chain(client)
        self.commitments = Commitments(client)
        self.complaints = Complaints(client)
        self.consents = Consents(client)
        self.deliveries = Deliveries(client)
        self.deployment = Deployment(client)
        self.documents = Documents(client)
        self.drafts = Drafts(client)
        self.events = Events(client)
        self.evidence = Evidence(client)
        self.me = Me(client)
        self.members = Members(client)
        self.offers = Offers(client)
        self.operations = Operations(client)
        self.payees = Payees(client)
        self.payloads = Payloads(client)
        self.relayed = Relayed(client)
        self.revenue = Revenue(client)
        self.sales = Sales(client)
        self.service = Service(client)
        self.session = Session(client)
        self.statements = Statements(client)
        self.usage = Usage(client)
        self.webhooks = Webhooks(client)


class AsyncAlerts(AsyncGroup):
    """Routes of alerts."""

    def alerts(self, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """Alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts", {"limit": limit, "after": after})
        return self._items(said)

    async def alerts_csv(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def alerts_parquet(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts.parquet", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncAnchors(AsyncGroup):
    """Routes of anchors."""

    async def anchor(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Anchors one's own log as it is now; the service does so by itself, by its size and age."""
        said = call(
            "POST",
            "/anchors/checkpoints",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def append(self, exchange: str, content: bytes) -> bytes:
        """Takes entries into the exchange's log: NDJSON, any JSON value a line, at most 10,000 of them. Answers
        with a signed receipt for each (`deedbook.log-receipt`, version 1), one a line in the same order, once all
        of them are on disk. An entry is its content: the same one again has the same receipt. Where a line is
        refused, none is kept."""
        said = call("POST", f"/anchors/{part(exchange)}/entries", body=content, media_type="application/x-ndjson")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def checkpoint(self, exchange: str) -> bytes:
        """The last checkpoint on chain as a note that the exchange signs."""
        said = call("GET", f"/anchors/{part(exchange)}/log/checkpoint")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    def checkpoints(self, exchange: str, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """The checkpoints of an exchange, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}", {"limit": limit, "after": after})
        return self._items(said)

    async def checkpoints_csv(self, exchange: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The checkpoints of an exchange, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def checkpoints_parquet(self, exchange: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The checkpoints of an exchange, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}.parquet", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def extension(self, exchange: str, *, former: int, size: int | None = None) -> Json:
        """That the log of the last checkpoint, or of `size` entries, goes on from its first `former`
        (`deedbook.log-extension`, version 1)."""
        said = call("GET", f"/anchors/{part(exchange)}/extension", {"former": former, "size": size})
        found: Json = await self._client.ask(said)
        return found

    async def log(self, exchange: str) -> Json:
        """How the log stands: entries, how many of them are anchored, since when others wait."""
        said = call("GET", f"/anchors/{part(exchange)}/log")
        found: Json = await self._client.ask(said)
        return found

    async def proof(
        self, exchange: str, *, index: int | None = None, leaf: str | None = None, size: int | None = None
    ) -> Json:
        """That an entry, by `index` or by `leaf` (its leaf hash), stands in the log as of the last checkpoint, or
        of the one of `size` (`deedbook.log-proof`, version 1): it ends in a transaction on chain. 404 before the
        next one."""
        said = call("GET", f"/anchors/{part(exchange)}/proof", {"index": index, "leaf": leaf, "size": size})
        found: Json = await self._client.ask(said)
        return found

    async def receipt(self, exchange: str, index: int) -> Json:
        """The receipt of an entry again."""
        said = call("GET", f"/anchors/{part(exchange)}/entries/{part(index)}")
        found: Json = await self._client.ask(said)
        return found

    async def tile(self, exchange: str, path: str) -> bytes:
        """A tile, `LEVEL/N` or `LEVEL/N.p/WIDTH`: up to 256 hashes of 32 bytes. What the entries are is not kept
        here."""
        said = call("GET", f"/anchors/{part(exchange)}/log/tile/{rest(path)}")
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncAssets(AsyncGroup):
    """Routes of assets."""

    async def anchor(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Anchors all consents that wait for this asset as one batch. The body is `{}`, or `{"salt": "0x..."}` for
        an asset that is not registered yet."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/batches",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def asset(self, asset_id: str) -> AssetView:
        """An asset with its versions, their basis and attestations, its holds and transfers."""
        said = call("GET", f"/assets/{part(asset_id)}")
        found: AssetView = await self._client.ask(said)
        return found

    def assets(self, *, holder: str | None = None, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """Assets by identifier, of one holder where named."""
        said = call("GET", "/assets", {"holder": holder, "limit": limit, "after": after})
        return self._items(said)

    async def assets_csv(
        self, *, holder: str | None = None, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """Assets by identifier, of one holder where named."""
        said = call("GET", "/assets.csv", {"holder": holder, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def assets_parquet(
        self, *, holder: str | None = None, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """Assets by identifier, of one holder where named."""
        said = call("GET", "/assets.parquet", {"holder": holder, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    def batches_of(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """The consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches", {"limit": limit, "after": after})
        return self._items(said)

    async def batches_of_csv(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def batches_of_parquet(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches.parquet", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def bind(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Gives a version its legal basis: one record per consent, in the order of the batches' ids."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/bindings",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def cancel(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Cancels an asset for ever. Withdrawals go on."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/cancellation",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def change(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Changes the level and the source statement of an asset. The grade stays: whatever was derived relies on
        it."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/changes",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_anchor_elsewhere(
        self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None
    ) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Anchors all consents that wait
        for this asset as one batch, as their collector. The batch is kept when it is relayed: whoever withdraws
        before is not in it, and then it is drafted again."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/batches",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_bind(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Gives a version its legal
        basis: one record per consent, in the order of the batches' ids."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/bindings",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_cancel(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Cancels an asset for ever.
        Withdrawals go on."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/cancellation",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_change(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Changes the level and the
        source statement of an asset. The grade stays: whatever was derived relies on it."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/changes",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_end_right(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Ends a right, as its grantor,
        its grantee or the asset's holder; what was granted from it ends too."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/rights/end",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_grant_right(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Grants a right in an asset to a
        provider: a licence to process it, or to operate it."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/rights",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_publish(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Publishes the next version of
        an asset; the former is superseded."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/versions",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_register(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Registers an asset, with its
        first version where there is one."""
        said = call("POST", "/drafts/assets", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def draft_transfer(self, asset_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Hands an asset over to another
        member; every right granted in it ends."""
        said = call(
            "POST",
            f"/drafts/assets/{part(asset_id)}/transfer",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def end_right(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends a right, as its grantor, its grantee or the asset's holder; what was granted from it ends too."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/rights/end",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    def flow(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """The sales of an asset and of everything derived from it, in the order in which they were ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow", {"limit": limit, "after": after})
        return self._items(said)

    async def flow_csv(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The sales of an asset and of everything derived from it, in the order in which they were ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def flow_parquet(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The sales of an asset and of everything derived from it, in the order in which they were ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow.parquet", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def grant_right(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Grants a right in an asset to a provider: a licence to process it, or to operate it."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/rights",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    def lineage(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> AsyncItems:
        """What an asset was derived from, or (`down=true`) what was derived from it; the nearest first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage", {"down": down, "limit": limit, "after": after})
        return self._items(said)

    async def lineage_csv(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """What an asset was derived from, or (`down=true`) what was derived from it; the nearest first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage.csv", {"down": down, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def lineage_parquet(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """What an asset was derived from, or (`down=true`) what was derived from it; the nearest first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage.parquet", {"down": down, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def publish(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Publishes the next version of an asset; the former is superseded."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/versions",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def register(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Registers an asset, with its first version where there is one."""
        said = call(
            "POST",
            "/assets",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def rights(self, asset_id: str) -> Json:
        """The rights in an asset that were granted, and which of them stand; by account and right."""
        said = call("GET", f"/assets/{part(asset_id)}/rights")
        found: Json = await self._client.ask(said)
        return found

    async def rights_csv(self, asset_id: str) -> bytes:
        """The rights in an asset that were granted, and which of them stand; by account and right."""
        said = call("GET", f"/assets/{part(asset_id)}/rights.csv")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def rights_parquet(self, asset_id: str) -> bytes:
        """The rights in an asset that were granted, and which of them stand; by account and right."""
        said = call("GET", f"/assets/{part(asset_id)}/rights.parquet")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def transfer(
        self,
        asset_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Hands an asset over to another member; every right granted in it ends."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/transfer",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def version(self, asset_id: str, number: int) -> VersionView:
        """One version of an asset."""
        said = call("GET", f"/assets/{part(asset_id)}/versions/{part(number)}")
        found: VersionView = await self._client.ask(said)
        return found


class AsyncAttestations(AsyncGroup):
    """Routes of attestations."""

    async def attest(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """States something about a target; one statement of a kind stands at a time."""
        said = call(
            "POST",
            "/attestations",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def attestations(self, *, target: str) -> Json:
        """What was stated about a target, by kind and attester: a version key, batch, offer or sale in hex,
        `asset:ID` or `member:ACCOUNT`."""
        said = call("GET", "/attestations", {"target": target})
        found: Json = await self._client.ask(said)
        return found

    async def attestations_csv(self, *, target: str) -> bytes:
        """What was stated about a target, by kind and attester: a version key, batch, offer or sale in hex,
        `asset:ID` or `member:ACCOUNT`."""
        said = call("GET", "/attestations.csv", {"target": target})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def attestations_parquet(self, *, target: str) -> bytes:
        """What was stated about a target, by kind and attester: a version key, batch, offer or sale in hex,
        `asset:ID` or `member:ACCOUNT`."""
        said = call("GET", "/attestations.parquet", {"target": target})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def correct(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Replaces one's standing statement by a new one."""
        said = call(
            "POST",
            "/attestations/corrections",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_attest(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: States something about a
        target; one statement of a kind stands at a time."""
        said = call("POST", "/drafts/attestations", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def draft_correct(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Replaces one's standing
        statement by a new one."""
        said = call(
            "POST", "/drafts/attestations/corrections", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_withdraw(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Withdraws one's standing
        statement."""
        said = call(
            "POST", "/drafts/attestations/withdrawals", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = await self._client.ask(said)
        return found

    async def withdraw(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Withdraws one's standing statement."""
        said = call(
            "POST",
            "/attestations/withdrawals",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found


class AsyncBatches(AsyncGroup):
    """Routes of batches."""

    async def batch(self, batch_id: str) -> BatchView:
        """A batch: its terms, root and count, how many of its consents live, where it is bound, what was stated of
        it."""
        said = call("GET", f"/batches/{part(batch_id)}")
        found: BatchView = await self._client.ask(said)
        return found

    async def carry_withdrawal(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Carries a withdrawal over to another leaf of the same consent, and so ends that one too; anyone may."""
        said = call(
            "POST",
            "/batches/carried-withdrawals",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def challenge(
        self,
        batch_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Shows a consent of a batch that grants less than the batch states, and so ends it; anyone may."""
        said = call(
            "POST",
            f"/batches/{part(batch_id)}/challenges",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def check(self, batch_id: str) -> Json:
        """Checks every consent of a batch as its auditor does - signer, sentence, terms, uniqueness, count, root -
        and answers with the report (`deedbook.report`, version 1)."""
        said = call("GET", f"/batches/{part(batch_id)}/check")
        found: Json = await self._client.ask(said)
        return found

    async def consents(self, batch_id: str) -> bytes:
        """The signed consents of a batch that was made here, in leaf order, one a line: what its manifest commits
        to. They are private: for auditors, regulators and the operator alone, and every read is noted."""
        said = call("GET", f"/batches/{part(batch_id)}/consents")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def draft_carry_withdrawal(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Carries a withdrawal over to
        another leaf of the same consent, and so ends that one too; anyone may."""
        said = call(
            "POST",
            "/drafts/batches/carried-withdrawals",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_challenge(self, batch_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Shows a consent of a batch that
        grants less than the batch states, and so ends it; anyone may."""
        said = call(
            "POST",
            f"/drafts/batches/{part(batch_id)}/challenges",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_strike(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Shows a consent, or a person,
        that stands twice in a binding, and so ends the later one; anyone may."""
        said = call("POST", "/drafts/batches/strikes", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def strike(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Shows a consent, or a person, that stands twice in a binding, and so ends the later one; anyone may."""
        said = call(
            "POST",
            "/batches/strikes",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found


class AsyncCases(AsyncGroup):
    """Routes of cases."""

    async def case(self, case_id: str) -> CaseView:
        """A case: by whom it was opened and why, and what was decided."""
        said = call("GET", f"/cases/{part(case_id)}")
        found: CaseView = await self._client.ask(said)
        return found

    def cases(self, *, target: str, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """The cases about a target, oldest first."""
        said = call("GET", "/cases", {"target": target, "limit": limit, "after": after})
        return self._items(said)

    async def cases_csv(self, *, target: str, limit: int | None = None, after: str | None = None) -> bytes:
        """The cases about a target, oldest first."""
        said = call("GET", "/cases.csv", {"target": target, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def cases_parquet(self, *, target: str, limit: int | None = None, after: str | None = None) -> bytes:
        """The cases about a target, oldest first."""
        said = call("GET", "/cases.parquet", {"target": target, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def decide(
        self,
        case_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Decides an open case, as an arbiter or regulator; nobody decides a case of their own."""
        said = call(
            "POST",
            f"/cases/{part(case_id)}/decision",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_decide(self, case_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Decides an open case, as an
        arbiter or regulator; nobody decides a case of their own."""
        said = call(
            "POST",
            f"/drafts/cases/{part(case_id)}/decision",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_hold(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Holds a target, as an arbiter
        or regulator: no listing, order, delivery, transfer or payout until released. It never stops a
        withdrawal."""
        said = call("POST", "/drafts/holds", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def draft_open_case(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Opens a case about a target."""
        said = call("POST", "/drafts/cases", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def draft_release(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Ends one's own hold."""
        said = call("POST", "/drafts/holds/release", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def draft_release_for(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Ends the hold of a holder who
        can no longer end it, as a regulator."""
        said = call(
            "POST", "/drafts/holds/release-for", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = await self._client.ask(said)
        return found

    async def hold(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Holds a target, as an arbiter or regulator: no listing, order, delivery, transfer or payout until
        released. It never stops a withdrawal."""
        said = call(
            "POST",
            "/holds",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def holds(self, *, target: str) -> Json:
        """The holds that there are or were on a target, by holder."""
        said = call("GET", "/holds", {"target": target})
        found: Json = await self._client.ask(said)
        return found

    async def holds_csv(self, *, target: str) -> bytes:
        """The holds that there are or were on a target, by holder."""
        said = call("GET", "/holds.csv", {"target": target})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def holds_parquet(self, *, target: str) -> bytes:
        """The holds that there are or were on a target, by holder."""
        said = call("GET", "/holds.parquet", {"target": target})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def open_case(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Opens a case about a target."""
        said = call(
            "POST",
            "/cases",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def release(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends one's own hold."""
        said = call(
            "POST",
            "/holds/release",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def release_for(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends the hold of a holder who can no longer end it, as a regulator."""
        said = call(
            "POST",
            "/holds/release-for",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found


class AsyncChain(AsyncGroup):
    """Routes of chain."""

    async def rpc(self, body: Mapping[str, Any]) -> bytes:
        """One JSON-RPC 2.0 request or a batch. Refuses what a web page could send across origins."""
        said = call("POST", "/rpc", body=body, media_type="application/json", repeatable=False)
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncCommitments(AsyncGroup):
    """Routes of commitments."""

    async def asset_ids(self, body: Mapping[str, Any]) -> Json:
        """Which id an asset will have, before it is registered: consents name it."""
        said = call("POST", "/commitments/asset-ids", body=body, media_type="application/json")
        found: Json = await self._client.ask(said)
        return found

    async def identities(self, body: Mapping[str, Any]) -> Json:
        """The commitment to a legal identity, as a member is admitted under it. Keep the salt: it opens the
        commitment."""
        said = call("POST", "/commitments/identities", body=body, media_type="application/json")
        found: Json = await self._client.ask(said)
        return found

    async def records(self, body: Mapping[str, Any]) -> Json:
        """The commitment to a person's record, as a consent names it. Keep the salt: the record is sealed with
        it."""
        said = call("POST", "/commitments/records", body=body, media_type="application/json")
        found: Json = await self._client.ask(said)
        return found


class AsyncComplaints(AsyncGroup):
    """Routes of complaints."""

    def complaints(self, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """A page of the complaints, the newest first: each (`deedbook.complaint`, version 1) with its id, which is
        the `document` of a case that is opened about it (`POST /cases`), the asset, and the cases that there
        are."""
        said = call("GET", "/complaints", {"limit": limit, "after": after})
        return self._items(said)


class AsyncConsents(AsyncGroup):
    """Routes of consents."""

    async def apply_mark(
        self,
        consent_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Applies the proof to a consent that was withdrawn by receipt: its leaf ends, the asset's orders go on,
        and the record's key is destroyed."""
        said = call(
            "POST",
            f"/consents/{part(consent_id)}/mark",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def collect(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Takes a signed consent (`deedbook.consent`, version 1) and answers with the collector's signed receipt.
        Where the service asks who somebody is, its subject or its controller hands it in."""
        said = call(
            "POST",
            "/consents",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def collect_all(self, asset_id: str, content: bytes) -> bytes:
        """Takes signed consents of an asset, all or none: NDJSON, one a line, some thousands of them. Answers with
        their receipts, one a line in the same order. The same consent again has the same receipt."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/consents",
            body=content,
            media_type="application/x-ndjson",
            repeatable=False,
        )
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def consent(self, consent_id: str) -> Json:
        """Where an anchored consent stands: batch, index, whether it still counts."""
        said = call("GET", f"/consents/{part(consent_id)}")
        found: Json = await self._client.ask(said)
        return found

    async def dismiss_mark(
        self,
        consent_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """States, as an auditor who is no party, that no bound batch holds a consent that was withdrawn by
        receipt."""
        said = call(
            "POST",
            f"/consents/{part(consent_id)}/mark/dismissal",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_apply_mark(self, consent_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Applies the proof to a consent
        that was withdrawn by receipt: its leaf ends, the asset's orders go on, and the record's key is
        destroyed."""
        said = call(
            "POST",
            f"/drafts/consents/{part(consent_id)}/mark",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_dismiss_mark(
        self, consent_id: str, body: Mapping[str, Any], *, deadline: int | None = None
    ) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: States, as an auditor who is no
        party, that no bound batch holds a consent that was withdrawn by receipt."""
        said = call(
            "POST",
            f"/drafts/consents/{part(consent_id)}/mark/dismissal",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_grant(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Grants one consent on chain, a
        batch of one: the contract itself checks the person's signature (also of a contract wallet, ERC-1271)."""
        said = call("POST", "/drafts/consents/grants", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def draft_release(self, consent_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Gives up one consent for ever,
        as its collector: for a person who lost the key."""
        said = call(
            "POST",
            f"/drafts/consents/{part(consent_id)}/release",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_withdraw_by_receipt(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Withdraws by the collector's
        receipt, where no proof can be had: the asset's orders and deliveries stop until somebody applies the
        mark."""
        said = call(
            "POST", "/drafts/withdrawals/by-receipt", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = await self._client.ask(said)
        return found

    async def grant(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Grants one consent on chain, a batch of one: the contract itself checks the person's signature (also of a
        contract wallet, ERC-1271)."""
        said = call(
            "POST",
            "/consents/grants",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def proof(self, consent_id: str) -> Json:
        """The proof that an anchored consent is in its batch: with the person's signature, all that a withdrawal
        needs."""
        said = call("GET", f"/consents/{part(consent_id)}/proof")
        found: Json = await self._client.ask(said)
        return found

    async def receipt(self, consent_id: str) -> Json:
        """The receipt that the person was given (ISO/IEC TS 27560 form), again."""
        said = call("GET", f"/consents/{part(consent_id)}/receipt")
        found: Json = await self._client.ask(said)
        return found

    async def release(
        self,
        consent_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Gives up one consent for ever, as its collector: for a person who lost the key."""
        said = call(
            "POST",
            f"/consents/{part(consent_id)}/release",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def withdraw(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Relays a signed withdrawal (`deedbook.withdrawal`, version 1), free of charge, and destroys the record's
        key. A consent that is in no batch yet is withdrawn at once (201): there is nothing to relay."""
        said = call(
            "POST",
            "/withdrawals",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def withdraw_by_receipt(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Withdraws by the collector's receipt, where no proof can be had: the asset's orders and deliveries stop
        until somebody applies the mark."""
        said = call(
            "POST",
            "/withdrawals/by-receipt",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found


class AsyncDeliveries(AsyncGroup):
    """Routes of deliveries."""

    async def delivery(self, sale_id: str) -> Json:
        """The envelope of a delivery that stands (docs/formats.md), its cover, and what both are of."""
        said = call("GET", f"/sales/{part(sale_id)}/delivery")
        found: Json = await self._client.ask(said)
        return found

    async def records(self, sale_id: str) -> bytes:
        """The records of the delivered version, one a line in their order: `index`, `consentId`, `recordCommit`,
        the `hash` of the sealed unit, and the `unit` itself of those that were delivered. One that was delivered
        and whose consent ended since may be `erased`: then nobody has its unit any more, and the others open
        without it."""
        said = call("GET", f"/sales/{part(sale_id)}/records")
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncDeployment(AsyncGroup):
    """Routes of deployment."""

    async def close(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Announces the end, as governance, for ever: in a week new assets, offers and orders stop; withdrawals,
        deliveries, refunds, payouts and reads go on."""
        said = call(
            "POST",
            "/deployment/closing",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def deployment(self) -> DeploymentView:
        """The contracts, the deployment that they follow, and when nothing new begins in them any more."""
        said = call("GET", "/deployment")
        found: DeploymentView = await self._client.ask(said)
        return found


class AsyncDocuments(AsyncGroup):
    """Routes of documents."""

    async def document(self, digest: str) -> bytes:
        """A document as it was hashed; never run, never framed."""
        said = call("GET", f"/documents/{part(digest)}")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def publish(
        self,
        content: bytes,
        *,
        kind: Literal["notice", "descriptor", "source", "report", "terms", "policy", "receipt", "document"]
        | None = None,
        check: bool | None = None,
        media_type: Literal["application/json", "text/plain", "application/pdf", "application/octet-stream"],
    ) -> Json:
        """Makes a document public, as the bytes that it is; acts name it by its SHA-256. A `notice`
        (`deedbook.notice`) or a `descriptor` (`deedbook.descriptor`) is kept in its canonical form. The same one
        again is the same document. With `check` it is looked at and answered the same way, and not kept."""
        said = call(
            "POST", "/documents", {"kind": kind, "check": check}, body=content, media_type=media_type, repeatable=False
        )
        found: Json = await self._client.ask(said)
        return found


class AsyncDrafts(AsyncGroup):
    """Routes of drafts."""

    async def consent(self, body: Mapping[str, Any]) -> Draft:
        """Drafts a consent: the sentence is the published notice's. Keep `recordSalt`: the record is sealed with
        it."""
        said = call("POST", "/drafts/consents", body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def payee(self, body: Mapping[str, Any]) -> Draft:
        """Drafts where the money of a consent goes; the latest one counts."""
        said = call("POST", "/drafts/payees", body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def payee_request(self, body: Mapping[str, Any]) -> Draft:
        """Drafts the question which payee is kept of a consent; good for ten minutes."""
        said = call("POST", "/drafts/payee-requests", body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def usage_report(self, body: Mapping[str, Any]) -> Draft:
        """Drafts the report of a period of use, for provider and gateway each; both signed documents go to the
        sale."""
        said = call("POST", "/drafts/usage-reports", body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def withdrawal(self, body: Mapping[str, Any]) -> Draft:
        """Drafts a withdrawal. It is free, needs no reason, and cannot be undone."""
        said = call("POST", "/drafts/withdrawals", body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found


class AsyncEvents(AsyncGroup):
    """Routes of events."""

    def events(
        self,
        *,
        contract: Sequence[str] | None = None,
        event: Sequence[str] | None = None,
        entity: Sequence[str] | None = None,
        final: bool | None = None,
        after: str | None = None,
        from_: str | None = None,
        limit: int | None = None,
        last_event_id: str | None = None,
    ) -> AsyncItems:
        """Events (`deedbook.event`, version 1) in the order of the chain, and what forks took back, from a place
        on: by `contract`, `event` and `entity` (32 bytes, or an account), each any number of times; `final=true`
        leaves out what can still change. With `Accept: text/event-stream` it is a stream of Server-Sent Events that
        goes on; otherwise a page, whose `after` is where the next one begins, also where there is no `more` now."""
        said = call(
            "GET",
            "/events",
            {
                "contract": contract,
                "event": event,
                "entity": entity,
                "final": final,
                "after": after,
                "from": from_,
                "limit": limit,
            },
            headers={"Last-Event-ID": last_event_id},
        )
        return self._items(said)


class AsyncEvidence(AsyncGroup):
    """Routes of evidence."""

    async def bundle(self, sale_id: str, *, public: bool | None = None) -> Json:
        """The whole evidence of a sale in one file (`deedbook.bundle`); `public` leaves out the signed consents, as
        a sale of over 100,000 has to. Where the service asks who somebody is: for the sale's parties, auditors and
        regulators."""
        said = call("GET", f"/sales/{part(sale_id)}/bundle", {"public": public})
        found: Json = await self._client.ask(said)
        return found

    async def own_evidence(self, sale_id: str, consent_id: str) -> Json:
        """What a person needs to check the own statement of a sale without this exchange: for that person alone."""
        said = call("GET", f"/sales/{part(sale_id)}/evidence/{part(consent_id)}")
        found: Json = await self._client.ask(said)
        return found

    async def trust(self) -> Json:
        """A trust as this exchange has it (`deedbook.trust`): an auditor compares it with another member's before
        relying on it."""
        said = call("GET", "/trust")
        found: Json = await self._client.ask(said)
        return found

    async def verify(self, body: Mapping[str, Any]) -> Json:
        """The report on a bundle by a trust, as `deedbook audit verify` gives it. Nothing is kept. Whoever does not
        trust this exchange runs that command elsewhere."""
        said = call("POST", "/verifications", body=body, media_type="application/json")
        found: Json = await self._client.ask(said)
        return found


class AsyncMe(AsyncGroup):
    """Routes of me."""

    async def complain(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Keeps a complaint, sealed, for arbiters, regulators and the operator: who opens a case about it puts its
        id, a salted hash, on chain, and nothing else of it."""
        said = call(
            "POST",
            "/me/complaints",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def complaints(self) -> Json:
        """The complaints of who asks, and the cases that were opened about them."""
        said = call("GET", "/me/complaints")
        found: Json = await self._client.ask(said)
        return found

    async def consents(self) -> Json:
        """The consents of who asks: where each stands, and whether it still counts."""
        said = call("GET", "/me/consents")
        found: Json = await self._client.ask(said)
        return found

    async def me(self) -> Json:
        """Who asks, as the service sees it: by what `means`, for which account, with which scopes, and which roles
        that account has on chain. `open`: nobody is asked here."""
        said = call("GET", "/me")
        found: Json = await self._client.ask(said)
        return found

    def orders(self, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """A page of the orders that cover a record of who asks, oldest first, from the order's own block on: by
        whom - the buyer's legal name, where the commitment on chain opens to it - for what, and how far it has
        come."""
        said = call("GET", "/me/orders", {"limit": limit, "after": after})
        return self._items(said)


class AsyncMembers(AsyncGroup):
    """Routes of members."""

    async def admit(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Admits a member, as governance."""
        said = call(
            "POST",
            "/members",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def change(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Changes a member's roles, licences, validity or jurisdiction, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/changes",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_register_key(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Registers the key that
        deliveries to a member are sealed to, as that member. Its private half is the member's, and never comes
        here; the public one is handed over by `POST /members/{account}/public-key` afterwards."""
        said = call(
            "POST", "/drafts/members/encryption-keys", {"deadline": deadline}, body=body, media_type="application/json"
        )
        found: Draft = await self._client.ask(said)
        return found

    async def expel(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Expels a member for ever, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/expulsion",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def keep_key(self, account: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Keeps the public key that a member registered on chain, so that deliveries can be sealed to it."""
        said = call(
            "POST",
            f"/members/{part(account)}/public-key",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def member(self, account: str) -> MemberView:
        """One member: roles, licences, validity, and which key deliveries are sealed to."""
        said = call("GET", f"/members/{part(account)}")
        found: MemberView = await self._client.ask(said)
        return found

    def members(self, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """Members by account."""
        said = call("GET", "/members", {"limit": limit, "after": after})
        return self._items(said)

    async def members_csv(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Members by account."""
        said = call("GET", "/members.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def members_parquet(self, *, limit: int | None = None, after: str | None = None) -> bytes:
        """Members by account."""
        said = call("GET", "/members.parquet", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def register_key(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Registers the key that deliveries to a member are sealed to, as that member. Its private half is the
        member's, and never comes here; the public one is handed over by `POST /members/{account}/public-key`
        afterwards."""
        said = call(
            "POST",
            "/members/encryption-keys",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def reinstate(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Ends a member's suspension, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/reinstatement",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def statement(self, account: str) -> ProviderView:
        """A provider's statement: assets, offers, sales by state, the money by currency."""
        said = call("GET", f"/members/{part(account)}/statement")
        found: ProviderView = await self._client.ask(said)
        return found

    async def suspend(
        self,
        account: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Suspends a member at once, as governance."""
        said = call(
            "POST",
            f"/members/{part(account)}/suspension",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found


class AsyncOffers(AsyncGroup):
    """Routes of offers."""

    async def close(
        self,
        offer_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Closes one's offer; sales that were ordered go on."""
        said = call(
            "POST",
            f"/offers/{part(offer_id)}/closing",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_close(self, offer_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Closes one's offer; sales that
        were ordered go on."""
        said = call(
            "POST",
            f"/drafts/offers/{part(offer_id)}/closing",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_list_offer(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Lists an offer, as one who may
        operate the asset."""
        said = call("POST", "/drafts/offers", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def list_offer(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Lists an offer, as one who may operate the asset."""
        said = call(
            "POST",
            "/offers",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def offer(self, offer_id: str) -> OfferView:
        """An offer with its whole document; ordering names its hash, which is its id."""
        said = call("GET", f"/offers/{part(offer_id)}")
        found: OfferView = await self._client.ask(said)
        return found

    def offers(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> AsyncItems:
        """Offers in the order of their listing, of one asset where named."""
        said = call("GET", "/offers", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        return self._items(said)

    async def offers_csv(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Offers in the order of their listing, of one asset where named."""
        said = call("GET", "/offers.csv", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def offers_parquet(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Offers in the order of their listing, of one asset where named."""
        said = call("GET", "/offers.parquet", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def policies(self) -> Json:
        """The listing policies: what a kind and grade needs to be listed and ordered."""
        said = call("GET", "/policies")
        found: Json = await self._client.ask(said)
        return found

    async def policies_csv(self) -> bytes:
        """The listing policies: what a kind and grade needs to be listed and ordered."""
        said = call("GET", "/policies.csv")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def policies_parquet(self) -> bytes:
        """The listing policies: what a kind and grade needs to be listed and ordered."""
        said = call("GET", "/policies.parquet")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def set_policy(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Sets what listing and ordering ask for a kind and grade, as governance."""
        said = call(
            "POST",
            "/policies",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found


class AsyncOperations(AsyncGroup):
    """Routes of operations."""

    async def operation(self, operation_id: str) -> OperationAnswer:
        """An operation: `queued`, `submitted`, `mined`, then `final` - what it did can be read here - or `failed`,
        with the reason: the contract's own error and its arguments. Every relayed act is one, by its digest. Where
        the service asks who somebody is, another's is not there."""
        said = call("GET", f"/operations/{part(operation_id)}")
        found: OperationAnswer = await self._client.ask(said)
        return found


class AsyncPayees(AsyncGroup):
    """Routes of payees."""

    async def kept(self, body: Mapping[str, Any]) -> Json:
        """The payee that is kept for a consent, as it was signed: for its subject, who signs a
        `deedbook.payee-request` (version 1) in these ten minutes."""
        said = call("POST", "/payees/kept", body=body, media_type="application/json")
        found: Json = await self._client.ask(said)
        return found

    async def name_payee(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Takes a signed payee (`deedbook.payee`, version 1), in the place of an earlier one; also after a
        withdrawal. It is kept sealed, and answered masked. The same one again changes nothing."""
        said = call(
            "POST",
            "/payees",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found


class AsyncPayloads(AsyncGroup):
    """Routes of payloads."""

    async def erase(self, payload_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Destroys the keys of single records: nobody can open them again. Answers with the destruction receipt.
        What was withdrawn, or has expired, is erased without being asked for."""
        said = call(
            "POST",
            f"/payloads/{part(payload_id)}/erasures",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def payload(self, payload_id: str) -> Json:
        """A payload: how many records there are, how many can still be opened."""
        said = call("GET", f"/payloads/{part(payload_id)}")
        found: Json = await self._client.ask(said)
        return found

    async def payloads(self) -> Json:
        """What is sealed here."""
        said = call("GET", "/payloads")
        found: Json = await self._client.ask(said)
        return found

    async def seal(self, asset_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Seals one record per consent, in the order in which the batches will be bound. Each is found by the
        commitment that its person signed; one that nobody signed is refused."""
        said = call(
            "POST",
            f"/assets/{part(asset_id)}/payloads",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found


class AsyncRelayed(AsyncGroup):
    """Routes of relayed."""

    async def relay(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Relays a signed act (`deedbook.forward-request`, version 1), free of charge, when its turn among its
        member's has come. The same one again is the same act, and its digest is its operation."""
        said = call(
            "POST",
            "/relayed",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def relayed(self, digest: str) -> Json:
        """What became of an act, by the digest that its member signed. Where the service asks who somebody is,
        another's is not there."""
        said = call("GET", f"/relayed/{part(digest)}")
        found: Json = await self._client.ask(said)
        return found


class AsyncRevenue(AsyncGroup):
    """Routes of revenue."""

    async def bank_batch_csv(
        self, sale_id: str, number: int, *, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """The rows of a bank batch, which hold the accounts: for the bank alone."""
        said = call("GET", f"/sales/{part(sale_id)}/bank-batches/{part(number)}.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def bank_batch_parquet(
        self, sale_id: str, number: int, *, limit: int | None = None, after: str | None = None
    ) -> bytes:
        """The rows of a bank batch, which hold the accounts: for the bank alone."""
        said = call(
            "GET", f"/sales/{part(sale_id)}/bank-batches/{part(number)}.parquet", {"limit": limit, "after": after}
        )
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def bounce(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms that payments came back, as a settler; whoever they were for stands on a new list."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/bounces",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def confirm_refund(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms, as a settler, money given back to the buyer of a refunded or a settled sale; people's dues
        stand."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/buyer-refunds",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_bounce(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms that payments came
        back, as a settler; whoever they were for stands on a new list."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/bounces",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_confirm_refund(
        self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None
    ) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms, as a settler, money
        given back to the buyer of a refunded or a settled sale; people's dues stand."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/buyer-refunds",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_pay(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms that the places of a
        list were paid, as a settler; whoever is put off stands on a new one."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/payouts",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_pay_batch(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms a bank batch that was
        made here, as a settler; one that is confirmed already changes nothing."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/bank-batch-payouts",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_settle(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Settles an accepted sale and
        issues its certificate number; anyone may."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/settlement",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def make_bank_batch(self, sale_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Makes the bank batch of the next places of a list: one row for each person with a payee; the others are
        put off by its payout. Until that is on chain, the same batch is answered every time."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/bank-batches",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def pay(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms that the places of a list were paid, as a settler; whoever is put off stands on a new one."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/payouts",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def pay_batch(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms a bank batch that was made here, as a settler; one that is confirmed already changes nothing."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/bank-batch-payouts",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def settle(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Settles an accepted sale and issues its certificate number; anyone may."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/settlement",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def statements_csv(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The statements of all people of a settled sale, one row for each: what is due, what was paid, who waits
        on which list, and the payee, masked, where one was named."""
        said = call("GET", f"/sales/{part(sale_id)}/statements.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def statements_parquet(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """The statements of all people of a settled sale, one row for each: what is due, what was paid, who waits
        on which list, and the payee, masked, where one was named."""
        said = call("GET", f"/sales/{part(sale_id)}/statements.parquet", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncSales(AsyncGroup):
    """Routes of sales."""

    async def accept(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Accepts a delivery: the buyer at any time, disputed or not; anyone once the acceptance window is over."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/acceptance",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def cancel(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Cancels an order that is not paid."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/cancellation",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def confirm_payment(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Confirms the buyer's payment, as a settler who is no party."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/payment",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def decide(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Decides a disputed sale, as an arbiter or regulator who is no party."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/decision",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def deliver(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Seals the keys of all live records to the buyer, and commits to the envelope on chain, as the
        provider."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/delivery",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def dispute(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Disputes a delivery as its buyer, within the acceptance window."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/dispute",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def draft_accept(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Accepts a delivery: the buyer
        at any time, disputed or not; anyone once the acceptance window is over."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/acceptance",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_cancel(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Cancels an order that is not
        paid."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/cancellation",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_confirm_payment(
        self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None
    ) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Confirms the buyer's payment,
        as a settler who is no party."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/payment",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_decide(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Decides a disputed sale, as an
        arbiter or regulator who is no party."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/decision",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_deliver(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Seals the keys of all live
        records to the buyer, and commits to the envelope on chain, as the provider."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/delivery",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_dispute(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Disputes a delivery as its
        buyer, within the acceptance window."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/dispute",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_order(self, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Orders what is offered. The
        contract checks everything in this one transaction."""
        said = call("POST", "/drafts/sales", {"deadline": deadline}, body=body, media_type="application/json")
        found: Draft = await self._client.ask(said)
        return found

    async def draft_prepare(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Fixes who is live in this
        block, as the provider; the delivery has to follow within 15 minutes."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/preparation",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def draft_refund(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Gives a sale back, as its
        provider; or takes back, as its buyer, a paid one that can no longer be delivered as it was ordered, or was
        not in 30 days."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/refund",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def order(
        self,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Orders what is offered. The contract checks everything in this one transaction."""
        said = call(
            "POST",
            "/sales",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def prepare(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Fixes who is live in this block, as the provider; the delivery has to follow within 15 minutes."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/preparation",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def refund(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Gives a sale back, as its provider; or takes back, as its buyer, a paid one that can no longer be
        delivered as it was ordered, or was not in 30 days."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/refund",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    async def sale(self, sale_id: str) -> SaleView:
        """A sale with every step, its settlement and payouts."""
        said = call("GET", f"/sales/{part(sale_id)}")
        found: SaleView = await self._client.ask(said)
        return found

    def sales(
        self,
        *,
        asset: str | None = None,
        buyer: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> AsyncItems:
        """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET", "/sales", {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after}
        )
        return self._items(said)

    async def sales_csv(
        self,
        *,
        asset: str | None = None,
        buyer: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET", "/sales.csv", {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after}
        )
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def sales_parquet(
        self,
        *,
        asset: str | None = None,
        buyer: str | None = None,
        provider: str | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> bytes:
        """Sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET",
            "/sales.parquet",
            {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after},
        )
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncService(AsyncGroup):
    """Routes of service."""

    async def health(self) -> Json:
        """The process answers."""
        said = call("GET", "/health")
        found: Json = await self._client.ask(said)
        return found

    async def livez(self) -> Json:
        """The process answers."""
        said = call("GET", "/livez")
        found: Json = await self._client.ask(said)
        return found

    async def metrics(self) -> bytes:
        """What this process counted and timed, and how chain, mirror and outbox stand, in Prometheus' text format;
        nothing of a person. 404 where it is answered on a port of its own."""
        said = call("GET", "/metrics")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def ready(self) -> Any:
        """The chain is the right one and the mirror is at its head; 503 with the reason otherwise, and while it
        stops."""
        said = call("GET", "/ready")
        found: Any = await self._client.ask(said)
        return found

    async def readyz(self) -> Any:
        """The chain is the right one and the mirror is at its head; 503 with the reason otherwise, and while it
        stops."""
        said = call("GET", "/readyz")
        found: Any = await self._client.ask(said)
        return found

    async def status(self) -> Json:
        """Heads, lag, counts, journals, contracts."""
        said = call("GET", "/status")
        found: Json = await self._client.ask(said)
        return found


class AsyncSession(AsyncGroup):
    """Routes of session."""

    async def nonce(self, body: Mapping[str, Any]) -> Json:
        """What a sign-in message (EIP-4361) of now has to say: `domain`, `uri`, `chainId`, `nonce` (good for ten
        minutes, once), `issuedAt`. The body is `{}`, or `{"address": "0x..."}` for the whole message as well."""
        said = call("POST", "/session/nonce", body=body, media_type="application/json", repeatable=False)
        found: Json = await self._client.ask(said)
        return found

    async def sign_in(self, body: Mapping[str, Any]) -> Json:
        """Begins a session: `{"message": ..., "signature": "0x..."}`, the message as it was signed
        (`personal_sign`), by the account's key or the contract that it is (ERC-1271). Answers with the token, shown
        this once, and sets it as a cookie for the service's own pages. `urn:deedbook:scope:NAME` among the
        resources narrows the session to NAME."""
        said = call("POST", "/session", body=body, media_type="application/json", repeatable=False)
        found: Json = await self._client.ask(said)
        return found

    async def sign_out(self) -> None:
        """Ends the session whose token or cookie this request carries. A key stays good: it is revoked where it was
        made."""
        said = call("DELETE", "/session", repeatable=False)
        await self._client.ask(said)


class AsyncStatements(AsyncGroup):
    """Routes of statements."""

    async def statement(self, consent_id: str) -> Json:
        """The statement of one consent, for the person who signed it: where the service asks who somebody is,
        everybody else is told that it is not there."""
        said = call("GET", f"/statements/{part(consent_id)}")
        found: Json = await self._client.ask(said)
        return found


class AsyncUsage(AsyncGroup):
    """Routes of usage."""

    async def draft_report(self, sale_id: str, body: Mapping[str, Any], *, deadline: int | None = None) -> Draft:
        """Drafts this act for an account whose key is elsewhere, and sends nothing: Reports a period of use: the
        contract checks both statements, the term and the quota, and meters it."""
        said = call(
            "POST",
            f"/drafts/sales/{part(sale_id)}/usage",
            {"deadline": deadline},
            body=body,
            media_type="application/json",
        )
        found: Draft = await self._client.ask(said)
        return found

    async def report(
        self,
        sale_id: str,
        body: Mapping[str, Any],
        *,
        wait: Literal["final"] | None = None,
        timeout: int | None = None,
        key: str | None = None,
    ) -> OperationAnswer | Json:
        """Reports a period of use: the contract checks both statements, the term and the quota, and meters it."""
        said = call(
            "POST",
            f"/sales/{part(sale_id)}/usage",
            {"wait": wait, "timeout": timeout},
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: OperationAnswer | Json = await self._client.ask(said)
        return found

    def usage(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """How much of its quota a sale has used, and the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage", {"limit": limit, "after": after})
        return self._items(said)

    async def usage_csv(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """How much of its quota a sale has used, and the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage.csv", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def usage_parquet(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> bytes:
        """How much of its quota a sale has used, and the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage.parquet", {"limit": limit, "after": after})
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncWebhooks(AsyncGroup):
    """Routes of webhooks."""

    async def add(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Tells a URL of events. The body is `{"url"}` and, where wished, `wanted` (`contracts`, `events`,
        `entities`, `final`), `from` (`now`, which is meant where nothing is said, or a block's number) and `secret`
        (`whsec_...`). The answer shows the secret that signs: this once."""
        said = call(
            "POST",
            "/webhooks",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    def dead(self, hook_id: str, *, limit: int | None = None, after: int | None = None) -> AsyncItems:
        """A page of the letters that nobody took, in their order, behind number `after`."""
        said = call("GET", f"/webhooks/{part(hook_id)}/dead", {"limit": limit, "after": after})
        return self._items(said)

    async def enable(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Tells one that was disabled again, from where it stood, or, with `{"from"}`, from a block or `now` on:
        also one that was not, which then hears events again."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/enable",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def remove(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Tells it nothing more, and forgets what waits for it. The body is `{}`."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/remove",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def replay(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Sends a dead letter again, by its `number`, or all of them; under the ids that they have."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/replay",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def rotate(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """A new secret, or the `secret` of the body; the former one signs beside it for `overlap` seconds (a day).
        The answer shows it: this once."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/rotate",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def send_test(self, hook_id: str, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Sends something that is no event (`deedbook.test`), now and once, and says what became of it. The body is
        `{}`."""
        said = call(
            "POST",
            f"/webhooks/{part(hook_id)}/test",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def webhook(self, hook_id: str) -> Json:
        """One webhook."""
        said = call("GET", f"/webhooks/{part(hook_id)}")
        found: Json = await self._client.ask(said)
        return found

    async def webhooks(self) -> Json:
        """Every webhook: where, what, how far; no secret, and of a URL no query."""
        said = call("GET", "/webhooks")
        found: Json = await self._client.ask(said)
        return found


class AsyncRoutes:
    """All nouns."""

    def __init__(self, client: AsyncAsking) -> None:
        self.alerts = AsyncAlerts(client)
        self.anchors = AsyncAnchors(client)
        self.assets = AsyncAssets(client)
        self.attestations = AsyncAttestations(client)
        self.batches = AsyncBatches(client)
        self.cases = AsyncCases(client)
        self.chain = AsyncChain(client)
        self.commitments = AsyncCommitments(client)
        self.complaints = AsyncComplaints(client)
        self.consents = AsyncConsents(client)
        self.deliveries = AsyncDeliveries(client)
        self.deployment = AsyncDeployment(client)
        self.documents = AsyncDocuments(client)
        self.drafts = AsyncDrafts(client)
        self.events = AsyncEvents(client)
        self.evidence = AsyncEvidence(client)
        self.me = AsyncMe(client)
        self.members = AsyncMembers(client)
        self.offers = AsyncOffers(client)
        self.operations = AsyncOperations(client)
        self.payees = AsyncPayees(client)
        self.payloads = AsyncPayloads(client)
        self.relayed = AsyncRelayed(client)
        self.revenue = AsyncRevenue(client)
        self.sales = AsyncSales(client)
        self.service = AsyncService(client)
        self.session = AsyncSession(client)
        self.statements = AsyncStatements(client)
        self.usage = AsyncUsage(client)
        self.webhooks = AsyncWebhooks(client)
