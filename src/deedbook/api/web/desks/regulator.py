"""The desk of a regulator or arbiter: a hold in one step, what is held, what is to be decided, where an asset went."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deedbook.api.web.asked import Asked
from deedbook.api.web.cases import case_columns, hold_columns
from deedbook.api.web.complaints import for_judges
from deedbook.api.web.desks.acts import Form, Input, grounds, outcome, picked
from deedbook.api.web.desks.board import desk, first, piece
from deedbook.api.web.desks.selling import choices, waiting_columns
from deedbook.api.web.sections import Finding, Page, Section
from deedbook.api.web.shown import shortened
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.queries import cases, sales
from deedbook.queries.cases import CaseView
from deedbook.queries.sales import Waits


def regulator(asked: Asked) -> Page:
    """The desk of a regulator."""
    account, show = asked.account("account"), asked.shown
    own = first(asked, cases.all_holds, holder=account)
    opened = first(asked, cases.all_cases, only_open=True)
    target = Input("target", "act.target", "text", asked.query.get("target", ""), hint="act.target.hint")
    hold = [target, grounds("document", "act.why")]
    holds = f"{show.root}/holds?holder={checksum_address(account)}"
    sections: list[Section] = [
        Form("act.hold.title", "hold", hold, "deedbook cases hold TARGET --document FILE --as NAME", "act.hold.aside"),
        Finding("desk.flow", show.path("flow"), "asset", "desk.flow.label", "desk.flow.go", "desk.flow.aside"),
        piece("desk.holds", own, hold_columns(asked), holds),
    ]
    if own.items:
        options = [
            (to_hex(each.target), show.say("desk.held", what=shortened(to_hex(each.target)))) for each in own.items
        ]
        inputs = [picked(asked, "target", "desk.target", options), grounds("document", "act.why")]
        command = "deedbook cases release TARGET --document FILE --as NAME"
        sections.append(Form("act.release.title", "release", inputs, command))
    sections += _disputes(asked)
    sections += for_judges(asked)
    sections.append(piece("desk.cases", opened, case_columns(asked), f"{show.root}/cases?open=yes"))
    if opened.items:
        which = [(to_hex(each.case_id), _named(asked, each)) for each in opened.items]
        inputs = [picked(asked, "case", "case", which), outcome(asked), grounds("document", "act.why")]
        command = "deedbook cases decide CASE --outcome OUTCOME --document FILE --as NAME"
        sections.append(Form("act.conclude.title", "conclude", inputs, command, "act.conclude.aside"))
    return desk(asked, "regulator", sections, {"holds": own.to_json(), "cases": opened.to_json()})


def _disputes(asked: Asked) -> Sequence[Section]:
    waiting = first(asked, sales.sales, waits_for=Waits.DECISION)
    if not waiting.items:
        return []
    path = f"{asked.shown.root}/sales?waits={Waits.DECISION}"
    inputs = [
        picked(asked, "sale", "sale", choices(asked, waiting.items)),
        outcome(asked),
        grounds("document", "act.why"),
    ]
    command = "deedbook sales decide SALE --outcome OUTCOME --document FILE --as NAME"
    return [
        piece("desk.waits.decision", waiting, waiting_columns(asked, waiting), path),
        Form("act.decide.title", "decide", inputs, command, "act.decide.aside"),
    ]


def _named(asked: Asked, case: CaseView) -> Markup:
    return Markup("{} · {}").format(asked.shown.word("case.kind", case.kind), shortened(to_hex(case.case_id)))
