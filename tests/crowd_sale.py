"""One settled sale of as many people as a test wants: batches, withdrawals and the split by numbers, on a scripted
chain, with the private records of who they are.

The chain does what `Revenue` does with a payout or a bounce, and refuses what it refuses: `ScriptedRevenue`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import insert

from deedbook.bootstrap.payments import Payments
from deedbook.domain.consents import ConsentDomain
from deedbook.domain.hashing import ZERO32, sha256
from deedbook.domain.keytree import Cover, cover_all_but, delivered_count, encode_cover
from deedbook.domain.money import Shares, settle
from deedbook.domain.payees import Payee, PayeeKind, SignedPayee
from deedbook.domain.sales import Split
from deedbook.mirror.follower import Follower
from deedbook.mirror.store import Mirror
from deedbook.queries import sales
from deedbook.queries.sales import SaleView
from deedbook.records.deliveries import DeliveryRecord
from deedbook.records.payees import BankBatch
from deedbook.records.schema import batches, consents
from deedbook.records.store import Records
from tests import ledger_story as story
from tests.scripted_chain import Call, ScriptedChain, decode

DOMAIN = ConsentDomain(31337, bytes(20))
SPLIT = Split(story.EXCHANGE, 500, 2500, 7000)
AT_ONCE = 10_000


@dataclass
class CrowdSale:
    """A sale to `counts` people in as many batches, without the `gone`; `price` and `carry_in` in minor units."""

    chain: ScriptedChain
    mirror: Mirror
    records: Records
    counts: Sequence[int]
    cover: Cover
    shares: Shares
    paid_up_to: dict[int, int] = field(default_factory=lambda: {0: 0})
    length: dict[int, int] = field(default_factory=dict)
    taken_off: dict[int, int] = field(default_factory=lambda: {0: 0})
    receipts: int = 0

    @classmethod
    def made(
        cls,
        records: Records,
        mirror_url: str,
        counts: Sequence[int],
        *,
        gone: frozenset[int] = frozenset(),
        price: int = 1_000_000,
        carry_in: int = 0,
    ) -> CrowdSale:
        """Ordered, delivered, settled; its mirror at the head."""
        cover = cover_all_but(sum(counts), gone)
        shares = settle(price, carry_in, SPLIT, delivered_count(cover), has_pool=True)
        chain = ScriptedChain()
        for calls in (_bound(counts), story.ordered(story.SALE, shares.delivered_count)):
            chain.mine(*calls)
        chain.mine(*story.delivered(story.SALE, cover))
        chain.mine(_settled(price, carry_in, shares))
        for number, count in enumerate(counts):
            _keep(records, number, count)
        records.deliveries.add(DeliveryRecord(story.SALE, b"envelope" + encode_cover(cover), encode_cover(cover), 1))
        made = cls(chain, Mirror.open(mirror_url, chain.chain), records, counts, cover, shares)
        made.length[0] = shares.delivered_count
        made.follow()
        return made

    @property
    def payments(self) -> Payments:
        return Payments(self.mirror, self.records, lambda: 1_800_000_000)

    @property
    def sale(self) -> SaleView:
        return sales.sale(self.mirror, story.SALE)

    def follow(self) -> None:
        Follower(self.chain, self.mirror, decode).follow()

    def name(self, ordinal_consent: bytes, at: int = 1) -> None:
        """Names a payee for a consent, whose account says whose it is."""
        account = ordinal_consent.hex()[:30]
        payee = Payee(ordinal_consent, PayeeKind.BANK_ACCOUNT, "a bank", account, "a person", at)
        self.records.payees.add_payee(SignedPayee(DOMAIN, payee, bytes(20), bytes(65)), at=at)

    # -- what Revenue does

    def confirm(self, batch: BankBatch) -> None:
        """The payout of a bank batch, as the contract judges it."""
        of, heads = batch.list, batch.end - batch.first - batch.deferred_count
        assert batch.first == self.paid_up_to[of] < batch.end <= self.length[of]
        assert 0 <= batch.deferred_count <= batch.end - batch.first
        assert (batch.deferred_root == ZERO32) == (batch.deferred_count == 0)
        assert batch.total == heads * self.shares.per_head
        self.paid_up_to[of] = batch.end
        self.taken_off[of] += batch.deferred_count
        calls = []
        if batch.deferred_count:
            calls.append(self._opened(batch.deferred_root, batch.deferred_count, of, batch.first, batch.end))
        args: dict[str, Any] = {"saleId": story.SALE, "settler": story.SETTLER, "receiptHash": self._receipt()}
        args |= {"from": batch.first, "to": batch.end, "total": batch.total, "currency": b"CNY"}
        name = "DeferredPayoutConfirmed" if of else "PayoutConfirmed"
        calls.append(("Revenue", name, args | ({"list": of} if of else {})))
        self.chain.mine(*calls)
        self.follow()

    def bounce(self, of: int, places: Sequence[int]) -> int:
        """Payments of a list come back; what they were, in minor units."""
        self.taken_off[of] += len(places)
        assert self.taken_off[of] <= self.paid_up_to[of]
        root = self.records.deferred.put(places, at=1)
        total = len(places) * self.shares.per_head
        args: dict[str, Any] = {"saleId": story.SALE, "settler": story.SETTLER, "receiptHash": self._receipt()}
        args |= {"list": of, "count": len(places), "total": total, "currency": b"CNY"}
        opened = self._opened(root, len(places), of, 0, self.paid_up_to[of])
        self.chain.mine(opened, ("Revenue", "PaymentsBounced", args))
        self.follow()
        return total

    def _opened(self, root: bytes, count: int, parent: int, first: int, end: int) -> Call:
        number = len(self.length)
        self.length[number], self.paid_up_to[number], self.taken_off[number] = count, 0, 0
        args: dict[str, Any] = {"saleId": story.SALE, "list": number, "root": root, "count": count}
        return ("Revenue", "OrdinalsDeferred", {**args, "parent": parent, "from": first, "to": end})

    def _receipt(self) -> bytes:
        self.receipts += 1
        return sha256(b"bank receipt" + self.receipts.to_bytes(4, "big"))


def batch_of(number: int) -> bytes:
    return sha256(b"batch" + number.to_bytes(4, "big"))


def consent_at(number: int, index: int) -> bytes:
    """The consentId at an index of a batch."""
    return sha256(b"consent" + number.to_bytes(4, "big") + index.to_bytes(4, "big"))


def _bound(counts: Sequence[int]) -> list[Call]:
    calls, offset = [*story.members(), *story.registered()], 0
    for number, count in enumerate(counts):
        batch = {"batchId": batch_of(number), "assetId": story.ASSET, "collector": story.PROVIDER, "count": count}
        more = {"root": sha256(b"root"), "terms": story.TERMS, "manifestHash": sha256(b"manifest")}
        calls.append(("Consents", "BatchGranted", {**batch, **more}))
        place = {"assetId": story.ASSET, "version": 1, "batchId": batch_of(number), "offset": offset, "count": count}
        calls.append(("Consents", "BatchBound", {**place, "withdrawn": 0, "auditor": story.AUDITOR}))
        offset += count
    closed = {"assetId": story.ASSET, "version": 1, "recordCount": offset, "live": offset}
    return [*calls, ("Consents", "BindingClosed", closed), *story.listed()]


def _settled(price: int, carry_in: int, shares: Shares) -> Call:
    args: dict[str, Any] = {"saleId": story.SALE, "assetId": story.ASSET, "certificate": 1, "currency": b"CNY"}
    args |= {"price": price, "carryIn": carry_in, "exchangeShare": shares.exchange, "providerShare": shares.provider}
    args |= {"intermediaryShares": shares.intermediaries, "perHead": shares.per_head, "carryOut": shares.carry_out}
    return ("Revenue", "SaleSettled", {**args, "deliveredCount": shares.delivered_count})


def _keep(records: Records, number: int, count: int) -> None:
    """The rows that say who the leaves of a batch are; nobody opens these consents."""
    batch = {"batch_id": batch_of(number), "position": number + 1, "asset_id": story.ASSET.to_bytes(32, "big")}
    batch |= {"root": sha256(b"root"), "count": count, "terms": "{}", "manifest": sha256(b"manifest")}
    row = {"asset_id": batch["asset_id"], "subject": bytes(20), "state": "anchored", "batch_id": batch["batch_id"]}
    row |= {"collected_at": 1, "valid_until": 2**40}
    with records.database.writing() as connection:
        connection.execute(insert(batches), batch)
        for first in range(0, count, AT_ONCE):
            some = range(first, min(count, first + AT_ONCE))
            rows = [row | {"consent_id": consent_at(number, at), "leaf_index": at} for at in some]
            connection.execute(insert(consents), rows)
