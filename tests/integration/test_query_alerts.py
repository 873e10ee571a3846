"""Alerts: each at the moment when it is due and not before, in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.codes import AttestationKind, EndCause
from deedbook.domain.hashing import canonical_json, to_hex
from deedbook.errors import IntegrityError, InvalidInput
from deedbook.mirror import schema
from deedbook.mirror.store import Mirror
from deedbook.queries.alerts import DAY, AlertCode, AlertView, Limits, Severity, alerts
from tests import ledger_story as story
from tests.mirror_stage import ENGINES, MirrorStage, account, asset_row, copied, key, sale_row, time_of
from tests.postgresql_server import Server
from tests.scripted_chain import START, Call

Url = Callable[[], str]
POLICY_MET = [story.attested(AttestationKind.IMPACT_ASSESSMENT, story.VERSION_KEY, story.REVIEWER)]
"""The one kind that the story's orders ask for and nobody states in it."""
ENDS = 1_900_000_000
"""When the story's SOURCE_LEGALITY ends."""


@pytest.fixture(scope="module", params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Url]:
    server = Server() if request.param == "postgresql" else None
    folder: Path = tmp_path_factory.mktemp("mirrors")
    made = iter(range(1000))
    yield lambda: server.new() if server else f"sqlite:///{folder}/{next(made)}.sqlite"
    if server:
        server.close()


@pytest.fixture
def following(url: Url) -> Iterator[Callable[[Sequence[Sequence[Call]]], Mirror]]:
    opened: list[Mirror] = []

    def follow(blocks: Sequence[Sequence[Call]]) -> Mirror:
        opened.append(copied(url(), blocks))
        return opened[-1]

    yield follow
    for mirror in opened:
        mirror.close()


Following = Callable[[Sequence[Sequence[Call]]], Mirror]


def told(mirror: Mirror, now: int, **options: Any) -> dict[tuple[AlertCode, str], AlertView]:
    found = alerts(mirror, now, **{"covers": story.COVERS.get, "limit": 1000, **options})
    assert found.after is None
    return {(each.code, each.key): each for each in found.items}


def codes(mirror: Mirror, now: int, **options: Any) -> set[AlertCode]:
    return {code for code, _ in told(mirror, now, **options)}


def test_a_record_withdrawn_after_its_delivery_is_owed_deletion(following: Following) -> None:
    mirror = following([*story.story(), POLICY_MET])
    alert = told(mirror, START + 600)[AlertCode.DELETION_OWED, to_hex(story.SALE)]
    assert (alert.severity, alert.noun) == (Severity.NOTICE, "sale")
    assert alert.numbers == {"records": 1, "since": time_of(11)}
    assert (AlertCode.DELETION_OWED, to_hex(story.SECOND_SALE)) not in told(mirror, START + 600)
    assert codes(mirror, START + 600) == {AlertCode.DELETION_OWED}


def test_without_covers_the_count_is_of_all_who_left_since(following: Following) -> None:
    mirror = following([*story.story(), POLICY_MET])
    assert codes(mirror, START + 600, covers=lambda _: None) == {AlertCode.DELETION_OWED}


def test_a_delivery_that_holds_whoever_had_left_is_named(following: Following) -> None:
    *begun, _, _ = story.story()
    lying = [*begun, story.delivered(story.SECOND_SALE, story.ALL), POLICY_MET]
    mirror = following(lying)
    alert = told(mirror, START + 600)[AlertCode.WITHDRAWN_YET_DELIVERED, to_hex(story.SECOND_SALE)]
    assert (alert.severity, alert.numbers) == (Severity.CRITICAL, {"records": 1})
    assert next(iter(told(mirror, START + 600))) == (alert.code, alert.key)  # the worst first
    assert AlertCode.WITHDRAWN_YET_DELIVERED not in codes(mirror, START + 600, covers=lambda _: None)


def test_a_cover_that_is_not_what_was_committed_to_is_refused(following: Following) -> None:
    mirror = following(story.story())
    with pytest.raises(IntegrityError):
        alerts(mirror, START, covers=lambda _: b"another cover")


def test_a_released_record_is_owed_nothing(following: Following) -> None:
    blocks = story.story()
    (call,) = story.withdrawn()
    blocks[blocks.index([call])] = [(call[0], call[1], {**call[2], "cause": int(EndCause.RELEASED)})]
    assert codes(following([*blocks, POLICY_MET]), START + 600) == set()


def test_nothing_is_owed_once_the_term_is_over(url: Url, following: Following) -> None:
    blocks = story.story()
    (policy, offer) = story.listed()
    struct = {**story.OFFER_STRUCT, "term": 1000}
    blocks[blocks.index([policy, offer])] = [policy, (offer[0], offer[1], {**offer[2], "offer": struct})]
    mirror = following([*blocks, POLICY_MET])
    assert codes(mirror, time_of(8) + 1000) == {AlertCode.DELETION_OWED}
    assert codes(mirror, time_of(8) + 1001) == set()


def test_a_mark_that_nobody_resolved_is_pending_and_soon_critical(following: Following) -> None:
    begun = [*story.story(), POLICY_MET, story.marked()]
    at = time_of(len(begun))
    mirror = following(begun)
    for now, severity in ((at, Severity.WARNING), (at + DAY, Severity.WARNING), (at + DAY + 1, Severity.CRITICAL)):
        alert = told(mirror, now)[AlertCode.WITHDRAWAL_PENDING, str(story.ASSET)]
        assert (alert.severity, alert.noun, alert.numbers) == (severity, "asset", {"marks": 1, "since": at})
    resolved = following([*begun, story.resolved(applied=False)])
    assert AlertCode.WITHDRAWAL_PENDING not in codes(resolved, at + 2 * DAY)


def test_an_attestation_that_an_open_offer_needs_is_told_before_it_ends(following: Following) -> None:
    mirror, offer = following([*story.story(), POLICY_MET]), to_hex(story.OFFER)
    assert AlertCode.ATTESTATION_ENDING not in codes(mirror, ENDS - 30 * DAY - 1)
    alert = told(mirror, ENDS - 30 * DAY)[AlertCode.ATTESTATION_ENDING, offer]
    assert (alert.severity, alert.noun) == (Severity.WARNING, "offer")
    assert alert.numbers == {"kind": int(AttestationKind.SOURCE_LEGALITY), "valid_until": ENDS}
    assert (AlertCode.ATTESTATION_ENDING, offer) in told(mirror, ENDS)
    lacking = told(mirror, ENDS + 1)[AlertCode.ATTESTATION_LACKING, offer]
    assert (lacking.severity, lacking.numbers) == (
        Severity.CRITICAL,
        {"kind": int(AttestationKind.SOURCE_LEGALITY)},
    )
    assert AlertCode.ATTESTATION_ENDING in codes(mirror, ENDS - 60 * DAY, limits=Limits(within=60 * DAY))


def test_another_attesters_later_statement_is_enough(following: Following) -> None:
    other = story.attested(AttestationKind.SOURCE_LEGALITY, story.VERSION_KEY, story.AUDITOR)
    assert codes(following([*story.story(), POLICY_MET, [other]]), ENDS) == {AlertCode.DELETION_OWED}


def test_a_withdrawn_attestation_is_lacking_and_a_closed_offer_needs_none(following: Following) -> None:
    begun = [*story.story(), POLICY_MET, story.opinion_changed()]
    found = [each for each in alerts(following(begun), START + 600).items if each.noun == "offer"]
    assert [(each.code, each.numbers["kind"]) for each in found] == [
        (AlertCode.ATTESTATION_LACKING, 1),
        (AlertCode.ATTESTATION_LACKING, 2),
    ]
    assert not any(each.noun == "offer" for each in alerts(following([*begun, story.sales_ended()]), START).items)


@pytest.fixture(scope="module")
def stage(url: Url) -> Iterator[MirrorStage]:
    stage = MirrorStage(url())
    yield stage
    stage.mirror.close()


def metered(stage: MirrorStage, reports: Sequence[tuple[int, int, int]], quota: int = 100) -> None:
    """One sale of asset 1 with this quota, and reports of (from, count, used)."""
    stage.add(schema.assets, [asset_row(1)])
    stage.add(schema.sales, [sale_row(1, state=5)])
    offer: dict[str, Any] = {"offer_id": key("offer"), "asset_id": asset_row(1)["asset_id"], "provider": account(1)}
    offer |= {"version": 1, "version_key": key("version"), "mode": 2, "purpose": 1, "price": "1", "currency": "CNY"}
    offer |= {"valid_until": "0", "offer": canonical_json({"quota": str(quota), "term": "0"}).decode(), "state": 1}
    offer |= {"listed_block": 0, "listed_index": 0, "listed_tx": key("tx"), "closed_block": None}
    stage.add(schema.offers, [offer])
    report: dict[str, Any] = {
        "sale_id": key("sale", 1),
        "provider": account(1),
        "gateway": account(2),
        "receipts_root": key("root"),
    }
    report |= {"reported_block": 0, "reported_tx": key("tx")}
    stage.add(
        schema.usage_reports,
        [
            {**report, "from_time": first, "to_time": first + 60, "count": str(count), "used": str(used)}
            for first, count, used in reports
        ],
    )


@pytest.mark.parametrize(
    ("used", "quota", "code"),
    [
        (89, 100, None),
        (90, 100, AlertCode.QUOTA_NEAR),
        (99, 100, AlertCode.QUOTA_NEAR),
        (100, 100, AlertCode.QUOTA_SPENT),
        (2**64 - 1, 0, None),
        (2**64 - 2, 2**64 - 1, AlertCode.QUOTA_NEAR),
    ],
)
def test_a_quota_is_told_from_nine_tenths_on(stage: MirrorStage, used: int, quota: int, code: AlertCode | None) -> None:
    stage.clear()
    stage.blocks([0])
    metered(stage, [(0, 1, 1), (60, used - 1, used)], quota)
    found = alerts(stage.mirror, 30 * DAY * 100).items
    if code is None:
        assert found == ()
        return
    (alert,) = found
    assert (alert.code, alert.key, alert.numbers) == (code, to_hex(key("sale", 1)), {"used": used, "quota": quota})
    assert alert.to_json()["numbers"] == {"used": str(used), "quota": str(quota)}


def ordered_on(stage: MirrorStage, days: Sequence[int]) -> int:
    """So many orders of asset 1 on each day, the asset being as old as they are long; the end of the last day."""
    stage.clear()
    stage.blocks([day * DAY for day in range(len(days) + 1)])
    stage.add(schema.assets, [asset_row(1)])
    numbers = iter(range(1, 100_000))
    rows = [sale_row(next(numbers), block=day + 1) for day, count in enumerate(days) for _ in range(count)]
    stage.add(schema.sales, rows)
    return len(days) * DAY


@pytest.mark.parametrize(
    ("days", "spike"),
    [
        ([4] * 28 + [12], False),  # three times the mean, and no more
        ([4] * 28 + [13], True),
        ([0] * 28 + [10], True),
        ([0] * 28 + [9], False),  # fewer than it takes
        ([100] + [0] * 28 + [10], True),  # what was before the windows is forgotten
        ([4] * 6 + [100], False),  # too young to have a mean
        ([4] * 7 + [100], True),
    ],
)
def test_orders_far_above_their_trailing_mean_are_told(stage: MirrorStage, days: list[int], spike: bool) -> None:
    now = ordered_on(stage, days)
    found = alerts(stage.mirror, now).items
    assert [each.code for each in found] == ([AlertCode.SALES_SPIKE] if spike else [])
    if spike:
        windows = min(28, len(days) - 1)
        assert found[0].numbers == {"recent": days[-1], "before": sum(days[:-1][-windows:]), "windows": windows}
    assert alerts(stage.mirror, now + 2 * DAY).items == ()


def test_uses_far_above_their_trailing_mean_are_told(stage: MirrorStage) -> None:
    stage.clear()
    stage.blocks([0])
    reports = [(day * DAY, 5, 0) for day in range(28)] + [(28 * DAY, 2**40, 0)]
    metered(stage, reports, quota=0)
    (alert,) = alerts(stage.mirror, 29 * DAY).items
    assert (alert.code, alert.numbers) == (AlertCode.USAGE_SPIKE, {"recent": 2**40, "before": 140, "windows": 28})


def test_alerts_are_paged_the_worst_first(stage: MirrorStage) -> None:
    stage.clear()
    stage.blocks([0])
    mark: dict[str, Any] = {
        "asset_id": key("asset"),
        "subject": account(1),
        "collector": account(2),
        "state": 1,
        "marked_block": 0,
    }
    mark |= {"marked_tx": key("tx"), "resolver": None, "resolved_block": None}
    rows = [{**mark, "consent_id": key("consent", n), "asset_id": n.to_bytes(32, "big")} for n in range(250)]
    stage.add(schema.marks, rows)
    whole = alerts(stage.mirror, 10, limit=1000).items
    found: list[AlertView] = []
    after = None
    while True:
        page = alerts(stage.mirror, 10, limit=33, after=after)
        found += page.items
        after = page.after
        if after is None:
            break
    assert tuple(found) == whole
    assert len({each.key for each in found}) == 250
    with pytest.raises(InvalidInput):
        alerts(stage.mirror, 10, after="x")


def test_no_alert_names_a_person(following: Following) -> None:
    lying = [*story.story()[:-2], story.delivered(story.SECOND_SALE, story.ALL), story.marked()]
    shown = canonical_json(alerts(following(lying), START + 9 * DAY, covers=story.COVERS.get).to_json()).decode()
    people = [*story.SUBJECTS, *story.CONSENTS]
    assert not any(person.hex() in shown.lower() for person in people)


@pytest.mark.parametrize(
    "wrong", [{"within": -1}, {"quota_percent": 0}, {"quota_percent": 101}, {"window": 0}, {"least": 0}]
)
def test_limits_that_mean_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidInput) as refused:
        Limits(**wrong)
    assert refused.value.field in wrong
