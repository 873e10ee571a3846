"""Alerts: what somebody should look at now, as the public copy of the chain and the public covers show it.

Nothing here decides anything: the contracts refuse what is against the rules. An alert names a sale, an offer or an
asset and counts people, it names none. What is private (whether a key was destroyed in time, who waits for a batch) is
no query's to see. Whoever asks hands in the time.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, ClassVar, Final

from sqlalchemy import Connection, Select, and_, case, func, select

from deedbook.domain.codes import (
    AssetKind,
    AssetState,
    AttestationKind,
    EndCause,
    OfferState,
    Outcome,
    SaleState,
    bits_of,
    kinds_of,
)
from deedbook.domain.hashing import sha256, to_hex
from deedbook.domain.keytree import Cover, decode_cover, is_delivered
from deedbook.errors import IntegrityError, InvalidInput
from deedbook.mirror.projector import MARK_PENDING, STANDING
from deedbook.mirror.schema import (
    assets,
    attestations,
    bindings,
    blocks,
    leaves_ended,
    marks,
    offers,
    policies,
    sales,
    usage_reports,
)
from deedbook.queries.keysets import Places
from deedbook.queries.rows import Reading, streamed
from deedbook.queries.statements import Covers
from deedbook.queries.views import Page, View, page_of, require_limit

DAY: Final = 86_400
PLACES: Final = Places("alerts", (int, int, bytes, int))


class Severity(StrEnum):
    """How bad it is: a rule was broken or a deal stands still; it soon will; somebody has a duty."""

    CRITICAL = "critical"
    WARNING = "warning"
    NOTICE = "notice"


class AlertCode(StrEnum):
    """What it is about, and the `numbers` that come with it (times are Unix seconds)."""

    WITHDRAWN_YET_DELIVERED = "withdrawn-yet-delivered"
    """Critical. A delivery holds `records` whose consents had ended before it was prepared."""
    WITHDRAWAL_PENDING = "withdrawal-pending"
    """Critical after `Limits.patience`, a warning before. `marks` of an asset, `since` the oldest, are not applied yet:
    its sales stand still."""
    ATTESTATION_LACKING = "attestation-lacking"
    """Critical. Nobody's attestation of a `kind` that an order of this open offer asks for is live."""
    ATTESTATION_ENDING = "attestation-ending"
    """Warning. The last live one of this `kind` is valid until `valid_until`."""
    QUOTA_SPENT = "quota-spent"
    """Critical. A sale's meter stands at its quota: `used` of `quota`."""
    QUOTA_NEAR = "quota-near"
    """Warning. The same from `Limits.quota_percent` of it on."""
    SALES_SPIKE = "sales-spike"
    """Warning. An asset was ordered `recent` times in the last window, and `before` times in the `windows` ahead."""
    USAGE_SPIKE = "usage-spike"
    """Warning. The same of metered uses."""
    DELETION_OWED = "deletion-owed"
    """Notice. `records` that a buyer was given have lost their consents since, from `since` on, and the term of its
    licence is not over: the buyer has to delete them, and no later delivery holds them."""


SEVERITY: Final[Mapping[AlertCode, Severity]] = {
    AlertCode.WITHDRAWN_YET_DELIVERED: Severity.CRITICAL,
    AlertCode.WITHDRAWAL_PENDING: Severity.CRITICAL,
    AlertCode.ATTESTATION_LACKING: Severity.CRITICAL,
    AlertCode.ATTESTATION_ENDING: Severity.WARNING,
    AlertCode.QUOTA_SPENT: Severity.CRITICAL,
    AlertCode.QUOTA_NEAR: Severity.WARNING,
    AlertCode.SALES_SPIKE: Severity.WARNING,
    AlertCode.USAGE_SPIKE: Severity.WARNING,
    AlertCode.DELETION_OWED: Severity.NOTICE,
}


@dataclass(frozen=True)
class AlertView(View):
    """Something to look at: the `noun` that `key` names (as commands take it), and the numbers behind it."""

    DECIMAL: ClassVar[frozenset[str]] = frozenset({"numbers"})

    code: AlertCode
    severity: Severity
    noun: str
    key: str
    numbers: dict[str, int]


@dataclass(frozen=True)
class Limits:
    """From when on an alert is one. Times in seconds; `windows` windows ahead of the last one make the trailing mean,
    of which `fewest` have to lie in the asset's life; a spike is `factor` times the mean, and `least` at least."""

    within: int = 30 * DAY
    patience: int = DAY
    quota_percent: int = 90
    window: int = DAY
    windows: int = 28
    fewest: int = 7
    factor: int = 3
    least: int = 10

    def __post_init__(self) -> None:
        for name in ("patience", "window", "windows", "fewest", "factor", "least"):
            if getattr(self, name) < 1:
                raise InvalidInput(name, "is not above 0")
        if self.within < 0:
            raise InvalidInput("within", "is below 0")
        if not 1 <= self.quota_percent <= 100:
            raise InvalidInput("quota_percent", "is not 1 to 100")


DEFAULT: Final = Limits()


def no_covers(_cover_hash: bytes) -> bytes | None:
    """No cover is at hand: who was delivered is then known by number only."""
    return None


def alerts(
    mirror: Reading,
    now: int,
    *,
    covers: Covers = no_covers,
    limits: Limits = DEFAULT,
    limit: int = 100,
    after: str | None = None,
) -> Page[AlertView]:
    """What is to be looked at, at `now` (Unix seconds); the worst first.

    Without a delivery's cover nothing is said of who was delivered too much, and `deletion-owed` counts everyone whose
    consent ended since the delivery was prepared. Raises InvalidInput, IntegrityError (a cover is not what was
    committed to).
    """
    start: tuple[Any, ...] = () if after is None else PLACES.parts(after)
    with mirror.reading() as connection:
        behind = (each for each in _all(connection, now, covers, limits) if _place(each) > start)
        found = heapq.nsmallest(require_limit(limit) + 1, behind, key=_place)
    return page_of(found[:limit], len(found) > limit, [PLACES.token(*_place(each)) for each in found])


def _all(connection: Connection, now: int, covers: Covers, limits: Limits) -> Iterator[AlertView]:
    yield from _withdrawals(connection, now, covers)
    yield from _pending(connection, now, limits)
    yield from _attestations(connection, now, limits)
    yield from _quotas(connection, limits)
    yield from _spikes(connection, AlertCode.SALES_SPIKE, _orders(connection, now, limits), now, limits)
    yield from _spikes(connection, AlertCode.USAGE_SPIKE, _uses(connection, now, limits), now, limits)


def _place(alert: AlertView) -> tuple[int, int, bytes, int]:
    rank, code = list(Severity).index(alert.severity), list(AlertCode).index(alert.code)
    return rank, code, alert.key.encode(), alert.numbers.get("kind", 0)


def _alert(code: AlertCode, noun: str, key: bytes, *, severity: Severity | None = None, **numbers: int) -> AlertView:
    text = str(int.from_bytes(key, "big")) if noun == "asset" else to_hex(key)
    return AlertView(code, severity or SEVERITY[code], noun, text, numbers)


# Withdrawals.

WITHDRAWN: Final = (int(EndCause.WITHDRAWN), int(EndCause.CHALLENGED), int(EndCause.STRUCK))
"""A provider that releases a leaf withdraws nothing."""
KEPT: Final = (int(SaleState.DELIVERED), int(SaleState.ACCEPTED), int(SaleState.DISPUTED))
"""The states in which a buyer keeps what was delivered."""


def _withdrawals(connection: Connection, now: int, covers: Covers) -> Iterator[AlertView]:
    for sale in streamed(connection, _delivered()):
        sale_id, encoded = sale["sale_id"], covers(sale["cover_hash"])
        cover = None if encoded is None else _checked(encoded, sale)
        early = late = since = 0
        for leaf in streamed(connection, _ended_in(sale)):
            if cover is not None and not is_delivered(cover, leaf["record"]):
                continue
            if leaf["ended_block"] >= sale["prepared_block"]:
                late, since = late + 1, min(since or leaf["ended_at"], leaf["ended_at"])
            elif cover is not None:
                early += 1
        if early:
            yield _alert(AlertCode.WITHDRAWN_YET_DELIVERED, "sale", sale_id, records=early)
        if late and sale["state"] in KEPT and now <= sale["delivered_at"] + int(json.loads(sale["offer"])["term"]):
            yield _alert(AlertCode.DELETION_OWED, "sale", sale_id, records=late, since=since)


def _delivered() -> Select[Any]:
    """The delivered sales of versions in which a leaf ended."""
    joined = sales.join(offers, offers.c.offer_id == sales.c.offer_id)
    joined = joined.join(blocks, blocks.c.number == sales.c.delivered_block)
    at = blocks.c.timestamp.label("delivered_at")
    some = bindings.join(leaves_ended, leaves_ended.c.batch_id == bindings.c.batch_id)
    here = and_(bindings.c.asset_id == sales.c.asset_id, bindings.c.version == sales.c.version)
    ended = select(leaves_ended.c.leaf_index).select_from(some).where(here).correlate(sales).exists()
    return select(sales, offers.c.offer, at).select_from(joined).where(sales.c.cover_hash.is_not(None), ended)


def _ended_in(sale: Mapping[str, Any]) -> Select[Any]:
    """The leaves of the version of a sale that ended, whenever they did."""
    joined = bindings.join(leaves_ended, leaves_ended.c.batch_id == bindings.c.batch_id)
    joined = joined.join(blocks, blocks.c.number == leaves_ended.c.ended_block)
    record = (bindings.c.record_offset + leaves_ended.c.leaf_index).label("record")
    query = select(record, leaves_ended.c.ended_block, blocks.c.timestamp.label("ended_at")).select_from(joined)
    here = and_(bindings.c.asset_id == sale["asset_id"], bindings.c.version == sale["version"])
    return query.where(here, leaves_ended.c.cause.in_(WITHDRAWN))


def _checked(encoded: bytes, sale: Mapping[str, Any]) -> Cover:
    if sha256(encoded) != sale["cover_hash"]:
        raise IntegrityError("a cover is not what the delivery committed to", sale=to_hex(sale["sale_id"]))
    return decode_cover(encoded)


def _pending(connection: Connection, now: int, limits: Limits) -> Iterator[AlertView]:
    oldest = func.min(blocks.c.timestamp).label("since")
    query = select(marks.c.asset_id, func.count().label("marks"), oldest).select_from(
        marks.join(blocks, blocks.c.number == marks.c.marked_block)
    )
    for row in streamed(connection, query.where(marks.c.state == MARK_PENDING).group_by(marks.c.asset_id)):
        severity = Severity.CRITICAL if now > row["since"] + limits.patience else Severity.WARNING
        yield _alert(
            AlertCode.WITHDRAWAL_PENDING,
            "asset",
            row["asset_id"],
            severity=severity,
            marks=row["marks"],
            since=row["since"],
        )


# Attestations.


def _attestations(connection: Connection, now: int, limits: Limits) -> Iterator[AlertView]:
    for _, group in groupby(streamed(connection, _attested_offers()), key=lambda row: row["offer_id"]):
        rows = list(group)  # an offer's attestations: a kind has few attesters
        if now > int(rows[0]["valid_until"]):
            continue
        until = _live_until(rows, now)
        for kind in _asked(rows[0]):
            number = int(kind)
            if kind not in until:
                yield _alert(AlertCode.ATTESTATION_LACKING, "offer", rows[0]["offer_id"], kind=number)
            elif until[kind] <= now + limits.within:
                offer_id, ends = rows[0]["offer_id"], until[kind]
                yield _alert(AlertCode.ATTESTATION_ENDING, "offer", offer_id, kind=number, valid_until=ends)


def _attested_offers() -> Select[Any]:
    """The open offers of current versions with what an order asks for, and each standing positive attestation."""
    of_kind = and_(policies.c.kind == assets.c.kind, policies.c.grade == assets.c.grade)
    about = and_(
        attestations.c.target == offers.c.version_key,
        attestations.c.state == STANDING,
        attestations.c.outcome == int(Outcome.POSITIVE),
    )
    current = and_(assets.c.asset_id == offers.c.asset_id, assets.c.version == offers.c.version)
    joined = offers.join(assets, current).outerjoin(policies, of_kind).outerjoin(attestations, about)
    columns = (
        *(offers.c.offer_id, offers.c.valid_until, assets.c.kind, assets.c.personal, policies.c.to_order),
        *(attestations.c.kind.label("stated"), attestations.c.valid_until.label("stated_until")),
    )
    query = select(*columns).select_from(joined)
    query = query.where(offers.c.state == int(OfferState.OPEN), assets.c.state == int(AssetState.REGISTERED))
    return query.order_by(offers.c.offer_id)


def _live_until(rows: list[Mapping[str, Any]], now: int) -> dict[int, int]:
    """Until when each kind is attested by somebody. That an attester is no party, and in good standing, is the
    contract's to judge."""
    until: dict[int, int] = {}
    for row in rows:
        if row["stated"] is not None and int(row["stated_until"]) >= now:
            until[row["stated"]] = max(until.get(row["stated"], 0), int(row["stated_until"]))
    return until


def _asked(row: Mapping[str, Any]) -> tuple[AttestationKind, ...]:
    """What an order needs by kind and grade; consents are audited when they are bound, and no more."""
    asked = (row["to_order"] or 0) & ~bits_of(AttestationKind.CONSENT_AUDIT)
    if row["kind"] != AssetKind.PERSONAL and not row["personal"]:
        asked |= bits_of(AttestationKind.SOURCE_LEGALITY)
    return kinds_of(asked)


# Use and volume.


def _quotas(connection: Connection, limits: Limits) -> Iterator[AlertView]:
    last = select(usage_reports.c.sale_id, func.max(usage_reports.c.from_time).label("from_time"))
    last_report = last.group_by(usage_reports.c.sale_id).subquery()
    same = and_(usage_reports.c.sale_id == last_report.c.sale_id, usage_reports.c.from_time == last_report.c.from_time)
    joined = last_report.join(usage_reports, same).join(sales, sales.c.sale_id == usage_reports.c.sale_id)
    joined = joined.join(offers, offers.c.offer_id == sales.c.offer_id)
    for row in streamed(connection, select(sales.c.sale_id, usage_reports.c.used, offers.c.offer).select_from(joined)):
        used, quota = int(row["used"]), int(json.loads(row["offer"])["quota"])
        if quota and used * 100 >= quota * limits.quota_percent:
            code = AlertCode.QUOTA_SPENT if used >= quota else AlertCode.QUOTA_NEAR
            yield _alert(code, "sale", row["sale_id"], used=used, quota=quota)


Volumes = dict[bytes, tuple[int, int]]
"""Of an asset: how much in the last window, and in the windows ahead of it."""


def _orders(connection: Connection, now: int, limits: Limits) -> Volumes:
    begin, far = now - limits.window, now - limits.window * (limits.windows + 1)
    time = blocks.c.timestamp
    recent = func.sum(case((time > begin, 1), else_=0)).label("recent")
    query = select(sales.c.asset_id, recent, func.count().label("whole")).select_from(
        sales.join(blocks, blocks.c.number == sales.c.ordered_block)
    )
    rows = streamed(connection, query.where(time > far, time <= now).group_by(sales.c.asset_id))
    return {row["asset_id"]: (int(row["recent"]), int(row["whole"]) - int(row["recent"])) for row in rows}


def _uses(connection: Connection, now: int, limits: Limits) -> Volumes:
    begin, far = now - limits.window, now - limits.window * (limits.windows + 1)
    recent: Counter[bytes] = Counter()
    before: Counter[bytes] = Counter()
    query = select(sales.c.asset_id, usage_reports.c.count, usage_reports.c.to_time).select_from(
        usage_reports.join(sales, sales.c.sale_id == usage_reports.c.sale_id)
    )
    for row in streamed(connection, query.where(usage_reports.c.to_time > far, usage_reports.c.to_time <= now)):
        (recent if row["to_time"] > begin else before)[row["asset_id"]] += int(row["count"])
    return {asset: (count, before[asset]) for asset, count in recent.items()}


def _spikes(connection: Connection, code: AlertCode, volumes: Volumes, now: int, limits: Limits) -> Iterator[AlertView]:
    for key, (recent, before) in volumes.items():
        if recent < limits.least:
            continue
        lived = (now - limits.window - _registered_at(connection, key)) // limits.window
        windows = min(limits.windows, lived)
        if windows >= limits.fewest and recent * windows > limits.factor * before:
            yield _alert(code, "asset", key, recent=recent, before=before, windows=windows)


def _registered_at(connection: Connection, key: bytes) -> int:
    query = select(blocks.c.timestamp).join(assets, assets.c.registered_block == blocks.c.number)
    found = connection.execute(query.where(assets.c.asset_id == key)).scalar()
    return int(found) if found is not None else 0
