"""Relayed acts on a node that estimates gas, where anyone may send anything, and several processes relay at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from deedbook import config
from deedbook.bootstrap.services import GOVERNANCE, Services
from deedbook.chain.client import HttpNode
from deedbook.chain.pricing import Price
from deedbook.chain.signing import Terms, sign
from deedbook.chain.transactions import Call
from deedbook.domain.codes import JURISDICTION_CN, Role
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.relaying import ActState, SignedRequest, request_digest
from deedbook.ledger import members
from deedbook.ledger.relaying import RAN, requests_in
from deedbook.wallet.signers import LocalSigner
from tests.conftest import START, Clock, Entropy
from tests.integration.anvil_node import receipt_of, running_anvil
from tests.integration.scenario import STRANGER, YEAR, account

CHAIN = 31_337
RELAYERS = [account(f"relayer {number}") for number in range(3)]
MEMBERS = [account(f"member {number}") for number in range(4)]
EACH = 5
"""Requests of every member."""


@pytest.fixture(scope="module")
def home(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home on a node of its own, with its members."""
    with running_anvil(anvil, chain_id=CHAIN, start=START) as node:
        folder = tmp_path_factory.mktemp("relaying") / "home"
        with opened(folder, node, begin=True) as services:
            for member in MEMBERS:
                members.admit(
                    services.acting,
                    services.signer(GOVERNANCE),
                    member.address,
                    identity=sha256(member.address),
                    jurisdiction=JURISDICTION_CN,
                    roles=int(Role.BUYER),
                    valid_until=START + YEAR,
                )
        NODES[folder] = node
        yield folder


NODES: dict[Path, HttpNode] = {}


def opened(home: Path, node: HttpNode | None = None, *, begin: bool = False) -> Services:
    """The home in a process of its own, as it were."""
    settings = config.load(home, {"DEEDBOOK_RPC_URLS": f"http://{(node or NODES[home]).host}"})
    start = Services.init if begin else Services.open
    return start(settings, clock=Clock(), entropy=Entropy(home.name))


@pytest.fixture
def services(home: Path) -> Iterator[Services]:
    with opened(home) as services:
        yield services


def signed(services: Services, member: LocalSigner, tag: bytes, ahead: int = 0, gas: int = 0) -> SignedRequest:
    """A request to open a case, so many behind the next."""
    relaying = services.relaying
    call = Call("Cases", services.addresses["Cases"], "open", (sha256(tag), 3, sha256(b"grounds")))
    drafted = relaying.draft(call, member.address)
    nonce = services.acting.read("Forwarder", "nonces", member.address) + ahead
    request = replace(drafted, nonce=nonce, gas=gas or drafted.gas)
    return SignedRequest(relaying.domain, request, member.sign_digest(request_digest(relaying.domain, request)))


def ran(services: Services, member: LocalSigner) -> list[tuple[int, bool]]:
    """Nonce and success of everything of a member that ran, in the order of the chain."""
    topics = [to_hex(RAN), to_hex(bytes(12) + member.address)]
    asked = {"address": to_hex(services.addresses["Forwarder"]), "topics": topics, "fromBlock": "0x0"}
    found = services.node.request("eth_getLogs", [asked])
    return [(int(each["data"][2:66], 16), bool(int(each["data"][66:], 16))) for each in found]


def test_the_gas_is_enough_for_every_request_of_a_transaction(services: Services) -> None:
    """The node's estimate is of a transaction that the forwarder does not give up (EIP-150: it wants 1/63 of what a
    request may use to be left after it), not of one whose calls fail for want of gas."""
    for member in MEMBERS:
        services.relaying.take(signed(services, member, b"gas", gas=3_000_000))
    acts = services.relaying.step(RELAYERS[0])
    assert [act.state for act in acts] == [ActState.DONE] * len(MEMBERS)
    (tx_hash,) = {act.ran.tx_hash for act in acts if act.ran}
    sent = services.node.request("eth_getTransactionByHash", [to_hex(tx_hash)])
    assert 3_000_000 // 63 < int(sent["gas"], 16) < 3_000_000
    assert len(requests_in(bytes.fromhex(sent["input"][2:])) or ()) == len(MEMBERS)


def test_a_relayer_that_is_mean_with_gas_uses_up_nothing(services: Services) -> None:
    request = signed(services, MEMBERS[0], b"mean", gas=1_000_000)
    services.relaying.take(request)
    batch = ((request.as_tuple(),), STRANGER.address)
    call = Call("Forwarder", services.addresses["Forwarder"], "executeBatch", batch)
    nonce = int(services.node.request("eth_getTransactionCount", [to_hex(STRANGER.address), "latest"]), 16)
    terms = Terms(Price(0, 0), 95_000)
    mean = sign(STRANGER, chain_id=CHAIN, nonce=nonce, terms=terms, to=call.to, data=call.data)
    services.node.request("eth_sendRawTransaction", [to_hex(mean.raw)])
    receipt = receipt_of(services.node, to_hex(mean.tx_hash))
    assert (int(receipt["status"], 16), receipt["logs"]) == (0, [])
    assert services.relaying.relay(request, RELAYERS[0]).state is ActState.DONE


def test_a_request_of_more_gas_than_it_could_use_is_not_what_others_pay_for(services: Services) -> None:
    """What one asks for beyond its use never keeps another from running."""
    greedy = signed(services, MEMBERS[0], b"greedy", gas=9_000_000)
    modest = signed(services, MEMBERS[1], b"modest")
    for request in (greedy, modest):
        services.relaying.take(request)
    while services.relaying.step(RELAYERS[0]):
        pass
    states = [services.records.relayed.get(request.digest).state for request in (greedy, modest)]
    assert states == [ActState.DONE] * 2


@pytest.mark.parametrize("accounts", [1, 3])
def test_processes_relay_each_request_once_and_in_order(home: Path, accounts: int) -> None:
    """Three of them, with one account or each its own, each handed every request in an order of its own."""
    with opened(home) as services:
        before = {member.address: len(ran(services, member)) for member in MEMBERS}
        requests = [
            signed(services, member, b"crowd %d of %d" % (number, accounts), ahead=number)
            for member in MEMBERS
            for number in range(EACH)
        ]

    def relay(number: int) -> None:
        with opened(home) as process:
            mine = random.Random(number).sample(requests, len(requests))
            for request in mine:
                process.relaying.take(request)
                process.relaying.step(RELAYERS[number % accounts])

    with ThreadPoolExecutor(len(RELAYERS)) as pool:
        list(pool.map(relay, range(len(RELAYERS))))
    with opened(home) as services:
        while services.relaying.step(RELAYERS[0]):
            pass
        assert {services.records.relayed.get(request.digest).state for request in requests} == {ActState.DONE}
        for member in MEMBERS:
            first = before[member.address]
            assert ran(services, member)[first:] == [(first + number, True) for number in range(EACH)]
