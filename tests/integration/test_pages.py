"""Every kind of page over the whole scripted ledger: forms, languages, headers, and what comes from outside."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from deedbook.api.web import site
from deedbook.api.web.asked import FEW_ROWS, MOST_ROWS
from deedbook.api.web.clear_signing import committed
from deedbook.api.web.desks.acts import ACTS
from deedbook.api.web.shown import asset_name
from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.queries.exports import original
from tests import ledger_story as story
from tests import pages_stage as stage
from tests.e2e.http_service import Client
from tests.scripted_chain import CONTRACTS

PATHS = stage.paths()
MOST = 300 * 1024
OWN = ("/batches/0x", "/complaints", "/explore", "/documents/0x", "/sales/0x", "/consents/0x", "/trust", "#", "?")
"""Where pages lead: to one another, and to public files of the service."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with stage.shown(tmp_path_factory.mktemp("pages")) as (_, client):
        yield client


class Read(HTMLParser):
    """What a page holds: its elements, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(text)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    def all(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [str(attributes[name]) for _, attributes in self.elements if name in attributes]


def page(client: Client, path: str) -> Read:
    answer = client.get(path)
    assert answer.status == 200, (path, answer.content[:500])
    return Read(answer.content.decode())


def words(client: Client, path: str) -> str:
    return " ".join(" ".join(page(client, path).pieces).split())


@pytest.mark.parametrize("kind", PATHS)
def test_every_page_is_whole_small_and_locked_up_in_both_languages(client: Client, kind: str) -> None:
    for language, tag in (("en", "en"), ("zh", "zh-CN")):
        answer = client.get(PATHS[kind] + ("&" if "?" in PATHS[kind] else "?") + f"lang={language}")
        assert answer.status == (422 if kind == "error" else 200), answer.content[:1000]
        assert len(answer.content) < MOST
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; base-uri 'none';")
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert f"deedbook_language={language};" in answer.headers["set-cookie"]
        read = Read(answer.content.decode())
        assert read.elements[0] == ("html", {"lang": tag})
        assert [tag for tag, _ in read.elements].count("h1") == 1
        assert "style" not in {name for _, attributes in read.elements for name in attributes}
        handlers = [name for _, attributes in read.elements for name in attributes if name.startswith("on")]
        assert handlers == []
        links = read.all("href") + read.all("src") + read.all("action")
        assert [link for link in links if not link.startswith(OWN)] == []


def test_the_first_page_with_all_that_it_needs_is_below_100_kib(client: Client) -> None:
    answer = client.get("/explore/")
    read = Read(answer.content.decode())
    files = [link for link in {*read.all("src"), *read.all("href")} if "/static/" in link]
    assert len(files) == 4
    assert len(answer.content) + sum(len(client.get(each).content) for each in files) < 100 * 1024
    assert all("immutable" in client.get(each).headers["cache-control"] for each in files)


def test_the_root_leads_to_the_pages_and_a_home_can_do_without(client: Client) -> None:
    assert words(client, "/").startswith("Data deeds")
    assert words(client, "/explore").startswith("Data deeds")


@pytest.mark.parametrize("path", site.PAGES)
def test_every_page_has_a_form_for_programs(client: Client, path: str) -> None:
    shown = next(each for each in PATHS.values() if _is(path, each))
    base, _, query = shown.partition("?")
    sibling = client.get(("/explore/index" if base == "/explore/" else base) + f".json?{query}")
    assert sibling.status == 200
    assert sibling.headers["content-type"] == "application/json"
    assert isinstance(sibling.json(), dict)
    links = page(client, shown).all("href")
    told = [link for link in links if ".csv" in link]
    assert any(".json" in link for link in links)
    for link in told:
        rows = list(csv.reader(io.StringIO(client.get(link).content.decode())))
        assert len({len(row) for row in rows}) == 1


def _is(path: str, shown: str) -> bool:
    pattern = re.sub(r"\{\w+\}", "[^/]+", "/" if path == "/index" else path)
    return re.fullmatch("/explore" + pattern, shown.partition("?")[0]) is not None


def test_a_language_is_asked_for_kept_or_taken_from_the_browser(client: Client) -> None:
    assert "数据契据" in words(client, "/explore/?lang=zh")
    assert "Data deeds" in words(client, "/explore/?lang=xx")


# -- what the pages say ------------------------------------------------------------------------------------------------


def test_a_sale_shows_its_steps_and_money_that_adds_up(client: Client) -> None:
    said = words(client, PATHS["sale"])
    assert "Each person 13.20 CNY" in said
    assert "What comes in is what goes out, to the minor unit." in said
    assert "Comes in 110.00 CNY" in said
    assert "Goes out 110.00 CNY" in said
    assert "5 of 6 records are delivered." in said
    places = [said.index(step) for step in ("ordered 20", "paid 20", "delivered 20", "settled 20")]
    assert places == sorted(places)


def test_the_money_of_a_sale_adds_up_in_its_table_for_spreadsheets(client: Client) -> None:
    for name in (story.SALE, story.SECOND_SALE):
        text = client.get(f"/explore/sales/{to_hex(name)}.csv").content.decode()
        rows = list(csv.DictReader(io.StringIO(text)))
        into, out = (sum(int(row["amount"]) for row in rows if row["side"] == side) for side in ("in", "out"))
        assert into == out == 11_000


def test_a_consent_shows_the_sentence_its_state_and_a_proof(client: Client) -> None:
    said = words(client, PATHS["consent"])
    assert "I agree that A merchant provides my data in" in said
    assert "State live" in said
    assert to_hex(story.ROOT) in said
    ended = words(client, PATHS["ended consent"])
    assert "withdrawn by the person" in ended
    assert checksum_address(story.SUBJECTS[story.LEAVING]) not in ended


def test_a_page_says_how_far_it_is_verified(client: Client) -> None:
    assert f"Verified to block {story.LAST} by proof" in words(client, PATHS["sale"])


@pytest.mark.parametrize(
    ("question", "noun", "place"),
    [
        (to_hex(story.SALE), "Sale", f"/explore/sales/{to_hex(story.SALE)}"),
        (to_hex(story.OFFER).upper().replace("X", "x"), "Offer", f"/explore/offers/{to_hex(story.OFFER)}"),
        (to_hex(story.BATCH), "Consent batch", f"/explore/batches/{to_hex(story.BATCH)}"),
        (to_hex(story.CASE), "Case", f"/explore/cases/{to_hex(story.CASE)}"),
        (to_hex(story.CONSENTS[0]), "Consent", f"/explore/consents/{to_hex(story.CONSENTS[0])}"),
        (to_hex(story.VERSION_KEY), "Data asset", f"/explore/assets/{asset_name(story.ASSET)}"),
        (str(story.ASSET), "Data asset", f"/explore/assets/{asset_name(story.ASSET)}"),
        (checksum_address(story.BUYER), "Member", f"/explore/members/{checksum_address(story.BUYER)}"),
        ("2", "Sale", f"/explore/sales/{to_hex(story.SECOND_SALE)}"),
        ("12", "Block", "/explore/blocks/12"),
        ("JOB seekers", "Data asset", f"/explore/assets/{asset_name(story.ASSET)}"),
    ],
)
def test_search_finds_by_whatever_somebody_holds(client: Client, question: str, noun: str, place: str) -> None:
    found = page(client, f"/explore/search?q={question.replace(' ', '+')}")
    assert noun in found.text
    assert place in found.all("href")


def test_search_names_nobody_by_the_account_of_a_person(client: Client) -> None:
    said = words(client, f"/explore/search?q={checksum_address(story.SUBJECTS[story.LEAVING])}")
    assert "Nothing on the ledger has this name." in said


def test_lists_go_on_by_their_own_places(client: Client) -> None:
    found, path = [], "/explore/assets.json?limit=200"
    while path:
        answer = client.get(path)
        found += [item["assetId"] for item in answer.json()["items"]]
        path = _next(answer.headers.get("link"))
    assert len(found) == len(set(found)) == 3602


def test_the_longest_pages_of_the_longest_titles_are_small(client: Client) -> None:
    for path in (f"/explore/wanted?limit={MOST_ROWS}", f"{PATHS['desk of reviewer']}?limit={MOST_ROWS}"):
        read = page(client, path)
        assert [tag for tag, _ in read.elements].count("tr") > FEW_ROWS
        assert len(client.get(path).content) < MOST


def test_the_desk_of_who_holds_hundreds_of_assets_of_the_longest_titles_is_small(client: Client) -> None:
    path = f"/explore/desk/provider/{checksum_address(story.EXCHANGE)}"
    answer = client.get(path)
    assert len(answer.content) < MOST
    read = Read(answer.content.decode())
    asked = [attributes for tag, attributes in read.elements if tag == "form" and "data-act" in attributes]
    acts = [attributes["data-act"] for attributes in asked]
    assert acts == ["anchor", "register", "enrol", "publish", "sealed", "list", "grant"]
    assert [given["data-errand"] for tag, given in read.elements if "data-errand" in given] == ["notice"]
    assert [tag for tag, _ in read.elements].count("option") > 4 * FEW_ROWS
    assert [attributes for tag, attributes in read.elements if tag == "script" and "src" not in attributes] == []


def _next(link: str | None) -> str:
    told = re.fullmatch(r'<(\?.+)>; rel="next"', link or "")
    return f"/explore/assets.json{told.group(1)}" if told else ""


# -- lineage -----------------------------------------------------------------------------------------------------------


def test_a_lineage_of_300_assets_is_drawn_whole(client: Client) -> None:
    read = page(client, PATHS["lineage of 300"])
    boxes = [attributes for tag, attributes in read.elements if tag == "rect"]
    assert len(boxes) == 300
    spots = {(attributes["x"], attributes["y"]) for attributes in boxes}
    assert len(spots) == 300
    assert [tag for tag, _ in read.elements].count("path") == 299 + 42  # one parent each, for every seventh a second


def test_a_lineage_of_3000_assets_is_paged_and_no_asset_is_lost(client: Client) -> None:
    found: list[str] = []
    path = f"{PATHS['lineage of 3,000']}?way=down"
    while path:
        read = page(client, path)
        drawn = [tag for tag, _ in read.elements].count("rect")
        assert drawn <= 301
        found += {link for link in read.all("href") if re.fullmatch(r"/explore/assets/0x[0-9a-f]{64}", link)}
        path = next((link for link in read.all("href") if "/lineage?way=down&after=" in link), "")
    assert len(set(found)) == 3000


# -- what comes from outside -------------------------------------------------------------------------------------------


def test_texts_from_outside_are_texts_and_nothing_else(client: Client) -> None:
    answer = client.get(PATHS["evil asset"])
    read = Read(answer.content.decode())
    scripts = [attributes.get("src") for tag, attributes in read.elements if tag == "script"]
    assert all(str(source).startswith("/explore/static/") for source in scripts)
    assert "img" not in {tag for tag, _ in read.elements}
    assert stage.SCRIPT in read.text
    assert stage.JAVASCRIPT in read.text
    assert not [link for link in read.all("href") if link.strip().lower().startswith("javascript")]
    assert len(answer.content) < MOST


def test_a_question_is_shown_as_it_was_asked_and_does_nothing(client: Client) -> None:
    for question in ("%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "javascript:alert(1)", "%E2%80%AEabc", "x" * 10_000):
        read = page(client, f"/explore/search?q={question}")
        assert [attributes for tag, attributes in read.elements if tag == "script" and "src" not in attributes] == []
        assert "Nothing on the ledger has this name." in read.text


def test_long_text_is_cut_with_the_rest_behind_an_expander(client: Client) -> None:
    read = page(client, PATHS["evil asset"])
    assert [tag for tag, _ in read.elements].count("details") > 1
    heading = client.get(PATHS["evil asset"]).content.decode().partition("<h1>")[2].partition("</h1>")[0]
    assert len(Read(heading.partition("<details")[0]).text) <= 301


def test_cells_that_a_spreadsheet_would_run_are_made_harmless(client: Client) -> None:
    said = client.get("/explore/alerts.csv").content.decode() + client.get("/explore/sales.csv").content.decode()
    assert not re.search(r"(^|,)[=+@-]", said, re.MULTILINE)
    assert original("'=1") == "=1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/explore/sales/0x" + "00" * 32, 404),
        ("/explore/sales/0x" + "00" * 32 + ".json", 404),
        ("/explore/nothing", 404),
        ("/explore/static/../site.py", 404),
        ("/explore/assets/-1", 422),
        ("/explore/assets/" + "9" * 79, 422),
        ("/explore/blocks/99999999999999999999", 422),
        ("/explore/events/1-x.json", 422),
        ("/explore/assets?after=nonsense", 422),
        ("/explore/assets?limit=100000", 422),
        ("/explore/offers?asset=x", 422),
        ("/explore/cases/0x00.csv", 422),
        ("/explore/consents/" + "0x" + "11" * 32, 404),
    ],
)
def test_what_is_not_there_or_badly_asked_is_told_kindly(client: Client, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status == status
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    if path.endswith((".json", ".csv")):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    else:
        assert Read(answer.content.decode()).elements[0][0] == "html"


def test_a_report_of_a_browser_is_taken_and_forgotten(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    report = {"csp-report": {"effective-directive": "img-src", "blocked-uri": "https://somebody.example/secret"}}
    bodies: tuple[object, ...] = (
        report,
        [{"body": {"effectiveDirective": "img-src"}}],
        [],
        {},
        {"csp-report": 5},
        {"csp-report": {}},
    )
    for body in bodies:
        assert client.post("/explore/reports", body, media_type="application/csp-report").status == 204
    assert client.post("/explore/reports", b"{", media_type="application/csp-report").status == 204
    assert client.post("/explore/reports", b" " * 20_000, media_type="application/csp-report").status == 413
    told = [each.getMessage() for each in caplog.records if "refused" in each.getMessage()]
    assert told == ["a browser refused something on a page: img-src"]


# -- desks -------------------------------------------------------------------------------------------------------------


def test_a_provider_finds_batches_offers_volume_and_a_statement_that_adds_up(client: Client) -> None:
    said = words(client, PATHS["desk of provider"])
    assert "Sales 6" in said
    assert "Sales delivered and kept 3" in said
    assert "Settled sales 220.00 CNY" in said
    assert "The parts add up to the settled sales." in said
    told = client.get(PATHS["desk of provider"] + ".json").json()
    assert told["statement"]["totals"][0]["settled"] == "22000"
    assert next(each["batchId"] for each in told["batches"]["items"]) == to_hex(story.BATCH)
    assert f"/explore/offers/{to_hex(story.OFFER)}" in page(client, PATHS["desk of provider"]).all("href")
    assert "Use of what you sold Nothing is here yet." in said


def test_a_settler_finds_what_waits_and_what_is_owed(client: Client) -> None:
    said = words(client, PATHS["desk of settler"])
    assert "11.00 CNY 44.00 CNY 2 22.00 CNY" in said  # each, paid, people who wait, owed
    assert "13.20 CNY 26.40 CNY 3 39.60 CNY" in said
    waiting = client.get("/explore/sales.json?waits=settlement").json()["items"]
    told = client.get(PATHS["desk of settler"] + ".json").json()
    assert told["settlement"]["items"] == waiting
    assert [each["state"] for each in waiting] == ["accepted"]


def test_a_reviewer_is_led_to_the_form_with_what_is_wanted(client: Client) -> None:
    read = page(client, PATHS["desk of reviewer"])
    (link, *_) = [each for each in read.all("href") if each.startswith("?target=")]
    query = link.partition("#")[0]
    form = page(client, PATHS["desk of reviewer"] + query)
    target = next(attributes for tag, attributes in form.elements if attributes.get("name") == "target")
    assert f"target={target['value']}&" in query
    chosen = [attributes["value"] for tag, attributes in form.elements if tag == "option" and "selected" in attributes]
    assert chosen == ["source-legality", "positive", "180"]


def test_an_auditor_finds_bundles_and_how_to_verify_them(client: Client) -> None:
    read = page(client, PATHS["desk of auditor"])
    for sale in (story.SALE, story.SECOND_SALE):
        assert f"/sales/{to_hex(sale)}/bundle" in read.all("href")
    assert "deedbook audit verify SALE.deed --trust trust.json" in read.text


def test_a_regulator_finds_every_buyer_and_every_sale_of_an_asset(client: Client) -> None:
    read = page(client, PATHS["flow"])
    sold = client.get("/explore/sales.json?limit=200").json()["items"]
    assert len(sold) == 7
    assert {f"/explore/sales/{each['saleId']}" for each in sold} <= set(read.all("href"))
    assert f"/explore/members/{checksum_address(story.BUYER)}" in read.all("href")
    told = client.get(PATHS["flow"].replace("/flow", "/flow.json")).json()
    assert [(each["orders"], each["delivered"], each["mostRecords"]) for each in told["buyers"]["items"]] == [(7, 5, 6)]
    few = [
        each["saleId"] for each in client.get(PATHS["flow"].replace("/flow", "/flow.json") + "&limit=3").json()["items"]
    ]
    assert few == [each["saleId"] for each in sold[:3]]


def test_the_own_holds_can_be_released_and_all_are_listed(client: Client) -> None:
    read = page(client, PATHS["desk of regulator"])
    acts = [attributes["data-act"] for _, attributes in read.elements if "data-act" in attributes]
    assert acts == ["hold", "release", "open"]
    holds = client.get("/explore/holds.json").json()["items"]
    assert [each["target"] for each in holds] == [to_hex(story.HELD)]
    none = client.get(f"/explore/holds.json?holder={checksum_address(story.BUYER)}").json()["items"]
    assert none == []


def test_every_form_asks_for_what_its_act_says_and_for_nothing_else(client: Client) -> None:
    asked: dict[str, set[str]] = {}
    for desk in stage.AT_DESKS:
        act = ""
        for tag, attributes in page(client, PATHS[f"desk of {desk}"]).elements:
            act = (attributes.get("data-act") or "") if tag == "form" else act
            if act and "name" in attributes:
                asked.setdefault(act, set()).update(str(attributes["name"]).split(" "))
    assert len(asked) > 9
    for act, names in asked.items():
        parts = {name for name in names if name.partition(".")[0] in ACTS[act].parts}
        assert names - parts | set(ACTS[act].parts) == {*ACTS[act].says, *ACTS[act].within}, act
        assert bool(parts) is bool(ACTS[act].parts)


def test_who_lost_the_role_of_a_desk_is_told(client: Client) -> None:
    lost = "This account does not have the role of this desk now"
    assert lost in words(client, PATHS["desk of settler"])  # expelled
    assert lost not in words(client, PATHS["desk of auditor"])
    assert lost in words(client, f"/explore/desk/settler/{checksum_address(story.AUDITOR)}")


def test_a_member_is_led_to_the_desks_of_its_roles(client: Client) -> None:
    for path in (PATHS["desks"], PATHS["member"]):
        assert f"/explore/desk/provider/{checksum_address(story.PROVIDER)}" in page(client, path).all("href")
    assert f"/explore/desk/settler/{checksum_address(story.PROVIDER)}" not in page(client, PATHS["desks"]).all("href")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/explore/desk/provider/0x" + "ee" * 20, 404),
        ("/explore/desk/provider/0x00", 422),
        ("/explore/desk/nobody/" + checksum_address(story.PROVIDER), 404),
        ("/explore/sales?waits=nothing", 422),
        ("/explore/attestations", 422),
        ("/explore/flow?asset=5", 404),
        ("/explore/flow?asset=x", 422),
        ("/explore/holds?holder=x", 422),
        ("/explore/batches?collector=x.json", 422),
    ],
)
def test_a_desk_that_nobody_has_is_not_there(client: Client, path: str, status: int) -> None:
    assert client.get(path).status == status


# -- where a wallet signs ----------------------------------------------------------------------------------------------


def test_a_link_shows_the_notice_the_sentence_and_what_may_be_picked_without_scripts(client: Client) -> None:
    said = words(client, PATHS["consenting"])
    notice = stage.NOTICE
    for text in (notice.title, notice.contact, notice.retention, notice.withdrawal, *notice.rights):
        assert text in said
    assert 'I agree that A merchant provides my data in "resumes" to any member licensed as an employer' in said
    assert "by delivery of the record itself, not across borders, from 20" in said
    assert "Signing needs scripts and a wallet" in said
    boxes = [each for tag, each in page(client, PATHS["consenting"]).elements if each.get("type") == "checkbox"]
    assert [(each["name"], "checked" in each) for each in boxes] == [("mode-2", False), ("mode-32", True)]
    unpicked = page(client, PATHS["consenting, nothing picked"]).elements
    assert [each for _, each in unpicked if "checked" in each] == []
    kept = {str(each["name"]): str(each["value"]) for _, each in unpicked if each.get("type") == "hidden"}
    assert sorted(urlencode(kept, safe=",").split("&")) == sorted(stage.INVITED.split("&"))


def test_a_link_for_another_ledger_offers_nothing_to_sign(client: Client) -> None:
    read = page(client, PATHS["consenting elsewhere"])
    assert "This link is for another ledger" in read.text
    assert "sign" not in read.all("id")


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ("notice=0x" + "11" * 32, 404, "no such thing"),
        ("notice=0x11", 422, "notice"),
        ("modes=", 422, "modes"),
        ("modes=raw,nonsense", 422, "modes"),
        ("modes=1024", 422, "written"),
        ("class=", 422, "class"),
        ("class=300", 422, "written"),
        ("purpose=9", 422, "written"),
        ("days=0", 422, "days"),
        ("days=99999", 422, "days"),
        ("term=731", 422, "term"),
        ("controller=0x" + "aB" * 20, 422, "controller"),
        ("record=%3Cscript%3E", 422, "record"),
        ("chain=zero", 422, "chain"),
    ],
)
def test_a_link_that_asks_for_nonsense_is_refused_kindly(client: Client, change: str, status: int, said: str) -> None:
    base = "&".join(part for part in stage.INVITED.split("&") if not part.startswith(change.partition("=")[0] + "="))
    answer = client.get(f"/explore/consents/new?{base}&{change}")
    assert answer.status == status
    assert said in Read(answer.content.decode()).text


def test_wallets_find_what_they_are_told_at_one_address(client: Client) -> None:
    answer = client.get("/explore/erc7730/eip712-deedbook-consent.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    place = {"chainId": 31337, "address": checksum_address(CONTRACTS["Consents"])}
    assert answer.json()["context"]["eip712"]["deployments"] == [place]
    assert answer.json()["display"] == committed()["display"]


# -- what is a person's own --------------------------------------------------------------------------------------------


def test_my_data_shows_orders_money_and_the_way_out_and_is_kept_by_no_cache(client: Client) -> None:
    said = words(client, PATHS["own"])
    for text in ("What I earned", "Who ordered data with my record", "on the ledger, holds", "To complain"):
        assert text in said
    assert "<script>document.title" in said  # a buyer's legal name is text
    for kind in ("own of nobody yet", "own", "own consent"):
        answer = client.get(PATHS[kind])
        assert answer.headers["cache-control"] == "no-store"
    everything = client.get(PATHS["own"].replace("/own?", "/own.json?"))
    assert everything.headers["cache-control"] == "no-store"
    assert everything.json()["consents"][0]["receipt"] == stage.OWN.to_json()
    links = page(client, PATHS["own consent"]).all("href")
    name = to_hex(stage.OWN.signed.consent_id)
    assert {f"/explore/consents/{name}/withdrawal", f"/consents/{name}/receipt"} <= set(links)
    assert client.get("/explore/own/consents/0x" + "11" * 32).status == 404


@pytest.mark.parametrize("kind", ["desk of regulator", "desk of exchange", "own"])
def test_a_complaint_is_shown_as_it_was_written_and_runs_nothing(client: Client, kind: str) -> None:
    answer = client.get(PATHS[kind])
    assert stage.SCRIPT in Read(answer.content.decode()).text
    assert stage.SCRIPT.encode() not in answer.content
    assert "no case so far" in answer.content.decode()
