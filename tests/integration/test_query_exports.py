"""Exports: every row, once, as it is, in a file that spreadsheets and programs read alike."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from deedbook.domain.hashing import checksum_address, to_hex
from deedbook.errors import InvalidInput
from deedbook.mirror import schema
from deedbook.mirror.store import Mirror
from deedbook.queries import exports
from deedbook.queries.alerts import alerts
from deedbook.queries.exports import Field, Kind, Relation, neutral, original, write_csv
from deedbook.queries.parquet import write_parquet
from deedbook.queries.rows import Reading
from tests import ledger_story as story
from tests.mirror_stage import ENGINES, MirrorStage, copied, sale_row, time_of
from tests.postgresql_server import Server

Url = Callable[[], str]
ANSWERS: dict[str, Callable[[], Relation]] = {
    "ancestors": lambda: exports.lineage_relation(story.ASSET, down=False),
    "descendants": lambda: exports.lineage_relation(story.ASSET, down=True),
    "flow": lambda: exports.flow_relation(story.ASSET),
    "provider": lambda: exports.provider_relation(story.PROVIDER),
    "alerts": lambda: exports.alerts_relation(lambda mirror, after: alerts(mirror, time_of(50), limit=1, after=after)),
}


@pytest.fixture(scope="module", params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Url]:
    server = Server() if request.param == "postgresql" else None
    folder: Path = tmp_path_factory.mktemp("mirrors")
    made = iter(range(1000))
    yield lambda: server.new() if server else f"sqlite:///{folder}/{next(made)}.sqlite"
    if server:
        server.close()


@pytest.fixture(scope="module")
def mirror(url: Url) -> Iterator[Mirror]:
    copy = copied(url(), [*story.story(), *story.aside()])
    yield copy
    copy.close()


@pytest.fixture(scope="module")
def stage(url: Url) -> Iterator[MirrorStage]:
    stage = MirrorStage(url())
    yield stage
    stage.mirror.close()


def read_csv(relation: Relation, mirror: Reading) -> list[dict[str, str]]:
    sink = io.BytesIO()
    count = write_csv(relation, mirror, sink)
    rows = list(csv.DictReader(io.StringIO(sink.getvalue().decode(), newline=""), strict=True))
    assert len(rows) == count
    return rows


def told(rows: list[tuple[Any, ...]]) -> Relation:
    kinds = {"text": Kind.TEXT, "number": Kind.NUMBER, "wide": Kind.DECIMAL, "flag": Kind.FLAG}
    return Relation("told", tuple(Field(name, kind) for name, kind in kinds.items()), lambda _: iter(rows))


class Nothing:
    """A mirror that nobody asks."""

    def reading(self) -> Any:
        raise AssertionError


ANY = st.text(st.characters(codec="utf-8"), max_size=20)
BEGINNINGS = st.builds(
    lambda quotes, sign: "'" * quotes + sign, st.integers(0, 3), st.sampled_from("=+-@\t\r\n＝＋－＠")
)
TEXTS = st.one_of(ANY, st.builds(str.__add__, BEGINNINGS, ANY))
WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(TEXTS, WHOLE, st.integers(-(2**256), 2**256).map(str), st.booleans()), max_size=20))
def test_what_is_written_as_csv_is_read_back(rows: list[tuple[Any, ...]]) -> None:
    found = read_csv(told(rows), Nothing())
    flags = {"true": True, "false": False}
    assert [(original(row["text"]), int(row["number"]), row["wide"], flags[row["flag"]]) for row in found] == rows


@given(TEXTS)
def test_no_text_begins_as_a_formula_does(text: str) -> None:
    cell = neutral(text)
    assert not cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))
    assert original(cell) == text


def test_numbers_stay_numbers_and_nothing_differs_from_an_empty_text() -> None:
    sink = io.BytesIO()
    rows: list[tuple[Any, ...]] = [("=1+1", -5, "-7", True), ("", 0, str(2**256), False)]
    rows += [(None, None, None, None), ('a"b,c\r\n', 1, "1", True)]
    assert write_csv(told(rows), Nothing(), sink) == 4
    assert sink.getvalue() == (
        b"text,number,wide,flag\r\n"
        b"'=1+1,-5,-7,true\r\n"
        b'"",0,' + str(2**256).encode() + b",false\r\n"
        b",,,\r\n"
        b'"a""b,c\r\n",1,1,true\r\n'
    )


@pytest.mark.parametrize("name", exports.TABLES)
def test_every_table_is_exported_whole(mirror: Mirror, name: str) -> None:
    rows = read_csv(exports.table_relation(name), mirror)
    table = schema.metadata.tables[name]
    with mirror.reading() as connection:
        assert len(rows) == connection.execute(select(func.count()).select_from(table)).scalar_one()
    if rows:
        assert list(rows[0]) == [column.name for column in table.columns]


def test_cells_are_what_the_rest_of_the_program_says(mirror: Mirror) -> None:
    rows = {row["sale_id"]: row for row in read_csv(exports.table_relation("sales"), mirror)}
    sale = rows[to_hex(story.SALE)]
    assert (sale["buyer"], sale["price"], sale["currency"]) == (checksum_address(story.BUYER), "11000", "CNY")
    assert (sale["accepted_by_timeout"], sale["delivered_count"]) == ("false", "6")
    asset = read_csv(exports.table_relation("offers"), mirror)[0]
    assert asset["valid_until"] == str(story.FAR)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_answer_is_exported_to_its_last_page(mirror: Mirror, name: str) -> None:
    rows = read_csv(ANSWERS[name](), mirror)
    if name == "flow":
        assert {row["asset_id"] for row in rows} == {str(story.ASSET)}
        assert rows[0]["sale_id"] == to_hex(story.SALE)
        assert '"event":"SaleOrdered"' in rows[0]["steps"]
    if name == "alerts":
        assert {row["code"] for row in rows} >= {"attestation-lacking"} or rows
    if name in ("ancestors", "descendants"):
        assert rows == []


@pytest.mark.parametrize("name", [*exports.TABLES, *ANSWERS])
def test_parquet_says_what_csv_says(mirror: Mirror, name: str) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow comes with deedbook[parquet]")
    relation = ANSWERS[name]() if name in ANSWERS else exports.table_relation(name)
    sink = io.BytesIO()
    count = write_parquet(relation, mirror, sink)
    table = parquet.read_table(io.BytesIO(sink.getvalue()))
    types = {Kind.NUMBER: "int64", Kind.FLAG: "bool"}
    assert [(each.name, str(each.type)) for each in table.schema] == [
        (each.name, types.get(each.kind, "string")) for each in relation.fields
    ]
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert len(rows) == count
    assert rows == list(relation.rows(mirror))


def test_a_long_export_is_streamed_in_little_memory(stage: MirrorStage, tmp_path: Path) -> None:
    stage.clear()
    stage.blocks([0])
    for start in range(0, 20_000, 5_000):
        stage.add(schema.sales, [sale_row(number) for number in range(start, start + 5_000)])

    class Counting(io.RawIOBase):
        size = 0

        def write(self, given: Any) -> int:
            self.size += len(given)
            return len(given)

    sink = Counting()
    tracemalloc.start()
    try:
        assert write_csv(exports.table_relation("sales"), stage.mirror, sink) == 20_000  # type: ignore[arg-type]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sink.size > 5_000_000
    assert peak < sink.size / 2


@pytest.mark.parametrize("name", ["", "meta", "undo", "orphan_logs", "sales; drop table sales", "nothing"])
def test_what_is_no_table_of_the_chain_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        exports.table_relation(name)
    assert refused.value.field == "relation"


def test_without_pyarrow_a_parquet_file_is_refused_with_a_hint(root: Path) -> None:
    script = """
import io, sys
sys.modules["pyarrow"] = None  # as where it is not installed
from deedbook.errors import InvalidInput
from deedbook.queries.exports import Relation
from deedbook.queries.parquet import write_parquet
try:
    write_parquet(Relation("none", (), lambda _: iter(())), None, io.BytesIO())
except InvalidInput as error:
    print(error.field, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=root / "src", capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("format install deedbook[parquet], or export CSV\n", "")
