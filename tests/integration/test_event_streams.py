"""Events over HTTP: streams that go on where they broke, pages from the same places, and listeners that misbehave."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from deedbook.api import streams
from deedbook.api.app import create_app
from deedbook.api.server import Server, drop_slow_readers
from deedbook.api.serving import Serving
from deedbook.domain.hashing import to_hex
from deedbook.mirror.follower import Follower
from deedbook.mirror.store import Mirror
from deedbook.queries.events import EventFeed, standing_of
from tests import ledger_story as story
from tests.e2e.http_service import Client, running
from tests.event_source import EventSource, Message
from tests.integration.test_event_feed import AGAIN, fork, on_chain
from tests.scripted_chain import CONTRACTS, Call, ScriptedChain, decode


class Home:
    """Serves the events of a scripted chain."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.chain = ScriptedChain(finality=6)
        for calls in story.story():
            self.chain.mine(*calls)
        self.mirror = Mirror.open(url or f"sqlite:///{folder / 'mirror.sqlite'}", self.chain.chain)
        self.events = EventFeed(self.mirror, 31337, CONTRACTS, decode)
        self.follow()

    def follow(self) -> None:
        Follower(self.chain, self.mirror, decode).follow()

    def mine(self, *calls: Call) -> None:
        self.chain.mine(*calls)
        self.follow()

    def fork(self, number: int, *blocks: int) -> None:
        fork(self.chain, number, *blocks)
        self.follow()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    yield made
    made.mirror.close()


@pytest.fixture
def server(home: Home) -> Server:
    return Server(create_app(cast(Serving, home)))


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with running(server) as made:
        yield made


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A service whose chain stands still."""
    made = Home(tmp_path_factory.mktemp("home"))
    with running(cast(Serving, made)) as client:
        yield client
    made.mirror.close()


Listen = Callable[..., EventSource]


@pytest.fixture
def listen(client: Client) -> Listen:
    return partial(EventSource, client.url)


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)


def keys(messages: list[Message]) -> list[str]:
    return [message.key for message in messages]


# -- streams


def test_a_stream_tells_what_was_and_then_what_comes(home: Home, listen: Listen) -> None:
    with listen("/events") as source:
        status, headers = source.begin()
        assert (status, headers["content-type"], headers["cache-control"]) == (
            200,
            "text/event-stream; charset=utf-8",
            "no-store",
        )
        known = on_chain(home.chain)
        assert keys(source.messages(len(known))) == known
        home.mine(*AGAIN)
        assert keys(source.messages(len(AGAIN))) == on_chain(home.chain)[len(known) :]
        assert source.retry == streams.RETRY


def test_a_broken_stream_goes_on_behind_the_last_event_that_was_heard(home: Home, listen: Listen) -> None:
    known, heard, last = on_chain(home.chain), list[str](), None
    while len(heard) < len(known):
        with listen("/events?from=3&after=stale", last) if last else listen("/events") as source:
            heard += keys(source.messages(min(7, len(known) - len(heard))))
            last = source.last_event_id
    assert heard == known


def test_a_fork_is_told_as_events_of_their_own_on_the_open_stream_and_after_it_broke(
    home: Home, listen: Listen
) -> None:
    known = on_chain(home.chain)
    with listen("/events") as open_one, listen("/events") as broken:
        assert keys(open_one.messages(len(known))) == keys(broken.messages(len(known))) == known
        broken.close()
        kept = on_chain(home.chain, below=11)
        home.fork(11, 1, 3, 0, 0, 0)
        gone, fresh = known[len(kept) :], on_chain(home.chain)[len(kept) :]
        with listen("/events", broken.last_event_id) as again:
            for source in (open_one, again):
                told = source.messages(len(gone) + len(fresh))
                assert [message.type for message in told] == ["retracted"] * len(gone) + ["added"] * len(fresh)
                assert keys(told) == gone[::-1] + fresh
                first = told[0].json()
                assert (first["data"]["retracted"], first["type"][-10:]) == (True, ".retracted")


def test_a_stream_that_breaks_within_a_retraction_takes_back_the_rest(home: Home, listen: Listen) -> None:
    known = on_chain(home.chain)
    with listen("/events") as source:
        source.messages(len(known))
    home.fork(11, 1, 1, 1, 1, 1)
    gone = known[len(on_chain(home.chain, below=11)) :][::-1]
    last, heard = source.last_event_id, list[str]()
    for _ in gone:
        with listen("/events", last) as again:
            (told,) = again.messages(1)
            heard.append(told.key)
            last = again.last_event_id
    assert heard == gone


def test_a_filtered_stream_moves_past_what_it_leaves_out(home: Home, server: Server, listen: Listen) -> None:
    server.streams.heartbeat = 0.05
    query = f"/events?contract=Market&contract=Revenue&event=SaleOrdered&event=SaleSettled&entity={to_hex(story.SALE)}"
    with listen(query) as source:
        told = source.messages(2)
        assert [message.json()["type"] for message in told] == ["Market.SaleOrdered", "Revenue.SaleSettled"]
        home.mine(*AGAIN)
        source.until(lambda: standing_of(source.last_event_id) == home.events.start(None))
        assert source.comments[-1] == "still here"


def test_a_listener_from_now_on_loses_nothing_though_its_first_stream_said_nothing(home: Home, listen: Listen) -> None:
    with listen("/events?from=now") as source:
        source.until(lambda: bool(source.last_event_id))
    home.mine(*AGAIN)
    with listen("/events?from=now", source.last_event_id) as again:
        assert keys(again.messages(len(AGAIN))) == on_chain(home.chain)[-len(AGAIN) :]


def test_no_text_of_an_event_ends_its_frame(home: Home, listen: Listen) -> None:
    poison = "<script>\r\n\r\ndata: x\n\nid: 7\revent: added\u2028\x00=cmd()"
    granted = ("Consents", "BatchGranted", {**story.granted()[0][2], "manifestHash": poison})
    with listen("/events?from=now") as source:
        source.until(lambda: bool(source.last_event_id))
        home.mine(granted)
        (told,) = source.messages(1)
        assert told.json()["data"]["args"]["manifestHash"] == poison
        assert "\n" not in told.data


# -- listeners that misbehave, and the end


def test_one_that_does_not_read_is_dropped_and_holds_nobody_up(
    home: Home, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    drop_slow_readers(listener, 0.5)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    home.mine(*AGAIN * 80)
    with running(server, listener) as client:
        slow = EventSource(client.url, "/events", receive_buffer=4096)
        eventually(lambda: server.streams.open == 1)
        with EventSource(client.url, "/events") as other:
            assert keys(other.messages(250)) == on_chain(home.chain)[:250]
        assert client.get("/events?limit=1").status == 200
        eventually(lambda: server.streams.open == 0)
        slow.close()


def test_streams_are_limited_and_a_place_is_free_when_a_listener_leaves(
    server: Server, client: Client, listen: Listen
) -> None:
    server.streams.most = 2
    sources = [listen("/events") for _ in range(2)]
    for source in sources:
        source.messages(1)
    full = client.get("/events", Accept="text/event-stream")
    assert (full.status, full.headers["content-type"], full.json()["code"], full.headers["retry-after"]) == (
        503,
        "application/problem+json",
        "streams-full",
        "10",
    )
    assert client.get("/events?limit=1").status == 200
    for source in sources:
        source.close()
    eventually(lambda: server.streams.open == 0)
    with listen("/events") as again:
        assert len(again.messages(1)) == 1


def test_streams_end_when_the_service_stops(home: Home, server: Server) -> None:
    with running(server) as client:
        source = EventSource(client.url, "/events")
        known = on_chain(home.chain)
        assert len(source.messages(len(known))) == len(known)
        server.should_exit = True
        assert source.messages(1) == []  # the body is whole: a stream that is cut off has no last chunk
        source.close()
    assert server.streams.open == 0


def test_a_stream_whose_mirror_was_built_anew_ends_and_its_listener_hears_why(
    home: Home, client: Client, listen: Listen
) -> None:
    with listen("/events") as source:
        source.messages(len(on_chain(home.chain)))
    home.fork(len(home.chain.blocks) - 2, 1, 1)
    with home.mirror.writing() as connection:
        connection.exec_driver_sql("DELETE FROM orphan_blocks")
    answer = client.get("/events", Accept="text/event-stream", **{"Last-Event-ID": source.last_event_id})
    assert (answer.status, answer.json()["code"]) == (404, "not-found")
    assert "begin from a block" in answer.json()["hint"]


# -- pages


def test_pages_have_the_same_events_from_the_same_places(home: Home, client: Client, listen: Listen) -> None:
    heard, after = list[str](), ""
    while True:
        page = client.get(f"/events?limit=9&after={after}").json()
        heard += [item["data"]["key"] for item in page["items"]]
        after = page["after"]
        if not page["more"]:
            break
    assert heard == on_chain(home.chain)
    home.fork(13, 2, 2, 2)
    page = client.get(f"/events?after={after}").json()
    with listen("/events", after) as source:
        told = source.messages(len(page["items"]))
    assert [message.json() for message in told] == page["items"]
    assert {item["data"]["retracted"] for item in page["items"]} == {True, False}
    again = client.get(f"/events?after={page['after']}").json()
    assert again == {"items": [], "after": page["after"], "more": False}


def test_only_what_is_final_is_told_where_it_is_asked_for(home: Home, client: Client) -> None:
    page = client.get("/events?final=true&limit=1000").json()
    assert [item["data"]["key"] for item in page["items"]] == on_chain(home.chain, below=len(home.chain.blocks) - 6)


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("after=x", {}, "after"),
        ("", {"Last-Event-ID": "x" * 20}, "after"),
        ("", {"Last-Event-ID": "x" * 241}, "Last-Event-ID"),
        ("contract=Nobody", {}, "contract"),
        ("event=%00", {}, "event"),
        ("entity=0x00", {}, "entity"),
        ("from=-1", {}, "from"),
        ("from=1e3", {}, "from"),
        ("limit=1001", {}, "limit"),
        ("&".join(["contract=Market"] * 101), {}, "contract"),
    ],
)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream;q=0.9, */*"])
def test_wrong_questions_are_refused_before_anything_is_told(
    asked: Client, query: str, headers: dict[str, str], field: str, accept: str
) -> None:
    answer = asked.get(f"/events?{query}", Accept=accept, **headers)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["field"] == field
