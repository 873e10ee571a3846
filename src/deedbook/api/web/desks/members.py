"""The list of members with the desks that their roles give them; before it, the own, for who signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns, listed
from deedbook.api.web.desks.board import links
from deedbook.api.web.entering import entering
from deedbook.api.web.sections import Note, Page, Section
from deedbook.domain.hashing import checksum_address
from deedbook.errors import NotFound
from deedbook.queries import members as queries
from deedbook.queries.members import MemberView


def desks(asked: Asked) -> Page:
    """Members, and where each one's work is; how to sign in, where the service asks who somebody is."""
    show = asked.shown
    page = queries.members(asked.mirror, limit=asked.limit, after=asked.after)

    def linked(member: MemberView) -> Markup:
        return Markup(" ").join(show.link(*each) for each in links(asked, member)) or show.nothing()

    columns = Columns(
        heads=("member", "member.state", "desks"),
        row=lambda each: (show.short_member(each.account), show.word("member.state", each.state), linked(each)),
    )
    found = listed(asked, "desks", MemberView, page, columns)
    if not asked.has_door:
        return found
    return replace(
        found,
        sections=[*_own(asked), *found.sections],
        template="entering.html",
        private=asked.caller.is_known,
        more=entering(asked, "desks.enter"),
    )


def _own(asked: Asked) -> Sequence[Section]:
    """The desks of who signed in, or why there are none."""
    account, show = asked.caller.account, asked.shown
    if account is None:
        return []
    try:
        own = links(asked, queries.member(asked.mirror, account))
    except NotFound:
        name = show.hash_text(checksum_address(account), "")
        return [Note(show.say("desks.nobody", account=name), [(show.path("own"), show.say("own"))])]
    return [Note(show.say("desks.own" if own else "desks.idle", account=show.member(account)), own)]
