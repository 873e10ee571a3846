"""Batches of consents: one root, one count, the terms that every leaf grants at least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deedbook.domain.consents import SignedConsent, Terms, batch_id, common_terms, manifest_hash, terms_hash
from deedbook.domain.merkle import consent_leaf, positional_root


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as its collector keeps it: what every later act on one of its leaves needs.

    `root` and `manifest` are 32 bytes; leaves are in the order of `consents`.
    """

    batch_id: bytes
    asset_id: int
    root: bytes
    count: int
    terms: Terms
    manifest: bytes

    @property
    def stated(self) -> tuple[int, bytes, int, bytes]:
        """IConsents.Batch for a call."""
        return (self.asset_id, self.root, self.count, terms_hash(self.terms, self.manifest))


def leaf_of(signed: SignedConsent) -> bytes:
    """The leaf of a signed consent in the positional tree."""
    return consent_leaf(signed.consent_id, signed.consent.subject)


def batch_of(asset_id: int, consents: Sequence[SignedConsent]) -> Batch:
    """The batch of these consents, in this order, under the widest terms that all of them grant."""
    root = positional_root(leaf_of(signed) for signed in consents)
    terms = common_terms(signed.consent for signed in consents)
    return batch_under(asset_id, root, len(consents), terms, manifest_hash(consents))


def batch_under(asset_id: int, root: bytes, count: int, terms: Terms, manifest: bytes) -> Batch:
    """The batch that states this, by its name."""
    identifier = batch_id(asset_id, root, count, terms_hash(terms, manifest))
    return Batch(identifier, asset_id, root, count, terms, manifest)
