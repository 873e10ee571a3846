"""Consents by commands, where something is wrong: expired, withdrawn early, of one person twice, cut short."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deedbook import config
from deedbook.bootstrap.services import Services
from deedbook.domain.consents import Withdrawal
from tests.e2e.command_line import CommandLine

TERMS = ("--purpose", "recruitment", "--mode", "raw", "--class", "employer", "--controller", "provider")


@dataclass
class Desk:
    """The demo's home, a new asset there, and people who sign for it."""

    cli: CommandLine
    folder: Path
    asset: str
    notice: str
    salt: str

    def file(self, name: str, value: Any) -> str:
        (self.folder / name).write_text(json.dumps(value))
        return str(self.folder / name)

    def signed(self, person: str, *more: str) -> str:
        """A consent that a person signed."""
        subject = self.cli.done("wallet", "derive", person, "--asset", self.asset)["address"]
        record = self.file("record.json", {"name": person})
        words = ("--subject", subject, "--notice", self.notice, "--record", record, *TERMS, *more)
        draft = self.cli.done("consents", "draft", self.asset, *words)
        out = str(self.folder / f"{person}.consent")
        self.cli.done("wallet", "sign", self.file("typed.json", draft["typedData"]), "--seed", person, "--out", out)
        return out

    def withdrawal(self, person: str, consent: str, asset: str) -> str:
        """A withdrawal that a person signed."""
        typed = self.file("typed.json", self.cli.done("consents", "draft-withdrawal", consent))
        out = str(self.folder / f"{person}.withdrawal")
        self.cli.done("wallet", "sign", typed, "--seed", person, "--asset", asset, "--out", out)
        return out


@pytest.fixture
def desk(cli: CommandLine, tmp_path: Path) -> Desk:
    made = cli.done("assets", "id", "--as", "provider")
    with Services.open(config.load(cli.home, {})) as services:
        (notice,) = services.records.documents.of_kind("notice")
    return Desk(cli, tmp_path, made["assetId"], "0x" + notice.hash.hex(), made["salt"])


@pytest.mark.rule("expired")
def test_an_expired_consent_is_not_collected(desk: Desk) -> None:
    signed = desk.signed("person-000001", "--valid-from", "2020-01-01", "--valid-until", "2020-02-01")
    answer = desk.cli("consents", "collect", signed, "--as", "provider", "--json")
    assert (answer.code, answer.error["field"]) == (2, "validUntil")
    assert desk.cli("consents", "anchor", desk.asset, "--as", "provider").code == 5


@pytest.mark.rule("replay")
def test_a_consent_that_is_collected_again_gets_the_same_receipt(desk: Desk) -> None:
    signed = desk.signed("person-000001")
    first = desk.cli.done("consents", "collect", signed, "--as", "provider")
    assert desk.cli.done("consents", "collect", signed, "--as", "provider") == first


def test_a_consent_that_names_another_controller_is_not_collected(desk: Desk) -> None:
    answer = desk.cli("consents", "collect", desk.signed("person-000001"), "--as", "exchange", "--json")
    assert (answer.code, answer.error["field"]) == (2, "controller")


def test_a_changed_sentence_is_not_collected(desk: Desk) -> None:
    document = json.loads(Path(desk.signed("person-000001")).read_text())
    document["consent"]["statement"] += " And more."
    answer = desk.cli("consents", "collect", desk.file("changed.json", document), "--as", "provider", "--json")
    assert (answer.code, answer.error["field"]) == (2, "statement")


@pytest.mark.rule("malleable-signature")
def test_a_malleable_signature_is_not_collected(desk: Desk) -> None:
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    document = json.loads(Path(desk.signed("person-000001")).read_text())
    signature = bytes.fromhex(document["signature"][2:])
    other = order - int.from_bytes(signature[32:64], "big")
    document["signature"] = "0x" + (signature[:32] + other.to_bytes(32, "big") + bytes([55 - signature[64]])).hex()
    answer = desk.cli("consents", "collect", desk.file("malleable.json", document), "--as", "provider", "--json")
    assert (answer.code, answer.error["code"]) == (2, "invalid-signature")


def test_two_consents_of_one_person_are_not_anchored_together(desk: Desk) -> None:
    for until in ("+10d", "+20d"):
        signed = desk.signed("person-000001", "--valid-until", until)
        desk.cli.done("consents", "collect", signed, "--as", "provider")
    anchored = [
        desk.cli.done("consents", "anchor", desk.asset, "--as", "provider", "--salt", desk.salt) for _ in range(2)
    ]
    assert [each["count"] for each in anchored] == [1, 1]
    assert anchored[0]["batchId"] != anchored[1]["batchId"]


def test_a_consent_withdrawn_before_it_is_anchored_never_is(desk: Desk) -> None:
    receipt = desk.cli.done("consents", "collect", desk.signed("person-000001"), "--as", "provider")
    signed = desk.withdrawal("person-000001", receipt["receipt_id"], desk.asset)
    done = desk.cli.done("consents", "withdraw", signed, "--as", "exchange")
    assert done == {"consentId": receipt["receipt_id"], "anchored": False, "erased": 0}
    assert desk.cli("consents", "anchor", desk.asset, "--as", "provider", "--salt", desk.salt).code == 5


def test_a_consent_is_withdrawn_by_its_receipt_and_the_proof_applied_later(desk: Desk) -> None:
    cli, (asset,) = desk.cli, [each["assetId"] for each in desk.cli.done("assets", "list")["items"]]
    with Services.open(config.load(cli.home, {})) as services:
        book = services.records.consents
        leaves = book.leaves_of(book.batches_of(int(asset))[0].batch_id)
    subject = cli.done("wallet", "derive", "person-000001", "--asset", asset)["address"]
    (mine,) = ["0x" + each.consent_id.hex() for each in leaves if "0x" + each.consent.subject.hex() == subject.lower()]
    receipt = str(desk.folder / "receipt.json")
    cli.done("consents", "receipt", mine, "--out", receipt)
    signed = desk.withdrawal("person-000001", mine, asset)
    marked = cli.done("consents", "withdraw", signed, "--receipt", receipt, "--as", "bank")
    assert (marked["consentId"], marked["pending"]) == (mine, 1)
    applied = cli.done("consents", "apply-mark", mine, "--as", "bank")
    assert applied["erased"] == 1
    assert cli.done("consents", "show", mine)["live"] is False
    again = cli("consents", "withdraw", signed, "--receipt", receipt, "--as", "bank", "--json")
    assert again.code == 4


@pytest.mark.rule("controller-holds-the-asset")
def test_only_who_knows_the_salt_anchors_for_an_asset_to_come(desk: Desk) -> None:
    desk.cli.done("consents", "collect", desk.signed("person-000001"), "--as", "provider")
    answer = desk.cli("consents", "anchor", desk.asset, "--as", "provider", "--salt", "0x" + "09" * 32, "--json")
    assert (answer.code, answer.error["contract"]) == (4, "Consents")


@pytest.mark.rule("erasure")
def test_an_erasure_that_a_crash_prevented_is_made_up_for(desk: Desk) -> None:
    cli = desk.cli
    asset = cli.done("assets", "list")["items"][0]["assetId"]
    with Services.open(config.load(cli.home, {})) as services:
        book = services.records.consents
        leaves = book.leaves_of(book.batches_of(int(asset))[0].batch_id)
    person, leaf = "person-000001", cli.done("wallet", "derive", "person-000001", "--asset", asset)["address"]
    (mine,) = [each for each in leaves if "0x" + each.consent.subject.hex() == leaf.lower()]
    signed = desk.withdrawal(person, "0x" + mine.consent_id.hex(), asset)
    with Services.open(config.load(cli.home, {})) as services:  # the relayer's process, killed after the transaction
        services.consents.withdraw_for(
            Withdrawal.from_json(json.loads(Path(signed).read_text())), services.signer("bank")
        )
    payload = cli.done("payloads", "list")["items"][0]
    assert payload["available"] == 11
    answer = cli("consents", "withdraw", signed, "--as", "exchange", "--json")
    assert (answer.code, answer.error["error"]) == (4, "AlreadyWithdrawn")
    assert cli.done("payloads", "show", payload["payloadId"])["available"] == 10
