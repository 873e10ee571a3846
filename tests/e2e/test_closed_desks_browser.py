"""Desks of a service that asks who somebody is, in Chromium, each member with a wallet of the browser: signing in and
out, acting with the session, and what becomes of a document that is typed where the wallet does not sign. What the
service has afterwards is asked of the service, not of the page."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook.api.door import COOKIE
from deedbook.audit.policies import ShowsConsents
from deedbook.audit.verify import judge
from deedbook.domain.codes import Role
from deedbook.domain.hashing import checksum_address, sha256, to_hex
from deedbook.domain.principals import Matter, reader_mark
from deedbook.vault.envelopes import EncryptionKeyPair, Suite
from tests import people_stage as stage
from tests.e2e.clicked_story import NOTICE, Clicking
from tests.integration.scenario import account

ARBITER = account("arbiter")
WHO = {
    "buyer": ("zh-CN", "phone"),
    "second": ("en", "desktop"),
    "arbiter": ("en", "phone"),
    "auditor": ("zh-CN", "desktop"),
    "provider": ("zh-CN", "phone"),
    "person 1": ("en", "desktop"),
    "exchange": ("en", "phone"),
}
KEY = EncryptionKeyPair.generate(secrets.token_bytes, Suite.X25519)
COMPLAINT = "nobody told me that it would be sold"
SIGNED_IN = ["eth_requestAccounts", "personal_sign"]
ACTED = ["eth_requestAccounts", "eth_signTypedData_v4"]


def desk_of(name: str, desk: str) -> str:
    return f"/explore/desk/{desk}/{checksum_address(account(name).address)}"


def document(about: str, text: str) -> str:
    """The path of what a desk makes of a typed document."""
    written = json.dumps({"about": about, "text": text}, separators=(",", ":"), ensure_ascii=False)
    return f"/documents/{to_hex(sha256(written.encode()))}"


@dataclass
class Doors:
    """The story, told to its end."""

    place: stage.Place
    clicking: Clicking
    said: dict[str, Any]

    def ask(self, do: str, name: str, **said: Any) -> Any:
        return self.clicking.ask(do, name=name, **said)

    def status(self, path: str) -> int:
        return self.place.closed.get(path).status

    def tell(self) -> None:
        self.sign_in()
        self.order()
        self.go_on_after_the_session()
        self.write()
        self.complain()
        self.supply()
        self.close()

    def sign_in(self) -> None:
        """At a desk: by another's wallet, by one that refuses, by the member; who is none, at the list of desks."""
        buyer = desk_of("buyer", "buyer")
        self.said["unknown"] = self.ask("look", "buyer", path=buyer)
        self.said["another's wallet"] = self.ask("enter", "second", path=buyer)
        self.said["refused"] = self.ask("enter", "buyer", path=buyer, mood="refusing")
        self.said["in"] = self.ask("enter", "buyer", path=buyer)
        self.said["listed"] = self.ask("look", "buyer", path="/explore/desks")
        self.said["no member"] = self.ask("enter", "person 1", path="/explore/desks")
        self.said["another's desk"] = self.ask("look", "person 1", path=buyer)

    def order(self) -> None:
        buyer, offer = desk_of("buyer", "buyer"), to_hex(self.place.scenario.offer_id)
        self.said["declined"] = self.ask(
            "act", "buyer", desk=buyer, act="order", fields={"offer": offer}, mood="refusing"
        )
        self.said["ordered"] = self.ask("act", "buyer", desk=buyer, act="order", fields={"offer": offer})
        self.said["shown"] = self.ask("look", "buyer", path=buyer)
        public = {"suite": str(int(KEY.suite)), "publicKey": to_hex(KEY.public.raw)}
        cut = {"fields": public, "cut": "**/public-key"}
        self.said["not kept"] = self.ask("act", "buyer", desk=buyer, act="key", **cut)
        self.said["kept late"] = self.ask("act", "buyer", desk=buyer, act="key", fields=public, again=True)
        self.said["left"] = self.ask("leave", "buyer", path=buyer)

    def go_on_after_the_session(self) -> None:
        """The service ends a session: the page says so, and signing in again is all that is needed."""
        desk = desk_of("second", "buyer")
        self.ask("enter", "second", path=desk)
        with self.place.scenario.services.records.database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM sessions")
        self.said["over"] = self.ask("look", "second", path=desk)
        self.said["in again"] = self.ask("enter", "second", path=desk)

    def write(self) -> None:
        """Documents that are typed at a desk, by a wallet that refuses, by a service that goes away, by a session that
        ends meanwhile."""
        desk, target = desk_of("arbiter", "regulator"), f"asset:{self.place.scenario.stage.asset_id}"
        self.ask("enter", "arbiter", path=desk)

        def hold(text: str, **more: Any) -> Any:
            fields = {"target": target, "document": text}
            found = self.ask("act", "arbiter", desk=desk, act="hold", fields=fields, **more)
            return {**found, "document": self.status(document(target, text))}

        self.said["not signed"] = hold("withheld by the wallet", mood="refusing")
        self.said["not published"] = hold("signed, then cut off", cut="**/documents?*")
        self.said["published late"] = hold("signed, then cut off", again=True)
        self.ask("act", "arbiter", desk=desk, act="release", fields={"document": "0x" + "11" * 32})
        self.said["not relayed"] = hold("published, then cut off", cut="**/relayed?*")
        self.said["relayed late"] = hold("published, then cut off", again=True)
        self.ask("act", "arbiter", desk=desk, act="release", fields={"document": "0x" + "12" * 32})
        self.said["over while signing"] = hold("signed without a session", mood="forgetful")
        self.said["signed in once more"] = hold("signed without a session", again=True)

    def complain(self) -> None:
        """A person writes what went wrong; the exchange opens a case about it, the arbiter decides, the person sees."""
        consent = to_hex(self.place.scenario.consent_of(account("person 1")))
        own, desk = f"/explore/own/consents/{consent}", desk_of("exchange", "exchange")
        self.ask("enter", "person 1", path=own)
        self.said["complaint"] = self.ask("complain", "person 1", path=own, text=COMPLAINT, cut="**/me/complaints")
        self.said["waiting"] = self.ask("look", "person 1", path="/explore/own")
        self.said["hidden"] = self.ask("look", "exchange", path=desk)
        self.said["heard"] = self.ask("enter", "exchange", path=desk)
        (made,) = self.place.desk.own_complaints(account("person 1").address)["items"]
        self.said["opened"] = self.ask(
            "act", "exchange", desk=desk, act="open", fields={"document": made["complaintId"]}
        )
        judge = desk_of("arbiter", "regulator")
        self.said["decided"] = self.ask("act", "arbiter", desk=judge, act="conclude", fields={"document": "it was so"})
        self.said["told"] = self.ask("look", "person 1", path="/explore/own")

    def supply(self) -> None:
        """What waits is drafted for its collector alone: by the session, and by nobody else's."""
        scenario, desk = self.place.scenario, desk_of("provider", "provider")
        with scenario.services.records.database.reading() as connection:
            self.said["batches before"] = connection.exec_driver_sql("SELECT count(*) FROM batches").scalar_one()
        scenario.consents.collect(scenario.sign(account("late")), account("provider"))
        self.said["drafts of nobody"] = self.place.closed.post(
            f"/drafts/assets/{scenario.stage.asset_id}/batches", {"as": checksum_address(account("provider").address)}
        ).status
        self.ask("enter", "provider", path=desk)
        fields = {"asset_id": str(scenario.stage.asset_id)}
        self.said["informed"] = self.ask("act", "provider", desk=desk, act="notice", fields=NOTICE)
        self.said["anchored"] = self.ask("act", "provider", desk=desk, act="anchor", fields=fields)

    def close(self) -> None:
        """The service shows what is on chain to those alone whom it knows."""
        settings = self.place.scenario.services.settings
        object.__setattr__(settings, "public_reads", False)
        self.said["closed"] = self.ask("look", "auditor", path="/explore/assets")
        self.said["closed, in"] = self.ask("enter", "auditor", path="/explore/sales?settled=yes")
        desk = desk_of("auditor", "auditor")
        self.said["closed desk"] = self.ask("look", "auditor", path=desk)
        (sale,) = (each for each in self.place.open.get("/sales").json()["items"] if each["settlement"])
        link = f"/sales/{sale['saleId']}/bundle"
        self.said["bundle"] = self.ask("save", "auditor", desk=desk, link=link)
        self.said["closed, out"] = self.ask("leave", "auditor", path="/explore/desks")


@dataclass(frozen=True)
class Told:
    said: dict[str, Any]
    report: dict[str, Any]
    place: stage.Place

    def __getitem__(self, scene: str) -> Any:
        return self.said[scene]


@pytest.fixture(scope="module")
def told(node: Path, browser: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with stage.lived(tmp_path_factory.mktemp("doors")) as place:
        place.scenario.admit(ARBITER, Role.ARBITER | Role.REGULATOR)
        services = place.scenario.services
        services.keystore.create("exchange", services.home.passphrase(None), sha256(b"account exchange"))
        place.desk.catch_up()
        clicking = Clicking(node, browser)
        try:
            clicking.ask("begin", origin=place.closed.url, complaints=["status of 401", "ERR_FAILED"])
            for name, (locale, device) in WHO.items():
                key, chain = stage.key_of(name), place.scenario.services.chain_id
                clicking.ask("meet", name=name, key=key, chain=chain, locale=locale, device=device)
            doors = Doors(place, clicking, {})
            doors.tell()
            yield Told(doors.said, clicking.ask("end"), place)
        finally:
            clicking.close()


@pytest.mark.slow
def test_the_browsers_find_nothing_to_complain_of(told: Told) -> None:
    for complaint in ("violations", "refused", "strangers", "errors", "wide"):
        assert told.report[complaint] == [], complaint
    assert told.report["judged"] >= 15


@pytest.mark.slow
def test_a_desk_asks_who_stands_at_it_and_is_that_members_alone(told: Told) -> None:
    unknown, entered = told["unknown"], told["in"]
    assert (unknown["status"], unknown["asks"], unknown["forms"]) == (200, True, [])
    assert "用本工作台的账户登录" in unknown["said"]
    assert (told["another's wallet"]["outcome"], told["another's wallet"]["asked"]) == ("other_member", SIGNED_IN[:1])
    assert checksum_address(account("buyer").address) in told["another's wallet"]["said"]
    assert (told["refused"]["outcome"], told["refused"]["asked"]) == ("refused", SIGNED_IN)
    assert (entered["outcome"], entered["asked"], entered["asks"]) == ("in", SIGNED_IN, False)
    assert entered["forms"] == ["order", "key"]
    assert "您的工作台" in told["listed"]["said"]
    assert told["listed"]["kept"] == "no-store"


@pytest.mark.slow
def test_who_is_no_member_is_told_so_and_finds_no_forms(told: Told) -> None:
    assert told["no member"]["outcome"] == "in"
    assert "is no member here" in told["no member"]["said"]
    assert ("this is another's desk" in told["another's desk"]["said"], told["another's desk"]["forms"]) == (True, [])


@pytest.mark.slow
def test_a_member_who_signed_in_orders_by_one_signature_and_sees_it_final(told: Told) -> None:
    assert (told["declined"]["outcome"], told["declined"]["asked"]) == ("refused", ACTED)
    assert (told["ordered"]["outcome"], told["ordered"]["asked"]) == ("acted", ACTED)
    assert "已最终确定" in told["ordered"]["words"]
    buyer = account("buyer").address
    (sale,) = told.place.open.get(f"/sales?buyer={checksum_address(buyer)}").json()["items"]
    assert sale["state"] == "ordered"
    assert f"{sale['saleId'][:8]}…{sale['saleId'][-6:]}" in told["shown"]["said"]


@pytest.mark.slow
def test_a_key_that_was_registered_and_not_kept_is_kept_without_another_signature(told: Told) -> None:
    cut, later = told["not kept"], told["kept late"]
    assert (cut["outcome"], cut["signed"]) == ("unreachable", ["ForwardRequest"])
    assert (later["outcome"], later["signed"]) == ("acted", [])
    found = told.place.scenario.services.records.members.get(account("buyer").address)
    assert found.public_key == KEY.public.raw


@pytest.mark.slow
def test_who_signs_out_leaves_nothing_behind(told: Told) -> None:
    left = told["left"]
    assert (left["asks"], left["forms"], COOKIE in left["cookies"]) == (True, [], False)


@pytest.mark.slow
def test_a_session_that_is_over_is_told_of(told: Told) -> None:
    assert (told["over"]["asks"], told["over"]["forms"]) == (True, [])
    assert "Your session is over" in told["over"]["said"]
    assert (told["in again"]["outcome"], told["in again"]["forms"]) == ("in", ["order", "key"])


@pytest.mark.slow
def test_a_document_is_not_there_before_it_is_signed_for(told: Told) -> None:
    assert (told["not signed"]["outcome"], told["not signed"]["document"]) == ("refused", 404)
    cut, later = told["not published"], told["published late"]
    assert (cut["outcome"], cut["document"], cut["signed"]) == ("unreachable", 404, ["ForwardRequest"])
    assert (later["outcome"], later["document"], later["signed"]) == ("acted", 200, [])


@pytest.mark.slow
def test_what_was_signed_and_not_relayed_is_handed_in_again_without_another_signature(told: Told) -> None:
    cut, later = told["not relayed"], told["relayed late"]
    assert (cut["outcome"], cut["document"], cut["signed"]) == ("unreachable", 200, ["ForwardRequest"])
    assert (later["outcome"], later["signed"]) == ("acted", [])
    holds = told.place.open.get(f"/holds?target=asset:{told.place.scenario.stage.asset_id}").json()["items"]
    assert [each["active"] for each in holds] == [True]


@pytest.mark.slow
def test_a_session_that_ends_while_the_wallet_signs_costs_one_sign_in_and_no_act(told: Told) -> None:
    over, again = told["over while signing"], told["signed in once more"]
    assert (over["outcome"], over["document"], over["signed"]) == ("session_over", 404, ["ForwardRequest"])
    assert "Your session is over" in over["words"]
    assert (again["outcome"], again["document"], again["asked"]) == ("acted", 200, SIGNED_IN)


@pytest.mark.slow
def test_a_complaint_of_a_person_becomes_a_case_and_the_person_sees_how_it_is_decided(told: Told) -> None:
    assert told["complaint"] == {"empty": "incomplete", "away": "unreachable", "outcome": "complained", "asked": 0}
    assert "no case so far" in told["waiting"]["said"]
    assert COMPLAINT not in told["hidden"]["said"]
    assert COMPLAINT in told["heard"]["said"]
    assert ("seal" in told["heard"]["forms"], "seal" in told["hidden"]["forms"]) == (True, False)
    assert (told["opened"]["outcome"], told["decided"]["outcome"]) == ("acted", "acted")
    assert (COMPLAINT in told["told"]["said"], "case: positive" in told["told"]["said"]) == (True, True)
    (made,) = told.place.desk.own_complaints(account("person 1").address)["items"]
    (case,) = made["cases"]
    assert (case["documentHash"], case["outcome"]) == (made["complaintId"], "positive")


@pytest.mark.slow
def test_what_waits_is_anchored_by_its_collector_who_signed_in_and_drafted_for_no_other(told: Told) -> None:
    assert told["drafts of nobody"] == 401
    assert (told["anchored"]["outcome"], told["anchored"]["asked"]) == ("acted", ACTED)
    assert (told["informed"]["outcome"], told["informed"]["asked"]) == ("notice-done", ACTED[:1])
    assert told.place.open.get(f"/documents/{told['informed']['found']['hash']}").status == 200
    scenario = told.place.scenario
    batches = told.place.open.get(f"/assets/{scenario.stage.asset_id}/batches").json()["items"]
    assert (len(batches), batches[-1]["count"]) == (told["batches before"] + 1, 1)


@pytest.mark.slow
def test_a_service_that_shows_nothing_to_strangers_asks_before_every_page(told: Told) -> None:
    closed = told["closed"]
    assert (closed["status"], closed["kept"], closed["asks"]) == (401, "no-store", True)
    assert "本服务只向已登录者展示账本" in closed["said"]
    assert told["closed, in"]["outcome"] == "in"
    assert told["closed, in"]["asked"] == SIGNED_IN
    assert (told["closed desk"]["status"], told["closed desk"]["asks"]) == (200, False)
    assert told["closed, out"]["asks"] is True


@pytest.mark.slow
def test_an_auditor_takes_home_the_evidence_of_others_sales_from_the_own_desk(told: Told) -> None:
    bundle, trust = told["bundle"]["content"].encode(), told.place.desk.trust()
    assert told["bundle"]["name"].endswith(".deed")
    report = judge(bundle, trust, ShowsConsents())
    assert report.exit_code == 0, report.summary
    assert told.place.closed.get("/sales/" + told["bundle"]["name"].replace(".deed", "/bundle")).status == 401
    reads = told.place.scenario.services.records.principals.reads(reference=reader_mark(account("auditor").address))[0]
    assert [read.kind for _, read in reads] == [Matter.EVIDENCE]
