"""An exchange's own append-only log: entries taken with a signed receipt, checkpoints on chain, proofs.

Checkpoints are the size and root of the log, each continuing the one before it; the contract judges that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain
from typing import Final, Protocol, runtime_checkable

from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.anchors import (
    LogCheckpoint,
    LogDomain,
    LogReceipt,
    checkpoint_digest,
    receipt_digests,
    receipt_lines,
)
from deedbook.domain.hashing import checksum_address
from deedbook.domain.merkle import rfc9162_leaves
from deedbook.domain.tiles import TiledTree
from deedbook.errors import IntegrityError, NotFound
from deedbook.ledger.acting import Acting

MOST_ENTRIES: Final = 10_000
"""Entries of one request."""
SIGNED_AT_ONCE: Final = 250
"""Receipts that one thread signs in a go: about ten milliseconds of work."""


class State(Protocol):
    """How a log stands, as `records` has it."""

    @property
    def exchange(self) -> bytes:
        """Whose it is."""

    @property
    def size(self) -> int:
        """How many entries it has."""

    @property
    def stated(self) -> int:
        """The size that is anchored, or on its way to be."""

    @property
    def waiting_since(self) -> int | None:
        """Since when (Unix seconds) entries wait to be anchored."""


class LogBook(Protocol):
    """What is kept of logs, in `records`; each writing method is one transaction."""

    def states(self) -> Sequence[State]:
        """How every log stands."""

    def state(self, exchange: bytes) -> State:
        """How a log stands; an empty one where there is none."""

    def append(self, exchange: bytes, leaf_hashes: Sequence[bytes], *, at: int) -> list[int]:
        """The place of each leaf: its own, or the next one. They are on disk when this returns."""

    def begin_checkpoint(self, exchange: bytes) -> int:
        """Notes that the log is anchored as it is now; its size."""

    def tree(self, exchange: bytes) -> TiledTree:
        """The tree of a log."""


@runtime_checkable
class SignsMany(Protocol):
    """A signer that is faster for many digests."""

    def sign_digests(self, digests: Sequence[bytes]) -> list[bytes]:
        """r || s || v (65 bytes) over each."""


@dataclass(frozen=True, slots=True)
class Pace:
    """When a log is anchored: after so many entries, or so many seconds after the first that waits."""

    entries: int
    seconds: int

    def is_due(self, state: State, now: int) -> bool:
        """Whether the entries that wait have waited enough."""
        waiting = state.size - state.stated
        return waiting >= self.entries or (
            state.waiting_since is not None and now - state.waiting_since >= self.seconds
        )


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint as it was anchored now: its size, root, how many nodes its proof has, its transaction."""

    size: int
    root: bytes
    proof: int
    receipt: Receipt


class Logs:
    """The use cases of logs for one deployment. `clock` gives Unix seconds; the threads of `signing` sign receipts side
    by side, for a signature is most of the work of an entry."""

    def __init__(
        self, acting: Acting, book: LogBook, clock: Callable[[], int], signing: Executor | None = None
    ) -> None:
        self._acting = acting
        self._book = book
        self._clock = clock
        self._signing = signing
        self._known: set[bytes] = set()
        self.domain = LogDomain(acting.chain_id, acting.addresses["AnchorLog"])

    def append(self, entries: Sequence[bytes], exchange: Signer) -> list[LogReceipt]:
        """Takes entries (canonical JSON) and answers with the exchange's receipt for each, in their order, once all are
        on disk. The same entry again has the same receipt. One transaction.

        Raises IntegrityError where the log is not the one that the chain knows.
        """
        return self._signed(self._taken(entries, exchange), exchange)

    def append_lines(self, entries: Sequence[bytes], exchange: Signer) -> bytes:
        """As `append`: the receipts as they are written, one a line."""
        places = self._taken(entries, exchange)
        signatures = self._signatures(receipt_digests(self.domain, exchange.address, places), exchange)
        return receipt_lines(self.domain, exchange.address, places, signatures)

    def _taken(self, entries: Sequence[bytes], exchange: Signer) -> list[tuple[int, bytes]]:
        self._require_own(exchange.address)
        leaves = rfc9162_leaves(entries)
        places = self._book.append(exchange.address, leaves, at=self._clock())
        return list(zip(places, leaves, strict=True))

    def receipt(self, index: int, exchange: Signer) -> LogReceipt:
        """The receipt of the entry at `index` again. Raises InvalidInput (`index`)."""
        leaf = self._book.tree(exchange.address).leaf(index)
        return self._signed([(index, leaf)], exchange)[0]

    def checkpoint(self, exchange: Signer) -> Anchored:
        """Anchors the log as it is now, or as a checkpoint that was cut short states it; where there is nothing new,
        tells of the last one again. Raises NotFound for an empty log, IntegrityError, RejectedByContract."""
        whose = exchange.address
        former = self.anchored(whose)
        state = self._book.state(whose)
        if not state.size:
            raise NotFound("entry in the log of", checksum_address(whose), hint="append some: deedbook anchors append")
        size = state.stated if state.stated > former else self._book.begin_checkpoint(whose)
        tree = self._book.tree(whose)
        root, proof = tree.root(size), tree.consistency(former, size) if former else ()
        return Anchored(size, root, len(proof), anchor(self._acting, exchange, size, root, proof))

    def note(self, size: int, exchange: Signer) -> LogCheckpoint:
        """The checkpoint of a size, signed. Raises InvalidInput (`size`)."""
        root = self._book.tree(exchange.address).root(size)
        digest = checkpoint_digest(self.domain, exchange.address, size, root)
        return LogCheckpoint(self.domain, exchange.address, size, root, exchange.sign_digest(digest))

    def _signed(self, places: Sequence[tuple[int, bytes]], exchange: Signer) -> list[LogReceipt]:
        whose = exchange.address
        digests = receipt_digests(self.domain, whose, places)
        return [
            LogReceipt(self.domain, whose, index, leaf, signature)
            for (index, leaf), signature in zip(places, self._signatures(digests, exchange), strict=True)
        ]

    def _signatures(self, digests: Sequence[bytes], exchange: Signer) -> list[bytes]:
        """In the order of the digests, whoever signs them."""

        def signed(some: Sequence[bytes]) -> list[bytes]:
            if isinstance(exchange, SignsMany):
                return exchange.sign_digests(some)
            return [exchange.sign_digest(each) for each in some]

        if self._signing is None or len(digests) <= SIGNED_AT_ONCE:
            return signed(digests)
        parts = [digests[at : at + SIGNED_AT_ONCE] for at in range(0, len(digests), SIGNED_AT_ONCE)]
        return list(chain.from_iterable(self._signing.map(signed, parts)))

    def _require_own(self, exchange: bytes) -> None:
        """That the log is the one that the chain knows; asked once, for a log never shrinks."""
        if exchange not in self._known:
            self.anchored(exchange)
            self._known.add(exchange)

    def anchored(self, exchange: bytes) -> int:
        """The size that the chain has of a log, whose beginning that is here. Raises IntegrityError: a receipt for a
        place that is taken on chain would be a false one."""
        size, root = latest(self._acting, exchange)
        tree = self._book.tree(exchange)
        if size > tree.size or (size and tree.root(size) != root):
            raise IntegrityError(
                f"the chain has {size} entries of this log that are not kept here",
                hint="restore the records as they were at that checkpoint, or anchor from the log's own file",
                exchange=checksum_address(exchange),
                size=size,
            )
        return size


def anchor(acting: Acting, exchange: Signer, size: int, root: bytes, proof: Sequence[bytes]) -> Receipt:
    """Anchors the next checkpoint of an RFC 9162 log; `proof` is the consistency proof from the last one (2.1.4)."""
    return acting.act(exchange, "AnchorLog", "anchor", size, root, tuple(proof))


def latest(acting: Acting, exchange: bytes) -> tuple[int, bytes]:
    """Size and root (32 bytes) of an exchange's last checkpoint; size 0 where it has none."""
    found = acting.read("AnchorLog", "latest", exchange)
    return found["size"], found["root"]
