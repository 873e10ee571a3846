"""Real nodes behind faults of all kinds: each fault named, no wrong answer taken, no intent lost or doubled."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.home import Home, read_json
from deedbook.bootstrap.services import Services
from deedbook.chain import rlp
from deedbook.chain.circuit import CircuitState
from deedbook.chain.client import EmbeddedNode, HttpNode, Node, NodeError, Request
from deedbook.chain.embedded.chain import Chain
from deedbook.chain.endpoints import Endpoint, Endpoints
from deedbook.chain.transactions import Call, Sender
from deedbook.cli import main
from deedbook.config import Settings
from deedbook.domain import abi
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.errors import ChainUnavailable, NodesDisagree, TransactionFailed, WrongChain
from tests.conftest import START, Clock
from tests.fault_node import (
    ALREADY_KNOWN,
    NO_FUNDS,
    NONCE_TOO_LOW,
    SEND,
    UNDERPRICED,
    CloseAfter,
    CloseBefore,
    CrossedIds,
    Delay,
    DuplicateItem,
    Fault,
    FaultNode,
    HalfOpen,
    Html,
    Huge,
    MissingItem,
    OlderHead,
    OtherChain,
    OtherHistory,
    RefuseBatch,
    Reset,
    Syncing,
    Trickle,
    Truncate,
    WrongId,
    WrongType,
)
from tests.integration.anvil_node import running_anvil

CHAIN_ID = 31_337
PATIENT = 60.0
"""Seconds that a busy machine is given where the time is not what is tested."""


@pytest.fixture(scope="module")
def node(anvil: Path) -> Iterator[HttpNode]:
    """An anvil with 40 blocks, each with a transaction."""
    with running_anvil(anvil, chain_id=CHAIN_ID, start=START, hardfork="shanghai") as running:
        _mine(running, 40)
        yield running


def _mine(node: HttpNode, count: int) -> None:
    first, second, *_ = node.request("eth_accounts", [])
    for number in range(count):
        message = {"from": first, "to": second, "value": hex(number), "gas": "0x5208", "gasPrice": "0x0"}
        node.request("eth_sendTransaction", [message])


def _head(node: HttpNode) -> int:
    return int(node.request("eth_blockNumber", []), 16)


@contextmanager
def behind_faults(node: Node, *timeouts: float, **settings: Any) -> Iterator[_Behind]:
    """Endpoints that are all this node, two unless `timeouts` (seconds) names more."""
    with ExitStack() as stack:
        timeouts = timeouts or (PATIENT, PATIENT)
        proxies = [stack.enter_context(FaultNode(node)) for _ in timeouts]
        genesis = node.request("eth_getBlockByNumber", ["0x0", False])["hash"]
        several = Endpoints(
            [
                Endpoint.at(proxy.url, timeout=timeout, probe_timeout=timeout, connect=timeout)
                for proxy, timeout in zip(proxies, timeouts, strict=True)
            ],
            chain_id=CHAIN_ID,
            genesis_hash=bytes.fromhex(genesis[2:]),
            **settings,
        )
        stack.callback(several.close)
        yield _Behind(proxies, several)


@dataclass
class _Behind:
    proxies: list[FaultNode]
    several: Endpoints

    def failures(self) -> list[str | None]:
        return [state.failure for state in self.several.states()]


# -- each fault by its name


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Reset(), "closed"),
        (CloseBefore(), "closed"),
        (CloseAfter(), "closed"),
        (HalfOpen(), "timeout"),
        (Delay(2), "timeout"),
        (Trickle(0.05), "timeout"),
        (Truncate(), "cut-short"),
        (Huge(), "too-long"),
        (WrongId(), "wrong-id"),
        (WrongType(7), "malformed"),
        (WrongType(None), "malformed"),
        (WrongType("latest"), "malformed"),
        (Html(429), "http-429"),
        (Html(500), "http-500"),
        (Html(502), "http-502"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_the_second_endpoint_answers_for_the_first(fault: Fault, failure: str, node: HttpNode) -> None:
    with behind_faults(node, 0.5 if failure == "timeout" else PATIENT, PATIENT) as behind:
        behind.several.survey()
        behind.proxies[0].then(fault, times=2)
        assert behind.several.request("eth_blockNumber", []) == hex(_head(node))
        assert behind.failures() == [failure, None]
        behind.proxies[1].down()
        behind.proxies[0].down()
        with pytest.raises(ChainUnavailable) as caught:
            behind.several.request("eth_blockNumber", [])
        assert caught.value.fields["endpoints"][behind.proxies[1].host] == "refused"
        assert caught.value.retryable


@pytest.mark.parametrize("fault", [MissingItem(), DuplicateItem(), CrossedIds(), WrongId(), WrongType(True)])
def test_a_batch_with_a_wrong_item_is_asked_of_the_other(fault: Fault, node: HttpNode) -> None:
    requests: list[Request] = [("eth_getBlockByNumber", [hex(number), False]) for number in range(5)]
    with behind_faults(node) as behind:
        truth = node.batch(requests)
        behind.several.survey()
        behind.proxies[0].then(fault)
        assert behind.several.batch(requests) == truth
        assert behind.failures()[0] is not None


def test_an_endpoint_that_refuses_batches_is_asked_one_by_one(node: HttpNode) -> None:
    requests: list[Request] = [("eth_getBlockByNumber", [hex(number), False]) for number in range(5)]
    with behind_faults(node) as behind:
        behind.proxies[0].seeded(0, {RefuseBatch(): 1.0})
        assert behind.several.batch(requests) == node.batch(requests)
        assert behind.failures() == [None, None]
        assert behind.proxies[1].count("eth_getBlockByNumber") == 1  # the survey


def test_lies_about_itself_put_an_endpoint_behind_the_other(node: HttpNode) -> None:
    for lie, failure in (
        (OlderHead(20), None),
        (Syncing(), None),
        (OtherChain(5), "wrong-chain"),
        (OtherHistory(0), "wrong-chain"),
    ):
        with behind_faults(node) as behind:
            behind.proxies[0].always(lie)
            assert behind.several.request("eth_blockNumber", []) == hex(_head(node))
            first, second = behind.several.states()
            assert (first.in_use, first.failure, second.in_use) == (False, failure, True)


def test_a_half_synced_node_alone_is_better_than_none(node: HttpNode) -> None:
    with behind_faults(node) as behind:
        behind.proxies[0].always(OlderHead(20))
        behind.proxies[1].down()
        assert behind.several.request("eth_blockNumber", []) == hex(_head(node) - 20)


def test_nodes_of_different_histories_are_quoted(node: HttpNode) -> None:
    with behind_faults(node) as behind:
        assert behind.several.check() == _head(node)
        behind.proxies[1].always(OtherHistory(30))
        with pytest.raises(NodesDisagree) as caught:
            behind.several.check()
        truth = node.request("eth_getBlockByNumber", ["latest", False])["hash"]
        assert caught.value.stated[behind.proxies[0].host] == truth
        assert caught.value.stated[behind.proxies[1].host] == "0x" + truth[:1:-1]


def test_credentials_and_paths_are_in_no_error(node: HttpNode) -> None:
    with FaultNode(node) as proxy:
        url = proxy.url.replace("//", "//who:hush@") + "/hush?key=hush"
        several = Endpoints([Endpoint.at(url, timeout=1)])
        proxy.then(Html(500), times=9)
        with pytest.raises(ChainUnavailable) as caught:
            several.request("eth_blockNumber", [])
    said = str(caught.value) + str(caught.value.fields) + str(several.states())
    assert proxy.host in said
    assert "hush" not in said
    assert "who" not in said


# -- a transaction in doubt


def test_a_transaction_that_was_taken_and_refused_all_the_same_is_sent_once(node: HttpNode, tmp_path: Path) -> None:
    home = Settings(home=tmp_path / "home")
    with ExitStack() as stack:
        proxies = [stack.enter_context(FaultNode(node)) for _ in range(2)]
        settings = Settings(home=home.home, rpc_urls=tuple(proxy.url for proxy in proxies))
        services = stack.enter_context(Services.init(settings, clock=Clock()))
        before = _nonce(node, services)
        faults: list[Fault] = [NONCE_TOO_LOW, ALREADY_KNOWN, UNDERPRICED, NO_FUNDS]
        faults += [CloseAfter(), CloseBefore(), Html(502, forwarded=True), Reset()]
        for number, fault in enumerate(faults):
            proxies[0].then(fault, methods=[SEND])
            services.sender.send(_label(services, 100 + number), services.signer("governance"), key=f"label/{number}")
            assert _nonce(node, services) == before + number + 1
        assert services.records.outbox.unfinished() == []


def _label(services: Services, role: int) -> Call:
    return Call("AccessManager", services.addresses["AccessManager"], "labelRole", (role, "role"))


def _nonce(node: HttpNode, services: Services) -> int:
    account = to_hex(services.signer("governance").address)
    return int(node.request("eth_getTransactionCount", [account, "latest"]), 16)


# -- a home on nodes


def test_a_home_on_two_nodes_is_made_watched_and_opened(
    node: HttpNode, home_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with FaultNode(node) as first, FaultNode(node) as second:
        monkeypatch.setenv("DEEDBOOK_RPC_URLS", f"{first.url},{second.url}")
        assert main.run(["init"]) == 0
        assert read_json(Home(home_folder).deployment, "deployment")["chainId"] == str(CHAIN_ID)
        capsys.readouterr()
        assert main.run(["status", "--json"]) == 0
        states = json.loads(capsys.readouterr().out)["endpoints"]
        assert [(each["host"], each["circuit"], each["inUse"]) for each in states] == [
            (first.host, "closed", True),
            (second.host, "closed", False),
        ]
        first.down()
        second.always(OlderHead(0))
        assert main.run(["status"]) == 0
        words = capsys.readouterr().out
        assert re.search(rf"^node {first.host}: [a-z-]+, no head, last failure refused", words, re.MULTILINE)
        assert f"node {second.host}: closed, in use, head " in words
        first.up()
        second.clear()
        second.always(OtherHistory(30))
        assert main.run(["status", "--json"]) == 8
        error = json.loads(capsys.readouterr().err)["error"]
        assert error["code"] == "nodes-disagree"
        assert set(error["stated"]) == {first.host, second.host}
        second.clear()
        second.always(OtherChain(5))
        assert main.run(["status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["endpoints"][1]["lastFailure"] == "wrong-chain"
        first.always(OtherChain(6))
        assert main.run(["status"]) == 7
        assert f"{first.host} is of chain 6" in capsys.readouterr().err


def test_nodes_of_different_chains_make_no_home(node: HttpNode, tmp_path: Path) -> None:
    for lie in (OtherChain(5), OtherHistory(0)):
        with FaultNode(node) as first, FaultNode(node) as second:
            second.always(lie)
            settings = Settings(home=tmp_path / type(lie).__name__, rpc_urls=(first.url, second.url))
            with pytest.raises(NodesDisagree) as caught:
                Services.init(settings)
            assert set(caught.value.stated) == {first.host, second.host}
            assert not Home(settings.home).deployment.exists()
            assert first.count(SEND) == 0


def test_a_home_is_not_opened_on_a_foreign_node(node: HttpNode, tmp_path: Path) -> None:
    with FaultNode(node) as proxy:
        settings = Settings(home=tmp_path / "home", rpc_urls=(proxy.url,))
        Services.init(settings).close()
        proxy.always(OtherHistory(0))
        with pytest.raises(WrongChain):
            Services.open(settings)


# -- EIP-3668: a contract asks the client to open a URL


@contextmanager
def _gateway() -> Iterator[tuple[str, list[bytes]]]:
    """A URL that a contract would like to be opened, and what came there."""
    came: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            with line:
                came.append(line.recv(4096))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/{{sender}}/{{data}}.json", came
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _lookup(contract: bytes, url: str) -> bytes:
    """The revert data of OffchainLookup(address,string[],bytes,bytes4,bytes)."""
    types = ["address", "string[]", "bytes", "bytes4", "bytes"]
    return bytes.fromhex("556f1830") + abi.encode(types, [contract, [url], b"call", b"back", b"extra"])


def _reverting(content: bytes) -> bytes:
    """Creation code of a contract that reverts every call with `content`."""
    size = len(content).to_bytes(2, "big").hex()
    runtime = bytes.fromhex(f"61{size}61000f60003961{size}6000fd") + content
    size = len(runtime).to_bytes(2, "big").hex()
    return bytes.fromhex(f"61{size}600e60003961{size}6000f3") + runtime


def test_a_lookup_off_the_chain_is_never_followed(node: HttpNode, clock: Clock, tmp_path: Path) -> None:
    with _gateway() as (url, came):
        for chain in (node, EmbeddedNode(Chain.in_memory(clock=clock))):
            with Services.init(Settings(home=tmp_path / type(chain).__name__)) as services:
                outbox, signer = services.records.outbox, services.create_account("poet")
                chain_id = int(chain.request("eth_chainId", []), 16)
                sender = Sender(chain, chain_id=chain_id, decoder=services.decoder, outbox=outbox, gas_limit=1_000_000)
                at = keccak256(rlp.encode([signer.address, b""]))[12:]
                data = _lookup(at, url)
                assert sender.deploy("Membership", _reverting(data), signer, key=f"lookup/{chain_id}") == at
                call = Call("Membership", at, "isInGoodStanding", (bytes(20),))
                for ask in (lambda: sender.read(call), lambda: sender.simulate(call, sender=signer.address)):  # noqa: B023
                    with pytest.raises(TransactionFailed) as caught:
                        ask()
                    assert "556f1830" in str(caught.value)
                with pytest.raises(NodeError) as raw:
                    chain.request("eth_call", [{"to": to_hex(at), "data": "0x"}, "latest"])
                assert raw.value.data == to_hex(data)
    assert came == []


# -- a storm

CHANCES: dict[Fault, float] = {
    Reset(): 0.02,
    CloseBefore(): 0.02,
    CloseAfter(): 0.02,
    Delay(0.02): 0.02,
    Truncate(): 0.02,
    Truncate(honest=True): 0.01,
    Html(429): 0.005,
    Html(502): 0.02,
    WrongId(): 0.02,
    WrongType(7): 0.02,
    WrongType({}): 0.01,
    MissingItem(): 0.02,
    DuplicateItem(): 0.02,
    HalfOpen(): 0.002,
    Trickle(0.01): 0.002,
    Huge(16 * 1024 * 1024): 0.002,
}


@dataclass
class _Storm:
    """What many threads asked in a storm and got."""

    several: Endpoints
    truths: list[tuple[Request, Any]]
    wrong: list[Any] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    strangers: list[BaseException] = field(default_factory=list)

    def ask(self, seed: int, count: int) -> None:
        source = random.Random(seed)
        for _ in range(count):
            some = source.choices(self.truths, k=source.choice((1, 1, 1, 20)))
            try:
                found = self._asked([request for request, _ in some])
            except ChainUnavailable as failure:
                self.outcomes[failure.failure] += 1
                time.sleep(failure.fields["retry_in"])  # as a caller would: it says when
                continue
            except BaseException as stranger:
                self.strangers.append(stranger)
                raise
            self.outcomes["answered"] += 1
            self.wrong += [(one, got) for one, got in zip(some, found, strict=True) if got != one[1]]

    def _asked(self, requests: Sequence[Request]) -> list[Any]:
        if len(requests) == 1:
            return [self.several.request(*requests[0])]
        return self.several.batch(requests)


@pytest.mark.slow
def test_in_a_storm_of_faults_no_answer_is_wrong_and_every_failure_is_typed(node: HttpNode) -> None:
    requests: list[Request] = [("eth_chainId", [])]
    for number in range(1, 41):
        block = node.request("eth_getBlockByNumber", [hex(number), False])
        requests += [
            ("eth_getBlockByNumber", [hex(number), False]),
            ("eth_getBlockByHash", [block["hash"], True]),
            ("eth_getTransactionReceipt", [block["transactions"][0]]),
            ("eth_getTransactionByHash", [block["transactions"][0]]),
            ("eth_getLogs", [{"fromBlock": hex(number), "toBlock": hex(number + 5)}]),
            ("eth_getBalance", [node.request("eth_accounts", [])[1], hex(number)]),
            ("eth_getBlockReceipts", [hex(number)]),
        ]
    with behind_faults(node, 1, 1, 1, back_off=(0.01, 0.1), period=0.2) as behind:
        storm = _Storm(behind.several, list(zip(requests, node.batch(requests), strict=True)))
        for seed, proxy in enumerate(behind.proxies):
            proxy.seeded(seed, CHANCES)
        threads = [threading.Thread(target=storm.ask, args=(seed, 250)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        faults = Counter(each.fault for proxy in behind.proxies for each in proxy.served)
        assert storm.wrong == []
        assert storm.strangers == []
        assert sum(storm.outcomes.values()) == 1000
        assert storm.outcomes["answered"] > 500
        assert len(faults) >= 10
        for proxy in behind.proxies:
            proxy.clear()
        for _ in range(100):
            behind.several.survey()
            if all(state.circuit is CircuitState.CLOSED for state in behind.several.states()):
                break
            time.sleep(0.1)
        assert behind.several.check() == _head(node)
        assert [state.circuit for state in behind.several.states()] == [CircuitState.CLOSED] * 3
