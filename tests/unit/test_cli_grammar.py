"""Text as identifiers, codes, times and JSON: what is taken, and how a refusal is named."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

import pytest

from deedbook.cli import acts, grammar
from deedbook.domain.codes import AttestationKind, Licence, Mode, Role
from deedbook.errors import InvalidFormat, InvalidInput

NOW = 1_800_000_000


def test_codes_are_taken_by_name_and_number() -> None:
    assert grammar.code(AttestationKind, "legal-opinion", "kind") == 1
    assert grammar.code(AttestationKind, "99", "kind") == 99
    assert grammar.bits(Role, ["buyer", "operator"], "role") == int(Role.BUYER | Role.OPERATOR)
    assert grammar.codes_of(Licence, ["law-firm", "employer", "employer"], "licence") == (256, 259)


@pytest.mark.parametrize("codes", [AttestationKind, Licence])
def test_an_unknown_code_is_named_with_those_there_are(codes: type[IntEnum]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        grammar.code(codes, "nonsense", "kind")
    assert refusal.value.field == "kind"
    assert str(next(iter(codes)).name).lower().replace("_", "-") in refusal.value.reason


def test_a_mode_is_a_bit() -> None:
    assert grammar.code(Mode, "joint-model", "mode") == int(Mode.JOINT_MODEL)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1800000000", NOW),
        ("2027-01-15", 1_799_971_200),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T16:00:00+08:00", NOW),
        ("+90d", NOW + 90 * 86_400),
        ("+1y", NOW + 365 * 86_400),
        ("+0s", NOW),
    ],
)
def test_moments_are_read(text: str, found: int) -> None:
    assert grammar.moment(text, "valid-until", NOW) == found


@pytest.mark.parametrize("text", ["", "soon", "-90d", "+90", "2027-13-01", "90d", "+1w", "1" * 13])
def test_other_moments_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        grammar.moment(text, "valid-until", NOW)
    assert refusal.value.field == "valid-until"


def test_an_asset_is_named_in_decimal_or_hex() -> None:
    assert grammar.asset_of("7") == grammar.asset_of("0x" + "00" * 31 + "07") == 7
    assert grammar.asset_of(str(2**256 - 1)) == 2**256 - 1


@pytest.mark.parametrize("text", ["", "-1", "0x07", "1.5", "seven", str(2**256), "1" * 79, "٣"])
def test_other_assets_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        grammar.asset_of(text)
    assert refusal.value.field == "asset"


@pytest.mark.parametrize("text", ["", "-1", "1.50", "1e3", "1" * 40])
def test_an_amount_is_whole(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        grammar.amount(text, "price")
    assert refusal.value.field == "price"


@pytest.mark.rule("malformed-json")
@pytest.mark.parametrize(
    ("text", "line", "column"),
    [('{"a": }', 1, 7), ('{\n "a": 1,\n}', 3, 1), ("", 1, 1), ('{"a": 1} x', 1, 10)],
)
def test_malformed_json_is_refused_by_line_and_column(text: str, line: int, column: int, tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(InvalidFormat) as refusal:
        grammar.json_of(str(tmp_path / "f.json"))
    assert (refusal.value.fields["line"], refusal.value.fields["column"]) == (line, column)
    assert refusal.value.field == str(tmp_path / "f.json")


@pytest.mark.rule("malformed-json")
@pytest.mark.parametrize("text", [b'{"a": 1, "a": 2}', b"[NaN]", b"\xff", b"[1e999]", b"[" * 100, b'["\\ud800"]'])
def test_ambiguous_json_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidFormat) as refusal:
        grammar.json_in(text, "consent.json")
    assert refusal.value.field == "consent.json"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for name in (str(tmp_path / "none"), str(tmp_path), "a\0b"):
        with pytest.raises(InvalidInput) as refusal:
            grammar.content_of(name, "descriptor")
        assert refusal.value.field == "descriptor"
    with pytest.raises(InvalidInput) as refusal:
        grammar.write(str(tmp_path / "none" / "f"), b"x")
    assert refusal.value.field == "out"


def test_values_are_shown_in_words() -> None:
    assert [acts.plain(value) for value in (None, True, False, b"\x01", [], ["a", "b"], 7)] == [
        "-",
        "yes",
        "no",
        "0x01",
        "none",
        "a, b",
        "7",
    ]
    assert acts.spaced("envelopeHash") == "envelope hash"


def test_nested_values_are_shown_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    acts.show({"saleId": "0x01", "steps": [{"event": "SaleOrdered", "block": 3}], "split": {"bps": 5}, "n": []}, False)
    assert capsys.readouterr().out == (
        "sale id: 0x01\nsteps:\n  - event: SaleOrdered\n    block: 3\nsplit:\n  bps: 5\nn: none\n"
    )


def test_rows_stand_under_their_columns(capsys: pytest.CaptureFixture[str]) -> None:
    acts.show_rows([{"kind": "raw", "n": 1}, {"kind": "a", "n": None}], ("kind", "n"), as_json=False)
    assert capsys.readouterr().out == "kind  n\nraw   1\na     -\n"
    acts.show_rows([], ("kind",), as_json=False)
    assert capsys.readouterr().out == "none\n"
