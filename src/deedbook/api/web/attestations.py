"""Pages of attestations: what accredited members stated about a version, a batch, a member or an offer."""

from __future__ import annotations

from collections.abc import Iterable

from deedbook.api.web.asked import Asked, Columns, listed, relation
from deedbook.api.web.sections import Facts, Page, Table
from deedbook.domain.hashing import checksum_address, parse_address, to_hex
from deedbook.errors import NotFound
from deedbook.queries.attestations import AttestationView, WantedView, attestations, attested_by
from deedbook.queries.attestations import wanted as all_wanted


def attested(asked: Asked, items: Iterable[AttestationView]) -> Table:
    """A table of attestations."""
    return attestation_columns(asked).table("attestations", items, aside="attestations.aside")


def attestation_columns(asked: Asked) -> Columns:
    """How a list shows attestations."""
    show = asked.shown
    return Columns(
        heads=("attestation", "attestation.outcome", "attestation.attester", "attestation.until", "attestation.live"),
        row=lambda each: (
            show.link(path_of(asked, each), show.word("attestation", each.kind)),
            show.word("outcome", each.outcome),
            show.short_member(each.attester),
            show.time(each.valid_until),
            show.flag(each.is_live(show.now)),
        ),
    )


def path_of(asked: Asked, each: AttestationView) -> str:
    """The path of an attestation's own page."""
    return asked.shown.path("attestations", to_hex(each.target), f"{int(each.kind)}-{checksum_address(each.attester)}")


def given(asked: Asked) -> Page:
    """The standing statements of an `attester`, those that end first before the others."""
    attester = parse_address(asked.query.get("attester", ""), "attester")
    page = attested_by(asked.mirror, attester, limit=asked.limit, after=asked.after)
    return listed(asked, "attestations", AttestationView, page, given_columns(asked))


def given_columns(asked: Asked) -> Columns:
    """Standing statements of one attester."""
    show = asked.shown
    return Columns(
        heads=("attestation", "attestation.outcome", "attestations.target", "attestation.until", "attestation.live"),
        row=lambda each: (
            show.link(path_of(asked, each), show.word("attestation", each.kind)),
            show.word("outcome", each.outcome),
            show.short_text(to_hex(each.target), _about(asked, each.target)),
            show.time(each.valid_until),
            show.flag(each.is_live(show.now)),
        ),
    )


def wanted(asked: Asked) -> Page:
    """Statements that are asked for and given by nobody."""
    page = all_wanted(asked.mirror, asked.shown.now, limit=asked.limit, after=asked.after)
    return listed(asked, "wanted", WantedView, page, wanted_columns(asked, page.items))


def wanted_columns(asked: Asked, items: Iterable[WantedView]) -> Columns:
    """How a list shows statements that are wanted."""
    show, titles = asked.shown, asked.titles(each.asset_id for each in items)
    return Columns(
        heads=("asset", "version", "attestation.kind", "wanted.when", "wanted.target"),
        row=lambda each: (
            show.asset(each.asset_id, titles.get(each.asset_id)),
            show.number(each.version),
            show.word("attestation", each.kind),
            show.say("wanted.to_list" if each.to_list else "wanted.to_order"),
            show.short_text(to_hex(each.version_key), _about(asked, each.version_key)),
        ),
        numbers=frozenset({1}),
    )


def attestations_about(asked: Asked) -> Page:
    """Everything stated about a target."""
    found = attestations(asked.mirror, asked.key("target"))
    if not found:
        raise NotFound("attestations about", asked.names["target"])
    return Page(
        title=asked.shown.say("attestations"),
        noun="attestations",
        sections=[
            Facts(
                "attestations.target", [("target", asked.shown.hash(found[0].target, _about(asked, found[0].target)))]
            ),
            attested(asked, found),
        ],
        json={"items": [each.to_json() for each in found]},
        table=relation("attestations", AttestationView, found),
    )


def attestation(asked: Asked) -> Page:
    """One attestation: the last one of its kind by its attester about its target."""
    kind, _, attester = asked.names["which"].partition("-")
    found = next(
        (
            each
            for each in attestations(asked.mirror, asked.key("target"))
            if str(int(each.kind)) == kind and checksum_address(each.attester).lower() == attester.lower()
        ),
        None,
    )
    if found is None:
        raise NotFound("attestation", asked.names["which"])
    show = asked.shown
    rows = [
        ("attestation.kind", show.word("attestation", found.kind)),
        ("attestation.outcome", show.word("outcome", found.outcome)),
        ("attestation.attester", show.member(found.attester)),
        ("target", show.hash(found.target, _about(asked, found.target))),
        ("attestation.document", show.document(found.document_hash)),
        ("attestation.live", show.flag(found.is_live(show.now))),
        ("attestation.standing", show.flag(found.standing)),
        ("attestation.corrected", show.flag(found.corrected)),
        ("attestation.at", show.time(found.attested_at)),
        ("attestation.until", show.time(found.valid_until)),
        ("transaction", show.hash(found.attested_tx, show.path("transactions", to_hex(found.attested_tx)))),
        ("block", show.block(found.attested_block)),
    ]
    if found.withdrawn_block is not None:
        rows.append(("attestation.withdrawn", show.block(found.withdrawn_block)))
    title = show.word("attestation", found.kind)
    return Page(title, "attestations", [Facts("attestation.facts", rows, "attestations.aside")], found.to_json())


def _about(asked: Asked, target: bytes) -> str:
    return f"{asked.shown.root}/search?q={to_hex(target)}"
