"""Reads signed transactions: legacy (EIP-155 and before), access list (EIP-2930) and dynamic fee (EIP-1559).

Knows no state: whether a nonce or a balance fits is the chain's to say. One encoding per transaction: what decodes
encodes again to the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import coincurve

from deedbook.chain import rlp
from deedbook.domain.hashing import keccak256
from deedbook.errors import InvalidFormat, InvalidSignature

CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""The order of secp256k1 (SEC 2, 2.4.1)."""

AccessList = tuple[tuple[bytes, tuple[int, ...]], ...]


@dataclass(frozen=True)
class Transaction:
    """What runs: a message with its sender and fee limits. `to` is empty for a creation.

    `gas_price` fields are wei per gas; a legacy or access-list transaction has both fee fields equal.
    """

    sender: bytes
    to: bytes
    data: bytes
    gas: int
    nonce: int = 0
    value: int = 0
    max_fee_per_gas: int = 0
    max_priority_fee_per_gas: int = 0
    access_list: AccessList = ()

    @cached_property
    def intrinsic_gas(self) -> int:
        """What a transaction costs before its first opcode (Berlin: EIP-2028 and EIP-2930)."""
        zeros = self.data.count(0)
        words = sum(1900 * len(slots) for _, slots in self.access_list) + 2400 * len(self.access_list)
        return 21_000 + 4 * zeros + 16 * (len(self.data) - zeros) + (0 if self.to else 32_000) + words


@dataclass(frozen=True)
class SignedTransaction:
    """A transaction as sent: `raw` hashes to `hash`; `chain_id` is None for a legacy one that names none."""

    type: int
    chain_id: int | None
    transaction: Transaction
    v: int
    r: int
    s: int
    raw: bytes
    hash: bytes

    @property
    def y_parity(self) -> int:
        """0 or 1: which of the two points with this x."""
        if self.type:
            return self.v
        return (self.v - 27) if self.v in (27, 28) else (self.v - 35) % 2

    @property
    def gas_price(self) -> int:
        """What is paid for a unit of gas while the base fee is zero."""
        return min(self.transaction.max_fee_per_gas, self.transaction.max_priority_fee_per_gas)


def decode_transaction(raw: bytes) -> SignedTransaction:
    """The transaction in `raw`, its sender recovered.

    Raises InvalidFormat ("transaction") for what is not one of the three types in their one encoding, and
    InvalidSignature for a malformed or malleable signature (EIP-2: low s).
    """
    if not raw:
        raise InvalidFormat("transaction", "empty")
    if raw[0] >= 0xC0:
        return _legacy(raw)
    if raw[0] == 1:
        return _typed(raw, 1, _ACCESS_LIST_FIELDS)
    if raw[0] == 2:
        return _typed(raw, 2, _DYNAMIC_FEE_FIELDS)
    raise InvalidFormat("transaction", f"type {raw[0]} is not supported")


_LEGACY_FIELDS: Final = ("nonce", "gasPrice", "gas", "to", "value", "data", "v", "r", "s")
_ACCESS_LIST_FIELDS: Final = (
    "chainId", "nonce", "gasPrice", "gas", "to", "value", "data", "accessList", "yParity", "r", "s",
)  # fmt: skip
_DYNAMIC_FEE_FIELDS: Final = (
    "chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "to", "value", "data", "accessList",
    "yParity", "r", "s",
)  # fmt: skip


def _legacy(raw: bytes) -> SignedTransaction:
    items = rlp.decode_list(raw, "transaction")
    fields = _Fields(_LEGACY_FIELDS, items)
    v = fields.integer("v", 8)
    chain_id = None if v in (27, 28) else (v - 35) // 2
    if chain_id is not None and v < 35:
        raise InvalidSignature("signature", f"v is {v}")
    parity = v - 27 if chain_id is None else (v - 35) % 2
    signed_part = items[:6] if chain_id is None else [*items[:6], rlp.encode_int(chain_id), b"", b""]
    return _assembled(fields, raw, 0, chain_id, v, parity, rlp.encode(signed_part))


def _typed(raw: bytes, kind: int, names: tuple[str, ...]) -> SignedTransaction:
    items = rlp.decode_list(raw[1:], "transaction")
    fields = _Fields(names, items)
    parity = fields.integer("yParity", 8)
    if parity > 1:
        raise InvalidSignature("signature", f"yParity is {parity}")
    signed_part = bytes([kind]) + rlp.encode(items[:-3])
    return _assembled(fields, raw, kind, fields.integer("chainId", 8), parity, parity, signed_part)


def _assembled(
    fields: _Fields, raw: bytes, kind: int, chain_id: int | None, v: int, parity: int, signed_part: bytes
) -> SignedTransaction:
    r, s = fields.integer("r", 32), fields.integer("s", 32)
    transaction = Transaction(
        sender=_recover(signed_part, parity, r, s),
        to=fields.address("to"),
        data=fields.octets("data"),
        gas=fields.integer("gas", 8),
        nonce=fields.integer("nonce", 8),
        value=fields.integer("value", 32),
        max_fee_per_gas=fields.integer("maxFeePerGas" if kind == 2 else "gasPrice", 32),
        max_priority_fee_per_gas=fields.integer("maxPriorityFeePerGas" if kind == 2 else "gasPrice", 32),
        access_list=fields.access_list() if kind else (),
    )
    return SignedTransaction(kind, chain_id, transaction, v, r, s, raw, keccak256(raw))


def _recover(signed_part: bytes, parity: int, r: int, s: int) -> bytes:
    if not 0 < r < CURVE_ORDER or not 0 < s <= CURVE_ORDER // 2:
        raise InvalidSignature("signature", "r or s is out of range")
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([parity])
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, keccak256(signed_part), hasher=None)
    except Exception as reason:  # coincurve raises it bare for a point that is none
        raise InvalidSignature("signature", "no account can have made it") from reason
    return keccak256(key.format(compressed=False)[1:])[12:]


class _Fields:
    """The items of a transaction by name, each read in its one encoding."""

    def __init__(self, names: tuple[str, ...], items: list[rlp.Decoded]) -> None:
        if len(items) != len(names):
            raise InvalidFormat("transaction", f"{len(items)} fields instead of {len(names)}")
        self._items = dict(zip(names, items, strict=True))

    def integer(self, name: str, most: int) -> int:
        return rlp.decode_int(self._items[name], name, most=most)

    def octets(self, name: str) -> bytes:
        item = self._items[name]
        if not isinstance(item, bytes):
            raise InvalidFormat(name, "a list instead of bytes")
        return item

    def address(self, name: str) -> bytes:
        octets = self.octets(name)
        if len(octets) not in (0, 20):
            raise InvalidFormat(name, f"{len(octets)} bytes instead of 20")
        return octets

    def access_list(self) -> AccessList:
        entries = self._items["accessList"]
        if isinstance(entries, bytes):
            raise InvalidFormat("accessList", "bytes instead of a list")
        return tuple(_access(entry) for entry in entries)


def _access(entry: rlp.Decoded) -> tuple[bytes, tuple[int, ...]]:
    if isinstance(entry, bytes) or len(entry) != 2:
        raise InvalidFormat("accessList", "an entry is not a pair")
    address, slots = entry
    if not isinstance(address, bytes) or len(address) != 20 or isinstance(slots, bytes):
        raise InvalidFormat("accessList", "an entry is not an address with a list of slots")
    if not all(isinstance(slot, bytes) and len(slot) == 32 for slot in slots):
        raise InvalidFormat("accessList", "a slot is not 32 bytes")
    return address, tuple(int.from_bytes(slot, "big") for slot in slots if isinstance(slot, bytes))
