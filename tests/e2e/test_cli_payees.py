"""Payees and bank batches by commands, on the demo's home: its second sale is settled, and nobody of it is paid yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine, spawn
from tests.e2e.leaks import files_of
from tests.e2e.payee_counter import HOLDER, INSTITUTION, Counter, account_of, rows_of


def test_a_sale_is_paid_by_bank_batches_and_whoever_named_no_payee_waits(counter: Counter) -> None:
    entry = counter.cli.done("revenue", "show", counter.sale)
    head, people = int(entry["perHead"]), entry["deliveredCount"]
    pool = int(entry["price"]) + int(entry["carryIn"]) - int(entry["exchangeShare"]) - int(entry["providerShare"])
    before = counter.statements()
    assert len(before) == people == 11
    assert sum(int(row["amount"]) for row in before) == pool - int(entry["carryOut"])
    assert {(row["paid"], row["payee"]) for row in before} == {("false", "")}

    delivered = {row["consentId"]: int(row["ordinal"]) for row in before}
    there = [number for number, consent in counter.consents.items() if consent in delivered]
    for number in there[:4]:
        assert counter.name(number)["new"] is True
    batch, rows = counter.batch()
    assert (batch["payments"], batch["deferred"], batch["total"]) == (4, 7, str(4 * head))
    assert sum(int(row["amount"]) for row in rows) == 4 * head
    assert {row["account"] for row in rows} == {account_of(number) for number in there[:4]}
    assert {(row["institution"], row["holder"], row["kind"]) for row in rows} == {(INSTITUTION, HOLDER, "bank-account")}

    counter.name(there[4])  # too late for this one
    assert counter.batch() == (batch, rows)
    paid = counter.pay(batch, "first")
    assert counter.pay(batch, "first") == {**without(paid, "gas"), "already": True}

    (waiting,) = counter.cli.done("revenue", "lists", counter.sale)["items"]
    assert sorted(waiting["ordinals"]) == sorted(delivered[counter.consents[number]] for number in there[4:])
    second, rows = counter.batch("--list", "1")
    assert (second["payments"], second["deferred"], [row["account"] for row in rows]) == (1, 6, [account_of(there[4])])
    counter.pay(second, "second")
    refused = counter.cli("revenue", "batch", counter.sale, "--out", "-", "--list", "2", "--json")
    assert (refused.code, refused.error["field"]) == (2, "list")
    for number in there[5:]:
        counter.name(number, kind="e-cny-wallet", institution="数字人民币", account=f"00620000{number:08}")
    last, rows = counter.batch("--list", "2")
    assert (last["payments"], last["deferred"]) == (6, 0)
    counter.pay(last, "last")

    after = counter.statements()
    assert {row["paid"] for row in after} == {"true"}
    assert sum(int(row["amount"]) for row in after) == sum(int(row["amount"]) for row in before)
    assert {row["payee"][:3] for row in after} == {"ban", "e-c"}
    lines = counter.cli.done("consents", "statement", counter.consents[there[5]])["lines"]
    assert [line["paid"] for line in lines] == [True, True]
    assert counter.cli("mirror", "rebuild", "--check").code == 0


def without(found: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name not in names}


def test_a_payee_is_replaced_by_a_later_one_only(counter: Counter) -> None:
    first = counter.signed(1)
    assert counter.cli.done("consents", "name-payee", first)["new"] is True
    assert counter.cli.done("consents", "name-payee", first)["new"] is False
    shown = counter.cli.done("consents", "payee", counter.consents[1])
    assert shown["payee"] == "bank-account *0001"
    later = json.loads(Path(first).read_text())
    later["payee"]["namedAt"] += 1
    forged = counter.cli("consents", "name-payee", counter.file("forged.payee", later), "--json")
    assert (forged.code, forged.error["code"]) == (2, "invalid-signature")
    typed = json.loads(Path(counter.draft(1, account="62220299999999999")).read_text())
    typed["message"]["namedAt"] = shown["namedAt"] + 5
    words = ("--seed", "person-000001", "--asset", counter.asset, "--out", str(counter.folder / "later.payee"))
    counter.cli.done("wallet", "sign", counter.file("later.typed", typed), *words)
    assert counter.cli.done("consents", "name-payee", str(counter.folder / "later.payee"))["payee"].endswith("*9999")
    old = counter.cli("consents", "name-payee", first, "--json")
    assert (old.code, old.error["field"]) == (2, "namedAt")


def test_whoever_withdrew_is_still_paid_for_what_was_delivered(counter: Counter) -> None:
    present = {row["consentId"] for row in counter.statements()}
    number, consent = next((number, each) for number, each in counter.consents.items() if each in present)
    typed = counter.file("typed.json", counter.cli.done("consents", "draft-withdrawal", consent))
    out = str(counter.folder / "gone.withdrawal")
    person = ("--seed", f"person-{number:06}", "--asset", counter.asset)
    counter.cli.done("wallet", "sign", typed, *person, "--out", out)
    counter.cli.done("consents", "withdraw", out, "--as", "exchange")
    counter.name(number)
    batch, rows = counter.batch()
    assert [row["account"] for row in rows] == [account_of(number)]
    counter.pay(batch, "for the one who left")
    lines = counter.cli.done("consents", "statement", consent)["lines"]
    assert [line["paid"] for line in lines] == [True, True]


def test_nobody_else_names_a_payee(counter: Counter) -> None:
    typed = counter.draft(1)
    out = str(counter.folder / "stolen.payee")
    counter.cli.done("wallet", "sign", typed, "--seed", "person-000002", "--asset", counter.asset, "--out", out)
    answer = counter.cli("consents", "name-payee", out, "--json")
    assert (answer.code, answer.error["field"]) == (2, "subject")
    document = json.loads(Path(out).read_text())
    document["chainId"] = "1"
    answer = counter.cli("consents", "name-payee", counter.file("other.payee", document), "--json")
    assert (answer.code, answer.error["field"]) == (2, "contract")
    typed_data = json.loads(Path(typed).read_text())
    typed_data["message"]["namedAt"] += 3600
    words = ("--seed", "person-000001", "--asset", counter.asset, "--out", out)
    counter.cli.done("wallet", "sign", counter.file("far.typed", typed_data), *words)
    answer = counter.cli("consents", "name-payee", out, "--json")
    assert (answer.code, answer.error["field"]) == (2, "namedAt")


@pytest.mark.parametrize(
    "broken", [{"account": "6222 0240"}, {"holder": ""}, {"kind": "cash"}, {"institution": "a\nb"}]
)
def test_a_malformed_payee_is_refused_and_not_quoted(counter: Counter, broken: dict[str, str]) -> None:
    payee = {"kind": "bank-account", "institution": INSTITUTION, "account": account_of(1), "holder": HOLDER}
    given = counter.file("payee.json", payee | broken)
    answer = counter.cli("consents", "draft-payee", counter.consents[1], given, "--out", "-", "--json")
    assert answer.code == 2
    said = answer.out + answer.err
    (value,) = broken.values()
    for secret in (account_of(1), HOLDER, INSTITUTION, *([value] if value not in ("", "cash") else [])):
        assert secret not in said


def test_a_person_checks_the_own_statement_without_the_exchange(counter: Counter) -> None:
    rows = counter.statements()
    mine, other = rows[2]["consentId"], rows[3]["consentId"]
    counter.name(next(number for number, consent in counter.consents.items() if consent == mine))
    batch, _ = counter.batch()
    counter.pay(batch, "one alone")
    trust = str(counter.folder / "trust.json")
    counter.cli.done("audit", "export", counter.sale, "--out", str(counter.folder / "x.deed"), "--trust-out", trust)
    found = {}
    for name, consent in (("mine", mine), ("other", other)):
        file = str(counter.folder / f"{name}.statement")
        counter.cli.done("audit", "export-statement", counter.sale, consent, "--out", file)
        answer = spawn("audit", "statement", file, "--trust", trust, "--json")
        assert answer.code == 0, answer.err
        found[name] = answer.json
    assert (found["mine"]["paid"], found["mine"]["list"], found["mine"]["ordinal"]) == (True, 0, 2)
    assert (found["other"]["paid"], found["other"]["list"], found["other"]["place"]) == (False, 1, 2)
    assert found["mine"]["due"] == found["other"]["due"] == rows[0]["amount"]
    lied = (counter.folder / "other.statement").read_text().replace('"index":', '"index":1')
    (counter.folder / "lied.statement").write_text(lied)
    answer = spawn("audit", "statement", str(counter.folder / "lied.statement"), "--trust", trust, "--json")
    assert (answer.code, answer.error["code"]) == (8, "integrity")


def test_a_statement_of_one_person_is_no_longer_for_more_people(
    counter: Counter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = tmp_path / "more"
    told = spawn("demo", "--people", "60", "--lang", "en", "--home", str(more))
    assert told.code == 0, told.err
    few, many = (sizes_of(cli, tmp_path) for cli in (counter.cli, CommandLine(more, capsys)))
    nodes = len('"0x",') + 64
    assert many["own"] - few["own"] < 3 * nodes + 200  # three more nodes of the proof, and some longer numbers
    assert many["units"] > few["units"] + 48 * 64  # what a whole public bundle shows of everybody


def sizes_of(cli: CommandLine, folder: Path) -> dict[str, int]:
    """Bytes of one person's evidence, and of what a public bundle shows of everybody, of the second sale of a demo.

    The nodes of the state's tries are left out: keys are random, so they are now more and now fewer, for any number.
    """
    sale = next(each for each in cli.done("sales", "list")["items"] if not each["payouts"])["saleId"]
    files = {name: folder / name for name in ("rows", "own", "bundle")}
    cli.done("revenue", "statements", sale, "--out", str(files["rows"]))
    consent = rows_of(files["rows"].read_bytes())[2]["consentId"]
    cli.done("audit", "export-statement", sale, consent, "--out", str(files["own"]))
    cli.done("audit", "export", sale, "--public", "--out", str(files["bundle"]))
    own, units = json.loads(files["own"].read_bytes()), json.loads(files["bundle"].read_bytes())["units"]
    del own["bundle"]["accounts"]
    for journal in own["bundle"]["journals"]:
        del journal["proof"]
    return {name: len(json.dumps(value, separators=(",", ":"))) for name, value in (("own", own), ("units", units))}


def test_no_payee_stands_in_the_home_or_in_what_is_handed_out(counter: Counter) -> None:
    for number in range(1, 13):
        counter.name(number)
    batch, rows = counter.batch()
    counter.pay(batch, "everybody")
    handed = counter.folder / "handed"
    handed.mkdir()
    counter.cli.done("audit", "export", counter.sale, "--out", str(handed / "sale.deed"))
    counter.cli.done("audit", "export-statement", counter.sale, counter.consents[1], "--out", str(handed / "own"))
    counter.cli.done("revenue", "statements", counter.sale, "--out", str(handed / "statements.csv"))
    places = files_of(counter.cli.home) | files_of(handed)
    secrets = {text.encode() for row in rows for text in (row["account"], row["institution"], row["holder"])}
    assert len(secrets) == len(rows) + 2
    found = [(place, secret) for place, content in places.items() for secret in secrets if secret in content]
    assert found == []
    assert (counter.folder / "batch.csv").stat().st_mode & 0o077 == 0
