"""`deedbook payloads`: seal records, show what is sealed, erase single records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated, Any

import typer

from deedbook.bootstrap.processes import checking_processes
from deedbook.bootstrap.services import Services
from deedbook.cli import acts, grammar
from deedbook.cli.consents import batches_for
from deedbook.cli.counting import Counter
from deedbook.cli.grammar import AsJson
from deedbook.cli.record_files import RecordFile, record_file
from deedbook.domain.assets import Descriptor, Version, version_key
from deedbook.domain.batches import Batch
from deedbook.domain.consents import record_commit
from deedbook.domain.hashing import to_hex
from deedbook.domain.keytree import delivered_count
from deedbook.domain.payloads import PayloadRecord
from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.queries import consents as queries
from deedbook.vault.records_form import CHUNK, encode_record

app = grammar.group("Payloads: sealed records; every one under a key of its own.")

PayloadId = Annotated[str, typer.Argument(help="the payload's id, 32 bytes of 0x-hex")]


@app.command()
def commit(
    file: Annotated[str, typer.Argument(help="one person's record, a JSON object; - reads it")],
    salt: Annotated[str, typer.Option(help="32 bytes of 0x-hex; fresh where none is given")] = "",
    as_json: AsJson = False,
) -> None:
    """Say the commitment of a record, as a consent names it, and its salt."""
    record = grammar.json_of(file)
    if not isinstance(record, dict):
        raise InvalidFormat("record", "is not a JSON object")
    with acts.opened() as services:
        drawn = grammar.key32(salt, "salt") if salt else services.entropy(32)
    acts.show({"recordCommit": to_hex(record_commit(drawn, record)), "salt": to_hex(drawn)}, as_json)


@app.command()
def seal(
    asset: Annotated[str, typer.Argument(help="the asset's id, decimal or 0x-hex")],
    records: Annotated[str, typer.Argument(help="the records with their salts: NDJSON, or a .csv file")],
    descriptor: Annotated[str, typer.Option(help="the public descriptor in JSON; count and size are filled in")],
    version: Annotated[int, typer.Option(min=1, help="which version these will be")] = 1,
    batch: Annotated[list[str] | None, typer.Option(help="a batch; again for more; all of the asset otherwise")] = None,
    out: Annotated[str, typer.Option(help="where the finished descriptor goes")] = "",
    processes: Annotated[int, typer.Option(min=0, help="how many processes seal; one a core by itself")] = 0,
    as_json: AsJson = False,
) -> None:
    """Seal one record per consent, in the order in which the batches will be bound. Each is found by the commitment
    that its person signed; one that nobody signed is refused."""
    number, known = grammar.asset_of(asset), _draft(descriptor)
    types = {field["name"]: field["type"] for field in known["fields"]}
    with record_file(records, types) as kept, acts.reading() as services:
        services.reconcile()
        bound = batches_for(services, number, batch or [])
        count = sum(each.count for each in bound)
        with _sealing(count, processes) as executor, Counter("records", count) as watch:
            plain = _in_order(services, bound, kept, records)
            sealed = services.vault.seal_all(number, version, plain, count, executor, report=watch)
        known |= {"recordCount": sealed.count, "size": sealed.size}
        described = Descriptor.from_json(known)
        services.records.documents.put("descriptor", described.encode(), at=services.clock())
    if out:
        grammar.write(out, json.dumps(described.to_json(), indent=1, ensure_ascii=False).encode() + b"\n")
    key = version_key(number, Version(sealed.content_root, sealed.count, described.hash))
    found = {"payloadId": to_hex(sealed.payload_id), "contentRoot": to_hex(sealed.content_root)}
    found |= {"descriptorHash": to_hex(described.hash), "versionKey": to_hex(key)}
    acts.show({**found, "records": sealed.count, "empty": sealed.empty}, as_json)


@app.command("list")
def list_payloads(as_json: AsJson = False) -> None:
    """List what is sealed."""
    with acts.opened() as services:
        stored = services.records.payloads.keys()
        rows = [_row(services, services.vault.payload(key.payload_id)) for key in stored]
    acts.show_rows(rows, ("payloadId", "assetId", "version", "records", "available"), as_json)


@app.command()
def show(payload: PayloadId, as_json: AsJson = False) -> None:
    """Show a payload: how many records there are, how many can still be opened, under which keys."""
    with acts.opened() as services:
        found = services.vault.payload(grammar.key32(payload, "payload"))
        key = services.records.payloads.key(found.payload_id)
        value = {**_row(services, found), "createdAt": found.created_at}
        value |= {"keyEpoch": key.epoch, "keyGeneration": key.generation}
    acts.show(value, as_json)


@app.command()
def erase(
    payload: PayloadId,
    record: Annotated[list[int], typer.Option(min=0, help="the record's index; again for more")],
    as_json: AsJson = False,
) -> None:
    """Destroy the keys of single records: nobody can open them again. Prints the destruction receipt."""
    with acts.opened() as services:
        payload_id = grammar.key32(payload, "payload")
        done = services.erasure.erase({payload_id: record})
        kept = done.receipt if done else services.erasure.receipt_of(payload_id, record[0])
    acts.show(grammar.json_in(kept, "receipt"), as_json)


@app.command("erase-ended")
def erase_ended(as_json: AsJson = False) -> None:
    """Destroy the keys of all records whose consents were withdrawn, released, struck, or have expired, in one erasure.
    A running service does so by itself."""
    with acts.reading() as services:
        erased = services.erase_ended()
    acts.show({"erased": erased}, as_json)


def _draft(name: str) -> dict[str, Any]:
    """The descriptor with a count and a size yet to come."""
    found = grammar.json_of(name, "descriptor")
    if not isinstance(found, dict):
        raise InvalidFormat("descriptor", "is not a JSON object")
    found = {**found, "recordCount": 0, "size": 0}
    Descriptor.from_json(found)
    return found


def _sealing(count: int, processes: int) -> AbstractContextManager[Executor | None]:
    """What seals: this process alone where the records are few."""
    return nullcontext() if count <= CHUNK or processes == 1 else checking_processes(processes)


def _in_order(
    services: Services, bound: Sequence[Batch], kept: RecordFile, name: str
) -> Iterator[tuple[bytes, bytes | None]]:
    """Consent id and plaintext by record index, None for a consent that has ended; what is wrong with the whole is told
    at its end."""
    missing = 0
    for batch in bound:
        ended = queries.ended_leaves(services.mirror, batch.batch_id)
        for index, (consent_id, commitment) in enumerate(services.records.consents.commitments_of(batch.batch_id)):
            line = kept.take(commitment)
            missing += line is None and index not in ended
            yield consent_id, None if line is None or index in ended else encode_record(line.salt, line.record)
    left = kept.first_left()
    if left is not None:
        raise InvalidInput("records", f"{name} line {left}: no consent commits to this record", line=left)
    if missing:
        raise InvalidInput("records", f"{missing} live consents have no record", missing=missing)


def _row(services: Services, payload: PayloadRecord) -> dict[str, Any]:
    return {
        "payloadId": to_hex(payload.payload_id),
        "assetId": str(payload.asset_id),
        "version": payload.version,
        "records": payload.count,
        "available": delivered_count(services.vault.available(payload.payload_id)),
        "contentRoot": to_hex(payload.content_root),
    }
