"""What an auditor believes before reading any evidence, got from outside the exchange.

    trust.json: {"format": "deedbook.trust", "version": 1, "chainId": decimal, "genesisHash": 32 bytes,
                 "contracts": {name: address}, "blocks": [{"number": n, "hash": 32 bytes}], "validators": []}

A pinned block is one whose hash another party co-signed, anchored or wrote down. `validators` is kept for networks
whose seals can be checked; this version infers nothing from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deedbook.audit.shapes import Shape
from deedbook.domain.hashing import canonical_json, checksum_address, parse_json, to_hex
from deedbook.errors import InvalidFormat, WrongVersion

FORMAT: Final = "deedbook.trust"
VERSION: Final = 1
_KEYS: Final = ("format", "version", "chainId", "genesisHash", "contracts", "blocks", "validators")


@dataclass(frozen=True)
class Trust:
    """Chain id, genesis hash, contract addresses (20 bytes, by name), and pinned block hashes by number."""

    chain_id: int
    genesis_hash: bytes
    contracts: Mapping[str, bytes]
    blocks: Mapping[int, bytes]
    validators: tuple[Any, ...] = ()

    @classmethod
    def from_json(cls, text: bytes) -> Trust:
        """The trust that a `trust.json` states. Raises InvalidFormat, WrongVersion, EvidenceMissing (a key)."""
        whole = Shape(parse_json(text, "trust"), "trust", _KEYS)
        if whole.text("format") != FORMAT:
            raise InvalidFormat("trust", f"is not of format {FORMAT}")
        if whole.integer("version") != VERSION:
            raise WrongVersion("trust", f"version {whole.integer('version')} is not read here")
        blocks: dict[int, bytes] = {}
        for pin in whole.shapes("blocks", ("hash", "number")):
            number, pinned = pin.integer("number"), pin.hex("hash", 32)
            if blocks.setdefault(number, pinned) != pinned:
                raise InvalidFormat("trust.blocks", f"pins block {number} to two hashes")
        contracts = whole.mapping("contracts")
        return cls(
            chain_id=whole.decimal("chainId"),
            genesis_hash=whole.hex("genesisHash", 32),
            contracts={name: contracts.address(name, any_case=True) for name in contracts.names()},
            blocks=blocks,
            validators=tuple(whole.array("validators")),
        )

    def to_json(self) -> bytes:
        """The canonical JSON of this trust."""
        return canonical_json(
            {
                "format": FORMAT,
                "version": VERSION,
                "chainId": str(self.chain_id),
                "genesisHash": to_hex(self.genesis_hash),
                "contracts": {name: checksum_address(address) for name, address in self.contracts.items()},
                "blocks": [{"number": number, "hash": to_hex(pin)} for number, pin in sorted(self.blocks.items())],
                "validators": list(self.validators),
            }
        )
