"""Pages of assets: the list, one asset, and its lineage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup

from deedbook.api.web.asked import FIRST_ROWS, Asked, Columns, listed, relation
from deedbook.api.web.attestations import attested
from deedbook.api.web.cases import case_columns, held
from deedbook.api.web.consents import batch_columns
from deedbook.api.web.drawing import Graph, Node, graph
from deedbook.api.web.offers import offer_columns
from deedbook.api.web.sales import sale_columns
from deedbook.api.web.sections import Facts, Lineage, Note, Page, Section, Table
from deedbook.api.web.shown import asset_name, cut, shortened
from deedbook.domain.assets import Descriptor
from deedbook.domain.attestations import asset_key
from deedbook.queries import assets as queries
from deedbook.queries import cases, consents, offers, sales
from deedbook.queries.assets import AssetSummary, AssetView, VersionView
from deedbook.queries.lineage import KinView, lineage

DRAWN: Final = 300
"""Assets that one drawing shows; a longer lineage is paged."""
HINT: Final = 200
"""Bytes of a title that an asset in a drawing says when it is pointed at."""
INSIDE: Final = 40
"""Assets of a lineage that the asset's own page draws."""


def asset_columns(asked: Asked, items: Iterable[AssetSummary]) -> Columns:
    """How a list shows assets."""
    show, titles = asked.shown, asked.titles(item.asset_id for item in items)
    return Columns(
        heads=("asset", "asset.kind", "asset.grade", "asset.version", "asset.holder", "asset.registered"),
        row=lambda item: (
            show.asset(item.asset_id, titles.get(item.asset_id)),
            show.word("kind", item.kind),
            show.word("grade", item.grade),
            show.number(item.version),
            show.short_member(item.holder),
            show.time(item.registered_at),
        ),
        numbers=frozenset({3}),
    )


def assets(asked: Asked) -> Page:
    """A list of assets, of one `holder` where named."""
    holder = asked.query_account("holder")
    page = queries.assets(asked.mirror, holder=holder, limit=asked.limit, after=asked.after)
    return listed(asked, "assets", AssetSummary, page, asset_columns(asked, page.items))


def asset(asked: Asked) -> Page:
    """Everything public about an asset."""
    found = queries.asset(asked.mirror, asked.asset_id)
    newest = found.versions[-1] if found.versions else None
    descriptor = asked.descriptor(newest.descriptor_hash) if newest else None
    title = descriptor.title if descriptor else None
    sections: list[Section] = [_facts(asked, found)]
    if newest is not None:
        sections += _described(asked, newest, descriptor)
    sections += [_versions(asked, found.versions), *_rests(asked, found), *_kin(asked, found), *_around(asked, found)]
    return Page(
        title=asked.shown.text(title) if title else asked.shown.say("asset.untitled", name=shortened(_name(found))),
        noun="assets",
        sections=sections,
        json=found.to_json(),
        table=relation("versions", VersionView, found.versions),
    )


def _name(found: AssetView) -> str:
    return asset_name(found.asset_id)


def _facts(asked: Asked, found: AssetView) -> Facts:
    show = asked.shown
    rows = [
        ("asset.id", show.hash(asset_key(found.asset_id))),
        ("asset.state", show.word("asset.state", found.state)),
        ("asset.held", show.flag(found.held)),
        ("asset.kind", show.word("kind", found.kind)),
        ("asset.grade", show.word("grade", found.grade)),
        ("asset.level", show.number(found.level)),
        ("asset.personal", show.flag(found.personal)),
        ("asset.holder", show.member(found.holder)),
        ("asset.registrant", show.member(found.registrant)),
        ("asset.registered", show.time(found.registered_at)),
        ("asset.source", show.document(found.source_hash)),
        ("transaction", show.hash(found.registered_tx, show.path("transactions", f"0x{found.registered_tx.hex()}"))),
        ("block", show.block(found.registered_block)),
    ]
    return Facts("asset.facts", rows)


def _described(asked: Asked, version: VersionView, descriptor: Descriptor | None) -> Sequence[Section]:
    show = asked.shown
    if descriptor is None:
        return [Facts("descriptor", [("descriptor.hash", show.document(version.descriptor_hash))], "descriptor.away")]
    rows = [
        ("descriptor.title", show.text(descriptor.title)),
        ("descriptor.description", show.text(descriptor.description)),
        ("descriptor.source", show.text(descriptor.source)),
        ("descriptor.from", show.time(descriptor.period_from)),
        ("descriptor.until", show.time(descriptor.period_until)),
        ("descriptor.records", show.number(descriptor.record_count)),
        ("descriptor.size", show.say("bytes", count=f"{descriptor.size:,}")),
        ("descriptor.hash", show.document(version.descriptor_hash)),
    ]
    fields = [
        (show.text(each.name), show.text(each.type), show.text(each.unit), show.text(each.description))
        for each in descriptor.fields
    ]
    heads = ("field.name", "field.type", "field.unit", "field.description")
    quality = [(show.text(measure), show.text(value)) for measure, value in descriptor.quality.items()]
    tables: list[Section] = [Table("descriptor.fields", heads, fields)]
    if quality:
        tables.append(Table("descriptor.quality", ("quality.measure", "quality.value"), quality))
    return [Facts("descriptor", rows, "descriptor.aside"), *tables]


def _versions(asked: Asked, versions: Sequence[VersionView]) -> Table:
    show = asked.shown

    def row(each: VersionView) -> Sequence[Markup]:
        basis = each.basis
        counts = [basis.bound, basis.live, basis.pending] if basis else [None] * 3
        told = [show.nothing() if count is None else show.number(count) for count in counts]
        return (show.number(each.version), show.number(each.record_count), *told, show.time(each.published_at))

    heads = ("version", "version.records", "basis.bound", "basis.live", "basis.pending", "version.published")
    return Table("asset.versions", heads, [row(each) for each in versions], frozenset(range(5)), aside="versions.aside")


def _rests(asked: Asked, found: AssetView) -> Sequence[Section]:
    """What the asset rests on: attestations of its newest version, consents as counts, rights."""
    sections: list[Section] = []
    if found.versions:
        sections.append(attested(asked, found.versions[-1].attestations))
    batches = consents.batches_of(asked.mirror, found.asset_id, limit=FIRST_ROWS)
    if batches.items:
        more = (asked.shown.path("assets", _name(found), "batches"), "batches.all") if batches.after else None
        sections.append(batch_columns(asked).table("asset.batches", batches.items, aside="batches.aside", more=more))
    if found.rights:
        sections.append(_rights(asked, found))
    return sections


def _rights(asked: Asked, found: AssetView) -> Table:
    show = asked.shown
    rows = [
        (
            show.short_member(each.account),
            show.word("right", each.right),
            show.all_words("mode", each.modes),
            show.all_words("purpose", each.purposes),
            show.time(each.valid_until),
            show.flag(each.is_live(show.now)),
        )
        for each in found.rights
    ]
    heads = ("right.account", "right", "right.modes", "right.purposes", "right.until", "right.live")
    return Table("asset.rights", heads, rows)


def _kin(asked: Asked, found: AssetView) -> Sequence[Section]:
    up = lineage(asked.mirror, found.asset_id, limit=INSIDE)
    down = lineage(asked.mirror, found.asset_id, down=True, limit=INSIDE)
    more = (asked.shown.path("assets", _name(found), "lineage"), "lineage.all")
    if not up.items and not down.items:
        return [Note(asked.shown.say("lineage.alone"))]
    drawn = _drawn(asked, found, up.items, down.items)
    return [Lineage("lineage", drawn, _counted(asked, up.items, down.items), more)]


def _around(asked: Asked, found: AssetView) -> Sequence[Section]:
    """What happened with the asset: offers, sales, holds, cases, changes, transfers."""
    show, asset_id, sections = asked.shown, found.asset_id, list[Section]()
    offered = offers.offers(asked.mirror, asset_id=asset_id, limit=FIRST_ROWS)
    if offered.items:
        more = (f"{show.root}/offers?asset={_name(found)}", "offers.all") if offered.after else None
        sections.append(offer_columns(asked, offered.items).table("asset.offers", offered.items, more=more))
    sold = sales.sales(asked.mirror, asset_id=asset_id, limit=FIRST_ROWS)
    if sold.items:
        more = (f"{show.root}/sales?asset={_name(found)}", "sales.all") if sold.after else None
        sections.append(sale_columns(asked, sold.items).table("asset.sales", sold.items, more=more))
    if found.holds:
        sections.append(held(asked, found.holds))
    opened = cases.cases(asked.mirror, asset_key(asset_id), limit=FIRST_ROWS)
    if opened.items:
        sections.append(case_columns(asked).table("asset.cases", opened.items))
    if found.changes:
        rows = [
            (show.time(each.at), show.word("grade", each.grade), show.number(each.level), show.block(each.block))
            for each in found.changes
        ]
        sections.append(Table("asset.changes", ("time", "asset.grade", "asset.level", "block"), rows))
    if len(found.transfers) > 1:  # the first is the registration
        moved = [
            (show.short_member(each.from_account), show.short_member(each.to_account), show.block(each.block))
            for each in found.transfers
        ]
        sections.append(Table("asset.transfers", ("transfer.from", "transfer.to", "block"), moved))
    return sections


# -- lineage -----------------------------------------------------------------------------------------------------------


def asset_lineage(asked: Asked) -> Page:
    """What an asset was derived from and what was derived from it, drawn; beyond `DRAWN` by pages, one way at a time
    (`?way=up` or `down`)."""
    found, way = queries.asset(asked.mirror, asked.asset_id), asked.query.get("way")
    show = asked.shown
    up = lineage(asked.mirror, found.asset_id, limit=DRAWN, after=asked.after if way == "up" else None)
    down = lineage(asked.mirror, found.asset_id, down=True, limit=DRAWN, after=asked.after if way == "down" else None)
    whole = up.after is None and down.after is None and len(up.items) + len(down.items) <= DRAWN
    above = up.items if way == "up" or (way != "down" and (whole or up.items)) else ()
    below = down.items if way == "down" or (way != "up" and (whole or not above)) else ()
    kin = [*((each, -1) for each in above), *((each, 1) for each in below)]
    titles = asked.titles([found.asset_id])
    here = show.path("assets", _name(found), "lineage")
    following = [
        (f"{here}?way={name}&after={page.after}", show.say(f"lineage.{name}.more"))
        for name, page, items in (("up", up, above), ("down", down, below))
        if items and page.after is not None
    ]
    ways = [(f"{here}?way={name}", show.say(f"lineage.{name}.only")) for name in ("up", "down") if not whole]
    table = _kin_columns(asked).table("lineage.table", kin)
    drawn = _drawn(asked, found, above, below)
    sections: list[Section] = [
        Note(show.say("lineage.of"), [(show.path("assets", _name(found)), show.asset_title(found.asset_id, titles))]),
        Lineage("lineage", drawn, _counted(asked, above, below)),
    ]
    if following or ways:
        sections.append(Note(show.say("lineage.paged", count=DRAWN), [*following, *ways]))
    return Page(
        title=show.say("lineage"),
        noun="assets",
        sections=[*sections, table],
        json={
            "assetId": str(found.asset_id),
            "ancestors": [each.to_json() for each in above],
            "descendants": [each.to_json() for each in below],
            "afterUp": up.after,
            "afterDown": down.after,
        },
        table=relation("lineage", KinView, [each for each, _ in kin]),
    )


def _kin_columns(asked: Asked) -> Columns:
    show = asked.shown

    def row(kin: tuple[KinView, int]) -> Sequence[Markup]:
        each, way = kin
        if each.kind is None or each.grade is None or each.registered_at is None:
            return (show.asset(each.asset_id), show.number(way * each.distance), *[show.nothing()] * 3)
        facts = (show.word("kind", each.kind), show.word("grade", each.grade), show.age(each.registered_at))
        return (show.asset(each.asset_id), show.number(way * each.distance), *facts)

    heads = ("asset", "lineage.distance", "asset.kind", "asset.grade", "asset.registered")
    return Columns(heads, row, frozenset({1}))


def _drawn(asked: Asked, found: AssetView, up: Iterable[KinView], down: Iterable[KinView]) -> Graph:
    kin = [*((each, -each.distance) for each in up), *((each, each.distance) for each in down)]
    titles = asked.titles([found.asset_id, *(each.asset_id for each, _ in kin)])
    nodes = [_node(asked, found.asset_id, 0, found.parents, titles)]
    nodes += [_node(asked, each.asset_id, distance, each.parents or (), titles) for each, distance in kin]
    return graph(nodes)


def _node(asked: Asked, asset_id: int, distance: int, parents: Iterable[int], titles: dict[int, str]) -> Node:
    name, title = asset_name(asset_id), titles.get(asset_id)
    short = shortened(name)
    label = short if title is None else title if len(title) <= 20 else f"{title[:19]}…"
    hint = name if title is None else f"{cut(title, HINT)} {short}"
    path = asked.shown.path("assets", name)
    return Node(name, distance, tuple(map(asset_name, parents)), label, path, hint)


def _counted(asked: Asked, up: Sequence[KinView], down: Sequence[KinView]) -> Markup:
    return asked.shown.say("lineage.words", up=len(up), down=len(down))


def asset_batches(asked: Asked) -> Page:
    """The consent batches of an asset."""
    page = consents.batches_of(asked.mirror, asked.asset_id, limit=asked.limit, after=asked.after)
    return listed(asked, "batches", consents.BatchView, page, batch_columns(asked))
