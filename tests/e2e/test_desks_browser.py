"""Guiyang's sale by clicks, in Chromium, with a wallet for everybody: in Chinese and English, on phones and desktops.
What is done by clicks, and what was prepared by HTTP, is said in `clicked_story`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook.domain.hashing import to_hex
from deedbook.domain.notices import load_notice
from tests.e2e.clicked_story import OFFER, SCRIPT, Clicked, Clicking

PEOPLE = 3
PICTURED = {"consent-zh-phone": "person 1", "desk-law-firm": "law-firm", "flow-zh-phone": "arbiter"}
PICTURED |= {"desk-provider-zh-phone": "partner", "desk-provider": "merchant"}
"""Pictures that are kept, and whose page they are of, as it is in the end."""


@dataclass(frozen=True)
class Told:
    """The story, told to its end, and what the browsers had to complain of."""

    story: Clicked
    report: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def told(node: Path, browser: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = root / "build" / "pages"
    folder.mkdir(parents=True, exist_ok=True)
    clicking = Clicking(node, browser)
    try:
        story = Clicked(tmp_path_factory.mktemp("clicked") / "home", PEOPLE, clicking)
        try:
            story.tell()
            for picture, name in PICTURED.items():
                clicking.ask("picture", name=name, file=str(folder / f"{picture}.png"))
            yield Told(story, clicking.ask("end"), folder)
        finally:
            story.close()
    finally:
        clicking.close()


@pytest.mark.slow
def test_the_browsers_find_nothing_to_complain_of(told: Told) -> None:
    assert told.report["judged"] == 26  # each act once
    for complaint in ("violations", "refused", "strangers", "errors", "wide"):
        assert told.report[complaint] == [], complaint
    for picture in PICTURED:
        assert (told.folder / f"{picture}.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_provider_with_no_key_here_registers_describes_offers_and_closes_by_clicks(told: Told) -> None:
    story = told.story
    asset = story.get(f"/assets/{story.other}")
    assert (asset["kind"], asset["level"], asset["personal"], len(asset["versions"])) == ("enterprise", 1, False, 2)
    first, second = (story.get(f"/documents/{each['descriptorHash']}") for each in asset["versions"])
    assert (first["language"], second["language"], first["title"]) == ("zh-CN", "en", f"vacancies {SCRIPT}")
    assert first["description"] == "one record per vacancy as firms state them"
    assert first["fields"] == [
        {"name": "post", "type": "text", "unit": "", "description": "what is to be done"},
        {"name": "salary", "type": "decimal", "unit": "CNY", "description": "by month, before tax"},
    ]
    assert first["quality"] == {"completeness": "0.98", "checked": "twice"}
    assert first["period"] == {"from": 1_767_225_600, "until": 1_782_863_999}
    offer = story.other_offer["offer"]
    assert (offer["price"]["data"], offer["split"]["providerBps"], offer["quota"]) == ("49999999", 9500, "0")
    assert story.get(f"/documents/{offer['termsHash']}")["text"] == OFFER["offer.termsHash"]
    assert story.get(f"/offers/{story.other_offer['offerId']}")["state"] == "closed"
    (derived,) = story.get(f"/assets/{story.other}/lineage?down=true")["items"]
    assert story.get(f"/assets/{derived['assetId']}")["parents"] == [story.other]
    licensed = story.get(f"/offers?asset={story.other}&only_open=true")["items"]
    assert [(each["provider"], each["byHolder"]) for each in licensed] == [(story.address("merchant"), False)]
    (right,) = story.get(f"/assets/{story.other}/rights")["items"]
    assert (right["right"], right["grantor"], right["stands"]) == ("operate", story.address("partner"), False)
    assert (right["account"], right["endedBy"]) == (story.address("merchant"), story.address("merchant"))
    assert (len(right["modes"]), len(right["purposes"])) == (6, 4)


@pytest.mark.slow
def test_what_is_wrong_in_a_form_is_said_and_nothing_is_signed_or_published(told: Told) -> None:
    bad = told.story.bad
    assert {name: (each["outcome"], each["signed"]) for name, each in bad.items()} == {
        "nothing said": ("incomplete", []),
        "no root": ("incomplete", []),
        "no asset": ("incomplete", []),
        "no fields": ("unclear", []),
        "unknown type": ("declined", []),
        "turned around": ("declined", []),
        "too long": ("too_long", []),
        "far too long": ("too_long", []),
        "refused": ("rejected", []),
        "withheld": ("refused", ["ForwardRequest"]),
        "over the whole": ("rejected", []),
        "no account": ("incomplete", []),
        "the holder's own": ("rejected", []),
    }
    said = {"no fields": "post is a text", "unknown type": "boolean, date", "turned around": "U+202E"}
    said |= {"too long": "100", "refused": "ParentsNotOfKind", "over the whole": "Split"}
    said |= {"the holder's own": "GrantorIsGrantee"}
    assert {name: words in bad[name]["words"] for name, words in said.items()} == dict.fromkeys(said, True)
    assert told.story.kept == (0, 0)


@pytest.mark.slow
def test_a_buyer_registers_a_key_by_a_click_and_none_that_could_not_be_kept(told: Told) -> None:
    story = told.story
    outcomes = {name: (each["outcome"], each["signed"]) for name, each in story.bad_keys.items()}
    assert outcomes == {"no hex": ("incomplete", []), "another kind's": ("wrong_key", [])}
    assert "32" in story.bad_keys["another kind's"]["words"]
    account = story.wallets["employer"].address
    assert story.get(f"/members/{story.address('employer')}")["encryptionKey"] == to_hex(story.key.public.commitment)
    assert story.services.records.members.get(account).public_key == story.key.public.raw


@pytest.mark.slow
def test_a_provider_publishes_a_notice_and_gets_a_link_for_each_person_by_a_click(told: Told) -> None:
    story = told.story
    assert (story.published["outcome"], story.published["asked"]) == ("notice-done", [])
    wanted = load_notice("en", controller="the merchant", contact="privacy@merchant.example", asset_title="resumes")
    assert story.get(f"/documents/{story.notice}") == wanted.to_json()
    assert len(set(story.published["found"]["links"].splitlines())) == PEOPLE
    outcomes = {name: each["outcome"] for name, each in story.bad_notices.items()}
    assert outcomes == {"no commitment": "unclear", "turned": "declined"}
    assert "U+202E" in story.bad_notices["turned"]["words"]
    assert story.kept_notices == 0


@pytest.mark.slow
def test_records_are_sealed_from_a_file_and_what_is_wrong_with_it_is_said_without_them(told: Told) -> None:
    story = told.story
    assert (story.done["outcome"], story.done["asked"], story.sealed["records"]) == ("seal-done", [], str(PEOPLE))
    assert (story.get(f"/payloads/{story.sealed['payloadId']}")["records"], story.sealed["empty"]) == (PEOPLE, "0")
    outcomes = {name: each["outcome"] for name, each in story.bad_files.items()}
    assert outcomes == {
        "cut off": "bad_record",
        "no salt": "bad_record",
        "nothing": "no_records",
        "cut array": "unreadable",
        "nobody's": "declined",
        "too few": "declined",
    }
    said = {
        "cut off": f"Record {PEOPLE} ",
        "no salt": "Record 2 ",
        "nobody's": "1 of them",
        "too few": "1 live consents",
    }
    assert {name: words in story.bad_files[name]["words"] for name, words in said.items()} == dict.fromkeys(said, True)
    shown = [each["words"] + str(each["found"]) for each in (*story.bad_files.values(), story.done)]
    assert not any(words in each for each in shown for words in ("person", "education", story.people[0].salt))


@pytest.mark.slow
def test_no_word_of_an_offer_a_version_or_a_basis_is_changed_on_its_way_to_the_wallet(told: Told) -> None:
    story = told.story
    twists = [story.twisted_version, story.twisted_offer, story.twisted_close, story.twisted_batch, story.twisted_basis]
    twists += [story.twisted_grant, story.twisted_end, story.twisted_key]
    for twisted in twists:
        assert (set(twisted["outcomes"]), twisted["signed"]) == ({"wrong_act"}, [])


@pytest.mark.slow
def test_the_sale_was_done_by_clicks_from_the_consents_to_the_payout(told: Told) -> None:
    story = told.story
    sale = story.get(f"/sales/{story.sale}")
    assert (sale["state"], sale["deliveredCount"], sale["settlement"]["certificate"]) == ("accepted", PEOPLE, 1)
    assert (sale["settlement"]["waiting"], sale["payouts"][0]["settler"]) == (0, story.address("bank"))
    version = story.get(f"/assets/{story.asset}/versions/1")["basis"]
    assert (len(version["batches"]), version["bound"], version["closed"]) == (2, PEOPLE, True)
    events = [each["event"] for each in sale["steps"]]
    assert events == [
        *("SaleOrdered", "SalePaid", "SalePrepared", "SaleDelivered", "SaleAccepted", "SaleSettled"),
        "PayoutConfirmed",
    ]
    actors = dict(zip(events, (each["actor"] for each in sale["steps"]), strict=True))
    assert actors["SaleOrdered"] == actors["SaleAccepted"] == story.address("employer")
    assert actors["SaleDelivered"] == story.address("merchant")
    assert [each.record for each in sorted(story.read, key=lambda each: each.record["education"])] == [
        each.record for each in story.people
    ]


@pytest.mark.slow
def test_a_person_reads_the_own_share_by_clicks(told: Told) -> None:
    story = told.story
    each = int(story.get(f"/sales/{story.sale}")["settlement"]["perHead"])
    assert each > 0
    for words in (f"{story.sale[:8]}…{story.sale[-6:]}", f"{each / 100:,.2f} CNY", "I agree that the merchant"):
        assert words in story.own, words


@pytest.mark.slow
def test_who_withdrew_by_a_click_is_in_no_later_delivery(told: Told) -> None:
    story = told.story
    assert story.withdrawn == "withdrawn"
    assert story.get(f"/consents/{story.left}")["live"] is False
    assert story.people[-1].record not in [each.record for each in story.read_later]
    assert len(story.read_later) == PEOPLE - 1


@pytest.mark.slow
def test_what_the_contracts_refuse_is_said_at_the_desk_and_nothing_is_signed(told: Told) -> None:
    early, held = told.story.early, told.story.stopped
    assert (early["outcome"], early["signed"]) == ("rejected", [])
    assert "AttestationMissing" in early["words"]
    assert early["words"].startswith("合约拒绝")
    assert (held["outcome"], held["signed"]) == ("rejected", [])
    assert "Held" in held["words"]
    holds = told.story.get(f"/holds?target=asset:{told.story.asset}")["items"]
    assert [(each["holder"], each["active"]) for each in holds] == [(told.story.address("arbiter"), False)]


@pytest.mark.slow
def test_a_call_that_says_anything_else_than_the_form_reaches_no_wallet(told: Told) -> None:
    assert told.story.twisted == {"outcomes": ["wrong_act"] * 5, "signed": []}


@pytest.mark.slow
def test_a_wallet_that_refuses_or_is_anothers_leaves_nothing_behind(told: Told) -> None:
    story = told.story
    assert (story.declined["outcome"], story.declined["signed"]) == ("refused", ["ForwardRequest"])
    assert (story.elsewhere["outcome"], story.elsewhere["signed"]) == ("other_member", [])
    assert story.address("employer") in story.elsewhere["words"]
    assert len(story.get("/sales")["items"]) == 2


@pytest.mark.slow
def test_the_bundle_that_the_auditor_took_home_verifies(told: Told) -> None:
    story = told.story
    assert story.bundle["name"] == f"{story.sale}.deed"
    trust = story.http.get("/trust").content
    verdict = story.ask("/verifications", {"bundle": json.loads(story.bundle["content"]), "trust": json.loads(trust)})
    assert (verdict["verdict"], verdict["exitCode"]) == ("valid", 0)


@pytest.mark.slow
def test_the_flow_names_the_buyer_and_both_sales(told: Told) -> None:
    for sale in (told.story.sale, told.story.second):
        assert f"{sale[:8]}…{sale[-6:]}" in told.story.flow
    buyer = told.story.address("employer")
    assert f"{buyer[:8]}…{buyer[-6:]}" in told.story.flow
