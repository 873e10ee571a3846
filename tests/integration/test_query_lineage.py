"""Lineage up and down against a walk in plain Python, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deedbook.domain.attestations import asset_key
from deedbook.domain.codes import AssetKind
from deedbook.errors import InvalidInput, NotFound
from deedbook.mirror import schema
from deedbook.mirror.store import Mirror
from deedbook.queries.lineage import KinView, lineage
from tests.mirror_stage import ENGINES, MirrorStage, account
from tests.postgresql_server import Server

ON_BOTH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
Parents = Mapping[int, Sequence[int]]


@pytest.fixture(scope="module", params=ENGINES)
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MirrorStage]:
    server = Server() if request.param == "postgresql" else None
    folder: Path = tmp_path_factory.mktemp("mirror")
    stage = MirrorStage(server.new() if server else f"sqlite:///{folder}/mirror.sqlite")
    yield stage
    stage.mirror.close()
    if server:
        server.close()


def lay(stage: MirrorStage, parents: Parents) -> None:
    stage.clear()
    stage.blocks([7])
    stage.assets(parents)


def kin(mirror: Mirror, asset: int, *, down: bool, limit: int = 1000) -> list[KinView]:
    found: list[KinView] = []
    after: str | None = None
    while True:
        page = lineage(mirror, asset, down=down, limit=limit, after=after)
        found += page.items
        after = page.after
        if after is None:
            return found


def walked(parents: Parents, asset: int, *, down: bool) -> dict[int, int]:
    """The shortest distances, wave by wave."""
    onward: Mapping[int, Sequence[int]] = parents
    if down:
        children: dict[int, list[int]] = defaultdict(list)
        for child, of in parents.items():
            for parent in of:
                children[parent].append(child)
        onward = children
    found, wave, far = {asset: 0}, {asset}, 0
    while wave:
        far += 1
        wave = {each for near in wave for each in onward.get(near, ())} - set(found)
        found |= dict.fromkeys(wave, far)
    del found[asset]
    return found


@st.composite
def families(draw: st.DrawFn) -> dict[int, list[int]]:
    """Assets with parents before them, after them, themselves, or not there at all: the contract allows the first."""
    count = draw(st.integers(1, 14))
    numbers = [asset * 2**200 + asset for asset in range(1, count + 1)]
    beyond = [*numbers, 99] if draw(st.booleans()) else numbers
    acyclic = draw(st.booleans())
    found = {}
    for place, number in enumerate(numbers):
        allowed = numbers[:place] if acyclic else beyond
        found[number] = draw(st.lists(st.sampled_from(allowed), unique=True, max_size=4)) if allowed else []
    return found


@given(families(), st.data())
@ON_BOTH
def test_lineage_is_what_a_plain_walk_finds(
    stage: MirrorStage, parents: dict[int, list[int]], data: st.DataObject
) -> None:
    lay(stage, parents)
    asset = data.draw(st.sampled_from(sorted(parents)))
    limit = data.draw(st.integers(1, 6))
    for down in (False, True):
        found = kin(stage.mirror, asset, down=down, limit=limit)
        assert {each.asset_id: each.distance for each in found} == walked(parents, asset, down=down)
        order = [(each.distance, each.asset_id) for each in found]
        assert order == sorted(set(order))
        named = {number: tuple(of) for number, of in parents.items()}
        assert all(each.parents == named.get(each.asset_id) for each in found)


def test_a_lineage_of_three_hundred_assets_is_walked_to_its_end(stage: MirrorStage) -> None:
    lay(stage, {1: [], **{number: sorted({number - 1, max(1, number // 2)}) for number in range(2, 301)}})
    down, up = kin(stage.mirror, 1, down=True, limit=7), kin(stage.mirror, 300, down=False, limit=1000)
    assert {each.asset_id for each in down} == set(range(2, 301))
    assert {each.asset_id for each in up} == set(range(1, 300))
    assert max(each.distance for each in up) <= 300


def test_a_chain_of_three_hundred_derivations_keeps_every_distance(stage: MirrorStage) -> None:
    lay(stage, {number: [number - 1] if number else [] for number in range(301)})
    found = [(each.asset_id, each.distance) for each in kin(stage.mirror, 0, down=True)]
    assert found == [(number, number) for number in range(1, 301)]
    assert [each.asset_id for each in kin(stage.mirror, 300, down=False)] == list(range(299, -1, -1))


def test_three_thousand_descendants_are_paged(stage: MirrorStage) -> None:
    lay(stage, {1: [], **{number: [1] for number in range(2, 3002)}})
    assert [each.asset_id for each in kin(stage.mirror, 1, down=True, limit=999)] == list(range(2, 3002))


def test_a_circle_ends(stage: MirrorStage) -> None:
    lay(stage, {1: [3], 2: [1], 3: [2], 4: [4]})
    assert [(each.asset_id, each.distance) for each in kin(stage.mirror, 1, down=True)] == [(2, 1), (3, 2)]
    assert [(each.asset_id, each.distance) for each in kin(stage.mirror, 1, down=False)] == [(3, 1), (2, 2)]
    assert kin(stage.mirror, 4, down=True) == []


def test_kin_says_who_holds_it_and_a_parent_that_is_not_there_says_nothing(stage: MirrorStage) -> None:
    lay(stage, {5: [9, 6], 6: []})
    holding = {"asset_id": asset_key(6), "holder": account(3), "approved": account(0), "changed_block": 0}
    stage.add(schema.holdings, [holding])
    there, gone = kin(stage.mirror, 5, down=False)
    assert (there.asset_id, there.kind, there.holder, there.registered_at) == (6, AssetKind.ENTERPRISE, account(3), 7)
    assert (gone.asset_id, gone.distance, gone.state, gone.holder, gone.parents) == (9, 1, None, None, None)
    assert there.to_json()["assetId"] == "6"


def test_what_is_derived_while_somebody_reads_moves_no_other(stage: MirrorStage) -> None:
    lay(stage, {1: [], 2: [1], 4: [1], 6: [2]})
    first = lineage(stage.mirror, 1, down=True, limit=1)
    stage.assets({3: [1], 5: [2], 7: [6]})
    rest = lineage(stage.mirror, 1, down=True, after=first.after)
    assert [each.asset_id for each in (*first.items, *rest.items)] == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("down", [False, True])
def test_nonsense_is_refused(stage: MirrorStage, down: bool) -> None:
    lay(stage, {1: [], 2: [1], 3: [2]})
    ask: Callable[..., object] = lineage
    with pytest.raises(NotFound):
        ask(stage.mirror, 8, down=down)
    other = lineage(stage.mirror, 1 if not down else 3, down=not down, limit=1).after
    for after in ("", "x", "0x00", other or "-"):
        with pytest.raises(InvalidInput):
            ask(stage.mirror, 2, down=down, after=after)
    with pytest.raises(InvalidInput):
        ask(stage.mirror, 2, down=down, limit=0)
