"""The dispatcher on anvil and the embedded chain: many at once, forks, lost pools, prices, gaps, several senders."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from deedbook.chain import rlp
from deedbook.chain.client import EmbeddedNode, HttpNode, NodeError
from deedbook.chain.dispatch import GIVEN_UP, REFUSED, Dispatcher, Step
from deedbook.chain.embedded.chain import Chain
from deedbook.chain.pricing import Price, Pricing
from deedbook.chain.signing import Terms, sign, terms_of
from deedbook.domain.hashing import checksum_address, keccak256, to_hex
from deedbook.domain.intents import ENDS, IntentRow, IntentState
from deedbook.errors import ChainUnavailable, CorruptStore, IntegrityError, NoFunds, RejectedByContract
from deedbook.records.outbox import SqlOutbox
from deedbook.records.store import Records
from deedbook.wallet.signers import LocalSigner
from tests import tally
from tests.conftest import ROOT, START, Clock
from tests.integration.anvil_node import anvil_address
from tests.seam_node import SEND, SeamNode
from tests.toy_sealer import ToySealer

ALICE, BOB = (LocalSigner(bytes([n]) * 32) for n in (1, 2))
GAS = 100_000


class Crash(BaseException):
    """The process ends here."""


def never(_: float) -> None:
    """No pause."""


@dataclass
class Bench:
    """A chain with a Tally on it, and an outbox."""

    url: str
    node: SeamNode
    records: Records
    tally: bytes
    clock: Clock = field(default_factory=Clock)

    @property
    def outbox(self) -> SqlOutbox:
        return self.records.outbox

    def engine(self, **options: Any) -> Dispatcher:
        said: dict[str, Any] = {
            "chain_id": int(self.node.request("eth_chainId", []), 16),
            "gas_limit": GAS,
            "owner": "one",
            "clock": self.clock,
            "wait": never,
        }
        signers = options.pop("signers", {each.address: each for each in (ALICE, BOB)})
        return Dispatcher(self.node, self.outbox, signers, **said | options)

    def put(self, *keys: str, signer: LocalSigner = ALICE, judged: bool = True) -> list[IntentRow]:
        wanted = [tally.intent_of(key, signer.address, self.tally, tally.word_of(key)) for key in keys]
        return self.outbox.put_all(wanted, judged=judged)

    def row(self, key: str) -> IntentRow:
        found = self.outbox.get(key)
        assert found is not None
        return found

    def states(self, *keys: str) -> list[str]:
        return [self.row(key).state.value for key in keys]

    def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            self.node.node.request("evm_mine", [])

    def nonce(self, signer: LocalSigner = ALICE, block: str = "latest") -> int:
        return int(self.node.node.request("eth_getTransactionCount", [to_hex(signer.address), block]), 16)

    def fund(self, wei: int = 10**18, signer: LocalSigner = ALICE) -> None:
        self.node.node.request("anvil_setBalance", [to_hex(signer.address), hex(wei)])

    def counted_once(self, *keys: str) -> bool:
        words = [tally.word_of(key) for key in keys]
        return tally.stored(self.node.node, self.tally, words) == dict.fromkeys(words, 1)

    def foreign(self, key: str, *, nonce: int, signer: LocalSigner = ALICE, price: Price = Price(0, 0)) -> bytes:  # noqa: B008
        """The same key used elsewhere, for the same call as an intent of ours."""
        chain_id = int(self.node.request("eth_chainId", []), 16)
        data = tally.call_of(tally.word_of(key))
        made = sign(signer, chain_id=chain_id, nonce=nonce, terms=Terms(price, GAS), to=self.tally, data=data)
        self.node.node.request(SEND, [to_hex(made.raw)])
        return made.tx_hash


def steps(engine: Dispatcher, count: int = 6) -> Step:
    """Several rounds; the last one."""
    for _ in range(count - 1):
        engine.step()
    return engine.step()


def opened(url: str, folder: Path) -> Bench:
    node = HttpNode(url, timeout=60)
    records = Records.open(f"sqlite:///{folder / 'records.sqlite'}", ToySealer())
    bench = Bench(url, SeamNode(node), records, b"")
    deployer = LocalSigner(bytes([9]) * 32)
    node.request("anvil_setBalance", [to_hex(deployer.address), hex(10**20)])
    chain_id = int(node.request("eth_chainId", []), 16)
    london = "baseFeePerGas" in node.request("eth_getBlockByNumber", ["latest", False])
    price = Price(10**10, 0 if london else None)
    made = sign(deployer, chain_id=chain_id, nonce=0, terms=Terms(price, 1_000_000), to=None, data=tally.CODE)
    node.request(SEND, [to_hex(made.raw)])
    node.request("evm_mine", [])
    receipt = node.request("eth_getTransactionReceipt", [to_hex(made.tx_hash)])
    bench.tally = bytes.fromhex(receipt["contractAddress"][2:])
    return bench


@pytest.fixture
def bench(anvil: Path, tmp_path: Path) -> Iterator[Bench]:
    """anvil that mines when it is told to."""
    with anvil_address(anvil, chain_id=31337, start=START, options=("--no-mining",)) as url:
        yield opened(url, tmp_path)


def lagging(tip: int) -> int:
    """Final is what has two blocks on top of it."""
    return tip - 2


# -- the common way


def test_many_go_in_batches_and_each_is_counted_once(bench: Bench) -> None:
    keys = [f"k{n}" for n in range(130)]
    bench.put(*keys)
    engine = bench.engine(batch=20, in_flight=60)
    done = engine.step()
    assert (done.signed, done.waiting) == (60, 60)
    for _ in range(40):
        bench.mine()
        if not steps(engine, 3).waiting and not bench.outbox.unfinished():
            break
    assert bench.outbox.counts() == {IntentState.FINAL: 130}
    assert bench.counted_once(*keys)
    assert (bench.nonce(), bench.node.count(SEND)) == (130, 130)
    engine.close()


def test_two_accounts_go_side_by_side_and_one_without_a_key_waits(bench: Bench) -> None:
    bench.put("a", "b")
    bench.put("c", signer=BOB)
    with bench.engine(signers={ALICE.address: ALICE}) as engine:
        engine.step()
        bench.mine()
        steps(engine)
        assert bench.states("a", "b", "c") == ["final", "final", "queued"]
    with bench.engine() as engine:
        engine.step()
        bench.mine()
        steps(engine)
    assert bench.counted_once("a", "b", "c")


def test_mined_is_not_yet_final(bench: Bench) -> None:
    bench.put("a")
    engine = bench.engine(final=lagging)
    engine.step()
    for state in ("mined", "mined", "final"):
        bench.mine()
        engine.step()
        assert bench.states("a") == [state]


def test_run_stops_when_it_is_told(bench: Bench) -> None:
    bench.put("a")
    engine = bench.engine()

    def over() -> bool:
        bench.mine()
        return bench.states("a") == ["final"]

    engine.run(over)
    assert bench.counted_once("a")


def test_a_call_that_the_contract_refuses_is_not_sent_unless_it_was_judged(bench: Bench) -> None:
    refused = tally.word_of("no", refused=True)
    bench.outbox.put(tally.intent_of("no", ALICE.address, bench.tally, refused))
    bench.outbox.put(tally.intent_of("judged", ALICE.address, bench.tally, refused), judged=True)
    engine = bench.engine()
    done = engine.step()
    assert (bench.row("no").state, bench.row("no").mined, list(done.refused)) == (IntentState.FAILED, None, ["no"])
    bench.mine()
    steps(engine)
    assert (bench.row("judged").state, bench.nonce()) == (IntentState.FAILED, 1)
    judged = bench.row("judged").mined
    assert judged is not None
    assert judged.status == 0


def test_receipts_come_one_by_one_where_the_node_gives_none_by_block(bench: Bench) -> None:
    keys = [f"k{n}" for n in range(9)]
    bench.put(*keys)
    bench.node.then("eth_getBlockReceipts", bench.node.refused(NodeError(-32601, "Method not found")))
    engine = bench.engine()
    engine.step()
    bench.mine()
    steps(engine)
    assert bench.states(*keys) == ["final"] * 9
    assert bench.node.count("eth_getTransactionReceipt") >= 9


@pytest.mark.parametrize("hardfork", ["berlin", "london"])
def test_the_kind_of_transaction_follows_the_chain(anvil: Path, tmp_path: Path, hardfork: str) -> None:
    options = ("--no-mining",)
    with anvil_address(anvil, chain_id=31337, start=START, options=options, hardfork=hardfork) as url:
        bench = opened(url, tmp_path)
        bench.put("a")
        bench.outbox.put(tally.intent_of("b", ALICE.address, bench.tally, tally.word_of("b")))
        engine = bench.engine(gas_limit=None)
        engine.step()
        bench.mine()
        steps(engine)
        assert bench.counted_once("a", "b")
        sent = bench.row("a").transaction
        assert sent is not None
        assert (sent.raw[:1] == b"\x02") is (hardfork == "london")
        assert (terms_of(sent.raw).price.tip is None) is (hardfork == "berlin")


# -- lost and forked


def test_a_dropped_pool_gets_the_same_bytes_again(bench: Bench) -> None:
    bench.put("a", "b", "c")
    engine = bench.engine(resend=5.0)
    engine.step()
    sent = [bench.row(key).transaction for key in "abc"]
    bench.node.node.request("anvil_dropAllTransactions", [])
    bench.clock.advance(6)
    steps(engine, 3)
    bench.mine()
    steps(engine)
    assert bench.counted_once("a", "b", "c")
    assert [bench.row(key).transaction for key in "abc"] == sent


def test_one_that_fell_out_of_the_pool_holds_up_nothing_for_long(bench: Bench) -> None:
    bench.put("a", "b", "c")
    engine = bench.engine(resend=5.0)
    engine.step()
    lost = bench.row("b").transaction
    assert lost is not None
    bench.node.node.request("anvil_dropTransaction", [to_hex(lost.tx_hash)])
    bench.mine()
    engine.step()
    assert bench.states("a", "b", "c") == ["final", "submitted", "submitted"]
    for _ in range(2):
        bench.clock.advance(6)
        steps(engine, 2)
    bench.mine()
    steps(engine)
    assert bench.counted_once("a", "b", "c")


def test_what_blocks_pass_by_without_is_looked_after_before_its_time(bench: Bench) -> None:
    bench.put("a", "b")
    engine = bench.engine(resend=3_600.0)
    engine.step()
    bench.node.node.request("anvil_dropAllTransactions", [])
    bench.mine(3)
    steps(engine, 3)
    bench.mine()
    steps(engine)
    assert bench.counted_once("a", "b")


def test_what_a_fork_threw_out_is_sent_again_with_the_same_bytes(bench: Bench) -> None:
    bench.put("a", "b")
    engine = bench.engine(final=lagging)
    engine.step()
    sent = [bench.row(key).transaction for key in "ab"]
    bench.mine()
    engine.step()
    assert bench.states("a", "b") == ["mined", "mined"]
    bench.node.node.request("anvil_reorg", [1, []])
    bench.node.node.request("anvil_dropAllTransactions", [])
    done = engine.step()
    assert (done.forked, bench.states("a", "b")) == (2, ["submitted", "submitted"])
    steps(engine, 3)
    bench.mine()
    engine.step()
    assert bench.states("a", "b") == ["mined", "mined"]
    bench.mine(2)
    engine.step()
    assert bench.counted_once("a", "b")
    assert [bench.row(key).transaction for key in "ab"] == sent


def test_a_fork_while_nobody_looked_is_found_by_the_next_sender(bench: Bench) -> None:
    bench.put("a")
    with bench.engine(final=lagging) as engine:
        engine.step()
        bench.mine()
        engine.step()
    assert bench.states("a") == ["mined"]
    bench.node.node.request("anvil_reorg", [1, []])
    bench.node.node.request("anvil_dropAllTransactions", [])
    bench.mine(3)
    with bench.engine(final=lagging) as engine:
        steps(engine, 4)
        bench.mine(3)
        steps(engine, 2)
    assert bench.states("a") == ["final"]
    assert bench.counted_once("a")


def test_a_chain_that_denies_a_final_block_is_refused_for_as_long_as_it_does(bench: Bench) -> None:
    bench.put("a")
    engine = bench.engine()
    engine.step()
    bench.mine()
    engine.step()
    final = bench.row("a").mined
    assert final is not None
    bench.put("b")
    bench.node.node.request("anvil_reorg", [1, []])
    for again in (engine, engine, bench.engine(owner="another")):
        with pytest.raises(IntegrityError) as denied:
            again.step()
        assert to_hex(final.block_hash) in denied.value.message
    assert bench.states("a", "b") == ["final", "queued"]


def test_an_older_head_is_no_fork(bench: Bench) -> None:
    bench.put("a")
    engine = bench.engine(final=lagging)
    engine.step()
    bench.mine()
    engine.step()
    old = bench.node.node.request("eth_getBlockByNumber", ["0x1", False])
    bench.node.then("eth_getBlockByNumber", lambda _: old)
    assert (engine.step().forked, bench.states("a")) == (0, ["mined"])


# -- nonces of others


def test_a_nonce_that_another_took_is_given_up_only_when_that_is_final(bench: Bench) -> None:
    bench.put("a")
    engine = bench.engine(final=lagging)
    bench.node.then(SEND, lambda _: "0x" + "00" * 32)  # the node says yes and forgets it
    engine.step()
    bench.foreign("other", nonce=0)
    bench.mine()
    bench.clock.advance(6)
    steps(engine)
    assert bench.states("a") == ["submitted"], "the block of the other one may yet be forked away"
    bench.mine(2)
    bench.clock.advance(6)
    steps(engine, 2)
    bench.mine()
    steps(engine, 2)
    bench.mine(2)
    steps(engine, 2)
    assert bench.states("a") == ["final"]
    assert bench.counted_once("a", "other")
    sent = bench.row("a").transaction
    assert sent is not None
    assert sent.nonce == 1


def test_an_overtaken_intent_is_judged_anew(bench: Bench) -> None:
    word = tally.word_of("a", refused=True)
    bench.outbox.put(tally.intent_of("a", ALICE.address, bench.tally, word), judged=True)
    engine = bench.engine()
    bench.node.then(SEND, lambda _: "0x" + "00" * 32)
    engine.step()
    bench.foreign("other", nonce=0)
    bench.mine()
    bench.clock.advance(6)
    steps(engine)
    assert (bench.row("a").state, bench.row("a").mined, bench.nonce()) == (IntentState.FAILED, None, 1)


def test_a_gap_that_a_foreign_transaction_left_is_filled(bench: Bench) -> None:
    gone = bench.foreign("other", nonce=0)
    bench.put("a")
    engine = bench.engine()
    engine.step()
    sent = bench.row("a").transaction
    assert sent is not None
    assert sent.nonce == 1
    bench.node.node.request("anvil_dropAllTransactions", [])
    assert bench.node.node.request("eth_getTransactionByHash", [to_hex(gone)]) is None
    for _ in range(6):
        bench.clock.advance(6)
        engine.step()
    assert len(bench.outbox.fillers(ALICE.address, 0)) == 1
    bench.mine()
    steps(engine)
    assert (bench.states("a"), bench.nonce()) == (["final"], 2)
    assert bench.counted_once("a")


def test_what_the_node_refuses_for_good_ends_and_lets_the_others_go_on(bench: Bench) -> None:
    bench.put("a", "b")
    engine = bench.engine()
    first: list[str] = []

    def refusing(params: Sequence[Any]) -> Any:
        first.append(params[0])
        if params[0] == first[0]:
            raise NodeError(-32000, "oversized data")
        return bench.node.node.request(SEND, params)

    bench.node.then(SEND, *[refusing] * 200)
    for _ in range(GIVEN_UP + 2):
        engine.step()
        bench.clock.advance(6)
    assert bench.row("a").error == REFUSED
    for _ in range(6):
        engine.step()
        bench.mine()
        bench.clock.advance(6)
    assert bench.states("a", "b") == ["failed", "final"]
    assert (bench.row("a").mined, bench.nonce()) == (None, 2)
    assert bench.counted_once("b")


# -- prices


def raise_base_fee(bench: Bench, wei: int) -> None:
    bench.node.node.request("anvil_setNextBlockBaseFeePerGas", [hex(wei)])
    bench.mine()


def test_what_offers_nothing_is_replaced_when_the_base_fee_rises(bench: Bench) -> None:
    bench.fund()
    bench.put("a", "b")
    engine = bench.engine()
    engine.step()
    first = bench.row("a").transaction
    bench.node.node.request("anvil_dropAllTransactions", [])  # or anvil would mine it at the old price
    raise_base_fee(bench, 7)
    done = steps(engine, 2)
    assert bench.states("a", "b") == ["submitted", "submitted"]
    assert bench.row("a").replaced == (first,)
    newest = bench.row("a").transaction
    assert newest is not None
    assert terms_of(newest.raw).price == Price(14, 1)
    assert not done.refused
    bench.mine()
    steps(engine)
    assert bench.counted_once("a", "b")
    assert bench.nonce() == 2


def test_the_first_attempt_may_be_the_one_that_is_mined(bench: Bench) -> None:
    bench.fund()
    bench.put("a")
    engine = bench.engine()
    engine.step()
    first = bench.row("a").transaction
    assert first is not None
    bench.node.node.request("anvil_dropAllTransactions", [])
    raise_base_fee(bench, 7)
    bench.node.then(SEND, *[lambda _: "0x" + "00" * 32] * 3)  # the replacement gets lost
    engine.step()
    assert bench.row("a").replaced == (first,)
    bench.node.node.request("anvil_setNextBlockBaseFeePerGas", ["0x0"])
    bench.node.node.request(SEND, [to_hex(first.raw)])
    bench.mine()
    engine.step()
    row = bench.row("a")
    assert (row.state, row.transaction, len(row.replaced)) == (IntentState.FINAL, first, 1)
    assert bench.counted_once("a")


def test_an_account_without_funds_is_named_and_goes_on_when_it_is_funded(bench: Bench) -> None:
    raise_base_fee(bench, 7)
    bench.put("a")
    engine = bench.engine()
    done = engine.step()
    refused = done.refused["a"]
    assert isinstance(refused, NoFunds)
    assert refused.account == to_hex(ALICE.address)
    assert (bench.states("a"), bench.nonce(block="pending")) == (["queued"], 0)
    bench.fund()
    engine.step()
    bench.mine()
    steps(engine)
    assert bench.counted_once("a")


def test_a_replacement_that_cannot_be_paid_for_is_named(bench: Bench) -> None:
    bench.put("a")
    engine = bench.engine()
    engine.step()
    bench.node.node.request("anvil_dropAllTransactions", [])
    raise_base_fee(bench, 7)
    done = engine.step()
    assert isinstance(done.refused["a"], NoFunds)
    bench.fund()
    steps(engine, 2)
    bench.mine()
    steps(engine)
    assert bench.counted_once("a")


def test_what_the_sealers_leave_lying_is_replaced(bench: Bench) -> None:
    bench.fund()
    bench.put("a")
    engine = bench.engine()
    engine.step()
    first = bench.row("a").transaction
    assert first is not None
    pooled = bench.node.node.request("eth_getTransactionByHash", [to_hex(first.tx_hash)])
    bench.node.node.request("anvil_dropAllTransactions", [])
    bench.mine(12)
    bench.node.then("eth_getTransactionByHash", *[lambda _: pooled] * 4)
    bench.clock.advance(6)
    engine.step()
    newest = bench.row("a").transaction
    assert newest is not None
    assert (terms_of(newest.raw).price, bench.row("a").replaced) == (Price(1, 1), (first,))
    bench.mine()
    steps(engine)
    assert bench.counted_once("a")


# -- several senders


def test_who_lost_the_lease_signs_and_sends_nothing(bench: Bench) -> None:
    bench.put("a")
    late = bench.engine(owner="late")

    def overtake(params: Sequence[Any]) -> Any:
        """Between the lease and the signature, while the nonce is asked for, another takes over."""
        bench.outbox.lease(ALICE.address, "other", 30.0, now=bench.clock() + 1_000)
        return bench.node.node.request("eth_getTransactionCount", params)

    bench.node.then("eth_getTransactionCount", overtake)
    late.step()
    assert (bench.states("a"), bench.node.count(SEND)) == (["queued"], 0)
    assert late.step().standing_by == 1
    with bench.engine(owner="other") as other:
        other.step()
        bench.mine()
        steps(other)
    assert bench.counted_once("a")


def test_a_holder_whose_clock_is_ahead_and_who_died_is_followed(bench: Bench) -> None:
    bench.put("a")
    ahead = Clock(START + 86_400)
    with pytest.raises(Crash):
        bench.node.then(SEND, bench.node.refused(Crash()))
        engine = bench.engine(owner="ahead", clock=ahead)
        engine.release = lambda: None  # type: ignore[method-assign]
        engine.step()
    second = bench.engine(owner="second", lease=30.0)
    assert (second.step().standing_by, bench.node.count(SEND)) == (1, 1)
    bench.clock.advance(20)
    assert second.step().standing_by == 1
    bench.clock.advance(11)
    assert second.step().standing_by == 0
    bench.mine()
    steps(second)
    assert bench.counted_once("a")


@pytest.mark.parametrize("skews", [(0, 0), (3600, -3600), (-86_400, 0)])
def test_processes_on_one_outbox_send_each_once(anvil: Path, tmp_path: Path, skews: tuple[int, int]) -> None:
    with anvil_address(anvil, chain_id=31337, start=None) as url:
        bench = opened(url, tmp_path)
        keys = [f"k{n}" for n in range(160)]
        bench.put(*keys)
        children = [_child(bench, owner, skew) for owner, skew in zip("ab", skews, strict=True)]
        said = [child.communicate(timeout=120)[0].split() for child in children]
        assert [child.returncode for child in children] == [0, 0]
        assert sum(int(words[-1]) for words in said) == 160
        assert bench.outbox.counts() == {IntentState.FINAL: 160}
        assert bench.counted_once(*keys)
        assert bench.nonce() == 160


def test_a_process_that_is_killed_is_replaced_by_the_one_that_stands_by(anvil: Path, tmp_path: Path) -> None:
    with anvil_address(anvil, chain_id=31337, start=None) as url:
        bench = opened(url, tmp_path)
        keys = [f"k{n}" for n in range(400)]
        bench.put(*keys)
        first, second = (_child(bench, owner, 0) for owner in "ab")
        assert first.stdout is not None
        first.stdout.readline()
        while bench.outbox.counts().get(IntentState.FINAL, 0) < 40:
            assert first.poll() is None
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert second.wait(timeout=120) == 0
        assert bench.outbox.counts() == {IntentState.FINAL: 400}
        assert bench.counted_once(*keys)
        for child in (first, second):
            child.communicate()


def _child(bench: Bench, owner: str, skew: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.sender_child", bench.url, bench.records.database.url, "01" * 32, owner]
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return subprocess.Popen(
        [*command, str(skew)], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": paths}
    )


# -- cut short anywhere


class Cut:
    """Another object whose calls are counted; one of them, before or after it is done, ends the process."""

    def __init__(self, inner: Any, names: Sequence[str], at: list[int]) -> None:
        self._inner, self._names, self._at = inner, names, at

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._counted(found) if name in self._names else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self._tick()
            answer = call(*args, **options)
            self._tick()
            return answer

        return counted

    def _tick(self) -> None:
        self._at[0] -= 1
        if self._at[0] == 0:
            raise Crash


def test_a_crash_before_or_after_any_write_or_send_loses_and_doubles_nothing(tmp_path: Path, clock: Clock) -> None:
    node = EmbeddedNode(Chain.in_memory(clock=clock))
    chain_id = int(node.request("eth_chainId", []), 16)
    deployment = sign(BOB, chain_id=chain_id, nonce=0, terms=Terms(Price(0, 0), 1_000_000), to=None, data=tally.CODE)
    node.request(SEND, [to_hex(deployment.raw)])
    place = keccak256(rlp.encode([BOB.address, b""]))[12:]
    outbox = Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()).outbox
    writes = ("lease", "release", "submit_all", "mined_all", "finalise")
    crashes = finished = 0
    for point in range(1, 60):
        keys = [f"{point}/{n}" for n in range(3)]
        outbox.put_all([tally.intent_of(key, ALICE.address, place, tally.word_of(key)) for key in keys], judged=True)
        for life in range(3):
            left = [point if life == 0 else 0]
            engine = Dispatcher(
                Cut(node, ("batch",), left), Cut(outbox, writes, left), {ALICE.address: ALICE},
                chain_id=chain_id, gas_limit=GAS, owner="home", clock=clock, final=lambda tip: tip,
            )  # fmt: skip
            try:
                for _ in range(5):
                    engine.step()
            except Crash:
                crashes += 1
                continue
            finished += life == 0
            break
        words = [tally.word_of(key) for key in keys]
        assert [outbox.get(key).state for key in keys] == [IntentState.FINAL] * 3  # type: ignore[union-attr]
        assert tally.stored(node, place, words) == dict.fromkeys(words, 1)
        if finished:
            break
    assert finished, "every point was tried, up to one that is never reached"
    assert crashes >= 12


def test_a_full_disk_sends_nothing_and_loses_nothing(bench: Bench) -> None:
    keys = [f"k{n}" for n in range(400)]
    bench.put(*keys)
    engine = bench.engine()
    with bench.records.database.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(CorruptStore):
        engine.step()
    assert (bench.node.count(SEND), bench.outbox.counts()) == (0, {IntentState.QUEUED: 400})
    with bench.records.database.reading() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 100000")
    for _ in range(40):
        if not engine.step().waiting:
            break
        bench.mine()
    assert set(bench.outbox.counts()) <= set(ENDS)
    assert bench.counted_once(*keys)


def test_a_node_that_is_away_is_waited_for(bench: Bench) -> None:
    bench.put("a")
    engine = bench.engine()
    away = bench.node.lost_before("eth_getBlockByNumber")
    bench.node.then("eth_getBlockByNumber", away, away)
    with pytest.raises(ChainUnavailable):
        engine.step()

    def over() -> bool:
        bench.mine()
        return bench.states("a") == ["final"]

    engine.run(over)
    assert bench.counted_once("a")


def test_the_contracts_own_error_is_given_for_what_it_refuses(tmp_path: Path, clock: Clock) -> None:
    """`Tally` is none of our contracts; its error is decoded as the data it is, and never raised as one of ours."""
    node = EmbeddedNode(Chain.in_memory(clock=clock))
    chain_id = int(node.request("eth_chainId", []), 16)
    outbox = Records.open(f"sqlite:///{tmp_path / 'records.sqlite'}", ToySealer()).outbox
    deployment = sign(BOB, chain_id=chain_id, nonce=0, terms=Terms(Price(0, 0), 1_000_000), to=None, data=tally.CODE)
    node.request(SEND, [to_hex(deployment.raw)])
    place = keccak256(rlp.encode([BOB.address, b""]))[12:]
    outbox.put(tally.intent_of("no", ALICE.address, place, tally.word_of("no", refused=True)))
    engine = Dispatcher(
        node, outbox, {ALICE.address: ALICE}, chain_id=chain_id, gas_limit=GAS, owner="one", clock=clock, wait=never
    )
    done = engine.step()
    assert not isinstance(done.refused["no"], (NodeError, RejectedByContract))


# -- prices and bytes


def test_prices_follow_the_base_fee() -> None:
    pricing = Pricing()
    assert pricing.price(None) == Price(0, None)
    assert (pricing.price(0), pricing.price(7)) == (Price(0, 0), Price(14, 0))
    assert Pricing(tip=3).price(7) == Price(17, 3)
    assert Pricing(tip=3).price(None) == Price(3, None)
    assert Pricing(tip=3, cap=10).price(7) == Price(10, 3)


def test_a_replacement_offers_an_eighth_more_in_both_fields_up_to_the_cap() -> None:
    pricing = Pricing(cap=1_000)
    assert pricing.bumped(Price(0, 0), 0) == Price(1, 1)
    assert pricing.bumped(Price(0, 0), 100) == Price(200, 1)
    assert pricing.bumped(Price(100, 80), 0) == Price(113, 90)
    assert pricing.bumped(Price(0, None), None) == Price(1, None)
    assert pricing.bumped(Price(80, None), None) == Price(90, None)
    assert pricing.bumped(Price(900, None), None) is None
    assert pricing.bumped(Price(900, 0), 0) is None


@pytest.mark.parametrize("price", [Price(0, 0), Price(10**9, 7), Price(0, None), Price(10**9, None)])
@pytest.mark.parametrize("size", [0, 1, 4, 55, 56, 300, 70_000])
@pytest.mark.parametrize("is_deployment", [False, True])
def test_the_bytes_are_those_of_eth_account(price: Price, size: int, is_deployment: bool) -> None:
    for nonce in (0, 127, 128, 70_000):
        data, to = bytes([nonce % 251]) * size, None if is_deployment else BOB.address
        terms = Terms(price, 21_000 + size * 16)
        made = sign(ALICE, chain_id=1337, nonce=nonce, terms=terms, to=to, data=data)
        message: dict[str, Any] = {"chainId": 1337, "nonce": nonce, "gas": terms.gas, "value": 0, "data": data}
        message |= {} if to is None else {"to": checksum_address(to)}
        if price.tip is None:
            message |= {"gasPrice": price.fee}
        else:
            message |= {"type": 2, "maxFeePerGas": price.fee, "maxPriorityFeePerGas": price.tip, "accessList": []}
        oracle = Account.sign_transaction(message, bytes([1]) * 32)
        assert made.raw == bytes(oracle.raw_transaction)
        assert made.tx_hash == bytes(oracle.hash)
        assert terms_of(made.raw) == terms
