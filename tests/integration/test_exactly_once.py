"""Every intent is done exactly once, wherever a sender dies and whatever the chain forgets; the chain itself is asked.

Small counts here; under the deep profile those of the issue: 1,000 kill points in forked children and 50 whole
processes killed, 10,000 intents. What happened is left where DEEDBOOK_FIGURES says.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook.chain.client import HttpNode, Node, NodeError
from deedbook.chain.dispatch import SEND, Dispatcher
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.intents import IntentRow, IntentState
from deedbook.records.outbox import SqlOutbox
from deedbook.records.store import Records
from deedbook.wallet.signers import LocalSigner
from tests import tally
from tests.dying_sender import DEPTH, GAS, Plan, intents_of, over, put
from tests.fault_node import ALREADY_KNOWN, NONCE_TOO_LOW, Ask, CloseAfter, CloseBefore, Delay, Fault, FaultNode, Reset
from tests.integration.anvil_node import anvil_address
from tests.toy_sealer import ToySealer

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
KILLS, EACH = (1_000, 8) if DEEP else (30, 5)
PROCESSES, EACH_PROCESS = (50, 40) if DEEP else (2, 15)
PAIR = 400 if DEEP else 40
KEY = bytes([7]) * 32
SIGNER = LocalSigner(KEY)
FAULTS: dict[Fault, float] = {
    Reset(): 0.02,
    CloseBefore(): 0.02,
    CloseAfter(): 0.03,
    Delay(0.02): 0.05,
    ALREADY_KNOWN: 0.02,
    NONCE_TOO_LOW: 0.02,
}


@dataclass
class Scene:
    """An anvil whose blocks are made by hand, a Tally on it, and where the senders keep their outbox."""

    url: str
    node: HttpNode
    tally: bytes
    records: str

    def plan(self, **what: Any) -> Plan:
        said: dict[str, Any] = {"url": self.url, "node": self.url, "records": self.records, "tally": to_hex(self.tally)}
        return Plan(**(said | {"key": to_hex(KEY), "seed": 20_261_122} | what))

    def outbox(self) -> SqlOutbox:
        return Records.open(self.records, ToySealer()).outbox


@pytest.fixture
def scene(anvil: Path, tmp_path: Path) -> Iterator[Scene]:
    options = ("--no-mining", "--accounts", "1", "--prune-history", "64")
    with anvil_address(anvil, chain_id=31_337, start=None, options=options) as url:
        node = HttpNode(url)
        who = node.request("eth_accounts", [])[0]
        code = {"from": who, "data": to_hex(tally.CODE), "gas": hex(10**6), "gasPrice": "0x0"}
        created = node.request("eth_sendTransaction", [code])
        node.request("evm_mine", [])
        address = node.request("eth_getTransactionReceipt", [created])["contractAddress"]
        node.request("anvil_setBalance", [to_hex(SIGNER.address), hex(10**24)])
        yield Scene(url, node, from_hex(address.lower(), "address", 20), f"sqlite:///{tmp_path / 'records.sqlite'}")


# -- the judge ---------------------------------------------------------------------------------------------------------


def judged(scene: Scene, numbers: range) -> dict[str, int]:
    """Asks the chain what became of the intents of these numbers; what it found.

    Raises AssertionError where one was done twice or not at all, where a row is not at its end, or where its receipt
    is not the final chain's.
    """
    wanted = intents_of(scene.plan(first=0, each=0), numbers)
    rows = {row.intent.key: row for row in scene.outbox().finished()}
    times = tally.logged(scene.node, scene.tally)
    assert tally.stored(scene.node, scene.tally, list(times)) == times
    good = {intent.data[4:] for intent, _ in wanted if intent.data[4] != 0xFF}
    found = {
        "intents": len(wanted),
        "doubled": sum(count - 1 for count in times.values()),
        "lost": len(good - times.keys()),
        "of nobody": len(times.keys() - good),
    }
    assert (found["doubled"], found["lost"], found["of nobody"]) == (0, 0, 0), found
    assert scene.outbox().unfinished() == []
    assert rows.keys() == {intent.key for intent, _ in wanted}
    for intent, is_judged in wanted:
        row = rows[intent.key]
        assert row.intent == intent
        assert (row.state is IntentState.FINAL) == (intent.data[4:] in good), row
        assert (row.mined is None) == (not is_judged and row.state is IntentState.FAILED), row
    mined = [row for row in rows.values() if row.mined is not None]
    _require_receipts(scene.node, mined)
    nonces = sorted(row.transaction.nonce for row in mined if row.transaction is not None)
    used = int(scene.node.request("eth_getTransactionCount", [to_hex(SIGNER.address), "latest"]), 16)
    assert len(set(nonces)) == len(nonces)
    fillers = scene.outbox().fillers(SIGNER.address, 0)
    assert used == len(nonces) + len(fillers), "a nonce was used for something else"
    return found | {"refused": len(wanted) - len(good), "gaps filled": len(fillers)}


def _require_receipts(node: HttpNode, rows: list[IntentRow]) -> None:
    """Each row's receipt is the one that the node has, in a block that is final."""
    final = int(node.request("eth_blockNumber", []), 16) - DEPTH
    for start in range(0, len(rows), 200):
        part = rows[start : start + 200]
        asked = [("eth_getTransactionReceipt", [to_hex(row.mined.tx_hash)]) for row in part if row.mined]
        for row, receipt in zip(part, node.batch(asked), strict=True):
            assert not isinstance(receipt, NodeError)
            assert receipt is not None, f"{row.intent.key}: the chain does not have its transaction"
            assert row.mined is not None
            assert row.transaction is not None
            kept = (row.mined.block_number, row.mined.block_hash, row.mined.status, row.mined.gas_used)
            names = ("blockNumber", "status", "gasUsed")
            number, status, gas = (int(receipt[name], 16) for name in names)
            assert kept == (number, from_hex(receipt["blockHash"], "hash", 32), status, gas), row.intent.key
            assert row.mined.tx_hash == row.transaction.tx_hash
            assert number <= final


def left(figures: dict[str, Any], name: str) -> None:
    """Leaves figures for the report of the deep run, and shows them."""
    line = json.dumps({name: figures})
    print(line)
    if place := os.environ.get("DEEDBOOK_FIGURES"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(line + "\n")


# -- processes ---------------------------------------------------------------------------------------------------------


def environment(root: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(root / "src"), str(root)))}


# -- kill points -------------------------------------------------------------------------------------------------------


def test_each_intent_is_done_once_wherever_its_sender_dies(scene: Scene, root: Path) -> None:
    plan = scene.plan(first=0, each=EACH, kills=KILLS, fees=True)
    run = subprocess.run(
        plan.words("forked"), cwd=root, env=environment(root), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-4000:]
    happened = json.loads(run.stdout)
    assert sum(happened["killed"].values()) == KILLS
    figures = {"kill points": KILLS, **happened, **judged(scene, range(happened["intents"]))}
    left(figures, "forked children")


# -- whole processes ---------------------------------------------------------------------------------------------------


class Crowd:
    """At most two senders at a time, of whom one is killed when another comes; `told` is what befell the chain."""

    def __init__(self, scene: Scene, root: Path, url: str) -> None:
        self.first = self.killed = 0
        self.told: Counter[str] = Counter()
        self._scene, self._root, self._url = scene, root, url
        self._draw = random.Random(9)
        self._alive: list[subprocess.Popen[str]] = []

    def another(self) -> None:
        """Starts one, and kills one: itself soon, or either some moments after its intents are in the outbox."""
        process = self.start(EACH_PROCESS)
        if self._draw.random() < 0.2:
            time.sleep(self._draw.random())
            self.first += EACH_PROCESS if self._kill(process) else 0
            return
        assert process.stdout is not None
        assert process.stdout.readline() == "put\n"
        self.first += EACH_PROCESS
        time.sleep(self._draw.random() * 0.3)
        if len(self._alive) > 1:
            self._kill(self._draw.choice(self._alive))

    def start(self, each: int, **more: Any) -> subprocess.Popen[str]:
        """A sender that is to put so many intents; its name may be another's, its clock may be wrong."""
        drawn = {
            "owner": f"sender {self._draw.randint(1, 3)}",
            "ahead": self._draw.choice((0, 0, 3600, -3600, 30, -30)),
        }
        plan = self._scene.plan(first=self.first, each=each, node=self._url, **(drawn | more))
        words, place = plan.words("live"), environment(self._root)
        process = subprocess.Popen(words, cwd=self._root, env=place, stdout=subprocess.PIPE, text=True)
        self._alive.append(process)
        return process

    def finish(self) -> None:
        """Waits until everything has come to its end, by those that are alive and one that looks after them."""
        self.start(0)
        while self._alive:
            assert self._alive[0].wait(timeout=120) == 0
            self._said(self._alive.pop(0))

    def end(self) -> None:
        """Leaves nobody behind."""
        for process in self._alive:
            process.kill()
            process.communicate()

    def _kill(self, process: subprocess.Popen[str]) -> bool:
        """Whether it had its intents in the outbox by then."""
        process.send_signal(signal.SIGKILL)
        code = process.wait()
        assert code in (0, -signal.SIGKILL)
        self.killed += code != 0
        self._alive.remove(process)
        return self._said(process)

    def _said(self, process: subprocess.Popen[str]) -> bool:
        assert process.stdout is not None
        words = process.stdout.read().splitlines()
        process.stdout.close()
        self.told.update(word for word in words if word != "put")
        return "put" in words


def test_each_intent_is_done_once_though_whole_senders_are_killed(scene: Scene, root: Path) -> None:
    """Two at a time for one account, their clocks up to an hour apart, on a line that loses and denies answers."""
    with FaultNode(HttpNode(scene.url)) as proxy:
        proxy.seeded(5, FAULTS)
        crowd = Crowd(scene, root, proxy.url)
        try:
            while crowd.killed < PROCESSES:
                crowd.another()
            proxy.clear()
            crowd.finish()
        finally:
            crowd.end()
        met = sum(bool(each.fault) for each in proxy.served)
    figures = {"kill -9": crowd.killed, "faults on the wire": met, **dict(sorted(crowd.told.items()))}
    left({**figures, **judged(scene, range(crowd.first))}, "whole processes")


def test_two_senders_of_one_account_do_each_intent_once(scene: Scene, root: Path) -> None:
    """One clock is an hour ahead, the other an hour behind: each takes the other's lease for over or for endless."""
    crowd = Crowd(scene, root, scene.url)
    try:
        for owner, ahead in (("early", -3600.0), ("late", 3600.0)):
            process = crowd.start(PAIR, owner=owner, ahead=ahead)
            assert process.stdout is not None
            assert process.stdout.readline() == "put\n"
            crowd.first += PAIR
        crowd.finish()
    finally:
        crowd.end()
    judged(scene, range(crowd.first))


# -- what a node says is no proof --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forgetful:
    """Does not find transactions by their hash: says nothing, or says why (as geth does while it indexes)."""

    reason: str = ""

    def answer(self, ask: Ask, method: str, params: Sequence[Any]) -> Any:
        if method not in ("eth_getTransactionReceipt", "eth_getTransactionByHash"):
            return ask(method, params)
        if self.reason:
            raise NodeError(-32000, self.reason)
        return None


class Pauses:
    """A clock that goes on while one waits; a block comes with every pause."""

    def __init__(self, node: Node) -> None:
        self.now = 1_800_000_000.0
        self._node = node

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._node.request("evm_mine", [])


def sender(scene: Scene, node: Node, pauses: Pauses) -> Dispatcher:
    """A dispatcher in this process."""
    return Dispatcher(
        node,
        scene.outbox(),
        {SIGNER.address: SIGNER},
        chain_id=31_337,
        final=lambda tip: tip - DEPTH,
        gas_limit=GAS,
        owner="sender",
        clock=pauses,
        wait=pauses.wait,
    )


@pytest.mark.parametrize("reason", ["", "transaction indexing is in progress"])
def test_what_a_node_no_longer_finds_is_not_done_again(scene: Scene, reason: str) -> None:
    """A sender dies when its transactions have arrived; they are mined; the next one asks a node without an index."""
    put(scene.outbox(), scene.plan(first=0, each=0), range(7))
    sender(scene, HttpNode(scene.url), Pauses(scene.node)).step()
    for _ in range(2 * DEPTH):
        scene.node.request("evm_mine", [])
    with FaultNode(HttpNode(scene.url)) as proxy:
        proxy.always(Forgetful(reason))
        pauses = Pauses(scene.node)
        after = sender(scene, HttpNode(proxy.url), pauses)
        for _ in range(60):
            after.step()
            pauses.wait(1.0)
        after.close()
    judged(scene, range(7))


def test_another_transaction_of_the_account_takes_no_intent_away(scene: Scene) -> None:
    """Somebody uses the key beside us, and with it the nonces that three intents were signed for."""
    put(scene.outbox(), scene.plan(first=0, each=0), range(3))
    cut = FaultNode(HttpNode(scene.url))
    with cut:
        cut.then(CloseBefore(), methods=[SEND], times=9)
        sender(scene, HttpNode(cut.url), Pauses(scene.node)).step()
    scene.node.request("anvil_impersonateAccount", [to_hex(SIGNER.address)])
    for _ in range(3):
        gift = {"from": to_hex(SIGNER.address), "to": to_hex(bytes(20)), "gasPrice": "0x0"}
        scene.node.request("eth_sendTransaction", [gift])
    pauses = Pauses(scene.node)
    after = sender(scene, HttpNode(scene.url), pauses)
    after.run(lambda: over(scene.outbox()))
    times = tally.logged(scene.node, scene.tally)
    assert (len(times), max(times.values())) == (3, 1)
    rows = [scene.outbox().get(f"intent {number}") for number in range(3)]
    assert [row.state for row in rows if row is not None] == [IntentState.FINAL] * 3


# -- prices ------------------------------------------------------------------------------------------------------------


def test_what_was_sent_for_nothing_is_done_once_after_the_base_fee_rose(scene: Scene) -> None:
    """The chain was free when the transactions were sent; before a block takes them, it no longer is. Twice."""
    put(scene.outbox(), scene.plan(first=0, each=0), range(12))
    pauses = Pauses(scene.node)
    dispatcher = sender(scene, HttpNode(scene.url), pauses)
    dispatcher.step()
    assert {row.transaction.nonce for row in scene.outbox().unfinished() if row.transaction} == set(range(12))
    for fee in (7, 1_000):
        scene.node.request("anvil_setNextBlockBaseFeePerGas", [hex(fee)])
        scene.node.request("evm_mine", [])
        assert not tally.logged(scene.node, scene.tally)
        dispatcher.step()
    dispatcher.run(lambda: over(scene.outbox()))
    rows = [scene.outbox().get(row.intent.key) for row in scene.outbox().finished()]
    assert min(len(row.attempts) for row in rows if row is not None) > 1
    judged(scene, range(12))
