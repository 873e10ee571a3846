"""Consents: collected and answered with a receipt, anchored in batches, bound to versions, withdrawn.

A collected consent is checked as an auditor will check it (signer, sentence, chain, contract), because a batch with
one bad leaf is worth nothing; whether its terms are acceptable is the contract's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from deedbook.chain import abis
from deedbook.chain.transactions import Receipt, Signer
from deedbook.domain.batches import Batch, batch_under
from deedbook.domain.consents import Consent, ConsentDomain, SignedConsent, Terms, Withdrawal
from deedbook.domain.hashing import to_hex
from deedbook.domain.merkle import PositionalTree, consent_leaf
from deedbook.domain.notices import Notice
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import Conflict, IntegrityError, InvalidInput, NotFound
from deedbook.ledger.acting import Act, Acting
from deedbook.ledger.collecting import AnsweredBook, Checkers, Collecting
from deedbook.ledger.gathering import gathered
from deedbook.wallet.recovery import verify_signer

NO_SALT = bytes(32)
TREES = 4
"""How many batches' trees are kept at hand: 64 MB each for a million leaves."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a consent stands: its batch, its index there, and its inclusion proof."""

    batch: Batch
    index: int
    consent_id: bytes
    subject: bytes
    proof: tuple[bytes, ...]

    @property
    def leaf(self) -> tuple[int, bytes, bytes]:
        """IConsents.Leaf for a call."""
        return (self.index, self.consent_id, self.subject)

    def to_json(self) -> dict[str, Any]:
        """The inclusion proof, with all that it is a proof of."""
        batch = self.batch
        return {
            "consentId": to_hex(self.consent_id),
            "subject": to_hex(self.subject),
            "index": self.index,
            "leaf": to_hex(consent_leaf(self.consent_id, self.subject)),
            "proof": [to_hex(node) for node in self.proof],
            "batch": {
                "batchId": to_hex(batch.batch_id),
                "assetId": str(batch.asset_id),
                "root": to_hex(batch.root),
                "count": batch.count,
                "terms": batch.terms.to_json(),
                "manifestHash": to_hex(batch.manifest),
            },
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """A leaf with its inclusion proof, as whoever shows it has it: ids 32 bytes, `subject` 20."""

    batch: Batch
    index: int
    consent_id: bytes
    subject: bytes
    proof: tuple[bytes, ...]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """IConsents.Batch, Leaf and proof for a call."""
        return (self.batch.stated, (self.index, self.consent_id, self.subject), self.proof)


class ConsentBook(AnsweredBook, Protocol):
    """What the ledger keeps of consents, in `records`; each writing method is one transaction."""

    def consent(self, consent_id: bytes) -> SignedConsent:
        """Raises NotFound."""

    def receipts_of(self, consent_ids: Sequence[bytes]) -> Mapping[bytes, ConsentReceipt]:
        """The receipts of those that are known, by consentId."""

    def pending_documents(self, asset_id: int) -> Iterator[bytes]:
        """The canonical bytes of those that are not yet anchored, in the order of their consentIds."""

    def add_batch(self, batch: Batch, consent_ids: Sequence[bytes]) -> None:
        """Keeps a batch that is about to be anchored, with its leaves in order."""

    def batch(self, batch_id: bytes) -> Batch:
        """Raises NotFound."""

    def batches_of(self, asset_id: int) -> list[Batch]:
        """In the order in which they were added."""

    def leaf_keys_of(self, batch_id: bytes) -> list[tuple[bytes, bytes]]:
        """ConsentId and subject of each leaf of a batch, in leaf order; no consent is opened for it."""

    def mark_withdrawn(self, consent_id: bytes) -> None:
        """Notes a withdrawal; a pending consent then never enters a batch."""

    def place_of(self, consent_id: bytes) -> tuple[bytes, int]:
        """Batch id and index of an anchored consent. Raises NotFound."""


class Consents:
    """The use cases of consents for one deployment.

    `notice_of` finds a published notice by its SHA-256 (raises NotFound); `clock` gives Unix seconds. `remember` keeps
    the id of a consent that was withdrawn before it was on chain, where a restored backup of the book does not undo it.
    """

    def __init__(
        self,
        acting: Acting,
        book: ConsentBook,
        notice_of: Callable[[bytes], Notice],
        clock: Callable[[], int],
        *,
        remember: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self._acting = acting
        self._book = book
        self._notice_of = lru_cache(maxsize=16)(notice_of)  # a notice never changes: its hash names it
        self._tree_of = lru_cache(maxsize=TREES)(self._tree)
        self._clock = clock
        self.remember = remember
        self.domain = ConsentDomain(acting.chain_id, acting.addresses["Consents"])

    def collect(self, signed: SignedConsent, collector: Signer) -> ConsentReceipt:
        """Takes a signed consent and answers with the collector's receipt; the same consent gets the same receipt.

        Raises InvalidInput naming the field (chain, contract, controller, validity, statement), InvalidSignature.
        """
        return self.collect_all([signed], collector)[0]

    def collect_all(self, many: Sequence[SignedConsent], collector: Signer) -> list[ConsentReceipt]:
        """As `collect`, for many: their receipts in the same order. One transaction: where one is refused, none of
        them is kept. Hand a population over in chunks of some thousands."""
        names = [signed.consent_id for signed in many]
        by_id = dict(zip(names, many, strict=True))
        known = dict(self._book.receipts_of(tuple(by_id)))
        fresh = {name: signed for name, signed in by_id.items() if name not in known}
        answers = self.collecting(collector).collect_at_once(tuple(fresh.values()))
        self._book.admit_consents(tuple(known))
        for (name, signed), answer in zip(fresh.items(), answers, strict=True):
            known[name] = ConsentReceipt.of(signed, answer)
        return [known[name] for name in names]

    def collecting(self, collector: Signer, *, asset_id: int | None = None) -> Collecting:
        """Takes the consents of a population, out of a file."""
        return Collecting(self._book, self.domain, self._notice_of, self._clock, collector, asset_id=asset_id)

    def anchor(self, asset_id: int, collector: Signer, *, salt: bytes = NO_SALT) -> tuple[Batch, Receipt]:
        """Anchors pending consents of an asset as one batch; `salt` proves an asset that is not registered yet.

        What was kept by an anchoring that was cut short goes first. One batch holds consents that say the same but
        for their validity, one of each subject; the others wait for the next call, and those that have expired for
        ever. Raises NotFound when none is pending, RejectedByContract - and then keeps nothing.
        """
        return self.anchor_by(asset_id, lambda _: collector, salt=salt)

    def anchor_by(
        self, asset_id: int, signer_of: Callable[[bytes], Signer], *, salt: bytes = NO_SALT
    ) -> tuple[Batch, Receipt]:
        """As `anchor`, signed by whom `signer_of` gives for the controller (20 bytes) that the consents name."""
        batch, act = self.anchoring_by(asset_id, signer_of, salt=salt)
        return batch, self._acting.make(act)

    def anchoring_by(
        self, asset_id: int, signer_of: Callable[[bytes], Signer], *, salt: bytes = NO_SALT
    ) -> tuple[Batch, Act]:
        """As `anchor_by`, up to the call that puts the kept batch on chain, which is still to be made."""
        batch = self._cut_short(asset_id) or self._gathered(asset_id, signer_of, salt)
        return batch, self._granting(batch, signer_of(batch.terms.controller), salt)

    def _cut_short(self, asset_id: int) -> Batch | None:
        """The batch that was kept last, unless it is on chain."""
        kept = self._book.batches_of(asset_id)[-1:]
        for batch in kept:
            if not self._count(batch):
                return batch
        return None

    def _waiting(self, asset_id: int) -> tuple[Batch, list[bytes]]:
        """What would be anchored now, and the consentIds of its leaves; nothing is kept. Raises NotFound."""
        checkers = Checkers(self.domain, self._notice_of)
        found = gathered(self._book.pending_documents(asset_id), checkers, self._clock())
        if found is None:
            raise NotFound("pending consent of asset", str(asset_id))
        return found.batch()

    def proposed(self, asset_id: int, collector: bytes) -> Batch:
        """The batch that `anchor` would put on chain, for a `collector` (20 bytes) who signs elsewhere. It is not kept
        until that was signed (`keep_signed`), so that a consent in it is withdrawn as one that waits. Raises NotFound
        where none is pending, or another collected what is."""
        batch = self._cut_short(asset_id) or self._waiting(asset_id)[0]
        if batch.terms.controller != collector:
            raise NotFound("pending consent of asset", str(asset_id))
        return batch

    def keep_signed(self, data: bytes, *, is_next: bool) -> None:
        """Keeps the batch that a call of Consents, signed by its collector, is about to put on chain; other calls, and
        batches of what nobody collected here, are nothing to it.

        Raises Conflict where other consents wait by now, and unless it is relayed next (`is_next`): nobody withdraws
        out of a batch that is kept and not on chain, so none waits there for its collector.
        """
        if abis.act_in("Consents", data) != "grantBatch":
            return
        _, said = abis.decode_call("Consents", data)
        terms = Terms.from_args(said["terms"])
        stated = batch_under(said["assetId"], said["root"], said["count"], terms, said["manifestHash"])
        try:
            self._book.batch(stated.batch_id)
        except NotFound:
            self._keep_waiting(stated, is_next=is_next)

    def _keep_waiting(self, stated: Batch, *, is_next: bool) -> None:
        try:
            batch, names = self._waiting(stated.asset_id)
        except NotFound:
            return
        if batch.batch_id != stated.batch_id:
            raise Conflict("other consents wait by now", hint="draft the batch again", asset=str(stated.asset_id))
        if not is_next:
            raise Conflict("another act of the collector comes first", hint="hand the batch over when that is through")
        self._book.add_batch(batch, names)

    def _gathered(self, asset_id: int, signer_of: Callable[[bytes], Signer], salt: bytes) -> Batch:
        batch, names = self._waiting(asset_id)
        collector = signer_of(batch.terms.controller)
        self._acting.simulate(collector.address, "Consents", "grantBatch", *_granted(batch, salt))
        self._book.add_batch(batch, names)
        return batch

    def grant_batch(self, batch: Batch, collector: Signer, *, salt: bytes = NO_SALT) -> Receipt:
        """Puts a kept batch on chain; a second call finds the first one's receipt."""
        return self._acting.make(self._granting(batch, collector, salt))

    def _granting(self, batch: Batch, collector: Signer, salt: bytes) -> Act:
        return self._acting.prepared(collector, "Consents", "grantBatch", *_granted(batch, salt))

    def grant(self, signed: SignedConsent, collector: Signer, *, salt: bytes = NO_SALT) -> Receipt:
        """A batch of one: the contract itself checks the signature."""
        return self._acting.act(collector, "Consents", "grant", signed.consent.as_tuple(), salt, signed.signature)

    def bind(self, holder: Signer, asset_id: int, version: int, bases: Sequence[tuple[Batch, bytes]]) -> Receipt:
        """Gives a version its legal basis: each batch with the auditor relied on (20 bytes), in ascending batch ids."""
        ordered = sorted(bases, key=lambda basis: basis[0].batch_id)
        stated = tuple(
            (batch.root, batch.count, batch.terms.as_tuple(), batch.manifest, auditor) for batch, auditor in ordered
        )
        return self._acting.act(holder, "Consents", "bind", asset_id, version, stated)

    def place(self, consent_id: bytes) -> Place:
        """Where an anchored consent stands, with its inclusion proof. Raises NotFound, IntegrityError where the leaves
        kept do not give the batch's root."""
        name, index = self._book.place_of(consent_id)
        batch, tree = self._tree_of(name)
        subject = self._book.consent(consent_id).consent.subject
        if tree.leaf(index) != consent_leaf(consent_id, subject):
            raise IntegrityError("a consent is kept at another's place", batch=to_hex(name), index=index)
        return Place(batch, index, consent_id, subject, tree.proof(index))

    def _tree(self, name: bytes) -> tuple[Batch, PositionalTree]:
        """A batch and its tree, which never change."""
        batch = self._book.batch(name)
        tree = PositionalTree(consent_leaf(*keys) for keys in self._book.leaf_keys_of(name))
        if tree.root != batch.root:
            raise IntegrityError("the leaves kept of a batch do not give its root", batch=to_hex(name))
        return batch, tree

    def withdraw(self, subject: Signer, consent_id: bytes) -> Receipt:
        """The subject's own transaction."""
        place = self.place(consent_id)
        return self._acting.act(subject, "Consents", "withdraw", place.batch.stated, place.leaf, place.proof)

    def withdraw_for(self, withdrawal: Withdrawal, relayer: Signer) -> Receipt | None:
        """Relays a signed withdrawal; None for a consent that is in no batch yet, and now never will be.

        Raises InvalidSignature, NotFound, RejectedByContract.
        """
        act = self.withdrawing_for(withdrawal, relayer)
        return None if act is None else self._acting.make(act)

    def withdrawing_for(self, withdrawal: Withdrawal, relayer: Signer) -> Act | None:
        """As `withdraw_for`, up to the call, which is still to be made."""
        self.check_withdrawal(withdrawal)
        self._book.mark_withdrawn(withdrawal.consent_id)
        try:
            place = self.place(withdrawal.consent_id)
        except NotFound:
            self.remember(withdrawal.consent_id)
            return None
        arguments: tuple[Any, ...] = (place.batch.stated, place.leaf, place.proof, withdrawal.signature)
        self._acting.simulate(relayer.address, "Consents", "withdrawFor", *arguments)
        return self._acting.prepared(relayer, "Consents", "withdrawFor", *arguments)

    def check_withdrawal(self, withdrawal: Withdrawal) -> None:
        """That the subject of a known consent signed it for this deployment. Raises InvalidInput (`contract`,
        `subject`), InvalidSignature, NotFound."""
        if withdrawal.domain != self.domain:
            raise InvalidInput("contract", "the withdrawal is for another chain or contract")
        signed = self._book.consent(withdrawal.consent_id)
        if withdrawal.subject != signed.consent.subject:
            raise InvalidInput("subject", "the consent is another's")
        verify_signer(withdrawal.digest, withdrawal.signature, withdrawal.subject)

    def withdraw_by_receipt(self, receipt: ConsentReceipt, withdrawal: Withdrawal, relayer: Signer) -> Receipt:
        """Withdraws by the collector's receipt, without a proof: marks the consent and stops the asset's orders.

        That the receipt's signer collects for the asset is shown by any batch that it granted. Raises NotFound where
        none is known here, RejectedByContract.
        """
        shown = self._granted_by(receipt.collector, receipt.signed.consent.asset_id)
        return self._acting.act(
            relayer,
            "Consents",
            "withdrawByReceipt",
            withdrawal.consent_id,
            withdrawal.subject,
            shown.stated,
            shown.terms.as_tuple(),
            shown.manifest,
            receipt.signature,
            withdrawal.signature,
        )

    def _granted_by(self, collector: bytes, asset_id: int) -> Batch:
        """A batch of the asset that the collector put on chain."""
        for batch in self._book.batches_of(asset_id):
            if batch.terms.controller == collector and self._count(batch):
                return batch
        raise NotFound("batch on chain by this collector for asset", str(asset_id))

    def _count(self, batch: Batch) -> int:
        """How many leaves the chain knows of a batch; 0 of one that it does not know."""
        count: int = self._acting.read("Consents", "batchState", batch.batch_id)["count"]
        return count

    def apply_mark(self, consent_id: bytes, signer: Signer) -> Receipt:
        """Applies the proof to a consent that was withdrawn by receipt."""
        place = self.place(consent_id)
        return self._acting.act(signer, "Consents", "applyMark", place.batch.stated, place.leaf, place.proof)

    def dismiss_mark(self, auditor: Signer, consent_id: bytes, asset_id: int, subject: bytes) -> Receipt:
        """States, as an auditor who is no party, that no bound batch holds a consent that was withdrawn by receipt."""
        return self._acting.act(auditor, "Consents", "dismissMark", consent_id, asset_id, subject)

    def challenge(self, signer: Signer, batch: Batch, index: int, consent: Consent, proof: Sequence[bytes]) -> Receipt:
        """Shows a leaf of a batch whose own consent grants less than the batch states, and so ends it; anyone may."""
        arguments = (batch.stated, batch.terms.as_tuple(), batch.manifest, index, consent.as_tuple(), tuple(proof))
        return self._acting.act(signer, "Consents", "challenge", *arguments)

    def strike(self, signer: Signer, kept: Standing, struck: Standing) -> Receipt:
        """Shows two live leaves of one consent or one person in a binding: the later one ends; anyone may."""
        return self._acting.act(signer, "Consents", "strike", *kept.arguments, *struck.arguments)

    def carry_withdrawal(self, signer: Signer, ended: Standing, leaf: Standing) -> Receipt:
        """Carries a withdrawal over to another leaf of the same consent: that one ends too; anyone may."""
        return self._acting.act(signer, "Consents", "carryWithdrawal", *ended.arguments, *leaf.arguments)

    def release(self, collector: Signer, consent_id: bytes) -> Receipt:
        """Gives up one leaf for ever (a person who lost the key)."""
        place = self.place(consent_id)
        batch = place.batch
        arguments: tuple[Any, ...] = (batch.stated, batch.terms.as_tuple(), batch.manifest, place.leaf, place.proof)
        return self._acting.act(collector, "Consents", "release", *arguments)


def _granted(batch: Batch, salt: bytes) -> tuple[Any, ...]:
    return (batch.asset_id, salt, batch.root, batch.count, batch.terms.as_tuple(), batch.manifest)
