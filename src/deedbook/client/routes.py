"""The routes of the service as methods. Written by `python -m tools.client --write`; do not edit.

client.sales.sale("0x...")                                      one record, its JSON
for sale in client.sales.sales(buyer="0x..."): ...              all records, page by page
client.consents.withdraw(signed, wait="final")                  a write, under a key of its own
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from deedbook.client.groups import Asking, AsyncAsking, AsyncGroup, Group, call, part, rest
from deedbook.client.paging import AsyncItems, Items

Json = dict[str, Any]


IntentState = Literal["queued", "submitted", "mined", "final", "failed"]


OperationKind = Literal["batch", "withdrawal", "relayed"]


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


class Reason(TypedDict, total=False):
    """Why an operation failed: the code of an error, and where a contract refused its own error with its
    arguments."""

    code: str
    message: str
    about: str
    contract: str
    error: str
    arguments: Json


class Alerts(Group):
    """Routes of alerts."""

    def alerts(self, *, limit: int | None = None, after: str | None = None) -> Items:
        """A page of alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts", {"limit": limit, "after": after})
        return self._items(said)


class Anchors(Group):
    """Routes of anchors."""

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
        """A page of an exchange's checkpoints, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}", {"limit": limit, "after": after})
        return self._items(said)

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

    def asset(self, asset_id: str) -> Json:
        """An asset with its versions, their basis and attestations, its holds and transfers."""
        said = call("GET", f"/assets/{part(asset_id)}")
        found: Json = self._client.ask(said)
        return found

    def assets(self, *, limit: int | None = None, after: str | None = None) -> Items:
        """A page of assets."""
        said = call("GET", "/assets", {"limit": limit, "after": after})
        return self._items(said)

    def batches_of(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> Items:
        """A page of the consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches", {"limit": limit, "after": after})
        return self._items(said)

    def flow(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> Items:
        """A page of the sales of an asset and of everything derived from it, in the order in which they were
        ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow", {"limit": limit, "after": after})
        return self._items(said)

    def lineage(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> Items:
        """A page of what an asset was derived from, or (`down=true`) of what was derived from it; the nearest
        first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage", {"down": down, "limit": limit, "after": after})
        return self._items(said)

    def version(self, asset_id: str, number: int) -> Json:
        """One version of an asset."""
        said = call("GET", f"/assets/{part(asset_id)}/versions/{part(number)}")
        found: Json = self._client.ask(said)
        return found


class Chain(Group):
    """Routes of chain."""

    def rpc(self, body: Mapping[str, Any]) -> bytes:
        """One JSON-RPC 2.0 request or a batch. Refuses what a web page could send across origins."""
        said = call("POST", "/rpc", body=body, media_type="application/json", repeatable=False)
        found: bytes = self._client.ask(said, raw=True)
        return found


class Consents(Group):
    """Routes of consents."""

    def collect(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Takes a signed consent (`deedbook.consent`, version 1) and answers with the collector's signed
        receipt."""
        said = call(
            "POST",
            "/consents",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = self._client.ask(said)
        return found

    def consent(self, consent_id: str) -> Json:
        """Where an anchored consent stands: batch, index, whether it still counts."""
        said = call("GET", f"/consents/{part(consent_id)}")
        found: Json = self._client.ask(said)
        return found

    def proof(self, consent_id: str) -> Json:
        """The proof that an anchored consent is in its batch: with the person's signature, all that a withdrawal
        needs."""
        said = call("GET", f"/consents/{part(consent_id)}/proof")
        found: Json = self._client.ask(said)
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


class Deployment(Group):
    """Routes of deployment."""

    def deployment(self) -> Json:
        """The contracts, the deployment that they follow, and when nothing new begins in them any more."""
        said = call("GET", "/deployment")
        found: Json = self._client.ask(said)
        return found


class Documents(Group):
    """Routes of documents."""

    def document(self, digest: str) -> bytes:
        """A document as it was hashed; never run, never framed."""
        said = call("GET", f"/documents/{part(digest)}")
        found: bytes = self._client.ask(said, raw=True)
        return found


class Members(Group):
    """Routes of members."""

    def members(self, *, limit: int | None = None, after: str | None = None) -> Items:
        """A page of members by account."""
        said = call("GET", "/members", {"limit": limit, "after": after})
        return self._items(said)

    def statement(self, account: str) -> Json:
        """A provider's statement: assets, offers, sales by state, the money by currency."""
        said = call("GET", f"/members/{part(account)}/statement")
        found: Json = self._client.ask(said)
        return found


class Offers(Group):
    """Routes of offers."""

    def offer(self, offer_id: str) -> Json:
        """An offer with its whole document; ordering names its hash, which is its id."""
        said = call("GET", f"/offers/{part(offer_id)}")
        found: Json = self._client.ask(said)
        return found

    def offers(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> Items:
        """A page of offers, of one asset where named."""
        said = call("GET", "/offers", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        return self._items(said)


class Operations(Group):
    """Routes of operations."""

    def operation(self, operation_id: str) -> OperationAnswer:
        """An operation: `queued`, `submitted`, `mined`, then `final` - what it did can be read here - or `failed`,
        with the reason: the contract's own error and its arguments. Every relayed act is one, by its digest."""
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
        """What became of an act, by the digest that its member signed."""
        said = call("GET", f"/relayed/{part(digest)}")
        found: Json = self._client.ask(said)
        return found


class Sales(Group):
    """Routes of sales."""

    def sale(self, sale_id: str) -> Json:
        """A sale with every step, its settlement and payouts."""
        said = call("GET", f"/sales/{part(sale_id)}")
        found: Json = self._client.ask(said)
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
        """A page of sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET", "/sales", {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after}
        )
        return self._items(said)


class Service(Group):
    """Routes of service."""

    def health(self) -> Json:
        """The process answers."""
        said = call("GET", "/health")
        found: Json = self._client.ask(said)
        return found

    def metrics(self) -> bytes:
        """Gauges in Prometheus' text format: heads and counts, nothing of a person."""
        said = call("GET", "/metrics")
        found: bytes = self._client.ask(said, raw=True)
        return found

    def ready(self) -> Any:
        """The chain is the right one and the mirror is at its head; 503 with the reason otherwise."""
        said = call("GET", "/ready")
        found: Any = self._client.ask(said)
        return found

    def status(self) -> Json:
        """Heads, lag, counts, journals, contracts."""
        said = call("GET", "/status")
        found: Json = self._client.ask(said)
        return found


class Statements(Group):
    """Routes of statements."""

    def statement(self, consent_id: str) -> Json:
        """The statement of one consent, by its id, which only the person and the collector know to be whose it
        is."""
        said = call("GET", f"/statements/{part(consent_id)}")
        found: Json = self._client.ask(said)
        return found


class Usage(Group):
    """Routes of usage."""

    def usage(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> Items:
        """How much of its quota a sale has used, and a page of the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage", {"limit": limit, "after": after})
        return self._items(said)


class Routes:
    """All nouns."""

    def __init__(self, client: Asking) -> None:
        self.alerts = Alerts(client)
        self.anchors = Anchors(client)
        self.assets = Assets(client)
        self.chain = Chain(client)
        self.consents = Consents(client)
        self.deployment = Deployment(client)
        self.documents = Documents(client)
        self.members = Members(client)
        self.offers = Offers(client)
        self.operations = Operations(client)
        self.payees = Payees(client)
        self.relayed = Relayed(client)
        self.sales = Sales(client)
        self.service = Service(client)
        self.statements = Statements(client)
        self.usage = Usage(client)


class AsyncAlerts(AsyncGroup):
    """Routes of alerts."""

    def alerts(self, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """A page of alerts, the worst first: withdrawals, attestations about to end, quotas near, volumes."""
        said = call("GET", "/alerts", {"limit": limit, "after": after})
        return self._items(said)


class AsyncAnchors(AsyncGroup):
    """Routes of anchors."""

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
        """A page of an exchange's checkpoints, oldest first."""
        said = call("GET", f"/anchors/{part(exchange)}", {"limit": limit, "after": after})
        return self._items(said)

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

    async def asset(self, asset_id: str) -> Json:
        """An asset with its versions, their basis and attestations, its holds and transfers."""
        said = call("GET", f"/assets/{part(asset_id)}")
        found: Json = await self._client.ask(said)
        return found

    def assets(self, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """A page of assets."""
        said = call("GET", "/assets", {"limit": limit, "after": after})
        return self._items(said)

    def batches_of(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """A page of the consent batches of an asset, oldest first."""
        said = call("GET", f"/assets/{part(asset_id)}/batches", {"limit": limit, "after": after})
        return self._items(said)

    def flow(self, asset_id: str, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """A page of the sales of an asset and of everything derived from it, in the order in which they were
        ordered."""
        said = call("GET", f"/assets/{part(asset_id)}/flow", {"limit": limit, "after": after})
        return self._items(said)

    def lineage(
        self, asset_id: str, *, down: bool | None = None, limit: int | None = None, after: str | None = None
    ) -> AsyncItems:
        """A page of what an asset was derived from, or (`down=true`) of what was derived from it; the nearest
        first."""
        said = call("GET", f"/assets/{part(asset_id)}/lineage", {"down": down, "limit": limit, "after": after})
        return self._items(said)

    async def version(self, asset_id: str, number: int) -> Json:
        """One version of an asset."""
        said = call("GET", f"/assets/{part(asset_id)}/versions/{part(number)}")
        found: Json = await self._client.ask(said)
        return found


class AsyncChain(AsyncGroup):
    """Routes of chain."""

    async def rpc(self, body: Mapping[str, Any]) -> bytes:
        """One JSON-RPC 2.0 request or a batch. Refuses what a web page could send across origins."""
        said = call("POST", "/rpc", body=body, media_type="application/json", repeatable=False)
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncConsents(AsyncGroup):
    """Routes of consents."""

    async def collect(self, body: Mapping[str, Any], *, key: str | None = None) -> Json:
        """Takes a signed consent (`deedbook.consent`, version 1) and answers with the collector's signed
        receipt."""
        said = call(
            "POST",
            "/consents",
            headers={"Idempotency-Key": self._client.key() if key is None else key},
            body=body,
            media_type="application/json",
        )
        found: Json = await self._client.ask(said)
        return found

    async def consent(self, consent_id: str) -> Json:
        """Where an anchored consent stands: batch, index, whether it still counts."""
        said = call("GET", f"/consents/{part(consent_id)}")
        found: Json = await self._client.ask(said)
        return found

    async def proof(self, consent_id: str) -> Json:
        """The proof that an anchored consent is in its batch: with the person's signature, all that a withdrawal
        needs."""
        said = call("GET", f"/consents/{part(consent_id)}/proof")
        found: Json = await self._client.ask(said)
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


class AsyncDeployment(AsyncGroup):
    """Routes of deployment."""

    async def deployment(self) -> Json:
        """The contracts, the deployment that they follow, and when nothing new begins in them any more."""
        said = call("GET", "/deployment")
        found: Json = await self._client.ask(said)
        return found


class AsyncDocuments(AsyncGroup):
    """Routes of documents."""

    async def document(self, digest: str) -> bytes:
        """A document as it was hashed; never run, never framed."""
        said = call("GET", f"/documents/{part(digest)}")
        found: bytes = await self._client.ask(said, raw=True)
        return found


class AsyncMembers(AsyncGroup):
    """Routes of members."""

    def members(self, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """A page of members by account."""
        said = call("GET", "/members", {"limit": limit, "after": after})
        return self._items(said)

    async def statement(self, account: str) -> Json:
        """A provider's statement: assets, offers, sales by state, the money by currency."""
        said = call("GET", f"/members/{part(account)}/statement")
        found: Json = await self._client.ask(said)
        return found


class AsyncOffers(AsyncGroup):
    """Routes of offers."""

    async def offer(self, offer_id: str) -> Json:
        """An offer with its whole document; ordering names its hash, which is its id."""
        said = call("GET", f"/offers/{part(offer_id)}")
        found: Json = await self._client.ask(said)
        return found

    def offers(
        self,
        *,
        asset: str | None = None,
        only_open: bool | None = None,
        limit: int | None = None,
        after: str | None = None,
    ) -> AsyncItems:
        """A page of offers, of one asset where named."""
        said = call("GET", "/offers", {"asset": asset, "only_open": only_open, "limit": limit, "after": after})
        return self._items(said)


class AsyncOperations(AsyncGroup):
    """Routes of operations."""

    async def operation(self, operation_id: str) -> OperationAnswer:
        """An operation: `queued`, `submitted`, `mined`, then `final` - what it did can be read here - or `failed`,
        with the reason: the contract's own error and its arguments. Every relayed act is one, by its digest."""
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
        """What became of an act, by the digest that its member signed."""
        said = call("GET", f"/relayed/{part(digest)}")
        found: Json = await self._client.ask(said)
        return found


class AsyncSales(AsyncGroup):
    """Routes of sales."""

    async def sale(self, sale_id: str) -> Json:
        """A sale with every step, its settlement and payouts."""
        said = call("GET", f"/sales/{part(sale_id)}")
        found: Json = await self._client.ask(said)
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
        """A page of sales in the order in which they were ordered, of one asset, buyer or provider where named."""
        said = call(
            "GET", "/sales", {"asset": asset, "buyer": buyer, "provider": provider, "limit": limit, "after": after}
        )
        return self._items(said)


class AsyncService(AsyncGroup):
    """Routes of service."""

    async def health(self) -> Json:
        """The process answers."""
        said = call("GET", "/health")
        found: Json = await self._client.ask(said)
        return found

    async def metrics(self) -> bytes:
        """Gauges in Prometheus' text format: heads and counts, nothing of a person."""
        said = call("GET", "/metrics")
        found: bytes = await self._client.ask(said, raw=True)
        return found

    async def ready(self) -> Any:
        """The chain is the right one and the mirror is at its head; 503 with the reason otherwise."""
        said = call("GET", "/ready")
        found: Any = await self._client.ask(said)
        return found

    async def status(self) -> Json:
        """Heads, lag, counts, journals, contracts."""
        said = call("GET", "/status")
        found: Json = await self._client.ask(said)
        return found


class AsyncStatements(AsyncGroup):
    """Routes of statements."""

    async def statement(self, consent_id: str) -> Json:
        """The statement of one consent, by its id, which only the person and the collector know to be whose it
        is."""
        said = call("GET", f"/statements/{part(consent_id)}")
        found: Json = await self._client.ask(said)
        return found


class AsyncUsage(AsyncGroup):
    """Routes of usage."""

    def usage(self, sale_id: str, *, limit: int | None = None, after: str | None = None) -> AsyncItems:
        """How much of its quota a sale has used, and a page of the periods that were reported."""
        said = call("GET", f"/sales/{part(sale_id)}/usage", {"limit": limit, "after": after})
        return self._items(said)


class AsyncRoutes:
    """All nouns."""

    def __init__(self, client: AsyncAsking) -> None:
        self.alerts = AsyncAlerts(client)
        self.anchors = AsyncAnchors(client)
        self.assets = AsyncAssets(client)
        self.chain = AsyncChain(client)
        self.consents = AsyncConsents(client)
        self.deployment = AsyncDeployment(client)
        self.documents = AsyncDocuments(client)
        self.members = AsyncMembers(client)
        self.offers = AsyncOffers(client)
        self.operations = AsyncOperations(client)
        self.payees = AsyncPayees(client)
        self.relayed = AsyncRelayed(client)
        self.sales = AsyncSales(client)
        self.service = AsyncService(client)
        self.statements = AsyncStatements(client)
        self.usage = AsyncUsage(client)
