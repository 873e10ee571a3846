"""What an exchange states of its own log: receipts for entries, proofs that they stand in it, and its checkpoints.

An entry is any JSON; what the log holds of it is the hash of its canonical form, so that nobody reads an exchange's
transactions there. The log is named by chain, `AnchorLog` contract and the exchange's account.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from deedbook.domain.consents import require_signature
from deedbook.domain.documents import Fields, read_document, require_bytes, require_unsigned
from deedbook.domain.eip712 import Domain, digest, word
from deedbook.domain.hashing import canonical_json, keccak256, sha256, to_hex
from deedbook.domain.keccaks import KECCAKS
from deedbook.domain.merkle import (
    rfc9162_leaf,
    verify_rfc9162_consistency,
    verify_rfc9162_inclusion,
)
from deedbook.errors import InvalidFormat

RECEIPT_TYPE: Final = "LogReceipt(address exchange,uint64 index,bytes32 leafHash)"
RECEIPT_TYPE_HASH: Final = keccak256(RECEIPT_TYPE.encode())
CHECKPOINT_TYPE: Final = "LogCheckpoint(address exchange,uint64 size,bytes32 root)"
CHECKPOINT_TYPE_HASH: Final = keccak256(CHECKPOINT_TYPE.encode())
MOST_ENTRY: Final = 65_536
"""The longest entry in bytes, as it comes."""
MOST_PROOF: Final = 64
"""The most nodes of an inclusion proof; a consistency proof may have one more."""


@dataclass(frozen=True, slots=True)
class LogDomain(Domain):
    """Where statements of logs count: one `AnchorLog` contract (20 bytes) on one chain."""

    NAME: ClassVar[str] = "Deedbook Anchor Log"


# -- receipts ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogReceipt:
    """What an exchange signs for an entry (format 42): its leaf hash (32 bytes) and the place it has for good.

    A leaf hash of another's at this index, proved under a checkpoint, or another receipt for the index, is proof of
    fraud. Who signed it `wallet.recovery` says.
    """

    domain: LogDomain
    exchange: bytes
    index: int
    leaf_hash: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_bytes("exchange", self.exchange, 20)
        require_unsigned("index", self.index, 64)
        require_bytes("leafHash", self.leaf_hash, 32)
        require_signature(self.signature)

    @property
    def digest(self) -> bytes:
        """The EIP-712 digest of LogReceipt(...): what the exchange signed."""
        return receipt_digests(self.domain, self.exchange, [(self.index, self.leaf_hash)])[0]

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.log-receipt",
            "version": 1,
            **_named(self.domain, self.exchange),
            "index": str(self.index),
            "leafHash": to_hex(self.leaf_hash),
            "signature": to_hex(self.signature),
        }

    def encode(self) -> bytes:
        """The document's canonical bytes: one line of an answer."""
        place = (self.index, self.leaf_hash)
        return receipt_lines(self.domain, self.exchange, [place], [self.signature]).rstrip(b"\n")

    @classmethod
    def from_json(cls, value: object) -> LogReceipt:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion, InvalidSignature (its length)."""
        fields = read_document(value, "deedbook.log-receipt", (*_LOG, "index", "leafHash", "signature"))
        place = (fields.decimal("index", 64), fields.hex("leafHash", 32))
        return cls(*_log(fields), *place, fields.hex("signature"))


def receipt_digests(domain: LogDomain, exchange: bytes, places: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """The digest of the receipt of each place: index and leaf hash."""
    head = RECEIPT_TYPE_HASH + bytes(12) + exchange
    structs = KECCAKS.keccak256_each([head + word(index) + leaf_hash for index, leaf_hash in places])
    start = b"\x19\x01" + domain.separator
    found = KECCAKS.keccak256_each([start + structs[at : at + 32] for at in range(0, len(structs), 32)])
    return [found[at : at + 32] for at in range(0, len(found), 32)]


def receipt_lines(
    domain: LogDomain, exchange: bytes, places: Sequence[tuple[int, bytes]], signatures: Sequence[bytes]
) -> bytes:
    """The canonical bytes of the receipt of each place, one a line."""
    head = (
        f'{{"chainId":"{domain.chain_id}","contract":"0x{domain.contract.hex()}","exchange":"0x{exchange.hex()}",'
        '"format":"deedbook.log-receipt","index":"'
    )
    lines = [
        f'{head}{index}","leafHash":"0x{leaf_hash.hex()}","signature":"0x{signature.hex()}","version":1}}\n'
        for (index, leaf_hash), signature in zip(places, signatures, strict=True)
    ]
    return "".join(lines).encode()


# -- proofs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LogProof:
    """That a leaf hash stands at `index` of the log as of a checkpoint (format 43): `size`, `root`, and the transaction
    (32-byte hash) and block that anchored it, which the chain confirms and nothing here."""

    domain: LogDomain
    exchange: bytes
    index: int
    leaf_hash: bytes
    size: int
    root: bytes
    proof: tuple[bytes, ...]
    transaction: bytes
    block: int

    @property
    def holds(self) -> bool:
        """Whether the proof leads from the leaf to the root (RFC 9162, 2.1.3.2)."""
        return verify_rfc9162_inclusion(self.leaf_hash, self.index, self.size, self.proof, self.root)

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.log-proof",
            "version": 1,
            **_named(self.domain, self.exchange),
            "index": str(self.index),
            "leafHash": to_hex(self.leaf_hash),
            **_tree(self.size, self.root),
            "proof": [to_hex(node) for node in self.proof],
            "transaction": to_hex(self.transaction),
            "block": self.block,
        }

    @classmethod
    def from_json(cls, value: object) -> LogProof:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion."""
        keys = (*_LOG, "index", "leafHash", "size", "root", "proof", "transaction", "block")
        fields = read_document(value, "deedbook.log-proof", keys)
        return cls(
            *_log(fields),
            fields.decimal("index", 64),
            fields.hex("leafHash", 32),
            fields.decimal("size", 64),
            fields.hex("root", 32),
            _nodes(fields, MOST_PROOF),
            fields.hex("transaction", 32),
            fields.number("block", 64),
        )


@dataclass(frozen=True, slots=True)
class LogExtension:
    """That the log as of one size goes on from the log as of an earlier one (format 44)."""

    domain: LogDomain
    exchange: bytes
    former_size: int
    former_root: bytes
    size: int
    root: bytes
    proof: tuple[bytes, ...]

    @property
    def holds(self) -> bool:
        """Whether the proof leads from both roots to the same log (RFC 9162, 2.1.4.2)."""
        return verify_rfc9162_consistency(self.former_size, self.former_root, self.size, self.root, self.proof)

    def to_json(self) -> dict[str, Any]:
        """The document as a JSON object."""
        return {
            "format": "deedbook.log-extension",
            "version": 1,
            **_named(self.domain, self.exchange),
            "formerSize": str(self.former_size),
            "formerRoot": to_hex(self.former_root),
            **_tree(self.size, self.root),
            "proof": [to_hex(node) for node in self.proof],
        }

    @classmethod
    def from_json(cls, value: object) -> LogExtension:
        """The document of a JSON object. Raises InvalidFormat, WrongVersion."""
        keys = (*_LOG, "formerSize", "formerRoot", "size", "root", "proof")
        fields = read_document(value, "deedbook.log-extension", keys)
        return cls(
            *_log(fields),
            fields.decimal("formerSize", 64),
            fields.hex("formerRoot", 32),
            fields.decimal("size", 64),
            fields.hex("root", 32),
            _nodes(fields, MOST_PROOF + 1),
        )


_LOG: Final = ("chainId", "contract", "exchange")


def _named(domain: LogDomain, exchange: bytes) -> dict[str, Any]:
    return {"chainId": str(domain.chain_id), "contract": to_hex(domain.contract), "exchange": to_hex(exchange)}


def _tree(size: int, root: bytes) -> dict[str, Any]:
    return {"size": str(size), "root": to_hex(root)}


def _log(fields: Fields) -> tuple[LogDomain, bytes]:
    domain = LogDomain(fields.decimal("chainId", 256), fields.hex("contract", 20))
    return domain, fields.hex("exchange", 20)


def _nodes(fields: Fields, most: int) -> tuple[bytes, ...]:
    nodes = fields.array("proof")
    if len(nodes) > most:
        raise InvalidFormat(fields.path("proof"), f"has more than {most} nodes")
    where = [Fields({"node": node}, f"{fields.path('proof')}[{at}]", ("node",)) for at, node in enumerate(nodes)]
    return tuple(each.hex("node", 32) for each in where)


def leaf_of(entry: object) -> bytes:
    """The leaf hash of an entry, which is any JSON value. Raises InvalidInput where it has no canonical form."""
    return rfc9162_leaf(canonical_json(entry))


# -- checkpoints -------------------------------------------------------------------------------------------------------

_SIGNATURE_TYPE: Final = b"\xffdeedbook.log-checkpoint/v1"
_NOTE: Final = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,19})\n([A-Za-z0-9+/]{43}=)\n\n— ([^\n ]+) ([A-Za-z0-9+/]{92})\n")


@dataclass(frozen=True, slots=True)
class LogCheckpoint:
    """Size and root of a log as its exchange signs them (format 45): a C2SP checkpoint (tlog-checkpoint)."""

    domain: LogDomain
    exchange: bytes
    size: int
    root: bytes
    signature: bytes

    def __post_init__(self) -> None:
        require_bytes("exchange", self.exchange, 20)
        require_unsigned("size", self.size, 64)
        require_bytes("root", self.root, 32)
        require_signature(self.signature)

    @property
    def digest(self) -> bytes:
        """The EIP-712 digest of LogCheckpoint(...): what the exchange signed."""
        return checkpoint_digest(self.domain, self.exchange, self.size, self.root)

    @property
    def origin(self) -> str:
        """The log's name: `deedbook/CHAIN/CONTRACT/EXCHANGE`."""
        return f"deedbook/{self.domain.chain_id}/{to_hex(self.domain.contract)}/{to_hex(self.exchange)}"

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256(name, line feed, type of signature, account)."""
        return sha256(self.origin.encode() + b"\n" + _SIGNATURE_TYPE + self.exchange)[:4]

    def encode(self) -> bytes:
        """The signed note."""
        root = base64.b64encode(self.root).decode()
        signed = base64.b64encode(self.key_id + self.signature).decode()
        return f"{self.origin}\n{self.size}\n{root}\n\n— {self.origin} {signed}\n".encode()

    @classmethod
    def decode(cls, note: bytes, domain: LogDomain, exchange: bytes) -> LogCheckpoint:
        """The checkpoint of a note of this log with the one signature. Raises InvalidFormat (`checkpoint`),
        InvalidSignature (its form)."""
        try:
            found = _NOTE.fullmatch(note.decode())
        except UnicodeDecodeError as error:
            raise InvalidFormat("checkpoint", "is not UTF-8") from error
        if found is None:
            raise InvalidFormat("checkpoint", "is no signed note of a log")
        if int(found[2]) >= 2**64:
            raise InvalidFormat("checkpoint", "has a size of more than 64 bits")
        signed = base64.b64decode(found[5])
        read = cls(domain, exchange, int(found[2]), base64.b64decode(found[3]), signed[4:])
        if read.encode() != note:
            raise InvalidFormat("checkpoint", "is of another log, or in another form")
        return read


def checkpoint_digest(domain: LogDomain, exchange: bytes, size: int, root: bytes) -> bytes:
    """The EIP-712 digest of LogCheckpoint(...)."""
    return digest(domain.separator, CHECKPOINT_TYPE_HASH + bytes(12) + exchange + word(size) + root)
