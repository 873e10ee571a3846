"""The page of alerts: what somebody should look at now, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns, listed
from deedbook.api.web.sections import Page
from deedbook.domain.codes import AttestationKind
from deedbook.queries import alerts as queries
from deedbook.queries.alerts import AlertView


def alerts(asked: Asked) -> Page:
    """A list of alerts."""
    now = asked.shown.now
    page = queries.alerts(asked.mirror, now, covers=asked.home.cover, limit=asked.limit, after=asked.after)
    return listed(asked, "alerts", AlertView, page, alert_columns(asked))


def alert_columns(asked: Asked) -> Columns:
    """How a list shows alerts."""
    show = asked.shown

    def row(each: AlertView) -> Sequence[Markup]:
        what = show.link(f"{show.root}/search?q={each.key}", show.say(f"found.{each.noun}"))
        numbers = show.say("list.joiner").join(_number(asked, *pair) for pair in each.numbers.items())
        return (show.word("severity", each.severity), show.word("alert", each.code), what, numbers)

    return Columns(("alert.severity", "alert", "alert.about", "alert.numbers"), row)


def _number(asked: Asked, name: str, value: int) -> Markup:
    show = asked.shown
    if name in ("since", "valid_until"):
        return show.say(f"alert.{name}", value=show.time(value))
    if name == "kind":
        known = value in AttestationKind.__members__.values()
        kind = AttestationKind(value) if known else value
        return show.say("alert.kind", value=show.word("attestation", kind))
    return show.say(f"alert.{name}", value=show.number(value))
