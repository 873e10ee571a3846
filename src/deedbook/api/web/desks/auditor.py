"""The desk of an auditor: batches without an audit, the own audits, and bundles of sales with how to verify them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup

from deedbook.api.web.asked import FIRST_ROWS, Asked, Columns
from deedbook.api.web.attestations import given_columns
from deedbook.api.web.consents import batch_columns
from deedbook.api.web.desks.acts import Form, Input, grounds, outcome, picked, until
from deedbook.api.web.desks.board import desk, first, piece
from deedbook.api.web.desks.reviewer import given_path
from deedbook.api.web.desks.selling import named
from deedbook.api.web.sales import state_of
from deedbook.api.web.sections import Commands, Note, Page, Section
from deedbook.domain.hashing import to_hex
from deedbook.queries import attestations, consents, sales
from deedbook.queries.consents import BatchView
from deedbook.queries.sales import SaleView

VERIFY: Final = "deedbook audit verify SALE.deed --trust trust.json"
"""How a bundle is verified (`deedbook.cli.audit`)."""


def auditor(asked: Asked) -> Page:
    """The desk of an auditor."""
    account, show = asked.account("account"), asked.shown
    unaudited = first(asked, consents.batches_by, only_unaudited=True)
    given = first(asked, attestations.attested_by, attester=account)
    settled = sales.sales(asked.mirror, only_settled=True, limit=asked.few, after=asked.after)
    batches = piece(
        "desk.unaudited",
        unaudited,
        batch_columns(asked),
        f"{show.root}/batches?unaudited=yes",
        aside="desk.unaudited.aside",
    )
    sections: list[Section] = [
        batches,
        *_audit(asked, unaudited.items),
        piece("desk.given", given, given_columns(asked), given_path(asked, account), aside="desk.given.aside"),
        bundles(asked, settled.items, None if settled.after is None else f"?after={settled.after}"),
        *verifying(asked),
    ]
    json = {"unaudited": unaudited.to_json(), "given": given.to_json(), "settled": settled.to_json()}
    return desk(asked, "auditor", sections, json)


def _audit(asked: Asked, items: Sequence[BatchView]) -> Sequence[Section]:
    if not items:
        return []
    titles = asked.titles(each.asset_id for each in items)
    options = [(to_hex(each.batch_id), named(titles.get(each.asset_id), each.batch_id)) for each in items[:FIRST_ROWS]]
    inputs = [
        picked(asked, "target", "batch", options),
        Input("kind", "attestation.kind", "fixed", "consent-audit"),
        outcome(asked),
        grounds("document", "act.report"),
        until(asked),
    ]
    command = "deedbook attestations attest BATCH --kind consent-audit --document FILE --valid-until +180d --as NAME"
    steps = [
        ("desk.check.command", "deedbook consents verify-batch BATCH --out report.json"),
        ("desk.check.elsewhere", "deedbook consents verify-batch BATCH --consents FILE --out report.json"),
    ]
    return [
        Commands("desk.check", steps),
        *_handed_out(asked, options),
        Form("act.audit.title", "attest", inputs, command, "act.audit.aside"),
    ]


def _handed_out(asked: Asked, options: Sequence[tuple[str, Markup]]) -> Sequence[Section]:
    """The signed consents of these batches, for who may read them."""
    if not asked.may_read("/batches/{batch_id}/consents"):
        return []
    return [Note(asked.shown.say("desk.check.consents"), [(f"/batches/{key}/consents", name) for key, name in options])]


def bundles(asked: Asked, items: Iterable[SaleView], after: str | None) -> Section:
    """Settled sales with their whole evidence, each in one file."""
    show, whole = asked.shown, list(items)
    titles = asked.titles(each.asset_id for each in whole)

    def row(each: SaleView) -> Sequence[Markup]:
        path = f"/sales/{to_hex(each.sale_id)}/bundle"
        files = [show.link(path, show.say("bundle.full")), show.link(f"{path}?public=true", show.say("bundle.public"))]
        return (
            show.short("sales", each.sale_id),
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.short_member(each.buyer),
            state_of(asked, each),
            show.number(each.settlement.certificate) if each.settlement else show.nothing(),
            Markup(" ").join(files),
        )

    columns = Columns(
        ("sale", "asset", "sale.buyer", "sale.state", "earned.certificate", "bundle"), row, frozenset({4})
    )
    return columns.table("desk.bundles", whole, aside="desk.bundles.aside", after=after)


def verifying(asked: Asked) -> Sequence[Section]:
    """How anybody verifies a bundle: what is needed, and the command."""
    show = asked.shown
    return [
        Commands("verify", [("verify.command", VERIFY)], "verify.aside"),
        Note(show.say("verify.trust"), [("/trust", show.say("verify.trust.here"))]),
        Note(show.say("verify.exits")),
    ]
