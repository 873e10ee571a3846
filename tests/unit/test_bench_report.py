"""What a bench writes has the form that others read, and its floors follow the fee schedule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deedbook.domain.hashing import sha256
from deedbook.domain.merkle import rfc9162_leaf, rfc9162_node, rfc9162_root
from tests.bench.logs import UniformLog
from tests.bench.report import Row, markdown, write
from tests.bench.schedule import Floor, calldata_gas

ROWS = [
    Row("1. a batch", 79_675, "gas", "a peer, each", 175_491, "<= 80,000", True),
    Row("1. the same, for one", 0.079675, "gas", "a peer", 175_491),
]


def test_a_report_has_the_members_that_are_promised(tmp_path: Path) -> None:
    assert write("toy", "a machine", ROWS, folder=tmp_path)
    report = json.loads((tmp_path / "toy.json").read_text(encoding="utf-8"))
    assert list(report) == ["name", "machine", "rows"]
    assert report["rows"][0] == {
        "what": "1. a batch",
        "value": 79_675,
        "unit": "gas",
        "against": "a peer, each: 175,491",
        "ratio": 0.454,
        "bar": "<= 80,000",
        "holds": True,
    }
    assert report["rows"][1]["bar"] is None


def test_one_bar_that_does_not_hold_fails_the_bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert not write(
        "toy", "a machine", [*ROWS, Row("2. too dear", 9, "gas", bar="<= 8", holds=False)], folder=tmp_path
    )
    assert "NO" in capsys.readouterr().out.splitlines()[-1]


def test_a_table_for_people_has_a_line_a_row() -> None:
    lines = markdown("toy", "a machine", ROWS).splitlines()
    assert lines[0] == "# make bench-toy"
    assert lines[-1] == "| 1. the same, for one | 0.08 | gas | a peer 175,491 | 4.5e-07 |  |  |"


def test_a_floor_is_the_sum_of_its_parts_and_a_fifth_at_most_comes_back() -> None:
    assert calldata_gas(bytes(4) + b"\x01\x02") == 4 * 4 + 2 * 16
    floor = Floor(size=6, calldata=48, words=22_100, logs=1_500, precompiles=3_000, creations=0, refund=4_800)
    assert floor.intrinsic == 21_048
    assert floor.total == 21_048 + 22_100 + 1_500 + 3_000 - 4_800
    assert Floor(0, 0, 0, 0, 0, 0, 9_600).total == 21_000 - 4_200


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
def test_a_uniform_log_has_the_roots_of_rfc_9162(size: int) -> None:
    assert UniformLog(b"entry").root(size) == rfc9162_root([b"entry"] * size)


def test_a_uniform_log_proves_what_the_standard_shows() -> None:
    """RFC 9162, 2.1.5: from 3 to 7 entries, the proof is c, d, g, l; all leaves alike, so c = d."""
    leaf = rfc9162_leaf(b"entry")
    pair = rfc9162_node(leaf, leaf)
    left_over = rfc9162_node(pair, leaf)
    assert UniformLog(b"entry").consistency(3, 7) == [leaf, leaf, pair, left_over]
    assert UniformLog(b"entry").consistency(4, 7) == [left_over]
    assert UniformLog(b"entry").consistency(7, 7) == []
    assert len(UniformLog(sha256(b"entry")).consistency(2**24 - 1, 2**24 + 10**6)) == 26
