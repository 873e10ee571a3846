"""Lists over HTTP as JSON, CSV and Parquet; what caches are told; what the framework itself refuses."""

from __future__ import annotations

import csv
import http.client
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pyarrow.parquet
import pytest

from tests.e2e.http_service import Answer, Client
from tests.e2e.http_story import Story

CSV, PARQUET, JSON = "text/csv", "application/vnd.apache.parquet", "application/json"


@dataclass(frozen=True)
class Told:
    """A home in which a little happened, served."""

    story: Story
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
        asset, exchange = self.story.asset, self.story.address("exchange")
        paths = ["/assets", "/members", "/offers", "/sales", "/alerts", "/policies", f"/anchors/{exchange}"]
        paths += [f"/assets/{asset}/{word}" for word in ("lineage", "flow", "batches", "rights")]
        paths += [f"/{word}?target=asset:{asset}" for word in ("attestations", "cases", "holds")]
        return {path: len(self.client.get(path).json()["items"]) for path in paths}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    story = Story(tmp_path_factory.mktemp("tables") / "home", 2)
    try:
        story.admit()
        story.agree()
        story.anchor()
        story.register()
        yield Told(story, story.http)
    finally:
        story.close()


def _suffixed(path: str, suffix: str) -> str:
    path, _, query = path.partition("?")
    return f"{path}{suffix}?{query}" if query else path + suffix


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_every_list_is_a_table_too_by_its_suffix_and_by_accept(told: Told) -> None:
    for path, count in told.lists().items():
        told_json = told.ask(path)
        by_suffix, by_accept = told.ask(_suffixed(path, ".csv")), told.ask(path, Accept="text/html;q=0.1, text/csv")
        assert (by_suffix.status, by_suffix.content) == (200, by_accept.content), path
        assert by_suffix.headers["content-type"] == "text/csv; charset=utf-8; header=present"
        assert len(_rows(by_suffix.content)) == count
        table = pyarrow.parquet.read_table(io.BytesIO(told.ask(_suffixed(path, ".parquet")).content))
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


def test_cells_are_the_values_of_json(told: Told) -> None:
    said = told.ask("/members").json()["items"]
    for shown, row in zip(said, _rows(told.ask("/members.csv").content), strict=True):
        assert (row["account"], row["valid_until"]) == (shown["account"], shown["validUntil"])
        assert (row["state"], json.loads(row["roles"])) == (shown["state"], shown["roles"])


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
    told.story.act("governance", f"/members/{told.story.address('bank')}/suspension", reason=7)
    for path, tag in before.items():
        after = told.ask(path, If_None_Match=tag)
        assert after.status == 200
        assert after.headers["etag"] != tag


def test_documents_are_kept_for_ever_and_private_answers_by_nobody(told: Told) -> None:
    path = f"/documents/{told.story.notice}"
    found = told.ask(path)
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert told.ask(path, If_None_Match=found.headers["etag"]).status == 304
    consent, story = told.story.consents[0], told.story
    private: tuple[str, ...] = (
        f"/statements/{consent}",
        f"/consents/{consent}",
        f"/consents/{consent}/proof",
        "/alerts",
        "/status",
    )
    private += (f"/consents/{consent}/receipt", "/payloads", "/trust", f"/batches/{story.batch}/consents")
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
