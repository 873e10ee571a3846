"""What a chain of known validators begins with: its genesis file, and what its nodes must know of one another.

Pure: from a `Network` (what operators decided, with the public halves of their keys) to the contents of files; the same
network gives the same bytes. No private key comes here.

- Clique (EIP-225) for geth 1.13, the last line of geth that seals. London is left out unless asked for: with it the
  base fee rises above zero under load, and a transaction priced 0 then waits for ever.
- QBFT for Besu, with London and `zeroBaseFee`, which keeps the base fee at zero (Besu: "Configure free gas").
- QBFT for GoQuorum, which knows no fees.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

from deedbook.chain.extradata import QbftExtra
from deedbook.domain.hashing import ZERO32, ZERO_ADDRESS, keccak256, to_hex
from deedbook.domain.validators import Span, Validators
from deedbook.errors import InvalidInput

CLIENTS: Final[Mapping[str, tuple[str, ...]]] = {"clique": ("geth",), "qbft": ("besu", "goquorum")}
"""Which programs run which consensus; the first is the default."""

PORT: Final = 30303
"""Where nodes meet, TCP."""
PERIOD: Final = 2
"""Seconds from block to block."""
EPOCH: Final = 30_000
"""Blocks after which votes about validators are forgotten."""
GAS_LIMIT: Final = 100_000_000
"""Gas of a block: about 500 orders."""
MOST_GAS: Final = (1 << 63) - 1
"""Besu reads the limit as a signed 64-bit number; geth's own bound is the same (`params.MaxGasLimit`)."""
CODE_SIZE: Final = 65_536
"""Bytes of code that Besu and GoQuorum let a contract have; Deedbook's stay below the usual 24,576 (EIP-170)."""
POOL: Final = 20_000
"""Transactions that a node holds: ten times what one sender keeps under way."""

_MIX_HASH: Final = b"ctical byzantine fault tolerance"
"""Tells a block of the Istanbul family (QBFT) by its `mixHash`: 32 bytes, 0x6374...6365."""
_VANITY: Final = bytes(32)
_NO_SEAL: Final = bytes(65)
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:]{2,39}\]")
_TO_BERLIN: Final = (
    "homesteadBlock",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "berlinBlock",
)
"""The rules that geth and GoQuorum want named one by one."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node of the network: its name, the public half of its node key (64 bytes), where others reach it, and the
    account that it seals with (20 bytes; None for a node that only follows).

    Raises InvalidInput ("name", "publicKey", "host", "port", "account").
    """

    name: str
    public_key: bytes
    host: str
    port: int = PORT
    account: bytes | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InvalidInput("name", f"{self.name!r} is not 1 to 63 of a-z, 0-9 and dash")
        if len(self.public_key) != 64:
            raise InvalidInput("publicKey", f"of {self.name} is not 64 bytes")
        if not _HOST.fullmatch(self.host):
            raise InvalidInput("host", f"of {self.name} is neither a name nor an address")
        if not 0 < self.port < 65_536:
            raise InvalidInput("port", f"of {self.name} is not from 1 to 65535")
        if self.account is not None and (len(self.account) != 20 or self.account == ZERO_ADDRESS):
            raise InvalidInput("account", f"of {self.name} is not 20 bytes, or is zero")

    @property
    def enode(self) -> str:
        """Its address among nodes (devp2p enode URL, version 4)."""
        return f"enode://{self.public_key.hex()}@{self.host}:{self.port}"

    @property
    def node_account(self) -> bytes:
        """The account of its node key: on QBFT the one that seals."""
        return keccak256(self.public_key)[12:]


@dataclass(frozen=True, slots=True)
class Network:
    """A chain as decided before its first block.

    `period` in seconds, `gas_limit` per block, `epoch` in blocks, `alloc` in wei by account (none where gas is free),
    `permitted` the accounts that nodes take transactions from (Besu; None: from everyone), `london` for Clique alone.

    Raises InvalidInput naming the field.
    """

    chain_id: int
    consensus: str
    members: tuple[Member, ...]
    client: str = ""
    period: int = PERIOD
    epoch: int = EPOCH
    gas_limit: int = GAS_LIMIT
    timestamp: int = 0
    london: bool = False
    alloc: Mapping[bytes, int] = field(default_factory=dict)
    permitted: tuple[bytes, ...] | None = None

    def __post_init__(self) -> None:
        if self.consensus not in CLIENTS:
            raise InvalidInput("consensus", f"is neither {' nor '.join(CLIENTS)}")
        object.__setattr__(self, "client", self.client or CLIENTS[self.consensus][0])
        if self.client not in CLIENTS[self.consensus]:
            raise InvalidInput("client", f"{self.client!r} does not run {self.consensus}")
        if self.london and self.consensus != "clique":
            raise InvalidInput("london", "is a choice with Clique only")
        _require_within("chainId", self.chain_id, 1, (1 << 53) - 1)
        _require_within("period", self.period, 1, 3_600)
        _require_within("epoch", self.epoch, 1, 1 << 32)
        _require_within("gasLimit", self.gas_limit, 30_000_000, MOST_GAS)  # the largest contract takes 10 million
        _require_within("timestamp", self.timestamp, 0, (1 << 40) - 1)
        self._require_members()
        self._require_accounts()

    def _require_members(self) -> None:
        for what, values in (
            ("name", [member.name for member in self.members]),
            ("publicKey", [member.public_key for member in self.members]),
            ("host and port", [(member.host, member.port) for member in self.members]),
        ):
            if len(set(values)) != len(values):
                raise InvalidInput("members", f"two have the same {what}")
        if not self.validators:
            raise InvalidInput("members", "none of them seals")
        for member in self.members:
            if self.consensus == "qbft" and member.account not in (None, member.node_account):
                raise InvalidInput("account", f"of {member.name} is not its node key's, which seals on QBFT")
            if self.client == "besu" and not _is_address(member.host):
                raise InvalidInput("host", f"of {member.name} is a name: Besu wants an IP address in an enode URL")
        Span(0, self.validators)  # none twice, not too many

    def _require_accounts(self) -> None:
        for account, wei in self.alloc.items():
            if len(account) != 20 or not 0 <= wei < 1 << 256:
                raise InvalidInput("alloc", "is not an amount of wei by account")
        if self.permitted is not None:
            if self.client != "besu":
                raise InvalidInput("permitted", f"{self.client} has no list of accounts")
            if not self.permitted or any(len(account) != 20 for account in self.permitted):
                raise InvalidInput("permitted", "names no account, so that nobody could do anything")

    @property
    def validators(self) -> tuple[bytes, ...]:
        """The accounts that seal, ascending."""
        return tuple(sorted(member.account for member in self.members if member.account is not None))

    @property
    def enodes(self) -> tuple[str, ...]:
        """Every node, in the order given."""
        return tuple(member.enode for member in self.members)


def genesis(network: Network) -> dict[str, Any]:
    """The genesis file as JSON values."""
    clique = network.consensus == "clique"
    extra = clique_extra(network.validators) if clique else qbft_extra(network.validators)
    fee = {"baseFeePerGas": "0x0"} if network.client == "besu" or network.london else {}  # London's own is 1 Gwei
    return {
        "config": {"clique": _clique, "qbft": _qbft}[network.consensus](network),
        "nonce": "0x0",
        "timestamp": hex(network.timestamp),
        "extraData": to_hex(extra),
        "gasLimit": hex(network.gas_limit),
        **fee,
        "difficulty": "0x1",
        "mixHash": to_hex(ZERO32 if clique else _MIX_HASH),
        "coinbase": to_hex(ZERO_ADDRESS),
        "alloc": {account.hex(): {"balance": hex(wei)} for account, wei in sorted(network.alloc.items())},
    }


def _clique(network: Network) -> dict[str, Any]:
    """geth's `params.ChainConfig`."""
    london = {"londonBlock": 0} if network.london else {}
    return {
        "chainId": network.chain_id,
        **dict.fromkeys(_TO_BERLIN, 0),
        **london,
        "clique": {"period": network.period, "epoch": network.epoch},
    }


def _qbft(network: Network) -> dict[str, Any]:
    if network.client == "goquorum":
        return _goquorum(network)
    return {
        "chainId": network.chain_id,
        "londonBlock": 0,  # implies the ones before (Besu: genesis file items, milestones)
        "zeroBaseFee": True,
        "contractSizeLimit": CODE_SIZE,
        "qbft": {
            "blockperiodseconds": network.period,
            "epochlength": network.epoch,
            "requesttimeoutseconds": 2 * network.period,  # where Besu's guide begins to tune
        },
    }


def _goquorum(network: Network) -> dict[str, Any]:
    """As a GoQuorum 24.4.1 network of ours had it; `tests/vectors/qbft.json` was recorded there."""
    return {
        "chainId": network.chain_id,
        **dict.fromkeys(_TO_BERLIN, 0),
        "eip150Hash": to_hex(ZERO32),
        "isQuorum": True,
        "maxCodeSizeConfig": [{"block": 0, "size": CODE_SIZE // 1024}],
        "txnSizeLimit": 64,
        "qbft": {
            "policy": 0,
            "epoch": network.epoch,
            "ceil2Nby3Block": 0,
            "testQBFTBlock": 0,
            "blockperiodseconds": network.period,
            "emptyblockperiodseconds": network.period,
            "requesttimeoutseconds": max(4, 2 * network.period),
        },
    }


def clique_extra(signers: Sequence[bytes]) -> bytes:
    """EIP-225: vanity (32) || signers ascending (20 each) || no seal (65)."""
    return _VANITY + b"".join(sorted(signers)) + _NO_SEAL


def qbft_extra(validators: Sequence[bytes]) -> bytes:
    """RLP([vanity (32), validators ascending, no vote, round 0, no seals]), as Besu and GoQuorum read it."""
    return QbftExtra(_VANITY, tuple(sorted(validators)), vote=None, round=0, seals=()).encode()


def genesis_file(network: Network) -> bytes:
    """`genesis.json`."""
    return as_json(genesis(network))


def validators_file(network: Network) -> bytes:
    """`validators.json`: who seals from block 0 on, as the home and an auditor's trust name them."""
    return as_json(Validators(network.consensus, (Span(0, network.validators),)).to_json())


def static_nodes_file(network: Network) -> bytes:
    """`static-nodes.json` (Besu, GoQuorum): every node, the same for all of them."""
    return as_json(list(network.enodes))


def permissions_file(network: Network) -> bytes:
    """`permissions_config.toml` (Besu: local permissioning): the nodes that may connect, and the accounts, where they
    are listed, whose transactions are taken."""
    listed = "" if network.permitted is None else f"accounts-allowlist={_array(map(to_hex, network.permitted))}\n"
    return f"nodes-allowlist={_array(network.enodes)}\n{listed}".encode()


def besu_file(network: Network, member: Member) -> bytes:
    """`besu.toml`, the options of one node (Besu: command line options). Its files are looked for in /etc/besu/network
    (the same for all nodes) and /etc/besu/node (its own), its chain in /var/lib/besu."""
    seals = member.account is not None
    shared = "/etc/besu/network"
    accounts: dict[str, Any] = {"permissions-accounts-config-file-enabled": network.permitted is not None}
    if network.permitted is not None:
        accounts["permissions-accounts-config-file"] = f"{shared}/permissions_config.toml"
    options: dict[str, Any] = {
        "genesis-file": f"{shared}/genesis.json",
        "node-private-key-file": "/etc/besu/node/key",
        "data-path": "/var/lib/besu",
        "version-compatibility-protection": True,  # an earlier Besu does not open a later one's database
        "data-storage-format": "FOREST",  # keeps every state: old proofs (eth_getProof) are audit evidence
        "sync-mode": "FULL",
        "sync-min-peers": 1,
        "p2p-host": member.host,
        "p2p-port": member.port,
        "discovery-enabled": False,
        "static-nodes-file": f"{shared}/static-nodes.json",
        "permissions-nodes-config-file-enabled": True,
        "permissions-nodes-config-file": f"{shared}/permissions_config.toml",
        **accounts,
        "min-gas-price": 0,  # above it, a node drops transactions priced 0 without a word
        "tx-pool": "sequenced",
        "tx-pool-max-size": POOL,
        "tx-pool-limit-by-account-percentage": 1.0,  # the default, 0.1 %, is four transactions of one sender
        "rpc-http-enabled": True,
        "rpc-http-host": "127.0.0.1" if seals else "0.0.0.0",  # noqa: S104
        "rpc-http-port": 8545,
        "rpc-http-api": ["ETH", "NET", "WEB3", "QBFT", "PERM"] if seals else ["ETH", "NET", "WEB3", "TXPOOL"],
        "host-allowlist": ["localhost", "127.0.0.1"] if seals else ["localhost", "127.0.0.1", member.name],
    }
    return "".join(f"{name}={_toml(value)}\n" for name, value in options.items()).encode()


def geth_file(network: Network, member: Member) -> bytes:
    """`geth.toml`, the settings of one node (geth 1.13: `geth --config`). Discovery is off and only these peers are
    dialled; geth has no allow-list, so that a firewall decides who may connect."""
    peers = [other.enode for other in network.members if other is not member]
    asked = {"HTTPHost": "127.0.0.1", "HTTPPort": 8545, "HTTPModules": ["eth", "net", "web3", "txpool"]}
    if member.account is not None:  # who seals is asked through its socket alone
        asked = {"HTTPHost": ""}
    tables: dict[str, dict[str, Any]] = {
        "Eth": {
            "NetworkId": network.chain_id,
            "SyncMode": "full",
            "NoPruning": member.account is None,  # who is asked keeps every state: old proofs are audit evidence
        },
        "Eth.Miner": {  # naming one field of Miner or TxPool clears the others
            "GasCeil": network.gas_limit,  # or the signers' votes lead the limit to 30 million
            "GasPrice": 1,  # 0 is taken for a mistake and made 1 Gwei: `miner.setGasPrice(0)` says it (geth's unit)
            "Recommit": 2_000_000_000,
            "NewPayloadTimeout": 2_000_000_000,
        },
        "Eth.TxPool": {
            "Journal": "transactions.rlp",
            "Rejournal": 3_600_000_000_000,
            "PriceLimit": 1,
            "PriceBump": 10,
            "AccountSlots": POOL // 4,
            "GlobalSlots": POOL,
            "AccountQueue": POOL // 4,
            "GlobalQueue": POOL,
            "Lifetime": 10_800_000_000_000,
        },
        "Node": {"IPCPath": "geth.ipc", **asked},
        "Node.P2P": {
            "ListenAddr": f":{member.port}",
            "NoDiscovery": True,
            "MaxPeers": 50,
            "BootstrapNodes": [],
            "BootstrapNodesV5": [],
            "StaticNodes": peers,
            "TrustedNodes": peers,
        },
    }
    return "\n".join(
        f"[{table}]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in fields.items())
        for table, fields in tables.items()
    ).encode()


def as_json(value: Any) -> bytes:
    """A file that people read too: indented, keys in the order given."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode() + b"\n"


def _array(texts: Iterable[str]) -> str:
    return "[" + ",".join(map(_toml, texts)) + "]"


def _toml(value: Any) -> str:
    """A basic string, whole number, decimal, truth value, or an array of them: JSON's form is TOML's too."""
    if isinstance(value, list):
        return _array(value)
    return json.dumps(value)


def _is_address(host: str) -> bool:
    try:
        return bool(ip_address(host.strip("[]")))
    except ValueError:
        return False


def _require_within(field: str, value: int, least: int, most: int) -> None:
    if type(value) is not int or not least <= value <= most:
        raise InvalidInput(field, f"is not a whole number from {least:,} to {most:,}")
