"""What an auditor checks before stating that a batch of consents is what it says: every leaf, by its own evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from deedbook.audit import consents
from deedbook.domain.batches import Batch
from deedbook.domain.consents import ConsentDomain
from deedbook.domain.notices import Notice


@dataclass(frozen=True, slots=True)
class BatchReport:
    """How many signatures, statements and different subjects were found good; each equals the batch's count."""

    batch_id: bytes
    signatures: int
    statements: int
    subjects: int


def check_batch(
    batch: Batch, documents: Sequence[Any], notices: Iterable[Notice], domain: ConsentDomain
) -> BatchReport:
    """Checks the signed consents (JSON documents, in leaf order) of a batch that is not bound yet.

    Signer, sentence, chain and contract, terms not narrower than the batch's, every subject and consentId once, root
    and manifest. Raises IntegrityError naming the rule and the leaf, EvidenceMissing where consents are missing.
    """
    stated = consents.Batch(batch.batch_id, batch.root, batch.count, batch.terms, batch.manifest, block=0)
    register = consents.ConsentRegister(batch.asset_id, (), (), {batch.batch_id: stated}, ())
    by_hash = {notice.hash: notice for notice in notices}
    consents.check_leaves(register, consents.Bound(stated, 0, None), documents, by_hash, domain, {}, {})
    return BatchReport(batch.batch_id, batch.count, batch.count, batch.count)
