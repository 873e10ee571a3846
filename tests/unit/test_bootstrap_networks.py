"""The folder of a chain to come: made once, the same when made again, finished when cut short, never overwritten."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap import networks
from deedbook.bootstrap.networks import Seat, make, read_plan
from deedbook.chain.extradata import clique_signers, decode_qbft
from deedbook.chain.genesis import Network
from deedbook.domain.validators import Validators
from deedbook.errors import Conflict, InvalidFormat, InvalidInput, MissingKey
from deedbook.wallet import nodekeys
from deedbook.wallet.keystores import Keystore

Entropy = Callable[[int], bytes]
QUICK = 1 << 10
"""A keystore that is quickly made: tests guard nothing."""
QBFT: dict[str, Any] = {"chain_id": 4242, "consensus": "qbft"}
CLIQUE: dict[str, Any] = {"chain_id": 4242, "consensus": "clique", "validators": 2, "followers": 0}
OWNER = "10001:10001" if os.getuid() == 0 else ""


def made(said: dict[str, Any], folder: Path, entropy: Entropy, **options: Any) -> Network:
    return make(read_plan(None, said), folder, entropy=entropy, scrypt_n=QUICK, **options)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_besu_network_has_all_that_its_nodes_read(tmp_path: Path, entropy: Entropy) -> None:
    network = made(QBFT, tmp_path / "net", entropy)
    found = contents(tmp_path / "net")
    shared = {"genesis.json", "permissions_config.toml", "static-nodes.json", "validators.json"}
    nodes = {"validator-1", "validator-2", "validator-3", "validator-4", "rpc-1"}
    expected = {f"network/{name}" for name in shared} | {f"nodes/{n}/{f}" for n in nodes for f in ("key", "besu.toml")}
    assert found.keys() == expected | {"plan.json"}
    extra = bytes.fromhex(json.loads(found["network/genesis.json"])["extraData"][2:])
    assert decode_qbft(extra).validators == network.validators
    assert Validators.decode(found["network/validators.json"]).at(0) == network.validators


def test_a_validators_node_key_is_what_seals_on_qbft(tmp_path: Path, entropy: Entropy) -> None:
    network = made(QBFT, tmp_path, entropy)
    for member in network.members[:4]:
        assert nodekeys.read(tmp_path / "nodes" / member.name / "key").address == member.account


def test_a_clique_signer_has_a_keystore_that_its_passphrase_opens(tmp_path: Path, entropy: Entropy) -> None:
    network = made(CLIQUE, tmp_path, entropy)
    extra = bytes.fromhex(json.loads((tmp_path / "network" / "genesis.json").read_text())["extraData"][2:])
    assert clique_signers(extra) == network.validators
    for member in network.members:
        own = tmp_path / "nodes" / member.name
        keystore = Keystore(own / "keystore", entropy=entropy)
        assert keystore.open("validator", (own / "passphrase").read_text()).address == member.account
        assert nodekeys.read(own / "key").public_key == member.public_key


def test_keys_and_secrets_are_the_owners_alone(tmp_path: Path, entropy: Entropy) -> None:
    made(CLIQUE, tmp_path / "c", entropy)
    made(QBFT, tmp_path / "q", entropy, services=True, owner=OWNER)
    secret = [*tmp_path.glob("*/nodes/*/key"), *tmp_path.glob("c/nodes/*/passphrase"), *tmp_path.glob("*/secrets/*")]
    secret += tmp_path.glob("c/nodes/*/keystore/*")
    assert len(secret) == 7 + 2 + 6 + 2
    assert {mode(path) for path in secret} == {0o600}
    assert mode(tmp_path / "q" / "network" / "genesis.json") == 0o644


def test_made_again_it_is_the_same(tmp_path: Path, entropy: Entropy) -> None:
    both: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = ((CLIQUE, {}), (QBFT, {"services": True, "owner": OWNER}))
    for said, options in both:
        folder = tmp_path / said["consensus"]
        first = made(said, folder, entropy, **options)
        before = contents(folder)
        assert made(said, folder, entropy, **options) == first
        assert contents(folder) == before


@pytest.mark.parametrize("stop", range(1, 7))
def test_what_was_cut_short_is_finished(stop: int, tmp_path: Path, entropy: Entropy) -> None:
    drawn = iter(range(1, 1000))

    def stopped(length: int) -> bytes:
        if next(drawn) == stop:
            raise KeyboardInterrupt
        return entropy(length)

    with pytest.raises(KeyboardInterrupt):
        made(CLIQUE, tmp_path, stopped)
    keys = {path: path.read_bytes() for path in tmp_path.glob("nodes/*/key")}
    network = made(CLIQUE, tmp_path, stopped)
    assert len(network.validators) == 2
    assert all(path.read_bytes() == key for path, key in keys.items())


def test_another_plan_is_refused_and_nothing_is_written(tmp_path: Path, entropy: Entropy) -> None:
    made(QBFT, tmp_path, entropy)
    before = contents(tmp_path)
    for change in ({"chain_id": 4243}, {"validators": 5}, {"period": 7}):
        with pytest.raises(Conflict) as refused:
            made(QBFT | change, tmp_path, entropy)
        assert refused.value.fields["file"] == "plan.json"
    assert contents(tmp_path) == before


def test_a_file_changed_by_hand_is_never_overwritten(tmp_path: Path, entropy: Entropy) -> None:
    made(QBFT, tmp_path, entropy)
    genesis = tmp_path / "network" / "genesis.json"
    genesis.write_text("{}")
    with pytest.raises(Conflict) as refused:
        made(QBFT, tmp_path, entropy)
    assert refused.value.fields["file"] == "genesis.json"
    assert genesis.read_text() == "{}"


def test_a_key_that_is_gone_is_not_made_anew_under_a_genesis(tmp_path: Path, entropy: Entropy) -> None:
    made(QBFT, tmp_path, entropy)
    (tmp_path / "nodes" / "validator-2" / "key").unlink()
    with pytest.raises(MissingKey):
        made(QBFT, tmp_path, entropy)
    assert not (tmp_path / "nodes" / "validator-2" / "key").exists()


def test_operators_bring_their_own_keys_together(tmp_path: Path, entropy: Entropy) -> None:
    """Each makes a node's keys alone; one plan of the public halves gives all of them one genesis."""
    seats = [Seat(f"member-{n}", f"10.0.0.{n}", 30303, validator=True) for n in (1, 2, 3, 4)]
    theirs = [networks.make_keys("qbft", seat, tmp_path / seat.name, entropy=entropy) for seat in seats]
    plan = QBFT | {
        "member": [
            {"name": m.name, "host": m.host, "validator": True, "public_key": "0x" + m.public_key.hex()} for m in theirs
        ]
    }
    files = []
    for seat in seats:
        network = made(plan, tmp_path / seat.name, entropy)
        files.append((tmp_path / seat.name / "network" / "genesis.json").read_bytes())
        assert network.validators == tuple(sorted(m.node_account for m in theirs))
        assert [path.parent.name for path in (tmp_path / seat.name).glob("nodes/*/key")] == [seat.name]
    assert len(set(files)) == 1


def test_a_clique_signer_of_another_operator_needs_its_account(tmp_path: Path, entropy: Entropy) -> None:
    entry = {"name": "a", "host": "10.0.0.1", "validator": True, "public_key": "0x" + "01" * 64}
    with pytest.raises(InvalidInput) as refused:
        made({"chain_id": 1, "consensus": "clique", "member": [entry]}, tmp_path / "net", entropy)
    assert refused.value.field == "member.account"
    assert not (tmp_path / "net").exists()


def test_governance_leads_the_accounts_that_may_act(tmp_path: Path, entropy: Entropy) -> None:
    said = QBFT | {"governance": "0x" + "aa" * 20, "accounts": ["0x" + "bb" * 20, "0x" + "aa" * 20]}
    assert made(said, tmp_path, entropy).permitted == (b"\xaa" * 20, b"\xbb" * 20)


def test_a_plan_is_read_from_a_file_and_the_command_line_goes_before(tmp_path: Path) -> None:
    path = tmp_path / "network.toml"
    path.write_text(
        'chain_id = 7\nconsensus = "qbft"\nvalidators = 1\nfollowers = 0\nhosts = ["10.1.1.1"]\n[prefund]\n'
        f'"0x{"cc" * 20}" = "1000000000000000000000"\n'
    )
    plan = read_plan(path, {"chain_id": 8, "client": None})
    assert (plan.chain_id, plan.seats[0].host, plan.seats[0].port) == (8, "10.1.1.1", 30303)
    assert plan.prefund == {b"\xcc" * 20: 10**21}


def test_nodes_without_hosts_stand_on_one_machine() -> None:
    assert [(seat.host, seat.port) for seat in read_plan(None, QBFT).seats] == [
        ("127.0.0.1", 30303 + n) for n in range(5)
    ]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"consensus": "qbft"}, "chain_id"),
        ({"chain_id": 1}, "consensus"),
        (QBFT | {"consensus": "ethash"}, "consensus"),
        (QBFT | {"chainid": 1}, "chainid"),
        (QBFT | {"chain_id": "1"}, "chain_id"),
        (QBFT | {"period": True}, "period"),
        (QBFT | {"hosts": ["10.0.0.1"]}, "hosts"),
        (QBFT | {"hosts": "10.0.0.1"}, "hosts"),
        (QBFT | {"validators": 0}, "validators"),
        (QBFT | {"validators": 201}, "validators"),
        (QBFT | {"governance": "0x12"}, "governance"),
        (QBFT | {"accounts": "0x12"}, "accounts"),
        (QBFT | {"prefund": {"0x" + "11" * 20: "-1"}}, "prefund"),
        (QBFT | {"prefund": {"0x" + "11" * 20: "1e18"}}, "prefund"),
        (QBFT | {"member": [], "validators": 4}, "validators"),
        (QBFT | {"member": [{"name": "a"}]}, "member.host"),
        (QBFT | {"member": [{"name": "a", "host": "10.0.0.1", "sealer": True}]}, "member.sealer"),
        (QBFT | {"member": [{"name": "a", "host": "10.0.0.1", "port": "x"}]}, "member.port"),
    ],
)
def test_a_malformed_plan_is_refused_by_name(said: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_plan(None, said)
    assert refused.value.field == field


def test_a_plan_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "network.toml").write_text("chain_id = ")
    with pytest.raises(InvalidFormat):
        read_plan(tmp_path / "network.toml", {})
    with pytest.raises(InvalidFormat):
        read_plan(tmp_path / "absent.toml", {})


def test_what_could_not_run_is_refused_before_any_key_is_made(tmp_path: Path, entropy: Entropy) -> None:
    for said in (QBFT | {"gas_limit": 1}, QBFT | {"validators": 1, "followers": 0, "hosts": ["a.example"]}):
        with pytest.raises(InvalidInput):
            made(said, tmp_path / "net", entropy)
    assert not (tmp_path / "net").exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, entropy: Entropy) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput) as refused:
        made(QBFT, tmp_path / "file" / "net", entropy)
    assert refused.value.field == "out"


@pytest.mark.parametrize("owner", ["0:0", "root", "10001", "1:2:3", "-1:1"])
def test_services_never_run_as_root(owner: str, tmp_path: Path, entropy: Entropy) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(QBFT, tmp_path / "net", entropy, services=True, owner=owner)
    assert refused.value.field == "owner"
    assert not (tmp_path / "net").exists()


def test_services_know_one_password_each(tmp_path: Path, entropy: Entropy) -> None:
    made(QBFT, tmp_path, entropy, services=True, owner=OWNER)
    secrets = tmp_path / "secrets"
    database, objects = ((secrets / name).read_text() for name in ("postgres-password", "s3-secret"))
    assert (secrets / "pgpass").read_text() == f"postgres:5432:*:deedbook:{database}\n"
    (identity,) = json.loads((secrets / "s3.json").read_text())["identities"]
    assert identity["credentials"] == [{"accessKey": "deedbook", "secretKey": objects}]
    assert objects in (secrets / "s3-credentials").read_text()
    assert len({database, objects, (secrets / "passphrase").read_text()}) == 3


def test_services_are_of_besu(tmp_path: Path, entropy: Entropy) -> None:
    with pytest.raises(InvalidInput) as refused:
        made(CLIQUE, tmp_path / "net", entropy, services=True, owner=OWNER or "1:1")
    assert refused.value.field == "services"
