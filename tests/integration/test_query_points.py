"""Records by key, the short way: the same answers as the long way gives, from SQLite and from PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from deedbook.api.app import create_app
from deedbook.domain.attestations import asset_key
from deedbook.domain.hashing import to_hex
from deedbook.errors import NotFound
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


def test_whoever_asks_for_more_than_the_path_or_has_to_be_known_is_answered_by_the_route(mirror: Mirror) -> None:
    points = Counted(Points(mirror), [])
    home = SimpleNamespace(mirror=mirror, points=points)
    path = f"/assets/{to_hex(asset_key(LONE))}/versions/1"
    for headers in ({"If-None-Match": '"x"'}, {"Accept": "text/csv"}):
        asyncio.run(_answers(home, [path], headers=headers))
    asyncio.run(_answers(home, [f"{path}?form=short"]))
    asyncio.run(_answers(home, [path], door=SimpleNamespace(public_reads=False)))
    assert points.asked == []
    asyncio.run(_answers(home, [path], door=SimpleNamespace(public_reads=True)))
    assert points.asked == [1]


async def _answers(
    home: object, paths: Sequence[str], method: str = "GET", *, door: object = None, headers: Any = None
) -> list[httpx.Response]:
    app = create_app(cast(Any, home))
    app.state.door = door
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return [await client.request(method, path, headers=headers) for path in paths]
