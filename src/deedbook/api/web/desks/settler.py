"""The desk of a settler: payments to confirm, sales to settle, and people who are still to be paid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns
from deedbook.api.web.desks.acts import Form, Input, grounds, picked
from deedbook.api.web.desks.board import desk, first, piece
from deedbook.api.web.desks.selling import choices, waiting_columns
from deedbook.api.web.sections import Page, Section
from deedbook.queries import sales
from deedbook.queries.sales import SaleView, Waits


def settler(asked: Asked) -> Page:
    """The desk of a settler."""
    sections: list[Section] = []
    json = {}
    for waits_for, act, command in (
        (Waits.PAYMENT, "confirm", "sales confirm-payment SALE --receipt FILE"),
        (Waits.SETTLEMENT, "settle", "revenue settle SALE"),
        (Waits.PAYOUT, "pay", "revenue payout SALE --receipt FILE"),
    ):
        waiting = first(asked, sales.sales, waits_for=waits_for)
        json[str(waits_for)] = waiting.to_json()
        is_payout = waits_for is Waits.PAYOUT
        columns = owed_columns(asked, waiting.items) if is_payout else waiting_columns(asked, waiting)
        path = f"{asked.shown.root}/sales?waits={waits_for}"
        sections.append(piece(f"desk.waits.{waits_for}", waiting, columns, path))
        if waiting.items:
            inputs: list[Input] = [picked(asked, "sale", "sale", choices(asked, waiting.items))]
            if act != "settle":
                inputs.append(grounds("receipt", "act.receipt"))
            if is_payout:
                inputs.append(Input("list", "act.places", "number", "0", hint="act.places.hint"))
            sections.append(Form(f"act.{act}.title", act, inputs, f"deedbook {command} --as NAME", f"act.{act}.aside"))
    return desk(asked, "settler", sections, json)


def owed_columns(asked: Asked, items: Iterable[SaleView]) -> Columns:
    """Settled sales of whose money something is still the people's to get."""
    show, titles = asked.shown, asked.titles(each.asset_id for each in items)

    def row(each: SaleView) -> Sequence[Markup]:
        entry = each.settlement
        sale = (show.short("sales", each.sale_id), show.asset(each.asset_id, titles.get(each.asset_id)))
        if entry is None:
            return (*sale, *[show.nothing()] * 4)
        return (
            *sale,
            show.money(entry.per_head, entry.currency),
            show.money(entry.paid_out, entry.currency),
            show.number(entry.waiting),
            show.money(entry.per_head * entry.waiting, entry.currency),
        )

    heads = ("sale", "asset", "earned.each", "earned.paid", "earned.waiting", "desk.owed")
    return Columns(heads, row, frozenset({2, 3, 4, 5}))
