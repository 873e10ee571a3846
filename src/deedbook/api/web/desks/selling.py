"""How desks show sales that wait for something, and let one be picked."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns
from deedbook.api.web.sales import state_of
from deedbook.api.web.shown import shortened
from deedbook.domain.documents import hidden_character
from deedbook.domain.hashing import to_hex
from deedbook.queries.sales import SaleView
from deedbook.queries.views import Page as Items

MOST_WORDS = 40
"""Characters of a title in a choice."""


def waiting_columns(asked: Asked, waiting: Items[SaleView]) -> Columns:
    """Sales by how long they have waited."""
    show, titles = asked.shown, asked.titles(each.asset_id for each in waiting.items)
    return Columns(
        heads=("sale", "asset", "sale.buyer", "sale.provider", "sale.state", "sale.price", "desk.since"),
        row=lambda each: (
            show.short("sales", each.sale_id),
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.short_member(each.buyer),
            show.short_member(each.provider) if each.provider else show.nothing(),
            state_of(asked, each),
            show.money(each.price, each.currency),
            show.time(each.steps[-1].at) if each.steps else show.nothing(),
        ),
        numbers=frozenset({5}),
    )


def choices(asked: Asked, items: Iterable[SaleView]) -> list[tuple[str, Markup]]:
    """Sales to pick from: identifier and words."""
    whole = list(items)
    titles = asked.titles(each.asset_id for each in whole)
    return [(to_hex(each.sale_id), named(titles.get(each.asset_id), each.sale_id)) for each in whole]


def named(title: str | None, key: bytes) -> Markup:
    """A title, where it is at hand, and the beginning and end of an identifier: as plain as a choice has to be."""
    plain = "".join(each for each in (title or "")[:MOST_WORDS] if hidden_character(each) is None)
    return Markup("{}").format(f"{plain} · {shortened(to_hex(key))}" if plain else shortened(to_hex(key)))
