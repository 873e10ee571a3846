"""Pages of consents and of the batches that hold them: the sentence, the terms, the state, the proof; nobody's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from markupsafe import Markup

from deedbook.api.web.asked import Asked, Columns, listed
from deedbook.api.web.attestations import attested
from deedbook.api.web.sections import Facts, Note, Page, Quote, Section, Table
from deedbook.domain.attestations import asset_key
from deedbook.domain.consents import Consent
from deedbook.domain.documents import MOST_NUMBER
from deedbook.domain.hashing import ZERO_ADDRESS, from_hex, to_hex
from deedbook.domain.notices import Notice, render_statement
from deedbook.errors import DeedbookError, NotFound
from deedbook.queries import consents as queries
from deedbook.queries.consents import BatchView, ConsentView


def batch_columns(asked: Asked) -> Columns:
    """How a list shows batches: by counts."""
    show = asked.shown
    return Columns(
        heads=("batch", "batch.count", "batch.live", "batch.ended", "batch.purpose", "batch.until", "batch.granted"),
        row=lambda each: (
            show.short("batches", each.batch_id),
            show.number(each.count),
            show.number(each.live),
            show.number(each.ended),
            show.word("purpose", each.purpose),
            show.time(each.valid_until),
            show.time(each.granted_at),
        ),
        numbers=frozenset({1, 2, 3}),
    )


def batches(asked: Asked) -> Page:
    """A list of batches, of one `collector` where named; of those without an audit (`unaudited`)."""
    page = queries.batches_by(
        asked.mirror,
        collector=asked.query_account("collector"),
        only_unaudited=asked.is_yes("unaudited"),
        limit=asked.limit,
        after=asked.after,
    )
    return listed(asked, "batches", BatchView, page, batch_columns(asked))


def batch(asked: Asked) -> Page:
    """A batch: what every consent in it grants at least, and how many there are."""
    found = queries.batch(asked.mirror, asked.key("batch"))
    show = asked.shown
    facts = [
        ("batch.id", show.hash(found.batch_id)),
        ("batch.count", show.number(found.count)),
        ("batch.live", show.number(found.live)),
        ("batch.ended", show.number(found.ended)),
        ("batch.direct", show.flag(found.direct)),
        ("batch.collector", show.member(found.collector)),
        ("batch.root", show.hash(found.root)),
        ("batch.manifest", show.hash(found.manifest_hash)),
        ("batch.granted", show.time(found.granted_at)),
        ("transaction", show.hash(found.granted_tx, show.path("transactions", to_hex(found.granted_tx)))),
        ("block", show.block(found.granted_block)),
    ]
    sections: list[Section] = [Facts("batch.facts", facts, "batch.aside"), *terms_of(asked, found)]
    if found.bindings:
        rows = [
            (
                show.number(each.version),
                show.number(each.record_offset),
                show.number(each.count),
                show.time(each.bound_at),
            )
            for each in found.bindings
        ]
        heads = ("version", "binding.offset", "binding.count", "binding.at")
        sections.append(Table("batch.bindings", heads, rows, frozenset({0, 1, 2})))
    sections.append(attested(asked, found.attestations))
    return Page(show.say("batch"), "assets", sections, found.to_json())


def consent(asked: Asked) -> Page:
    """One consent: the sentence, the terms, where it stands now, and the proof that it is in its batch."""
    found = queries.consent(asked.mirror, asked.key("consent"), place=asked.home.place_of)
    show = asked.shown
    proof = _proof(asked, found.consent_id)
    state = "withdrawn" if found.ended else "pending" if found.withdrawal_pending else "live"
    facts = [
        ("consent.id", show.hash(found.consent_id)),
        ("consent.state", show.word("consent.state", state)),
        ("consent.batch", show.hash(found.batch_id, show.path("batches", to_hex(found.batch_id)))),
        ("consent.index", show.number(found.index)),
        ("consent.granted", show.time(found.batch.granted_at)),
        ("block", show.block(found.batch.granted_block)),
    ]
    sections: list[Section] = [Facts("consent.facts", facts, "consent.aside"), *_ended(asked, found)]
    sections += [*terms_of(asked, found.batch), *_proven(asked, found, proof)]
    return Page(show.say("consent"), "assets", sections, {**found.to_json(), "proof": proof})


def _ended(asked: Asked, found: ConsentView) -> Sequence[Section]:
    if found.ended is None:
        return []
    show = asked.shown
    rows = [
        ("end.cause", show.word("cause", found.ended.cause)),
        ("end.at", show.time(found.ended.at)),
        ("transaction", show.hash(found.ended.tx, show.path("transactions", to_hex(found.ended.tx)))),
        ("block", show.block(found.ended.block)),
    ]
    return [Facts("consent.ended", rows)]


def terms_of(asked: Asked, found: BatchView) -> Sequence[Section]:
    """The sentence that the notice's template makes of the terms, and the terms themselves."""
    show = asked.shown
    recipient = show.member(found.recipient) if any(found.recipient) else show.buyer_class(found.recipient_class)
    rows = [
        ("terms.asset", show.asset(found.asset_id, asked.titles([found.asset_id]).get(found.asset_id))),
        ("terms.controller", show.member(found.controller)),
        ("terms.recipient", recipient),
        ("terms.purpose", show.word("purpose", found.purpose)),
        ("terms.modes", show.all_words("mode", found.modes)),
        ("terms.border", show.flag(found.cross_border)),
        ("terms.from", show.time(found.valid_from)),
        ("terms.until", show.time(found.valid_until)),
        ("terms.notice", show.document(found.notice_hash)),
    ]
    return [*_sentence(asked, found), Facts("terms", rows, "terms.aside")]


def _sentence(asked: Asked, found: BatchView) -> Sequence[Section]:
    with suppress(DeedbookError, ValueError, RecursionError):
        notice = Notice.decode(asked.home.document(found.notice_hash)[1])
        text = render_statement(notice, _as_consent(found))
        return [Quote("sentence", asked.shown.text(text), notice.language, "sentence.aside")]
    return [Note(asked.shown.say("sentence.away"))]


def _as_consent(found: BatchView) -> Consent:
    """A consent to no more than the terms of the batch, by nobody."""
    nothing = bytes(32)
    return Consent(
        subject=ZERO_ADDRESS,
        asset_id=found.asset_id,
        controller=found.controller,
        recipient=found.recipient,
        recipient_class=found.recipient_class,
        purpose=int(found.purpose),
        modes=int(found.modes),
        cross_border=found.cross_border,
        notice_hash=found.notice_hash,
        record_commit=nothing,
        valid_from=found.valid_from,
        valid_until=min(found.valid_until, MOST_NUMBER),
        statement="-",
        salt=nothing,
    )


def _proof(asked: Asked, consent_id: bytes) -> Mapping[str, Any] | None:
    with suppress(NotFound):
        return asked.home.proof(consent_id)
    return None


def _proven(asked: Asked, found: ConsentView, proof: Mapping[str, Any] | None) -> Sequence[Section]:
    show = asked.shown
    if proof is None:
        return [Note(show.say("proof.away"))]
    path: list[tuple[Markup, ...]] = [
        (show.number(level), show.hash(from_hex(node, "proof", 32))) for level, node in enumerate(proof["proof"])
    ]
    rows = [
        ("proof.leaf", show.hash(from_hex(proof["leaf"], "leaf", 32))),
        ("proof.root", show.hash(found.batch.root)),
        ("proof.asset", show.hash(asset_key(found.asset_id), "")),
    ]
    nodes: list[Section] = [Table("proof.nodes", ("proof.level", "proof.node"), path, frozenset({0}))] if path else []
    return [Facts("proof", rows, "proof.aside"), *nodes]
