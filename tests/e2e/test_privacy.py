"""Nothing by which a person could be recognised leaves the sealed records: not on chain, in databases or in words.

The same scan is run over a home that leaks on purpose, so that silence means something.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.chain.client import Node
from deedbook.cli.demo import cast
from deedbook.cli.demo.people import Person
from deedbook.cli.demo.story import Story
from deedbook.cli.demo.teller import Teller
from deedbook.cli.main import run
from deedbook.domain.codes import AttestationKind
from deedbook.domain.hashing import sha256
from deedbook.ledger import attestations
from tests.e2e.http_service import Client, running
from tests.e2e.leaks import files_of, needles, scan

PEOPLE = 12


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
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), Services.init(config.load(path, {})) as services:
        story = _tell(services, out)
        people = [wallet.person for wallet in story.wallets]
        answers = dict(_ask(services, people))
        chain = dict(_on_chain(services.node))
    words = {"standard output": out.getvalue().encode(), "standard error": err.getvalue().encode(), **answers}
    words |= dict(_errors(path, people))
    return Told(people, path, words, chain)


def _tell(services: Services, out: io.StringIO) -> Story:
    for part in cast.MEMBERS:
        services.create_account(part.key)
    story = Story(services, Teller("en", out), PEOPLE)
    story.tell()
    return story


def _ask(services: Services, people: list[Person]) -> Iterator[tuple[str, bytes]]:
    """Every page of the service, and requests that carry a person's data where it does not belong."""
    with Desk(services) as desk, running(desk) as client:
        sale = client.get("/sales").json()["items"][0]
        consents = [signed.consent_id for signed in services.records.consents.leaves_of(_batch(client, sale))]
        pages = ["/health", "/ready", "/status", "/metrics", "/openapi.json", "/assets", "/offers", "/sales"]
        pages += [f"/sales/{sale['saleId']}", f"/assets/{sale['assetId']}", f"/assets/{sale['assetId']}/batches"]
        pages += [f"/statements/0x{each.hex()}" for each in consents]
        pages += [f"/consents/0x{each.hex()}" for each in consents]
        for page in pages:
            answer = client.get(page)
            assert answer.status == 200, page
            yield page, answer.content
        yield "an error", client.get("/assets/0x1234").content


def _batch(client: Client, sale: dict[str, str]) -> bytes:
    batches = client.get(f"/assets/{sale['assetId']}/batches").json()["items"]
    return bytes.fromhex(batches[0]["batchId"][2:])


def _errors(path: Path, people: list[Person]) -> Iterator[tuple[str, bytes]]:
    """What the command line says of a record that is malformed, or of a damaged store."""
    for name in ("sales", "audit"):
        err = io.StringIO()
        with redirect_stderr(err), redirect_stdout(err):
            run(["--home", str(path), name, "no-such-command"])
        yield f"error of {name}", err.getvalue().encode()


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


def test_the_scan_finds_a_home_that_leaks(tmp_path: Path) -> None:
    """The same story, and then the mistakes that the scan is for."""
    out = io.StringIO()
    path = tmp_path / "leaking"
    with Services.init(config.load(path, {})) as services:
        story = _tell(services, out)
        person = story.wallets[0].person
        firm = services.signer(cast.LAW_FIRM)
        unsalted = sha256(person.identity_number.encode())
        attestations.attest(
            services.acting, firm, sha256(b"target"), AttestationKind.LEGAL_OPINION, unsalted, 2_000_000_000
        )
        name = person.name.encode().ljust(32, b"\0")[:32]
        attestations.attest(
            services.acting, firm, name, AttestationKind.SOURCE_LEGALITY, sha256(b"opinion"), 2_000_000_000
        )
        services.follow()
        services.records.documents.put("report", json.dumps({"phone": person.phone}).encode(), at=1)
        chain = dict(_on_chain(services.node))
    forms = needles(wallet.person for wallet in story.wallets)
    on_chain = {leak.what for leak in scan(chain, forms)}
    assert "identity number as SHA-256" in on_chain
    assert "name as UTF-8" in on_chain
    at_home = {(leak.place.partition(":")[0], leak.what) for leak in scan(files_of(path), forms)}
    assert ("mirror.sqlite", "name as UTF-8") in at_home
    assert ("mirror.sqlite", "identity number as SHA-256") in at_home
    assert ("records.sqlite", "phone as UTF-8") in at_home
    assert scan({"a log": f"delivered to {person.name}".encode()}, forms)[0].what == "name as UTF-8"
