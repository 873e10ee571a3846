"""EIP-712: domains, digests, and the JSON of typed data that wallets show (eth_signTypedData_v4)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from deedbook.domain.hashing import checksum_address, keccak256

DOMAIN_TYPE: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"


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


def typed(domain: tuple[str, str, int, bytes], name: str, type_text: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """A message as a wallet is asked to sign it; `domain` is name, version, chain id, contract (20 bytes)."""
    title, version, chain_id, contract = domain
    return {
        "types": {"EIP712Domain": members_of(DOMAIN_TYPE), name: members_of(type_text)},
        "primaryType": name,
        "domain": {
            "name": title,
            "version": version,
            "chainId": chain_id,
            "verifyingContract": checksum_address(contract),
        },
        "message": dict(message),
    }


def members_of(type_text: str) -> list[dict[str, str]]:
    """The members of a type as the JSON of typed data lists them."""
    inside = type_text[type_text.index("(") + 1 : -1]
    return [{"name": part.split(" ")[1], "type": part.split(" ")[0]} for part in inside.split(",")]
