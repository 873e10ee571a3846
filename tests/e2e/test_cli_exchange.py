"""An exchange's acts by commands alone, on the told home of Shenzhen: rights, use, disputes, money, checkpoints."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from deedbook.cli.main import run
from tests.e2e.command_line import spawn

FIRMS = 4


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("exchange") / "home"
    answer = spawn("demo", "--story", "shenzhen", "--firms", str(FIRMS), "--lang", "en", "--home", str(home))
    assert answer.code == 0, answer.err
    return home


class Exchange:
    """A copy of the told home, and its commands."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *words: str) -> Any:
        code, out, err = self._run(*words)
        assert code == 0, (words, err)
        return json.loads(out)

    def refused(self, *words: str) -> str:
        """The contract's own error."""
        code, out, err = self._run(*words)
        assert (code, out) == (4, ""), (words, out, err)
        return str(json.loads(err)["error"]["error"])

    def file(self, name: str, content: Any) -> str:
        path = self.home.parent / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def _run(self, *words: str) -> tuple[int, str, str]:
        self._capsys.readouterr()
        code = run(["--home", str(self.home), *words, "--json"])
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return code, said.out, said.err

    def sales(self) -> list[dict[str, Any]]:
        return list(self("sales", "list")["items"])

    @property
    def asset(self) -> str:
        items = self("assets", "list")["items"]
        return str(next(item["assetId"] for item in items if item["state"] == "registered"))


@pytest.fixture
def exchange(told: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], home_folder: Path) -> Exchange:
    shutil.copytree(told, home_folder)
    return Exchange(home_folder, capsys)


def test_rights_are_listed_ended_and_granted_again(exchange: Exchange) -> None:
    asset, why = exchange.asset, exchange.file("why.txt", "the licence ends")
    (right,) = exchange("assets", "rights", asset)["items"]
    assert (right["right"], right["live"], right["modes"], right["purposes"]) == ("operate", True, ["call"], ["credit"])
    exchange("assets", "end-right", asset, "--of", "operator", "--document", why, "--as", "utility")
    (right,) = exchange("assets", "rights", asset)["items"]
    assert right["live"] is False
    process = ("--right", "process", "--mode", "call", "--purpose", "credit", "--valid-until", "+30d")
    grant = ("assets", "grant-right", asset, "--document", why, *process, "--to")
    exchange(*grant, "operator", "--as", "utility")
    assert exchange.refused(*grant, "operator", "--as", "utility") == "RightStands"
    assert exchange.refused(*grant, "utility", "--as", "utility") == "GrantorIsGrantee"
    assert exchange.refused(*grant, "utility", "--as", "operator") == "NotHolder"


def test_an_asset_is_changed_and_handed_over(exchange: Exchange) -> None:
    asset, why = exchange.asset, exchange.file("why.txt", "graded again")
    change = ("assets", "change", asset, "--source", why, "--document", why, "--as", "utility", "--level")
    exchange(*change, "1")
    assert exchange.refused(*change, "5") == "LevelNotOfGrade"
    exchange("assets", "transfer", asset, "--to", "operator", "--as", "utility")
    shown = exchange("assets", "show", asset)
    assert (shown["level"], len(shown["transfers"])) == (1, 2)
    assert exchange("assets", "rights", asset)["items"][0]["live"] is False


def test_use_is_noted_signed_by_both_and_refused_beyond_the_quota(exchange: Exchange) -> None:
    sale = exchange.sales()[1]["saleId"]  # the second bank has asked nothing yet
    receipts = str(exchange.home.parent / "uses.ndjson")
    question, answer = exchange.file("question", "?"), exchange.file("answer", "!")
    for number in (1, 2):
        words = ("--request", question, "--answer", answer, "--receipts", receipts, "--as", "gateway")
        assert exchange("usage", "note", sale, *words)["number"] == number
    _let_the_second_end()
    typed, signed = (str(exchange.home.parent / name) for name in ("typed.json", "signed.json"))
    exchange("usage", "draft", sale, "--receipts", receipts, "--out", typed)
    exchange("wallet", "sign", typed, "--as", "gateway", "--out", signed)
    done = exchange("usage", "report", sale, "--signed", signed, "--as", "operator")
    assert (done["count"], done["used"]) == ("2", "2")
    shown = exchange("usage", "show", sale)
    assert (shown["used"], shown["left"], len(shown["periods"])) == ("2", "98", 1)
    assert exchange.refused("usage", "report", sale, "--signed", signed, "--as", "operator") == "PeriodReported"
    exchange("usage", "note", sale, *words, "--units", "99")
    _let_the_second_end()
    for one in ("gateway", "operator"):
        exchange("usage", "sign", sale, "--receipts", receipts, "--as", one, "--out", f"{signed}.{one}")
    both = ("--signed", f"{signed}.gateway", "--signed", f"{signed}.operator")
    assert exchange.refused("usage", "report", sale, *both, "--as", "exchange") == "QuotaExceeded"


def _let_the_second_end() -> None:
    """A period ends after the second of its last use, and is reported after its end."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.02)


def test_a_sale_by_an_operator_is_ordered_delivered_disputed_and_refunded(exchange: Exchange) -> None:
    asset, bank = exchange.asset, exchange.file("bank.txt", "receipt of a third sale")
    terms = exchange.file("terms.txt", "queries alone")
    draft = ("offers", "draft", asset, "--price", "700", "--service", "300", "--terms", terms, "--policy", terms)
    split = ("--exchange", "exchange", "--exchange-bps", "500", "--provider-bps", "3500", "--subjects-bps", "0")
    offer = str(exchange.home.parent / "offer.json")
    more = (
        "--mode",
        "call",
        "--purpose",
        "credit",
        "--class",
        "bank",
        "--quota",
        "7",
        "--intermediary",
        "utility=6000",
    )
    exchange(*draft, *split, *more, "--as", "operator", "--out", offer)
    listed = exchange("offers", "create", offer, "--as", "operator")["offerId"]
    assert exchange.refused("offers", "create", offer, "--as", "utility") == "NotProvider"
    assert exchange.refused("sales", "order", listed, "--as", "lender") == "ClassMissing"
    sale = exchange("sales", "order", listed, "--as", "credit-bank")["saleId"]
    exchange("sales", "confirm-payment", sale, "--receipt", bank, "--as", "bank")
    exchange("sales", "prepare", sale, "--as", "operator")
    exchange("sales", "deliver", sale, "--to", "gateway", "--as", "operator")
    exchange("sales", "dispute", sale, "--document", terms, "--as", "credit-bank")
    assert exchange("sales", "show", sale)["state"] == "disputed"
    decide = ("sales", "decide", sale, "--outcome", "positive", "--document", terms, "--as")
    assert exchange.refused(*decide, "exchange") == "RoleMissing"
    exchange(*decide, "arbiter")
    back = ("revenue", "refund", sale, "--as", "bank", "--amount")
    assert exchange.refused(*back, "1001", "--receipt", exchange.file("a.txt", "a")) == "RefundBeyond"
    assert exchange(*back, "1000", "--receipt", exchange.file("b.txt", "b"))["refunded"] == "1000"
    shown = exchange("sales", "show", sale)
    assert (shown["state"], shown["refunded"], shown["dispute"]["outcome"]) == ("refunded", "1000", "positive")


def test_a_log_is_anchored_as_it_grows_and_cannot_be_rewritten(exchange: Exchange) -> None:
    lines = [json.dumps({"sale": number}) for number in range(7)]
    log = exchange.file("log.ndjson", "\n".join(lines[:3]) + "\n")
    assert exchange("anchors", "checkpoint", "--log", log, "--as", "exchange")["proof"] == 0
    exchange.file("log.ndjson", "\n".join(lines) + "\n")
    assert exchange("anchors", "checkpoint", "--log", log, "--as", "exchange")["size"] == "7"
    exchange.file("log.ndjson", "\n".join(["{}", *lines[1:], "{}"]) + "\n")
    assert exchange.refused("anchors", "checkpoint", "--log", log, "--as", "exchange") == "Inconsistent"
    exchange.file("log.ndjson", lines[0])
    assert exchange.refused("anchors", "checkpoint", "--log", log, "--as", "exchange") == "LogShrinks"
    assert exchange.refused("anchors", "checkpoint", "--log", log, "--as", "operator") == "RoleMissing"
    shown = exchange("anchors", "show", "exchange")["items"]
    assert [(each["size"], each["formerSize"]) for each in shown] == [("3", "0"), ("7", "3")]


def test_an_end_is_announced_once_and_another_home_follows(exchange: Exchange) -> None:
    why = exchange.file("why.txt", "a better one follows")
    closing = exchange("deployment", "close", "--document", why)
    assert exchange.refused("deployment", "close", "--document", why) == "AlreadyClosing"
    shown = exchange("deployment", "show")
    assert (shown["closing"]["closesAt"], shown["predecessor"]) == (closing["closesAt"], None)
    following = Exchange(exchange.home.parent / "next", exchange._capsys)
    following("init", "--successor-of", str(exchange.home))
    former = following("deployment", "show")["predecessor"]
    assert former["chainId"] == shown["chainId"]
    journalled = [address for name, address in shown["contracts"].items() if name not in ("AccessManager", "Forwarder")]
    assert [each["contract"] for each in former["contracts"]] == journalled


def test_people_are_put_off_paid_later_and_paid_again_after_a_bounce(
    demo_home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    guiyang = Exchange(demo_home, capsys)
    sale = guiyang.sales()[1]["saleId"]
    receipts = iter(guiyang.file(f"receipt-{number}.txt", f"bank batch {number}") for number in range(9))
    payout = ("revenue", "payout", sale, "--as", "bank")
    paid = guiyang(*payout, "--receipt", next(receipts), "--defer", "3", "--defer", "5")
    assert (paid["end"], paid["deferred"]) == (11, 2)
    bounced = guiyang("revenue", "bounce", sale, "--place", "10", "--receipt", next(receipts), "--as", "bank")
    assert (bounced["list"], bounced["count"]) == (0, 1)
    listed = guiyang("revenue", "lists", sale)["items"]
    assert [(each["list"], each["ordinals"], each["bounced"]) for each in listed] == [
        (1, [3, 5], False),
        (2, [10], True),
    ]
    assert guiyang("revenue", "show", sale)["waiting"] == 3

    put_off_again = guiyang(*payout, "--list", "1", "--receipt", next(receipts), "--defer", "1")
    assert (put_off_again["first"], put_off_again["end"]) == (0, 2)
    assert guiyang("revenue", "lists", sale)["items"][2]["ordinals"] == [5]
    for number in ("2", "3"):
        guiyang(*payout, "--list", number, "--receipt", next(receipts))
    shown = guiyang("revenue", "show", sale)
    assert (shown["waiting"], int(shown["paidOut"])) == (0, 11 * int(shown["perHead"]))
    assert guiyang.refused(*payout, "--receipt", next(receipts)) == "PayoutEmpty"
    again = ("revenue", "bounce", sale, "--place", "0", "--receipt", next(receipts), "--as", "bank", "--list", "3")
    assert guiyang(*again)["count"] == 1


def test_a_member_changes_in_what_is_named_alone(exchange: Exchange) -> None:
    before = exchange("members", "show", "lender")
    exchange("members", "change", "lender", "--licence", "bank")
    after = exchange("members", "show", "lender")
    assert after["licences"] == ["bank"]
    assert all(after[name] == before[name] for name in ("roles", "jurisdiction", "validUntil", "state"))


def test_what_derives_from_another_may_name_who_attested_that_nobody_is_in_it(exchange: Exchange) -> None:
    source, parent = exchange.file("source.txt", "sums over industries; synthetic"), exchange.asset
    register = ("assets", "register", "--source", source, "--kind", "derived", "--parent", parent)
    low = ("--grade", "general", "--level", "1", "--as", "operator")
    made = exchange(*register, *low, "--deidentified-by", "law-firm")["assetId"]
    descriptor = "0x" + "11" * 32
    publish = ("assets", "publish", made, "--descriptor", descriptor, "--content-root", descriptor, "--count", "6")
    assert exchange("assets", "show", made)["parents"] == [parent]
    exchange(*publish, "--as", "operator")
