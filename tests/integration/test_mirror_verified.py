"""How far the mirror is more than one node's word: by proof, by receipts, by a second node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from deedbook.domain.events import Log
from deedbook.errors import IntegrityError
from deedbook.mirror import schema
from deedbook.mirror.copying import BlockHeader
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import check
from deedbook.mirror.store import Check, Mirror, read_check, write_check
from deedbook.queries.status import VerificationView, status
from tests import ledger_story as story
from tests.scripted_chain import ScriptedChain, decode


@dataclass
class Bound:
    """The receipts of a scripted chain; none of blocks in `pruned`."""

    chain: ScriptedChain
    pruned: set[int] = field(default_factory=set)

    def proven_logs(self, header: BlockHeader) -> Sequence[Log] | None:
        return None if header.number in self.pruned else self.chain.blocks[header.number].logs


@pytest.fixture
def chain() -> ScriptedChain:
    scripted = ScriptedChain(finality=100)
    for calls in story.story():
        scripted.mine(*calls)
    return scripted


@pytest.fixture
def mirror(chain: ScriptedChain, tmp_path: Path) -> Mirror:
    return Mirror.open(f"sqlite:///{tmp_path / 'mirror.sqlite'}", chain.chain)


def verification(mirror: Mirror) -> VerificationView:
    return status(mirror).verification


def test_a_mirror_says_how_far_it_is_verified_and_by_whom(chain: ScriptedChain, mirror: Mirror) -> None:
    assert verification(mirror).words == "unverified"
    Follower(chain, mirror, decode, receipts=Bound(chain)).follow()
    assert verification(mirror).words == "verified to block 14 by proof, from block 0 to 14 by receipts"
    with mirror.writing() as connection:
        write_check(connection, schema.NODES, Check(0, 9, chain.blocks[9].header.hash, None))
    assert ", to block 9 by a second node" in verification(mirror).words
    chain.pruned_below = 100
    chain.mine()
    Follower(chain, mirror, decode).follow()
    assert (verification(mirror).proof, status(mirror).head) == (14, 15)  # what was proven once stays so


def test_refused_receipts_are_remembered_and_the_count_begins_after_them(chain: ScriptedChain, mirror: Mirror) -> None:
    bound = Bound(chain, {4, 5})
    Follower(chain, mirror, decode, span=3, receipts=bound).follow()
    now = verification(mirror)
    assert (now.receipts_from, now.receipts_to, now.receipts_refused) == (6, 14, 5)


def test_after_a_fork_nothing_is_verified_above_it(chain: ScriptedChain, mirror: Mirror) -> None:
    Follower(chain, mirror, decode, receipts=Bound(chain, {13})).follow()
    with mirror.writing() as connection:
        write_check(connection, schema.NODES, Check(0, 14, chain.blocks[14].header.hash, None))
    chain.fork(11)
    chain.mine(seed=b"other")
    chain.pruned_below = 100
    Follower(chain, mirror, decode, receipts=Bound(chain, {11})).follow()
    now = verification(mirror)
    assert (now.second_node, now.receipts_refused, now.proof) == (10, 11, None)
    assert (now.receipts_from, now.receipts_to) == (None, None)  # what was checked lay above the fork


def _renumbered(logs: Sequence[Log]) -> list[Log]:
    return [replace(log, log_index=place) for place, log in enumerate(reversed(logs))]


@pytest.mark.parametrize(
    ("lie", "did", "log_index"),
    [
        (lambda logs: logs[1:], "hides", 0),
        (lambda logs: [*logs, replace(logs[0], log_index=99)], "invents", 99),
        (_renumbered, "reorders", 0),
        (lambda logs: [replace(logs[0], data=b"{}"), *logs[1:]], "changes", 0),
    ],
    ids=["hidden", "invented", "reordered", "changed"],
)
def test_a_log_that_is_not_as_its_receipt_is_found_at_its_block(
    chain: ScriptedChain, mirror: Mirror, lie: Callable[[Sequence[Log]], Sequence[Log]], did: str, log_index: int
) -> None:
    chain.lie = lambda number, logs: lie(logs) if number == 1 else logs
    with pytest.raises(IntegrityError, match=f"the node {did} log {log_index} of block 1: ") as caught:
        Follower(chain, mirror, decode, receipts=Bound(chain)).follow()
    assert (caught.value.fields["block"], caught.value.fields["rule"]) == (1, "receipts.logs")
    assert mirror.cursor() is None


def test_a_mirror_of_before_gets_the_books_that_it_lacks(chain: ScriptedChain, mirror: Mirror) -> None:
    Follower(chain, mirror, decode).follow()
    with mirror.writing() as connection:
        schema.checks.drop(connection)
    mirror.close()
    again = Mirror.open(mirror.database.url, chain.chain)
    with again.reading() as connection:
        assert read_check(connection, schema.RECEIPTS) is None
    assert check(chain, again, decode).equal
