"""What an auditor believes before reading any evidence, got from outside the exchange.

    trust.json: {"format": "deedbook.trust", "version": 3, "chainId": decimal, "genesisHash": 32 bytes,
                 "contracts": {name: address}, "blocks": [{"number": n, "hash": 32 bytes}],
                 "validators": {"format": "deedbook.validators", ...}}

Version 3 says who may seal blocks, and names all eleven contracts; version 2, of the same deployments, pins blocks
alone, as does version 1, of those before `Usage` and `AnchorLog`: their `validators` is a list that says nothing.
A pinned block is one whose hash another party co-signed, anchored or wrote down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deedbook.audit.shapes import Shape
from deedbook.domain.deployments import CONTRACTS, is_of_another, version_for
from deedbook.domain.hashing import canonical_json, checksum_address, parse_json, to_hex
from deedbook.domain.validators import Validators
from deedbook.errors import InvalidFormat, WrongVersion

FORMAT: Final = "deedbook.trust"
SEALED: Final = 3
"""The version, of trusts and of bundles, that believes seals."""
_KEYS: Final = ("format", "version", "chainId", "genesisHash", "contracts", "blocks", "validators")


@dataclass(frozen=True)
class Trust:
    """Chain id, genesis hash, contract addresses (20 bytes, by name), pinned block hashes by number, and who may seal
    blocks: None where pinned blocks alone are believed.

    `version` says by which rules a bundle is judged: those of the deployments that version 1, or 2 and 3, are of.
    """

    chain_id: int
    genesis_hash: bytes
    contracts: Mapping[str, bytes]
    blocks: Mapping[int, bytes]
    validators: Validators | None = None

    @property
    def version(self) -> int:
        """The version that says this much."""
        return version_for(self.contracts) if self.validators is None else SEALED

    @classmethod
    def from_json(cls, text: bytes) -> Trust:
        """The trust that a `trust.json` states. Raises InvalidFormat, WrongVersion, EvidenceMissing (a key)."""
        whole = Shape(parse_json(text, "trust"), "trust", _KEYS)
        if whole.text("format") != FORMAT:
            raise InvalidFormat("trust", f"is not of format {FORMAT}")
        version = read_version(whole)
        validators = _read_validators(whole, version)
        contracts = read_contracts(whole, version, any_case=True)
        blocks: dict[int, bytes] = {}
        for pin in whole.shapes("blocks", ("hash", "number")):
            number, pinned = pin.integer("number"), pin.hex("hash", 32)
            if blocks.setdefault(number, pinned) != pinned:
                raise InvalidFormat("trust.blocks", f"pins block {number} to two hashes")
        return cls(whole.decimal("chainId"), whole.hex("genesisHash", 32), contracts, blocks, validators)

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
                "validators": [] if self.validators is None else self.validators.to_json(),
            }
        )


def _read_validators(whole: Shape, version: int) -> Validators | None:
    """Who may seal. Raises WrongVersion for a list, which is of the versions before."""
    if version < SEALED:
        whole.array("validators")
        return None
    if isinstance(whole.take("validators"), list):
        raise WrongVersion("trust.validators", f"is not that of version {version}")
    return Validators.from_json(whole.take("validators"))


def read_version(whole: Shape) -> int:
    """The version that a trust or a bundle states. Raises WrongVersion for one that is not known."""
    version = whole.integer("version")
    if version not in (*CONTRACTS, SEALED):
        raise WrongVersion(f"{whole.path}.version", f"{version} is not read here")
    return version


def read_contracts(holder: Shape, version: int, *, any_case: bool = False) -> dict[str, bytes]:
    """The addresses that `holder`, a trust or the chain of a bundle of this version, gives its contracts by name.

    Raises WrongVersion for the contracts of another version; InvalidFormat for a contract that versions 2 and 3 do not
    know, EvidenceMissing for one that they lack. Version 1 leaves the names free.
    """
    named = min(version, max(CONTRACTS))
    contracts = holder.mapping("contracts", None if named == 1 else CONTRACTS[named])
    names = contracts.names() if named == 1 else CONTRACTS[named]
    if is_of_another(contracts.names(), named):
        raise WrongVersion(f"{holder.path}.contracts", f"are not those of version {version}")
    return {name: contracts.address(name, any_case=any_case) for name in names}
