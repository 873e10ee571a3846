"""An exchange's day on the live network: service, nodes, PostgreSQL and SeaweedFS, each killed again and again.

    python -m tests.network.runner --only day [--day 200/4/20] [--every 8]

The service is `deedbook serve`, set up by commands and told by variables, as an exchange runs it; a supervisor starts
it again when it ends. The exchange's own systems (`tests.network.exchange`) speak HTTP with it and nothing else. Every
`every` seconds one part is killed by SIGKILL, in rounds of a seeded order in which each has its turn, stays away for a
while, and comes back; nothing is killed before what was killed last is back. What it led to is judged by
`tests.network.judging`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import IO, Any, Final

from deedbook.audit.export import trust_at
from deedbook.chain import deadlock
from deedbook.chain.client import HttpNode, NodeError
from deedbook.chain.decoding import decode_event
from deedbook.chain.transactions import log_of
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.validators import Span, Validators
from deedbook.errors import ChainUnavailable
from tests.e2e.command_line import command, environment
from tests.network.exchange import HOSTED, Exchange, Sizes, leaf_of
from tests.network.judging import ChainEvent, Evidence, judge
from tests.postgresql_server import Server
from tests.seaweedfs_server import Store
from tests.webhook_receiver import Received, Receiver
from tools.network import Network, free_ports

AWAY: Final = (1.0, 5.0)
"""How long a killed part stays away, at least and at most."""
BACK: Final = 300.0
"""Seconds in which the service is there again; nothing else is killed before."""
PARTS: Final = ("service", "node", "database", "store")
SETTLING: Final = 600.0
"""Seconds in which, once nothing is killed any more, everything told has come to its end."""
STUCK: Final = 15.0
"""Seconds without a new head after which a network that disagrees is taken for deadlocked."""
REFUSING: Final = 0.03
"""How often the receiver of webhooks is not in the mood."""
PAUSE: Final = 2.0
"""Seconds between requests that bring entries."""
UNTOLD: Final = ("AccessManager", "Forwarder")
"""Contracts that are not the deployment's own: their events are nobody's news."""
PAGE: Final = 200
"""Blocks that are asked for at once."""
SCOPES: Final[Mapping[str, Sequence[str]]] = {
    "exchange": ("read", "act", "collect", "anchor", "own", "operate"),
    "merchant": ("read", "act", "collect"),
}

Say = Callable[[str], None]


def exchange_day(folder: Path, seed: int, sizes: Sizes, every: float, say: Say, *, period: int = 1) -> dict[str, Any]:
    """Runs it; what was counted. No part is killed where `every` is 0. Raises AssertionError naming the first false
    thing."""
    say(f"seed {seed}, {sizes}, a kill every {every:.0f} s")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with Day(folder, seed, sizes, say, period=period) as day:
        day.open()
        began = time.monotonic()
        with day.killing(every) if every else ExitStack():
            day.trade()
        lasted = time.monotonic() - began
        day.settle()
        counted = judge(day.evidence())
        day.require_whole()
        return {**counted, **day.seen(), "day": round(lasted)}


class Service:
    """`deedbook serve` in a process of its own, always at one address, started again when it ends."""

    def __init__(self, home: Path, said: Mapping[str, str]) -> None:
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.home = home
        self._said = {**said, "DEEDBOOK_PORT": str(self.port)}
        self._away_until = 0.0
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self.begun = 0

    @property
    def log(self) -> Path:
        """What it says on standard error, over all its lives."""
        return self.home.with_suffix(".log")

    def run(self, *words: str) -> str:
        """A command of the home; what it printed. Raises AssertionError where it fails."""
        done = subprocess.run(
            command("--home", str(self.home), *words), env=environment(**self._said), capture_output=True, text=True
        )
        assert done.returncode == 0, (words, done.returncode, done.stderr[-2000:])
        return done.stdout

    def start(self) -> None:
        """Begins to supervise it."""
        self._thread.start()

    def kill(self, away: float) -> None:
        """SIGKILL; it is started again after `away` seconds."""
        self._away_until = time.monotonic() + away
        if self._process is not None:
            self._process.kill()

    def wait(self, seconds: float) -> None:
        """Until it answers again. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while not self._answers():
            if time.monotonic() > until:
                raise TimeoutError(f"the service does not answer: see {self.log}")
            time.sleep(0.2)

    def close(self) -> None:
        """Asks it to end, and ends the supervisor."""
        self._ending.set()
        if self._process is not None:
            self._process.terminate()
        if self._thread.ident is not None:
            self._thread.join()

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/livez", timeout=5) as answer:
                return bool(answer.status == 200) and time.monotonic() > self._away_until
        except (OSError, HTTPException):
            return False

    def _supervise(self) -> None:
        with self.log.open("ab") as log:
            while not self._ending.is_set():
                self._live(log)
                self._ending.wait(max(1.0, self._away_until - time.monotonic()))

    def _live(self, log: IO[bytes]) -> None:
        self.begun += 1
        words = command("--home", str(self.home), "serve", "--json")
        told = environment(**self._said)
        self._process = subprocess.Popen(words, env=told, cwd="/", stdout=subprocess.DEVNULL, stderr=log)
        if self._ending.is_set():
            self._process.terminate()
        self._process.wait()


class Inbox:
    """The receiver's side: what it took, by key. It refuses some at random, and takes them when they come again."""

    def __init__(self, random: Random) -> None:
        self.taken: Counter[str] = Counter()
        self.refused = 0
        self.forged = 0
        self.secret = ""
        self._random = random
        self._lock = threading.Lock()

    def answer(self, got: Received) -> int:
        """What the receiver says to one request."""
        with self._lock:
            if self._random.random() < REFUSING:
                self.refused += 1
                return 503
            if self.secret and not got.signed_by(self.secret):
                self.forged += 1
                return 400
            data = got.json()["data"]
            if not data["retracted"]:
                self.taken[str(data["key"])] += 1
            return 204


class Day:
    """All parts, in `folder`. Use as a context manager."""

    def __init__(self, folder: Path, seed: int, sizes: Sizes, say: Say, *, period: int = 1) -> None:
        self._folder = folder
        self._seed = seed
        self._sizes = sizes
        self._say = say
        self._random = Random(seed)
        self._open = ExitStack()
        self._began = time.monotonic()
        self._faults: list[str] = []
        self.killed: Counter[str] = Counter()
        self.recoveries = 0
        self.network = Network(folder / "network", period=period, seed=str(seed), say=say)

    def __enter__(self) -> Day:
        try:
            self._open.enter_context(self.network)
            self._database = Server()
            self._open.callback(self._database.close)
            self._store = Store(self._folder / "store")
            self._open.callback(self._store.close)
            self._store.start()
            self._inbox = Inbox(Random(self._seed + 3))
            self._receiver = self._open.enter_context(Receiver(self._inbox.answer))
        except BaseException:
            self._open.close()
            raise
        self._tell("network, database and store are there")
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    # -- the morning -----------------------------------------------------------------------------------------------

    def open(self) -> None:
        """A home, its accounts and keys, the service; members, people, an offer."""
        self.service = Service(self._folder / "home", self._settings())
        self.service.run("init")
        asked = {name: "address" if name == "governance" else "new" for name in HOSTED}
        said = {name: json.loads(self.service.run("wallet", word, name, "--json")) for name, word in asked.items()}
        addresses = {name: each["address"] for name, each in said.items()}
        self._tell("the home is there")
        self._open.callback(self.service.close)
        self.service.start()
        self.exchange = Exchange(self.service.url, self._seed, self._sizes, addresses)
        self.exchange.admit()
        self._tell("everybody is admitted")
        keys = {name: self._key_of(name) for name in SCOPES}
        self.service.kill(0)  # with the first key it asks who somebody is
        self._inbox.secret = self.exchange.open(self._receiver.url, keys)
        self._tell("the offer is listed")

    def _settings(self) -> dict[str, str]:
        nodes = [self.network.rpc_url, *(node.url for node in self.network.signers)]
        return {
            "DEEDBOOK_RPC_URLS": ",".join(nodes),
            "DEEDBOOK_CONSENSUS": "clique",
            "DEEDBOOK_RECORDS_URL": self._database.new(),
            "DEEDBOOK_MIRROR_URL": self._database.new(),
            "DEEDBOOK_OBJECTS_URL": self._store.url,
            "DEEDBOOK_ANCHOR_ENTRIES": "1000",
            "DEEDBOOK_ANCHOR_SECONDS": "20",
            "DEEDBOOK_LIMIT": "1000000",
            "DEEDBOOK_LIMIT_NOBODY": "1000000",
            "DEEDBOOK_WEBHOOK_HTTP": "true",
            "DEEDBOOK_WEBHOOK_NETWORKS": "127.0.0.0/8",
            **self._store.environment,
        }

    def _key_of(self, name: str) -> str:
        scopes = [word for scope in SCOPES[name] for word in ("--scope", scope)]
        said = json.loads(self.service.run("keys", "add", name, "--account", name, *scopes, "--json"))
        key: str = said["key"]
        return key

    # -- the day ---------------------------------------------------------------------------------------------------

    def trade(self) -> None:
        """Everything that the exchange does, told every 10 seconds."""
        with ThreadPoolExecutor(1) as beside:
            work = beside.submit(self.exchange.trade, PAUSE)
            while not work.done():
                time.sleep(0.5)
                self._show()
            work.result()
        assert not self._faults, self._faults
        self._tell("everything is done")

    @contextmanager
    def killing(self, every: float) -> Iterator[None]:
        """Kills parts meanwhile; somebody looks after the network, as its operators do."""
        ending = threading.Event()
        killer = threading.Thread(target=self._kill_all, args=(every, ending), name="killer", daemon=True)
        operator = threading.Thread(target=self._look_after, args=(ending,), name="operator", daemon=True)
        killer.start()
        operator.start()
        try:
            yield
        finally:
            ending.set()
            killer.join()
            operator.join()

    def _look_after(self, ending: threading.Event) -> None:
        while not ending.wait(1):
            self._rejoin()

    def _kill_all(self, every: float, ending: threading.Event) -> None:
        turns: list[str] = []
        following = time.monotonic() + every
        while not ending.wait(max(0.0, following - time.monotonic())):
            following = time.monotonic() + every
            turns = turns or self._random.sample(PARTS, len(PARTS))
            part, away = turns.pop(), self._random.uniform(*AWAY)
            self.killed[part] += 1
            try:
                getattr(self, f"_kill_{part}")(away)
            except Exception as error:  # noqa: BLE001 - whatever does not come back ends the day
                self._faults.append(f"{part} did not come back: {type(error).__name__}: {error}")
                return

    def _kill_service(self, away: float) -> None:
        self._tell(f"the service is killed, for {away:.1f} s")
        self.service.kill(away)
        self.service.wait(BACK)

    def _kill_node(self, away: float) -> None:
        index = self._random.randrange(len(self.network.nodes))
        self._tell(f"{self.network.nodes[index].name} is killed, for {away:.1f} s")
        self.network.kill(index)
        time.sleep(away)
        self.network.restart(index)

    def _kill_database(self, away: float) -> None:
        self._tell(f"the database is killed, for {away:.1f} s")
        self._database.kill()
        time.sleep(away)
        self._database.start()

    def _kill_store(self, away: float) -> None:
        self._tell(f"the store is killed, for {away:.1f} s")
        self._store.kill()
        time.sleep(away)
        self._store.start()

    def _rejoin(self) -> None:
        """The operators' recovery, where the nodes stand still apart; nothing while one of them does not answer."""
        nodes = {node.name: HttpNode(node.url, timeout=5) for node in self.network.nodes}
        with suppress(ChainUnavailable, NodeError):
            if deadlock.is_stuck(nodes, STUCK):
                made = deadlock.plan(nodes)
                if made.rewinds:
                    self._tell(f"the network is deadlocked at block {made.keep.number}: recovered")
                    self.recoveries += 1
                    deadlock.rejoin(nodes, made)

    # -- the evening -----------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Waits until the nodes agree, the log is anchored, and every webhook came. Raises AssertionError."""
        until = time.monotonic() + SETTLING
        while not self.network.agree(10):
            assert time.monotonic() < until, f"the nodes do not agree: {self.network.heads()}"
            self._rejoin()
        while (log := self.exchange.log())["anchored"] != log["size"]:
            assert time.monotonic() < until, f"the log is not anchored: {log}"
            time.sleep(1)
        while missing := self._untold():
            assert time.monotonic() < until, f"{len(missing)} webhooks never came: {sorted(missing)[:3]}"
            time.sleep(2)
            self._show()
        self._tell("the log is anchored and every webhook came")

    def _untold(self) -> set[str]:
        return {event.key for event in self._chain()} - set(self._inbox.taken)

    def evidence(self) -> Evidence:
        """All that the day left, asked for once it is quiet."""
        events, mined, failed = self._chain(), *self._transactions()
        books = self.exchange.books
        proofs = self.exchange.proofs()
        self._tell(f"{len(proofs)} proofs")
        return Evidence(
            sent=[leaf_of(line) for line, _ in books.entries],
            receipts=[receipt for _, receipt in books.entries],
            proofs=proofs,
            sold=list(books.sales),
            shown=self.exchange.sales(),
            withdrawn=books.withdrawals,
            operations=books.operations,
            chain=events,
            mined=mined,
            failed=failed,
            told=self.exchange.events(),
            received=set(self._inbox.taken),
            dead_letters=self.exchange.dead_letters(),
            verdicts=self._verdicts(),
        )

    @property
    def _node(self) -> HttpNode:
        """A signer: the service asks it last."""
        return HttpNode(self.network.signers[-1].url)

    @cached_property
    def _contracts(self) -> dict[str, bytes]:
        shown = self.exchange.http.get("/deployment")["contracts"]
        return {name: from_hex(address.lower(), name, 20) for name, address in shown.items()}

    def _chain(self) -> list[ChainEvent]:
        """Every event that the deployment's contracts keep a journal of, in the order of the chain."""
        node = self._node
        names = {address: name for name, address in self._contracts.items() if name not in UNTOLD}
        chain_id = int(node.request("eth_chainId", []), 16)
        found = []
        for first, last in _spans(node):
            asked = {"address": [to_hex(each) for each in names], "fromBlock": hex(first), "toBlock": hex(last)}
            for log in map(log_of, node.request("eth_getLogs", [asked])):
                event = decode_event(names[log.address], log)
                key = f"{chain_id}:{to_hex(log.block_hash)}:{log.log_index}"
                found.append(ChainEvent(key, event.contract, event.name, event.args, to_hex(log.tx_hash)))
        return found

    def _transactions(self) -> tuple[set[str], set[str]]:
        """All on chain, and those without effect: of their own, or of an act that one carried."""
        node, mined, failed, forwarder = self._node, set[str](), set[str](), to_hex(self._contracts["Forwarder"])
        for first, last in _spans(node):
            answers = node.batch([("eth_getBlockReceipts", [hex(number)]) for number in range(first, last + 1)])
            for receipts in answers:
                assert not isinstance(receipts, NodeError), receipts
                mined |= {each["transactionHash"] for each in receipts}
                failed |= {each["transactionHash"] for each in receipts if each["status"] != "0x1"}
                carried = [log for each in receipts for log in each["logs"] if log["address"] == forwarder]
                acts = [decode_event("Forwarder", log) for log in map(log_of, carried)]
                failed |= {to_hex(act.log.tx_hash) for act in acts if act.args.get("success") is False}
        return mined, failed

    def _verdicts(self) -> dict[str, int]:
        """What `audit verify` says of every sale's evidence, by a trust that was not got from the service."""
        folder, sealing = self._folder / "bundles", tuple(node.account for node in self.network.signers if node.account)
        folder.mkdir()
        trust = trust_at(self._node, self._contracts, validators=Validators("clique", (Span(0, sealing),)))
        (folder / "trust.json").write_bytes(trust.to_json())
        verdicts = {}
        for number, sale in enumerate(self.exchange.books.sales):
            (folder / f"{sale}.deed").write_bytes(self.exchange.bundle(sale, public=number > 0))
            words = ["audit", "verify", str(folder / f"{sale}.deed"), "--trust", str(folder / "trust.json"), "--quiet"]
            done = subprocess.run(command(*words), env=environment(), capture_output=True, text=True)
            verdicts[sale] = done.returncode
            if done.returncode:
                self._say(f"{sale}: {done.stdout.strip()} {done.stderr.strip()}")
            self._show()
        return verdicts

    def require_whole(self) -> None:
        """What the buyers read, what came to the receiver, what the service said; the mirror equals a rebuild."""
        first, *between, last = self.exchange.books.sales.values()
        people = self._sizes.withdrawals
        assert first - last == people, f"the first buyer read {first} records, the last {last}; {people} withdrew"
        assert all(last <= each <= first for each in between), f"buyers had {between} records, of {last} to {first}"
        assert not self._inbox.forged, f"{self._inbox.forged} webhooks were not signed by the service"
        said = self.service.log.read_text(encoding="utf-8", errors="replace")
        self.service.run("mirror", "rebuild", "--check")
        assert "Traceback" not in said, f"the service met what it did not foresee: see {self.service.log}"

    def seen(self) -> dict[str, Any]:
        """What happened, for the report."""
        return {
            "killed": dict(self.killed),
            "lives": self.service.begun,
            "reorgs": len(self.network.reorgs()),
            "recoveries": self.recoveries,
            "requests": self.exchange.http.asked,
            "repeated": dict(self.exchange.http.troubles),
            "webhooks_again": sum(self._inbox.taken.values()) - len(self._inbox.taken),
            "webhooks_refused": self._inbox.refused,
        }

    # -- telling ---------------------------------------------------------------------------------------------------

    def _tell(self, line: str) -> None:
        self._shown = time.monotonic()
        self._say(f"+{self._shown - self._began:.0f} s: {line}")

    def _show(self) -> None:
        if time.monotonic() < self._shown + (2 if sys.stdout.isatty() else 15):
            return
        books, sizes = self.exchange.books, self._sizes
        self._tell(
            f"entries {len(books.entries)}/{sizes.entries}, sales {len(books.sales)}/{sizes.sales}, "
            f"withdrawals {len(books.withdrawals)}/{sizes.withdrawals}, webhooks {len(self._inbox.taken)}"
        )


def _spans(node: HttpNode) -> Iterator[tuple[int, int]]:
    """The blocks of the chain, some at a time."""
    tip = int(node.request("eth_blockNumber", []), 16)
    for first in range(0, tip + 1, PAGE):
        yield first, min(first + PAGE - 1, tip)
