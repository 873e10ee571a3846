"""Deploys the contracts in their one order, and remembers where they are.

A contract reads contracts deployed before it, through addresses given to its constructor, and writes to none. The
deployment is resumable: every creation is an intent under its own key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deedbook.chain import abis, artifacts
from deedbook.chain.client import Node, identity_of, require_chain
from deedbook.chain.transactions import Sender, Signer
from deedbook.domain.deployments import CONTRACTS, is_of_another, version_for
from deedbook.domain.documents import parse_decimal
from deedbook.domain.hashing import checksum_address, from_hex, parse_address, to_hex
from deedbook.domain.journal import JOURNAL_SLOT
from deedbook.domain.relaying import ForwardDomain
from deedbook.errors import InvalidFormat, InvalidInput, WrongChain, WrongVersion

FORWARDER_NAME = ForwardDomain.NAME
ORDER: Mapping[str, tuple[str, ...]] = {
    "AccessManager": ("admin",),
    "Forwarder": ("name",),
    "Membership": ("AccessManager", "Forwarder", "predecessor"),
    "Cases": ("Membership", "Forwarder"),
    "Attestations": ("Membership", "Forwarder"),
    "DataAssets": ("Membership", "Cases", "Attestations", "Forwarder"),
    "Consents": ("Membership", "Attestations", "DataAssets", "Forwarder"),
    "Market": ("AccessManager", "Membership", "Cases", "Attestations", "DataAssets", "Consents", "Forwarder"),
    "Revenue": ("Membership", "Cases", "Market", "Forwarder"),
    "Usage": ("Membership", "Market", "Forwarder"),
    "AnchorLog": ("Membership", "Forwarder"),
}
"""Constructor arguments of each contract, in order of deployment."""
UNJOURNALLED = ("AccessManager", "Forwarder")
"""What keeps no journal: OpenZeppelin's own."""


@dataclass(frozen=True, slots=True)
class Predecessor:
    """What a deployment follows (IMembership.Predecessor): a chain id, the former one's journalled contracts in their
    order (20 bytes each), and the heads of their journals (32 bytes each). Chain id 0 and nothing else: none."""

    chain_id: int = 0
    contracts: tuple[bytes, ...] = ()
    heads: tuple[bytes, ...] = ()

    def as_tuple(self) -> tuple[int, tuple[bytes, ...], tuple[bytes, ...]]:
        """For the constructor."""
        return (self.chain_id, self.contracts, self.heads)


NO_PREDECESSOR = Predecessor()


@dataclass(frozen=True, slots=True)
class Deployment:
    """One set of contracts on one chain: chain id, genesis hash (32 bytes), and the 20-byte addresses by name."""

    chain_id: int
    genesis_hash: bytes
    addresses: Mapping[str, bytes]

    def to_json(self) -> dict[str, Any]:
        """The form kept in a home as `deployment.json`; its version follows from the contracts."""
        return {
            "format": "deedbook.deployment",
            "version": version_for(self.addresses),
            "chainId": str(self.chain_id),
            "genesisHash": to_hex(self.genesis_hash),
            "contracts": {name: checksum_address(address) for name, address in self.addresses.items()},
        }

    @staticmethod
    def from_json(value: Any) -> Deployment:
        """Reads that form; raises InvalidFormat naming the member that is missing, unknown or malformed, or
        WrongVersion."""
        members = _members(value, "deployment", ("format", "version", "chainId", "genesisHash", "contracts"))
        if members["format"] != "deedbook.deployment":
            raise InvalidFormat("deployment.format", "is not deedbook.deployment")
        version = members["version"]
        if type(version) is not int or version not in CONTRACTS:
            raise WrongVersion("deployment.version", f"{version!r} is not read here")
        if isinstance(members["contracts"], dict) and is_of_another(members["contracts"], version):
            raise WrongVersion("deployment.version", f"{version} is not the one of these contracts")
        contracts = _members(members["contracts"], "deployment.contracts", CONTRACTS[version])
        try:
            return Deployment(
                parse_decimal(members["chainId"], "deployment.chainId"),
                from_hex(members["genesisHash"], "deployment.genesisHash", 32),
                {name: parse_address(contracts[name], f"deployment.contracts.{name}") for name in CONTRACTS[version]},
            )
        except InvalidInput as error:
            raise InvalidFormat(error.field, error.reason) from None


def _members(value: Any, what: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidFormat(what, "not a JSON object")
    for name in (*names, *value):
        if name not in value or name not in names:
            raise InvalidFormat(f"{what}.{name}", "is missing" if name in names else "is unknown")
    return value


def deploy(node: Node, sender: Sender, admin: Signer, *, predecessor: Predecessor = NO_PREDECESSOR) -> Deployment:
    """Deploys every contract, or finds those that an interrupted run deployed. With a `predecessor`, the first entry in
    the new deployment's journal commits to it.

    Raises WrongChain where that run was on another chain: what it deployed is not on this one.
    """
    chain_id, genesis = identity_of(node)
    addresses: dict[str, bytes] = {}
    for name, parameters in ORDER.items():
        arguments = [_argument(item, admin, predecessor, addresses) for item in parameters]
        code = from_hex(artifacts.load(name)["bytecode"], "bytecode")
        code += abis.encode_arguments(abis.constructor(name), arguments)
        addresses[name] = sender.deploy(name, code, admin, key=f"deploy/{name}")
        if node.request("eth_getCode", [to_hex(addresses[name]), "latest"]) in (None, "0x"):
            raise WrongChain(f"{name} was deployed on another chain", contract=name)
    return Deployment(chain_id, genesis, addresses)


def predecessor_of(node: Node, former: Deployment) -> Predecessor:
    """A deployment as another one commits to it: its journalled contracts with their heads in the newest block.

    `node` is the former's. Raises WrongChain.
    """
    require_chain(node, chain_id=former.chain_id, genesis_hash=former.genesis_hash)
    block = node.request("eth_blockNumber", [])
    contracts = tuple(address for name, address in former.addresses.items() if name not in UNJOURNALLED)
    slot = f"{JOURNAL_SLOT:#066x}"
    heads = (node.request("eth_getStorageAt", [to_hex(address), slot, block]) for address in contracts)
    return Predecessor(former.chain_id, contracts, tuple(from_hex(head, "head", 32) for head in heads))


def _argument(name: str, admin: Signer, predecessor: Predecessor, addresses: Mapping[str, bytes]) -> Any:
    stated = {"admin": admin.address, "name": FORWARDER_NAME, "predecessor": predecessor.as_tuple()}
    return stated[name] if name in stated else addresses[name]
