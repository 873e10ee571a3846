"""The desk of an exchange: orders by what they wait for, settlements, alerts, holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from deedbook.api.web.alerts import alert_columns
from deedbook.api.web.asked import FIRST_ROWS, Asked, Columns
from deedbook.api.web.cases import hold_columns
from deedbook.api.web.complaints import for_judges
from deedbook.api.web.desks.acts import Form, picked
from deedbook.api.web.desks.board import desk, first, piece
from deedbook.api.web.desks.selling import choices, waiting_columns
from deedbook.api.web.desks.supplying import sealing
from deedbook.api.web.sections import Note, Page, Section
from deedbook.queries import cases, sales
from deedbook.queries.sales import SaleView, Waits

ORDERS = (Waits.PAYMENT, Waits.PREPARATION, Waits.DELIVERY, Waits.ACCEPTANCE, Waits.DECISION)


def exchange(asked: Asked) -> Page:
    """The desk of an exchange."""
    show = asked.shown
    sections: list[Section] = []
    json = {}
    if asked.may_read("/alerts"):
        found = asked.home.alerts(asked.mirror, FIRST_ROWS, None)
        json["alerts"] = found.to_json()
        sections.append(piece("desk.alerts", found, alert_columns(asked), show.path("alerts")))
    for waits_for in ORDERS:
        waiting = first(asked, sales.sales, waits_for=waits_for)
        json[str(waits_for)] = waiting.to_json()
        if waiting.items:
            path = f"{show.root}/sales?waits={waits_for}"
            sections.append(piece(f"desk.waits.{waits_for}", waiting, waiting_columns(asked, waiting), path))
    if not any(json[str(each)]["items"] for each in ORDERS):
        sections.append(Note(show.say("desk.orders.none")))
    sections += _settlements(asked, json)
    sections += sealing(asked)
    sections += for_judges(asked)
    held = first(asked, cases.all_holds)
    sections.append(piece("desk.holds.all", held, hold_columns(asked), show.path("holds"), aside="holds.aside"))
    return desk(asked, "exchange", sections, {**json, "holds": held.to_json()})


def _settlements(asked: Asked, json: dict[str, Any]) -> Sequence[Section]:
    show = asked.shown
    waiting = first(asked, sales.sales, waits_for=Waits.SETTLEMENT)
    settled = sales.sales(asked.mirror, only_settled=True, limit=asked.few, after=asked.after)
    json |= {"settlement": waiting.to_json(), "settled": settled.to_json()}
    sections: list[Section] = []
    if waiting.items:
        path = f"{show.root}/sales?waits={Waits.SETTLEMENT}"
        inputs = [picked(asked, "sale", "sale", choices(asked, waiting.items))]
        command = "deedbook revenue settle SALE --as NAME"
        sections += [
            piece("desk.waits.settlement", waiting, waiting_columns(asked, waiting), path),
            Form("act.settle.title", "settle", inputs, command, "act.settle.aside"),
        ]
    after = None if settled.after is None else f"?after={settled.after}"
    columns = settled_columns(asked, settled.items)
    return [
        *sections,
        columns.table("desk.settled", settled.items, after=after, more=(f"{show.root}/sales?settled=yes", "desk.all")),
    ]


def settled_columns(asked: Asked, items: Iterable[SaleView]) -> Columns:
    """Settled sales by who got what."""
    show, titles = asked.shown, asked.titles(each.asset_id for each in items)

    def row(each: SaleView) -> Sequence[Markup]:
        entry = each.settlement
        sale = (show.short("sales", each.sale_id), show.asset(each.asset_id, titles.get(each.asset_id)))
        if entry is None:
            return (*sale, *[show.nothing()] * 5)
        people = entry.per_head * entry.delivered_count
        money = (entry.price, entry.exchange_share, entry.provider_share, people)
        return (*sale, show.number(entry.certificate), *(show.money(amount, entry.currency) for amount in money))

    heads = ("sale", "asset", "earned.certificate", "sale.price", "share.exchange", "share.provider", "share.people")
    return Columns(heads, row, frozenset({2, 3, 4, 5, 6}))
