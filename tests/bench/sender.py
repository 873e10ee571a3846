"""`make bench-sender`: contract calls from request to durably stored receipt, one sender process (DESIGN 5, row 9).

Ways of the same work take turns on one node, so that they meet the same machine; what is shown are medians.

- **ours**: a thread puts the intents into the outbox (SQLite, synchronous = FULL), some hundreds at a time, while one
  `Dispatcher` in the same process runs until each row is FINAL. The clock runs from the first call's arguments to the
  commit of the last receipt (on Clique some blocks before the last row is FINAL, which is waited for, and not timed:
  raw does not wait for it). The calls are not tried first (they are put as `judged`): raw does not try them either.
- **raw**: transactions of the same calls, type, gas and price, signed and written as JSON-RPC bodies before the clock
  starts, go to the same end point over one connection that stays open: batch after batch, of the size that a trial
  found best. The clock stops when the receipt of the last nonce is there, so that all are mined. Nothing is stored.
- **web3.py**: `contract.functions.count(word).transact({"gasPrice": 0})` from an unlocked account, then
  `wait_for_transaction_receipt`, then the next. Its anvil mines each transaction at once, which suits it best: by time,
  each call would cost it a block.

Each call is `Tally.count(word)`: a word of storage and a log. Every run has an account and words of its own; afterwards
the chain is asked, and every word was counted once, by its storage and by its logs. Exit code 0 when the bars hold;
69 when they do as far as this machine goes, which has no geth and cannot build it.
"""

from __future__ import annotations

import argparse
import gc
import http.client
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

from web3 import Web3
from web3.types import Wei

from deedbook.chain import deadlock, rlp
from deedbook.chain.client import HttpNode, NodeError
from deedbook.chain.dispatch import Dispatcher
from deedbook.chain.finality import CliqueFinality, Finality, at_once
from deedbook.domain.hashing import from_hex, keccak256, to_hex
from deedbook.domain.intents import IntentState, Outbox
from deedbook.domain.validators import Span, Validators
from deedbook.errors import ChainUnavailable
from deedbook.records.store import Records
from deedbook.wallet.recovery import recover
from deedbook.wallet.signers import LocalSigner
from tests import tally
from tests.bench.report import Row, aligned, keep, machine, progress, write
from tests.integration.anvil_node import anvil_address
from tests.toy_sealer import ToySealer
from tools import geth
from tools.forge import binary
from tools.network import Network

CALLS: Final = 10_000
NAIVE: Final = 300
"""Calls of a run of web3.py: it does some fifty a second."""
SIZES: Final = (50, 100, 200, 500, 1000)
CLIQUE_SIZES: Final = (100, 500)
GAS: Final = 100_000
ASKED: Final = 1_000
"""Calls that are put into the outbox at a time."""
BATCH: Final = 200
"""Transactions that our dispatcher sends in one exchange."""
BLOCK: Final = 0.04
"""Seconds between anvil's blocks. They are small ones: anvil 1.7.1 tells a block's receipts in time with the square of
its size (foundry, issue 16063), which raw does not ask for."""
PATIENCE: Final = 120
"""Seconds after which a run of raw has failed."""
BRANCH: Final = 20
"""How many blocks back a Clique branch may begin."""
STUCK: Final = 20.0
"""Seconds without a new head on any signer after which a Clique network stands still."""
OF_RAW: Final = 0.8
OF_WEB3: Final = 40


@dataclass
class Lane:
    """A node to measure on, and what was measured there."""

    name: str
    url: str
    node: HttpNode
    chain_id: int
    london: bool
    final: Finality
    tally: bytes = b""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    accounts: int = 0

    @classmethod
    def at(cls, name: str, url: str, *, final: Finality) -> Lane:
        """The node at this address, with a fresh Tally on its chain."""
        node = HttpNode(url, timeout=60)
        head = node.request("eth_getBlockByNumber", ["latest", False])
        chain_id = int(node.request("eth_chainId", []), 16)
        lane = cls(name, url, node, chain_id, "baseFeePerGas" in head, final)
        lane.tally = deployed(lane)
        return lane

    def after(self, former: Lane) -> Lane:
        """This node, with what was measured on a former one."""
        self.seconds, self.calls = former.seconds, former.calls
        return self

    def account(self) -> LocalSigner:
        """One that has sent nothing yet."""
        self.accounts += 1
        return LocalSigner(keccak256(f"{self.name} {self.accounts}".encode()))

    def rate(self, way: str) -> float:
        """Calls a second, the median of the runs."""
        return self.calls[way] / median(self.seconds[way])

    def measure(self, way: str, calls: int, work: Callable[[Sequence[bytes]], float]) -> float:
        """Calls a second of one run of a way; every call was counted once after it. Raises AssertionError."""
        runs = self.seconds.setdefault(way, [])
        progress(f"{self.name}: {way}, run {len(runs) + 1}, {calls} calls")
        words = [tally.word_of(f"{self.name} {way} {len(runs)} {number}") for number in range(calls)]
        since = max(0, int(self.node.request("eth_blockNumber", []), 16) - BRANCH)
        seconds = work(words)
        self.require_once(words, since)
        runs.append(seconds)
        self.calls[way] = calls
        return calls / seconds

    def require_once(self, words: Sequence[bytes], since: int) -> None:
        """Raises AssertionError unless each word was counted once, by logs and by storage. What a node has shown may be
        on another branch for a moment after it: the chain is asked for some seconds."""
        once = dict.fromkeys(words, 1)
        for left in range(20, -1, -1):
            found = tally.logged(self.node, self.tally, since)
            logs = {word: found[word] for word in words}
            stored = tally.stored(self.node, self.tally, words)
            if logs == stored == once:
                return
            assert left, f"{sum(logs.values())} logs and {sum(stored.values())} counts of {len(words)} calls"
            time.sleep(0.5)


Work = Callable[[Lane, Sequence[bytes]], float]
"""A way of making the calls of some words on a lane; how many seconds it took."""


def raw(lane: Lane, words: Sequence[bytes], size: int) -> float:
    """Seconds of the node's own rate: what is signed and written beforehand is sent in batches of `size`."""
    signer = lane.account()
    signed = [signed_call(lane, signer, nonce, lane.tally, tally.call_of(word)) for nonce, word in enumerate(words)]
    bodies = [_body(signed[start : start + size]) for start in range(0, len(signed), size)]
    last = _asked("eth_getTransactionReceipt", to_hex(keccak256(signed[-1])))
    connection = http.client.HTTPConnection(urlsplit(lane.url).netloc, timeout=600)
    began = time.perf_counter()
    for body in bodies:
        answer = _posted(connection, body)
        assert b'"error"' not in answer, answer[:500]
    while b'"blockHash"' not in _posted(connection, last):
        assert time.perf_counter() < began + PATIENCE, "the node has lost one of the transactions"
        time.sleep(0.005)
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def ours(lane: Lane, words: Sequence[bytes]) -> float:
    """Seconds of an outbox of its own and one dispatcher."""
    signer = lane.account()
    stored: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        records = Records.open(f"sqlite:///{Path(folder) / 'records.sqlite'}", ToySealer())
        outbox = records.outbox
        dispatcher = Dispatcher(
            HttpNode(lane.url),
            outbox,
            {signer.address: signer},
            chain_id=lane.chain_id,
            final=lane.final,
            gas_limit=GAS,
            owner="bench",
            batch=BATCH,
        )
        asked = Thread(target=_ask, args=(outbox, lane, signer.address, words))

        def over() -> bool:
            """Whether all is FINAL; notes since when every receipt is stored."""
            asking, waiting = asked.is_alive(), {state for _, state in outbox.busy()}
            if asking or not waiting <= {IntentState.MINED}:
                stored.clear()  # also where a fork took one back
            elif not stored:
                stored.append(time.perf_counter())
            return bool(stored) and not waiting

        gc.freeze()  # as `deedbook serve` does
        began = time.perf_counter()
        asked.start()
        dispatcher.run(over)
        assert outbox.counts() == {IntentState.FINAL: len(words)}, outbox.counts()
        records.close()
    return stored[0] - began


def _ask(outbox: Outbox, lane: Lane, signer: bytes, words: Sequence[bytes]) -> None:
    """Asks for the calls, as a service does while its dispatcher runs: some at a time, each time durably."""
    for start in range(0, len(words), ASKED):
        part = words[start : start + ASKED]
        outbox.put_all([tally.intent_of(to_hex(word), signer, lane.tally, word) for word in part], judged=True)


def web3py(lane: Lane, words: Sequence[bytes]) -> float:
    """Seconds of web3.py's own way, one call after the other."""
    web3 = Web3(Web3.HTTPProvider(lane.url))
    contract = web3.eth.contract(address=Web3.to_checksum_address(lane.tally), abi=tally.ABI)
    who = web3.eth.accounts[0]
    began = time.perf_counter()
    for word in words:
        web3.eth.wait_for_transaction_receipt(
            contract.functions.count(word).transact({"from": who, "gasPrice": Wei(0)})
        )
    return time.perf_counter() - began


def signed_call(lane: Lane, signer: LocalSigner, nonce: int, to: bytes, data: bytes, gas: int = GAS) -> bytes:
    """A transaction of price 0: type 2 (EIP-1559) where there is London, else type 0 with the chain's id (EIP-155)."""
    if lane.london:
        fields: list[rlp.Item] = [*map(rlp.encode_int, (lane.chain_id, nonce, 0, 0, gas)), to, b"", data, []]
        signature = signer.sign_digest(keccak256(b"\x02" + rlp.encode(fields)))
        return b"\x02" + rlp.encode([*fields, *_numbers(signature[64] - 27, signature)])
    fields = [*map(rlp.encode_int, (nonce, 0, gas)), to, b"", data]
    signature = signer.sign_digest(keccak256(rlp.encode([*fields, rlp.encode_int(lane.chain_id), b"", b""])))
    return rlp.encode([*fields, *_numbers(signature[64] + 8 + 2 * lane.chain_id, signature)])


def deployed(lane: Lane) -> bytes:
    """The address of a fresh Tally."""
    raw = signed_call(lane, lane.account(), 0, b"", tally.CODE, 1_000_000)
    tx_hash = lane.node.request("eth_sendRawTransaction", [to_hex(raw)])
    for _ in range(600):
        receipt = lane.node.batch([("eth_getTransactionReceipt", [tx_hash])])[0]
        if isinstance(receipt, dict):  # geth answers with an error while it still indexes
            return from_hex(receipt["contractAddress"].lower(), "contractAddress", 20)
        time.sleep(0.1)
    raise AssertionError("the Tally is not mined")


def best_size(lane: Lane, calls: int, sizes: Sequence[int]) -> tuple[int, str]:
    """The batch size at which raw is fastest, and what each size came to."""
    rates = {size: lane.measure(f"trial of {size}", calls, partial(raw, lane, size=size)) for size in sizes}
    best = max(rates, key=rates.__getitem__)
    trial = ", ".join(f"{size}: {rate:,.0f}/s" for size, rate in rates.items())
    return best, f"{lane.name}: raw by batches of {best} (trial of {calls} calls by batch size: {trial})"


def turns(number: int, size: int) -> list[tuple[str, Work]]:
    """Raw and ours, each the first in every other round."""
    ways: list[tuple[str, Work]] = [("raw", partial(raw, size=size)), ("ours", ours)]
    return ways if number % 2 == 0 else ways[::-1]


@contextmanager
def anvils() -> Iterator[tuple[Lane, Lane]]:
    """One that makes blocks by time, and one that mines each transaction at once."""
    anvil, options = (
        binary("anvil"),
        ("--gas-limit", str(10**9), "--accounts", "1", "--order", "fifo", "--prune-history", "20"),
    )
    timed = anvil_address(anvil, chain_id=31_337, start=None, options=(*options, "--block-time", str(BLOCK)))
    with timed as url, anvil_address(anvil, chain_id=31_337, start=None, options=options) as eager:
        yield Lane.at("anvil", url, final=at_once), Lane.at("anvil at once", eager, final=at_once)


def bench_anvil(rounds: int, calls: int) -> tuple[list[Row], list[Lane], list[str]]:
    """Row 9 on anvil, with web3.py; every run has an anvil of its own, which grows slower with what it holds."""
    with anvils() as (lane, eager):
        size, said = best_size(lane, calls // 4, SIZES)
    for number in range(rounds):
        for way, work in turns(number, size):
            with anvils() as (fresh, _):
                lane = fresh.after(lane)
                lane.measure(way, calls, partial(work, lane))
        with anvils() as (_, fresh):
            eager = fresh.after(eager)
            eager.measure("web3.py", NAIVE, partial(web3py, eager))
    return [_of_raw(lane), _of_web3(lane, eager)], [lane, eager], [said]


class Operator(Thread):
    """Looks after a Clique network as its operator would: where it stands still on branches of equal weight (a known
    flaw of Clique, see `chain.deadlock`), it is got going again. Counts how often."""

    def __init__(self, nodes: Mapping[str, HttpNode]) -> None:
        super().__init__(daemon=True)
        self.recoveries = 0
        self._nodes = nodes
        self._ended = Event()

    def run(self) -> None:
        """Until `end`."""
        while not self._ended.is_set():
            with suppress(ChainUnavailable, NodeError):
                if deadlock.is_stuck(self._nodes, STUCK, self._pause) and not self._ended.is_set():
                    self.recoveries += 1
                    deadlock.rejoin(self._nodes, deadlock.plan(self._nodes))

    def _pause(self, seconds: float) -> None:
        self._ended.wait(seconds)

    def end(self) -> None:
        """Stops looking."""
        self._ended.set()
        self.join()

    def undisturbed(self, lane: Lane, way: str, calls: int, work: Callable[[Sequence[bytes]], float]) -> None:
        """Measures; again, where the network stood still meanwhile. Raises AssertionError."""
        while True:
            before, runs = self.recoveries, len(lane.seconds.get(way, ()))
            try:
                lane.measure(way, calls, work)
            except AssertionError:
                if self.recoveries == before:
                    raise
            if self.recoveries == before:
                return
            progress(f"{lane.name}: the network stood still; the run is made again")
            del lane.seconds[way][runs:]


@contextmanager
def clique(folder: Path) -> Iterator[tuple[Lane, Operator]]:
    """The RPC node of four Clique signers with a block a second, all on this machine, and who looks after them."""
    with Network(folder, signers=4, period=1, relay=False, seed="bench sender", say=progress) as network:
        accounts = tuple(sorted(node.account for node in network.signers if node.account))
        node = HttpNode(network.rpc_url, timeout=60)
        final = CliqueFinality(node, Validators("clique", (Span(0, accounts),)), recover)
        operator = Operator({node.name: HttpNode(node.url, timeout=5) for node in network.nodes})
        lane = Lane.at("clique", network.rpc_url, final=final)
        operator.start()
        try:
            yield lane, operator
        finally:
            operator.end()


def bench_clique(rounds: int, calls: int) -> tuple[list[Row], list[Lane], list[str]]:
    """Row 9 on four Clique signers."""
    with tempfile.TemporaryDirectory() as folder, clique(Path(folder) / "network") as (lane, operator):
        size, said = best_size(lane, calls // 4, CLIQUE_SIZES)
        for number in range(rounds):
            for way, work in turns(number, size):
                operator.undisturbed(lane, way, calls, partial(work, lane))
    again = f"clique: {operator.recoveries} deadlocks of the signers ended by debug_setHead; those runs made again"
    return [_of_raw(lane)], [lane], [said, *([again] if operator.recoveries else [])]


def _of_raw(lane: Lane) -> Row:
    mine, peer = lane.rate("ours"), lane.rate("raw")
    what = f"9. {lane.calls['ours']:,} calls on {lane.name}, request to stored receipt"
    return Row(what, round(mine, 1), "calls/s", "raw batches", round(peer, 1), f">= {OF_RAW}x", mine >= OF_RAW * peer)


def _of_web3(lane: Lane, eager: Lane) -> Row:
    mine, peer = lane.rate("ours"), eager.rate("web3.py")
    return Row(
        "9. the same", round(mine, 1), "calls/s", "web3.py", round(peer, 1), f">= {OF_WEB3}x", mine >= OF_WEB3 * peer
    )


def _runs(lanes: Sequence[Lane]) -> str:
    """Every run's seconds."""
    lines = [["network", "way", "calls", "seconds of each run", "calls/s, median"]]
    lines += [
        [lane.name, way, f"{lane.calls[way]:,}", " ".join(f"{each:.2f}" for each in runs), f"{lane.rate(way):,.0f}"]
        for lane in lanes
        for way, runs in lane.seconds.items()
        if not way.startswith("trial")
    ]
    return aligned(lines, right=(2, 4))


def _asked(method: str, *params: str) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()


def _body(signed: Sequence[bytes]) -> bytes:
    """A batch that sends these transactions."""
    frame = b'{"jsonrpc":"2.0","id":%d,"method":"eth_sendRawTransaction","params":["%s"]}'
    return b"[" + b",".join(frame % (place, to_hex(each).encode()) for place, each in enumerate(signed)) + b"]"


def _posted(connection: http.client.HTTPConnection, body: bytes) -> bytes:
    connection.request("POST", "/", body, {"Content-Type": "application/json"})
    return connection.getresponse().read()


def _numbers(v: int, signature: bytes) -> list[rlp.Item]:
    return [rlp.encode_int(v), signature[:32].lstrip(b"\0"), signature[32:64].lstrip(b"\0")]


def main(words: Sequence[str]) -> int:
    """Measures and writes the report; with `--record` it becomes the last good one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", action="store_true", help="keep the report, where every bar holds")
    parser.add_argument("--only", choices=("anvil", "clique"), help="one of the two networks; nothing is kept")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(words)
    rows: list[Row] = []
    lanes: list[Lane] = []
    said: list[str] = []
    absent = ""
    for name, bench in (("anvil", bench_anvil), ("clique", bench_clique)):
        try:
            found = bench(given.rounds, given.calls) if given.only in (None, name) else ([], [], [])
        except geth.AbsentError as reason:
            absent = str(reason)
            print(f"bench-sender: not measured on {name}: {reason}", file=sys.stderr)
            continue
        rows += found[0]
        lanes += found[1]
        said += found[2]
    good = write("sender", machine(), rows, "\n".join([_runs(lanes), "", *said]))
    if good and given.record and given.only is None and not absent:
        keep("sender")
    return geth.ABSENT if good and absent else 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
