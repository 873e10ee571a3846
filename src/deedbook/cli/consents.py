"""`deedbook consents`: drafted, collected, anchored, checked, bound, withdrawn; payees are in `payees`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Annotated, Any, BinaryIO

import typer

from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar, payees, withdrawals
from deedbook.cli.consent_files import chunk_workers, documents_in, workers
from deedbook.cli.counting import Counter
from deedbook.cli.grammar import After, As, AsJson, Limit
from deedbook.domain.batches import Batch
from deedbook.domain.codes import Licence, Mode, Purpose, Role, class_of_role
from deedbook.domain.consents import (
    Consent,
    Withdrawal,
    record_commit,
    typed_data,
    withdrawal_typed_data,
)
from deedbook.domain.hashing import ZERO_ADDRESS, to_hex
from deedbook.domain.merkle import Rfc9162Root
from deedbook.domain.notices import Notice, with_statement
from deedbook.domain.receipts import ConsentReceipt
from deedbook.errors import IntegrityError, InvalidFormat, InvalidInput, NotFound, RejectedByContract
from deedbook.ledger.collecting import Progress
from deedbook.ledger.consents import NO_SALT, Consents
from deedbook.queries import consents as queries

app = grammar.group("Consents: drafted, collected, anchored, bound, withdrawn.")

Asset = Annotated[str, typer.Argument(help="the asset's id, decimal or 0x-hex")]
ConsentId = Annotated[str, typer.Argument(help="the consent's id, 32 bytes of 0x-hex")]
BatchId = Annotated[str, typer.Argument(help="the batch's id, 32 bytes of 0x-hex")]
Processes = Annotated[int, typer.Option(min=0, help="how many processes check signatures; one a core by itself")]
Scheduler = Annotated[
    str, typer.Option(help="the address of a Dask scheduler whose workers check signatures instead: tcp://host:8786")
]
Out = Annotated[str, typer.Option(help="where the document goes")]


@app.command()
def notice(
    file: Annotated[str, typer.Argument(help="the notice (deedbook.notice) in JSON; - reads it")],
    as_json: AsJson = False,
) -> None:
    """Publish a privacy notice, with the template of the sentence that is signed."""
    found = Notice.from_json(grammar.json_of(file))
    with acts.opened() as services:
        services.records.documents.put("notice", found.encode(), at=services.clock())
    acts.show({"noticeHash": to_hex(found.hash), "language": found.language, "title": found.title}, as_json)


@app.command()
def draft(
    asset: Asset,
    subject: Annotated[str, typer.Option(help="who consents: an address, such as of `wallet derive`")],
    controller: Annotated[str, typer.Option(help="who holds the data: address, or name in this home")],
    notice_hash: Annotated[str, typer.Option("--notice", help="the hash of a published notice")],
    record: Annotated[str, typer.Option(help="the person's record, a JSON file; it stays here")],
    purpose: Annotated[str, typer.Option(help="recruitment, credit, research or statistics")],
    mode: Annotated[list[str], typer.Option(help="how it may be used: raw, call, open ...; again for more")],
    recipient: Annotated[str, typer.Option(help="who may receive it; any of the class where none is named")] = "",
    recipient_class: Annotated[str, typer.Option("--class", help="a licence such as employer, or a role")] = "buyer",
    cross_border: Annotated[bool, typer.Option("--cross-border", help="also across the border")] = False,
    valid_from: Annotated[str, typer.Option(help="from when")] = "+0s",
    valid_until: Annotated[str, typer.Option(help="until when: 2027-01-31, Unix seconds, or +365d")] = "+365d",
    salt: Annotated[str, typer.Option(help="the record's salt; fresh where none is given")] = "",
    _as_json: AsJson = False,
) -> None:
    """Write what a wallet has to sign (typed data in JSON), with the record's salt beside it as `recordSalt`. Always
    JSON: give its `typedData` to `wallet sign`, and keep the salt for `payloads seal`."""
    known = grammar.json_of(record, "record")
    if not isinstance(known, dict):
        raise InvalidFormat("record", "is not a JSON object")
    with acts.opened() as services:
        now, record_salt = services.clock(), grammar.key32(salt, "salt") if salt else services.entropy(32)
        consent = Consent(
            subject=acts.account(services, subject, "subject"),
            asset_id=grammar.asset_of(asset),
            controller=acts.account(services, controller, "controller"),
            recipient=acts.account(services, recipient, "recipient") if recipient else ZERO_ADDRESS,
            recipient_class=_class(recipient_class),
            purpose=grammar.code(Purpose, purpose, "purpose"),
            modes=grammar.bits(Mode, mode, "mode"),
            cross_border=cross_border,
            notice_hash=grammar.key32(notice_hash, "notice"),
            record_commit=record_commit(record_salt, known),
            valid_from=grammar.moment(valid_from, "valid-from", now),
            valid_until=grammar.moment(valid_until, "valid-until", now),
            statement="-",
            salt=services.entropy(32),
        )
        consent = with_statement(services.notice(consent.notice_hash), consent)
        asked = typed_data(services.consents.domain, consent)
    acts.say_json({"typedData": asked, "recordSalt": to_hex(record_salt)})


@app.command("draft-withdrawal")
def draft_withdrawal(consent: ConsentId, _as_json: AsJson = False) -> None:
    """Write what a wallet has to sign to withdraw (typed data). Always JSON."""
    with acts.opened() as services:
        acts.say_json(withdrawal_typed_data(services.consents.domain, grammar.key32(consent, "consent")))


@app.command()
def collect(
    file: Annotated[
        str,
        typer.Argument(help="signed consents (deedbook.consent): one, one a line (- reads them), or a Parquet file"),
    ],
    as_: As,
    out: Annotated[str, typer.Option(help="where the receipts go, one a line in the order of the consents")] = "",
    asset: Annotated[str, typer.Option(help="the asset of all of them; that of the first where none is named")] = "",
    count: Annotated[int, typer.Option(min=0, help="how many there must be; any number where none is given")] = 0,
    processes: Processes = 0,
    scheduler: Scheduler = "",
    as_json: AsJson = False,
) -> None:
    """Take signed consents and answer each with the collector's signed receipt. Before the last line was good none of
    them can be anchored; the same command run again goes on where it was stopped."""
    number, whole = grammar.asset_of(asset) if asset else None, count or None
    with acts.opened() as services, grammar.sink(out) if out else nullcontext() as receipts:
        collecting = services.consents.collecting(acts.signer(services, as_), asset_id=number)
        documents = documents_in(file)
        with workers(documents, processes, scheduler) as (lines, by), Counter("consents", count) as watch:
            steps = collecting.collect(
                lines, by.executor, count=whole, receipts=True, unit=documents.unit, ahead=by.ahead
            )
            far = _collected(steps, receipts, watch)
    if out == "-":
        return
    if far.lines == 1:
        _say_receipt(far.receipts[0], as_json)
        return
    said = {"consents": far.lines, "collected": far.fresh, "known": far.lines - far.fresh}
    acts.show({**said, "receipts": out or None}, as_json)


def _collected(steps: Iterable[Progress], receipts: BinaryIO | None, watch: Counter) -> Progress:
    """Writes what was answered; the last word."""
    far = Progress(0, 0, ())
    for far in steps:
        if receipts is not None:
            receipts.writelines(receipt + b"\n" for receipt in far.receipts)
        watch(far.lines)
    return far


def _say_receipt(receipt: bytes, as_json: bool) -> None:
    document = grammar.json_in(receipt, "receipt")
    if as_json:
        acts.say_json(document)
        return
    print(f"collected {document['receipt_id']}")
    print(f"  {document['signedConsent']['consent']['statement']}")


@app.command()
def show(consent: ConsentId, as_json: AsJson = False) -> None:
    """Show where an anchored consent stands: batch, index, whether it still counts."""
    with acts.reading() as services:
        place = services.records.consents.place_of
        found = queries.consent(services.mirror, grammar.key32(consent, "consent"), place=place)
    acts.show(found, as_json)


@app.command()
def batches(asset: Asset, limit: Limit = 100, after: After = "", as_json: AsJson = False) -> None:
    """List the consent batches of an asset, oldest first."""
    with acts.reading() as services:
        page = queries.batches_of(services.mirror, grammar.asset_of(asset), limit=limit, after=after or None)
    acts.show_page(page, ("batchId", "count", "live", "purpose", "modes", "grantedBlock"), as_json)


@app.command()
def receipt(consent: ConsentId, out: Out = "-", as_json: AsJson = False) -> None:
    """Write the receipt that the person was given (ISO/IEC TS 27560 form). Always JSON."""
    with acts.opened() as services:
        found = services.records.consents.consent_receipt(grammar.key32(consent, "consent"))
    acts.hand_over(out, found.to_json(), as_json, consentId=consent)


@app.command()
def statement(consent: ConsentId, as_json: AsJson = False) -> None:
    """Show the person's own statement: who bought, what is owed, what was paid."""
    with acts.reading() as services:
        found = services.statement(grammar.key32(consent, "consent"))
    if as_json:
        acts.show(found, as_json)
        return
    lines = [line.to_json() for line in found.lines]
    acts.show_rows(lines, ("saleId", "buyer", "purpose", "due", "currency", "paid"), as_json=False)
    for total in found.totals:
        print(f"total {total.currency}: due {total.due}, paid {total.paid}, open {total.open} (minor units)")


app.command("draft-payee")(payees.draft_payee)
app.command("name-payee")(payees.name_payee)
app.command("payee")(payees.payee)
app.command("draft-payee-request")(payees.draft_payee_request)


@app.command()
def anchor(
    asset: Asset,
    as_: As,
    salt: Annotated[str, typer.Option(help="the salt of `assets id`, while the asset is not registered")] = "",
    as_json: AsJson = False,
) -> None:
    """Anchor collected consents of an asset in one transaction; an anchoring that was cut short is finished first."""
    number, proof = grammar.asset_of(asset), grammar.key32(salt, "salt") if salt else NO_SALT
    with acts.opened() as services:
        services.reconcile()
        made, done = _consents(services).anchor(number, acts.signer(services, as_), salt=proof)
    acts.tell(done, "anchored", as_json, batchId=to_hex(made.batch_id), root=to_hex(made.root), count=made.count)


@app.command("verify-batch")
def verify_batch(
    batch: BatchId,
    consents: Annotated[
        str,
        typer.Option(help="the signed consents in leaf order, as in `collect`; those of this home where none is named"),
    ] = "",
    out: Annotated[str, typer.Option(help="where the report goes, for `attestations attest --document`")] = "",
    processes: Processes = 0,
    scheduler: Scheduler = "",
    as_json: AsJson = False,
) -> None:
    """Check every consent of a batch as its auditor does: signer, sentence, terms, uniqueness, count, and the root that
    is on chain (or will be, where it is not anchored yet)."""
    from deedbook.audit.batches import check_chunks

    name = grammar.key32(batch, "batch")
    with acts.reading() as services:
        stated, anchored = _stated(services, name)
        documents = documents_in(consents) if consents else services.records.consents.documents_of(name)
        notices, domain = [services.notice(stated.terms.notice_hash)], services.consents.domain
        by_the_chunk = chunk_workers(documents, processes, scheduler)
        with by_the_chunk as (chunks, by), Counter("consents", stated.count) as count:
            found = check_chunks(stated, chunks, notices, domain, executor=by.executor, ahead=by.ahead, report=count)
    report: dict[str, Any] = {"format": "deedbook.report", "version": 1, "kind": "CONSENT_AUDIT", "batch": batch}
    report |= {"signatures": found.signatures, "statements": found.statements, "subjects": found.subjects}
    if out:
        grammar.write(out, json.dumps(report, indent=1).encode() + b"\n")
    acts.show({**report, "root": to_hex(stated.root), "anchored": anchored}, as_json)


def _stated(services: Services, name: bytes) -> tuple[Batch, bool]:
    """The batch as the chain has it; as this home keeps it, where it is not on chain. Whether it is."""
    try:
        return queries.batch(services.mirror, name).stated, True
    except NotFound:
        return services.records.consents.batch(name), False


@app.command()
def prove(
    consent: ConsentId,
    out: Annotated[str, typer.Option(help="where the proof goes")] = "-",
    as_json: AsJson = False,
) -> None:
    """Write the proof that an anchored consent is in its batch, at its place: all that a withdrawal needs beside a
    signature. Always JSON."""
    with acts.opened() as services:
        place = services.consents.place(grammar.key32(consent, "consent"))
    acts.hand_over(out, place.to_json(), as_json, consentId=consent, index=place.index)


@app.command()
def manifest(
    batch: BatchId,
    out: Annotated[str, typer.Option(help="where the signed consents go, one a line in leaf order")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what the manifest of a batch commits to, once it was computed again from the signed consents; hand those over
    to an auditor with --out. They are private."""
    tree = Rfc9162Root()
    with acts.opened() as services, grammar.sink(out) if out else nullcontext() as consents:
        kept = services.records.consents.batch(grammar.key32(batch, "batch"))
        with Counter("consents", kept.count) as count:
            for document in services.records.consents.documents_of(kept.batch_id):
                tree.add(document)
                if consents is not None:
                    consents.write(document + b"\n")
                count(tree.size)
        if tree.size != kept.count or tree.root() != kept.manifest:
            raise IntegrityError("the consents kept of a batch are not those of its manifest", batch=batch)
    acts.show({"batchId": batch, "manifestHash": to_hex(kept.manifest), "consents": tree.size}, as_json)


@app.command()
def bind(
    asset: Asset,
    version: Annotated[int, typer.Option(min=1, help="the version's number")],
    auditor: Annotated[str, typer.Option(help="the auditor relied on: address, or name in this home")],
    as_: As,
    batch: Annotated[list[str] | None, typer.Option(help="a batch; again for more; all of the asset otherwise")] = None,
    as_json: AsJson = False,
) -> None:
    """Give a version its legal basis: one record per consent, in the order of the batches' ids."""
    number = grammar.asset_of(asset)
    with acts.opened() as services:
        bound = batches_for(services, number, batch or [])
        relied = acts.account(services, auditor, "auditor")
        done = _consents(services).bind(acts.signer(services, as_), number, version, [(each, relied) for each in bound])
    acts.tell(done, "bound", as_json, batches=[to_hex(each.batch_id) for each in bound])


@app.command()
def withdraw(
    file: Annotated[str, typer.Argument(help="the signed withdrawal (deedbook.withdrawal) in JSON; - reads it")],
    as_: Annotated[str, typer.Option("--as", help="the account of this home that relays it; any may")],
    receipt: Annotated[
        str, typer.Option(help="withdraw by the collector's receipt in this file, where no proof can be had")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Relay a signed withdrawal, and destroy the record's key. With the collector's receipt no proof is needed: orders
    and deliveries of the asset stop until `apply-mark`."""
    signed = Withdrawal.from_json(grammar.json_of(file))
    if receipt:
        _withdraw_by_receipt(signed, ConsentReceipt.from_json(grammar.json_of(receipt, "receipt")), as_, as_json)
        return
    with acts.opened() as services:
        try:
            done = _consents(services).withdraw_for(signed, acts.signer(services, as_))
        except RejectedByContract as refusal:
            if refusal.error == "AlreadyWithdrawn":  # but a crash may have come before the erasure
                _erase(services, signed.consent_id)
            raise
        erased = _erase(services, signed.consent_id) if done else 0
    if done is None:
        acts.show({"consentId": to_hex(signed.consent_id), "anchored": False, "erased": 0}, as_json)
        return
    live = done.event("LeafEnded").args["live"]
    acts.tell(done, "withdrawn", as_json, consentId=to_hex(signed.consent_id), anchored=True, live=live, erased=erased)


@app.command("withdraw-all")
def withdraw_all(
    file: Annotated[str, typer.Argument(help="signed withdrawals (deedbook.withdrawal), NDJSON; - reads them")],
    as_: Annotated[str, typer.Option("--as", help="the account of this home that relays them; any may")],
    as_json: AsJson = False,
) -> None:
    """Relay many signed withdrawals, and destroy the records' keys in one erasure. Said again, it goes on where it
    stopped. A line that is refused keeps nobody else from leaving; it is named, and the exit code is 2 then."""
    with acts.opened() as services:
        relayed = withdrawals.relay_file(services, file, acts.signer(services, as_))
        services.follow()
        erased = services.erase_ended()
    acts.show({**relayed.counts, "refused": relayed.refused, "erased": erased}, as_json)
    if relayed.refused:
        raise typer.Exit(2)


@app.command("apply-mark")
def apply_mark(consent: ConsentId, as_: As, as_json: AsJson = False) -> None:
    """Apply the proof to a consent that was withdrawn by receipt: its leaf ends, the asset's orders go on, and the
    record's key is destroyed."""
    identifier = grammar.key32(consent, "consent")
    with acts.opened() as services:
        done = _consents(services).apply_mark(identifier, acts.signer(services, as_))
        erased = _erase(services, identifier)
    acts.tell(done, "applied", as_json, consentId=consent, live=done.event("LeafEnded").args["live"], erased=erased)


def _withdraw_by_receipt(signed: Withdrawal, receipt: ConsentReceipt, name: str, as_json: bool) -> None:
    with acts.opened() as services:
        done = _consents(services).withdraw_by_receipt(receipt, signed, acts.signer(services, name))
    pending = done.event("WithdrawalMarked").args["pending"]
    acts.tell(done, "marked as withdrawn", as_json, consentId=to_hex(signed.consent_id), pending=pending)


def batches_for(services: Services, asset_id: int, named: list[str]) -> list[Batch]:
    """The named batches, or all of the asset, in the order in which they are bound."""
    book = services.records.consents
    found = [book.batch(grammar.key32(each, "batch")) for each in named] or book.batches_of(asset_id)
    if not found:
        raise InvalidInput("batch", "the asset has no anchored batch")
    return sorted(found, key=lambda each: each.batch_id)


def _erase(services: Services, consent_id: bytes) -> int:
    services.follow()
    return services.erase_record_of(consent_id)


def _consents(services: Services) -> Consents:
    remember = services.withdrawals.remember
    return Consents(services.anew, services.records.consents, services.notice, services.clock, remember=remember)


def _class(text: str) -> int:
    roles = {str(role.name).lower(): class_of_role(role) for role in Role}
    return roles.get(text) or grammar.code(Licence, text, "class")
