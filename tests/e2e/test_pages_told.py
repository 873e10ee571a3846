"""The pages of a told demo: every link leads somewhere, nobody's secret stands on any of them, and the command that
leaves them to be looked at prints where they are."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.domain.hashing import to_hex
from tests.e2e.command_line import Answer, command, environment
from tests.e2e.http_service import Client, running

MOST_PAGES = 1000


@dataclass(frozen=True)
class Told:
    """A told demo, served."""

    services: Services
    client: Client


@pytest.fixture(scope="module")
def told(demo: tuple[Path, Answer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    home = tmp_path_factory.mktemp("told") / "home"
    shutil.copytree(demo[0], home)
    with Services.open(config.load(home, {})) as services, Desk(services) as desk, running(desk) as client:
        yield Told(services, client)


def test_every_link_of_every_page_leads_somewhere_and_names_nobody(told: Told) -> None:
    pages: dict[str, str] = {}
    waiting = ["/explore/"]
    while waiting and len(pages) < MOST_PAGES:
        path = waiting.pop()
        answer = told.client.get(path)
        assert answer.status == 200, path
        pages[path] = answer.content.decode()
        if answer.headers["content-type"].startswith("text/html"):
            links = {link.replace("&amp;", "&") for link in re.findall(r'href="(/[^"#]*)"', pages[path])}
            waiting += sorted(links - pages.keys() - set(waiting))
    assert len(pages) < MOST_PAGES
    for kind in ("assets", "batches", "attestations", "offers", "sales", "members", "blocks", "transactions", "events"):
        assert any(path.startswith(f"/explore/{kind}/") for path in pages), kind
    whole = {path for path in pages if path.startswith("/documents/") or path.endswith("/bundle")}
    said = "".join(text for path, text in pages.items() if path not in whole)
    batch = told.services.records.consents.batches_of(_asset(told))[0]
    signed = told.services.records.consents.leaves_of(batch.batch_id)
    stayed = [each for each in signed if to_hex(each.consent.subject) not in said.lower()]
    assert len(stayed) >= len(signed) - 1  # of the one who withdrew, the chain itself tells in the event of it
    assert not [each for each in signed if to_hex(each.consent.salt) in said or to_hex(each.signature) in said]


def test_a_collected_consent_is_found_by_its_id_with_sentence_and_proof(told: Told) -> None:
    batch = told.services.records.consents.batches_of(_asset(told))[0]
    name = to_hex(told.services.records.consents.leaf_ids(batch.batch_id, 0, 1)[0])
    assert f"/explore/consents/{name}" in told.client.get(f"/explore/search?q={name}").content.decode()
    page = told.client.get(f"/explore/consents/{name}").content.decode()
    assert "I agree that Guizhou data merchant" in page
    assert to_hex(batch.root) in page
    assert "Resumes of job seekers" in page


def test_an_event_is_shown_with_the_arguments_of_its_interface(told: Told) -> None:
    found = told.client.get("/explore/blocks.json").json()["items"]
    newest = next(each["number"] for each in found if each["logs"])
    event = told.client.get(f"/explore/events/{newest}-0.json").json()
    assert event["event"]
    assert event["arguments"]
    shown = told.client.get(f"/explore/transactions/{event['tx']}.json").json()
    assert shown["blockNumber"] == newest
    assert shown["succeeded"] is True


def test_the_demo_stays_to_be_looked_at_and_prints_where(tmp_path: Path) -> None:
    words = command("demo", "--people", "3", "--lang", "en", "--serve")
    environ = environment(DEEDBOOK_PORT="0", DEEDBOOK_HOME=str(tmp_path / "home"))
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("serving "):
                break
        links = [found.group(1) for line in said if (found := re.search(r": (http://\S+/explore/\S*)$", line))]
        origin = links[0].removesuffix("/explore/")
        pages = [Client(origin).get(link.removeprefix(origin)) for link in links]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert len(links) == 4
    assert [page.status for page in pages] == [200] * 4
    assert b"What each person earned" in pages[2].content


def _asset(told: Told) -> int:
    return int(told.client.get("/explore/assets.json").json()["items"][0]["assetId"])
