"""A batch is the one that its consents make, in their order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deedbook.domain.batches import batch_of, leaf_of
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent, batch_id, manifest_hash, terms_hash
from deedbook.domain.hashing import sha256
from deedbook.domain.merkle import consent_leaf, positional_root
from deedbook.errors import InvalidInput

DOMAIN = ConsentDomain(1, bytes([3]) * 20)


def signed(person: int, **changes: object) -> SignedConsent:
    consent = Consent(
        subject=bytes([person]) * 20, asset_id=7, controller=bytes([9]) * 20, recipient=bytes(20), recipient_class=256,
        purpose=1, modes=33, cross_border=True, notice_hash=sha256(b"notice"), record_commit=sha256(b"record"),
        valid_from=10 + person, valid_until=1000 - person, statement="I agree.", salt=sha256(b"salt"),
    )  # fmt: skip
    return SignedConsent(DOMAIN, replace(consent, **changes), bytes(64) + b"\x1b")  # type: ignore[arg-type]


def test_a_batch_is_what_its_consents_make() -> None:
    consents = [signed(1), signed(2, modes=32), signed(3, cross_border=False)]
    batch = batch_of(7, consents)
    assert batch.root == positional_root([consent_leaf(one.consent_id, one.consent.subject) for one in consents])
    assert leaf_of(consents[0]) == consent_leaf(consents[0].consent_id, bytes([1]) * 20)
    assert (batch.count, batch.manifest) == (3, manifest_hash(consents))
    terms = batch.terms
    assert (terms.modes, terms.cross_border, terms.valid_from, terms.valid_until) == (32, False, 13, 997)
    stated = (7, batch.root, 3, terms_hash(terms, batch.manifest))
    assert (batch.stated, batch.batch_id) == (stated, batch_id(*stated))


def test_another_order_is_another_batch() -> None:
    one, other = signed(1), signed(2)
    assert batch_of(7, [one, other]).batch_id != batch_of(7, [other, one]).batch_id


@pytest.mark.parametrize(("field", "change"), [("purpose", {"purpose": 2}), ("controller", {"controller": bytes(20)})])
def test_consents_that_disagree_are_no_batch(field: str, change: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        batch_of(7, [signed(1), signed(2, **change)])
    assert refused.value.field == field
    with pytest.raises(InvalidInput):
        batch_of(7, [])
