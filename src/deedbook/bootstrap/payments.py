"""The payments of a settled sale: statements of all its people, and the bank batches that pay them.

A bank batch is kept before it is written: made again, after a crash or because the file is gone, it is the same file,
whoever named another payee meanwhile. Only when its payout is on chain, the next places have their turn.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from deedbook.audit.persons import Entry, entries_for
from deedbook.domain.payees import Payee
from deedbook.errors import InvalidInput, NotFound
from deedbook.mirror.store import Mirror
from deedbook.queries.exports import Relation
from deedbook.queries.revenue import AtHand, bank_relation, payments, root_of_list, settled, statements_relation
from deedbook.queries.sales import SaleView
from deedbook.queries.statements import places_of
from deedbook.records.payees import BankBatch
from deedbook.records.store import Records

Watch = Callable[[int], None]
"""Hears how many places of a batch were looked at."""


def unwatched(_places: int) -> None:
    """Nobody looks on."""


@dataclass(frozen=True)
class Payments:
    """What is owed for sales, from the mirror and the private records of a home; `clock` gives Unix seconds."""

    mirror: Mirror
    records: Records
    clock: Callable[[], int]

    def places(self, sale_id: bytes, number: int) -> Sequence[int] | None:
        """The places on a list of those who are paid later; None where it is not kept here."""
        try:
            return self.records.deferred.places(root_of_list(self.mirror, sale_id, number))
        except NotFound:
            return None

    def entries(self, sale: SaleView, ordinal: int) -> dict[int, tuple[Entry, ...]]:
        """What shows an auditor, for each list that the ordinal may stand on, whether it does. Raises EvidenceMissing,
        IntegrityError."""
        found: dict[int, tuple[Entry, ...]] = {}
        number, place, lists = 0, ordinal, sale.settlement.lists if sale.settlement else ()
        while True:
            near = [each for each in lists if each.parent == number and each.from_place <= place < each.to_place]
            onward: int | None = None
            for each in near:
                places = places_of(sale, each, self.places)
                found[each.list] = entries_for(places, place)
                if [entry.place for entry in found[each.list]] == [place]:
                    number, onward = each.list, found[each.list][0].position
            if onward is None:
                return found
            place = onward

    def statements(self, sale: SaleView) -> Relation:
        """The statements of all people of a sale, one row for each; payees are masked. Raises NotFound."""
        return statements_relation(sale, self._at_hand(self.records.payees.newest()))

    def batch(
        self, sale: SaleView, *, of: int = 0, most: int | None = None, anew: bool = False, watch: Watch = unwatched
    ) -> BankBatch:
        """The bank batch of the next places of list `of`, of `most` places at the most: the one that is kept, or a new
        one where none is; `anew`, in the place of the kept one, which no bank may have got.

        Raises NotFound for a sale that is not settled, or a list that it does not have; InvalidInput where nobody is
        left to be paid, or nobody on a later list has named a payee; Conflict where another process made one.
        """
        first, end = self._next_places(sale, of, most)
        kept = self.records.bank_batches.beginning_at(sale.sale_id, of, first)
        if kept is not None and not anew:
            return kept
        made = self._made(sale, of, range(first, end), watch)
        if kept is None:
            self.records.bank_batches.add(made)
        else:
            self.records.bank_batches.replace(kept, made)
        return made

    def relation(self, sale: SaleView, batch: BankBatch) -> Relation:
        """The rows of a kept batch, one for each payment; the same whenever they are asked for."""
        span, at_hand = range(batch.first, batch.end), self._at_hand(batch.payees)
        return bank_relation(sale, batch.list, lambda mirror: payments(mirror, sale, batch.list, span, at_hand))

    def _next_places(self, sale: SaleView, of: int, most: int | None) -> tuple[int, int]:
        entry = settled(sale)
        length = {0: (entry.paid_up_to, entry.delivered_count)}
        length |= {each.list: (each.paid_up_to, each.count) for each in entry.lists}
        if of not in length:
            raise NotFound("list of the sale", str(of), hint="see: deedbook revenue lists")
        first, end = length[of]
        if first == end or entry.per_head == 0:
            raise InvalidInput("list", f"nobody on list {of} is left to be paid")
        return first, end if most is None else min(end, first + most)

    def _made(self, sale: SaleView, of: int, span: range, watch: Watch) -> BankBatch:
        newest, later = self.records.payees.newest(), array("Q")
        owed = payments(self.mirror, sale, of, span, self._at_hand(newest))
        for seen, each in enumerate(owed, start=1):
            if each.payee is None:
                later.append(each.place)
            watch(seen)
        if of and len(later) == len(span):
            raise InvalidInput("list", f"nobody on list {of} has named a payee yet")
        total = (len(span) - len(later)) * settled(sale).per_head
        now, root = self.clock(), bytes(32)
        if later:
            root = self.records.deferred.put(later, at=now)
        number = self.records.bank_batches.next_number(sale.sale_id)
        return BankBatch(sale.sale_id, number, of, span.start, span.stop, len(later), root, total, newest, now)

    def _at_hand(self, newest: int) -> AtHand:
        """With the payees as they were when the one at place `newest` was the newest."""

        def payees_of(consent_ids: Sequence[bytes]) -> Mapping[bytes, Payee]:
            found = self.records.payees.payees_of(consent_ids, until=newest)
            return {consent_id: signed.payee for consent_id, signed in found.items()}

        return AtHand(self.records.deliveries.cover, self.places, self.records.consents.leaf_ids, payees_of)
