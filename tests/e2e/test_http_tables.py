"""Lists over HTTP as JSON, CSV and Parquet; what caches are told; what the framework itself refuses."""

from __future__ import annotations

import csv
import http.client
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet
import pytest

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.cli.demo import cast
from deedbook.cli.demo.guiyang import Guiyang
from deedbook.cli.demo.teller import Teller
from deedbook.domain.hashing import to_hex
from deedbook.ledger import members
from deedbook.queries.exports import original
from tests.e2e.http_service import Answer, Client, running

CSV, PARQUET, JSON = "text/csv", "application/vnd.apache.parquet", "application/json"


@dataclass(frozen=True)
class Told:
    """A home with a told story, served; nothing is asked of it but reads."""

    services: Services
    desk: Desk
    client: Client

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """One request, as it is; header names with `_` for `-`."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        url = urlsplit(self.client.url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        try:
            connection.request(method, path, body, said)
            answer = connection.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def lists(self) -> dict[str, int]:
        """The list routes of this home, and how many items each has."""
        asset = self.client.get("/assets").json()["items"][0]["assetId"]
        sale = self.client.get("/sales").json()["items"][0]["saleId"]
        exchange = to_hex(self.services.signer(cast.EXCHANGE).address)
        paths = ["/assets", "/members", "/offers", "/sales", "/alerts", f"/anchors/{exchange}", f"/sales/{sale}/usage"]
        paths += [f"/assets/{asset}/{word}" for word in ("lineage", "flow", "batches", "rights")]
        return {path: len(self.client.get(path).json()["items"]) for path in paths}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    path = tmp_path_factory.mktemp("tables") / "home"
    with Services.init(config.load(path, {})) as services:
        for part in cast.MEMBERS:
            services.create_account(part.key)
        Guiyang(services, Teller("en", io.StringIO()), 3).tell()
        with Desk(services) as desk, running(desk) as client:
            yield Told(services, desk, client)


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_every_list_is_a_table_too_by_its_suffix_and_by_accept(told: Told) -> None:
    for path, count in told.lists().items():
        told_json = told.ask(path)
        by_suffix, by_accept = told.ask(f"{path}.csv"), told.ask(path, Accept="text/html;q=0.1, text/csv")
        assert (by_suffix.status, by_suffix.content) == (200, by_accept.content), path
        assert by_suffix.headers["content-type"] == "text/csv; charset=utf-8; header=present"
        assert len(_rows(by_suffix.content)) == count
        table = pyarrow.parquet.read_table(io.BytesIO(told.ask(f"{path}.parquet").content))
        assert table.num_rows == count
        assert table.schema.names == by_suffix.content.decode().split("\r\n")[0].split(",")
        assert told_json.headers["content-type"] == JSON
        assert told.ask(path, Accept=f"{CSV};q=0.2, {JSON};q=0.3").content == told_json.content
    assert max(told.lists().values()) > 1


def test_a_table_that_is_cut_says_so_and_goes_on_from_there(told: Told) -> None:
    whole = _rows(told.ask("/members.csv").content)
    first = told.ask("/members.csv?limit=2")
    *rows, last = _rows(first.content)
    assert last["account"].startswith("# cut after 2 rows; go on with after=")
    assert set(last.values()) == {last["account"], ""}
    link = first.headers["link"].partition(">")[0].lstrip("<")
    assert last["account"].rpartition("after=")[2] in link
    assert [*rows, *_rows(told.ask(link.replace("limit=2", "limit=100")).content)] == whole
    file = told.ask("/members.parquet?limit=2")
    metadata = pyarrow.parquet.read_metadata(io.BytesIO(file.content)).metadata
    assert f"after={metadata[b'deedbook.after'].decode()}" in file.headers["link"]
    assert "link" not in told.ask("/members.csv").headers
    assert b"deedbook.after" not in (
        pyarrow.parquet.read_metadata(io.BytesIO(told.ask("/members.parquet").content)).metadata or {}
    )
    assert told.ask("/members.csv?limit=100001").json()["field"] == "limit"
    assert told.ask("/members?limit=1001").json()["field"] == "limit"
    assert told.ask("/members.csv?after=x").json()["field"] == "after"


def test_cells_are_the_values_of_json_and_no_formula(told: Told) -> None:
    said = told.ask("/sales").json()["items"]
    for shown, row in zip(said, _rows(told.ask("/sales.csv").content), strict=True):
        assert (row["sale_id"], row["price"], row["state"]) == (shown["saleId"], shown["price"], shown["state"])
        assert all(original(cell).startswith(("'", "=", "+", "-", "@")) is False for cell in row.values())


def test_what_follows_from_the_chain_holds_until_there_is_another_block(told: Told) -> None:
    asset = told.client.get("/assets").json()["items"][0]["assetId"]
    for path in ("/assets", "/assets.csv", f"/assets/{asset}", "/members.parquet", "/deployment"):
        first = told.ask(path)
        tag = first.headers["etag"]
        assert tag.startswith('"')
        assert first.headers["cache-control"] == "public, no-cache"
        assert first.headers["vary"] == "Accept, Authorization"
        for named in (tag, f'"other", W/{tag}'):
            again = told.ask(path, If_None_Match=named)
            assert (again.status, again.content, again.headers["etag"]) == (304, b"", tag)
        assert told.ask(path, If_None_Match='"other"').content == first.content
        since = first.headers["last-modified"]
        assert told.ask(path, If_Modified_Since=since).status == 304
        assert told.ask(path, If_None_Match='"other"', If_Modified_Since=since).status == 200
    before = {path: told.ask(path).headers["etag"] for path in ("/assets", "/assets.csv", "/assets?limit=1")}
    assert len(set(before.values())) == 3
    governance = told.services.signer("governance")
    members.suspend(told.services.anew, governance, told.services.signer(cast.BANK).address, 7)
    told.desk.catch_up()
    for path, tag in before.items():
        after = told.ask(path, If_None_Match=tag)
        assert after.status == 200
        assert after.headers["etag"] != tag


def test_documents_are_kept_for_ever_and_private_answers_by_nobody(told: Told) -> None:
    offer = told.client.get("/offers").json()["items"][0]
    path = f"/documents/{offer['offer']['termsHash']}"
    found = told.ask(path)
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert told.ask(path, If_None_Match=found.headers["etag"]).status == 304
    batch = told.services.records.consents.batches_of(int(offer["assetId"]))[0]
    consent = to_hex(told.services.records.consents.leaves_of(batch.batch_id)[0].consent_id)
    private = (f"/statements/{consent}", f"/consents/{consent}", f"/consents/{consent}/proof", "/alerts", "/status")
    for each in private:
        answer = told.ask(each)
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store"), each
        assert "etag" not in answer.headers
    assert told.ask("/assets/1").headers["cache-control"] == "no-store"


def test_head_is_get_without_its_body(told: Told) -> None:
    for path in ("/assets", "/assets.csv", "/health", "/nowhere", "/assets/1"):
        got, headed = told.ask(path), told.ask(path, "HEAD")
        assert (headed.status, headed.content) == (got.status, b"")
        assert headed.headers["content-length"] == str(len(got.content))
        assert headed.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("DELETE", "/assets", 405, "method-not-allowed"),
        ("HEAD", "/withdrawals", 405, "method-not-allowed"),
        ("POST", "/consents", 415, "unsupported-media-type"),
        ("POST", "/anchors/0x" + "11" * 20 + "/entries", 415, "unsupported-media-type"),
        ("GET", "/assets?limit=x", 422, "invalid-input"),
        ("GET", "/assets?colour=red", 422, "invalid-input"),
        ("GET", "/assets.csv?limit=1&limit=2", 422, "invalid-input"),
        ("GET", "/health?verbose=1", 422, "invalid-input"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(
    told: Told, method: str, path: str, status: int, code: str
) -> None:
    answer = told.ask(path, method, b"{}" if method == "POST" else None, Content_Type="text/plain")
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    if method != "HEAD":
        body = answer.json()
        assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:deedbook:problem:{code}")


def test_unknown_and_doubled_parameters_and_missing_methods_are_named(told: Told) -> None:
    assert told.ask("/assets?colour=red").json()["field"] == "colour"
    assert "limit" in told.ask("/assets?colour=red").json()["hint"]
    assert told.ask("/assets?limit=1&limit=2").json()["field"] == "limit"
    assert told.ask("/payees", "DELETE").headers["allow"] == "POST"
    asset = told.client.get("/assets").json()["items"][0]["assetId"]
    assert told.ask(f"/assets/{asset}/batches", "DELETE").headers["allow"] == "GET, HEAD, POST"
    too_long = told.ask("/consents", "POST", b"[" * 5_000_000, Content_Type=JSON)
    assert (too_long.status, too_long.json()["code"]) == (413, "too-large")


def test_no_answer_holds_a_number_that_json_cannot_carry(told: Told) -> None:
    """RFC 7493, 2.2: beyond 2^53 - 1 a number is text."""
    paths = [*told.lists(), "/status", "/deployment"]
    for path in paths:
        _require_safe(told.client.get(path).json())


def _require_safe(value: Any) -> None:
    if isinstance(value, dict):
        for each in value.values():
            _require_safe(each)
    elif isinstance(value, list):
        for each in value:
            _require_safe(each)
    else:
        assert not isinstance(value, int) or abs(value) < 2**53, value
        assert not isinstance(value, float), value
