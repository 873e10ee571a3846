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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from deedbook.domain.hashing import canonical_json, from_hex, parse_canonical_json, sha256, to_hex
from deedbook.domain.keytree import depth_for
from deedbook.domain.merkle import rfc9162_root
from deedbook.errors import InvalidFormat, InvalidInput, SealBroken, WrongVersion
from deedbook.vault import keytree

UNIT_VERSION = 1
BLOCK = 256
EMPTY_UNIT = b""
_COMMITMENT = slice(1, 33)
_BODY = 33
_TAG = 16
_NONCE = bytes(12)
_AAD_TAG = b"deedbook.unit.v1"


@dataclass(frozen=True, slots=True)
class SealedRecords:
    """The sealed units of one version in record order, their SHA-256, the root over these, and the tree's depth."""

    units: tuple[bytes, ...] = field(repr=False)
    unit_hashes: tuple[bytes, ...] = field(repr=False)
    content_root: bytes
    depth: int


def seal_records(
    asset_id: int,
    version: int,
    consent_ids: Sequence[bytes],
    plaintexts: Sequence[bytes | None],
    root_seed: bytes,
) -> SealedRecords:
    """Seal one plaintext per consent id, in that order; None is a record withdrawn before the sealing.

    `root_seed` (32 bytes) must be fresh for every call. Raises `InvalidInput` naming the field.
    """
    if len(consent_ids) != len(plaintexts):
        raise InvalidInput("plaintexts", f"{len(plaintexts)} for {len(consent_ids)} consents")
    if len(root_seed) != keytree.SEED_LENGTH:
        raise InvalidInput("root_seed", f"{len(root_seed)} bytes, not 32")
    depth, scope = depth_for(len(plaintexts)), _scope(asset_id, version)
    seeds = keytree.leaf_seeds(root_seed, len(plaintexts))
    units = tuple(
        EMPTY_UNIT if plaintext is None else _seal(plaintext, seed, depth, _aad(scope, index, consent_id))
        for index, (plaintext, seed, consent_id) in enumerate(zip(plaintexts, seeds, consent_ids, strict=True))
    )
    hashes = tuple(map(sha256, units))
    return SealedRecords(units, hashes, rfc9162_root(hashes), depth)


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


def _seal(plaintext: bytes, leaf_seed: bytes, depth: int, aad: bytes) -> bytes:
    padded = plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % BLOCK)
    body = AESGCM(keytree.record_key(leaf_seed, depth)).encrypt(_NONCE, padded, aad)
    return bytes((UNIT_VERSION,)) + keytree.key_commitment(leaf_seed, depth) + body


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
