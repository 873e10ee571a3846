"""The people of a settled sale, all of them: who each delivered ordinal is, how a payment stands, what a bank is told.

Rows come one after another and are never all in memory; what is held is the cover, the lists of those who are paid
later, and some leaves at a time. Amounts are what the settlement says a head gets: nothing is divided here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, select

from deedbook.domain.attestations import asset_key
from deedbook.domain.hashing import ZERO32, to_hex
from deedbook.domain.keytree import Cover
from deedbook.domain.payees import Payee
from deedbook.domain.revenue import Payout, ordinals_of
from deedbook.errors import EvidenceMissing, IntegrityError, NotFound
from deedbook.mirror.schema import bindings, deferred_lists, direct_grants
from deedbook.queries.exports import Cell, Field, Kind, Relation
from deedbook.queries.rows import Reading, many, one
from deedbook.queries.sales import DeferredListView, PayoutView, SaleView, SettlementView
from deedbook.queries.statements import Covers, Lists, cover_of, places_of

AT_ONCE: Final = 1000
"""Leaves that are looked up together: what is in memory."""

LeafIds = Callable[[bytes, int, int], Sequence[bytes]]
"""The consentIds of the leaves [first, end) of a batch, in their order; raises NotFound where they are not at hand."""

PayeesOf = Callable[[Sequence[bytes]], Mapping[bytes, Payee]]
"""The payees of those of these consents that have one."""


@dataclass(frozen=True, slots=True)
class AtHand:
    """What the chain has no more of than hashes, or nothing at all, as who keeps it tells it."""

    covers: Covers
    lists: Lists
    ids: LeafIds
    payees: PayeesOf


@dataclass(frozen=True, slots=True)
class Person:
    """Who a delivered ordinal is: the record, and the leaf that consents to it."""

    ordinal: int
    record: int
    batch_id: bytes
    index: int
    consent_id: bytes


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person's payment stands: on place `place` of list `list`, `paid` or not; `bounced` where the list is of
    payments that came back."""

    list: int
    place: int
    paid: bool
    bounced: bool


@dataclass(frozen=True, slots=True)
class Payment:
    """What one place of a list is owed in minor units, and to whom; `payee` is None where none was named."""

    place: int
    person: Person
    amount: int
    payee: Payee | None


# -- people ------------------------------------------------------------------------------------------------------------


def people(mirror: Reading, sale: SaleView, cover: Cover, ids: LeafIds, ordinals: Iterable[int]) -> Iterator[Person]:
    """Who stands at these delivered ordinals, which ascend.

    Raises EvidenceMissing where the consents are not at hand, IntegrityError where no binding holds a record.
    """
    with mirror.reading() as connection:
        bound = list(_bound(connection, sale))
        placed = _placed(sale, bound, _records(cover, ordinals))
        for batch_id, of_batch in groupby(placed, key=lambda each: each[2]):
            for some in _near(of_batch):
                yield from _named(connection, batch_id, some, ids)


def _bound(connection: Connection, sale: SaleView) -> Iterator[tuple[int, int, bytes]]:
    """First record, the record after the last, and batch of each binding of the version, in the order of records."""
    of_version = (bindings.c.asset_id == asset_key(sale.asset_id), bindings.c.version == sale.version)
    for row in many(connection, select(bindings).where(*of_version).order_by(bindings.c.record_offset)):
        yield row["record_offset"], row["record_offset"] + row["count"], row["batch_id"]


def _records(cover: Cover, ordinals: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Each ordinal with its record, by one walk over the cover."""
    spans, before, span = cover.ranges(), 0, range(0)
    for ordinal in ordinals:
        while ordinal - before >= len(span):
            before += len(span)
            span = next(spans)
        yield ordinal, span[ordinal - before]


def _placed(
    sale: SaleView, bound: Sequence[tuple[int, int, bytes]], records: Iterable[tuple[int, int]]
) -> Iterator[tuple[int, int, bytes, int]]:
    """Ordinal, record, batch and leaf index."""
    at = 0
    for ordinal, record in records:
        while at < len(bound) and record >= bound[at][1]:
            at += 1
        if at == len(bound) or record < bound[at][0]:
            raise IntegrityError(f"no binding holds record {record}", hint="rebuild the mirror", sale=_name(sale))
        yield ordinal, record, bound[at][2], record - bound[at][0]


def _named(
    connection: Connection, batch_id: bytes, some: Sequence[tuple[int, int, bytes, int]], ids: LeafIds
) -> Iterator[Person]:
    first, end = some[0][3], some[-1][3] + 1
    names = _leaf_ids(connection, batch_id, first, end, ids)
    for ordinal, record, _, index in some:
        yield Person(ordinal, record, batch_id, index, names[index - first])


def _leaf_ids(connection: Connection, batch_id: bytes, first: int, end: int, ids: LeafIds) -> Sequence[bytes]:
    direct = one(connection, select(direct_grants).where(direct_grants.c.batch_id == batch_id))
    if direct is not None:
        return [direct["consent_id"]]
    try:
        return ids(batch_id, first, end)
    except NotFound as error:
        raise EvidenceMissing("the consents of a batch are not kept here", batch=to_hex(batch_id)) from error


def _near(placed: Iterable[tuple[int, int, bytes, int]]) -> Iterator[list[tuple[int, int, bytes, int]]]:
    """Leaves of a batch that are looked up together: within a span of its indices, however few of them there are."""
    return (list(some) for _, some in groupby(placed, key=lambda each: each[3] // AT_ONCE))


Item = TypeVar("Item")


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    some: list[Item] = []
    for item in items:
        some.append(item)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


# -- how each payment stands -------------------------------------------------------------------------------------------


class Ladder:
    """The lists of a sale, from which to which its people went: tells where each ordinal stands now.

    Holds the places of every list. Raises EvidenceMissing where one is not at hand, IntegrityError where it is not what
    was committed to.
    """

    def __init__(self, sale: SaleView, lists: Lists) -> None:
        self._entry = settled(sale)
        self._places = {each.list: places_of(sale, each, lists) for each in self._entry.lists}
        self._opened: dict[int, list[DeferredListView]] = {}
        for each in self._entry.lists:
            self._opened.setdefault(each.parent, []).append(each)

    def standing(self, ordinal: int) -> Standing:
        """Where the ordinal's payment stands."""
        number, place, done, bounced = 0, ordinal, self._entry.paid_up_to, False
        while place < done:
            found = self._next(number, place)
            if found is None:
                return Standing(number, place, paid=True, bounced=bounced)
            of, place = found
            number, done, bounced = of.list, of.paid_up_to, of.bounced
        return Standing(number, place, paid=False, bounced=bounced)

    def ordinals(self, of: int) -> Sequence[int]:
        """The delivered ordinals on a list, in its order. Raises NotFound."""
        if of == 0:
            return range(self._entry.delivered_count)
        by_number, chain = {each.list: each for each in self._entry.lists}, []
        while of:
            if of not in by_number:
                raise NotFound("list of the sale", str(of), hint="see: deedbook revenue lists")
            chain.append(self._places[of])
            of = by_number[of].parent
        return ordinals_of(chain[::-1])

    def _next(self, number: int, place: int) -> tuple[DeferredListView, int] | None:
        for each in self._opened.get(number, ()):
            if each.from_place <= place < each.to_place:
                places = self._places[each.list]
                at = bisect_left(places, place)
                if at < len(places) and places[at] == place:
                    return each, at
        return None


def root_of_list(mirror: Reading, sale_id: bytes, number: int) -> bytes:
    """The root over the places of a list of a sale. Raises NotFound."""
    there = (deferred_lists.c.sale_id == sale_id, deferred_lists.c.list == number)
    with mirror.reading() as connection:
        row = one(connection, select(deferred_lists.c.root).where(*there))
    if row is None:
        raise NotFound("list of the sale", str(number), hint="see: deedbook revenue lists")
    return bytes(row["root"])


def confirmed(sale: SaleView, payout: Payout) -> PayoutView | None:
    """The payout on chain that is this one, with its receipt; None where there is none yet. Raises NotFound for a sale
    that is not settled."""
    roots = {each.list: each.root for each in settled(sale).lists}
    for each in sale.payouts:
        span = (each.list, each.from_ordinal, each.to_ordinal)
        root = ZERO32 if each.put_off_to is None else roots[each.put_off_to]
        said = (payout.list, payout.first, payout.end, payout.deferred_root, payout.total, payout.receipt)
        if (*span, root, each.total, each.receipt_hash) == said:
            return each
    return None


def settled(sale: SaleView) -> SettlementView:
    """The settlement of a sale. Raises NotFound."""
    if sale.settlement is None:
        raise NotFound("settlement of sale", _name(sale), hint="settle it by: deedbook revenue settle")
    return sale.settlement


# -- what is written ---------------------------------------------------------------------------------------------------

STATEMENTS: Final = (
    Field("ordinal", Kind.NUMBER),
    Field("record", Kind.NUMBER),
    Field("batchId", Kind.TEXT),
    Field("index", Kind.NUMBER),
    Field("consentId", Kind.TEXT),
    Field("amount", Kind.DECIMAL),
    Field("currency", Kind.TEXT),
    Field("paid", Kind.FLAG),
    Field("list", Kind.NUMBER),
    Field("place", Kind.NUMBER),
    Field("bounced", Kind.FLAG),
    Field("payee", Kind.TEXT),
)

BANK: Final = (
    Field("reference", Kind.TEXT),
    Field("amount", Kind.DECIMAL),
    Field("currency", Kind.TEXT),
    Field("kind", Kind.TEXT),
    Field("institution", Kind.TEXT),
    Field("account", Kind.TEXT),
    Field("holder", Kind.TEXT),
)


def statements_relation(sale: SaleView, at_hand: AtHand) -> Relation:
    """The statements of all people of a settled sale, one row for each delivered ordinal; payees are masked.

    Raises NotFound; its rows raise as `people` and `Ladder`.
    """
    entry = settled(sale)

    def rows(mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        if entry.delivered_count == 0 or entry.per_head == 0:
            return
        ladder = Ladder(sale, at_hand.lists)
        everybody = people(mirror, sale, cover_of(sale, at_hand.covers), at_hand.ids, range(entry.delivered_count))
        for some in _chunks(everybody):
            named = at_hand.payees([each.consent_id for each in some])
            for each in some:
                standing, payee = ladder.standing(each.ordinal), named.get(each.consent_id)
                yield (
                    each.ordinal,
                    each.record,
                    to_hex(each.batch_id),
                    each.index,
                    to_hex(each.consent_id),
                    str(entry.per_head),
                    entry.currency,
                    standing.paid,
                    standing.list,
                    standing.place,
                    standing.bounced,
                    None if payee is None else payee.masked,
                )

    return Relation("statements", STATEMENTS, rows)


def payments(mirror: Reading, sale: SaleView, of: int, span: range, at_hand: AtHand) -> Iterator[Payment]:
    """What the places `span` of list `of` are owed, each with its payee. Raises NotFound; as `people` and `Ladder`."""
    entry = settled(sale)
    ordinals = Ladder(sale, at_hand.lists).ordinals(of)[span.start : span.stop]
    found = people(mirror, sale, cover_of(sale, at_hand.covers), at_hand.ids, ordinals)
    for some in _chunks(zip(span, found, strict=True)):
        named = at_hand.payees([person.consent_id for _, person in some])
        for place, person in some:
            yield Payment(place, person, entry.per_head, named.get(person.consent_id))


def bank_relation(sale: SaleView, of: int, paid: Callable[[Reading], Iterator[Payment]]) -> Relation:
    """A bank batch: one row for each payment to a named payee. `reference` is the same for the same payment whenever it
    is written, and another one for every other: certificate, list and place."""
    entry = settled(sale)

    def rows(mirror: Reading) -> Iterator[tuple[Cell, ...]]:
        for each in paid(mirror):
            if each.payee is not None:
                reference = f"{entry.certificate}.{of}.{each.place}"
                yield (reference, str(each.amount), entry.currency, *_told(each.payee))

    return Relation("bank-batch", BANK, rows)


def _told(payee: Payee) -> tuple[Any, ...]:
    return (str(payee.kind), payee.institution, payee.account, payee.holder)


def _name(sale: SaleView) -> str:
    return to_hex(sale.sale_id)
