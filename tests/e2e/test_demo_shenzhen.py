"""The story of Shenzhen as a person sees it: what it says, what it leaves, and what an outsider makes of that."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from deedbook.domain.usage import receipts_in, receipts_root
from tests.e2e.command_line import Answer, CommandLine, command, environment, spawn

STEPS = 22
FIRMS = 6


def words(home: Path, *more: str) -> list[str]:
    return ["demo", "--story", "shenzhen", "--firms", str(FIRMS), "--lang", "en", "--home", str(home), *more]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    home = tmp_path_factory.mktemp("shenzhen") / "home"
    answer = spawn(*words(home))
    assert answer.code == 0, answer.err
    return home, answer


@pytest.fixture
def at_home(told: tuple[Path, Answer], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line on a copy of the told home."""
    shutil.copytree(told[0], tmp_path / "home")
    return CommandLine(tmp_path / "home", capsys)


def test_every_step_is_told_and_the_contracts_refuse_in_their_own_words(told: tuple[Path, Answer]) -> None:
    said = told[1].out
    assert told[1].err == ""
    assert [int(number) for number in re.findall(r"^ ?(\d+)\. ", said, re.MULTILINE)] == list(range(1, STEPS + 1))
    assert re.findall(r"act (\d) of 6: ([a-z ]+)", said) == [
        ("1", "first registration"),
        ("2", "change"),
        ("3", "licence"),
        ("4", "transfer"),
        ("5", "cancellation"),
        ("6", "objection"),
    ]
    assert re.findall(r"refused by the contract itself: (\w+)", said) == ["ClassMissing", "QuotaExceeded", "Held"]
    for line in ("no such firm exists", "100 of 100 used", "certificate no. 2", "equal byte for byte"):
        assert line in said
    assert f"delivered: one envelope for {FIRMS} records" in said
    assert f"delivered: one envelope for {FIRMS - 1} records" in said


def test_the_banks_order_by_signature_and_the_exchange_sends(at_home: CommandLine) -> None:
    """The events are the banks', whoever paid for the transaction; the bundle of the first sale says so (see below)."""
    acts = at_home.done("relayed", "list")["items"]
    buyers = {each["buyer"] for each in at_home.done("sales", "list")["items"]}
    assert {each["member"] for each in acts} == buyers
    assert {(each["act"], each["state"]) for each in acts} == {("Market.order", "done")}
    assert at_home.done("wallet", "address", "exchange")["address"] not in buyers


def test_every_act_shows_transaction_block_and_gas(told: tuple[Path, Answer]) -> None:
    blocks = [int(block) for block in re.findall(r"\[tx 0x[0-9a-f]{12}… block (\d+) gas [\d,]+\]", told[1].out)]
    assert len(blocks) >= 40
    assert blocks == sorted(set(blocks))


def test_shares_add_up_to_the_price_in_the_printed_line(told: tuple[Path, Answer]) -> None:
    lines = [line for line in told[1].out.splitlines() if "= exchange" in line]
    assert len(lines) == 2
    for line in lines:
        price, *shares = (int(re.sub("[,.]", "", text)) for text in re.findall(r"¥([\d,.]+)", line))
        assert price == sum(shares)


def test_bundle_and_trust_are_left_and_verify(told: tuple[Path, Answer]) -> None:
    home, _ = told
    answer = spawn("audit", "verify", str(home / "sale-1.deed"), "--trust", str(home / "trust.json"))
    assert answer.code == 0, answer.out
    assert "usage.metered" in answer.out


def test_the_receipts_left_are_those_that_the_chain_counted(told: tuple[Path, Answer], at_home: CommandLine) -> None:
    receipts = receipts_in((told[0] / "usage-1.ndjson").read_bytes().splitlines())
    assert [receipt.number for receipt in receipts] == list(range(1, 101))
    shown = at_home.done("usage", "show", "0x" + receipts[0].sale_id.hex())
    roots = [receipts_root(receipts[:60]), receipts_root(receipts[60:])]
    assert [period["receiptsRoot"] for period in shown["periods"]] == ["0x" + root.hex() for root in roots]


def test_everything_synthetic_says_so(told: tuple[Path, Answer], at_home: CommandLine) -> None:
    said = told[1].out
    assert "synthetic firms" in said
    assert "(synthetic)" in said
    assert at_home("mirror", "rebuild", "--check").code == 0


def test_the_story_is_told_in_chinese(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer = spawn("demo", "--story", "shenzhen", "--firms", "2", "--home", str(home))
    assert (answer.code, answer.err) == (0, "")
    for text in ("均非真实企业", "登记(六)异议登记", "合约拒绝:QuotaExceeded", "逐字节一致"):
        assert text in answer.out


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (("--firms", "1"), "firms"),
        (("--firms", "5001"), "firms"),
        (("--people", "3"), "people"),
        (("--story", "beijing"), "story"),
    ],
)
def test_an_impossible_story_is_a_usage_error(given: tuple[str, ...], named: str, tmp_path: Path) -> None:
    answer = spawn("demo", "--story", "shenzhen", "--home", str(tmp_path / "home"), *given)
    assert answer.code == 2
    assert answer.err.startswith(f"error: {named}: ")
    assert not (tmp_path / "home").exists()


def test_firms_belong_to_shenzhen(tmp_path: Path) -> None:
    answer = spawn("demo", "--firms", "3", "--home", str(tmp_path / "home"))
    assert (answer.code, answer.err) == (2, "error: firms: belongs to the story of shenzhen\n")


@pytest.mark.slow
@pytest.mark.parametrize("text", ["the bank confirms", "queries reported", "held", "22. "])
def test_killed_the_same_command_starts_clean_and_a_told_one_is_set_aside(text: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = subprocess.Popen(command(*words(home)), stdout=subprocess.PIPE, text=True, env=environment())
    assert process.stdout is not None
    while text not in (line := process.stdout.readline()):
        assert line, process.wait()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = spawn(*words(home))
    assert again.code == 0, again.err
    assert again.out.startswith("this home held a demo that was cut short: starting clean\n")
