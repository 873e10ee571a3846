"""Payouts and the lists of those who are put off: places of a list, known on chain by an RFC 9162 root alone.

List 0 is the delivered ordinals of a sale; each later list is of places of an earlier one, so that everybody who waits
for money stands on exactly one list that is not yet paid (IRevenue).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from deedbook.domain.documents import require_bytes, require_unsigned
from deedbook.domain.hashing import ZERO32
from deedbook.domain.merkle import rfc9162_root
from deedbook.errors import InvalidFormat, InvalidInput


def place_entry(place: int) -> bytes:
    """One entry of a list (format 31, version 1): the place in the parent list, u64 big-endian."""
    require_unsigned("place", place, 64)
    return place.to_bytes(8, "big")


def places_in(entries: bytes) -> tuple[int, ...]:
    """The places of joined entries. Raises InvalidFormat for a part of one."""
    if len(entries) % 8:
        raise InvalidFormat("places", "are not of 8 bytes each")
    return tuple(int.from_bytes(entries[at : at + 8], "big") for at in range(0, len(entries), 8))


def ordinals_of(lists: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The delivered ordinals that stand on the last of these lists: each holds places of the one before it, the first
    one delivered ordinals. Raises InvalidInput for a place that the list before it does not have."""
    found: Sequence[int] = lists[0]
    for places in lists[1:]:
        if any(place >= len(found) for place in places):
            raise InvalidInput("places", "are beyond the list that they are of")
        found = [found[place] for place in places]
    return tuple(found)


def list_root(places: Sequence[int]) -> bytes:
    """The RFC 9162 root over the places, which ascend; 32 zero bytes of an empty list, which is none."""
    require_ascending(places)
    return rfc9162_root(map(place_entry, places)) if places else ZERO32


def require_ascending(places: Sequence[int]) -> None:
    """Raises InvalidInput unless the places ascend without repeats."""
    for position, (former, place) in enumerate(pairwise(places), start=1):
        if place <= former:
            raise InvalidInput("places", f"place {place} at position {position} does not come after {former}")


@dataclass(frozen=True, slots=True)
class Payout:
    """One bank batch (IRevenue.Payout): the places [`first`, `end`) of `list`, but for `deferred_count` of them that
    stand on a new list of this root; `total` in minor units; `receipt` the SHA-256 of the bank's (zero: nothing paid).
    """

    list: int
    first: int
    end: int
    deferred_count: int
    deferred_root: bytes
    total: int
    receipt: bytes

    def __post_init__(self) -> None:
        require_unsigned("list", self.list, 32)
        for name in ("first", "end", "deferred_count"):
            require_unsigned(name, getattr(self, name), 64)
        require_bytes("deferredRoot", self.deferred_root, 32)
        require_unsigned("total", self.total, 128)
        require_bytes("receipt", self.receipt, 32)

    def as_tuple(self) -> tuple[int, int, int, int, bytes, int, bytes]:
        """For a call."""
        return (
            self.list,
            self.first,
            self.end,
            self.deferred_count,
            self.deferred_root,
            self.total,
            self.receipt,
        )


def payout(*, first: int, end: int, per_head: int, receipt: bytes, of: int = 0, deferred: Sequence[int] = ()) -> Payout:
    """The payout of the places [`first`, `end`) of list `of` but the `deferred` ones, at `per_head` each.

    Raises InvalidInput for a deferred place that is not among them.
    """
    require_within(deferred, first, end)
    paid = max(0, end - first - len(deferred))
    return Payout(of, first, end, len(deferred), list_root(deferred), paid * per_head, receipt if paid else ZERO32)


@dataclass(frozen=True, slots=True)
class Bounce:
    """Payments of a list that came back (IRevenue.Bounce): `count` of its places, on a new list of this root."""

    list: int
    count: int
    root: bytes
    total: int
    receipt: bytes

    def __post_init__(self) -> None:
        require_unsigned("list", self.list, 32)
        require_unsigned("count", self.count, 64)
        require_bytes("root", self.root, 32)
        require_unsigned("total", self.total, 128)
        require_bytes("receipt", self.receipt, 32)

    def as_tuple(self) -> tuple[int, int, bytes, int, bytes]:
        """For a call."""
        return (self.list, self.count, self.root, self.total, self.receipt)


def bounce(*, places: Sequence[int], per_head: int, receipt: bytes, of: int = 0) -> Bounce:
    """The payments at these places of list `of` that came back, at `per_head` each."""
    return Bounce(of, len(places), list_root(places), len(places) * per_head, receipt)


def require_within(places: Sequence[int], first: int, end: int) -> None:
    """Raises InvalidInput unless the places ascend and lie in [`first`, `end`)."""
    require_ascending(places)
    for place in (*places[:1], *places[-1:]):
        if not first <= place < end:
            raise InvalidInput("places", f"place {place} is not in [{first}, {end})")
