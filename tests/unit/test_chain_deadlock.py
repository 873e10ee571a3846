"""A Clique network that stopped on two branches, and how it is brought together: toy nodes that rewind and copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from deedbook.chain.client import NodeError, Request, one_by_one
from deedbook.chain.deadlock import Rewind, is_stuck, plan, rejoin
from deedbook.cli.main import run
from deedbook.domain.hashing import keccak256, to_hex
from deedbook.errors import ChainUnavailable, IntegrityError, InvalidInput, WrongChain
from tests.fault_node import FaultNode

SIGNERS = 4


class ToyNode:
    """Blocks by name, each with its difficulty; after a rewind it copies `peer` when it meets it again."""

    def __init__(self, *blocks: str, weights: Sequence[int] = (), apis: str = "eth clique debug miner admin") -> None:
        self.blocks = list(blocks)
        self.weights = list(weights) or [1] * len(blocks)
        self.peer: ToyNode | None = None
        self.mines = True
        self.done: list[str] = []
        self._apis = apis.split()

    def request(self, method: str, params: Sequence[Any]) -> Any:
        if method.partition("_")[0] not in self._apis:
            raise NodeError(-32601, f"the method {method} does not exist/is not available")
        return getattr(self, method)(*params)

    def batch(self, requests: Sequence[Request]) -> list[Any | NodeError]:
        return one_by_one(self, requests)

    def eth_getBlockByNumber(self, block: str, _: bool) -> Any:  # noqa: N802
        number = len(self.blocks) - 1 if block == "latest" else int(block, 16)
        if number >= len(self.blocks):
            return None
        weight = hex(sum(self.weights[: number + 1]))
        digest = to_hex(keccak256(self.blocks[number].encode()))
        return {"number": hex(number), "hash": digest, "totalDifficulty": weight}

    def clique_getSigners(self) -> list[str]:  # noqa: N802
        return ["0x"] * SIGNERS

    def eth_mining(self) -> bool:
        return self.mines

    def miner_stop(self) -> None:
        self.mines = False
        self.done.append("stop")

    def miner_start(self) -> None:
        self.mines = True
        self.done.append("start")

    def debug_setHead(self, block: str) -> None:  # noqa: N802
        self.done.append(f"back to {int(block, 16)}")
        del self.blocks[int(block, 16) + 1 :]

    def admin_peers(self) -> list[dict[str, Any]]:
        return [{"enode": name, "network": {"static": name == "called"}} for name in ("called", "calling")]

    def admin_removePeer(self, enode: str) -> bool:  # noqa: N802
        self.done.append(f"without {enode}")
        return True

    def admin_addPeer(self, enode: str) -> bool:  # noqa: N802
        """Only now the node hears of its peer's chain."""
        self.done.append(f"with {enode}")
        if self.peer is not None:
            self.blocks, self.weights = list(self.peer.blocks), list(self.peer.weights)
        return True


def two_and_two() -> dict[str, ToyNode]:
    left, right = [ToyNode("g", "1", "a2", "a3") for _ in range(2)], [ToyNode("g", "1", "b2", "b3") for _ in range(2)]
    return dict(zip("abcd", (*left, *right), strict=True))


def head(node: ToyNode) -> str:
    return node.blocks[-1]


def test_of_equal_branches_one_is_kept_and_the_others_go_back_to_the_fork() -> None:
    nodes = two_and_two()
    made = plan(nodes)
    kept = next(name for name, node in nodes.items() if keccak256(head(node).encode()) == made.keep.hash)
    others = "cd" if kept in "ab" else "ab"
    assert made.rewinds == tuple(Rewind(name, 1, 2) for name in others)
    assert plan(dict(reversed(nodes.items()))).keep == made.keep


def test_the_heavier_branch_is_kept_before_the_one_that_more_nodes_have() -> None:
    heavy = ToyNode("g", "1", "a2", weights=[1, 1, 2])
    made = plan({"a": heavy, "b": ToyNode("g", "1", "b2"), "c": ToyNode("g", "1", "b2")})
    assert made.keep.hash == keccak256(b"a2")
    assert [rewind.node for rewind in made.rewinds] == ["b", "c"]


def test_among_equals_the_branch_of_most_nodes_is_kept() -> None:
    nodes = two_and_two() | {"e": ToyNode("g", "1", "b2", "b3")}
    assert plan(nodes).keep.hash == keccak256(b"b3")


def test_a_node_that_is_only_behind_is_left_alone() -> None:
    assert plan({"a": ToyNode("g", "1", "2"), "b": ToyNode("g", "1")}).rewinds == ()


def test_a_final_block_is_never_given_up() -> None:
    long = [f"b{number}" for number in range(2, 6)]
    with pytest.raises(IntegrityError) as refused:
        plan({"a": ToyNode("g", "1", "a2", "a3", "a4", "a5", "a6"), "b": ToyNode("g", "1", *long)})
    assert (refused.value.fields["node"], refused.value.fields["drops"]) == ("b", 4)
    assert len(plan({"a": ToyNode("g", "1", "a2", "a3", "a4", "a5"), "b": ToyNode("g", "1", *long[:3])}).rewinds) == 1


def test_nodes_of_two_chains_are_told_apart() -> None:
    with pytest.raises(WrongChain):
        plan({"a": ToyNode("g", "1"), "b": ToyNode("h", "x")})
    with pytest.raises(InvalidInput):
        plan({})


def test_who_goes_back_does_not_seal_meanwhile() -> None:
    nodes = two_and_two()
    made = plan(nodes)
    kept = next(node for node in nodes.values() if keccak256(head(node).encode()) == made.keep.hash)
    for node in nodes.values():
        node.peer = kept
    follower = nodes[made.rewinds[1].node]
    follower.mines = False
    rejoin(nodes, made)
    assert {head(node) for node in nodes.values()} == {head(kept)}
    met = ["without called", "with called", "without calling"]
    assert nodes[made.rewinds[0].node].done == ["stop", "back to 1", *met, "start"]
    assert follower.done == ["back to 1", *met]
    assert kept.done == []


def test_a_node_that_does_not_come_to_the_kept_head_is_named_and_seals_again() -> None:
    nodes, now = two_and_two(), [0.0]
    made = plan(nodes)
    name = made.rewinds[0].node
    with pytest.raises(ChainUnavailable, match=name):
        rejoin(nodes, made, clock=lambda: now[0], wait=lambda seconds: now.__setitem__(0, now[0] + 10 * seconds))
    assert nodes[name].mines


def test_a_closed_api_is_named() -> None:
    nodes = two_and_two()
    made = plan(nodes)
    nodes[made.rewinds[0].node]._apis = ["eth", "clique"]
    with pytest.raises(NodeError) as refused:
        rejoin(nodes, made)
    assert "miner" in str(refused.value.hint) or "debug" in str(refused.value.hint)


def test_a_network_that_moves_is_not_stuck() -> None:
    nodes = two_and_two()
    assert is_stuck(nodes, 5, wait=lambda _: None)
    assert not is_stuck(nodes, 5, wait=lambda _: nodes["a"].blocks.append("a4"))


def test_the_operators_command_says_what_it_would_do_and_does_it(capsys: pytest.CaptureFixture[str]) -> None:
    nodes = two_and_two()
    with ExitStack() as stack:
        served = {stack.enter_context(FaultNode(node)).url: node for node in nodes.values()}
        words = ["chain", "rejoin", *served, "--watch", "0.01"]
        assert run(words) == 0
        assert capsys.readouterr().out.count("would give up 2 blocks after block 1") == 2
        assert [len(node.blocks) for node in nodes.values()] == [4] * 4
        kept = plan(nodes).keep
        for node in nodes.values():
            node.peer = next(each for each in nodes.values() if keccak256(head(each).encode()) == kept.hash)
        assert run([*words, "--go", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["moves"], said["done"], said["plan"]["keep"]["hash"]) == (False, True, to_hex(kept.hash))
    assert len({head(node) for node in nodes.values()}) == 1


def test_the_operators_command_leaves_nodes_of_one_branch_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with FaultNode(ToyNode("g", "1")) as one, FaultNode(ToyNode("g", "1")) as other:
        assert run(["chain", "rejoin", one.url, other.url, "--watch", "0.01", "--go"]) == 0
    assert "too few of them seal" in capsys.readouterr().out
