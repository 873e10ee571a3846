"""Signing in by wallet (EIP-4361), and out: what stands before the pages of a service that shows nothing to whom it
does not know, and what desks hand to the script that does it (`static/entering.js`)."""

from __future__ import annotations

from typing import Any

from deedbook.api.web.asked import Asked
from deedbook.api.web.consenting import consent_domain, spoken, told
from deedbook.api.web.sections import Page


def entrance(asked: Asked) -> Page:
    """What is shown in the place of a page to who is not known."""
    show = asked.shown
    return Page(
        title=show.say("own.enter"),
        noun="",
        sections=[],
        json=None,
        lead=show.say("enter.lead"),
        template="entering.html",
        private=True,
        more=entering(asked, "enter.aside"),
    )


def entering(asked: Asked, aside: str, **said: Any) -> dict[str, Any]:
    """What a page hands to its script to sign in and out; `aside` is the entry that says what for, to who is not known.
    Of a page for one `account` alone, no other signs in there."""
    handed = spoken(asked, {**told(asked, consent_domain(asked)), **said}, "acting.other_member")
    entry = "enter.over" if asked.is_over else aside
    return {**handed, "known": asked.caller.is_known, "aside": asked.shown.say(entry)}
