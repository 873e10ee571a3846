"""Whoever listens to the events has the chain's, in order and at least once, through forks, wherever they stood."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from deedbook.domain.hashing import to_hex
from deedbook.domain.journal import account_entity
from deedbook.domain.told import NOWHERE, Filter, Standing, Told
from deedbook.errors import InvalidInput, NotFound
from deedbook.mirror.follower import Follower
from deedbook.mirror.rebuild import rebuild
from deedbook.mirror.store import Mirror
from deedbook.queries import events
from deedbook.queries.events import EventFeed, standing_of, token_of
from tests import ledger_story as story
from tests.scripted_chain import CONTRACTS, ScriptedChain, decode

ALL = Filter()
AGAIN = [call for call in story.members() if call[1] in ("AuthorityUpdated", "EncryptionKeyRegistered")]
"""What may happen any number of times."""


@pytest.fixture
def chain() -> ScriptedChain:
    scripted = ScriptedChain(finality=6)
    for calls in story.story():
        scripted.mine(*calls)
    return scripted


@pytest.fixture
def mirror(chain: ScriptedChain, tmp_path: Path) -> Iterator[Mirror]:
    copied = Mirror.open(f"sqlite:///{tmp_path / 'mirror.sqlite'}", chain.chain)
    Follower(chain, copied, decode).follow()
    yield copied
    copied.close()


@pytest.fixture
def feed(mirror: Mirror) -> EventFeed:
    return EventFeed(mirror, 31337, CONTRACTS, decode)


@dataclass
class Listener:
    """Keeps the set of events that stand, as docs/api.md tells whoever listens to do."""

    feed: EventFeed
    wanted: Filter = ALL
    standing: Standing = NOWHERE
    heard: list[Told] = field(default_factory=list)
    stands: dict[str, Told] = field(default_factory=dict)

    def listen(self, limit: int = 100, pages: int = 10_000) -> list[Told]:
        """What it hears until there is no more."""
        before = len(self.heard)
        for _ in range(pages):
            telling = self.feed.tell(self.standing, self.wanted, limit=limit)
            assert len(telling.told) <= limit
            for told, place in telling.told:
                self.hear(told)
                self.standing = place
            self.standing = standing_of(token_of(telling.standing))
            if not telling.more:
                break
        return self.heard[before:]

    def hear(self, told: Told) -> None:
        self.heard.append(told)
        if told.retracted:
            self.stands.pop(told.key, None)
        else:
            self.stands[told.key] = told


def on_chain(chain: ScriptedChain, wanted: Filter = ALL, below: int = 10**9) -> list[str]:
    found = []
    for block in chain.blocks[:below]:
        for log in block.logs:
            contract = next(name for name, address in CONTRACTS.items() if address == log.address)
            told = Told(31337, contract, log, 0, decode(log))
            if wanted.takes(told):
                found.append(told.key)
    return found


def fork(chain: ScriptedChain, number: int, *blocks: int, seed: bytes = b"other") -> None:
    """Leaves the chain below block `number`, for blocks with so many events each."""
    chain.fork(number)
    for count in blocks:
        chain.mine(*(AGAIN * 3)[:count], seed=seed)


def test_all_events_are_told_in_the_order_of_the_chain_whatever_the_pages(
    chain: ScriptedChain, feed: EventFeed
) -> None:
    for limit in (1, 3, 1000):
        listener = Listener(feed)
        listener.listen(limit)
        assert [told.key for told in listener.heard] == on_chain(chain)
        assert not any(told.retracted for told in listener.heard)
    assert listener.listen() == []


def test_a_place_in_the_middle_of_a_block_is_gone_on_from(chain: ScriptedChain, feed: EventFeed) -> None:
    keys = on_chain(chain)
    for told, place in feed.tell(NOWHERE, ALL, limit=1000).told:
        rest = Listener(feed, standing=place)
        rest.listen()
        assert [each.key for each in rest.heard] == keys[keys.index(told.key) + 1 :]


def test_what_a_fork_took_back_is_told_the_last_first_and_then_what_stands(
    chain: ScriptedChain, mirror: Mirror, feed: EventFeed
) -> None:
    listener = Listener(feed)
    listener.listen()
    gone = [key for key in on_chain(chain) if key not in on_chain(chain, below=12)]
    fork(chain, 12, 2, 0, 1)
    Follower(chain, mirror, decode).follow()
    said = listener.listen(limit=1)
    assert [told.key for told in said if told.retracted] == gone[::-1]
    assert [told.retracted for told in said] == [True] * len(gone) + [False] * 3
    assert list(listener.stands) == on_chain(chain)
    assert next(told.type for told in said if told.retracted).endswith(".retracted")


def test_one_that_stood_within_a_block_takes_back_only_what_it_heard(
    chain: ScriptedChain, mirror: Mirror, feed: EventFeed
) -> None:
    last = next(block for block in reversed(chain.blocks) if len(block.logs) > 1)
    told = [(told, place) for told, place in feed.tell(NOWHERE, ALL, limit=1000).told]
    first = next(place for each, place in told if each.log.block_hash == last.header.hash)
    listener = Listener(feed, standing=first)
    fork(chain, last.header.number, 1)
    Follower(chain, mirror, decode).follow()
    said = listener.listen()
    assert [(each.log.log_index, each.retracted) for each in said] == [(0, True), (0, False)]
    assert [each.log.block_hash == last.header.hash for each in said] == [True, False]


def test_whoever_hears_any_of_it_again_after_any_forks_has_the_chains_events(
    chain: ScriptedChain, mirror: Mirror, feed: EventFeed
) -> None:
    drawn = random.Random(8)
    wanted = (ALL, Filter.of(["Membership"]), Filter.of(entities=[to_hex(story.BUYER)]))
    listeners = [Listener(feed, each) for each in wanted]
    former = list(chain.blocks)
    for turn in range(25):
        if turn % 5 == 4:  # back to a branch that was left: its events stand again
            chain.blocks[:], former = former, list(chain.blocks)
            while len(chain.blocks) < len(former):
                chain.mine(seed=b"back%d" % turn)
        else:
            former = list(chain.blocks)
            depth = drawn.randint(1, 5)
            counts = [drawn.randint(0, 4) for _ in range(drawn.randint(depth, depth + 2))]
            fork(chain, len(chain.blocks) - depth, *counts, seed=b"turn%d" % turn)
        chain.finality = 100
        Follower(chain, mirror, decode).follow()
        for listener in listeners:
            kept = listener.standing, dict(listener.stands)
            for told in listener.listen(limit=drawn.choice((1, 2, 100)), pages=drawn.choice((1, 3, 1000)))[-2:]:
                listener.hear(told)  # once more, in order
            if drawn.random() < 0.3:
                listener.standing, listener.stands = kept  # it lost its last steps, with what it made of them
    for listener in listeners:
        listener.listen()
        assert sorted(listener.stands) == sorted(on_chain(chain, listener.wanted))
        assert any(told.retracted for told in listener.heard)


def test_a_filter_takes_what_it_names_and_moves_past_the_rest(chain: ScriptedChain, feed: EventFeed) -> None:
    for wanted in (
        Filter.of(["Market", "Revenue"]),
        Filter.of(events=["SaleOrdered", "SaleSettled"]),
        Filter.of(["Market"], ["SaleOrdered"]),
        Filter.of(entities=[to_hex(story.SALE), to_hex(account_entity(story.BUYER))]),
        Filter.of(["Usage"]),
    ):
        listener = Listener(feed, wanted)
        listener.listen(limit=1)
        assert [told.key for told in listener.heard] == on_chain(chain, wanted)
        assert listener.standing == Listener(feed).feed.start(None)
    assert Filter.of(entities=[to_hex(story.BUYER)]) == Filter.of(entities=[to_hex(account_entity(story.BUYER))])


def test_one_who_asks_only_for_what_is_final_is_never_taken_back_anything(
    chain: ScriptedChain, mirror: Mirror, feed: EventFeed
) -> None:
    listener = Listener(feed, replace(ALL, final=True))
    listener.listen()
    final = len(chain.blocks) - 6
    assert list(listener.stands) == on_chain(chain, below=final)
    fork(chain, final, 1, 1, 1, 1, 1, 1, 1, 1)
    Follower(chain, mirror, decode).follow()
    assert not any(told.retracted for told in listener.listen(limit=2))
    assert list(listener.stands) == on_chain(chain, below=len(chain.blocks) - 6)


def test_few_wanted_among_many_are_found_by_short_looks(
    chain: ScriptedChain, feed: EventFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOKED_AT", 4)
    listener = Listener(feed, Filter.of(["Revenue"]))
    first = feed.tell(NOWHERE, listener.wanted)
    assert (first.told, first.more) == ((), True)
    listener.listen()
    assert [told.key for told in listener.heard] == on_chain(chain, listener.wanted)


def test_what_cannot_be_decoded_is_told_as_it_is(chain: ScriptedChain, mirror: Mirror, feed: EventFeed) -> None:
    odd = replace(chain.blocks[1].logs[0], data=b"{", address=CONTRACTS["Market"])
    chain.mine(raw=[odd])
    Follower(chain, mirror, decode).follow()
    for wanted in (ALL, Filter.of(["Market"], ["SaleOrdered"])):
        listener = Listener(feed, wanted, feed.start(len(chain.blocks) - 1))
        (told,) = listener.listen()
        said = told.to_json()
        assert (said["type"], said["data"]["event"], said["data"]["args"]) == ("Market.undecoded", None, None)
        assert (said["data"]["data"], said["data"]["entities"]) == ("0x7b", [])
    assert Listener(feed, Filter.of(["Usage"])).listen() == []


def test_a_start_is_before_a_block_or_behind_the_newest(chain: ScriptedChain, feed: EventFeed) -> None:
    for number in (0, 1, 7):
        listener = Listener(feed, standing=feed.start(number))
        listener.listen()
        assert [told.key for told in listener.heard] == on_chain(chain)[len(on_chain(chain, below=number)) :]
    for none in (None, len(chain.blocks), 10**6):
        assert Listener(feed, standing=feed.start(none)).listen() == []


def test_a_place_of_a_mirror_that_was_built_anew_after_a_fork_is_not_passed_over(
    chain: ScriptedChain, mirror: Mirror, feed: EventFeed, tmp_path: Path
) -> None:
    listener = Listener(feed)
    listener.listen()
    fork(chain, len(chain.blocks) - 2, 1, 1)
    anew = tmp_path / "anew.sqlite"
    rebuild(chain, anew, chain.chain, decode)
    other = Mirror.open(f"sqlite:///{anew}", chain.chain)
    with pytest.raises(NotFound) as caught:
        EventFeed(other, 31337, CONTRACTS, decode).tell(listener.standing, ALL)
    assert "begin from a block" in str(caught.value.hint)
    other.close()


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("contract", {"contracts": ["Markets"]}),
        ("event", {"events": ["SaleOrdred"]}),
        ("event", {"contracts": ["Usage"], "events": ["SaleOrdered"]}),
        ("entity", {"entities": ["0x12"]}),
        ("entity", {"entities": ["0x" + "AB" * 20]}),
        ("entity", {"entities": ["0x" + f"{n:064x}" for n in range(101)]}),
        ("filter.final", {"final": 1}),
        ("filter.events", {"events": [1]}),
        ("filter.events", {"events": "SaleOrdered"}),
        ("filter", {"event": []}),
        ("filter", []),
    ],
)
def test_a_filter_that_can_take_nothing_is_refused(field: str, said: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        Filter.from_json(said)
    assert caught.value.field == field


def test_a_filter_is_kept_as_json() -> None:
    wanted = Filter.of(["Market"], ["SaleOrdered"], [to_hex(story.SALE)], final=True)
    assert Filter.from_json(wanted.to_json()) == wanted
    assert Filter.from_json({}) == ALL
