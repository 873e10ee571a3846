"""The records form of a payload: every record sealed once, under its own key of the version's key tree (format 15).

    unit = u8 1 || commitment(32) || AES-256-GCM(record key, nonce 0, padded plaintext, AAD)
    AAD  = "deedbook.unit.v1" || assetId(32) || u32 version || u64 index || consentId(32)

The plaintext is padded by 0x80 00.. to a multiple of 256 bytes, so its length stays hidden within that. The nonce may
be zero because a record key seals once: every sealing draws a fresh root seed. A record withdrawn before the sealing
is an empty unit. `contentRoot` is the RFC 9162 root over SHA-256(unit).

A record's plaintext is canonical JSON (format 13) `{"format":"deedbook.record","version":1,"salt":"0x..","record":{}}`;
its commitment is `domain.consents.record_commit`.
"""

from __future__ import annotations

import hmac
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deedbook.domain.hashing import canonical_json, cut, from_hex, parse_canonical_json, to_hex
from deedbook.domain.keytree import ROOT, Node, depth_for
from deedbook.domain.merkle import rfc9162_root
from deedbook.domain.sha256s import SHA256S
from deedbook.errors import InvalidFormat, InvalidInput, SealBroken, WrongVersion
from deedbook.vault import keytree
from deedbook.vault.payload_objects import tree_over_column

UNIT_VERSION = 1
BLOCK = 256
EMPTY_UNIT = b""
_COMMITMENT = slice(1, 33)
_BODY = 33
_TAG = 16
_NONCE = bytes(12)
_AAD_TAG = b"deedbook.unit.v1"
_VERSION: Final = bytes((UNIT_VERSION,))
_PADDING: Final = [b"\x80" + bytes(-(length + 1) % BLOCK) for length in range(BLOCK)]
"""What follows a plaintext, by its length modulo BLOCK."""

HEIGHT: Final = 12
CHUNK: Final = 1 << HEIGHT
"""How many records are sealed together: a power of two, so that a whole chunk is a subtree of both trees."""
AHEAD: Final = 6
"""How many chunks are under way at a time: enough for several processes to be busy, and little memory."""
_NONE: Final = -1
"""The length of a plaintext that is not there."""


@dataclass(frozen=True, slots=True)
class SealedRecords:
    """The sealed units of one version in record order, their SHA-256, the root over these, and the tree's depth."""

    units: tuple[bytes, ...] = field(repr=False)
    unit_hashes: tuple[bytes, ...] = field(repr=False)
    content_root: bytes
    depth: int


@dataclass(frozen=True, slots=True)
class PlainChunk:
    """At most CHUNK records from `first` on, to be sealed; it travels to other processes, and holds their seed.

    `consent_ids` are 32 bytes each; `plaintexts` stand one after the other, `lengths` bytes each (_NONE: none).
    """

    scope: bytes
    first: int
    count: int
    seed: bytes = field(repr=False)
    consent_ids: bytes = field(repr=False)
    plaintexts: bytes = field(repr=False)
    lengths: array[int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedChunk:
    """The sealed units of a chunk, one after the other, how many bytes each has, and the tree over them."""

    first: int
    units: bytes = field(repr=False)
    lengths: array[int] = field(repr=False)
    levels: tuple[bytes, ...] = field(repr=False)


def seal_records(
    asset_id: int,
    version: int,
    consent_ids: Sequence[bytes],
    plaintexts: Sequence[bytes | None],
    root_seed: bytes,
) -> SealedRecords:
    """Seal one plaintext per consent id, in that order; None is a record withdrawn before the sealing.

    `root_seed` (32 bytes) must be fresh for every call. Raises `InvalidInput` naming the field. Of many, take
    `seal_in_chunks`.
    """
    if len(consent_ids) != len(plaintexts):
        raise InvalidInput("plaintexts", f"{len(plaintexts)} for {len(consent_ids)} consents")
    pairs = zip(consent_ids, plaintexts, strict=True)
    units: list[bytes] = []
    hashes: list[bytes] = []
    for chunk in seal_in_chunks(asset_id, version, pairs, len(plaintexts), root_seed):
        units += _cut_by(chunk.units, chunk.lengths)
        hashes += (chunk.levels[0][at : at + 32] for at in range(0, len(chunk.levels[0]), 32))
    return SealedRecords(tuple(units), tuple(hashes), rfc9162_root(hashes), depth_for(len(units)))


def seal_in_chunks(
    asset_id: int,
    version: int,
    records: Iterable[tuple[bytes, bytes | None]],
    count: int,
    root_seed: bytes,
    executor: Executor | None = None,
) -> Iterator[SealedChunk]:
    """Seals `count` records, each a consent id and a plaintext (None: withdrawn before the sealing), some of them in
    memory at a time; by the executor's processes, or here where there is none.

    `root_seed` (32 bytes) must be fresh for every call. Raises `InvalidInput` naming the field, `plaintexts` where
    there are not `count` of them.
    """
    if len(root_seed) != keytree.SEED_LENGTH:
        raise InvalidInput("root_seed", f"{len(root_seed)} bytes, not 32")
    chunks = _plain_chunks(_scope(asset_id, version), records, count, root_seed)
    if executor is None:
        yield from map(seal_chunk, chunks)
        return
    under_way: deque[Future[SealedChunk]] = deque()
    try:
        for chunk in chunks:
            under_way.append(executor.submit(seal_chunk, chunk))
            if len(under_way) >= AHEAD:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        for future in under_way:
            future.cancel()


def _plain_chunks(
    scope: bytes, records: Iterable[tuple[bytes, bytes | None]], count: int, root_seed: bytes
) -> Iterator[PlainChunk]:
    depth, coming, first = depth_for(count), iter(records), 0
    level = max(0, depth - HEIGHT)
    while some := list(islice(coming, CHUNK)):
        _require(len(some) == min(CHUNK, count - first), count, first + len(some))
        consent_ids, plaintexts = zip(*some, strict=True)
        if set(map(len, consent_ids)) != {32}:
            index = next(index for index, each in enumerate(consent_ids) if len(each) != 32)
            raise InvalidInput("consent_id", f"{len(consent_ids[index])} bytes, not 32", index=first + index)
        lengths = array("q", [_NONE if each is None else len(each) for each in plaintexts])
        seed = keytree.descend(root_seed, ROOT, Node(level, first >> HEIGHT))
        content = b"".join([each or b"" for each in plaintexts])
        yield PlainChunk(scope, first, count, seed, b"".join(consent_ids), content, lengths)
        first += len(some)
    _require(first == count, count, first)


def _require(whole: bool, count: int, found: int) -> None:
    if not whole:
        raise InvalidInput("plaintexts", f"{found} for {count} consents")


def seal_chunk(chunk: PlainChunk) -> SealedChunk:
    """The sealed units of a chunk."""
    depth = depth_for(chunk.count)
    node = Node(max(0, depth - HEIGHT), chunk.first >> HEIGHT)
    secrets = cut(keytree.leaf_secrets_below(node, chunk.seed, chunk.count), 64)
    consent_ids = cut(chunk.consent_ids, 32)
    units, start, index, scope, plaintexts = [], 0, chunk.first, chunk.scope, chunk.plaintexts
    for length, secret, consent_id in zip(chunk.lengths, secrets, consent_ids, strict=True):
        unit = EMPTY_UNIT
        if length != _NONE:
            padded = plaintexts[start : start + length] + _PADDING[length % BLOCK]
            aad = scope + index.to_bytes(8, "big") + consent_id
            unit = _VERSION + secret[32:] + AESGCM(secret[:32]).encrypt(_NONCE, padded, aad)
            start += length
        units.append(unit)
        index += 1
    lengths = array("Q", map(len, units))
    return SealedChunk(chunk.first, b"".join(units), lengths, tree_over_column(SHA256S.sha256_each(units)))


def _cut_by(content: bytes, lengths: Iterable[int]) -> Iterator[bytes]:
    start = 0
    for length in lengths:
        yield content[start : start + length]
        start += length


def open_unit(
    unit: bytes, leaf_seed: bytes, *, asset_id: int, version: int, index: int, consent_id: bytes, depth: int
) -> bytes:
    """The plaintext of one unit.

    Raises `SealBroken` with the fields `index` and `part`: `form` (not a version 1 unit, or empty), `commitment`
    (another key), `ciphertext` (changed, or of another asset, version, index or consent) or `padding`.
    """
    body = unit[_BODY:]
    if not unit or unit[0] != UNIT_VERSION or len(body) <= _TAG or (len(body) - _TAG) % BLOCK:
        raise _broken(index, "form", "is not a sealed unit of version 1")
    if not hmac.compare_digest(unit[_COMMITMENT], keytree.key_commitment(leaf_seed, depth)):
        raise _broken(index, "commitment", "is sealed under another key")
    try:
        padded = AESGCM(keytree.record_key(leaf_seed, depth)).decrypt(
            _NONCE, body, _aad(_scope(asset_id, version), index, consent_id)
        )
    except InvalidTag as error:
        raise _broken(index, "ciphertext", "was changed, or belongs to another record or consent") from error
    return _unpadded(padded, index)


def encode_record(salt: bytes, record: Mapping[str, Any]) -> bytes:
    """The plaintext to be sealed."""
    return canonical_json({"format": "deedbook.record", "version": 1, "salt": to_hex(salt), "record": dict(record)})


def decode_record(plaintext: bytes) -> tuple[bytes, dict[str, Any]]:
    """Salt and record of a plaintext; raises `InvalidFormat` or `WrongVersion` naming `record`."""
    document = parse_canonical_json(plaintext, "record")
    if not isinstance(document, dict) or document.get("format") != "deedbook.record":
        raise InvalidFormat("record", "not a deedbook.record")
    if document.get("version") != 1 or isinstance(document["version"], bool):
        raise WrongVersion("record", "not version 1")
    if document.keys() != {"format", "version", "salt", "record"} or not isinstance(document["record"], dict):
        raise InvalidFormat("record", "not exactly salt and record")
    try:
        return from_hex(document["salt"], "salt", 32), document["record"]
    except InvalidInput as error:
        raise InvalidFormat("record", str(error)) from error


def _unpadded(padded: bytes, index: int) -> bytes:
    plaintext = padded.rstrip(b"\0")
    if not plaintext.endswith(b"\x80") or len(padded) - len(plaintext) >= BLOCK:
        raise _broken(index, "padding", "is padded otherwise than by 0x80 00..")
    return plaintext[:-1]


def _scope(asset_id: int, version: int) -> bytes:
    if not 0 <= asset_id < 1 << 256:
        raise InvalidInput("asset_id", "not an unsigned 256-bit integer")
    if not 0 <= version < 1 << 32:
        raise InvalidInput("version", "not an unsigned 32-bit integer")
    return _AAD_TAG + asset_id.to_bytes(32, "big") + version.to_bytes(4, "big")


def _aad(scope: bytes, index: int, consent_id: bytes) -> bytes:
    if len(consent_id) != 32:
        raise InvalidInput("consent_id", f"{len(consent_id)} bytes, not 32", index=index)
    return scope + index.to_bytes(8, "big") + consent_id


def _broken(index: int, part: str, reason: str) -> SealBroken:
    return SealBroken(f"record {index}: {part} {reason}", index=index, part=part)
