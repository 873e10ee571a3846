"""Relations as Parquet files. The one module that knows pyarrow, which is asked for when a file is written: it comes
with `deedbook[parquet]`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, BinaryIO, Final

from deedbook.errors import InvalidInput
from deedbook.queries.exports import Cell, Kind, Relation
from deedbook.queries.rows import Reading

AT_ONCE: Final = 10_000
"""Rows of a row group: what is in memory."""


def write_parquet(relation: Relation, mirror: Reading, sink: BinaryIO) -> int:
    """Writes a relation as a Parquet file; whole numbers as int64, flags as booleans, all else as text. Returns how
    many rows there were. Raises InvalidInput (`format`) where pyarrow is not installed."""
    arrow, parquet = _libraries()
    schema = arrow.schema([(each.name, _type(arrow, each.kind)) for each in relation.fields])
    rows, count = relation.rows(mirror), 0
    with parquet.ParquetWriter(sink, schema, compression="zstd") as writer:
        while group := list(islice(rows, AT_ONCE)):
            writer.write_batch(arrow.record_batch(_arrays(arrow, schema, group), schema=schema))
            count += len(group)
    return count


def _arrays(arrow: Any, schema: Any, rows: Sequence[tuple[Cell, ...]]) -> list[Any]:
    columns = zip(*rows, strict=True)
    return [arrow.array(column, type=each.type) for column, each in zip(columns, schema, strict=True)]


def _type(arrow: Any, kind: Kind) -> Any:
    return {Kind.NUMBER: arrow.int64(), Kind.FLAG: arrow.bool_()}.get(kind, arrow.string())


def _libraries() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        hint = "install deedbook[parquet], or export CSV"
        raise InvalidInput("format", "Parquet files need pyarrow, which is not here", hint=hint) from error
    return pyarrow, pyarrow.parquet
