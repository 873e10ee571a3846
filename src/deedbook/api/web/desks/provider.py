"""The desk of a provider: batches, assets and their versions, offers, what waits, use and volume, the statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from deedbook.api.web.asked import FEW_ROWS, Asked, Columns
from deedbook.api.web.consents import batch_columns
from deedbook.api.web.desks.acts import Form, Input, picked
from deedbook.api.web.desks.board import desk, first, piece
from deedbook.api.web.desks.selling import choices, waiting_columns
from deedbook.api.web.desks.supplying import consenting, founding, informing, licensing, offering
from deedbook.api.web.members import money_of
from deedbook.api.web.offers import offer_columns
from deedbook.api.web.sections import Facts, Page, Section
from deedbook.domain.hashing import checksum_address
from deedbook.queries import assets, consents, offers, providers, sales
from deedbook.queries.assets import AssetSummary, VersionView
from deedbook.queries.sales import SaleView, Waits


def provider(asked: Asked) -> Page:
    """The desk of a provider."""
    account = asked.account("account")
    said = providers.statement(asked.mirror, account)
    batches = first(asked, consents.batches_by, collector=account)
    held = first(asked, assets.assets, holder=account)
    offered = first(asked, offers.offers, provider=account)
    used = first(asked, sales.sales, provider=account, only_used=True)
    own = assets.assets(asked.mirror, holder=account, limit=FEW_ROWS).items
    name, root = checksum_address(account), asked.shown.root
    sections: list[Section] = [
        *_work(asked, account),
        piece("desk.batches", batches, batch_columns(asked), f"{root}/batches?collector={name}"),
        *informing(asked, own),
        *consenting(asked, own),
        piece("desk.versions", held, _version_columns(asked, held.items), f"{root}/assets?holder={name}"),
        *founding(asked, own),
        piece("desk.offers", offered, offer_columns(asked, offered.items), f"{root}/offers?provider={name}"),
        *offering(asked, account, own),
        *licensing(asked, account, own),
        piece("desk.use", used, use_columns(asked, used.items), f"{root}/sales?provider={name}&used=yes"),
        _volume(asked, said),
        *money_of(asked, account),
    ]
    json = {
        "statement": said.to_json(),
        "batches": batches.to_json(),
        "assets": held.to_json(),
        "offers": offered.to_json(),
        "used": used.to_json(),
    }
    return desk(asked, "provider", sections, json)


def _work(asked: Asked, account: bytes) -> Sequence[Section]:
    """What the provider's sales wait for from it, and the forms of that."""
    sections: list[Section] = []
    acts = ((Waits.PREPARATION, "prepare", "sales prepare"), (Waits.DELIVERY, "deliver", "sales deliver"))
    for waits_for, act, command in acts:
        waiting = first(asked, sales.sales, provider=account, waits_for=waits_for)
        if waiting.items:
            path = f"{asked.shown.root}/sales?provider={checksum_address(account)}&waits={waits_for}"
            sections.append(piece(f"desk.waits.{waits_for}", waiting, waiting_columns(asked, waiting), path))
            inputs: list[Input] = [picked(asked, "sale", "sale", choices(asked, waiting.items))]
            sections.append(
                Form(f"act.{act}.title", act, inputs, f"deedbook {command} SALE --as NAME", f"act.{act}.aside")
            )
    return sections


def _version_columns(asked: Asked, items: Iterable[AssetSummary]) -> Columns:
    """Of each asset its newest version: how many records it has, and how many consents stand under it."""
    show, titles = asked.shown, asked.titles(each.asset_id for each in items)

    def row(each: AssetSummary) -> Sequence[Markup]:
        newest = assets.version(asked.mirror, each.asset_id, each.version) if each.version else None
        return (
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.word("asset.state", each.state),
            *_counted(asked, newest),
        )

    heads = ("asset", "asset.state", "version", "version.records", "basis.live", "basis.pending", "version.published")
    return Columns(heads, row, frozenset({2, 3, 4, 5}))


def _counted(asked: Asked, newest: VersionView | None) -> Sequence[Markup]:
    show = asked.shown
    if newest is None:
        return [show.nothing()] * 5
    basis = newest.basis
    stand = [show.nothing()] * 2 if basis is None else [show.number(basis.live), show.number(basis.pending)]
    return (show.number(newest.version), show.number(newest.record_count), *stand, show.time(newest.published_at))


def use_columns(asked: Asked, items: Iterable[SaleView]) -> Columns:
    """Sales by what their meters say."""
    show, titles = asked.shown, asked.titles(each.asset_id for each in items)

    def row(each: SaleView) -> Sequence[Markup]:
        meter = each.usage
        sale = (
            show.short("sales", each.sale_id),
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.short_member(each.buyer),
        )
        if meter is None:
            return (*sale, *[show.nothing()] * 4)
        quota = show.say("offer.unlimited") if meter.quota is None else show.number(meter.quota)
        told = (show.number(meter.used), quota, show.number(meter.reports), show.time(meter.reported_to))
        return (*sale, *told)

    heads = ("sale", "asset", "sale.buyer", "usage.used", "usage.quota", "usage.reports", "usage.to")
    return Columns(heads, row, frozenset({3, 4, 5}))


def _volume(asked: Asked, said: providers.ProviderView) -> Facts:
    show = asked.shown
    rows = [
        ("desk.assets", show.number(said.assets)),
        ("desk.offered", show.number(said.offers)),
        ("desk.open_offers", show.number(said.open_offers)),
        ("desk.sold", show.number(said.sales)),
        ("desk.delivered", show.number(said.delivered)),
    ]
    return Facts("desk.volume", rows, "desk.volume.aside")
