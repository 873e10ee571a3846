"""The service of a home, over HTTP: what outsiders read and sign, and what it answers to the wrong questions."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deedbook import config
from deedbook.bootstrap.desk import Desk
from deedbook.bootstrap.services import Services
from deedbook.chain.transactions import Call
from deedbook.cli.demo import cast
from deedbook.cli.demo.guiyang import Guiyang
from deedbook.cli.demo.teller import Teller
from deedbook.domain.batches import batch_of
from deedbook.domain.consents import (
    Consent,
    ConsentDomain,
    SignedConsent,
    Withdrawal,
    consent_id,
    withdrawal_digest,
)
from deedbook.domain.hashing import from_hex, sha256, to_hex
from deedbook.domain.merkle import consent_leaf, verify_positional
from deedbook.domain.notices import with_statement
from deedbook.domain.payees import (
    Payee,
    PayeeKind,
    PayeeRequest,
    SignedPayee,
    payee_digest,
    payee_request_digest,
)
from deedbook.ledger import anchors
from deedbook.wallet.signers import LocalSigner
from tests.e2e.http_service import Answer, Client, running
from tests.e2e.leaks import files_of

HERE = Path(__file__).parent
SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True)
class Told:
    """A home with a told story, served."""

    services: Services
    desk: Desk
    client: Client
    story: Guiyang

    @property
    def template(self) -> Consent:
        """A consent of the story, to make others of."""
        batch = self.services.records.consents.batches_of(self.asset_id)[0]
        return self.services.records.consents.leaves_of(batch.batch_id)[0].consent

    @property
    def asset_id(self) -> int:
        """The story's asset."""
        return int(self.client.get("/assets").json()["items"][0]["assetId"])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    path = tmp_path_factory.mktemp("served") / "home"
    with Services.init(config.load(path, {})) as services:
        for part in cast.MEMBERS:
            services.create_account(part.key)
        story = Guiyang(services, Teller("en", io.StringIO()), 4)
        story.tell()
        with Desk(services) as desk, running(desk) as client:
            yield Told(services, desk, client, story)


def _signed(told: Told, person: LocalSigner, change: Callable[[Consent], Consent] = lambda one: one) -> SignedConsent:
    domain = told.services.consents.domain
    consent = change(replace(told.template, subject=person.address, salt=told.services.entropy(32)))
    return SignedConsent(domain, consent, person.sign_digest(consent_id(domain, consent)))


def _rendered(told: Told, consent: Consent) -> Consent:
    return with_statement(told.services.notice(consent.notice_hash), consent)


def _person(told: Told) -> LocalSigner:
    return LocalSigner.generate(told.services.entropy)


def _problem(answer: Answer, status: int, code: str) -> Any:
    """The body of a problem document (RFC 9457), once it is one."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status, body["status"], body["code"]) == (status, status, code), body
    assert body["type"] == f"urn:deedbook:problem:{code}"
    assert body["title"]
    assert body["detail"]
    return body


def test_ethers_and_viem_read_it_and_a_viem_consent_is_accepted_anchored_and_withdrawn(told: Told, node: Path) -> None:
    command = [str(node), str(HERE / "outsider.mjs"), told.client.url]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    seen = json.loads(ran.stdout)
    assert seen["end"]["live"] is False
    again = seen["again"]
    assert (again["status"], again["body"]["error"]) == (409, "AlreadyWithdrawn")
    assert again["body"]["arguments"] == {"batchId": seen["batchId"], "index": seen["index"]}


def test_health_ready_and_status_agree_with_the_chain(told: Told) -> None:
    assert told.client.get("/health").json()["status"] == "ok"
    ready = told.client.get("/ready").json()
    assert ready["status"] == "ready"
    status = told.client.get("/status").json()
    assert status["chain"]["chainId"] == str(told.services.chain_id)
    assert status["quarantined"] == 0
    assert "openapi" in told.client.get("/openapi.json").json()


def test_lineage_flow_statement_and_alerts_are_told(told: Told) -> None:
    asset = f"/assets/{told.asset_id}"
    assert told.client.get(f"{asset}/lineage").json() == {"items": [], "after": None}
    assert told.client.get(f"{asset}/lineage?down=true&limit=5").json()["items"] == []
    sold = told.client.get(f"{asset}/flow").json()["items"]
    assert [each["saleId"] for each in sold] == [each["saleId"] for each in told.client.get("/sales").json()["items"]]
    provider = sold[0]["provider"]
    assert told.client.get(f"/members/{provider}/statement").json()["sales"] == len(sold)
    for who in ("provider", "buyer"):
        wanted = [each["saleId"] for each in sold if each[who] == sold[0][who]]
        found = told.client.get(f"/sales?{who}={sold[0][who]}").json()["items"]
        assert [each["saleId"] for each in found] == wanted
    assert told.client.get(f"/sales?buyer={provider}").json()["items"] == []
    assert _problem(told.client.get("/sales?buyer=0x07"), 422, "invalid-input")["field"] == "buyer"
    assert provider in [each["account"] for each in told.client.get("/members").json()["items"]]
    assert set(told.client.get("/alerts?limit=1").json()) == {"items", "after"}
    _problem(told.client.get("/assets/7/lineage"), 404, "not-found")
    for path in (f"{asset}/flow", f"{asset}/lineage", f"{asset}/batches", "/alerts", "/members", "/sales"):
        assert _problem(told.client.get(f"{path}?after=x"), 422, "invalid-input")["field"] == "after"
    _problem(told.client.get("/members/0x07/statement"), 422, "invalid-input")


def test_the_same_consent_twice_gives_the_same_receipt(told: Told) -> None:
    signed = _signed(told, _person(told)).to_json()
    first, second = told.client.post("/consents", signed), told.client.post("/consents", signed)
    assert first.status == second.status == 201
    assert first.content == second.content


def test_a_consent_signed_by_another_is_refused(told: Told) -> None:
    signed = _signed(told, _person(told))
    forged = replace(signed, signature=_signed(told, _person(told)).signature)
    assert _problem(told.client.post("/consents", forged.to_json()), 422, "invalid-signature")["field"] == "signature"


def test_a_malleable_signature_is_refused(told: Told) -> None:
    signed = _signed(told, _person(told))
    r, s, v = signed.signature[:32], int.from_bytes(signed.signature[32:64], "big"), signed.signature[64]
    twin = r + (SECP256K1_N - s).to_bytes(32, "big") + bytes([55 - v])
    answer = told.client.post("/consents", replace(signed, signature=twin).to_json())
    assert _problem(answer, 422, "invalid-signature")["field"] == "signature"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("validUntil", lambda told, one: _rendered(told, replace(one, valid_from=1, valid_until=2))),
        ("statement", lambda _, one: replace(one, statement="I agree to nothing")),
        ("controller", lambda _, one: replace(one, controller=b"\7" * 20)),
    ],
)
def test_a_consent_with_a_wrong_field_is_refused_by_its_name(
    told: Told, field: str, change: Callable[[Told, Consent], Consent]
) -> None:
    answer = told.client.post("/consents", _signed(told, _person(told), partial(change, told)).to_json())
    assert _problem(answer, 422, "invalid-input")["field"] == field


@pytest.mark.parametrize("field", ["chainId", "contract"])
def test_a_consent_for_another_chain_or_contract_is_refused(told: Told, field: str) -> None:
    person, domain = _person(told), told.services.consents.domain
    other = replace(domain, chain_id=1) if field == "chainId" else replace(domain, contract=b"\1" * 20)
    consent = replace(told.template, subject=person.address)
    signed = SignedConsent(other, consent, person.sign_digest(consent_id(other, consent)))
    assert _problem(told.client.post("/consents", signed.to_json()), 422, "invalid-input")["field"] == field


def test_a_withdrawal_by_another_and_of_an_unknown_consent_are_refused(told: Told) -> None:
    domain: ConsentDomain = told.services.consents.domain
    person, other = _person(told), _person(told)
    signed = _signed(told, person)
    told.client.post("/consents", signed.to_json())
    digest = withdrawal_digest(domain, signed.consent_id)
    forged = Withdrawal(domain, signed.consent_id, person.address, other.sign_digest(digest))
    assert _problem(told.client.post("/withdrawals", forged.to_json()), 422, "invalid-signature")
    own = Withdrawal(domain, signed.consent_id, other.address, other.sign_digest(digest))
    assert _problem(told.client.post("/withdrawals", own.to_json()), 422, "invalid-input")["field"] == "subject"
    unknown = Withdrawal(domain, b"\5" * 32, other.address, other.sign_digest(withdrawal_digest(domain, b"\5" * 32)))
    assert _problem(told.client.post("/withdrawals", unknown.to_json()), 404, "not-found")


def test_every_place_of_the_batch_is_proven_without_naming_its_subject(told: Told) -> None:
    book = told.services.records.consents
    batch = book.batches_of(told.asset_id)[0]
    for index, signed in enumerate(book.leaves_of(batch.batch_id)):
        shown = told.client.get(f"/consents/{to_hex(signed.consent_id)}/proof").json()
        nodes = [from_hex(node, "proof", 32) for node in shown["proof"]]
        leaf = consent_leaf(signed.consent_id, signed.consent.subject)
        assert verify_positional(leaf, index, batch.count, nodes, batch.root)
        assert (shown["index"], shown["leaf"], shown["batch"]["batchId"]) == (
            index,
            to_hex(leaf),
            to_hex(batch.batch_id),
        )
        assert signed.consent.subject.hex() not in json.dumps(shown)
    _problem(told.client.get("/consents/0x" + "00" * 32 + "/proof"), 404, "not-found")


def test_whoever_was_collected_by_the_file_has_proof_and_statement(told: Told) -> None:
    signed = [_signed(told, _person(told)) for _ in range(5)]
    collecting = told.services.consents.collecting(told.services.signer(cast.PROVIDER))
    *_, far = collecting.collect([each.encode() for each in signed], chunk_size=2)
    assert (far.lines, far.fresh) == (5, 5)
    name = to_hex(signed[0].consent_id)
    _problem(told.client.get(f"/consents/{name}/proof"), 404, "not-found")
    batch = told.client.post(f"/assets/{told.asset_id}/batches?wait=final", {}).json()["about"]
    for each in signed:
        name = to_hex(each.consent_id)
        proof = told.client.get(f"/consents/{name}/proof").json()
        nodes, stated = [from_hex(node, "proof", 32) for node in proof["proof"]], proof["batch"]
        assert stated["batchId"] == batch["batchId"]
        leaf, root = consent_leaf(each.consent_id, each.consent.subject), from_hex(stated["root"], "root", 32)
        assert verify_positional(leaf, proof["index"], stated["count"], nodes, root)
        shown = told.client.get(f"/consents/{name}").json()
        assert (shown["batchId"], shown["index"], shown["live"]) == (batch["batchId"], proof["index"], True)
        assert told.client.get(f"/statements/{name}").json()["lines"] == []


def test_a_consent_that_waits_and_is_withdrawn_never_enters_a_batch(told: Told) -> None:
    domain = told.services.consents.domain
    person = _person(told)
    signed = _signed(told, person)
    told.client.post("/consents", signed.to_json())
    signature = person.sign_digest(withdrawal_digest(domain, signed.consent_id))
    answer = told.client.post(
        "/withdrawals", Withdrawal(domain, signed.consent_id, person.address, signature).to_json()
    )
    assert answer.status == 201
    assert answer.json() == {"consentId": to_hex(signed.consent_id), "anchored": False, "erased": 0}
    pending = told.services.records.consents.pending_consents(told.asset_id)
    assert signed.consent_id not in {each.consent_id for each in pending}


def test_an_expected_refusal_of_the_contract_keeps_its_name_and_arguments(told: Told) -> None:
    """An asset that is not registered, and whose salt is not given: the contract says who may not."""
    person = _person(told)
    stranger = _signed(told, person, lambda one: replace(one, asset_id=12345))
    assert told.client.post("/consents", stranger.to_json()).status == 201
    body = _problem(told.client.post("/assets/12345/batches?wait=final", {}), 409, "rejected-by-contract")
    assert body["error"] == "NotController"
    assert body["arguments"]["assetId"] in (12345, "12345")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/assets/1", 404, "not-found"),
        ("/assets/0x12", 422, "invalid-input"),
        ("/assets/-1", 422, "invalid-input"),
        ("/assets?limit=0", 422, "invalid-input"),
        ("/assets?after=zz", 422, "invalid-input"),
        ("/offers/0x" + "00" * 32, 404, "not-found"),
        ("/sales/0x" + "00" * 32, 404, "not-found"),
        ("/sales/latest", 422, "invalid-input"),
        ("/sales/0x" + "00" * 32 + "/usage", 404, "not-found"),
        ("/anchors/0x12", 422, "invalid-input"),
        ("/consents/0x" + "00" * 32, 404, "not-found"),
        ("/statements/0x" + "00" * 32, 404, "not-found"),
        ("/documents/0x" + "00" * 32, 404, "not-found"),
        ("/relayed/0x" + "00" * 32, 404, "not-found"),
        ("/operations/0x" + "00" * 32, 404, "not-found"),
        ("/operations/1", 422, "invalid-input"),
        ("/nowhere", 404, "not-found"),
    ],
)
def test_wrong_identifiers_are_problems(told: Told, path: str, status: int, code: str) -> None:
    _problem(told.client.get(path), status, code)


def test_use_checkpoints_and_the_deployment_can_be_read(told: Told) -> None:
    sale = told.client.get("/sales").json()["items"][0]["saleId"]
    used = told.client.get(f"/sales/{sale}/usage").json()
    assert (used["used"], used["quota"], used["items"]) == ("0", None, [])
    exchange = "0x" + told.services.signer(cast.EXCHANGE).address.hex()
    assert told.client.get(f"/anchors/{exchange}").json()["items"] == []
    anchors.anchor(told.services.acting, told.services.signer(cast.EXCHANGE), 3, sha256(b"root"), ())
    told.desk.catch_up()
    (checkpoint,) = told.client.get(f"/anchors/{exchange}").json()["items"]
    assert (checkpoint["size"], checkpoint["formerSize"]) == ("3", "0")
    deployment = told.client.get("/deployment").json()
    assert (deployment["version"], deployment["predecessor"], deployment["closing"]) == (2, None, None)


def test_a_member_acts_without_gas_or_node(told: Told) -> None:
    buyer = told.services.signer(cast.EMPLOYER)
    call = Call("Cases", told.services.addresses["Cases"], "open", (sha256(b"target"), 3, sha256(b"grounds")))
    signed = told.services.relaying.sign(call, buyer)
    answer = told.client.post("/relayed?wait=final", signed.to_json())
    digest = to_hex(signed.digest)
    assert (answer.status, answer.json()["state"], answer.json()["operation"]) == (201, "final", digest)
    assert answer.json()["about"]["nonce"] == 0
    again = told.client.post("/relayed", signed.to_json())
    assert (again.status, again.headers["location"], again.json()) == (202, f"/operations/{digest}", answer.json())
    assert told.client.get(f"/operations/{digest}").json() == answer.json()
    assert told.client.get(f"/relayed/{digest}").json()["state"] == "done"
    document = signed.to_json()
    document["request"]["nonce"] = "1"
    _problem(told.client.post("/relayed", document), 422, "invalid-signature")


# -- payees

INSTITUTION, HOLDER, ACCOUNT = "工商银行贵阳分行", "王秀英", "6222024000000000001"


@pytest.fixture
def payable(told: Told) -> tuple[LocalSigner, bytes]:
    """A person, and the consent that was collected of them."""
    person = _person(told)
    signed = _signed(told, person)
    assert told.client.post("/consents", signed.to_json()).status == 201
    return person, signed.consent_id


def _payee(told: Told, by: LocalSigner, consent: bytes, *, later: int = 0, **changes: Any) -> SignedPayee:
    at = told.services.clock() + later
    named = replace(Payee(consent, PayeeKind.BANK_ACCOUNT, INSTITUTION, ACCOUNT, HOLDER, at), **changes)
    domain = told.services.consents.domain
    return SignedPayee(domain, named, by.address, by.sign_digest(payee_digest(domain, named)))


def _ask(told: Told, by: LocalSigner, consent: bytes, *, later: int = 0) -> Any:
    domain, at = told.services.consents.domain, told.services.clock() + later
    signature = by.sign_digest(payee_request_digest(domain, consent, at))
    return PayeeRequest(domain, consent, at, by.address, signature).to_json()


def test_a_person_names_a_payee_and_alone_sees_what_is_kept(told: Told, payable: tuple[LocalSigner, bytes]) -> None:
    person, consent = payable
    _problem(told.client.post("/payees/kept", _ask(told, person, consent)), 404, "not-found")
    signed = _payee(told, person, consent)
    shown = {"consentId": to_hex(consent), "payee": "bank-account *0001", "namedAt": signed.payee.named_at}
    answer = told.client.post("/payees", signed.to_json())
    assert (answer.status, answer.json()) == (201, {**shown, "new": True})
    assert told.client.post("/payees", signed.to_json()).json() == {**shown, "new": False}
    seen = told.client.post("/payees/kept", _ask(told, person, consent))
    assert (seen.status, seen.json()) == (200, signed.to_json())
    assert seen.headers["cache-control"] == "no-store"
    later = _payee(told, person, consent, later=60, kind=PayeeKind.E_CNY_WALLET, institution="e-CNY", account="0062003")
    assert told.client.post("/payees", later.to_json()).json()["payee"] == "e-cny-wallet *03"
    assert told.client.post("/payees/kept", _ask(told, person, consent)).json() == later.to_json()
    old = _problem(told.client.post("/payees", signed.to_json()), 422, "invalid-input")
    assert old["field"] == "namedAt"
    assert {"/payees", "/payees/kept"} < told.client.get("/openapi.json").json()["paths"].keys()


def test_whoever_withdrew_can_still_name_a_payee(told: Told, payable: tuple[LocalSigner, bytes]) -> None:
    person, consent = payable
    domain = told.services.consents.domain
    gone = Withdrawal(domain, consent, person.address, person.sign_digest(withdrawal_digest(domain, consent)))
    assert told.client.post("/withdrawals", gone.to_json()).status == 201
    assert told.client.post("/payees", _payee(told, person, consent).to_json()).json()["new"] is True


def test_nobody_else_names_or_sees_a_payee(
    told: Told, payable: tuple[LocalSigner, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    person, consent = payable
    kept, other = _payee(told, person, consent), _person(told)
    assert told.client.post("/payees", kept.to_json()).status == 201
    ask = _ask(told, person, consent)
    elsewhere = {"contract": "0x" + "07" * 20}
    refused = [
        ("/payees", _payee(told, other, consent).to_json(), 422, "invalid-input", "subject"),
        ("/payees", kept.to_json() | {"signature": ask["signature"]}, 422, "invalid-signature", "signature"),
        ("/payees", kept.to_json() | elsewhere, 422, "invalid-input", "contract"),
        ("/payees", _payee(told, person, consent, later=3600).to_json(), 422, "invalid-input", "namedAt"),
        ("/payees", _payee(told, person, sha256(b"nobody's")).to_json(), 404, "not-found", None),
        (
            "/payees",
            kept.to_json() | {"payee": kept.payee.to_json() | {"account": "6222 02"}},
            422,
            "invalid-input",
            "account",
        ),
        ("/payees/kept", _ask(told, other, consent), 422, "invalid-input", "subject"),
        ("/payees/kept", ask | {"signature": to_hex(kept.signature)}, 422, "invalid-signature", "signature"),
        ("/payees/kept", ask | {"askedAt": ask["askedAt"] + 1}, 422, "invalid-signature", "signature"),
        ("/payees/kept", ask | elsewhere, 422, "invalid-input", "contract"),
        ("/payees/kept", _ask(told, person, consent, later=-3600), 422, "invalid-input", "askedAt"),
        ("/payees/kept", _ask(told, person, consent, later=3600), 422, "invalid-input", "askedAt"),
        ("/payees/kept", _ask(told, person, sha256(b"nobody's")), 404, "not-found", None),
    ]
    said = caplog.text
    for path, body, status, code, field in refused:
        problem = _problem(told.client.post(path, body), status, code)
        assert problem.get("field") == field, (path, body)
        said += json.dumps(problem, ensure_ascii=False)
    _problem(told.client.post("/payees", b" " * (5 * 1024 * 1024)), 413, "too-large")
    _problem(told.client.post("/payees", b"{}", media_type="text/plain"), 415, "unsupported-media-type")
    assert told.client.post("/payees/kept", _ask(told, person, consent)).json() == kept.to_json()
    assert [secret for secret in (ACCOUNT, INSTITUTION, HOLDER, "6222 02") if secret in said + caplog.text] == []


def test_a_payee_named_over_http_stands_nowhere_in_the_open(told: Told, payable: tuple[LocalSigner, bytes]) -> None:
    person, consent = payable
    assert told.client.post("/payees", _payee(told, person, consent).to_json()).status == 201
    places = files_of(told.services.home.path)
    secrets = [text.encode() for text in (ACCOUNT, INSTITUTION, HOLDER)]
    assert [(place, secret) for place, content in places.items() for secret in secrets if secret in content] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid-format"),
        (b'{"format":"deedbook.consent","format":"x"}', "invalid-format"),
        (b"[NaN]", "invalid-format"),
        (b"[" * 10_000, "invalid-format"),
        (b"\xff", "invalid-format"),
        (b"{}", "invalid-format"),
        (b'{"format":"deedbook.consent","version":2}', "wrong-version"),
    ],
)
def test_a_malformed_body_is_a_problem(told: Told, body: bytes, code: str) -> None:
    _problem(told.client.post("/consents", body), 422, code)


def test_a_body_that_is_not_declared_as_json_or_is_too_long_is_refused(told: Told) -> None:
    _problem(told.client.post("/consents", b"{}", media_type="text/plain"), 415, "unsupported-media-type")
    _problem(told.client.post("/consents", b" " * (5 * 1024 * 1024)), 413, "too-large")
    _problem(told.client.post("/rpc", b"{}", media_type="text/plain"), 415, "unsupported-media-type")


def test_nothing_pending_is_not_anchored(told: Told) -> None:
    _problem(told.client.post("/assets/999/batches?wait=final", {}), 404, "not-found")


def test_an_anchoring_that_was_cut_short_is_finished(told: Told) -> None:
    while told.client.post(f"/assets/{told.asset_id}/batches?wait=final", {}).status == 201:
        pass  # what other tests left waiting
    signed = _signed(told, _person(told))
    assert told.client.post("/consents", signed.to_json()).status == 201
    batch = batch_of(told.asset_id, [signed])
    told.services.records.consents.add_batch(batch, [signed.consent_id])
    answer = told.client.post(f"/assets/{told.asset_id}/batches?wait=final", {})
    assert (answer.status, answer.json()["about"]["batchId"]) == (201, to_hex(batch.batch_id))
    _problem(told.client.post(f"/assets/{told.asset_id}/batches?wait=final", {}), 404, "not-found")


def test_the_operator_is_told_what_the_caller_is_not(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    content = b"kept and changed"
    name = told.services.records.documents.put("note", content, at=0)
    with told.services.records.database.writing() as connection:
        connection.exec_driver_sql("UPDATE documents SET content = x'00' WHERE kind = 'note'")
    body = _problem(told.client.get(f"/documents/{to_hex(name)}"), 500, "integrity")
    assert to_hex(name) not in json.dumps(body)
    assert any("integrity: a stored document is not what its hash says" in line for line in caplog.messages)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_serve_stops_in_order_when_it_is_told_to(tmp_path: Path, ending: signal.Signals) -> None:
    home = tmp_path / "home"
    with Services.init(config.load(home, {})):
        pass
    command = [sys.executable, "-m", "deedbook.cli.main", "--home", str(home), "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("serving ")
        announced = json.loads((home / "serve.json").read_text())
        assert Client(announced["url"]).get("/ready").json()["status"] == "ready"
        process.send_signal(ending)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.communicate()
    assert not (home / "serve.json").exists()
    with Services.open(config.load(home, {})) as services:
        assert services.node.request("eth_blockNumber", []) == "0xb"
