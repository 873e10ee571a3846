"""Events delivered to webhooks: at least once, in order per entity, through failures, forks and other deliverers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from deedbook.bootstrap.posting import Poster
from deedbook.bootstrap.webhooks import PARALLEL, Delivering
from deedbook.domain.destinations import Permitted
from deedbook.domain.hashing import to_hex
from deedbook.domain.journal import account_entity
from deedbook.domain.told import NOWHERE, Filter
from deedbook.domain.webhooks import HookState, Outcome, Webhook
from deedbook.errors import Conflict, InvalidInput, LeaseLost, NotFound
from deedbook.ledger.webhooks import Webhooks
from deedbook.records import webhooks as book_of
from deedbook.records.store import Records
from tests import ledger_story as story
from tests.conftest import Clock, Entropy
from tests.integration.test_event_feed import AGAIN, Listener, on_chain
from tests.integration.test_event_streams import Home
from tests.mirror_stage import ENGINES
from tests.postgresql_server import Server
from tests.toy_sealer import ToySealer
from tests.webhook_receiver import Received, Receiver

PERMITTED = Permitted(http=True, networks=(ip_network("127.0.0.0/8"),))
SALE = to_hex(story.SALE)


@dataclass
class Stage:
    """A chain and its mirror, the records, and who delivers."""

    home: Home
    folder: Path
    clock: Clock = field(default_factory=Clock)
    tries: int = 3
    entropy: Entropy = field(default_factory=lambda: Entropy("webhooks"))
    url: str | None = None

    def __post_init__(self) -> None:
        self.records = Records.open(self.url or f"sqlite:///{self.folder / 'records.sqlite'}", ToySealer())
        self.book = self.records.webhooks
        self.poster = Poster(PERMITTED)
        self.hooks = Webhooks(self.book, PERMITTED, self.poster, clock=self.clock, entropy=self.entropy)
        self.delivering = self.deliverer("home")

    def deliverer(self, owner: str, poster: Any = None) -> Delivering:
        return Delivering(
            self.book,
            lambda: self.home.events,
            poster or self.poster,
            owner=owner,
            clock=self.clock,
            luck=lambda: 0.5,
            tries=self.tries,
        )

    def add(self, receiver: Receiver, wanted: Filter | None = None) -> Webhook:
        return self.hooks.add(receiver.url, wanted or Filter(), NOWHERE)

    def deliver(self, delivering: Delivering | None = None) -> None:
        """Until nothing is due."""
        by, last = delivering or self.delivering, -1
        while True:
            by.step()
            assert by.settle(30)
            hooks = self.hooks.all()
            now = sum(10**6 * hook.delivered + hook.standing.number + hook.standing.told for hook in hooks)
            now += sum(10**3 * due.due_at for hook in hooks for due in self.book.waiting(hook.hook_id))
            if now == last:
                return
            last = now

    def close(self) -> None:
        self.delivering.close(5)
        self.records.close()
        self.home.mirror.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(Home(tmp_path), tmp_path)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def in_order(received: list[Received], entity: bytes) -> list[str]:
    """The keys of what is about this, in the order in which it came; of what came again, the first."""
    about = [each.key for each in received if to_hex(entity) in each.json()["data"]["entities"]]
    return list(dict.fromkeys(about))


def test_every_event_is_received_signed_and_in_the_order_of_each_entity(stage: Stage, receiver: Receiver) -> None:
    hook = stage.add(receiver)
    stage.deliver()
    assert sorted(each.key for each in receiver.received) == sorted(on_chain(stage.home.chain))
    assert all(each.signed_by(hook.secrets[0].text) for each in receiver.received)
    assert len({each.id for each in receiver.received}) == len(receiver.received)
    for entity in (story.SALE, account_entity(story.BUYER), story.ASSET.to_bytes(32, "big")):
        wanted = Filter.of(entities=[to_hex(entity)])
        assert in_order(receiver.received, entity) == on_chain(stage.home.chain, wanted)
    shown = stage.hooks.get(hook.hook_id)
    assert (shown.delivered, shown.waiting, shown.dead) == (len(receiver.received), 0, 0)
    stage.home.mine(*AGAIN)
    stage.deliver()
    assert len(receiver.received) == len(on_chain(stage.home.chain))


@pytest.mark.skipif("postgresql" not in ENGINES, reason="its server for tests is for Linux")
def test_postgresql_tells_and_takes_back_the_same(tmp_path: Path, receiver: Receiver) -> None:
    server = Server()
    stage = Stage(Home(tmp_path, server.new()), tmp_path, url=server.new())
    try:
        hook = stage.add(receiver)
        stage.deliver()
        stage.home.fork(11, 3, 0, 2, 1, 1, 0, 0)
        stage.deliver()
        taken_back = {each.key for each in receiver.received if each.json()["data"]["retracted"]}
        stands = {each.key for each in receiver.received} - taken_back
        assert (stands, bool(taken_back)) == (set(on_chain(stage.home.chain)), True)
        assert stage.hooks.get(hook.hook_id).delivered == len(receiver.received)
    finally:
        stage.close()
        server.close()


def test_only_what_is_wanted_is_sent(stage: Stage, receiver: Receiver) -> None:
    wanted = Filter.of(["Market"], ["SaleOrdered", "SalePaid"], [SALE])
    stage.add(receiver, wanted)
    stage.deliver()
    assert [each.type for each in receiver.received] == ["Market.SaleOrdered", "Market.SalePaid"]
    assert receiver.received[0].headers["content-type"] == "application/json"


def test_the_failure_of_one_entity_holds_up_what_is_about_it_and_nothing_else(stage: Stage) -> None:
    refusing = True

    def answering(got: Received) -> int:
        return 500 if refusing and SALE in got.json()["data"]["entities"] else 204

    with Receiver(answering) as receiver:
        hook = stage.add(receiver)
        stage.deliver()
        sale = on_chain(stage.home.chain, Filter.of(entities=[SALE]))
        tried = [each for each in receiver.received if SALE in each.json()["data"]["entities"]]
        assert [each.key for each in tried] == sale[:1]
        assert stage.hooks.get(hook.hook_id).waiting >= len(sale)
        other = account_entity(story.BUYER)
        assert in_order(receiver.received, other) == on_chain(stage.home.chain, Filter.of(entities=[to_hex(other)]))
        refusing = False
        stage.deliver()
        assert in_order(receiver.received, story.SALE) == sale[:1]
        stage.clock.advance(5)
        stage.deliver()
        assert in_order(receiver.received, story.SALE) == sale
        again = [each for each in receiver.received if each.key == sale[0]]
        assert [each.id for each in again] == [again[0].id] * 2
        assert again[0].body == again[1].body
        assert again[0].headers["webhook-timestamp"] != again[1].headers["webhook-timestamp"]
        assert stage.hooks.get(hook.hook_id).waiting == 0


def test_what_nobody_takes_is_dead_after_its_tries_and_is_sent_again_when_asked(stage: Stage) -> None:
    poison = on_chain(stage.home.chain, Filter.of(entities=[SALE]))[0]
    refusing = True
    with Receiver(lambda got: 500 if refusing and got.key == poison else 200) as receiver:
        hook = stage.add(receiver, Filter.of(entities=[SALE]))
        for pause in (0, 5, 20):
            stage.clock.advance(pause)
            stage.deliver()
        assert [each.key for each in receiver.received].count(poison) == stage.tries
        rest = on_chain(stage.home.chain, Filter.of(entities=[SALE]))
        assert in_order(receiver.received, story.SALE) == rest  # what waited behind it went on
        (letter,) = stage.hooks.dead(hook.hook_id)
        assert (letter.tries, letter.failure, letter.status) == (3, "status", 500)
        assert letter.message_id == receiver.received[0].id
        assert stage.hooks.get(hook.hook_id).dead == 1
        assert stage.hooks.dead(hook.hook_id, after=letter.number) == []
        refusing = False
        with pytest.raises(NotFound):
            stage.hooks.replay(hook.hook_id, letter.number + 1)
        assert stage.hooks.replay(hook.hook_id, letter.number) == 1
        stage.deliver()
        assert receiver.received[-1].id == letter.message_id
        assert (stage.hooks.replay(hook.hook_id), stage.hooks.get(hook.hook_id).dead) == (0, 0)


def test_a_receiver_that_is_gone_is_told_no_more_until_it_is_enabled(stage: Stage) -> None:
    gone = True
    with Receiver(lambda _: 410 if gone else 204) as receiver:
        hook = stage.add(receiver)
        stage.deliver()
        asked = len(receiver.received)
        assert 1 <= asked <= PARALLEL
        found = stage.hooks.get(hook.hook_id)
        assert (found.state, found.reason, found.delivered) == (HookState.DISABLED, book_of.GONE, 0)
        stage.clock.advance(10**6)
        stage.home.mine(*AGAIN)
        stage.deliver()
        assert len(receiver.received) == asked
        gone = False
        assert stage.hooks.enable(hook.hook_id).state is HookState.ACTIVE
        stage.deliver()
        keys = [each.key for each in receiver.received[asked:]]
        assert sorted(keys) == sorted(on_chain(stage.home.chain))


def test_a_receiver_that_asks_for_a_pause_gets_it(stage: Stage) -> None:
    busy = True
    with Receiver(lambda _: 429 if busy else 204, {"Retry-After": "600"}) as receiver:
        stage.add(receiver, Filter.of(["Market"], ["SaleOrdered"], [SALE]))
        stage.deliver()
        busy = False
        stage.clock.advance(599)
        stage.deliver()
        assert len(receiver.received) == 1
        stage.clock.advance(1)
        stage.deliver()
        assert len(receiver.received) == 2


def test_a_fork_is_told_as_messages_of_their_own_behind_what_they_take_back(stage: Stage, receiver: Receiver) -> None:
    stage.add(receiver)
    stage.deliver()
    stage.home.fork(11, 3, 0, 2, 1, 1, 0, 0)
    stage.deliver()
    listener = Listener(stage.home.events)
    for got in receiver.received:
        key = got.key
        if got.json()["data"]["retracted"]:
            assert got.type.endswith(".retracted")
            assert key in listener.stands  # it came before
            del listener.stands[key]
        else:
            listener.stands[key] = None  # type: ignore[assignment]
    assert sorted(listener.stands) == sorted(on_chain(stage.home.chain))
    assert any(got.json()["data"]["retracted"] for got in receiver.received)


def test_an_event_that_waits_while_a_fork_takes_it_back_is_told_and_then_taken_back(stage: Stage) -> None:
    away = True
    with Receiver(lambda _: 503 if away else 204) as receiver:
        stage.add(receiver)
        stage.deliver()
        stage.home.fork(11, 1, 1, 1, 1, 1, 1)
        stage.deliver()
        away = False
        stage.clock.advance(100)
        before = len(receiver.received)
        stage.deliver()
        told = [(got.key, got.json()["data"]["retracted"]) for got in receiver.received[before:]]
        gone = [key for key, retracted in told if retracted]
        assert gone
        assert all(told.index((key, False)) < told.index((key, True)) for key in gone)


def test_both_secrets_sign_for_a_while_after_a_rotation(stage: Stage, receiver: Receiver) -> None:
    hook = stage.add(receiver, Filter.of(["Market"]))
    rotated = stage.hooks.rotate(hook.hook_id, overlap=60)
    fresh, former = (each.text for each in rotated.secrets)
    assert former == hook.secrets[0].text
    stage.deliver()
    assert all(each.signed_by(fresh) and each.signed_by(former) for each in receiver.received)
    stage.clock.advance(60)
    before = len(receiver.received)
    assert stage.hooks.test(hook.hook_id) == Outcome(204)
    (got,) = receiver.received[before:]
    assert (got.signed_by(fresh), got.signed_by(former)) == (True, False)
    assert (got.type, got.json()["data"]) == ("deedbook.test", {"webhook": hook.hook_id})


def test_no_more_waits_than_there_is_room_for_and_the_rest_waits_in_the_mirror(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deedbook.bootstrap.webhooks.MOST_WAITING", 10)
    monkeypatch.setattr("deedbook.bootstrap.webhooks.AT_ONCE", 5)
    away = True
    with Receiver(lambda _: 503 if away else 204) as receiver:
        hook = stage.add(receiver)
        for _ in range(5):
            stage.deliver()
        assert stage.hooks.get(hook.hook_id).waiting == 10
        away = False
        for _ in range(20):
            stage.clock.advance(10)
            stage.deliver()
        assert sorted({each.key for each in receiver.received}) == sorted(on_chain(stage.home.chain))


def test_a_webhook_with_too_many_dead_letters_is_disabled(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_of, "MOST_DEAD", 2)
    with Receiver(lambda _: 500) as receiver:
        hook = stage.add(receiver, Filter.of(["Membership"]))
        for _ in range(6):
            stage.deliver()
            stage.clock.advance(1000)
        found = stage.hooks.get(hook.hook_id)
        assert (found.state, found.reason) == (HookState.DISABLED, book_of.FULL)
        assert found.dead >= 2


def test_a_webhook_that_the_settings_no_longer_permit_is_not_asked(stage: Stage, receiver: Receiver) -> None:
    hook = stage.add(receiver, Filter.of(["Market"], ["SaleOrdered"], [SALE]))
    stage.tries = 1
    stage.deliver(stage.deliverer("home", Poster(Permitted(http=True))))
    assert receiver.received == []
    assert [letter.failure for letter in stage.hooks.dead(hook.hook_id)] == ["refused"]
    with pytest.raises(InvalidInput):
        stage.hooks.add("https://127.0.0.2\\@1.1.1.1/", Filter(), NOWHERE)


# -- others who deliver


def test_one_of_two_delivers_and_the_other_goes_on_when_it_falls_silent(stage: Stage, receiver: Receiver) -> None:
    other = stage.deliverer("other")
    hook = stage.add(receiver)
    stage.delivering.step()
    stage.delivering.settle(30)
    other.step()
    assert [each.hook_id for each in stage.book.take("home", stage.clock())] == [hook.hook_id]
    assert stage.book.take("other", stage.clock()) == []
    stage.clock.advance(book_of.TERM)
    stage.deliver(other)
    assert sorted({each.key for each in receiver.received}) == sorted(on_chain(stage.home.chain))
    with pytest.raises(LeaseLost):
        stage.book.note(hook.hook_id, 1, Outcome(204), owner="home", again_at=None)
    with pytest.raises(LeaseLost):
        stage.book.put(hook, [], stage.home.events.start(None), owner="home", now=0)
    other.close(5)
    assert [each.hook_id for each in stage.book.take("home", stage.clock())] == [hook.hook_id]


def test_what_was_sent_and_not_noted_is_sent_once_more_under_its_id(stage: Stage, receiver: Receiver) -> None:
    hook = stage.add(receiver, Filter.of(["Market"], ["SaleOrdered"], [SALE]))

    class Dying:
        def post(self, *request: Any) -> Outcome:
            stage.poster.post(*request)
            stage.book.free("home")  # another one has it by now
            return Outcome(204)

    dying = stage.deliverer("home", Dying())
    dying.step()
    dying.settle(30)
    assert (len(receiver.received), stage.hooks.get(hook.hook_id).waiting) == (1, 1)
    stage.deliver()
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)


def test_a_webhook_at_a_block_of_a_mirror_that_is_no_more_is_disabled_and_goes_on_from_where_it_is_told(
    stage: Stage, receiver: Receiver
) -> None:
    hook = stage.add(receiver)
    stage.deliver()
    stage.home.fork(len(stage.home.chain.blocks) - 1, 1, 1)
    with stage.home.mirror.writing() as connection:
        connection.exec_driver_sql("DELETE FROM orphan_blocks")
    stage.deliver()
    found = stage.hooks.get(hook.hook_id)
    assert (found.state, found.reason) == (HookState.DISABLED, "stranded")
    stage.hooks.enable(hook.hook_id, stage.home.events.start(3))
    before = len(receiver.received)
    stage.deliver()
    keys = [each.key for each in receiver.received[before:]]
    assert sorted(keys) == sorted(on_chain(stage.home.chain)[len(on_chain(stage.home.chain, below=3)) :])


def test_a_slow_receiver_holds_up_nobody_else(stage: Stage, receiver: Receiver) -> None:
    let_go = threading.Event()

    def answering(_: Received) -> int:
        let_go.wait(20)
        return 204

    with Receiver(answering) as slow:
        stage.add(slow)
        stage.add(receiver)
        known = on_chain(stage.home.chain)
        for _ in range(100):
            stage.delivering.step()
            if len(receiver.received) == len(known):
                break
            with stage.delivering._changed:
                stage.delivering._changed.wait(1)
        assert len(receiver.received) == len(known)
        let_go.set()
        assert stage.delivering.settle(30)


def test_there_are_no_more_webhooks_than_one_service_tells(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_of, "MOST_HOOKS", 2)
    for _ in range(2):
        stage.hooks.add("https://1.1.1.1/", Filter(), NOWHERE)
    with pytest.raises(Conflict):
        stage.hooks.add("https://1.1.1.1/", Filter(), NOWHERE)
    assert len(stage.hooks.all()) == 2


def test_a_removed_webhook_leaves_nothing(stage: Stage, receiver: Receiver) -> None:
    hook = stage.add(receiver)
    stage.delivering.step()
    stage.hooks.remove(hook.hook_id)
    assert stage.delivering.settle(30)
    assert stage.hooks.all() == []
    for act in (stage.hooks.get, stage.hooks.remove, stage.hooks.enable, stage.hooks.rotate, stage.hooks.test):
        with pytest.raises(NotFound):
            act(hook.hook_id)
    with stage.records.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM webhook_messages").scalar() == 0


# -- leakage


def test_neither_url_nor_secret_is_in_the_database_or_the_log(
    stage: Stage, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    hook = stage.add(receiver)
    receiver.answering = lambda _: 500
    stage.deliver()
    stage.hooks.test(hook.hook_id)
    stage.delivering.close(5)
    secret = hook.secrets[0]
    hidden = [b"hush", secret.text.encode(), secret.text.removeprefix("whsec_").encode(), secret.key]
    stored = b"".join(file.read_bytes() for file in stage.folder.glob("records.sqlite*"))
    assert b"Market.SaleOrdered" in stored
    assert [each for each in hidden if each in stored] == []
    assert [each for each in hidden if each.decode("latin-1") in caplog.text] == []
