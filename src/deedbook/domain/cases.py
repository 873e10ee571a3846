"""Cases: their identifiers."""

from __future__ import annotations

from deedbook.domain.abi import encode
from deedbook.domain.hashing import keccak256


def case_id(target: bytes, kind: int, opener: bytes, document_hash: bytes) -> bytes:
    """keccak256(abi.encode(target, kind, opener, documentHash)): `kind` a CaseKind, `document_hash` 32 bytes."""
    return keccak256(encode(["bytes32", "uint8", "address", "bytes32"], [target, kind, opener, document_hash]))
