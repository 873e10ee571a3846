"""What is a person's own: consents, and the orders that cover a record, with who the buyer legally is; and the log of
who read a person's matter, which names nobody's."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from deedbook.domain.hashing import to_hex
from deedbook.domain.principals import Caller, Matter, Means, PersonalRead, matter_of
from deedbook.errors import NotFound
from deedbook.mirror.store import Mirror
from deedbook.queries.consents import consent
from deedbook.queries.members import member
from deedbook.queries.orders import Leaf, orders_of
from deedbook.records.consents import ConsentStanding
from deedbook.records.principals import Principals
from deedbook.records.store import Records


class Persons:
    """Reads over the mirror and the records."""

    def __init__(self, mirror: Mirror, records: Records) -> None:
        self._mirror = mirror
        self._records = records

    def consents(self, account: bytes) -> Mapping[str, Any]:
        """The consents of an account (20 bytes), by their ids: where each stands."""
        return {"items": [self._consent(each) for each in self._records.consents.consents_of(account)]}

    def orders(self, account: bytes, limit: int, after: str | None) -> Mapping[str, Any]:
        """A page of the orders that cover a record of the account, each with the buyer's legal name: None where none
        is kept that opens the buyer's commitment on chain. Raises InvalidInput."""
        standings = self._records.consents.consents_of(account)
        leaves = [
            Leaf(each.consent_id, each.batch_id, each.index)
            for each in standings
            if each.batch_id is not None and each.index is not None
        ]
        page = orders_of(self._mirror, leaves, self._records.deliveries.cover, limit=limit, after=after)
        names = self.legal_names({order.buyer for order in page.items})
        shown = [{**order.to_json(), "buyerName": names.get(order.buyer)} for order in page.items]
        return {"items": shown, "after": page.after}

    def legal_names(self, accounts: Collection[bytes]) -> dict[bytes, str]:
        """The legal names of those members whose commitment on chain opens to the identity that is kept here."""
        kept = self._records.identities.of(accounts)
        return {
            account: identity["name"]
            for account, (commitment, identity) in kept.items()
            if commitment == self._committed(account) and isinstance(identity.get("name"), str)
        }

    def _committed(self, account: bytes) -> bytes | None:
        try:
            return member(self._mirror, account).identity
        except NotFound:
            return None

    def _consent(self, standing: ConsentStanding) -> dict[str, Any]:
        said: dict[str, Any] = {
            "consentId": to_hex(standing.consent_id),
            "assetId": str(standing.asset_id),
            "state": str(standing.state),
            "collectedAt": standing.collected_at,
            "batchId": None if standing.batch_id is None else to_hex(standing.batch_id),
            "index": standing.index,
            "live": None,
        }
        if standing.batch_id is not None and standing.index is not None:
            place = (standing.batch_id, standing.index)
            with suppress(NotFound):  # anchored, and not copied yet
                said["live"] = consent(self._mirror, standing.consent_id, place=lambda _: place).live
        return said


class ReadLog:
    """The log of reads; `clock` gives Unix seconds."""

    def __init__(self, book: Principals, clock: Callable[[], int]) -> None:
        self._book = book
        self._clock = clock

    def note(self, by: Caller, kind: Matter, identifiers: Sequence[bytes], request: str) -> None:
        """Notes a read of matters of this kind, by their ids, before they are shown."""
        now = self._clock()
        reads = [
            PersonalRead(by.means, by.reference, kind, matter_of(kind, each), request, now) for each in identifiers
        ]
        self._book.note(reads)

    def note_here(self, kind: Matter, identifiers: Sequence[bytes]) -> None:
        """Notes a read by a command of this machine."""
        self.note(Caller(Means.OPEN, reference="command"), kind, identifiers, "")
