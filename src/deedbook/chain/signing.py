"""Signed transactions: their bytes, and what the bytes say of price and gas.

Type 2 (EIP-1559) where the chain knows it, else legacy with the chain id in the signature (EIP-155). The same fields
give the same bytes, so that what was signed once can be recognised. Written for speed: the fields of both kinds are
fixed, so nothing general is encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from deedbook.chain import rlp
from deedbook.chain.pricing import Price
from deedbook.domain.hashing import keccak256
from deedbook.domain.intents import SignedTransaction
from deedbook.errors import InvalidFormat

_TYPE_2 = b"\x02"
_NO_ACCESS_LIST = b"\xc0"


class Signer(Protocol):
    """Who signs: a 20-byte address, and 65-byte signatures (r, s, v 27 or 28) of 32-byte digests."""

    @property
    def address(self) -> bytes:
        """The account."""

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature of a digest."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a transaction offers and may use."""

    price: Price
    gas: int


def sign(
    signer: Signer, *, chain_id: int, nonce: int, terms: Terms, to: bytes | None, data: bytes, value: int = 0
) -> SignedTransaction:
    """The transaction of these fields; `to` None creates a contract."""
    head, call = _frame(chain_id, terms, to, value)
    fields = head + rlp.number(nonce) + call + rlp.string(data)
    if terms.price.tip is None:
        digest = keccak256(rlp.sequence(fields + rlp.number(chain_id) + b"\x80\x80"))
        signature = signer.sign_digest(digest)
        raw = rlp.sequence(fields + _signature(signature, signature[64] - 27 + 35 + 2 * chain_id))
    else:
        fields += _NO_ACCESS_LIST
        signature = signer.sign_digest(keccak256(_TYPE_2 + rlp.sequence(fields)))
        raw = _TYPE_2 + rlp.sequence(fields + _signature(signature, signature[64] - 27))
    return SignedTransaction(nonce, raw, keccak256(raw))


@lru_cache(maxsize=256)
def _frame(chain_id: int, terms: Terms, to: bytes | None, value: int) -> tuple[bytes, bytes]:
    """What stands before the nonce, and between it and the data: the same for most transactions of a sender."""
    price = terms.price
    tip = b"" if price.tip is None else rlp.number(price.tip)
    call = tip + rlp.number(price.fee) + rlp.number(terms.gas) + rlp.string(to or b"") + rlp.number(value)
    return (b"" if price.tip is None else rlp.number(chain_id)), call


def terms_of(raw: bytes) -> Terms:
    """Price and gas of a signed transaction of ours. Raises InvalidFormat."""
    is_legacy = raw[:1] != _TYPE_2
    fields = rlp.decode_list(raw if is_legacy else raw[1:], "transaction")
    if len(fields) != (9 if is_legacy else 12):
        raise InvalidFormat("transaction", "is of a kind that is not sent here")
    numbers = [rlp.decode_int(field, "transaction") for field in (fields[1:3] if is_legacy else fields[2:5])]
    if is_legacy:
        return Terms(Price(numbers[0], None), numbers[1])
    return Terms(Price(numbers[1], numbers[0]), numbers[2])


def _signature(signature: bytes, v: int) -> bytes:
    return rlp.number(v) + rlp.string(signature[:32].lstrip(b"\0")) + rlp.string(signature[32:64].lstrip(b"\0"))
