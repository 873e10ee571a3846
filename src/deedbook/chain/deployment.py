"""Deploys the contracts in their one order, and remembers where they are.

A contract reads contracts deployed before it, through addresses given to its constructor, and writes to none. The
deployment is resumable: every creation is an intent under its own key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deedbook.chain import abis, artifacts
from deedbook.chain.transactions import Node, Sender, Signer
from deedbook.domain.deployments import CONTRACTS, is_of_another, version_for
from deedbook.domain.documents import parse_decimal
from deedbook.domain.hashing import checksum_address, from_hex, parse_address, to_hex
from deedbook.errors import InvalidFormat, InvalidInput, WrongChain, WrongVersion

FORWARDER_NAME = "Deedbook Forwarder"
NO_PREDECESSOR = (0, (), ())
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


def deploy(node: Node, sender: Sender, admin: Signer) -> Deployment:
    """Deploys every contract, or finds those that an interrupted run deployed.

    Raises WrongChain where that run was on another chain: what it deployed is not on this one.
    """
    chain_id, genesis = identity_of(node)
    addresses: dict[str, bytes] = {}
    for name, parameters in ORDER.items():
        arguments = [_argument(item, admin, addresses) for item in parameters]
        code = from_hex(artifacts.load(name)["bytecode"], "bytecode")
        code += abis.encode_arguments(abis.constructor(name), arguments)
        addresses[name] = sender.deploy(name, code, admin, key=f"deploy/{name}")
        if node.request("eth_getCode", [to_hex(addresses[name]), "latest"]) in (None, "0x"):
            raise WrongChain(f"{name} was deployed on another chain", contract=name)
    return Deployment(chain_id, genesis, addresses)


def identity_of(node: Node) -> tuple[int, bytes]:
    """The chain id and genesis hash that a node states. Raises WrongChain where it has no block 0."""
    genesis = node.request("eth_getBlockByNumber", ["0x0", False])
    if genesis is None:
        raise WrongChain("the node has no block 0")
    return int(node.request("eth_chainId", []), 16), from_hex(genesis["hash"], "genesisHash", 32)


def require_chain(node: Node, deployment: Deployment) -> None:
    """Raises WrongChain unless the node is of the deployment's chain: chain id and genesis hash."""
    chain_id, genesis = identity_of(node)
    if (chain_id, genesis) != (deployment.chain_id, deployment.genesis_hash):
        raise WrongChain(
            f"the node is of chain {chain_id} with genesis {to_hex(genesis)}, "
            f"not {deployment.chain_id} with {to_hex(deployment.genesis_hash)}",
        )


def _argument(name: str, admin: Signer, addresses: Mapping[str, bytes]) -> Any:
    if name == "admin":
        return admin.address
    if name == "predecessor":
        return NO_PREDECESSOR
    return FORWARDER_NAME if name == "name" else addresses[name]
