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
from deedbook.domain.hashing import checksum_address, from_hex, parse_address, to_hex
from deedbook.errors import InvalidFormat, WrongChain

FORWARDER_NAME = "Deedbook Forwarder"
ORDER: Mapping[str, tuple[str, ...]] = {
    "AccessManager": ("admin",),
    "Forwarder": ("name",),
    "Membership": ("AccessManager", "Forwarder"),
    "Cases": ("Membership", "Forwarder"),
    "Attestations": ("Membership", "Forwarder"),
    "DataAssets": ("Membership", "Cases", "Attestations", "Forwarder"),
    "Consents": ("Membership", "Attestations", "DataAssets", "Forwarder"),
    "Market": ("AccessManager", "Membership", "Cases", "Attestations", "DataAssets", "Consents", "Forwarder"),
    "Revenue": ("Membership", "Cases", "DataAssets", "Market", "Forwarder"),
}
"""Constructor arguments of each contract, in order of deployment."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One set of contracts on one chain: chain id, genesis hash (32 bytes), and the 20-byte addresses by name."""

    chain_id: int
    genesis_hash: bytes
    addresses: Mapping[str, bytes]

    def to_json(self) -> dict[str, Any]:
        """The form kept in a home as `deployment.json`."""
        return {
            "format": "deedbook.deployment",
            "version": 1,
            "chainId": str(self.chain_id),
            "genesisHash": to_hex(self.genesis_hash),
            "contracts": {name: checksum_address(address) for name, address in self.addresses.items()},
        }

    @staticmethod
    def from_json(value: Any) -> Deployment:
        """Reads that form; raises InvalidFormat."""
        try:
            if value["format"] != "deedbook.deployment" or value["version"] != 1:
                raise InvalidFormat("deployment.format", "not a deployment of version 1")
            return Deployment(
                int(value["chainId"]),
                from_hex(value["genesisHash"], "genesisHash", 32),
                {name: parse_address(text, name) for name, text in value["contracts"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidFormat("deployment", f"malformed: {error}") from error


def deploy(node: Node, sender: Sender, admin: Signer) -> Deployment:
    """Deploys every contract, or finds those that an interrupted run deployed."""
    chain_id, genesis = identity_of(node)
    addresses: dict[str, bytes] = {}
    for name, parameters in ORDER.items():
        arguments = [_argument(item, admin, addresses) for item in parameters]
        code = from_hex(artifacts.load(name)["bytecode"], "bytecode")
        code += abis.encode_arguments(abis.constructor(name), arguments)
        addresses[name] = sender.deploy(name, code, admin, key=f"deploy/{name}")
    return Deployment(chain_id, genesis, addresses)


def identity_of(node: Node) -> tuple[int, bytes]:
    """The chain id and genesis hash that a node states."""
    genesis = node.request("eth_getBlockByNumber", ["0x0", False])
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
    return FORWARDER_NAME if name == "name" else addresses[name]
