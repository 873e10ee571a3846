"""EIP-712: domains, digests, and the JSON of typed data that wallets show (eth_signTypedData_v4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

from deedbook.domain.documents import require_bytes, require_unsigned
from deedbook.domain.hashing import checksum_address, keccak256

DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


@dataclass(frozen=True, slots=True)
class Domain:
    """Where signed messages of one kind count: one contract (20 bytes) on one chain. A kind gives NAME, VERSION."""

    NAME: ClassVar[str]
    VERSION: ClassVar[str] = "1"

    chain_id: int
    contract: bytes

    def __post_init__(self) -> None:
        require_unsigned("chainId", self.chain_id, 256)
        require_bytes("contract", self.contract, 20)

    @property
    def separator(self) -> bytes:
        """keccak256 of type, name, version, chain id and contract ("Definition of domainSeparator")."""
        return domain_separator(self.NAME, self.VERSION, self.chain_id, self.contract)


@lru_cache(maxsize=64)
def domain_separator(name: str, version: str, chain_id: int, contract: bytes) -> bytes:
    """keccak256 of type, name, version, chain id and contract ("Definition of domainSeparator")."""
    head = keccak256(DOMAIN_TYPE.encode()) + keccak256(name.encode()) + keccak256(version.encode())
    return keccak256(head + word(chain_id) + bytes(12) + contract)


def digest(separator: bytes, struct: bytes) -> bytes:
    """What is signed: `struct` is the type hash and the encoded members."""
    return keccak256(b"\x19\x01" + separator + keccak256(struct))


def word(value: int) -> bytes:
    """An unsigned integer as 32 bytes."""
    return value.to_bytes(32, "big")


def typed(domain: Domain, name: str, type_text: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as a wallet is asked to sign it."""
    return {
        "types": {"EIP712Domain": members_of(DOMAIN_TYPE), name: members_of(type_text)},
        "primaryType": name,
        "domain": {
            "name": domain.NAME,
            "version": domain.VERSION,
            "chainId": domain.chain_id,
            "verifyingContract": checksum_address(domain.contract),
        },
        "message": dict(message),
    }


def members_of(type_text: str) -> list[dict[str, str]]:
    """The members of a type as the JSON of typed data lists them."""
    inside = type_text[type_text.index("(") + 1 : -1]
    return [{"name": part.split(" ")[1], "type": part.split(" ")[0]} for part in inside.split(",")]
