"""A person on the pages in a real Chromium, with a wallet of the browser: reads, signs, withdraws, sees the own; and
with wallets that mean no good. What the service keeps afterwards is read from the service, not from the page."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook.api.door import COOKIE
from deedbook.audit.persons import OwnEvidence, own_statement
from deedbook.audit.trust import Trust
from deedbook.domain.hashing import checksum_address, from_hex, to_hex
from deedbook.domain.receipts import ConsentReceipt
from deedbook.queries.consents import consent
from deedbook.wallet.recovery import recover
from tests import people_stage as stage
from tests.integration.scenario import NOTICE, account

NEWCOMERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "spare")
KNOWN = {"anchored": "person 1", "own": "person 0"}
"""People of the scenario, whose consents are in a batch."""


@dataclass(frozen=True)
class Seen:
    """What the browser reported of each scene, and the home as it is afterwards."""

    report: dict[str, Any]
    place: stage.Place

    def __getitem__(self, scene: str) -> Any:
        return self.report["scenes"][scene]


def asked_of(place: stage.Place) -> dict[str, Any]:
    """What the browser is told: where, and who the people are."""
    return {
        "origin": place.closed.url,
        "open": place.open.url,
        "chain": place.scenario.services.chain_id,
        "keys": {name: stage.key_of(name) for name in NEWCOMERS}
        | {name: stage.key_of(of) for name, of in KNOWN.items()},
        "consents": {name: to_hex(place.scenario.consent_of(account(of))) for name, of in KNOWN.items()},
        "links": {name: place.link(name, stage.CHINESE if name == "two" else NOTICE) for name in NEWCOMERS},
    }


@pytest.fixture(scope="module")
def seen(node: Path, browser: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    with stage.lived(tmp_path_factory.mktemp("people")) as place:
        command = [node, browser / "people.mjs"]
        done = subprocess.run(
            command, input=json.dumps(asked_of(place)), capture_output=True, text=True, check=False, timeout=500
        )
        assert done.returncode == 0, done.stderr
        yield Seen(json.loads(done.stdout), place)


@pytest.mark.slow
def test_the_browser_finds_nothing_to_complain_of(seen: Seen) -> None:
    report = seen.report
    assert report["violations"] == []
    assert report["refused"] == []
    assert report["strangers"] == []
    assert report["errors"] == []
    assert report["wide"] == []
    assert report["judged"] >= 4


@pytest.mark.slow
def test_a_person_reads_picks_signs_and_keeps_the_receipt(seen: Seen) -> None:
    giving = seen["giving"]
    assert (giving["before"], giving["unpicked"], giving["outcome"]) == ("", "pick", "given")
    receipt = ConsentReceipt.from_json(giving["receipt"])
    given = receipt.signed.consent
    assert given.statement == giving["sentence"] == giving["sent"][0]["message"]["statement"]
    assert (given.modes, given.valid_until - given.valid_from) == (32, 365 * 86_400)
    assert checksum_address(given.subject) == stage.address_of("one")
    assert recover(receipt.signed.consent_id, receipt.signed.signature) == given.subject
    assert recover(receipt.digest, receipt.signature) == receipt.collector
    kept = seen.place.desk.receipt(from_hex(giving["consent"], "consent", 32))
    assert kept == giving["receipt"]


@pytest.mark.slow
def test_a_second_tab_and_the_back_button_sign_nothing_more(seen: Seen) -> None:
    giving = seen["giving"]
    assert (giving["otherTab"], giving["named"]) == ("already", True)
    assert giving["back"] in ("given", "already")
    assert len(giving["sent"]) == 1


@pytest.mark.slow
def test_on_a_phone_in_chinese_the_wallet_is_chosen(seen: Seen) -> None:
    phone = seen["onAPhone"]
    assert (phone["unchosen"], phone["names"], phone["outcome"]) == ("choose", ["甲", "乙"], "given")
    assert phone["used"] == [0, 1]
    receipt = ConsentReceipt.from_json(phone["receipt"])
    assert (receipt.language, receipt.signed.consent.statement[:4]) == ("zh-CN", "本人同意")


BAD_WALLETS = {
    "refuses to connect": "refused",
    "waits for an answer": "busy",
    "is locked": "locked",
    "breaks": "failed",
    "is on another network": "wrong_chain",
    "refuses to sign in": "refused",
    "signs in as another": "foreign",
    "refuses to sign": "refused",
    "is not connected": "away",
    "changes account": "other_account",
    "tells of another account": "other_account",
    "changes network": "other_chain",
    "changes network and back": "other_chain",
    "goes away": "away",
    "makes a malleable signature": "malleable",
    "signs with another key": "foreign",
    "signs half": "no_signature",
    "signs nothing": "no_signature",
}
"""What a wallet does, and what the page says of it."""


@pytest.mark.slow
def test_a_wallet_that_does_something_else_is_told_and_nothing_is_lost(seen: Seen) -> None:
    """The last one counts v from nought, as some devices do: that is a signature, and the only one that is taken."""
    bad = seen["badWallets"]
    assert bad["outcomes"] == BAD_WALLETS | {"counts from nought": "given"}
    assert bad["taken"] == 2  # what another key signed is judged by the service
    assert len(consents_of(seen, "four")) == 1


BAD_SERVICES = {
    **dict.fromkeys(("another chain", "another contract"), "wrong_contract"),
    **dict.fromkeys(("another name", "a salt for the domain", "another type", "a member more"), "wrong_terms"),
    **dict.fromkeys(("another type of a member", "more modes", "a longer term", "another buyer"), "wrong_terms"),
    **dict.fromkeys(("another record", "another asset", "another subject", "across borders"), "wrong_terms"),
    **dict.fromkeys(("another sentence", "another sentence beside", "another notice"), "wrong_text"),
    **dict.fromkeys((f"a page with another {text}" for text in ("retention", "label", "sentence")), "wrong_text"),
    "another document": "wrong_terms",
}
"""What somebody puts in the place of what the service answers, and what the page says of it."""


@pytest.mark.slow
def test_a_service_that_has_something_else_signed_reaches_no_wallet(seen: Seen) -> None:
    bad = seen["badServices"]
    assert (bad["outcomes"], bad["signed"]) == (BAD_SERVICES, 0)
    assert consents_of(seen, "five") == []


@pytest.mark.slow
def test_what_was_signed_outlives_a_service_that_goes_away(seen: Seen) -> None:
    gone = seen["goneHalfWay"]
    assert [gone[step] for step in ("drafting", "handing", "still")] == ["unreachable"] * 3
    assert (gone["later"], gone["signed"]) == ("given", 1)
    assert gone["receipt"]["signedConsent"] == gone["kept"]
    assert len(consents_of(seen, "six")) == 1


@pytest.mark.slow
def test_withdrawing_takes_no_more_than_giving_and_no_gas(seen: Seen) -> None:
    scene = seen["withdrawing"]
    assert (scene["byAnother"], scene["outcome"], scene["again"]) == ("not_yours", "withdrawn", "withdrawn")
    assert scene["prompts"] == 2  # the account and one signature; giving has the sign-in besides
    prompts = [method for method in scene["given"] if method not in ("eth_accounts", "eth_chainId")]
    assert prompts[:3] == ["eth_requestAccounts", "personal_sign", "eth_signTypedData_v4"]
    assert prompts[3:5] == ["eth_requestAccounts", "eth_signTypedData_v4"]
    assert scene["pending"] == "withdrawn"
    assert scene["unlisted"] == 0  # nothing of the page listens to the wallet afterwards
    anchored = from_hex(asked_of(seen.place)["consents"]["anchored"], "consent", 32)
    seen.place.desk.catch_up()
    found = consent(seen.place.desk.mirror, anchored, place=seen.place.desk.place_of)
    assert not found.live
    assert sorted(each["state"] for each in consents_of(seen, "three")) == ["pending", "withdrawn"]


@pytest.mark.slow
def test_other_browsers_are_told_what_signing_needs(seen: Seen) -> None:
    other = seen["otherBrowsers"]
    assert other["without"] == "none"
    assert [each["consentId"] for each in consents_of(seen, "seven")] == [other["legacy"]]
    assert "until 2027-04-15T08:00:00Z" in other["sentence"]
    assert "Signing needs scripts and a wallet" in other["needs"]
    assert other["buttons"] == 0


@pytest.mark.slow
def test_my_data_is_the_whole_of_what_is_kept_and_nobody_elses(seen: Seen) -> None:
    own, person = seen["own"], account("person 0").address
    consent_id = seen.place.scenario.consent_of(account("person 0"))
    statement = seen.place.desk.statement(consent_id)
    (line,) = statement["lines"]
    (kept,) = own["everything"]["consents"]
    assert own["everything"]["account"] == checksum_address(person)
    assert (kept["consentId"], kept["statement"]) == (to_hex(consent_id), statement)
    assert ConsentReceipt.from_json(kept["receipt"]).signed.consent.subject == person
    (order,) = own["everything"]["orders"]
    assert (order["saleId"], order["buyerName"], order["delivered"]) == (line["saleId"], stage.BUYER_NAME, True)
    due = f"{int(line['due']) / 100:,.2f}"
    assert line["paid"] is True
    assert (stage.BUYER_NAME in own["said"], due in own["said"], due in own["one"]) == (True, True, True)
    assert kept["receipt"]["signedConsent"]["consent"]["statement"] in own["one"]
    assert own["kept"] == "no-store"
    assert own["another"] == 404
    assert own["after"] == {"account": None}
    assert [each for each in own["cookies"] if each["name"] == COOKIE] == []


@pytest.mark.slow
def test_what_is_downloaded_of_a_delivery_is_checked_without_the_service(seen: Seen) -> None:
    evidence = OwnEvidence.from_bytes(seen["own"]["proof"].encode())
    trust = Trust.from_json(seen.place.desk.trust())
    found = own_statement(evidence.bundle, trust, evidence.own, evidence.entries)
    (line,) = seen.place.desk.statement(seen.place.scenario.consent_of(account("person 0")))["lines"]
    assert (to_hex(found.sale_id), str(found.due), found.paid) == (line["saleId"], line["due"], True)


@pytest.mark.slow
def test_a_payee_is_named_and_seen_by_who_signed_the_consent(seen: Seen) -> None:
    own = seen["own"]
    assert (own["unfilled"], own["named"], own["masked"]) == ("no_payee", "named", "bank-account *4567")
    assert own["shown"] == "6222020000001234567"
    signed = [json.loads(each["params"][1])["primaryType"] for each in own["asked"] if "Typed" in each["method"]]
    assert signed == ["PayeeRequest", "Payee", "PayeeRequest"]


@pytest.mark.slow
def test_a_service_that_asks_nobody_needs_no_sign_in(seen: Seen) -> None:
    scene = seen["open"]
    (kept,) = consents_of(seen, "eight")
    assert (scene["consent"], scene["again"]) == (kept["consentId"], "already")
    assert (scene["links"], scene["signIns"]) == (1, 0)


def consents_of(seen: Seen, person: str) -> list[dict[str, Any]]:
    """What the service keeps of a newcomer."""
    return list(seen.place.desk.own_consents(account(person).address)["items"])
