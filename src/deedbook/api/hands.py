"""What the API needs of a home to act, and what an act takes of it while it is made; bootstrap builds both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from deedbook.chain.transactions import Signer
from deedbook.domain.batches import Batch
from deedbook.domain.operations import Operation
from deedbook.domain.sales import Offer, Ordered
from deedbook.ledger.acting import Acting
from deedbook.ledger.consents import Consents
from deedbook.queries.rows import Reading
from deedbook.queries.sales import SaleView
from deedbook.records.payees import BankBatch


class Hand(Protocol):
    """What an act takes of a home. `acting` ends every act that it makes: as an operation, or as a draft."""

    @property
    def acting(self) -> Acting:
        """Calls the contracts."""

    @property
    def me(self) -> Signer:
        """Who acts."""

    @property
    def mirror(self) -> Reading:
        """The public copy of the chain."""

    @property
    def consents(self) -> Consents:
        """The use cases of consents."""

    @property
    def now(self) -> int:
        """Unix seconds."""

    def draw(self) -> bytes:
        """32 fresh bytes."""

    def says(self, **facts: Any) -> None:
        """What is shown of the act, in JSON, from now on."""

    def sale(self, sale_id: bytes) -> tuple[SaleView, Ordered]:
        """A sale, and what its later acts bring along. Raises NotFound."""

    def relied(
        self, offer: Offer, named: Sequence[bytes], *, to_order: bool, buyer: bytes | None = None
    ) -> tuple[bytes, ...]:
        """Whose attestations are relied on, lowest kind first: those named, else whoever's stands."""

    def payload(self, payload_id: bytes) -> tuple[bytes, int]:
        """The content root and the number of records of a sealed payload. Raises NotFound."""

    def batches(self, asset_id: int, named: Sequence[bytes]) -> list[Batch]:
        """The named batches, or all of an asset, in ascending order. Raises InvalidInput, NotFound."""

    def deliver(self, sale_id: bytes, keeper: bytes | None) -> None:
        """Seals the keys of all live records to the buyer, or to `keeper`, and commits to the envelope."""

    def put_off(self, places: Sequence[int]) -> bytes:
        """Keeps the places of a list that are paid later, or came back; their root."""

    def checkpoint(self) -> None:
        """Anchors one's own log as it is now. Raises NotFound for an empty one."""

    def bank_batch(self, sale_id: bytes, number: int) -> BankBatch:
        """A bank batch that was made here. Raises NotFound."""


Use = Callable[[Hand], None]
"""A use case: says what it is of, and acts at its end - or does not, where there is nothing left to do."""


class Acts(Protocol):
    """What the API needs of a home to act."""

    def act(self, by: bytes, use: Use, key: bytes | None = None) -> Operation | Mapping[str, Any]:
        """Accepts what `use` does by an account of this home; what it says, where nothing is left to do. Raises
        InvalidInput (`as`), RejectedByContract."""

    def draft(self, by: bytes, use: Use, deadline: int | None) -> Mapping[str, Any]:
        """What `by` signs so that what `use` does is done for it. Raises RejectedByContract."""
