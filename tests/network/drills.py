"""What is done to the live network, each while intents are driven and a mirror follows.

A drill breaks something, lets it be broken for a while, and mends it. What must be true afterwards is the same for all
(`Stage.judge`). Seconds are of a network with a block every second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deedbook.chain import deadlock
from tests.network.stage import Stage
from tools.relay import Link

BROKEN = 12.0
"""How long a thing stays broken."""
SILENCE = 40.0
"""Longer than geth waits for a peer that says nothing (30 seconds)."""
RPC = 4
"""The place of the node that seals nothing."""
TRIES = 40
"""How many times a moment for equal branches is waited for; a partition at any other leaves one branch heavier."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A name, and what is done."""

    name: str
    work: Callable[[Stage], None]


def drills() -> list[Drill]:
    """All of them, in order."""
    names = {**{index: f"signer {index}" for index in range(4)}, RPC: "the rpc node"}
    return [
        Drill("nothing broken", lambda stage: stage.run_for(BROKEN)),
        *(Drill(f"kill {name} and restart", killed(index)) for index, name in names.items()),
        Drill("partition 2|2", parted([[0, 1, RPC], [2, 3]])),
        Drill("partition 2|2, the other pairs", parted([[0, 2], [1, 3, RPC]])),
        Drill("partition 3|1", parted([[0, 1, 2, RPC], [3]])),
        Drill("partition 3|1, the rpc node with the one", parted([[0, 2, 3], [1, RPC]])),
        Drill("equal branches, and their recovery", equal_branches),
        Drill("slow links", slow),
        Drill("cut links", cut),
        Drill("blackholed links", blackholed),
        Drill("full disk of a signer", full_disk(1)),
        Drill("full disk of the rpc node", full_disk(RPC)),
        Drill("a signer stopped (SIGSTOP)", stopped(2)),
        Drill("the rpc node stopped (SIGSTOP)", stopped(RPC)),
        Drill("all nodes restarted", all_restarted),
        Drill("all nodes killed at once", all_killed),
    ]


def killed(index: int) -> Callable[[Stage], None]:
    """SIGKILL, a while without it, and up again."""

    def work(stage: Stage) -> None:
        stage.run_for(4)
        stage.network.kill(index)
        stage.run_for(BROKEN)
        stage.network.restart(index)

    return work


def parted(groups: Sequence[Sequence[int]]) -> Callable[[Stage], None]:
    """Cables on two switches, then on one again."""

    def work(stage: Stage) -> None:
        stage.run_for(4)
        stage.network.partition(groups)
        stage.run_for(BROKEN)
        stage.network.heal()

    return work


def equal_branches(stage: Stage) -> None:
    """Partitions 2|2 at the block after which both halves can seal branches of the same weight, and heals: a deadlock.

    With four signers in turn, a head that was the first signer's leaves the second signer one block in turn on one
    side (weight 2), and the third and fourth one block each out of turn on the other (1 + 1). When connections are
    lost, and not only silent, nobody hears of the other branch later; nobody changes over to one that is no heavier,
    and nobody can go on: the operators' recovery is what ends it.
    """
    before = stage.recoveries
    for _ in range(TRIES):
        if not _first_signers_turn(stage):
            stage.run_for(1)
            continue
        stage.network.part_links([[0, 1, RPC], [2, 3]], Link.cut)
        stage.run_for(8)
        weights = {deadlock.head_of(node).weight for node in stage.nodes.values()}
        stage.network.heal()
        stage.settle()
        if len(weights) == 1 and stage.recoveries > before:
            return
    raise AssertionError(f"no deadlock in {TRIES} trials: the recovery was not shown")


def _first_signers_turn(stage: Stage) -> bool:
    """Waits for a head that the first signer sealed in turn, after one that the fourth did."""
    for _ in range(1000):
        number = int(stage.network.ask(RPC, "eth_blockNumber"), 16)
        if number % 4 == 0:
            blocks = [stage.network.ask(RPC, "eth_getBlockByNumber", hex(each), False) for each in (number - 1, number)]
            return all(int(block["difficulty"], 16) == 2 for block in blocks)
        stage.run_for(0.03)
    return False


def slow(stage: Stage) -> None:
    """Every message between nodes takes longer than a block: signers seal beside one another all the time."""
    assert stage.network.relay is not None
    for link in stage.network.relay.links.values():
        link.delay = stage.random.uniform(0.5, 1.5) * stage.network.period
    stage.run_for(2 * BROKEN)
    stage.network.heal()


def cut(stage: Stage) -> None:
    """Links are cut and mended at random, several at a time."""
    pairs = [(one, other) for one in range(5) for other in range(one)]
    for _ in range(8):
        for one, other in stage.random.sample(pairs, 4):
            for link in stage.network.links(one, other):
                link.cut()
        stage.run_for(3)
        stage.network.heal()
        stage.run_for(1)


def blackholed(stage: Stage) -> None:
    """A signer's links, and two between others, carry nothing and say nothing, for longer than nodes believe it."""
    pairs = [(3, other) for other in (0, 1, 2, RPC)] + [(0, 2), (1, RPC)]
    for one, other in pairs:
        for link in stage.network.links(one, other):
            link.blackhole()
    stage.run_for(SILENCE)
    stage.network.heal()


def full_disk(index: int) -> Callable[[Stage], None]:
    """A node on a small disk that runs full while it writes; then there is room again, and it is started again."""

    def work(stage: Stage) -> None:
        network = stage.network
        network.shrink_disk(index, 64)
        stage.run_for(6)
        network.fill_disk(index)
        stage.run_for(2 * BROKEN)
        network.free_disk(index)
        network.restart(index)

    return work


def stopped(index: int) -> Callable[[Stage], None]:
    """A process that is there, holds its connections, and does nothing, for longer than its peers believe it."""

    def work(stage: Stage) -> None:
        stage.run_for(4)
        stage.network.pause(index)
        stage.run_for(SILENCE)
        stage.network.resume(index)

    return work


def all_restarted(stage: Stage) -> None:
    """Every node is asked to end, then all are started again."""
    for node in stage.network.nodes:
        stage.network.shut(node.index)
    for node in stage.network.nodes:
        stage.network.restart(node.index)


def all_killed(stage: Stage) -> None:
    """Every node dies in the same moment; then all are started again."""
    for node in stage.network.nodes:
        stage.network.kill(node.index)
    stage.run_for(3)
    for node in stage.network.nodes:
        stage.network.restart(node.index)
