"""Damaged, missing and foreign things in a home: a typed error in words, a stable exit code, nothing half-written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine

Damage = Callable[[Path], None]


def scribble(path: Path) -> None:
    """Overwrites the header of a database, and drops its log."""
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    path.write_bytes(b"this is no database" + path.read_bytes()[19:])


def truncate(path: Path) -> None:
    """Takes away the end of a database."""
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 17])


def first(cli: CommandLine, noun: str, name: str) -> str:
    return str(cli.done(noun, "list")["items"][0][name])


def second_sale(cli: CommandLine) -> str:
    return str(cli.done("sales", "list")["items"][1]["saleId"])


@pytest.mark.rule("corrupt-database")
@pytest.mark.parametrize("damage", [scribble, truncate])
@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("chain/chain.sqlite", ("status",)),
        ("records.sqlite", ("sales", "list")),
        ("records.sqlite", ("members", "suspend", "bank", "--reason", "1")),
        ("mirror.sqlite", ("sales", "list")),
        ("mirror.sqlite", ("mirror", "rebuild", "--check")),
    ],
)
def test_a_corrupt_database_is_named_and_nothing_is_lost(
    damage: Damage, file: str, line: tuple[str, ...], cli: CommandLine
) -> None:
    damage(cli.home / file)
    answer = cli(*line, "--json")
    assert answer.code == 8, (answer.out, answer.err)
    assert answer.error["code"] in ("corrupt-store", "integrity")
    assert answer.out == ""
    assert (cli.home / "sale-1.deed").exists()


@pytest.mark.rule("corrupt-database")
@pytest.mark.parametrize("damage", [scribble, truncate])
def test_a_corrupt_mirror_is_rebuilt(damage: Damage, cli: CommandLine) -> None:
    damage(cli.home / "mirror.sqlite")
    assert cli("mirror", "rebuild").code == 0
    assert cli("mirror", "rebuild", "--check").code == 0


def test_a_mirror_that_is_gone_is_built_from_the_chain(cli: CommandLine) -> None:
    (cli.home / "mirror.sqlite").unlink()
    checked = cli.done("mirror", "rebuild", "--check")
    assert (checked["equal"], checked["block"]) == (True, 46)


@pytest.mark.rule("mirror-is-a-copy")
@pytest.mark.parametrize(
    ("table", "change", "column"),
    [
        ("sales", "UPDATE sales SET price = '1'", "price"),
        ("participants", "UPDATE participants SET state = 2 WHERE rowid = 1", "state"),
        ("payouts", "UPDATE payouts SET total = total || '0'", "total"),
    ],
)
def test_a_row_changed_by_hand_is_named(table: str, change: str, column: str, cli: CommandLine) -> None:
    with sqlite3.connect(cli.home / "mirror.sqlite") as database:
        database.execute(change)
    database.close()
    answer = cli("mirror", "rebuild", "--check")
    assert answer.code == 1
    assert f"different: {table} (0x" in answer.out
    assert f") {column}:" in answer.out
    (difference,) = cli("mirror", "rebuild", "--check", "--json").json["differences"]
    assert (difference["table"], difference["columns"]) == (table, [column])


@pytest.mark.rule("mirror-is-a-copy")
def test_a_row_taken_away_is_named(cli: CommandLine) -> None:
    with sqlite3.connect(cli.home / "mirror.sqlite") as database:
        database.execute("DELETE FROM settlements WHERE certificate = 2")
    database.close()
    answer = cli("mirror", "rebuild", "--check")
    assert answer.code == 1
    assert "different: settlements (" in answer.out
    assert cli("mirror", "rebuild").code == 0
    assert cli("mirror", "rebuild", "--check").code == 0


@pytest.mark.rule("mirror-is-a-copy")
def test_what_an_earlier_release_put_in_quarantine_is_replayed(cli: CommandLine) -> None:
    with sqlite3.connect(cli.home / "mirror.sqlite") as database:
        place = database.execute("SELECT block_hash, log_index FROM logs WHERE event = 'SaleSettled'").fetchone()
        database.execute("INSERT INTO quarantine VALUES (?, ?, 'invalid-format', 'topics: Revenue has no such')", place)
        database.execute("UPDATE logs SET event = NULL WHERE block_hash = ? AND log_index = ?", place)
        database.execute("DELETE FROM settlements WHERE certificate = 1")
    database.close()
    assert cli("mirror", "rebuild", "--check").code == 1
    assert cli("status").code == 1
    assert cli("mirror", "replay").out == "1 tried, 1 projected, 0 left\n"
    assert cli("mirror", "rebuild", "--check").code == 0
    assert cli("status").code == 0
    assert cli.done("mirror", "replay") == {"tried": 0, "projected": 0, "left": []}


def objects(home: Path) -> list[Path]:
    return [path for path in (home / "objects").rglob("*") if path.is_file()]


@pytest.mark.rule("missing-object")
def test_a_missing_object_is_missing_evidence(cli: CommandLine) -> None:
    sale = second_sale(cli)
    assert cli("sales", "open", sale, "--as", "second-employer").code == 0
    for path in objects(cli.home):
        path.unlink()
    answer = cli("sales", "open", sale, "--as", "second-employer", "--json")
    assert (answer.code, answer.error["code"]) == (3, "evidence-missing")
    assert answer.out == ""


@pytest.mark.rule("flipped-byte")
def test_a_flipped_byte_in_a_sealed_object_is_refused(cli: CommandLine) -> None:
    sale = second_sale(cli)
    (path,) = objects(cli.home)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    out = cli.home.parent / "opened.json"
    answer = cli("sales", "open", sale, "--as", "second-employer", "--out", str(out), "--json")
    assert (answer.code, answer.error["code"]) == (8, "seal-broken")
    assert not out.exists()


@pytest.mark.rule("wrong-key")
def test_another_members_key_does_not_open_a_delivery(cli: CommandLine) -> None:
    answer = cli("sales", "open", second_sale(cli), "--as", "employer", "--json")
    assert (answer.code, answer.error["code"]) == (8, "seal-broken")
    assert cli("sales", "open", second_sale(cli), "--as", "auditor", "--json").code == 9


@pytest.mark.rule("wrong-key")
@pytest.mark.parametrize("line", [("status",), ("wallet", "list"), ("wallet", "address", "bank"), ("init",)])
def test_a_wrong_passphrase_is_a_missing_key(
    line: tuple[str, ...], cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEDBOOK_PASSPHRASE", "guess")
    answer = cli(*line, "--json")
    assert (answer.code, answer.error["code"]) == (9, "missing-key")
    assert "guess" not in answer.err


@pytest.mark.rule("wrong-key")
def test_a_home_without_its_passphrase_says_what_to_set(cli: CommandLine) -> None:
    (cli.home / "keys" / "passphrase").unlink()
    answer = cli("status")
    assert answer.code == 9
    assert "hint: set DEEDBOOK_PASSPHRASE_FILE" in answer.err


@pytest.mark.parametrize("name", ["nobody", "Bank", "../bank", ""])
def test_an_account_that_is_not_here_is_named(name: str, cli: CommandLine) -> None:
    answer = cli("members", "suspend", "bank", "--reason", "1", "--as", name, "--json")
    assert answer.code in (2, 9)
    assert answer.error["code"] in ("missing-key", "invalid-input")


def test_a_key_that_was_destroyed_cannot_be_used(cli: CommandLine) -> None:
    for path in (cli.home / "keks").iterdir():
        path.unlink()
    payload = cli("payloads", "list", "--json")
    assert (payload.code, payload.error["code"]) == (9, "missing-key")


@pytest.mark.rule("other-chain")
def test_a_deployment_of_another_chain_is_refused(cli: CommandLine) -> None:
    file = cli.home / "deployment.json"
    deployment = json.loads(file.read_text())
    file.write_text(json.dumps(deployment | {"genesisHash": "0x" + "00" * 32}))
    answer = cli("status", "--json")
    assert (answer.code, answer.error["code"]) == (7, "wrong-chain")


@pytest.mark.rule("malformed-json")
@pytest.mark.parametrize("file", ["home.json", "deployment.json"])
@pytest.mark.parametrize("content", ["{", "[]", "", "{}"])
def test_a_malformed_file_of_the_home_is_named(file: str, content: str, cli: CommandLine) -> None:
    (cli.home / file).write_text(content)
    answer = cli("status", "--json")
    assert (answer.code, answer.error["code"]) == (2, "invalid-format"), answer.err


@pytest.mark.rule("malformed-json")
@pytest.mark.parametrize(
    ("line", "content"),
    [
        (("consents", "collect", "FILE", "--as", "provider"), '{"format": "deedbook.consent",}'),
        (("consents", "collect", "FILE", "--as", "provider"), "{}"),
        (("consents", "withdraw", "FILE", "--as", "exchange"), "[1"),
        (("consents", "notice", "FILE"), '{"format": "deedbook.notice", "version": 1}'),
        (("offers", "create", "FILE", "--as", "provider"), '{"a": 1, "a": 2}'),
        (("wallet", "sign", "FILE", "--as", "provider"), "null"),
        (("payloads", "commit", "FILE"), "[]"),
    ],
)
def test_a_malformed_document_is_refused_before_anything_is_done(
    line: tuple[str, ...], content: str, cli: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "f.json").write_text(content)
    words = [str(tmp_path / "f.json") if word == "FILE" else word for word in line]
    before = cli.done("status")["tip"]
    answer = cli(*words, "--json")
    assert (answer.code, answer.error["code"]) == (2, "invalid-format")
    assert cli.done("status")["tip"] == before


@pytest.mark.parametrize(
    "line",
    [
        ("sales", "show", "0x" + "07" * 32),
        ("offers", "show", "0x" + "07" * 32),
        ("assets", "show", "7"),
        ("members", "show", "0x" + "07" * 20),
        ("consents", "show", "0x" + "07" * 32),
        ("consents", "receipt", "0x" + "07" * 32),
        ("consents", "statement", "0x" + "07" * 32),
        ("cases", "show", "0x" + "07" * 32),
        ("payloads", "show", "0x" + "07" * 32),
        ("revenue", "show", "0x" + "07" * 32),
        ("audit", "export", "0x" + "07" * 32),
    ],
)
def test_what_is_not_there_is_not_found(line: tuple[str, ...], cli: CommandLine) -> None:
    answer = cli(*line, "--json")
    assert (answer.code, answer.error["code"]) == (5, "not-found"), answer.err


@pytest.mark.parametrize(
    "line",
    [
        ("sales", "show", "7"),
        ("sales", "show", "0x07"),
        ("assets", "show", "seven"),
        ("members", "show", "0x" + "aB" * 20),
        ("members", "list", "--limit", "0"),
        ("sales", "list", "--after", "x"),
        ("members", "list", "--after", "zz"),
        ("attestations", "list", "asset:"),
    ],
)
def test_a_malformed_identifier_is_a_usage_error(line: tuple[str, ...], cli: CommandLine) -> None:
    answer = cli(*line, "--json")
    assert (answer.code, answer.error["code"]) == (2, "invalid-input"), answer.err


def test_pages_go_on_where_they_ended(cli: CommandLine) -> None:
    page = cli.done("members", "list", "--limit", "4")
    rest = cli.done("members", "list", "--after", page["after"])
    accounts = [item["account"] for item in (*page["items"], *rest["items"])]
    assert len(set(accounts)) == 7
    assert "more: --after " in cli("members", "list", "--limit", "4").out
    assert first(cli, "offers", "offerId").startswith("0x")
