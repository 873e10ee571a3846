"""Queries over what came with version 2 of the rows: rights, disputes, late payouts, usage, checkpoints, the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deedbook.domain.codes import Grade, Mode, Outcome, Purpose, Right, SaleState
from deedbook.domain.hashing import checksum_address, sha256
from deedbook.errors import EvidenceMissing, IntegrityError, InvalidInput, NotFound
from deedbook.mirror.follower import Follower
from deedbook.mirror.store import Mirror
from deedbook.queries import assets, checkpoints, deployments, offers, rights, sales, statements, status, usage
from tests import ledger_story as story
from tests.scripted_chain import START, Call, ScriptedChain, decode

BEFORE = len(story.story())
NOW = 1_800_000_000


def mirrored(folder: Path, *blocks: list[Call]) -> Mirror:
    chain = ScriptedChain()
    for calls in blocks:
        chain.mine(*calls)
    copied = Mirror.open(f"sqlite:///{folder / 'mirror.sqlite'}", chain.chain)
    Follower(chain, copied, decode).follow()
    assert status.status(copied).quarantined == 0
    return copied


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Mirror:
    return mirrored(tmp_path_factory.mktemp("mirror"), *story.story(), *story.since())


def lists(sale: bytes, number: int) -> list[int] | None:
    return story.LISTS.get((sale, number))


# -- the asset and who may operate it


def test_a_change_shows_what_an_asset_is_now_and_since_when(mirror: Mirror) -> None:
    asset = assets.asset(mirror, story.ASSET)
    assert (asset.level, asset.source_hash, asset.grade) == (2, sha256(b"another source"), Grade.GENERAL)
    (change,) = asset.changes
    assert (change.level, change.holder, change.block) == (2, story.PROVIDER, BEFORE + 1)
    assert change.at == START + 12 * change.block
    assert [(each.account, each.right) for each in asset.rights] == [
        (story.BROKER, Right.OPERATE),
        (story.LICENSEE, Right.PROCESS),
        (story.OPERATOR, Right.OPERATE),
    ]


def test_a_right_shows_its_scope_and_every_step(mirror: Mirror) -> None:
    broker, licensee, operator = rights.rights(mirror, story.ASSET)
    assert licensee.purposes == (Purpose.RECRUITMENT, Purpose.CREDIT)
    assert (operator.modes, operator.purposes) == (Mode.RAW | Mode.CALL, (Purpose.RECRUITMENT,))
    assert (operator.grantor, operator.stands, operator.is_live(2**63)) == (story.LICENSEE, True, True)
    assert (broker.stands, broker.ended_by) == (True, None)
    assert (broker.is_live(1_900_000_000), broker.is_live(1_900_000_001)) == (True, False)
    assert [(each.event, each.account, each.actor) for each in rights.steps(mirror, story.ASSET).items] == [
        ("RightGranted", story.LICENSEE, story.PROVIDER),
        ("RightGranted", story.OPERATOR, story.LICENSEE),
        ("RightGranted", story.BROKER, story.PROVIDER),
        ("RightEnded", story.BROKER, story.PROVIDER),
        ("RightGranted", story.BROKER, story.PROVIDER),
    ]
    assert rights.rights_of(mirror, story.OPERATOR).items == (operator,)
    assert json.loads(json.dumps(operator.to_json()))["validUntil"] == str(story.FAR)


def test_the_holder_and_the_licensed_may_operate(mirror: Mirror) -> None:
    def accounts(now: int = NOW, **asked: int) -> list[bytes]:
        return [each.account for each in rights.operators(mirror, story.ASSET, now, **asked)]

    assert accounts() == [story.PROVIDER, story.BROKER, story.OPERATOR]
    assert accounts(1_900_000_001) == [story.PROVIDER, story.OPERATOR]
    assert accounts(mode=Mode.RAW, purpose=Purpose.RECRUITMENT) == accounts()
    assert accounts(mode=Mode.OPEN) == accounts(purpose=Purpose.CREDIT) == [story.PROVIDER]
    assert rights.operators(mirror, 5, NOW) == ()


PROCESS, OPERATE = int(Right.PROCESS), int(Right.OPERATE)
TRANSFER: Call = ("DataAssets", "Transfer", {"from": story.PROVIDER, "to": story.BROKER, "tokenId": story.ASSET})
BACK: Call = ("DataAssets", "Transfer", {"from": story.BROKER, "to": story.PROVIDER, "tokenId": story.ASSET})
CANCELLED: Call = (
    "DataAssets",
    "AssetCancelled",
    {"assetId": story.ASSET, "holder": story.PROVIDER, "documentHash": sha256(b"end")},
)
ENDED = story.right_ended(story.LICENSEE, PROCESS, story.LICENSEE)
ANEW = story.right_granted(story.LICENSEE, PROCESS, story.PROVIDER, purposes=6)
BELOW = story.right_granted(story.OPERATOR, OPERATE, story.LICENSEE)


@pytest.mark.parametrize(
    ("calls", "standing"),
    [
        ([], {story.LICENSEE, story.OPERATOR}),
        ([TRANSFER], set()),
        ([TRANSFER, BACK], set()),
        ([TRANSFER, BACK, ANEW], {story.LICENSEE}),
        ([TRANSFER, BACK, ANEW, BELOW], {story.LICENSEE, story.OPERATOR}),
        ([CANCELLED], set()),
        ([ENDED], set()),
        ([ENDED, ANEW], {story.LICENSEE}),
        ([ENDED, ANEW, BELOW], {story.LICENSEE, story.OPERATOR}),
        ([story.right_ended(story.OPERATOR, OPERATE, story.PROVIDER)], {story.LICENSEE}),
    ],
)
def test_a_right_stands_as_long_as_what_it_was_granted_from(
    tmp_path: Path, calls: list[Call], standing: set[bytes]
) -> None:
    copied = mirrored(tmp_path, story.registered(), story.licensed()[0], calls)
    found = rights.rights(copied, story.ASSET)
    assert {each.account for each in found if each.stands} == standing
    operating = {each.account for each in rights.operators(copied, story.ASSET, NOW) if not each.holds}
    assert operating == standing - {story.LICENSEE}


def test_offers_of_operators_are_told_from_those_of_the_holder(mirror: Mirror) -> None:
    def found(*, by_holder: bool | None) -> list[bytes]:
        return [each.offer_id for each in offers.offers(mirror, by_holder=by_holder).items]

    assert found(by_holder=None) == [story.OFFER, story.OPERATORS_OFFER]
    assert (found(by_holder=True), found(by_holder=False)) == ([story.OFFER], [story.OPERATORS_OFFER])
    assert not offers.offer(mirror, story.OPERATORS_OFFER).by_holder
    assert offers.offer(mirror, story.OFFER).by_holder


# -- sales


def test_a_dispute_is_shown_with_its_decision(mirror: Mirror) -> None:
    kept, given_back = sales.sale(mirror, story.DISPUTED), sales.sale(mirror, story.UPHELD)
    assert (kept.state, given_back.state) == (SaleState.ACCEPTED, SaleState.REFUNDED)
    assert kept.dispute is not None
    assert given_back.dispute is not None
    assert (kept.dispute.outcome, given_back.dispute.outcome) == (Outcome.NEGATIVE, Outcome.POSITIVE)
    assert (kept.dispute.buyer, kept.dispute.decider) == (story.BUYER, story.ARBITER)
    assert kept.dispute.decided_at == START + 12 * kept.dispute.disputed_block
    assert [step.event for step in kept.steps][-2:] == ["SaleDisputed", "DisputeDecided"]
    assert sales.sale(mirror, story.SALE).dispute is None


def test_an_undecided_dispute_has_no_outcome(tmp_path: Path) -> None:
    open_one = story.disputed(story.DISPUTED, Outcome.POSITIVE)[:-1]
    sale = sales.sale(mirrored(tmp_path, open_one), story.DISPUTED)
    assert sale.state is SaleState.DISPUTED
    assert sale.dispute is not None
    assert (sale.dispute.outcome, sale.dispute.decider, sale.dispute.decided_at) == (None, None, None)


def test_money_that_went_back_is_shown_with_its_sum(mirror: Mirror) -> None:
    given_back, settled = sales.sale(mirror, story.UPHELD), sales.sale(mirror, story.SALE)
    assert [(each.amount, each.refunded) for each in given_back.refunds] == [(11_000, 11_000)]
    assert ([each.amount for each in settled.refunds], settled.refunded) == ([500, 200], 700)
    assert (settled.state, settled.to_json()["refunded"]) == (SaleState.ACCEPTED, "700")


def test_a_sale_at_no_price_is_paid_by_nobody(mirror: Mirror) -> None:
    free = sales.sale(mirror, story.FREE)
    assert (free.state, free.price, free.provider) == (SaleState.DELIVERED, 0, story.OPERATOR)
    assert (free.settler, free.payment_receipt) == (bytes(20), bytes(32))
    assert [(step.event, step.actor) for step in free.steps][:2] == [("SaleOrdered", story.BUYER), ("SalePaid", None)]


def test_who_is_paid_later_is_counted(mirror: Mirror) -> None:
    sale = sales.sale(mirror, story.SECOND_SALE)
    entry = sale.settlement
    assert entry is not None
    assert [(each.list, each.parent, each.count, each.paid_up_to, each.bounced) for each in entry.lists] == [
        (1, 0, 2, 2, False),
        (2, 0, 1, 0, True),
        (3, 1, 1, 0, True),
    ]
    assert (entry.paid_up_to, entry.delivered_count, entry.waiting, entry.paid_out) == (4, 5, 3, 2 * 1320)
    assert [(each.list, each.from_ordinal, each.to_ordinal, each.put_off_to) for each in sale.payouts] == [
        (0, 0, 4, 1),
        (1, 0, 2, None),
    ]
    assert [(each.list, each.onto, each.count) for each in sale.bounces] == [(0, 2, 1), (1, 3, 1)]
    first = sales.sale(mirror, story.SALE).settlement
    assert first is not None
    assert (first.lists, first.waiting, first.paid_out) == ((), 2, 4400)


def test_a_statement_says_what_was_put_off_and_what_came_back(mirror: Mirror) -> None:
    told = {}
    for index in (0, 1, 3, 4, 5):  # of the second sale's ordinals 0 to 4; person 2 had left
        said = statements.statement(mirror, story.BATCH, index, story.COVERS.get, lists=lists)
        line = next(each for each in said.lines if each.sale_id == story.SECOND_SALE)
        told[line.ordinal] = line
    assert [told[ordinal].paid for ordinal in range(5)] == [False, True, False, True, False]
    deferrals = [[(each.list, each.place, each.bounced) for each in told[n].deferrals] for n in range(5)]
    assert deferrals == [[(2, 0, True)], [(1, 0, False)], [(1, 1, False), (3, 0, True)], [], []]
    paid_later, at_once = told[1].payout, told[3].payout
    assert paid_later is not None
    assert at_once is not None
    assert (paid_later.list, at_once.list) == (1, 0)


def test_a_total_says_what_of_it_is_put_off(mirror: Mirror) -> None:
    waits = statements.statement(mirror, story.BATCH, 3, story.COVERS.get, lists=lists)
    assert [(each.due, each.paid, each.open, each.deferred) for each in waits.totals] == [(2420, 1100, 1320, 1320)]
    last = statements.statement(mirror, story.BATCH, 5, story.COVERS.get, lists=lists)
    assert [(each.open, each.deferred) for each in last.totals] == [(2420, 0)]


def test_all_statements_add_up_to_what_was_paid_out(mirror: Mirror) -> None:
    everyone = [
        statements.statement(mirror, story.BATCH, index, story.COVERS.get, lists=lists) for index in range(story.PEOPLE)
    ]
    entries = [sales.sale(mirror, sale).settlement for sale in (story.SALE, story.SECOND_SALE)]
    assert sum(total.paid for each in everyone for total in each.totals) == sum(e.paid_out for e in entries if e)


def test_a_statement_without_a_list_it_needs_is_refused(mirror: Mirror) -> None:
    with pytest.raises(EvidenceMissing) as missing:
        statements.statement(mirror, story.BATCH, 0, story.COVERS.get)
    assert missing.value.fields["list"] == 1
    waits = statements.statement(mirror, story.BATCH, 5, story.COVERS.get)  # nobody got so far: no list is needed
    assert not any(line.paid for line in waits.lines)


@pytest.mark.parametrize("false", [[1], [1, 3], [2, 1], [1, 1], []])
def test_a_list_that_is_not_the_one_committed_to_is_refused(mirror: Mirror, false: list[int]) -> None:
    with pytest.raises(IntegrityError):
        statements.statement(mirror, story.BATCH, 0, story.COVERS.get, lists=lambda _sale, _number: false)


def test_a_place_on_two_lists_is_refused(tmp_path: Path) -> None:
    twice = {**story.put_off(story.SECOND_SALE, 1, 0, 0, 4)[2], "list": 2}
    blocks: list[list[Call]] = [*story.story(), story.deferred()[0], [("Revenue", "OrdinalsDeferred", twice)]]
    both = story.LISTS[story.SECOND_SALE, 1]
    with pytest.raises(IntegrityError, match="two lists"):
        statements.statement(
            mirrored(tmp_path, *blocks), story.BATCH, 1, story.COVERS.get, lists=lambda _sale, _number: both
        )


# -- usage, checkpoints, the deployment


def test_a_meter_says_what_is_left(mirror: Mirror) -> None:
    meter = usage.meter(mirror, story.FREE)
    assert (meter.used, meter.quota, meter.left, meter.reports) == (5, 100, 95, 2)
    assert meter.reported_to == 1_700_007_200
    assert sales.sale(mirror, story.FREE).usage == meter
    assert sales.sale(mirror, story.SALE).usage is None
    unlimited = usage.meter(mirror, story.SALE)
    assert (unlimited.used, unlimited.quota, unlimited.left, unlimited.reported_to) == (0, None, None, 0)
    with pytest.raises(NotFound):
        usage.meter(mirror, bytes(32))


def test_reports_are_paged_by_their_period(mirror: Mirror) -> None:
    first = usage.reports(mirror, story.FREE, limit=1)
    assert [(each.count, each.used) for each in first.items] == [(3, 3)]
    second = usage.reports(mirror, story.FREE, limit=1, after=first.after)
    assert ([(each.count, each.used) for each in second.items], second.after) == ([(2, 5)], None)
    assert second.items[0].gateway == story.GATEWAY
    for wrong in ("x", "-1", "1" * 21):
        with pytest.raises(InvalidInput):
            usage.reports(mirror, story.FREE, after=wrong)


def test_checkpoints_of_an_exchange_stand_in_their_order(mirror: Mirror) -> None:
    first = checkpoints.checkpoints(mirror, story.EXCHANGE, limit=2)
    assert [(each.size, each.former_size) for each in first.items] == [(3, 0), (3, 3)]
    rest = checkpoints.checkpoints(mirror, story.EXCHANGE, limit=2, after=first.after)
    assert [each.size for each in rest.items] == [2**64 - 1]
    assert checkpoints.latest(mirror, story.EXCHANGE) == rest.items[0]
    assert rest.items[0].to_json()["size"] == str(2**64 - 1)
    assert rest.items[0].to_json()["exchange"] == checksum_address(story.EXCHANGE)
    assert checkpoints.checkpoints(mirror, story.BUYER).items == ()
    with pytest.raises(NotFound):
        checkpoints.latest(mirror, story.BUYER)


def test_a_deployment_says_what_it_follows_and_when_it_ends(mirror: Mirror, tmp_path: Path) -> None:
    told = deployments.deployment(mirror)
    assert told.predecessor is not None
    assert told.predecessor.chain_id == 2**200
    assert [(each.contract, each.head) for each in told.predecessor.contracts] == story.FORMER
    assert told.closing is not None
    closes = told.closing.closes_at
    assert (told.closing.is_closed(closes - 1), told.closing.is_closed(closes)) == (False, True)
    empty = deployments.deployment(mirrored(tmp_path, story.registered()))
    assert (empty.predecessor, empty.closing) == (None, None)


def test_everything_new_is_counted_and_is_json(mirror: Mirror) -> None:
    counts = status.status(mirror).counts
    names = ("rights", "disputes", "refunds", "deferred_lists", "usage_reports", "checkpoints")
    assert [counts[name] for name in names] == [3, 2, 3, 3, 2, 3]
    views = [sales.sale(mirror, story.SECOND_SALE), assets.asset(mirror, story.ASSET), deployments.deployment(mirror)]
    views += [statements.statement(mirror, story.BATCH, 0, story.COVERS.get, lists=lists)]
    for view in views:
        json.dumps(view.to_json())
