"""The list of members with the desks that their roles give them."""

from __future__ import annotations

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns, listed
from deedbook.api.web.desks.board import links
from deedbook.api.web.sections import Page
from deedbook.queries import members as queries
from deedbook.queries.members import MemberView


def desks(asked: Asked) -> Page:
    """Members, and where each one's work is."""
    show = asked.shown
    page = queries.members(asked.mirror, limit=asked.limit, after=asked.after)

    def linked(member: MemberView) -> Markup:
        return Markup(" ").join(show.link(*each) for each in links(asked, member)) or show.nothing()

    columns = Columns(
        heads=("member", "member.state", "desks"),
        row=lambda each: (show.short_member(each.account), show.word("member.state", each.state), linked(each)),
    )
    return listed(asked, "desks", MemberView, page, columns)
