"""The vault: seals a version's records, delivers covers of them, serves sealed units; keeps no plaintext and no seed
in clear.

The seeds of a payload are sealed under a key of its own, that key under the KEK in force (format 18):

    sealed seeds = nonce(12) || AES-256-GCM(payload key, seeds, AAD = "deedbook.seeds.v1" || payloadId(32) || u32 epoch)
    payloadId    = SHA-256("deedbook.payload.v1" || assetId(32) || u32 version || contentRoot(32))

What the stored seeds do not cover cannot be delivered and is not served: records withdrawn before the sealing, and
erased ones (`erasure`), from the moment their erasure is logged.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.keytree import (
    Cover,
    cover_all_but,
    cover_hash,
    delivered_count,
    delivered_indices,
    encode_cover,
    is_delivered,
)
from deedbook.domain.payloads import KeyLedger, KeyRecord, PayloadRecord
from deedbook.errors import Conflict, InvalidInput, MissingKey, NotFound, SealBroken
from deedbook.vault import keytree
from deedbook.vault.envelopes import Context, PublicKey, envelope_hash, seal_envelope
from deedbook.vault.keks import Keks, unwrap, wrap
from deedbook.vault.keytree import SeededCover
from deedbook.vault.objects import ObjectStore
from deedbook.vault.payload_objects import PayloadObject, PayloadWriter
from deedbook.vault.records_form import seal_in_chunks

_SEEDS_TAG = b"deedbook.seeds.v1"
_PAYLOAD_TAG = b"deedbook.payload.v1"
_PATIENCE = 3


@dataclass(frozen=True, slots=True)
class PayloadReceipt:
    """What a sealing leaves: the payload's identifier, and what its version says on chain; how many units are `empty`,
    and how many bytes all of them have."""

    payload_id: bytes
    content_root: bytes
    count: int
    empty: int
    size: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """What goes to a buyer and, as hashes and a count, on chain."""

    envelope: bytes = field(repr=False)
    cover: Cover

    @property
    def envelope_hash(self) -> bytes:
        """32 bytes, for `deliver`."""
        return envelope_hash(self.envelope)

    @property
    def cover_bytes(self) -> bytes:
        """The public cover (format 16)."""
        return encode_cover(self.cover)

    @property
    def cover_hash(self) -> bytes:
        """32 bytes, for `deliver`."""
        return cover_hash(self.cover)

    @property
    def delivered_count(self) -> int:
        """How many records the buyer can open."""
        return delivered_count(self.cover)


class Vault:
    """Sealed payloads of one home.

    `entropy(n)` gives n random bytes, `clock()` Unix seconds. Reading raises `NotFound` for an unknown payload,
    `MissingKey` when a KEK is gone, and an `IntegrityError` when what is stored is not what was sealed.
    """

    def __init__(
        self,
        objects: ObjectStore,
        ledger: KeyLedger,
        keks: Keks,
        *,
        entropy: Callable[[int], bytes],
        clock: Callable[[], int],
    ) -> None:
        self._objects = objects
        self._ledger = ledger
        self._keks = keks
        self._entropy = entropy
        self._clock = clock

    def seal(
        self, asset_id: int, version: int, consent_ids: Sequence[bytes], plaintexts: Sequence[bytes | None]
    ) -> PayloadReceipt:
        """As `seal_all`, of records that are all at hand."""
        if len(consent_ids) != len(plaintexts):
            raise InvalidInput("plaintexts", f"{len(plaintexts)} for {len(consent_ids)} consents")
        return self.seal_all(asset_id, version, zip(consent_ids, plaintexts, strict=True), len(plaintexts))

    def seal_all(
        self,
        asset_id: int,
        version: int,
        records: Iterable[tuple[bytes, bytes | None]],
        count: int,
        executor: Executor | None = None,
        *,
        report: Callable[[int], None] = lambda _: None,
    ) -> PayloadReceipt:
        """Seal `count` records, each a consent id and a plaintext (None: withdrawn already), in that order, as they
        come; `report` hears how many there were so far.

        Every call draws a fresh root seed and makes another payload. A crash leaves at most an object that nothing
        names. Raises `InvalidInput` naming the field.
        """
        root_seed = self._entropy(keytree.SEED_LENGTH)
        chunks = seal_in_chunks(asset_id, version, records, count, root_seed, executor)
        with self._objects.staging() as file:
            writer = PayloadWriter(file, asset_id, version, count)
            for chunk in chunks:
                writer.add(chunk.units, chunk.lengths, chunk.levels)
                report(chunk.first + len(chunk.lengths))
            content_root, absent = writer.finish(), writer.empty
            payload_id = payload_id_of(asset_id, version, content_root)
            key, now = object_key(payload_id), self._clock()
            payload = PayloadRecord(payload_id, asset_id, version, count, content_root, key, now)
            self._objects.put_staged(key, file)
        seeds = keytree.whole(root_seed, count).narrowed_to(cover_all_but(count, absent))
        self._add(payload, seeds)
        return PayloadReceipt(payload_id, content_root, count, len(absent), writer.size)

    def payload(self, payload_id: bytes) -> PayloadRecord:
        """The book's entry of a payload."""
        return self._ledger.payload(payload_id)

    def payload_of(self, content_root: bytes) -> PayloadRecord:
        """The book's entry of the payload that a version names by its content root."""
        return self._ledger.payload_of(content_root)

    def available(self, payload_id: bytes) -> Cover:
        """The cover of every record that can still be delivered."""
        return self._available(self._seeds(payload_id).cover, payload_id, ())

    def cover_for(self, payload_id: bytes, excluded: Iterable[int]) -> Cover:
        """The cover of every record but the excluded and the unavailable ones: what `deliver` will hand out."""
        return self._available(self._seeds(payload_id).cover, payload_id, excluded)

    def deliver(self, payload_id: bytes, excluded: Iterable[int], recipient: PublicKey, context: Context) -> Delivery:
        """An envelope with the seeds of `cover_for(payload_id, excluded)`; raises as `seal_envelope`.

        Keep the result: a second call makes another envelope of the same cover.
        """
        seeds = self._seeds(payload_id)
        cover = self._available(seeds.cover, payload_id, excluded)
        return Delivery(seal_envelope(recipient, context, seeds.narrowed_to(cover)), cover)

    def serve_unit(self, payload_id: bytes, index: int) -> bytes:
        """One sealed unit, proved under the content root; raises `NotFound` for one that is erased or was never sealed,
        `InvalidInput` naming `index` beyond the count.
        """
        reader = self._object(payload_id)
        unit = reader.unit(index)
        self._require_available(payload_id, index)
        return unit

    def serve_units(self, payload_id: bytes, indices: Collection[int]) -> dict[int, bytes]:
        """Several sealed units in one reading of the object; raises as `serve_unit`, naming the first unavailable."""
        wanted = sorted(set(indices))
        self._require_offered(payload_id, wanted)
        units = self._object(payload_id)
        each = units.each(units.unit_hashes(), (range(index, index + 1) for index in wanted))
        return dict(zip(wanted, each, strict=True))

    def units_of(self, payload_id: bytes, cover: Cover, unit_hashes: Sequence[bytes]) -> Iterator[bytes | None]:
        """The sealed units of a cover's records, ascending, some in memory at a time; None for one that was erased
        after it was delivered. `unit_hashes` are the payload's."""
        offered = self.available(payload_id)
        units = self._object(payload_id).each(unit_hashes, _in_both(cover.ranges(), offered.ranges()))
        return (next(units) if is_delivered(offered, index) else None for index in delivered_indices(cover))

    def _require_offered(self, payload_id: bytes, wanted: Iterable[int]) -> None:
        offered = self.available(payload_id).ranges()
        span = range(0)
        for index in wanted:
            while index >= span.stop and (after := next(offered, None)) is not None:
                span = after
            if index not in span:
                raise NotFound("sealed record", f"{index} of payload {to_hex(payload_id)}")

    def unit_hashes(self, payload_id: bytes) -> tuple[bytes, ...]:
        """SHA-256 of every unit, checked against the content root: what a buyer or auditor compares units with."""
        return self._object(payload_id).unit_hashes()

    def _add(self, payload: PayloadRecord, seeds: SeededCover) -> None:
        """An erasure may put the next generation in force meanwhile: then wrap again."""
        for attempt in range(_PATIENCE):
            generation = self._generation_in_force()
            payload_key = self._entropy(32)
            key = KeyRecord(
                payload.payload_id,
                1,
                generation,
                wrap(
                    self._keks.key(generation),
                    payload_key,
                    payload_id=payload.payload_id,
                    generation=generation,
                    nonce=self._entropy(12),
                ),
                seal_seeds(payload_key, seeds, payload_id=payload.payload_id, epoch=1, nonce=self._entropy(12)),
            )
            try:
                return self._ledger.add_payload(payload, key)
            except Conflict:
                if self._ledger.generation() == generation or attempt == _PATIENCE - 1:
                    raise
        return None

    def _generation_in_force(self) -> int:
        generation = self._ledger.generation()
        if generation == 1 and not self._ledger.keys():
            self._keks.create(generation)
        return generation

    def _seeds(self, payload_id: bytes) -> SeededCover:
        """An erasure may destroy the generation between reading the row and the KEK: then read again."""
        key = self._ledger.key(payload_id)
        try:
            kek = self._keks.key(key.generation)
        except MissingKey:
            key, former = self._ledger.key(payload_id), key
            if key.generation == former.generation:
                raise
            kek = self._keks.key(key.generation)
        return open_seeds(kek, key)

    def _available(self, stored: Cover, payload_id: bytes, excluded: Iterable[int]) -> Cover:
        out = set(excluded)
        if not all(0 <= index < stored.record_count for index in out):
            raise InvalidInput("excluded", f"an index is not below the count {stored.record_count}")
        out.update(uncovered(stored))
        out.update(self._being_erased(payload_id))
        return cover_all_but(stored.record_count, out)

    def _being_erased(self, payload_id: bytes) -> frozenset[int]:
        erasure = self._ledger.open_erasure()
        targets = erasure.targets if erasure else ()
        return frozenset(index for target in targets if target.payload_id == payload_id for index in target.indices)

    def _require_available(self, payload_id: bytes, index: int) -> None:
        if index in self._being_erased(payload_id) or not is_delivered(self._seeds(payload_id).cover, index):
            raise NotFound("sealed record", f"{index} of payload {to_hex(payload_id)}")

    def _object(self, payload_id: bytes) -> PayloadObject:
        payload = self._ledger.payload(payload_id)
        return PayloadObject(
            self._objects,
            payload.object_key,
            asset_id=payload.asset_id,
            version=payload.version,
            count=payload.count,
            content_root=payload.content_root,
        )


def payload_id_of(asset_id: int, version: int, content_root: bytes) -> bytes:
    """SHA-256("deedbook.payload.v1" || assetId(32) || u32 version || contentRoot(32))."""
    return sha256(_PAYLOAD_TAG + asset_id.to_bytes(32, "big") + version.to_bytes(4, "big") + content_root)


def object_key(payload_id: bytes) -> str:
    """Where a payload's object is: `payloads/<64 hex digits>`."""
    return f"payloads/{payload_id.hex()}"


def _in_both(one: Iterator[range], other: Iterator[range]) -> Iterator[range]:
    """What two ascending rows of ranges have in common, ascending."""
    left, right = next(one, None), next(other, None)
    while left is not None and right is not None:
        common = range(max(left.start, right.start), min(left.stop, right.stop))
        if common:
            yield common
        if left.stop <= right.stop:
            left = next(one, None)
        else:
            right = next(other, None)


def uncovered(cover: Cover) -> Iterable[int]:
    """The record indices that a cover leaves out, ascending."""
    free = 0
    for span in cover.ranges():
        yield from range(free, span.start)
        free = span.stop
    yield from range(free, cover.record_count)


def seal_seeds(payload_key: bytes, seeds: SeededCover, *, payload_id: bytes, epoch: int, nonce: bytes) -> bytes:
    """nonce(12) || the seeds sealed under a payload key."""
    return nonce + AESGCM(payload_key).encrypt(nonce, seeds.encode(), _seeds_aad(payload_id, epoch))


def open_seeds(kek: bytes, key: KeyRecord) -> SeededCover:
    """The seeds of a key record; raises `SealBroken` (fields `part`, `payload_id`)."""
    payload_key = unwrap(kek, key.wrapped_key, payload_id=key.payload_id, generation=key.generation)
    try:
        aad = _seeds_aad(key.payload_id, key.epoch)
        content = AESGCM(payload_key).decrypt(key.sealed_seeds[:12], key.sealed_seeds[12:], aad)
    except (InvalidTag, ValueError) as error:
        raise SealBroken(
            "the seeds do not open under the payload key", part="seeds", payload_id=to_hex(key.payload_id)
        ) from error
    return SeededCover.decode(content)


def _seeds_aad(payload_id: bytes, epoch: int) -> bytes:
    return _SEEDS_TAG + payload_id + epoch.to_bytes(4, "big")
