"""What an act takes of a home, while it is made: see `api.acting.Hand`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deedbook.bootstrap import selling
from deedbook.chain.transactions import Signer
from deedbook.domain.batches import Batch
from deedbook.domain.hashing import to_hex
from deedbook.domain.revenue import list_root
from deedbook.domain.sales import Offer, Ordered
from deedbook.errors import InvalidInput, MissingKey
from deedbook.ledger.acting import Acting
from deedbook.ledger.anchors import Logs
from deedbook.ledger.consents import Consents
from deedbook.mirror.store import Mirror
from deedbook.queries.consents import batch, batches_of
from deedbook.queries.sales import SaleView
from deedbook.queries.views import MOST_ROWS, every
from deedbook.records.payees import BankBatch

if TYPE_CHECKING:
    from deedbook.bootstrap.services import Services


@dataclass(frozen=True)
class Elsewhere:
    """A `Signer` whose key is in another wallet."""

    address: bytes

    def sign_digest(self, digest: bytes) -> bytes:
        """Raises MissingKey."""
        hint = "draft the act, and sign it there"
        raise MissingKey("the account's key is in another wallet", hint=hint, digest=to_hex(digest))


@dataclass
class HandOf:
    """Implements `api.acting.Hand` over the services of a home."""

    services: Services
    acting: Acting
    me: Signer
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def mirror(self) -> Mirror:
        """The public copy of the chain."""
        return self.services.mirror

    @property
    def consents(self) -> Consents:
        """The use cases of consents."""
        home = self.services
        remember = home.withdrawals.remember
        return Consents(self.acting, home.records.consents, home.notice, home.clock, remember=remember)

    @property
    def now(self) -> int:
        """Unix seconds."""
        return self.services.clock()

    def draw(self) -> bytes:
        """32 fresh bytes."""
        return self.services.entropy(32)

    def says(self, **facts: Any) -> None:
        """What is shown of the act."""
        self.facts |= facts

    def sale(self, sale_id: bytes) -> tuple[SaleView, Ordered]:
        """A sale, and what its later acts bring along. Raises NotFound."""
        return selling.ordered_sale(self.mirror, sale_id)

    def relied(
        self, offer: Offer, named: Sequence[bytes], *, to_order: bool, buyer: bytes | None = None
    ) -> tuple[bytes, ...]:
        """Whose attestations are relied on."""
        return selling.attesters_for(self.mirror, offer, named, self.now, to_order=to_order, buyer=buyer)

    def payload(self, payload_id: bytes) -> tuple[bytes, int]:
        """The content root and the number of records of a sealed payload. Raises NotFound."""
        found = self.services.vault.payload(payload_id)
        return found.content_root, found.count

    def batches(self, asset_id: int, named: Sequence[bytes]) -> list[Batch]:
        """The named batches, or all of an asset that are on chain, ascending. Raises InvalidInput, NotFound."""
        pages = every(lambda after: batches_of(self.mirror, asset_id, limit=MOST_ROWS, after=after))
        found = [batch(self.mirror, each) for each in named] or list(pages)
        if not found:
            raise InvalidInput("batches", "the asset has no anchored batch")
        return sorted((each.stated for each in found), key=lambda each: each.batch_id)

    def deliver(self, sale_id: bytes, keeper: bytes | None) -> None:
        """Seals the keys of all live records, and commits to the envelope."""
        selling.deliver(self.services, self.acting, self.me, sale_id, keeper=keeper)

    def put_off(self, places: Sequence[int]) -> bytes:
        """Keeps places of a list; their root."""
        if not places:
            return list_root(places)
        return self.services.records.deferred.put(places, at=self.now)

    def checkpoint(self) -> None:
        """Anchors one's own log as it is now. Raises NotFound for an empty one."""
        Logs(self.acting, self.services.records.anchors, self.services.clock).checkpoint(self.me)

    def bank_batch(self, sale_id: bytes, number: int) -> BankBatch:
        """A bank batch that was made here. Raises NotFound."""
        return self.services.records.bank_batches.batch(sale_id, number)
