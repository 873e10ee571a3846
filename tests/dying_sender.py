"""Senders that die. They bring intents to their end on an anvil that forks and forgets, until SIGKILL.

    python -m tests.dying_sender forked PLAN    a warm process forks a child for every kill point; each child puts its
                                                intents, sends, and ends itself at the point that was drawn for it
    python -m tests.dying_sender live PLAN      one whole sender, which somebody else kills; says "put" when its intents
                                                are durable

A kill point is a moment at a place: before and after each method of the outbox, before each of its SQL statements and
before its commit; before a batch is sent, when a part of it has arrived, and when all of it has.

Blocks are made by hand: what befalls the chain - a block, a reorganisation that leaves out what it held, a pool that is
emptied, another base fee - does so while a sender waits, and between its questions. Its answers get lost or deny what
was done, and its clock is as wrong as the plan says. PLAN is JSON (`Plan`).
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event

from deedbook.chain.client import HttpNode, NodeError, Request
from deedbook.chain.dispatch import SEND, Dispatcher
from deedbook.domain.hashing import from_hex
from deedbook.domain.intents import ENDS, Intent
from deedbook.errors import ChainUnavailable
from deedbook.records.outbox import SqlOutbox
from deedbook.records.store import Records
from deedbook.wallet.signers import LocalSigner
from tests import tally
from tests.toy_sealer import ToySealer

PLACES: Final = {
    "put_all": "put",
    "lease": "lease",
    "release": "lease",
    "submit_all": "persist",
    "replace_all": "persist",
    "requeue_all": "persist",
    "fill": "persist",
    "fail": "persist",
    "mined_all": "mined",
    "forked": "forked",
    "finalise": "final",
}
"""Where a process can die, by method of the outbox; the other place is "send"."""
DEPTH: Final = 3
"""How many blocks a reorganisation replaces at the most; blocks below are final."""
GAS: Final = 100_000
TERM: Final = 2.0
"""Seconds of a lease."""
PATIENCE: Final = 3_000
"""After so many pauses a sender is taken to be stuck."""
STUCK: Final = 3
BROKEN: Final = 4
REFUSED: Final = 30
"""Every so many-th intent is one that the contract refuses; half of them are sent all the same."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do: `kills` children with `each` intents from number `first` on; or one sender with `each` of them.

    `node` is whom the sender asks, `url` the anvil itself. `owner` and `ahead` (seconds) are a live sender's.
    """

    url: str
    node: str
    records: str
    tally: str
    key: str
    seed: int
    first: int
    each: int
    kills: int = 0
    owner: str = "one"
    ahead: float = 0.0
    fees: bool = False

    def words(self, what: str) -> list[str]:
        """The command."""
        return [sys.executable, "-m", "tests.dying_sender", what, json.dumps(asdict(self))]


class Reaper:
    """Counts the kill points that are passed, by place, and ends the process at the one that was drawn."""

    def __init__(self, place: str = "", number: int = 0) -> None:
        self.seen: Counter[str] = Counter()
        self._place, self._number = place, number
        self._within = ""

    def passed(self, place: str) -> None:
        self.seen[place] += 1
        if place == self._place and self.seen[place] == self._number:
            os.kill(os.getpid(), signal.SIGKILL)

    def watches(self, outbox: SqlOutbox) -> None:
        """Has the outbox pass points in every method of PLACES, at its statements and before its commit."""
        for name, place in PLACES.items():
            setattr(outbox, name, self._mortal(getattr(outbox, name), place))
        event.listen(Engine, "before_cursor_execute", lambda *_: self._on_the_way())
        event.listen(Engine, "commit", lambda _: self._on_the_way())

    def _mortal(self, method: Callable[..., Any], place: str) -> Callable[..., Any]:
        def mortal(*given: Any, **named: Any) -> Any:
            self.passed(place)
            self._within = place
            try:
                found = method(*given, **named)
            finally:
                self._within = ""
            self.passed(place)
            return found

        return mortal

    def _on_the_way(self) -> None:
        if self._within:
            self.passed(self._within)


class Weather:
    """What happens to the chain of its own accord, one thing at a time; `tell` hears of it.

    One thing at a time among all processes, too: an anvil that is to reorganise and to mine at once loses state that
    its own blocks show.
    """

    def __init__(self, plan: Plan, draw: random.Random, tell: Callable[[str], None]) -> None:
        self._node = HttpNode(plan.url)
        self._draw = draw
        self._tell = tell
        self._fees = plan.fees
        self._turns = Path(plan.records.removeprefix("sqlite:///") + ".turns")

    def turn(self) -> None:
        """Mostly a block."""
        with self._turns.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self._befall()

    def _befall(self) -> None:
        drawn = self._draw.random()
        if drawn < 0.72:
            self._node.request("evm_mine", [])
        elif drawn < 0.82:
            self._node.request("anvil_dropAllTransactions", [])
            self._tell("dropped pool")
        elif drawn < 0.92:
            if int(self._node.request("eth_blockNumber", []), 16) > 2 * DEPTH:
                depth = self._draw.randint(1, DEPTH)
                self._node.request("anvil_reorg", [depth, []])
                self._tell(f"reorg of {depth}")
        elif drawn < 0.95 and self._fees:
            self._node.request("anvil_setNextBlockBaseFeePerGas", [hex(self._draw.choice((0, 0, 7, 40, 900)))])
            self._node.request("evm_mine", [])
            self._tell("base fee")


class Wire(HttpNode):
    """The node as the sender sees it: it dies on the way, loses answers, denies what it has done."""

    def __init__(self, url: str, reaper: Reaper, weather: Weather, draw: random.Random) -> None:
        super().__init__(url)
        self._reaper = reaper
        self._weather = weather
        self._draw = draw

    def request(self, method: str, params: Sequence[Any]) -> Any:
        self._around()
        return super().request(method, params)

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        self._around()
        if not requests or requests[0][0] != SEND:
            return super().batch(requests)
        self._reaper.passed("send")
        some = self._draw.randint(0, len(requests))
        found = super().batch(requests[:some])
        self._reaper.passed("send")
        found += super().batch(requests[some:])
        self._reaper.passed("send")
        drawn = self._draw.random()
        if drawn < 0.05:
            raise ChainUnavailable("the answer is lost")
        if drawn < 0.15:
            words = self._draw.choice(("already known", "nonce too low", "replacement transaction underpriced"))
            return [NodeError(-32000, words)] * len(requests)
        return found

    def _around(self) -> None:
        drawn = self._draw.random()
        if drawn < 0.02:
            raise ChainUnavailable("the line is cut")
        if drawn < 0.06:
            self._weather.turn()


class Hours:
    """A clock that is `ahead` by some seconds and goes on only while one waits; it is weather that passes the time."""

    def __init__(self, now: float, weather: Weather) -> None:
        self.now = now
        self._weather = weather
        self._waits = 0

    def __call__(self) -> float:
        self.now += 0.0005
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._waits += 1
        if self._waits > PATIENCE:
            os._exit(STUCK)
        self._weather.turn()


def intents_of(plan: Plan, numbers: Sequence[int]) -> list[tuple[Intent, bool]]:
    """The intents of these numbers, each with whether it counts as judged: what is not, the sender tries first."""
    signer = LocalSigner(from_hex(plan.key, "key")).address
    found = []
    for number in numbers:
        key = f"intent {number}"
        word = tally.word_of(key, refused=number % REFUSED == REFUSED - 1)
        found.append(
            (tally.intent_of(key, signer, from_hex(plan.tally, "tally"), word), number % (2 * REFUSED) < REFUSED)
        )
    return found


def put(outbox: SqlOutbox, plan: Plan, numbers: Sequence[int]) -> None:
    """Asks for the intents, the judged ones first."""
    wanted = intents_of(plan, numbers)
    for judged in (True, False):
        outbox.put_all([intent for intent, is_judged in wanted if is_judged is judged], judged=judged)


def over(outbox: SqlOutbox) -> bool:
    """Whether every intent has come to its end."""
    return set(outbox.counts()) <= set(ENDS)


# -- children of a warm process ----------------------------------------------------------------------------------------


def child(
    plan: Plan, number: int, numbers: Sequence[int], aim: tuple[str, int], out: int, *, calm: bool = False
) -> None:
    """One life: puts, sends, and dies where it is drawn, or ends when everything has; tells through `out`."""
    draw = random.Random(f"{plan.seed} {number}")

    def tell(word: str) -> None:
        os.write(out, word.encode() + b"\n")

    reaper = Reaper(*aim)
    weather = Weather(plan, draw, tell)
    if calm:
        weather.turn = lambda: HttpNode(plan.url).request("evm_mine", [])  # type: ignore[method-assign]
    hours = Hours(1_800_000_000 + number * 60 + draw.choice((0, 0, 3600, -3600, TERM, -TERM)), weather)
    outbox = Records.open(plan.records, ToySealer()).outbox
    reaper.watches(outbox)
    put(outbox, plan, numbers)
    tell("put")
    signer = LocalSigner(from_hex(plan.key, "key"))
    node = HttpNode(plan.node) if calm else Wire(plan.node, reaper, weather, draw)
    dispatcher = Dispatcher(
        node,
        outbox,
        {signer.address: signer},
        chain_id=31_337,
        final=lambda tip: tip - DEPTH,
        gas_limit=GAS,
        owner=draw.choice(("one", "one", "other")),
        lease=TERM,
        clock=hours,
        wait=hours.wait,
    )
    dispatcher.run(lambda: over(outbox))
    dispatcher.close()
    tell("seen " + json.dumps(reaper.seen))


def forked(plan: Plan) -> dict[str, Any]:
    """Forks children until `kills` of them died at their point, then one that ends everything; what happened."""
    draw = random.Random(plan.seed)
    told: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    usual = {"put": 4, "lease": 4, "persist": 5, "send": 3, "mined": 4, "final": 4, "forked": 4}
    next_one, waiting, lives = plan.first, list[int](), 0
    while killed.total() < plan.kills:
        if not waiting:
            waiting = list(range(next_one, next_one + plan.each))
            next_one += plan.each
        place = draw.choice(sorted(usual))
        aim = (place, draw.randint(1, usual[place]))
        ended, words = fork(partial(child, plan, lives, waiting, aim))
        lives += 1
        if "put" in words:
            waiting = []
        if ended == -signal.SIGKILL:
            killed[place] += 1
        elif ended != 0:
            raise SystemExit(f"life {lives - 1}, to end at {aim}, ended with {ended}")
        for word in words:
            if word.startswith("seen "):
                seen = json.loads(word.removeprefix("seen "))
                usual |= {name: min(40, max(usual.get(name, 1), count)) for name, count in seen.items()}
            elif word != "put":
                told[word] += 1
    ended, _ = fork(partial(child, plan, lives, waiting, ("", 0), calm=True))
    if ended != 0:
        raise SystemExit(f"the last life ended with {ended}")
    return {
        "intents": next_one - plan.first,
        "lives": lives + 1,
        "killed": dict(sorted(killed.items())),
        **dict(sorted(told.items())),
    }


def fork(work: Callable[[int], None]) -> tuple[int, list[str]]:
    """Does the work in a child; how it ended (minus the signal's number), and what it said."""
    into, out = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = BROKEN
        try:
            os.close(into)
            work(out)
            code = 0
        except BaseException:  # noqa: BLE001 - the child's last words
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(out)
    with os.fdopen(into, "rb") as said:
        words = said.read().decode().splitlines()
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), words


# -- a whole process ---------------------------------------------------------------------------------------------------


def live(plan: Plan) -> None:
    """Puts its intents, says so, and sends until it is killed or everything has come to its end."""
    draw = random.Random(f"{plan.seed} {plan.owner} {plan.first}")
    outbox = Records.open(plan.records, ToySealer()).outbox
    put(outbox, plan, range(plan.first, plan.first + plan.each))
    print("put", flush=True)
    weather = Weather(plan, draw, lambda word: print(word, flush=True))
    signer = LocalSigner(from_hex(plan.key, "key"))

    def wait(seconds: float) -> None:
        time.sleep(min(seconds, 0.02))
        weather.turn()

    dispatcher = Dispatcher(
        HttpNode(plan.node),
        outbox,
        {signer.address: signer},
        chain_id=31_337,
        final=lambda tip: tip - DEPTH,
        gas_limit=GAS,
        owner=plan.owner,
        lease=TERM / 4,
        batch=10,
        resend=0.2,
        clock=lambda: time.time() + plan.ahead,
        wait=wait,
    )
    dispatcher.run(lambda: over(outbox))
    dispatcher.close()


def main(what: str, plan: str) -> None:
    given = Plan(**json.loads(plan))
    if what == "forked":
        print(json.dumps(forked(given)))
    else:
        live(given)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
