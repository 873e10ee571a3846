"""Relayed acts by commands: drafted for any wallet, signed, sent by somebody else, kept until their turn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command_line import CommandLine

TARGET = "0x" + "07" * 32


@pytest.fixture
def act(tmp_path: Path) -> list[str]:
    """An act of a member: a case."""
    (tmp_path / "grounds.txt").write_text("a leak")
    return ["cases", "open", TARGET, "--kind", "leak", "--document", str(tmp_path / "grounds.txt"), "--as"]


def signed(cli: CommandLine, act: list[str], name: str, out: Path, *more: str) -> dict[str, Any]:
    """The request of a member for the act, in a file."""
    answer = cli("relayed", "sign", "--out", str(out), *more, *act, name)
    assert answer.code == 0, answer.err
    return dict(json.loads(out.read_text()))


def test_a_signed_act_is_sent_by_somebody_else(cli: CommandLine, act: list[str], tmp_path: Path) -> None:
    request = signed(cli, act, "employer", tmp_path / "request.json")
    assert request["format"] == "deedbook.forward-request"
    assert cli.done("cases", "list", TARGET)["cases"] == []
    done = cli.done("relayed", "send", str(tmp_path / "request.json"), "--as", "exchange")
    assert (done["state"], done["act"]) == ("done", "Cases.open")
    (case,) = cli.done("cases", "list", TARGET)["cases"]
    assert case["opener"] == done["member"] == cli.done("wallet", "address", "employer")["address"]
    again = cli.done("relayed", "send", str(tmp_path / "request.json"), "--as", "bank")
    assert again == done
    assert cli.done("relayed", "show", done["digest"])["transaction"] == done["transaction"]


def test_an_act_is_drafted_for_a_wallet_elsewhere(cli: CommandLine, act: list[str], tmp_path: Path) -> None:
    address = cli.done("wallet", "address", "employer")["address"]
    drafted = cli("relayed", "draft", "--until", "+2d", *act, address)
    typed = json.loads(drafted.out)
    assert (typed["primaryType"], typed["message"]["from"]) == ("ForwardRequest", address)
    (tmp_path / "typed.json").write_text(drafted.out)
    out = str(tmp_path / "request.json")
    shown = cli("wallet", "sign", str(tmp_path / "typed.json"), "--as", "employer", "--out", out)
    assert shown.err.startswith(f"Cases.open(target={TARGET}, kind=3, ")
    assert cli.done("relayed", "send", out, "--as", "exchange")["state"] == "done"
    refused = cli("wallet", "sign", str(tmp_path / "typed.json"), "--as", "bank", "--json")
    assert (refused.code, refused.error["field"]) == (2, "from")


def test_a_later_act_waits_for_the_earlier(cli: CommandLine, act: list[str], tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    signed(cli, act, "employer", first)
    other = [*act[:2], "0x" + "08" * 32, *act[3:]]
    document = json.loads(cli("relayed", "draft", *other, "employer").out)
    document["message"]["nonce"] = str(int(document["message"]["nonce"]) + 1)
    (tmp_path / "typed.json").write_text(json.dumps(document))
    cli.done("wallet", "sign", str(tmp_path / "typed.json"), "--as", "employer", "--out", str(second))
    assert cli.done("relayed", "send", str(second), "--as", "exchange")["state"] == "waiting"
    assert cli.done("relayed", "resume", "--as", "exchange")["items"] == []
    assert cli.done("relayed", "send", str(first), "--as", "bank")["state"] == "done"
    states = {each["nonce"]: each["state"] for each in cli.done("relayed", "list", "--member", "employer")["items"]}
    assert states == {0: "done", 1: "done"}


def test_a_refused_act_is_refused_as_its_contract_does(cli: CommandLine, act: list[str], tmp_path: Path) -> None:
    cli.done("wallet", "new", "nobody")
    answer = cli("relayed", "sign", "--json", *act, "nobody")
    assert (answer.code, answer.error["error"]) == (4, "NotAdmitted")
    governed = cli("relayed", "draft", "--json", "members", "suspend", "employer", "--reason", "1")
    assert (governed.code, governed.error["error"]) == (4, "AccessManagedUnauthorized")
    for words in (["relayed", "resume", "--as", "bank"], ["members", "list"]):
        answer = cli("relayed", "draft", "--json", *words)
        assert (answer.code, answer.error["field"]) == (2, "act")


def test_a_changed_request_is_refused(cli: CommandLine, act: list[str], tmp_path: Path) -> None:
    request = signed(cli, act, "employer", tmp_path / "request.json")
    request["request"]["deadline"] += 1
    (tmp_path / "request.json").write_text(json.dumps(request))
    answer = cli("relayed", "send", str(tmp_path / "request.json"), "--as", "exchange", "--json")
    assert (answer.code, answer.error["code"]) == (2, "invalid-signature")
