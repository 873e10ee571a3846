"""The flow of an asset: everybody who bought it or what was derived from it, and every sale, one by one."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns, relation
from deedbook.api.web.sections import Finding, Note, Page, Section
from deedbook.api.web.shown import asset_name
from deedbook.queries import flows as queries
from deedbook.queries.flows import FlowView, RecipientView


def flow(asked: Asked) -> Page:
    """Where an asset went (`asset`); without one, the question. Raises NotFound, InvalidInput."""
    show, asset_id = asked.shown, asked.query_asset
    finding = Finding("flow.ask", show.path("flow"), "asset", "desk.flow.label", "desk.flow.go")
    if asset_id is None:
        return Page(show.say("flow"), "assets", [finding], {"items": [], "after": None}, relation("flow", FlowView, []))
    sold = queries.flow(asked.mirror, asset_id, limit=asked.few, after=asked.after)
    bought = queries.recipients(asked.mirror, asset_id, limit=asked.few, after=asked.query.get("buyers") or None)
    titles = asked.titles([asset_id, *(each.asset_id for each in sold.items)])
    here = f"{show.root}/flow?asset={asset_name(asset_id)}"
    sections: list[Section] = [
        Note(show.say("flow.of"), [(show.path("assets", asset_name(asset_id)), show.asset_title(asset_id, titles))]),
        _recipient_columns(asked).table(
            "flow.buyers",
            bought.items,
            aside="flow.buyers.aside",
            after=None if bought.after is None else f"{here}&buyers={bought.after}",
        ),
        _flow_columns(asked, titles).table(
            "flow.sales",
            sold.items,
            aside="flow.sales.aside",
            after=None if sold.after is None else f"{here}&after={sold.after}",
        ),
        finding,
    ]
    return Page(
        title=show.say("flow"),
        noun="assets",
        sections=sections,
        json={**sold.to_json(), "assetId": str(asset_id), "buyers": bought.to_json()},
        table=relation("flow", FlowView, sold.items),
        following=sold.after,
    )


def _recipient_columns(asked: Asked) -> Columns:
    show = asked.shown

    def row(each: RecipientView) -> Sequence[Markup]:
        return (
            show.short_member(each.buyer),
            show.number(each.orders),
            show.number(each.delivered),
            show.number(each.most_records),
            show.block(each.first_block),
            show.block(each.last_block),
        )

    heads = ("sale.buyer", "flow.orders", "flow.delivered", "flow.most", "flow.first", "flow.last")
    return Columns(heads, row, frozenset({1, 2, 3}))


def _flow_columns(asked: Asked, titles: dict[int, str]) -> Columns:
    show = asked.shown

    def row(each: FlowView) -> Sequence[Markup]:
        return (
            show.short("sales", each.sale_id),
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.number(each.distance),
            show.short_member(each.buyer),
            show.nothing() if each.purpose is None else show.word("purpose", each.purpose),
            show.word("sale.state", "settled" if each.divided else each.state),
            show.nothing() if each.delivered_count is None else show.number(each.delivered_count),
            show.nothing() if each.uses is None else show.number(each.uses),
            show.money(each.price, each.currency),
            show.nothing() if each.divided is None else show.money(each.divided.people, each.currency),
        )

    heads = (
        *("sale", "asset", "lineage.distance", "sale.buyer", "sale.purpose", "sale.state"),
        *("sale.delivered", "usage.used", "sale.price", "share.people"),
    )
    return Columns(heads, row, frozenset({2, 6, 7, 8, 9}))
