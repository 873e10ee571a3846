"""Nothing by which a person could be recognised leaves the sealed records: not on chain, in databases or in words.

The same scan is run over a home that leaks on purpose, so that silence means something.
"""

from __future__ import annotations

import io
import json
import logging
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.logs import logging_to
from deedbook.bootstrap.services import Services
from deedbook.chain.client import Node
from deedbook.cli.demo import cast
from deedbook.cli.demo.guiyang import Guiyang
from deedbook.cli.demo.people import Person
from deedbook.cli.demo.teller import Teller
from deedbook.cli.main import run
from deedbook.domain.codes import AttestationKind
from deedbook.domain.hashing import sha256
from deedbook.ledger import attestations, members
from tests.e2e.http_service import Client, running
from tests.e2e.leaks import files_of, needles, scan

PEOPLE = 12
WIDE = {
    "format": "deedbook.descriptor",
    "version": 1,
    "language": "en",
    "title": "people",
    "description": "who they are",
    "kind": 1,
    "fields": [
        {"name": name, "type": kind, "unit": "", "description": name}
        for name, kind in (("name", "text"), ("identityNumber", "text"), ("phone", "integer"))
    ],
    "period": {"from": 1, "until": 2},
    "source": "made up",
    "quality": {},
}


@dataclass
class Told:
    """A told story: the people in it, the home, and everything that was said."""

    people: list[Person]
    home: Path
    words: dict[str, bytes]
    chain: dict[str, bytes]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The whole demo, then the service asked for everything it shows, with wrong questions among them."""
    path = tmp_path_factory.mktemp("private") / "home"
    out, err, log = io.StringIO(), io.StringIO(), io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        _logging(log),
        Services.init(config.load(path, {})) as services,
    ):
        story = _tell(services, out)
        people = [wallet.owner for wallet in story.wallets]
        answers = dict(_ask(services, people))
        chain = dict(_on_chain(services.node))
    words = dict(_errors(path, people))
    spoken = {"standard output": out, "standard error": err, "service log": log}
    words |= {place: content.getvalue().encode() for place, content in spoken.items()} | answers
    return Told(people, path, words, chain)


@contextmanager
def _logging(log: io.StringIO) -> Iterator[None]:
    """Everything that the service and its libraries log, down to the least important."""
    with logging_to(log, form="json", level="debug"):
        handler = logging.StreamHandler(log)  # beside our own lines, which leave out what nobody said may be told
        logging.getLogger().addHandler(handler)
        yield


def _tell(services: Services, out: io.StringIO) -> Guiyang:
    for part in cast.MEMBERS:
        services.create_account(part.key)
    story = Guiyang(services, Teller("en", out), PEOPLE)
    story.tell()
    return story


def _ask(services: Services, people: list[Person]) -> Iterator[tuple[str, bytes]]:
    """Every page of the service, and requests that carry a person's data where it does not belong."""
    with Desk(services) as desk, running(desk, watch=desk.watch) as client:
        sale = client.get("/sales").json()["items"][0]
        consents = [signed.consent_id for signed in services.records.consents.leaves_of(_batch(client, sale))]
        pages = ["/health", "/ready", "/status", "/metrics", "/openapi.json", "/assets", "/offers", "/sales"]
        pages += [f"/sales/{sale['saleId']}", f"/assets/{sale['assetId']}", f"/assets/{sale['assetId']}/batches"]
        pages += ["/deployment", f"/sales/{sale['saleId']}/usage"]
        pages += [f"/statements/0x{each.hex()}" for each in consents]
        pages += [f"/consents/0x{each.hex()}{more}" for each in consents for more in ("", "/proof")]
        for page in pages:
            answer = client.get(page)
            assert answer.status == 200, page
            yield page, answer.content
        signed = services.records.consents.leaves_of(_batch(client, sale))[0].to_json()
        for number, person in enumerate(people):
            spoiled = signed | {"consent": signed["consent"] | {"statement": person.name, "salt": person.phone}}
            bodies = (person.record(), spoiled, signed | {"signature": person.identity_number})
            for place, body in enumerate(bodies):
                answer = client.post("/consents", body)
                assert answer.status == 422
                yield f"refusal {place} of {number}", answer.content
            for path in ("/assets/", "/sales/", "/documents/", "/assets?limit=", "/nowhere/"):
                answer = client.get(path + quote(person.name))
                assert answer.status in (404, 422), path
                yield f"an error at {path} of {number}", answer.content
            for header in ("X-Request-ID", "traceparent", "Idempotency-Key", quote(person.name)):
                said = urllib.request.Request(client.url + "/health", headers={header: quote(person.identity_number)})
                answer = client._ask(said)
                assert answer.status == 200
                yield f"headers that answer {header} of {number}", repr(answer.headers).encode()
        yield "/metrics, after all that", client.get("/metrics").content


def _batch(client: Client, sale: dict[str, str]) -> bytes:
    batches = client.get(f"/assets/{sale['assetId']}/batches").json()["items"]
    return bytes.fromhex(batches[0]["batchId"][2:])


def _errors(path: Path, people: list[Person]) -> Iterator[tuple[str, bytes]]:
    """What the command line says of a record that is malformed, or of a damaged store."""
    descriptor, records = path.parent / "descriptor.json", path.parent / "records.csv"
    descriptor.write_text(json.dumps(WIDE))
    broken = path.parent / "broken.json"
    for number, person in enumerate(people):
        cells = (person.name, person.identity_number, person.phone)
        records.write_text("salt,name,identityNumber,phone\n" + ",".join(("0x" + "00" * 32, *cells)) + "\n")
        broken.write_text(json.dumps(person.record(), ensure_ascii=False)[:-1])
        for words in (
            ("sales", "no-such-command"),
            ("payloads", "seal", "1", str(records), "--descriptor", str(descriptor)),
            ("payloads", "seal", "1", str(broken), "--descriptor", str(descriptor)),
            ("payloads", "commit", str(broken)),
            ("consents", "collect", str(broken), "--as", "exchange"),
        ):
            err = io.StringIO()
            with redirect_stderr(err), redirect_stdout(err):
                assert run(["--home", str(path), *words]) in (2, 5), words
            yield f"error of {words[:3]} {number}", err.getvalue().encode()


def _on_chain(node: Node) -> Iterator[tuple[str, bytes]]:
    """Calldata, logs and storage of the whole chain, as anybody may read them."""
    head = int(node.request("eth_blockNumber", []), 16)
    for number in range(head + 1):
        block = node.request("eth_getBlockByNumber", [hex(number), True])
        for transaction in block["transactions"]:
            yield f"calldata {transaction['hash']}", bytes.fromhex(transaction["input"][2:])
            receipt = node.request("eth_getTransactionReceipt", [transaction["hash"]])
            parts = [part for log in receipt["logs"] for part in (log["data"], *log["topics"])]
            yield f"logs {transaction['hash']}", b"".join(bytes.fromhex(part[2:]) for part in parts)


def _storage(path: Path) -> dict[str, bytes]:
    """Every node of every trie: what the contracts store, in full."""
    place = "chain/chain.sqlite: nodes"
    return {place: files_of(path)[place]}


def test_nothing_of_a_person_is_in_contract_storage(told: Told) -> None:
    nodes = _storage(told.home)
    assert sum(map(len, nodes.values())) > 20_000
    assert scan(nodes, needles(told.people)) == []


def test_nothing_of_a_person_is_in_calldata_or_logs(told: Told) -> None:
    assert len(told.chain) > 60
    assert scan(told.chain, needles(told.people)) == []


def test_nothing_of_a_person_is_in_a_stolen_home(told: Told) -> None:
    """Contract storage (in the chain file), records, mirror, objects, bundle, keys: raw files and every SQL value."""
    places = files_of(told.home)
    assert {"chain/chain.sqlite", "records.sqlite", "mirror.sqlite", "sale-1.deed"} <= set(places)
    assert scan(places, needles(told.people)) == []


def test_nothing_of_a_person_is_in_words_pages_errors_or_metrics(told: Told) -> None:
    assert b"deedbook_chain_head" in told.words["/metrics"]
    assert scan(told.words, needles(told.people)) == []


def test_the_log_tells_of_every_request_and_transaction_and_of_nobody(told: Told) -> None:
    lines = [line for line in told.words["service log"].decode().splitlines() if line.startswith("{")]
    found = [json.loads(line) for line in lines]
    asked = [line for line in found if line["event"] == "request"]
    assert len(asked) > 100
    assert all(len(line["request"]) == 32 and line["status"] for line in asked)
    assert {"/sales/{sale_id}", "/consents", None} <= {line["route"] for line in asked}
    assert "/statements/{consent_id}" in {line["route"] for line in asked}


def test_the_scan_finds_a_home_that_leaks(tmp_path: Path) -> None:
    """The same story, and then the mistakes that the scan is for."""
    out = io.StringIO()
    path = tmp_path / "leaking"
    with Services.init(config.load(path, {})) as services:
        story = _tell(services, out)
        person = story.wallets[0].owner
        firm = services.signer(cast.LAW_FIRM)
        unsalted = sha256(person.identity_number.encode())
        attestations.attest(
            services.acting, firm, sha256(b"target"), AttestationKind.LEGAL_OPINION, unsalted, 2_000_000_000
        )
        name = person.name.encode().ljust(32, b"\0")[:32]
        attestations.attest(
            services.acting, firm, name, AttestationKind.SOURCE_LEGALITY, sha256(b"opinion"), 2_000_000_000
        )
        number = int(person.identity_number).to_bytes(32, "big")
        members.register_encryption_key(services.acting, firm, 1, number)
        services.follow()
        services.records.documents.put("report", json.dumps({"phone": person.phone}).encode(), at=1)
        chain = dict(_on_chain(services.node))
    forms = needles(wallet.owner for wallet in story.wallets)
    on_chain = {leak.what for leak in scan(chain, forms)}
    assert "identity number as SHA-256" in on_chain
    assert "name as UTF-8" in on_chain
    at_home = {(leak.place.partition(":")[0], leak.what) for leak in scan(files_of(path), forms)}
    in_storage = {leak.what for leak in scan(_storage(path), forms)}
    assert in_storage == {"identity number as number in storage"}
    in_words = {"an error": person.name.encode(), "/metrics": f'deedbook_sales{{buyer="{person.phone}"}} 1'.encode()}
    assert {leak.place for leak in scan(in_words, forms)} == set(in_words)
    assert ("mirror.sqlite", "name as UTF-8") in at_home
    assert ("mirror.sqlite", "identity number as SHA-256") in at_home
    assert ("records.sqlite", "phone as UTF-8") in at_home
    assert scan({"a log": f"delivered to {person.name}".encode()}, forms)[0].what == "name as UTF-8"
