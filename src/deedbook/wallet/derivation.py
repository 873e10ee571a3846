"""Wallet derivation v1 (docs/formats.md): one fresh key per asset from one seed, so that consents cannot be linked.

`key(asset)` is the first valid of HKDF-SHA256(ikm = seed, salt = "deedbook.wallet.v1", info = chainId(32) ||
assetId(32) || u32 n) for n = 0, 1, ...; valid when 0 < key < n of secp256k1.
"""

from __future__ import annotations

import hashlib
import hmac
from itertools import count

from deedbook.errors import InvalidInput
from deedbook.wallet.recovery import CURVE_ORDER
from deedbook.wallet.signers import LocalSigner

SALT = b"deedbook.wallet.v1"


def private_key_for(seed: bytes, *, chain_id: int, asset_id: int) -> bytes:
    """The private key (32 bytes) that this seed uses for this asset on this chain.

    Raises `InvalidInput` naming `seed`, `chain_id` or `asset_id`.
    """
    if len(seed) != 32:
        raise InvalidInput("seed", f"{len(seed)} bytes, not 32")
    scope = _word("chain_id", chain_id) + _word("asset_id", asset_id)
    candidates = (hkdf_sha256(seed, salt=SALT, info=scope + n.to_bytes(4, "big")) for n in count())
    return next(key for key in candidates if 0 < int.from_bytes(key, "big") < CURVE_ORDER)


def signer_for(seed: bytes, *, chain_id: int, asset_id: int) -> LocalSigner:
    """The signer over `private_key_for`."""
    return LocalSigner(private_key_for(seed, chain_id=chain_id, asset_id=asset_id))


def hkdf_sha256(ikm: bytes, *, salt: bytes, info: bytes) -> bytes:
    """32 bytes of RFC 5869 HKDF with SHA-256: exactly one block of output."""
    extracted = hmac.digest(salt, ikm, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def _word(field: str, value: int) -> bytes:
    if not 0 <= value < 1 << 256:
        raise InvalidInput(field, "not an unsigned 256-bit integer")
    return value.to_bytes(32, "big")
