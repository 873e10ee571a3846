"""One person's own statement from a bundle: told truly, and each lie found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from deedbook.audit.bundle import Bundle
from deedbook.audit.persons import (
    Entry,
    OwnEvidence,
    OwnLeaf,
    OwnStatement,
    entries_for,
    own_statement,
)
from deedbook.domain.hashing import ZERO32, keccak256
from deedbook.domain.merkle import consent_leaf, positional_proof
from deedbook.domain.revenue import list_root
from deedbook.errors import (
    DeedbookError,
    EvidenceMissing,
    IntegrityError,
    InvalidFormat,
    InvalidSignature,
    WrongVersion,
)
from tests.simulator import AFTER, EARLY, LATE, PEOPLE, SETTLER, Act, Published, consent_of, consented, honest
from tests.stories import paid, settled

LEAVES = PEOPLE - 1
"""Those of the batch; one more granted directly."""
FIRST, SECOND = [1, 2], [0, 3]
"""Who is put off by the first payout; whose payments bounce. Places of list 0, which has five."""


@cache
def told() -> Published:
    return honest().publish()


@cache
def put_off() -> Published:
    """Five are delivered; two are put off, of whom one is paid later; two payments bounce, of which one is paid."""
    market = consented()
    sold, divided = settled(market)
    history, each = market.history, divided.per_head
    history.acts.append(opened(sold.sale, 1, FIRST, parent=0, first=0, end=5))
    paid(history, sold, "PayoutConfirmed", b"1", first=0, end=5, total=3 * each)
    history.acts.append(opened(sold.sale, 2, SECOND, parent=0, first=0, end=5))
    bounced: dict[str, Any] = {"receiptHash": keccak256(b"bounce"), "list": 0, "count": 2, "total": 2 * each}
    bounced |= {"saleId": sold.sale, "settler": SETTLER, "currency": b"CNY"}
    history.act("Revenue", "PaymentsBounced", same_block=True, **bounced)
    paid(history, sold, "DeferredPayoutConfirmed", b"2", list=1, first=0, end=1, total=each)
    paid(history, sold, "DeferredPayoutConfirmed", b"3", list=2, first=0, end=1, total=each)
    return history.publish()


def opened(sale: bytes, number: int, places: Sequence[int], *, parent: int, first: int, end: int) -> Act:
    args: dict[str, Any] = {"saleId": sale, "list": number, "root": list_root(places), "count": len(places)}
    return Act("Revenue", "OrdinalsDeferred", {**args, "parent": parent, "from": first, "to": end})


def slim(bundle: Bundle) -> Bundle:
    """Without what grows with the people of a version, and without what a person's statement needs not."""
    return replace(bundle, units=None, envelope=None, consents=None, documents={}, claims={})


def own(published: Published, person: int) -> OwnLeaf:
    batch, signed = published.history.consents[0]
    leaves = [consent_leaf(each.consent_id, each.consent.subject) for each in signed]
    return OwnLeaf(signed[person], batch, person, positional_proof(leaves, person))


def statement(published: Published, person: int, *, sale: int = 0, **entries: Any) -> OwnStatement:
    bundle = slim(published.bundle(sale=sale, full=False))
    return own_statement(bundle, published.trust, own(published, person), entries.get("entries", {}))


def test_everybody_of_the_batch_finds_the_own_payment() -> None:
    found = {person: statement(told(), person) for person in range(LEAVES)}
    assert {person for person, each in found.items() if each.ordinal is None} == {EARLY, LATE}
    delivered = [each for each in found.values() if each.ordinal is not None]
    assert len({each.ordinal for each in delivered}) == len(delivered) == PEOPLE - 3
    assert len({each.due for each in delivered}) == 1
    assert {each.paid for each in delivered} == {True}
    assert {each.paid for each in found.values() if each.ordinal is None} == {False}


def test_what_is_settled_and_not_paid_waits() -> None:
    second = {person: statement(told(), person, sale=1) for person in range(LEAVES)}
    assert {person for person, each in second.items() if each.ordinal is None} == {EARLY, LATE, AFTER}
    assert all(not each.paid and each.place == each.ordinal for each in second.values())


def test_whoever_granted_directly_needs_no_proof() -> None:
    published = told()
    direct = published.history.acts[published.history.find("ConsentGranted")].args["batchId"]
    leaf = OwnLeaf(consent_of(PEOPLE - 1), direct, 0, ())
    assert own_statement(slim(published.bundle(full=False)), published.trust, leaf).paid is True


def by_ordinal(published: Published) -> dict[int, int]:
    """The people of the batch by their ordinals in the first sale."""
    batch, signed = published.history.consents[0]
    direct = published.history.acts[published.history.find("ConsentGranted")].args["batchId"]
    offset = 0 if batch < direct else 1
    left = [person for person in range(len(signed)) if person not in (EARLY, LATE)]
    return {place + offset: person for place, person in enumerate(left)}


def entries_of(ordinal: int) -> dict[int, tuple[Entry, ...]]:
    return {1: entries_for(FIRST, ordinal), 2: entries_for(SECOND, ordinal)}


@pytest.mark.parametrize(
    ("ordinal", "expected"),
    [(0, (2, 0, True)), (1, (1, 0, True)), (2, (1, 1, False)), (3, (2, 1, False)), (4, (0, 4, True))],
)
def test_whoever_is_paid_later_finds_the_list_and_the_place(ordinal: int, expected: tuple[int, int, bool]) -> None:
    published = put_off()
    people = by_ordinal(published)
    if ordinal not in people:
        published_direct = OwnLeaf(
            consent_of(PEOPLE - 1),
            published.history.acts[published.history.find("ConsentGranted")].args["batchId"],
            0,
            (),
        )
        bundle = slim(published.bundle(full=False))
        found = own_statement(bundle, published.trust, published_direct, entries_of(ordinal))
    else:
        found = statement(published, people[ordinal], entries=entries_of(ordinal))
    assert (found.list, found.place, found.paid) == expected
    assert found.ordinal == ordinal


Lie = Callable[[dict[int, tuple[Entry, ...]]], dict[int, tuple[Entry, ...]]]
LIES: dict[str, tuple[int, Lie, type[DeedbookError]]] = {
    "a list that nothing is shown of": (2, lambda shown: {2: shown[2]}, EvidenceMissing),
    "only one neighbour": (2, lambda shown: {**shown, 2: shown[2][:1]}, EvidenceMissing),
    "an entry of another place": (2, lambda shown: {**shown, 1: (replace(shown[1][0], place=3),)}, IntegrityError),
    "an entry at another position": (
        2,
        lambda shown: {**shown, 1: (replace(shown[1][0], position=0),)},
        IntegrityError,
    ),
    "a proof cut short": (2, lambda shown: {**shown, 1: (replace(shown[1][0], proof=()),)}, IntegrityError),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_list_is_not_believed_without_its_proof(lie: str) -> None:
    ordinal, change, error = LIES[lie]
    person = by_ordinal(put_off())[ordinal]
    with pytest.raises(error):
        statement(put_off(), person, entries=change(entries_of(ordinal)))


def test_another_leaf_another_batch_and_another_signer_are_found_out() -> None:
    published, mine = told(), own(told(), 2)
    bundle = slim(published.bundle(full=False))
    for wrong, error in (
        (replace(mine, index=4), IntegrityError),
        (replace(mine, proof=mine.proof[:-1]), IntegrityError),
        (replace(mine, batch_id=keccak256(b"another")), IntegrityError),
        (replace(mine, signed=replace(mine.signed, signature=own(published, 4).signed.signature)), InvalidSignature),
    ):
        with pytest.raises(error):
            own_statement(bundle, published.trust, wrong)


def test_a_bundle_that_leaves_something_out_is_not_believed() -> None:
    published = told()
    bundle = slim(published.bundle(full=False))
    for changed, error in (
        (replace(bundle, cover=None), EvidenceMissing),
        (replace(bundle, cover=slim(published.bundle(sale=1, full=False)).cover), IntegrityError),
        (replace(bundle, block_hash=ZERO32), DeedbookError),
        (replace(bundle, journals=bundle.journals[:-1]), EvidenceMissing),
    ):
        with pytest.raises(error):
            own_statement(changed, published.trust, own(published, 2))


def test_the_file_says_what_went_in() -> None:
    evidence = OwnEvidence(slim(put_off().bundle(full=False)), own(put_off(), 2), entries_of(2))
    assert OwnEvidence.from_bytes(evidence.to_bytes()) == evidence
    content = evidence.to_bytes()
    for change, error in (
        ((b'"version":1}', b'"version":2}'), WrongVersion),
        ((b'"format":"deedbook.own-statement"', b'"format":"deedbook.statement"'), InvalidFormat),
        ((b'"lists":', b'"list":'), InvalidFormat),
        ((b'"index":2', b'"index":-2'), DeedbookError),
    ):
        assert change[0] in content
        with pytest.raises(error):
            OwnEvidence.from_bytes(content.replace(*change))
