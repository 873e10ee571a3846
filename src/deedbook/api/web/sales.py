"""Pages of sales: the states as a line in time, the money as a table that adds up, what was delivered, the certificate.

Amounts are what the settlement says; nothing is divided here, and what is added up is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns, listed
from deedbook.api.web.drawing import strip
from deedbook.api.web.sections import CoverStrip, Facts, Note, Page, Section, Step, Steps, Table
from deedbook.domain.hashing import to_hex
from deedbook.domain.keytree import decode_cover
from deedbook.errors import DeedbookError, InvalidInput, NotFound
from deedbook.queries import offers as offer_queries
from deedbook.queries import sales as queries
from deedbook.queries.assets import version
from deedbook.queries.exports import Field, Kind, Relation
from deedbook.queries.sales import PayoutView, SaleView, SettlementView, Waits

AHEAD: Final = ("SaleOrdered", "SalePaid", "SalePrepared", "SaleDelivered", "SaleAccepted", "SaleSettled")
MOST_STEPS: Final = 200
MONEY: Final = (
    Field("side", Kind.TEXT),
    Field("line", Kind.TEXT),
    Field("account", Kind.TEXT),
    Field("amount", Kind.DECIMAL),
    Field("currency", Kind.TEXT),
)


def sale_columns(asked: Asked, items: Iterable[SaleView]) -> Columns:
    """How a list shows sales."""
    show, titles = asked.shown, asked.titles(item.asset_id for item in items)
    return Columns(
        heads=(
            "sale",
            "asset",
            "sale.buyer",
            "sale.purpose",
            "sale.state",
            "sale.delivered",
            "sale.price",
            "sale.ordered",
        ),
        row=lambda each: (
            show.short("sales", each.sale_id),
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.short_member(each.buyer),
            show.nothing() if each.purpose is None else show.word("purpose", each.purpose),
            state_of(asked, each),
            show.nothing() if each.delivered_count is None else show.number(each.delivered_count),
            show.money(each.price, each.currency),
            show.time(each.steps[0].at) if each.steps else show.nothing(),
        ),
        numbers=frozenset({5, 6}),
    )


def state_of(asked: Asked, each: SaleView) -> Markup:
    """Where a sale stands: settled is kept by another contract than the other states."""
    return asked.shown.word("sale.state", "settled" if each.settlement else each.state)


def sales(asked: Asked) -> Page:
    """A list of sales, of one asset, buyer or provider where named; those that wait for something (`waits`), are
    `settled`, or were `used`."""
    page = queries.sales(
        asked.mirror,
        asset_id=asked.query_asset,
        buyer=asked.query_account("buyer"),
        provider=asked.query_account("provider"),
        waits_for=_waited_for(asked),
        only_settled=asked.is_yes("settled"),
        only_used=asked.is_yes("used"),
        limit=asked.limit,
        after=asked.after,
    )
    return listed(asked, "sales", SaleView, page, sale_columns(asked, page.items))


def _waited_for(asked: Asked) -> Waits | None:
    said = asked.query.get("waits") or None
    if said is not None and said not in list(Waits):
        raise InvalidInput("waits", f"is none of {', '.join(Waits)}")
    return None if said is None else Waits(said)


def sale(asked: Asked) -> Page:
    """One sale."""
    found = queries.sale(asked.mirror, asked.key("sale"))
    show = asked.shown
    sections: list[Section] = [_line(asked, found)]
    if found.settlement is not None:
        sections.append(_earned(asked, found.settlement))
    sections += [
        *_money(asked, found),
        _facts(asked, found),
        *_paid(asked, found),
        *_cover(asked, found),
        *_used(asked, found),
    ]
    sections += _disputed(asked, found)
    links = [(show.path("sales", to_hex(found.sale_id), "certificate"), show.say("certificate.open"))]
    if found.settlement is not None:
        sections.append(Note(show.say("certificate.words"), links))
    return Page(_titled(asked, found), "sales", sections, found.to_json(), _money_relation(found))


def _titled(asked: Asked, found: SaleView) -> Markup:
    title = asked.titles([found.asset_id]).get(found.asset_id)
    return asked.shown.say("sale.of", what=asked.shown.text(title)) if title else asked.shown.say("sale")


def _facts(asked: Asked, found: SaleView) -> Facts:
    show = asked.shown
    title = asked.titles([found.asset_id]).get(found.asset_id)
    rows = [
        ("sale.id", show.hash(found.sale_id)),
        ("sale.state", state_of(asked, found)),
        ("asset", show.asset(found.asset_id, title)),
        ("version", show.number(found.version)),
        ("offer", show.hash(found.offer_id, show.path("offers", to_hex(found.offer_id)))),
        ("sale.buyer", show.member(found.buyer)),
        ("sale.provider", show.member(found.provider) if found.provider else show.nothing()),
        ("sale.purpose", show.nothing() if found.purpose is None else show.word("purpose", found.purpose)),
        ("sale.mode", show.nothing() if found.mode is None else show.all_words("mode", found.mode)),
        ("sale.attesters", Markup(" ").join(map(show.short_member, found.attesters)) or show.nothing()),
        ("sale.live", show.number(found.live_at_order)),
    ]
    if found.delivered_count is not None:
        rows.append(("sale.delivered", show.number(found.delivered_count)))
    return Facts("sale.facts", rows)


def _line(asked: Asked, found: SaleView) -> Steps:
    show, steps = asked.shown, list[Step]()
    before: int | None = None
    for each in found.steps[:MOST_STEPS]:
        details = [show.say("step.block", block=show.block(each.block))]
        if each.actor is not None:
            details.insert(0, show.say("step.actor", who=show.short_member(each.actor)))
        details.append(show.link(show.path("transactions", to_hex(each.tx)), show.say("transaction")))
        waited = None if before is None else show.say("step.waited", span=show.span(each.at - before))
        steps.append(Step(show.word("step", each.event), show.time(each.at), details, waited))
        before = each.at
    if steps:
        steps[-1] = replace(steps[-1], last=True)
    return Steps("sale.steps", steps, "sale.steps.aside")


def _earned(asked: Asked, entry: SettlementView) -> Facts:
    """How much each person earned: what the exchange of 2023 would not say."""
    show = asked.shown
    rows = [
        ("earned.each", show.money(entry.per_head, entry.currency)),
        ("earned.people", show.number(entry.delivered_count)),
        ("earned.all", show.money(entry.per_head * entry.delivered_count, entry.currency)),
        ("earned.paid", show.money(entry.paid_out, entry.currency)),
        ("earned.waiting", show.number(entry.waiting)),
        ("earned.certificate", show.number(entry.certificate)),
        ("earned.settled", show.time(entry.settled_at)),
    ]
    return Facts("earned", rows, "earned.aside")


def money_lines(found: SaleView) -> tuple[list[tuple[str, bytes | None, int]], list[tuple[str, bytes | None, int]]]:
    """What comes into a settled sale and what goes out of it, line by line: name, account where one gets it, amount."""
    entry = found.settlement
    assert entry is not None
    into: list[tuple[str, bytes | None, int]] = [("money.price", found.buyer, entry.price)]
    into.append(("money.carried", None, entry.carry_in))
    out: list[tuple[str, bytes | None, int]] = [
        ("share.exchange", None, entry.exchange_share),
        ("share.provider", found.provider, entry.provider_share),
        *(("share.intermediary", None, share) for share in entry.intermediary_shares),
        ("share.people", None, entry.per_head * entry.delivered_count),
        ("money.carries", None, entry.carry_out),
    ]
    return into, out


def _money(asked: Asked, found: SaleView) -> Sequence[Section]:
    show = asked.shown
    if found.settlement is None:
        words = show.say("money.unsettled", price=show.money(found.price, found.currency))
        return [Facts("money", [("money.price", words)])]
    into, out = money_lines(found)
    rows: list[Sequence[Markup]] = []
    sums = set()
    for lines, total in ((into, "money.into"), (out, "money.out")):
        for name, account, amount in lines:
            who = show.short_member(account) if account else Markup()
            rows.append((show.say(name), who, show.money(amount, found.settlement.currency)))
        added = sum(amount for _, _, amount in lines)
        sums.add(len(rows))
        rows.append((show.say(total), Markup(), show.money(added, found.settlement.currency)))
    equal = sum(amount for _, _, amount in into) == sum(amount for _, _, amount in out)
    aside = "money.adds" if equal else "money.differs"
    heads = ("money.line", "money.who", "money.amount")
    return [Table("money", heads, rows, frozenset({2}), frozenset(sums), aside)]


def _money_relation(found: SaleView) -> Relation:
    if found.settlement is None:
        rows = [("in", "price", to_hex(found.buyer), str(found.price), found.currency)]
    else:
        into, out = money_lines(found)
        rows = [
            (side, name.partition(".")[2], to_hex(account) if account else "", str(amount), found.settlement.currency)
            for side, lines in (("in", into), ("out", out))
            for name, account, amount in lines
        ]
    return Relation("money", MONEY, lambda _: iter(rows))


def _paid(asked: Asked, found: SaleView) -> Sequence[Section]:
    show, sections = asked.shown, list[Section]()
    if found.payouts:
        rows = [
            (
                show.time(each.paid_at),
                _places(asked, each),
                show.money(each.total, each.currency),
                show.short_member(each.settler),
            )
            for each in sorted(found.payouts, key=lambda each: each.paid_block)[:MOST_STEPS]
        ]
        heads = ("time", "payout.span", "money.amount", "payout.settler")
        sections.append(Table("sale.payouts", heads, rows, frozenset({2})))
    if found.refunds:
        back = [
            (show.time(each.refunded_at), show.money(each.amount, each.currency), show.short_member(each.settler))
            for each in found.refunds
        ]
        sections.append(Table("sale.refunds", ("time", "money.amount", "payout.settler"), back, frozenset({1})))
    return sections


def _places(asked: Asked, each: PayoutView) -> Markup:
    entry = "payout.deferred" if each.list else "payout.places"
    return asked.shown.say(entry, list=each.list, first=each.from_ordinal + 1, last=each.to_ordinal)


def _cover(asked: Asked, found: SaleView) -> Sequence[Section]:
    show = asked.shown
    if found.cover_hash is None:
        return []
    encoded = asked.home.cover(found.cover_hash)
    if encoded is None:
        return [Facts("cover", [("cover.hash", show.hash(found.cover_hash))], "cover.away")]
    with suppress(DeedbookError):
        drawn = strip(decode_cover(encoded))
        words = show.say("cover.words", delivered=f"{drawn.delivered:,}", records=f"{drawn.records:,}")
        hashed = Facts("cover.commitment", [("cover.hash", show.hash(found.cover_hash))])
        return [CoverStrip("cover", drawn, words, "cover.aside"), hashed]
    return [Facts("cover", [("cover.hash", show.hash(found.cover_hash))], "cover.broken")]


def _used(asked: Asked, found: SaleView) -> Sequence[Section]:
    if found.usage is None:
        return []
    show, meter = asked.shown, found.usage
    rows = [
        ("usage.used", show.number(meter.used)),
        ("usage.quota", show.number(meter.quota) if meter.quota is not None else show.say("offer.unlimited")),
        ("usage.reports", show.number(meter.reports)),
        ("usage.to", show.time(meter.reported_to)),
    ]
    return [Facts("usage", rows)]


def _disputed(asked: Asked, found: SaleView) -> Sequence[Section]:
    if found.dispute is None:
        return []
    show, said = asked.shown, found.dispute
    rows = [
        ("dispute.by", show.member(said.buyer)),
        ("dispute.at", show.time(said.disputed_at)),
        ("dispute.document", show.document(said.document_hash)),
        ("dispute.outcome", show.say("dispute.open") if said.outcome is None else show.word("outcome", said.outcome)),
    ]
    return [Facts("dispute", rows)]


def certificate(asked: Asked) -> Page:
    """The certificate of a settled sale, to be printed. Raises NotFound before it is settled."""
    found = queries.sale(asked.mirror, asked.key("sale"))
    entry = found.settlement
    if entry is None:
        raise NotFound("certificate of sale", to_hex(found.sale_id))
    show = asked.shown
    chain = asked.home.deployment()
    key = version(asked.mirror, found.asset_id, found.version)
    offered = offer_queries.offer(asked.mirror, found.offer_id)
    parties = [
        ("certificate.number", show.number(entry.certificate)),
        ("certificate.sold", show.asset(found.asset_id, asked.titles([found.asset_id]).get(found.asset_id))),
        ("version", show.number(found.version)),
        ("sale.provider", show.member(offered.provider)),
        ("sale.buyer", show.member(found.buyer)),
        ("sale.purpose", show.word("purpose", offered.purpose)),
        ("sale.mode", show.all_words("mode", offered.mode)),
        ("sale.delivered", show.number(entry.delivered_count)),
        ("earned.each", show.money(entry.per_head, entry.currency)),
        ("earned.settled", show.time(entry.settled_at)),
    ]
    evidence = [
        ("sale.id", show.hash(found.sale_id, show.path("sales", to_hex(found.sale_id)))),
        ("certificate.root", show.hash(key.content_root)),
        ("certificate.chain", Markup("{}").format(str(chain["chainId"]))),
        ("transaction", show.hash(entry.settled_tx, show.path("transactions", to_hex(entry.settled_tx)))),
        ("block", show.block(entry.settled_block)),
    ]
    sections = [Facts("certificate.deal", parties), *_money(asked, found), Facts("certificate.evidence", evidence)]
    said = {"certificate": entry.certificate, "chainId": str(chain["chainId"]), "sale": found.to_json()}
    return Page(show.say("certificate"), "sales", sections, said, template="certificate.html")
