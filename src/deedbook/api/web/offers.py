"""Pages of offers: what is sold, how, for what, to whom, and for how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from deedbook.api.web.asked import FIRST_ROWS, Asked, Columns, listed
from deedbook.api.web.attestations import attested
from deedbook.api.web.sales import sale_columns
from deedbook.api.web.sections import Facts, Page, Section, Table
from deedbook.domain.hashing import to_hex
from deedbook.domain.sales import Offer
from deedbook.queries import attestations, sales
from deedbook.queries import offers as queries
from deedbook.queries.offers import OfferView


def offer_columns(asked: Asked, items: Iterable[OfferView]) -> Columns:
    """How a list shows offers."""
    show, titles = asked.shown, asked.titles(item.asset_id for item in items)
    return Columns(
        heads=("offer", "asset", "offer.purpose", "offer.mode", "offer.price", "offer.state", "offer.orders"),
        row=lambda each: (
            show.short("offers", each.offer_id),
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.word("purpose", each.purpose),
            show.all_words("mode", each.mode),
            show.money(each.price, each.currency),
            show.word("offer.state", each.state),
            show.number(each.orders),
        ),
        numbers=frozenset({4, 6}),
    )


def offers(asked: Asked) -> Page:
    """A list of offers, of one `asset` or `provider` where named; of those that are `open`."""
    page = queries.offers(
        asked.mirror,
        asset_id=asked.query_asset,
        provider=asked.query_account("provider"),
        only_open=asked.is_yes("open"),
        limit=asked.limit,
        after=asked.after,
    )
    return listed(asked, "offers", OfferView, page, offer_columns(asked, page.items))


def offer(asked: Asked) -> Page:
    """One offer with its whole document."""
    found = queries.offer(asked.mirror, asked.key("offer"))
    show, said = asked.shown, found.document
    title = asked.titles([found.asset_id]).get(found.asset_id)
    facts = [
        ("offer.id", show.hash(found.offer_id)),
        ("offer.state", show.word("offer.state", found.state)),
        ("asset", show.asset(found.asset_id, title)),
        ("version", show.number(found.version)),
        ("offer.provider", show.member(found.provider)),
        ("offer.holder", show.flag(found.by_holder)),
        ("offer.purpose", show.word("purpose", found.purpose)),
        ("offer.mode", show.all_words("mode", found.mode)),
        ("offer.quota", show.number(said.quota) if said.quota else show.say("offer.unlimited")),
        ("offer.term", show.span(said.term)),
        ("offer.until", show.time(found.valid_until)),
        ("offer.buyers", show.buyer_class(said.conditions.buyer_class)),
        ("offer.sandbox", show.flag(said.sandbox.on)),
        ("offer.terms", show.document(said.terms_hash)),
        ("offer.policy", show.document(said.policy_hash)),
        ("offer.listed", show.time(found.listed_at)),
        ("transaction", show.hash(found.listed_tx, show.path("transactions", to_hex(found.listed_tx)))),
        ("block", show.block(found.listed_block)),
    ]
    sections: list[Section] = [Facts("offer.facts", facts), price_table(asked, said), split_table(asked, said)]
    sold = sales.sales(asked.mirror, offer_id=found.offer_id, limit=FIRST_ROWS)
    if sold.items:
        sections.append(sale_columns(asked, sold.items).table("offer.sales", sold.items))
    sections.append(attested(asked, attestations.attestations(asked.mirror, found.offer_id)))
    return Page(
        title=show.say("offer.of", what=show.text(title)) if title else show.say("offer"),
        noun="offers",
        sections=sections,
        json=found.to_json(),
    )


def price_table(asked: Asked, said: Offer) -> Table:
    """The lines of a price, and their sum."""
    show, price = asked.shown, said.price
    currency = price.currency.decode("ascii", "replace")
    lines = {"data": price.data, "algorithm": price.algorithm, "compute": price.compute, "service": price.service}
    rows: list[Sequence[Markup]] = [
        (show.say(f"price.{name}"), show.money(amount, currency)) for name, amount in lines.items() if amount
    ]
    rows.append((show.say("price.total"), show.money(price.total, currency)))
    return Table("offer.price", ("price.line", "price.amount"), rows, frozenset({1}), frozenset({len(rows) - 1}))


def split_table(asked: Asked, said: Offer) -> Table:
    """Who gets which part of the price."""
    show, split = asked.shown, said.split

    def percent(bps: int) -> Markup:
        return show.say("percent", number=f"{bps // 100}.{bps % 100:02}")

    rows = [
        (show.say("share.exchange"), show.short_member(split.exchange), percent(split.exchange_bps)),
        (show.say("share.provider"), show.short_member(said.provider), percent(split.provider_bps)),
        *(
            (show.say("share.intermediary"), show.short_member(each.account), percent(each.bps))
            for each in split.intermediaries
        ),
        (show.say("share.people"), Markup(), percent(split.subjects_bps)),
    ]
    return Table("offer.split", ("share", "share.account", "share.part"), rows, frozenset({2}), aside="split.aside")
