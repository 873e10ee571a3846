"""Parquet files: relations written, a column of texts read. The one module that knows pyarrow, which is asked for when
there is such a file: it comes with `deedbook[parquet]`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import IO, Any, BinaryIO, Final

from deedbook.errors import InvalidFormat, InvalidInput
from deedbook.queries.exports import Cell, Kind, Relation
from deedbook.queries.rows import Reading

AT_ONCE: Final = 10_000
"""Rows of a row group that is written: what is in memory."""
READ_AT_ONCE: Final = 1_000
"""Rows that are read at a time, however long the file's row groups are."""
BUFFER: Final = 1 << 20
"""Bytes of a column that are read at a time."""
_TEXTS: Final = ("NONE", "STRING", "JSON")


def write_parquet(
    relation: Relation, mirror: Reading, sink: IO[bytes], *, notes: Callable[[], Mapping[str, str]] = dict
) -> int:
    """Writes a relation as a Parquet file; whole numbers as int64, flags as booleans, all else as text. `notes` are
    asked for behind the last row, and kept as the file's key-value metadata. Returns how many rows there were. Raises
    InvalidInput (`format`) where pyarrow is not installed."""
    arrow, parquet = _libraries("format", "export CSV")
    schema = arrow.schema([(each.name, _type(arrow, each.kind)) for each in relation.fields])
    rows, count = relation.rows(mirror), 0
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        while group := list(islice(rows, AT_ONCE)):
            writer.write_batch(arrow.record_batch(_arrays(arrow, schema, group), schema=schema))
            count += len(group)
        writer.add_key_value_metadata(dict(notes()))
    return count


def _arrays(arrow: Any, schema: Any, rows: Sequence[tuple[Cell, ...]]) -> list[Any]:
    columns = zip(*rows, strict=True)
    return [arrow.array(column, type=each.type) for column, each in zip(columns, schema, strict=True)]


def _type(arrow: Any, kind: Kind) -> Any:
    return {Kind.NUMBER: arrow.int64(), Kind.FLAG: arrow.bool_()}.get(kind, arrow.string())


def texts_in(file: BinaryIO, column: str, *, field: str = "file") -> Iterator[bytes]:
    """The texts of a column of a Parquet file, in the order of its rows, as their bytes; other columns are not read.

    Raises InvalidInput (`field`) where pyarrow is not installed; InvalidFormat for what is no whole Parquet file, for a
    column that is not there once or holds no text, and for a null, naming column and row (from 1).
    """
    arrow, parquet = _libraries(field, "give lines of JSON")
    with _readable(arrow, field, "is no whole Parquet file"):
        table = parquet.ParquetFile(
            file, pre_buffer=False, buffer_size=BUFFER, page_checksum_verification=True, arrow_extensions_enabled=False
        )
        _require_texts(table, column)
    batches, before = table.iter_batches(READ_AT_ONCE, columns=[column], use_threads=False), 0
    while True:
        with _readable(arrow, field, f"row {before + 1} or one of the next {READ_AT_ONCE}: is damaged"):
            batch = next(batches, None)
            if batch is None:
                return
            texts = batch.column(0).cast(arrow.large_binary()).to_pylist()
        for row, text in enumerate(texts, start=before + 1):
            if text is None:
                raise InvalidFormat(column, f"row {row}: is null", row=row)
            yield text
        before += len(texts)


def _require_texts(table: Any, column: str) -> None:
    """That there is one column of this name, and one text in each of its rows."""
    names = table.schema_arrow.names.count(column)
    if names != 1:
        raise InvalidFormat(column, f"the file has {'more than one' if names else 'no'} column of this name")
    leaves = (table.schema.column(at) for at in range(len(table.schema)))
    found = next((each for each in leaves if each.path == column), None)
    if found is None:
        raise InvalidFormat(column, "the column holds lists or structs, not text")
    kind = str(found.logical_type.type)
    if found.physical_type != "BYTE_ARRAY" or kind not in _TEXTS:
        raise InvalidFormat(column, f"the column holds {found.physical_type if kind == 'NONE' else kind}, not text")


@contextmanager
def _readable(arrow: Any, field: str, words: str) -> Iterator[None]:
    try:
        yield
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InvalidFormat(field, words) from error


def _libraries(field: str, instead: str) -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        hint = f"install deedbook[parquet], or {instead}"
        raise InvalidInput(field, "Parquet files need pyarrow, which is not here", hint=hint) from error
    return pyarrow, pyarrow.parquet
