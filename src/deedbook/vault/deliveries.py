"""The buyer's side of a delivery: open the envelope, open every record it leads to, and check that all is as sold.

Needs neither the exchange's database nor its object store: the envelope, the sealed units, and public facts.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deedbook.domain.consents import record_commit
from deedbook.domain.hashing import sha256
from deedbook.domain.keytree import Cover, delivered_count, delivered_indices
from deedbook.domain.merkle import rfc9162_root
from deedbook.errors import EvidenceMissing, InvalidFormat, InvalidInput, SealBroken, WrongVersion
from deedbook.vault.envelopes import Context, EncryptionKeyPair, open_envelope
from deedbook.vault.records_form import decode_record, open_unit


@dataclass(frozen=True, slots=True)
class Sold:
    """What the chain and the batches' manifest say of the version and the delivery.

    `consent_ids`: all records' consents, by record index. `content_root`: of the version. Optional, and checked when
    given: `commitments` (the consents' recordCommit, by record index), `delivered_count` and `cover` (of the delivery).
    """

    asset_id: int
    version: int
    content_root: bytes
    consent_ids: Sequence[bytes] = field(repr=False)
    commitments: Sequence[bytes] | None = field(default=None, repr=False)
    delivered_count: int | None = None
    cover: Cover | None = None


@dataclass(frozen=True, slots=True)
class DeliveredRecord:
    """One person's record as the buyer reads it."""

    index: int
    consent_id: bytes
    salt: bytes = field(repr=False)
    record: Mapping[str, Any] = field(repr=False)


def open_delivered(
    envelope: bytes,
    keys: EncryptionKeyPair,
    context: Context,
    sold: Sold,
    *,
    units: Mapping[int, bytes],
    unit_hashes: Sequence[bytes],
    erased: Collection[int] = (),
) -> tuple[DeliveredRecord, ...]:
    """As `open_each`, all at once; `units` holds the sealed units by record index, `erased` the indices of those that
    are said to be gone.

    Raises also `EvidenceMissing` with `index` for a unit that is neither.
    """

    def of(cover: Cover) -> Iterator[bytes | None]:
        return (None if index in erased else _unit(units, index) for index in delivered_indices(cover))

    return tuple(open_each(envelope, keys, context, sold, units_of=of, unit_hashes=unit_hashes))


def open_each(
    envelope: bytes,
    keys: EncryptionKeyPair,
    context: Context,
    sold: Sold,
    *,
    units_of: Callable[[Cover], Iterable[bytes | None]],
    unit_hashes: Sequence[bytes],
) -> Iterator[DeliveredRecord]:
    """All delivered records, ascending by index, one after the other.

    `units_of` gives the sealed units of a cover's records, ascending, None for one that was erased after it was
    delivered, which is left out; `unit_hashes` SHA-256 of every unit of the version, delivered or not. Checked before
    the first record is given: the envelope opens; it is of as many records as the version; its cover and its count are
    the delivery's; the unit hashes give the content root. Then each unit has its hash and opens for its consent, and
    each record opens its commitment: what is given is as it was sold, and all of it that is not erased has arrived when
    no error was raised.

    Raises as `open_envelope`; `SealBroken` with the fields `part` and, for a record, `index`; `InvalidInput` when
    `sold` or `unit_hashes` are not of one length.
    """
    seeds = open_envelope(envelope, keys, context)
    _require_lengths(sold, unit_hashes)
    _require_cover(seeds.cover, sold)
    if rfc9162_root(unit_hashes) != sold.content_root:
        raise SealBroken("the unit hashes do not give the content root", part="content root")
    for (index, leaf_seed), unit in zip(seeds.leaf_seeds(), units_of(seeds.cover), strict=True):
        if unit is None:
            continue
        if sha256(unit) != unit_hashes[index]:
            raise SealBroken(f"record {index}: unit is not under the content root", index=index, part="unit")
        yield _open_record(index, leaf_seed, seeds.cover.depth, sold, unit)


def _require_lengths(sold: Sold, unit_hashes: Sequence[bytes]) -> None:
    count = len(sold.consent_ids)
    if len(unit_hashes) != count:
        raise InvalidInput("unit_hashes", f"{len(unit_hashes)} for {count} consents")
    if sold.commitments is not None and len(sold.commitments) != count:
        raise InvalidInput("commitments", f"{len(sold.commitments)} for {count} consents")


def _require_cover(cover: Cover, sold: Sold) -> None:
    if cover.record_count != len(sold.consent_ids):
        raise SealBroken(f"the envelope is of {cover.record_count} records, not {len(sold.consent_ids)}", part="count")
    if sold.cover is not None and cover != sold.cover:
        raise SealBroken("the envelope's cover is not the delivery's", part="cover")
    delivered = delivered_count(cover)
    if sold.delivered_count is not None and delivered != sold.delivered_count:
        raise SealBroken(f"the envelope opens {delivered} records, not {sold.delivered_count}", part="delivered count")


def _unit(units: Mapping[int, bytes], index: int) -> bytes:
    if index not in units:
        raise EvidenceMissing(f"no sealed unit of record {index}", kind="unit", index=index)
    return units[index]


def _open_record(index: int, leaf_seed: bytes, depth: int, sold: Sold, unit: bytes) -> DeliveredRecord:
    consent_id = sold.consent_ids[index]
    plaintext = open_unit(
        unit,
        leaf_seed,
        asset_id=sold.asset_id,
        version=sold.version,
        index=index,
        consent_id=consent_id,
        depth=depth,
    )
    try:
        salt, record = decode_record(plaintext)
    except (InvalidFormat, WrongVersion) as error:
        raise SealBroken(f"record {index}: plaintext is no record", index=index, part="plaintext") from error
    if sold.commitments is not None and not hmac.compare_digest(record_commit(salt, record), sold.commitments[index]):
        raise SealBroken(f"record {index}: not what its consent commits to", index=index, part="recordCommit")
    return DeliveredRecord(index, consent_id, salt, record)
