"""Guiyang's sale by HTTP alone: everybody's work, from admission to payout, and what each of them can check."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from deedbook.audit.verify import judge
from deedbook.domain.documents import MOST_NUMBER
from deedbook.domain.hashing import checksum_address, to_hex
from tests.e2e.http_service import Answer
from tests.e2e.http_story import HOSTED, PARTS, Story, fits, signed, templates
from tools import openapi

PEOPLE = 3


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Told to its end."""
    told = Story(tmp_path_factory.mktemp("guiyang") / "home", PEOPLE)
    try:
        told.tell()
        told.go_on()
        yield told
    finally:
        told.close()


def _refused(answer: Answer, status: int, **said: Any) -> Any:
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert answer.status == status, body
    assert {name: body.get(name) for name in said} == said
    return body


def test_every_act_over_http_was_accepted_at_least_once(story: Story) -> None:
    acts = [path for path, methods in openapi.described()["paths"].items() if "post" in methods]
    direct = {path for path in acts if not path.startswith(("/drafts/", "/session", "/webhooks"))}
    used = {path.removeprefix("/drafts") for path in story.http.posted} | story.http.posted
    elsewhere = {
        "/rpc",
        "/me/complaints",
        "/batches/carried-withdrawals",
        "/batches/strikes",
        "/batches/{batch_id}/challenges",
    }
    elsewhere |= {"/consents/{consent_id}/mark/dismissal", "/holds/release-for"}
    assert templates(sorted(direct), used) == elsewhere
    for path in direct:
        assert (f"/drafts{path}" in acts) <= (path not in ("/members", "/policies", "/deployment/closing"))


def test_the_sale_was_ordered_delivered_and_settled(story: Story) -> None:
    sale = story.get(f"/sales/{story.sale}")
    assert (sale["state"], sale["deliveredCount"], sale["price"]) == ("accepted", PEOPLE, "49999999")
    assert sale["settlement"]["certificate"] == 1
    assert [each["event"] for each in sale["steps"]][:3] == ["SaleOrdered", "SalePaid", "SalePrepared"]


def test_an_order_before_the_legal_opinion_is_refused_by_the_contracts_own_error(story: Story) -> None:
    body = _refused(
        story.refused, 409, code="rejected-by-contract", contract="Attestations", error="AttestationMissing"
    )
    assert body["arguments"]


def test_a_hold_stops_an_order(story: Story) -> None:
    _refused(story.held, 409, error="Held", arguments={"target": to_hex(int(story.asset).to_bytes(32, "big"))})


def test_the_buyer_opens_what_was_sold_and_whoever_withdrew_is_not_in_the_next_sale(story: Story) -> None:
    assert [each.record for each in sorted(story.read, key=_place)] == [each.record for each in story.people]
    left = story.people[-1].record
    assert [each.record for each in story.read_later] != [each.record for each in story.read]
    assert left not in [each.record for each in story.read_later]
    assert len(story.read_later) == PEOPLE - 1


def _place(record: Any) -> Any:
    return record.record["education"]


def test_the_people_are_paid_and_see_it_and_their_payee_is_shown_to_nobody_else(story: Story) -> None:
    per_head = int(story.get(f"/sales/{story.sale}")["settlement"]["perHead"])
    assert story.named["payee"] == "bank-account *1234"
    assert story.kept["payee"]["account"] == "622200001234"
    assert story.bank_batch["total"] == str(per_head)
    paid = list(csv.reader(io.StringIO(story.bank_file.decode())))
    assert ["622200001234" in row for row in paid[1:]] == [True]
    answer = story.http.get(f"/sales/{story.sale}/statements.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == PEOPLE
    assert b"622200001234" not in answer.content
    assert answer.headers["cache-control"] == "no-store"
    cut = story.http.get(f"/sales/{story.sale}/statements.csv?limit=1&after=1")
    (one, last) = csv.DictReader(io.StringIO(cut.content.decode()))
    assert one == rows[1]
    assert next(iter(last.values())) == "# cut after 1 rows; go on with after=2"
    first = story.get(f"/statements/{story.consents[0]}")
    assert first["lines"][0]["due"] == str(per_head)


def test_a_payout_that_is_confirmed_already_changes_nothing(story: Story) -> None:
    assert story.repeated.status == 201
    assert story.repeated.json()["already"] is True


def test_the_receipt_is_given_again_and_is_the_signed_one(story: Story) -> None:
    assert story.get(f"/consents/{story.consents[0]}/receipt") == story.receipt


def test_the_auditor_gets_every_signed_consent_of_the_batch(story: Story) -> None:
    lines = story.http.get(f"/batches/{story.batch}/consents").content.splitlines()
    subjects = {json.loads(line)["consent"]["subject"] for line in lines}
    assert subjects == {to_hex(each.wallet.address) for each in story.people}


def test_the_evidence_verifies_without_the_exchange(story: Story) -> None:
    assert (story.verdict["verdict"], story.verdict["exitCode"]) == ("valid", 0)
    bundle, trust = story.http.get(f"/sales/{story.sale}/bundle?public=true"), story.http.get("/trust")
    assert judge(bundle.content, trust.content).exit_code == 0
    assert story.http.get(f"/sales/{story.sale}/evidence/{story.consents[0]}").status == 200


def test_metered_use_and_rights_can_be_read(story: Story) -> None:
    used = story.get(f"/sales/{story.called}/usage")
    assert (used["used"], used["quota"], used["items"][0]["count"]) == ("4", "100", "4")
    assert story.rights[0]["account"] == story.address("partner")
    assert story.get(f"/cases/{story.case}")["outcome"] == "negative"
    assert [each["active"] for each in story.get(f"/holds?target=asset:{story.asset}")["items"]] == [False]
    stated = story.get(f"/attestations?target={story.version_key}")["items"]
    assert {each["kind"]: each["standing"] for each in stated}["legal-opinion"] is False
    assert story.get("/policies")["items"][0]["modes"] == ["call", "raw"]


def test_records_whose_consents_ended_are_erased(story: Story) -> None:
    assert story.erased["format"] == "deedbook.erasure"
    assert story.get(f"/payloads/{story.sealed['payloadId']}")["available"] == 0
    assert [each["payloadId"] for each in story.get("/payloads")["items"]] == [story.sealed["payloadId"]]


def test_a_delivery_from_before_a_withdrawal_opens_without_the_record_that_is_gone(story: Story) -> None:
    assert story.left_over == [each.record for each in story.people[:-1]]


def test_no_answer_holds_a_number_that_json_cannot_carry(story: Story) -> None:
    """RFC 7493, 2.2: beyond 2^53 - 1 a number is text."""
    for path, answer in story.http.answers.items():
        if answer.headers.get("content-type") in ("application/json", "application/problem+json"):
            _require_safe(answer.json(), path)


def _require_safe(value: Any, path: str) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            _require_safe(each, f"{path} {name}")
    elif isinstance(value, list):
        for each in value:
            _require_safe(each, path)
    else:
        assert not isinstance(value, int) or abs(value) <= MOST_NUMBER, path
        assert not isinstance(value, float), path


def test_answers_are_what_the_description_says(story: Story) -> None:
    for path in ("/alerts", "/deployment", "/members", f"/members/{story.address('merchant')}/statement"):
        story.get(path)
    for path in (f"/assets/{story.asset}", f"/assets/{story.asset}/versions/1", f"/batches/{story.batch}", "/assets"):
        story.get(path)
    for path in (f"/assets/{story.asset}/flow", f"/assets/{story.asset}/batches", "/offers", "/sales"):
        story.get(path)
    document, checked = openapi.described(), set()
    for asked, answer in story.http.answers.items():
        method, _, path = asked.partition(" ")
        exact = [each for each in document["paths"] if each == path.partition("?")[0]]
        found = exact or [each for each in document["paths"] if fits(each, path)]
        operation = next(document["paths"][each][method] for each in found if method in document["paths"][each])
        told = operation["responses"][str(answer.status)]
        if "application/json" in told.get("content", {}) and answer.headers["content-type"] == "application/json":
            schema = {**told["content"]["application/json"]["schema"], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(answer.json())
            checked.add(found[0])
    assert len(checked) > 60


def test_a_draft_is_refused_as_the_act_would_be_and_says_what_is_signed(story: Story) -> None:
    document = {"document": story.why}
    _refused(story.tried("employer", f"/assets/{story.asset}/cancellation", **document), 409, error="NotHolder")
    draft = story.tried("employer", "/members/encryption-keys", suite=32, publicKey="0x" + "11" * 32).json()
    assert draft["statement"].startswith("Registers the key that deliveries to a member are sealed to")
    assert (draft["act"], draft["arguments"]["suite"]) == ("Membership.registerEncryptionKey", "32")
    message = draft["typedData"]["message"]
    assert (message["from"], message["deadline"]) == (story.address("employer"), draft["expires"])
    assert draft["typedData"]["primaryType"] == "ForwardRequest"
    stolen = signed(draft, story.wallets["auditor"])
    _refused(story.http.post("/relayed", stolen), 422, code="invalid-signature")


def test_a_draft_with_a_deadline_is_good_until_then(story: Story) -> None:
    answer = story.http.post(
        f"/drafts/members/encryption-keys?deadline={story.until}",
        {"as": story.address("employer"), "suite": 32, "publicKey": "0x22"},
    )
    assert answer.json()["expires"] == story.until


def test_whoever_proves_nothing_ends_nothing(story: Story) -> None:
    consent = json.loads(story.http.get(f"/batches/{story.batch}/consents").content.splitlines()[0])["consent"]
    place = story.get(f"/consents/{story.consents[0]}/proof")
    leaf = {
        "batch": story.batch,
        "index": place["index"],
        "consentId": story.consents[0],
        "subject": checksum_address(story.people[0].wallet.address),
        "proof": place["proof"],
    }
    kept = {**leaf, "consentId": story.consents[1], "subject": story.address("bank")}
    _refused(story.tried("auditor", "/batches/strikes", kept=kept, struck=leaf), 409, error="NotDuplicate")
    of_another = {"ended": kept, "leaf": leaf}
    refused = _refused(story.tried("auditor", "/batches/carried-withdrawals", **of_another), 409)
    assert (refused["error"], list(refused["arguments"].values())) == ("DifferentConsent", story.consents[1::-1])
    standing = {"ended": leaf, "leaf": leaf}
    _refused(story.tried("auditor", "/batches/carried-withdrawals", **standing), 409, error="LeafStands")
    wrong = {"consent": consent, "index": 0, "proof": ["0x" + "00" * 32] * 2}
    _refused(story.tried("auditor", f"/batches/{story.batch}/challenges", **wrong), 409, contract="Consents")
    of = {"asset": story.asset, "subject": leaf["subject"]}
    path = f"/consents/{story.consents[0]}/mark/dismissal"
    _refused(story.tried("auditor", path, **of), 409, error="NotMarked")
    freed = {"target": f"asset:{story.asset}", "holder": story.address("arbiter"), "document": story.why}
    _refused(story.tried("arbiter", "/holds/release-for", **freed), 409, contract="Membership")


@pytest.mark.parametrize(
    ("path", "said", "field"),
    [
        ("/assets", {"kind": "personal"}, "source"),
        ("/assets", {"kind": "fish", "source": "0x" + "11" * 32}, "kind"),
        ("/assets", {"kind": 1, "source": "0x11"}, "source"),
        ("/assets", {"kind": 1, "source": "0x" + "11" * 32, "colour": "red"}, "colour"),
        ("/assets", {"kind": 1, "source": "0x" + "11" * 32, "parents": [7]}, "parents.0"),
        ("/members", {"account": "0x07"}, "account"),
        ("/sales", {"offer": 7}, "offer"),
        ("/attestations", {"target": "member:0x07"}, "target"),
        ("/offers", {"offer": {"format": "deedbook.offer"}}, "version"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(story: Story, path: str, said: dict[str, Any], field: str) -> None:
    _refused(story.http.post(path, {"as": story.address("merchant"), **said}), 422, field=field)


def test_nobody_acts_by_an_account_whose_key_is_elsewhere(story: Story) -> None:
    body = {"as": story.address("employer"), "suite": 32, "publicKey": "0x22"}
    _refused(story.http.post("/members/encryption-keys", body), 422, field="as")
    assert set(HOSTED) - {"governance"} < set(PARTS)


def test_an_act_under_one_idempotency_key_is_made_once(story: Story) -> None:
    body = {"as": story.address("merchant"), "kind": "enterprise", "source": story.why, "salt": "0x" + "77" * 32}
    first, second = (story.http.post("/assets?wait=final", body, key="once") for _ in range(2))
    assert first.json()["operation"] == second.json()["operation"]
    assert second.headers["idempotency-replayed"] == "true"
    _refused(story.http.post("/assets", body), 409, error="AssetExists")
    _refused(story.http.post("/assets", {**body, "level": 2}, key="once"), 422, code="key-reused")
