"""The peers: other projects' contracts out of their own npm packages, and the acts that are measured beside ours.

Each act says what it leaves behind, reads it back, and returns its receipt. Everything but OpenZeppelin's parts is
deployed from the packages' built artifacts; those are compiled here, as our contracts are, by the same compiler.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, Final

from eth_abi.abi import encode

from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, keccak256, to_hex
from tests.bench.chain import Chain, Contract, Receipt
from tests.bench.exchange import account, signer, typed_digest
from tools.forge import with_node

FOLDER: Final = Path(__file__).parent / "peers"
MODULES: Final = FOLDER / "node_modules"
SOLC: Final = Path(__file__).resolve().parents[2] / "contracts" / "tools" / "solc"
WEI: Final = 10**18


def install() -> None:
    """Installs the pinned packages, unless the lock file is as installed. Raises CalledProcessError."""
    lock, stamp = FOLDER / "package-lock.json", MODULES / ".deedbook-lock"
    if not stamp.exists() or stamp.read_bytes() != lock.read_bytes():
        words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run(words, cwd=FOLDER, env=with_node(), check=True)
        shutil.copy(lock, stamp)


def versions() -> dict[str, str]:
    """What is installed, by package."""
    packages = json.loads((FOLDER / "package-lock.json").read_bytes())["packages"]
    names = json.loads((FOLDER / "package.json").read_bytes())["devDependencies"]
    return {name: packages[f"node_modules/{name}"]["version"] for name in names if name != "hardhat"}


def _built(chain: Chain, place: str, *arguments: Any) -> Contract:
    artifact = json.loads((MODULES / place).read_bytes())
    code = artifact["bytecode"]
    return chain.deploy(
        Path(place).stem, artifact["abi"], code if code.startswith("0x") else f"0x{code}", arguments, ME
    )


ME: Final = account("peer")
OTHER: Final = account("other peer")


class Eas:
    """Ethereum Attestation Service: one attestation about somebody, signed by its maker, sent by anyone."""

    NAME = "EAS"
    _ATTEST = (
        b"Attest(address attester,bytes32 schema,address recipient,uint64 expirationTime,bool revocable,bytes32 refUID,"
        b"bytes data,uint256 value,uint256 nonce,uint64 deadline)"
    )
    _REVOKE = b"Revoke(address revoker,bytes32 schema,bytes32 uid,uint256 value,uint256 nonce,uint64 deadline)"

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        place = "@ethereum-attestation-service/eas-contracts/artifacts/contracts"
        registry = _built(chain, f"{place}/SchemaRegistry.sol/SchemaRegistry.json")
        self.eas = _built(chain, f"{place}/EAS.sol/EAS.json", registry.address)
        self.version = chain.read(self.eas, "version")
        schema = "bytes32 asset,address subject,bytes32 purpose,uint64 until"
        receipt = chain.send(registry, "register", schema, ZERO_ADDRESS, True, sender=ME)
        self.schema = registry.logs(receipt, "Registered")[0]["uid"]

    def attest(self, name: str, data: bytes) -> tuple[Receipt, bytes]:
        """The named account's own transaction; a signer whose nonce word is still empty comes from here."""
        receipt = self.chain.send(self.eas, "attest", (self.schema, self._request(data)), sender=account(name))
        return receipt, self._attested(receipt, [(name, data)])[0]

    def attest_by_delegation(self, name: str, data: bytes) -> tuple[Receipt, bytes]:
        """The receipt and the attestation's uid; the attestation is there, with its data and its attester."""
        words = (self.schema, self._request(data), self._signed(name, data), account(name), 0)
        receipt = self.chain.send(self.eas, "attestByDelegation", words, sender=OTHER)
        return receipt, self._attested(receipt, [(name, data)])[0]

    def attest_many_by_delegation(self, name: str, data: list[bytes]) -> Receipt:
        """All of them in one transaction, each with its signature."""
        nonce = self._nonce(name)
        signatures = [self._signed(name, each, nonce + i) for i, each in enumerate(data)]
        words = ((self.schema, [self._request(each) for each in data], signatures, account(name), 0),)
        receipt = self.chain.send(self.eas, "multiAttestByDelegation", words, sender=OTHER)
        assert len(self._attested(receipt, [(name, each) for each in data])) == len(data)
        return receipt

    def revoke_by_delegation(self, name: str, uid: bytes) -> Receipt:
        """The receipt; the attestation is revoked."""
        body = (account(name), self.schema, uid, 0, self._nonce(name), 0)
        types = ["address", "bytes32", "bytes32", "uint256", "uint256", "uint64"]
        signature = self._signature(name, keccak256(self._REVOKE) + encode(types, body))
        words = (self.schema, (uid, 0), signature, account(name), 0)
        receipt = self.chain.send(self.eas, "revokeByDelegation", words, sender=OTHER)
        assert self.chain.read(self.eas, "getAttestation", uid)[4] == self.chain.now()
        return receipt

    def timestamp(self, data: bytes) -> Receipt:
        """The receipt; the hash has its time."""
        receipt = self.chain.send(self.eas, "timestamp", data, sender=ME)
        assert self.chain.read(self.eas, "getTimestamp", data) == self.chain.now()
        return receipt

    def _request(self, data: bytes) -> tuple[Any, ...]:
        return (OTHER, 0, True, ZERO32, data, 0)

    def _attested(self, receipt: Receipt, stated: list[tuple[str, bytes]]) -> list[bytes]:
        uids = [log["uid"] for log in self.eas.logs(receipt, "Attested")]
        for uid, (name, data) in zip(uids, stated, strict=True):
            kept = self.chain.read(self.eas, "getAttestation", uid)
            assert (kept[7], kept[9]) == (to_hex(account(name)), data)
        return uids

    def _nonce(self, name: str) -> int:
        return int(self.chain.read(self.eas, "getNonce", account(name)))

    def _signed(self, name: str, data: bytes, nonce: int | None = None) -> tuple[int, bytes, bytes]:
        nonce = self._nonce(name) if nonce is None else nonce
        types = [
            "address",
            "bytes32",
            "address",
            "uint64",
            "bool",
            "bytes32",
            "bytes32",
            "uint256",
            "uint256",
            "uint64",
        ]
        body = (account(name), self.schema, OTHER, 0, True, ZERO32, keccak256(data), 0, nonce, 0)
        return self._signature(name, keccak256(self._ATTEST) + encode(types, body))

    def _signature(self, name: str, struct: bytes) -> tuple[int, bytes, bytes]:
        found = signer(name).sign_digest(typed_digest("EAS", self.version, self.eas.address, struct))
        return found[64], found[:32], found[32:64]


class Ocean:
    """Ocean Protocol: a data NFT with its datatoken, and the order that spends one datatoken."""

    NAME = "Ocean"

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        place = "@oceanprotocol/contracts/artifacts/contracts"
        ocean = _built(chain, f"{place}/utils/mock/MockOcean.sol/MockOcean.json", ME)
        fees = _built(chain, f"{place}/communityFee/OPFCommunityFeeCollector.sol/OPFCommunityFeeCollector.json", ME, ME)
        # The third argument is a token sale contract that no act here comes near.
        sale = bytes(19) + b"\x01"
        place_of_router = f"{place}/pools/FactoryRouter.sol/FactoryRouter.json"
        router = _built(chain, place_of_router, ME, ocean.address, sale, fees.address, ())
        nft = _built(chain, f"{place}/templates/ERC721Template.sol/ERC721Template.json")
        token = _built(chain, f"{place}/templates/ERC20Template.sol/ERC20Template.json")
        words = (nft.address, token.address, router.address)
        self.factory = _built(chain, f"{place}/ERC721Factory.sol/ERC721Factory.json", *words)
        chain.send(router, "addFactory", self.factory.address, sender=ME)
        self._nft, self._token = nft.abi, token.abi

    def create(self) -> tuple[Receipt, Contract]:
        """A data NFT with its datatoken in one act; the maker holds the one and may mint the other."""
        nft = ("Data NFT", "DNFT", 1, "https://example.test/x", True, ME)
        token: tuple[Any, ...] = (1, ["Datatoken", "DT"], [ME, ME, ME, ZERO_ADDRESS], [1000 * WEI, 0], [])
        receipt = self.chain.send(self.factory, "createNftWithErc20", nft, token, sender=ME)
        made = Contract("data NFT", _bytes(self.factory.logs(receipt, "NFTCreated")[0]["newTokenAddress"]), self._nft)
        coin = _bytes(self.factory.logs(receipt, "TokenCreated")[0]["newTokenAddress"])
        assert self.chain.read(made, "ownerOf", 1) == to_hex(ME)
        datatoken = Contract("datatoken", coin, self._token)
        assert self.chain.read(datatoken, "isMinter", ME)
        return receipt, datatoken

    def order(self, datatoken: Contract) -> Receipt:
        """An order without a fee; the buyer has one datatoken less."""
        data = b'{"environment":"x","timestamp":1}'
        parts = (data, ME, ZERO_ADDRESS, bytes(32), bytes(32))
        digest = keccak256(b"\x19Ethereum Signed Message:\n32" + keccak256(b"".join(parts)))
        signed = signer("peer").sign_digest(digest)
        fee = (ME, ZERO_ADDRESS, 0, signed[64], signed[:32], signed[32:64], 0, data)
        before = self.chain.read(datatoken, "balanceOf", OTHER)
        words = (OTHER, 1, fee, (ZERO_ADDRESS, ZERO_ADDRESS, 0))
        receipt = self.chain.send(datatoken, "startOrder", *words, sender=OTHER)
        assert self.chain.read(datatoken, "balanceOf", OTHER) < before
        return receipt

    def stock(self, datatoken: Contract) -> None:
        """Gives the buyer datatokens."""
        self.chain.send(datatoken, "mint", OTHER, 100 * WEI, sender=ME)


class SortedTree:
    """OpenZeppelin's and Uniswap's tree: pairs are hashed in the order of their values; 2^depth leaves."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.levels = [leaves]
        while len(leaves) > 1:
            leaves = [
                keccak256(a + b if a <= b else b + a) for a, b in zip(leaves[::2], leaves[1::2], strict=True)
            ]  # fmt: skip
            self.levels.append(leaves)

    @property
    def root(self) -> bytes:
        """The root."""
        return self.levels[-1][0]

    def proof(self, index: int) -> list[bytes]:
        """The siblings, from the leaf up."""
        return [level[index >> height ^ 1] for height, level in enumerate(self.levels[:-1])]


class Distributor:
    """Uniswap's MerkleDistributor, over 2^20 claims: a proof, one bit by position, and a token transfer."""

    NAME = "Uniswap"

    def __init__(self, chain: Chain, size: int) -> None:
        self.chain = chain
        self.tree = SortedTree([self._leaf(i) for i in range(size)])
        self.token = _built(chain, "@uniswap/merkle-distributor/build/TestERC20.json", "T", "T", 10**30)
        place = "@uniswap/merkle-distributor/build/MerkleDistributor.json"
        self.distributor = _built(chain, place, self.token.address, self.tree.root)
        chain.send(self.token, "transfer", self.distributor.address, 10**20, sender=ME)
        chain.send(self.token, "transfer", OTHER, 1, sender=ME)

    def claim(self, index: int) -> Receipt:
        """The claim is marked, and the tokens have moved."""
        before = self.chain.read(self.token, "balanceOf", OTHER)
        words = (index, OTHER, 100 + index, self.tree.proof(index))
        receipt = self.chain.send(self.distributor, "claim", *words, sender=ME)
        assert self.chain.read(self.distributor, "isClaimed", index)
        assert self.chain.read(self.token, "balanceOf", OTHER) == before + 100 + index
        return receipt

    def _leaf(self, index: int) -> bytes:
        return keccak256(index.to_bytes(32, "big") + OTHER + (100 + index).to_bytes(32, "big"))


class OpenZeppelin:
    """OpenZeppelin's parts as they are: a token minted, a role granted, a bit set for a leaf of a tree."""

    NAME = "OpenZeppelin"

    def __init__(self, chain: Chain, tree: SortedTree) -> None:
        self.chain, self.tree = chain, tree
        built = _compiled()
        self.plain = chain.deploy("Plain", built["abi"], "0x" + built["evm"]["bytecode"]["object"], [tree.root], ME)

    def mint(self, token: int) -> Receipt:
        """The token has its owner."""
        receipt = self.chain.send(self.plain, "mint", OTHER, token, sender=ME)
        assert self.chain.read(self.plain, "ownerOf", token) == to_hex(OTHER)
        return receipt

    def grant_role(self, role: bytes) -> Receipt:
        """The account has the role."""
        receipt = self.chain.send(self.plain, "grantRole", role, OTHER, sender=ME)
        assert self.chain.read(self.plain, "hasRole", role, OTHER)
        return receipt

    def mark(self, index: int) -> Receipt:
        """The bit is set."""
        words = (index, self.tree.levels[0][index], self.tree.proof(index))
        receipt = self.chain.send(self.plain, "mark", *words, sender=ME)
        assert self.chain.read(self.plain, "marked", index)
        return receipt


@cache
def _compiled() -> Any:
    source = (FOLDER / "Plain.sol").read_text(encoding="utf-8")
    request = {
        "language": "Solidity",
        "sources": {"Plain.sol": {"content": source}},
        "settings": {
            "evmVersion": "paris",
            "optimizer": {"enabled": True, "runs": 200},
            "remappings": [f"@openzeppelin/contracts/={MODULES}/@openzeppelin/contracts/"],
            "outputSelection": {"Plain.sol": {"Plain": ["abi", "evm.bytecode.object"]}},
        },
    }
    words = ["node", str(SOLC), "--standard-json"]
    output = subprocess.run(words, input=json.dumps(request).encode(), env=with_node(), capture_output=True, check=True)
    built = json.loads(output.stdout)
    assert "contracts" in built, built
    return built["contracts"]["Plain.sol"]["Plain"]


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])
