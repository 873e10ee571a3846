"""Erasure: after it, nothing that the exchange holds, live or in a backup, opens the erased records.

A journalled sequence; a crash anywhere is healed by `resume`:

1. log the intent: from here on the records are neither delivered nor served;
2. write KEK g+1 and sync it;
3. narrow the seeds of each payload concerned to the cover without the erased records and seal them under a new
   payload key; wrap every payload's key under g+1; open each again from its new row;
4. switch: all new rows and generation g+1 in one transaction. Until here a crash means starting over from step 2;
5. destroy KEK g (and any before it): the old rows, and every copy of them, are noise now;
6. write the destruction receipt, dated from step 5, and close the journal entry.

A payload sealed between 3 and 4 makes the switch fail; then step 3 runs again. Two processes may run the same erasure:
one switch wins, and both go on from there. Several records of several payloads may
share one erasure. The receipt is `domain.erasures.ErasureReceipt` (format 27).

`promised` is false when the KEKs' keeper can bring a generation back. What earlier buyers received is not reached: for
them an erasure is a duty to delete.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from deedbook.domain.erasures import ErasedFrom, ErasureReceipt
from deedbook.domain.hashing import to_hex
from deedbook.domain.keytree import cover_all_but, cover_hash, is_delivered
from deedbook.domain.payloads import ErasureRecord, ErasureTarget, KeyLedger, KeyRecord
from deedbook.errors import Conflict, DeedbookError, InvalidInput, NotFound, SealBroken
from deedbook.vault.keks import Keks, unwrap, wrap
from deedbook.vault.keytree import SeededCover
from deedbook.vault.payloads import open_seeds, seal_seeds, uncovered

STEPS = ("logged", "kek written", "rewrapped", "switched", "destroyed", "done")
"""What `watch` is told, after each step of an erasure."""

_PATIENCE = 5


class Erasure:
    """Erases records. One at a time: a second waits for, or resumes, the first.

    `watch(step)` is called after every step; a test crashes there.
    """

    def __init__(
        self,
        ledger: KeyLedger,
        keks: Keks,
        *,
        entropy: Callable[[int], bytes],
        clock: Callable[[], int],
        watch: Callable[[str], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._keks = keks
        self._entropy = entropy
        self._clock = clock
        self._watch = watch or (lambda _: None)

    def erase(self, targets: Mapping[bytes, Collection[int]]) -> ErasureRecord | None:
        """Erase these record indices of these payloads, and finish what an earlier crash left open.

        Returns the finished journal entry with its receipt, or None when nothing was left to erase: doing it twice is
        doing it once. Raises `NotFound` for an unknown payload, `InvalidInput` naming `indices` out of range; nothing
        is logged then.
        """
        self._require_known(targets)
        self.resume()
        wanted = self._still_there(targets)
        if not wanted:
            return None
        generation = self._ledger.generation()
        erasure = ErasureRecord(self._entropy(32), wanted, generation, generation + 1, "logged", self._clock())
        self._ledger.log_erasure(erasure)
        self._watch("logged")
        return self._run(erasure)

    def resume(self) -> ErasureRecord | None:
        """Finish the erasure that a crash left open, if any; call it when the home is opened."""
        erasure = self._ledger.open_erasure()
        return self._run(erasure) if erasure else None

    def receipt_of(self, payload_id: bytes, index: int) -> bytes:
        """The destruction receipt that names this record; raises `NotFound`."""
        for erasure in self._ledger.erasures():
            named = any(t.payload_id == payload_id and index in t.indices for t in erasure.targets)
            if named and erasure.phase == "done":
                return erasure.receipt
        raise NotFound("erasure", f"of record {index} of payload 0x{payload_id.hex()}")

    def _run(self, erasure: ErasureRecord) -> ErasureRecord:
        if erasure.phase == "logged":
            self._keks.create(erasure.to_generation)
            self._watch("kek written")
            self._rewrap_and_switch(erasure)
            self._watch("switched")
        self._destroy_before(erasure.to_generation)
        self._watch("destroyed")
        self._finish(erasure)
        self._watch("done")
        return self._ledger.erasure(erasure.erasure_id)

    def _rewrap_and_switch(self, erasure: ErasureRecord) -> None:
        """Another process may have switched meanwhile, or a payload been added: then go on, or do it again."""
        for attempt in range(_PATIENCE):
            try:
                rewrapped = self._rewrapped(erasure)
                self._watch("rewrapped")
                return self._ledger.switch(erasure.erasure_id, rewrapped)
            except DeedbookError as error:
                if self._ledger.erasure(erasure.erasure_id).phase != "logged":
                    return None
                if not isinstance(error, Conflict) or attempt == _PATIENCE - 1:
                    raise
        return None

    def _finish(self, erasure: ErasureRecord) -> None:
        try:
            self._ledger.finish_erasure(erasure.erasure_id, self._receipt(erasure))
        except DeedbookError:
            if self._ledger.erasure(erasure.erasure_id).phase != "done":
                raise

    def _rewrapped(self, erasure: ErasureRecord) -> list[KeyRecord]:
        old, new = self._keks.key(erasure.from_generation), self._keks.key(erasure.to_generation)
        erased = {target.payload_id: target.indices for target in erasure.targets}
        rows, stored = [], self._ledger.keys()
        for key in stored:
            indices = erased.get(key.payload_id)
            expected = open_seeds(old, key) if indices is None else without(open_seeds(old, key), indices)
            row = (
                self._moved(key, old, new, erasure.to_generation)
                if indices is None
                else self._resealed(key, expected, new, erasure.to_generation)
            )
            if open_seeds(new, row) != expected:
                raise SealBroken(
                    "a re-wrapped key opens to other seeds", part="seeds", payload_id=to_hex(key.payload_id)
                )
            rows.append(row)
        return rows

    def _moved(self, key: KeyRecord, old: bytes, new: bytes, generation: int) -> KeyRecord:
        """The same payload key under the next KEK."""
        payload_key = unwrap(old, key.wrapped_key, payload_id=key.payload_id, generation=key.generation)
        return KeyRecord(
            key.payload_id, key.epoch, generation, self._wrapped(new, payload_key, key, generation), key.sealed_seeds
        )

    def _resealed(self, key: KeyRecord, seeds: SeededCover, new: bytes, generation: int) -> KeyRecord:
        """Fewer seeds under a new payload key, that one under the next KEK."""
        payload_key, epoch = self._entropy(32), key.epoch + 1
        sealed = seal_seeds(payload_key, seeds, payload_id=key.payload_id, epoch=epoch, nonce=self._entropy(12))
        return KeyRecord(key.payload_id, epoch, generation, self._wrapped(new, payload_key, key, generation), sealed)

    def _wrapped(self, kek: bytes, payload_key: bytes, key: KeyRecord, generation: int) -> bytes:
        nonce = self._entropy(12)
        return wrap(kek, payload_key, payload_id=key.payload_id, generation=generation, nonce=nonce)

    def _destroy_before(self, generation: int) -> None:
        for former in {generation - 1, *self._keks.generations()}:
            if former < generation:
                self._keks.destroy(former)

    def _receipt(self, erasure: ErasureRecord) -> bytes:
        return ErasureReceipt(
            erasure_id=erasure.erasure_id,
            payloads=tuple(self._erased_from(target) for target in erasure.targets),
            destroyed_generation=erasure.from_generation,
            generation=erasure.to_generation,
            logged_at=erasure.logged_at,
            destroyed_at=self._clock(),
            promised=self._keks.promises_erasure,
        ).encode()

    def _erased_from(self, target: ErasureTarget) -> ErasedFrom:
        payload, key = self._ledger.payload(target.payload_id), self._ledger.key(target.payload_id)
        remaining = cover_hash(open_seeds(self._keks.key(key.generation), key).cover)
        return ErasedFrom(
            payload.payload_id, payload.asset_id, payload.version, payload.content_root, target.indices, remaining
        )

    def _require_known(self, targets: Mapping[bytes, Collection[int]]) -> None:
        for payload_id, indices in targets.items():
            count = self._ledger.payload(payload_id).count
            if not all(0 <= index < count for index in indices):
                raise InvalidInput("indices", f"an index is not below the count {count}")

    def _still_there(self, targets: Mapping[bytes, Collection[int]]) -> tuple[ErasureTarget, ...]:
        found = []
        for payload_id, indices in sorted(targets.items()):
            key = self._ledger.key(payload_id)
            cover = open_seeds(self._keks.key(key.generation), key).cover
            left = tuple(index for index in sorted(set(indices)) if is_delivered(cover, index))
            if left:
                found.append(ErasureTarget(payload_id, left))
        return tuple(found)


def without(seeds: SeededCover, indices: Collection[int]) -> SeededCover:
    """The same seeds, but for the leaves at these indices."""
    count = seeds.cover.record_count
    return seeds.narrowed_to(cover_all_but(count, {*uncovered(seeds.cover), *indices}))
