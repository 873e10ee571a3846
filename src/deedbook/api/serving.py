"""What the API needs of a home; bootstrap builds it. A route reaches keys and databases through this alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from deedbook.api.hands import Acts
from deedbook.api.offices import Offices
from deedbook.domain.events import Event
from deedbook.domain.operations import Answered, Operation
from deedbook.domain.principals import ANYBODY, Caller, Matter
from deedbook.ledger.webhooks import Webhooks
from deedbook.queries.alerts import AlertView
from deedbook.queries.blocks import LogView
from deedbook.queries.events import EventFeed
from deedbook.queries.points import Points
from deedbook.queries.rows import Reading
from deedbook.queries.views import Page


class Serving(Acts, Offices, Protocol):
    """A running home."""

    @property
    def mirror(self) -> Reading:
        """The public copy of the chain."""

    @property
    def points(self) -> Points:
        """Its single records."""

    @property
    def events(self) -> EventFeed:
        """Its events, in their order."""

    @property
    def webhooks(self) -> Webhooks:
        """Who is told of events."""

    def rpc(self, body: bytes) -> bytes:
        """Answers JSON-RPC of the home's node."""

    def heads(self) -> tuple[int, int]:
        """The chain's newest block and the mirror's."""

    def metrics(self) -> bytes:
        """What is counted and timed, in Prometheus' text format. Raises NotFound where another port answers that."""

    def is_right_chain(self) -> bool:
        """Whether the node is of the deployment's chain."""

    def deployment(self) -> Mapping[str, Any]:
        """Chain id, genesis and contract addresses."""

    def document(self, digest: bytes) -> tuple[str, bytes]:
        """Media type and content of a public document. Raises NotFound."""

    def place_of(self, consent_id: bytes) -> tuple[bytes, int]:
        """Batch and index of a consent collected here. Raises NotFound."""

    def proof(self, consent_id: bytes) -> Mapping[str, Any]:
        """The inclusion proof of a consent anchored here, without its subject. Raises NotFound."""

    def statement(self, consent_id: bytes) -> Mapping[str, Any]:
        """A person's statement. Raises NotFound."""

    def alerts(self, mirror: Reading, limit: int, after: str | None) -> Page[AlertView]:
        """A page of what somebody should look at now. Raises InvalidInput."""

    def collect(self, signed: Any, by: Caller = ANYBODY) -> Mapping[str, Any]:
        """Takes a signed consent (JSON) of its subject or its controller; the receipt. Raises NotFound where `by` is
        another."""

    def anchor(self, asset_id: int, salt: bytes | None, key: bytes | None = None, by: Caller = ANYBODY) -> Operation:
        """Accepts to anchor what is pending for an asset; `key` is the idempotency key (its SHA-256). Raises NotFound
        where it is not the consents' controller who asks."""

    def relay(self, signed: Any) -> Operation:
        """Accepts a member's signed act (JSON), which is relayed when its turn comes."""

    def operation(self, operation_id: bytes) -> Operation:
        """What became of something that was accepted. Raises NotFound."""

    def begin(self, key: bytes, request: bytes) -> Answered | None:
        """Takes an idempotency key for a request, both by their SHA-256; or what the same request was answered. Raises
        KeyReused, UnderWay."""

    def keep(self, key: bytes, *, operation_id: bytes | None = None, answer: bytes = b"") -> None:
        """Keeps what a request under this key was answered."""

    def release(self, key: bytes) -> None:
        """Gives a key back under which nothing was done."""

    def relayed(self, digest: bytes) -> Mapping[str, Any]:
        """A relayed act, and what became of it. Raises NotFound."""

    def withdraw(self, withdrawal: Any, key: bytes | None = None) -> Operation | Mapping[str, Any]:
        """Accepts a signed withdrawal (JSON), after which the record's key is destroyed; or what was done at once."""

    def name_payee(self, signed: Any) -> Mapping[str, Any]:
        """Takes a signed payee (JSON); it, masked, and whether it is new."""

    def payee(self, request: Any) -> Mapping[str, Any]:
        """The payee that is kept, for its owner, who signed this request (JSON). Raises NotFound."""

    def note_read(self, by: Caller, kind: Matter, identifiers: Sequence[bytes], request: str) -> None:
        """Notes in the log of reads that a person's matter is about to be shown, by the ids of what it is of."""

    def own_consents(self, account: bytes) -> Mapping[str, Any]:
        """The consents of an account."""

    def own_orders(self, account: bytes, limit: int, after: str | None) -> Mapping[str, Any]:
        """A page of the orders that cover a record of an account, with the buyers' legal names. Raises InvalidInput."""

    def complain(self, account: bytes, consent_id: bytes, text: str) -> Mapping[str, Any]:
        """Keeps a complaint of the person of a consent. Raises NotFound for another's, InvalidInput (`text`),
        Conflict."""

    def own_complaints(self, account: bytes) -> Mapping[str, Any]:
        """The complaints of an account, and the cases about them."""

    def complaints(self, limit: int, after: str | None) -> Mapping[str, Any]:
        """A page of all complaints, the newest first. Raises InvalidInput."""

    def append(self, exchange: bytes, body: bytes) -> bytes:
        """Takes entries (NDJSON) into an exchange's log; its receipts, one a line."""

    def log(self, exchange: bytes) -> Mapping[str, Any]:
        """How an exchange's log stands. Raises NotFound."""

    def log_receipt(self, exchange: bytes, index: int) -> Mapping[str, Any]:
        """The receipt of an entry again. Raises InvalidInput."""

    def log_proof(self, exchange: bytes, leaf: bytes | None, index: int | None, size: int | None) -> Mapping[str, Any]:
        """That an entry, by its leaf hash or its index, stands in a log as of a checkpoint. Raises InvalidInput,
        NotFound."""

    def log_extension(self, exchange: bytes, former: int, size: int | None) -> Mapping[str, Any]:
        """That a log goes on from what it was. Raises InvalidInput, NotFound."""

    def log_checkpoint(self, exchange: bytes) -> bytes:
        """The last checkpoint of a log as a signed note. Raises NotFound."""

    def log_tile(self, exchange: bytes, path: str) -> bytes:
        """The hashes of a tile, by its path in the tlog-tiles layout. Raises InvalidInput, NotFound."""

    # What the pages show besides.

    def titled(self, words: str) -> Sequence[bytes]:
        """The hashes of some public descriptors whose title holds these words."""

    def cover(self, cover_hash: bytes) -> bytes | None:
        """The encoded public cover of this hash, or None where it is not kept here."""

    def decoded(self, found: LogView) -> Event | None:
        """The event of a log, or None where this release cannot decode it."""

    def transaction(self, tx_hash: bytes) -> Mapping[str, Any]:
        """`hash`, `blockNumber`, `from`, `to` (or None), `gasUsed` and whether it `succeeded`, as the node has it.
        Raises NotFound."""
