"""Pages of members: standing, roles, what they hold and sold. A member is an account; who that is, is not on chain."""

from __future__ import annotations

from deedbook.api.web.asked import FIRST_ROWS, Asked, Columns, listed, relation
from deedbook.api.web.attestations import attested
from deedbook.api.web.desks.board import links
from deedbook.api.web.sales import sale_columns
from deedbook.api.web.sections import Facts, Note, Page, Section, Table
from deedbook.domain.hashing import checksum_address
from deedbook.queries import assets, attestations, providers, sales
from deedbook.queries import members as queries
from deedbook.queries.members import MemberView
from deedbook.queries.sales import SaleView


def members(asked: Asked) -> Page:
    """A list of members."""
    show = asked.shown
    page = queries.members(asked.mirror, limit=asked.limit, after=asked.after)
    columns = Columns(
        heads=("member", "member.state", "member.roles", "member.licences", "member.until"),
        row=lambda each: (
            show.short_member(each.account),
            show.word("member.state", each.state),
            show.all_words("role", each.roles),
            show.all_words("licence", each.licences),
            show.time(each.valid_until),
        ),
    )
    return listed(asked, "members", MemberView, page, columns)


def member(asked: Asked) -> Page:
    """One member, what it holds, sold and bought, and the money of its sales."""
    found = queries.member(asked.mirror, asked.account("account"))
    show, account = asked.shown, found.account
    rows = [
        ("member.account", show.member(account)),
        ("member.state", show.word("member.state", found.state)),
        ("member.standing", show.flag(found.is_in_good_standing(show.now))),
        ("member.roles", show.all_words("role", found.roles)),
        ("member.licences", show.all_words("licence", found.licences)),
        ("member.jurisdiction", show.number(found.jurisdiction)),
        ("member.until", show.time(found.valid_until)),
        ("member.identity", show.hash(found.identity)),
        ("member.admitted", show.block(found.admitted_block)),
        ("member.changed", show.block(found.changed_block)),
    ]
    sections: list[Section] = [Facts("member.facts", rows, "member.aside")]
    desks = links(asked, found)
    if desks:
        sections.append(Note(show.say("desks.of"), desks))
    sections += money_of(asked, account)
    held = assets.assets(asked.mirror, holder=account, limit=FIRST_ROWS)
    if held.items:
        titles = asked.titles(each.asset_id for each in held.items)
        holds = [
            (
                show.asset(each.asset_id, titles.get(each.asset_id)),
                show.word("kind", each.kind),
                show.time(each.registered_at),
            )
            for each in held.items
        ]
        sections.append(Table("member.assets", ("asset", "asset.kind", "asset.registered"), holds))
    traded: list[SaleView] = []
    for role in ("provider", "buyer"):
        page = sales.sales(asked.mirror, **{role: account}, limit=FIRST_ROWS)  # type: ignore[arg-type]
        traded += page.items
        if page.items:
            more = (f"{show.root}/sales?{role}={checksum_address(account)}", "sales.all") if page.after else None
            sections.append(sale_columns(asked, page.items).table(f"member.{role}", page.items, more=more))
    stated = attestations.attestations(asked.mirror, bytes(12) + account)
    if stated:
        sections.append(attested(asked, stated))
    title = show.say("member.title", account=checksum_address(account)[:10])
    return Page(title, "members", sections, found.to_json(), relation("sales", SaleView, traded))


def money_of(asked: Asked, account: bytes) -> list[Section]:
    """The money of a provider's sales, by currency."""
    stated = providers.statement(asked.mirror, account)
    if not stated.totals:
        return []
    show = asked.shown
    sections: list[Section] = []
    for total in stated.totals:
        parts = {
            "share.exchange": total.exchange,
            "share.provider": total.provider,
            "share.intermediary": total.intermediaries,
            "share.people": total.people,
            "money.carries": total.carried,
        }
        rows = [(show.say(name), show.money(amount, total.currency)) for name, amount in parts.items()]
        rows.append((show.say("provider.settled"), show.money(total.settled, total.currency)))
        rows += [
            (show.say("provider.paid"), show.money(total.paid_out, total.currency)),
            (show.say("provider.open"), show.money(total.open, total.currency)),
            (show.say("provider.refunded"), show.money(total.refunded, total.currency)),
        ]
        equal = sum(parts.values()) == total.settled
        aside = "provider.adds" if equal else "money.differs"
        heads = ("money.line", "money.amount")
        sections.append(Table("member.money", heads, rows, frozenset({1}), frozenset({len(parts)}), aside))
    return sections
