"""`deedbook chain` as an operator types it."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from deedbook.bootstrap.home import Home, write_bytes
from deedbook.chain.extradata import decode_qbft
from deedbook.cli.main import run
from deedbook.domain.validators import Span, Validators

OWNER = ["--owner", "10001:10001"] if os.getuid() == 0 else []
SEALERS = [f"0x{digit * 40}" for digit in "1234"]


def test_one_command_makes_a_network_and_says_who_seals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["chain", "genesis", "--out", str(tmp_path / "net"), "--chain-id", "77", "--consensus", "qbft"]
    assert run([*words, "--validators", "2", "--services", *OWNER, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    genesis = json.loads((tmp_path / "net" / "network" / "genesis.json").read_text())
    sealing = decode_qbft(bytes.fromhex(genesis["extraData"][2:])).validators
    assert [bytes.fromhex(account[2:]) for account in said["validators"]] == list(sealing)
    assert said["nodes"].keys() == {"validator-1", "validator-2", "rpc-1"}
    assert run([*words, "--validators", "2", "--services", *OWNER]) == 0
    told = capsys.readouterr().out
    assert "validator-1    seals as 0x" in told
    key = (tmp_path / "net" / "nodes" / "validator-1" / "key").read_text().strip()
    assert key not in told


def test_another_plan_for_the_same_folder_is_a_conflict(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["chain", "genesis", "--out", str(tmp_path / "net"), "--consensus", "qbft", "--validators", "1"]
    assert run([*words, "--chain-id", "77"]) == 0
    assert run([*words, "--chain-id", "78"]) == 6
    assert "of another plan" in capsys.readouterr().err


def test_a_chain_id_is_never_assumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["chain", "genesis", "--out", str(tmp_path / "net"), "--consensus", "qbft"]) == 2
    assert "chain_id" in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


def test_a_nodes_table_is_what_a_plan_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["chain", "node", "validator-1", "--host", "10.0.0.7", "--out", str(tmp_path / "net")]
    assert run(words) == 0
    table = capsys.readouterr().out
    assert run(words) == 0
    assert capsys.readouterr().out == table
    (member,) = tomllib.loads(table)["member"]
    assert (member["name"], member["host"], member["port"], member["validator"]) == (
        "validator-1",
        "10.0.0.7",
        30303,
        True,
    )
    plan = tmp_path / "plan.toml"
    plan.write_text('chain_id = 7\nconsensus = "qbft"\n' + table)
    assert run(["chain", "genesis", "--config", str(plan), "--out", str(tmp_path / "net"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["validators"] == [member["account"]]


def test_who_seals_is_extended_by_hand_and_never_rewritten(
    home_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home.create(home_folder)
    assert run(["chain", "validators"]) == 5
    first = Validators("qbft", (Span(0, tuple(bytes.fromhex(account[2:]) for account in SEALERS[:3])),))
    write_bytes(home.validators, first.encode())
    later = ["chain", "validators", "--from-block", "100"] + [word for each in SEALERS for word in ("--account", each)]
    assert run([*later, "--json"]) == 0
    spans = json.loads(capsys.readouterr().out)["spans"]
    assert [(span["fromBlock"], len(span["accounts"])) for span in spans] == [(0, 3), (100, 4)]
    assert run(["chain", "validators", "--from-block", "99", "--account", SEALERS[0]]) == 6
    assert run(["chain", "validators", "--account", SEALERS[0]]) == 2
    capsys.readouterr()
    assert run(["chain", "validators"]) == 0
    assert "qbft from block 100: 4 seal" in capsys.readouterr().out
