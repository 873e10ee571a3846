"""A chain before its first block, as a folder: from a plan to keys, genesis and what every node must know.

    plan.json             what was decided; another plan is refused here
    network/              the same for every node: genesis.json, static-nodes.json, permissions_config.toml (Besu) or
                          permissioned-nodes.json (GoQuorum); validators.json, which goes into the service's home
    nodes/NAME/           one node's own: key, besu.toml or geth.toml; a Clique signer's keystore/, passphrase, geth.env
    secrets/, data/       with services: passwords and folders that docker-compose.yml mounts; compose.env names both

Run again with the same plan it changes nothing, and finishes what was cut short; what exists is never overwritten. Key
files have mode 0600.
"""

from __future__ import annotations

import base64
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from deedbook.chain import genesis
from deedbook.chain.genesis import Member, Network
from deedbook.domain.hashing import checksum_address, from_hex, parse_address, parse_json, to_hex
from deedbook.errors import Conflict, InvalidFormat, InvalidInput, MissingKey
from deedbook.wallet import files, nodekeys
from deedbook.wallet.keystores import Keystore

Entropy = Callable[[int], bytes]

PUBLIC: Final = 0o644
SCRYPT_N: Final = 1 << 18
"""What geth itself uses for a keystore (`StandardScryptN`)."""
SIGNER: Final = "validator"
"""The name of the account in a Clique signer's keystore."""
BUCKET: Final = "deedbook"
MOST_MEMBERS: Final = 200
_TOKEN: Final = 32


@dataclass(frozen=True, slots=True)
class Seat:
    """A node of a plan: whether it seals, and, where its keys are made elsewhere, their public halves."""

    name: str
    host: str
    port: int
    validator: bool
    public_key: bytes | None = None
    account: bytes | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operator decides about a chain; the fields are those of `Network`, with seats for members."""

    chain_id: int
    consensus: str
    seats: tuple[Seat, ...]
    client: str = ""
    period: int = genesis.PERIOD
    epoch: int = genesis.EPOCH
    gas_limit: int = genesis.GAS_LIMIT
    timestamp: int = 0
    london: bool = False
    governance: bytes | None = None
    accounts: tuple[bytes, ...] | None = None
    prefund: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def permitted(self) -> tuple[bytes, ...] | None:
        """The accounts whose transactions nodes take, governance first; None for every account's."""
        if self.accounts is None:
            return None
        return tuple(dict.fromkeys(((self.governance,) if self.governance else ()) + self.accounts))

    def network(self, members: tuple[Member, ...]) -> Network:
        """The network of these members. Raises InvalidInput naming the field."""
        return Network(
            self.chain_id,
            self.consensus,
            members,
            client=self.client,
            period=self.period,
            epoch=self.epoch,
            gas_limit=self.gas_limit,
            timestamp=self.timestamp,
            london=self.london,
            alloc=self.prefund,
            permitted=self.permitted,
        )

    def to_json(self) -> dict[str, Any]:
        """The plan as it is kept beside what was made of it."""
        return {
            "chainId": self.chain_id,
            "consensus": self.consensus,
            "client": self.client or genesis.CLIENTS[self.consensus][0],
            "period": self.period,
            "epoch": self.epoch,
            "gasLimit": self.gas_limit,
            "timestamp": self.timestamp,
            "london": self.london,
            "governance": checksum_address(self.governance) if self.governance else None,
            "accounts": None if self.accounts is None else [checksum_address(account) for account in self.accounts],
            "prefund": {checksum_address(account): str(wei) for account, wei in sorted(self.prefund.items())},
            "members": [
                {
                    "name": seat.name,
                    "host": seat.host,
                    "port": seat.port,
                    "validator": seat.validator,
                    "publicKey": to_hex(seat.public_key) if seat.public_key else None,
                    "account": checksum_address(seat.account) if seat.account else None,
                }
                for seat in self.seats
            ],
        }


def read_plan(path: Path | None, said: Mapping[str, Any]) -> Plan:
    """The plan of a TOML file, what `said` holds (and is not None) before it.

    Keys: chain_id, consensus, client, period, epoch, gas_limit, timestamp, london, governance, accounts, prefund (wei
    by account), and either `member` tables (name, host, port, validator, public_key, account) or validators, followers
    (how many), hosts (in that order) and port. Raises InvalidInput naming the key, InvalidFormat.
    """
    found = {**(_read_toml(path) if path else {}), **{name: value for name, value in said.items() if value is not None}}
    unknown = found.keys() - _KEYS
    if unknown:
        raise InvalidInput(min(unknown), "no such setting of a network", hint=f"there are {', '.join(sorted(_KEYS))}")
    for name in ("chain_id", "consensus"):
        if name not in found:
            raise InvalidInput(name, "is not given", hint=_NEEDED[name])
    given = {name: _typed(name, found[name]) for name in _PLAIN.keys() & found.keys()}
    if given["consensus"] not in genesis.CLIENTS:
        raise InvalidInput("consensus", f"is neither {' nor '.join(genesis.CLIENTS)}")
    return Plan(
        **given,
        seats=_seats(found),
        governance=parse_address(found["governance"], "governance") if "governance" in found else None,
        accounts=_accounts(found["accounts"]) if "accounts" in found else None,
        prefund=_prefund(found.get("prefund", {})),
    )


def make(
    plan: Plan, folder: Path, *, entropy: Entropy, services: bool = False, owner: str = "", scrypt_n: int = SCRYPT_N
) -> Network:
    """Makes the folder, or finishes it. `services` adds what docker-compose.yml mounts; `owner` (UID:GID) is who the
    containers run as, by default who asks.

    Raises InvalidInput naming the field, Conflict where the folder is of another plan or holds something else,
    MissingKey where a key is gone that the genesis names.
    """
    of = _owner(owner) if services or owner else None
    _require_sound(plan)
    try:
        _publish(folder / "plan.json", genesis.as_json(plan.to_json()))
        network = plan.network(tuple(_member(plan, seat, folder, entropy, scrypt_n) for seat in plan.seats))
        for path, content in _files(network, folder):
            _publish(path, content)
        if services:
            _make_services(network, folder, entropy, of or _owner(""))
        if of is not None:
            _give(folder, of)
    except OSError as error:
        raise InvalidInput("out", f"{folder} cannot be made: {error.strerror}") from error
    return network


def make_keys(consensus: str, seat: Seat, folder: Path, *, entropy: Entropy, scrypt_n: int = SCRYPT_N) -> Member:
    """One node's keys in `folder`, for a plan that is made of several operators' nodes; made once.

    Raises InvalidInput naming the field, MissingKey as `make`.
    """
    if consensus not in genesis.CLIENTS:
        raise InvalidInput("consensus", f"is neither {' nor '.join(genesis.CLIENTS)}")
    Member(seat.name, _unmade(0), seat.host, seat.port)  # refuses a malformed seat before a key is made
    try:
        return _keyed(consensus, seat, folder, entropy, scrypt_n)
    except OSError as error:
        raise InvalidInput("out", f"{folder} cannot be made: {error.strerror}") from error


# Reading a plan.

_PLAIN: Final[Mapping[str, type]] = {
    "chain_id": int,
    "consensus": str,
    "client": str,
    "period": int,
    "epoch": int,
    "gas_limit": int,
    "timestamp": int,
    "london": bool,
}
_KEYS: Final = frozenset(_PLAIN) | {
    "governance",
    "accounts",
    "prefund",
    "member",
    "validators",
    "followers",
    "hosts",
    "port",
}
_NEEDED: Final = {
    "chain_id": "choose a number that no other chain of yours has: it is in every signature",
    "consensus": "clique or qbft",
}
_SEAT: Final[Mapping[str, type]] = {
    "name": str,
    "host": str,
    "port": int,
    "validator": bool,
    "public_key": str,
    "account": str,
}


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else f"not TOML: {error}"
        raise InvalidFormat("config", f"{path.name}: {reason}") from error


def _typed(name: str, value: Any, kind: type | None = None) -> Any:
    wanted = kind or _PLAIN[name]
    if type(value) is not wanted:
        raise InvalidInput(name, {int: "not a whole number", str: "not a text", bool: "neither true nor false"}[wanted])
    return value


def _seats(found: Mapping[str, Any]) -> tuple[Seat, ...]:
    if "member" in found:
        both = found.keys() & {"validators", "followers", "hosts", "port"}
        if both:
            raise InvalidInput(min(both), "is said by the members themselves")
        tables = found["member"]
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise InvalidInput("member", "not a list of tables")
        if len(tables) > MOST_MEMBERS:
            raise InvalidInput("member", f"are more than {MOST_MEMBERS}")
        return tuple(map(_seat, tables))
    validators = _typed("validators", found.get("validators", 4), int)
    followers = _typed("followers", found.get("followers", 1), int)
    if validators < 1 or followers < 0 or validators + followers > MOST_MEMBERS:
        raise InvalidInput("validators", f"are none, or with the followers more than {MOST_MEMBERS}")
    return tuple(_counted(validators, followers, found.get("hosts"), _typed("port", found.get("port", 0), int)))


def _counted(validators: int, followers: int, hosts: Any, port: int) -> Iterator[Seat]:
    """Seats by number. Without hosts all are on this machine, one port each."""
    names = [f"validator-{n + 1}" for n in range(validators)]
    names += [f"rpc-{n + 1}" for n in range(followers)]
    if hosts is not None and not (isinstance(hosts, list) and len(hosts) == len(names)):
        raise InvalidInput("hosts", f"are not {len(names)}: one for each validator, then one for each follower")
    for index, name in enumerate(names):
        host = "127.0.0.1" if hosts is None else _typed("hosts", hosts[index], str)
        place = (port or genesis.PORT) + (index if hosts is None else 0)
        yield Seat(name, host, place, validator=index < validators)


def _seat(table: Mapping[str, Any]) -> Seat:
    for name in ("name", "host"):
        if name not in table:
            raise InvalidInput(f"member.{name}", "is not given")
    unknown = table.keys() - _SEAT.keys()
    if unknown:
        raise InvalidInput(f"member.{min(unknown)}", "no such setting of a member")
    given = {name: _typed(f"member.{name}", value, _SEAT[name]) for name, value in table.items()}
    if "public_key" in given:
        given["public_key"] = from_hex(given["public_key"], "member.public_key", 64)
    if "account" in given:
        given["account"] = parse_address(given["account"], "member.account")
    return Seat(**{"port": genesis.PORT, "validator": False} | given)


def _accounts(value: Any) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise InvalidInput("accounts", "not a list of accounts")
    return tuple(parse_address(account, "accounts") for account in value)


def _prefund(value: Any) -> dict[bytes, int]:
    if not isinstance(value, dict):
        raise InvalidInput("prefund", "not a table of wei by account")
    found = {}
    for account, wei in value.items():
        text = str(wei)
        if not (text.isascii() and text.isdigit() and len(text) < 79):
            raise InvalidInput("prefund", f"of {account} is not a whole number of wei, as a text")
        found[parse_address(account, "prefund")] = int(text)
    return found


# Making the folder.


def _require_sound(plan: Plan) -> None:
    """Refuses what the network would refuse, before any key is made: stand-ins take the places of keys to come."""
    plan.network(
        tuple(
            _public(
                plan,
                seat if seat.public_key else replace(seat, public_key=_unmade(index), account=_account(plan, index)),
            )
            for index, seat in enumerate(plan.seats)
        )
    )


def _unmade(index: int) -> bytes:
    return bytes((index + 1,)) * 64


def _account(plan: Plan, index: int) -> bytes | None:
    return _unmade(index)[:20] if plan.consensus == "clique" else None


def _public(plan: Plan, seat: Seat) -> Member:
    """A member whose keys are elsewhere."""
    assert seat.public_key is not None
    member = Member(seat.name, seat.public_key, seat.host, seat.port)
    if not seat.validator:
        return member
    if plan.consensus == "clique" and seat.account is None:
        raise InvalidInput("member.account", f"of {seat.name} is not given: a Clique signer seals with another key")
    return replace(member, account=seat.account or member.node_account)


def _member(plan: Plan, seat: Seat, folder: Path, entropy: Entropy, scrypt_n: int) -> Member:
    """The member of a seat, its keys made where the plan has none and there is no genesis yet."""
    if seat.public_key is not None:
        return _public(plan, seat)
    return _keyed(plan.consensus, seat, folder, entropy, scrypt_n)


def _keyed(consensus: str, seat: Seat, folder: Path, entropy: Entropy, scrypt_n: int) -> Member:
    own = folder / "nodes" / seat.name
    begun = (folder / "network" / "genesis.json").exists()
    key = own / "key"
    if begun and not key.exists():
        raise MissingKey(f"the key of {seat.name} is gone, and the genesis names it", file=str(key))
    made = nodekeys.read(key) if key.exists() else nodekeys.create(key, entropy)
    member = Member(seat.name, made.public_key, seat.host, seat.port)
    if not seat.validator:
        return member
    if consensus == "qbft":
        return replace(member, account=member.node_account)
    return replace(member, account=_clique_account(own, seat.name, entropy, scrypt_n, begun=begun))


def _clique_account(own: Path, name: str, entropy: Entropy, scrypt_n: int, *, begun: bool) -> bytes:
    """The account of a Clique signer's keystore; its passphrase is written first, or it could never be opened."""
    keystore = own / "keystore" / f"{SIGNER}.json"
    if keystore.exists():
        document = parse_json(files.read(keystore, "keystore"), "keystore")
        if not isinstance(document, dict):
            raise InvalidFormat("keystore", f"of {name} is not a JSON object")
        return from_hex("0x" + str(document.get("address")).lower().removeprefix("0x"), "keystore", 20)
    if begun:
        raise MissingKey(f"the keystore of {name} is gone, and the genesis names its account", file=str(keystore))
    passphrase = _token(own / "passphrase", entropy)
    return Keystore(keystore.parent, entropy=entropy, scrypt_n=scrypt_n).create(SIGNER, passphrase).address


def _files(network: Network, folder: Path) -> Iterator[tuple[Path, bytes]]:
    """What is public, the genesis last: it stands for a whole folder."""
    shared = folder / "network"
    yield shared / "validators.json", genesis.validators_file(network)
    if network.client in ("besu", "goquorum"):
        yield shared / "static-nodes.json", genesis.static_nodes_file(network)
    if network.client == "goquorum":
        yield shared / "permissioned-nodes.json", genesis.static_nodes_file(network)
    if network.client == "besu":
        yield shared / "permissions_config.toml", genesis.permissions_file(network)
    for member in network.members:
        own = folder / "nodes" / member.name
        if network.client == "besu":
            yield own / "besu.toml", genesis.besu_file(network, member)
        if network.client == "geth":
            yield own / "geth.toml", genesis.geth_file(network, member)
            if member.account is not None:
                yield own / "geth.env", f"GETH_ACCOUNT={checksum_address(member.account)}\n".encode()
    yield shared / "genesis.json", genesis.genesis_file(network)


def _publish(path: Path, content: bytes) -> None:
    """Writes a file that everybody may read, unless it is there already. Raises Conflict where it says otherwise."""
    if not path.exists():
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        files.create(path, content, mode=PUBLIC)
    elif path.read_bytes() != content:
        hint = "name another folder by --out; a chain's beginning cannot be changed"
        raise Conflict(f"{path} is of another plan, or was changed by hand", hint=hint, file=path.name)


def _token(path: Path, entropy: Entropy) -> str:
    """A password of 256 bits in a file of its own (mode 0600), made where there is none."""
    if not path.exists():
        files.create(path, base64.urlsafe_b64encode(entropy(_TOKEN)).rstrip(b"="))
    return files.read(path, "password").decode().strip()


# What docker-compose.yml mounts.


def _make_services(network: Network, folder: Path, entropy: Entropy, owner: tuple[int, int]) -> None:
    if network.client != "besu":
        raise InvalidInput("services", "are those of docker-compose.yml, whose nodes run Besu")
    inside = folder / "secrets"
    _token(inside / "passphrase", entropy)
    database = _token(inside / "postgres-password", entropy)
    _keep(inside / "pgpass", f"postgres:5432:*:deedbook:{database}\n".encode())
    objects = _token(inside / "s3-secret", entropy)
    _keep(inside / "s3.json", _identities(objects))
    _keep(inside / "s3-credentials", _credentials(objects))
    for name in ("home", "postgres", "seaweedfs", *(member.name for member in network.members)):
        (folder / "data" / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    said = f"DEEDBOOK_NETWORK={folder.absolute()}\nDEEDBOOK_USER={owner[0]}:{owner[1]}\n"
    _publish(folder / "compose.env", said.encode())


def _keep(path: Path, content: bytes) -> None:
    """A secret that follows from another one."""
    if not path.exists():
        files.create(path, content)


def _identities(secret: str) -> bytes:
    """Who may do what in SeaweedFS's S3 (`-s3.config`): the service, whose bucket is made by its first object (which
    SeaweedFS does for an administrator alone); nobody else."""
    credentials = [{"accessKey": BUCKET, "secretKey": secret}]
    actions = ["Admin", "Read", "List", "Write"]
    return genesis.as_json({"identities": [{"name": BUCKET, "credentials": credentials, "actions": actions}]})


def _credentials(secret: str) -> bytes:
    """The same as the service reads it (AWS_SHARED_CREDENTIALS_FILE)."""
    return f"[default]\naws_access_key_id = {BUCKET}\naws_secret_access_key = {secret}\n".encode()


def _owner(said: str) -> tuple[int, int]:
    """UID and GID of who the containers run as: never root."""
    try:
        uid, gid = map(int, said.split(":")) if said else (os.getuid(), os.getgid())
    except ValueError as error:
        raise InvalidInput("owner", "is not UID:GID in numbers") from error
    if uid <= 0 or gid <= 0:
        raise InvalidInput("owner", "is root, which nothing here runs as", hint="say --owner 10001:10001")
    return uid, gid


def _give(folder: Path, owner: tuple[int, int]) -> None:
    """Hands the folder to its owner, where it is another's; root alone can."""
    for path in (folder, *sorted(folder.rglob("*"))):
        now = path.lstat()
        if (now.st_uid, now.st_gid) != owner:
            os.chown(path, *owner, follow_symlinks=False)
