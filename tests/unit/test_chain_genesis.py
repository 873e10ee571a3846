"""What a chain begins with: the exact bytes of genesis extra data, and what nodes know of one another."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain import genesis as made
from deedbook.chain.extradata import clique_signers, decode_qbft
from deedbook.chain.genesis import Member, Network
from deedbook.domain.validators import Validators
from deedbook.errors import InvalidInput
from deedbook.wallet.signers import LocalSigner


def member(number: int, *, seals: bool = True, host: str = "10.0.0.7") -> Member:
    key = LocalSigner(bytes([number]) * 32)
    return Member(f"node-{number}", key.public_key, host, 30_300 + number, key.address if seals else None)


NODES = (member(3), member(1), member(2), member(4), member(5, seals=False))
QBFT = Network(4242, "qbft", NODES)
CLIQUE = Network(4242, "clique", NODES)
SEALERS = tuple(sorted(LocalSigner(bytes([number]) * 32).address for number in (1, 2, 3, 4)))


def test_the_same_network_gives_the_same_bytes() -> None:
    again = Network(4242, "qbft", NODES)
    assert made.genesis_file(QBFT) == made.genesis_file(again)
    assert made.genesis_file(QBFT) == made.genesis_file(replace(QBFT, members=NODES[::-1]))


def test_our_own_reader_finds_the_validators_of_a_qbft_genesis() -> None:
    extra = bytes.fromhex(made.genesis(QBFT)["extraData"][2:])
    read = decode_qbft(extra)
    assert read.validators == SEALERS
    assert (read.vanity, read.vote, read.round, read.seals) == (bytes(32), None, 0, ())


def test_our_own_reader_finds_the_signers_of_a_clique_genesis() -> None:
    extra = bytes.fromhex(made.genesis(CLIQUE)["extraData"][2:])
    assert clique_signers(extra) == SEALERS
    assert len(extra) == 32 + 4 * 20 + 65


def test_clique_has_no_london_unless_asked() -> None:
    assert "londonBlock" not in made.genesis(CLIQUE)["config"]
    with_london = made.genesis(replace(CLIQUE, london=True))
    assert with_london["config"]["londonBlock"] == 0
    assert with_london["baseFeePerGas"] == "0x0"


def test_besu_keeps_the_base_fee_at_zero() -> None:
    found = made.genesis(QBFT)
    assert found["config"]["zeroBaseFee"] is True
    assert found["baseFeePerGas"] == "0x0"
    assert tomllib.loads(made.besu_file(QBFT, NODES[0]).decode())["min-gas-price"] == 0


def test_a_goquorum_genesis_is_the_one_that_was_recorded(vectors: Path) -> None:
    recorded = json.loads((vectors / "recorded" / "qbft.json").read_text(encoding="utf-8"))["genesis"]
    validators = decode_qbft(bytes.fromhex(recorded["extraData"][2:])).validators
    (funded, balance), *_ = [(name, account["balance"]) for name, account in recorded["alloc"].items()]
    network = Network(
        recorded["config"]["chainId"],
        "qbft",
        QBFT.members,
        client="goquorum",
        period=1,
        timestamp=int(recorded["timestamp"], 16),
        alloc={bytes.fromhex(funded): int(balance, 16)},
    )
    found = made.genesis(network) | {"extraData": "0x" + made.qbft_extra(validators).hex()}
    assert _lower(found) == _lower(recorded)


def _lower(value: Any) -> Any:
    return json.loads(json.dumps(value).lower())


def test_validators_are_named_for_home_and_trust() -> None:
    read = Validators.decode(made.validators_file(CLIQUE))
    assert read.consensus == "clique"
    assert read.at(0) == SEALERS


def test_every_node_may_connect_and_nobody_else() -> None:
    allowed = tomllib.loads(made.permissions_file(QBFT).decode())
    assert allowed == {"nodes-allowlist": list(QBFT.enodes)}
    assert json.loads(made.static_nodes_file(QBFT)) == list(QBFT.enodes)
    assert QBFT.enodes[0] == f"enode://{NODES[0].public_key.hex()}@10.0.0.7:30303"


def test_listed_accounts_alone_may_act() -> None:
    network = replace(QBFT, permitted=(b"\x11" * 20,))
    assert tomllib.loads(made.permissions_file(network).decode())["accounts-allowlist"] == ["0x" + "11" * 20]
    assert tomllib.loads(made.besu_file(network, NODES[0]).decode())["permissions-accounts-config-file-enabled"] is True
    assert tomllib.loads(made.besu_file(QBFT, NODES[0]).decode())["permissions-accounts-config-file-enabled"] is False


def test_who_seals_is_not_asked_from_elsewhere() -> None:
    sealing, following = (tomllib.loads(made.besu_file(QBFT, NODES[n]).decode()) for n in (0, 4))
    assert sealing["rpc-http-host"] == "127.0.0.1"
    assert following["rpc-http-host"] == "0.0.0.0"
    assert "PERM" not in following["rpc-http-api"]
    assert tomllib.loads(made.geth_file(CLIQUE, NODES[0]).decode())["Node"]["HTTPHost"] == ""


def test_a_node_that_is_asked_keeps_every_state() -> None:
    assert tomllib.loads(made.besu_file(QBFT, NODES[4]).decode())["data-storage-format"] == "FOREST"
    assert tomllib.loads(made.geth_file(CLIQUE, NODES[4]).decode())["Eth"]["NoPruning"] is True


def test_a_geth_node_dials_the_others_only() -> None:
    peers = tomllib.loads(made.geth_file(CLIQUE, NODES[0]).decode())["Node"]["P2P"]
    assert peers["NoDiscovery"] is True
    assert peers["StaticNodes"] == [other.enode for other in NODES[1:]]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chain_id": 0}, "chainId"),
        ({"chain_id": 1 << 53}, "chainId"),
        ({"consensus": "raft"}, "consensus"),
        ({"client": "geth"}, "client"),
        ({"london": True}, "london"),
        ({"period": 0}, "period"),
        ({"epoch": 0}, "epoch"),
        ({"gas_limit": 21_000}, "gasLimit"),
        ({"gas_limit": 1 << 63}, "gasLimit"),
        ({"timestamp": -1}, "timestamp"),
        ({"members": ()}, "members"),
        ({"members": (member(1, seals=False),)}, "members"),
        ({"members": (member(1), replace(member(2), name="node-1"))}, "members"),
        ({"members": (member(1), replace(member(1), name="other", port=1))}, "members"),
        ({"members": (member(1), replace(member(2), port=30_301))}, "members"),
        ({"members": (replace(member(1), account=b"\1" * 20),)}, "account"),
        ({"members": (member(1, host="validator.example"),)}, "host"),
        ({"alloc": {b"\1" * 20: 1 << 256}}, "alloc"),
        ({"permitted": ()}, "permitted"),
        ({"client": "goquorum", "permitted": (b"\1" * 20,)}, "permitted"),
    ],
)
def test_a_network_that_could_not_run_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(QBFT, **change)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Validator 1"}, "name"),
        ({"name": "../up"}, "name"),
        ({"public_key": b"\1" * 65}, "publicKey"),
        ({"host": "a b"}, "host"),
        ({"host": 'x"]\nevil=["'}, "host"),
        ({"port": 0}, "port"),
        ({"port": 65_536}, "port"),
        ({"account": bytes(20)}, "account"),
    ],
)
def test_a_malformed_member_is_refused(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(NODES[0], **change)
    assert refused.value.field == field
