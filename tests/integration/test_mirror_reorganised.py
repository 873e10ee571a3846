"""A real node that reorganises while it is written to and followed: the mirror is what a rebuild gives, every time.

25 forks here; under the deep profile (HYPOTHESIS_PROFILE) the 500 of the issue. What happened is left where
DEEDBOOK_FIGURES says.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from deedbook.chain.client import HttpNode
from deedbook.errors import ChainUnavailable, Locked
from deedbook.mirror import schema
from deedbook.mirror.follower import Case
from deedbook.mirror.store import BlockRow, Mirror
from deedbook.queries.status import status
from tests.integration.anvil_node import anvil_address
from tests.integration.mirrored_anvil import CHAIN_ID, Written, written

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
ROUNDS, FORKS = (20, 25) if DEEP else (1, 25)
DEEPEST = 20


@pytest.fixture(scope="module")
def chain(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Written]:
    with written(anvil, tmp_path_factory.mktemp("reorganised") / "home") as made:
        yield made


@dataclass
class Listener:
    """A subscriber that keeps the chain as it was told of it, and stumbles now and then."""

    draw: random.Random
    told: list[BlockRow] = field(default_factory=list)
    stumbled: int = 0

    def stands_at(self) -> bytes | None:
        return self.told[-1].hash if self.told else None

    def added(self, blocks: list[BlockRow]) -> None:
        self._stumble()
        for block in blocks:
            assert not self.told or block.parent_hash == self.told[-1].hash
            self.told.append(block)

    def taken_back(self, blocks: list[BlockRow]) -> None:
        self._stumble()
        for block in blocks:
            assert self.told.pop().hash == block.hash

    def _stumble(self) -> None:
        if self.draw.random() < 0.2:
            self.stumbled += 1
            raise RuntimeError("not now")


def copied(mirror: Mirror, upto: int | None = None) -> list[tuple[int, bytes]]:
    """Number and hash of the mirror's blocks."""
    blocks = schema.blocks
    query = select(blocks.c.number, blocks.c.hash).order_by(blocks.c.number)
    with mirror.reading() as connection:
        return [(row[0], row[1]) for row in connection.execute(query) if upto is None or row[0] <= upto]


def followed(chain: Written, mirror: Mirror, listener: Listener, over: threading.Event, met: Counter[str]) -> None:
    """Follows until told to stop; what passes by itself is counted."""
    node = HttpNode(chain.url, timeout=60)
    follower = chain.follower(mirror, node, span=7, subscribers=[listener])
    while not over.is_set():
        try:
            met[str(follower.advance().case)] += 1
        except (ChainUnavailable, Locked) as error:
            met[error.code] += 1
        time.sleep(0.002)
    node.close()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_after_every_fork_the_mirror_is_its_rebuild(chain: Written, tmp_path: Path, seed: int) -> None:
    """Forks of depth 1 to 20, events in both branches, a follower at work all the time."""
    draw, met, depths = random.Random(seed), Counter[str](), Counter[int]()
    base = chain.node.request("evm_snapshot", [])
    chain.write(*(draw.randint(0, 2) for _ in range(DEEPEST + 2)))
    mirror, listener = chain.mirror(f"sqlite:///{tmp_path / 'mirror.sqlite'}"), Listener(random.Random(~seed))
    chain.follower(mirror).follow()
    for _ in range(FORKS):
        cursor = mirror.cursor()
        assert cursor is not None
        final = copied(mirror, cursor.final)
        over = threading.Event()
        thread = threading.Thread(target=followed, args=(chain, mirror, listener, over, met))
        thread.start()
        depth = draw.randint(1, DEEPEST)
        depths[depth] += 1
        chain.reorganise(depth, draw.randint(0, 3))
        chain.write(*(draw.randint(0, 2) for _ in range(draw.randint(1, 3))))
        time.sleep(draw.random() * 0.05)
        over.set()
        thread.join()
        chain.follower(mirror).follow()
        assert chain.check(mirror).differences == ()
        assert copied(mirror, cursor.final) == final
    while listener.stands_at() != copied(mirror)[-1][1]:
        chain.follower(mirror, subscribers=[listener]).advance()
    assert [(block.number, block.hash) for block in listener.told] == copied(mirror)
    now = status(mirror)
    assert (now.quarantined, now.verification.proof, now.verification.receipts_to) == (0, now.head, now.head)
    assert now.orphan_blocks > 0
    mirror.close()
    chain.node.request("evm_revert", [base])
    figures = {"forks": FORKS, "deepest": max(depths), "orphans": now.orphan_blocks, "stumbled": listener.stumbled}
    left({**figures, **dict(sorted(met.items()))}, f"forks, seed {seed}")


def test_two_nodes_that_part_are_followed_one_after_the_other(anvil: Path, tmp_path: Path) -> None:
    """Two anvils with one past; each goes on alone, and whoever is longer for now is followed, back and forth."""
    with written(anvil, tmp_path / "home") as chain, parted(chain, anvil) as other:
        mirror = chain.mirror(f"sqlite:///{tmp_path / 'mirror.sqlite'}")
        fork = chain.head()
        assert block(other, fork) == block(chain, fork)
        for turn, (longer, events) in enumerate([(chain, 2), (other, 1), (chain, 0), (other, 3), (chain, 1)]):
            while longer.head() < fork + 2 * (turn + 1):
                longer.write(events)
            progress = longer.follower(mirror).follow()
            assert progress.lag == 0
            if turn:
                assert progress.undone == 2 * turn
            assert longer.check(mirror).differences == ()
        now = chain.follower(mirror).advance()
        assert now.case is Case.SAME
        back = other.follower(mirror).advance()  # a fork to a head that is lower than ours
        assert (back.case, back.head) == (Case.FORK, other.head())
        assert back.head < now.head
        mirror.close()


@contextmanager
def parted(chain: Written, anvil: Path) -> Iterator[Written]:
    """A second anvil with the same past."""
    state = chain.node.request("anvil_dumpState", [True])
    options = ("--accounts", "1", "--order", "fifo", "--no-request-size-limit")
    with anvil_address(anvil, chain_id=CHAIN_ID, start=None, options=options, hardfork="shanghai") as url:
        node = HttpNode(url, timeout=60)
        assert node.request("anvil_loadState", [state])
        node.request("evm_setAutomine", [False])
        node.request("anvil_impersonateAccount", [chain.governance])
        yield replace(chain, url=url, node=node)
        node.close()


def block(chain: Written, number: int) -> str:
    """The hash of a block."""
    found: str = chain.node.request("eth_getBlockByNumber", [hex(number), False])["hash"]
    return found


def left(figures: dict[str, object], name: str) -> None:
    """Leaves figures for the report of the deep run, and shows them."""
    line = json.dumps({name: figures})
    print(line)
    if place := os.environ.get("DEEDBOOK_FIGURES"):
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
