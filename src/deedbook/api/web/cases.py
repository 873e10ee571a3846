"""Pages of cases - objections, disputes, leaks, breaches - and of what holds their targets."""

from __future__ import annotations

from collections.abc import Iterable

from deedbook.api.web.asked import Asked, Columns, listed
from deedbook.api.web.sections import Facts, Page, Section, Table
from deedbook.domain.hashing import to_hex
from deedbook.queries import cases as queries
from deedbook.queries.cases import CaseView, HoldView


def case_columns(asked: Asked) -> Columns:
    """How a list shows cases."""
    show = asked.shown
    return Columns(
        heads=("case", "case.kind", "case.target", "case.opener", "case.outcome", "case.opened"),
        row=lambda each: (
            show.short("cases", each.case_id),
            show.word("case.kind", each.kind),
            show.link(f"{show.root}/search?q={to_hex(each.target)}", show.say("case.what")),
            show.short_member(each.opener),
            show.say("case.open") if each.outcome is None else show.word("outcome", each.outcome),
            show.block(each.opened_block),
        ),
    )


def cases(asked: Asked) -> Page:
    """A list of cases, of those that are `open` where asked for."""
    only_open = asked.is_yes("open")
    page = queries.all_cases(asked.mirror, only_open=only_open, limit=asked.limit, after=asked.after)
    return listed(asked, "cases", CaseView, page, case_columns(asked))


def case(asked: Asked) -> Page:
    """One case, and the holds on what it is about."""
    found = queries.case(asked.mirror, asked.key("case"))
    show = asked.shown
    rows = [
        ("case.id", show.hash(found.case_id)),
        ("case.kind", show.word("case.kind", found.kind)),
        ("case.target", show.hash(found.target, f"{show.root}/search?q={to_hex(found.target)}")),
        ("case.opener", show.member(found.opener)),
        ("case.document", show.document(found.document_hash)),
        ("case.opened", show.block(found.opened_block)),
        ("case.outcome", show.say("case.open") if found.outcome is None else show.word("outcome", found.outcome)),
    ]
    if found.decider is not None and found.decision_hash is not None and found.decided_block is not None:
        rows += [
            ("case.decider", show.member(found.decider)),
            ("case.decision", show.document(found.decision_hash)),
            ("case.decided", show.block(found.decided_block)),
        ]
    sections: list[Section] = [Facts("case.facts", rows)]
    on_it = queries.holds(asked.mirror, found.target)
    if on_it:
        sections.append(held(asked, on_it))
    return Page(show.say("case"), "cases", sections, {**found.to_json(), "holds": [each.to_json() for each in on_it]})


def holds(asked: Asked) -> Page:
    """A list of the holds that are active, of one `holder` where named."""
    wanted = asked.query_account("holder")
    page = queries.all_holds(asked.mirror, holder=wanted, limit=asked.limit, after=asked.after)
    return listed(asked, "holds", HoldView, page, hold_columns(asked))


def hold_columns(asked: Asked) -> Columns:
    """How a list shows holds on one thing and another."""
    show = asked.shown
    return Columns(
        heads=("hold.target", "hold.holder", "case.document", "hold.from"),
        row=lambda each: (
            show.short_text(to_hex(each.target), f"{show.root}/search?q={to_hex(each.target)}"),
            show.short_member(each.holder),
            show.short_text(to_hex(each.document_hash), f"/documents/{to_hex(each.document_hash)}"),
            show.block(each.held_block),
        ),
    )


def held(asked: Asked, holds: Iterable[HoldView]) -> Table:
    """The holds that there are or were on something."""
    show = asked.shown
    rows = [
        (
            show.short_member(each.holder),
            show.flag(each.active),
            show.block(each.held_block),
            show.nothing() if each.released_block is None else show.block(each.released_block),
        )
        for each in holds
    ]
    return Table("holds", ("hold.holder", "hold.active", "hold.from", "hold.until"), rows, aside="holds.aside")
