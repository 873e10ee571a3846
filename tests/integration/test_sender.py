"""The sender on the real embedded chain, anvil and eth-tester: every intent ends exactly once, whatever breaks."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed as TransactionFailedInTester
from eth_tester.exceptions import ValidationError
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import TransactionNotFound
from web3.types import RPCEndpoint

from deedbook.chain import abis, artifacts
from deedbook.chain.client import EmbeddedNode, Node, NodeError, Request, one_by_one
from deedbook.chain.decoding import Decoder
from deedbook.chain.embedded.chain import Chain
from deedbook.chain.transactions import Call, Sender, revert_data
from deedbook.domain.hashing import checksum_address, from_hex, keccak256, to_hex
from deedbook.domain.intents import Intent, IntentState
from deedbook.errors import ChainUnavailable, Conflict, InvalidInput, NoFunds, RejectedByContract, TransactionFailed
from deedbook.records.outbox import SqlOutbox
from deedbook.records.store import Records
from deedbook.wallet.signers import LocalSigner
from tests.conftest import START, Clock
from tests.integration.anvil_node import running_anvil
from tests.seam_node import SEND, SeamNode
from tests.toy_sealer import ToySealer

ALICE, BOB, MALLORY = (LocalSigner(bytes([n]) * 32) for n in (1, 2, 3))
ACCOUNT = bytes([0x77]) * 20
GAS = 20_000_000


class Crash(BaseException):
    """The process ends here."""


@dataclass
class Bench:
    """A chain with an AccessManager (ALICE and BOB are its admins) and a Membership that it governs."""

    node: SeamNode
    outbox: SqlOutbox
    sender: Sender
    manager: bytes
    membership: bytes

    def label(self, role: int) -> Call:
        return Call("AccessManager", self.manager, "labelRole", (role, "role"))

    def admit(self, account: bytes = ACCOUNT) -> Call:
        admission = (bytes([9]) * 32, 156, 1, START * 2, ())
        return Call("Membership", self.membership, "admit", (account, admission))

    def again(self, **options: Any) -> Sender:
        """The sender of a process that was started anew on the same records."""
        addresses = {"AccessManager": self.manager, "Membership": self.membership}
        return _sender(self.node, self.outbox, addresses, **options)

    def nonce(self, signer: LocalSigner) -> int:
        return int(self.node.node.request("eth_getTransactionCount", [to_hex(signer.address), "latest"]), 16)

    def state(self, key: str) -> IntentState:
        row = self.outbox.get(key)
        assert row is not None
        return row.state


def _sender(
    node: Node,
    outbox: SqlOutbox,
    addresses: Mapping[str, bytes],
    *,
    gas: int | None = GAS,
    wait: Callable[[float], None] = lambda _: None,
    patience: int = 20,
) -> Sender:
    chain_id = int(node.request("eth_chainId", []), 16)
    decoder = Decoder(addresses)
    return Sender(node, chain_id=chain_id, decoder=decoder, outbox=outbox, gas_limit=gas, wait=wait, patience=patience)


def _code(contract: str, *arguments: Any) -> bytes:
    code = from_hex(artifacts.load(contract)["bytecode"], "bytecode")
    return code + abis.encode_arguments(abis.constructor(contract), arguments)


def _bench(node: Node, folder: Path, *, gas: int | None = GAS, admin: LocalSigner = ALICE) -> Bench:
    outbox = Records.open(f"sqlite:///{folder / 'records.sqlite'}", ToySealer()).outbox
    seam = SeamNode(node)
    first = _sender(seam, outbox, {}, gas=gas)
    manager = first.deploy("AccessManager", _code("AccessManager", admin.address), admin, key="manager")
    membership = first.deploy(
        "Membership", _code("Membership", manager, bytes(20), (0, (), ())), admin, key="membership"
    )
    sender = _sender(seam, outbox, {"AccessManager": manager, "Membership": membership}, gas=gas)
    grant = Call("AccessManager", manager, "grantRole", (0, BOB.address, 0))
    sender.send(grant, admin, key="grant")
    return Bench(seam, outbox, sender, manager, membership)


@pytest.fixture
def bench(tmp_path: Path, clock: Clock) -> Bench:
    return _bench(EmbeddedNode(Chain.in_memory(clock=clock)), tmp_path)


# -- once


def test_the_same_key_twice_sends_once(bench: Bench) -> None:
    first = bench.sender.send(bench.label(7), ALICE, key="a")
    sent = bench.node.count(SEND)
    assert bench.sender.send(bench.label(7), ALICE, key="a") == first
    assert bench.again().send(bench.label(7), ALICE, key="a") == first
    assert bench.node.count(SEND) == sent
    assert [event.name for event in first.events] == ["RoleLabel"]


def test_the_same_key_for_another_call_or_signer_is_refused(bench: Bench) -> None:
    bench.sender.send(bench.label(7), ALICE, key="a")
    for call, signer in ((bench.label(8), ALICE), (bench.label(7), BOB)):
        with pytest.raises(Conflict):
            bench.sender.send(call, signer, key="a")


def test_a_signer_that_is_not_the_intents_is_refused(bench: Bench) -> None:
    call = bench.label(7)
    row = bench.outbox.put(Intent("a", ALICE.address, call.to, call.contract, call.function, call.data))
    with pytest.raises(Conflict):
        bench.sender.drive(row, BOB)
    assert bench.state("a") is IntentState.QUEUED


def test_a_refused_call_sends_nothing_and_frees_its_key(bench: Bench) -> None:
    bench.sender.send(bench.admit(), ALICE, key="admitted")
    sent = bench.node.count(SEND)
    with pytest.raises(RejectedByContract) as refused:
        bench.sender.send(bench.admit(), ALICE, key="a")
    assert refused.value.error == "AlreadyAdmitted"
    assert refused.value.arguments == {"account": checksum_address(ACCOUNT)}
    assert (bench.node.count(SEND), bench.state("a")) == (sent, IntentState.FAILED)
    bench.sender.send(bench.label(7), ALICE, key="a")
    assert bench.state("a") is IntentState.FINAL


def test_who_may_not_govern_is_refused_by_the_contract(bench: Bench) -> None:
    with pytest.raises(RejectedByContract) as refused:
        bench.sender.send(bench.admit(), MALLORY, key="a")
    assert (refused.value.contract, refused.value.error) == ("Membership", "AccessManagedUnauthorized")
    assert refused.value.arguments == {"caller": checksum_address(MALLORY.address)}
    assert bench.nonce(MALLORY) == 0


def test_a_constructor_that_refuses_is_named_and_sends_nothing(bench: Bench) -> None:
    sent = bench.node.count(SEND)
    with pytest.raises(RejectedByContract) as refused:
        bench.sender.deploy("AccessManager", _code("AccessManager", bytes(20)), ALICE, key="no admin")
    assert refused.value.error == "AccessManagerInvalidInitialAdmin"
    assert refused.value.arguments == {"initialAdmin": "0x" + "00" * 20}
    assert bench.node.count(SEND) == sent


# -- crashes and cut lines


def test_a_crash_before_broadcast_is_healed_by_the_next_start(bench: Bench) -> None:
    bench.node.then(SEND, bench.node.refused(Crash()))
    with pytest.raises(Crash):
        bench.sender.send(bench.label(7), ALICE, key="a")
    before = bench.nonce(ALICE)
    assert bench.state("a") is IntentState.SUBMITTED
    assert [row.state for row in bench.again().resume()] == [IntentState.FINAL]
    assert bench.nonce(ALICE) == before + 1
    assert bench.sender.send(bench.label(7), ALICE, key="a").event("RoleLabel").args["roleId"] == 7
    assert bench.nonce(ALICE) == before + 1


def test_a_crash_between_broadcast_and_receipt_sends_nothing_again(bench: Bench) -> None:
    def crash(params: Sequence[Any]) -> Any:
        bench.node.node.request(SEND, params)
        raise Crash

    bench.node.then(SEND, crash)
    before = bench.nonce(ALICE)
    with pytest.raises(Crash):
        bench.sender.send(bench.label(7), ALICE, key="a")
    sent = bench.node.count(SEND)
    bench.again().send(bench.label(7), ALICE, key="a")
    assert (bench.nonce(ALICE), bench.node.count(SEND)) == (before + 1, sent)


def test_a_crash_before_the_nonce_leaves_the_key_free(bench: Bench) -> None:
    bench.node.then("eth_call", bench.node.refused(Crash()))
    with pytest.raises(Crash):
        bench.sender.send(bench.label(7), ALICE, key="a")
    assert bench.again().resume() == []
    bench.again().send(bench.label(7), ALICE, key="a")
    assert bench.state("a") is IntentState.FINAL


@pytest.mark.parametrize("words", ["nonce too low", "already known", "replacement transaction underpriced", ""])
def test_the_words_of_an_error_are_no_outcome(bench: Bench, words: str) -> None:
    before = bench.nonce(ALICE)
    bench.node.then(SEND, bench.node.refused_after(NodeError(-32000, words)))
    assert bench.sender.send(bench.label(7), ALICE, key="a").gas_used > 21_000
    assert (bench.nonce(ALICE), bench.state("a")) == (before + 1, IntentState.FINAL)


def test_a_line_that_is_cut_before_and_after_delivery_sends_once(bench: Bench) -> None:
    before = bench.nonce(ALICE)
    bench.node.then(SEND, bench.node.lost_before(), bench.node.lost_before(), bench.node.lost_after())
    bench.sender.send(bench.label(7), ALICE, key="a")
    assert bench.nonce(ALICE) == before + 1


def test_a_node_that_answers_nothing_is_unavailable_and_the_same_key_goes_on(bench: Bench) -> None:
    bench.node.then("eth_getTransactionReceipt", bench.node.lost_before())
    with pytest.raises(ChainUnavailable) as refused:
        bench.sender.send(bench.label(7), ALICE, key="a")
    assert refused.value.retryable
    bench.sender.send(bench.label(7), ALICE, key="a")
    assert bench.state("a") is IntentState.FINAL


def test_a_transaction_that_is_never_mined_is_waited_for_and_then_reported(bench: Bench) -> None:
    bench.node.then(SEND, *[lambda _: "0x" + "00" * 32] * 30)
    with pytest.raises(ChainUnavailable) as refused:
        bench.sender.send(bench.label(7), ALICE, key="a")
    assert refused.value.hint is not None
    assert bench.state("a") is IntentState.SUBMITTED


def test_a_node_that_refuses_for_good_is_believed_after_three_times_and_the_same_bytes_go_later(bench: Bench) -> None:
    bench.node.then(SEND, *[bench.node.refused(NodeError(-32003, "insufficient funds"))] * 3)
    with pytest.raises(NodeError):
        bench.sender.send(bench.label(7), ALICE, key="a")
    row = bench.outbox.get("a")
    assert row is not None
    bench.again().send(bench.label(7), ALICE, key="a")
    after = bench.outbox.get("a")
    assert after is not None
    assert after.transaction == row.transaction


# -- nonces


def test_two_signers_interleave(bench: Bench) -> None:
    before = bench.nonce(ALICE), bench.nonce(BOB)
    for place in range(3):
        bench.sender.send(bench.label(10 + place), ALICE, key=f"alice {place}")
        bench.sender.send(bench.label(20 + place), BOB, key=f"bob {place}")
    assert (bench.nonce(ALICE), bench.nonce(BOB)) == (before[0] + 3, before[1] + 3)


def test_threads_of_one_signer_share_no_nonce(bench: Bench) -> None:
    before = bench.nonce(ALICE)
    with ThreadPoolExecutor(4) as pool:
        receipts = list(
            pool.map(lambda n: bench.sender.send(bench.label(100 + n), ALICE, key=f"thread {n}"), range(12))
        )
    assert sorted(receipt.event("RoleLabel").args["roleId"] for receipt in receipts) == list(range(100, 112))
    assert bench.nonce(ALICE) == before + 12


def test_threads_of_one_key_send_once(bench: Bench) -> None:
    before, start = bench.nonce(ALICE), threading.Barrier(4)

    def send(_: int) -> bytes:
        start.wait()
        return bench.sender.send(bench.admit(), ALICE, key="one").tx_hash

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    assert bench.nonce(ALICE) == before + 1


def test_senders_of_several_processes_take_turns_with_an_account(bench: Bench) -> None:
    before = bench.nonce(ALICE)
    senders = [bench.again(wait=time.sleep, patience=600) for _ in range(3)]

    def send(n: int) -> tuple[bytes, bytes]:
        sender = senders[n % 3]
        own = sender.send(bench.label(200 + n), ALICE, key=f"own {n}").tx_hash
        return own, sender.send(bench.label(300), ALICE, key="of all").tx_hash

    with ThreadPoolExecutor(3) as pool:
        sent = list(pool.map(send, range(6)))
    assert len({of_all for _, of_all in sent}) == 1
    assert bench.nonce(ALICE) == before + 7
    assert bench.outbox.unfinished() == []


def test_a_foreign_transaction_of_the_same_key_is_counted(bench: Bench, tmp_path: Path) -> None:
    _foreign(bench, ALICE, 30)
    bench.sender.send(bench.label(7), ALICE, key="a")
    assert bench.state("a") is IntentState.FINAL


def test_a_nonce_that_another_took_after_signing_is_replaced_once(bench: Bench) -> None:
    bench.node.then(SEND, bench.node.refused(Crash()))
    with pytest.raises(Crash):
        bench.sender.send(bench.label(7), ALICE, key="a")
    _foreign(bench, ALICE, 30)
    before = bench.nonce(ALICE)
    assert [row.state for row in bench.again().resume()] == [IntentState.QUEUED]
    assert bench.again().send(bench.label(7), ALICE, key="a").event("RoleLabel").args["roleId"] == 7
    assert bench.nonce(ALICE) == before + 1


def test_an_overtaken_intent_is_judged_again_before_it_is_signed_again(bench: Bench) -> None:
    bench.node.then(SEND, bench.node.refused(Crash()))
    with pytest.raises(Crash):
        bench.sender.send(bench.admit(), ALICE, key="a")
    _foreign_call(bench, ALICE, bench.admit())
    with pytest.raises(RejectedByContract) as refused:
        bench.again().send(bench.admit(), ALICE, key="a")
    assert refused.value.arguments == {"account": checksum_address(ACCOUNT)}
    assert bench.state("a") is IntentState.FAILED


def test_a_crashed_predecessor_does_not_block_its_signer(bench: Bench) -> None:
    bench.node.then(SEND, bench.node.refused(Crash()))
    with pytest.raises(Crash):
        bench.sender.send(bench.label(7), ALICE, key="crashed")
    bench.again().send(bench.label(8), ALICE, key="next")
    assert (bench.state("crashed"), bench.state("next")) == (IntentState.FINAL, IntentState.FINAL)
    assert bench.again().resume() == []


def _foreign(bench: Bench, signer: LocalSigner, role: int) -> None:
    _foreign_call(bench, signer, bench.label(role))


def _foreign_call(bench: Bench, signer: LocalSigner, call: Call) -> None:
    """The same key used elsewhere: eth_account signs, our records know nothing of it."""
    key = bytes([1]) * 32 if signer is ALICE else bytes([2]) * 32
    message = {
        "type": 2, "chainId": int(bench.node.node.request("eth_chainId", []), 16), "nonce": bench.nonce(signer),
        "maxPriorityFeePerGas": 0, "maxFeePerGas": 0, "gas": 1_000_000, "to": checksum_address(call.to), "value": 0,
        "data": call.data,
    }  # fmt: skip
    signed = Account.sign_transaction(message, key)
    bench.node.node.request(SEND, [to_hex(bytes(signed.raw_transaction))])


# -- what the chain changed in between


def test_a_call_that_reverts_although_it_was_simulated_gives_the_contracts_error(bench: Bench) -> None:
    bench.node.then(SEND, bench.node.after(lambda: _foreign_call(bench, BOB, bench.admit())))
    with pytest.raises(RejectedByContract) as refused:
        bench.sender.send(bench.admit(), ALICE, key="a")
    assert (refused.value.contract, refused.value.error) == ("Membership", "AlreadyAdmitted")
    assert refused.value.arguments == {"account": checksum_address(ACCOUNT)}
    row = bench.outbox.get("a")
    assert row is not None
    assert row.state is IntentState.FAILED
    assert row.mined is not None
    assert row.mined.status == 0
    bench.sender.send(bench.label(7), ALICE, key="next")


def test_a_transaction_without_effect_and_without_a_reason_has_failed(bench: Bench) -> None:
    def hidden(params: Sequence[Any]) -> Any:
        raise NodeError(-32000, "history is pruned")

    bench.node.then(SEND, bench.node.after(lambda: _foreign_call(bench, BOB, bench.admit())))
    bench.node.then("eth_call", None, hidden)
    with pytest.raises(TransactionFailed) as failed:
        bench.sender.send(bench.admit(), ALICE, key="a")
    assert failed.value.fields["key"] == "a"


def test_resume_goes_on_after_an_intent_without_effect(bench: Bench) -> None:
    crash = bench.node.refused(Crash())
    for key, call in (("a", bench.admit()), ("b", bench.label(7))):
        bench.node.then(SEND, crash)
        with suppress(Crash):
            bench.sender.send(call, ALICE, key=key)
    _foreign_call(bench, BOB, bench.admit())
    assert [row.state for row in bench.again().resume()] == [IntentState.FAILED, IntentState.FINAL]


def test_revert_data_is_found_however_a_node_writes_it() -> None:
    assert revert_data(NodeError(3, "reverted", "0xABcd")) == b"\xab\xcd"
    assert revert_data(NodeError(3, "reverted", "0x")) == b""
    for other in (None, "Reverted 0xabcd", "0xabc", {"data": "0x"}, 7):
        assert revert_data(NodeError(-32000, "no", other)) is None


# -- bytes


def test_the_bytes_are_those_of_eth_account(bench: Bench) -> None:
    bench.sender.send(bench.label(7), ALICE, key="a")
    row = bench.outbox.get("a")
    assert row is not None
    assert row.transaction is not None
    message = {
        "type": 2, "chainId": int(bench.node.request("eth_chainId", []), 16), "nonce": row.transaction.nonce,
        "maxPriorityFeePerGas": 0, "maxFeePerGas": 0, "gas": GAS, "to": checksum_address(bench.manager), "value": 0,
        "data": bench.label(7).data, "accessList": [],
    }  # fmt: skip
    oracle = Account.sign_transaction(message, bytes([1]) * 32)
    assert row.transaction.raw == bytes(oracle.raw_transaction)
    assert row.transaction.tx_hash == bytes(oracle.hash) == keccak256(row.transaction.raw)


def test_a_view_answers_and_refuses_as_the_contract_does(bench: Bench) -> None:
    assert bench.sender.read(Call("AccessManager", bench.manager, "hasRole", (0, BOB.address))) == (True, 0)
    with pytest.raises(RejectedByContract) as refused:
        bench.sender.read(Call("Membership", bench.membership, "requireGoodStanding", (ACCOUNT,)))
    assert refused.value.arguments == {"account": checksum_address(ACCOUNT)}
    with pytest.raises(InvalidInput) as unknown:
        bench.sender.read(Call("Membership", bench.membership, "dismiss", ()))
    assert unknown.value.field == "function"


# -- other nodes


class EthTesterNode:
    """eth-tester as a Node: web3 in front of it, its values back in JSON-RPC's text forms."""

    def __init__(self, tester: EthereumTester) -> None:
        self._web3 = Web3(EthereumTesterProvider(tester))

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_estimateGas":
            params = params[:1]  # eth-tester estimates on top of the newest block only
        try:
            return _text(self._web3.manager.request_blocking(RPCEndpoint(method), list(params)))
        except TransactionNotFound:
            return None
        except TransactionFailedInTester as error:
            revert = ast.literal_eval(str(error).removeprefix("execution reverted: "))
            raise NodeError(3, "execution reverted", to_hex(revert)) from None
        except ValidationError as error:
            raise NodeError(-32000, str(error)) from None

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return one_by_one(self, requests)


def _text(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return to_hex(bytes(value))
    if isinstance(value, Mapping):
        return {name: _text(item) for name, item in value.items()}
    return [_text(item) for item in value]


def _goes_the_whole_way(bench: Bench, admin: LocalSigner) -> None:
    receipt = bench.sender.send(bench.admit(), admin, key="a")
    assert receipt.event("ParticipantAdmitted").args["account"] == ACCOUNT
    assert bench.sender.send(bench.admit(), admin, key="a") == receipt
    with pytest.raises(RejectedByContract) as refused:
        bench.sender.send(bench.admit(), admin, key="b")
    assert refused.value.arguments == {"account": checksum_address(ACCOUNT)}
    bench.node.then(SEND, bench.node.lost_after())
    bench.sender.send(bench.label(7), admin, key="c")


def test_an_account_that_cannot_pay_is_named_and_its_key_goes_on_when_it_can(anvil: Path, tmp_path: Path) -> None:
    with running_anvil(anvil, chain_id=31337, start=START) as node:
        bench = _bench(node, tmp_path)
        node.request("anvil_setNextBlockBaseFeePerGas", ["0x7"])
        node.request("evm_mine", [])
        with pytest.raises(NoFunds) as refused:
            bench.sender.send(bench.label(7), ALICE, key="a")
        assert refused.value.account == to_hex(ALICE.address)
        node.request("anvil_setBalance", [to_hex(ALICE.address), hex(10**18)])
        bench.sender.send(bench.label(7), ALICE, key="a")
        assert bench.state("a") is IntentState.FINAL


@pytest.mark.parametrize("gas", [GAS, None])
def test_it_works_on_anvil(anvil: Path, tmp_path: Path, gas: int | None) -> None:
    with running_anvil(anvil, chain_id=31337, start=START) as node:
        bench = _bench(node, tmp_path, gas=gas)
        _goes_the_whole_way(bench, ALICE)
        _crash_and_gap(bench)


def _crash_and_gap(bench: Bench) -> None:
    """anvil queues the transaction after the gap; the missing one is sent by whoever comes next."""
    bench.node.then(SEND, bench.node.refused(Crash()))
    with pytest.raises(Crash):
        bench.sender.send(bench.label(8), ALICE, key="crashed")
    bench.sender.send(bench.label(9), ALICE, key="next")
    assert (bench.state("crashed"), bench.state("next")) == (IntentState.FINAL, IntentState.FINAL)


def test_it_works_on_eth_tester_with_a_base_fee(tmp_path: Path) -> None:
    backend = PyEVMBackend()
    rich = LocalSigner(backend.account_keys[0].to_bytes())
    bench = _bench(EthTesterNode(EthereumTester(backend)), tmp_path, gas=None, admin=rich)
    _goes_the_whole_way(bench, rich)
