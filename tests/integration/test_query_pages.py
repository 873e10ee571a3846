"""Pages of lists that grow while somebody reads them, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deedbook.domain.attestations import asset_key
from deedbook.errors import InvalidInput
from deedbook.mirror import schema
from deedbook.mirror.store import Mirror
from deedbook.queries import assets, checkpoints, consents, members, offers, sales, usage
from deedbook.queries.views import Page
from tests import ledger_story as story
from tests.mirror_stage import ENGINES, MirrorStage, account, asset_row, copied, key, sale_row
from tests.postgresql_server import Server

ON_BOTH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
LISTS: dict[str, Callable[..., Page[Any]]] = {
    "members": members.members,
    "offers": offers.offers,
    "sales": sales.sales,
    "batches": lambda mirror, **page: consents.batches_of(mirror, story.ASSET, **page),
    "usage": lambda mirror, **page: usage.reports(mirror, story.FREE, **page),
    "checkpoints": lambda mirror, **page: checkpoints.checkpoints(mirror, story.EXCHANGE, **page),
}


@pytest.fixture(scope="module", params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes the URLs of empty databases of an engine."""
    server = Server() if request.param == "postgresql" else None
    folder: Path = tmp_path_factory.mktemp("mirrors")
    made = iter(range(1000))
    yield lambda: server.new() if server else f"sqlite:///{folder}/{next(made)}.sqlite"
    if server:
        server.close()


@pytest.fixture(scope="module")
def stage(url: Callable[[], str]) -> Iterator[MirrorStage]:
    stage = MirrorStage(url())
    yield stage
    stage.mirror.close()


@pytest.fixture(scope="module")
def mirror(url: Callable[[], str]) -> Iterator[Mirror]:
    copy = copied(url(), [*story.story(), *story.aside()])
    yield copy
    copy.close()


def read(ask: Callable[..., Page[Any]], mirror: Mirror, limit: int) -> list[Any]:
    found: list[Any] = []
    after: str | None = None
    while True:
        page = ask(mirror, limit=limit, after=after)
        assert len(page.items) <= limit
        found += page.items
        after = page.after
        if after is None:
            return found


@pytest.mark.parametrize("name", LISTS)
def test_pages_of_any_length_make_the_same_list(mirror: Mirror, name: str) -> None:
    whole = read(LISTS[name], mirror, 1000)
    assert len(whole) > 1
    for limit in (1, 2, 3):
        assert read(LISTS[name], mirror, limit) == whole


@pytest.mark.parametrize("name", LISTS)
def test_a_place_of_another_list_or_a_damaged_one_is_refused(mirror: Mirror, name: str) -> None:
    token = LISTS[name](mirror, limit=1).after
    assert token is not None
    for other, ask in LISTS.items():
        for text in ([token] if other != name else []) + [token[:-1], token + "A", "", "x", "1.2", "0x" + "00" * 32]:
            if other == name and text == token:
                continue
            with pytest.raises(InvalidInput) as refused:
                ask(mirror, after=text)
            assert refused.value.field == "after"


@given(
    start=st.lists(st.integers(0, 30), unique=True, max_size=12),
    steps=st.lists(st.lists(st.integers(0, 60), unique=True, max_size=4), min_size=1, max_size=6),
    limit=st.integers(1, 5),
)
@ON_BOTH
def test_no_row_is_lost_or_doubled_while_rows_are_added(
    stage: MirrorStage, start: list[int], steps: list[list[int]], limit: int
) -> None:
    stage.clear()
    stage.blocks([0])
    there: set[int] = set()

    def add(numbers: list[int]) -> None:
        fresh = [number for number in numbers if number not in there]
        there.update(fresh)
        stage.add(schema.assets, [asset_row(number) for number in fresh])

    add(start)
    seen: list[int] = []
    after: str | None = None
    for step in [*steps, *[[]] * 100]:
        page = assets.assets(stage.mirror, limit=limit, after=after)
        seen += [item.asset_id for item in page.items]
        after = page.after
        if after is None:
            break
        add(step)
    assert seen == sorted(set(seen))
    assert set(start) <= set(seen) <= there


def test_three_thousand_sales_are_paged(stage: MirrorStage) -> None:
    stage.clear()
    stage.blocks([0] * 40)
    stage.add(schema.sales, [sale_row(number, block=number % 40) for number in range(3000)])
    whole = read(sales.sales, stage.mirror, 1000)
    wanted = sorted((number % 40, number) for number in range(3000))
    assert [sale.sale_id for sale in whole] == [key("sale", number) for _, number in wanted]
    mine = read(lambda mirror, **page: sales.sales(mirror, buyer=account(3), **page), stage.mirror, 100)
    assert [sale.sale_id for sale in mine] == [key("sale", number) for _, number in wanted if number % 7 == 3]


def test_three_thousand_batches_of_an_asset_are_paged(stage: MirrorStage) -> None:
    stage.clear()
    stage.blocks([0])
    batch: dict[str, Any] = {"asset_id": asset_key(1), "collector": account(1), "root": key("root"), "count": 1}
    batch["controller"] = account(1)
    batch |= {"recipient": account(0), "recipient_class": 0, "purpose": 1, "modes": 1, "cross_border": False}
    batch |= {"notice_hash": key("notice"), "valid_from": "0", "valid_until": "9", "manifest_hash": key("manifest")}
    batch |= {"direct": False, "withdrawn": 0, "version": 0, "granted_block": 0, "granted_tx": key("tx")}
    stage.add(schema.batches, [{**batch, "batch_id": key("batch", number)} for number in range(3000)])
    found = read(lambda mirror, **page: consents.batches_of(mirror, 1, **page), stage.mirror, 700)
    assert [each.batch_id for each in found] == sorted(key("batch", number) for number in range(3000))
