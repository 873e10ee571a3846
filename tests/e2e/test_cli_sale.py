"""A whole sale by commands alone: from an empty home to a payout, a withdrawal, an erasure and a verified bundle."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from deedbook.cli.main import run

PEOPLE = ("ann", "bob", "eve")
SALT = "0x" + "42" * 32
DESCRIPTOR = {
    "format": "deedbook.descriptor",
    "version": 1,
    "language": "en",
    "title": "wages",
    "description": "one record a person",
    "kind": 1,
    "fields": [
        {"name": "name", "type": "text", "unit": "", "description": "synthetic"},
        {"name": "wage", "type": "integer", "unit": "USD/100", "description": "a week"},
    ],
    "period": {"from": 1, "until": 2},
    "source": "made up",
    "quality": {},
}


@dataclass
class Exchange:
    """One home, its commands, and what they gave."""

    home: Path
    capsys: pytest.CaptureFixture[str]
    known: dict[str, Any] = field(default_factory=dict)

    def __call__(self, *words: str) -> Any:
        """The JSON that a command prints."""
        code, out, err = self.raw(*words, "--json")
        assert code == 0, (words, err)
        return json.loads(out)

    def raw(self, *words: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = run(["--home", str(self.home), *words])
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    def refused(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Exit code and error of a command."""
        code, out, err = self.raw(*words, "--json")
        assert out == ""
        return code, json.loads(err)["error"]

    def file(self, name: str, content: Any) -> str:
        path = self.home.parent / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)


@pytest.fixture
def exchange(tmp_path: Path, capsys: pytest.CaptureFixture[str], home_folder: Path) -> Exchange:
    return Exchange(home_folder, capsys)


def test_a_whole_sale_is_made_by_commands(exchange: Exchange) -> None:
    found_a_home(exchange)
    admit_members(exchange)
    collect_consents(exchange)
    anchor_and_audit(exchange)
    seal_and_publish(exchange)
    list_an_offer(exchange)
    sell(exchange)
    pay(exchange)
    verify(exchange)
    withdraw(exchange)
    hold_and_release(exchange)
    suspend_and_close(exchange)
    assert exchange.raw("mirror", "rebuild", "--check")[0] == 0
    assert exchange("status")["healthy"] is True


def found_a_home(x: Exchange) -> None:
    assert x("init")["chainId"]
    for name in ("exchange", "provider", "firm", "auditor", "bank", "employer", "arbiter"):
        assert x("wallet", "new", name)["address"].startswith("0x")
    assert x.refused("wallet", "new", "bank")[0] == 6
    for name in PEOPLE:
        x("wallet", "new", "--seed", name)
    listed = x("wallet", "list")
    assert listed["seeds"] == sorted(PEOPLE)
    assert "governance" in listed["accounts"]


def admit_members(x: Exchange) -> None:
    identity = x.file("identity.json", {"name": "a firm"})
    for name, *rest in (
        ("exchange", "--role", "operator", "--role", "relayer"),
        ("provider", "--role", "provider"),
        ("firm", "--role", "reviewer", "--licence", "law-firm"),
        ("auditor", "--role", "auditor"),
        ("bank", "--role", "settler"),
        ("employer", "--role", "buyer", "--licence", "employer"),
        ("arbiter", "--role", "arbiter"),
    ):
        admitted = x("members", "admit", name, *rest, "--identity", identity)
        assert {"account", "identity", "salt", "transaction", "block", "gas"} <= set(admitted)
    code, error = x.refused("members", "admit", "bank", "--role", "settler", "--identity", identity)
    assert (code, error["code"], error["error"]) == (4, "rejected-by-contract", "AlreadyAdmitted")
    assert error["arguments"] == {"account": x("wallet", "address", "bank")["address"]}
    key = x("members", "register-key", "--as", "employer")
    shown = x("members", "show", "employer")
    assert (shown["state"], shown["roles"], shown["encryptionKey"]) == ("admitted", ["buyer"], key["key"])
    assert len(x("members", "list", "--limit", "3")["items"]) == 3
    policy = ("--kind", "personal", "--mode", "raw", "--to-list", "source-legality", "--to-order", "legal-opinion")
    x("offers", "set-policy", *policy)
    assert x("offers", "policies")["items"][0]["toOrder"] == ["legal-opinion", "source-legality"]


def collect_consents(x: Exchange) -> None:
    notice = json.loads((Path(__file__).parents[2] / "src/deedbook/domain/notices/recruitment.en.json").read_text())
    notice |= {"controller": "a merchant", "contact": "privacy@merchant.example", "assetTitle": "wages"}
    noticed = x("consents", "notice", x.file("notice.json", notice))["noticeHash"]
    asset = x("assets", "id", "--as", "provider", "--salt", SALT)["assetId"]
    x.known |= {"asset": asset, "consents": {}, "salts": {}}
    for name in PEOPLE:
        subject = x("wallet", "derive", name, "--asset", asset)["address"]
        record = x.file("record.json", {"name": name, "wage": len(name) * 100})
        words = ["--subject", subject, "--controller", "provider", "--notice", noticed, "--record", record]
        draft = x(
            "consents", "draft", asset, *words, "--purpose", "recruitment", "--mode", "raw", "--class", "employer"
        )
        signed = str(x.home.parent / f"{name}.consent")
        typed = x.file("typed.json", draft["typedData"])
        code, _, sentence = x.raw("wallet", "sign", typed, "--seed", name, "--out", signed)
        assert (code, sentence.strip()) == (0, draft["typedData"]["message"]["statement"])
        receipt = x("consents", "collect", signed, "--as", "provider")
        x.known["consents"][name] = receipt["receipt_id"]
        x.known["salts"][name] = draft["recordSalt"]
        assert x("consents", "receipt", receipt["receipt_id"]) == receipt
    wrong_signers(x, typed, signed)


def wrong_signers(x: Exchange, typed: str, signed: str) -> None:
    assert x.refused("wallet", "sign", typed, "--as", "bank")[1]["field"] == "subject"
    assert x.refused("wallet", "sign", typed)[0] == 2
    document = json.loads(Path(signed).read_text())
    document["consent"]["salt"] = "0x" + "01" * 32
    code, error = x.refused("consents", "collect", x.file("forged.json", document), "--as", "provider")
    assert (code, error["code"], error["field"]) == (2, "invalid-signature", "signature")
    for change, named in (({"chainId": "1"}, "chainId"), ({"contract": "0x" + "00" * 20}, "contract")):
        document = json.loads(Path(signed).read_text()) | change
        code, error = x.refused("consents", "collect", x.file("other.json", document), "--as", "provider")
        assert (code, error["field"]) == (2, named)


def anchor_and_audit(x: Exchange) -> None:
    asset = x.known["asset"]
    anchored = x("consents", "anchor", asset, "--as", "provider", "--salt", SALT)
    assert anchored["count"] == 3
    batch = x.known["batch"] = anchored["batchId"]
    assert x.refused("consents", "anchor", asset, "--as", "provider")[0] == 5
    report = str(x.home.parent / "report.json")
    assert x("consents", "verify-batch", batch, "--out", report)["signatures"] == 3
    x("attestations", "attest", batch, "--kind", "consent-audit", "--document", report, "--as", "auditor")
    shown = x("consents", "show", x.known["consents"]["ann"])
    assert (shown["live"], shown["batchId"]) == (True, batch)


def seal_and_publish(x: Exchange) -> None:
    asset = x.known["asset"]
    rows = [("salt", "name", "wage"), *((x.known["salts"][name], name, len(name) * 100) for name in PEOPLE)]
    records = x.file("records.csv", "".join(",".join(map(str, row)) + "\n" for row in rows))
    descriptor = x.file("descriptor.json", DESCRIPTOR)
    finished = str(x.home.parent / "finished.json")
    bad = x.file("bad.csv", "".join(",".join(map(str, row)) + "\n" for row in rows[:3]) + "0x11,eve,300\n")
    code, error = x.refused("payloads", "seal", asset, bad, "--descriptor", descriptor)
    assert (code, error["code"], error["line"], error["column"]) == (2, "invalid-format", 4, 1)
    few = x.file("few.csv", "".join(",".join(map(str, row)) + "\n" for row in rows[:3]))
    assert x.refused("payloads", "seal", asset, few, "--descriptor", descriptor)[1]["missing"] == 1
    other = x.file("other.csv", "".join(",".join(map(str, row)) + "\n" for row in rows).replace("300", "301"))
    assert x.refused("payloads", "seal", asset, other, "--descriptor", descriptor)[1]["line"] == 2
    assert x("payloads", "list")["items"] == []
    sealed = x("payloads", "seal", asset, records, "--descriptor", descriptor, "--out", finished)
    assert (sealed["records"], sealed["empty"]) == (3, 0)
    x.known |= {"payload": sealed["payloadId"], "key": sealed["versionKey"]}
    assert x("payloads", "show", sealed["payloadId"])["available"] == 3
    source = x.file("source.txt", "collected from the people themselves")
    registered = x("assets", "register", "--source", source, "--salt", SALT, "--as", "provider")
    assert registered["assetId"] == asset
    published = x(
        "assets", "publish", asset, "--payload", sealed["payloadId"], "--descriptor", finished, "--as", "provider"
    )
    assert (published["version"], published["versionKey"]) == (1, sealed["versionKey"])
    x("consents", "bind", asset, "--version", "1", "--auditor", "auditor", "--as", "provider")
    assert x("assets", "show", asset)["versions"][0]["basis"]["closed"] is True
    assert x("consents", "batches", asset)["items"][0]["live"] == 3


def list_an_offer(x: Exchange) -> None:
    terms, policy = x.file("terms.txt", "recruitment only"), x.file("policy.json", {"@type": "Offer"})
    opinion = x.file("opinion.txt", "the source is lawful")
    key = x.known["key"]
    words = [x.known["asset"], "--price", "100000", "--terms", terms, "--policy", policy, "--exchange", "exchange"]
    draft = x.file("offer.json", x("offers", "draft", *words, "--class", "employer", "--as", "provider"))
    code, error = x.refused("offers", "create", draft, "--as", "provider")
    assert (code, error["error"]) == (4, "AttestationMissing")
    assert error["arguments"] == {"target": key, "kind": 2, "attester": "0x" + "00" * 19 + "01"}
    x("attestations", "attest", key, "--kind", "source-legality", "--document", opinion, "--as", "firm")
    x.known["offer"] = x("offers", "create", draft, "--as", "provider")["offerId"]
    assert x.refused("offers", "create", draft, "--as", "provider")[1]["error"] == "OfferExists"
    assert x("offers", "show", x.known["offer"])["price"] == "100000"
    assert x.refused("sales", "order", x.known["offer"], "--as", "employer")[1]["error"] == "AttestationMissing"
    x("attestations", "attest", key, "--kind", "legal-opinion", "--document", opinion, "--as", "firm")
    assert len(x("attestations", "list", key)["items"]) == 2


def sell(x: Exchange) -> None:
    receipt = x.file("receipt.txt", "1000.00 CNY")
    assert x.refused("sales", "order", "0x" + "77" * 32, "--as", "employer")[0] == 5
    sale = x.known["sale"] = x("sales", "order", x.known["offer"], "--as", "employer")["saleId"]
    assert x.refused("sales", "prepare", sale, "--as", "provider")[1]["error"] == "WrongSaleState"
    code, error = x.refused("sales", "confirm-payment", sale, "--receipt", receipt, "--amount", "1", "--as", "bank")
    assert (code, error["error"]) == (4, "WrongAmount")
    x("sales", "confirm-payment", sale, "--receipt", receipt, "--as", "bank")
    assert x.refused("sales", "open", sale, "--as", "employer")[0] == 5
    assert x("sales", "prepare", sale, "--as", "provider")["live"] == 3
    assert x("sales", "deliver", sale, "--as", "provider")["deliveredCount"] == 3
    opened = str(x.home.parent / "opened.csv")
    assert x("sales", "open", sale, "--as", "employer", "--out", opened)["records"] == 3
    with Path(opened).open() as file:
        assert sorted(row["name"] for row in csv.DictReader(file)) == sorted(PEOPLE)
    assert {row["wage"] for row in x("sales", "open", sale, "--as", "employer")} == {300}
    for name in ("opened.json", "opened.ndjson"):
        other = x.home.parent / name
        assert x("sales", "open", sale, "--as", "employer", "--out", str(other))["records"] == 3
        text = other.read_text()
        rows = json.loads(text) if name.endswith(".json") else list(map(json.loads, text.splitlines()))
        assert sorted(row["name"] for row in rows) == sorted(PEOPLE)
        assert other.stat().st_mode & 0o077 == 0
    assert x.refused("sales", "open", sale, "--as", "bank")[0] == 9
    x("sales", "accept", sale, "--as", "employer")
    assert [each["saleId"] for each in x("sales", "list", "--buyer", "employer")["items"]] == [sale]


def pay(x: Exchange) -> None:
    sale, receipt = x.known["sale"], x.file("payout.txt", "paid")
    assert x.refused("revenue", "show", sale)[0] == 5
    settled = x("revenue", "settle", sale, "--as", "exchange")
    assert (settled["certificate"], settled["people"]) == (1, 3)
    assert x.refused("revenue", "settle", sale, "--as", "exchange")[1]["error"] == "AlreadySettled"
    wrong = ("--receipt", receipt, "--total", "1", "--as", "bank")
    assert x.refused("revenue", "payout", sale, *wrong)[1]["error"] == "WrongTotal"
    assert x("revenue", "payout", sale, "--receipt", receipt, "--end", "2", "--as", "bank")["first"] == 0
    assert x.refused("revenue", "payout", sale, "--receipt", receipt, "--as", "bank")[1]["error"] == "ReceiptUsed"
    rest = x("revenue", "payout", sale, "--receipt", x.file("rest.txt", "the rest"), "--as", "bank")
    assert (rest["first"], rest["end"]) == (2, 3)
    entry = x("revenue", "show", sale)
    shares = [int(entry[name]) for name in ("exchangeShare", "providerShare", "carryOut")]
    assert sum(shares) + 3 * int(entry["perHead"]) == 100_000
    lines = x("consents", "statement", x.known["consents"]["bob"])["lines"]
    assert [(line["saleId"], line["paid"], line["due"]) for line in lines] == [(sale, True, entry["perHead"])]


def verify(x: Exchange) -> None:
    bundle, trust = str(x.home.parent / "sale.deed"), str(x.home.parent / "trust.json")
    assert x("audit", "export", x.known["sale"], "--out", bundle, "--trust-out", trust)["bytes"] > 1000
    code, out, _ = x.raw("audit", "verify", bundle, "--trust", trust)
    assert code == 0, out
    assert x("audit", "verify", bundle, "--trust", trust)


def withdraw(x: Exchange) -> None:
    consent = x.known["consents"]["eve"]
    typed = x.file("withdrawal.json", x("consents", "draft-withdrawal", consent))
    assert x.refused("wallet", "sign", typed, "--seed", "eve")[1]["field"] == "asset"
    for name in ("ann", "eve"):
        signed = str(x.home.parent / f"{name}.withdrawal")
        x("wallet", "sign", typed, "--seed", name, "--asset", x.known["asset"], "--out", signed)
    anns = str(x.home.parent / "ann.withdrawal")
    code, error = x.refused("consents", "withdraw", anns, "--as", "exchange")
    assert (code, error["field"]) == (2, "subject")
    done = x("consents", "withdraw", signed, "--as", "exchange")
    assert (done["live"], done["erased"], done["anchored"]) == (2, 1, True)
    assert x.refused("consents", "withdraw", signed, "--as", "exchange")[1]["error"] == "AlreadyWithdrawn"
    assert x("payloads", "show", x.known["payload"])["available"] == 2
    assert x("consents", "show", consent)["live"] is False
    receipt = x("payloads", "erase", x.known["payload"], "--record", str(x("consents", "show", consent)["index"]))
    assert receipt["destroyedGeneration"] == 1
    left = x("sales", "open", x.known["sale"], "--as", "employer", "--out", str(x.home.parent / "left.json"))
    assert (left["records"], left["erased"]) == (2, 1)
    second = x("sales", "order", x.known["offer"], "--as", "employer")["saleId"]
    x("sales", "confirm-payment", second, "--receipt", x.file("second.txt", "again"), "--as", "bank")
    x("sales", "prepare", second, "--as", "provider")
    assert x("sales", "deliver", second, "--as", "provider")["deliveredCount"] == 2
    assert sorted(row["name"] for row in x("sales", "open", second, "--as", "employer")) == ["ann", "bob"]


def hold_and_release(x: Exchange) -> None:
    target, why = f"asset:{x.known['asset']}", x.file("why.txt", "an objection")
    opened = x("cases", "open", target, "--kind", "objection", "--document", why, "--as", "employer")["caseId"]
    assert x.refused("cases", "hold", target, "--document", why, "--as", "employer")[1]["error"] == "RoleMissing"
    for _ in range(2):  # the same words again are another act
        x("cases", "hold", target, "--document", why, "--as", "arbiter")
        assert x.refused("sales", "order", x.known["offer"], "--as", "employer")[1]["error"] == "Held"
        x("cases", "release", target, "--document", why, "--as", "arbiter")
    x("cases", "decide", opened, "--outcome", "negative", "--document", why, "--as", "arbiter")
    assert x("cases", "show", opened)["outcome"] == "negative"
    listed = x("cases", "list", target)
    assert (len(listed["cases"]), listed["holds"][0]["active"]) == (1, False)


def suspend_and_close(x: Exchange) -> None:
    offer = x.known["offer"]
    for _ in range(2):
        x("members", "suspend", "employer", "--reason", "7")
        code, error = x.refused("sales", "order", offer, "--as", "employer")
        assert (code, error["error"]) == (4, "ParticipantIs")
        assert error["arguments"] == {"account": x("wallet", "address", "employer")["address"], "state": 2}
        x("members", "reinstate", "employer")
    late = x("sales", "order", offer, "--as", "employer")["saleId"]
    assert x.refused("sales", "refund", late, "--as", "employer")[0] == 4
    x("sales", "cancel", late, "--as", "employer")
    assert x("sales", "show", late)["state"] == "cancelled"
    why, document = x.file("why.txt", "no more"), x.file("new.txt", "another opinion")
    x("attestations", "correct", x.known["key"], "--kind", "legal-opinion", "--document", document, "--as", "firm")
    x("attestations", "withdraw", x.known["key"], "--kind", "legal-opinion", "--document", why, "--as", "firm")
    x("offers", "close", offer, "--as", "provider")
    assert x.refused("sales", "order", offer, "--as", "employer")[0] == 4
    x("assets", "cancel", x.known["asset"], "--document", why, "--as", "provider")
    assert x("assets", "list")["items"][0]["state"] == "cancelled"
    x("members", "expel", "employer", "--reason", "9")
    assert x("members", "show", "employer")["state"] == "expelled"
