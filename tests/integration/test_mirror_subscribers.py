"""Who follows the mirror is told what came and was taken back, at least once, from where it stood; and harms it not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deedbook.errors import ChainUnavailable, IntegrityError, NotFound
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import BlockRow, Mirror
from deedbook.mirror.subscribers import tell
from tests import ledger_story as story
from tests.scripted_chain import ScriptedChain, decode


@pytest.fixture
def chain() -> ScriptedChain:
    scripted = ScriptedChain(finality=100)
    for calls in story.story():
        scripted.mine(*calls)
    return scripted


@pytest.fixture
def mirror(chain: ScriptedChain, tmp_path: Path) -> Mirror:
    return Mirror.open(f"sqlite:///{tmp_path / 'mirror.sqlite'}", chain.chain)


@dataclass
class Listener:
    """Keeps the chain as it was told, and what it was told; `broken` raises before it takes anything in."""

    heard: list[tuple[str, list[int]]] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)
    broken: bool = False

    def stands_at(self) -> bytes | None:
        return self.blocks[-1] if self.blocks else None

    def added(self, blocks: Sequence[BlockRow]) -> None:
        self._hear("added", blocks)
        self.blocks += [block.hash for block in blocks]

    def taken_back(self, blocks: Sequence[BlockRow]) -> None:
        self._hear("taken back", blocks)
        assert [block.hash for block in blocks] == self.blocks[: -len(blocks) - 1 : -1]
        del self.blocks[-len(blocks) :]

    def _hear(self, what: str, blocks: Sequence[BlockRow]) -> None:
        if self.broken:
            raise RuntimeError("the subscriber is out of order")
        self.heard.append((what, [block.number for block in blocks]))


def fork(chain: ScriptedChain, number: int, blocks: int) -> None:
    chain.fork(number)
    for _ in range(blocks):
        chain.mine(seed=b"other")


def hashes(chain: ScriptedChain) -> list[bytes]:
    return [block.header.hash for block in chain.blocks]


def test_a_subscriber_is_told_what_a_fork_took_back(chain: ScriptedChain, mirror: Mirror) -> None:
    listener = Listener()
    follower = Follower(chain, mirror, decode, subscribers=[listener])
    follower.follow()
    fork(chain, 11, 3)
    follower.follow()
    assert listener.heard == [
        ("added", [*range(15)]),
        ("taken back", [14, 13, 12, 11]),
        ("added", [11, 12, 13]),
    ]
    assert listener.blocks == hashes(chain)


def test_one_that_was_away_through_several_forks_is_told_what_counts(chain: ScriptedChain, mirror: Mirror) -> None:
    listener = Listener()
    Follower(chain, mirror, decode, subscribers=[listener]).follow()
    for number in (13, 9, 12):
        fork(chain, number, 4)
        Follower(chain, mirror, decode).follow()
    Follower(chain, mirror, decode, subscribers=[listener]).advance()
    assert listener.heard[1:] == [("taken back", [14, 13, 12, 11, 10, 9]), ("added", [*range(9, 16)])]
    assert listener.blocks == hashes(chain)


def test_one_that_fails_harms_neither_the_mirror_nor_others_and_is_told_again(
    chain: ScriptedChain, mirror: Mirror, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = Listener(broken=True), Listener()
    follower = Follower(chain, mirror, decode, span=4, subscribers=[broken, sound])
    assert follower.follow().head == 14
    fork(chain, 12, 2)
    follower.follow()
    assert "RuntimeError: the subscriber is out of order" in caplog.text
    assert check(chain, mirror, decode).equal
    assert sound.blocks == hashes(chain)
    broken.broken = False
    follower.advance()
    assert broken.heard == [("added", [*range(14)])]  # of what was taken back meanwhile it never heard
    assert broken.blocks == hashes(chain)


def test_a_fork_that_was_left_is_told_also_where_the_node_then_falls_silent(
    chain: ScriptedChain, mirror: Mirror
) -> None:
    listener = Listener()
    Follower(chain, mirror, decode, subscribers=[listener]).follow()
    fork(chain, 11, 3)

    class Silent(ScriptedChain):
        def logs(self, header):  # type: ignore[no-untyped-def]
            raise ChainUnavailable("no logs")

    with pytest.raises(ChainUnavailable):
        Follower(Silent(finality=100, blocks=chain.blocks), mirror, decode, subscribers=[listener]).follow()
    assert listener.heard[-1] == ("taken back", [14, 13, 12, 11])
    assert listener.blocks == hashes(chain)[:11]


def test_one_that_stands_at_a_block_of_a_mirror_that_is_no_more_begins_anew(
    chain: ScriptedChain, mirror: Mirror
) -> None:
    Follower(chain, mirror, decode).follow()
    stranger = Listener(blocks=[bytes(32)])
    with pytest.raises(NotFound) as caught:
        tell(mirror, stranger)
    assert "begin from block 0" in str(caught.value.hint)


def test_one_that_does_not_remember_is_not_told_for_ever(chain: ScriptedChain, mirror: Mirror) -> None:
    class Forgetful(Listener):
        def stands_at(self) -> bytes | None:
            return None

    Follower(chain, mirror, decode).follow()
    with pytest.raises(IntegrityError, match="does not remember"):
        tell(mirror, Forgetful())
