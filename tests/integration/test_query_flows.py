"""Where an asset went, and what its provider made of it: the whole story, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.codes import AssetState, Mode, Purpose, Role, SaleState
from deedbook.domain.hashing import canonical_json, sha256
from deedbook.errors import InvalidInput, NotFound
from deedbook.mirror.store import Mirror
from deedbook.queries import assets, providers, sales
from deedbook.queries.flows import FlowView, flow
from tests import ledger_story as story
from tests.mirror_stage import ENGINES, copied
from tests.postgresql_server import Server
from tests.scripted_chain import Call

DERIVED, FURTHER = story.ASSET + 1, story.ASSET + 2
SOLD = [sha256(b"of derived"), sha256(b"of further")]


def derived(number: int, parent: int, holder: bytes) -> list[Call]:
    asset = {"assetId": number, "registrant": holder, "sourceHash": sha256(b"made"), "salt": sha256(b"another")}
    told = {**asset, "kind": 4, "grade": 1, "level": 1, "personal": False, "parents": (parent,)}
    return [
        ("DataAssets", "Transfer", {"from": bytes(20), "to": holder, "tokenId": number}),
        ("DataAssets", "AssetRegistered", told),
    ]


def bought(sale: bytes, number: int, offer: bytes) -> list[Call]:
    order, _ = story.ordered(sale, 0)
    listed: dict[str, Any] = {**story.OFFER_STRUCT, "assetId": number, "provider": story.BROKER, "purpose": 3}
    return [
        ("Market", "OfferListed", {"offerId": offer, "assetId": number, "provider": story.BROKER, "offer": listed}),
        (order[0], order[1], {**order[2], "assetId": number, "offerId": offer}),
    ]


def onward() -> list[list[Call]]:
    return [
        [story.admitted(story.BROKER, Role.PROVIDER)],
        derived(DERIVED, story.ASSET, story.BROKER) + derived(FURTHER, DERIVED, story.BROKER),
        bought(SOLD[1], FURTHER, sha256(b"offer of further")) + bought(SOLD[0], DERIVED, sha256(b"offer of derived")),
    ]


@pytest.fixture(scope="module", params=ENGINES)
def mirror(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    server = Server() if request.param == "postgresql" else None
    folder: Path = tmp_path_factory.mktemp("mirror")
    blocks = [*story.story(), *onward(), *story.since(), story.sales_ended()]
    copy = copied(server.new() if server else f"sqlite:///{folder}/mirror.sqlite", blocks)
    yield copy
    copy.close()
    if server:
        server.close()


def test_the_flow_of_an_asset_is_every_sale_in_order_and_onward(mirror: Mirror) -> None:
    found = flow(mirror, story.ASSET, limit=1000).items
    assert [(each.sale_id, each.distance) for each in found[:4]] == [
        (story.SALE, 0),
        (story.SECOND_SALE, 0),
        (SOLD[1], 2),
        (SOLD[0], 1),
    ]
    assert {each.sale_id for each in found} == {each.sale_id for each in sales.sales(mirror, limit=1000).items}
    assert [each.sale_id for each in flow(mirror, DERIVED).items] == [SOLD[1], SOLD[0]]
    assert [each.distance for each in flow(mirror, DERIVED).items] == [1, 0]
    assert [each.sale_id for each in flow(mirror, FURTHER).items] == [SOLD[1]]


def test_a_sale_in_the_flow_says_buyer_purpose_state_count_steps_and_money(mirror: Mirror) -> None:
    first: FlowView = flow(mirror, story.ASSET, limit=1).items[0]
    assert (first.buyer, first.provider, first.purpose, first.mode) == (
        story.BUYER,
        story.PROVIDER,
        Purpose.RECRUITMENT,
        Mode.RAW,
    )
    assert (first.state, first.delivered_count, first.price, first.currency) == (SaleState.ACCEPTED, 6, 11_000, "CNY")
    assert [step.event for step in first.steps][:4] == ["SaleOrdered", "SalePaid", "SalePrepared", "SaleDelivered"]
    money = first.divided
    assert money is not None
    assert (money.exchange, money.provider, money.intermediaries, money.people) == (550, 2750, 1100, 6600)
    assert first.price + money.carry_in == 550 + 2750 + 1100 + 6600 + money.carry_out
    assert (money.paid_out, first.refunded) == (4400, 700)
    shown = first.to_json()
    assert (shown["price"], shown["divided"]["people"], shown["purpose"]) == ("11000", "6600", "recruitment")
    assert canonical_json(shown)


def test_the_flow_is_paged_and_nonsense_is_refused(mirror: Mirror) -> None:
    whole = flow(mirror, story.ASSET, limit=1000).items
    found: list[FlowView] = []
    after = None
    while True:
        page = flow(mirror, story.ASSET, limit=2, after=after)
        found += page.items
        after = page.after
        if after is None:
            break
    assert tuple(found) == whole
    with pytest.raises(NotFound):
        flow(mirror, 5)
    for after in ("", "x", sales.sales(mirror, limit=1).after):
        with pytest.raises(InvalidInput):
            flow(mirror, story.ASSET, after=after)


@pytest.mark.parametrize("account", [story.PROVIDER, story.BROKER, story.OPERATOR])
def test_the_totals_of_a_provider_are_the_sums_of_its_sales(mirror: Mirror, account: bytes) -> None:
    mine = sales.sales(mirror, provider=account, limit=1000).items
    if account == story.OPERATOR:  # not admitted in this story
        with pytest.raises(NotFound):
            providers.statement(mirror, account)
        return
    said = providers.statement(mirror, account)
    (total,) = said.totals
    entries = [sale.settlement for sale in mine if sale.settlement is not None]
    assert (total.currency, total.sales, total.ordered) == ("CNY", len(mine), sum(sale.price for sale in mine))
    assert total.settled == sum(each.price for each in entries)
    assert total.exchange == sum(each.exchange_share for each in entries)
    assert total.provider == sum(each.provider_share for each in entries)
    assert total.intermediaries == sum(sum(each.intermediary_shares) for each in entries)
    assert total.people == sum(each.per_head * each.delivered_count for each in entries)
    assert total.paid_out == sum(each.paid_out for each in entries)
    assert total.open == sum(each.per_head * each.waiting for each in entries)
    assert total.refunded == sum(sale.refunded for sale in mine)
    assert total.settled == total.exchange + total.provider + total.intermediaries + total.people + total.carried
    assert said.sales == len(mine) == sum(said.states.values())
    assert said.delivered == sum(
        sale.state in (SaleState.DELIVERED, SaleState.ACCEPTED, SaleState.DISPUTED) for sale in mine
    )


def test_a_statement_counts_assets_and_offers(mirror: Mirror) -> None:
    broker, provider = (providers.statement(mirror, account) for account in (story.BROKER, story.PROVIDER))
    assert (broker.assets, broker.offers, broker.open_offers) == (2, 2, 2)
    assert (provider.assets, provider.offers, provider.open_offers) == (1, 1, 0)
    assert broker.states == {"ordered": 2}
    assert provider.states["accepted"] >= 2
    assert provider.to_json()["totals"][0]["provider"] == str(provider.totals[0].provider)
    assert canonical_json(provider.to_json())


def test_who_bought_and_sold_nothing_has_an_empty_statement(mirror: Mirror) -> None:
    said = providers.statement(mirror, story.REVIEWER)
    assert (said.assets, said.offers, said.sales, said.totals) == (0, 0, 0, ())
    with pytest.raises(NotFound):
        providers.statement(mirror, bytes([0xEE]) * 20)


def test_assets_are_listed_by_holder(mirror: Mirror) -> None:
    assert [each.asset_id for each in assets.assets(mirror, holder=story.BROKER).items] == [DERIVED, FURTHER]
    (own,) = assets.assets(mirror, holder=story.PROVIDER).items
    assert (own.asset_id, own.state) == (story.ASSET, AssetState.REGISTERED)
