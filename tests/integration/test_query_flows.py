"""Where an asset went, and what its provider made of it: the whole story, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.codes import AssetState, AttestationKind, Mode, Purpose, Role, SaleState
from deedbook.domain.hashing import canonical_json, sha256
from deedbook.errors import InvalidInput, NotFound
from deedbook.mirror.store import Mirror
from deedbook.queries import assets, attestations, cases, consents, offers, providers, sales
from deedbook.queries.flows import FlowView, flow, recipients
from deedbook.queries.sales import Waits
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


def test_everybody_who_ordered_an_asset_or_what_came_of_it_is_found_with_what_they_got(mirror: Mirror) -> None:
    whole = flow(mirror, story.ASSET, limit=1000).items
    found = recipients(mirror, story.ASSET, limit=1).items
    assert [each.buyer for each in found] == sorted({each.buyer for each in whole})
    (buyer,) = found
    assert (buyer.orders, buyer.most_records) == (len(whole), story.PEOPLE)
    assert buyer.delivered == sum(each.delivered_count is not None for each in whole)
    assert (buyer.first_block, buyer.last_block) == (
        min(each.steps[0].block for each in whole),
        max(each.steps[0].block for each in whole),
    )
    assert recipients(mirror, FURTHER).items[0].orders == 1
    with pytest.raises(NotFound):
        recipients(mirror, 5)


def test_sales_are_found_by_what_they_wait_for(mirror: Mirror) -> None:
    whole = sales.sales(mirror, limit=1000).items
    states = {
        Waits.PAYMENT: SaleState.ORDERED,
        Waits.PREPARATION: SaleState.PAID,
        Waits.ACCEPTANCE: SaleState.DELIVERED,
        Waits.DECISION: SaleState.DISPUTED,
    }
    for waits_for, state in states.items():
        wanted = [each.sale_id for each in whole if each.state is state]
        assert [each.sale_id for each in sales.sales(mirror, waits_for=waits_for).items] == wanted
    unsettled = [each.sale_id for each in whole if each.state is SaleState.ACCEPTED and each.settlement is None]
    assert [each.sale_id for each in sales.sales(mirror, waits_for=Waits.SETTLEMENT).items] == unsettled
    owed = [each.sale_id for each in whole if each.settlement is not None and each.settlement.waiting]
    assert [each.sale_id for each in sales.sales(mirror, waits_for=Waits.PAYOUT).items] == owed
    assert story.SECOND_SALE in owed
    settled = sales.sales(mirror, only_settled=True).items
    assert [each.sale_id for each in settled] == [each.sale_id for each in whole if each.settlement is not None]
    used = sales.sales(mirror, only_used=True).items
    assert [(each.sale_id, each.usage and each.usage.reports) for each in used] == [(story.FREE, 2)]


def test_a_sale_of_which_only_a_list_is_unpaid_waits_for_payout(mirror: Mirror) -> None:
    second = sales.sale(mirror, story.SECOND_SALE).settlement
    assert second is not None
    assert [each.count - each.paid_up_to for each in second.lists].count(0) == 1  # the others are owed


def test_batches_are_found_by_collector_and_by_the_audit_that_they_lack(mirror: Mirror) -> None:
    (own,) = consents.batches_by(mirror, collector=story.PROVIDER).items
    assert own.batch_id == story.BATCH
    assert consents.batches_by(mirror, collector=story.BROKER).items == ()
    assert consents.batches_by(mirror, only_unaudited=True).items == ()


def test_offers_are_found_by_provider(mirror: Mirror) -> None:
    for account in (story.PROVIDER, story.BROKER, story.OPERATOR):
        wanted = [each for each in offers.offers(mirror).items if each.provider == account]
        assert list(offers.offers(mirror, provider=account).items) == wanted
        assert wanted


def test_statements_that_are_asked_for_and_given_by_nobody_are_wanted(mirror: Mirror) -> None:
    """The policy asks for SOURCE_LEGALITY and IMPACT_ASSESSMENT to list, LEGAL_OPINION besides to order."""
    kinds = AttestationKind
    found = attestations.wanted(mirror, 1_800_000_000).items
    assert [(each.asset_id, each.kind, each.to_list) for each in found] == [
        (story.ASSET, kinds.IMPACT_ASSESSMENT, True)
    ]
    assert found[0].version_key == story.VERSION_KEY
    later = attestations.wanted(mirror, 1_900_000_001).items
    assert [each.kind for each in later] == [kinds.SOURCE_LEGALITY, kinds.IMPACT_ASSESSMENT]
    first = attestations.wanted(mirror, 1_900_000_001, limit=1)
    assert attestations.wanted(mirror, 1_900_000_001, limit=1, after=first.after).items == later[1:]


def test_the_statements_of_an_attester_stand_in_the_order_in_which_they_end(mirror: Mirror) -> None:
    found = attestations.attested_by(mirror, story.REVIEWER).items
    assert [(each.kind, each.valid_until) for each in found] == [
        (AttestationKind.SOURCE_LEGALITY, 1_900_000_000),
        (AttestationKind.LEGAL_OPINION, story.FAR),
    ]
    first = attestations.attested_by(mirror, story.REVIEWER, limit=1)
    assert attestations.attested_by(mirror, story.REVIEWER, limit=1, after=first.after).items == found[1:]
    assert attestations.attested_by(mirror, story.BUYER).items == ()


def test_open_cases_and_active_holds_are_found(tmp_path: Path) -> None:
    with closing(copied(f"sqlite:///{tmp_path}/held.sqlite", [*story.story(), story.case_opened()])) as held:
        assert [each.case_id for each in cases.all_cases(held, only_open=True).items] == [story.CASE]
        assert [each.holder for each in cases.all_holds(held).items] == [story.ARBITER]
        assert cases.all_holds(held, holder=story.EXCHANGE).items == ()
    decided = [*story.story(), story.case_opened(), story.case_decided()]
    with closing(copied(f"sqlite:///{tmp_path}/free.sqlite", decided)) as free:
        assert cases.all_cases(free, only_open=True).items == ()
        assert cases.all_holds(free, holder=story.ARBITER).items == ()
