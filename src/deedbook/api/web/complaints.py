"""Complaints of persons on pages: the own, with what became of each, and those of all for who can open a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from deedbook.api.web.asked import FIRST_ROWS, Asked
from deedbook.api.web.desks.acts import Form, Input, coded, picked
from deedbook.api.web.sections import Section, Table
from deedbook.api.web.shown import shortened
from deedbook.domain.codes import CaseKind
from deedbook.domain.hashing import from_hex
from deedbook.domain.principals import Matter


def own_complaints(asked: Asked, account: bytes) -> list[Mapping[str, Any]]:
    """Those of one person; the read is noted."""
    asked.home.note_read(asked.caller, Matter.COMPLAINTS, [account], asked.request_id)
    return list(asked.home.own_complaints(account)["items"])


def own_table(asked: Asked, items: Sequence[Mapping[str, Any]]) -> Table:
    """How a person sees the own."""
    show = asked.shown
    rows = [
        (
            show.time(each["document"]["madeAt"]),
            show.link(_own_consent(asked, each), show.say("own.look")),
            show.text(each["document"]["text"]),
            _became(asked, each),
        )
        for each in items
    ]
    heads = ("complaint.made", "consent", "complaint", "complaint.became")
    return Table("own.complaints", heads, rows, aside="own.complaints.aside")


def for_judges(asked: Asked) -> list[Section]:
    """The newest complaints and how a case is opened about one, for who may read them; the read is noted."""
    if not asked.may_read("/complaints"):
        return []
    show, items = asked.shown, list(asked.home.complaints(FIRST_ROWS, None)["items"])
    if not items:
        return []
    subjects = {from_hex(each["document"]["subject"], "subject", 20) for each in items}
    asked.home.note_read(asked.caller, Matter.COMPLAINTS, sorted(subjects), asked.request_id)
    titles = asked.titles(int(each["assetId"]) for each in items)
    rows = [
        (
            show.time(each["document"]["madeAt"]),
            show.asset(int(each["assetId"]), titles.get(int(each["assetId"]))),
            show.short("consents", from_hex(each["document"]["consentId"], "consentId", 32)),
            show.text(each["document"]["text"]),
            _became(asked, each),
        )
        for each in items
    ]
    heads = ("complaint.made", "asset", "consent", "complaint", "complaint.became")
    table = Table(
        "desk.complaints", heads, rows, aside="desk.complaints.aside", more=("/complaints", "complaint.whole")
    )
    return [table, *_opening(asked, items)]


def _opening(asked: Asked, items: Sequence[Mapping[str, Any]]) -> list[Section]:
    """The form that opens a case about a complaint that has none yet."""
    waiting = [each for each in items if not each["cases"]]
    if not waiting:
        return []
    options = [(each["complaintId"], Markup("{}").format(_named(each))) for each in waiting]
    kinds = coded(asked, "case.kind", CaseKind)
    target = f"asset:{waiting[0]['assetId']}" if len({each["assetId"] for each in waiting}) == 1 else ""
    inputs = [
        picked(asked, "document", "complaint", options),
        Input("target", "act.target", "text", target, hint="act.target.hint"),
        Input("kind", "case.kind", "number", str(int(CaseKind.OBJECTION)), kinds),
    ]
    command = "deedbook cases open TARGET --kind objection --document HASH --as NAME"
    return [Form("act.open.title", "open", inputs, command, "act.open.aside")]


def _named(complaint: Mapping[str, Any]) -> str:
    return f"{complaint['document']['text'][:40]} · {shortened(complaint['complaintId'])}"


def _became(asked: Asked, complaint: Mapping[str, Any]) -> Markup:
    """The cases about it, and how each was decided."""
    show, links = asked.shown, []
    for each in complaint["cases"]:
        word = show.say("case.open") if each["outcome"] is None else show.word("outcome", each["outcome"])
        links.append(show.link(show.path("cases", each["caseId"]), show.say("complaint.case", outcome=word)))
    return show.say("list.joiner").join(links) or show.say("complaint.waits")


def _own_consent(asked: Asked, complaint: Mapping[str, Any]) -> str:
    return asked.shown.path("own", "consents", complaint["document"]["consentId"])
