"""Gets a Clique network going again that has stopped on branches of equal weight.

A known flaw of Clique (go-ethereum issues 18402 and 24705): after a partition, or by bad luck, the signers may stand on
several heads of the same total difficulty. Nobody changes over to a branch that is no heavier, and those who could seal
the next block on one branch stand on the other. It is undone by hand: the signers of all branches but one go back to
the block before the fork (`debug_setHead`) and copy the branch that is kept.

    is_stuck    whether the nodes' heads stay as they are
    plan        what would be done: the branch to keep, and how far each other node goes back
    rejoin      does it: they stop sealing, go back, wait until they have the kept head, and seal again

Only blocks that are not final are ever given up: a branch of more than floor(n/2)+1 blocks holds a final one, and is
refused. The nodes must answer `admin`, `clique`, `debug` and `miner` (geth: on an address of their own, never in
public).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deedbook.chain.client import Node, NodeError
from deedbook.domain.hashing import from_hex, to_hex
from deedbook.domain.validators import clique_quorum
from deedbook.errors import ChainUnavailable, IntegrityError, InvalidInput, WrongChain

PATIENCE = 90.0
"""Seconds that a node has to copy the branch that is kept."""


@dataclass(frozen=True, slots=True)
class Head:
    """A node's newest block: its number, hash (32 bytes) and total difficulty."""

    number: int
    hash: bytes
    weight: int


@dataclass(frozen=True, slots=True)
class Rewind:
    """A node that goes back to block `ancestor`, and the blocks of its own that it gives up."""

    node: str
    ancestor: int
    drops: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The head that all nodes shall have, and who goes back for it; nobody where they are of one branch."""

    keep: Head
    rewinds: tuple[Rewind, ...]

    def to_json(self) -> dict[str, Any]:
        """As the command line prints it."""
        rewinds = [{"node": each.node, "ancestor": each.ancestor, "drops": each.drops} for each in self.rewinds]
        return {"keep": {"number": self.keep.number, "hash": to_hex(self.keep.hash)}, "rewinds": rewinds}


def is_stuck(nodes: Mapping[str, Node], seconds: float, wait: Callable[[float], None] = time.sleep) -> bool:
    """Whether no node's head changes within so many seconds: a network that moves heals by itself."""
    before = [head_of(node) for node in nodes.values()]
    wait(seconds)
    return before == [head_of(node) for node in nodes.values()]


def plan(nodes: Mapping[str, Node]) -> Plan:
    """What would bring these nodes (by name) together: the heaviest branch is kept, among equals the one that most
    nodes have, then the one of the lowest hash. A node that is only behind is left to catch up.

    Raises InvalidInput for no node, WrongChain where two have not the same genesis block, IntegrityError where a final
    block would be given up, ChainUnavailable, NodeError.
    """
    if not nodes:
        raise InvalidInput("nodes", "are none")
    heads = {name: head_of(node) for name, node in nodes.items()}
    standing = list(heads.values())
    keep = max(standing, key=lambda head: (head.weight, standing.count(head), _descending(head.hash)))
    keeper = nodes[next(name for name, head in heads.items() if head == keep)]
    rewinds = []
    for name, head in heads.items():
        ancestor = _common_ancestor(nodes[name], keeper, min(head.number, keep.number))
        if ancestor < head.number:
            rewinds.append(Rewind(name, ancestor, head.number - ancestor))
    if rewinds:
        _require_not_final(rewinds, len(_asked(keeper, "clique_getSigners", [])))
    return Plan(keep, tuple(rewinds))


def rejoin(
    nodes: Mapping[str, Node],
    made: Plan,
    *,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Carries a plan out: all of them go back before any seals again, so that none copies the lost branch from another.

    They seal again also where one did not come to the kept head in time. Raises ChainUnavailable where one did not,
    NodeError where a node refuses (an API of it is not open).
    """
    going = [(rewind.node, nodes[rewind.node], rewind.ancestor) for rewind in made.rewinds]
    sealing = [node for _, node, _ in going if _asked(node, "eth_mining", [])]
    try:
        for node in sealing:
            _asked(node, "miner_stop", [])
        for _, node, ancestor in going:
            _asked(node, "debug_setHead", [hex(ancestor)])
        for _, node, _ in going:
            _meet_again(node)
        deadline = clock() + PATIENCE
        for name, node, _ in going:
            _wait_for(node, name, made.keep, deadline, clock, wait)
    finally:
        for node in sealing:
            _asked(node, "miner_start", [])


def _meet_again(node: Node) -> None:
    """Drops the node's peers and calls them again. geth looks for a heavier chain only when it hears something of a
    peer, and in a network that stands still it hears nothing."""
    for peer in _asked(node, "admin_peers", []):
        _asked(node, "admin_removePeer", [peer["enode"]])
        if peer["network"]["static"]:
            _asked(node, "admin_addPeer", [peer["enode"]])


def _wait_for(
    node: Node, name: str, keep: Head, deadline: float, clock: Callable[[], float], wait: Callable[[float], None]
) -> None:
    while True:
        found = _asked(node, "eth_getBlockByNumber", [hex(keep.number), False])
        if found is not None and from_hex(found["hash"], "hash", 32) == keep.hash:
            return
        if clock() >= deadline:
            raise ChainUnavailable(f"{name} went back and has not copied block {keep.number} in {PATIENCE:.0f} s")
        wait(0.5)


def _require_not_final(rewinds: Sequence[Rewind], signers: int) -> None:
    """A block is final when floor(n/2)+1 distinct signers sealed descendants; so many in a row are always distinct."""
    for rewind in rewinds:
        if rewind.drops > clique_quorum(signers):
            raise IntegrityError(
                f"{rewind.node} would give up {rewind.drops} blocks, of which the first is final: these are two chains",
                node=rewind.node,
                drops=rewind.drops,
            )


def _common_ancestor(one: Node, other: Node, number: int) -> int:
    while head_of(one, hex(number)).hash != head_of(other, hex(number)).hash:
        if number == 0:
            raise WrongChain("two of the nodes have different genesis blocks")
        number -= 1
    return number


def head_of(node: Node, block: str = "latest") -> Head:
    """A block of a node's chain by its number (0x-hex) or tag. Raises ChainUnavailable, NodeError."""
    found = _asked(node, "eth_getBlockByNumber", [block, False])
    if found is None:
        raise ChainUnavailable(f"a node has no block {block} below its own tip")
    weight = int(found.get("totalDifficulty", "0x0"), 16)
    return Head(int(found["number"], 16), from_hex(found["hash"], "hash", 32), weight)


def _asked(node: Node, method: str, params: Sequence[Any]) -> Any:
    try:
        return node.request(method, params)
    except NodeError as error:
        if error.rpc_code == -32601:
            error.hint = f"start geth with the {method.partition('_')[0]} API on an address of your own"
        raise


def _descending(digest: bytes) -> int:
    return -int.from_bytes(digest, "big")
