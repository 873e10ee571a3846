"""Records by key, the short way: the same answers as the long way gives, from SQLite and from PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final, cast

import httpx
import pytest

from deedbook.api.app import create_app
from deedbook.api.points import POINTS, Point
from deedbook.api.rights import ON_CHAIN
from deedbook.domain.attestations import asset_key
from deedbook.domain.hashing import to_hex
from deedbook.domain.principals import ALL_SCOPES, Caller, Means
from deedbook.errors import NotFound, Unauthenticated
from deedbook.mirror import schema
from deedbook.mirror.store import Mirror
from deedbook.queries import assets
from deedbook.queries.points import Points
from deedbook.queries.states import State
from tests import ledger_story as story
from tests.mirror_stage import ENGINES, MirrorStage, copied, key
from tests.postgresql_server import Server

LONE = 7
"""An asset of two versions of which nothing else is known."""


@pytest.fixture(scope="module", params=ENGINES)
def mirror(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """The whole story, and two plain versions."""
    server = Server() if request.param == "postgresql" else None
    url = server.new() if server else f"sqlite:///{tmp_path_factory.mktemp('points')}/mirror.sqlite"
    copy = copied(url, story.story())
    MirrorStage(url).add(schema.versions, [_version(1, 0), _version(2, 2**53 - 1)])
    yield copy
    copy.close()
    if server:
        server.close()


def _version(number: int, count: int) -> dict[str, Any]:
    row = {"asset_id": asset_key(LONE), "version": number, "version_key": key("version", number)}
    row |= {"content_root": key("root", number), "record_count": count, "descriptor_hash": key("descriptor")}
    return {**row, "published_block": number, "published_tx": key("tx", number)}


def test_a_plain_version_is_what_its_view_says(mirror: Mirror) -> None:
    points = Points(mirror)
    for number in (1, 2, 1):
        found = points.version(LONE, number)
        assert found is not None
        assert json.loads(found[0]) == assets.version(mirror, LONE, number).to_json()


def test_what_is_more_than_a_row_or_is_not_there_is_left_to_others(mirror: Mirror) -> None:
    points = Points(mirror)
    assert points.version(story.ASSET, 1) is None
    for asset, number in ((LONE, 3), (LONE + 1, 1)):
        with pytest.raises(NotFound):
            points.version(asset, number)


def test_a_point_sees_what_was_committed_since(mirror: Mirror) -> None:
    points = Points(mirror)
    with pytest.raises(NotFound):
        points.version(LONE, 9)
    with mirror.writing() as connection:
        connection.execute(schema.versions.insert(), _version(9, 1))
    assert points.version(LONE, 9) is not None
    mirror.close()
    assert points.version(LONE, 9) is not None
    with mirror.writing() as connection:
        connection.execute(schema.versions.delete().where(schema.versions.c.version == 9))
    with pytest.raises(NotFound):
        points.version(LONE, 9)


@dataclass(frozen=True)
class Counted:
    """Points, and what they were asked."""

    points: Points
    asked: list[int]

    @property
    def are_near(self) -> bool:
        return self.points.are_near

    def version(self, asset_id: int, number: int) -> tuple[bytes, State] | None:
        self.asked.append(number)
        return self.points.version(asset_id, number)


def test_the_service_answers_by_a_point_as_by_the_route(mirror: Mirror) -> None:
    points = Counted(Points(mirror), [])
    home = SimpleNamespace(mirror=mirror, points=points)
    lone, told = to_hex(asset_key(LONE)), to_hex(asset_key(story.ASSET))
    paths = [f"/assets/{lone}/versions/1", f"/assets/{lone}/versions/02", f"/assets/{told}/versions/1"]
    paths += [f"/assets/{lone}/versions/3", f"/assets/{lone}/versions/{10**9}"]
    short = asyncio.run(_answers(home, paths))
    assert points.asked == [1, 2, 1, 3, 10**9]
    long = asyncio.run(_answers(home, paths, headers={"Accept": "application/json"}))
    assert len(points.asked) == len(paths)
    assert [each.status_code for each in short] == [200, 200, 200, 404, 404]
    for one, other in zip(short, long, strict=True):
        assert (one.status_code, one.content) == (other.status_code, other.content)
        assert one.headers == other.headers
    assert asyncio.run(_answers(home, [paths[0]], "PUT"))[0].status_code == 405


def test_whoever_asks_for_more_than_the_path_is_answered_by_the_route(mirror: Mirror) -> None:
    points = Counted(Points(mirror), [])
    home = SimpleNamespace(mirror=mirror, points=points)
    path = f"/assets/{to_hex(asset_key(LONE))}/versions/1"
    for headers in ({"If-None-Match": '"x"'}, {"Accept": "text/csv"}):
        asyncio.run(_answers(home, [path], headers=headers))
    asyncio.run(_answers(home, [f"{path}?form=short"]))
    assert points.asked == []


class Doorman:
    """Knows one key. A known account asks three times a minute, an address as often, and is wrong as often."""

    limits = (3, 3)
    origin = "https://deeds.example.org"

    def __init__(self, public_reads: bool) -> None:
        self.public_reads = public_reads

    def bearer(self, text: str) -> Caller:
        if text != "good":
            raise Unauthenticated(given=True)
        return Caller(Means.KEY, bytes(20), ALL_SCOPES, "key")

    def session(self, token: str) -> Caller | None:
        return None


@dataclass
class Told:
    """What is told of requests."""

    told: list[tuple[str, str | None, int]] = field(default_factory=list)

    def bound(self, **_: Any) -> AbstractContextManager[None]:
        return nullcontext()

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        self.told.append((method, route, status))

    def logged(self, facts: Mapping[str, Any]) -> None:
        pass


PATHS: Final = {"/assets/{asset_id}/versions/{number}": f"/assets/{to_hex(asset_key(LONE))}/versions/1"}
"""Where the points of each route are tried."""
ASKED: Final = (*[None] * 4, "wrong", "good", "wrong", "good", "wrong", "good", "good", "wrong")
"""Who asks, one after the other: nobody, by a key that is none, by a good one; each once more than may be."""
SHORT: Final = [*[200] * 3, 429, 401, 200, 401, 200, 401, *[429] * 3]


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.path)
@pytest.mark.parametrize("public_reads", [True, False])
def test_nobody_gets_more_by_a_point_than_by_its_route(mirror: Mirror, point: Point, public_reads: bool) -> None:
    assert point.right == ON_CHAIN
    points = Counted(Points(mirror), [])
    home = SimpleNamespace(mirror=mirror, points=points)
    found: list[tuple[list[tuple[Any, ...]], list[Any], int]] = []
    for more in ({}, {"Accept": "application/json"}):  # the second goes by the route
        watch, asked = Told(), len(points.asked)
        answers = asyncio.run(_in_a_row(home, PATHS[point.path], Doorman(public_reads), watch, more))
        found.append((answers, watch.told, len(points.asked) - asked))
    (short, told, answered), (long, likewise, none) = found
    assert (short, told) == (long, likewise)
    assert (answered, none) == (5 if public_reads else 0, 0)
    passed = [status for status, *_ in short]
    if public_reads:
        assert passed == SHORT
        assert {route for _, route, status in told if status == 200} == {point.path}
    else:
        assert passed[:4] == [401, 401, 401, 429]
        assert passed.count(200) == 2


async def _in_a_row(
    home: object, path: str, door: Doorman, watch: Told, headers: Mapping[str, str]
) -> list[tuple[Any, ...]]:
    """What each who asks is answered; but for the seconds that are left, and how long it is to be waited."""
    app = create_app(cast(Any, home), watch, cast(Any, door), pages=False)
    name = "8e03978e40d543dd93c66894a57f9324"
    answers = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        for token in ASKED:
            who = {} if token is None else {"Authorization": f"Bearer {token}"}
            got = await client.get(path, headers={**headers, **who, "X-Request-ID": name})
            assert got.headers["x-request-id"] == name
            said = {key: re.sub(r";t=[0-9]+", "", value) for key, value in got.headers.items() if key != "retry-after"}
            answers.append((got.status_code, said, re.sub(rb"[0-9]+ seconds?|:[0-9]+", b"", got.content)))
    return answers


async def _answers(
    home: object, paths: Sequence[str], method: str = "GET", *, headers: Any = None
) -> list[httpx.Response]:
    app = create_app(cast(Any, home), pages=False)
    said = {"X-Request-ID": "8e03978e40d543dd93c66894a57f9324", **(headers or {})}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return [await client.request(method, path, headers=said) for path in paths]
