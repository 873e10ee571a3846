"""Texts of a column of a Parquet file: whoever wrote it, in little memory; what is no such column is refused."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from deedbook.errors import DeedbookError, InvalidFormat
from deedbook.queries.parquet import READ_AT_ONCE, texts_in

TEXTS = ["a", "", "文 b", "c"]


def file_of(**columns: Any) -> io.BytesIO:
    return written(pyarrow.table(columns))


def written(table: Any, **how: Any) -> io.BytesIO:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink, **how)
    return sink


def refused(file: io.BytesIO) -> InvalidFormat:
    with pytest.raises(InvalidFormat) as found:
        list(texts_in(file, "consent"))
    return found.value


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.string(),
        pyarrow.large_string(),
        pyarrow.string_view(),
        pyarrow.binary(),
        pyarrow.large_binary(),
        pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        pyarrow.json_(pyarrow.string()),
    ],
    ids=str,
)
def test_texts_of_every_kind_are_read_and_other_columns_are_not(kind: Any) -> None:
    values = [text.encode() for text in TEXTS] if "binary" in str(kind) else TEXTS
    file = file_of(number=[1, 2, 3, 4], consent=pyarrow.array(values, kind), other=[None] * 4)
    assert list(texts_in(file, "consent")) == [text.encode() for text in TEXTS]


@pytest.mark.parametrize("group", [7, 100_000])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_row_groups_of_any_size_give_the_rows_in_their_order(group: int, compression: str) -> None:
    texts = [f"document {number}" for number in range(2 * READ_AT_ONCE + 3)]
    file = written(pyarrow.table({"consent": texts}), row_group_size=group, compression=compression)
    assert list(texts_in(file, "consent")) == [text.encode() for text in texts]


def test_a_row_group_of_any_length_is_read_in_little_memory() -> None:
    draw = random.Random(1988)
    texts = [draw.randbytes(1_000).hex() for _ in range(20_000)]
    file = written(pyarrow.table({"consent": texts}), row_group_size=len(texts), use_dictionary=False)
    before, most = pyarrow.total_allocated_bytes(), 0
    for expected, text in zip(texts, texts_in(file, "consent"), strict=True):
        assert text == expected.encode()
        most = max(most, pyarrow.total_allocated_bytes() - before)
    assert 0 < most < 8_000_000 < len(texts) * len(texts[0]) / 4


def test_no_row_is_no_text() -> None:
    assert list(texts_in(file_of(consent=pyarrow.array([], pyarrow.string())), "consent")) == []


WRONG: Sequence[tuple[Any, str]] = (
    (pyarrow.array([1, 2]), "INT64"),
    (pyarrow.array([b"ab", b"cd"], pyarrow.binary(2)), "FIXED_LEN_BYTE_ARRAY"),
    (pyarrow.array([["a"], ["b"]]), "lists or structs"),
    (pyarrow.array([{"a": "b"}, {"a": "c"}]), "lists or structs"),
    (pyarrow.nulls(2), "UNKNOWN"),
)


@pytest.mark.parametrize(("values", "kind"), WRONG, ids=[kind for _, kind in WRONG[:-2]] + ["structs", "nulls"])
def test_a_column_of_something_else_is_refused(values: Any, kind: str) -> None:
    error = refused(file_of(consent=values))
    assert (error.field, error.reason) == ("consent", f"the column holds {kind}, not text")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["x", "y"], "the file has no column of this name"),
        (["consent.a", "Consent"], "the file has no column of this name"),
        (["consent", "consent"], "the file has more than one column of this name"),
    ],
)
def test_the_column_is_there_once(names: list[str], words: str) -> None:
    error = refused(written(pyarrow.table([pyarrow.array(["a"])] * 2, names=names)))
    assert (error.field, error.reason) == ("consent", words)


def test_a_null_is_refused_by_its_row() -> None:
    texts: list[str | None] = [str(number) for number in range(READ_AT_ONCE + 10)]
    texts[READ_AT_ONCE + 4] = None
    error = refused(file_of(consent=texts))
    assert (error.field, error.fields["row"]) == ("consent", READ_AT_ONCE + 5)


@pytest.mark.parametrize("kept", [0, 3, 4, 11, 0.5, -1, -8])
def test_a_file_that_is_cut_short_is_refused(kept: float) -> None:
    whole = file_of(consent=TEXTS * 1000).getvalue()
    error = refused(io.BytesIO(whole[: int(kept * len(whole)) if kept == 0.5 else int(kept)]))
    assert (error.field, error.reason) == ("file", "is no whole Parquet file")


def test_damage_is_told_by_the_rows_that_it_is_near() -> None:
    texts = [str(number) * 40 for number in range(2 * READ_AT_ONCE)]
    how = {"row_group_size": READ_AT_ONCE, "write_page_checksum": True, "use_dictionary": False, "compression": "none"}
    damaged = bytearray(written(pyarrow.table({"consent": texts}), **how).getvalue())
    damaged[damaged.index(texts[READ_AT_ONCE + 500].encode())] ^= 1
    found = texts_in(io.BytesIO(bytes(damaged)), "consent")
    assert [next(found) for _ in range(READ_AT_ONCE)] == [text.encode() for text in texts[:READ_AT_ONCE]]
    with pytest.raises(InvalidFormat, match=f"row {READ_AT_ONCE + 1} or one of the next"):
        next(found)


def test_whatever_is_changed_in_a_file_is_a_refusal_or_a_text() -> None:
    """Nothing of pyarrow's gets through the door."""
    draw = random.Random(1988)
    whole = written(pyarrow.table({"consent": TEXTS * 50}), write_page_checksum=True).getvalue()
    refusals = 0
    for _ in range(300):
        changed = bytearray(whole)
        for _ in range(3):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        try:
            list(texts_in(io.BytesIO(bytes(changed)), "consent"))
        except DeedbookError:
            refusals += 1
    assert refusals > 100


def test_without_pyarrow_a_file_is_refused_with_a_hint(root: Path) -> None:
    script = """
import io, sys
sys.modules["pyarrow"] = None  # as where it is not installed
from deedbook.errors import InvalidInput
from deedbook.queries.parquet import texts_in
try:
    next(texts_in(io.BytesIO(b"PAR1"), "consent"))
except InvalidInput as error:
    print(error.field, error.hint)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=root / "src", capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("file install deedbook[parquet], or give lines of JSON\n", "")
