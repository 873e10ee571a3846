"""How errors become words and exit codes, and what a mistaken command line is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deedbook import errors
from deedbook.cli import main, verifying
from deedbook.errors import DeedbookError

EXAMPLES: dict[str, tuple[DeedbookError, int]] = {
    "InvalidInput": (errors.InvalidInput("field", "is wrong"), 2),
    "InvalidSignature": (errors.InvalidSignature("signature", "is wrong"), 2),
    "InvalidFormat": (errors.InvalidFormat("file", "is wrong"), 2),
    "WrongVersion": (errors.WrongVersion("home", "is wrong"), 2),
    "KeyReused": (errors.KeyReused(), 2),
    "EvidenceMissing": (errors.EvidenceMissing("no cover"), 3),
    "RejectedByContract": (errors.RejectedByContract("Market", "OfferExists", {"offerId": b"\x01"}), 4),
    "NotFound": (errors.NotFound("sale", "0x01"), 5),
    "Conflict": (errors.Conflict("taken"), 6),
    "Locked": (errors.Locked("in use"), 6),
    "UnderWay": (errors.UnderWay(), 6),
    "LeaseLost": (errors.LeaseLost("another sender's by now"), 6),
    "ChainUnavailable": (errors.ChainUnavailable("no answer"), 7),
    "StoreUnavailable": (errors.StoreUnavailable("no answer"), 7),
    "ServiceUnavailable": (errors.ServiceUnavailable("no answer"), 7),
    "ServiceRefused": (errors.ServiceRefused(418, "teapot", "no coffee"), 7),
    "WorkersUnavailable": (errors.WorkersUnavailable("gone"), 7),
    "WrongChain": (errors.WrongChain("another"), 7),
    "TransactionFailed": (errors.TransactionFailed("no effect"), 7),
    "NoFunds": (errors.NoFunds("0x01", 2, 1), 7),
    "IntegrityError": (errors.IntegrityError("damaged"), 8),
    "NodesDisagree": (errors.NodesDisagree("block 7", {"a:1": "0x01", "b:1": "0x02"}), 8),
    "CorruptStore": (errors.CorruptStore("damaged"), 8),
    "SealBroken": (errors.SealBroken("damaged"), 8),
    "MissingKey": (errors.MissingKey("no key"), 9),
    "Unauthenticated": (errors.Unauthenticated(given=True), 9),
    "Forbidden": (errors.Forbidden("the key is not for this", scope="read"), 9),
    "TooManyRequests": (errors.TooManyRequests(7), 7),
}


def kinds(root: type[DeedbookError]) -> set[str]:
    return {kind.__name__ for kind in root.__subclasses__()} | {
        name for kind in root.__subclasses__() for name in kinds(kind)
    }


def test_every_error_has_a_stable_exit_code() -> None:
    assert {name for name in kinds(DeedbookError) if hasattr(errors, name)} == set(EXAMPLES)
    for error, code in EXAMPLES.values():
        assert main.exit_code(error) == code


def test_an_error_in_words_is_its_message_and_a_hint() -> None:
    error = errors.NotFound("home", "/h", hint="create one by: deedbook init")
    assert main.words(error) == "error: no home /h\nhint: create one by: deedbook init"
    assert main.words(errors.Conflict("taken")) == "error: taken"


def test_an_error_in_json_has_its_code_fields_and_arguments() -> None:
    error = errors.RejectedByContract("Market", "OfferExists", {"offerId": b"\x01\xff"}, hint="look")
    assert json.loads(main.as_json(error)) == {
        "error": {
            "code": "rejected-by-contract",
            "message": str(error),
            "contract": "Market",
            "error": "OfferExists",
            "arguments": {"offerId": "0x01ff"},
            "hint": "look",
        }
    }


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (["nonsense"], "nonsense"),
        (["audit", "nonsense"], "nonsense"),
        (["--nonsense"], "--nonsense"),
        (["audit", "verify"], "file"),
        (["audit", "verify", "a", "b"], "b"),
        (["audit", "verify", "a", "--trust"], "--trust"),
        (["audit", "verify", "a", "--nonsense"], "--nonsense"),
        (["demo", "--people", "many"], "--people"),
        (["serve", "--port", "x"], "--port"),
        (["serve", "--port", "65536"], "port"),
        (["members", "admit", "0x01"], "--role"),
        (["members", "suspend", "a", "--reason", "70000"], "--reason"),
        (["sales", "order", "0x01"], "--as"),
        (["consents", "bind", "1", "--version", "0", "--auditor", "a", "--as", "b"], "--version"),
    ],
)
def test_a_usage_error_exits_2_and_names_the_option(
    line: list[str], names: str, capsys: pytest.CaptureFixture[str], home_folder: Path
) -> None:
    for words in (line, [*line[:2], "--json", *line[2:]] if len(line) > 1 else line):
        assert main.run(words) == 2
        said = capsys.readouterr()
        assert names in said.err
        assert said.out == ""
        assert not home_folder.exists()
    if "--json" in words and line[0] != "--nonsense":
        assert json.loads(said.err)["error"]["message"]


@pytest.mark.parametrize("line", [[], ["audit"], ["members"], ["mirror"]])
def test_a_group_without_a_command_shows_its_help(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(line) == 2
    assert capsys.readouterr().err.startswith("Usage: deedbook")


def test_version_and_help_exit_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("deedbook ")
    assert main.run(["audit", "verify", "--help"]) == 0
    assert "--trust" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line", [["status"], ["members", "list"], ["wallet", "list"], ["serve"], ["mirror", "rebuild"]]
)
def test_without_a_home_the_reader_is_told_how_to_make_one(
    line: list[str], capsys: pytest.CaptureFixture[str], home_folder: Path
) -> None:
    assert main.run([*line, "--json"]) == 5
    said = json.loads(capsys.readouterr().err)["error"]
    assert (said["code"], said["kind"], said["hint"]) == ("not-found", "home", "create one by: deedbook init")
    assert not home_folder.exists()


def test_a_fault_of_the_program_is_words_unless_it_is_debugged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(_: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(verifying, "asked", faulty)
    monkeypatch.delenv("DEEDBOOK_DEBUG", raising=False)
    assert main.run(["x"]) == 70
    assert capsys.readouterr().err == "error: a fault of Deedbook itself: ZeroDivisionError\n"
    monkeypatch.setenv("DEEDBOOK_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main.run(["x"])


def test_an_interruption_exits_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying, "asked", interrupted)
    assert main.run(["x", "--json"]) == 130
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "interrupted"
