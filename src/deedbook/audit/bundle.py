"""The file that carries a sale's whole evidence, and its exact form.

    {"format": "deedbook.bundle", "version": 3, "kind": "sale", "sale": saleId,
     "chain": {"chainId", "genesisHash", "consensus", "contracts": {name: address}, "block": {"number", "hash"}},
     "headers":   [RLP, ...]                       of every event's block and of `block`, ascending, with their seals
     "accounts":  {contract: [node, ...]}          proof of each contract's account in the last header's state
     "journals":  [{"contract", "entity", "count", "proof": [node, ...], "logs": [{"block", "topics", "data"}]}]
     "documents": {SHA-256: bytes}
     "units":     [SHA-256, ...] | null            of the sealed units, in record order
     "cover":     bytes | null, "envelope": bytes | null
     "consents":  [[signed consent, ...], ...] | null   one list for each bound batch with a manifest, in leaf order
     "claims":    {...}}                           the exchange's own words, compared with what the evidence says

Canonical JSON (RFC 8785). Journals ascend by (order of deployment, entity); logs run in the order of their folding. A
log carries what the journal commits to and nothing else: no transaction hash, no index. `null` where the sale has not
come so far, or (consents) in a public bundle. Version 3 carries what a list of validators is enough for: headers
that they sealed (QBFT), or sealed descendants of (Clique), with gaps where nothing happened. Version 2, of the same
deployments, has no `consensus`; its headers run without a gap into a block that has to be pinned. So do those of
version 1, of the deployments before `Usage` and `AnchorLog`. Knows no rule of a sale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from deedbook.audit.shapes import Shape, hex_bytes
from deedbook.audit.trust import SEALED, read_contracts, read_version
from deedbook.domain.deployments import version_for
from deedbook.domain.hashing import canonical_json, checksum_address, parse_canonical_json, to_hex
from deedbook.domain.validators import CONSENSUSES
from deedbook.errors import EvidenceMissing, InvalidFormat, WrongVersion

FORMAT: Final = "deedbook.bundle"
KIND: Final = "sale"
JOURNALLED: Final = ("Membership", "Cases", "Attestations", "DataAssets", "Consents", "Market", "Revenue", "Usage")
"""The contracts whose journals a bundle may hold, in order of deployment; version 1 is without `Usage`."""

_CHAIN: Final = ("block", "chainId", "contracts", "genesisHash")
_KEYS: Final = (
    "format",
    "version",
    "kind",
    "sale",
    "chain",
    "headers",
    "accounts",
    "journals",
    "documents",
    "units",
    "cover",
    "envelope",
    "consents",
    "claims",
)


@dataclass(frozen=True, slots=True)
class BareLog:
    """A log as a journal commits to it: the number of its block, its topics, its data."""

    block: int
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Section:
    """One journal: its contract's name, its entity (32 bytes), the proof of its head, and every log folded into it."""

    contract: str
    entity: bytes
    proof: tuple[bytes, ...]
    logs: tuple[BareLog, ...]

    @property
    def place(self) -> tuple[int, bytes]:
        """Where the section stands among others."""
        return JOURNALLED.index(self.contract), self.entity


@dataclass(frozen=True)
class Bundle:
    """A bundle's contents, every length checked and nothing believed yet.

    `consensus` is that of a sealed chain; None (versions 1 and 2) for one whose blocks are only ever pinned.
    """

    sale: bytes
    chain_id: int
    genesis_hash: bytes
    contracts: Mapping[str, bytes]
    block_number: int
    block_hash: bytes
    headers: tuple[bytes, ...]
    accounts: Mapping[str, tuple[bytes, ...]]
    journals: tuple[Section, ...]
    documents: Mapping[bytes, bytes]
    units: tuple[bytes, ...] | None
    cover: bytes | None
    envelope: bytes | None
    consents: tuple[tuple[Any, ...], ...] | None
    claims: Mapping[str, Any]
    consensus: str | None = None

    @property
    def version(self) -> int:
        """The version that says this much."""
        return version_for(self.contracts) if self.consensus is None else SEALED

    @classmethod
    def from_bytes(cls, text: bytes) -> Bundle:
        """The bundle of a file.

        Raises InvalidFormat (not canonical JSON, a field of another form, a key that is no part of the format),
        WrongVersion, EvidenceMissing (a key taken out, fewer logs than the journal's count).
        """
        whole = Shape(parse_canonical_json(text, "bundle"), "bundle", _KEYS)
        if whole.text("format") != FORMAT:
            raise InvalidFormat("bundle.format", f"is not {FORMAT}")
        version = read_version(whole)
        if whole.text("kind") != KIND:
            raise InvalidFormat("bundle.kind", f"is not {KIND}")
        chain = whole.mapping("chain", _CHAIN if version < SEALED else (*_CHAIN, "consensus"))
        consensus = _consensus(chain) if version == SEALED else None
        contracts = read_contracts(chain, version)
        block = chain.mapping("block", ("hash", "number"))
        accounts, documents = whole.mapping("accounts"), whole.mapping("documents")
        bundle = cls(
            sale=whole.hex("sale", 32),
            chain_id=chain.decimal("chainId"),
            genesis_hash=chain.hex("genesisHash", 32),
            contracts=contracts,
            block_number=block.integer("number"),
            block_hash=block.hex("hash", 32),
            headers=whole.hexes("headers"),
            accounts={name: accounts.hexes(name) for name in accounts.names()},
            journals=tuple(
                _section(section, version)
                for section in whole.shapes("journals", ("contract", "count", "entity", "logs", "proof"))
            ),
            documents={hex_bytes(name, "bundle.documents", 32): documents.hex(name) for name in documents.names()},
            units=None if whole.take("units") is None else whole.hexes("units", 32),
            cover=whole.optional_hex("cover"),
            envelope=whole.optional_hex("envelope"),
            consents=_consents(whole),
            claims=whole.take("claims"),
            consensus=consensus,
        )
        _ordered(bundle.journals)
        if not isinstance(bundle.claims, dict):
            raise InvalidFormat("bundle.claims", "is not an object")
        return bundle

    def to_bytes(self) -> bytes:
        """The file."""
        return canonical_json(
            {
                "format": FORMAT,
                "version": self.version,
                "kind": KIND,
                "sale": to_hex(self.sale),
                "chain": {
                    "chainId": str(self.chain_id),
                    "genesisHash": to_hex(self.genesis_hash),
                    "contracts": {name: checksum_address(address) for name, address in self.contracts.items()},
                    "block": {"number": self.block_number, "hash": to_hex(self.block_hash)},
                    **({} if self.consensus is None else {"consensus": self.consensus}),
                },
                "headers": [to_hex(header) for header in self.headers],
                "accounts": {name: [to_hex(node) for node in nodes] for name, nodes in self.accounts.items()},
                "journals": [_section_json(section) for section in self.journals],
                "documents": {to_hex(name): to_hex(document) for name, document in self.documents.items()},
                "units": None if self.units is None else [to_hex(unit) for unit in self.units],
                "cover": None if self.cover is None else to_hex(self.cover),
                "envelope": None if self.envelope is None else to_hex(self.envelope),
                "consents": None if self.consents is None else [list(batch) for batch in self.consents],
                "claims": dict(self.claims),
            }
        )


def journalled(version: int) -> tuple[str, ...]:
    """The contracts whose journals a bundle of this version may hold."""
    return JOURNALLED if version > 1 else JOURNALLED[:-1]


def _consensus(chain: Shape) -> str:
    """How a chain of version 3 agrees. Raises WrongVersion where it is not said, as before that version."""
    if "consensus" not in chain.names():
        raise WrongVersion("bundle.chain", f"is not that of version {SEALED}")
    consensus = chain.text("consensus")
    if consensus not in CONSENSUSES[1:]:
        raise InvalidFormat("bundle.chain.consensus", "is no consensus that seals blocks")
    return consensus


def _section(shape: Shape, version: int) -> Section:
    contract = shape.text("contract")
    if contract not in journalled(version):
        raise InvalidFormat(f"{shape.path}.contract", f"{contract} keeps no journal")
    logs = tuple(_log(log) for log in shape.shapes("logs", ("block", "data", "topics")))
    count = shape.integer("count")
    if len(logs) < count:
        raise EvidenceMissing(f"{shape.path} of {contract} holds {len(logs)} of {count} logs", rule="journal.logs")
    if len(logs) > count:
        raise InvalidFormat(f"{shape.path}.logs", f"holds {len(logs)} logs and says {count}")
    return Section(contract, shape.hex("entity", 32), shape.hexes("proof"), logs)


def _log(shape: Shape) -> BareLog:
    return BareLog(shape.integer("block"), shape.hexes("topics", 32), shape.hex("data"))


def _section_json(section: Section) -> dict[str, Any]:
    return {
        "contract": section.contract,
        "entity": to_hex(section.entity),
        "count": len(section.logs),
        "proof": [to_hex(node) for node in section.proof],
        "logs": [
            {"block": log.block, "topics": [to_hex(topic) for topic in log.topics], "data": to_hex(log.data)}
            for log in section.logs
        ],
    }


def _consents(whole: Shape) -> tuple[tuple[Any, ...], ...] | None:
    batches = whole.optional_array("consents")
    if batches is None:
        return None
    for position, batch in enumerate(batches):
        if not isinstance(batch, list):
            raise InvalidFormat(f"bundle.consents[{position}]", "is not a list")
    return tuple(tuple(batch) for batch in batches)


def _ordered(sections: tuple[Section, ...]) -> None:
    for before, after in pairwise(sections):
        if before.place >= after.place:
            raise InvalidFormat("bundle.journals", f"{after.contract} {to_hex(after.entity)} is out of order")
