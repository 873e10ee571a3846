"""A live network with an exchange on it: intents are put and driven all the time, and a mirror follows.

Three threads: one puts intents (counts of `Tally.sol`, and admissions that the mirror shows), one drives them with a
`Dispatcher`, one follows the chain into the mirror. What is wrong is collected in `faults`; a node that does not answer
is not wrong. `judge` asks the chain itself what became of the intents.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from deedbook.bootstrap.services import GOVERNANCE, Services
from deedbook.bootstrap.validators import finality
from deedbook.chain import abis, deadlock
from deedbook.chain.client import HttpNode, Node, NodeError
from deedbook.chain.dispatch import Dispatcher
from deedbook.config import Settings
from deedbook.domain.codes import JURISDICTION_CN, Role
from deedbook.domain.hashing import keccak256
from deedbook.domain.intents import Intent, IntentState
from deedbook.domain.members import Admission
from deedbook.errors import ChainUnavailable, DeedbookError, Locked
from deedbook.mirror.rebuild import Comparison, check
from deedbook.wallet.signers import LocalSigner
from tests import tally
from tools.network import Network

SETTLING = 300.0
"""Seconds that a healed network has to agree on one head and to seal on it."""
MEETING = 45.0
"""Seconds in which nodes have met again that could not: geth calls a peer no more often than every 35."""
STUCK = 8.0
"""Seconds without a new head anywhere after which a network that disagrees is taken for deadlocked."""
ENDING = 240.0
"""Seconds that all intents have to come to their ends."""
GAS = 1_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a drill began: when, how many intents there were, how many reorgs, and how many blocks undone."""

    began: float
    intents: int
    reorgs: int
    undone: int


class Stage:
    """A network in `folder` and an exchange on it. Use as a context manager."""

    def __init__(self, folder: Path, seed: int, *, period: int = 1, say: Callable[[str], None] = print) -> None:
        self.network = Network(folder / "network", period=period, seed=str(seed), say=say)
        self.random = random.Random(seed)
        self.faults: list[str] = []
        self.undone = 0
        self.recoveries = 0
        self._folder = folder
        self._say = say
        self._words: dict[str, bytes] = {}
        self._admitted: dict[str, bytes] = {}
        self._ending = threading.Event()
        self._feeding = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Stage:
        began = time.monotonic()
        self.network.start()
        try:
            self._open()
        except BaseException:
            self.network.stop()
            raise
        self._say(f"the exchange is deployed; {time.monotonic() - began:.0f} s so far")
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._dispatcher.close()
        self._services.close()
        self.network.stop()

    # -- what a drill does ---------------------------------------------------------------------------------------------

    def mark(self) -> Mark:
        """Where we are."""
        self._feeding.set()
        return Mark(time.monotonic(), len(self._words) + len(self._admitted), len(self.network.reorgs()), self.undone)

    def run_for(self, seconds: float) -> None:
        """Lets everything go on for a while, at the pace of the network's blocks."""
        self._ending.wait(seconds * max(1, self.network.period))

    def settle(self) -> None:
        """Waits until all nodes have one head again and seal; where they stand still apart, the operators' recovery
        (`chain.deadlock`) runs, and is counted. Raises AssertionError where that does not help either."""
        began = time.monotonic()
        while time.monotonic() < began + SETTLING:
            if self.network.agree(5) and self.network.wait_for_blocks(2, 10):
                return
            if time.monotonic() > began + MEETING and self._is_stuck():
                self._recover()
        raise AssertionError(f"the nodes do not agree: {self.network.heads()}")

    @property
    def nodes(self) -> dict[str, Node]:
        """Each node by name, asked directly."""
        return {node.name: HttpNode(node.url, timeout=5) for node in self.network.nodes}

    def _is_stuck(self) -> bool:
        try:
            return deadlock.is_stuck(self.nodes, STUCK)
        except (ChainUnavailable, NodeError):
            return False

    def _recover(self) -> None:
        try:
            made = deadlock.plan(self.nodes)
            if made.rewinds:
                gone = ", ".join(f"{each.node} drops {each.drops}" for each in made.rewinds)
                self._say(f"the network is deadlocked at block {made.keep.number}; debug_setHead: {gone}")
                self.recoveries += 1
                deadlock.rejoin(self.nodes, made)
        except (ChainUnavailable, NodeError) as reason:
            self._say(f"recovery: {reason}")

    # -- what became of it ---------------------------------------------------------------------------------------------

    def judge(self, since: Mark) -> dict[str, Any]:
        """What a drill led to, every intent put so far included. Raises AssertionError naming the first false thing."""
        self._feeding.clear()
        self._wait_for_ends()
        head = self.network.agree(60)
        assert head is not None, f"the nodes have several heads: {self.network.heads()}"
        counted = self._counted()
        rows = self._mirror_equals_rebuild()
        assert not self.faults, self.faults
        reorgs = self.network.reorgs()[since.reorgs :]
        return {
            "intents": counted + len(self._admitted) - since.intents,
            "block": head[0],
            "reorgs": len(reorgs),
            "deepest": max((each.dropped for each in reorgs), default=0),
            "undone": self.undone - since.undone,
            "mirror_rows": rows,
        }

    def _wait_for_ends(self) -> None:
        deadline = time.monotonic() + ENDING
        outbox = self._services.records.outbox
        while left := outbox.unfinished():
            assert not self.faults, self.faults
            if time.monotonic() > deadline:
                states = Counter(str(row.state) for row in left)
                raise AssertionError(f"intents have not ended in {ENDING:.0f} s: {dict(states)}")
            self._ending.wait(0.5)

    def _counted(self) -> int:
        """Every intent is FINAL in the outbox, and the chain has counted each exactly once."""
        outbox, node = self._services.records.outbox, HttpNode(self.network.rpc_url)
        states = Counter(row.state for key in (*self._words, *self._admitted) if (row := outbox.get(key)))
        total = len(self._words) + len(self._admitted)
        assert states == {IntentState.FINAL: total}, f"{states} of {total} intents"
        once = Counter(dict.fromkeys(self._words.values(), 1))
        assert tally.stored(node, self._tally, self._words.values()) == once, "not every word was stored once"
        assert tally.logged(node, self._tally) == once, "not every word was logged once"
        return len(once)

    def _mirror_equals_rebuild(self) -> int:
        """The mirror at the network's head is what a rebuild gives, row by row, and knows everybody admitted."""
        with self._following:
            found = self._checked()
        assert found.equal, found.to_json()["differences"]
        rows = {table.table: table.rows for table in found.tables}
        assert rows["participants"] == len(self._admitted), rows
        return sum(rows.values())

    def _checked(self) -> Comparison:
        """Compared at a head that the network did not leave meanwhile."""
        deadline = time.monotonic() + SETTLING
        while True:
            self._services.follow()
            try:
                return check(self._services.source, self._services.mirror, self._services.decoder.decode)
            except ChainUnavailable as error:
                if error.failure != "forked" or time.monotonic() > deadline:
                    raise

    # -- making --------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        urls = tuple(node.url for node in (self.network.nodes[-1], *self.network.signers))
        settings = Settings(home=self._folder / "home", rpc_urls=urls, consensus="clique")
        self._services = Services.init(settings)
        self._services.build()
        self._following = threading.Lock()
        self._make_sender()
        for work in (self._feed, self._send, self._follow):
            self._threads.append(threading.Thread(target=work, name=work.__name__, daemon=True))
        for thread in self._threads:
            thread.start()

    def _make_sender(self) -> None:
        governance = self._services.signer(GOVERNANCE)
        self._counters = [LocalSigner(keccak256(b"counter %d" % number)) for number in range(2)]
        signers = {signer.address: signer for signer in (governance, *self._counters)}
        self._tally = self._services.sender.deploy("Tally", tally.CODE, self._counters[0], key="deploy Tally")
        node = self._services.node
        self._dispatcher = Dispatcher(
            node,
            self._services.records.outbox,
            signers,
            chain_id=self._services.chain_id,
            final=finality(node, self._services.validators),
            gas_limit=GAS,
            owner="drills",
        )

    # -- the threads ---------------------------------------------------------------------------------------------------

    def _feed(self) -> None:
        membership = self._services.deployment.addresses["Membership"]
        governance = self._services.signer(GOVERNANCE).address
        while not self._ending.wait(0.5):
            if not self._feeding.is_set():
                continue
            intents = []
            for _ in range(self.random.randint(1, 4)):
                key = f"count {len(self._words)}"
                self._words[key] = tally.word_of(key)
                signer = self.random.choice(self._counters).address
                intents.append(tally.intent_of(key, signer, self._tally, self._words[key]))
            if self.random.random() < 0.4:
                key = f"admit {len(self._admitted)}"
                self._admitted[key] = keccak256(key.encode())[12:]
                intents.append(_admission(key, governance, membership, self._admitted[key]))
            self._guarded(partial(self._services.records.outbox.put_all, intents))

    def _send(self) -> None:
        while not self._ending.is_set():
            self._guarded(lambda: self._dispatcher.run(self._ending.is_set))

    def _follow(self) -> None:
        while not self._ending.wait(0.3):
            with self._following:
                progress = self._guarded(self._services.follow)
            if progress is not None:
                self.undone += progress.undone

    def _guarded(self, work: Callable[[], Any]) -> Any:
        """Does it; what a faulty node may cause is retried, anything else is a fault of ours."""
        try:
            return work()
        except (ChainUnavailable, Locked):
            self._ending.wait(0.3)
        except DeedbookError as error:
            self.faults.append(f"{threading.current_thread().name}: {type(error).__name__}: {error}")
            self._ending.wait(1)
        return None


def _admission(key: str, governance: bytes, membership: bytes, account: bytes) -> Intent:
    admission = Admission(keccak256(account), JURISDICTION_CN, int(Role.BUYER), 2**40)
    data = abis.encode_call("Membership", "admit", (account, admission.as_tuple()))
    return Intent(key, governance, membership, "Membership", "admit", data)
