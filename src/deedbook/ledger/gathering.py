"""Which of the consents that wait become one batch: read chunk by chunk, kept as columns of bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from deedbook.domain.batches import Batch, batch_under
from deedbook.domain.consent_documents import ConsentKind
from deedbook.domain.hashing import cut
from deedbook.domain.merkle import Rfc9162Root, positional_root
from deedbook.errors import IntegrityError
from deedbook.ledger.collecting import Checkers
from deedbook.wallet.consents import in_chunks

FOR_EVER: Final = 2**53 - 1
"""The latest time that a consent can name."""

_ID, _SUBJECT, _HASH = 32, 20, 32


class Gathered:
    """Consents of one kind, one of each subject: what their batch is made of, a hundred bytes and a place for each."""

    def __init__(self, kind: ConsentKind) -> None:
        self._kind = kind
        self._subjects: set[bytes] = set()
        self._ids = bytearray()
        self._leaves = bytearray()
        self._manifest = Rfc9162Root()
        self._since, self._until = 0, FOR_EVER

    def __len__(self) -> int:
        return len(self._subjects)

    def add(self, consent_id: bytes, subject: bytes, leaf: bytes, manifest: bytes, since: int, until: int) -> None:
        """Adds a consent, unless its subject is there."""
        if subject in self._subjects:
            return
        self._subjects.add(subject)
        self._ids += consent_id
        self._leaves += leaf
        self._manifest.add_hash(manifest)
        self._since, self._until = max(self._since, since), min(self._until, until)

    def batch(self) -> tuple[Batch, list[bytes]]:
        """The batch, under the widest terms that all of them grant, and the consentIds of its leaves in order."""
        terms = replace(self._kind.terms, valid_from=self._since, valid_until=self._until)
        root = positional_root(cut(bytes(self._leaves), _HASH))
        batch = batch_under(self._kind.asset_id, root, len(self), terms, self._manifest.root())
        return batch, cut(bytes(self._ids), _ID)


def gathered(documents: Iterable[bytes], checkers: Checkers, now: int) -> Gathered | None:
    """The most of these consents (canonical bytes, checked when they were collected) that can be one batch: in force or
    to come, alike but for their validity, one of a subject. Raises IntegrityError for one that was changed since."""
    groups: dict[ConsentKind, Gathered] = {}
    for chunk in in_chunks(documents):
        found = checkers.of(chunk, signatures=False)(chunk)
        if found.refusal is not None:
            raise IntegrityError("a stored consent is not what was collected") from found.refusal.error()
        kinds = [groups.setdefault(kind, Gathered(kind)) for kind in found.kinds]
        columns = (cut(found.ids, _ID), cut(found.subjects, _SUBJECT), cut(found.leaves, _HASH))
        rows = zip(found.which, *columns, cut(found.manifest, _HASH), found.since, found.until, strict=True)
        for place, consent_id, subject, leaf, manifest, since, until in rows:
            if until >= now:
                kinds[place].add(consent_id, subject, leaf, manifest, since, until)
    return max(filter(len, groups.values()), key=len, default=None)
