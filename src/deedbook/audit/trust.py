"""What an auditor believes before reading any evidence, got from outside the exchange.

    trust.json: {"format": "deedbook.trust", "version": 2, "chainId": decimal, "genesisHash": 32 bytes,
                 "contracts": {name: address}, "blocks": [{"number": n, "hash": 32 bytes}], "validators": []}

Version 2 is of deployments with `Usage` and `AnchorLog`, and names all eleven contracts; version 1 of those before.
A pinned block is one whose hash another party co-signed, anchored or wrote down. `validators` is kept for networks
whose seals can be checked; this version infers nothing from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from deedbook.audit.shapes import Shape
from deedbook.domain.deployments import CONTRACTS, is_of_another, version_for
from deedbook.domain.hashing import canonical_json, checksum_address, parse_json, to_hex
from deedbook.errors import InvalidFormat, WrongVersion

FORMAT: Final = "deedbook.trust"
_KEYS: Final = ("format", "version", "chainId", "genesisHash", "contracts", "blocks", "validators")


@dataclass(frozen=True)
class Trust:
    """Chain id, genesis hash, contract addresses (20 bytes, by name), and pinned block hashes by number.

    `version` says by which rules a bundle is judged: those of the deployments that version 1 or version 2 is of.
    """

    chain_id: int
    genesis_hash: bytes
    contracts: Mapping[str, bytes]
    blocks: Mapping[int, bytes]
    validators: tuple[Any, ...] = ()

    @property
    def version(self) -> int:
        """The version that names these contracts."""
        return version_for(self.contracts)

    @classmethod
    def from_json(cls, text: bytes) -> Trust:
        """The trust that a `trust.json` states. Raises InvalidFormat, WrongVersion, EvidenceMissing (a key)."""
        whole = Shape(parse_json(text, "trust"), "trust", _KEYS)
        if whole.text("format") != FORMAT:
            raise InvalidFormat("trust", f"is not of format {FORMAT}")
        version = read_version(whole)
        contracts = read_contracts(whole, version, any_case=True)
        blocks: dict[int, bytes] = {}
        for pin in whole.shapes("blocks", ("hash", "number")):
            number, pinned = pin.integer("number"), pin.hex("hash", 32)
            if blocks.setdefault(number, pinned) != pinned:
                raise InvalidFormat("trust.blocks", f"pins block {number} to two hashes")
        return cls(
            chain_id=whole.decimal("chainId"),
            genesis_hash=whole.hex("genesisHash", 32),
            contracts=contracts,
            blocks=blocks,
            validators=tuple(whole.array("validators")),
        )

    def to_json(self) -> bytes:
        """The canonical JSON of this trust."""
        return canonical_json(
            {
                "format": FORMAT,
                "version": self.version,
                "chainId": str(self.chain_id),
                "genesisHash": to_hex(self.genesis_hash),
                "contracts": {name: checksum_address(address) for name, address in self.contracts.items()},
                "blocks": [{"number": number, "hash": to_hex(pin)} for number, pin in sorted(self.blocks.items())],
                "validators": list(self.validators),
            }
        )


def read_version(whole: Shape) -> int:
    """The version that a trust or a bundle states. Raises WrongVersion for one that is not known."""
    version = whole.integer("version")
    if version not in CONTRACTS:
        raise WrongVersion(f"{whole.path}.version", f"{version} is not read here")
    return version


def read_contracts(holder: Shape, version: int, *, any_case: bool = False) -> dict[str, bytes]:
    """The addresses that `holder`, a trust or the chain of a bundle of this version, gives its contracts by name.

    Raises WrongVersion for the contracts of another version; InvalidFormat for a contract that version 2 does not know,
    EvidenceMissing for one that it lacks. Version 1 leaves the names free.
    """
    contracts = holder.mapping("contracts", None if version == 1 else CONTRACTS[version])
    names = contracts.names() if version == 1 else CONTRACTS[version]
    if is_of_another(contracts.names(), version):
        raise WrongVersion(f"{holder.path}.contracts", f"are not those of version {version}")
    return {name: contracts.address(name, any_case=any_case) for name in names}
