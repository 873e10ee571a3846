"""Keys by commands: made, shown once, used at a service, replaced, revoked; and who read personal matter."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from deedbook.errors import Conflict, InvalidInput
from tests.e2e.command_line import CommandLine, command, environment
from tests.e2e.http_service import Answer, Client
from tests.e2e.leaks import files_of


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[tuple[Client, list[str]]]:
    """`deedbook serve` of a home, in a process of its own; what it said on standard error, when it is over."""
    words = [*command("--home", str(home)), "serve", "--port", "0", "--json"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    said: list[str] = []
    with subprocess.Popen(words, **pipes, env=environment(**settings)) as process:
        try:
            assert process.stdout is not None
            yield Client(json.loads(process.stdout.readline())["url"]), said
        finally:
            process.send_signal(signal.SIGINT)
            said.append(process.communicate(timeout=60)[1])
    assert process.returncode == 0


def asked(client: Client, path: str, key: str) -> Answer:
    return client.ask("GET", path, None, {"Authorization": f"Bearer {key}"})


def test_a_key_is_shown_once_used_replaced_and_revoked(cli: CommandLine) -> None:
    made = cli.done("keys", "add", "the shop", "--account", "exchange", "--scope", "read", "--scope", "operate")
    key, name = made.pop("key"), made["id"]
    assert (made["scopes"], made["name"], made["usedAt"], key[4:20]) == (["operate", "read"], "the shop", None, name)
    assert cli.done("keys", "list")["items"] == [{**made, "good": True}]
    assert name in cli("keys", "list").out
    other = cli.done("keys", "rotate", name, "--overlap", "600")
    with serving(cli.home) as (client, said):  # a key was made: from now on it is asked who somebody is
        assert client.get("/metrics").status == 401
        assert client.get("/assets").status == 200  # what is on chain is everybody's
        for each in (key, other["key"]):
            assert asked(client, "/metrics", each).status == 200
        revoked = cli.done("keys", "revoke", other["id"])
        assert revoked["revokedAt"] is not None
        assert asked(client, "/metrics", other["key"]).status == 401  # at once, while it is served
        assert asked(client, "/me", key).json()["means"] == "key"
    assert "warning" not in said[0]
    first, second = cli.done("keys", "list")["items"]
    assert (first["good"], second["good"], second["former"]) == (True, False, name)
    assert first["usedAt"] is not None
    secrets = [each[21:].encode() for each in (key, other["key"])]
    assert [place for place, content in files_of(cli.home).items() for each in secrets if each in content] == []


def test_a_home_without_keys_is_open_on_loopback_and_says_so(cli: CommandLine) -> None:
    with serving(cli.home) as (client, said):
        assert client.get("/metrics").status == 200
        assert client.get("/me").json()["means"] == "open"
    assert said[0].startswith("warning: open:")
    with serving(cli.home, DEEDBOOK_ACCESS="closed", DEEDBOOK_PUBLIC_READS="no") as (client, said):
        assert client.get("/assets").status == 401
        assert client.get("/health").status == 200
    assert "warning: open:" not in said[0]
    assert said[0].endswith("stopped\n")


@pytest.mark.parametrize("access", ["auto", "open"])
def test_an_open_service_is_not_put_where_others_reach_it(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, access: str
) -> None:
    monkeypatch.setenv("DEEDBOOK_HOST", "0.0.0.0")
    monkeypatch.setenv("DEEDBOOK_ACCESS", access)
    answer = cli("serve", "--port", "0", "--json")
    assert (answer.code, answer.out) == (2, "")
    assert (answer.error["code"], answer.error["field"]) == (InvalidInput.code, "host")
    assert "DEEDBOOK_ACCESS=closed" in answer.error["hint"]
    assert not (cli.home / "serve.json").exists()


def test_a_key_is_a_members_with_scopes_that_are_known(cli: CommandLine) -> None:
    def refusal(*words: str) -> Any:
        answer = cli("keys", *words, "--json")
        assert answer.code != 0
        return answer.error

    assert refusal("add", "a", "--account", "0x" + "07" * 20, "--scope", "read")["field"] == "account"
    assert refusal("add", "a", "--account", "exchange", "--scope", "everything")["field"] == "scope"
    assert refusal("add", "a", "--account", "exchange", "--scope", "read", "--ends", "1")["field"] == "ends"
    assert refusal("add", "a\n", "--account", "exchange", "--scope", "read")["field"] == "name"
    assert refusal("revoke", "0123")["field"] == "key"
    assert refusal("revoke", "0123456789abcdef")["code"] == "not-found"
    made = cli.done("keys", "add", "a", "--account", "exchange", "--scope", "read", "--ends", "never")
    assert made["endsAt"] is None
    assert refusal("add", "a", "--account", "exchange", "--scope", "own")["code"] == Conflict.code
    cli.done("keys", "revoke", made["id"])
    assert refusal("rotate", made["id"])["field"] == "key"


def test_reads_by_commands_are_kept_too(cli: CommandLine) -> None:
    with closing(sqlite3.connect(cli.home / "records.sqlite")) as raw:
        (consent,) = raw.execute("SELECT consent_id FROM consents WHERE batch_id IS NOT NULL").fetchone()
    name = f"0x{consent.hex()}"
    assert cli.done("reads") == {"items": [], "after": None}
    cli.done("consents", "statement", name)
    (read,) = cli.done("reads", "--consent", name, "--kind", "statement")["items"]
    assert (read["means"], read["by"], read["kind"]) == ("open", "command", "statement")
    assert cli.done("reads", "--consent", name, "--kind", "payee")["items"] == []
    assert name[2:] not in json.dumps(cli.done("reads"))
    assert cli.done("reads", "--reader", "command")["items"] == [read]
    assert cli.done("reads", "--reader", "0x" + "07" * 20)["items"] == []
    assert read["matter"] in cli("reads").out
    assert cli("reads", "--kind", "statement", "--json").error["field"] == "kind"
    assert cli("reads", "--consent", name, "--json").error["field"] == "kind"


def test_who_a_member_of_another_home_is_is_kept_where_the_chain_agrees(cli: CommandLine, tmp_path: Path) -> None:
    identity = tmp_path / "identity.json"
    identity.write_text(json.dumps({"name": "甲公司"}), encoding="utf-8")
    account, who = "0x" + "07" * 20, ("--identity", str(identity))
    admitted = cli.done("members", "admit", account, "--role", "buyer", "--licence", "employer", *who)
    kept = cli.done("members", "keep-identity", account, *who, "--salt", admitted["salt"])
    assert kept["identity"] == admitted["identity"]
    wrong = cli("members", "keep-identity", account, *who, "--salt", "0x" + "00" * 32, "--json")
    assert (wrong.code, wrong.error["field"]) == (2, "identity")
    assert [place for place, content in files_of(cli.home).items() if "甲公司".encode() in content] == []
