"""The whole of a mirror by commands: lineage, flow, statement, alerts, exports; and the same over HTTP."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.e2e.command_line import CommandLine


def asset_of(cli: CommandLine) -> str:
    return str(cli.done("assets", "list")["items"][0]["assetId"])


def test_an_asset_that_came_from_nothing_has_no_lineage(cli: CommandLine) -> None:
    asset = asset_of(cli)
    assert cli.done("assets", "lineage", asset) == {"items": [], "after": None}
    assert cli.done("assets", "lineage", asset, "--down")["items"] == []
    assert cli("assets", "lineage", asset).out == "none\n"
    assert cli("assets", "lineage", "7", "--json").error["code"] == "not-found"
    assert cli("assets", "lineage", asset, "--after", "x", "--json").error["code"] == "invalid-input"


def test_the_flow_names_every_sale(cli: CommandLine) -> None:
    sales = cli.done("sales", "list")["items"]
    found = cli.done("assets", "flow", asset_of(cli))["items"]
    assert [each["saleId"] for each in found] == [each["saleId"] for each in sales]
    assert {"buyer", "offerId", "purpose", "state", "deliveredCount", "steps", "divided"} <= set(found[0])
    assert found[0]["saleId"] in cli("assets", "flow", asset_of(cli)).out


def test_a_providers_statement_adds_up(cli: CommandLine) -> None:
    offer = cli.done("offers", "list")["items"][0]
    said = cli.done("members", "statement", offer["provider"])
    (total,) = said["totals"]
    assert said["sales"] == len(said["items"]) == total["sales"]
    parts = sum(int(total[part]) for part in ("exchange", "provider", "intermediaries", "people", "carried"))
    assert int(total["settled"]) == parts
    assert said["items"] == cli.done("sales", "list", "--provider", offer["provider"])["items"]
    assert total["currency"] in cli("members", "statement", offer["provider"]).out


def test_alerts_are_listed(cli: CommandLine) -> None:
    found = cli.done("mirror", "alerts")
    assert set(found) == {"items", "after"}
    ranks = ["critical", "warning", "notice"]
    assert [each["severity"] for each in found["items"]] == sorted(
        (each["severity"] for each in found["items"]), key=ranks.index
    )
    later = cli.done("mirror", "alerts", "--within", "3650")["items"]
    assert {each["code"] for each in found["items"]} <= {each["code"] for each in later}


def test_tables_and_answers_become_files(cli: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "sales.csv"
    said = cli.done("mirror", "export", "sales", "--out", str(out))
    assert said == {"file": str(out), "relation": "sales", "rows": len(cli.done("sales", "list")["items"])}
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["sale_id"] for row in csv.DictReader(file)]
    assert not list(tmp_path.glob("*.part"))
    asset, provider = asset_of(cli), cli.done("offers", "list")["items"][0]["provider"]
    for words in (
        ("flow", "--of", asset),
        ("ancestors", "--of", asset),
        ("descendants", "--of", asset),
        ("provider", "--of", provider),
        ("alerts",),
    ):
        printed = cli("mirror", "export", *words, "--out", "-")
        assert printed.code == 0, printed.err
        assert "," in printed.out.splitlines()[0]


def test_a_parquet_file_is_written(cli: CommandLine, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow comes with deedbook[parquet]")
    out = tmp_path / "logs.parquet"
    said = cli.done("mirror", "export", "logs", "--format", "parquet", "--out", str(out))
    assert parquet.read_table(out).num_rows == said["rows"] > 0


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (("nothing",), "relation"),
        (("undo",), "relation"),
        (("flow",), "of"),
        (("sales", "--of", "1"), "of"),
        (("flow", "--of", "x"), "of"),
        (("sales", "--format", "xls"), "format"),
    ],
)
def test_an_export_of_nothing_known_is_a_usage_error(
    line: tuple[str, ...], field: str, cli: CommandLine, tmp_path: Path
) -> None:
    answer = cli("mirror", "export", *line, "--out", str(tmp_path / "out"), "--json")
    assert (answer.code, answer.error["field"]) == (2, field)
    assert list(tmp_path.glob("out*")) == []


def test_a_file_that_cannot_be_written_is_named(cli: CommandLine, tmp_path: Path) -> None:
    answer = cli("mirror", "export", "sales", "--out", str(tmp_path / "no" / "out.csv"), "--json")
    assert (answer.code, answer.error["code"]) == (2, "invalid-input")
    printed = cli("mirror", "export", "sales", "--format", "parquet", "--out", "-", "--json")
    assert (printed.code, printed.out) == (2, "")
