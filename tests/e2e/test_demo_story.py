"""The demo as a person sees it: what it says, what it leaves, and what an outsider makes of that."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from deedbook.bootstrap.services import Services
from deedbook.config import load
from tests.e2e.command_line import Answer, CommandLine, spawn

STEPS = 18


def verify(home: Path, *words: str, before: tuple[str, ...] = ()) -> Answer:
    return spawn("audit", "verify", str(home / "sale-1.deed"), *words, before=before)


def test_the_story_is_told_in_english_with_every_step(demo: tuple[Path, Answer]) -> None:
    said = demo[1].out
    assert demo[1].err == ""
    assert [int(number) for number in re.findall(r"^ ?(\d+)\. ", said, re.MULTILINE)] == list(range(1, STEPS + 1))
    for words in (
        "refused by the contract itself: AttestationMissing",
        "12 people x",
        "2 of the first 3 people name a payee by signed message, kept sealed: bank-account *",
        "bank batch 1: a file of ",
        "bytes; to be paid: 2, put off: 1",
        "the one put off names a payee now: bank-account *",
        "bank batch 2: a file of ",
        "bytes; to be paid: 1, put off: 0",
        "the person who withdrew is not among them",
        "one byte changed: refused - claims.price",
        "equal byte for byte",
    ):
        assert words in said


def test_every_act_of_the_story_shows_transaction_block_and_gas(demo: tuple[Path, Answer]) -> None:
    acts = re.findall(r"\[tx 0x[0-9a-f]{12}… block (\d+) gas ([\d,]+)\]", demo[1].out)
    blocks = [int(block) for block, _ in acts]
    assert len(acts) >= 30
    assert blocks == sorted(set(blocks))


def test_the_story_is_told_in_chinese(tmp_path: Path) -> None:
    answer = spawn("demo", "--people", "2", "--lang", "zh", "--home", str(tmp_path / "home"))
    assert (answer.code, answer.err) == (0, "")
    for words in (
        "接纳会员",
        "合约拒绝:AttestationMissing",
        "签名指定收款账户",
        "暂缓1人",
        "撤回授权者不在其中",
        "逐字节一致",
    ):
        assert words in answer.out
    assert re.search(r"\[tx 0x[0-9a-f]{12}… 区块 \d+ 燃料 [\d,]+\]", answer.out)


def test_in_a_pipe_nothing_controls_a_terminal(demo: tuple[Path, Answer]) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", demo[1].out)


def test_shares_add_up_to_the_price_in_the_printed_line(demo: tuple[Path, Answer]) -> None:
    lines = [line for line in demo[1].out.splitlines() if "+ carried in" in line]
    assert len(lines) == 2
    for line in lines:
        price, carry_in, exchange, merchant, each, carry_on = (
            int(text.replace(",", "").replace(".", "")) for text in re.findall(r"¥([\d,.]+)", line)
        )
        people = int(re.search(r"(\d+) people x", line)[1])  # type: ignore[index]
        assert price + carry_in == exchange + merchant + people * each + carry_on


def test_everybody_of_the_first_sale_is_paid_and_whoever_was_put_off_too(cli: CommandLine) -> None:
    first = next(each for each in cli.done("sales", "list")["items"] if each["payouts"])
    shown = cli.done("revenue", "show", first["saleId"])
    assert [(each["list"], each["fromOrdinal"], each["toOrdinal"]) for each in shown["payouts"]] == [
        (0, 0, 3),
        (0, 3, 12),
        (1, 0, 1),
    ]
    assert (shown["paidUpTo"], shown["waiting"]) == (shown["deliveredCount"], 0)
    assert sum(int(each["total"]) for each in shown["payouts"]) == int(shown["perHead"]) * 12


def test_bundle_and_trust_are_left_and_verify(demo: tuple[Path, Answer]) -> None:
    home, _ = demo
    answer = verify(home, "--trust", str(home / "trust.json"))
    assert answer.code == 0, answer.out
    assert answer.out.splitlines()[-1].startswith("valid")


def test_without_a_trust_nothing_is_decided(demo: tuple[Path, Answer]) -> None:
    assert verify(demo[0]).code == 2


def test_another_demos_trust_is_another_chain(demo: tuple[Path, Answer], tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert spawn("demo", "--people", "2", "--home", str(other)).code == 0
    answer = verify(demo[0], "--trust", str(other / "trust.json"))
    assert answer.code == 1, answer.out


def test_verification_needs_no_network(demo: tuple[Path, Answer]) -> None:
    if subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True).returncode:
        pytest.skip("unshare -rn is not allowed here")
    home, _ = demo
    assert verify(home, "--trust", str(home / "trust.json"), before=("unshare", "-rn")).code == 0


def test_one_flipped_byte_in_the_bundle_is_refused(demo: tuple[Path, Answer], tmp_path: Path) -> None:
    home, _ = demo
    content = bytearray((home / "sale-1.deed").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "sale-1.deed").write_bytes(content)
    answer = verify(tmp_path, "--trust", str(home / "trust.json"))
    assert answer.code == 1, answer.out


def test_the_demos_home_lets_itself_be_checked(cli: CommandLine) -> None:
    assert cli("mirror", "rebuild", "--check").code == 0
    status = cli.done("status")
    assert status["healthy"] is True
    assert status["keyGeneration"] == 2


def test_told_as_json_the_story_goes_to_standard_error(tmp_path: Path) -> None:
    home = tmp_path / "home"
    answer = spawn("demo", "--people", "2", "--lang", "en", "--home", str(home), "--json")
    assert answer.code == 0
    assert answer.json["people"] == 2
    assert answer.json["bundle"] == str(home / "sale-1.deed")
    assert "18. The database" in answer.err


@pytest.mark.parametrize("people", ["1", "0", "-3", "28156", "abc", "", "1.5"])
def test_an_impossible_number_of_people_is_a_usage_error(people: str, tmp_path: Path) -> None:
    answer = spawn("demo", "--people", people, "--home", str(tmp_path / "home"))
    assert answer.code == 2
    assert "people" in answer.err
    assert not (tmp_path / "home").exists()


def test_another_language_is_a_usage_error(tmp_path: Path) -> None:
    answer = spawn("demo", "--lang", "fr", "--home", str(tmp_path / "home"))
    assert (answer.code, answer.err) == (2, "error: lang: must be zh or en\n")


def test_the_wallets_of_the_story_can_be_opened_again(demo_home: Path) -> None:
    with Services.open(load(demo_home, {})) as services:
        labels = [label for label in services.seeds.labels() if label.startswith("person-")]
    assert len(labels) == 12
    marker = json.loads((demo_home / "demo.json").read_text())
    assert marker["state"] == "told"
