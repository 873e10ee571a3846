"""One person's statement of a sale, from public evidence and the own consent: offline, and from few bytes.

    {"format": "deedbook.own-statement", "version": 1, "bundle": {a slim bundle of the sale},
     "own": {"batchId", "consent": {the signed consent}, "index", "proof": [node, ...]},
     "lists": [{"list", "entries": [{"position", "place", "proof": [node, ...]}]}]}

Canonical JSON (RFC 8785). `own` is the signed consent and its place in its batch; `lists` show, for each list of those
who are paid later that the own place may stand on, whether it does. A slim bundle is one without consents, units,
envelope, documents and claims: what is left, events and cover, grows with the withdrawals and not with the people.

Steps: the bundle's events are proven and every rule of the sale is derived again (steps 1 to 5 and 7 of `verify`); the
consent is signed by its subject and is that leaf of a batch of the binding; the record that stands for it is in the
cover, and its ordinal says what it is owed and by which list it is, or will be, paid.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from deedbook.audit.bundle import Bundle
from deedbook.audit.consents import Bound
from deedbook.audit.derivation import Derivation
from deedbook.audit.evidence import Evidence
from deedbook.audit.findings import Findings, contradiction
from deedbook.audit.payloads import check_cover
from deedbook.audit.revenue import DELIVERED, Settlement, check_money
from deedbook.audit.shapes import Shape
from deedbook.audit.trust import Trust
from deedbook.audit.verify import derived_from
from deedbook.domain.consents import SignedConsent
from deedbook.domain.hashing import canonical_json, parse_canonical_json, to_hex
from deedbook.domain.keytree import is_delivered, ordinal_of
from deedbook.domain.merkle import (
    consent_leaf,
    rfc9162_leaf,
    rfc9162_proof,
    verify_positional,
    verify_rfc9162_inclusion,
)
from deedbook.domain.revenue import place_entry
from deedbook.errors import EvidenceMissing, InvalidFormat, WrongVersion
from deedbook.wallet.recovery import verify_signer


@dataclass(frozen=True, slots=True)
class OwnLeaf:
    """A person's consent, and where it stands: `proof` is that of leaf `index` of the batch (positional tree)."""

    signed: SignedConsent
    batch_id: bytes
    index: int
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """The entry at `position` of a list of those who are paid later, a `place` of the list's parent; `proof` is its
    inclusion under the list's root (RFC 9162, 2.1.3)."""

    position: int
    place: int
    proof: tuple[bytes, ...]


FORMAT: Final = "deedbook.own-statement"
_KEYS: Final = ("bundle", "format", "lists", "own", "version")
NOWHERE: Final[Mapping[int, Sequence[Entry]]] = {}
"""Enough while nobody is paid later."""


@dataclass(frozen=True, slots=True)
class OwnStatement:
    """What a sale means for one person: `record` of the version, delivered as `ordinal` (None: not delivered, and
    nothing is owed); `due` in minor units of `currency`, None before the settlement; `paid`, or waiting, on place
    `place` of list `list`."""

    sale_id: bytes
    record: int
    ordinal: int | None
    currency: str
    due: int | None
    paid: bool
    list: int
    place: int | None


def own_statement(
    bundle: Bundle, trust: Trust, own: OwnLeaf, entries: Mapping[int, Sequence[Entry]] = NOWHERE
) -> OwnStatement:
    """A person's statement of a bundle's sale; `entries` are, by the number of a list, those that show where the own
    place stands on it or that it does not: the entry itself, or its neighbours.

    Raises IntegrityError naming the rule that the evidence breaks, EvidenceMissing, InvalidSignature.
    """
    findings = Findings()
    derived, evidence = derived_from(bundle, trust, findings)
    cover = check_cover(derived.sale, derived.version, derived.register, bundle.cover, findings)
    check_money(derived.sale, derived.books, findings)
    record = _record(derived, own)
    offer, settlement = derived.sale.offer, derived.settlement
    currency = offer.price.currency.decode("ascii")
    if cover is None or not is_delivered(cover, record):
        return OwnStatement(bundle.sale, record, None, currency, None, paid=False, list=DELIVERED, place=None)
    ordinal = ordinal_of(cover, record)
    if settlement is None:
        return OwnStatement(bundle.sale, record, ordinal, currency, None, paid=False, list=DELIVERED, place=ordinal)
    number, place, paid = _followed(settlement, _opened(evidence, bundle.sale), ordinal, entries)
    due = settlement.shares.per_head
    return OwnStatement(bundle.sale, record, ordinal, currency, due, paid=paid, list=number, place=place)


@dataclass(frozen=True)
class OwnEvidence:
    """The file: everything that a person needs but a trust. `bundle` is slim; `entries` by the number of their list."""

    bundle: Bundle
    own: OwnLeaf
    entries: Mapping[int, Sequence[Entry]]

    def to_bytes(self) -> bytes:
        """The file's bytes."""
        own = self.own
        leaf = {"batchId": to_hex(own.batch_id), "consent": own.signed.to_json(), "index": own.index}
        lists = [
            {"list": number, "entries": [_entry_json(each) for each in some]}
            for number, some in sorted(self.entries.items())
        ]
        bundle = parse_canonical_json(self.bundle.to_bytes(), "bundle")
        whole = {"format": FORMAT, "version": 1, "bundle": bundle, "lists": lists}
        return canonical_json({**whole, "own": {**leaf, "proof": [to_hex(node) for node in own.proof]}})

    @classmethod
    def from_bytes(cls, text: bytes) -> OwnEvidence:
        """The evidence of a file. Raises InvalidFormat, WrongVersion, EvidenceMissing (a key)."""
        whole = Shape(parse_canonical_json(text, "statement"), "statement", _KEYS)
        if whole.text("format") != FORMAT:
            raise InvalidFormat("statement.format", f"is not {FORMAT}")
        if whole.integer("version") != 1:
            raise WrongVersion("statement.version", "is not read here")
        own = whole.mapping("own", ("batchId", "consent", "index", "proof"))
        signed = SignedConsent.from_json(own.take("consent"))
        leaf = OwnLeaf(signed, own.hex("batchId", 32), own.integer("index"), own.hexes("proof", 32))
        lists = {
            each.integer("list"): tuple(map(_entry, each.shapes("entries", ("place", "position", "proof"))))
            for each in whole.shapes("lists", ("entries", "list"))
        }
        return cls(Bundle.from_bytes(canonical_json(whole.take("bundle"))), leaf, lists)


def _entry(shape: Shape) -> Entry:
    return Entry(shape.integer("position"), shape.integer("place"), shape.hexes("proof", 32))


def _entry_json(entry: Entry) -> dict[str, Any]:
    return {"position": entry.position, "place": entry.place, "proof": [to_hex(node) for node in entry.proof]}


def _record(derived: Derivation, own: OwnLeaf) -> int:
    """The record that stands for the own leaf in the sale's binding."""
    if derived.register is None:
        raise contradiction("person.basis", "the sale rests on no consents")
    bound = next((each for each in derived.basis.batches if each.batch.identifier == own.batch_id), None)
    if bound is None:
        raise contradiction("person.batch", f"batch {to_hex(own.batch_id)} is not in the sale's binding")
    _require_leaf(bound, own)
    return bound.offset + own.index


def _require_leaf(bound: Bound, own: OwnLeaf) -> None:
    subject, identifier = own.signed.consent.subject, own.signed.consent_id
    verify_signer(identifier, own.signed.signature, subject)
    leaf = consent_leaf(identifier, subject)
    if not verify_positional(leaf, own.index, bound.batch.count, own.proof, bound.batch.root):
        raise contradiction("person.leaf", "the consent is not that leaf of its batch")


def _opened(evidence: Evidence, sale: bytes) -> list[Mapping[str, Any]]:
    """What the sale's journal says of its later lists, in order."""
    return [event.args for event in evidence.events("Revenue", sale) if event.name == "OrdinalsDeferred"]


def _followed(
    settlement: Settlement,
    opened: Sequence[Mapping[str, Any]],
    ordinal: int,
    entries: Mapping[int, Sequence[Entry]],
) -> tuple[int, int, bool]:
    """List, place there, and whether it was paid: from list to list, for as long as the payment was put off."""
    number, place = DELIVERED, ordinal
    while place < settlement.lists[number].paid_up_to:
        near = [each for each in opened if each["parent"] == number and each["from"] <= place < each["to"]]
        found = [(each["list"], at) for each in near if (at := _position(each, place, entries)) is not None]
        if not found:
            return number, place, True
        if len(found) > 1:
            raise contradiction("person.list", f"place {place} of list {number} stands on two lists")
        ((number, place),) = found
    return number, place, False


def _position(stated: Mapping[str, Any], place: int, entries: Mapping[int, Sequence[Entry]]) -> int | None:
    number = stated["list"]
    try:
        return position_on(stated["count"], stated["root"], place, entries.get(number, ()))
    except EvidenceMissing as reason:
        words = f"nothing shows whether place {place} is on list {number}"
        raise EvidenceMissing(words, rule="person.entries", list=number) from reason


def position_on(count: int, root: bytes, place: int, entries: Sequence[Entry]) -> int | None:
    """Where a place stands on the list of `count` places under this root; None where the entries show that it does not.

    Raises IntegrityError for an entry that is not there, EvidenceMissing where they show neither.
    """
    shown = sorted(entries, key=lambda each: each.position)
    for each in shown:
        leaf = rfc9162_leaf(place_entry(each.place))
        if not verify_rfc9162_inclusion(leaf, each.position, count, each.proof, root):
            raise contradiction("person.entry", f"an entry is not at position {each.position} of its list")
    for each in shown:
        if each.place == place:
            return each.position
    if _is_between(shown, place, count):
        return None
    raise EvidenceMissing(f"nothing shows whether place {place} is on the list", rule="person.entries")


def _is_between(shown: Sequence[Entry], place: int, count: int) -> bool:
    """Whether two neighbours, or the first or last entry, leave no room for the place on a list that ascends."""
    if shown and (first := shown[0]).position == 0 and place < first.place:
        return True
    if shown and (last := shown[-1]).position == count - 1 and place > last.place:
        return True
    return any(
        after.position == before.position + 1 and before.place < place < after.place
        for before, after in pairwise(shown)
    )


def entries_for(places: Sequence[int], place: int) -> tuple[Entry, ...]:
    """What shows where `place` stands on a list of these places, or that it does not: one entry, or its neighbours."""
    at, inputs = bisect_left(places, place), [place_entry(each) for each in places]
    there = at < len(places) and places[at] == place
    shown = [at] if there else [each for each in (at - 1, at) if 0 <= each < len(places)]
    return tuple(Entry(each, places[each], rfc9162_proof(inputs, each)) for each in shown)
