"""The desk of a reviewer or appraiser: statements that are wanted, and the own ones, those that end first first."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns
from deedbook.api.web.attestations import given_columns, wanted_columns
from deedbook.api.web.desks.acts import Form, Input, grounds, outcome, picked, until
from deedbook.api.web.desks.board import desk, first, piece
from deedbook.api.web.sections import Page, Section
from deedbook.domain.codes import AttestationKind, word_of
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.queries import attestations
from deedbook.queries.attestations import WantedView
from deedbook.queries.views import Page as Items

FORM = "state"
"""Where the form stands on the page."""
COMMAND = "deedbook attestations attest TARGET --kind KIND --document FILE --valid-until +180d --as NAME"


def reviewer(asked: Asked) -> Page:
    """The desk of a reviewer."""
    account, show = asked.account("account"), asked.shown
    wanted = attestations.wanted(asked.mirror, show.now, limit=asked.few, after=asked.after)
    given = first(asked, attestations.attested_by, attester=account)
    target = Input("target", "act.target", "text", asked.query.get("target", ""), hint="act.target.hint")
    form = Form(
        "act.attest.title",
        "attest",
        [target, _kind(asked), outcome(asked), grounds("document", "act.statement"), until(asked)],
        COMMAND,
        "act.attest.aside",
        FORM,
    )
    sections: list[Section] = [
        piece("desk.wanted", wanted, _wanted_columns(asked, wanted), f"{show.root}/wanted"),
        form,
        piece("desk.given", given, given_columns(asked), given_path(asked, account), aside="desk.given.aside"),
    ]
    return desk(asked, "reviewer", sections, {"wanted": wanted.to_json(), "given": given.to_json()})


def _wanted_columns(asked: Asked, wanted: Items[WantedView]) -> Columns:
    """Statements that are wanted, each with the way to the form that has its target and kind."""
    show, columns = asked.shown, wanted_columns(asked, wanted.items)

    def row(each: WantedView) -> Sequence[Markup]:
        kind = word_of(AttestationKind(each.kind))
        here = f"?target={to_hex(each.version_key)}&kind={kind}#{FORM}"
        return (*columns.row(each), show.link(here, show.say("desk.state")))

    return Columns((*columns.heads, "desk.do"), row, columns.numbers)


def _kind(asked: Asked) -> Input:
    kinds = [each for each in AttestationKind if each is not AttestationKind.CONSENT_AUDIT]
    options = [(word_of(each), asked.shown.word("attestation", each)) for each in kinds]
    return picked(asked, "kind", "attestation.kind", options)


def given_path(asked: Asked, account: bytes) -> str:
    """Where all standing statements of an attester are."""
    return f"{asked.shown.root}/attestations?attester={checksum_address(account)}"
