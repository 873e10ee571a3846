"""The contracts deployed in their one order: resumable after a crash at each, and remembered exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deedbook.chain.client import EmbeddedNode, identity_of, require_chain
from deedbook.chain.decoding import Decoder
from deedbook.chain.deployment import ORDER, UNJOURNALLED, Deployment, Predecessor, deploy, predecessor_of
from deedbook.chain.embedded.chain import Chain
from deedbook.chain.transactions import Call, Sender, log_of
from deedbook.domain.hashing import to_hex
from deedbook.errors import InvalidFormat, WrongChain
from deedbook.records.outbox import SqlOutbox
from deedbook.records.store import Records
from deedbook.wallet.signers import LocalSigner
from tests.conftest import Clock
from tests.seam_node import SEND, SeamNode
from tests.toy_sealer import ToySealer

ADMIN = LocalSigner(bytes([1]) * 32)


class Crash(BaseException):
    """The process ends here."""


@pytest.fixture
def outbox(tmp_path: Path) -> SqlOutbox:
    return Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()).outbox


@pytest.fixture
def node(clock: Clock) -> SeamNode:
    return SeamNode(EmbeddedNode(Chain.in_memory(clock=clock)))


def sender(node: SeamNode, outbox: SqlOutbox, decoder: Decoder | None = None) -> Sender:
    chain_id = int(node.request("eth_chainId", []), 16)
    return Sender(node, chain_id=chain_id, decoder=decoder or Decoder({}), outbox=outbox, gas_limit=20_000_000)


def height(node: SeamNode) -> int:
    return int(node.request("eth_blockNumber", []), 16)


def test_every_contract_knows_those_before_it(node: SeamNode, outbox: SqlOutbox) -> None:
    made = deploy(node, sender(node, outbox), ADMIN)
    assert (list(made.addresses), height(node)) == (list(ORDER), len(ORDER))
    assert (made.chain_id, made.genesis_hash) == identity_of(node)
    read = sender(node, outbox)
    for contract in ("Membership", "Market"):
        authority = read.read(Call(contract, made.addresses[contract], "authority", ()))
        assert authority == made.addresses["AccessManager"]
    trusted = Call("Consents", made.addresses["Consents"], "isTrustedForwarder", (made.addresses["Forwarder"],))
    assert read.read(trusted) is True
    assert read.read(Call("AccessManager", made.addresses["AccessManager"], "hasRole", (0, ADMIN.address))) == (True, 0)


@pytest.mark.parametrize("delivered", [False, True])
def test_a_deployment_that_crashed_at_each_contract_is_finished(
    node: SeamNode, outbox: SqlOutbox, delivered: bool
) -> None:
    def crash(params: Any) -> Any:
        if delivered:
            node.node.request(SEND, params)
        raise Crash

    for _ in ORDER:
        node.then(SEND, crash)
    crashes = 0
    while True:
        try:
            made = deploy(node, sender(node, outbox), ADMIN)
            break
        except Crash:
            crashes += 1
    # Each crash is a start of its own; what was signed before it is sent, never signed again.
    assert crashes == len(ORDER)
    assert height(node) == len(ORDER)
    assert deploy(node, sender(node, outbox), ADMIN) == made
    assert height(node) == len(ORDER)


def test_a_deployment_of_another_chain_is_not_taken_for_this_one(
    node: SeamNode, outbox: SqlOutbox, clock: Clock
) -> None:
    deploy(node, sender(node, outbox), ADMIN)
    clock.advance(1)
    other = SeamNode(EmbeddedNode(Chain.in_memory(clock=clock)))
    with pytest.raises(WrongChain) as refused:
        deploy(other, sender(other, outbox), ADMIN)
    assert refused.value.fields == {"contract": "AccessManager"}
    assert height(other) == 0


def test_a_deployment_has_one_form(node: SeamNode, outbox: SqlOutbox) -> None:
    made = deploy(node, sender(node, outbox), ADMIN)
    form = made.to_json()
    assert Deployment.from_json(form) == made
    assert form["genesisHash"] == to_hex(made.genesis_hash)
    wrong: Any
    for wrong in (
        None,
        [],
        {},
        "deployment",
        {**form, "extra": 1},
        {**form, "chainId": "-1"},
        {**form, "chainId": "²"},
    ):
        with pytest.raises(InvalidFormat):
            Deployment.from_json(wrong)
    for name, text in (("Market", None), ("Market", "0x"), ("Consents", form["contracts"]["Market"].swapcase())):
        with pytest.raises(InvalidFormat) as refused:
            Deployment.from_json({**form, "contracts": form["contracts"] | {name: text}})
        assert refused.value.field == f"deployment.contracts.{name}"


def test_a_successor_states_first_of_all_what_it_follows(
    node: SeamNode, outbox: SqlOutbox, clock: Clock, tmp_path: Path
) -> None:
    former = deploy(node, sender(node, outbox), ADMIN)
    follows = predecessor_of(node, former)
    kept = [name for name in ORDER if name not in UNJOURNALLED]
    heads = [sender(node, outbox).read(Call(name, former.addresses[name], "journalHead", ())) for name in kept]
    assert follows == Predecessor(former.chain_id, tuple(former.addresses[name] for name in kept), tuple(heads))

    clock.advance(1)
    fresh = SeamNode(EmbeddedNode(Chain.in_memory(clock=clock)))
    records = Records.open(f"sqlite:///{tmp_path / 'successor.sqlite'}", ToySealer())
    made = deploy(fresh, sender(fresh, records.outbox), ADMIN, predecessor=follows)
    where: dict[str, Any] = {"fromBlock": "0x0", "toBlock": "latest", "address": to_hex(made.addresses["Membership"])}
    events = [Decoder(made.addresses).decode(log_of(each)) for each in fresh.request("eth_getLogs", [where])]
    said = next(event for event in events if event and event.name != "AuthorityUpdated")
    assert (said.name, said.args["chainId"]) == ("DeploymentSucceeded", former.chain_id)
    assert (said.args["contracts"], said.args["heads"]) == (follows.contracts, follows.heads)


@pytest.mark.rule("other-chain")
def test_another_genesis_or_chain_id_is_another_chain(node: SeamNode, outbox: SqlOutbox, clock: Clock) -> None:
    made = deploy(node, sender(node, outbox), ADMIN)
    require_chain(node, chain_id=made.chain_id, genesis_hash=made.genesis_hash)
    later = Clock(clock.now + 1)
    for other in (Chain.in_memory(clock=later), Chain.in_memory(clock=clock, chain_id=made.chain_id + 1)):
        with pytest.raises(WrongChain):
            require_chain(EmbeddedNode(other), chain_id=made.chain_id, genesis_hash=made.genesis_hash)


def test_a_node_without_a_genesis_block_is_another_chain(node: SeamNode, outbox: SqlOutbox) -> None:
    made = deploy(node, sender(node, outbox), ADMIN)
    node.then("eth_getBlockByNumber", lambda _: None)
    with pytest.raises(WrongChain):
        require_chain(node, chain_id=made.chain_id, genesis_hash=made.genesis_hash)
