"""What every desk has: who stands at it, and the way to the member's other desks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markupsafe import Markup

from deedbook.api.web.asked import FIRST_ROWS, Asked, Columns
from deedbook.api.web.desks.acts import Form, spoken, told
from deedbook.api.web.entering import entering
from deedbook.api.web.sections import Facts, Note, Page, Section
from deedbook.domain.codes import Role
from deedbook.domain.hashing import checksum_address
from deedbook.queries import members as queries
from deedbook.queries.members import MemberView
from deedbook.queries.views import Page as Items

ROLES: Final[Mapping[str, Role]] = {
    "provider": Role.PROVIDER,
    "buyer": Role.BUYER,
    "reviewer": Role.REVIEWER | Role.APPRAISER,
    "auditor": Role.AUDITOR,
    "settler": Role.SETTLER,
    "regulator": Role.REGULATOR | Role.ARBITER,
    "exchange": Role.OPERATOR,
}
"""The desks, and the roles whose members have work at them."""


def desks_of(roles: Role) -> list[str]:
    """The desks of a member with these roles."""
    return [desk for desk, wanted in ROLES.items() if roles & wanted]


def path_of(asked: Asked, desk: str, account: bytes) -> str:
    """Where a member's desk is."""
    return asked.shown.path("desk", desk, checksum_address(account))


def links(asked: Asked, member: MemberView) -> list[tuple[str, Markup]]:
    """The desks of a member, as links."""
    return [(path_of(asked, desk, member.account), asked.shown.say(f"desk.{desk}")) for desk in desks_of(member.roles)]


def desk(asked: Asked, name: str, sections: Sequence[Section], json: Mapping[str, Any]) -> Page:
    """A desk of a member, with what is on it; what is done there, for who signed in as that member, where the service
    asks who somebody is. Raises NotFound where the account is no member's."""
    found, show = queries.member(asked.mirror, asked.account("account")), asked.shown
    is_own = asked.caller.is_one_of((found.account,))
    if not is_own:
        sections = [each for each in sections if not isinstance(each, Form)]
    forms = [each for each in sections if isinstance(each, Form)]
    has_role = bool(found.roles & ROLES[name]) and found.is_in_good_standing(show.now)
    others = [each for each in links(asked, found) if each[0] != path_of(asked, name, found.account)]
    facts = [
        ("member.account", show.member(found.account)),
        ("member.roles", show.all_words("role", found.roles)),
        ("member.standing", show.flag(found.is_in_good_standing(show.now))),
    ]
    whole: list[Section] = [Facts("desk.who", facts)]
    if others:
        whole.append(Note(show.say("desk.others"), others))
    if not is_own and asked.caller.account is not None:
        way = (show.path("desks"), show.say("desks.list"))
        whole.append(Note(show.say("desk.another", account=show.member(asked.caller.account)), [way]))
    acting = told(asked, found.account, [each.act for each in forms if each.is_signed])
    said = {"desk": name, "account": checksum_address(found.account), "roles": found.to_json()["roles"]}
    return Page(
        title=show.say("desk.of", desk=show.say(f"desk.{name}"), account=checksum_address(found.account)[:10]),
        noun="desks",
        sections=[*whole, *sections],
        json={**said, **json, **({"acting": acting} if forms else {})},
        lead=show.say(f"desk.{name}.lead") if has_role else show.say("desk.lacks"),
        template="acting.html" if forms else "entering.html" if asked.has_door else "page.html",
        private=asked.caller.is_known,
        more=spoken(asked, acting) if forms else _entering(asked, acting["account"]),
    )


def _entering(asked: Asked, account: str) -> dict[str, Any]:
    return entering(asked, "desk.enter", account=account) if asked.has_door else {}


def piece(title: str, items: Items[Any], columns: Columns, path: str, *, aside: str | None = None) -> Section:
    """The first rows of a list, and the way to all of them."""
    return columns.table(title, items.items, aside=aside, more=(path, "desk.all") if items.items else None)


Listing = Callable[..., Items[Any]]


def first(asked: Asked, query: Listing, **wanted: Any) -> Items[Any]:
    """The first rows of a query."""
    return query(asked.mirror, **wanted, limit=FIRST_ROWS)
