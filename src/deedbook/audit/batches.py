"""What an auditor checks before stating that a batch of consents is what it says: every leaf, by its own evidence.

The consents come as documents, a chunk in memory at a time; other processes may check their signatures. What is kept of
all of them is who is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

from deedbook.audit.findings import contradiction
from deedbook.domain.batches import Batch
from deedbook.domain.codes import ConsentField
from deedbook.domain.consent_documents import ConsentKind
from deedbook.domain.consents import ConsentDomain, narrower_terms
from deedbook.domain.hashing import cut, to_hex
from deedbook.domain.merkle import Rfc9162Root, positional_root_over
from deedbook.domain.notices import Notice
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidFormat
from deedbook.wallet.consents import (
    AHEAD,
    HEIGHT,
    CheckedConsents,
    CheckedLeaves,
    Chunk,
    ConsentChecker,
    LeafChecker,
    Refusal,
    checked,
    documents_of,
    in_chunks,
)

_RULES: Final = {
    "chainId": "consents.domain",
    "contract": "consents.domain",
    "noticeHash": "consents.notice",
    "statement": "consents.statement",
    "signature": "consents.signature",
}
"""The rules by the fields of refusals; every other one is a matter of form."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """How many signatures, statements and different subjects were found good; each equals the batch's count."""

    batch_id: bytes
    signatures: int
    statements: int
    subjects: int


def check_batch(
    batch: Batch,
    documents: Iterable[bytes],
    notices: Iterable[Notice],
    domain: ConsentDomain,
    *,
    executor: Executor | None = None,
    ahead: int = AHEAD,
    report: Callable[[int], None] = lambda _: None,
) -> BatchReport:
    """Checks the signed consents (JSON documents, in leaf order) of a batch that is not bound yet.

    Signer, sentence, chain and contract, terms not narrower than the batch's, every subject and consentId once, root
    and manifest. `executor` checks `ahead` chunks at a time; `report` is told how many were good so far. Raises
    IntegrityError naming the rule and the leaf, EvidenceMissing where consents are missing.
    """
    return check_chunks(batch, in_chunks(documents), notices, domain, executor=executor, ahead=ahead, report=report)


def check_chunks(
    batch: Batch,
    chunks: Iterable[Chunk],
    notices: Iterable[Notice],
    domain: ConsentDomain,
    *,
    executor: Executor | None = None,
    ahead: int = AHEAD,
    report: Callable[[int], None] = lambda _: None,
) -> BatchReport:
    """As `check_batch`, of documents that come by the chunk: CHUNK of them each time, but for the last. Raises
    InvalidFormat (`file`) for a file that was changed meanwhile."""
    consents = ConsentChecker(domain, tuple(notice.encode() for notice in notices))
    checker, audit = LeafChecker(consents), _Audit(batch)
    for (_, chunk), found in checked(((checker, chunk) for chunk in chunks), executor, ahead):
        if not audit.is_good(found):
            audit.name_the_first(consents(documents_of(chunk)))
            raise InvalidFormat("file", "was changed while it was read")
        audit.add(found)
        report(audit.count)
    audit.end()
    return BatchReport(batch.batch_id, batch.count, batch.count, batch.count)


class _Audit:
    """The walk through the leaves of one batch."""

    def __init__(self, batch: Batch) -> None:
        self.count = 0
        self._batch = batch
        self._subjects: set[bytes] = set()
        self._columns: list[bytes] = []
        self._subtrees: list[bytes] = []
        self._first = b""
        self._manifest = Rfc9162Root()

    def is_good(self, found: CheckedLeaves) -> bool:
        """Whether one more chunk may be added, looked at together, which is fast; where it may not, only
        `name_the_first` may follow."""
        terms, before = self._batch.terms, len(self._subjects)
        if found.refusal is not None or any(map(self._narrower, found.kinds)):
            return False
        self._subjects.update(cut(found.subjects, 20))
        return (
            len(self._subjects) == before + found.count
            and found.since <= terms.valid_from
            and found.until >= terms.valid_until
        )

    def name_the_first(self, found: CheckedConsents) -> None:
        """Raises IntegrityError for the first leaf of the chunk that is wrong."""
        narrower = [self._narrower(kind) for kind in found.kinds]
        seen = {subject for column in self._columns for subject in cut(column, 20)}
        for index, subject in enumerate(cut(found.subjects, 20)):
            field = narrower[found.which[index]]
            if field is None:
                field = self._shorter(found.since[index], found.until[index])
            if field is not None:
                raise self._wrong("consents.narrower", index, f"grants less than its batch: {field.name}")
            if subject in seen:
                raise self._wrong("consents.unique", index, "has the subject of another leaf")
            seen.add(subject)
        if found.refusal is not None:
            raise self._refused(found.refusal)

    def add(self, found: CheckedLeaves) -> None:
        """One more chunk, which is good."""
        self._first = self._first or found.root
        self._columns.append(found.subjects)
        self._subtrees.append(found.subtree)
        for height, root in found.manifest:
            self._manifest.add_subtree(root, height)
        self.count += found.count

    def end(self) -> None:
        """After the last one: count, root and manifest. Raises EvidenceMissing, IntegrityError."""
        batch, name = self._batch, to_hex(self._batch.batch_id)
        if self.count < batch.count:
            words = f"{self.count} of {batch.count} consents of batch {name} are there"
            raise EvidenceMissing(words, rule="consents.shown")
        if self.count > batch.count:
            words = f"{self.count} consents for the {batch.count} leaves of batch {name}"
            raise contradiction("consents.shown", words)
        if self._root() != batch.root:
            raise contradiction("consents.root", f"the consents shown do not give the root of batch {name}")
        if self._manifest.root() != batch.manifest:
            raise contradiction(
                "consents.manifest", f"the consents shown are not those of the manifest of batch {name}"
            )

    def _root(self) -> bytes:
        return positional_root_over(self._subtrees, HEIGHT) if len(self._subtrees) > 1 else self._first

    def _narrower(self, kind: ConsentKind) -> ConsentField | None:
        """In what all of a kind grant less, whatever their times."""
        terms = self._batch.terms
        granted = replace(kind.terms, valid_from=terms.valid_from, valid_until=terms.valid_until)
        return narrower_terms(self._batch.asset_id, terms, kind.asset_id, granted)

    def _shorter(self, since: int, until: int) -> ConsentField | None:
        if since > self._batch.terms.valid_from:
            return ConsentField.VALID_FROM
        return ConsentField.VALID_UNTIL if until < self._batch.terms.valid_until else None

    def _refused(self, refusal: Refusal) -> IntegrityError:
        return self._wrong(_RULES.get(refusal.field, "consents.form"), refusal.index, str(refusal.error()))

    def _wrong(self, rule: str, index: int, words: str) -> IntegrityError:
        place = f"consent {self.count + index} of batch {to_hex(self._batch.batch_id)}"
        return contradiction(rule, f"{place}: {words}")
