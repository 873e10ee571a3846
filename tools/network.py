"""A real network on one machine: geth signers (Clique) and one RPC node, each in its own network namespace.

    with Network(folder, signers=4, period=1) as network:
        network.rpc_url                     the RPC node; network.nodes[i].url asks any node
        network.kill(2); network.restart(2)
        network.pause(1); network.resume(1)
        network.partition([[0, 1], [2, 3]]); network.heal()
        network.links(0, 1)                 what carries the two nodes' conversation: relay.Link
        network.reorgs()                    what the nodes say they re-organised

    python -m tools.network [--keep] [--london] ...     `make network`: starts one, deploys, runs the demo on it

The nodes keep every state (`--gcmode archive`): a node that is killed otherwise falls back to the last state it wrote,
and where all signers are killed at once the chain itself would lose its newest blocks. Keys, passwords and open
administration are for tests: a network for use is made by `deedbook chain genesis` and `deploy/`.

Where namespaces are refused, the nodes share the loopback, and partitions are made by the relay alone; `said` tells so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from coincurve import PrivateKey
from eth_keyfile.keyfile import create_keyfile_json

from deedbook.chain import genesis
from deedbook.chain.client import HttpNode, NodeError
from deedbook.domain.hashing import keccak256
from deedbook.errors import ChainUnavailable
from tools import geth, wires
from tools.forge import ROOT
from tools.relay import Link, Place, Relay

CHAIN_ID = 48923
GAS_LIMIT = genesis.GAS_LIMIT
P2P, RPC = 30303, 8545
SIDECAR = 31000
"""Inside a node's namespace, the link to node j listens on this port + j."""
MARKER = "network.json"
READY = 60.0
_REORG = re.compile(r"hain reorg detected\s.*?number=([\d,]+).*?drop=([\d,]+).*?add=([\d,]+)")


@dataclass(frozen=True, slots=True)
class Reorg:
    """What a node's log says: blocks dropped after block `number`, and blocks put in their place."""

    node: int
    number: int
    dropped: int
    added: int


@dataclass(slots=True)
class Member:
    """One node: where it lives and answers, and its process where it runs."""

    index: int
    folder: Path
    host: str
    p2p: int
    rpc: int
    namespace: str | None
    node_key: bytes
    signing_key: bytes | None
    url: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    on_small_disk: bool = False

    @property
    def name(self) -> str:
        """For people."""
        return f"node {self.index}" + ("" if self.signing_key else " (rpc)")

    @property
    def log(self) -> Path:
        """Everything it has printed, over all its runs."""
        return self.folder.with_suffix(".log")

    @property
    def account(self) -> bytes | None:
        """The 20-byte address that it seals with; None where it seals nothing."""
        return None if self.signing_key is None else address_of(self.signing_key)

    @property
    def runs(self) -> bool:
        """Whether its process lives (a paused one does)."""
        return self.process is not None and self.process.poll() is None

    @property
    def public_key(self) -> bytes:
        """Its name among nodes, 64 bytes."""
        return PrivateKey(self.node_key).public_key.format(compressed=False)[1:]

    def enode(self, host: str, port: int) -> str:
        """Its address for peers that reach it at this place."""
        return f"enode://{self.public_key.hex()}@{host}:{port}?discport=0"


class Network:
    """`signers` Clique validators and an RPC node (the last of `nodes`), in `folder` with their logs.

    `period` is in seconds; `london` makes the base fee move (EIP-1559); `relay` puts a link that can be disturbed
    between every two nodes; `gas_limit` is that of a block; `funds` gives accounts wei in the genesis block;
    `namespaces` False keeps to the loopback.
    Raises tools.geth.AbsentError on `start` where there is no geth.
    """

    def __init__(
        self,
        folder: Path,
        signers: int = 4,
        period: int = 1,
        london: bool = False,
        *,
        relay: bool = True,
        namespaces: bool | None = None,
        funds: Mapping[bytes, int] | None = None,
        seed: str | None = None,
        gas_limit: int = GAS_LIMIT,
        cache: int = 64,
        program: Path | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder = folder.absolute()
        self.period = period
        self.london = london
        self.nodes: list[Member] = []
        self.relay = Relay() if relay else None
        self._signers = signers
        self._funds = dict(funds or {})
        self._seed = seed or secrets.token_hex(16)
        self._gas_limit = gas_limit
        self._cache = cache
        self._program = program
        self._say = say
        self._wires: wires.Wires | None = None
        self._want_namespaces = namespaces
        self._passed = 0

    # -- the whole ---------------------------------------------------------------------------------------------------

    def start(self) -> Network:
        """Makes the network and waits until its nodes know one another and blocks come.

        Raises tools.geth.AbsentError, ChainUnavailable where a node does not come up (its log's end is in the words).
        """
        try:
            self._program = self._program or geth.program()
            for name in wires.remove_stale():
                self._say(f"removed what an ended run left behind: {name}")
            self._clear_folder()
            self._lay_wires()
            self._make_nodes()
            for node in self.nodes:
                self._spawn(node)
            self._wait_for_all()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends every node and removes namespaces and small disks; the folder with the logs stays."""
        wires.end([node.process.pid for node in self.nodes if node.process is not None and node.runs])
        for node in self.nodes:
            if node.process is not None:
                node.process.wait()
            self._unmount(node)
        if self.relay is not None:
            self.relay.close()
        if self._wires is not None:
            self._wires.close()
            self._wires = None

    def __enter__(self) -> Network:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def rpc_url(self) -> str:
        """The address of the RPC node."""
        return self.nodes[-1].url

    @property
    def signers(self) -> list[Member]:
        """The nodes that seal."""
        return self.nodes[: self._signers]

    # -- one node ----------------------------------------------------------------------------------------------------

    def kill(self, index: int) -> None:
        """Ends a node by SIGKILL."""
        self._end(self.nodes[index], signal.SIGKILL)

    def shut(self, index: int, seconds: float = 30) -> None:
        """Asks a node to end (SIGINT), and kills it where it does not within `seconds`."""
        node = self.nodes[index]
        if node.process is not None and node.runs:
            node.process.send_signal(signal.SIGINT)
            try:
                node.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._end(node, signal.SIGKILL)

    def restart(self, index: int) -> None:
        """Starts a node again; one that runs is asked to end first. Waits until it
        answers, and lets it seal."""
        self.shut(index)
        self._spawn(self.nodes[index])
        self._wait_for(self.nodes[index])
        self._begin_sealing(self.nodes[index])

    def pause(self, index: int) -> None:
        """Stops a node where it stands (SIGSTOP): its connections stay open and nothing answers."""
        pid = self._signal(index, signal.SIGSTOP)
        while wires.state(pid) not in ("T", None):
            time.sleep(0.01)

    def resume(self, index: int) -> None:
        """Lets a paused node go on."""
        self._signal(index, signal.SIGCONT)

    def ask(self, index: int, method: str, *params: Any, timeout: float = 5.0) -> Any:
        """One JSON-RPC answer of a node. Raises NodeError, ChainUnavailable."""
        return HttpNode(self.nodes[index].url, timeout=timeout).request(method, params)

    # -- the wires ---------------------------------------------------------------------------------------------------

    def partition(self, groups: Sequence[Sequence[int]]) -> None:
        """Parts the network: nothing passes between groups, and nobody is told. Who is not named is in the first."""
        if self._wires is not None:
            self._wires.split(groups)
        else:
            self.part_links(groups)

    def part_links(self, groups: Sequence[Sequence[int]], disturb: Callable[[Link], None] = Link.blackhole) -> None:
        """Disturbs every link between groups, at once. A link that is cut, other than one that is blackholed or a cable
        that is moved, forgets what was under way: it is not sent again when the link is mended."""
        side = {index: place for place, group in enumerate(groups) for index in group}
        for one in range(len(self.nodes)):
            for other in range(one):
                if side.get(one, 0) != side.get(other, 0):
                    for link in self.links(one, other):
                        disturb(link)

    def heal(self) -> None:
        """Joins all parts and mends every link."""
        if self._wires is not None:
            self._wires.join()
        if self.relay is not None:
            self.relay.mend()

    def links(self, one: int, other: int) -> list[Link]:
        """The two links between two nodes, of which the nodes use one. Raises KeyError without a relay."""
        assert self.relay is not None, "this network has no relay"
        return [self.relay.links[f"{one}-{other}"], self.relay.links[f"{other}-{one}"]]

    # -- small disks -------------------------------------------------------------------------------------------------

    def shrink_disk(self, index: int, mebibytes: int) -> None:
        """Moves a node's data to a memory disk of this size; the node is shut and started again.

        Raises tools.geth.AbsentError where this user may not mount one.
        """
        node = self.nodes[index]
        self.shut(index)
        aside = node.folder.with_suffix(".aside")
        node.folder.rename(aside)
        node.folder.mkdir(mode=0o700)
        run = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", wires.owner(), node.folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            node.folder.rmdir()
            aside.rename(node.folder)
            raise geth.AbsentError(f"no small disk can be mounted here: {run.stderr.strip()}")
        node.on_small_disk = True
        shutil.copytree(aside, node.folder, dirs_exist_ok=True)
        shutil.rmtree(aside)
        self.restart(index)

    def fill_disk(self, index: int) -> int:
        """Fills a node's small disk to the last byte; how many bytes it took."""
        assert self.nodes[index].on_small_disk, "only a small disk is filled"
        filler = self.nodes[index].folder / "filler"
        with filler.open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue
        return filler.stat().st_size

    def free_disk(self, index: int) -> None:
        """Takes away what `fill_disk` wrote."""
        (self.nodes[index].folder / "filler").unlink(missing_ok=True)

    # -- what is seen ------------------------------------------------------------------------------------------------

    def heads(self) -> list[tuple[int, str] | None]:
        """Number and hash of each node's newest block; None for a node that does not answer."""
        return [self._head(node.index) for node in self.nodes]

    def agree(self, seconds: float) -> tuple[int, str] | None:
        """The newest block that all nodes have at one moment, waited for; None where they never had the same."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            heads = self.heads()
            if heads[0] is not None and len(set(heads)) == 1:
                return heads[0]
            time.sleep(0.2)
        return None

    def wait_for_blocks(self, more: int, seconds: float, index: int = -1) -> bool:
        """Whether a node's chain grows by this many blocks in time."""
        start, deadline = None, time.monotonic() + seconds
        while time.monotonic() < deadline:
            head = self._head(index)
            if head is not None:
                start = head[0] if start is None else start
                if head[0] >= start + more:
                    return True
            time.sleep(0.2)
        return False

    def reorgs(self) -> list[Reorg]:
        """All that the nodes have logged since the network was made."""
        found = []
        for node in self.nodes:
            text = node.log.read_text(encoding="utf-8", errors="replace") if node.log.exists() else ""
            found += [Reorg(node.index, *numbers) for numbers in reorgs_in(text)]
        return found

    # -- making ------------------------------------------------------------------------------------------------------

    def _clear_folder(self) -> None:
        """An empty folder, or one that held a network: its processes are ended and it is made anew."""
        marker = self.folder / MARKER
        if self.folder.exists() and any(self.folder.iterdir()) and not marker.exists():
            raise FileExistsError(f"{self.folder} holds something else than a network")
        if marker.exists():
            left = json.loads(marker.read_text(encoding="utf-8"))["processes"]
            wires.end([int(pid) for pid, began in left.items() if began and wires.started(int(pid)) == began])
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        self._mark()

    def _mark(self) -> None:
        """Keeps the processes' ids, with when each started, for whoever clears up after a killed tool."""
        pids = [node.process.pid for node in self.nodes if node.process is not None and node.runs]
        text = json.dumps({"processes": {str(pid): wires.started(pid) for pid in pids}})
        (self.folder / MARKER).write_text(text, encoding="utf-8")

    def _lay_wires(self) -> None:
        reason = "asked for" if self._want_namespaces is False else wires.refusal()
        if reason is None:
            self._wires = wires.Wires(self._signers + 1)
            self._wires.open()
            self._say(f"{self._signers} signers and an RPC node, each in its own network namespace")
            return
        if self._want_namespaces:
            raise geth.AbsentError(reason)
        self._say(f"{self._signers} signers and an RPC node on the loopback, for want of namespaces: {reason}")

    def _make_nodes(self) -> None:
        signing = sorted((self._key("signer", index) for index in range(self._signers)), key=address_of)
        for index, key in enumerate([*signing, None]):
            self.nodes.append(self._member(index, key))
        first = clique_genesis(self.nodes, self.period, self._gas_limit, london=self.london, funds=self._funds)
        (self.folder / "genesis.json").write_text(json.dumps(first, indent=1), encoding="utf-8")
        password = self.folder / "password"
        password.write_text(secrets.token_urlsafe(16), encoding="utf-8")
        password.chmod(0o600)
        for node in self.nodes:
            self._prepare(node, password.read_text(encoding="utf-8"))
        for node in self.nodes:
            peers = [self._way(node, other) for other in self.nodes if other is not node]
            text = f"[Node.P2P]\nStaticNodes = {json.dumps(peers)}\n"
            (node.folder / "config.toml").write_text(text, encoding="utf-8")

    def _member(self, index: int, key: bytes | None) -> Member:
        folder, node_key = self.folder / f"node-{index}", self._key("node", index)
        if self._wires is not None:
            host, space = self._wires.address(index), self._wires.namespace(index)
            return Member(index, folder, host, P2P, RPC, space, node_key, key, f"http://{host}:{RPC}")
        p2p, rpc = free_ports(2)
        return Member(index, folder, "127.0.0.1", p2p, rpc, None, node_key, key, f"http://127.0.0.1:{rpc}")

    def _key(self, use: str, index: int) -> bytes:
        return hashlib.sha256(f"deedbook test network {self._seed} {use} {index}".encode()).digest()

    def _way(self, one: Member, other: Member) -> str:
        """How a node reaches another: directly, or by a link that listens beside it."""
        if self.relay is None:
            return other.enode(other.host, other.p2p)
        port = 0 if one.namespace is None else SIDECAR + other.index
        here, there = Place(one.namespace, "127.0.0.1", port), Place(one.namespace, other.host, other.p2p)
        link = self.relay.open(f"{one.index}-{other.index}", here, there)
        link.rival = self.relay.links.get(f"{other.index}-{one.index}")
        if link.rival is not None:
            link.rival.rival = link
        return other.enode("127.0.0.1", link.port)

    def _prepare(self, node: Member, password: str) -> None:
        (node.folder / "keystore").mkdir(parents=True, mode=0o700)
        assert self._program is not None
        first = str(self.folder / "genesis.json")
        words = [str(self._program), "--datadir", str(node.folder), "--state.scheme", "hash", "init", first]
        run = subprocess.run(words, capture_output=True, text=True, check=False)
        if run.returncode:
            raise ChainUnavailable(f"geth refuses the genesis: {run.stderr[-1000:]}")
        (node.folder / "node.key").write_text(node.node_key.hex(), encoding="utf-8")
        if node.signing_key is not None:
            kept = create_keyfile_json(node.signing_key, password.encode(), kdf="pbkdf2", iterations=1000)
            (node.folder / "keystore" / "signer.json").write_text(json.dumps(kept), encoding="utf-8")

    def _spawn(self, node: Member) -> None:
        assert self._program is not None
        words = [
            str(self._program),
            *arguments(node, self.folder / "password", cache=self._cache, gas_limit=self._gas_limit),
        ]
        if node.namespace is not None:
            words = ["ip", "netns", "exec", node.namespace, *words]
        with node.log.open("ab") as log:
            node.process = subprocess.Popen(
                words,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "GOMAXPROCS": "2"},
            )
        self._mark()

    # -- small work --------------------------------------------------------------------------------------------------

    def _wait_for_all(self) -> None:
        """Lets the signers seal when all nodes know one another, not before: what a node seals alone it tells nobody,
        and a node that does not seal yet drops what it is told. The first block's signer is last, for it is quickest.
        """
        for node in self.nodes:
            self._wait_for(node)
        others = len(self.nodes) - 1
        peers = self._wait(lambda: [int(self.ask(node.index, "net_peerCount"), 16) for node in self.nodes], others)
        first = self.signers[1 % self._signers]
        for node in sorted(self.signers, key=lambda node: node is first):
            self._begin_sealing(node)
        heads = self._wait(lambda: [head[0] if head else 0 for head in self.heads()], 1)
        if min(peers) < others or min(heads) < 1:
            raise ChainUnavailable(f"the nodes know {peers} others, and stand at blocks {heads}: nothing goes on")

    @staticmethod
    def _wait(look: Callable[[], list[int]], least: int) -> list[int]:
        """What is seen as soon as each is at least so much, or in the end."""
        deadline = time.monotonic() + READY
        while min(seen := look()) < least and time.monotonic() < deadline:
            time.sleep(0.2)
        return seen

    def _begin_sealing(self, node: Member) -> None:
        """Lets a signer take transactions priced at nothing, and seal."""
        if node.account is not None:
            self.ask(node.index, "miner_setGasPrice", "0x0", timeout=READY)
            self.ask(node.index, "miner_start", timeout=READY)

    def _wait_for(self, node: Member, seconds: float = READY) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self._head(node.index) is not None:
                return
            if not node.runs:
                break
            time.sleep(0.1)
        end = node.log.read_text(encoding="utf-8", errors="replace")[-1500:]
        raise ChainUnavailable(f"{node.name} does not answer; its log ({node.log}) ends:\n{end}")

    def _head(self, index: int) -> tuple[int, str] | None:
        node = self.nodes[index]
        if not node.runs:
            return None
        try:
            block = HttpNode(node.url, timeout=2).request("eth_getBlockByNumber", ["latest", False])
        except (ChainUnavailable, NodeError):
            return None
        return int(block["number"], 16), block["hash"]

    def _end(self, node: Member, how: signal.Signals) -> None:
        if node.process is not None and node.runs:
            node.process.send_signal(how)
            node.process.wait()

    def _signal(self, index: int, which: signal.Signals) -> int:
        process = self.nodes[index].process
        assert process is not None, f"{self.nodes[index].name} was never started"
        process.send_signal(which)
        return process.pid

    @staticmethod
    def _unmount(node: Member) -> None:
        if node.on_small_disk:
            subprocess.run(["umount", "--lazy", node.folder], check=False, capture_output=True)
            node.on_small_disk = False


def arguments(node: Member, password: Path, *, cache: int, gas_limit: int) -> list[str]:
    """geth's words for a node: no discovery, every state kept, transactions for nothing welcome.

    Sealing is begun by `_begin_sealing`, not here: with `--mine`, geth asks transactions for 1 gwei (it takes
    `--miner.gasprice 0` for a mistake, says so and forgets it), and drops what others pass on for less.
    """
    words = f"""
        --config {node.folder}/config.toml --datadir {node.folder} --nodekey {node.folder}/node.key
        --networkid {CHAIN_ID} --nodiscover --nat none --port {node.p2p} --ipcdisable
        --syncmode full --gcmode archive --state.scheme hash --cache {cache} --datadir.minfreedisk 0
        --http --http.addr {node.host} --http.port {node.rpc} --http.vhosts *
        --http.api eth,net,web3,clique,txpool,debug,miner,admin
        --authrpc.addr 127.0.0.1 --authrpc.port {free_ports(1)[0] if node.namespace is None else 8551}
        --miner.gaslimit {gas_limit} --txpool.pricelimit 0 --rpc.txfeecap 0
        --txpool.globalslots 200000 --txpool.accountslots 100000 --txpool.globalqueue 200000
        --txpool.accountqueue 100000 --verbosity 3 --log.format terminal
    """.split()
    if node.account is not None:
        account = "0x" + node.account.hex()
        words += ["--miner.etherbase", account, "--unlock", account]
        words += ["--password", str(password), "--allow-insecure-unlock"]
    return words


def clique_genesis(
    members: Sequence[Member], period: int, gas_limit: int, *, london: bool, funds: Mapping[bytes, int]
) -> dict[str, Any]:
    """The genesis block that `deedbook chain genesis` makes. For tests, blocks may be smaller than it allows, and the
    base fee of a London chain begins at zero."""
    known = tuple(
        genesis.Member(f"node-{each.index}", each.public_key, each.host, each.p2p, each.account) for each in members
    )
    least = max(gas_limit, genesis.GAS_LIMIT)
    made = genesis.Network(CHAIN_ID, "clique", known, "geth", period, gas_limit=least, london=london, alloc=dict(funds))
    ours: dict[str, Any] = {"gasLimit": hex(gas_limit)} | ({"baseFeePerGas": "0x0"} if london else {})
    return genesis.genesis(made) | ours


def address_of(key: bytes) -> bytes:
    """The account of a private key."""
    return keccak256(PrivateKey(key).public_key.format(compressed=False)[1:])[12:]


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody uses now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def reorgs_in(log: str) -> list[tuple[int, int, int]]:
    """Block number, blocks dropped, blocks added, of each reorg in a node's log."""
    return [
        (int(number.replace(",", "")), int(drop.replace(",", "")), int(add.replace(",", "")))
        for number, drop, add in _REORG.findall(log)
    ]


def main(words: list[str]) -> int:
    """Starts a network, deploys and tells the demo on it; 0 where all went well, 69 where there is no geth."""
    parser = argparse.ArgumentParser(description="a live Clique network, with a deployment and the demo on it")
    parser.add_argument("--signers", type=int, default=4)
    parser.add_argument("--period", type=int, default=1, help="seconds between blocks")
    parser.add_argument("--london", action="store_true", help="with a base fee that moves")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "network")
    parser.add_argument("--keep", action="store_true", help="leave it running until Ctrl-C")
    parser.add_argument("demo", nargs="*", help="what `deedbook demo` is told, after --")
    given = parser.parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    network = Network(given.folder, given.signers, given.period, given.london, say=_say)
    try:
        with network:
            return _show(network, given.demo, keep=given.keep)
    except geth.AbsentError as reason:
        print(f"network: {reason}", file=sys.stderr)
        return geth.ABSENT
    except KeyboardInterrupt:
        _say("stopped")
        return 0


def _show(network: Network, demo: Sequence[str], *, keep: bool) -> int:
    head = network.agree(30)
    _say(f"geth {geth.VERSION}, chain {CHAIN_ID}, period {network.period} s; all nodes at block {head and head[0]}")
    for node in network.nodes:
        seals = f"seals as 0x{node.account.hex()}" if node.account else "answers"
        _say(f"  {node.name}: {node.url}, {seals}, log {node.log}")
    homes = network.folder.with_name(network.folder.name + "-homes")
    shutil.rmtree(homes, ignore_errors=True)
    for home, command in (("exchange", ["init"]), ("demo", ["demo", *demo])):
        _say(f"deedbook {' '.join(command)}")
        code = run_deedbook(network, homes / home, *command)
        if code:
            _say(f"deedbook {' '.join(command)} ended with {code}")
            return code
    code = _audit(homes / "demo")
    if code:
        return code
    head = network.agree(30)
    reorgs = network.reorgs()
    _say(f"all nodes at block {head and head[0]}; {len(reorgs)} reorgs seen by the nodes; homes in {homes}")
    if keep:
        _say(f"DEEDBOOK_RPC_URLS={network.rpc_url} DEEDBOOK_CONSENSUS=clique; ends with Ctrl-C")
        signal.pause()
    return 0 if head else 1


def _audit(home: Path) -> int:
    """Verifies the demo's bundle without a network, by its validators' seals: 0 where it is believed, and where a list
    that begins after its blocks decides nothing (3)."""
    trust = json.loads((home / "trust.json").read_text(encoding="utf-8"))
    later = [{**span, "fromBlock": span["fromBlock"] + 10**9} for span in trust["validators"]["spans"]]
    stated = json.dumps({**trust, "validators": {**trust["validators"], "spans": later}})
    (home / "trust-later.json").write_text(stated, encoding="utf-8")
    refused = subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode
    alone = [] if refused else ["unshare", "-rn"]
    ended = [0, 3]
    for place, name in enumerate(("trust.json", "trust-later.json")):
        words = ["audit", "verify", str(home / "sale-1.deed"), "--trust", str(home / name), "--quiet"]
        command = [*alone, sys.executable, "-m", "deedbook.cli.main", *words]
        code = subprocess.run(command, check=False).returncode
        how = "without a network" if alone else "(namespaces are refused here)"
        _say(f"verified {how} by {len(trust['blocks'])} pinned blocks and {name}: exit {code}")
        if code != ended[place]:
            return code or 1
    return 0


def run_deedbook(network: Network, home: Path, *words: str) -> int:
    """Runs a command of a home on this network; its exit code."""
    urls = ",".join([network.rpc_url, network.nodes[0].url])
    said = {"DEEDBOOK_HOME": str(home), "DEEDBOOK_RPC_URLS": urls, "DEEDBOOK_CONSENSUS": "clique"}
    home.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "deedbook.cli.main", *words]
    return subprocess.run(command, env={**os.environ, **said}, check=False).returncode


def _say(line: str) -> None:
    print(f"network: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
