"""What an operator does at the command line: settings, the records' schema, backup and restore."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from deedbook.records.schema import HEAD
from tests.e2e.command_line import Answer, CommandLine

WORDS = "a passphrase of the backup"


@pytest.fixture
def words(tmp_path: Path) -> str:
    """A file with the backup's passphrase."""
    file = tmp_path / "words"
    file.write_text(WORDS + "\n")
    return str(file)


@pytest.fixture
def elsewhere(cli: CommandLine, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> CommandLine:
    """The command line on a home that is not there yet."""
    return CommandLine(tmp_path / "elsewhere", capsys)


def test_a_home_is_backed_up_and_restored_and_goes_on(
    cli: CommandLine, elsewhere: CommandLine, words: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "home.backup")
    made = cli.done("backup", file, "--passphrase-file", words)
    assert (made["schema"], made["file"]) == (HEAD, file)
    assert made["bytes"] == Path(file).stat().st_size
    restored = elsewhere.done("restore", file, "--passphrase-file", words)
    assert restored["backup"]["chainId"] == made["chainId"]
    assert (restored["lostEntries"], restored["ended"]) == ([], 0)
    assert any("keks/" in note for note in restored["notes"])
    for one in (cli, elsewhere):
        assert one("mirror", "rebuild", "--check").code == 0
    assert elsewhere.done("sales", "list")["items"] == cli.done("sales", "list")["items"]
    again = elsewhere("restore", file, "--passphrase-file", words)
    assert (again.code, "--replace" in again.err) == (6, True)
    told = elsewhere("restore", file, "--passphrase-file", words, "--replace")
    assert told.code == 0, told.err
    assert "note: keks/ is empty" in told.out


def test_a_backup_needs_a_passphrase_of_its_own(cli: CommandLine, tmp_path: Path) -> None:
    file = str(tmp_path / "home.backup")
    own = str(cli.home / "keys" / "passphrase")
    refused = [
        (cli("backup", file, "--json"), 2, "passphrase-file"),
        (cli("backup", file, "--passphrase-file", own, "--json"), 2, "passphrase"),
    ]
    for answer, code, field in refused:
        assert (answer.code, answer.error["field"]) == (code, field)
    assert cli("backup", file, "--passphrase-file", str(tmp_path / "absent"), "--json").code == 9
    assert not Path(file).exists()


def test_another_passphrase_opens_nothing(cli: CommandLine, elsewhere: CommandLine, words: str, tmp_path: Path) -> None:
    file, other = str(tmp_path / "home.backup"), tmp_path / "other"
    other.write_text("another\n")
    cli.done("backup", file, "--passphrase-file", words, "--without-objects")
    answer = elsewhere("restore", file, "--passphrase-file", str(other), "--json")
    assert (answer.code, answer.error["code"]) == (9, "missing-key")
    assert not (tmp_path / "elsewhere").exists()


def test_the_schema_is_checked_upgraded_and_a_newer_one_refused(cli: CommandLine) -> None:
    now = cli.done("db", "check")
    assert now == {"current": True, "schema": HEAD, "newest": HEAD, "missing": [], "differences": []}
    assert cli.done("db", "upgrade") == {"from": HEAD, "to": HEAD, "done": []}
    _change(cli.home, "DROP TABLE complaints", "DROP TABLE shifts", "UPDATE alembic_version SET version_num = '0011'")
    behind = cli("db", "check")
    assert (behind.code, f"lacks migration {HEAD}" in behind.out) == (1, True)
    assert cli.done("db", "upgrade")["done"][-1] == HEAD
    _change(cli.home, "ALTER TABLE operations DROP COLUMN about", "CREATE TABLE stray (one INTEGER)")
    other: Answer = cli("db", "check", "--json")
    assert (other.code, other.json["differences"]) == (
        1,
        ["has beyond it table stray", "lacks column operations.about"],
    )
    _change(cli.home, "UPDATE alembic_version SET version_num = '9999'")
    for act in ("check", "upgrade"):
        newer = cli("db", act, "--json")
        assert (newer.code, newer.error["code"]) == (2, "wrong-version")


def _change(home: Path, *statements: str) -> None:
    with sqlite3.connect(home / "records.sqlite") as raw:
        for statement in statements:
            raw.execute(statement)
    raw.close()


def test_settings_are_shown_with_their_source_and_without_secrets(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = ("s3cret", "k3y", "p4ss")
    (cli.home / "deedbook.toml").write_text('port = 9000\nrpc_urls = ["https://node.example/v3/k3y?token=s3cret"]\n')
    monkeypatch.setenv("DEEDBOOK_RECORDS_URL", "postgresql+psycopg://deedbook:p4ss@db.example:5432/records")
    monkeypatch.setenv("DEEDBOOK_PASSPHRASE", "p4ss")
    shown = cli("settings", "--json")
    said = shown.json
    assert said["port"] == {"value": 9000, "source": "deedbook.toml: port"}
    assert said["rpc_urls"]["value"] == ["https://node.example/***?token=***"]
    assert said["records_url"] == {
        "value": "postgresql+psycopg://***@db.example:5432/records",
        "source": "DEEDBOOK_RECORDS_URL",
    }
    assert said["passphrase"] == {"value": "***", "source": "DEEDBOOK_PASSPHRASE"}
    assert said["consensus"] == {"value": "instant", "source": "default"}
    for text in (json.dumps(said), cli("settings").out):
        assert [secret for secret in secrets if secret in text] == []
